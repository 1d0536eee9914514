//! What `check` judges: the requests that paths, ids or standard input hold.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use rayon::prelude::*;

use super::CheckArgs;
use crate::cli::shared::place::Place;
use crate::cli::shared::say::warn;
use changegate::compose::beside::Beside;
use changegate::content::folder::{self, Candidate};
use changegate::core::evidence::Evidence;
use changegate::core::layout::{INCIDENTS, REQUESTS, is_below, is_request, stem};
use changegate::core::terms::TicketId;
use changegate::core::yaml::MAX_BYTES;
use changegate::files;
use changegate::report::page::shown;

/// The argument for standard input.
const STDIN: &str = "-";

/// Returns the requests that the arguments or the evidence's pull request name. There may be none
/// where nothing but the policies is there yet.
///
/// # Errors
/// If something can't be read, or if an argument names no request.
pub fn of(
    args: &CheckArgs,
    place: &Place,
    evidence: Option<&Evidence>,
) -> anyhow::Result<Vec<Candidate>> {
    let changed = evidence
        .and_then(|evidence| evidence.pull_request.as_ref())
        .and_then(|pull_request| pull_request.files.as_ref());
    if let (true, Some(changed)) = (args.paths.is_empty(), changed) {
        return Ok(changed_by(place, changed));
    }
    let mut paths = args.paths.clone();
    if paths.is_empty() {
        paths.push(place.file(REQUESTS));
    }
    let is_new = args.paths.is_empty()
        && !paths[0].exists()
        && (args.policies.policies.is_some() || place.policies()?.is_some());
    if args.paths.is_empty() && !is_new && !paths[0].exists() {
        bail!(
            "there is no folder {REQUESTS}/ here, and this is not a Git repository: name the request \
             files, or run this in a clone"
        );
    }
    let mut candidates = Vec::new();
    for path in paths.iter().filter(|_| !is_new) {
        candidates.extend(named(place, path)?);
    }
    say_what_is_no_change(place, &candidates);
    if evidence.is_some() && candidates.len() != 1 {
        bail!(
            "--evidence describes one change with one request, but {} files were named: \
             name that request's file",
            candidates.len()
        );
    }
    if candidates.is_empty() && !is_new {
        let folders: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
        bail!(
            "no request files below {}: write the first one with `changegate new`",
            folders.join(", ")
        );
    }
    if is_new {
        warn("note", "there are no requests yet: write the first one with `changegate new`");
    }
    Ok(candidates)
}

/// Says which files could not be submitted where they are in their repository.
fn say_what_is_no_change(place: &Place, candidates: &[Candidate]) {
    let mut outside = candidates.iter().filter_map(|candidate| match candidate {
        Candidate::File(_, name) if !is_below(name, REQUESTS) => Some(name),
        _ => None,
    });
    if place.work_tree().is_some()
        && let Some(first) = outside.next()
    {
        let others = outside.count();
        let files = match others {
            0 => format!("{first} isn't"),
            1 => format!("{first} and another file aren't"),
            _ => format!("{first} and {others} other files aren't"),
        };
        let why = "only what is there can be submitted as a change";
        warn("note", &format!("{files} below {REQUESTS}/: {why}"));
    }
}

/// Returns the requests that differ from those on the base branch, and of the others those whose
/// form is wrong: what is merged was judged when it was.
///
/// # Errors
/// If a file can't be read.
pub fn new_here(
    beside: &Beside<'_>,
    base: &str,
    candidates: Vec<Candidate>,
) -> anyhow::Result<Vec<Candidate>> {
    let is_merged = |candidate: &Candidate| -> anyhow::Result<bool> {
        let Candidate::File(path, name) = candidate else { return Ok(false) };
        Ok(beside.is_merged(name, &folder::read_bounded(path)?))
    };
    let (mut new, mut merged) = (Vec::new(), Vec::new());
    for candidate in candidates {
        if is_merged(&candidate)? { merged.push(candidate) } else { new.push(candidate) }
    }
    let is_malformed = |candidate: &Candidate| {
        let read = candidate.read().ok().flatten();
        read.is_none_or(|(file, _)| !file.problems.is_empty())
    };
    let (malformed, sound): (Vec<_>, Vec<_>) = merged.into_par_iter().partition(is_malformed);
    if !sound.is_empty() {
        let count = sound.len();
        let them = if count == 1 { "request, which is" } else { "requests, which are" };
        let how = "`changegate check --all` judges everything";
        warn("note", &format!("left out {count} {them} merged into {base}: {how}"));
    }
    new.extend(malformed);
    Ok(new)
}

/// Returns the requests that one argument names.
fn named(place: &Place, path: &Path) -> anyhow::Result<Vec<Candidate>> {
    if path == Path::new(STDIN) {
        let mut bytes = Vec::new();
        let read = io::stdin().lock().take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes);
        read.context("read standard input")?;
        return Ok(vec![Candidate::Text(bytes)]);
    }
    let found = match path.symlink_metadata() {
        Ok(found) => found,
        Err(error) => {
            let name = path.to_str().filter(|name| !name.ends_with(".yaml"));
            let id: Option<TicketId> = name.and_then(|name| name.parse().ok());
            let is_gone = error.kind() == io::ErrorKind::NotFound;
            let Some(id) = id.filter(|_| is_gone) else { return Err(files::trouble(path, &error)) };
            return with_id(place, &id);
        }
    };
    Ok(if path.is_dir() {
        let name = place.name(path);
        let below = folder::below(path, name == REQUESTS || is_below(&name, REQUESTS))?.into_iter();
        below.filter_map(|found| in_folder(place, found)).collect()
    } else if found.is_file() {
        vec![Candidate::File(path.to_owned(), place.name(path))]
    } else {
        vec![Candidate::NoFile(place.name(path))]
    })
}

/// Returns the files of the request with this id.
fn with_id(place: &Place, id: &TicketId) -> anyhow::Result<Vec<Candidate>> {
    let requests = place.file(REQUESTS);
    let found = if requests.is_dir() { folder::below(&requests, true)? } else { Vec::new() };
    let has_id = |path: &Path| stem(&shown(path)).to_lowercase() == id.folded();
    let found = found.into_iter().filter(|(path, _)| has_id(path));
    let found: Vec<_> = found.filter_map(|found| in_folder(place, found)).collect();
    if found.is_empty() {
        bail!(
            "there is no file {id}.yaml below {}: to judge a submitted change, run `changegate check \
             --branch {id}`",
            shown(&requests)
        );
    }
    Ok(found)
}

/// Returns the requests among a pull request's files; if there are none, it changes policies.
fn changed_by(place: &Place, changed: &[String]) -> Vec<Candidate> {
    let requests: Vec<_> = changed
        .iter()
        .filter(|path| is_request(path))
        .map(|name| Candidate::File(place.file(name), name.clone()))
        .collect();
    if requests.is_empty() { vec![Candidate::Policies] } else { requests }
}

/// Returns a file found in a folder of requests as a candidate; incident records have a folder of
/// their own.
fn in_folder(place: &Place, (path, is_regular): (PathBuf, bool)) -> Option<Candidate> {
    let name = place.name(&path);
    let in_incidents = name.contains(&format!("{INCIDENTS}/"));
    let candidate = if is_regular { Candidate::File(path, name) } else { Candidate::NoFile(name) };
    (!in_incidents).then_some(candidate)
}
