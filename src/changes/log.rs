//! The audit trail.

use schemars::JsonSchema;
use serde::Serialize;

use super::story::{HistoryEvent, State, Story};

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
    /// Whether the change is open, merged or closed.
    pub state: State,
    /// What is or was to be done; of a policy change, the title of its first commit.
    pub summary: Option<String>,
    /// What happened, the oldest first.
    pub events: Vec<HistoryEvent>,
}

impl From<Story> for LogEntry {
    fn from(story: Story) -> Self {
        LogEntry {
            state: story.status.state,
            summary: story.summary,
            change: story.name,
            events: story.events,
        }
    }
}
