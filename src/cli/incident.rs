//! `changegate incident`: opens, updates and resolves incidents, and shows them.

use std::process::ExitCode;

use anyhow::ensure;
use clap::{Args, Subcommand, ValueEnum};
use schemars::JsonSchema;
use serde::Serialize;

use super::shared::args::{AnswerFormat, said};
use super::shared::events::say;
use super::shared::logs::pause;
use super::shared::say::{json, print, width};
use super::shared::site::{Site, SiteArgs};
use changegate::core::operations::kinds::{Opened, Pauses, Resolved, Updated, What};
use changegate::core::operations::open::OpenIncident;
use changegate::core::terms::{Login, Name, Severity, TicketId, all_of};
use changegate::execute::Made;
use changegate::report::escape::terminal;
use changegate::report::hanging;

mod show;

pub use show::IncidentView;
use show::ShowArgs;

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
#[command(after_help = "\
Examples:
  changegate incident open INC-042 --severity P1 --service checkout --summary \"checkout answers 503\"
  changegate incident open INC-043 --severity P2 --service portal --summary \"slow\" --pauses services")]
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
    #[arg(long, value_name = "TEXT", value_parser = said, allow_hyphen_values = true)]
    summary: String,

    #[command(flatten)]
    common: Common,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate incident update INC-042 --severity P2 --note \"half of the traffic is back\"
  changegate incident update INC-042 --commander carol --pauses none")]
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
    #[arg(long, value_name = "TEXT", value_parser = said, allow_hyphen_values = true)]
    summary: Option<String>,

    /// Anything that a later reader should know
    #[arg(long, value_name = "TEXT", value_parser = said, allow_hyphen_values = true)]
    note: Option<String>,

    #[command(flatten)]
    common: Common,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate incident resolve INC-042 --note \"the old primary is back\"")]
struct ResolveArgs {
    /// The incident's id
    #[arg(value_name = "INC")]
    id: TicketId,

    /// Anything that a later reader should know
    #[arg(long, value_name = "TEXT", value_parser = said, allow_hyphen_values = true)]
    note: Option<String>,

    #[command(flatten)]
    common: Common,
}

#[derive(Args, Debug)]
struct ListArgs {
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
        Verb::Show(args) => show::run(args),
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
