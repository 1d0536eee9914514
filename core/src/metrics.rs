//! What the changes of a period come to in figures: how often, how fast, how well, and what waits.
//!
//! An [`Account`] is what became of one change, and [`Metrics`] are a fold over them. What happened within
//! [from, to) counts, each thing by the instant that it is about: what was executed by when that began, what was
//! signed off by when it was merged. Percentiles are by the nearest rank. The figures that teams of software know
//! as DORA's are deployment frequency, change fail rate, failed deployment recovery time and rework rate.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use crate::request::{ChangeType, OutcomeResult};
use crate::terms::{Login, Name, TicketId, Verdict};
use crate::time::{Duration, Interval, Time};

mod account;
mod promotions;
mod spread;
#[cfg(test)]
mod tests;
mod weeks;

pub use account::{Account, Decided, Escalation, Run, Signed, SignedBy};
pub use promotions::{Promotion, promotions};
pub use spread::{Share, Spread, a_day};
pub use weeks::{Hours, Week};

/// The most codes of denials that are named.
const MOST_CODES: usize = 10;

/// What the changes of a period come to.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Metrics {
    /// The changes to which anything happened.
    pub changes: Counts,
    /// The executions that ended done and that the catalog of actions calls deployments, a day.
    pub deployments: Rate,
    /// How long changes took from their submission until they were done, by when they were.
    pub lead_time: Spread,
    /// The executed changes that were rolled back, failed, or led to an incident.
    pub failed: Share,
    /// The executed changes of which somebody said that they went with issues.
    pub with_issues: Share,
    /// How long it took from when a change was known to go wrong until it was rolled back, or its incident
    /// resolved.
    pub recovery: Spread,
    /// How many that went wrong weren't made good yet, and weren't closed since.
    pub unrecovered: usize,
    /// The emergencies that answer an incident to which an earlier change led, of what was executed.
    pub rework: Share,
    /// Who signed off, and how long it took.
    pub sign_off: SignOffs,
    /// How long changes waited between the last sign-off and their planned start.
    pub until_start: Spread,
    /// How long they waited between their planned start and when they began.
    pub until_begin: Spread,
    /// The executed changes that began and ended in their planned time.
    pub in_plan: Share,
    /// By how much executions went on beyond their planned end.
    pub overran: Spread,
    /// The executed changes that were emergencies.
    pub emergency: Share,
    /// Those that were executed before all sign-offs were given.
    pub break_glass: Share,
    /// Those that didn't follow the usual script.
    pub off_script: Share,
    /// Those that were uses of a template.
    pub standard: Share,
    /// What went around the rules, or couldn't be told in time.
    pub around: AroundCounts,
    /// Why changes were denied, the most frequent first; of a repository with a ledger.
    pub denials: Vec<Denial>,
    /// What was executed, week by week.
    pub weeks: Vec<Week>,
    /// When executions began.
    pub hours: Hours,
    /// What was executed and failed, by tier.
    pub by_tier: Vec<Group>,
    /// What was executed and failed, by service.
    pub by_service: Vec<Group>,
}

/// How many changes there were.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Counts {
    /// The changes to which anything happened.
    pub total: usize,
    /// Those that were submitted.
    pub submitted: usize,
    /// Those that were merged.
    pub merged: usize,
    /// Those that were executed for the first time; all shares are of these.
    pub executed: usize,
    /// Those of which an outcome was said, and those that were cancelled or given up.
    pub closed: usize,
    /// Changes of policies among all of them.
    pub of_policies: usize,
    /// Executions, rollbacks among them.
    pub executions: usize,
}

/// How often something happened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Rate {
    /// How often in all.
    pub count: usize,
    /// How often a day, as decimal text: `6.10`.
    pub a_day: String,
}

/// How long it took until changes were signed off, of those that were merged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SignOffs {
    /// The changes that needed nobody's review. They count nowhere below.
    pub direct: usize,
    /// The changes that needed one.
    pub reviewed: usize,
    /// The changes that were merged although sign-offs were missing.
    pub unsigned: usize,
    /// The changes of which nobody here knows; GitHub keeps reviews, and without a ledger nothing else does.
    pub unknown: usize,
    /// From when what was signed had arrived until the last sign-off.
    pub from_content: Spread,
    /// From when the change was submitted until the last sign-off.
    pub from_submission: Spread,
    /// From when what was signed had arrived, by role.
    pub by_role: Vec<Taken>,
    /// From when what was signed had arrived, by person.
    pub by_person: Vec<Taken>,
}

/// How long sign-offs took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Taken {
    /// The role or the person.
    pub by: String,
    /// How long it took.
    pub took: Spread,
}

/// What went around the rules, or couldn't be told in time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AroundCounts {
    /// Changes with commits that reached the base around the gate.
    pub bypasses: usize,
    /// What was executed without asking, and recorded afterwards.
    pub recorded: usize,
    /// What was executed where the log couldn't be reached.
    pub offline: usize,
}

/// A reason for which changes were denied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Denial {
    /// The code, which `changegate explain` explains.
    pub code: String,
    /// How many changes it denied.
    pub changes: usize,
    /// How long it took until they were approved or given up.
    pub until_over: Spread,
}

/// What was executed of a kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Group {
    /// The tier or the service.
    pub of: String,
    /// The changes that were executed.
    pub executed: usize,
    /// How many of them failed.
    pub failed: Share,
}

impl Metrics {
    /// Returns what those of all changes that are `asked` for come to in a period. `is_deployment` says which
    /// actions bring a new version of something.
    pub fn of(
        accounts: &[Account],
        asked: &dyn Fn(&Account) -> bool,
        period: &Interval,
        is_deployment: &dyn Fn(&Name) -> bool,
    ) -> Self {
        let is_in = |at: Option<Time>| at.is_some_and(|at| period.holds(at));
        let asked: Vec<_> = accounts.iter().filter(|it| asked(it)).collect();
        let all: Vec<_> = asked.iter().copied().filter(|it| it.is_in(period)).collect();
        let merged: Vec<_> = all.iter().copied().filter(|it| is_in(it.merged_at)).collect();
        let executed: Vec<_> = all.iter().copied().filter(|it| is_in(it.executed_at())).collect();
        let share = |what: &dyn Fn(&Account) -> bool| {
            Share::of(executed.iter().filter(|it| what(it)).count(), executed.len())
        };
        let runs = || all.iter().flat_map(|it| &it.runs).filter(|it| period.holds(it.began_at));
        let deployments = all.iter().flat_map(|it| it.forward()).filter(|run| {
            let is_done = run.result == Some(crate::operations::kinds::EndResult::Done);
            is_done && is_in(run.ended_at) && run.actions.iter().any(is_deployment)
        });
        let deployments = deployments.count();
        let wrong = asked.iter().filter_map(|it| Some((it, it.recovery()?)));
        let wrong: Vec<_> = wrong.filter(|(_, (from, _))| period.holds(*from)).collect();
        let recovered = wrong.iter().filter_map(|(_, (from, to))| Some((*to)? - *from));
        let is_open = |(it, (from, to)): &&(&&Account, (Time, Option<Time>))| {
            to.is_none() && it.closed_at().is_none_or(|at| at < *from)
        };
        let planned = executed.iter().filter(|it| it.planned.is_some()).count();
        let in_plan = executed.iter().filter(|it| kept_plan(it) == Some(true)).count();
        Metrics {
            changes: Counts {
                total: all.len(),
                submitted: all.iter().filter(|it| is_in(it.submitted_at)).count(),
                merged: merged.len(),
                executed: executed.len(),
                closed: all.iter().filter(|it| is_in(it.closed_at())).count(),
                of_policies: all.iter().filter(|it| it.change.parse::<TicketId>().is_err()).count(),
                executions: runs().count(),
            },
            deployments: Rate { count: deployments, a_day: a_day(deployments, period) },
            lead_time: Spread::of(
                all.iter().filter(|it| is_in(it.done_at())).filter_map(|it| lead_time(it)),
            ),
            failed: share(&Account::has_failed),
            with_issues: share(&|it| {
                it.outcome.is_some_and(|(result, _)| result == OutcomeResult::WithIssues)
            }),
            recovery: Spread::of(recovered),
            unrecovered: wrong.iter().filter(is_open).count(),
            rework: rework(accounts, &executed),
            sign_off: sign_offs(&merged),
            until_start: Spread::of(
                merged.iter().filter_map(|it| Some(it.planned?.start - it.signed_at()?)),
            ),
            until_begin: Spread::of(
                executed.iter().filter_map(|it| Some(it.executed_at()? - it.planned?.start)),
            ),
            in_plan: Share::of(in_plan, planned),
            overran: Spread::of(runs().filter_map(|run| run.overran)),
            emergency: share(&|it| it.kind == Some(ChangeType::Emergency)),
            break_glass: share(&Account::broke_glass),
            off_script: share(&|it| it.off_script.is_some()),
            standard: share(&|it| it.kind == Some(ChangeType::Standard)),
            around: AroundCounts {
                bypasses: all
                    .iter()
                    .filter(|it| it.around.iter().any(|at| period.holds(*at)))
                    .count(),
                recorded: runs().filter(|run| run.recorded).count(),
                offline: runs().filter(|run| run.offline).count(),
            },
            denials: denials(&asked, period),
            weeks: weeks::weeks(&executed, period),
            hours: weeks::hours(&all, period),
            by_tier: groups(&executed, |it| it.tier.iter().copied().collect()),
            by_service: groups(&executed, |it| it.services.iter().collect()),
        }
    }
}

/// Returns how long a change took from its submission until it was done.
fn lead_time(account: &Account) -> Option<Duration> {
    Some(account.done_at()? - account.submitted_at?)
}

/// Whether an executed change began and ended in its planned time; `None` without one.
fn kept_plan(account: &Account) -> Option<bool> {
    let planned = account.planned?;
    let is_kept = |run: &Run| {
        planned.start <= run.began_at && run.ended_at.is_some_and(|end| end <= planned.end)
    };
    Some(account.forward().all(is_kept))
}

/// Returns the emergencies that answer an incident to which an earlier change led.
fn rework(accounts: &[Account], executed: &[&Account]) -> Share {
    let mut led_to: BTreeMap<String, Vec<(&str, Time)>> = BTreeMap::new();
    for account in accounts {
        for it in &account.escalated {
            led_to.entry(it.incident.folded()).or_default().push((&account.change, it.at));
        }
    }
    let is_rework = |it: &&&Account| {
        let began = it.executed_at();
        let incident = it.incident.as_ref().and_then(|incident| led_to.get(&incident.folded()));
        it.kind == Some(ChangeType::Emergency)
            && incident.into_iter().flatten().any(|(by, at)| *by != it.change && Some(*at) <= began)
    };
    Share::of(executed.iter().filter(is_rework).count(), executed.len())
}

fn sign_offs(merged: &[&Account]) -> SignOffs {
    let (mut from_content, mut from_submission) = (Vec::new(), Vec::new());
    let mut by_role: BTreeMap<&str, Vec<Duration>> = BTreeMap::new();
    let mut by_person: BTreeMap<&Login, Vec<Duration>> = BTreeMap::new();
    let (mut direct, mut reviewed, mut unsigned, mut unknown) = (0, 0, 0, 0);
    for account in merged {
        let Some(signed) = &account.signed else {
            unknown += 1;
            continue;
        };
        if !signed.is_complete {
            unsigned += 1;
            continue;
        }
        if signed.is_direct {
            direct += 1;
            continue;
        }
        reviewed += 1;
        let arrived = signed.arrived_at.or(account.submitted_at);
        let (Some(last), Some(arrived)) = (account.signed_at(), arrived) else { continue };
        from_content.push(last - arrived);
        from_submission.extend(account.submitted_at.map(|at| last - at));
        for role in signed.by.iter().map(|it| it.role.as_str()).collect::<BTreeSet<_>>() {
            // Who needs two of a role waits for the second.
            let given = signed.by.iter().filter(|it| it.role == role).map(|it| it.at);
            by_role.entry(role).or_default().extend(given.max().map(|at| at - arrived));
        }
        for who in signed.by.iter().map(|it| &it.who).collect::<BTreeSet<_>>() {
            let given = signed.by.iter().filter(|it| it.who == *who).map(|it| it.at);
            by_person.entry(who).or_default().extend(given.min().map(|at| at - arrived));
        }
    }
    let taken = |(by, took): (String, Vec<Duration>)| Taken { by, took: Spread::of(took) };
    SignOffs {
        direct,
        reviewed,
        unsigned,
        unknown,
        from_content: Spread::of(from_content),
        from_submission: Spread::of(from_submission),
        by_role: by_role.into_iter().map(|(by, took)| taken((by.to_owned(), took))).collect(),
        by_person: by_person.into_iter().map(|(by, took)| taken((by.to_string(), took))).collect(),
    }
}

/// Returns the codes that denied changes, the most frequent first.
fn denials(accounts: &[&Account], period: &Interval) -> Vec<Denial> {
    let mut by_code: BTreeMap<&str, (usize, Vec<Duration>)> = BTreeMap::new();
    for account in accounts {
        let mut first: BTreeMap<&str, Time> = BTreeMap::new();
        let denied = account.decided.iter().filter(|it| it.verdict == Verdict::Denied);
        for decided in denied.filter(|it| period.holds(it.at)) {
            for code in &decided.codes {
                first.entry(code).or_insert(decided.at);
            }
        }
        for (code, from) in first {
            let approved = account.decided.iter().filter(|it| it.verdict == Verdict::Approved);
            let over = approved.map(|it| it.at).chain(account.given_up_at);
            let over = over.filter(|at| *at >= from).min();
            let (changes, until_over) = by_code.entry(code).or_default();
            *changes += 1;
            until_over.extend(over.map(|at| at - from));
        }
    }
    let denial = |(code, (changes, until_over)): (&str, (usize, Vec<_>))| Denial {
        code: code.to_owned(),
        changes,
        until_over: Spread::of(until_over),
    };
    let mut denials: Vec<_> = by_code.into_iter().map(denial).collect();
    denials.sort_by_key(|it| (std::cmp::Reverse(it.changes), it.code.clone()));
    denials.truncate(MOST_CODES);
    denials
}

/// Returns what was executed and failed, by what a change is of.
fn groups<'a, T: Ord + ToString>(
    executed: &[&'a Account],
    of: impl Fn(&'a Account) -> Vec<T>,
) -> Vec<Group> {
    let mut counts: BTreeMap<T, (usize, usize)> = BTreeMap::new();
    for account in executed {
        for name in of(account) {
            let (executed, failed) = counts.entry(name).or_default();
            *executed += 1;
            *failed += usize::from(account.has_failed());
        }
    }
    let group = |(of, (executed, failed)): (T, (usize, usize))| Group {
        of: of.to_string(),
        executed,
        failed: Share::of(failed, executed),
    };
    counts.into_iter().map(group).collect()
}
