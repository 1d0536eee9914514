//! Guards what entries say of the operations log.

use anyhow::{Context as _, ensure};

use super::Guard;
use crate::core::record::entry::Entry;
use crate::core::record::parts::Operations;
use crate::gate::witnessing::{log, witnessed};
use crate::ledger::{Tip, oid};
use crate::operations::{Log, OPERATIONS};

/// The operations log, and what the entries of a push may say of it.
pub(super) struct Witnessing<'g> {
    log: Option<Log<'g>>,
    now: Option<Operations>,
    /// What the entry before says.
    before: Option<Operations>,
}

impl Guard {
    /// Reads what entries behind a ledger's tip may say of the operations log.
    pub(super) fn witnessing(&self, before: Option<&Tip>) -> anyhow::Result<Witnessing<'_>> {
        let before = before.and_then(|tip| tip.entry.statement.predicate.operations.clone());
        let log = log(&self.git)?;
        let now = witnessed(log.as_ref())?;
        Ok(Witnessing { log, now, before })
    }
}

impl Witnessing<'_> {
    /// Returns what the next entry says of the log, if that is true: where it is, or was since the entry
    /// before. Others write it at the same time.
    pub(super) fn said_by(&mut self, entry: &Entry) -> anyhow::Result<Option<Operations>> {
        let said = entry.statement.predicate.operations.clone();
        let (Some(log), Some(_)) = (&self.log, &self.now) else {
            ensure!(said.is_none(), "it says where {OPERATIONS} is, which can't be read here");
            return Ok(None);
        };
        let said = said.with_context(|| {
            format!(
                "it doesn't say where {OPERATIONS} is: run the command again, with this version of \
                 changegate"
            )
        })?;
        let tip = oid(&said.tip)?;
        ensure!(
            log.is_at(tip)? && log.seen_at(tip)? == said,
            "it says of {OPERATIONS} what that never was"
        );
        if let Some(before) = self.before.replace(said.clone()) {
            let (before, repo) = (oid(&before.tip)?, log.rules().repo());
            // One that was rewound is what audits find; it must not end all merging.
            ensure!(
                !log.is_at(before)? || repo.leads_to(before, tip)?,
                "it names an older state of {OPERATIONS} than the entry before it"
            );
        }
        Ok(Some(said))
    }
}
