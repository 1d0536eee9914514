//! Whether a commit of the ledger holds an entry and says nothing else.

use super::NOBODY;
use crate::core::record::entry::Entry;
use crate::core::record::seal::Seal;
use crate::git::{Oid, Repo, blob_id, tree_id};

/// Whether a commit is, byte for byte, that of an entry behind `parents`: with the seal of a service, or
/// without one by `who`, signed or not.
///
/// # Errors
/// When the repository can't be read.
pub fn is_plain(
    repo: &Repo,
    commit: Oid,
    parents: &[Oid],
    entry: &Entry,
    seal: Option<&Seal>,
    who: &str,
) -> anyhow::Result<bool> {
    let who = if seal.is_some() { NOBODY } else { who };
    let files = match seal {
        Some(seal) => seal.files(entry).to_vec(),
        None => entry.files().to_vec(),
    };
    let tree = tree_id(files.iter().map(|(name, bytes)| (*name, blob_id(bytes))));
    has_form(repo, (commit, tree), parents, entry, who)
}

/// Whether a commit is that of an entry as [`is_plain`] says, where its tree is known to be.
///
/// # Errors
/// When the repository can't be read.
pub fn has_form(
    repo: &Repo,
    (commit, tree): (Oid, Oid),
    parents: &[Oid],
    entry: &Entry,
    who: &str,
) -> anyhow::Result<bool> {
    let at = entry.statement.predicate.recorded_at.utc().timestamp();
    let committer = format!("\ncommitter {who} <{who}> {at} +0000\n");
    let bytes = String::from_utf8_lossy(&repo.commit_bytes(commit)?).into_owned();
    let header = bytes.split_once("\n\n").map_or(bytes.as_str(), |(header, _)| header);
    Ok(format!("{header}\n").contains(&committer)
        && repo.is_made_of(commit, tree, parents, &entry.message())?)
}
