//! `changegate audit coverage`: whether everything that reached the protected branches is recorded.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Args;

use super::look::{brought_by, look, of_period};
use crate::cli::shared::args::AnswerFormat;
use crate::cli::shared::here::HereArgs;
use crate::cli::shared::judges::judges;
use crate::cli::shared::period::PeriodArgs;
use crate::cli::shared::say::{self, FORBIDDEN, print};
use changegate::audit::coverage::{BranchCoverage, Bypassed, Coverage, Unrecorded, coverage};
use changegate::audit::population::is_uncovered;
use changegate::report::counted;
use changegate::report::escape::terminal;

/// List what reached the protected branches, and what of it is not recorded
///
/// Each commit on the first-parent line of a protected branch is a merge with an entry, a bypass with an
/// entry, free because it changes nothing that is governed, or recorded nowhere.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate audit coverage
      since the ledger began
  changegate audit coverage --since 2026-03-01 --until 2026-03-31
      in March, in UTC
  changegate audit coverage --format json
      for a script

A commit counts as of its own date, but no earlier than the one before it, and no later than its entry
was recorded. One that came around the gate counts in each period between the two.

Exit codes:
  0  everything is recorded
  1  something is recorded nowhere, or isn't on its branch any more; the period begins before the ledger,
     or a protected branch isn't covered
  2  could not be determined")]
pub struct CoverageArgs {
    #[command(flatten)]
    period: PeriodArgs,

    #[command(flatten)]
    here: HereArgs,

    /// The output format
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,
}

/// Runs the verb.
pub fn run(args: &CoverageArgs) -> anyhow::Result<ExitCode> {
    let period = args.period.get()?;
    let (git, entries) = look(&args.here)?;
    let tips = |name: &str| git.branches.tip(name);
    let found = coverage(git.repo(), &tips, &judges()?, &entries, period)?;
    print(&match args.format {
        AnswerFormat::Text => text(&found),
        AnswerFormat::Json => say::json(&found)?,
    })?;
    Ok(if found.is_complete { ExitCode::SUCCESS } else { ExitCode::from(FORBIDDEN) })
}

/// Writes what was found for people.
fn text(found: &Coverage) -> String {
    let since = found.since.for_people(None);
    let mut out = format!("{}, {}\n", terminal(&found.origin), of_period(&found.period));
    found.branches.iter().for_each(|it| out += &branch(it));
    let unrecorded: usize = found.branches.iter().map(|it| it.unrecorded.len()).sum();
    for name in &found.uncovered {
        let _ = writeln!(out, "{}", terminal(&is_uncovered(name)));
    }
    let problems: usize = found.branches.iter().map(|it| it.problems.len()).sum();
    out += &match (unrecorded, problems) {
        (0, 0) if !found.is_covered => format!(
            "\nnot complete: the ledger began on {since} UTC, and nothing before that is recorded\n"
        ),
        (0, 0) if !found.uncovered.is_empty() => {
            "\nnot complete: a protected branch is not covered\n".to_owned()
        }
        (0, 0) => "\ncomplete: everything is recorded\n".to_owned(),
        (0, _) => "\nnot complete: what was recorded is not on its branch any more\n".to_owned(),
        (count, _) => {
            let commits = counted(count, "commit is", "commits are");
            format!("\nnot complete: {commits} recorded nowhere\n")
        }
    };
    out
}

fn branch(it: &BranchCoverage) -> String {
    let mut out = format!(
        "{}: {}: {} merged, {} free, {} around the gate, {} recorded nowhere\n",
        terminal(&it.branch),
        counted(it.commits, "commit", "commits"),
        it.merges,
        it.free,
        it.bypasses.len(),
        it.unrecorded.len()
    );
    let _ = writeln!(out, "  covered     what came after {}", &it.from[..7]);
    it.bypasses.iter().for_each(|it| out += &bypass(it));
    it.unrecorded.iter().for_each(|it| out += &unrecorded(it));
    it.problems.iter().for_each(|problem| {
        let _ = writeln!(out, "  problem     {}", terminal(problem));
    });
    out
}

fn bypass(it: &Bypassed) -> String {
    let by = brought_by(it.by.as_ref(), it.claims.as_ref());
    let (commit, at) = (&it.commit[..7], it.at.for_people(None));
    let line = format!("{commit} {at} UTC{by} ({}), entry {}: {}", it.because, it.index, it.title);
    let mut out = format!("  bypass      {}\n", terminal(&line));
    if let Some(policies) = &it.policies {
        let _ = writeln!(out, "              {}", policies.line());
    }
    for said in &it.explanations {
        let _ = writeln!(out, "  explained   {}", terminal(&said.line()));
    }
    if it.explanations.is_empty() {
        let _ = writeln!(
            out,
            "              explain it with `changegate audit record-bypass {commit} --because TEXT`"
        );
    }
    out
}

fn unrecorded(it: &Unrecorded) -> String {
    let hidden = it.hidden_in.map(|index| format!(", in the range of entry {index}"));
    let (commit, at) = (&it.commit[..7], it.at.for_people(None));
    let by = brought_by(it.by.as_ref(), it.claims.as_ref());
    let line = format!("{commit} {at} UTC{by}{}: {}", hidden.unwrap_or_default(), it.title);
    format!("  unrecorded  {}\n", terminal(&line))
}
