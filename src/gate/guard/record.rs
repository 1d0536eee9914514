//! Guards the ledger: it only grows, by entries that follow from what was pushed and by those who
//! pushed it, and no merge reaches a base without its entry.

use std::collections::VecDeque;

use anyhow::{Context as _, anyhow, bail, ensure};

use super::{Guard, Update, remedy};
use crate::content::journal::log_named_by;
use crate::content::{People, SKEW, short};
use crate::core::evidence::Unproven;
use crate::core::record::entry::Entry;
use crate::core::record::parts::{About, CollectorKind, Engine};
use crate::core::record::seal::Seal;
use crate::core::record::state::State;
use crate::core::record::statement::{Kind, Statement};
use crate::core::terms::Verdict;
use crate::core::time::Time;
use crate::forge::Pull;
use crate::gate::arrivals::{self, unrecorded};
use crate::gate::keys;
use crate::gate::record::{Arrival, Log, Record, Recorder, of_merge};
use crate::gate::recording::{evidence_branch, log_of, may_sign};
use crate::gate::signing::end;
use crate::git::{Commit, JUDGED_AGAIN, Oid, Signature};
use crate::ledger::{self, AUDIT, LEDGER, Recorded, Tip, oid};

/// Why an entry is rejected that nobody writes here.
pub(super) const OTHER_KIND: &str = "an entry of its kind is not accepted here";

/// What a branch accounts for: its commits that need an entry, oldest first.
struct Due {
    branch: String,
    /// Each with the commit up to which the branch is accounted for before it.
    commits: VecDeque<(Oid, Commit)>,
    /// The tip before the push.
    old: Oid,
}

impl Guard {
    /// Judges the update of a branch or tag below `audit/` as far as it stands alone.
    pub(super) fn audit(&self, name: &str, update: &Update) -> anyhow::Result<()> {
        if name.starts_with("refs/tags/") {
            return self.anchor(name, update);
        }
        let branch = name.strip_prefix("refs/heads/").unwrap_or(name);
        let is_evidence = evidence_branch(name).is_ok();
        ensure!(
            branch == LEDGER || is_evidence,
            "{branch} isn't one of the record's branches: choose a name that doesn't begin with {AUDIT}"
        );
        let Some(new) = update.new else { return self.is_replaced(branch, update) };
        if let Some(old) = update.old {
            ensure!(
                self.git.repo().leads_to(old, new)?,
                "{branch} can't be reset or rewritten, because it is the record of what was decided"
            );
        }
        Ok(())
    }

    /// Judges what a push as a whole does to the ledger: that its new entries are right, and that what
    /// it brings to a base is recorded.
    ///
    /// # Errors
    /// Why the push is rejected, and what to do.
    pub fn records(&self, updates: &[Update]) -> anyhow::Result<()> {
        if self.elsewhere().is_some() {
            return Ok(());
        }
        let moved = |name: &str| updates.iter().find(|update| update.name == name);
        let ledger = moved(&format!("refs/heads/{LEDGER}"));
        let before = end(&self.git, &self.judges)?;
        let is_evidence = |it: &&Update| it.new.is_some() && evidence_branch(&it.name).is_ok();
        let mut all_evidence = updates.iter().filter(is_evidence);
        let evidence = all_evidence.next();
        ensure!(all_evidence.next().is_none(), "evidence is pushed to several branches");
        if updates.iter().all(Update::is_of_record) && self.has_no_base()? {
            if let Some(before) = &before {
                self.is_latest(updates, before.commit)?;
            }
            return self.alone(before.as_ref(), ledger.and_then(|it| it.new), evidence);
        }
        let (Some(before), new) = (before, ledger.and_then(|update| update.new)) else {
            ensure!(evidence.is_none(), "there is no ledger that evidence could belong to");
            return match ledger.and_then(|update| update.new) {
                Some(new) => self.begins_ledger(new),
                None => Ok(()),
            };
        };
        self.is_latest(updates, before.commit)?;
        let mut due = self.due(updates, &before)?;
        let mut proof = self.evidence_commits(evidence)?;
        self.follow(updates, &before, new.unwrap_or(before.commit), &mut due, &mut proof)?;
        if let Some(update) = evidence {
            let own = self.evidence_with(&before, new)?;
            ensure!(
                update.name == own,
                "{} isn't {own}, the ledger's branch of evidence",
                update.name
            );
        }
        ensure!(proof.is_empty(), "evidence is pushed that belongs to no entry");
        if self.org().is_some_and(|org| org.settings.ledger.on) {
            self.nothing_is_due(&due)?;
        }
        Ok(())
    }

    /// Judges the entries that a push puts behind the ledger, up to its new tip. They account for what
    /// is due, and have their evidence among the new commits of that.
    fn follow(
        &self,
        updates: &[Update],
        before: &Tip,
        tip: Oid,
        due: &mut Vec<Due>,
        proof: &mut VecDeque<Commit>,
    ) -> anyhow::Result<()> {
        let repo = self.git.repo();
        let mut entries = Vec::new();
        let mut next = tip;
        while next != before.commit {
            let commit = repo.commit(next)?;
            let [parent] = commit.parents[..] else {
                bail!("{} isn't an entry of the ledger: it has several parents", short(next));
            };
            entries.push((parent, next));
            next = parent;
        }
        if entries.is_empty() {
            return Ok(());
        }
        let mut state = before.entry.state.clone();
        let mut last = before.last.map(ledger::object_id);
        let mut witnessing = self.witnessing(Some(before))?;
        for (parent, commit) in entries.into_iter().rev() {
            let why = || format!("the entry {} was rejected", short(commit));
            let Recorded { entry, seal, .. } = ledger::read(repo, commit)?;
            let entry = entry.with_context(why)?;
            let is_behind_foreign = last.is_some();
            let expected = Entry::behind(&state, entry.statement.clone(), last.take());
            ensure!(
                expected.is_ok_and(|expected| expected == entry),
                "the entry {} doesn't follow on the last one: merge again with `changegate merge`",
                short(commit)
            );
            self.is_theirs(commit, &[parent], &entry, seal.as_ref(), &state).with_context(why)?;
            let log = log_of(before);
            let keys = keys::due(repo, &self.judges, &state, &entry.statement.predicate)?;
            let about = entry.statement.predicate.note.as_ref().map(|note| note.about);
            ensure!(
                is_behind_foreign == (about == Some(About::Foreign)),
                "foreign commits are noted in an entry of their own, before any other: merge again with \
                 this version of `changegate merge`"
            );
            let record = match entry.statement.predicate.kind {
                Kind::Keys => keys.context("the settings name no other keys than are in force"),
                _ if keys.is_some() => Err(anyhow!(
                    "the settings name other keys of services than may sign, and no entry before it says \
                     so: merge it with this version of `changegate merge`"
                )),
                Kind::Note if !entry.statement.predicate.bases.is_empty() => {
                    let record = self.begins_branch(&entry, &state, &log).with_context(why)?;
                    let base = record.statement.predicate.bases.first();
                    let base = base.context("it names no branch")?;
                    due.extend(self.due_on(updates, &base.name, oid(&base.commit)?)?);
                    Ok(record)
                }
                Kind::Note if about == Some(About::Foreign) => self.foreign(&entry, &log),
                Kind::Note if about == Some(About::Erasure) => {
                    self.erasure(&entry, proof, before, &log)
                }
                Kind::Note => self.explanation(&entry, proof.front(), parent, &log),
                _ => self.expected(&entry, due, &log),
            };
            let mut record = record.with_context(why)?;
            if seal.is_some() {
                let kind = entry.statement.predicate.collector.kind;
                record.statement.predicate.collector.kind = kind;
            }
            record.statement.predicate.operations = witnessing.said_by(&entry).with_context(why)?;
            same(&record.statement, &entry.statement).with_context(why)?;
            self.is_evidence_of(&entry, &record, proof).with_context(why)?;
            state = entry.state;
        }
        Ok(())
    }

    /// Checks that nobody else has moved a branch since the push began: what is recorded would follow
    /// on something older.
    fn is_latest(&self, updates: &[Update], ledger: Oid) -> anyhow::Result<()> {
        for update in updates {
            let Some(branch) = update.name.strip_prefix("refs/heads/") else { continue };
            let tip =
                if branch == LEDGER { Some(ledger) } else { self.git.branches.tip(branch)? };
            ensure!(tip == update.old, "{branch} has moved meanwhile, so that it {JUDGED_AGAIN}");
        }
        Ok(())
    }

    /// Checks that nothing is left that needs an entry.
    fn nothing_is_due(&self, due: &[Due]) -> anyhow::Result<()> {
        for Due { branch, commits, old } in due {
            // What was there before waits for the next merge.
            let is_new = |commit: &Commit| {
                commit.id != *old && !self.git.repo().leads_to(commit.id, *old).unwrap_or(false)
            };
            if let Some((_, commit)) = commits.iter().find(|(_, commit)| is_new(commit)) {
                bail!(
                    "{} reaches {branch} without its entry in the ledger: merge it with this version \
                     of `changegate merge`, which pushes both",
                    short(commit.id)
                );
            }
        }
        Ok(())
    }

    /// Returns what each base that the ledger covers accounts for, as it is after the push.
    fn due(&self, updates: &[Update], before: &Tip) -> anyhow::Result<Vec<Due>> {
        let mut due = Vec::new();
        for (name, from) in &before.entry.state.bases {
            due.extend(self.due_on(updates, name, oid(from)?)?);
        }
        Ok(due)
    }

    /// Returns what a branch accounts for from a commit on, as it is after the push; `None` if the
    /// branch doesn't exist before it.
    fn due_on(&self, updates: &[Update], name: &str, from: Oid) -> anyhow::Result<Option<Due>> {
        let branch = name.strip_prefix("refs/heads/").unwrap_or(name).to_owned();
        let update = updates.iter().find(|update| update.name == name);
        let Some(old) = self.git.branches.tip(&branch)? else { return Ok(None) };
        let new = update.and_then(|update| update.new).unwrap_or(old);
        let commits = match unrecorded(self.git.repo(), &self.judges, from, new) {
            // What isn't pushed here was judged before.
            Err(_) if update.is_none() => VecDeque::new(),
            commits => commits?.into(),
        };
        Ok(Some(Due { branch, commits, old }))
    }

    /// Checks that a commit holds the entry and nothing else, made now and signed by whom it names: a
    /// person, or a service that may sign behind a state.
    pub(super) fn is_theirs(
        &self,
        commit: Oid,
        parents: &[Oid],
        entry: &Entry,
        seal: Option<&Seal>,
        state: &State,
    ) -> anyhow::Result<()> {
        let repo = self.git.repo();
        let it = &entry.statement.predicate;
        let who = &it.collector.who;
        ensure!(
            ledger::is_plain(repo, commit, parents, entry, seal, who)?,
            "its commit holds something else than the entry, such as another message or date"
        );
        is_now(it.recorded_at, self.now)?;
        if let Some(seal) = seal {
            let is_person = it.collector.kind == CollectorKind::Person;
            ensure!(!is_person, "it names {who}, a person, and a service signed it");
            let keys = keys::signers(repo, &self.judges, state, &entry.statement)?;
            return may_sign(&keys, seal.key());
        }
        let Some(org) = self.org() else { return Ok(()) };
        let people = People::of(&org.roster);
        let signer = match repo.signature(commit) {
            Signature::By(key) => people.with_key(&key),
            Signature::None if org.settings.unsigned_reviews.is_allowed() => return Ok(()),
            _ => None,
        };
        ensure!(
            signer.is_some_and(|signer| signer.as_str() == who),
            "it is not signed by {who}: {}",
            remedy(Unproven::UnknownKey)
        );
        Ok(())
    }

    /// Makes the record that an entry has to be, from what it is about.
    fn expected(&self, entry: &Entry, due: &mut [Due], log: &Log) -> anyhow::Result<Record> {
        let it = &entry.statement.predicate;
        let (Some(base), Some(merge)) = (&it.base, &it.merge) else {
            bail!(OTHER_KIND);
        };
        ensure!(matches!(it.kind, Kind::Merge | Kind::Bypass), OTHER_KIND);
        let branch = base.name.strip_prefix("refs/heads/").unwrap_or(&base.name);
        let found = due.iter_mut().find(|due| due.branch == branch);
        let next = found.and_then(|due| Some((due.old, due.commits.pop_front()?)));
        let (old, (from, commit)) = next
            .filter(|(_, (_, commit))| commit.id.to_string() == merge.covers.to.to_string())
            .with_context(|| {
                format!(
                    "it is about a commit that {branch} doesn't bring, or that is recorded already"
                )
            })?;
        let repo = self.git.repo();
        let recorder = Recorder { who: &it.collector.who, at: it.recorded_at };
        if repo.leads_to(commit.id, old)? {
            let earlier = (from, commit);
            return arrivals::record(&self.git, &self.judges, branch, &earlier, log, recorder);
        }
        let [base, head] = commit.parents[..] else { bail!("it isn't about a merge") };
        let name = self.open_change_at(base, head, &commit)?;
        let pull =
            Pull::of_change(&name, branch, base, head).with_log(log_named_by(&commit.message));
        let judgement = self.gate().judge(pull, &[], commit.time)?;
        ensure!(
            judgement.decision.verdict == Verdict::Approved,
            "{name} was {} at the time that the entry names",
            judgement.decision.verdict
        );
        let arrival = Arrival { is_new: true, ..Arrival::pushed(branch, &commit, from) };
        of_merge(&self.git, &judgement, &arrival, log, recorder)
    }

    /// Returns the new commits of evidence, oldest first.
    pub(super) fn evidence_commits(
        &self,
        update: Option<&Update>,
    ) -> anyhow::Result<VecDeque<Commit>> {
        let mut commits = VecDeque::new();
        let Some(update) = update else { return Ok(commits) };
        let mut next = update.new;
        while next != update.old {
            let Some(id) = next else { bail!("{} is another history", update.name) };
            let commit = self.git.repo().commit(id)?;
            ensure!(commit.parents.len() < 2, "{} isn't evidence of an entry", short(id));
            next = commit.parents.first().copied();
            commits.push_front(commit);
        }
        Ok(commits)
    }

    /// Checks that the next new commit of evidence is exactly that of an entry.
    fn is_evidence_of(
        &self,
        entry: &Entry,
        record: &Record,
        proof: &mut VecDeque<Commit>,
    ) -> anyhow::Result<()> {
        if record.files.is_empty() {
            return Ok(());
        }
        let repo = self.git.repo();
        let tree = ledger::evidence_tree(repo, &record.files, record.policies)?;
        let commit = proof.pop_front().context("its evidence isn't pushed with it")?;
        let message = ledger::evidence_message(&entry.id);
        ensure!(
            repo.is_made_of(commit.id, tree, &commit.parents, &message)?,
            "its evidence holds something else than what it rests on"
        );
        Ok(())
    }
}

/// Checks that a time is now, within the tolerated difference between clocks.
fn is_now(time: Time, now: Time) -> anyhow::Result<()> {
    ensure!(
        time <= now + SKEW && time + SKEW >= now,
        "it is dated {} UTC, which is not now: set your clock, and make it again",
        time.for_people(Some(now))
    );
    Ok(())
}

/// Whether a statement is the expected one; which program made it may differ.
pub(super) fn is_same(expected: &Statement, found: &Statement) -> bool {
    let mut expected = expected.clone();
    let (it, other) = (&mut expected.predicate, &found.predicate);
    it.engine.clone_from(&other.engine);
    expected == *found
}

/// Checks that a statement is the expected one.
fn same(expected: &Statement, found: &Statement) -> anyhow::Result<()> {
    if is_same(expected, found) {
        return Ok(());
    }
    let sources = |statement: &Statement| {
        let material = statement.predicate.material.iter();
        material.clone().find(|it| it.name == "sources.json").map(|it| it.sha256.clone())
    };
    ensure!(
        sources(expected) == sources(found),
        "a branch that it was decided on has moved, so that it {JUDGED_AGAIN}"
    );
    let theirs = &found.predicate.engine;
    ensure!(
        theirs.decides_like(&Engine::this(crate::COMMIT)),
        "it was decided by version {} of changegate, which decides otherwise than the server's: use \
         the same version",
        theirs.version
    );
    bail!("it says something else than what was decided: merge again with `changegate merge`")
}
