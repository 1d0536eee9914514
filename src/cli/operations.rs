//! `changegate operations`: shows the operations log, and corrects what it holds.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::Value;

use super::shared::args::AnswerFormat;
use super::shared::events::{Site, say};
use super::shared::here::HereArgs;
use super::shared::say::{json, print};
use changegate::core::operations::event::{About, Event};
use changegate::core::operations::kinds::{Voided, Voids, What};
use changegate::core::operations::message;
use changegate::core::record::parts::Hex;
use changegate::core::terms::TicketId;
use changegate::execute::{Made, author};
use changegate::operations::{Log, OPERATIONS};

/// Show what people and pipelines did, or take back what counts no more
///
/// Nothing is ever deleted: what is void stays in the log, with who said so and why.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate operations show               what is open now
  changegate operations show CHG-1234      all events of a change
  changegate operations void 9f2c41d0b7 --why \"recorded for the wrong change\"")]
pub struct OperationsArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// Show all events of a change or an incident, or what is open
    Show(ShowArgs),
    /// Say that an outcome, an execution or a debt counts no more
    Void(VoidArgs),
}

#[derive(Args, Debug)]
struct ShowArgs {
    /// The change's or incident's id; what is open if left out
    #[arg(value_name = "ID")]
    id: Option<TicketId>,

    /// The output format
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,

    #[command(flatten)]
    here: HereArgs,
}

#[derive(Args, Debug)]
struct VoidArgs {
    /// The id of the event: the outcome, or the beginning of the execution; its first digits are enough
    #[arg(value_name = "EVENT")]
    event: String,

    /// Take back the debt under break-glass, and not the execution
    #[arg(long)]
    debt: bool,

    /// Why
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    why: String,

    /// The output format
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,

    #[command(flatten)]
    here: HereArgs,
}

/// Runs the verb.
pub fn run(args: &OperationsArgs) -> anyhow::Result<ExitCode> {
    match &args.verb {
        Verb::Show(args) => show(args),
        Verb::Void(args) => void(args),
    }
}

/// The events of a change or an incident.
#[derive(Serialize)]
struct Shown {
    events: Vec<Value>,
}

fn show(args: &ShowArgs) -> anyhow::Result<ExitCode> {
    let site = Site::open(&args.here)?;
    let log = log(&site)?;
    let Some(id) = &args.id else {
        print(&match args.format {
            AnswerFormat::Json => json(log.open())?,
            AnswerFormat::Text => open(&log),
        })?;
        return Ok(ExitCode::SUCCESS);
    };
    let events = events_of(&log, id)?;
    print(&match args.format {
        AnswerFormat::Json => {
            let lines = events.iter().map(|event| serde_json::from_str(&event.line()));
            json(&Shown { events: lines.collect::<Result<_, _>>()? })?
        }
        AnswerFormat::Text if events.is_empty() => format!("nothing has happened to {id}\n"),
        AnswerFormat::Text => events.iter().map(line).collect(),
    })?;
    Ok(ExitCode::SUCCESS)
}

fn log(site: &Site) -> anyhow::Result<Log<'_>> {
    author::read(&site.git)?.with_context(|| {
        format!("there is no {OPERATIONS} yet: begin it with `changegate init --operations`")
    })
}

/// Returns the events of a change or an incident, whichever has the id.
fn events_of(log: &Log<'_>, id: &TicketId) -> anyhow::Result<Vec<Event>> {
    let mut events = log.events(&About::Change(id).path())?;
    events.extend(log.events(&About::Incident(id).path())?);
    Ok(events)
}

/// Returns an event as its commit's message tells it, with its date and id.
fn line(event: &Event) -> String {
    let text = message::message(event);
    let mut lines = text.lines();
    let (title, story) = (lines.next().unwrap_or_default(), lines.nth(1).unwrap_or_default());
    let id = String::from(event.id().clone());
    let at = event.head().at.for_people(None);
    format!("{at}  {}  {title}\n                  {story}\n", &id[..10])
}

fn open(log: &Log<'_>) -> String {
    let open = log.open();
    let mut text = String::new();
    for it in &open.executions {
        let what = it.change.as_ref().or(it.incident.as_ref()).map(ToString::to_string);
        let (since, lease) = (it.since.for_people(None), it.lease_until.for_people(None));
        let what = what.unwrap_or_default();
        text +=
            &format!("running   {what}  by {} since {since} UTC, lease until {lease} UTC\n", it.by);
    }
    for it in &open.incidents {
        text += &format!(
            "incident  {}  {:?} since {} UTC\n",
            it.incident,
            it.severity,
            it.since.for_people(None)
        );
    }
    for it in &open.debts {
        let due = it.due_at.for_people(None);
        text += &format!("debt      {}  owed by {}, due {due} UTC\n", it.change, it.debtor);
    }
    for id in &open.begun {
        text += &format!("begun     {id}  without outcome\n");
    }
    for it in log.foreign() {
        text += &format!("foreign   {}  {}\n", it.commit, it.why);
    }
    if text.is_empty() { "nothing is open\n".to_owned() } else { text }
}

fn void(args: &VoidArgs) -> anyhow::Result<ExitCode> {
    let site = Site::open(&args.here)?;
    let log = log(&site)?;
    let event = find(&log, &args.event)?;
    let what = match event.what() {
        What::Outcome(_) => Voids::Outcome,
        What::Begin(_) if !args.debt => Voids::Execution,
        What::Begin(_) | What::Record(_) => Voids::Debt,
        other => bail!(
            "what counts no more is an outcome, an execution or a debt: this is {}",
            other.name()
        ),
    };
    let of: Hex = event.id().clone();
    let voided = What::Voided(Voided { of, what, why: args.why.clone() });
    let made = match event.about() {
        Some(About::Change(id)) => Made::of_change(id, voided),
        Some(About::Incident(id)) => Made::of_incident(id, voided),
        None => bail!("the beginning of a log stays"),
    };
    let written = site.author(None)?.write(|_, _| Ok(vec![made.clone()]))?;
    say(&written, args.format)
}

/// Returns the event whose id begins so.
fn find(log: &Log<'_>, digits: &str) -> anyhow::Result<Event> {
    let mut found = log.find(digits)?;
    match found.len() {
        0 => bail!(
            "no event has an id that begins with {digits}: `changegate operations show` lists them"
        ),
        1 => Ok(found.remove(0)),
        _ => bail!("several events have ids that begin with {digits}: write more of it"),
    }
}
