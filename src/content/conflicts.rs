//! Finds what else in the repository affects the decision on a change: requests that act on the
//! same targets at the same time, requests with the same id, incident records.

use std::collections::BTreeSet;

use anyhow::bail;

use super::{Changeset, request_at};
use crate::core::evidence::{Footprint, Incident};
use crate::core::layout::{INCIDENTS, REQUESTS, is_request, stem};
use crate::core::request::{ChangeRequest, RequestFile};
use crate::core::time::Interval;
use crate::core::yaml::{self, MAX_BYTES};
use crate::git::{Kind, Oid, Repo};

/// The other requests and the incident records that affect the decision on a change.
#[derive(Default)]
pub struct Conflicts {
    /// Merged requests that overlap with it and have neither outcome nor cancellation.
    pub merged: Vec<Footprint>,
    /// Requests of other open pull requests that overlap with it.
    pub open: Vec<Footprint>,
    /// The records of the incident that the request names.
    pub incidents: Vec<Incident>,
    /// Other request files with the same id.
    pub same_id: Vec<String>,
}

/// Returns the conflicts at base of the change with the request at `path`, without incidents.
pub fn at_base(
    repo: &Repo,
    base: Oid,
    path: Option<&str>,
    meets: Option<&Meets<'_>>,
) -> anyhow::Result<Conflicts> {
    let files = repo.files_below(base, REQUESTS)?;
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
            let footprint = other.as_ref().and_then(footprint);
            found.merged.extend(footprint.filter(|footprint| meets.meets(footprint)));
        }
    }
    Ok(found)
}

/// Returns the footprint of another open pull request, if it overlaps with the change.
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
    Ok(other.as_ref().and_then(footprint).filter(|footprint| meets.meets(footprint)))
}

/// Returns the footprint of a request, if it is still to be executed and its time is known.
pub fn footprint(request: &ChangeRequest) -> Option<Footprint> {
    (!request.is_closed() && request.planned().is_some()).then(|| Footprint::from(request))
}

/// Returns the file name of a request without extension, in lower case: equal names are equal ids.
pub fn folded_stem(path: &str) -> String {
    stem(path).to_lowercase()
}

/// Returns the request of another open pull request, if it can be read.
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

/// The targets and the time of a request; another request that shares both overlaps with it.
pub struct Meets<'a> {
    planned: Option<Interval>,
    /// The targets of the request.
    pub targets: BTreeSet<&'a str>,
    /// For each target, text that every request with this target contains.
    signs: Vec<memchr::memmem::Finder<'a>>,
}

impl<'a> Meets<'a> {
    /// Prepares the comparison for a request, or returns `None` if its planned time isn't known.
    pub fn of(request: Option<&'a ChangeRequest>) -> Option<Self> {
        let request = request.filter(|request| request.planned().is_some())?;
        let targets = request.targets();
        let signs = targets.iter().map(|target| memchr::memmem::Finder::new(sign(target)));
        Some(Meets { planned: request.planned(), signs: signs.collect(), targets })
    }

    /// Whether a request with this text can contain one of the targets.
    ///
    /// Of thousands of requests, only these have to be parsed. An escape sequence could spell any
    /// target, so text with a backslash is always parsed.
    fn is_possible(&self, text: &[u8]) -> bool {
        memchr::memchr(b'\\', text).is_some()
            || self.signs.iter().any(|sign| sign.find(text).is_some())
    }

    /// Whether another request overlaps with this one.
    pub fn meets(&self, other: &Footprint) -> bool {
        let planned = self.planned.zip(other.planned);
        planned.is_some_and(|(own, other)| own.overlaps(&other))
            && other.targets.iter().any(|target| self.targets.contains(target.as_str()))
    }
}

/// Returns the longest piece of a target that YAML contains literally, however the target is
/// quoted or folded over several lines.
fn sign(target: &str) -> &str {
    let is_written_otherwise = |c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '\\');
    target.split(is_written_otherwise).max_by_key(|piece| piece.len()).unwrap_or_default()
}

/// Reads the incident that a request names: `requests/incidents/**/<INC>.yaml` at base.
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
        let is_readable = entry.kind == Kind::File && repo.size(entry.id)? <= MAX_BYTES;
        let bytes = if is_readable { repo.bytes(entry.id)? } else { Vec::new() };
        let document = yaml::parse(&bytes);
        let reading = document.read::<Incident>();
        match (reading.value, reading.problems.first()) {
            (Some(incident), None) => incidents.push(incident),
            (_, problem) => bail!(
                "cannot read the incident record {path}: {}",
                problem.map_or("it is not a regular file", |problem| &problem.message)
            ),
        }
    }
    Ok(incidents)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_is_part_of_every_spelling() {
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
