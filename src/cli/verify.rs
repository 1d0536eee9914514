//! `changegate verify`: watches the services of a change after it was executed, and records what was found.

use super::shared::args::{AnswerFormat, said};
use super::shared::events::say;
use super::shared::say::{FORBIDDEN, INTERRUPTED, print};
use super::shared::site::{Site, SiteArgs};
use super::shared::verifying::{Verifying, has_passed, planned, report, verify};
use changegate::core::terms::{Login, TicketId};
use changegate::core::time::Duration;
use changegate::measure::check_interval;
use changegate::measure::plan::Wanted;

use clap::Args;

use std::process::ExitCode;

/// Watch the services of a change after it was executed
///
/// It polls what policies/org/roster says of each affected service and the request's health checks, compares
/// error rates, asks you for what only people can answer, and records what it found. Ctrl-C ends it, and nothing
/// is recorded. The exit code is 0 if all passed, 1 if something failed, and 2 if something couldn't be measured
/// or nobody answered.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate verify CHG-1234
  changegate verify CHG-1234 --manual \"an order placed from Dublin=passed\"
  changegate verify CHG-1234 --dry-run")]
pub struct VerifyArgs {
    /// The change's id
    #[arg(value_name = "ID")]
    id: TicketId,

    /// How long to watch; as long as the request says if left out
    #[arg(long, value_name = "DURATION")]
    watch: Option<Duration>,

    /// A further address that has to answer; may be given more than once
    #[arg(long, value_name = "URL")]
    health: Vec<String>,

    /// What you saw of a check that no program can answer; may be given more than once
    #[arg(long, value_name = "NAME=passed|failed", value_parser = answer)]
    manual: Vec<(String, bool)>,

    /// How long to wait between two samples
    #[arg(long, value_name = "DURATION", default_value = "15s")]
    interval: Duration,

    /// What happened that the request didn't foresee
    #[arg(long, value_name = "TEXT", value_parser = said, allow_hyphen_values = true)]
    unexpected_impact: Option<String>,

    /// The person for whom a machine acts
    #[arg(long = "for", value_name = "LOGIN")]
    on_behalf: Option<Login>,

    /// Print what would be measured, and do nothing
    #[arg(long, conflicts_with = "format")]
    dry_run: bool,

    /// The output format
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,

    #[command(flatten)]
    here: SiteArgs,
}

/// Reads what somebody saw of a check: `NAME=passed` or `NAME=failed`.
pub fn answer(text: &str) -> Result<(String, bool), String> {
    match text.rsplit_once('=') {
        Some((name, "passed")) => Ok((name.to_owned(), true)),
        Some((name, "failed")) => Ok((name.to_owned(), false)),
        _ => Err("an answer is written NAME=passed or NAME=failed".to_owned()),
    }
}

/// Runs the verb.
pub fn run(args: &VerifyArgs) -> anyhow::Result<ExitCode> {
    check_interval(args.interval)?;
    let site = Site::open(&args.here)?;
    let verifying = Verifying {
        wanted: Wanted {
            watch: args.watch,
            health: args.health.clone(),
            manual: args.manual.clone(),
        },
        interval: args.interval,
        unexpected_impact: args.unexpected_impact.clone(),
        on_behalf: args.on_behalf.clone(),
    };
    if args.dry_run {
        print(&planned(&site, &args.id, &verifying)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    // Ctrl-C ends the process, as always.
    let mut pause = |time| {
        std::thread::sleep(time);
        true
    };
    let Some(written) = verify(&site, &args.id, &verifying, &mut pause)? else {
        return Ok(ExitCode::from(INTERRUPTED));
    };
    if args.format == AnswerFormat::Text {
        print(&report(&written))?;
    }
    let has_passed = has_passed(&site, &written);
    say(&site, &[written], args.format)?;
    Ok(if has_passed { ExitCode::SUCCESS } else { ExitCode::from(FORBIDDEN) })
}
