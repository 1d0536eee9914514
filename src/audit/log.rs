//! The log as a whole: the tree over all its entries, and the last one.

use std::ops::ControlFlow;
use std::path::Path;

use anyhow::{Context as _, anyhow, bail, ensure};

use super::case::{Tips, tip};
use crate::content::short;
use crate::core::record::entry::{CHECKPOINT_FILE, Entry};
use crate::core::record::note::Note;
use crate::core::record::tree::Tree;
use crate::git::{Oid, Repo};
use crate::ledger::{Placed, read_back};

/// A log. That its entries say what is true is for verifying to find out.
pub struct Log {
    /// The tree over the entries.
    pub tree: Tree,
    /// The commit of the last entry.
    pub last: Oid,
    /// The last entry.
    pub last_entry: Entry,
    /// The tip of the branch.
    pub tip: Oid,
}

impl Log {
    /// Reads a ledger, and makes the tree over its entries. `look` sees each of them, the newest first;
    /// only their hashes are kept.
    ///
    /// # Errors
    /// When there is no ledger, when it isn't what its entries say, or when it can't be read.
    pub fn read(
        folder: &Path,
        tips: Tips<'_>,
        mut look: impl FnMut(&Placed),
    ) -> anyhow::Result<Self> {
        crate::git::hash_what_is_read();
        let tip = tip(tips)?;
        let (mut last, mut leaves) = (None, Vec::new());
        let flaws = read_back(folder, tip, |placed| {
            look(&placed);
            leaves.push(placed.entry.leaf);
            last.get_or_insert((placed.commit, placed.entry));
            ControlFlow::Continue(())
        })?;
        let (last, last_entry) = last.context("the ledger holds no entry of this format")?;
        let tree: Tree = leaves.into_iter().rev().collect();
        let is_whole = tree.root_at(tree.size()) == Some(last_entry.state.tree.root());
        if let Some(problem) = flaws.problem() {
            bail!("the ledger can't be relied on: {problem}; run `changegate audit verify`");
        }
        ensure!(is_whole, "the ledger can't be relied on: run `changegate audit verify`");
        Ok(Log { tree, last, last_entry, tip })
    }

    /// Returns the checkpoint of the whole log, with its signatures.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn checkpoint(&self, repo: &Repo) -> anyhow::Result<Note> {
        checkpoint_at(repo, self.last)
    }
}

/// Returns the checkpoint in the commit of an entry, with its signatures.
///
/// # Errors
/// When it can't be read.
pub fn checkpoint_at(repo: &Repo, commit: Oid) -> anyhow::Result<Note> {
    let file = repo.entry(commit, CHECKPOINT_FILE)?.context("there is no checkpoint")?;
    let note = Note::parse(&repo.bytes(file.id)?);
    note.map_err(|why| anyhow!("the checkpoint in {} can't be used: {why}", short(commit)))
}
