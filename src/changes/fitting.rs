//! Which planned changes another calendar hits, and when else each would fit.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use super::entry::{ListEntry, Lister};
use super::frozen::is_bound;
use crate::content::conflicts::open_request;
use crate::core::calendar::{Calendar, Free};
use crate::core::operations::state::{PullState, State};
use crate::core::org::Org;
use crate::core::request::ChangeRequest;
use crate::core::terms::{Login, Name, RiskTier};
use crate::core::time::{Duration, Interval, Time};
use crate::forge::git::Git;

/// Which planned changes a proposed calendar hits.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(title = "Changes that a calendar hits")]
pub struct PreviewView {
    /// The time that the answer is for.
    pub now: Time,
    /// Whose windows and freezes are tried: a file, a branch or a pull request.
    pub proposed: String,
    /// How many changes are planned for later.
    pub planned: usize,
    /// The names of windows, and of freezes that aren't over, that are in force and not among them.
    pub takes_away: Vec<String>,
    /// Those that don't fit, in order of their starts.
    pub hits: Vec<Hit>,
}

/// A planned change that doesn't fit.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Hit {
    /// The change.
    pub change: String,
    /// Where it is.
    pub state: State,
    /// What is to be done.
    pub summary: Option<String>,
    /// Who requests and performs it.
    pub people: Vec<Login>,
    /// Its risk tier.
    pub tier: Option<RiskTier>,
    /// When it is planned.
    pub planned: Interval,
    /// The proposed freezes that it would be in.
    pub freezes: Vec<String>,
    /// Whether no proposed window that takes it holds it.
    pub outside: bool,
    /// Whether it is hit already by what is in force.
    pub already: bool,
    /// When it would fit next, by the proposal, beside no other change to its targets; null if it wouldn't
    /// within 400 days.
    pub next: Option<Interval>,
    /// The command that plans it then.
    pub command: Option<String>,
}

/// A calendar, and the organisation whose catalog says what only reads.
#[derive(Clone, Copy)]
pub struct Tables<'a> {
    /// Windows and freezes.
    pub calendar: &'a Calendar,
    /// The organisation.
    pub org: &'a Org,
}

/// Returns the changes that are planned for later and that a proposed calendar hits, beside those that are in
/// force.
///
/// # Errors
/// When the repository can't be read.
pub fn preview(
    lister: &Lister<'_>,
    (now_in_force, proposed): (Tables<'_>, Tables<'_>),
    source: &str,
) -> anyhow::Result<PreviewView> {
    let mut planned = planned(lister)?;
    planned.sort_by(|a, b| (a.1.start, &a.0.change).cmp(&(b.1.start, &b.0.change)));
    let mut hits = Vec::new();
    // What is proposed for one is in the way of the next.
    let mut proposals: Vec<(Vec<Name>, Interval)> = Vec::new();
    for (entry, at) in &planned {
        let before = Fits::of(now_in_force, entry, *at);
        let Fits { freezes, outside } = Fits::of(proposed, entry, *at);
        if freezes.is_empty() && !outside {
            continue;
        }
        let already =
            before.outside == outside && freezes.iter().all(|it| before.freezes.contains(it));
        let is_shared = |targets: &[Name]| targets.iter().any(|it| entry.targets.contains(it));
        let taken = proposals.iter().filter(|(targets, _)| is_shared(targets)).map(|(_, at)| *at);
        let taken: Vec<_> = taken.collect();
        let next = next_free(lister, proposed.calendar, entry, (at.length(), &taken))?;
        proposals.extend(next.as_ref().map(|free| (entry.targets.clone(), free.at)));
        let command = next.as_ref().map(|free| {
            format!(
                "changegate reschedule {} --start {} --end {}",
                entry.change, free.at.start, free.at.end
            )
        });
        hits.push(Hit {
            change: entry.change.clone(),
            state: entry.state,
            summary: entry.summary.clone(),
            people: entry.people.clone(),
            tier: entry.tier,
            planned: *at,
            freezes,
            outside,
            already,
            next: next.map(|free| free.at),
            command,
        });
    }
    let names = |tables: Tables<'_>| -> Vec<String> {
        let windows = tables.calendar.windows().map(|(name, _)| name.to_owned());
        let freezes = tables.calendar.freezes_after(lister.now).map(|it| it.name.clone());
        windows.chain(freezes).collect()
    };
    let stay = names(proposed);
    let takes_away = names(now_in_force).into_iter().filter(|name| !stay.contains(name)).collect();
    let (now, proposed) = (lister.now, source.to_owned());
    Ok(PreviewView { now, proposed, planned: planned.len(), takes_away, hits })
}

/// Returns the next time at which a change fits, from its planned start on, beside no other change to its
/// targets and nothing that is `taken`.
///
/// # Errors
/// When the repository can't be read.
pub fn next_free(
    lister: &Lister<'_>,
    calendar: &Calendar,
    entry: &ListEntry,
    (length, taken): (Duration, &[Interval]),
) -> anyhow::Result<Option<Free>> {
    let busy = [busy(lister, entry)?, taken.to_vec()].concat();
    let tier = tier(entry, lister.org);
    // Nobody expects it earlier than it is planned.
    let from = entry.planned.map_or(lister.now, |planned| planned.start.max(lister.now));
    Ok(calendar.of(&entry.services).next_free(tier, length, &busy, from))
}

/// Returns a change's tier: where its merge doesn't say it, what the catalog says of its actions.
fn tier(entry: &ListEntry, org: &Org) -> RiskTier {
    let of_action = |name: &Name| org.actions.entries.get(name.as_str()).map(|action| action.tier);
    let off_script = entry.off_script.then_some(RiskTier::High);
    let known = entry.actions.iter().filter_map(of_action).chain(off_script).max();
    entry.tier.or(known).unwrap_or(RiskTier::Critical)
}

/// How a change fits into a calendar.
struct Fits {
    freezes: Vec<String>,
    outside: bool,
}

impl Fits {
    fn of(tables: Tables<'_>, entry: &ListEntry, at: Interval) -> Self {
        let Tables { calendar, org } = tables;
        if !is_bound(entry.kind.unwrap_or_default(), entry.actions.iter(), org) {
            return Fits { freezes: Vec::new(), outside: false };
        }
        let facts = calendar.of(&entry.services).facts(Some(at), at.start);
        let frozen = facts.freezes.iter().filter(|it| it.overlaps).map(|it| it.name.clone());
        let takes = |tiers: &[RiskTier]| tiers.contains(&tier(entry, org));
        let outside = !facts.windows.iter().any(|it| it.fits && takes(&it.tiers));
        Fits { freezes: frozen.collect(), outside }
    }
}

/// Returns the changes that are planned to go on after now and weren't begun, each with when.
fn planned(lister: &Lister<'_>) -> anyhow::Result<Vec<(ListEntry, Interval)>> {
    let (git, now) = (lister.git, lister.now);
    let is_later = |planned: Option<Interval>| planned.is_some_and(|it| now < it.end);
    let merged = lister.executions.requests(git)?.iter().filter(|it| is_later(it.planned));
    let mut names: BTreeSet<String> = merged.map(|request| request.id.to_string()).collect();
    for (name, request) in open(lister)? {
        names.extend(is_later(request.planned()).then_some(name));
    }
    let mut planned = Vec::new();
    // What was begun isn't planned again.
    let is_begun = |name: &str| lister.executions.begun().iter().any(|id| id.as_str() == name);
    for name in names.into_iter().filter(|name| !is_begun(name)) {
        for entry in lister.entries(&name, |pull| pull != PullState::GivenUp)? {
            let is_to_come = matches!(
                entry.state,
                State::Open | State::Scheduled | State::Ready | State::Merged
            );
            if let Some(at) = entry.planned.filter(|at| is_to_come && now < at.end) {
                planned.push((entry, at));
            }
        }
    }
    Ok(planned)
}

/// Returns the open changes with their requests.
fn open(lister: &Lister<'_>) -> anyhow::Result<Vec<(String, ChangeRequest)>> {
    let git: &Git = lister.git;
    let mut open = Vec::new();
    for pull in git.open(lister.org)? {
        let request = open_request(git.repo(), pull.base, pull.head, &pull.name).ok().flatten();
        open.extend(request.map(|request| (pull.name, request)));
    }
    Ok(open)
}

/// Returns when other changes to the targets of a change are planned that aren't over.
fn busy(lister: &Lister<'_>, entry: &ListEntry) -> anyhow::Result<Vec<Interval>> {
    let is_its = |target: &Name| entry.targets.contains(target);
    let is_later = |planned: &Interval| lister.now < planned.end;
    let mut busy = Vec::new();
    for other in lister.executions.requests(lister.git)? {
        let planned = other.planned.filter(is_later);
        let is_other = other.id.as_str() != entry.change;
        if let Some(planned) = planned
            && is_other
            && other.steps.iter().any(|(_, target)| is_its(target))
            && !lister.executions.is_over(&other.id)?
        {
            busy.push(planned);
        }
    }
    for (name, request) in open(lister)? {
        let planned = request.planned().filter(is_later);
        let is_in_the_way = name != entry.change && request.targets().into_iter().any(is_its);
        busy.extend(planned.filter(|_| is_in_the_way));
    }
    Ok(busy)
}
