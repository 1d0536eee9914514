//! Which uses of a template went wrong: by the log they suspend it, until its file is changed.

use memchr::memmem;

use super::held::Held;
use crate::core::evidence::LoggedUse;
use crate::core::layout::{REQUESTS, is_request, template};
use crate::core::operations::event::About;
use crate::core::operations::life::Life;
use crate::core::request::{ChangeRequest, OutcomeResult, RequestFile};
use crate::core::time::Time;
use crate::git::{Kind, Oid, Repo};

/// Returns the uses of the template of a request that failed, were rolled back or led to an incident since
/// that was changed last, in the order of their paths; none if it uses no template.
///
/// # Errors
/// When the repository can't be read.
pub fn suspending(
    held: Held<'_>,
    base: Oid,
    request: &ChangeRequest,
) -> anyhow::Result<Vec<LoggedUse>> {
    let Some(name) = request.template.as_ref().and_then(|it| it.name.as_ref()) else {
        return Ok(Vec::new());
    };
    let repo = held.repo;
    // Of thousands of requests, few are uses of it.
    let finder = memmem::Finder::new(name.as_str());
    let mut found = Vec::new();
    for (path, entry) in repo.files_below(base, REQUESTS)? {
        if !is_request(&path) || entry.kind != Kind::File {
            continue;
        }
        let bytes = repo.bytes(entry.id)?;
        if finder.find(&bytes).is_none() && memchr::memchr(b'\\', &bytes).is_none() {
            continue;
        }
        let Some(other) = RequestFile::read_merged(&path, &bytes).request else { continue };
        let is_use = other.template.as_ref().and_then(|it| it.name.as_ref()) == Some(name);
        if let Some(id) = other.id.filter(|_| is_use)
            && let Some((at, result)) = trouble(&held.life(About::Change(&id))?)
        {
            found.push((at, LoggedUse { change: id, result: result.to_owned() }));
        }
    }
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let changed_at = changed_at(repo, base, &template(name.as_str()))?;
    found.retain(|(at, _)| changed_at.is_none_or(|changed| changed < *at));
    Ok(found.into_iter().map(|(_, used)| used).collect())
}

/// Says when it became known that a change went wrong, and how; `None` if it didn't.
fn trouble(life: &Life) -> Option<(Time, &'static str)> {
    let outcome = life.outcome.as_ref().and_then(|it| match it.what.result {
        OutcomeResult::Failed => Some((it.head.at, "failed")),
        OutcomeResult::RolledBack => Some((it.head.at, "rolled-back")),
        _ => None,
    });
    let escalated = life.escalated.last().map(|(_, it)| (it.head.at, "escalated"));
    outcome.into_iter().chain(escalated).max_by_key(|(at, _)| *at)
}

/// Returns when a file was changed last on a first-parent line.
fn changed_at(repo: &Repo, base: Oid, path: &str) -> anyhow::Result<Option<Time>> {
    let entry = repo.entry(base, path)?;
    let (mut commit, mut next) = (base, Some(base));
    while let Some(id) = next {
        if repo.entry(id, path)? != entry {
            return Ok(Some(repo.commit(commit)?.time));
        }
        commit = id;
        next = repo.parent(id)?;
    }
    // It is as old as the base.
    entry.map(|_| repo.commit(commit).map(|commit| commit.time)).transpose()
}
