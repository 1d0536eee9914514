//! `changegate close`: a change that won't be merged is given up, and stays on record.

use std::process::ExitCode;

use clap::Args;

use super::here::{self, HereArgs};
use super::outcome::Outcome;
use super::{AnswerFormat, NowArg, review};
use crate::forge::git::journal::Said;

/// Give up a submitted change that isn't merged, or take it up again
///
/// Nothing submitted disappears: the change stays listed with `changegate list --state closed`, and
/// its branch may be deleted from then on, because its journal keeps what was submitted. To call a
/// merged change off, add `cancelled:` to its request and submit that.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate close CHG-1234 --comment \"the provider did it for us\"
  changegate close CHG-1234 --reopen")]
pub struct CloseArgs {
    /// The change
    #[arg(value_name = "ID")]
    id: String,

    /// Take it up again
    #[arg(long)]
    reopen: bool,

    /// Why
    #[arg(long, value_name = "TEXT", default_value = "")]
    comment: String,

    /// How to write the answer
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,

    #[command(flatten)]
    here: HereArgs,
}

/// Runs the verb.
pub fn run(args: &CloseArgs) -> anyhow::Result<ExitCode> {
    let git = args.here.open()?;
    let name = here::name_of(&args.id);
    let judgement = here::gate(&git).check(name, NowArg::present())?;
    let said = if args.reopen { Said::Reopened } else { Said::Closed };
    let decision = &judgement.decision;
    if git.is_closed(name, &judgement.bundle().org)? == (said == Said::Closed) {
        let state = if args.reopen { "open" } else { "closed" };
        let outcome = Outcome::nothing(name, &format!("it is {state} already"), Some(decision));
        outcome.print(args.format, &format!("{name} is {state} already\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let commit = review::append(&git, &judgement, said, &args.comment)?;
    let text = format!("{said} {name}\n");
    Outcome::did(name, said, decision).commit(commit).print(args.format, &text)?;
    Ok(ExitCode::SUCCESS)
}
