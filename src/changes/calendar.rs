//! What is planned and what was executed in a stretch of time, beside its windows and freezes.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use super::entry::{ListEntry, Lister};
use super::progress::Executions;
use super::story::Stories;
use crate::content::conflicts::open_request;
use crate::core::calendar::{Calendar, HORIZON};
use crate::core::operations::kinds::EndResult;
use crate::core::org::{Freeze, Org};
use crate::core::request::ChangeRequest;
use crate::core::terms::{Name, RiskTier};
use crate::core::time::{Duration, Interval, Time, midnight, week_of};
use crate::forge::git::Git;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The stretch of time.
    pub period: Interval,
    /// Only changes of this tier, and the windows that take it.
    pub tier: Option<RiskTier>,
    /// Only changes that affect this service, and the freezes that concern it.
    pub service: Option<Name>,
}

/// The calendar of a stretch of time.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(title = "Calendar")]
pub struct CalendarView {
    /// The time that the answer is for.
    pub now: Time,
    /// The stretch of time.
    pub period: Interval,
    /// The tier that was asked for.
    pub tier: Option<RiskTier>,
    /// The service that was asked for.
    pub service: Option<Name>,
    /// When windows are open on its days, in order of their starts; freezes aren't taken out.
    pub windows: Vec<OpenWindow>,
    /// The freezes that share an instant with it, in order of their starts.
    pub freezes: Vec<Freeze>,
    /// The changes that are planned in it or were executed in it, in order of their starts.
    pub changes: Vec<CalendarEntry>,
}

/// A stretch in which a window is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OpenWindow {
    /// The window's name.
    pub window: String,
    /// When it is open.
    #[serde(flatten)]
    pub open: Interval,
}

/// A change in the calendar.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct CalendarEntry {
    /// The change as the list shows it.
    #[serde(flatten)]
    pub entry: ListEntry,
    /// How often a version of it was merged.
    pub versions: usize,
    /// When something happened to it last: a merge, or an event of the log.
    pub changed_at: Option<Time>,
    /// What was executed of it, in the order in which it began.
    pub executions: Vec<Executed>,
}

/// Something that was executed, or is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Executed {
    /// When it began.
    pub started_at: Time,
    /// When it ended; null if nobody has said so.
    pub ended_at: Option<Time>,
    /// How it ended; null if nobody has said so.
    pub result: Option<EndResult>,
    /// Until when it is taken to go on, if it hasn't ended.
    pub lease_until: Option<Time>,
    /// Whether it undid what was done.
    pub rollback: bool,
    /// Whether it was recorded afterwards, without asking.
    pub recorded: bool,
}

impl Executed {
    /// Makes one.
    pub(super) fn ended(
        at: (Time, Option<Time>),
        result: Option<EndResult>,
        rollback: bool,
    ) -> Self {
        Executed {
            started_at: at.0,
            ended_at: at.1,
            result,
            lease_until: None,
            rollback,
            recorded: false,
        }
    }

    /// Returns the time that it took or takes, as far as that is known at `now`.
    pub fn interval(&self, now: Time) -> Interval {
        let until = self.ended_at.or(self.lease_until.map(|until| until.min(now)));
        // What has just begun shows, too.
        let end = until.unwrap_or(now).max(self.started_at + Duration::seconds(1));
        Interval { start: self.started_at, end }
    }
}

impl CalendarEntry {
    /// Returns when it begins: what was executed, or else what is planned.
    pub fn begins(&self) -> Option<Time> {
        let executed = self.executions.iter().map(|it| it.started_at).min();
        let planned = self.entry.planned.map(|planned| planned.start);
        [planned, executed].into_iter().flatten().min()
    }

    /// Whether it is planned or was executed within an interval.
    pub fn is_in(&self, interval: &Interval, now: Time) -> bool {
        self.entry.planned.is_some_and(|planned| planned.overlaps(interval))
            || self.executions.iter().any(|it| it.interval(now).overlaps(interval))
    }
}

/// Returns the names of the changes that may be in the calendar.
///
/// # Errors
/// When the repository can't be read.
pub fn names(
    git: &Git,
    org: &Org,
    executions: &Executions<'_>,
    period: Interval,
) -> anyhow::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    let is_in = |planned: Option<Interval>| planned.is_some_and(|it| it.overlaps(&period));
    let planned = executions.requests(git)?.iter().filter(|it| is_in(it.planned));
    names.extend(planned.map(|request| request.id.to_string()));
    let lives = executions.lives()?.into_iter();
    names.extend(lives.filter(|(_, lived)| lived.was_executed_in(&period)).map(|(name, _)| name));
    for pull in git.open(org)? {
        let request = open_request(git.repo(), pull.base, pull.head, &pull.name);
        let planned = request.ok().flatten().as_ref().and_then(ChangeRequest::planned);
        names.extend(is_in(planned).then_some(pull.name));
    }
    Ok(names)
}

/// Returns the calendar with these of the changes, as far as they are in it. `calendar` has the windows and
/// freezes.
///
/// # Errors
/// When the repository can't be read.
pub fn view(
    lister: &Lister<'_>,
    calendar: &Calendar,
    asked: &Asked,
    names: &BTreeSet<String>,
) -> anyhow::Result<CalendarView> {
    let Asked { period, tier, service } = asked;
    let mut changes = Vec::new();
    for name in names {
        let executed = lister.executions.executed(name)?;
        for entry in lister.entries(name, |_| true)? {
            let is_of = |service: &Name| entry.services.iter().any(|it| it == service.as_str());
            if tier.is_none_or(|tier| entry.tier == Some(tier))
                && service.as_ref().is_none_or(is_of)
            {
                changes.push(of(lister.stories, executed.clone(), entry)?);
            }
        }
    }
    changes.retain(|it| it.is_in(period, lister.now));
    changes.sort_by(|a, b| {
        let key = |it: &CalendarEntry| (it.begins(), it.entry.change.clone());
        key(a).cmp(&key(b))
    });
    let affected: Vec<_> = service.iter().collect();
    let freezes = calendar.freezes_after(period.start);
    let freezes = freezes.filter(|it| it.start < period.end && it.concerns(&affected));
    Ok(CalendarView {
        now: lister.now,
        period: *period,
        tier: *tier,
        service: service.clone(),
        windows: windows(calendar, *tier, whole_days(*period)),
        freezes: freezes.cloned().collect(),
        changes,
    })
}

/// Returns the days that an interval touches.
fn whole_days(period: Interval) -> Interval {
    let midnight = |time: Time| midnight(time.utc().date_naive());
    let end = midnight(period.end);
    let end = if end < period.end { end + Duration::days(1) } else { end };
    Interval { start: midnight(period.start), end }
}

/// Returns when the windows for a tier, or any, are open.
fn windows(calendar: &Calendar, tier: Option<RiskTier>, period: Interval) -> Vec<OpenWindow> {
    let calendar = calendar.with_freezes(|_| false);
    let takes = |tiers: &[RiskTier]| tier.is_none_or(|tier| tiers.contains(&tier));
    let windows = calendar.windows().filter(|(_, window)| takes(&window.tiers));
    let mut open: Vec<_> = windows
        .flat_map(|(name, window)| {
            // No search goes further than that.
            let mut open: Vec<Interval> = Vec::new();
            let mut from = period.start;
            while from < period.end {
                let openings = calendar.openings_of(window, from, Duration::seconds(1));
                let end = open.last().map(|open| open.end);
                let new = openings.take_while(|open| open.start < period.end);
                open.extend(new.filter(|it| Some(it.end) > end).collect::<Vec<_>>());
                from = from + HORIZON;
            }
            open.into_iter().map(|open| OpenWindow { window: name.to_owned(), open })
        })
        .collect();
    open.sort_by_key(|it| (it.open.start, it.open.end));
    open
}

/// Returns in which hours of the last week of a period a window is open: 24 for each day from Monday on, in UTC.
pub fn open_hours(calendar: &Calendar, period: Interval) -> Vec<Vec<bool>> {
    let week = week_of(period.end - Duration::seconds(1));
    let open = windows(calendar, None, week);
    let is_open = |day: u64, hour: u64| {
        let start = week.start + Duration::hours(day * 24 + hour);
        let hour = Interval { start, end: start + Duration::hours(1) };
        open.iter().any(|it| it.open.overlaps(&hour))
    };
    (0..7).map(|day| (0..24).map(|hour| is_open(day, hour)).collect()).collect()
}

fn of(
    stories: &Stories<'_>,
    (executions, last): (Vec<Executed>, Option<Time>),
    entry: ListEntry,
) -> anyhow::Result<CalendarEntry> {
    let merges = stories.merges(&entry.change)?;
    let merged = merges.last().map(|merge| merge.commit.time);
    Ok(CalendarEntry {
        versions: merges.len(),
        changed_at: [merged, last, entry.since].into_iter().flatten().max(),
        executions,
        entry,
    })
}
