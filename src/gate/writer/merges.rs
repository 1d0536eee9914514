//! Records what reached the protected branches: compares their first-parent lines with what the ledger
//! accounts for, so that a lost event delays an entry and never loses one.

use std::collections::BTreeSet;

use anyhow::{Context as _, bail};

use super::{Added, Writer};
use crate::core::digest::{Digest, canonical_json};
use crate::core::evidence::Evidence;
use crate::core::org::Org;
use crate::core::record::around::{Decided, unapproved};
use crate::core::record::entry::Entry;
use crate::core::record::parts::{Because, Method};
use crate::core::record::state::State;
use crate::core::record::statement::Kind;
use crate::core::terms::Verdict;
use crate::core::time::Time;
use crate::forge::github::{GitHub, MergedPull, types};
use crate::gate::arrivals::unrecorded;
use crate::gate::merge::merge_tree;
use crate::gate::record::{Arrival, Log, Record, Recorder, of_arrival, of_bypass};
use crate::gate::recording::{begin, log_of, of_branch};
use crate::gate::{Gate, Judgement};
use crate::git::{Commit, Oid};
use crate::ledger::store::Store;
use crate::ledger::{NOBODY, object_id, oid};

/// The number of attempts when others record the same in the meantime.
const ATTEMPTS: usize = 10;

/// What a pull request, or a push, brought to a branch.
struct Brought {
    /// The commit up to which the branch was accounted for.
    from: Oid,
    /// The commits, oldest first.
    commits: Vec<Commit>,
    /// The pull request, if one did.
    pull: Option<types::Pull>,
}

impl Writer<'_> {
    /// Records what reached the protected branches and isn't recorded yet. `org` is the organisation
    /// data on the default branch. Returns the number of entries.
    ///
    /// # Errors
    /// When something can't be recorded.
    pub fn catch_up(
        &self,
        gate: &Gate<'_, GitHub>,
        org: &Org,
        clock: &dyn Fn() -> Time,
    ) -> anyhow::Result<usize> {
        if !org.settings.ledger.on {
            return Ok(0);
        }
        self.github.fetch_log()?;
        for _ in 0..ATTEMPTS {
            let added = self.in_store(&org.settings.ledger, |store| {
                let tip = self.begun(store)?;
                let recorder = Recorder { who: NOBODY, at: clock() };
                let (state, log) = (&tip.entry.state, log_of(&tip));
                let mut records = self.of_new_branches(org, state, &log, recorder)?;
                for (name, covered) in &state.bases {
                    let branch = name.strip_prefix("refs/heads/").unwrap_or(name);
                    let covered = oid(covered)?;
                    records.extend(self.of_branch(
                        gate,
                        store,
                        (branch, covered),
                        &log,
                        recorder,
                    )?);
                }
                self.add_all(store, records)
            })?;
            if let Some(added) = added {
                return Ok(added);
            }
        }
        bail!("others have recorded the same {ATTEMPTS} times in the meantime: try again")
    }

    /// Adds records of merges; returns their number, or nothing if others have recorded such in the
    /// meantime.
    fn add_all(&self, store: &mut Store, records: Vec<Record>) -> anyhow::Result<Option<usize>> {
        let count = records.len();
        if count == 0 {
            return Ok(Some(0));
        }
        let matters = |entry: &Entry| entry.statement.predicate.kind != Kind::Decision;
        Ok(match self.add(store, records, &matters, || false)? {
            Added::Yes(..) => Some(count),
            Added::Outdated => None,
        })
    }

    /// Makes the notes with which the ledger begins to cover branches that were protected later.
    fn of_new_branches(
        &self,
        org: &Org,
        state: &State,
        log: &Log,
        recorder: Recorder<'_>,
    ) -> anyhow::Result<Vec<Record>> {
        let protected: BTreeSet<_> = org.settings.protected_bases.iter().collect();
        let is_new = |branch: &&&String| !state.bases.contains_key(&format!("refs/heads/{branch}"));
        let mut records = Vec::new();
        for branch in protected.iter().filter(is_new) {
            // A branch that the settings name may not be there yet.
            let Ok(tip) = self.github.tip_of(branch) else { continue };
            let repo = self.github.repo();
            let begun = begin(repo, state, tip)?;
            let record = of_branch(repo, (branch.as_str(), begun), log, recorder)?;
            records.push(self.completed(record, None)?);
        }
        Ok(records)
    }

    /// Makes the records of what reached a branch after a commit.
    fn of_branch(
        &self,
        gate: &Gate<'_, GitHub>,
        store: &Store,
        (branch, covered): (&str, Oid),
        log: &Log,
        recorder: Recorder<'_>,
    ) -> anyhow::Result<Vec<Record>> {
        let tip = self.github.tip_of(branch)?;
        let mut records = Vec::new();
        for brought in self.brought(gate, branch, covered, tip)? {
            records.push(self.of_brought(gate, store, branch, &brought, log, recorder)?);
        }
        Ok(records)
    }

    /// Returns what reached a branch after a commit, up to another: the commits that the same pull
    /// request brought together.
    fn brought(
        &self,
        gate: &Gate<'_, GitHub>,
        branch: &str,
        covered: Oid,
        tip: Oid,
    ) -> anyhow::Result<Vec<Brought>> {
        let mut all: Vec<Brought> = Vec::new();
        for (from, commit) in unrecorded(self.github.repo(), gate.judges(), covered, tip)? {
            let pull = self.github.merged_with(branch, commit.id)?;
            let number = |pull: &Option<types::Pull>| pull.as_ref().map(|pull| pull.number);
            match all.last_mut() {
                Some(last) if pull.is_some() && number(&last.pull) == number(&pull) => {
                    last.commits.push(commit);
                }
                _ => all.push(Brought { from, commits: vec![commit], pull }),
            }
        }
        Ok(all)
    }

    /// Makes the record of what reached a branch: as a merge, if it was approved then and is what was
    /// judged, or else as a bypass.
    fn of_brought(
        &self,
        gate: &Gate<'_, GitHub>,
        store: &Store,
        branch: &str,
        Brought { from, commits, pull }: &Brought,
        log: &Log,
        recorder: Recorder<'_>,
    ) -> anyhow::Result<Record> {
        let (Some(first), Some(last)) = (commits.first(), commits.last()) else {
            bail!("nothing reached {branch}");
        };
        let base = first.parents.first().copied().unwrap_or(*from);
        let arrival = Arrival { base, ..Arrival::pushed(branch, last, *from) };
        let Some(pull) = pull else {
            let by = self.login(gate, base, self.github.pusher(branch, last.id).as_ref());
            let because = Some(Because::NoPullRequest);
            let record = of_bypass(&Arrival { by, because, ..arrival }, log, recorder);
            return self.completed(record, None);
        };
        let judge = |then: &Evidence| {
            let merged = self.github.learn_merged(pull, base, commits, then)?;
            let judgement = gate.judge(merged.pull.clone(), &[], merged.at)?;
            anyhow::Ok((merged, judgement))
        };
        // Of policies that can't be read, that is said where they judge.
        let has_teams = |org: Org| org.roster.teams.values().any(|it| it.forge_team.is_some());
        let mut judged = match gate.org_at(base).is_ok_and(has_teams) {
            true => judge(&self.recorded_of(store, pull)?),
            false => judge(&Evidence::default()),
        };
        let lacks = |(merged, judgement): &(MergedPull, Judgement)| {
            merged.is_partly_gone && judgement.decision.verdict != Verdict::Approved
        };
        if judged.as_ref().is_ok_and(lacks) {
            judged = judge(&self.recorded_of(store, pull)?);
        }
        let Ok((merged, judgement)) = judged else {
            let by = self.login(gate, base, pull.merged_by.as_ref());
            let at = pull.merged_at.unwrap_or(arrival.at);
            let (because, method) = (Some(Because::NotKnown), Method::Merge);
            let record = of_bypass(&Arrival { by, at, method, because, ..arrival }, log, recorder);
            return self.completed(record, None);
        };
        let previous = self.github.answered(&merged.pull)?.map(|known| known.entry);
        let unapproved = || {
            let entries = store.since(pull.created_at, &self.counting(store))?;
            let (head, policies) =
                (object_id(judgement.pull.head), &judgement.decision.digests.policies);
            let decided = decisions(&entries, previous.clone());
            anyhow::Ok(unapproved(decided, (&head, policies), merged.at))
        };
        let because = match judgement.decision.verdict {
            Verdict::Approved => Some(Because::OtherContent).filter(|_| {
                merge_tree(self.github.repo(), &judgement.pull).ok() != Some(last.tree)
            }),
            _ => Some(unapproved()?),
        };
        let by = self.login(gate, base, merged.by.as_ref());
        let (at, method) = (merged.at, merged.method());
        let arrival = Arrival { by, at, method, because, ..arrival };
        self.of_merged(branch, (&merged, previous), &judgement, &arrival, log, recorder)
    }

    fn of_merged(
        &self,
        branch: &str,
        (merged, previous): (&MergedPull, Option<Digest>),
        judgement: &Judgement,
        arrival: &Arrival<'_>,
        log: &Log,
        recorder: Recorder<'_>,
    ) -> anyhow::Result<Record> {
        let mut files = self.material(judgement)?;
        let rules = self.github.rules(branch).context("cannot read the rules for the branch")?;
        files.push(("rules.json".to_owned(), canonical_json(&rules).into_bytes()));
        let repo = self.github.repo();
        let mut record = of_arrival(repo, judgement, arrival, files, log, recorder)?;
        let it = &mut record.statement.predicate;
        if let (Some(base), Some(_)) = (&mut it.base, &it.decision) {
            base.judged_on = merged.judged_on.map(object_id);
        }
        self.completed(record, Some((&merged.pull, previous)))
    }

    /// Returns what the last decision about the head of a merged pull request rested on: GitHub doesn't
    /// say who was in a team at a time, nor whose account is gone.
    fn recorded_of(&self, store: &Store, pull: &types::Pull) -> anyhow::Result<Evidence> {
        let is_its = |entry: &Entry| {
            let it = &entry.statement.predicate;
            let is_about_it =
                it.head.as_ref().is_some_and(|head| head.to_string() == pull.head.sha);
            let is_before = pull.merged_at.is_none_or(|at| it.recorded_at <= at);
            it.kind == Kind::Decision && is_about_it && is_before
        };
        let last = store.since(pull.created_at, &self.counting(store))?.into_iter().find(is_its);
        let evidence = last.map(|entry| store.material(&entry, "evidence.json")).transpose()?;
        let evidence = evidence.flatten().map(|bytes| serde_json::from_slice::<Evidence>(&bytes));
        let evidence =
            evidence.transpose().context("cannot read what was recorded of it before")?;
        Ok(evidence.unwrap_or_default())
    }

    /// Returns the login of an account by the roster at a commit.
    fn login(
        &self,
        gate: &Gate<'_, GitHub>,
        base: Oid,
        user: Option<&types::User>,
    ) -> Option<String> {
        let org = gate.org_at(base).ok()?;
        self.github.login_in(&org.roster, user?).map(|login| login.to_string())
    }
}

/// Returns the decisions among entries, the newest first, to which this one leads by way of those that
/// each names as the one before it.
fn decisions(entries: &[Entry], mut next: Option<Digest>) -> impl Iterator<Item = Decided> {
    entries.iter().filter_map(move |entry| {
        let it = &entry.statement.predicate;
        if next.as_ref() != Some(&entry.id) {
            return None;
        }
        next = it.previous.clone().flatten();
        Decided::of(it)
    })
}
