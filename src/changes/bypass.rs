//! What reached the base around the rules, as far as its first-parent history shows.
//!
//! Two kinds: a commit that changes a governed path without being the merge of a change
//! ([`Bypass`]), and a merge of a change that wasn't approved at that moment, or that brings more
//! than was judged (`of_merge`). A hook refuses both; without one, or with one that was switched
//! off, only a look back shows them.

use std::collections::{BTreeMap, BTreeSet};

use super::story::merges::Merge;
use crate::content::Changeset;
use crate::content::journal::log_named_by;
use crate::core::layout::{CHECK_WORKFLOW, POLICIES, is_governed, is_request, stem};
use crate::core::terms::Verdict;
use crate::forge::Pull;
use crate::forge::git::Git;
use crate::forge::github::client::host;
use crate::gate::merge::merge_tree;
use crate::gate::{Gate, Judgement};
use crate::git::{Commit, Oid, Repo};
use crate::report::one_line;

/// A commit on the base that changes governed paths, and isn't the merge of a change.
#[derive(Clone, Debug)]
pub struct Bypass {
    /// The commit.
    pub commit: Commit,
    /// The request that it changes; `None` if it changes policies or other governed paths.
    pub path: Option<String>,
    /// The number of merges of that change before it.
    pub round: usize,
}

/// Returns the addresses as which GitHub commits what it merges, of which it keeps its own record:
/// that of github.com, and that of the remote's own server.
pub(super) fn of_github(git: &Git) -> Vec<String> {
    let url = |remote: &str| git.branches.program().setting(&format!("remote.{remote}.url"));
    let own = git.branches.remote().and_then(url).map(|url| host(&url));
    let hosts = ["github.com".to_owned()].into_iter().chain(own);
    hosts.map(|host| format!("noreply@{host}")).collect()
}

/// Returns the governed paths that a commit on the base changes, by the name of the change that they
/// belong to: the request's id, or `policies`. What the merge of a change brings isn't among them, nor
/// what GitHub merged where it judges: elsewhere, anybody can commit as one of `github`.
///
/// # Errors
/// When the repository can't be read.
pub(super) fn paths(
    repo: &Repo,
    commit: &Commit,
    merge: Option<&Merge>,
    github: &[String],
) -> anyhow::Result<BTreeMap<String, Option<String>>> {
    let mut found = BTreeMap::new();
    let Some(&base) = commit.parents.first() else { return Ok(found) };
    // Most commits of a repository with code touch nothing that is governed.
    if is_githubs(repo, commit, github)?
        || repo.top_entries(base, is_governed)? == repo.top_entries(commit.id, is_governed)?
        || repo.entry(base, POLICIES)?.is_none()
    {
        return Ok(found);
    }
    let merged: BTreeSet<String> = match merge {
        Some(merge) => {
            let brought = Changeset::of(repo, merge.base, merge.head, "")?.files;
            brought.into_iter().map(|file| file.path).collect()
        }
        None => BTreeSet::new(),
    };
    let files = repo.changes(Some(base), commit.id)?.into_iter().map(|file| file.path);
    for path in files.filter(|path| is_governed(path) && !merged.contains(path)) {
        match is_request(&path) {
            true => found.insert(stem(&path).to_owned(), Some(path)),
            false => found.insert(POLICIES.to_owned(), None),
        };
    }
    Ok(found)
}

/// Whether GitHub committed it, where it judges.
fn is_githubs(repo: &Repo, commit: &Commit, github: &[String]) -> anyhow::Result<bool> {
    let Some(&base) = commit.parents.first() else { return Ok(false) };
    Ok(github.contains(&commit.committer.email) && repo.entry(base, CHECK_WORKFLOW)?.is_some())
}

/// Returns the ids of the requests that GitHub put onto the base by a commit that isn't a merge: those of the
/// pull request that it squashed.
///
/// # Errors
/// When the repository can't be read.
pub(super) fn squashed(
    repo: &Repo,
    commit: &Commit,
    github: &[String],
) -> anyhow::Result<Vec<String>> {
    let [base] = commit.parents[..] else { return Ok(Vec::new()) };
    if !is_githubs(repo, commit, github)? {
        return Ok(Vec::new());
    }
    let files = repo.changes(Some(base), commit.id)?.into_iter();
    let requests = files.filter(|file| file.after.is_some() && is_request(&file.path));
    Ok(requests.map(|file| stem(&file.path).to_owned()).collect())
}

/// Whether GitHub keeps the reviews of a merge, because it made it.
pub(super) fn is_kept_by_github(git: &Git, merge: &Merge) -> bool {
    let commit = &merge.commit;
    let is_githubs = || is_githubs(git.repo(), commit, &of_github(git)).unwrap_or(false);
    merge.is_squashed || commit.committer.email.starts_with("noreply@") && is_githubs()
}

/// Returns why a merge went around the rules, as it is judged as of its own time; `None` if it didn't.
///
/// # Errors
/// When it can't be judged any more.
pub(super) fn of_merge(
    git: &Git,
    gate: &Gate<'_, Git>,
    name: &str,
    merge: &Merge,
) -> anyhow::Result<Option<String>> {
    let pull = Pull::of_change(name, &git.base_ref, merge.base, merge.head)
        .with_log(log_named_by(&merge.commit.message));
    let judgement = gate.judge(pull, &[], merge.commit.time)?;
    Ok(why(git.repo(), &judgement, merge.commit.tree))
}

/// Returns why a merge with this tree goes around the judgement of that moment.
pub(super) fn why(repo: &Repo, judgement: &Judgement, tree: Oid) -> Option<String> {
    let decision = &judgement.decision;
    if decision.verdict != Verdict::Approved {
        return Some(format!("it was {} then: {}", decision.verdict, one_line(decision)));
    }
    let is_judged = merge_tree(repo, &judgement.pull).is_ok_and(|judged| judged == tree);
    (!is_judged).then(|| "it brought something else than what was approved".to_owned())
}
