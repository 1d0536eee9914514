//! Finds what else in the repository affects the decision on a change: requests that act on the
//! same targets at the same time, requests with the same id, incident records.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, bail};

use super::{Changeset, request_at};
use crate::core::evidence::{Footprint, Incident};
use crate::core::layout::{INCIDENTS, REQUESTS, is_request, stem};
use crate::core::request::{ChangeRequest, RequestFile};
use crate::core::terms::{Name, folded};
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
    /// Targets of other requests that are also this one's, or look like one of them.
    pub known_targets: BTreeSet<Name>,
    /// The records of the incident that the request names.
    pub incidents: Vec<Incident>,
    /// Other request files with the same id.
    pub same_id: Vec<String>,
    /// Files of merged requests that can't be read, and may act on its targets.
    pub unread: Vec<String>,
}

impl Conflicts {
    /// Adds what a merged request means for the change.
    pub fn add_merged(&mut self, meets: &Meets<'_>, path: &str, other: &Other) {
        let is_near = || other.targets.iter().any(|target| meets.folded.contains(target));
        let due = other.due.as_ref().filter(|_| is_near());
        // Without a time, or without targets, nobody can say that it isn't in the way.
        let is_clear = due.is_some_and(|due| due.planned.is_some());
        if !is_clear && other.unread.as_ref().is_some_and(|text| meets.is_possible(text)) {
            self.unread.push(path.to_owned());
        }
        if let Some(due) = due {
            self.known_targets.extend(meets.known(due));
            self.merged.extend(Some(due).filter(|due| meets.meets(due)).cloned());
        }
    }

    /// Adds what the request of another open pull request means for the change.
    pub fn add_open(&mut self, meets: &Meets<'_>, other: Footprint) {
        self.known_targets.extend(meets.known(&other));
        self.open.extend(Some(other).filter(|other| meets.meets(other)));
    }
}

/// Returns the conflicts at base of the change with the request at `path`, without incidents. What is
/// `known` isn't read again.
pub fn at_base(
    repo: &Repo,
    base: Oid,
    path: Option<&str>,
    meets: Option<&Meets<'_>>,
    known: Option<&Known>,
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
    for (other, entry) in others() {
        if entry.kind != Kind::File {
            found.unread.push(other.clone());
        } else if let Some(known) = known {
            found.add_merged(meets, other, &*known.read(repo, other, entry.id)?);
        } else {
            let bytes = repo.bytes(entry.id)?;
            if meets.is_possible(&bytes) {
                found.add_merged(meets, other, &Other::read(other, &bytes));
            }
        }
    }
    Ok(found)
}

/// Another request, as far as it can be in the way.
pub struct Other {
    /// What it acts on, if it is still to be executed.
    pub due: Option<Footprint>,
    /// Its targets as [`folded`] leaves them.
    pub targets: Vec<Vec<u8>>,
    /// Its text, if not all of it can be read, and it isn't known to be over.
    pub unread: Option<Vec<u8>>,
}

impl Other {
    /// Reads the file of a merged request. One with another ending holds no request.
    pub fn read(path: &str, bytes: &[u8]) -> Self {
        let RequestFile { request, problems, .. } = RequestFile::read_merged(path, bytes);
        let is_over = request.as_ref().is_some_and(ChangeRequest::is_closed);
        let is_unread = path.ends_with(".yaml") && !is_over && !problems.is_empty();
        let unread = is_unread.then(|| bytes.to_owned());
        Other { unread, ..Other::of(request.as_ref().and_then(footprint)) }
    }

    /// Takes one that can be read.
    pub fn of(due: Option<Footprint>) -> Self {
        let targets = due.iter().flat_map(|due| &due.targets);
        let targets = targets.map(|target| folded(target.as_bytes())).collect();
        Other { due, targets, unread: None }
    }
}

/// Requests that were read, by the ids of their content: for many bases in a row, each is read once.
#[derive(Default)]
pub struct Known(Mutex<HashMap<(Oid, bool), Arc<Other>>>);

impl Known {
    fn read(&self, repo: &Repo, path: &str, id: Oid) -> anyhow::Result<Arc<Other>> {
        let requests = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (id, path.ends_with(".yaml"));
        if let Some(known) = requests().get(&key) {
            return Ok(Arc::clone(known));
        }
        let merged = Arc::new(Other::read(path, &repo.bytes(id)?));
        requests().insert(key, Arc::clone(&merged));
        Ok(merged)
    }
}

/// Returns the footprint of another pull request, if it is open.
pub fn of_open(
    repo: &Repo,
    base: Oid,
    (name, head): (&str, Oid),
) -> anyhow::Result<Option<Footprint>> {
    if repo.leads_to(head, base)? {
        return Ok(None);
    }
    let other = open_request(repo, base, head, name)?;
    Ok(other.as_ref().and_then(footprint))
}

/// Returns the footprint of a request, if it is still to be executed.
pub fn footprint(request: &ChangeRequest) -> Option<Footprint> {
    (!request.is_closed()).then(|| Footprint::from(request))
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
    targets: BTreeSet<&'a Name>,
    /// The targets as [`folded`] leaves them.
    folded: BTreeSet<Vec<u8>>,
    finders: Vec<memchr::memmem::Finder<'static>>,
}

impl<'a> Meets<'a> {
    /// Prepares the comparison for a request; `None` if it has no target.
    pub fn of(request: Option<&'a ChangeRequest>) -> Option<Self> {
        let request = request?;
        let targets = request.targets();
        let folded: BTreeSet<_> = targets.iter().map(|target| folded(target.as_bytes())).collect();
        let finders = folded.iter().map(|target| memchr::memmem::Finder::new(target).into_owned());
        let finders = finders.collect();
        let planned = request.planned();
        (!targets.is_empty()).then_some(Meets { planned, targets, folded, finders })
    }

    /// Returns the targets as names that look alike share them.
    pub fn folded(&self) -> &BTreeSet<Vec<u8>> {
        &self.folded
    }

    /// Whether a request with this text can contain one of the targets, or one that looks like it.
    ///
    /// Of thousands of requests, only these have to be parsed. An escape sequence could spell any
    /// target, so text with a backslash is always parsed.
    fn is_possible(&self, text: &[u8]) -> bool {
        let text = folded(text);
        memchr::memchr(b'\\', &text).is_some()
            || self.finders.iter().any(|finder| finder.find(&text).is_some())
    }

    /// Returns the targets of another request that are also this one's, or may look like one of them.
    fn known(&self, other: &Footprint) -> impl Iterator<Item = Name> {
        let is_known = |target: &&Name| self.folded.contains(&folded(target.as_bytes()));
        other.targets.iter().filter(is_known).cloned()
    }

    /// Whether another request overlaps with this one.
    fn meets(&self, other: &Footprint) -> bool {
        let planned = self.planned.zip(other.planned);
        planned.is_some_and(|(own, other)| own.overlaps(&other))
            && other.targets.iter().any(|target| self.targets.contains(target))
    }
}

/// Reads the incident that a request names from the records at base,
/// `requests/incidents/**/<INC>.yaml`. All records are read, so that none is passed over that says
/// something else.
///
/// # Errors
/// When a record can't be read, isn't named after its incident, or is the second one of it.
pub fn incidents(
    repo: &Repo,
    base: Oid,
    request: Option<&ChangeRequest>,
) -> anyhow::Result<Vec<Incident>> {
    let named = request.and_then(|request| request.emergency.as_ref());
    let named = named.and_then(|emergency| emergency.incident.as_ref());
    let Some(id) = named else { return Ok(Vec::new()) };
    let mut records: BTreeMap<String, (String, Incident)> = BTreeMap::new();
    for (path, entry) in repo.files_below(base, INCIDENTS)? {
        let is_readable = entry.kind == Kind::File && repo.size(entry.id)? <= MAX_BYTES;
        let bytes = if is_readable { repo.bytes(entry.id)? } else { Vec::new() };
        let incident = record(&path, &bytes)
            .with_context(|| format!("cannot read the incident record {path}"))?;
        let id = incident.id.folded();
        if let Some((other, _)) = records.get(&id) {
            bail!("{other} and {path} are both records of {}: remove one of them", incident.id);
        }
        records.insert(id, (path, incident));
    }
    Ok(records.remove(&id.folded()).map(|(_, incident)| incident).into_iter().collect())
}

/// Reads the record of an incident, which is named after it.
fn record(path: &str, bytes: &[u8]) -> anyhow::Result<Incident> {
    let reading = yaml::parse(bytes).read::<Incident>();
    let incident = match (reading.value, reading.problems.first()) {
        (Some(incident), None) => incident,
        (_, problem) => bail!(problem.map_or_else(
            || "it is not a regular file".to_owned(),
            |problem| format!("line {}: {}", problem.span.line, problem.message)
        )),
    };
    if !incident.id.is_incident() {
        bail!("{} is not the number of an incident", incident.id);
    }
    if !path.ends_with(".yaml") || folded_stem(path) != incident.id.folded() {
        bail!("name it {}.yaml, after its incident", incident.id);
    }
    Ok(incident)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_incidents_are_read_strictly() {
        let text = "id: INC-001\nseverity: P1\nstatus: resolved\n";
        let read = |name: &str, text: &str| {
            record(&format!("requests/incidents/{name}"), text.as_bytes())
                .map_err(|error| error.to_string())
        };
        assert_eq!(read("INC-001.yaml", text).unwrap().id.as_str(), "INC-001");
        for (name, text, why) in [
            ("INC-001.yml", text, "name it INC-001.yaml"),
            ("INC-002.yaml", text, "name it INC-001.yaml"),
            ("INC-001.yaml", "id: INC-001\nseverity: P1\n", "`status` is missing"),
            ("INC-001.yaml", &text.replace("status", "state"), "`state` is not known here"),
            ("CHG-1.yaml", &text.replace("INC-001", "CHG-1"), "not the number of an incident"),
            ("README.md", "About incidents.", "expected a mapping"),
        ] {
            assert!(read(name, text).unwrap_err().contains(why), "{name}: {:?}", read(name, text));
        }
    }

    #[test]
    fn an_escaped_target_is_not_overlooked() {
        let text = "actions: [{action: deploy, target: eu-west-1}]\n\
                    schedule: {start: 2026-11-24T10:00:00Z, end: 2026-11-24T11:00:00Z}";
        let file = RequestFile::read("x.yaml", text.as_bytes());
        let meets = Meets::of(file.request.as_ref()).unwrap();
        assert!(meets.is_possible(b"target: eu-west-1"));
        assert!(meets.is_possible(b"target: \"eu-\\x77est-1\""));
        assert!(meets.is_possible(b"target: EU_West-l"));
        assert!(!meets.is_possible(b"target: eu-west-2"));
    }
}
