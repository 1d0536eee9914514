//! Reads the files that a verb was pointed at.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use ignore::{WalkBuilder, WalkState};

use crate::policy::Files;

/// A policy bundle's files, with paths as they stand in a repository.
pub fn bundle(dir: &Path) -> anyhow::Result<Files> {
    let mut files = Files::new();
    for (path, is_regular) in walk(dir, 1)? {
        if !is_regular {
            bail!("{} is no regular file: a bundle holds files only", path.display());
        }
        let relative = path.strip_prefix(dir).expect("what is found below a folder begins with it");
        let bytes = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
        files.insert(format!("policies/{}", super::shown(relative)), bytes);
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
fn walk(dir: &Path, threads: usize) -> anyhow::Result<Vec<(PathBuf, bool)>> {
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
