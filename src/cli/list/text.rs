//! The list for people: a line for each change.

use crate::changes::entry::ListEntry;
use crate::changes::list::ListView;
use crate::changes::story::State;
use crate::core::terms::Verdict;
use crate::core::time::{Duration, Interval, Time};
use crate::report::escape::terminal;
use crate::report::{WIDTH, cut, pad, paint, style_of, width};

/// The widest that a change's name is shown.
const NAME: usize = 24;

/// The widest that whom it waits for is shown.
const WHY: usize = 34;

/// The narrowest that a summary is shown.
const SUMMARY: usize = 16;

/// What stands where there is nothing to say.
const NOTHING: &str = "—";

/// The list.
pub fn render(view: &ListView, colour: bool) -> String {
    if view.changes.is_empty() {
        return "no such changes\n".to_owned();
    }
    let rows: Vec<_> = view.changes.iter().map(|entry| row(entry, view.now)).collect();
    let widths: Vec<usize> = (0..COLUMNS)
        .map(|column| rows.iter().map(|row| width(&row[column])).max().unwrap_or(0))
        .collect();
    let taken: usize = widths.iter().map(|width| width + 2).sum();
    let left = WIDTH.saturating_sub(taken).max(SUMMARY);
    let mut out = String::new();
    for (entry, row) in view.changes.iter().zip(&rows) {
        for (column, cell) in row.iter().enumerate() {
            let padded = pad(cell, widths[column]) + "  ";
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
    out
}

/// Name, tier, verdict, whom it waits for, since when, planned for when.
const COLUMNS: usize = 6;
const VERDICT: usize = 2;

fn row(entry: &ListEntry, now: Time) -> [String; COLUMNS] {
    let tier = entry.tier.map_or(NOTHING.to_owned(), |tier| tier.to_string());
    let verdict = match (entry.state, entry.verdict) {
        (State::Open, Some(verdict)) => verdict.to_string(),
        (State::Open, None) => "undecided".to_owned(),
        (state, _) => state.to_string(),
    };
    [
        cut(&terminal(&entry.change), NAME),
        tier,
        verdict,
        cut(&terminal(&entry.brief), WHY),
        since(entry, now),
        entry.planned.map_or(NOTHING.to_owned(), |planned| start(planned, now)),
    ]
}

/// `since 3 h`, `since 3 d, overdue`; nothing for what waits for nobody.
fn since(entry: &ListEntry, now: Time) -> String {
    match entry.since {
        Some(since) if entry.verdict != Some(Verdict::Approved) => {
            let overdue = if entry.overdue { ", overdue" } else { "" };
            format!("since {}{overdue}", roughly(now - since))
        }
        _ => NOTHING.to_owned(),
    }
}

/// A duration's largest unit.
fn roughly(duration: Duration) -> String {
    duration.for_people().split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}

/// `Tue 22:00` within the next days, `24 Nov 22:00` beyond.
fn start(planned: Interval, now: Time) -> String {
    let is_near = now <= planned.start && planned.start - now < Duration::days(6);
    let format = if is_near { "%a %H:%M" } else { "%-d %b %H:%M" };
    planned.start.utc().format(format).to_string()
}
