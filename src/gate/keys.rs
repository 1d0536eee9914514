//! The keys of services that may sign the ledger: they are those that the settings name on the branch
//! with which it began, and the entry after a change of them says so.

use anyhow::ensure;

use super::judge::Judges;
use super::record::{Log, Record, Recorder, entry, tip};
use crate::core::layout::table;
use crate::core::org::LedgerSettings;
use crate::core::record::key::PublicKey;
use crate::core::record::keys::{Keys, writers};
use crate::core::record::parts::{CollectorKind, ObjectId};
use crate::core::record::state::{KeysAt, State};
use crate::core::record::statement::{Kind, Predicate, Statement};
use crate::git::Repo;
use crate::ledger::oid;

/// Makes the record of a change of the keys that has to come before an entry, by the same recorder;
/// `None` if the keys in force are those of the settings.
///
/// # Errors
/// When the repository can't be read.
pub fn due(
    repo: &Repo,
    judges: &Judges,
    state: &State,
    next: &Predicate,
) -> anyhow::Result<Option<Record>> {
    let Some(KeysAt { base, commit, .. }) = &state.keys else { return Ok(None) };
    let Some(newest) = state.bases.get(base) else { return Ok(None) };
    let (old, new) = (oid(commit)?, oid(newest)?);
    let path = table("settings");
    if old == new || repo.entry(old, &path)? == repo.entry(new, &path)? {
        return Ok(None);
    }
    // Policies that can't be read name nobody: those in force stay.
    let Ok(judge) = judges.at(repo, new) else { return Ok(None) };
    let keys = Keys::between(&settings(repo, judges, commit)?, &judge.bundle().org.settings.ledger);
    if keys.is_empty() {
        return Ok(None);
    }
    let log = Log { origin: next.origin.clone(), repository: next.repository.clone() };
    let recorder = Recorder { who: &next.collector.who, at: next.recorded_at };
    let branch = base.strip_prefix("refs/heads/").unwrap_or(base);
    let predicate = Predicate {
        keys: Some(keys),
        collector: next.collector.clone(),
        operations: next.operations.clone(),
        ..entry(Kind::Keys, (branch, new), &log, recorder)
    };
    let statement = Statement::new(vec![tip(&repo.commit(new)?)], predicate);
    Ok(Some(Record { statement, files: Vec::new(), policies: None }))
}

/// Returns the keys of services that may sign a statement behind what is recorded: those in force, and
/// those that it brings, or a key that was lost could never be replaced.
///
/// # Errors
/// When the repository can't be read.
pub fn signers(
    repo: &Repo,
    judges: &Judges,
    state: &State,
    statement: &Statement,
) -> anyhow::Result<Vec<PublicKey>> {
    let it = &statement.predicate;
    let mut keys: Vec<_> = it.keys.iter().flat_map(|keys| &keys.add).copied().collect();
    let Some(at) = &state.keys else { return Ok(keys) };
    keys.extend(writers(&settings(repo, judges, &at.commit)?));
    let is_on_base = it.base.as_ref().is_some_and(|base| base.name == at.base);
    if let (Some(merge), true) = (&it.merge, is_on_base)
        && let Ok(brought) = settings(repo, judges, &merge.covers.to)
    {
        keys.extend(writers(&brought));
    }
    Ok(keys)
}

/// Checks that the settings don't want a service to sign what it records.
///
/// # Errors
/// When they do.
pub fn may_be_unsigned(
    repo: &Repo,
    judges: &Judges,
    state: &State,
    next: &Predicate,
) -> anyhow::Result<()> {
    let newest = state.keys.as_ref().and_then(|keys| state.bases.get(&keys.base));
    let is_required = newest.is_some_and(|commit| {
        settings(repo, judges, commit).is_ok_and(|settings| settings.signature.is_required())
    });
    ensure!(
        !is_required || next.collector.kind == CollectorKind::Person,
        "`ledger.signature` in {} requires that a service signs what it records: name the file with \
         its key in CHANGEGATE_LEDGER_KEY",
        table("settings")
    );
    Ok(())
}

/// Returns what the settings that are in force at a commit say of the ledger.
pub(super) fn settings(
    repo: &Repo,
    judges: &Judges,
    commit: &ObjectId,
) -> anyhow::Result<LedgerSettings> {
    Ok(judges.in_force(repo, oid(commit)?)?.bundle().org.settings.ledger.clone())
}
