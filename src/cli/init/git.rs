//! What `init` asks the `git` program: where the repository is, and what is configured.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, anyhow, bail};

/// Where `git` looks from.
pub struct Git<'a>(pub &'a Path);

impl Git<'_> {
    /// What a command prints, without the line break at its end.
    ///
    /// # Errors
    /// What git complains of, in its own words.
    pub fn run(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = Command::new("git")
            .arg("-C")
            .arg(self.0)
            .args(arguments)
            // What it complains of is looked at.
            .env("LC_ALL", "C")
            .output()
            .context("run git: it has to be installed")?;
        if !output.status.success() {
            let complaint = String::from_utf8_lossy(&output.stderr);
            bail!("git {}: {}", arguments.join(" "), complaint.trim());
        }
        let text = String::from_utf8(output.stdout).context("read what git says")?;
        Ok(text.trim_end_matches(['\r', '\n']).to_owned())
    }

    /// A value of the configuration, the user's and the system's included.
    pub fn config(&self, key: &str) -> Option<String> {
        self.run(&["config", "--get", key]).ok().filter(|value| !value.is_empty())
    }

    /// The same for a path: `~/` is the home.
    pub fn path_config(&self, key: &str) -> Option<String> {
        self.run(&["config", "--type=path", "--get", key]).ok().filter(|value| !value.is_empty())
    }

    /// Whether a switch of the configuration is on.
    pub fn is_on(&self, key: &str) -> bool {
        self.run(&["config", "--type=bool", "--get", key]).is_ok_and(|value| value == "true")
    }
}

/// The top of the work tree that `dir` lies in.
///
/// # Errors
/// If it lies in none, with what to do about that.
pub fn work_tree(dir: &Path) -> anyhow::Result<PathBuf> {
    let shown = dir.display();
    if !dir.is_dir() {
        bail!("there is no folder {shown}");
    }
    let top = Git(dir).run(&["rev-parse", "--show-toplevel"]).map_err(|error| {
        let complaint = error.to_string();
        if complaint.contains("not a git repository") {
            anyhow!("{shown} is no Git repository: run `git init` there first")
        } else if complaint.contains("must be run in a work tree") {
            anyhow!(
                "{shown} is a repository without files: run `changegate init` in a clone of it; \
                 the server's hook goes there with `changegate init --hook {shown}`"
            )
        } else {
            error
        }
    })?;
    Ok(PathBuf::from(top))
}

/// The folder of the bare repository at `dir`.
///
/// # Errors
/// If there is none.
pub fn bare_repository(dir: &Path) -> anyhow::Result<PathBuf> {
    let shown = dir.display();
    if !dir.is_dir() {
        bail!("there is no folder {shown}");
    }
    let is_bare = Git(dir).run(&["rev-parse", "--is-bare-repository"]).map_err(|error| {
        if error.to_string().contains("not a git repository") {
            anyhow!("{shown} is no Git repository: create it with `git init --bare {shown}` first")
        } else {
            error
        }
    })?;
    if is_bare != "true" {
        bail!(
            "{shown} is no bare repository: the hook judges what is pushed to a server; name the \
             server's repository, often NAME.git"
        );
    }
    Ok(PathBuf::from(Git(dir).run(&["rev-parse", "--absolute-git-dir"])?))
}
