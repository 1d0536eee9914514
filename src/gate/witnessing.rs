//! What entries of the ledger say of the operations log, so that nobody can rewind it unseen.

use anyhow::ensure;

use super::judge::Judges;
use super::signing::end;
use crate::content::short;
use crate::core::record::parts::Operations;
use crate::forge::git::Git;
use crate::ledger::oid;
use crate::operations::{Log, OPERATIONS, Rules};

/// Reads the operations log, if there is one.
///
/// # Errors
/// When the repository can't be read.
pub fn log(git: &Git) -> anyhow::Result<Option<Log<'_>>> {
    let Some(tip) = git.branches.tip(OPERATIONS)? else { return Ok(None) };
    let rules = Rules::at(git.repo(), git.base()?)?;
    // One that doesn't begin as a log does is what audits find.
    Ok(Log::read(rules, tip)?.ok())
}

/// Returns where the operations log is, walked up to there; `None` if there is none, or if not all of it
/// can be judged here.
///
/// # Errors
/// When the repository can't be read.
pub fn witnessed(log: Option<&Log<'_>>) -> anyhow::Result<Option<Operations>> {
    log.filter(|log| !log.has_missed()).map(|log| log.seen_at(log.tip())).transpose()
}

/// Checks that the operations log goes on from where the ledger's last entry saw it: a clone that never saw
/// what was lost learns of it there.
///
/// # Errors
/// When it doesn't, or the repository can't be read.
pub fn holds_what_was_seen(git: &Git, judges: &Judges) -> anyhow::Result<()> {
    let seen = end(git, judges)?.and_then(|tip| tip.entry.statement.predicate.operations);
    let Some(seen) = seen.map(|seen| oid(&seen.tip)).transpose()? else { return Ok(()) };
    // What isn't here leads nowhere.
    let goes_on = |there| git.repo().leads_to(seen, there).unwrap_or(false);
    ensure!(
        git.branches.operations_tip()?.is_some_and(goes_on),
        "{OPERATIONS} doesn't go on from {}, where the ledger saw it: somebody rewound, replaced or deleted it; \
         `changegate sync` in a clone that holds it brings back what was lost",
        short(seen)
    );
    Ok(())
}
