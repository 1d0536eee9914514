//! `changegate audit controls`: what each control had to say.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Args;

use super::look::{look, of_period};
use crate::cli::shared::args::AnswerFormat;
use crate::cli::shared::here::HereArgs;
use crate::cli::shared::judges::judges;
use crate::cli::shared::period::PeriodArgs;
use crate::cli::shared::say::{self, FORBIDDEN, print};
use changegate::audit::controls::{Control, Controls, controls};
use changegate::core::terms::all_of;
use changegate::core::time::{Duration, Time};
use changegate::report::counted;
use changegate::report::escape::terminal;

/// List what each control judged and found in a period, and when no rule served it
///
/// The controls are those that the rules name in their METADATA, such as SOC2:CC8.1. `changegate explain`
/// lists which finding serves which.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate audit controls --since 2026-01-01 --until 2026-03-31
      in the first quarter
  changegate audit controls --format json
      for a program that collects evidence of controls

Exit codes:
  0  each control had a rule throughout, and nothing is recorded nowhere
  1  there are gaps, or something is recorded nowhere
  2  could not be determined")]
pub struct ControlsArgs {
    #[command(flatten)]
    period: PeriodArgs,

    #[command(flatten)]
    here: HereArgs,

    /// The output format
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,
}

/// Runs the verb.
pub fn run(args: &ControlsArgs) -> anyhow::Result<ExitCode> {
    let period = args.period.get()?;
    let (git, entries) = look(&args.here)?;
    let tips = |name: &str| git.branches.tip(name);
    let found = controls(git.repo(), &tips, &judges()?, &entries, period)?;
    print(&match args.format {
        AnswerFormat::Text => text(&found),
        AnswerFormat::Json => say::json(&found)?,
    })?;
    let is_whole = found.gaps.is_empty() && found.unrecorded == 0;
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::from(FORBIDDEN) })
}

fn text(found: &Controls) -> String {
    let mut out = format!(
        "{}, {}: {} merged, {} around the gate, {} recorded nowhere\n\n",
        terminal(&found.origin),
        of_period(&found.period),
        found.merges,
        found.bypasses,
        found.unrecorded
    );
    let width = found.controls.iter().map(|it| it.control.len()).max().unwrap_or_default();
    found.controls.iter().for_each(|it| out += &control(it, width));
    if !found.gaps.is_empty() {
        out.push('\n');
    }
    for gap in &found.gaps {
        let (since, until) = (at(gap.since, "the beginning"), at(gap.until, "now"));
        let line = format!("{} has no rule on {} from {since} to {until}", gap.control, gap.branch);
        let _ = writeln!(out, "gap  {}", terminal(&line));
    }
    out += "\npolicies in force\n";
    for it in &found.policies {
        let (since, until) = (at(it.since, "the beginning"), at(it.until, "now"));
        let commit = &it.commit[..7];
        let rules = counted(it.rules, "rule serves", "rules serve");
        let line = format!("{commit} on {} from {since} to {until}: {rules} controls", it.branch);
        let _ = writeln!(out, "  {}", terminal(&line));
    }
    if !found.pairs.is_empty() {
        out += "\nwho signed off whose changes\n";
    }
    for it in &found.pairs {
        let _ = write!(out, "  {} for {}: {}", it.approver, it.requester, it.merges);
        let [median, least] = [it.median_seconds, it.least_seconds]
            .map(|seconds| seconds.map(|seconds| Duration::seconds(seconds).for_people()));
        if let (Some(median), Some(least)) = (median, least) {
            let _ = write!(out, "; approved after {median} (median), {least} at least");
        }
        out.push('\n');
    }
    out
}

fn control(it: &Control, width: usize) -> String {
    let name = terminal(&it.control);
    let rules = counted(it.rules.len(), "rule", "rules");
    let merges = counted(it.merges, "merge", "merges");
    let mut out = format!("{name:width$}  {rules}, {merges} judged\n");
    for found in &it.findings {
        let entries: Vec<_> = found.entries.iter().map(ToString::to_string).collect();
        let _ = writeln!(
            out,
            "{:width$}  {} ({}) in {}",
            "",
            terminal(&found.code),
            found.effect,
            all_of(&entries)
        );
    }
    out
}

fn at(time: Option<Time>, open: &str) -> String {
    time.map_or_else(|| open.to_owned(), |time| format!("{} UTC", time.for_people(None)))
}
