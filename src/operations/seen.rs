//! What entries of the ledger say of the log.

use anyhow::Context as _;

use super::read::file;
use super::{Log, OPERATIONS, Oid};
use crate::core::digest::Digest;
use crate::core::operations::open::STATE;
use crate::core::record::parts::{Hex, Operations};
use crate::ledger::object_id;

impl Log<'_> {
    /// Whether a commit is one of the log's, as far as that was read.
    ///
    /// # Errors
    /// When the repository can't be read.
    pub fn is_at(&self, commit: Oid) -> anyhow::Result<bool> {
        let mut next = Some(self.tip);
        while let Some(known) = next.filter(|known| *known != commit) {
            next = self.rules.repo.parent(known)?;
        }
        Ok(next.is_some())
    }

    /// Returns what an entry says that was recorded when one of the log's commits was its tip: that, and
    /// what was open by the events that held.
    ///
    /// # Errors
    /// When the repository can't be read.
    pub fn seen_at(&self, tip: Oid) -> anyhow::Result<Operations> {
        let repo = self.rules.repo;
        let mut last = tip;
        while self.foreign.iter().any(|it| it.commit == last) {
            last = repo.parent(last)?.context("a log begins with an event that holds")?;
        }
        let state = file(repo, last, STATE)?.context("a commit that holds has a state")?;
        Ok(Operations {
            name: format!("refs/heads/{OPERATIONS}"),
            tip: object_id(tip),
            sha256: Hex(Digest::of(state.as_bytes())),
        })
    }
}
