//! `changegate audit export`: the entries of a period in other formats, with a manifest.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use clap::{Args, ValueEnum};

use super::look::{look, of_period};
use crate::cli::shared::here::HereArgs;
use crate::cli::shared::judges::judges;
use crate::cli::shared::period::PeriodArgs;
use crate::cli::shared::say::{self, FORBIDDEN};
use changegate::audit::export::{Export, Format, Made, export};
use changegate::audit::population::is_uncovered;
use changegate::core::digest::Digest;
use changegate::report::counted;
use changegate::report::escape::terminal;

/// Export the entries of a period, with a manifest that shows that nothing is left out
///
/// Writes the entries, and manifest.json with the period, the commits on the protected branches, what
/// accounts for each, the checkpoint of the ledger, the command, and the SHA-256 of the program and of
/// each file. The same command on the same ledger writes the same files.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate audit export --since 2026-01-01 --until 2026-03-31 --format csv --out first-quarter
      for a spreadsheet
  changegate audit export --format intoto --out all
      statements in DSSE envelopes, for in-toto's tools and a private Rekor
  changegate audit export --since 2026-03-01 --until 2026-03-31 --format md --out march
      a report for people

An entry about a commit belongs to the period in which that arrived, any other to the one in which it was
recorded. One that went around the gate belongs to each period from its date until it was recorded.

Exit codes:
  0  exported
  1  exported, but something in the period is recorded nowhere, or a protected branch isn't covered
  2  could not be exported")]
pub struct ExportArgs {
    #[command(flatten)]
    period: PeriodArgs,

    /// The format of the entries
    #[arg(long, value_enum)]
    format: ExportFormat,

    /// The folder to write into; it must be new or empty
    #[arg(long, value_name = "DIR")]
    out: PathBuf,

    #[command(flatten)]
    here: HereArgs,
}

/// The format of exported entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ExportFormat {
    /// entries.jsonl: a line of JSON for each entry.
    Jsonl,
    /// entries.csv: a row for each entry.
    Csv,
    /// entries.intoto.jsonl: a DSSE envelope for each entry.
    Intoto,
    /// report.md: a report for people.
    Md,
}

/// Runs the verb.
pub fn run(args: &ExportArgs) -> anyhow::Result<ExitCode> {
    let period = args.period.get()?;
    is_new(&args.out)?;
    let format = match args.format {
        ExportFormat::Jsonl => Format::Jsonl,
        ExportFormat::Csv => Format::Csv,
        ExportFormat::Intoto => Format::Intoto,
        ExportFormat::Md => Format::Markdown,
    };
    let (git, entries) = look(&args.here)?;
    let tips = |name: &str| git.branches.tip(name);
    let made = Made { command: command()?, program: program() };
    let (repo, judges) = (git.repo(), judges()?);
    let export = export(repo, &tips, &judges, &entries, period, format, made, &args.out)?;
    say::done(&told(args, &export));
    let is_whole = export.manifest.unmatched == 0 && export.manifest.uncovered.is_empty();
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::from(FORBIDDEN) })
}

fn told(args: &ExportArgs, export: &Export) -> String {
    let it = &export.manifest;
    let mut out = format!(
        "exported {} to {}, {}\n",
        counted(it.entries.len(), "entry", "entries"),
        say::quoted(&args.out),
        of_period(&it.period)
    );
    for file in it.files.iter().chain([&export.file]) {
        out += &format!("  {}  {}\n", String::from(file.sha256.clone()), file.name);
    }
    let (around, nowhere) = (it.bypasses, it.unmatched);
    out += &format!("  {around} around the gate, {nowhere} recorded nowhere\n");
    for name in &it.uncovered {
        out += &format!("  {}\n", terminal(&is_uncovered(name)));
    }
    if !it.is_covered {
        out += &format!("  nothing before {} UTC is recorded\n", it.since.for_people(None));
    }
    out
}

/// Checks that nothing would be overwritten.
fn is_new(folder: &Path) -> anyhow::Result<()> {
    let shown = say::quoted(folder);
    match std::fs::read_dir(folder) {
        Ok(mut files) => {
            ensure!(files.next().is_none(), "{shown} is not empty: name a new folder with --out")
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("cannot write to {shown}")),
    }
    Ok(())
}

/// Returns the command as it was typed.
fn command() -> anyhow::Result<String> {
    let arguments: Vec<_> =
        std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let words = ["changegate"].into_iter().chain(arguments.iter().map(String::as_str));
    shlex::try_join(words).context("the command can't be written down")
}

/// Returns the digest of this program, if its file can be read.
fn program() -> Option<Digest> {
    let bytes = std::env::current_exe().and_then(std::fs::read).ok()?;
    Some(Digest::of(&bytes))
}
