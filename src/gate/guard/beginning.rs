//! Guards beginnings: of a ledger, of its covering a branch that is protected later, and of what follows
//! on foreign commits.

use anyhow::{Context as _, ensure};

use super::Guard;
use super::record::{OTHER_KIND, is_same};
use crate::core::record::entry::Entry;
use crate::core::record::parts::About;
use crate::core::record::state::State;
use crate::gate::record::{Log, Record, Recorder};
use crate::gate::recording::{begin, covered, genesis, of_branch, of_foreign};
use crate::git::Oid;
use crate::ledger::{self, Recorded};

impl Guard {
    /// Makes the record with which the ledger begins to cover the branch that an entry names.
    pub(super) fn begins_branch(
        &self,
        entry: &Entry,
        state: &State,
        log: &Log,
    ) -> anyhow::Result<Record> {
        let it = &entry.statement.predicate;
        let branch = it.base.as_ref().and_then(|base| base.name.strip_prefix("refs/heads/"));
        let branch = branch.context("it names no branch")?;
        let is_branch = it.note.as_ref().is_some_and(|note| note.about == About::Branch);
        ensure!(is_branch, OTHER_KIND);
        ensure!(
            self.is_protected(branch) && covered(state, branch)?.is_none(),
            "{branch} isn't protected, or the ledger covers it already"
        );
        let tip =
            self.git.branches.tip(branch)?.with_context(|| format!("there is no {branch}"))?;
        let repo = self.git.repo();
        let begun = begin(repo, state, tip)?;
        let recorder = Recorder { who: &it.collector.who, at: it.recorded_at };
        of_branch(repo, (branch, begun), log, recorder)
    }

    /// Makes the record that foreign commits are above the last entry, on the branch that an entry names.
    pub(super) fn foreign(&self, entry: &Entry, log: &Log) -> anyhow::Result<Record> {
        let it = &entry.statement.predicate;
        let branch = it.base.as_ref().and_then(|base| base.name.strip_prefix("refs/heads/"));
        let branch = branch.context("it names no branch")?;
        ensure!(self.is_protected(branch), "{branch} isn't protected");
        let tip =
            self.git.branches.tip(branch)?.with_context(|| format!("there is no {branch}"))?;
        let recorder = Recorder { who: &it.collector.who, at: it.recorded_at };
        of_foreign(self.git.repo(), (branch, tip), log, recorder)
    }

    /// Judges the beginning of a ledger.
    pub(super) fn begins_ledger(&self, new: Oid) -> anyhow::Result<()> {
        let repo = self.git.repo();
        let org =
            self.org().context("there are no policies yet whose decisions it would record")?;
        let Recorded { entry, seal, .. } = ledger::read(repo, new)?;
        let entry = entry.context("the ledger was rejected")?;
        let is_first = repo.commit(new)?.parents.is_empty();
        let expected = Entry::behind(&Default::default(), entry.statement.clone(), None);
        ensure!(
            is_first && expected.is_ok_and(|expected| expected == entry),
            "a ledger begins with one entry of kind genesis: begin it with `changegate init --ledger`"
        );
        self.is_theirs(new, &[], &entry, seal.as_ref(), &State::default())?;
        let it = &entry.statement.predicate;
        let recorder = Recorder { who: &it.collector.who, at: it.recorded_at };
        let base = (self.git.base_ref.as_str(), self.git.base()?);
        let mut record = genesis(repo, org, base, |name| self.git.branches.tip(name), recorder)?;
        record.statement.predicate.operations = self.witnessing(None)?.said_by(&entry)?;
        ensure!(
            is_same(&record.statement, &entry.statement),
            "a ledger begins at the protected branches as they are, with origin and repository of the \
             settings: begin it with `changegate init --ledger`"
        );
        Ok(())
    }
}
