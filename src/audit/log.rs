//! The log as a whole: the tree over all its entries, and those of them that are looked for.

use std::path::Path;

use anyhow::{Context as _, anyhow, bail, ensure};
use rayon::prelude::*;

use super::case::{Tips, line};
use super::verify::CHUNK;
use crate::core::record::entry::{CHECKPOINT_FILE, Entry};
use crate::core::record::note::Note;
use crate::core::record::tree::{Tree, leaf};
use crate::git::{Oid, Repo};
use crate::ledger::{self, LEDGER};

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
    /// The entries that are looked for, with their commits, oldest first.
    pub found: Vec<(Oid, Entry)>,
}

impl Log {
    /// Reads the log of the repository at a folder, and keeps the entries that are wanted.
    ///
    /// # Errors
    /// When there is none, or when its last checkpoint isn't that of its entries.
    pub fn read(
        folder: &Path,
        tips: Tips<'_>,
        is_wanted: impl Fn(&Entry) -> bool,
    ) -> anyhow::Result<Self> {
        crate::git::hash_what_is_read();
        let repo = Repo::open(folder)?;
        let line = line(&repo, tips)?;
        let tip = *line.last().context("the ledger is empty")?;
        let (mut tree, mut last, mut found) = (Tree::default(), None, Vec::new());
        for chunk in line.chunks(CHUNK) {
            let read = chunk.par_iter().map_init(
                || Repo::open(folder),
                |repo, commit| match repo {
                    Ok(repo) => Ok((*commit, ledger::read(repo, *commit)?.entry)),
                    Err(error) => bail!("{error:#}"),
                },
            );
            for (commit, entry) in read.collect::<anyhow::Result<Vec<_>>>()? {
                let Ok(entry) = entry else { continue };
                tree.push(leaf(&entry.statement.bytes()));
                if is_wanted(&entry) {
                    found.push((commit, entry.clone()));
                }
                last = Some((commit, entry));
            }
        }
        let (last, last_entry) =
            last.with_context(|| format!("{LEDGER} holds no entry of this format"))?;
        ensure!(
            tree.root_at(tree.size()) == Some(last_entry.state.tree.root()),
            "the ledger can't be relied on: run `changegate audit verify`"
        );
        Ok(Log { tree, last, last_entry, tip, found })
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
