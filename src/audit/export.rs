//! Exports: the entries of a period in the formats of others, and a manifest that says what they are
//! taken from and that nothing is left out, so that anyone can make the same files again.

use schemars::JsonSchema;
use serde::Serialize;

use super::Period;
use super::case::Tips;
use super::coverage::{BranchCoverage, of_line};
use super::entries::Entries;
use super::population::{How, Line, lines, of_period, uncovered};
use crate::core::digest::Digest;
use crate::core::record::parts::{Engine, Hex, Repository};
use crate::core::time::Time;
use crate::gate::judge::Judges;
use crate::git::Repo;

mod formats;
mod row;

/// A format of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A line of JSON for each entry: its place and its statement.
    Jsonl,
    /// A row for each entry, for spreadsheets.
    Csv,
    /// A DSSE envelope on a line for each entry.
    Intoto,
    /// A report for people, in Markdown.
    Markdown,
}

/// What made an export.
pub struct Made {
    /// The command.
    pub command: String,
    /// The digest of the program, if it is known.
    pub program: Option<Digest>,
}

/// An export.
pub struct Export {
    /// What it is taken from.
    pub manifest: Manifest,
    /// The files by name, the manifest last.
    pub files: Vec<(&'static str, Vec<u8>)>,
}

/// What an export is taken from, and that it is whole.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Manifest {
    /// The version of the manifest.
    pub format: &'static str,
    /// The period.
    pub period: Period,
    /// The repository whose changes are recorded.
    pub repository: Repository,
    /// The tip of the ledger's branch.
    pub ledger: String,
    /// The checkpoint of the last entry: origin, size and root.
    pub checkpoint: String,
    /// When the log began: nothing before is recorded.
    pub since: Time,
    /// Whether the log covers all of the period.
    pub is_covered: bool,
    /// The protected branches, and what reached them in the period.
    pub branches: Vec<Branch>,
    /// The indexes of the exported entries.
    pub entries: Vec<u64>,
    /// The number of commits in the period that went around the gate, and are recorded so.
    pub bypasses: usize,
    /// The number of commits in the period that are recorded nowhere.
    pub unmatched: usize,
    /// The protected branches that exist and that the log doesn't cover.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub uncovered: Vec<String>,
    /// The command.
    pub command: String,
    /// The program.
    pub program: Engine,
    /// The other files.
    pub files: Vec<File>,
}

/// A protected branch.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Branch {
    /// What reached it, in numbers, and what went around the gate.
    #[serde(flatten)]
    pub coverage: BranchCoverage,
    /// Its first-parent commits of the period, oldest first.
    pub first_parents: Vec<OnLine>,
}

/// A commit on a branch.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OnLine {
    /// The commit.
    pub commit: String,
    /// When it arrived.
    pub at: Time,
    /// What accounts for it: merge, bypass, free, or unrecorded.
    pub how: &'static str,
    /// The index of its entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<u64>,
}

/// A file of an export.
#[derive(Debug, Serialize, JsonSchema)]
pub struct File {
    /// Its name.
    pub name: &'static str,
    /// Its digest.
    pub sha256: Hex,
    /// Its length in bytes.
    pub size: usize,
}

/// Exports the entries of a period.
///
/// # Errors
/// When the ledger can't be relied on, or when the repository can't be read.
pub fn export(
    repo: &Repo,
    tips: Tips<'_>,
    judges: &Judges,
    entries: &Entries,
    period: Period,
    format: Format,
    made: Made,
) -> anyhow::Result<Export> {
    let last = &entries.sound()?.entry;
    let lines = lines(repo, tips, judges, entries)?;
    let selected = of_period(&lines, entries, period);
    let branch = |line: &Line<'_>| Branch {
        coverage: of_line(repo, judges, entries, line, period),
        first_parents: on_line(line, period),
    };
    let branches: Vec<_> = lines.iter().map(branch).collect();
    let first = entries.all.first().unwrap_or(entries.sound()?);
    let since = first.entry.statement.predicate.recorded_at;
    let rows = row::rows(repo, entries, &selected);
    let (name, bytes) = match format {
        Format::Jsonl => ("entries.jsonl", formats::jsonl(&selected)),
        Format::Csv => ("entries.csv", formats::csv(rows)?),
        Format::Intoto => ("entries.intoto.jsonl", formats::intoto(&selected)),
        Format::Markdown => ("report.md", formats::markdown(&rows, &branches, &period, since)),
    };
    let bytes = bytes.into_bytes();
    let program = Engine { sha256: made.program.map(Hex), ..Engine::this(crate::COMMIT) };
    let file = File { name, sha256: Hex(Digest::of(&bytes)), size: bytes.len() };
    let manifest = Manifest {
        format: "changegate-export/1",
        period,
        repository: last.statement.predicate.repository.clone(),
        ledger: entries.tip.to_string(),
        checkpoint: last.checkpoint(),
        entries: selected.iter().map(|placed| placed.entry.index).collect(),
        bypasses: branches.iter().map(|branch| branch.coverage.bypasses.len()).sum(),
        unmatched: branches.iter().map(|branch| branch.coverage.unrecorded.len()).sum(),
        uncovered: uncovered(repo, tips, judges, &last.state.bases)?,
        since,
        is_covered: period.is_within(since),
        branches,
        command: made.command,
        program,
        files: vec![file],
    };
    let text = serde_json::to_string_pretty(&manifest)? + "\n";
    Ok(Export { manifest, files: vec![(name, bytes), ("manifest.json", text.into_bytes())] })
}

fn on_line(line: &Line<'_>, period: Period) -> Vec<OnLine> {
    let within = line.commits.iter().filter(|arrived| arrived.is_in(period));
    within
        .map(|arrived| {
            let (how, entry) = match arrived.how {
                How::Merge(placed) => ("merge", Some(placed.entry.index)),
                How::Bypass(placed) => ("bypass", Some(placed.entry.index)),
                How::Free => ("free", None),
                How::Nothing(_) => ("unrecorded", None),
            };
            OnLine { commit: arrived.commit.id.to_string(), at: arrived.at, how, entry }
        })
        .collect()
}
