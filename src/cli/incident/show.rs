//! `changegate incident show`.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Common, line};
use crate::cli::shared::args::{AnswerFormat, NowArg};
use crate::cli::shared::caches::kept;
use crate::cli::shared::say::{json, print, width};
use crate::cli::shared::site::Site;
use changegate::changes::going_on::ChangeOfIncident;
use changegate::changes::progress::Executions;
use changegate::core::digest::to_json;
use changegate::core::operations::event::About;
use changegate::core::operations::kinds::{Pauses, Step};
use changegate::core::operations::life::Execution;
use changegate::core::operations::open::OpenIncident;
use changegate::core::terms::{Login, Name, Severity, TicketId, all_of};
use changegate::core::time::Time;
use changegate::operations::OPERATIONS;
use changegate::report::escape::terminal;
use changegate::report::hanging;

#[derive(Args, Debug)]
pub struct ShowArgs {
    /// The incident's id
    #[arg(value_name = "INC")]
    id: TicketId,

    #[command(flatten)]
    common: Common,
}

/// An incident.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "Incident")]
pub struct IncidentView {
    /// Its id.
    pub incident: TicketId,
    /// How severe it is.
    pub severity: Severity,
    /// The services that it affects.
    pub services: Vec<Name>,
    /// Who commands it; null if nobody was named.
    pub commander: Option<Login>,
    /// What it pauses; nothing any more once it is resolved.
    pub pauses: Pauses,
    /// What is wrong.
    pub summary: String,
    /// When it was opened.
    pub opened_at: Time,
    /// By whom: a login, or `machine:` and a name.
    pub opened_by: String,
    /// When it was resolved; null if it is open.
    pub resolved_at: Option<Time>,
    /// By whom; null if it is open.
    pub resolved_by: Option<String>,
    /// The changes that led to it, or answer it, of which something was executed.
    pub changes: Vec<ChangeOfIncident>,
    /// What was read under it alone.
    pub executions: Vec<ExecutedView>,
}

/// What was read under an incident alone.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ExecutedView {
    /// The id of its beginning.
    pub execution: String,
    /// What was read.
    pub steps: Vec<Step>,
    /// By whom: a login, or `machine:` and a name.
    pub by: String,
    /// The person for whom a machine did it.
    #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
    pub on_behalf: Option<Login>,
    /// Since when.
    pub since: Time,
    /// How it ended: `done`, `failed`, `stopped` or `unknown`; null as long as nobody has said.
    pub result: Option<String>,
    /// When it ended; null as long as nobody has said.
    pub ended_at: Option<Time>,
}

impl ExecutedView {
    fn of(it: &Execution) -> Self {
        let result = it.result().and_then(|it| to_json(&it).as_str().map(str::to_owned));
        ExecutedView {
            execution: String::from(it.begin.id.clone()),
            steps: it.begin.what.steps.clone(),
            by: it.begin.head.by.to_string(),
            on_behalf: it.begin.head.on_behalf.clone(),
            since: it.begin.head.at,
            result,
            ended_at: it.end.as_ref().map(|end| end.head.at),
        }
    }

    fn line(&self) -> String {
        let what = self.steps.iter().map(|step| format!("{} on {}", step.action, step.target));
        let what = all_of(&what.collect::<Vec<_>>());
        let on_behalf = self.on_behalf.as_ref().map(|login| format!(" for {login}"));
        let on_behalf = on_behalf.unwrap_or_default();
        let result = self.result.as_deref().unwrap_or("running");
        let since = self.since.for_people(None);
        let id = &self.execution[..10];
        let text = format!("by {}{on_behalf} since {since} UTC, {result} ({id})", self.by);
        hanging(&format!("  {what}  "), &text, width())
    }
}

/// Runs the verb.
pub fn run(args: &ShowArgs) -> anyhow::Result<ExitCode> {
    let site = Site::open_to_look(&args.common.here)?;
    let log = site.git.operations()?.with_context(|| {
        format!("there is no {OPERATIONS} yet: begin it with `changegate init --operations`")
    })?;
    let life = log.life(About::Incident(&args.id))?;
    let unknown = || {
        format!("there is no incident {}: `changegate incident list` shows the open ones", args.id)
    };
    let it = life.incident.as_ref().with_context(unknown)?;
    let resolved = it.resolved.as_ref();
    let org = &site.judge.bundle().org;
    let executions = Executions::of(&site.git, org, NowArg::present(), kept(&site.git))?;
    let shown = IncidentView {
        incident: args.id.clone(),
        severity: it.is.severity,
        services: it.is.services.clone(),
        commander: it.is.commander.clone(),
        pauses: if resolved.is_some() { Pauses::None } else { it.is.pauses },
        summary: it.is.summary.clone(),
        opened_at: it.opened.head.at,
        opened_by: it.opened.head.by.to_string(),
        resolved_at: resolved.map(|(at, _)| *at),
        resolved_by: resolved.map(|(_, by)| by.to_string()),
        changes: executions.of_incident(&site.git, &args.id)?,
        executions: life.executions.iter().filter(|it| !it.is_void).map(ExecutedView::of).collect(),
    };
    if args.common.format == AnswerFormat::Json {
        print(&json(&shown)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let open = OpenIncident {
        incident: args.id.clone(),
        severity: it.is.severity,
        services: it.is.services.clone(),
        pauses: shown.pauses,
        commander: it.is.commander.clone(),
        paused_by: it.paused_by.clone(),
        since: shown.opened_at,
    };
    let mut text = line(&open) + &hanging("  ", &terminal(&it.is.summary), width());
    if let (Some(at), Some(by)) = (shown.resolved_at, &shown.resolved_by) {
        text += &format!("  resolved by {by} at {} UTC\n", at.for_people(None));
    }
    text.extend(shown.changes.iter().map(|it| {
        let beginning = format!("  {}  {}  ", it.change, it.state);
        hanging(&beginning, &terminal(&it.told), width())
    }));
    text.extend(shown.executions.iter().map(ExecutedView::line));
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}
