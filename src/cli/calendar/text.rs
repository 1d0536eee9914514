//! The calendar for people: a line a day, and below it one for each of its changes.
//!
//! ```text
//!             00    03    06    09    12    15    18    21
//! Tue 24 Nov  ░░░░░░░░░░░░······░░░░░░░░░░░░░░············░░░░
//!   CHG-1240                     ▬▬                           09:30–10:00 medium ready, Scale checkout
//! ```

use chrono::{Datelike as _, NaiveDate};

use changegate::changes::calendar::{CalendarEntry, CalendarView};
use changegate::core::operations::state::{PullState, State};
use changegate::core::org::Freeze;
use changegate::core::request::ChangeType;
use changegate::core::terms::{Verdict, all_of};
use changegate::core::time::{Duration, Interval, Time, midnight};
use changegate::report::escape::terminal;
use changegate::report::{counted, cut, hanging, pad, paint, style_of, width};

/// The columns of a day, where the screen is wide enough for half an hour each.
const WIDE: usize = 48;
/// And where it isn't: an hour each.
const NARROW: usize = 24;
/// How wide a screen has to be for the wide ones.
const WIDE_ENOUGH: usize = 96;

/// The marks: a window is open, none is, all is frozen; a change is planned, or is or was executed.
const OPEN: char = '░';
const SHUT: char = '·';
const FROZEN: char = '╳';
const PLANNED: char = '▬';
const EXECUTED: char = '█';

/// The number of days up to which each has its line, whether there is anything on it or not.
const EACH_DAY: usize = 14;

/// Returns the calendar, in lines of at most so many columns as far as that can be.
pub fn render(view: &CalendarView, colour: bool, columns: usize) -> String {
    let slots = if columns < WIDE_ENOUGH { NARROW } else { WIDE };
    let names = view.changes.iter().map(|it| width(&terminal(&it.entry.change)) + 2);
    let days = days(view.period);
    let named_days = days.iter().map(|day| width(&named(*day, view.now)));
    let label = names.chain(named_days).max().unwrap_or(0).max("  freeze".len()) + 2;
    let page = Page { view, slots, label, colour, columns };
    let mut out = format!("{:label$}{}\n", "", hours(slots));
    let is_short = days.len() <= EACH_DAY;
    let mut last = None;
    for day in days {
        let whole = Interval { start: midnight(day), end: midnight(day) + Duration::days(1) };
        let changes: Vec<_> = view.changes.iter().filter(|it| it.is_in(&whole, view.now)).collect();
        if !is_short && changes.is_empty() && !page.is_edge(&whole) {
            continue;
        }
        if last.is_some_and(|last: NaiveDate| last.succ_opt() != Some(day)) {
            out.push_str("…\n");
        }
        last = Some(day);
        out += &page.day(day, &whole);
        out.extend(page.freezes(&whole));
        out.extend(changes.iter().map(|it| page.change(it, &whole)));
    }
    out + &page.below()
}

/// Returns the days that an interval touches.
pub fn days(period: Interval) -> Vec<NaiveDate> {
    let first = period.start.utc().date_naive();
    first.iter_days().take_while(|day| midnight(*day) < period.end).collect()
}

/// Returns a day as the calendar names it: `Tue 24 Nov`, with its year if that isn't this one.
pub fn named(day: NaiveDate, now: Time) -> String {
    let is_this_year = day.year() == now.utc().year();
    day.format(if is_this_year { "%a %-d %b" } else { "%a %-d %b %Y" }).to_string()
}

/// Returns when something is, within a day: `09:30–10:00`, `from 22:00`, `until 06:00`, `all day`.
fn within(interval: &Interval, day: &Interval) -> String {
    let clock = |time: Time| time.utc().format("%H:%M").to_string();
    match (day.start <= interval.start, interval.end <= day.end) {
        (true, true) => format!("{}–{}", clock(interval.start), clock(interval.end)),
        (true, false) => format!("from {}", clock(interval.start)),
        (false, true) => format!("until {}", clock(interval.end)),
        (false, false) => "all day".to_owned(),
    }
}

/// Returns a line with every third hour above its column.
fn hours(slots: usize) -> String {
    let hour = slots / 24;
    (0..24)
        .step_by(3)
        .map(|at| pad(&format!("{at:02}"), 3 * hour))
        .collect::<String>()
        .trim_end()
        .to_owned()
}

/// Says what a freeze is: `year-end (the offices are closed), of checkout`.
pub fn freeze(freeze: &Freeze) -> String {
    let of = match freeze.services.as_slice() {
        [] => String::new(),
        services => format!(" of {}", all_of(services)),
    };
    let reason = freeze.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    terminal(&format!("{}{of}{reason}", freeze.name)).into_owned()
}

struct Page<'a> {
    view: &'a CalendarView,
    slots: usize,
    label: usize,
    colour: bool,
    columns: usize,
}

impl Page<'_> {
    /// Whether a freeze begins or ends within a day.
    fn is_edge(&self, day: &Interval) -> bool {
        let is_within = |time: Time| day.start <= time && time < day.end;
        self.view.freezes.iter().any(|it| is_within(it.start) || is_within(it.end))
    }

    fn slots<'d>(&self, day: &'d Interval) -> impl Iterator<Item = Interval> + use<'d> {
        let length = Duration::seconds(86_400 / self.slots as u64);
        let mut start = day.start;
        (0..self.slots).map(move |_| {
            let slot = Interval { start, end: start + length };
            start = slot.end;
            slot
        })
    }

    fn day(&self, day: NaiveDate, whole: &Interval) -> String {
        let view = self.view;
        // What is frozen for some services alone is open to others.
        let is_all = |it: &&Freeze| it.services.is_empty() || view.service.is_some();
        let is_frozen = |slot: &Interval| {
            view.freezes.iter().filter(is_all).any(|it| it.interval().overlaps(slot))
        };
        let is_open = |slot: &Interval| view.windows.iter().any(|it| it.open.overlaps(slot));
        let marks: String = self
            .slots(whole)
            .map(|slot| match () {
                () if is_frozen(&slot) => FROZEN,
                () if is_open(&slot) => OPEN,
                () => SHUT,
            })
            .collect();
        let today = if (whole.start..whole.end).contains(&view.now) { "  today" } else { "" };
        format!("{}{marks}{today}\n", pad(&named(day, view.now), self.label))
    }

    /// Returns a line for each freeze of a day.
    fn freezes(&self, whole: &Interval) -> Vec<String> {
        let frozen = self.view.freezes.iter().filter(|it| it.interval().overlaps(whole));
        let line = |it: &Freeze| {
            let marks = self.slots(whole).map(|slot| match it.interval().overlaps(&slot) {
                true => FROZEN,
                false => ' ',
            });
            let beginning =
                format!("{}{}  ", pad("  freeze", self.label), marks.collect::<String>());
            let left = self.columns.saturating_sub(width(&beginning));
            format!("{beginning}{}\n", cut(&freeze(it), left))
        };
        frozen.map(line).collect()
    }

    fn change(&self, it: &CalendarEntry, day: &Interval) -> String {
        let now = self.view.now;
        let entry = &it.entry;
        let executed = |slot: &Interval| {
            it.executions.iter().any(|executed| executed.interval(now).overlaps(slot))
        };
        let planned = |slot: &Interval| entry.planned.is_some_and(|it| it.overlaps(slot));
        let is_to_come = it.executions.is_empty() && entry.kind != Some(ChangeType::Emergency);
        let frozen = |slot: &Interval| {
            let mut freezes = self.view.freezes.iter().filter(|it| it.concerns(&entry.services));
            is_to_come && freezes.any(|it| it.interval().overlaps(slot))
        };
        let bar: String = self
            .slots(day)
            .map(|slot| match () {
                () if executed(&slot) => EXECUTED,
                () if planned(&slot) && frozen(&slot) => FROZEN,
                () if planned(&slot) => PLANNED,
                () => ' ',
            })
            .collect();
        let beginning =
            format!("{}{bar}  ", pad(&format!("  {}", terminal(&entry.change)), self.label));
        let left = self.columns.saturating_sub(width(&beginning));
        let text = cut(&self.told(it, day), left);
        let verdict = entry.verdict.filter(|_| entry.pull == PullState::Open);
        let painted = match verdict.map(|verdict| (verdict, verdict.to_string())) {
            Some((verdict, word)) => {
                text.replacen(&word, &paint(&word, style_of(verdict), self.colour), 1)
            }
            None => text,
        };
        format!("{}\n", format!("{beginning}{painted}").trim_end())
    }

    /// Says when it is on that day, its tier, where it is, and what it does.
    fn told(&self, it: &CalendarEntry, day: &Interval) -> String {
        let entry = &it.entry;
        let planned = entry.planned.filter(|planned| planned.overlaps(day));
        let executed = it.executions.iter().map(|it| it.interval(self.view.now));
        let mut executed = executed.filter(|it| it.overlaps(day));
        let when = planned.or_else(|| executed.next()).map(|when| within(&when, day));
        let tier = entry.tier.map(|tier| tier.to_string());
        let state = match (entry.pull, entry.verdict) {
            (PullState::Open, Some(verdict)) if entry.state == State::Open => verdict.to_string(),
            _ => entry.state.to_string(),
        };
        let parts: Vec<_> =
            [when, tier, Some(state), self.overran(it)].into_iter().flatten().collect();
        let summary = entry.summary.as_deref().unwrap_or_default();
        terminal(&format!("{}  {summary}", parts.join(" "))).into_owned()
    }

    /// Says by how much the last execution was or is later than planned.
    fn overran(&self, it: &CalendarEntry) -> Option<String> {
        let last = it.executions.iter().rfind(|it| !it.rollback)?.interval(self.view.now);
        let planned = it.entry.planned?;
        let is_late = planned.overlaps(&last) && planned.end < last.end;
        is_late.then(|| format!("+{}", (last.end - planned.end).for_people()))
    }

    /// What the marks mean, and a summary.
    fn below(&self) -> String {
        let view = self.view;
        let legend = format!(
            "{OPEN} a window is open  {SHUT} none is  {FROZEN} frozen  {PLANNED} planned  {EXECUTED} executed"
        );
        let count = |is_it: &dyn Fn(&CalendarEntry) -> bool| {
            view.changes.iter().filter(|it| is_it(it)).count()
        };
        let mut parts = Vec::new();
        let mut states: Vec<(String, usize)> = Vec::new();
        for it in &view.changes {
            let state = match it.entry.pull {
                PullState::Open if it.entry.state == State::Open => "not merged yet".to_owned(),
                _ => it.entry.state.to_string(),
            };
            match states.iter_mut().find(|(known, _)| *known == state) {
                Some((_, count)) => *count += 1,
                None => states.push((state, 1)),
            }
        }
        states.sort();
        parts.extend(states.into_iter().map(|(state, count)| format!("{count} {state}")));
        let denied = count(&|it| it.entry.verdict == Some(Verdict::Denied));
        parts.extend((denied > 0).then(|| format!("{denied} denied as they are now")));
        let parts =
            if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
        let changes = counted(view.changes.len(), "change", "changes");
        format!(
            "\n{}{}",
            hanging("", &format!("{changes}{parts}"), self.columns),
            hanging("", &legend, self.columns)
        )
    }
}
