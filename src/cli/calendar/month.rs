//! A month for people: how many changes there are on each day, and which days are the busiest.

use std::fmt::Write as _;

use chrono::{Datelike as _, NaiveDate};

use super::text::{days, freeze, named};
use changegate::changes::calendar::CalendarView;
use changegate::core::time::{Duration, Interval, midnight};
use changegate::report::{counted, hanging};

/// How many of the busiest days are named.
const BUSIEST: usize = 3;

/// Returns the month, in lines of at most so many columns below the grid.
pub fn render(view: &CalendarView, columns: usize) -> String {
    let days: Vec<_> = days(view.period).into_iter().map(|day| Day::of(view, day)).collect();
    let first = days.first().map(|it| it.day);
    let title = first.map(|day| day.format("%B %Y").to_string()).unwrap_or_default();
    let mut out = format!("{title}, {}\n\n", counted(view.changes.len(), "change", "changes"));
    out += " Mon      Tue      Wed      Thu      Fri      Sat      Sun\n";
    let indent = first.map_or(0, |day| day.weekday().num_days_from_monday() as usize);
    let cells = std::iter::repeat_n(String::new(), indent).chain(days.iter().map(Day::cell));
    let cells: Vec<_> = cells.collect();
    for week in cells.chunks(7) {
        let line: String = week.iter().map(|cell| format!("{cell:9}")).collect();
        let _ = writeln!(out, "{}", line.trim_end());
    }
    let mut busiest: Vec<_> = days.iter().filter(|it| it.changes > 0).collect();
    busiest.sort_by_key(|it| (std::cmp::Reverse(it.changes), it.day));
    let busiest: Vec<_> = busiest
        .iter()
        .take(BUSIEST)
        .map(|it| format!("{} ({})", named(it.day, view.now), it.changes))
        .collect();
    out.push('\n');
    if !busiest.is_empty() {
        out += &hanging("busiest  ", &busiest.join(", "), columns);
    }
    let mut label = "freezes  ";
    for it in &view.freezes {
        let dates = it.interval().for_people(Some(view.now));
        out += &hanging(label, &format!("{dates} UTC: {}", freeze(it)), columns);
        label = "         ";
    }
    out + &hanging(
        "",
        "A number is that of the changes of a day; ╳ marks days with a freeze.",
        columns,
    )
}

/// A day of the month.
struct Day {
    day: NaiveDate,
    changes: usize,
    is_frozen: bool,
}

impl Day {
    fn of(view: &CalendarView, day: NaiveDate) -> Self {
        let whole = Interval { start: midnight(day), end: midnight(day) + Duration::days(1) };
        let changes = view.changes.iter().filter(|it| it.is_in(&whole, view.now)).count();
        let is_frozen = view.freezes.iter().any(|it| it.interval().overlaps(&whole));
        Day { day, changes, is_frozen }
    }

    /// Returns it as ` 24  3` or ` 24╳ ·`.
    fn cell(&self) -> String {
        let frozen = if self.is_frozen { '╳' } else { ' ' };
        let changes = if self.changes == 0 { "·".to_owned() } else { self.changes.to_string() };
        format!("{:3}{frozen}{changes:>3}", self.day.day())
    }
}
