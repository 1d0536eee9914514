//! `changegate list`: the changes, their state, and whom they wait for.
//!
//! ```text
//! gather: branches, journals, merges ─▶ names with their states
//! judge:  each that isn't merged, by one gate, which reads the other changes once
//! print:  those that pass the filters, the most urgent first
//! ```

mod csv;
pub mod debts;
mod text;

use std::process::ExitCode;

use anyhow::{bail, ensure};
use clap::{Args, ValueEnum};

use super::shared::args::{NowArg, tier_parser, unknown_service};
use super::shared::caches::kept;
use super::shared::here::HereArgs;
use super::shared::judges::judges;
use super::shared::logs;
use super::shared::me::me;
use super::shared::next::going_on;
use super::shared::say;
use changegate::changes::entry::{ListEntry, Lister};
use changegate::changes::in_short::InShort;
use changegate::changes::list::{ListView, Unrecorded};
use changegate::changes::progress::Executions;
use changegate::changes::records::Records;
use changegate::changes::story::Stories;
use changegate::core::operations::state::{PullState, State};
use changegate::core::org::Org;
use changegate::core::terms::{Login, RiskTier};
use changegate::core::time::Time;
use changegate::forge::git::Git;
use changegate::gate::Gate;

/// List the changes: their state, whom they wait for, since when
///
/// A change is open from its submission until it is merged or given up. What happens to a merged one is
/// in the operations log; `merged` means all of those. Without arguments it says first what goes on now, and
/// which command comes next: what is executed, incidents, debts, what isn't closed, what is planned. Changes of policies are listed like any other.
/// Where there is a ledger, what it doesn't record is named.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate list
      what goes on now, and what is open, overdue sign-offs first
  changegate list --waiting-on-me
      changes that wait for your review, or that you have to correct as their requester
  changegate list --state running
      what is being executed now; also scheduled, ready, lost, expired and others
  changegate list --without-outcome
      what was executed, and should have been closed by now
  changegate list --state all --service checkout
      every change that ever affected a service
  changegate list --off-script --format json
      for a script")]
pub struct ListArgs {
    /// The state of the changes to list: `open` if left out, `all` with --without-outcome
    #[arg(long, value_enum)]
    state: Option<Wanted>,

    /// Only changes that you request, submitted or perform
    #[arg(long)]
    mine: bool,

    /// Only changes that wait for you
    #[arg(long)]
    waiting_on_me: bool,

    /// Only changes of which something was executed, and whose outcome is missing
    #[arg(long)]
    without_outcome: bool,

    /// Only changes that don't follow the usual script
    #[arg(long)]
    off_script: bool,

    /// Only changes of this risk tier
    #[arg(long, value_parser = tier_parser())]
    tier: Option<RiskTier>,

    /// Only changes that affect this service
    #[arg(long, value_name = "NAME")]
    service: Option<String>,

    /// List who owes sign-offs for what was executed under break-glass, or without asking; with
    /// `--state all` those that are settled, refused or waived, too
    #[arg(long, conflicts_with_all = ["mine", "waiting_on_me", "off_script", "tier", "service"])]
    debts: bool,

    #[command(flatten)]
    here: HereArgs,

    #[command(flatten)]
    now: NowArg,

    /// The output format
    #[arg(long, value_enum, default_value_t)]
    format: ListFormat,
}

/// The output format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum ListFormat {
    /// For people.
    #[default]
    Text,
    /// For scripts.
    Json,
    /// For spreadsheets: a row for each change.
    Csv,
}

/// The states that are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Wanted {
    /// Submitted, and neither merged nor given up.
    #[default]
    Open,
    /// Closed without a merge.
    GivenUp,
    /// Merged into the base branch, whatever happened then.
    Merged,
    /// Merged, and planned for later.
    Scheduled,
    /// May be executed now.
    Ready,
    /// Being executed.
    Running,
    /// Nobody knows whether it is being executed, or how that ended.
    Lost,
    /// Some of it was executed, and the rest can't simply follow.
    Incomplete,
    /// All of it was executed.
    Executed,
    /// All of it was executed, and verification passed.
    Verified,
    /// Led to an incident that is open.
    Escalated,
    /// Its time is over, and nothing was executed.
    Expired,
    /// Its outcome is recorded.
    Closed,
    /// Cancelled.
    Cancelled,
    /// All of them.
    All,
}

impl Wanted {
    /// Whether a change is listed whose pull request came to this, as far as that says.
    fn may_take(self, pull: PullState) -> bool {
        match self {
            Wanted::Open => pull == PullState::Open,
            Wanted::GivenUp => pull == PullState::GivenUp,
            Wanted::Merged | Wanted::Scheduled | Wanted::Ready | Wanted::Expired => {
                pull == PullState::Merged
            }
            // What is executed under break-glass isn't merged yet.
            _ => true,
        }
    }

    /// Returns the names of the changes that can be listed, where that can be said without looking at each.
    fn some(
        self,
        git: &Git,
        executions: &Executions<'_>,
        now: Time,
    ) -> anyhow::Result<Option<Vec<String>>> {
        let is_planned = |request: &&InShort| match (self, request.planned) {
            (Wanted::Scheduled, planned) => planned.is_some_and(|planned| now < planned.start),
            (_, planned) => planned.is_none_or(|it| it.start <= now && now < it.end),
        };
        Ok(match self {
            Wanted::Open => Some(Vec::new()),
            Wanted::Scheduled | Wanted::Ready => {
                let planned = executions.requests(git)?.iter().filter(is_planned);
                Some(planned.map(|request| request.id.to_string()).collect())
            }
            Wanted::Running
            | Wanted::Lost
            | Wanted::Incomplete
            | Wanted::Executed
            | Wanted::Verified
            | Wanted::Escalated => {
                Some(executions.begun().iter().map(ToString::to_string).collect())
            }
            _ => None,
        })
    }

    /// Whether a change in this state is listed, of those that [`Wanted::may_take`] lets pass.
    fn takes(self, state: State) -> bool {
        let wanted = match self {
            Wanted::Open | Wanted::GivenUp | Wanted::Merged | Wanted::All => return true,
            Wanted::Scheduled => State::Scheduled,
            Wanted::Ready => State::Ready,
            Wanted::Running => State::Running,
            Wanted::Lost => State::Lost,
            Wanted::Incomplete => State::Incomplete,
            Wanted::Executed => State::Executed,
            Wanted::Verified => State::Verified,
            Wanted::Escalated => State::Escalated,
            Wanted::Expired => State::Expired,
            Wanted::Closed => State::Closed,
            Wanted::Cancelled => State::Cancelled,
        };
        state == wanted
    }
}

impl ListArgs {
    /// Whether only certain changes are asked for.
    fn is_filtered(&self) -> bool {
        let filters = self.mine || self.waiting_on_me || self.off_script || self.without_outcome;
        filters || self.tier.is_some() || self.service.is_some()
    }

    fn wanted(&self) -> Wanted {
        let default = if self.without_outcome { Wanted::All } else { Wanted::Open };
        self.state.unwrap_or(default)
    }

    /// Returns what is said if no change is listed.
    fn nothing(&self) -> &'static str {
        match self.wanted() {
            _ if self.is_filtered() => "no changes match\n",
            Wanted::Open => "no change is open: `changegate list --state all` lists the others\n",
            Wanted::All => "nothing was submitted yet: write a request with `changegate new`\n",
            _ => "no changes match\n",
        }
    }
}

/// How many of the people who can give the same sign-off a line on a screen names.
const MOST_NAMES: usize = 3;

/// Runs the verb.
pub fn run(args: &ListArgs) -> anyhow::Result<ExitCode> {
    let git = args.here.open_to_look()?;
    let now = args.now.get();
    if args.debts {
        ensure!(args.format != ListFormat::Csv, "--debts is for --format text and json");
        return debts::run(args, &git, now);
    }
    let view = view(args, &git, now)?;
    say::print(&match args.format {
        ListFormat::Text if view.changes.is_empty() => {
            let width = say::width();
            going_on(&view.going_on, width) + args.nothing() + &text::unrecorded(&view, width)
        }
        ListFormat::Text => {
            text::render(&view, args.waiting_on_me, say::colour(&std::io::stdout()), say::width())
        }
        ListFormat::Json => say::json(&view)?,
        ListFormat::Csv => csv::render(&view)?,
    })?;
    Ok(ExitCode::SUCCESS)
}

fn view(args: &ListArgs, git: &Git, now: Time) -> anyhow::Result<ListView> {
    let judges = judges()?;
    let gate = Gate::new(git.repo(), git, judges.clone());
    let org = gate.org_at(git.base()?)?;
    let filter = Filter::of(args, git, &org)?;
    let stories = Stories::of(git, &org, kept(git))?;
    git.survey_others();
    let most_names = if say::width() == usize::MAX { usize::MAX } else { MOST_NAMES };
    let wanted = args.wanted();
    let executions = logs::executions(git, &org, &args.here, now)?;
    let some = wanted.some(git, &executions, now)?;
    let records = logs::records(git, &org, &args.here, || {
        let Some(some) = &some else {
            return Records::read_all(git, &judges, kept(git).as_ref());
        };
        let commits = some.iter().map(|name| stories.on_base(name));
        let commits = commits.collect::<anyhow::Result<Vec<_>>>()?.into_iter().flatten().collect();
        // What is open isn't recorded yet.
        match wanted {
            Wanted::Open => Records::read_gap(git, &judges),
            _ => Records::read(git, &judges, commits),
        }
    });
    let going_on = match args.state.is_some() || args.is_filtered() {
        true => Vec::new(),
        false => executions.going_on((git, &org), &stories)?,
    };
    logs::warn_of_pauses(git, &org, now)?;
    let (gate, stories, records, org) = (&gate, &stories, &records, &org);
    let executions = &executions;
    let lister = Lister { git, gate, stories, records, executions, org, now, most_names };
    let names = match (wanted, some) {
        (Wanted::Open, _) => stories.branches().map(str::to_owned).collect(),
        (_, Some(some)) => some,
        (_, None) => stories.names()?.into_iter().collect(),
    };
    let mut changes = Vec::new();
    for name in &names {
        let entries = lister.entries(name, |pull| wanted.may_take(pull));
        let entries =
            entries.unwrap_or_else(|error| vec![ListEntry::unclear(name, PullState::Open, &error)]);
        let entries = entries.into_iter().filter(|entry| wanted.takes(entry.state));
        changes.extend(entries.filter(|entry| filter.takes(entry)));
    }
    changes.sort_by(ListEntry::by_urgency);
    let unrecorded = Unrecorded::of(records, stories);
    Ok(ListView { now, base: git.base_ref.clone(), going_on, changes, unrecorded })
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
            bail!("{}", unknown_service(service, org));
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
            && (!args.without_outcome || misses_outcome(entry))
            && args.tier.is_none_or(|tier| entry.tier == Some(tier))
            && args.service.as_ref().is_none_or(|service| entry.services.contains(service))
    }
}

fn misses_outcome(entry: &ListEntry) -> bool {
    entry.progress.as_ref().is_some_and(|progress| progress.outcome_missing_since.is_some())
}
