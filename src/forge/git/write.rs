//! Writes journal entries; [`journal`](crate::content::journal) reads them.

use anyhow::{Context as _, bail};

use super::{Advance, CHANGE, Git};
use crate::content::journal::{NewEntry, REVIEWS, Said};
use crate::core::decision::Decision;
use crate::core::record::seen::Seen;
use crate::forge::Pull;
use crate::git::Oid;

/// Appends an entry about the judged commit to the journal of its change, by somebody who has seen this
/// of the ledger. Returns the new commit.
pub fn append(
    git: &Git,
    pull: &Pull,
    decision: Option<&Decision>,
    said: Said,
    comment: &str,
    seen: Option<Seen>,
) -> anyhow::Result<Oid> {
    let message = NewEntry {
        change: &pull.name,
        summary: decision.and_then(|decision| decision.summary.as_deref()).unwrap_or(""),
        said,
        reviewed: pull.head,
        material: decision.and_then(|decision| decision.digests.material.as_ref()),
        comment,
        seen,
    }
    .message();
    let tree = git.repo().commit(pull.head)?.tree;
    let journal = format!("{REVIEWS}{}", pull.name);
    let entry = git.branches.advance(&journal, |tip| {
        let change = format!("{}{}", CHANGE, pull.name);
        if git.branches.tip(&change)? != Some(pull.head) {
            bail!(
                "{0} has changed in the meantime: run `changegate show {0}`, and try again",
                pull.name
            );
        }
        let parents: Vec<_> = tip.into_iter().chain([pull.head]).collect();
        Ok(Advance::Put(git.branches.program().commit(tree, &parents, &message, true)?))
    })?;
    entry.context("nothing was written")
}
