//! Finds the work tree that a folder is in. What git can't open there is an error, and never no
//! repository.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use git2::{ErrorCode, Repository};

use super::refused;

/// Returns the top folder of the work tree that a folder is in; `None` outside any repository.
///
/// # Errors
/// If the folder can't be read, or is in a repository without files.
pub fn work_tree_around(folder: &Path) -> anyhow::Result<Option<PathBuf>> {
    let folder = folder.canonicalize().with_context(|| format!("read {}", folder.display()))?;
    // In a hook, for example, git is told where the repository is.
    if let Some(told) = std::env::var_os("GIT_DIR") {
        let told = PathBuf::from(told);
        let repo = Repository::open_from_env().map_err(|error| refused(&told, &error))?;
        let work_tree = repo.workdir().map(Path::canonicalize);
        let work_tree = work_tree.with_context(|| without_files(&told))?;
        return work_tree.map(Some).with_context(|| format!("read {}", told.display()));
    }
    let git_dir = match Repository::discover_path(&folder, [] as [&Path; 0]) {
        Ok(found) => found.canonicalize().unwrap_or(found),
        Err(error) if error.code() == ErrorCode::NotFound => {
            let mut entries = folder.ancestors().map(|top| top.join(".git"));
            return match entries.find(|entry| entry.symlink_metadata().is_ok()) {
                Some(broken) => bail!(
                    "{} doesn't lead to a repository, so it isn't known whose policies hold: repair \
                     it first; `git status` says what is wrong",
                    broken.display()
                ),
                None => Ok(None),
            };
        }
        Err(error) => return Err(refused(&folder, &error)),
    };
    let is_bare = folder.starts_with(&git_dir) && !git_dir.ends_with(".git");
    let tops = folder.ancestors().filter(|top| !is_bare && top.join(".git").exists());
    match tops.map(Path::to_path_buf).next() {
        Some(top) => Ok(Some(top)),
        None => bail!(without_files(&git_dir)),
    }
}

fn without_files(git_dir: &Path) -> String {
    format!("{} is a repository without files: run this in a clone", git_dir.display())
}
