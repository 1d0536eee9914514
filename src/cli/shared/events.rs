//! What the verbs say that write to the operations log.

use std::process::ExitCode;

use schemars::JsonSchema;
use serde::Serialize;

use super::args::{AnswerFormat, NowArg};
use super::next::next;
use super::say::{done, json};
use super::site::Site;
use changegate::core::operations::around::Around;
use changegate::core::operations::message;
use changegate::execute::Written;

/// An event that was written.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(title = "Event")]
pub struct EventReceipt {
    /// The change that it is about, or null.
    pub change: Option<String>,
    /// The incident that it is about, or to which the change led, or null.
    pub incident: Option<String>,
    /// The kind of event.
    pub event: &'static str,
    /// The event's id.
    pub id: String,
    /// Who wrote it.
    pub by: String,
    /// When, in UTC.
    pub at: String,
    /// Its commit on the log's branch.
    pub commit: String,
}

impl EventReceipt {
    /// Returns what is said of an event.
    pub fn of(written: &Written) -> Self {
        let (event, head) = (&written.event, written.event.head());
        EventReceipt {
            change: head.change.as_ref().map(ToString::to_string),
            incident: head.incident.as_ref().map(ToString::to_string),
            event: event.what().name(),
            id: String::from(event.id().clone()),
            by: head.by.to_string(),
            at: head.at.to_string(),
            commit: written.commit.to_string(),
        }
    }
}

/// What a verb wrote.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(title = "Events")]
pub struct Receipts {
    /// The events, in order.
    pub events: Vec<EventReceipt>,
}

/// Prints what was written, and for people what comes next for the change. If it can't be printed, it is
/// written all the same.
pub fn say(site: &Site, written: &[Written], format: AnswerFormat) -> anyhow::Result<ExitCode> {
    let receipts = Receipts { events: written.iter().map(EventReceipt::of).collect() };
    done(&match format {
        AnswerFormat::Json => json(&receipts)?,
        AnswerFormat::Text => {
            let about = written.last().and_then(|it| it.event.head().change.as_ref());
            let org = &site.judge.bundle().org;
            let next = about.map(|id| next(&site.git, org, id, NowArg::present()));
            written.iter().map(line).collect::<String>() + &next.unwrap_or_default()
        }
    });
    Ok(ExitCode::SUCCESS)
}

/// Returns what went around the rules as people read it, with its code.
pub fn told(around: &Around) -> String {
    format!("{}: {}", around.code, around.message)
}

/// Returns an event as one line for people: what its commit's title says, and the event's id.
fn line(written: &Written) -> String {
    let text = message::message(&written.event);
    let title = text.lines().next().unwrap_or_default();
    let id = String::from(written.event.id().clone());
    format!("recorded {title} ({})\n", &id[..10])
}
