//! `changegate sync`: brings to the shared log what waits in this clone, and what that has lost.

use std::process::ExitCode;

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::shared::args::AnswerFormat;
use super::shared::say::{FORBIDDEN, json, print};
use super::shared::site::SiteArgs;
use changegate::core::operations::event::Event;
use changegate::core::operations::message;
use changegate::execute::sync::{Synced, put_back, sync};

/// Bring to the operations log what waits in this clone
///
/// Events that couldn't be written when something was executed are kept here, signed, and so is the request of
/// an emergency that was executed offline: it is submitted first. So is what this
/// clone saw of the log and the remote's has lost since. Each is appended as it was signed.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate sync --dry-run
  changegate sync")]
pub struct SyncArgs {
    /// Print what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,

    /// The output format
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,

    #[command(flatten)]
    here: SiteArgs,
}

/// What `sync` did.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "Synchronization")]
pub struct SyncView {
    /// The changes that were submitted.
    pub submitted: Vec<String>,
    /// Those that couldn't be.
    pub unsubmitted: Vec<UnsubmittedChange>,
    /// The ids of the events that the log has now.
    pub brought: Vec<String>,
    /// The events that it can't take.
    pub refused: Vec<RefusedEvent>,
    /// Whether the remote's log had lost what was seen here.
    pub has_lost: bool,
}

/// A change whose request couldn't be submitted.
#[derive(Debug, Serialize, JsonSchema)]
pub struct UnsubmittedChange {
    /// The change's name.
    pub change: String,
    /// Why.
    pub why: String,
}

/// An event that the log can't take.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RefusedEvent {
    /// The event's id.
    pub id: String,
    /// Why.
    pub why: String,
}

/// Runs the verb.
pub fn run(args: &SyncArgs) -> anyhow::Result<ExitCode> {
    let git = args.here.git()?;
    let synced = sync(&git, args.dry_run)?;
    print(&match args.format {
        AnswerFormat::Json => json(&view(&synced))?,
        AnswerFormat::Text => text(&synced, args.dry_run, &git.branches.seen()),
    })?;
    let is_whole = synced.refused.is_empty() && synced.unsubmitted.is_empty();
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::from(FORBIDDEN) })
}

fn id(event: &Event) -> String {
    String::from(event.id().clone())
}

fn view(synced: &Synced) -> SyncView {
    let refused = synced.refused.iter();
    let unsubmitted = synced.unsubmitted.iter().cloned();
    let unsubmitted = unsubmitted.map(|(change, why)| UnsubmittedChange { change, why });
    SyncView {
        submitted: synced.submitted.clone(),
        unsubmitted: unsubmitted.collect(),
        brought: synced.brought.iter().map(id).collect(),
        refused: refused
            .map(|(event, why)| RefusedEvent { id: id(event), why: why.clone() })
            .collect(),
        has_lost: synced.has_lost,
    }
}

fn text(synced: &Synced, is_dry: bool, forgotten: &str) -> String {
    let title = |event: &Event| {
        let message = message::message(event);
        let title = message.lines().next().unwrap_or_default().to_owned();
        format!("{title} ({})", &id(event)[..10])
    };
    let mut text = String::new();
    if synced.has_lost {
        text += "the remote's log had lost what was seen here\n";
    }
    for name in &synced.submitted {
        text += &format!("{} {name}\n", if is_dry { "would submit" } else { "submitted" });
    }
    for (name, why) in &synced.unsubmitted {
        text += &format!("not submitted {name}: {why}\n");
    }
    for event in &synced.brought {
        text += &format!("{} {}\n", if is_dry { "would bring" } else { "brought" }, title(event));
    }
    for (event, why) in &synced.refused {
        text += &format!("refused {}: {why}\n", title(event));
    }
    if let Some(seen) = synced.stays_lost {
        text += &format!(
            "what was seen here isn't all in the log, so that nothing is decided in this clone; {}; where that is to \
             stay, forget here what was seen, `git update-ref -d {forgotten}`, and say what is missing with \
             `changegate record --help`\n",
            put_back(seen)
        );
    }
    if text.is_empty() { "nothing waits here\n".to_owned() } else { text }
}
