//! The answer of the policies to one input document.

use std::fmt;

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::characters::is_blank;
use crate::terms::{Effect, Level, Login, RiskTier, one_of};

mod shape;

pub(super) use shape::{EFFECTS, Shape};

/// The answer of the policies to one input document.
#[derive(Clone, Debug, Deserialize, Serialize)]
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

/// Returns whether a text is a code: `rule/short-name`.
pub(super) fn is_code(text: &str) -> bool {
    let is_word = |word: &str| {
        let is_letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b);
        !word.is_empty() && word.bytes().all(is_letter)
    };
    text.split_once('/').is_some_and(|(rule, name)| is_word(rule) && is_word(name))
}

fn code<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let code = String::deserialize(deserializer)?;
    if is_code(&code) {
        return Ok(code);
    }
    Err(D::Error::custom(format!("`{code}` is not a code: write rule/short-name")))
}

fn message<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let message = String::deserialize(deserializer)?;
    if is_blank(&message) {
        return Err(D::Error::custom("its `message` is empty: say what is wrong"));
    }
    Ok(message)
}

/// A finding as a rule yields it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RuledFinding {
    /// The code, `rule/short-name`.
    #[serde(deserialize_with = "code")]
    pub code: String,
    /// What it does to the verdict.
    pub effect: Effect,
    /// What is wrong.
    #[serde(deserialize_with = "message")]
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
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(try_from = "WrittenAsked")]
pub struct Asked {
    /// The kind of sign-off.
    #[serde(flatten)]
    pub what: Requirement,
    /// The number of different people who have to give it, at least one.
    pub people: u8,
    /// The reason, in a phrase.
    pub because: Option<String>,
    /// The code of the finding while the sign-off is missing.
    pub code: String,
    /// The part of the request that requires it.
    pub pointer: Option<String>,
}

/// A required sign-off as a rule yields it: with the fields of its kind, and no others.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenAsked {
    kind: String,
    any_of: Option<Vec<Level>>,
    or_users: Option<Vec<Login>>,
    role: Option<String>,
    service: Option<String>,
    user: Option<Login>,
    #[serde(default = "one")]
    people: u8,
    because: Option<String>,
    #[serde(default = "missing", deserialize_with = "code")]
    code: String,
    pointer: Option<String>,
}

impl TryFrom<WrittenAsked> for Asked {
    type Error = String;

    fn try_from(written: WrittenAsked) -> Result<Self, String> {
        let WrittenAsked { kind, any_of, or_users, role, service, user, .. } = written;
        let WrittenAsked { people, because, code, pointer, .. } = written;
        let what = match (kind.as_str(), any_of, role, service, user) {
            ("level", Some(any_of), None, None, None) if !any_of.is_empty() => {
                Requirement::Level { any_of, or_users: or_users.unwrap_or_default() }
            }
            _ if or_users.is_some() => {
                return Err("`or_users` belongs to the kind `level`, beside `any_of`".to_owned());
            }
            ("role", None, Some(role), None, None) => Requirement::Role { role },
            ("owner", None, None, Some(service), None) => Requirement::Owner { service },
            ("person", None, None, None, Some(user)) => Requirement::Person { user },
            ("commander", None, None, None, None) => Requirement::Commander,
            ("level" | "role" | "owner" | "person" | "commander", ..) => {
                return Err(format!(
                    "the kind `{kind}` takes {}, and nothing of another kind",
                    match kind.as_str() {
                        "level" => "`any_of`, with at least one level",
                        "role" => "`role`",
                        "owner" => "`service`",
                        "person" => "`user`",
                        _ => "no name",
                    }
                ));
            }
            _ => {
                return Err(format!(
                    "`{kind}` is not a kind of sign-off: write level, role, owner, person or \
                     commander"
                ));
            }
        };
        if people == 0 {
            return Err("`people` is at least 1".to_owned());
        }
        Ok(Asked { what, people, because, code, pointer })
    }
}

impl Asked {
    pub(crate) fn is_level(&self) -> bool {
        matches!(self.what, Requirement::Level { .. })
    }

    /// Returns whether a person who fills it can fill no other such seat.
    pub(crate) fn takes_a_person(&self) -> bool {
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
    /// Anyone who holds one of these levels, or one of these people.
    Level {
        /// The levels.
        any_of: Vec<Level>,
        /// The people, whatever their level.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        or_users: Vec<Login>,
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

/// Writes `L2 or L3`, `alice, L2 or L3`, `devops-lead`, `service-owner (checkout)`, `erin in person`,
/// `incident-commander`.
impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Requirement::Level { any_of, or_users } => {
                let users = or_users.iter().map(Login::to_string);
                let all: Vec<_> = users.chain(any_of.iter().map(Level::to_string)).collect();
                f.write_str(&one_of(&all))
            }
            Requirement::Role { role } => f.write_str(role),
            Requirement::Owner { service } => write!(f, "service-owner ({service})"),
            Requirement::Person { user } => write!(f, "{user} in person"),
            Requirement::Commander => f.write_str("incident-commander"),
        }
    }
}
