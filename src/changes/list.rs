//! The list of changes.

use schemars::JsonSchema;
use serde::Serialize;

use super::entry::ListEntry;
use super::going_on::GoingOn;
use super::records::Records;
use super::story::Stories;
use crate::core::time::Time;
use crate::git::Commit;

/// The changes of a repository.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(title = "Changes")]
pub struct ListView {
    /// The time that the list is for.
    pub now: Time,
    /// The branch that the changes go to.
    pub base: String,
    /// What goes on now: executions, incidents, debts, what isn't closed, and what is planned next; empty in
    /// a list of certain changes only, and where no operations log is kept.
    pub going_on: Vec<GoingOn>,
    /// The changes: open ones by urgency, then merged ones, then closed ones, the latest first.
    pub changes: Vec<ListEntry>,
    /// What reached that branch since the ledger covers it and is recorded nowhere, the oldest first.
    pub unrecorded: Vec<Unrecorded>,
}

/// A commit that is recorded nowhere.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Unrecorded {
    /// The commit.
    pub commit: String,
    /// Its date.
    pub at: Time,
    /// Who made it, or who it claims to be from.
    pub by: String,
    /// The first line of its message.
    pub title: String,
}

impl Unrecorded {
    /// Returns the commits that the ledger lacks.
    pub fn of(records: &Records, stories: &Stories<'_>) -> Vec<Self> {
        let one = |commit: &Commit| Unrecorded {
            commit: commit.id.to_string(),
            at: commit.time,
            by: stories.who(commit),
            title: commit.title().to_owned(),
        };
        records.unrecorded.iter().map(one).collect()
    }
}
