//! The answer of the policies to one input document.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::terms::{Effect, Level, Login, RiskTier};

/// The answer of the policies to one input document.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ruling {
    /// The findings of the rules.
    pub findings: Vec<RuledFinding>,
    /// The sign-offs that are required.
    pub required: Vec<Asked>,
    /// The risk tier; `None` for a change of policies.
    pub tier: Option<RiskTier>,
    /// Why it has that tier.
    pub tier_because: Vec<String>,
    /// The level that counts.
    pub level: Option<Level>,
}

/// A finding as a rule yields it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuledFinding {
    /// The code, `rule/short-name`.
    pub code: String,
    /// What it does to the verdict.
    pub effect: Effect,
    /// What is wrong.
    pub message: String,
    /// What to do about it; if left out, the help in METADATA applies.
    #[serde(default)]
    pub help: Option<String>,
    /// The part of the request concerned, as a JSON pointer.
    #[serde(default)]
    pub pointer: Option<String>,
    /// The controls that the rule serves; if left out, those in METADATA apply.
    #[serde(default)]
    pub controls: Vec<String>,
    /// If given, the finding applies only while sign-off is complete (true) or incomplete (false).
    #[serde(default)]
    pub signed: Option<bool>,
}

/// A sign-off that the policies require.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Asked {
    /// The kind of sign-off.
    #[serde(flatten)]
    pub what: Requirement,
    /// The number of different people who have to give it.
    #[serde(default = "one")]
    pub people: u8,
    /// The reason, in a phrase.
    #[serde(default)]
    pub because: Option<String>,
    /// The code of the finding while the sign-off is missing.
    #[serde(default = "missing")]
    pub code: String,
    /// The part of the request that requires it.
    #[serde(default)]
    pub pointer: Option<String>,
}

impl Asked {
    pub(in crate::core) fn is_level(&self) -> bool {
        matches!(self.what, Requirement::Level { .. })
    }

    /// Returns whether a person who fills it can fill no other such seat.
    pub(in crate::core) fn takes_a_person(&self) -> bool {
        matches!(self.what, Requirement::Role { .. } | Requirement::Owner { .. })
    }
}

fn one() -> u8 {
    1
}

fn missing() -> String {
    "signoff/missing".to_owned()
}

/// The kind of a required sign-off.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Requirement {
    /// Anyone who holds one of these levels.
    Level {
        /// The levels.
        any_of: Vec<Level>,
    },
    /// A person who holds this role, and signs for nothing else that takes a role.
    Role {
        /// The role.
        role: String,
    },
    /// An owner of this service, who signs for nothing else that takes a role.
    Owner {
        /// The service.
        service: String,
    },
    /// This person.
    Person {
        /// The person.
        user: Login,
    },
    /// An incident commander, who may fill a role, too.
    Commander,
}

/// Writes `L2 or L3`, `devops-lead`, `service-owner (checkout)`, `erin in person`,
/// `incident-commander`.
impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Requirement::Level { any_of } => {
                let levels: Vec<_> = any_of.iter().map(Level::to_string).collect();
                f.write_str(&levels.join(" or "))
            }
            Requirement::Role { role } => f.write_str(role),
            Requirement::Owner { service } => write!(f, "service-owner ({service})"),
            Requirement::Person { user } => write!(f, "{user} in person"),
            Requirement::Commander => f.write_str("incident-commander"),
        }
    }
}
