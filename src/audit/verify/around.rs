//! Holds the reasons of bypasses against what had been decided before, and against what Git shows of a
//! change that they say nothing of.

use super::Run;
use super::entry::Check;
use crate::audit::Step;
use crate::audit::case::Tips;
use crate::content::collect::Collector;
use crate::content::conflicts::{self, Meets};
use crate::content::journal::{self, REVIEWS};
use crate::content::{Changeset, Pull, SKEW, request_at};
use crate::core::decision::Case;
use crate::core::digest::Digest;
use crate::core::evidence::Evidence;
use crate::core::layout::stem;
use crate::core::record::around::{Decided, unapproved};
use crate::core::record::entry::Entry;
use crate::core::record::parts::{Because, CollectorKind, Merge};
use crate::core::record::statement::{Kind, Predicate};
use crate::core::terms::Verdict;
use crate::gate::arrivals::change_named_by;
use crate::gate::judge::Judges;
use crate::gate::merge::merge_tree;
use crate::gate::tables_after;
use crate::git::{Commit, Oid, Repo};
use crate::ledger::oid;
use crate::operations::logged;

/// What later entries about a pull request need of one.
pub struct Told {
    /// The name of the pull request.
    pub pull: String,
    /// The id of the entry about it that this one names as the one before it.
    pub previous: Option<Digest>,
    /// The decision that it holds.
    pub decided: Option<Decided>,
}

impl Told {
    /// Returns what is needed of an entry.
    pub fn of(it: &Predicate) -> Self {
        let pull = it.pull.as_ref().map(|pull| pull.name.clone()).unwrap_or_default();
        Told { pull, previous: it.previous.clone().flatten(), decided: Decided::of(it) }
    }
}

impl Run {
    /// Returns what the entries say to which this one leads by way of those that each names as the one
    /// before it about its pull request, with their ids.
    pub(super) fn told_before(&self, it: &Predicate) -> impl Iterator<Item = (&Digest, &Told)> {
        let first = it.previous.as_ref().and_then(Option::as_ref);
        let first = first.and_then(|id| self.pulls.get_key_value(id));
        std::iter::successors(first, |(_, told)| self.pulls.get_key_value(told.previous.as_ref()?))
    }

    /// Checks why a change that wasn't approved went around the gate.
    pub(super) fn reasoned(&mut self, commit: Oid, entry: &Entry) {
        let it = &entry.statement.predicate;
        let (Some(merge), Some(head), Some(policies)) = (&it.merge, &it.head, &it.policies) else {
            return;
        };
        let is_approved = it.decision.as_ref().is_none_or(|it| it.verdict == Verdict::Approved);
        let Some(because) = merge.because.filter(|_| !is_approved) else { return };
        let decided = self.told_before(it).filter_map(|(_, told)| told.decided.clone());
        let reason = unapproved(decided, (head, &policies.digest), merge.at);
        if because != reason {
            let why = format!(
                "it says that it is a bypass by `{because}`, and by what had been decided it is one \
                 by `{reason}`"
            );
            self.finding(Step::Coverage, Some(entry.index), commit, why);
        }
    }
}

/// A bypass in plain Git that says nothing of a change.
pub(super) struct Unjudged {
    branch: String,
    brought: Oid,
    index: u64,
    commit: Oid,
}

impl Run {
    /// Takes a bypass in plain Git that says nothing of a change.
    pub(super) fn unjudged(&mut self, commit: Oid, entry: &Entry) {
        let it = &entry.statement.predicate;
        let is_theirs = it.kind == Kind::Bypass && it.collector.kind == CollectorKind::Person;
        let (Some(base), Some(merge)) = (&it.base, &it.merge) else { return };
        if let (true, None, Ok(brought)) = (is_theirs, &it.decision, oid(&merge.covers.to)) {
            let branch = base.name.strip_prefix("refs/heads/").unwrap_or(&base.name).to_owned();
            self.unjudged.push(Unjudged { branch, brought, index: entry.index, commit });
        }
    }

    /// Names the bypasses that are merges of changes which had been approved: nobody may be accused of
    /// going around the gate who didn't.
    pub(super) fn approved(&mut self, repo: &Repo, tips: Tips<'_>, judges: &Judges) {
        for it in std::mem::take(&mut self.unjudged) {
            // What can't be judged any more may well be one.
            if let Ok(Some(change)) = approved(repo, tips, judges, &it) {
                let why = format!(
                    "it says that its commit went around the gate, which is the merge of {change} as it \
                     was approved by then"
                );
                self.finding(Step::Coverage, Some(it.index), it.commit, why);
            }
        }
    }
}

/// Returns the change that a commit merges, if it was approved at that time, as far as Git shows it.
fn approved(
    repo: &Repo,
    tips: Tips<'_>,
    judges: &Judges,
    it: &Unjudged,
) -> anyhow::Result<Option<String>> {
    let merged = repo.commit(it.brought)?;
    let [base, head] = merged.parents[..] else { return Ok(None) };
    let Some(name) = change_named_by(repo, &merged) else { return Ok(None) };
    let pull = Pull::of_change(&name, &it.branch, base, head)
        .with_log(journal::log_named_by(&merged.message));
    let changeset = Changeset::of(repo, base, head, &name)?;
    changeset.refuse_unclear_paths(head)?;
    let path = changeset.path.as_deref();
    if merge_tree(repo, &pull)? != merged.tree || path.is_some_and(|path| stem(path) != name) {
        return Ok(None);
    }
    let (judge, now) = (judges.at(repo, base)?, merged.time);
    let collector = Collector::of(repo, &pull, &changeset, &judge.bundle().org, now)?;
    let request = collector.request()?;
    let meets = Meets::of(request.as_ref());
    let mut found = conflicts::at_base(repo, base, path, meets.as_ref(), None)?;
    found.incidents = conflicts::incidents(repo, base, request.as_ref())?;
    let tip = tips(&format!("{REVIEWS}{name}"))?;
    let mut journal = tip.map(|tip| journal::entries(repo, tip)).transpose()?.unwrap_or_default();
    journal.retain(|entry| entry.commit.time <= now + SKEW);
    let logged =
        logged(repo, &pull, (path, request.as_ref()), &mut found.merged, &|_| Ok(false), now)?;
    found.incidents = logged.1.map_or(found.incidents, |incident| vec![incident]);
    let evidence = Evidence { operations: logged.0, ..collector.evidence(&journal, found)? };
    let file = path.map(|path| request_at(repo, head, path)).transpose()?.map(|(file, _)| file);
    let brings = tables_after(repo, head, &changeset);
    let case = Case { file: file.as_ref(), evidence: &evidence, brings: brings.as_ref(), now };
    let verdict = judge.decide(&case)?.decision.verdict;
    judges.leaves_policies(repo, base, merged.id, |_| Ok(Vec::new()), now)?;
    Ok((verdict == Verdict::Approved).then_some(name))
}

impl Check<'_> {
    /// Checks the reason of a bypass, as far as the entry shows it by itself. `is_as_judged` says whether
    /// it brought what was judged, where that is known.
    pub(super) fn reason(&mut self, is_as_judged: Option<bool>) {
        let it = &self.entry.statement.predicate;
        let Some(because) = it.merge.as_ref().and_then(|merge| merge.because) else { return };
        let verdict = it.decision.as_ref().map(|bones| bones.verdict);
        let fits = match because {
            Because::NoPullRequest | Because::NotKnown => verdict.is_none(),
            Because::OtherContent => {
                verdict == Some(Verdict::Approved) && is_as_judged != Some(true)
            }
            Because::NotApproved | Because::Superseded | Because::PoliciesChanged => {
                verdict.is_some_and(|verdict| verdict != Verdict::Approved)
            }
        };
        if !fits {
            let why = format!("it says that it is a bypass by `{because}`, and it isn't");
            self.finding(Step::Coverage, why);
        }
    }

    /// Checks the reason of a bypass in plain Git that says nothing of a change: the merge of something is
    /// recorded so only where that couldn't be judged.
    pub(super) fn plain_reason(&mut self, merge: &Merge, commit: &Commit) {
        let is_merge = commit.parents.len() == 2;
        let because = if is_merge { Because::NotKnown } else { Because::NoPullRequest };
        if let Some(said) = merge.because.filter(|said| *said != because) {
            let why = format!("it says that it is a bypass by `{said}`, and it isn't");
            self.finding(Step::Coverage, why);
        }
    }
}
