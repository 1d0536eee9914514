//! What events about incidents say.

use serde::{Deserialize, Serialize};

pub use crate::terms::Pauses;
use crate::terms::{Login, Name, Severity};
use crate::time::Time;

/// An escalation.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Escalated {
    /// How severe the incident is.
    pub severity: Severity,
    /// What it pauses.
    pub pauses: Pauses,
}

/// An approval that somebody heard.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Commander {
    /// The incident commander.
    pub who: Login,
    /// Where: a channel.
    pub heard: String,
    /// When.
    pub heard_at: Time,
}

/// An incident.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Opened {
    /// How severe it is.
    pub severity: Severity,
    /// The services that it affects.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<Name>,
    /// Who commands it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commander: Option<Login>,
    /// What it pauses.
    pub pauses: Pauses,
    /// What is wrong.
    pub summary: String,
}

impl Opened {
    /// Returns the incident after an update: what that names is another one.
    #[must_use]
    pub fn with(&self, update: &Updated) -> Self {
        let update = update.clone();
        Opened {
            severity: update.severity.unwrap_or(self.severity),
            services: update.services.unwrap_or_else(|| self.services.clone()),
            commander: update.commander.or_else(|| self.commander.clone()),
            pauses: update.pauses.unwrap_or(self.pauses),
            summary: update.summary.unwrap_or_else(|| self.summary.clone()),
        }
    }
}

/// What is another one from now on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Updated {
    /// How severe the incident is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// The services that it affects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub services: Option<Vec<Name>>,
    /// Who commands it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commander: Option<Login>,
    /// What it pauses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pauses: Option<Pauses>,
    /// What is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Anything that a later reader should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// The end of an incident.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Resolved {
    /// Anything that a later reader should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}
