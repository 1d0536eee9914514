//! `changegate incident`: opens, updates and resolves incidents, and shows them.

use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use clap::{Args, Subcommand, ValueEnum};
use schemars::JsonSchema;
use serde::Serialize;

use super::shared::args::AnswerFormat;
use super::shared::events::say;
use super::shared::logs::pause;
use super::shared::say::{json, print, width};
use super::shared::site::{Site, SiteArgs};
use changegate::core::digest::to_json;
use changegate::core::operations::event::About;
use changegate::core::operations::kinds::{Opened, Pauses, Resolved, Step, Updated, What};
use changegate::core::operations::life::Execution;
use changegate::core::operations::open::OpenIncident;
use changegate::core::terms::{Login, Name, Severity, TicketId, all_of};
use changegate::core::time::Time;
use changegate::execute::Made;
use changegate::operations::OPERATIONS;
use changegate::report::escape::terminal;
use changegate::report::hanging;

/// Open, update or resolve an incident, or show it
///
/// Anybody of the roster opens one, in one command and without a pull request. It can pause other
/// changes until it is resolved.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate incident open INC-042 --severity P1 --service checkout --summary \"checkout answers 503\"
  changegate incident update INC-042 --severity P2
  changegate incident resolve INC-042 --note \"the old primary is back\"
  changegate incident list")]
pub struct IncidentArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// Open an incident
    Open(OpenArgs),
    /// Change what is known of an incident
    Update(UpdateArgs),
    /// Say that an incident is over; what it pauses goes on
    Resolve(ResolveArgs),
    /// Show the incidents that are open
    List(ListArgs),
    /// Show an incident
    Show(ShowArgs),
}

#[derive(Args, Debug)]
struct Common {
    /// The output format
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,

    #[command(flatten)]
    here: SiteArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Pause {
    None,
    Services,
    All,
}

impl From<Pause> for Pauses {
    fn from(pause: Pause) -> Self {
        match pause {
            Pause::None => Pauses::None,
            Pause::Services => Pauses::Services,
            Pause::All => Pauses::All,
        }
    }
}

#[derive(Args, Debug)]
struct OpenArgs {
    /// The incident's id
    #[arg(value_name = "INC")]
    id: TicketId,

    /// How severe it is: P1 to P5
    #[arg(long, value_name = "P", value_parser = severity)]
    severity: Severity,

    /// A service that it affects; may be given more than once
    #[arg(long = "service", value_name = "NAME")]
    services: Vec<Name>,

    /// Who commands it
    #[arg(long, value_name = "LOGIN")]
    commander: Option<Login>,

    /// What it pauses: changes to its services, or all changes
    #[arg(long, value_enum, default_value = "none")]
    pauses: Pause,

    /// What is wrong
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    summary: String,

    #[command(flatten)]
    common: Common,
}

#[derive(Args, Debug)]
struct UpdateArgs {
    /// The incident's id
    #[arg(value_name = "INC")]
    id: TicketId,

    /// How severe it is now
    #[arg(long, value_name = "P", value_parser = severity)]
    severity: Option<Severity>,

    /// The services that it affects now; may be given more than once
    #[arg(long = "service", value_name = "NAME")]
    services: Vec<Name>,

    /// Who commands it now
    #[arg(long, value_name = "LOGIN")]
    commander: Option<Login>,

    /// What it pauses now
    #[arg(long, value_enum)]
    pauses: Option<Pause>,

    /// What is wrong
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    summary: Option<String>,

    /// Anything that a later reader should know
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    note: Option<String>,

    #[command(flatten)]
    common: Common,
}

#[derive(Args, Debug)]
struct ResolveArgs {
    /// The incident's id
    #[arg(value_name = "INC")]
    id: TicketId,

    /// Anything that a later reader should know
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    note: Option<String>,

    #[command(flatten)]
    common: Common,
}

#[derive(Args, Debug)]
struct ListArgs {
    #[command(flatten)]
    common: Common,
}

#[derive(Args, Debug)]
struct ShowArgs {
    /// The incident's id
    #[arg(value_name = "INC")]
    id: TicketId,

    #[command(flatten)]
    common: Common,
}

pub fn severity(text: &str) -> Result<Severity, String> {
    use serde::Deserialize as _;
    use serde::de::IntoDeserializer as _;
    use serde::de::value::{Error, StrDeserializer};
    let text: StrDeserializer<'_, Error> = text.into_deserializer();
    Severity::deserialize(text).map_err(|_| "a severity is P1, P2, P3, P4 or P5".to_owned())
}

/// Runs the verb.
pub fn run(args: &IncidentArgs) -> anyhow::Result<ExitCode> {
    match &args.verb {
        Verb::Open(args) => {
            ensure!(args.id.is_incident(), "{}: the id of an incident is written INC-123", args.id);
            let what = What::Opened(Opened {
                severity: args.severity,
                services: args.services.clone(),
                commander: args.commander.clone(),
                pauses: args.pauses.into(),
                summary: args.summary.clone(),
            });
            write(&args.id, what, &args.common)
        }
        Verb::Update(args) => {
            let what = What::Updated(Updated {
                severity: args.severity,
                services: (!args.services.is_empty()).then(|| args.services.clone()),
                commander: args.commander.clone(),
                pauses: args.pauses.map(Pauses::from),
                summary: args.summary.clone(),
                note: args.note.clone(),
            });
            write(&args.id, what, &args.common)
        }
        Verb::Resolve(args) => {
            let what = What::Resolved(Resolved { note: args.note.clone() });
            write(&args.id, what, &args.common)
        }
        Verb::List(args) => list(args),
        Verb::Show(args) => show(args),
    }
}

fn write(id: &TicketId, what: What, common: &Common) -> anyhow::Result<ExitCode> {
    let site = Site::open(&common.here)?;
    let made = Made::of_incident(id, what);
    let written = site.author(None)?.write(|_, _| Ok(vec![made.clone()]))?;
    say(&site, &written, common.format)
}

/// The incidents that are open.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "Incidents")]
pub struct IncidentsView {
    /// The incidents, in the order of their ids.
    pub incidents: Vec<OpenIncident>,
}

fn list(args: &ListArgs) -> anyhow::Result<ExitCode> {
    let site = Site::open_to_look(&args.common.here)?;
    let log = site.git.operations()?;
    let incidents = log.as_ref().map_or_else(Vec::new, |log| log.open().incidents.clone());
    let view = IncidentsView { incidents };
    print(&match args.common.format {
        AnswerFormat::Json => json(&view)?,
        AnswerFormat::Text if view.incidents.is_empty() => "no incident is open\n".to_owned(),
        AnswerFormat::Text => view.incidents.iter().map(line).collect(),
    })?;
    Ok(ExitCode::SUCCESS)
}

fn line(it: &OpenIncident) -> String {
    let services = match it.services.is_empty() {
        true => String::new(),
        false => format!(" affects {},", all_of(&it.services)),
    };
    let commander = it.commander.as_ref().map_or_else(|| "nobody".to_owned(), ToString::to_string);
    let pauses = pause(it.pauses).map(|what| format!(", {what}")).unwrap_or_default();
    let since = it.since.for_people(None);
    let text = format!("since {since} UTC,{services} commanded by {commander}{pauses}");
    hanging(&format!("{}  {}  ", it.incident, word(it.severity)), &terminal(&text), width())
}

fn word(severity: Severity) -> String {
    format!("{severity:?}")
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

fn show(args: &ShowArgs) -> anyhow::Result<ExitCode> {
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
    text.extend(shown.executions.iter().map(ExecutedView::line));
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}
