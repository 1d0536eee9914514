//! The list for people: one line for each change.

use chrono::Datelike;

use changegate::changes::entry::ListEntry;
use changegate::changes::list::{ListView, Unrecorded};
use changegate::changes::story::State;
use changegate::core::terms::Verdict;
use changegate::core::time::{Duration, Interval, Time};
use changegate::report::escape::terminal;
use changegate::report::{cut, pad, paint, style_of, width};

/// The narrowest columns of the people that a change waits for, and of its summary, where the screen
/// isn't wide enough for whole lines.
const WHY: usize = 12;
const SUMMARY: usize = 16;

/// The most commits that are recorded nowhere that are named.
const MOST_UNRECORDED: usize = 5;

/// The mark for an empty cell.
const NOTHING: &str = "—";

/// Returns the list; a line has at most so many columns, as far as its names allow.
pub fn render(view: &ListView, colour: bool, columns: usize) -> String {
    let rows: Vec<_> = view.changes.iter().map(|entry| row(entry, view.now)).collect();
    let mut widths: Vec<usize> = (0..COLUMNS)
        .map(|column| rows.iter().map(|row| width(&row[column])).max().unwrap_or(0))
        .collect();
    let taken = |widths: &[usize]| widths.iter().map(|width| width + 2).sum::<usize>();
    let others = taken(&widths) - widths[WAITS_FOR];
    let left_for_why = columns.saturating_sub(others + SUMMARY);
    widths[WAITS_FOR] = widths[WAITS_FOR].min(left_for_why.max(WHY));
    let left = columns.saturating_sub(taken(&widths));
    let mut out = String::new();
    for (entry, row) in view.changes.iter().zip(&rows) {
        for (column, cell) in row.iter().enumerate() {
            let padded = pad(&cut(cell, widths[column]), widths[column]) + "  ";
            out.push_str(&match entry.verdict {
                Some(verdict) if column == VERDICT => paint(&padded, style_of(verdict), colour),
                _ => padded,
            });
        }
        let summary = terminal(entry.summary.as_deref().unwrap_or_default());
        out.push_str(&cut(&summary, left));
        out.truncate(out.trim_end().len());
        out.push('\n');
    }
    out + &unrecorded(view)
}

/// Names what reached the base and is recorded nowhere, if there is anything.
pub fn unrecorded(view: &ListView) -> String {
    let mut out = String::new();
    for Unrecorded { commit, by, title, .. } in view.unrecorded.iter().take(MOST_UNRECORDED) {
        let commit = &commit[..7];
        let line = format!("{commit} by {by} is on {} and recorded nowhere: {title}", view.base);
        out += &format!("WARNING  {}\n", terminal(&line));
    }
    match view.unrecorded.len().saturating_sub(MOST_UNRECORDED) {
        0 => out,
        more => {
            out + &format!("WARNING  and {more} more: `changegate audit coverage` lists them\n")
        }
    }
}

/// The number of columns: name, tier, verdict, whom it waits for, since when, planned for when.
const COLUMNS: usize = 6;
const VERDICT: usize = 2;
const WAITS_FOR: usize = 3;

fn row(entry: &ListEntry, now: Time) -> [String; COLUMNS] {
    let tier = entry.tier.map_or(NOTHING.to_owned(), |tier| tier.to_string());
    let verdict = match (entry.state, entry.verdict) {
        (State::Open, Some(verdict)) => verdict.to_string(),
        (State::Open, None) => "undecided".to_owned(),
        (state, _) => state.to_string(),
    };
    [
        terminal(&entry.change).into_owned(),
        tier,
        verdict,
        terminal(&entry.brief).into_owned(),
        since(entry, now),
        entry.planned.map_or(NOTHING.to_owned(), |planned| start(planned, now)),
    ]
}

/// Writes `since 3 h` or `since 3 d, overdue`; empty if it waits for nobody.
fn since(entry: &ListEntry, now: Time) -> String {
    match entry.since {
        Some(since) if entry.verdict != Some(Verdict::Approved) => {
            let overdue = if entry.overdue { ", overdue" } else { "" };
            format!("since {}{overdue}", roughly(now - since))
        }
        _ => NOTHING.to_owned(),
    }
}

/// Returns a duration's largest unit.
fn roughly(duration: Duration) -> String {
    duration.for_people().split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}

/// Writes `Tue 22:00` for the next days, `24 Nov 22:00` for later ones, `2 Jan 2027 22:00` for
/// another year.
fn start(planned: Interval, now: Time) -> String {
    let is_near = now <= planned.start && planned.start - now < Duration::days(6);
    let is_this_year = planned.start.utc().year() == now.utc().year();
    let format = match (is_near, is_this_year) {
        (true, _) => "%a %H:%M",
        (_, true) => "%-d %b %H:%M",
        _ => "%-d %b %Y %H:%M",
    };
    planned.start.utc().format(format).to_string()
}
