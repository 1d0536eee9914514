//! What verifying found.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::audit::Finding;
use crate::audit::ask::Asked;
use crate::audit::policies::Brought;
use crate::core::operations::around::Around;
use crate::core::record::explanation::Explained;
use crate::core::terms::TicketId;
use crate::core::time::Time;

/// What verifying found.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
#[schemars(title = "Verification")]
pub struct Verification {
    /// The origin line of the log.
    pub origin: String,
    /// The number of entries.
    pub entries: u64,
    /// The root of the tree over them.
    pub root: String,
    /// What was verified earlier, and not again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub earlier: Option<Earlier>,
    /// When the first entry was recorded.
    pub from: Option<Time>,
    /// When the last entry was recorded.
    pub to: Option<Time>,
    /// The number of entries of each kind.
    pub kinds: BTreeMap<String, u64>,
    /// The number of entries by who signed them.
    pub signed: SignedCounts,
    /// Changes of the keys of services after the beginning.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<KeyChange>,
    /// Results of making the decisions again.
    pub replayed: Replayed,
    /// The number of entries whose evidence wasn't compared with all that Git could show: commits of
    /// their pull requests that never reached a branch aren't here.
    pub partial: u64,
    /// What went around the gate, and is recorded as such.
    pub bypasses: Vec<Bypass>,
    /// What was taken out of the evidence, as a change of policies allowed.
    pub erased: Vec<Gone>,
    /// The branches, and the commits up to which they are accounted for.
    pub bases: BTreeMap<String, String>,
    /// The number of checkpoints that the log continues: those in merges and reviews, and from outside.
    pub anchors: usize,
    /// The witness that was the last to cosign a checkpoint that the log continues.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub witnessed: Option<Witness>,
    /// The operations log, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operations: Option<Acts>,
    /// What asking the forge again came to, where it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<Asked>,
    /// What isn't as it has to be.
    pub findings: Vec<Finding>,
    /// What is newer than this program and could not be verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newer: Option<String>,
}

/// The operations log, walked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Acts {
    /// Its tip.
    pub tip: String,
    /// Its last commit that holds.
    pub last: String,
    /// The number of events that hold.
    pub events: u64,
    /// The commits that don't count.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub foreign: Vec<Foreign>,
    /// The changes of which something may have gone around the rules.
    #[serde(skip_serializing_if = "BTreeSet::is_empty", default)]
    pub suspected: BTreeSet<TicketId>,
    /// What went around the rules.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub went_around: Vec<WentAround>,
    /// When the latest event was made that was written at once.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub latest: Option<Time>,
    /// The last entry that says where the log was, and what it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub witnessed: Option<Saw>,
}

/// An execution that went around the rules.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct WentAround {
    /// The change.
    pub change: TicketId,
    /// How.
    #[serde(flatten)]
    pub how: Around,
}

/// A commit of the operations log that doesn't count.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Foreign {
    /// The commit.
    pub commit: String,
    /// Why.
    pub why: String,
}

/// What an entry says of the operations log.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Saw {
    /// The index of the entry.
    pub index: u64,
    /// Where the log was.
    pub tip: String,
}

/// How many entries are signed, and by whom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct SignedCounts {
    /// By services.
    pub services: u64,
    /// By people.
    pub people: u64,
    /// By nobody.
    pub nobody: u64,
}

/// A change of the keys of services.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct KeyChange {
    /// The index of its entry.
    pub index: u64,
    /// The fingerprints of the keys that may sign from then on.
    pub added: Vec<String>,
    /// The fingerprints of those that may not any more.
    pub removed: Vec<String>,
    /// The index of the entry that brought the settings that say so.
    pub brought_by: u64,
    /// Who signed it.
    pub signed_by: String,
}

/// What was verified earlier.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Earlier {
    /// The number of entries.
    pub entries: u64,
    /// When the last of them were verified.
    pub at: Time,
    /// The program that did it: its name and version.
    pub program: String,
}

/// How many decisions were made again, and with which result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Replayed {
    /// Byte for byte the same.
    pub exact: u64,
    /// Equal in all that counts, by a program that decides otherwise in details.
    pub equivalent: u64,
    /// Another decision.
    pub different: u64,
    /// Not possible.
    pub impossible: u64,
    /// Not possible, because what it rests on holds a credential and isn't kept.
    pub withheld: u64,
    /// Not possible, because some of what it rests on was erased.
    pub erased: u64,
}

/// A witness that cosigned a checkpoint.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Witness {
    /// Its name.
    pub by: String,
    /// When.
    pub at: Time,
}

/// A file that was taken out of the evidence.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Gone {
    /// The index of the entry that rests on it.
    pub index: u64,
    /// Its name.
    pub name: String,
    /// The index of the entry that took it out.
    pub by: u64,
}

/// A recorded bypass.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Bypass {
    /// The index of its entry.
    pub index: u64,
    /// The id of its entry.
    pub entry: String,
    /// The commit on the branch.
    pub commit: String,
    /// The branch.
    pub branch: String,
    /// Why it is one.
    pub because: String,
    /// Who brought it, as far as that is known.
    pub by: Option<String>,
    /// The address that the commit claims to be from, where that isn't known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claims: Option<String>,
    /// The policies that it brought, if it changed them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policies: Option<Brought>,
    /// What was said about it later.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub explanations: Vec<Explained>,
}
