//! `changegate operations`: shows the operations log, and corrects what it holds.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::shared::args::{AnswerFormat, NowArg, said};
use super::shared::caches::kept;
use super::shared::events::{say, told};
use super::shared::judges::judges;
use super::shared::logs::warn_of_waiting;
use super::shared::next::going_on;
use super::shared::say::{json, note, print, width};
use super::shared::site::{Site, SiteArgs};
use changegate::changes::progress::Executions;
use changegate::changes::story::Stories;
use changegate::core::operations::around::Around;
use changegate::core::operations::event::{About, Event};
use changegate::core::operations::kinds::{Voided, Voids, What};
use changegate::core::operations::message;
use changegate::core::operations::open::Open;
use changegate::core::record::parts::Hex;
use changegate::core::terms::TicketId;
use changegate::core::time::Time;
use changegate::execute::Made;
use changegate::execute::keys::bring;
use changegate::forge::github::issuer;
use changegate::gate::execution::{around, debts};
use changegate::operations::{Log, OPERATIONS};
use changegate::report::escape::terminal;
use changegate::report::hanging;

/// Show what people and pipelines did, or take back what counts no more
///
/// Nothing is ever deleted: what is void stays in the log, with who said so and why.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate operations show               what is open now
  changegate operations show CHG-1234      all events of a change
  changegate operations keys               the keys by which jobs on GitHub prove what they are
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
    /// Record the keys with which GitHub signs the tokens of its jobs
    ///
    /// What a job says is proven by such a token, and counts only under a key that was recorded before. An
    /// L3 records the first ones; the workflow `sweep` records GitHub's next one before it is used.
    Keys(KeysArgs),
}

#[derive(Args, Debug)]
struct KeysArgs {
    /// The output format
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,

    #[command(flatten)]
    here: SiteArgs,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate operations show               what is open now
  changegate operations show CHG-1234      all events of a change
  changegate operations show INC-042       all events of an incident")]
struct ShowArgs {
    /// The change's or incident's id; what is open if left out
    #[arg(value_name = "ID")]
    id: Option<TicketId>,

    /// The output format
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,

    #[command(flatten)]
    here: SiteArgs,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate operations void 9f2c41d0b7 --why \"recorded for the wrong change\"
  changegate operations void 9f2c41d0b7 --debt --why \"signed on paper, minutes of 24 November\"")]
struct VoidArgs {
    /// The id of the event: the outcome, or the beginning of the execution; its first digits are enough
    #[arg(value_name = "EVENT")]
    event: String,

    /// Take back the debt under break-glass, and not the execution
    #[arg(long)]
    debt: bool,

    /// Why
    #[arg(long, value_name = "TEXT", value_parser = said, allow_hyphen_values = true)]
    why: String,

    /// The output format
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,

    #[command(flatten)]
    here: SiteArgs,
}

/// Runs the verb.
pub fn run(args: &OperationsArgs) -> anyhow::Result<ExitCode> {
    match &args.verb {
        Verb::Show(args) => show(args),
        Verb::Void(args) => void(args),
        Verb::Keys(args) => keys(args),
    }
}

fn keys(args: &KeysArgs) -> anyhow::Result<ExitCode> {
    let site = Site::open(&args.here)?;
    let issuer = &site.judge.bundle().org.settings.execution.issuer;
    let written = bring(&site.author(None)?, &issuer::keys(issuer)?)?;
    if written.is_empty() {
        note(format_args!("all keys of {issuer} are recorded"));
    }
    say(&site, &written, args.format)
}

/// The events of a change or an incident.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "Events of the operations log")]
pub struct EventsView {
    /// The events, in order of arrival.
    pub events: Vec<EventView>,
    /// What went around the rules.
    pub went_around: Vec<Around>,
}

/// An event as the log holds it; what its kind says besides is in further fields.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
pub struct EventView {
    /// Its id.
    pub id: String,
    /// Its kind: `begin`, `end`, `outcome` and others.
    pub event: String,
    /// When it happened.
    pub at: Time,
    /// Who wrote it: a login, or `machine:` and a name.
    pub by: String,
    /// What else it says.
    #[serde(flatten)]
    pub says: Map<String, Value>,
}

fn show(args: &ShowArgs) -> anyhow::Result<ExitCode> {
    let site = Site::open_to_look(&args.here)?;
    warn_of_waiting(&site.git);
    let log = log(&site)?;
    let Some(id) = &args.id else {
        print(&match args.format {
            AnswerFormat::Json => json(&owed(&site, &log)?)?,
            AnswerFormat::Text => open(&site, &log)?,
        })?;
        return Ok(ExitCode::SUCCESS);
    };
    let events = events_of(&log, id)?;
    let went_around =
        around((&site.git, site.github.as_ref()), &judges()?, &log, id, NowArg::present())?;
    print(&match args.format {
        AnswerFormat::Json => {
            let lines = events.iter().map(|event| serde_json::from_str(event.line()));
            json(&EventsView { events: lines.collect::<Result<_, _>>()?, went_around })?
        }
        AnswerFormat::Text if events.is_empty() => format!("nothing has happened to {id}\n"),
        AnswerFormat::Text => events.iter().map(|event| line(event, &went_around)).collect(),
    })?;
    Ok(ExitCode::SUCCESS)
}

fn log(site: &Site) -> anyhow::Result<Log<'_>> {
    site.git.operations()?.with_context(|| {
        format!("there is no {OPERATIONS} yet: begin it with `changegate init --operations`")
    })
}

/// Returns the events of the change and of the incident that have the id: of each in order of arrival, and
/// otherwise in the order of time, within a second the incident's first.
fn events_of(log: &Log<'_>, id: &TicketId) -> anyhow::Result<Vec<Event>> {
    let mut events = Vec::new();
    for about in [About::Incident(id), About::Change(id)] {
        let mut latest = None;
        for event in log.events(&about.path())? {
            latest = latest.max(Some(event.head().at));
            events.push((latest, event));
        }
    }
    events.sort_by_key(|(latest, _)| *latest);
    Ok(events.into_iter().map(|(_, event)| event).collect())
}

/// Returns an event as its commit's message tells it, with its date and id, and how it went around the
/// rules.
fn line(event: &Event, went_around: &[Around]) -> String {
    let text = message::message(event);
    let mut lines = text.lines();
    let (title, story) = (lines.next().unwrap_or_default(), lines.nth(1).unwrap_or_default());
    let id = String::from(event.id().clone());
    let at = event.head().at.utc().format("%a %e %b %Y %H:%M:%S");
    let mut out = format!("{at}  {}  {title}\n", &id[..10]);
    let times = message::times(event).map(|times| format!("Executed {times}."));
    let texts = std::iter::once(story).chain(times.as_deref()).chain(message::free_text(event));
    for text in texts {
        out += &hanging("    ", &terminal(text), width());
    }
    for it in went_around.iter().filter(|it| it.event == id) {
        out += &hanging("    WARNING  ", &told(it), width());
    }
    out
}

/// Returns what is open, of the debts those that are still owed.
fn owed(site: &Site, log: &Log<'_>) -> anyhow::Result<Open> {
    let org = &site.judge.bundle().org;
    let debts = debts((&site.git, None), org, log, NowArg::present())?.into_iter();
    let debts = debts.filter(|(_, state)| state.is_owed()).map(|(debt, _)| debt).collect();
    Ok(Open { debts, ..log.open().clone() })
}

/// Returns what is open, for people, and what doesn't count.
fn open(site: &Site, log: &Log<'_>) -> anyhow::Result<String> {
    let org = &site.judge.bundle().org;
    let executions = Executions::of(&site.git, org, NowArg::present(), kept(&site.git))?;
    let stories = Stories::of(&site.git, org, kept(&site.git))?;
    let mut text = going_on(&executions.going_on((&site.git, org), &stories)?, width());
    for it in log.foreign() {
        text += &hanging("foreign     ", &format!("{}  {}", it.commit, terminal(&it.why)), width());
    }
    Ok(if text.is_empty() { "nothing is open\n".to_owned() } else { text })
}

fn void(args: &VoidArgs) -> anyhow::Result<ExitCode> {
    let site = Site::open(&args.here)?;
    let log = log(&site)?;
    let event = find(&log, &args.event)?;
    let what = match event.what() {
        What::Outcome(_) if args.debt => {
            bail!("an outcome owes nothing: without --debt, this takes the outcome back")
        }
        What::Outcome(_) => Voids::Outcome,
        What::Begin(_) | What::Record(_) if !args.debt => Voids::Execution,
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
    say(&site, &written, args.format)
}

/// Returns the event whose id begins so.
fn find(log: &Log<'_>, digits: &str) -> anyhow::Result<Event> {
    let mut found = log.find(digits)?;
    match found.len() {
        0 => bail!(
            "no event has an id that begins with {digits}: `changegate operations show ID` lists those of a change"
        ),
        1 => Ok(found.remove(0)),
        _ => bail!("several events have ids that begin with {digits}: write more of it"),
    }
}
