//! Requests that were written where nobody could be reached, and that wait here to be submitted.

use super::Git;
use crate::git::Oid;

/// The refs that keep them; the change's name follows.
pub const WAITING: &str = "refs/changegate/waiting/";

impl Git {
    /// Returns the commit that waits for a change; `None` if there is none.
    ///
    /// # Errors
    /// When the repository can't be read.
    pub fn waiting(&self, name: &str) -> anyhow::Result<Option<Oid>> {
        self.repo().tip(&format!("{WAITING}{name}"))
    }

    /// Returns all commits that wait, by the names of their changes.
    ///
    /// # Errors
    /// When the repository can't be read.
    pub fn all_waiting(&self) -> anyhow::Result<Vec<(String, Oid)>> {
        let refs = self.repo().refs(WAITING)?.into_iter();
        Ok(refs.map(|(name, tip)| (name[WAITING.len()..].to_owned(), tip)).collect())
    }

    /// Keeps a commit for a change until it is submitted.
    ///
    /// # Errors
    /// When the repository can't be written.
    pub fn keep_waiting(&self, name: &str, commit: Oid) -> anyhow::Result<()> {
        let (known, full) = (self.waiting(name)?, format!("{WAITING}{name}"));
        self.branches.program().move_refs(&[(full, known, commit)]).map(drop)
    }

    /// Forgets what waited for a change.
    ///
    /// # Errors
    /// When the repository can't be written.
    pub fn forget_waiting(&self, name: &str) -> anyhow::Result<()> {
        let full = format!("{WAITING}{name}");
        self.branches.program().run(&["update-ref", "-d", &full]).map(drop)
    }
}
