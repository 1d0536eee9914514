//! The audit trail.

use schemars::JsonSchema;
use serde::Serialize;

use super::story::{HistoryEvent, Story};
use crate::core::operations::state::State;

/// The audit trail.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(title = "Audit trail")]
pub struct LogView {
    /// The changes, the one with the latest event first.
    pub changes: Vec<LogEntry>,
}

/// A change, and what happened to it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct LogEntry {
    /// The change's name.
    pub change: String,
    /// Where the change is, from its submission to its outcome: of one that is being amended, its merged
    /// version.
    pub state: State,
    /// What is or was to be done; of a policy change, the title of its first commit.
    pub summary: Option<String>,
    /// What happened, the oldest first.
    pub events: Vec<HistoryEvent>,
}

impl LogEntry {
    /// Returns the entry of a change in this state.
    pub fn of(story: Story, state: State) -> Self {
        LogEntry { state, summary: story.summary, change: story.name, events: story.events }
    }
}
