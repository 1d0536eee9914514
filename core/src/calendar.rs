//! The calendar: windows and freezes as intervals of time.
//!
//! ```text
//! window + day ── occurrence ──▶ intervals ─┐
//!                                           ├─ openings ──▶ facts for the policies, answers for people
//! freezes ── thawed ──▶ time outside them ──┘
//! ```
//!
//! All intervals are half-open and in UTC. Whether a plan *fits* a window depends on the window
//! alone; an *opening* is what freezes leave of it. The policies decide what a freeze means for a
//! change.

mod free;
mod occurrence;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::iter;

use chrono::{DateTime, Datelike, Months, NaiveDate, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::free::{Free, STEP, next_step};
use self::occurrence::{longest, occurrences};
use super::org::{ClockTime, Date, Freeze, Freezes, Quarter, Table, Weekday, Window, Zone};
use super::terms::{Name, RiskTier};
use super::time::{Duration, Interval, Time, midnight};

/// How far ahead openings are searched: a year and the longest freeze that is likely.
pub const HORIZON: Duration = Duration::days(400);

/// The smallest length of time.
const INSTANT: Duration = Duration::seconds(1);

/// An organisation's windows and freezes, prepared for queries.
#[derive(Clone, Debug)]
pub struct Calendar {
    windows: BTreeMap<String, Window>,
    /// The freezes, in order of their starts.
    freezes: Vec<Freeze>,
    /// The time outside all freezes, from the beginning of time to its end.
    thawed: Vec<Interval>,
    /// The quarters whose freezes have been announced, such as `2026-Q4`.
    announced: Vec<String>,
}

/// What the policies read about a planned interval.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CalendarFacts {
    /// When the change is planned.
    pub planned: Option<Interval>,
    /// What a clock in UTC shows then.
    pub clock: Option<ClockFacts>,
    /// Every window, by name.
    pub windows: Vec<WindowFact>,
    /// The freezes that concern the change and end after now or after the planned start, whichever is
    /// earlier, in order of their starts.
    pub freezes: Vec<FreezeFact>,
    /// The quarters that the planned interval touches and whose freezes aren't announced.
    pub unannounced: Vec<String>,
    /// What is open and frozen now; where the change is to be executed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<NowFacts>,
}

/// What is open and frozen now.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NowFacts {
    /// The windows that are open, by name; freezes don't count.
    pub windows: Vec<OpenWindow>,
    /// The freezes that concern the change and have begun and not ended, in order of their starts.
    pub freezes: Vec<OngoingFreeze>,
}

/// A window that is open now.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenWindow {
    /// The window's name.
    pub name: String,
    /// The tiers that may run in it.
    #[serde(rename = "for")]
    pub tiers: Vec<RiskTier>,
    /// When it closes.
    pub open_until: Time,
}

/// A freeze that has begun and not ended.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OngoingFreeze {
    /// The freeze's name.
    pub name: String,
    /// The first instant after it.
    pub end: Time,
    /// The services that are frozen; absent if all are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<Name>,
}

/// What a window means for a planned interval.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WindowFact {
    /// The window's name.
    pub name: String,
    /// The tiers that may run in it.
    #[serde(rename = "for")]
    pub tiers: Vec<RiskTier>,
    /// The tiers that should run in it.
    pub preferred_for: Vec<RiskTier>,
    /// Whether all of the planned interval is within one occurrence; freezes don't count.
    pub fits: bool,
    /// The earliest opening within 400 days of which at least the planned duration is left; an
    /// opening that has begun keeps its start.
    pub next_opening: Option<Interval>,
    /// What a clock in the window's zone shows when the change is planned.
    pub clock: Option<ClockFacts>,
}

/// What a zone's clock shows at the start and at the end of a planned interval.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClockFacts {
    /// At the start.
    pub start: Moment,
    /// At the end.
    pub end: Moment,
}

/// What a clock shows.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Moment {
    /// The day.
    pub date: Date,
    /// Its day of the week.
    pub weekday: Weekday,
    /// The time of day, to the minute.
    pub time: ClockTime,
}

impl ClockFacts {
    fn of(zone: &Zone, planned: Interval) -> Self {
        let moment = |instant| {
            let shown = zone.shows(instant);
            Moment {
                date: Date(shown.date()),
                weekday: shown.weekday().into(),
                time: shown.time().into(),
            }
        };
        ClockFacts { start: moment(planned.start), end: moment(planned.end) }
    }
}

/// What a freeze means for a planned interval.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FreezeFact {
    /// The freeze's name.
    pub name: String,
    /// The first instant that is frozen.
    pub start: Time,
    /// The first instant after it.
    pub end: Time,
    /// The services that are frozen; absent if all are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<Name>,
    /// Whether the planned interval shares an instant with it.
    pub overlaps: bool,
}

impl Calendar {
    /// Prepares the organisation's tables. A freeze of no length is ignored.
    pub fn new(windows: &Table<Window>, freezes: &Freezes) -> Self {
        let mut dated: Vec<_> =
            freezes.freezes.iter().filter(|freeze| freeze.start < freeze.end).cloned().collect();
        dated.sort_by_key(|freeze| (freeze.start, freeze.end));
        Calendar {
            windows: windows.entries.clone(),
            thawed: thawed(&dated),
            freezes: dated,
            announced: freezes.quarters.iter().map(Quarter::to_string).collect(),
        }
    }

    /// Returns every window with its name, in order of names.
    pub fn windows(&self) -> impl Iterator<Item = (&str, &Window)> {
        self.windows.iter().map(|(name, window)| (name.as_str(), window))
    }

    /// Returns the freezes that end after an instant, in order of their starts.
    pub fn freezes_after(&self, instant: Time) -> impl Iterator<Item = &Freeze> {
        self.freezes.iter().filter(move |freeze| freeze.end > instant)
    }

    /// Returns what counts for a change that affects these services: the windows, and the freezes that
    /// concern it.
    pub fn of<T: AsRef<str>>(&self, services: &[T]) -> Cow<'_, Self> {
        self.with_freezes(|freeze| freeze.concerns(services))
    }

    /// Returns it with the freezes alone that `is_meant`.
    pub fn with_freezes(&self, is_meant: impl Fn(&Freeze) -> bool) -> Cow<'_, Self> {
        if self.freezes.iter().all(&is_meant) {
            return Cow::Borrowed(self);
        }
        let freezes: Vec<_> = self.freezes.iter().filter(|it| is_meant(it)).cloned().collect();
        Cow::Owned(Calendar { thawed: thawed(&freezes), freezes, ..self.clone() })
    }

    /// Returns what the policies read about a planned interval.
    pub fn facts(&self, planned: Option<Interval>, now: Time) -> CalendarFacts {
        let length = planned.map_or(Duration::seconds(0), |planned| planned.length());
        let windows = self.windows().map(|(name, window)| WindowFact {
            name: name.to_owned(),
            tiers: window.tiers.clone(),
            preferred_for: window.preferred_for.clone(),
            fits: planned.is_some_and(|planned| fits(window, &planned)),
            next_opening: self.uncut_openings_of(window, now, length).next(),
            clock: planned.map(|planned| ClockFacts::of(&window.zone, planned)),
        });
        let earliest = planned.map_or(now, |planned| planned.start.min(now));
        let freezes = self.freezes_after(earliest).map(|freeze| FreezeFact {
            name: freeze.name.clone(),
            start: freeze.start,
            end: freeze.end,
            services: freeze.services.clone(),
            overlaps: planned.is_some_and(|planned| planned.overlaps(&freeze.interval())),
        });
        let touched = planned.into_iter().flat_map(quarters);
        CalendarFacts {
            planned,
            clock: planned.map(|planned| ClockFacts::of(&Zone::default(), planned)),
            windows: windows.collect(),
            freezes: freezes.collect(),
            unannounced: touched.filter(|quarter| !self.announced.contains(quarter)).collect(),
            now: None,
        }
    }

    /// Returns what is open and frozen now.
    pub fn now(&self, now: Time) -> NowFacts {
        let open = self.windows().filter_map(|(name, window)| {
            let occurrence = occurrences(window, now, now + INSTANT).find(|it| it.start <= now)?;
            let (name, tiers) = (name.to_owned(), window.tiers.clone());
            Some(OpenWindow { name, tiers, open_until: occurrence.end })
        });
        let frozen = self.freezes_after(now).filter(|freeze| freeze.start <= now);
        let frozen = frozen.map(|it| OngoingFreeze {
            name: it.name.clone(),
            end: it.end,
            services: it.services.clone(),
        });
        NowFacts { windows: open.collect(), freezes: frozen.collect() }
    }

    /// Returns the next instant at which a window that takes a tier opens or closes, or a freeze begins
    /// or ends.
    pub fn next_edge(&self, tier: Option<RiskTier>, now: Time) -> Option<Time> {
        let takes = |window: &&Window| tier.is_some_and(|tier| window.tiers.contains(&tier));
        let edges = self.windows.values().filter(takes).filter_map(|window| {
            let next = occurrences(window, now, now + HORIZON).next()?;
            Some(if next.start > now { next.start } else { next.end })
        });
        let frozen = self.freezes_after(now).flat_map(|freeze| [freeze.start, freeze.end]);
        edges.chain(frozen).filter(|edge| *edge > now).min()
    }

    /// Returns the openings of one window from `now` on, each at least as long as `length`, in
    /// order of their starts. None begins after [`HORIZON`].
    pub fn openings_of(
        &self,
        window: &Window,
        now: Time,
        length: Duration,
    ) -> impl Iterator<Item = Interval> {
        self.uncut_openings_of(window, now, length)
            .map(move |opening| Interval { start: opening.start.max(now), end: opening.end })
    }

    /// Returns the openings of one window, where one that has begun keeps its start: what is
    /// outside freezes of the window's occurrences, and has at least `length` left.
    fn uncut_openings_of(
        &self,
        window: &Window,
        now: Time,
        length: Duration,
    ) -> impl Iterator<Item = Interval> {
        // No occurrence can hold such a plan, so a search through a year would find nothing.
        let horizon = if length <= longest(window) { now + HORIZON } else { now };
        let passed = self.thawed.partition_point(|stretch| stretch.end <= now);
        self.thawed[passed..]
            .iter()
            .take_while(move |stretch| stretch.start < horizon)
            .flat_map(move |stretch| {
                let end = stretch.end.min(horizon);
                let cut = Interval { start: stretch.start, end };
                occurrences(window, stretch.start.max(now), end)
                    .filter_map(move |occurrence| intersection(&occurrence, &cut))
            })
            .filter(move |opening| {
                opening.end > now && latest_start(opening, length).is_some_and(|start| start >= now)
            })
    }
}

/// Returns the last instant at which something of this length can begin in an opening; `None` if it
/// is longer than the opening.
pub fn latest_start(opening: &Interval, length: Duration) -> Option<Time> {
    (length <= opening.length()).then(|| opening.start + (opening.length() - length))
}

/// Returns whether all of a planned interval is within one occurrence of a window.
fn fits(window: &Window, planned: &Interval) -> bool {
    planned.start < planned.end
        && occurrences(window, planned.start, planned.start + INSTANT)
            .any(|occurrence| occurrence.contains(planned))
}

/// Returns the time outside freezes, which are in order of their starts and may overlap.
fn thawed(freezes: &[Freeze]) -> Vec<Interval> {
    let mut stretches = Vec::with_capacity(freezes.len() + 1);
    let mut start = Time::from(DateTime::<Utc>::MIN_UTC);
    for freeze in freezes {
        if start < freeze.start {
            stretches.push(Interval { start, end: freeze.start });
        }
        start = start.max(freeze.end);
    }
    stretches.push(Interval { start, end: Time::from(DateTime::<Utc>::MAX_UTC) });
    stretches
}

/// Returns the instants that two intervals share; `None` if there are none.
fn intersection(a: &Interval, b: &Interval) -> Option<Interval> {
    let both = Interval { start: a.start.max(b.start), end: a.end.min(b.end) };
    (both.start < both.end).then_some(both)
}

/// Returns the calendar quarters that an interval touches.
fn quarters(interval: Interval) -> impl Iterator<Item = String> {
    iter::successors(Some(interval.start), |instant| next_quarter(*instant))
        .take_while(move |instant| *instant < interval.end)
        .map(Time::quarter)
}

/// Returns the first instant of the quarter after this one's.
fn next_quarter(instant: Time) -> Option<Time> {
    let day = instant.utc().date_naive();
    NaiveDate::from_ymd_opt(day.year(), day.month0() / 3 * 3 + 1, 1)?
        .checked_add_months(Months::new(3))
        .map(midnight)
}
