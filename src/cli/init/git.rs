//! The repository that `init` sets up.

use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};

use crate::git::Program;

/// Returns the top of the work tree that contains `dir`.
///
/// # Errors
/// If there is none, with what to do about it.
pub fn work_tree(dir: &Path) -> anyhow::Result<PathBuf> {
    let shown = dir.display();
    if !dir.is_dir() {
        bail!("there is no folder {shown}");
    }
    Program::in_folder(dir).work_tree().map_err(|error| {
        let complaint = error.to_string();
        if complaint.contains("not a git repository") {
            anyhow!("{shown} is not a Git repository: run `git init` there first")
        } else if complaint.contains("must be run in a work tree") {
            anyhow!(
                "{shown} is a repository without files: run `changegate init` in a clone of it; \
                 the server's hook goes there with `changegate init --hook {shown}`"
            )
        } else {
            error
        }
    })
}

/// Returns the folder of the bare repository at `dir`.
///
/// # Errors
/// If there is none.
pub fn bare_repository(dir: &Path) -> anyhow::Result<PathBuf> {
    let shown = dir.display();
    if !dir.is_dir() {
        bail!("there is no folder {shown}");
    }
    let bare = bare_repository_at(dir);
    if dir == Path::new(".") && bare.is_err() {
        bail!(
            "this folder is not a bare repository: name the one on the server that people push to, \
             such as `changegate init --hook /srv/git/ops.git`"
        );
    }
    bare
}

fn bare_repository_at(dir: &Path) -> anyhow::Result<PathBuf> {
    let shown = dir.display();
    let is_bare =
        Program::in_folder(dir).run(&["rev-parse", "--is-bare-repository"]).map_err(|error| {
            if error.to_string().contains("not a git repository") {
                anyhow!(
                    "{shown} is not a Git repository: first create it with `git init --bare {shown}`"
                )
            } else {
                error
            }
        })?;
    if is_bare != "true" {
        bail!(
            "{shown} is not a bare repository: the hook judges what is pushed to a server; name \
             the server's repository, often NAME.git"
        );
    }
    Ok(PathBuf::from(Program::in_folder(dir).run(&["rev-parse", "--absolute-git-dir"])?))
}
