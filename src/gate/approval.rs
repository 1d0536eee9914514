//! What proves that a merged change was approved: the ledger's entry of its merge, in plain Git the merge
//! itself, judged once more as of its own time, or on GitHub the reviews of the merged pull request.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use super::arrivals;
use super::judge::Judges;
use super::merge::merge_tree;
use super::recording::{covered, evidence_branch};
use super::signing::{counts, end};
use super::witnessing;
use crate::content::People;
use crate::content::journal::log_named_by;
use crate::core::decision::{Decision, Required, SignOff};
use crate::core::digest::Digest;
use crate::core::evidence::Evidence;
use crate::core::operations::authorize::{Approval, Approved};
use crate::core::operations::kinds::ProvenBy;
use crate::core::record::bones::Bones;
use crate::core::record::entry::Entry;
use crate::core::record::parts::ObjectId;
use crate::core::record::statement::Kind;
use crate::core::terms::{Login, Verdict};
use crate::forge::git::Git;
use crate::git::{Commit, Oid};
use crate::ledger::{Placed, Recorded, Tip, evidence_of, held, oid, read, read_back};

mod by_reviews;

pub use by_reviews::{by_reviews, merged_with};

/// Whether a merged change was approved, and who contributed to it, as far as that is known.
pub struct Found {
    /// Whether it was approved.
    pub approved: Approved,
    /// Who contributed to it.
    pub contributors: Vec<Login>,
    /// Whether the ledger says so: then nothing else is asked.
    pub is_recorded: bool,
}

impl Found {
    fn unproven(why: Option<&str>) -> Self {
        let approved = Approved::Unproven(why.map(str::to_owned));
        Found { approved, contributors: Vec::new(), is_recorded: false }
    }

    /// Returns what a decision proves, by what was known when it was made.
    fn by(approval: Option<Approval>, evidence: Option<&Evidence>) -> Self {
        let approved = approval.map_or(Approved::Unproven(None), Approved::By);
        let contributors = evidence.into_iter().flat_map(contributors).collect();
        Found { approved, contributors, is_recorded: false }
    }
}

/// Returns whether the request at a path of the base was approved with the material content of this
/// digest.
///
/// # Errors
/// When the repository can't be read.
pub fn of(git: &Git, judges: &Judges, path: &str, material: &Digest) -> anyhow::Result<Found> {
    let commit = git.repo().commit(brought_by(git, path)?)?;
    match in_ledger(git, judges, &commit, material)? {
        Some(found) => Ok(Found { is_recorded: true, ..found }),
        None => by_merge(git, judges, &commit, material),
    }
}

/// Returns the commit on the base that brought the present content of a file.
fn brought_by(git: &Git, path: &str) -> anyhow::Result<Oid> {
    let (repo, mut commit) = (git.repo(), git.base()?);
    let entry = repo.entry(commit, path)?;
    loop {
        let parents = repo.commit(commit)?.parents;
        match parents.first() {
            Some(&parent) if repo.entry(parent, path)? == entry => commit = parent,
            _ => return Ok(commit),
        }
    }
}

/// Returns what the ledger says of a commit on the base; `None` where it says nothing.
fn in_ledger(
    git: &Git,
    judges: &Judges,
    commit: &Commit,
    material: &Digest,
) -> anyhow::Result<Option<Found>> {
    let Some(tip) = end(git, judges)? else { return Ok(None) };
    let Some(upto) = covered(&tip.entry.state, &git.base_ref)? else { return Ok(None) };
    let repo = git.repo();
    if !repo.leads_to(commit.id, upto)? {
        let approved = Approved::NotYet;
        return Ok(Some(Found { approved, contributors: Vec::new(), is_recorded: true }));
    }
    let found = match git.recorded() {
        Some(recorded) => {
            let known = match recorded.get() {
                Some(known) => known,
                None => {
                    let all = accounted_for(git, &tip)?;
                    recorded.get_or_init(|| all)
                }
            };
            known.get(&commit.id).map(|at| read(repo, *at)).transpose()?
        }
        None => entry_about(git, &tip, commit.id)?,
    };
    let Some(recorded) = found else { return Ok(None) };
    if !counts(repo, judges, &recorded)? {
        return Ok(Some(Found::unproven(Some("nobody signed its entry in the ledger who may"))));
    }
    let Ok(entry) = recorded.entry else { return Ok(None) };
    if entry.statement.predicate.kind != Kind::Merge {
        return Ok(Some(Found::unproven(Some("it went around the gate, as the ledger says"))));
    }
    let branch = evidence_branch(&tip.entry.state.evidence)?;
    Ok(Some(recorded_as(git, &entry, git.branches.tip(branch)?, material)?))
}

/// Returns the entry that accounts for a commit on the base, in the ledger with this tip.
fn entry_about(git: &Git, tip: &Tip, commit: Oid) -> anyhow::Result<Option<Recorded>> {
    let repo = git.repo();
    let base = format!("refs/heads/{}", git.base_ref);
    let mut found = None;
    read_back(&repo.folder(), tip.commit, |Placed { commit: at, entry, seal, .. }| {
        let it = &entry.statement.predicate;
        let on_base = it.base.as_ref().is_some_and(|on| on.name == base);
        let is_it = match &it.merge {
            Some(merge) if on_base => covers(git, commit, &merge.covers.from, &merge.covers.to),
            _ => false,
        };
        match is_it {
            true => {
                found = Some(Recorded { commit: at, entry: Ok(entry), seal, tree: None });
                ControlFlow::Break(())
            }
            false => ControlFlow::Continue(()),
        }
    })?;
    Ok(found)
}

/// Returns the commits of the ledger with this tip by those on the base that their entries are about.
fn accounted_for(git: &Git, tip: &Tip) -> anyhow::Result<HashMap<Oid, Oid>> {
    let base = format!("refs/heads/{}", git.base_ref);
    let mut found = HashMap::new();
    read_back(&git.repo().folder(), tip.commit, |Placed { commit, entry, .. }| {
        let it = &entry.statement.predicate;
        if let (Some(merge), Some(on)) = (&it.merge, &it.base)
            && let (true, Ok(to)) = (on.name == base, oid(&merge.covers.to))
        {
            found.entry(to).or_insert(commit);
        }
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

/// Whether a commit is on the first-parent line behind `from` and up to `to`.
fn covers(git: &Git, commit: Oid, from: &ObjectId, to: &ObjectId) -> bool {
    let (Ok(from), Ok(mut next)) = (oid(from), oid(to)) else { return false };
    while next != from {
        if next == commit {
            return true;
        }
        let parents = git.repo().commit(next).map(|held| held.parents);
        let Some(parent) = parents.ok().and_then(|parents| parents.first().copied()) else {
            return false;
        };
        next = parent;
    }
    false
}

/// Returns what an entry of a merge proves, with what its evidence says beyond that.
fn recorded_as(
    git: &Git,
    entry: &Entry,
    evidence: Option<Oid>,
    material: &Digest,
) -> anyhow::Result<Found> {
    let Some(bones) = &entry.statement.predicate.decision else { return Ok(Found::unproven(None)) };
    let repo = git.repo();
    let wanted = HashSet::from([entry.id.clone()]);
    let kept = match evidence {
        Some(tip) => evidence_of(repo, tip, wanted)?.remove(&entry.id),
        None => None,
    };
    let file = |name: &str| held(repo, kept?, entry, name);
    let decision =
        file("decision.json").and_then(|it| serde_json::from_slice::<Decision>(&it).ok());
    let collected =
        file("evidence.json").and_then(|it| serde_json::from_slice::<Evidence>(&it).ok());
    let holds = bones.digests.material.as_ref() == Some(material);
    let at = Some(entry.id.to_string());
    let approval = match decision {
        Some(decision) => Approval::of(&decision, ProvenBy::Ledger, at, holds),
        None => of_bones(bones, at, holds),
    };
    Ok(Found::by(approval, collected.as_ref()))
}

/// Returns the approval that an entry records, where its evidence isn't there: when somebody signed off
/// isn't known then.
fn of_bones(bones: &Bones, at: Option<String>, material_holds: bool) -> Option<Approval> {
    let signed = bones.sign_off.as_ref()?;
    let required = signed.required.iter().map(|it| Required {
        what: it.what.clone(),
        because: None,
        satisfied_by: it.satisfied_by.clone(),
        level: it.level,
        late: it.late,
        eligible: Vec::new(),
    });
    Some(Approval {
        proof: ProvenBy::Ledger,
        at,
        level: bones.level,
        tier: bones.tier?,
        sign_off: SignOff {
            mode: signed.mode,
            due_at: None,
            reviews: Vec::new(),
            required: required.collect(),
        },
        owed: Vec::new(),
        material_holds,
    })
}

/// Judges a merge on the base once more as of its own time: it is signed by somebody of the roster, was
/// approved, and holds just what was.
fn by_merge(
    git: &Git,
    judges: &Judges,
    commit: &Commit,
    material: &Digest,
) -> anyhow::Result<Found> {
    let Some(judgement) = arrivals::judged(git, judges, &git.base_ref, commit) else {
        return Ok(Found::unproven(Some("no change brought it that can be judged")));
    };
    let org = &judgement.bundle().org;
    let signer = People::of(&org.roster).signer(git.repo(), commit);
    let is_theirs = signer.unproven.is_none_or(|why| org.tolerates(why)) && signer.login.is_some();
    let decision = &judgement.decision;
    if decision.verdict != Verdict::Approved {
        return Ok(Found::unproven(Some("it wasn't approved when it was merged")));
    }
    if !is_theirs {
        return Ok(Found::unproven(Some("nobody of the roster signed its merge")));
    }
    // Who leaves out what was going on isn't held to it.
    if log_named_by(&commit.message).is_none()
        && let Some(log) = witnessing::log(git)?
        && log.tip_at(commit.time)?.is_some()
    {
        return Ok(Found::unproven(Some("its merge doesn't say what the operations log held")));
    }
    if merge_tree(git.repo(), &judgement.pull).ok() != Some(commit.tree) {
        return Ok(Found::unproven(Some("its merge holds something else than was approved")));
    }
    let holds = decision.digests.material.as_ref() == Some(material);
    let approval = Approval::of(decision, ProvenBy::Merge, Some(commit.id.to_string()), holds);
    Ok(Found::by(approval, Some(&judgement.evidence)))
}

/// Returns who contributed to a change.
pub(super) fn contributors(evidence: &Evidence) -> impl Iterator<Item = Login> {
    let pull_request = evidence.pull_request.iter();
    let all = pull_request.flat_map(|it| &it.contributors).filter_map(|it| it.login.clone());
    all.collect::<Vec<_>>().into_iter()
}
