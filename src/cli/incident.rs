//! `changegate incident`: opens, updates and resolves incidents, and shows them.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;

use super::shared::args::AnswerFormat;
use super::shared::events::{Site, say};
use super::shared::here::HereArgs;
use super::shared::say::{json, print};
use changegate::core::operations::event::About;
use changegate::core::operations::kinds::{Opened, Pauses, Resolved, Updated, What};
use changegate::core::operations::open::OpenIncident;
use changegate::core::terms::{Login, Name, Severity, TicketId, all_of};
use changegate::core::time::Time;
use changegate::execute::{Made, author};
use changegate::report::escape::terminal;

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
    here: HereArgs,
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

fn severity(text: &str) -> Result<Severity, String> {
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
    say(&written, common.format)
}

/// The incidents that are open.
#[derive(Serialize)]
struct Listed<'a> {
    incidents: &'a [OpenIncident],
}

fn list(args: &ListArgs) -> anyhow::Result<ExitCode> {
    let site = Site::open(&args.common.here)?;
    let log = author::read(&site.git)?;
    let incidents = log.as_ref().map_or(&[][..], |log| &log.open().incidents);
    match args.common.format {
        AnswerFormat::Json => print(&json(&Listed { incidents })?)?,
        AnswerFormat::Text if incidents.is_empty() => print("no incident is open\n")?,
        AnswerFormat::Text => print(&incidents.iter().map(line).collect::<String>())?,
    }
    Ok(ExitCode::SUCCESS)
}

fn line(it: &OpenIncident) -> String {
    let services = if it.services.is_empty() { "-".to_owned() } else { all_of(&it.services) };
    let commander = it.commander.as_ref().map_or_else(|| "nobody".to_owned(), ToString::to_string);
    format!(
        "{}  {}  since {} UTC  {}  commanded by {commander}{}\n",
        it.incident,
        word(it.severity),
        it.since.for_people(None),
        terminal(&services),
        match it.pauses {
            Pauses::None => "",
            Pauses::Services => ", pauses changes to its services",
            Pauses::All => ", pauses all changes",
        }
    )
}

fn word(severity: Severity) -> String {
    format!("{severity:?}")
}

/// An incident.
#[derive(Serialize)]
struct Shown<'a> {
    incident: &'a TicketId,
    #[serde(flatten)]
    is: &'a Opened,
    opened_at: Time,
    opened_by: String,
    resolved_at: Option<Time>,
    resolved_by: Option<String>,
}

fn show(args: &ShowArgs) -> anyhow::Result<ExitCode> {
    let site = Site::open(&args.common.here)?;
    let log = author::read(&site.git)?.context("there is no operations log yet")?;
    let life = log.life(About::Incident(&args.id))?;
    let unknown = || format!("the operations log has no incident {}", args.id);
    let it = life.incident.as_ref().with_context(unknown)?;
    let resolved = it.resolved.as_ref();
    let shown = Shown {
        incident: &args.id,
        is: &it.is,
        opened_at: it.opened.head.at,
        opened_by: it.opened.head.by.to_string(),
        resolved_at: resolved.map(|(at, _)| *at),
        resolved_by: resolved.map(|(_, by)| by.to_string()),
    };
    if args.common.format == AnswerFormat::Json {
        print(&json(&shown)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let open = OpenIncident {
        incident: args.id.clone(),
        severity: it.is.severity,
        services: it.is.services.clone(),
        pauses: it.is.pauses,
        commander: it.is.commander.clone(),
        since: shown.opened_at,
    };
    let mut text = line(&open) + "  " + &terminal(&it.is.summary) + "\n";
    if let (Some(at), Some(by)) = (shown.resolved_at, &shown.resolved_by) {
        text += &format!("  resolved by {by} at {} UTC\n", at.for_people(None));
    }
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}
