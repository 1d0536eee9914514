//! What else the repository holds that bears on a change: requests that act on the same targets at
//! the same time, requests with the same id, incident records.

use std::collections::BTreeSet;

use anyhow::bail;

use super::{Changeset, request_at};
use crate::core::evidence::{Footprint, Incident};
use crate::core::layout::{INCIDENTS, REQUESTS, is_request, stem};
use crate::core::request::{ChangeRequest, RequestFile};
use crate::core::time::Interval;
use crate::core::yaml::{self, MAX_BYTES};
use crate::forge::Pull;
use crate::git::{Kind, Oid, Repo};

/// What bears on a change.
#[derive(Default)]
pub struct Conflicts {
    /// Merged requests without outcome or cancellation that may meet it.
    pub merged: Vec<Footprint>,
    /// Requests of other open pull requests that may meet it.
    pub open: Vec<Footprint>,
    /// The record of the incident that it names.
    pub incidents: Vec<Incident>,
    /// Other request files with its id.
    pub same_id: Vec<String>,
}

/// What the base holds that bears on the change that `pull` brings at `path`, incidents aside.
pub fn at_base(
    repo: &Repo,
    pull: &Pull,
    path: Option<&str>,
    meets: Option<&Meets<'_>>,
) -> anyhow::Result<Conflicts> {
    let files = repo.files_below(pull.base, REQUESTS)?;
    let others =
        || files.iter().filter(|(other, _)| is_request(other) && Some(other.as_str()) != path);
    let own_id = path.map(folded_stem);
    let has_own_id = |other: &&String| Some(folded_stem(other)) == own_id;
    let mut found = Conflicts {
        same_id: others().map(|(other, _)| other).filter(has_own_id).cloned().collect(),
        ..Conflicts::default()
    };
    let Some(meets) = meets else { return Ok(found) };
    for (other, entry) in others().filter(|(_, entry)| entry.kind == Kind::File) {
        let bytes = repo.bytes(entry.id)?;
        if meets.is_possible(&bytes) {
            let other = RequestFile::read(other, &bytes).request;
            found.merged.extend(other.as_ref().and_then(footprint).filter(|it| meets.meets(it)));
        }
    }
    Ok(found)
}

/// What another open pull request brings, if that is in the way.
pub fn in_the_way(
    repo: &Repo,
    base: Oid,
    (name, head): (&str, Oid),
    meets: &Meets<'_>,
) -> anyhow::Result<Option<Footprint>> {
    if repo.leads_to(head, base)? {
        return Ok(None);
    }
    let other = open_request(repo, base, head, name)?;
    Ok(other.as_ref().and_then(footprint).filter(|it| meets.meets(it)))
}

/// A request's footprint, if it is still to be executed at a known time.
pub fn footprint(request: &ChangeRequest) -> Option<Footprint> {
    (!request.is_closed() && request.planned().is_some()).then(|| Footprint::from(request))
}

/// A request's file name without ending and case: two of the same are the same id.
pub fn folded_stem(path: &str) -> String {
    stem(path).to_lowercase()
}

/// The request that another open pull request brings, if it can be read.
pub fn open_request(
    repo: &Repo,
    base: Oid,
    head: Oid,
    name: &str,
) -> anyhow::Result<Option<ChangeRequest>> {
    match Changeset::of(repo, base, head, name)?.path {
        Some(path) => Ok(request_at(repo, head, &path)?.0.request),
        None => Ok(None),
    }
}

/// What another request has to share with this one to be in its way: a target and an instant.
pub struct Meets<'a> {
    planned: Option<Interval>,
    /// What the request acts on.
    pub targets: BTreeSet<&'a str>,
    /// For each target, text that stands in every request that names it.
    signs: Vec<memchr::memmem::Finder<'a>>,
}

impl<'a> Meets<'a> {
    /// For a request; nothing if it isn't known when it is to run.
    pub fn of(request: Option<&'a ChangeRequest>) -> Option<Self> {
        let request = request.filter(|request| request.planned().is_some())?;
        let targets = request.targets();
        let signs = targets.iter().map(|target| memchr::memmem::Finder::new(sign(target)));
        Some(Meets { planned: request.planned(), signs: signs.collect(), targets })
    }

    /// Whether a request with this text can name one of the targets: so that of thousands only
    /// those are parsed. An escape could spell a target in other letters.
    fn is_possible(&self, text: &[u8]) -> bool {
        memchr::memchr(b'\\', text).is_some()
            || self.signs.iter().any(|sign| sign.find(text).is_some())
    }

    /// Whether another request is in the way.
    pub fn meets(&self, other: &Footprint) -> bool {
        let planned = self.planned.zip(other.planned);
        planned.is_some_and(|(own, other)| own.overlaps(&other))
            && other.targets.iter().any(|target| self.targets.contains(target.as_str()))
    }
}

/// The longest piece of a target that stands in YAML as it is, however the target is quoted or
/// folded over lines.
fn sign(target: &str) -> &str {
    let is_written_otherwise = |c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '\\');
    target.split(is_written_otherwise).max_by_key(|piece| piece.len()).unwrap_or_default()
}

/// The record of the incident that a request names: `requests/incidents/**/<INC>.yaml` at base.
pub fn incidents(
    repo: &Repo,
    base: Oid,
    request: Option<&ChangeRequest>,
) -> anyhow::Result<Vec<Incident>> {
    let named = request.and_then(|request| request.emergency.as_ref());
    let named = named.and_then(|emergency| emergency.incident.as_ref());
    let Some(id) = named else { return Ok(Vec::new()) };
    let mut incidents = Vec::new();
    for (path, entry) in repo.files_below(base, INCIDENTS)? {
        if stem(&path).to_lowercase() != id.folded() {
            continue;
        }
        let is_sound = entry.kind == Kind::File && repo.size(entry.id)? <= MAX_BYTES;
        let bytes = if is_sound { repo.bytes(entry.id)? } else { Vec::new() };
        let document = yaml::parse(&bytes);
        let reading = document.read::<Incident>();
        match (reading.value, reading.problems.first()) {
            (Some(incident), None) => incidents.push(incident),
            (_, problem) => bail!(
                "the incident record {path} can't be read: {}",
                problem.map_or("it is no regular file", |problem| &problem.message)
            ),
        }
    }
    Ok(incidents)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_stands_in_every_spelling() {
        assert_eq!(sign("eu-west-1"), "eu-west-1");
        assert_eq!(sign("the 'blue' switch"), "switch");
        assert_eq!(sign(""), "");
    }

    #[test]
    fn an_escaped_target_is_not_overlooked() {
        let text = "actions: [{action: deploy, target: eu-west-1}]\n\
                    schedule: {start: 2026-11-24T10:00:00Z, end: 2026-11-24T11:00:00Z}";
        let file = RequestFile::read("x.yaml", text.as_bytes());
        let meets = Meets::of(file.request.as_ref()).unwrap();
        assert!(meets.is_possible(b"target: eu-west-1"));
        assert!(meets.is_possible(b"target: \"eu-\\x77est-1\""));
        assert!(!meets.is_possible(b"target: eu-west-2"));
    }
}
