//! When something fits that has yet to be planned.

use super::Calendar;
use crate::terms::RiskTier;
use crate::time::{Duration, Interval, Time};

/// A suggested start is on a full quarter of an hour.
pub const STEP: u64 = 15 * 60;

/// A time at which something fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Free {
    /// The window that it is in; `None` if it needs none.
    pub window: Option<String>,
    /// The time.
    pub at: Interval,
}

/// Returns the first full quarter of an hour after an instant.
pub fn next_step(now: Time) -> Time {
    let into = now.utc().timestamp().rem_euclid(STEP as i64) as u64;
    now + Duration::seconds(STEP - into)
}

/// Returns the first full quarter of an hour that isn't before an instant.
fn step_from(instant: Time) -> Time {
    next_step(instant - Duration::seconds(1))
}

impl Calendar {
    /// Returns the next time after `now` at which something of this length fits into a window that takes its
    /// tier, outside of freezes and of what is `busy`; `None` if there is none within 400 days. Of windows that
    /// it fits into at the same time, one that is preferred comes first.
    pub fn next_free(
        &self,
        tier: RiskTier,
        length: Duration,
        busy: &[Interval],
        now: Time,
    ) -> Option<Free> {
        let windows = self.windows().filter(|(_, window)| window.tiers.contains(&tier));
        let free = windows.filter_map(|(name, window)| {
            let mut openings = self.openings_of(window, now, length);
            let at = openings.find_map(|opening| within(&opening, length, busy, now))?;
            let is_other = !window.preferred_for.contains(&tier);
            Some((at.start, is_other, Free { window: Some(name.to_owned()), at }))
        });
        let first = free.min_by_key(|(start, is_other, _)| (*start, *is_other));
        first.map(|(_, _, free)| free)
    }
}

/// Returns the first time within an opening at which something fits beside what is `busy`.
fn within(opening: &Interval, length: Duration, busy: &[Interval], now: Time) -> Option<Interval> {
    let mut start = step_from(opening.start).max(next_step(now));
    // Its bounds needn't be on a quarter of an hour.
    if opening.start > now && opening.length() <= length {
        start = opening.start;
    }
    loop {
        let at = Interval { start, end: start + length };
        if !opening.contains(&at) {
            return None;
        }
        match busy.iter().filter(|it| it.overlaps(&at)).map(|it| it.end).max() {
            Some(end) => start = step_from(end),
            None => return Some(at),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::org::{Freezes, Table, Window};

    fn at(text: &str) -> Time {
        format!("2026-11-{text}:00Z").parse().unwrap()
    }

    #[test]
    fn the_next_free_time_is_in_a_window_and_beside_what_is_busy() {
        let window = |days: &[&str], from: &str, to: &str, preferred: &[&str]| -> Window {
            let tiers = ["low", "medium", "high", "critical"];
            let window = json!({"days": days, "from": from, "to": to, "for": tiers, "preferred_for": preferred});
            serde_json::from_value(window).unwrap()
        };
        let entries = [
            ("day".to_owned(), window(&["tue", "wed"], "09:00", "16:00", &[])),
            ("late".to_owned(), window(&["tue", "wed"], "12:00", "20:00", &["high"])),
            ("odd".to_owned(), window(&["fri"], "10:10", "10:40", &[])),
        ];
        let table = Table { reviewed: None, entries: entries.into() };
        let freezes = json!({"freezes": [
            {"name": "sale", "start": "2026-11-24T10:00:00Z", "end": "2026-11-24T11:05:00Z"},
        ]});
        let freezes: Freezes = serde_json::from_value(freezes).unwrap();
        let calendar = Calendar::new(&table, &freezes);
        let busy = |from: &str, to: &str| Interval { start: at(from), end: at(to) };
        for (now, minutes, taken, window, start) in [
            ("24T00:00", 60, vec![], "day", "24T09:00"),
            ("24T08:59", 60, vec![], "day", "24T09:00"),
            ("24T09:00", 30, vec![], "day", "24T09:15"),
            ("24T09:10", 60, vec![], "day", "24T11:15"),
            ("24T00:00", 61, vec![], "day", "24T11:15"),
            ("24T00:00", 60, vec![busy("24T09:30", "24T09:40")], "day", "24T11:15"),
            ("24T00:00", 15, vec![busy("24T09:00", "24T09:40")], "day", "24T09:45"),
            ("24T00:00", 60, vec![busy("24T09:00", "24T19:30")], "day", "25T09:00"),
            ("24T11:50", 60, vec![], "late", "24T12:00"),
            ("24T11:50", 60, vec![busy("24T12:00", "24T12:01")], "late", "24T12:15"),
            ("24T15:20", 60, vec![], "late", "24T15:30"),
            ("26T00:00", 30, vec![], "odd", "27T10:10"),
            ("26T00:00", 20, vec![], "odd", "27T10:15"),
        ] {
            let length = Duration::seconds(60 * minutes);
            let found = calendar.next_free(RiskTier::High, length, &taken, at(now)).unwrap();
            assert_eq!(
                (found.window.as_deref(), found.at.start),
                (Some(window), at(start)),
                "{now}"
            );
            assert_eq!(found.at.length(), length);
        }
        let hours = Duration::hours(12);
        assert_eq!(calendar.next_free(RiskTier::High, hours, &[], at("24T00:00")), None);
    }
}
