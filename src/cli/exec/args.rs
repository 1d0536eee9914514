//! The arguments of `exec`.

use std::path::PathBuf;

use clap::Args;
use reqwest::Url;

use crate::cli::shared::args::said;
use crate::cli::shared::asking::AskArgs;
use crate::cli::shared::site::SiteArgs;
use crate::cli::verify::answer;
use changegate::core::terms::Login;
use changegate::core::time::Duration;

/// The longest wait.
const MOST_WAIT: Duration = Duration::hours(24);

/// The most letters of an address.
const MOST_ADDRESS: usize = 2_000;

/// Execute a change: ask, take the lock, run a command, record how it ended
///
/// The command starts only when everybody can see that it does, and with the approved parameters in its
/// environment: CHANGEGATE_PARAMETER_<NAME>, CHANGEGATE_ACTION, CHANGEGATE_TARGET and others. Only one
/// execution of a change runs at a time. The exit code is the command's own; 201 if it was denied, 203 if
/// it has to wait, 202 if that couldn't be decided: then it never ran.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate exec CHG-1234 -- ./failover.sh
  changegate exec CHG-1234 --step 2 --wait 30m -- ./deploy.sh
  changegate exec CHG-1234 --verify --close -- ./deploy.sh
  changegate exec CHG-1234 --verify --manual \"an order placed from Dublin=passed\" -- ./deploy.sh
  changegate exec CHG-1234 --rollback -- ./failback.sh
  changegate exec INC-042 --action pull-logs --target checkout-web -- ./logs.sh")]
pub struct ExecArgs {
    #[command(flatten)]
    pub ask: AskArgs,

    /// End with 0 and run nothing if it is done already
    #[arg(long)]
    pub if_not_done: bool,

    /// How long to wait while it may not begin yet: 30m
    #[arg(long, value_name = "DURATION", value_parser = patience)]
    pub wait: Option<Duration>,

    /// Watch the services afterwards, as `changegate verify` does
    #[arg(long)]
    pub verify: bool,

    /// What you saw of a check that no program can answer; may be given more than once
    #[arg(long, value_name = "NAME=passed|failed", value_parser = answer, requires = "verify")]
    pub manual: Vec<(String, bool)>,

    /// Close the change as successful if verification lets it, and the settings
    #[arg(long, requires = "verify")]
    pub close: bool,

    /// A file that the command writes, whose digest is recorded
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,

    /// The address of what the command writes
    #[arg(long, value_name = "URL", value_parser = address)]
    pub log_url: Option<String>,

    /// Execute it although nothing can be reached, by what was fetched last: an emergency under break-glass,
    /// or a rollback
    #[arg(long, conflicts_with = "wait")]
    pub offline: bool,

    /// The incident commander whom you heard approve it
    #[arg(long, value_name = "LOGIN", requires_all = ["offline", "break_glass", "heard"])]
    pub commander: Option<Login>,

    /// Where you heard that: a channel, a call
    #[arg(long, value_name = "TEXT", requires = "commander", value_parser = said, allow_hyphen_values = true)]
    pub heard: Option<String>,

    /// How long to try to record the end, before it is kept here for `changegate sync`
    #[arg(long, value_name = "DURATION", default_value = "10s")]
    pub record_timeout: Duration,

    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<String>,

    #[command(flatten)]
    pub here: SiteArgs,
}

fn patience(text: &str) -> Result<Duration, String> {
    let wait: Duration = text.parse()?;
    match wait <= MOST_WAIT {
        true => Ok(wait),
        false => Err(format!("nobody waits longer than {}", MOST_WAIT.for_people())),
    }
}

fn address(text: &str) -> Result<String, String> {
    if text.len() > MOST_ADDRESS {
        return Err(format!("an address has at most {MOST_ADDRESS} letters"));
    }
    match Url::parse(text) {
        Ok(url) if ["https", "http"].contains(&url.scheme()) => Ok(text.to_owned()),
        _ => Err("an address begins with https:// or http://".to_owned()),
    }
}
