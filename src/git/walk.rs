//! Walks over many commits at once, for looking back.

use anyhow::Context as _;
use git2::Sort;

use super::{Oid, Repo};

impl Repo {
    /// The commits that lead to any of `heads` and not to `base`, parents before children.
    ///
    /// # Errors
    /// When the history can't be walked.
    pub fn brought_by(&self, base: Oid, heads: &[Oid]) -> anyhow::Result<Vec<Oid>> {
        let walk = || -> Result<Vec<Oid>, git2::Error> {
            let mut walk = self.inner.revwalk()?;
            walk.set_sorting(Sort::TOPOLOGICAL | Sort::REVERSE)?;
            for head in heads {
                walk.push(*head)?;
            }
            walk.hide(base)?;
            walk.collect()
        };
        walk().with_context(|| format!("walk the history that isn't part of {base}"))
    }

    /// A commit, its first parent, that one's first parent, and so on.
    ///
    /// # Errors
    /// When the history can't be walked.
    pub fn first_parents(&self, tip: Oid) -> anyhow::Result<Vec<Oid>> {
        let walk = || -> Result<Vec<Oid>, git2::Error> {
            let mut walk = self.inner.revwalk()?;
            walk.simplify_first_parent()?;
            walk.push(tip)?;
            walk.collect()
        };
        walk().with_context(|| format!("walk the history of {tip}"))
    }
}
