//! One window on one day: turns local wall-clock times into instants.
//!
//! When a zone's clock changes, a window keeps all the time that the clock shows between its
//! bounds. A bound that the clock skips moves to the instant at which the clock continues. Of a
//! time that the clock shows twice, an opening bound is the first instant, a closing bound the
//! second.

use chrono::{Datelike, Days, NaiveDate, NaiveTime, TimeDelta};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use jiff::{Timestamp, ToSpan};

use crate::org::Window;
use crate::time::{Duration, Interval, Time};

const MINUTES_A_DAY: u16 = 24 * 60;

/// Returns the occurrences of a window that end after `after` and begin before `before`, in order.
pub(super) fn occurrences(
    window: &Window,
    after: Time,
    before: Time,
) -> impl Iterator<Item = Interval> {
    let (_, to) = bounds(window);
    // A clock that is set back over midnight shows the day before again.
    let first = window.zone.shows(after).date() - Days::new(u64::from(to / MINUTES_A_DAY) + 1);
    let last = window.zone.shows(before).date() + Days::new(1);
    first
        .iter_days()
        .take_while(move |day| *day <= last)
        .filter_map(|day| occurrence(window, day))
        .filter(move |occurrence| occurrence.end > after && occurrence.start < before)
}

/// Returns a duration that no occurrence of a window exceeds.
pub(super) fn longest(window: &Window) -> Duration {
    let (from, to) = bounds(window);
    // No clock has ever been set back by more than a day.
    let repeated = if window.zone.0 == TimeZone::UTC { 0 } else { MINUTES_A_DAY };
    Duration::seconds(60 * u64::from(to - from + repeated))
}

/// Returns the occurrence that belongs to a day; `None` if the window isn't open on that day, or if
/// the clock skips all of it.
pub(super) fn occurrence(window: &Window, day: NaiveDate) -> Option<Interval> {
    if !window.begins_on().contains(&day.weekday().into()) {
        return None;
    }
    let (from, to) = bounds(window);
    let (start, _) = instants(&window.zone.0, day, from)?;
    let (_, end) = instants(&window.zone.0, day, to)?;
    (start < end).then_some(Interval { start, end })
}

/// Returns when a window opens and closes, in minutes after the midnight at which its day begins.
fn bounds(window: &Window) -> (u16, u16) {
    (window.from.minutes(), window.to.minutes() + window.days_later() * MINUTES_A_DAY)
}

/// Returns the first and the last instant at which a zone's clock shows this many minutes after a
/// midnight; if the clock skips them, the instant at which it continues.
fn instants(zone: &TimeZone, day: NaiveDate, minutes: u16) -> Option<(Time, Time)> {
    let clock = day.and_time(NaiveTime::MIN) + TimeDelta::minutes(minutes.into());
    let clock = Offset::UTC.to_datetime(Timestamp::from_second(clock.and_utc().timestamp()).ok()?);
    let shown_with = |offset: Offset| offset.to_timestamp(clock).ok();
    let (first, last) = match zone.to_ambiguous_timestamp(clock).offset() {
        AmbiguousOffset::Unambiguous { offset } => (shown_with(offset)?, shown_with(offset)?),
        AmbiguousOffset::Fold { before, after } => (shown_with(before)?, shown_with(after)?),
        AmbiguousOffset::Gap { before, .. } => {
            let after_the_jump = shown_with(before)? + 1.nanoseconds();
            let jump = zone.preceding(after_the_jump).next()?.timestamp();
            (jump, jump)
        }
    };
    let time = |instant: Timestamp| Time::nearest_unix(instant.as_second());
    Some((time(first), time(last)))
}
