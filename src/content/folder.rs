//! Reads the files that a verb was pointed at.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use ignore::{WalkBuilder, WalkState};

use crate::core::layout::POLICIES;
use crate::core::policy::Files;
use crate::core::request::RequestFile;
use crate::core::yaml::MAX_BYTES;
use crate::report::page::shown;

/// A policy bundle's files, with paths as they stand in a repository.
pub fn bundle(dir: &Path) -> anyhow::Result<Files> {
    let mut files = Files::new();
    for (path, is_regular) in walk(dir, 1)? {
        if !is_regular {
            bail!("{} is no regular file: a bundle holds files only", path.display());
        }
        let relative = path.strip_prefix(dir).expect("what is found below a folder begins with it");
        let bytes = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
        files.insert(format!("{POLICIES}/{}", shown(relative)), bytes);
    }
    if files.is_empty() {
        bail!("{} holds no policies", dir.display());
    }
    Ok(files)
}

/// Everything but folders below a folder, in order of paths, and whether each is a regular file.
/// The walk is parallel and follows no symlink.
pub fn below(dir: &Path) -> anyhow::Result<Vec<(PathBuf, bool)>> {
    walk(dir, 0)
}

/// The same on so many threads; 0 leaves it to the machine, 1 is faster for a small folder.
pub fn walk(dir: &Path, threads: usize) -> anyhow::Result<Vec<(PathBuf, bool)>> {
    let (send, receive) = std::sync::mpsc::channel();
    WalkBuilder::new(dir).standard_filters(false).threads(threads).build_parallel().run(|| {
        let send = send.clone();
        Box::new(move |entry| {
            let found = match entry {
                Ok(entry) if entry.file_type().is_some_and(|kind| kind.is_dir()) => None,
                Ok(entry) => {
                    let is_regular = entry.file_type().is_some_and(|kind| kind.is_file());
                    Some(Ok((entry.into_path(), is_regular)))
                }
                Err(error) => Some(Err(error)),
            };
            match found.map(|found| send.send(found)) {
                Some(Err(_)) => WalkState::Quit,
                _ => WalkState::Continue,
            }
        })
    });
    drop(send);
    let mut paths = receive.into_iter().collect::<Result<Vec<_>, _>>().context("list the files")?;
    paths.sort_unstable();
    Ok(paths)
}

/// Something to judge: a file, or the pull request's change of policies.
#[derive(Debug, PartialEq)]
pub enum Candidate {
    /// A request file.
    File(PathBuf),
    /// A symbolic link or something else that is no regular file.
    NoFile(PathBuf),
    /// A change of policies.
    Policies,
}

impl Candidate {
    /// Reads the file: a request, or why it is none.
    pub fn read(&self) -> anyhow::Result<Option<(RequestFile, String)>> {
        match self {
            Candidate::Policies => Ok(None),
            Candidate::NoFile(path) => {
                let message =
                    "this is a symbolic link or a special file, and a request is a regular file";
                let help = "replace it by the request itself";
                let file =
                    RequestFile::refused(&shown(path), b"", "request/no-file", message, help);
                Ok(Some((file, String::new())))
            }
            Candidate::File(path) => {
                let bytes = read_bounded(path)?;
                let file = RequestFile::read(&shown(path), &bytes);
                Ok(Some((file, String::from_utf8_lossy(&bytes).into_owned())))
            }
        }
    }
}

/// A file's bytes; of one that is too large, so many that it shows.
pub fn read_bounded(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes))
        .with_context(|| format!("read {}", path.display()))?;
    Ok(bytes)
}
