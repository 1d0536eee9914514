//! The repository that `init` sets up.

use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};

use changegate::git::{Program, host_and_path};

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

/// Returns the name that a repository's ledger gets: host and path of its remote, or the name of its
/// folder.
pub fn origin(root: &Path, name: &str) -> String {
    let git = Program::in_folder(root);
    let url = git.run(&["remote"]).ok().and_then(|remotes| {
        let mut names = remotes.lines();
        let named = names.clone().find(|name| *name == "origin").or_else(|| names.next())?;
        git.run(&["remote", "get-url", named]).ok()
    });
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    let fallback = || name.chars().map(|c| if is_plain(c) { c } else { '-' }).collect();
    let named = url.as_deref().and_then(|url| host_and_path(url).or_else(|| folder_name(url)));
    named.filter(|it| it.chars().all(is_plain)).unwrap_or_else(fallback)
}

/// Returns the name of the folder at the end of a remote's address.
fn folder_name(url: &str) -> Option<String> {
    let name = url.trim_end_matches('/').rsplit('/').next()?;
    let name = name.strip_suffix(".git").unwrap_or(name);
    (!name.trim_matches('.').is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ledger_is_named_after_the_remote() {
        assert_eq!(folder_name("../hub.git").as_deref(), Some("hub"));
        assert_eq!(folder_name("file:///srv/git/ops/").as_deref(), Some("ops"));
        assert_eq!(folder_name(".."), None);
    }
}
