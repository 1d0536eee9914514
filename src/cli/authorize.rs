//! `changegate authorize`: answers whether a change may be executed now.

use std::process::ExitCode;

use clap::Args;

use super::shared::args::NowArg;
use super::shared::asking::{AskArgs, age, ask};
use super::shared::judges::judges;
use super::shared::say::print;
use super::shared::site::{Site, SiteArgs};
use changegate::core::operations::event::Actor;
use changegate::report::Format;

/// Ask whether a change may be executed now, by whom and how
///
/// It writes nothing. Sign-off is that of the decision that let the change in; time, windows, freezes,
/// pauses, other executions and who acts are judged at this moment, by the policies at the tip of the
/// base. What it says is advice until the execution has begun. An open incident is a ticket for reading on
/// its services: `changegate authorize INC-042 --action pull-logs --target checkout-web` needs no request.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate authorize CHG-1234
  changegate authorize CHG-1234 --step 2 --parameter to=eu-west-2
  changegate authorize INC-042 --action pull-logs --target checkout-web
  changegate authorize CHG-1234 --actor machine:deploy-prod --for bob --format json")]
pub struct AuthorizeArgs {
    #[command(flatten)]
    ask: AskArgs,

    /// Who is going to act; whose key git signs with if left out
    #[arg(long, value_name = "WHO", value_parser = actor)]
    actor: Option<Actor>,

    /// The output format
    #[arg(long, value_enum, default_value_t)]
    format: Format,

    /// Report an approval in as much detail as anything else
    #[arg(short, long)]
    verbose: bool,

    #[command(flatten)]
    now: NowArg,

    #[command(flatten)]
    here: SiteArgs,
}

fn actor(text: &str) -> Result<Actor, String> {
    Actor::try_from(std::borrow::Cow::Borrowed(text))
}

/// Runs the verb.
pub fn run(args: &AuthorizeArgs) -> anyhow::Result<ExitCode> {
    let site = Site::open(&args.here)?;
    let by = match &args.actor {
        Some(actor) => (actor.clone(), args.ask.on_behalf.clone()),
        None => {
            let author = site.author(args.ask.on_behalf.clone())?;
            (author.by().clone(), author.on_behalf().cloned())
        }
    };
    let now = args.now.get();
    // What isn't fetched is decided as where nothing can be reached, and says so.
    let age = if args.here.here.no_fetch { age(&site, now) } else { None };
    let answer = ask(&site, &judges()?, &args.ask, by, (now, age))?;
    print(&answer.report(&site, args.format, args.verbose))?;
    Ok(answer.exit_code())
}
