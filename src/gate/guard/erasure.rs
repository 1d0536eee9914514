//! Guards erasures: a new branch of evidence is what is left of the old one, and nothing is taken out
//! that no change of the policies allows.

use std::collections::VecDeque;

use anyhow::{Context as _, ensure};

use super::{Guard, Update};
use crate::core::record::entry::Entry;
use crate::gate::erasure::{self, Erased, expunged, of_erasure};
use crate::gate::record::{Log, Record, Recorder};
use crate::gate::recording::evidence_branch;
use crate::git::{Commit, Oid};
use crate::ledger::{self, LEDGER, Tip};

impl Guard {
    /// Makes the record that a note of an erasure has to be, and checks that `proof`, the commits of the
    /// branch of evidence that comes with it, are what is left of the old branch.
    pub(super) fn erasure(
        &self,
        entry: &Entry,
        proof: &mut VecDeque<Commit>,
        before: &Tip,
        log: &Log,
    ) -> anyhow::Result<Record> {
        let (repo, it) = (self.git.repo(), &entry.statement.predicate);
        let base = self.is_on_the_base(entry)?;
        ensure!(entry.index == before.next(), "an erasure is pushed alone");
        let entries = erasure::entries(repo, before.commit)?;
        let approved_by = it.note.as_ref().and_then(|note| note.approved_by.as_ref());
        let merged = entries.iter().find(|entry| Some(&entry.id) == approved_by);
        let erased = merged.map(|merged| Erased::by(repo, merged, base, &entries)).transpose()?;
        let erased = erased.filter(|erased| !erased.entries.is_empty());
        let (Some(merged), Some(erased)) = (merged, erased) else {
            anyhow::bail!(
                "no merged change of the policies allows it: have the digests added to \
                 policies/org/erasures/data.yaml"
            );
        };
        let old = evidence_branch(&before.entry.state.evidence)?;
        let old = self.git.branches.tip(old)?.context("there is no evidence")?;
        let left = expunged(repo, old, &erased.blobs)?;
        ensure!(left != old, "what it names is gone already");
        ensure!(
            proof.back().is_some_and(|last| last.id == left),
            "the new evidence isn't what is left of the old: make it with `changegate audit expunge`"
        );
        proof.clear();
        let recorder = Recorder { who: &it.collector.who, at: it.recorded_at };
        of_erasure(repo, (&self.git.base_ref, base), &erased, &merged.id, log, recorder)
    }

    /// Returns the full name of the branch to which a push may bring evidence: the one that the ledger
    /// names when its tip is `new`.
    pub(super) fn evidence_with(&self, before: &Tip, new: Option<Oid>) -> anyhow::Result<String> {
        let last = new.map(|tip| ledger::read(self.git.repo(), tip)).transpose()?;
        let last = last.and_then(|last| last.entry.ok());
        Ok(last.unwrap_or_else(|| before.entry.clone()).state.evidence)
    }

    /// Checks that a branch that is deleted is one of evidence, and that an erasure has replaced it.
    pub(super) fn is_replaced(&self, branch: &str, update: &Update) -> anyhow::Result<()> {
        let tip = self.git.branches.tip(LEDGER)?;
        let tip = tip.map(|tip| ledger::tip(self.git.repo(), tip)).transpose()?;
        ensure!(
            evidence_branch(&update.name).is_ok()
                && tip.is_some_and(|tip| tip.entry.state.evidence != update.name),
            "{branch} can't be deleted: it is the record of what was decided"
        );
        Ok(())
    }
}
