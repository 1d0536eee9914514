//! Reads the ledger of the repository around the current folder.

use crate::cli::shared::here::HereArgs;
use changegate::audit::entries::Entries;
use changegate::audit::{Period, population};
use changegate::forge::git::Git;

/// Opens the repository, and reads its ledger as its remote has it.
///
/// # Errors
/// If there is no repository, no ledger, or the remote can't be reached.
pub fn look(here: &HereArgs) -> anyhow::Result<(Git, Entries)> {
    let git = open(here)?;
    let entries = Entries::read(&git.repo().folder(), &|name: &str| git.branches.tip(name))?;
    Ok((git, entries))
}

/// Opens the repository, with the ledger as its remote has it.
///
/// # Errors
/// If there is no repository, or the remote can't be reached.
pub fn open(here: &HereArgs) -> anyhow::Result<Git> {
    let git = here.open_to_audit()?;
    here.refresh_ledger(&git.branches)?;
    Ok(git)
}

/// Says which period is looked at.
pub fn of_period(period: &Period) -> String {
    match (period.since, period.until) {
        (None, None) => "since it began".to_owned(),
        (Some(since), None) => format!("since {} UTC", since.for_people(None)),
        (None, Some(until)) => format!("before {} UTC", until.for_people(None)),
        (Some(since), Some(until)) => {
            format!("from {} to {} UTC", since.for_people(None), until.for_people(None))
        }
    }
}

/// Says who brought a commit, behind what else is said of it.
pub fn brought_by(by: Option<&String>, claims: Option<&String>) -> String {
    let said = population::brought_by(by, claims);
    match by {
        Some(_) => format!(" by {said}"),
        None if said.is_empty() => said,
        None => format!(", {said}"),
    }
}
