//! `changegate audit sample`: a sample that anyone can draw again.

use std::process::ExitCode;

use anyhow::ensure;
use clap::Args;

use super::look::{look, of_period};
use crate::cli::shared::args::AnswerFormat;
use crate::cli::shared::here::HereArgs;
use crate::cli::shared::judges::judges;
use crate::cli::shared::period::PeriodArgs;
use crate::cli::shared::say::{self, print};
use changegate::audit::population::{lines, of_period as entries_of};
use changegate::audit::sample::{Sample, sample};
use changegate::report::escape::terminal;

/// Draw a sample of the entries of a period, which anyone can draw again
///
/// Of the entries about commits on protected branches, merges and bypasses, it takes those with the
/// smallest SHA-256 of the seed followed by the entry's id. Choose the seed before you see the entries.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate audit sample --seed 4711 --size 25 --since 2026-01-01 --until 2026-03-31
      25 changes of the first quarter
  printf %s 4711sha256:9f2c… | sha256sum
      the hash of an entry: the bytes of the seed and of the id, and nothing else

Exit codes:
  0  drawn
  2  could not be drawn")]
pub struct SampleArgs {
    /// Any text
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    seed: String,

    /// The number of entries; all of them if there are fewer
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    size: u32,

    #[command(flatten)]
    period: PeriodArgs,

    #[command(flatten)]
    here: HereArgs,

    /// The output format
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,
}

/// Runs the verb.
pub fn run(args: &SampleArgs) -> anyhow::Result<ExitCode> {
    ensure!(!args.seed.is_empty(), "the seed is empty: name any text with --seed");
    let period = args.period.get()?;
    let (git, entries) = look(&args.here)?;
    let tips = |name: &str| git.branches.tip(name);
    let lines = lines(git.repo(), &tips, &judges()?, &entries)?;
    let selected = entries_of(&lines, &entries, period);
    let drawn = sample(git.repo(), &selected, period, &args.seed, args.size as usize)?;
    print(&match args.format {
        AnswerFormat::Text => text(&drawn),
        AnswerFormat::Json => say::json(&drawn)?,
    })?;
    Ok(ExitCode::SUCCESS)
}

fn text(found: &Sample) -> String {
    let (count, all) = (found.drawn.len(), found.population);
    let mut out = format!("{count} of {all} entries {}\n", of_period(&found.period));
    for it in &found.drawn {
        let hash = String::from(it.hash.clone());
        out += &format!("  {}  entry {}  {}\n", &hash[..12], it.index, terminal(&it.title));
    }
    out
}
