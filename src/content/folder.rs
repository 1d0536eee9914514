//! Reads the files and folders that a command is given.

use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use ignore::{WalkBuilder, WalkState};

use crate::core::layout::{self, POLICIES, REQUESTS};
use crate::core::policy::{Files, is_passed_over};
use crate::core::request::RequestFile;
use crate::core::yaml::MAX_BYTES;
use crate::files;
use crate::report::page::shown;

/// Reads the files of a policy bundle. Their paths are those that they have in a repository.
pub fn bundle(dir: &Path) -> anyhow::Result<Files> {
    files::is_folder(dir)?;
    let mut bundle = Files::new();
    for (path, is_regular) in walk(dir, 1, false)? {
        if is_passed_over(&shown(&path)) {
            continue;
        }
        if !is_regular {
            bail!(
                "{} is not a regular file: a policy bundle can only contain regular files",
                path.display()
            );
        }
        let relative =
            path.strip_prefix(dir).expect("a path below a folder begins with that folder");
        let bytes = files::read(&path)?;
        bundle.insert(format!("{POLICIES}/{}", shown(relative)), bytes);
    }
    if bundle.is_empty() {
        bail!("{} contains no policies", dir.display());
    }
    Ok(bundle)
}

/// Returns the paths of everything below a folder except folders, sorted, and whether each is a
/// regular file. The walk is parallel and doesn't follow symbolic links. It passes over hidden
/// folders, and over what Git ignores; but nothing hides what is below `requests/`, and so in a
/// folder `of_requests`.
pub fn below(dir: &Path, of_requests: bool) -> anyhow::Result<Vec<(PathBuf, bool)>> {
    if of_requests {
        return walk(dir, 0, false);
    }
    let mut found = walk(dir, 0, true)?;
    let requests = dir.join(REQUESTS);
    if requests.is_dir() {
        found.extend(walk(&requests, 0, false)?);
        found.sort_unstable();
        found.dedup();
    }
    Ok(found)
}

/// Walks through a folder with a number of threads: 0 is one per core, 1 is faster for a small folder.
fn walk(dir: &Path, threads: usize, skips: bool) -> anyhow::Result<Vec<(PathBuf, bool)>> {
    let (send, receive) = std::sync::mpsc::channel();
    let mut builder = WalkBuilder::new(dir);
    builder.standard_filters(false).threads(threads);
    if skips {
        builder.git_ignore(true).git_exclude(true).git_global(true).parents(true);
        builder.filter_entry(|entry| {
            let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
            let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            entry.depth() == 0 || !(is_folder && is_hidden)
        });
    }
    builder.build_parallel().run(|| {
        let send = send.clone();
        Box::new(move |entry| {
            let found = match entry {
                Ok(entry) if entry.file_type().is_some_and(|kind| kind.is_dir()) => None,
                Ok(entry) => {
                    let is_regular = entry.file_type().is_some_and(|kind| kind.is_file());
                    Some(Ok((entry.into_path(), is_regular)))
                }
                Err(error) => Some(Err(unlisted(dir, &error))),
            };
            match found.map(|found| send.send(found)) {
                Some(Err(_)) => WalkState::Quit,
                _ => WalkState::Continue,
            }
        })
    });
    drop(send);
    let mut paths = receive.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    paths.sort_unstable();
    Ok(paths)
}

/// Returns why a folder can't be listed: itself, or one below it.
fn unlisted(dir: &Path, error: &ignore::Error) -> anyhow::Error {
    match error {
        ignore::Error::WithDepth { err, .. } => unlisted(dir, err),
        ignore::Error::WithPath { path, err } => unlisted(path, err),
        ignore::Error::Io(error) => files::trouble(dir, error),
        _ => anyhow!("cannot list the files in {}: {error}", dir.display()),
    }
}

/// Something to judge: a file, or the policy change of a pull request.
#[derive(Debug, PartialEq)]
pub enum Candidate {
    /// A request file: where it is, and its name within the repository.
    File(PathBuf, String),
    /// A symbolic link, or something else that is not a regular file, by its name.
    NoFile(String),
    /// The text of a request that is in no file.
    Text(Vec<u8>),
    /// A policy change.
    Policies,
}

impl Candidate {
    /// Reads the request and the text of its file, or returns `None` for a policy change.
    pub fn read(&self) -> anyhow::Result<Option<(RequestFile, String)>> {
        match self {
            Candidate::Policies => Ok(None),
            Candidate::NoFile(name) => {
                let message =
                    "this is a link or a special file, but a request must be a regular file";
                let help = "replace it with the request itself";
                let file = RequestFile::refused(name, b"", "request/no-file", message, help);
                Ok(Some((file, String::new())))
            }
            Candidate::File(path, name) => {
                let bytes = read_bounded(path)?;
                let odd = layout::odd_path(name).filter(|_| layout::is_request(name));
                let file = match odd {
                    Some(problem) => super::refused_path(name, problem),
                    None => RequestFile::read(name, &bytes),
                };
                Ok(Some((file, String::from_utf8_lossy(&bytes).into_owned())))
            }
            Candidate::Text(bytes) => {
                let mut file = RequestFile::read("stdin.yaml", bytes);
                if let Some(id) = file.request.as_ref().and_then(|request| request.id.as_ref()) {
                    file.path = layout::request(id.as_str());
                }
                Ok(Some((file, String::from_utf8_lossy(bytes).into_owned())))
            }
        }
    }
}

/// Reads a request file, but no more than is enough to show that it is too large.
pub fn read_bounded(path: &Path) -> anyhow::Result<Vec<u8>> {
    files::read_up_to(MAX_BYTES, path)
}
