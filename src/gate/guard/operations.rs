//! Guards the operations log: it only grows, by events that hold, that were written now, and that the
//! policies approve where they are asked.

use anyhow::{Context as _, bail, ensure};

use super::{Guard, Tips, Update};
use crate::content::{SKEW, short};
use crate::core::operations::event::Head;
use crate::core::operations::kinds::What;
use crate::core::operations::lines::LOG;
use crate::core::org::Org;
use crate::gate::execution::judged::is_approved;
use crate::gate::witnessing::holds_what_was_seen;
use crate::git::JUDGED_AGAIN;
use crate::ledger::oid;
use crate::operations::{Log, Next, OPERATIONS, Rules};

impl Guard {
    /// Judges the update of the operations log. It is pushed alone, so that no event is judged by what
    /// arrives with it.
    pub(super) fn operations(
        &self,
        update: &Update,
        pushed: &[Update],
        tips: &mut Tips,
    ) -> anyhow::Result<()> {
        ensure!(
            pushed.len() == 1,
            "{OPERATIONS} is pushed together with other branches: push it alone, so that no event is judged \
             by what arrives with it"
        );
        let Some(new) = update.new else {
            bail!("{OPERATIONS} can't be deleted: it is the record of what was done");
        };
        let repo = self.git.repo();
        ensure!(
            self.git.branches.tip(OPERATIONS)? == update.old,
            "{OPERATIONS} has moved meanwhile, so that it {JUDGED_AGAIN}"
        );
        let org = self.org().context("there are no policies yet by which events are judged")?;
        tips.branch(&self.git, &self.git.base_ref)?;
        let rules = Rules::at(repo, self.git.base()?)?;
        let Some(old) = update.old else {
            let log = Log::read(rules, new)?.map_err(anyhow::Error::msg)?;
            ensure!(
                repo.commit(new)?.parents.is_empty(),
                "{OPERATIONS} begins with one event: a new one with `changegate init --operations`; one that was \
                 deleted is put back by who administers the server"
            );
            holds_what_was_seen(&self.git, &self.judges)?;
            let genesis = log.events(LOG)?;
            let head = genesis.first().context("it holds no event")?.head();
            return self.is_of_now(head, &log);
        };
        ensure!(
            repo.leads_to(old, new)?,
            "{OPERATIONS} can't be reset or rewritten, because it is the record of what was done"
        );
        let mut log = Log::read(rules, old)?.map_err(anyhow::Error::msg)?;
        let mut commits = Vec::new();
        let mut next = new;
        while next != old {
            commits.push(next);
            let parents = repo.commit(next)?.parents;
            next = *parents.first().with_context(|| {
                format!("{} must stay part of the history of {OPERATIONS}", short(old))
            })?;
        }
        for commit in commits.into_iter().rev() {
            let rejected = || format!("the event {} was rejected", short(commit));
            let appended = log.appended(commit)?.map_err(anyhow::Error::msg);
            let next = appended.with_context(rejected)?;
            self.is_timely(&next, &log, org).with_context(rejected)?;
            is_approved(&self.git, &self.judges, next.event(), &log).with_context(rejected)?;
            log.follow(commit)?;
        }
        Ok(())
    }

    /// Checks that an event was written now, or offline, not too long ago. What somebody says about an
    /// execution that goes on may come late, whatever it belongs to.
    fn is_timely(&self, next: &Next, log: &Log<'_>, org: &Org) -> anyhow::Result<()> {
        let head = next.event().head();
        let goes_on = matches!(next.event().what(), What::Renew(_) | What::End(_));
        if !goes_on && !head.offline {
            return self.is_of_now(head, log);
        }
        ensure!(
            head.at <= self.now + SKEW,
            "it is dated {} UTC, which is still to come: if your clock is right now, it is taken then",
            head.at.for_people(Some(self.now))
        );
        let longest = org.settings.execution.offline_max;
        ensure!(
            goes_on || head.at + longest >= self.now,
            "it was recorded offline more than {} ago: say what happened with `changegate record --help`",
            longest.for_people()
        );
        Ok(())
    }

    /// Checks that an event was written now, by what is in force now.
    fn is_of_now(&self, head: &Head, log: &Log<'_>) -> anyhow::Result<()> {
        ensure!(
            head.at <= self.now + SKEW && head.at + SKEW >= self.now,
            "it is dated {} UTC, which isn't now: set your clock, and make it again",
            head.at.for_people(Some(self.now))
        );
        ensure!(
            oid(&head.base)? == log.rules().tip(),
            "{} has moved since it was judged, so that it {JUDGED_AGAIN}",
            self.git.base_ref
        );
        Ok(())
    }
}
