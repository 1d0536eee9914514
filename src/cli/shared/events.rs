//! What the verbs share that write to the operations log.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use schemars::JsonSchema;
use serde::Serialize;

use super::args::{AnswerFormat, NowArg};
use super::here::HereArgs;
use super::judges::judges;
use super::say::{done, json};
use changegate::content::request_with_id;
use changegate::core::operations::message;
use changegate::core::request::ChangeRequest;
use changegate::core::terms::{Login, TicketId};
use changegate::execute::{Author, Written};
use changegate::forge::git::Git;
use changegate::gate::judge::Judge;
use changegate::git::Repo;

/// A repository with its operations log, both up to date.
pub struct Site {
    /// The forge.
    pub git: Git,
    /// The judge by the policies at the tip of the base.
    pub judge: Judge,
}

impl Site {
    /// Opens the repository around this folder.
    ///
    /// # Errors
    /// When there is none, or its remote can't be reached.
    pub fn open(args: &HereArgs) -> anyhow::Result<Self> {
        let branches = args.branches(Repo::discover(Path::new("."))?)?;
        // The base afterwards: events are judged by its commits.
        if !args.no_fetch {
            branches.refresh_operations()?;
        }
        let git = args.open()?;
        let judge = judges()?.at(git.repo(), git.base()?)?;
        Ok(Site { git, judge })
    }

    /// Opens it as it was fetched last, without saying how old that is.
    ///
    /// # Errors
    /// When there is none.
    pub fn open_quietly(args: &HereArgs) -> anyhow::Result<Self> {
        let branches = args.branches(Repo::discover(Path::new("."))?)?;
        let git = Git::new(branches, args.base.clone())?;
        let judge = judges()?.at(git.repo(), git.base()?)?;
        Ok(Site { git, judge })
    }

    /// Fetches again.
    ///
    /// # Errors
    /// When the remote can't be reached.
    pub fn refresh(&self) -> anyhow::Result<()> {
        self.git.branches.refresh_operations()?;
        self.git.branches.refresh()
    }

    /// Returns who writes events here.
    ///
    /// # Errors
    /// When it isn't clear who that is.
    pub fn author(&self, on_behalf: Option<Login>) -> anyhow::Result<Author<'_>> {
        Author::here(&self.git, &self.judge.bundle().org, on_behalf, NowArg::present)
    }

    /// Returns the request with an id on the base.
    ///
    /// # Errors
    /// When there is none that can be read.
    pub fn request(&self, id: &TicketId) -> anyhow::Result<ChangeRequest> {
        let base = self.git.base()?;
        let found = request_with_id(self.git.repo(), base, id)?;
        let (_, file) = found.with_context(|| {
            format!(
                "there is no request {id} on {}: `changegate list --state all` shows what there is",
                self.git.base_ref
            )
        })?;
        file.request.with_context(|| format!("the request {id} can't be read"))
    }
}

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
    fn of(written: &Written) -> Self {
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

/// Prints what was written. If it can't be printed, it is written all the same.
pub fn say(written: &[Written], format: AnswerFormat) -> anyhow::Result<ExitCode> {
    let receipts = Receipts { events: written.iter().map(EventReceipt::of).collect() };
    done(&match format {
        AnswerFormat::Json => json(&receipts)?,
        AnswerFormat::Text => written.iter().map(line).collect(),
    });
    Ok(ExitCode::SUCCESS)
}

/// Returns an event as one line for people: what its commit's title says, and the event's id.
fn line(written: &Written) -> String {
    let text = message::message(&written.event);
    let title = text.lines().next().unwrap_or_default();
    let id = String::from(written.event.id().clone());
    format!("recorded {title} ({})\n", &id[..10])
}
