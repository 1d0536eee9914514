//! The formats of exported entries.

use std::fmt::Write as _;

use serde_json::json;

use super::Branch;
use super::row::Row;
use crate::audit::Period;
use crate::audit::entries::Placed;
use crate::audit::population::brought_by;
use crate::core::digest::{canonical_json, to_json};
use crate::core::record::dsse::{Envelope, unsigned};
use crate::core::time::Time;
use crate::report::escape::markdown as plain;

const HEADER: [&str; 21] = [
    "index",
    "id",
    "recorded_at",
    "kind",
    "about",
    "change",
    "title",
    "verdict",
    "tier",
    "requester",
    "sign_off",
    "signed_off",
    "findings",
    "branch",
    "commit",
    "arrived_at",
    "by",
    "because",
    "explanation",
    "policies",
    "ledger_commit",
];

/// Returns a line of canonical JSON for each entry: its place, and the statement as it is recorded.
pub fn jsonl(selected: &[&Placed]) -> String {
    let line = |placed: &&Placed| {
        let entry = &placed.entry;
        let line = json!({
            "commit": placed.commit.to_string(),
            "id": entry.id.to_string(),
            "index": entry.index,
            "root": entry.state.tree.root().to_string(),
            "statement": to_json(&entry.statement),
        });
        canonical_json(&line) + "\n"
    };
    selected.iter().map(line).collect()
}

/// Returns an envelope on a line for each entry, with the signature of a service if there is one.
pub fn intoto(selected: &[&Placed]) -> String {
    let line = |placed: &&Placed| {
        let statement = placed.entry.statement.bytes();
        let envelope = match &placed.seal {
            Some(seal) => Envelope { statement, signatures: seal.signatures().clone() }.to_string(),
            None => unsigned(&statement),
        };
        envelope + "\n"
    };
    selected.iter().map(line).collect()
}

/// Returns a row for each entry.
pub fn csv(rows: Vec<Row>) -> anyhow::Result<String> {
    let cells = rows.into_iter().map(|row| {
        [
            row.index,
            row.id,
            row.recorded_at,
            row.kind,
            row.about,
            row.change,
            row.title,
            row.verdict,
            row.tier,
            row.requester,
            row.sign_off,
            row.signed_off,
            row.findings,
            row.branch,
            row.commit,
            row.arrived_at,
            row.by,
            row.because,
            row.explanation,
            row.policies,
            row.ledger_commit,
        ]
    });
    crate::report::csv(HEADER, cells)
}

/// Returns a report for people.
pub fn markdown(rows: &[Row], branches: &[Branch], period: &Period, begun: Time) -> String {
    let end = |time: Option<Time>, open: &str| {
        time.map_or_else(|| open.to_owned(), |time| format!("{} UTC", time.for_people(None)))
    };
    let (since, until) = (end(period.since, "the beginning"), end(period.until, "now"));
    let mut out = format!("# Changes from {since} to {until}\n\n");
    let _ = writeln!(out, "Nothing before {} UTC is recorded.\n", begun.for_people(None));
    out += "| branch | commits | merged | free | around the gate | recorded nowhere |\n";
    out += "| --- | --- | --- | --- | --- | --- |\n";
    for Branch { coverage: it, .. } in branches {
        let (around, nowhere) = (it.bypasses.len(), it.unrecorded.len());
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {around} | {nowhere} |",
            plain(&it.branch),
            it.commits,
            it.merges,
            it.free
        );
    }
    out += "\n## Merged\n\n| entry | change | | risk | requester | signed off | merged | by |\n";
    out += "| --- | --- | --- | --- | --- | --- | --- | --- |\n";
    for row in rows.iter().filter(|row| row.kind == "merge") {
        let signed = if row.signed_off.is_empty() { &row.sign_off } else { &row.signed_off };
        let cells = [
            &row.index,
            &row.change,
            &row.title,
            &row.tier,
            &row.requester,
            signed,
            &row.arrived_at,
            &row.by,
        ];
        out += &table_row("", &cells);
    }
    out += "\n## Around the gate\n\n| entry | commit | because | arrived | by | explained |\n";
    out += "| --- | --- | --- | --- | --- | --- |\n";
    for row in rows.iter().filter(|row| row.kind == "bypass") {
        let cells = [&row.because, &row.arrived_at, &row.by, &row.explanation];
        out += &table_row(&format!("| {} | {} ", row.index, code(&row.commit)), &cells);
    }
    out +=
        "\n## Recorded nowhere\n\n| commit | arrived | by | title |\n| --- | --- | --- | --- |\n";
    for it in branches.iter().flat_map(|branch| &branch.coverage.unrecorded) {
        let by = brought_by(it.by.as_ref(), it.claims.as_ref());
        let cells = [&it.at.to_string(), &by, &it.title];
        out += &table_row(&format!("| {} ", code(&it.commit)), &cells);
    }
    out
}

/// Returns a row: what is written as it is, then cells with text from elsewhere.
fn table_row(beginning: &str, cells: &[&String]) -> String {
    let cells: Vec<_> = cells.iter().map(|cell| plain(cell)).collect();
    format!("{beginning}| {} |\n", cells.join(" | "))
}

/// Returns an id of Git's, which is copied as it is.
fn code(id: &str) -> String {
    format!("`{id}`")
}
