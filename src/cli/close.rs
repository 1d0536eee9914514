//! `changegate close`: closes a change that won't be merged; it stays on record.

use std::process::ExitCode;

use clap::Args;

use super::shared::args::{AnswerFormat, NowArg, said};
use super::shared::here::{self, HereArgs};
use super::shared::judges::judges;
use super::shared::receipt::Receipt;
use super::shared::say::{FORBIDDEN, note};
use changegate::content::journal::Said;
use changegate::forge::Forge as _;
use changegate::forge::git::write::append;
use changegate::gate::Gate;
use changegate::gate::signing::seen;

/// Close a submitted change that isn't merged, or reopen it
///
/// Nothing that was submitted disappears: the change stays listed with `changegate list --state
/// given-up`. Its branch may be deleted once it is closed, because its journal keeps what was
/// submitted. A merged change can't be closed; it can be amended.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate close CHG-1234 --comment \"the provider has done it\"
  changegate close CHG-1234 --reopen")]
pub struct CloseArgs {
    /// The change's id; that of the branch change/<ID> that is checked out if left out
    #[arg(value_name = "ID")]
    id: Option<String>,

    /// Reopen the change
    #[arg(long)]
    reopen: bool,

    /// The reason
    #[arg(long, value_name = "TEXT", default_value = "", value_parser = said, allow_hyphen_values = true)]
    comment: String,

    /// The output format
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,

    #[command(flatten)]
    here: HereArgs,
}

/// Runs the verb.
pub fn run(args: &CloseArgs) -> anyhow::Result<ExitCode> {
    let git = args.here.open()?;
    let name = &here::id_or_here(args.id.as_deref())?;
    let said = if args.reopen { Said::Reopened } else { Said::Closed };
    let pull = git.pull(name)?;
    let gate = Gate::new(git.repo(), &git, judges()?);
    let judged = gate.check(name, NowArg::present);
    if git.repo().leads_to(pull.head, pull.base)? {
        let why = format!(
            "what is merged can't be {said}: to change it, edit its request and run `changegate \
             submit {name}`"
        );
        note(format_args!("error: not {said}: {name}: {why}"));
        Receipt::nothing(name, &why, None).print(args.format, "")?;
        return Ok(ExitCode::from(FORBIDDEN));
    }
    // A change that can't be judged can still be closed.
    let judged = judged.ok().flatten();
    let decision = judged.as_ref().map(|judged| &judged.decision);
    let receipt = if git.is_closed(name, &gate.org_at(pull.base)?)? == (said == Said::Closed) {
        let state = if args.reopen { "open" } else { "closed" };
        Receipt::nothing(name, &format!("it is {state} already"), decision)
    } else {
        let commit = append(&git, &pull, decision, said, &args.comment, seen(&git, gate.judges()))?;
        Receipt::did(name, said, decision).commit(commit)
    };
    let text = match &receipt.why {
        Some(why) => format!("{name}: {why}\n"),
        None => format!("{said} {name}\n"),
    };
    receipt.print(args.format, &text)?;
    Ok(ExitCode::SUCCESS)
}
