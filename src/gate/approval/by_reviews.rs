//! The approval by the reviews of a merged pull request, which GitHub is asked for again and which are
//! judged as of its merge.

use super::{Found, brought_by};
use crate::core::digest::Digest;
use crate::core::evidence::Evidence;
use crate::core::operations::authorize::Approval;
use crate::core::operations::kinds::ProvenBy;
use crate::core::terms::Verdict;
use crate::forge::git::Git;
use crate::forge::github::GitHub;
use crate::gate::Gate;
use crate::gate::judge::Judges;
use crate::gate::merge::merge_tree;
use crate::git::{Commit, Oid};

/// The most commits of a pull request that were put onto the base one by one.
const MOST: usize = 250;

/// Returns whether the request at a path of the base was approved with the material content of this
/// digest, by the reviews of the pull request that brought it.
///
/// # Errors
/// When GitHub can't be asked, or the repository can't be read.
pub fn by_reviews(
    git: &Git,
    github: &GitHub,
    judges: &Judges,
    (path, material): (&str, &Digest),
) -> anyhow::Result<Found> {
    let commit = brought_by(git, path)?;
    let Some(pull) = github.merged_with(&git.base_ref, commit)? else {
        return Ok(Found::unproven(Some("no pull request brought it, as GitHub says")));
    };
    let commits = with_it(git, github, commit, pull.number)?;
    let (Some(first), Some(last)) = (commits.first(), commits.last()) else {
        return Ok(Found::unproven(None));
    };
    let Some(&base) = first.parents.first() else {
        return Ok(Found::unproven(Some("it was there from the beginning")));
    };
    let merged = github.learn_merged(&pull, base, &commits, &Evidence::default())?;
    let gate = Gate::new(github.repo(), github, judges.clone());
    let judgement = gate.judge(merged.pull, &[], merged.at)?;
    let decision = &judgement.decision;
    if decision.verdict != Verdict::Approved {
        let why = format!("#{} wasn't approved when it was merged", pull.number);
        return Ok(Found::unproven(Some(&why)));
    }
    if merge_tree(git.repo(), &judgement.pull).ok() != Some(last.tree) {
        let why = format!("the merge of #{} holds something else than was approved", pull.number);
        return Ok(Found::unproven(Some(&why)));
    }
    let holds = decision.digests.material.as_ref() == Some(material);
    let approval = Approval::of(decision, ProvenBy::Forge, Some(commit.to_string()), holds);
    Ok(Found::by(approval, Some(&judgement.evidence)))
}

/// Returns the number of the pull request that brought the present request at a path of the base; `None` if
/// none did.
///
/// # Errors
/// When GitHub can't be asked, or the repository can't be read.
pub fn merged_with(git: &Git, github: &GitHub, path: &str) -> anyhow::Result<Option<u64>> {
    let pull = github.merged_with(&git.base_ref, brought_by(git, path)?)?;
    Ok(pull.map(|pull| pull.number))
}

/// Returns the commits that a pull request brought to the base together with this one, oldest first:
/// more than one if it was merged by putting its commits there again.
fn with_it(git: &Git, github: &GitHub, commit: Oid, number: u64) -> anyhow::Result<Vec<Commit>> {
    let repo = git.repo();
    let held = repo.commit(commit)?;
    if held.parents.len() > 1 {
        return Ok(vec![held]);
    }
    let is_its = |commit: Oid| -> anyhow::Result<bool> {
        let pull = github.merged_with(&git.base_ref, commit)?;
        Ok(pull.is_some_and(|pull| pull.number == number))
    };
    let line = repo.first_parents(git.base()?)?;
    let at = line.iter().position(|other| *other == commit).unwrap_or_default();
    let mut commits = vec![held];
    for &newer in line[..at].iter().rev().take(MOST) {
        if !is_its(newer)? {
            break;
        }
        commits.push(repo.commit(newer)?);
    }
    for &older in line[at + 1..].iter().take(MOST) {
        if !is_its(older)? {
            break;
        }
        commits.insert(0, repo.commit(older)?);
    }
    Ok(commits)
}
