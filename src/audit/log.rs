//! The log as a whole: the tree over all its entries, and the last one.

use anyhow::{Context as _, anyhow, ensure};

use super::entries::{Entries, Placed};
use crate::core::record::entry::{CHECKPOINT_FILE, Entry};
use crate::core::record::note::Note;
use crate::core::record::tree::{Tree, leaf};
use crate::git::{Oid, Repo};

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
    /// Makes the tree over the entries of a ledger.
    ///
    /// # Errors
    /// When the ledger isn't what its entries say.
    pub fn of(entries: &Entries) -> anyhow::Result<Self> {
        let Placed { commit, entry, .. } = entries.sound()?;
        let leaves = entries.all.iter().map(|it| leaf(&it.entry.statement.bytes()));
        let tree: Tree = leaves.collect();
        ensure!(
            tree.root_at(tree.size()) == Some(entry.state.tree.root()),
            "the ledger can't be relied on: run `changegate audit verify`"
        );
        Ok(Log { tree, last: *commit, last_entry: entry.clone(), tip: entries.tip })
    }

    /// Returns the checkpoint of the whole log, with its signatures.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn checkpoint(&self, repo: &Repo) -> anyhow::Result<Note> {
        let file = repo.entry(self.last, CHECKPOINT_FILE)?.context("there is no checkpoint")?;
        let note = Note::parse(&repo.bytes(file.id)?);
        note.map_err(|why| anyhow!("the last checkpoint can't be used: {why}"))
    }
}
