//! The story for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::cli::shared::events::told;
use crate::cli::shared::timeline::{in_full, moment, who_width};
use changegate::changes::show::{ShowView, TimelineEntry};
use changegate::changes::story::{HistoryEvent, What, somebody};
use changegate::core::operations::state::{PullState, State};
use changegate::report::escape::{excerpt, terminal};
use changegate::report::{Format, Judged, Reporter, hanging, whose};

/// Returns the story: its state, the decision, the request, and what happened.
pub fn render(view: &ShowView, colour: bool, columns: usize) -> String {
    let mut out = headline(view, columns);
    out.push('\n');
    match &view.decision {
        Some(decision) => {
            let (codes, format, width) = (BTreeMap::new(), Format::Text, columns);
            let (policies, codes) = (&decision.bundle, || &codes);
            let reporter =
                Reporter { format, policies, colour, width, verbose: true, codes: &codes };
            let (request, source) = (view.request.as_ref(), &view.source);
            out.push_str(&reporter.section(&Judged { decision, request, source }).text);
            let recorded = view.decided_in.map(|index| format!(", as entry {index} records it"));
            let _ = writeln!(out, "by {}{}", whose(policies), recorded.unwrap_or_default());
        }
        None => {
            let why = view.undecided.as_deref().unwrap_or_default();
            out.push_str(&hanging("", &format!("no decision: {why}"), columns));
        }
    }
    if !view.source.is_empty() {
        out.push_str("\nrequest\n");
        for line in view.source.lines() {
            let _ = writeln!(out, "  {}", excerpt(line).trim_end());
        }
    }
    out.push_str("\ntimeline (UTC)\n");
    let width = who_width(view.timeline.iter().map(|entry| &entry.event));
    for entry in &view.timeline {
        out.push_str(&in_full(&entry.event, width, note(entry).as_deref(), columns));
    }
    out
}

/// Writes `CHG-1234  ready, merged Tue 24 Nov 2026 22:10 UTC by carol as 4f0c1d2`, and what was recorded
/// then.
fn headline(view: &ShowView, columns: usize) -> String {
    let mut out = format!("{}  {}", terminal(&view.change), view.state);
    match (view.pull, view.merges.last()) {
        (PullState::Merged, Some(merge)) => {
            let by = somebody(merge.by.as_ref(), merge.claims.as_deref().unwrap_or_default());
            let (by, commit) = (terminal(&by), merge.commit.get(..7).unwrap_or_default());
            let merged = if view.state == State::Merged { "" } else { ", merged" };
            let _ = writeln!(out, "{merged} {} UTC by {by} as {commit}", moment(merge.at));
            let tier = merge.tier.as_ref().map(|tier| format!("{tier} risk"));
            let sign_off = merge.sign_off.clone();
            let recorded: Vec<_> =
                merge.verdict.iter().cloned().chain(tier).chain(sign_off).collect();
            let approved = merge.approved_by.join(", ");
            for (label, text) in [("recorded", recorded.join(", ")), ("signed by", approved)] {
                if !text.is_empty() {
                    let _ = writeln!(out, "  {label:11}  {}", terminal(&text));
                }
            }
            if view.closed_again {
                let _ = writeln!(out, "  {:11}  closed again after its merge", "amendment");
            }
        }
        (PullState::Merged, None) => out.push_str(" without a merge commit\n"),
        (pull, merge) => {
            if merge.is_some() {
                let _ = write!(out, ", {} again after its merge", State::of_pull(pull));
            }
            if !view.has_branch {
                out.push_str("; its branch was deleted, and its journal keeps what was reviewed");
            }
            out.push('\n');
        }
    }
    if let Some(told) = view.progress.as_ref().map(|it| &it.told).filter(|it| !it.is_empty()) {
        let _ = writeln!(out, "  {:11}  {}", "so far", terminal(told));
    }
    // On one line, so that it can be copied.
    if let Some(next) = view.progress.as_ref().and_then(|it| it.next_in_words.as_ref()) {
        let _ = writeln!(out, "  {:11}  {}", "next step", terminal(next));
    }
    // A request says it itself.
    if let (None, Some(summary)) = (&view.path, &view.summary) {
        out.push_str(&hanging("  summary      ", summary, columns));
    }
    for entry in view.timeline.iter().filter(|entry| entry.event.what == What::Bypassed) {
        let HistoryEvent { at, commit, text, .. } = &entry.event;
        let (who, commit) = (entry.event.who(), commit.get(..7).unwrap_or_default());
        let line =
            format!("{commit} by {who} on {} UTC went around the rules: {text}", moment(*at));
        out.push_str(&hanging("  WARNING      ", &line, columns));
    }
    for it in &view.went_around {
        out.push_str(&hanging("  WARNING      ", &told(it), columns));
    }
    for event in view.timeline.iter().map(|entry| &entry.event) {
        let commit = event.commit.get(..7).unwrap_or_default();
        let line = match &event.recorded {
            Some(it) => format!(
                "{commit} as entry {} on {} UTC, {}",
                it.index,
                moment(it.recorded_at),
                it.id
            ),
            None if event.unrecorded => {
                format!("{commit} is recorded nowhere: `changegate audit coverage` says more")
            }
            None => continue,
        };
        out.push_str(&hanging("  in ledger    ", &line, columns));
    }
    out
}

fn note(entry: &TimelineEntry) -> Option<String> {
    match (entry.counts?, &entry.why_not) {
        (true, _) => Some("counts".to_owned()),
        (false, Some(why)) => Some(format!("doesn't count: {why}")),
        (false, None) => Some("doesn't count".to_owned()),
    }
}
