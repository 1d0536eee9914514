//! The repository on GitHub that verbs work on.

use std::path::Path;

use anyhow::{Context as _, bail};
use clap::Args;
use tempfile::TempDir;

use super::say::{complain, warn};
use crate::forge::github::{self, Access, GitHub, Name, Subject};
use crate::git::{Program, Repo};

/// Who asks, for the help of verbs that ask GitHub.
pub const ENVIRONMENT: &str = "

Environment:
  GITHUB_TOKEN, GH_TOKEN       the token that asks and answers
  CHANGEGATE_APP_ID, CHANGEGATE_APP_KEY
                               a GitHub App instead: its number; its private key, or that file's name
  GITHUB_API_URL               where GitHub's API is, on a server of your own
  GITHUB_REPOSITORY            the repository, owner/name
  GITHUB_EVENT_NAME            with --event: what happened
  HTTPS_PROXY, NO_PROXY        the proxy to go through, and where not";

/// Which repository on GitHub.
#[derive(Args, Debug)]
pub struct GitHubArgs {
    /// The repository on GitHub, owner/name; $GITHUB_REPOSITORY, else what `origin` points to
    #[arg(long, value_name = "OWNER/NAME")]
    pub repo: Option<String>,
}

/// A repository on GitHub, and the folder that its commits are brought to.
pub struct OnGitHub {
    /// The forge.
    pub github: GitHub,
    /// The folder, where there was none before.
    _folder: Option<TempDir>,
}

impl OnGitHub {
    /// The same for a sweep.
    pub fn sweeping(self) -> Self {
        OnGitHub { github: self.github.sweeping(), ..self }
    }
}

impl GitHubArgs {
    /// The forge, as the environment says who asks; a dry run writes nothing. Commits are brought to the clone around the
    /// current folder, if it is one of this repository, else to a temporary one.
    ///
    /// # Errors
    /// When it isn't known which repository is meant, or who asks.
    pub fn open(&self, is_dry_run: bool) -> anyhow::Result<OnGitHub> {
        let place = self.open_as(Access::from_environment(|name| std::env::var(name).ok())?)?;
        let github = if is_dry_run { place.github.planning_only() } else { place.github };
        Ok(OnGitHub { github, ..place })
    }

    /// The same, without the power to write.
    ///
    /// # Errors
    /// As [`GitHubArgs::open`].
    pub fn open_to_look(&self) -> anyhow::Result<OnGitHub> {
        self.open_as(Access::from_environment(|name| std::env::var(name).ok())?.looking_only())
    }

    fn open_as(&self, access: Access) -> anyhow::Result<OnGitHub> {
        let here = Program::anywhere().setting("remote.origin.url");
        let here = here.as_deref().and_then(name_in);
        let from_environment = std::env::var("GITHUB_REPOSITORY").ok();
        let name = match self.repo.clone().or(from_environment.filter(|it| !it.is_empty())) {
            Some(name) => name.parse()?,
            None => here.clone().context(
                "it isn't known which repository on GitHub is meant: give --repo owner/name",
            )?,
        };
        let (repo, folder) = if here.as_ref().is_some_and(|here| is_same(here, &name)) {
            (Repo::discover(Path::new("."))?, None)
        } else {
            let folder = tempfile::tempdir().context("make a folder for the commits")?;
            let git = Program::in_folder(folder.path());
            git.run(&["init", "--quiet", "--bare"]).context("make a repository for the commits")?;
            (Repo::open(folder.path())?, Some(folder))
        };
        let announce = |text: &str| warn("note", text);
        Ok(OnGitHub { github: GitHub::new(&access, name, repo, announce)?, _folder: folder })
    }
}

/// Does something about a pull request. What can't be decided is said here and there, so that no
/// earlier answer stands on it as if it were still true.
pub fn or_say_so<T>(
    github: &GitHub,
    subject: &Subject,
    work: impl FnOnce() -> anyhow::Result<T>,
) -> Option<T> {
    let error = match work() {
        Ok(done) => return Some(done),
        Err(error) => error.context(github::name(subject.number())),
    };
    complain(&error);
    let cause = error.root_cause().to_string();
    if let Err(error) = github.publish_error(subject, &error)
        && error.root_cause().to_string() != cause
    {
        complain(&error);
    }
    None
}

fn is_same(one: &Name, other: &Name) -> bool {
    one.to_string().eq_ignore_ascii_case(&other.to_string())
}

/// The repository that an address names: its last two parts.
fn name_in(url: &str) -> Option<Name> {
    let url = url.trim_end_matches('/');
    let url = url.strip_suffix(".git").unwrap_or(url);
    let mut parts = url.rsplit(['/', ':']);
    let (name, owner) = (parts.next()?, parts.next()?);
    format!("{owner}/{name}").parse().ok()
}

/// The event that started the workflow: its name and payload.
///
/// # Errors
/// When either can't be had.
pub fn event(file: &Path) -> anyhow::Result<(String, serde_json::Value)> {
    let Ok(name) = std::env::var("GITHUB_EVENT_NAME") else {
        bail!("GITHUB_EVENT_NAME isn't set: it says which event {} tells of", file.display());
    };
    let text = std::fs::read(file).with_context(|| format!("read {}", file.display()))?;
    let payload = serde_json::from_slice(&text)
        .with_context(|| format!("{} holds no event: it is no JSON", file.display()))?;
    Ok((name, payload))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_name_repositories() {
        for url in [
            "https://github.com/acme/ops.git",
            "https://github.com/acme/ops/",
            "git@github.com:acme/ops.git",
            "ssh://git@github.com:22/acme/ops",
        ] {
            assert_eq!(name_in(url).unwrap().to_string(), "acme/ops", "{url}");
        }
        assert_eq!(name_in("ops"), None);
    }
}
