//! `changegate cancel`: says that a merged change won't be executed.

use std::process::ExitCode;

use anyhow::ensure;
use clap::Args;

use super::shared::args::{AnswerFormat, said};
use super::shared::events::say;
use super::shared::site::{Site, SiteArgs};
use changegate::core::operations::kinds::{Cancelled, What};
use changegate::core::terms::TicketId;
use changegate::execute::Made;
use changegate::forge::git::CHANGE;

/// Cancel a merged change of which nothing was executed
///
/// Its requester, its implementer or somebody who could have approved it says so, and nobody has to sign
/// it off. A change that isn't merged is closed instead, with `changegate close`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate cancel CHG-1234 --reason \"the provider has done it\"")]
pub struct CancelArgs {
    /// The change's id
    #[arg(value_name = "ID")]
    id: TicketId,

    /// Why
    #[arg(long, value_name = "TEXT", value_parser = said, allow_hyphen_values = true)]
    reason: String,

    /// The output format
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,

    #[command(flatten)]
    here: SiteArgs,
}

/// Runs the verb.
pub fn run(args: &CancelArgs) -> anyhow::Result<ExitCode> {
    let site = Site::open(&args.here)?;
    let id = &args.id;
    if let Err(error) = site.request(id) {
        let is_submitted = site.git.branches.tip(&format!("{CHANGE}{id}"))?.is_some();
        ensure!(!is_submitted, "{id} isn't merged: give it up with `changegate close {id}`");
        return Err(error);
    }
    let what = What::Cancelled(Cancelled { reason: args.reason.clone() });
    let made = Made::of_change(&args.id, what);
    let written = site.author(None)?.write(|_, _| Ok(vec![made.clone()]))?;
    say(&site, &written, args.format)
}
