//! Audits: proves from a repository alone that what was recorded is true, and that nothing is missing.
//!
//! Nothing here knows a forge: who can ask one is handed in, and only [`ask`] makes use of that. What is wrong is a [`Finding`]; an `Err` means that it could not be
//! checked.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::time::Time;

pub mod anchor;
pub mod ask;
pub mod bundle;
pub mod case;
pub mod controls;
pub mod coverage;
pub mod entries;
pub mod export;
pub mod find;
pub mod log;
pub mod policies;
pub mod population;
pub mod replay;
pub mod sample;
pub mod show;
pub mod verify;
pub mod witness;

/// A period, from its first instant to the one after its last. An end that is left out is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Period {
    /// The first instant.
    pub since: Option<Time>,
    /// The first instant after.
    pub until: Option<Time>,
}

impl Period {
    /// Whether nothing of the period is before what began at an instant; a period without a first
    /// instant begins there.
    pub fn is_within(&self, begin: Time) -> bool {
        self.since.is_none_or(|since| begin <= since)
            && self.until.is_none_or(|until| begin < until)
    }

    /// Whether some of a time is within the period: from its first instant to its last; `None` if that
    /// isn't known.
    pub fn meets(&self, from: Time, to: Option<Time>) -> bool {
        self.until.is_none_or(|until| from < until)
            && self.since.zip(to).is_none_or(|(since, to)| since <= to)
    }

    /// Whether an instant is within the period.
    pub fn holds(&self, at: Time) -> bool {
        self.since.is_none_or(|since| since <= at) && self.until.is_none_or(|until| at < until)
    }
}

/// A step of verifying, in the order in which they are taken.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// The objects: each can be read, and holds what its id says.
    Objects,
    /// The line of commits: each holds an entry and nothing else.
    Line,
    /// The statements: canonical, of this log, each once.
    Statement,
    /// The Merkle tree, the state and the checkpoints.
    Tree,
    /// Who signed the entries.
    Signature,
    /// When they were made.
    Time,
    /// What they rest on.
    Material,
    /// Where that comes from.
    Provenance,
    /// The decisions, made again.
    Decision,
    /// Whether everything that reached the protected branches is recorded.
    Coverage,
    /// Checkpoints from outside.
    Anchors,
    /// What the forge tells when it is asked again.
    Forge,
    /// The operations log: it goes on from where entries saw it, and the policies approved what was begun.
    Operations,
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Step::Objects => "objects",
            Step::Line => "line",
            Step::Statement => "statement",
            Step::Tree => "tree",
            Step::Signature => "signature",
            Step::Time => "time",
            Step::Material => "material",
            Step::Provenance => "provenance",
            Step::Decision => "decision",
            Step::Coverage => "coverage",
            Step::Anchors => "anchors",
            Step::Forge => "forge",
            Step::Operations => "operations",
        })
    }
}

/// Something that isn't as it has to be.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Finding {
    /// The step that found it.
    pub step: Step,
    /// The index of the entry concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
    /// The commit concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// What is wrong, and what it means.
    pub message: String,
}
