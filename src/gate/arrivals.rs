//! What reached a base and isn't recorded yet, and the records that account for it.

use anyhow::Context as _;

use super::judge::Judges;
use super::merge::merge_tree;
use super::record::{Arrival, Log, Record, Recorder, of_bypass, of_merge, who};
use super::{Gate, Judgement};
use crate::content::journal;
use crate::content::{Changeset, short};
use crate::core::layout::{POLICIES, REQUESTS, is_governed, stem};
use crate::core::record::parts::Because;
use crate::core::terms::{TicketId, Verdict};
use crate::forge::Pull;
use crate::forge::git::Git;
use crate::git::{Commit, Fresh, Oid, Repo};

/// Returns the commits on a first-parent line that need an entry each, oldest first, with the commit
/// up to which the line is accounted for before each: behind `from`, up to `to`. A commit that changes
/// no governed path, where the settings leave that free, needs none.
///
/// # Errors
/// When `from` isn't on the line, or when the repository can't be read.
pub fn unrecorded(
    repo: &Repo,
    judges: &Judges,
    from: Oid,
    to: Oid,
) -> anyhow::Result<Vec<(Oid, Commit)>> {
    let mut found = Vec::new();
    let mut covered = from;
    each_behind(repo, judges, from, to, |commit, is_free| {
        if !is_free {
            let before = std::mem::replace(&mut covered, commit.id);
            found.push((before, commit));
        }
    })?;
    Ok(found)
}

/// Hands over the commits on a first-parent line, oldest first: behind `from`, up to `to`, each with
/// whether it needs no entry.
///
/// # Errors
/// As [`unrecorded`].
pub fn each_behind(
    repo: &Repo,
    judges: &Judges,
    from: Oid,
    to: Oid,
    mut take: impl FnMut(Commit, bool),
) -> anyhow::Result<()> {
    let mut line = Vec::new();
    let (mut next, mut fresh) = (to, Fresh::of(repo));
    while next != from {
        line.push(next);
        next = fresh.get()?.parent(next)?.with_context(|| missing(repo, from, to))?;
    }
    let mut fresh = Fresh::of(repo);
    for id in line.into_iter().rev() {
        let repo = fresh.get()?;
        let commit = repo.commit(id)?;
        let is_free = is_free(repo, judges, &commit)?;
        take(commit, is_free);
    }
    Ok(())
}

/// Says why a line that ends at a commit doesn't hold one that is recorded.
fn missing(repo: &Repo, recorded: Oid, end: Oid) -> String {
    // What isn't known here is newer.
    let is_ahead = repo.leads_to(end, recorded).unwrap_or(true);
    let (recorded, end) = (short(recorded), short(end));
    match is_ahead {
        true => format!(
            "it ends at {end}, before {recorded}, which is recorded: it wasn't fetched since, or it was reset"
        ),
        false => {
            format!("{recorded} isn't part of the history that is recorded: it was rewritten")
        }
    }
}

/// Whether a commit on a base needs no entry.
fn is_free(repo: &Repo, judges: &Judges, commit: &Commit) -> anyhow::Result<bool> {
    let Some(&base) = commit.parents.first() else { return Ok(false) };
    let (before, after) =
        (repo.top_entries(base, is_governed)?, repo.top_entries(commit.id, is_governed)?);
    if before != after {
        // All of these folders is governed: to compare their files takes longer than all else here.
        let id = |entries: &[(String, Oid)], folder: &str| {
            entries.iter().find(|(name, _)| name == folder).map(|(_, id)| *id)
        };
        let is_changed = |folder: &&str| id(&before, folder) != id(&after, folder);
        let is_whole = [REQUESTS, POLICIES].iter().any(is_changed);
        let mut changes = if is_whole { Vec::new() } else { repo.changes(Some(base), commit.id)? };
        changes.retain(|file| is_governed(&file.path));
        if is_whole || !changes.is_empty() {
            return Ok(false);
        }
    }
    let judge = judges.at(repo, base);
    Ok(judge.is_ok_and(|judge| judge.bundle().org.settings.other_paths.is_free()))
}

/// Makes the record of a commit that reached the base earlier: of the merge of a change that was
/// approved at its own time, or of a bypass.
///
/// # Errors
/// When the repository can't be read.
pub fn record(
    git: &Git,
    judges: &Judges,
    base_ref: &str,
    (from, commit): &(Oid, Commit),
    log: &Log,
    recorder: Recorder<'_>,
) -> anyhow::Result<Record> {
    let arrival = |because| Arrival { because, ..Arrival::pushed(base_ref, commit, *from) };
    let Some(judgement) = judged(git, judges, base_ref, commit) else {
        let is_merge = commit.parents.len() == 2;
        let because = if is_merge { Because::NotKnown } else { Because::NoPullRequest };
        let judge = commit.parents.first().and_then(|it| judges.in_force(git.repo(), *it).ok());
        let by = judge.and_then(|judge| who(git.repo(), &judge.bundle().org, commit));
        return Ok(of_bypass(&Arrival { by, ..arrival(Some(because)) }, log, recorder));
    };
    let is_judged = || merge_tree(git.repo(), &judgement.pull).ok() == Some(commit.tree);
    let because = match judgement.decision.verdict {
        Verdict::Approved if is_judged() => None,
        Verdict::Approved => Some(Because::OtherContent),
        _ => Some(Because::NotApproved),
    };
    of_merge(git, &judgement, &arrival(because), log, recorder)
}

/// Judges the change that a commit merges as of the commit's own time; `None` if it merges none that
/// can be judged.
pub fn judged(git: &Git, judges: &Judges, base_ref: &str, commit: &Commit) -> Option<Judgement> {
    let [base, head] = commit.parents[..] else { return None };
    let name = change_named_by(git.repo(), commit)?;
    let log = journal::log_named_by(&commit.message);
    let pull = Pull::of_change(&name, base_ref, base, head).with_log(log);
    Gate::new(git.repo(), git, judges.clone()).judge(pull, &[], commit.time).ok()
}

/// Returns the change that a commit on a base says it merges. Who merges by hand may say nothing: then it
/// is that of the request which the merge brings.
pub fn change_named_by(repo: &Repo, commit: &Commit) -> Option<String> {
    let (_, trailers) = journal::split(&commit.message);
    if let Some((_, name)) = trailers.iter().find(|(key, _)| *key == "Change") {
        return Some((*name).to_owned());
    }
    let [base, head] = commit.parents[..] else { return None };
    let path = Changeset::of(repo, base, head, "").ok()?.path?;
    let id: TicketId = stem(&path).parse().ok()?;
    Some(id.to_string())
}
