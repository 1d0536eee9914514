//! Who is who, who owns what.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Date, Level};
use crate::request::Login;

/// Who is who, who owns what.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Roster")]
pub struct Roster {
    /// When the data were last reviewed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reviewed: Option<Date>,
    /// Everybody, by forge login.
    pub people: BTreeMap<Login, Person>,
    /// Teams by name.
    #[serde(default)]
    pub teams: BTreeMap<String, Team>,
    /// Services by name.
    #[serde(default)]
    pub services: BTreeMap<String, Service>,
}

impl Roster {
    /// The services that this person owns.
    pub fn owned_by<'a>(&'a self, login: &'a Login) -> impl Iterator<Item = &'a str> {
        self.services
            .iter()
            .filter(move |(_, service)| service.owners.contains(login))
            .map(|(name, _)| name.as_str())
    }
}

/// A person.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Operator level; without one a person can submit, and needs what an L1 needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// The team, one of `teams`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// Roles such as `devops-lead` or `incident-commander`; service owners stand under `services`.
    #[serde(default)]
    #[schemars(example = ["devops-lead"])]
    pub roles: Vec<String>,
    /// Email addresses that map commits to this person.
    #[serde(default)]
    #[schemars(example = ["alice@acme.example"])]
    pub emails: Vec<String>,
    /// The forge's numeric id, as text; on GitHub nobody can approve without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = "103", regex(pattern = "^[0-9]+$"))]
    pub id: Option<String>,
    /// SSH public keys that this person signs with.
    #[serde(default)]
    #[schemars(example = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI... alice"])]
    pub keys: Vec<String>,
}

/// A team.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Team {
    /// The forge's team whose members belong to it, `organisation/team`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = "acme/payments")]
    pub forge_team: Option<String>,
}

/// A service.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Who signs for it.
    #[schemars(length(min = 1), example = ["bob", "dan"])]
    pub owners: Vec<Login>,
    /// The team that runs it, one of `teams`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// Targets that belong to it: an action on one affects the service.
    #[serde(default)]
    #[schemars(example = ["eu-west-1"])]
    pub targets: Vec<String>,
}
