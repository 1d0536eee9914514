//! Guards the operations log: it only grows, by events that hold, that were written now, and that the
//! policies approve where they are asked.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail, ensure};

use super::{Guard, Tips, Update};
use crate::content::{SKEW, short};
use crate::core::operations::authorize::{Attempt, Steps};
use crate::core::operations::event::{About, Event, Head};
use crate::core::operations::kinds::{Begin, What};
use crate::core::operations::lines::LOG;
use crate::core::org::{Offline, Org};
use crate::core::request::OutcomeResult;
use crate::core::terms::Verdict;
use crate::gate::execution::Known;
use crate::gate::execution::begin::{Place, begin as made};
use crate::gate::execution::close::needs_nothing_more;
use crate::gate::execution::record::debtor;
use crate::git::JUDGED_AGAIN;
use crate::ledger::oid;
use crate::operations::{Log, Next, OPERATIONS, Rules};
use crate::report::one_line;

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
                "{OPERATIONS} begins with one event: begin it with `changegate init --operations`"
            );
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
            self.is_approved(next.event(), &log).with_context(rejected)?;
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
        ensure!(head.at <= self.now + SKEW, "it is dated in the future: set your clock");
        let longest = org.settings.execution.offline_max;
        ensure!(
            goes_on || head.at + longest >= self.now,
            "it was recorded offline more than {} ago: say what happened with `changegate record --help`",
            longest.for_people()
        );
        Ok(())
    }

    /// Checks that the policies approve a beginning, on what the log held before it, and that it says what
    /// follows from that: others rely on it. Of what may be recorded offline, nothing more is asked: it
    /// happened. An outcome is taken where it follows by itself.
    fn is_approved(&self, event: &Event, log: &Log<'_>) -> anyhow::Result<()> {
        let (head, Some(About::Change(id))) = (event.head(), event.about()) else {
            ensure!(
                !matches!(event.what(), What::Begin(_)),
                "nothing is executed under an incident alone so far: submit a change, and execute that"
            );
            return Ok(());
        };
        let org = self.org().context("there are no policies")?;
        let known = || Known::of(&self.git, &self.judges, Some(log), id, head.at);
        let begin = match event.what() {
            What::Begin(begin) => begin,
            What::Record(it) => {
                let owed = debtor(&known()?, org, &it.performed_by, [it.started_at, it.ended_at]);
                ensure!(
                    owed == it.debtor,
                    "somebody else owes sign-offs for it, or nobody: record it with this version of changegate"
                );
                return Ok(());
            }
            What::Outcome(it) => {
                let (known, life) = (known()?, log.life(About::Change(id))?);
                let is_over = known
                    .request()
                    .is_some_and(|request| needs_nothing_more(request, org, &life, &life.done()));
                ensure!(
                    it.automatic && it.result == OutcomeResult::Successful && is_over,
                    "only a change that just reads is closed so far, by the end of its last step"
                );
                return Ok(());
            }
            _ => return Ok(()),
        };
        let known = known()?;
        if head.offline {
            let emergency = known.request().and_then(|request| request.emergency.as_ref());
            let breaks_glass = emergency.is_some_and(|it| it.break_glass);
            ensure!(
                org.settings.execution.offline == Offline::Emergency
                    && (begin.rollback || breaks_glass),
                "only an emergency under break-glass or a rollback is executed offline: say what happened \
                 with `changegate record --help`"
            );
            return Ok(());
        }
        let attempt = Attempt {
            steps: Steps::Numbers(begin.steps.iter().filter_map(|step| step.number).collect()),
            rollback: begin.rollback,
            parameters: BTreeMap::new(),
            expected: None,
            by: head.by.clone(),
            on_behalf: head.on_behalf.clone(),
            contributed: false,
            is_proven: true,
        };
        let at = (head.at, None);
        let decision = known.ask(&self.git, &self.judges, Some(log), &attempt, at)?.decision;
        ensure!(
            decision.verdict == Verdict::Approved,
            "it is {}: {}\nrun `changegate authorize {id}` for details",
            decision.verdict,
            one_line(&decision)
        );
        let place = Place {
            host: begin.host.clone(),
            url: begin.url.clone(),
            command: begin.command.clone(),
        };
        let made = made(&known, &attempt, &decision, (org, head.at), &place);
        let expected = made.map(|made| Begin { lease_until: begin.lease_until, ..made });
        ensure!(
            expected.as_ref() == Some(begin)
                && head.policies.as_ref() == Some(&decision.digests.policies),
            "it says something else than follows from the request and its approval: begin with `changegate \
             begin {id}`"
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
