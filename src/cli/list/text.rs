//! The list for people: one line for each change.

use chrono::Datelike;

use crate::cli::shared::next::going_on;
use changegate::changes::entry::ListEntry;
use changegate::changes::list::{ListView, Unrecorded};
use changegate::core::operations::state::PullState;
use changegate::core::terms::Verdict;
use changegate::core::time::{Duration, Interval, Time};
use changegate::report::escape::terminal;
use changegate::report::{cut, hanging, pad, paint, style_of, width};

/// The narrowest columns of the people that a change waits for, and of its summary, where the screen
/// isn't wide enough for whole lines.
const WHY: usize = 12;
const SUMMARY: usize = 16;

/// The most commits that are recorded nowhere that are named.
const MOST_UNRECORDED: usize = 5;

/// The most changes for which the next command is named below the list.
const MOST_NEXT: usize = 5;

/// The mark for an empty cell.
const NOTHING: &str = "—";

/// Returns the list; a line has at most so many columns, as far as that can be. Where the names leave no
/// room for the rest, each is on a line of its own. `waits_for_me` says that all of them wait for the reader's
/// review.
pub fn render(view: &ListView, waits_for_me: bool, colour: bool, columns: usize) -> String {
    let rows: Vec<_> = view.changes.iter().map(|entry| row(entry, view.now)).collect();
    let mut widths: Vec<usize> = (0..COLUMNS)
        .map(|column| rows.iter().map(|row| width(&row[column])).max().unwrap_or(0))
        .collect();
    let taken = |widths: &[usize]| widths.iter().map(|width| width + 2).sum::<usize>();
    let shorten = |widths: &mut [usize]| {
        let others = taken(widths) - widths[WAITS_FOR];
        let left_for_why = columns.saturating_sub(others + SUMMARY);
        widths[WAITS_FOR] = widths[WAITS_FOR].min(left_for_why.max(WHY));
    };
    let whole = widths.clone();
    shorten(&mut widths);
    let is_apart = taken(&widths) > columns;
    if is_apart {
        widths = whole;
        widths[NAME] = 0;
        shorten(&mut widths);
    }
    let mut left = columns.saturating_sub(taken(&widths));
    if left < SUMMARY / 2 {
        // A few letters of it say nothing.
        widths[WAITS_FOR] += left;
        left = 0;
    }
    let mut out = String::new();
    for (entry, row) in view.changes.iter().zip(&rows) {
        for (column, cell) in row.iter().enumerate() {
            if is_apart && column == NAME {
                out.push_str(&format!("{cell}\n  "));
                continue;
            }
            let padded = pad(&cut(cell, widths[column]), widths[column]) + "  ";
            out.push_str(&match entry.verdict {
                Some(verdict) if column == VERDICT => paint(&padded, style_of(verdict), colour),
                _ => padded,
            });
        }
        let summary = terminal(entry.summary.as_deref().unwrap_or_default());
        if left > 0 {
            out.push_str(&cut(&summary, left));
        }
        out.truncate(out.trim_end().len());
        out.push('\n');
    }
    if view.going_on.is_empty() {
        let with_next = view.changes.iter().filter_map(|entry| {
            let next = match waits_for_me {
                true => format!("changegate review {}", entry.change),
                false => entry.progress.as_ref()?.next_in_words.clone()?,
            };
            Some((entry.change.as_str(), next))
        });
        for (name, next) in with_next.take(MOST_NEXT) {
            out += &format!("next for {}: {}\n", terminal(name), terminal(&next));
        }
    } else {
        out = format!("{}\n{out}", going_on(&view.going_on, columns));
    }
    out + &unrecorded(view, columns)
}

/// Names what reached the base and is recorded nowhere, if there is anything.
pub fn unrecorded(view: &ListView, columns: usize) -> String {
    let mut out = String::new();
    for Unrecorded { commit, by, title, .. } in view.unrecorded.iter().take(MOST_UNRECORDED) {
        let commit = &commit[..7];
        let line = format!("{commit} by {by} is on {} and recorded nowhere: {title}", view.base);
        out += &hanging("WARNING  ", &line, columns);
    }
    match view.unrecorded.len().saturating_sub(MOST_UNRECORDED) {
        0 => out,
        more => {
            let line = format!("and {more} more: `changegate audit coverage` lists them");
            out + &hanging("WARNING  ", &line, columns)
        }
    }
}

/// The number of columns: name, tier, verdict, whom it waits for, since when, planned for when.
const COLUMNS: usize = 6;
const NAME: usize = 0;
const VERDICT: usize = 2;
const WAITS_FOR: usize = 3;

fn row(entry: &ListEntry, now: Time) -> [String; COLUMNS] {
    let tier = entry.tier.map_or(NOTHING.to_owned(), |tier| tier.to_string());
    let verdict = match (entry.pull, entry.verdict) {
        (PullState::Open, Some(verdict)) => verdict.to_string(),
        (PullState::Open, None) => "undecided".to_owned(),
        _ => entry.state.to_string(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_fits_the_screen_and_says_the_state() {
        let now: Time = "2026-11-24T10:00:00Z".parse().unwrap();
        let entry = |change: &str, verdict| ListEntry {
            change: change.to_owned(),
            tier: Some(changegate::core::terms::RiskTier::Critical),
            verdict: Some(verdict),
            brief: "waits for two of carol|erin|+12, bob|dan|+3".to_owned(),
            since: "2026-11-20T10:00:00Z".parse().ok(),
            overdue: true,
            planned: Some(Interval {
                start: now + Duration::days(60),
                end: now + Duration::days(61),
            }),
            summary: Some("Move all workers of the second region to another network".to_owned()),
            ..ListEntry::default()
        };
        let long = "CHG-quarterly-network-migration-of-the-second-region-2026";
        let unrecorded = Unrecorded {
            commit: "4f0c1d2e".to_owned(),
            at: now,
            by: "somebody who claims to be carol@acme.example".to_owned(),
            title: "Another title that is longer than a line of a terminal has room for".to_owned(),
        };
        for (name, lines) in [("CHG-1", 4), (long, 5)] {
            let view = ListView {
                now,
                base: "main".to_owned(),
                going_on: Vec::new(),
                changes: vec![entry(name, Verdict::Pending)],
                unrecorded: vec![unrecorded.clone()],
            };
            let text = render(&view, false, false, 80);
            assert!(text.lines().all(|line| width(line) <= 80), "{text}");
            for part in [name, "critical", "pending", "since 4 d, overdue"] {
                assert!(text.contains(part), "{part}: {text}");
            }
            assert_eq!(text.lines().count(), lines, "{text}");
            // Where there is room, all of it is on one line.
            assert!(
                render(&view, false, false, usize::MAX).starts_with(&format!("{name}  critical"))
            );
        }
    }
}
