//! What entries of the ledger say of the log.

use std::collections::BTreeSet;

use anyhow::Context as _;

use super::read::file;
use super::{Log, OPERATIONS, Oid};
use crate::content::journal::split;
use crate::core::digest::Digest;
use crate::core::operations::open::STATE;
use crate::core::record::parts::{Hex, Operations};
use crate::core::terms::TicketId;
use crate::core::time::Time;
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

    /// Returns the changes to which something happened since a time, by the dates of the commits, none of which
    /// is older than its event.
    ///
    /// # Errors
    /// When the repository can't be read.
    pub fn changed_since(&self, time: Time) -> anyhow::Result<BTreeSet<TicketId>> {
        let (mut found, mut next) = (BTreeSet::new(), Some(self.tip));
        while let Some(id) = next {
            let commit = self.rules.repo.commit(id)?;
            let (_, trailers) = split(&commit.message);
            let named = trailers.iter().filter(|(key, _)| *key == "Change");
            found.extend(named.filter_map(|(_, id)| id.parse::<TicketId>().ok()));
            next = commit.parents.first().copied().filter(|_| commit.time >= time);
        }
        Ok(found)
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
