//! The audit trail.

use schemars::JsonSchema;
use serde::Serialize;

use super::story::{HistoryEvent, State, Story};

/// The audit trail.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(title = "Audit trail")]
pub struct LogView {
    /// The changes, those with the latest events first.
    pub changes: Vec<LogEntry>,
}

/// A change, and what happened to it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct LogEntry {
    /// What it is called.
    pub change: String,
    /// Open, merged or closed.
    pub state: State,
    /// What is or was to be done; null if the change is one of policies.
    pub summary: Option<String>,
    /// What happened, the oldest first.
    pub events: Vec<HistoryEvent>,
}

impl From<Story> for LogEntry {
    fn from(story: Story) -> Self {
        LogEntry {
            state: story.status.state,
            summary: story.request.and_then(|request| request.summary),
            change: story.name,
            events: story.events,
        }
    }
}
