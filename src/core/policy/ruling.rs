//! What the policies say about one input document.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::terms::{Effect, Level, Login, RiskTier};

/// What the policies say about one input document.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ruling {
    /// What the rules have to say.
    pub findings: Vec<RuledFinding>,
    /// The sign-offs that are required.
    pub required: Vec<Asked>,
    /// The risk tier; none for a change of policies.
    pub tier: Option<RiskTier>,
    /// Why it is that tier.
    pub tier_because: Vec<String>,
    /// The level that counts.
    pub level: Option<Level>,
}

/// A finding as a rule yields it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuledFinding {
    /// `rule/short-name`.
    pub code: String,
    /// What it does to the verdict.
    pub effect: Effect,
    /// What is the matter.
    pub message: String,
    /// What to do about it; METADATA's help if it is left out.
    #[serde(default)]
    pub help: Option<String>,
    /// The part of the request that it is about.
    #[serde(default)]
    pub pointer: Option<String>,
    /// The controls that the rule serves; METADATA's if they are left out.
    #[serde(default)]
    pub controls: Vec<String>,
    /// If given, the finding stands only while sign-off is complete (true) or isn't (false).
    #[serde(default)]
    pub signed: Option<bool>,
}

/// A sign-off that the policies ask for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Asked {
    /// Of what kind.
    #[serde(flatten)]
    pub what: Requirement,
    /// By how many different people.
    #[serde(default = "one")]
    pub people: u8,
    /// Why, in a phrase.
    #[serde(default)]
    pub because: Option<String>,
    /// The code of the finding while it is missing.
    #[serde(default = "missing")]
    pub code: String,
    /// The part of the request that asks for it.
    #[serde(default)]
    pub pointer: Option<String>,
}

impl Asked {
    pub(in crate::core) fn is_level(&self) -> bool {
        matches!(self.what, Requirement::Level { .. })
    }

    /// Whether whoever fills it can fill no other such seat.
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

/// What kind of sign-off is required.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Requirement {
    /// Anyone who holds one of these levels.
    Level {
        /// The levels.
        any_of: Vec<Level>,
    },
    /// Someone who holds this role, and signs for nothing else that takes a role.
    Role {
        /// The role.
        role: String,
    },
    /// An owner of this service, likewise.
    Owner {
        /// The service.
        service: String,
    },
    /// This person.
    Person {
        /// The person.
        user: Login,
    },
    /// An incident commander, who may fill a role too.
    Commander,
}

/// `L2 or L3`, `devops-lead`, `service-owner (checkout)`, `erin in person`, `incident-commander`.
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
