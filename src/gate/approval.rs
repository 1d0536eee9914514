//! What proves that a merged change was approved: the ledger's entry of its merge, or in plain Git the
//! merge itself, judged once more as of its own time.

use std::ops::ControlFlow;

use anyhow::Context as _;

use super::arrivals;
use super::judge::Judges;
use super::merge::merge_tree;
use super::recording::covered;
use super::signing::{counts, end};
use crate::content::People;
use crate::core::digest::Digest;
use crate::core::operations::kinds::{Approval, ProvenBy};
use crate::core::record::parts::{Because, ObjectId};
use crate::core::record::statement::{Kind, Statement};
use crate::core::terms::{Level, Login, RiskTier, Verdict};
use crate::forge::git::Git;
use crate::git::{Commit, Oid};
use crate::ledger::{Placed, Recorded, oid, read_back};

/// Whether a merged change was approved.
pub enum Approved {
    /// It was, as this proves.
    Yes(Box<Proven>),
    /// It went around the gate, for this reason.
    Around(Because),
    /// The ledger doesn't cover its merge yet.
    NotCovered,
    /// Nothing proves it.
    Unproven,
}

/// The proof that a change was approved, and as what.
#[derive(Clone, Debug)]
pub struct Proven {
    /// The proof, as a beginning names it.
    pub approval: Approval,
    /// The tier that was approved.
    pub tier: Option<RiskTier>,
    /// The level that counted.
    pub level: Option<Level>,
    /// The digest of the material content that was approved.
    pub material: Option<Digest>,
}

/// Returns whether the request at a path of the base was approved as it is there.
///
/// # Errors
/// When the repository can't be read.
pub fn of(git: &Git, judges: &Judges, path: &str) -> anyhow::Result<Approved> {
    let commit = git.repo().commit(brought_by(git, path)?)?;
    match in_ledger(git, judges, &commit)? {
        Some(approved) => Ok(approved),
        None => by_merge(git, judges, &commit),
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

/// Returns what the ledger says of a commit on the base; `None` where there is no ledger.
fn in_ledger(git: &Git, judges: &Judges, commit: &Commit) -> anyhow::Result<Option<Approved>> {
    let Some(tip) = end(git, judges)? else { return Ok(None) };
    let Some(upto) = covered(&tip.entry.state, &git.base_ref)? else { return Ok(None) };
    let repo = git.repo();
    if !repo.leads_to(commit.id, upto)? {
        return Ok(Some(Approved::NotCovered));
    }
    let base = format!("refs/heads/{}", git.base_ref);
    let mut found = None;
    read_back(&repo.folder(), tip.commit, |Placed { commit: at, entry, seal, .. }| {
        let it = &entry.statement.predicate;
        let on_base = it.base.as_ref().is_some_and(|on| on.name == base);
        let is_it = match &it.merge {
            Some(merge) if on_base => covers(git, commit.id, &merge.covers.from, &merge.covers.to),
            _ => false,
        };
        if is_it {
            found = Some(Recorded { commit: at, entry: Ok(entry), seal });
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    })?;
    let Some(recorded) = found else { return Ok(None) };
    if !counts(repo, judges, &recorded)? {
        return Ok(Some(Approved::Unproven));
    }
    let entry = recorded.entry.context("an entry was read")?;
    let around = entry.statement.predicate.merge.as_ref().and_then(|merge| merge.because);
    Ok(Some(match (entry.statement.predicate.kind, around) {
        (Kind::Merge, None) => proven_by(&entry.statement, entry.id.to_string()),
        (_, Some(because)) => Approved::Around(because),
        _ => Approved::Unproven,
    }))
}

/// Whether a commit is on the first-parent line behind `from` and up to `to`.
fn covers(git: &Git, commit: Oid, from: &ObjectId, to: &ObjectId) -> bool {
    let (Ok(from), Ok(mut next)) = (oid(from), oid(to)) else { return false };
    while next != from {
        if next == commit {
            return true;
        }
        let Ok(held) = git.repo().commit(next) else { return false };
        let Some(&parent) = held.parents.first() else { return false };
        next = parent;
    }
    false
}

/// Returns what an entry of a merge proves.
fn proven_by(statement: &Statement, id: String) -> Approved {
    let Some(bones) = &statement.predicate.decision else { return Approved::Unproven };
    let sign_off = bones.sign_off.as_ref();
    let signers = sign_off.map(|it| it.required.iter().filter_map(|it| it.satisfied_by.clone()));
    let approval = Approval {
        proof: ProvenBy::Ledger,
        at: Some(id),
        mode: sign_off.map(|it| it.mode),
        signed_by: unique(signers.into_iter().flatten()),
        owed: Vec::new(),
        debtor: None,
    };
    let material = bones.digests.material.clone();
    Approved::Yes(Box::new(Proven { approval, tier: bones.tier, level: bones.level, material }))
}

/// Judges a merge on the base once more as of its own time: it is signed by somebody of the roster, was
/// approved, and holds just what was.
fn by_merge(git: &Git, judges: &Judges, commit: &Commit) -> anyhow::Result<Approved> {
    let Some(judgement) = arrivals::judged(git, judges, &git.base_ref, commit) else {
        return Ok(Approved::Unproven);
    };
    let org = &judgement.bundle().org;
    let signer = People::of(&org.roster).signer(git.repo(), commit);
    let is_theirs = signer.unproven.is_none_or(|why| org.tolerates(why)) && signer.login.is_some();
    let decision = &judgement.decision;
    if decision.verdict != Verdict::Approved {
        return Ok(Approved::Around(Because::NotApproved));
    }
    if !is_theirs || merge_tree(git.repo(), &judgement.pull).ok() != Some(commit.tree) {
        return Ok(Approved::Unproven);
    }
    let sign_off = decision.sign_off.as_ref();
    let signers = sign_off.map(|it| it.required.iter().filter_map(|it| it.satisfied_by.clone()));
    let approval = Approval {
        proof: ProvenBy::Merge,
        at: Some(commit.id.to_string()),
        mode: sign_off.map(|it| it.mode),
        signed_by: unique(signers.into_iter().flatten()),
        owed: Vec::new(),
        debtor: None,
    };
    let material = decision.digests.material.clone();
    let (tier, level) = (decision.tier, decision.level);
    Ok(Approved::Yes(Box::new(Proven { approval, tier, level, material })))
}

fn unique(logins: impl Iterator<Item = Login>) -> Vec<Login> {
    let mut logins: Vec<_> = logins.collect();
    logins.sort();
    logins.dedup();
    logins
}
