//! The list of changes.

use schemars::JsonSchema;
use serde::Serialize;

use super::entry::ListEntry;
use crate::core::time::Time;

/// The changes of a repository.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(title = "Changes")]
pub struct ListView {
    /// The time that the list is for.
    pub now: Time,
    /// The branch that the changes go to.
    pub base: String,
    /// The changes: open ones by urgency, then merged ones, then closed ones, the latest first.
    pub changes: Vec<ListEntry>,
}
