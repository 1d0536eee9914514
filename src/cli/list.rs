//! `changegate list`: the changes, their state, and whom they wait for.
//!
//! ```text
//! gather: branches, journals, merges ─▶ names with their states
//! judge:  each that isn't merged, by one gate, which reads the other changes once
//! print:  those that pass the filters, the most urgent first
//! ```

mod text;

use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, ValueEnum};

use super::shared::args::{AnswerFormat, NowArg, tier_parser};
use super::shared::here::{self, HereArgs};
use super::shared::judges::judges;
use super::shared::me::me;
use super::shared::say;
use changegate::changes::entry::{ListEntry, Lister};
use changegate::changes::list::{ListView, Unrecorded};
use changegate::changes::records::Records;
use changegate::changes::story::{State, Stories};
use changegate::core::org::Org;
use changegate::core::terms::{Login, Name, RiskTier};
use changegate::core::time::Time;
use changegate::forge::git::Git;
use changegate::gate::Gate;

/// List the changes: their state, whom they wait for, since when
///
/// A change is open from its submission until it is merged or closed. Changes of policies are
/// listed like any other. Where there is a ledger, what it doesn't record is named.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate list
      what is open, overdue sign-offs first
  changegate list --waiting-on-me
      changes that wait for your review, or that you have to correct as their requester
  changegate list --state all --service checkout
      every change that ever affected a service
  changegate list --off-script --format json
      for a script")]
pub struct ListArgs {
    /// The state of the changes to list
    #[arg(long, value_enum, default_value_t)]
    state: Wanted,

    /// Only changes that you request, submitted or perform
    #[arg(long)]
    mine: bool,

    /// Only changes that wait for you
    #[arg(long)]
    waiting_on_me: bool,

    /// Only changes that don't follow the usual script
    #[arg(long)]
    off_script: bool,

    /// Only changes of this risk tier
    #[arg(long, value_parser = tier_parser())]
    tier: Option<RiskTier>,

    /// Only changes that affect this service
    #[arg(long, value_name = "NAME")]
    service: Option<String>,

    #[command(flatten)]
    here: HereArgs,

    #[command(flatten)]
    now: NowArg,

    /// The output format
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,
}

/// The states that are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Wanted {
    /// Submitted, and neither merged nor closed.
    #[default]
    Open,
    /// Merged into the base branch.
    Merged,
    /// Closed without a merge.
    Closed,
    /// All of them.
    All,
}

impl Wanted {
    fn takes(self, state: State) -> bool {
        match self {
            Wanted::Open => state == State::Open,
            Wanted::Merged => state == State::Merged,
            Wanted::Closed => state == State::Closed,
            Wanted::All => true,
        }
    }
}

impl ListArgs {
    /// Returns what is said if no change is listed.
    fn nothing(&self) -> &'static str {
        let filters = self.mine || self.waiting_on_me || self.off_script;
        match self.state {
            _ if filters || self.tier.is_some() || self.service.is_some() => "no changes match\n",
            Wanted::Open => "no change is open: `changegate list --state all` lists the others\n",
            Wanted::Merged | Wanted::Closed => "no changes match\n",
            Wanted::All => "nothing was submitted yet: write a request with `changegate new`\n",
        }
    }
}

/// How many of the people who can give the same sign-off a line on a screen names.
const MOST_NAMES: usize = 3;

/// Runs the verb.
pub fn run(args: &ListArgs) -> anyhow::Result<ExitCode> {
    let git = args.here.open_to_look()?;
    let now = args.now.get();
    let view = view(args, &git, now)?;
    say::print(&match args.format {
        AnswerFormat::Text if view.changes.is_empty() => {
            args.nothing().to_owned() + &text::unrecorded(&view, say::width())
        }
        AnswerFormat::Text => text::render(&view, say::colour(&std::io::stdout()), say::width()),
        AnswerFormat::Json => say::json(&view)?,
    })?;
    Ok(ExitCode::SUCCESS)
}

fn view(args: &ListArgs, git: &Git, now: Time) -> anyhow::Result<ListView> {
    let judges = judges()?;
    let gate = Gate::new(git.repo(), git, judges.clone());
    let org = gate.org_at(git.base()?)?;
    let filter = Filter::of(args, git, &org)?;
    let stories = Stories::of(git, &org)?;
    git.survey_others(&org)?;
    let most_names = if say::width() == usize::MAX { usize::MAX } else { MOST_NAMES };
    // What is open isn't recorded yet.
    let records = here::records(git, &org, &args.here, || match args.state {
        Wanted::Merged | Wanted::All => Records::read(git, &judges, None),
        Wanted::Open | Wanted::Closed => Records::read_gap(git, &judges),
    });
    let (gate, stories, records, org) = (&gate, &stories, &records, &org);
    let lister = Lister { git, gate, stories, records, org, now, most_names };
    let names: Vec<String> = match args.state {
        Wanted::Open => stories.branches().map(str::to_owned).collect(),
        _ => stories.names()?.into_iter().collect(),
    };
    let mut changes = Vec::new();
    for name in &names {
        let entry = match stories.status(name) {
            Ok(Some(status)) if args.state.takes(status.state) => lister.entry(name, &status),
            Ok(_) => continue,
            Err(error) => ListEntry::unclear(name, State::Open, &error),
        };
        changes.extend(filter.takes(&entry).then_some(entry));
    }
    changes.sort_by(ListEntry::by_urgency);
    let unrecorded = Unrecorded::of(records, stories);
    Ok(ListView { now, base: git.base_ref.clone(), changes, unrecorded })
}

/// The conditions for a change to be listed.
struct Filter<'a> {
    args: &'a ListArgs,
    me: Option<Login>,
}

impl<'a> Filter<'a> {
    fn of(args: &'a ListArgs, git: &Git, org: &Org) -> anyhow::Result<Self> {
        if let Some(service) = &args.service
            && !org.roster.services.contains_key(service.as_str())
        {
            let known: Vec<_> = org.roster.services.keys().map(Name::as_str).collect();
            let hint = match changegate::core::yaml::did_you_mean(service, &known) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("the services are {}", known.join(", ")),
            };
            bail!("there is no service `{service}` in the roster: {hint}");
        }
        let is_about_me = args.mine || args.waiting_on_me;
        let me = is_about_me.then(|| me(git.branches.program(), &org.roster)).transpose()?;
        Ok(Filter { args, me })
    }

    fn takes(&self, entry: &ListEntry) -> bool {
        let args = self.args;
        let me = |people: &[Login]| self.me.as_ref().is_some_and(|me| people.contains(me));
        (!args.mine || me(&entry.people))
            && (!args.waiting_on_me || me(&entry.waits_for))
            && (!args.off_script || entry.off_script)
            && args.tier.is_none_or(|tier| entry.tier == Some(tier))
            && args.service.as_ref().is_none_or(|service| entry.services.contains(service))
    }
}
