//! Guards a repository that holds a ledger alone. Without the branches that it is about, nobody can tell there
//! whether an entry is true, nor who may sign it: that is for those who verify. What shows by itself is that the
//! ledger only grows, by entries that follow from each other, each with the evidence that it names.

use anyhow::{Context as _, ensure};

use super::{Guard, Update};
use crate::content::short;
use crate::core::record::entry::Entry;
use crate::core::record::parts::{About, CollectorKind};
use crate::git::Oid;
use crate::ledger::{
    AUDIT, LEDGER, NOBODY, Recorded, Tip, evidence_message, held, is_plain, object_id, read, state,
};

impl Guard {
    /// Whether the repository has no base, so that it can hold nothing but a ledger.
    pub(super) fn has_no_base(&self) -> anyhow::Result<bool> {
        let base = &self.git.base_ref;
        // HEAD may lead to the ledger itself.
        let is_there = !base.starts_with(AUDIT) && self.git.branches.tip(base)?.is_some();
        Ok(self.judge.is_none() && !is_there)
    }

    /// Checks that nothing else comes to where a ledger is alone: with a base of somebody's own, the hook
    /// would judge by that.
    pub(super) fn is_left_alone(&self, name: &str) -> anyhow::Result<()> {
        ensure!(
            !self.has_no_base()? || self.git.branches.tip(LEDGER)?.is_none(),
            "{name} is rejected: this repository holds a ledger, and nothing but branches and tags below {AUDIT}"
        );
        Ok(())
    }

    /// Judges what a push does to a ledger that is alone, up to its new tip.
    pub(super) fn alone(
        &self,
        before: Option<&Tip>,
        tip: Option<Oid>,
        evidence: Option<&Update>,
    ) -> anyhow::Result<()> {
        let repo = self.git.repo();
        let from = before.map(|before| before.commit);
        let mut line = Vec::new();
        let mut next = tip;
        while let Some(commit) = next.filter(|commit| Some(*commit) != from) {
            let parents = repo.commit(commit)?.parents;
            ensure!(parents.len() < 2, "{} isn't an entry of the ledger", short(commit));
            next = parents.first().copied();
            line.push((commit, parents));
        }
        let mut proof = self.evidence_commits(evidence)?;
        let mut state = state(before);
        let mut last = before.and_then(|before| before.last).map(object_id);
        for (commit, parents) in line.into_iter().rev() {
            let why = || format!("the entry {} was rejected", short(commit));
            let Recorded { entry, seal, .. } = read(repo, commit)?;
            let entry = entry.with_context(why)?;
            let expected = Entry::behind(&state, entry.statement.clone(), last.take());
            ensure!(
                expected.is_ok_and(|expected| expected == entry),
                "the entry {} doesn't follow on the last one: record again with `changegate sweep`",
                short(commit)
            );
            let it = &entry.statement.predicate;
            let is_person = it.collector.kind == CollectorKind::Person;
            let who = if is_person { it.collector.who.as_str() } else { NOBODY };
            ensure!(
                is_plain(repo, commit, &parents, &entry, seal.as_ref(), who)?,
                "the commit {} holds something else than the entry, such as another message or date",
                short(commit)
            );
            if it.note.as_ref().is_some_and(|note| note.about == About::Erasure) {
                // What an erasure leaves is what the policies allow, which aren't here.
                proof.clear();
            } else if it.material.iter().any(|it| it.withheld.is_none()) {
                let found = proof.pop_front();
                let found = found.filter(|found| found.message == evidence_message(&entry.id));
                let found = found.context("its evidence isn't pushed with it").with_context(why)?;
                let mut named = it.material.iter().filter(|it| it.withheld.is_none());
                ensure!(
                    named.all(|it| held(repo, found.id, &entry, &it.name).is_some()),
                    "the evidence of the entry {} isn't what it names",
                    short(commit)
                );
            }
            state = entry.state;
        }
        ensure!(proof.is_empty(), "evidence is pushed that belongs to no entry");
        ensure!(
            evidence.is_none_or(|update| update.name == state.evidence),
            "evidence is pushed to another branch than {}",
            state.evidence
        );
        Ok(())
    }
}
