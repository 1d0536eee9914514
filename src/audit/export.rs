//! Exports: the entries of a period in the formats of others, and a manifest that says what they are
//! taken from and that nothing is left out, so that anyone can make the same files again.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::Context as _;
use schemars::JsonSchema;
use serde::Serialize;

use super::Period;
use super::case::Tips;
use super::coverage::{BranchCoverage, of_lines};
use super::entries::Entries;
use super::population::{How, Line, lines, of_period, uncovered};
use crate::core::digest::{Digest, Hasher};
use crate::core::record::parts::{Engine, Hex, Repository};
use crate::core::time::Time;
use crate::gate::judge::Judges;
use crate::git::Repo;

mod formats;
mod row;

use row::Rows;

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
    /// The manifest's own file.
    pub file: File,
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

/// Exports the entries of a period into a folder. A file of this name there is replaced.
///
/// # Errors
/// When the ledger can't be relied on, when the repository can't be read, or the folder be written to.
#[expect(clippy::too_many_arguments, reason = "each is something else")]
pub fn export(
    repo: &Repo,
    tips: Tips<'_>,
    judges: &Judges,
    entries: &Entries,
    period: Period,
    format: Format,
    made: Made,
    folder: &Path,
) -> anyhow::Result<Export> {
    let last = entries.sound()?;
    let lines = lines(repo, tips, judges, entries)?;
    let selected = of_period(&lines, entries, period);
    let covered = of_lines(repo, tips, judges, entries, &lines, period)?;
    let branches: Vec<_> = covered
        .into_iter()
        .zip(&lines)
        .map(|(coverage, line)| Branch { coverage, first_parents: on_line(line, period) })
        .collect();
    let since = entries.since;
    let rows = Rows { repo, explanations: entries.explanations(repo, tips)? };
    let name = match format {
        Format::Jsonl => "entries.jsonl",
        Format::Csv => "entries.csv",
        Format::Intoto => "entries.intoto.jsonl",
        Format::Markdown => "report.md",
    };
    let file = write(folder, name, |out| match format {
        Format::Jsonl => formats::jsonl(repo, &selected, out),
        Format::Csv => formats::csv(&rows, &selected, out),
        Format::Intoto => formats::intoto(repo, &selected, out),
        Format::Markdown => formats::markdown(&rows, &selected, &branches, &period, since, out),
    })?;
    let program = Engine { sha256: made.program.map(Hex), ..Engine::this(crate::COMMIT) };
    let manifest = Manifest {
        format: "changegate-export/1",
        period,
        repository: last.statement.predicate.repository.clone(),
        ledger: entries.tip.to_string(),
        checkpoint: last.checkpoint(),
        entries: selected.iter().map(|listed| listed.index).collect(),
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
    let file = write(folder, "manifest.json", |out| {
        serde_json::to_writer_pretty(&mut *out, &manifest)?;
        Ok(writeln!(out)?)
    })?;
    Ok(Export { manifest, file })
}

/// A file that is being written.
struct Writing {
    file: BufWriter<fs::File>,
    hasher: Hasher,
    size: usize,
}

impl Write for Writing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        self.size += count;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Writes a file of an export; none is left if that fails.
fn write(
    folder: &Path,
    name: &'static str,
    content: impl FnOnce(&mut Writing) -> anyhow::Result<()>,
) -> anyhow::Result<File> {
    let path = folder.join(name);
    let write = || {
        fs::create_dir_all(folder)?;
        let file = BufWriter::new(fs::File::create(&path)?);
        let mut out = Writing { file, hasher: Hasher::default(), size: 0 };
        content(&mut out)?;
        out.flush()?;
        Ok(File { name, sha256: Hex(out.hasher.digest()), size: out.size })
    };
    let written: anyhow::Result<_> = write();
    if written.is_err() {
        let _ = fs::remove_file(&path);
    }
    written.with_context(|| format!("cannot write {}", path.display()))
}

fn on_line(line: &Line<'_>, period: Period) -> Vec<OnLine> {
    let within = line.commits.iter().filter(|arrived| arrived.is_in(period));
    within
        .map(|arrived| {
            let (how, entry) = match arrived.how {
                How::Merge(listed) => ("merge", Some(listed.index)),
                How::Bypass(listed) => ("bypass", Some(listed.index)),
                How::Free => ("free", None),
                How::Nothing(_) => ("unrecorded", None),
            };
            OnLine { commit: arrived.commit.to_string(), at: arrived.at, how, entry }
        })
        .collect()
}
