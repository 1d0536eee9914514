//! What the ledger and the operations log say of changes, fetched again.

use super::caches::kept;
use super::here::{HereArgs, look_at_ledger};
use super::judges::judges;
use super::say::warn;
use super::site::beside;
use changegate::changes::progress::Executions;
use changegate::changes::records::Records;
use changegate::core::operations::debts::DebtState;
use changegate::core::operations::kinds::Pauses;
use changegate::core::operations::open::OpenDebt;
use changegate::core::org::Org;
use changegate::core::time::Time;
use changegate::execute::kept::Kept;
use changegate::forge::git::Git;
use changegate::forge::github::GitHub;
use changegate::gate::execution;
use changegate::gate::witnessing::holds_what_was_seen;
use changegate::operations::Log;
use changegate::report::counted;

/// Reads what the ledger records of the base, by `read`. Where it can't be relied on, it says so, and
/// the history alone is shown.
pub fn records(
    git: &Git,
    org: &Org,
    args: &HereArgs,
    read: impl FnOnce() -> anyhow::Result<Records>,
) -> Records {
    let mut warnings = Vec::new();
    // Why the remote can't be reached has been said.
    if !args.no_fetch && !git.branches.is_out_of_reach() {
        warnings.extend(look_at_ledger(git, org));
    }
    let mut records = read().unwrap_or_else(|error| Records::none(format!("{error:#}")));
    let of_record = records.problems.iter().map(|problem| {
        let what = format!("not all that the ledger says can be relied on: {problem}");
        format!("{what}; `changegate audit verify` says more")
    });
    let mut of_record: Vec<_> = of_record.collect();
    if let Err(error) = judges().and_then(|judges| holds_what_was_seen(git, &judges)) {
        of_record.push(format!("not all that was done is known here: {error:#}"));
    }
    for warning in &of_record {
        warn("warning", warning);
    }
    warnings.extend(of_record);
    records.warnings = warnings;
    records
}

/// Warns of incidents that have paused changes for longer than the settings say: none ends by itself.
///
/// # Errors
/// When the log can't be read.
pub fn warn_of_pauses(git: &Git, org: &Org, now: Time) -> anyhow::Result<()> {
    let Some(log) = git.operations()? else { return Ok(()) };
    let most = org.settings.incident.pause_warn;
    for (it, since) in log.held().long_pauses(log.open(), most, now)? {
        let (id, pauses) = (&it.incident, pause(it.pauses).unwrap_or_default());
        let length = (now - since).for_people();
        warn(
            "warning",
            &format!(
                "{id} {pauses}, for {length} now: `changegate incident resolve {id}` ends that, or \
                 `changegate incident update {id} --pauses none`"
            ),
        );
    }
    Ok(())
}

/// Says what an incident pauses; `None` if that is nothing.
pub fn pause(pauses: Pauses) -> Option<&'static str> {
    match pauses {
        Pauses::None => None,
        Pauses::Services => Some("pauses changes to its services"),
        Pauses::All => Some("pauses all changes"),
    }
}

/// Warns of what was recorded here, and isn't in the log.
pub fn warn_of_waiting(git: &Git) {
    let waiting = Kept::of(git.repo()).waiting().map_or(0, |events| events.len());
    if waiting > 0 {
        let what = counted(waiting, "event waits", "events wait");
        warn("warning", &format!("{what} here: `changegate sync` brings what waits to the log"));
    }
}

/// Reads what the operations log says of changes, fetched again unless nothing is to be fetched. Where it
/// can't be fetched, that is said, and what is here is shown.
///
/// # Errors
/// When what is here can't be read.
pub fn executions<'a>(
    git: &'a Git,
    org: &'a Org,
    args: &HereArgs,
    now: Time,
) -> anyhow::Result<Executions<'a>> {
    if !args.no_fetch
        && !git.branches.is_out_of_reach()
        && let Err(error) = git.branches.refresh_operations()
    {
        warn("warning", &format!("what is done now isn't known: {error:#}"));
    }
    warn_of_waiting(git);
    Executions::of(git, org, now, kept(git))
}

/// Debts, each with what it is now.
type Debts = Vec<(OpenDebt, DebtState)>;

/// Returns the debts that weren't waived, and GitHub if that was asked: it alone knows
/// which of its pull requests were refused.
///
/// # Errors
/// When the repository can't be read.
pub fn debts(
    git: &Git,
    org: &Org,
    log: &Log<'_>,
    now: Time,
) -> anyhow::Result<(Debts, Option<GitHub>)> {
    let github = beside(&git.branches)?;
    match execution::debts((git, github.as_ref()), org, log, now) {
        Err(error) if github.is_some() => {
            let what = "what became of pull requests on GitHub isn't known";
            warn("warning", &format!("{what}: {error:#}"));
            Ok((execution::debts((git, None), org, log, now)?, None))
        }
        known => Ok((known?, github)),
    }
}
