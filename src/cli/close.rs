//! `changegate close`: a change that won't be merged is given up, and stays on record.

use std::process::ExitCode;

use anyhow::bail;
use clap::Args;

use super::shared::args::{AnswerFormat, NowArg};
use super::shared::here::{self, HereArgs};
use super::shared::receipt::Receipt;
use crate::forge::Forge as _;
use crate::forge::git::journal::Said;
use crate::forge::git::write::append;

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
    let pull = git.pull(name)?;
    let gate = here::gate(&git);
    let judged = gate.check(name, NowArg::present());
    if git.repo().leads_to(pull.head, pull.base)? {
        bail!("{name} is merged: to call it off, add `cancelled:` to its request and submit that");
    }
    // What can't be judged can be given up all the same.
    let judged = judged.ok();
    let decision = judged.as_ref().map(|judged| &judged.decision);
    let said = if args.reopen { Said::Reopened } else { Said::Closed };
    let receipt = if git.is_closed(name, &gate.org_at(pull.base)?)? == (said == Said::Closed) {
        let state = if args.reopen { "open" } else { "closed" };
        Receipt::nothing(name, &format!("it is {state} already"), decision)
    } else {
        let commit = append(&git, &pull, decision, said, &args.comment)?;
        Receipt::did(name, said, decision).commit(commit)
    };
    let text = match &receipt.why {
        Some(why) => format!("{name}: {why}\n"),
        None => format!("{said} {name}\n"),
    };
    receipt.print(args.format, &text)?;
    Ok(ExitCode::SUCCESS)
}
