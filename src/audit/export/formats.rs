//! The formats of exported entries, each written as the entries are read.

use std::io::Write;

use serde_json::json;

use super::Branch;
use super::row::Rows;
use crate::audit::Period;
use crate::audit::entries::{Listed, read_again};
use crate::audit::population::brought_by;
use crate::core::digest::{canonical_json, to_json};
use crate::core::record::dsse::{Envelope, unsigned};
use crate::core::record::statement::Kind;
use crate::core::time::Time;
use crate::git::Repo;
use crate::report::Table;
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

/// Writes a line of canonical JSON for each entry: its place, and the statement as it is recorded.
pub fn jsonl(repo: &Repo, selected: &[&Listed], out: &mut impl Write) -> anyhow::Result<()> {
    read_again(repo, selected.iter().copied(), |listed, entry, _| {
        let line = json!({
            "commit": listed.commit.to_string(),
            "id": listed.id.to_string(),
            "index": listed.index,
            "root": entry.state.tree.root().to_string(),
            "statement": to_json(&entry.statement),
        });
        Ok(writeln!(out, "{}", canonical_json(&line))?)
    })
}

/// Writes an envelope on a line for each entry, with the signature of a service if there is one.
pub fn intoto(repo: &Repo, selected: &[&Listed], out: &mut impl Write) -> anyhow::Result<()> {
    read_again(repo, selected.iter().copied(), |_, entry, seal| {
        let statement = entry.statement.bytes();
        let envelope = match seal {
            Some(seal) => Envelope { statement, signatures: seal.signatures().clone() }.to_string(),
            None => unsigned(&statement),
        };
        Ok(writeln!(out, "{envelope}")?)
    })
}

/// Writes a row for each entry.
pub fn csv(rows: &Rows<'_>, selected: &[&Listed], out: &mut impl Write) -> anyhow::Result<()> {
    let mut table = Table::begin(out, HEADER)?;
    read_again(rows.repo, selected.iter().copied(), |listed, entry, _| {
        let row = rows.row(listed, &entry);
        table.row([
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
        ])
    })?;
    table.end()?;
    Ok(())
}

/// Writes a report for people.
pub fn markdown(
    rows: &Rows<'_>,
    selected: &[&Listed],
    branches: &[Branch],
    period: &Period,
    begun: Time,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let end = |time: Option<Time>, open: &str| {
        time.map_or_else(|| open.to_owned(), |time| format!("{} UTC", time.for_people(None)))
    };
    let (since, until) = (end(period.since, "the beginning"), end(period.until, "now"));
    writeln!(out, "# Changes from {since} to {until}\n")?;
    writeln!(out, "Nothing before {} UTC is recorded.\n", begun.for_people(None))?;
    writeln!(out, "| branch | commits | merged | free | around the gate | recorded nowhere |")?;
    writeln!(out, "| --- | --- | --- | --- | --- | --- |")?;
    for Branch { coverage: it, .. } in branches {
        let (around, nowhere) = (it.bypasses.len(), it.unrecorded.len());
        writeln!(
            out,
            "| {} | {} | {} | {} | {around} | {nowhere} |",
            plain(&it.branch),
            it.commits,
            it.merges,
            it.free
        )?;
    }
    let of_kind = |kind| selected.iter().copied().filter(move |listed| listed.kind == kind);
    writeln!(out, "\n## Merged\n")?;
    writeln!(out, "| entry | change | | risk | requester | signed off | merged | by |")?;
    writeln!(out, "| --- | --- | --- | --- | --- | --- | --- | --- |")?;
    read_again(rows.repo, of_kind(Kind::Merge), |listed, entry, _| {
        let row = rows.row(listed, &entry);
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
        table_row(out, "", &cells)
    })?;
    writeln!(out, "\n## Around the gate\n")?;
    writeln!(out, "| entry | commit | because | arrived | by | explained |")?;
    writeln!(out, "| --- | --- | --- | --- | --- | --- |")?;
    read_again(rows.repo, of_kind(Kind::Bypass), |listed, entry, _| {
        let row = rows.row(listed, &entry);
        let cells = [&row.because, &row.arrived_at, &row.by, &row.explanation];
        table_row(out, &format!("| {} | {} ", row.index, code(&row.commit)), &cells)
    })?;
    writeln!(out, "\n## Recorded nowhere\n\n| commit | arrived | by | title |")?;
    writeln!(out, "| --- | --- | --- | --- |")?;
    for it in branches.iter().flat_map(|branch| &branch.coverage.unrecorded) {
        let by = brought_by(it.by.as_ref(), it.claims.as_ref());
        let cells = [&it.at.to_string(), &by, &it.title];
        table_row(out, &format!("| {} ", code(&it.commit)), &cells)?;
    }
    Ok(())
}

/// Writes a row: what is written as it is, then cells with text from elsewhere.
fn table_row(out: &mut impl Write, beginning: &str, cells: &[&String]) -> anyhow::Result<()> {
    let cells: Vec<_> = cells.iter().map(|cell| plain(cell)).collect();
    Ok(writeln!(out, "{beginning}| {} |", cells.join(" | "))?)
}

/// Returns an id of Git's, which is copied as it is.
fn code(id: &str) -> String {
    format!("`{id}`")
}
