//! The repository on GitHub that verbs work with.

use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use tempfile::TempDir;

use super::say::{complain, warn};
use changegate::core::org::Org;
use changegate::core::record::parts::{CollectorKind, Run};
use changegate::core::time::Time;
use changegate::forge::github::ledger_key::ledger_key;
use changegate::forge::github::{self, Access, GitHub, Name, Subject, Surveyed};
use changegate::gate::Gate;
use changegate::gate::judge::Judges;
use changegate::gate::writer::Writer;
use changegate::git::{Program, Repo};

/// The identity with which GitHub is called, for the help of verbs that call it.
pub const ENVIRONMENT: &str = "

Environment:
  GITHUB_TOKEN, GH_TOKEN       the token with which GitHub is called
  CHANGEGATE_APP_ID, CHANGEGATE_APP_KEY
                               a GitHub App instead: its number; its private key, or that file's path
  CHANGEGATE_LEDGER_KEY        the key that signs the ledger: an OpenSSH private key, or its path
  GITHUB_API_URL               the address of GitHub's API, on a server of your own
  GITHUB_REPOSITORY            the repository, owner/name
  GITHUB_EVENT_NAME            with --event: the kind of event
  HTTPS_PROXY, NO_PROXY        the proxy to use, and the hosts to reach without it";

/// The repository on GitHub.
#[derive(Args, Debug)]
pub struct GitHubArgs {
    /// The repository on GitHub, owner/name; $GITHUB_REPOSITORY, else what `origin` points to
    #[arg(long, value_name = "OWNER/NAME")]
    pub repo: Option<String>,
}

/// A repository on GitHub, and the folder into which its commits are fetched.
pub struct OnGitHub {
    /// The forge.
    pub github: GitHub,
    /// The temporary folder, if there was no clone.
    _folder: Option<TempDir>,
}

impl OnGitHub {
    /// Returns the repository, prepared for a sweep.
    pub fn sweeping(self) -> Self {
        OnGitHub { github: self.github.sweeping(), ..self }
    }
}

impl GitHubArgs {
    /// Returns the repository at an address.
    ///
    /// # Errors
    /// If the address isn't that of one.
    pub fn at(url: &str) -> anyhow::Result<Self> {
        let name =
            Name::in_url(url).with_context(|| format!("`{url}` isn't a repository on GitHub"))?;
        Ok(GitHubArgs { repo: Some(name.to_string()) })
    }

    /// Whether a repository on GitHub is meant: one that is named, or the one that this clone is of.
    pub fn is_meant(&self) -> bool {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        if self.repo.is_some() || variable("GITHUB_REPOSITORY").is_some() {
            return true;
        }
        let git = Program::anywhere();
        match git.setting("remote.origin.url") {
            Some(url) => github::is_on_site(&url, variable("GITHUB_API_URL").as_deref()),
            // Where there is no repository, there are no changes in plain Git.
            None => !git.git_dir().is_ok_and(|folder| folder.is_some()),
        }
    }

    /// Opens the forge with the identity given in the environment; a dry run writes nothing.
    /// Commits are fetched into the clone around the current folder if it is a whole one of this
    /// repository, otherwise into a temporary one.
    ///
    /// # Errors
    /// If the repository or the identity isn't known.
    pub fn open(&self, is_dry_run: bool) -> anyhow::Result<OnGitHub> {
        let place = self.open_as(access()?)?;
        let github = if is_dry_run { place.github.planning_only() } else { place.github };
        Ok(OnGitHub { github, ..place })
    }

    /// Opens the forge without permission to write.
    ///
    /// # Errors
    /// As [`GitHubArgs::open`].
    pub fn open_to_look(&self) -> anyhow::Result<OnGitHub> {
        self.open_as(access()?.looking_only())
    }

    fn open_as(&self, access: Access) -> anyhow::Result<OnGitHub> {
        let here = Program::anywhere().setting("remote.origin.url");
        let here = here.as_deref().and_then(Name::in_url);
        let from_environment = std::env::var("GITHUB_REPOSITORY").ok();
        let name = match self.repo.clone().or(from_environment.filter(|it| !it.is_empty())) {
            Some(name) => name.parse()?,
            None => here.clone().context(
                "cannot tell which repository on GitHub you mean: add --repo owner/name",
            )?,
        };
        // A workflow's checkout holds one commit, which says nothing about reviews.
        let is_shallow = || {
            let says = Program::anywhere().run(&["rev-parse", "--is-shallow-repository"]);
            says.is_ok_and(|says| says == "true")
        };
        let is_here = here.as_ref().is_some_and(|here| is_same(here, &name));
        let (repo, folder) = if is_here && !is_shallow() {
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

/// Returns the identity given in the environment.
///
/// # Errors
/// If there is none, or this program can't reach GitHub.
pub fn access() -> anyhow::Result<Access> {
    ensure!(
        cfg!(feature = "github"),
        "this program was built without GitHub: build it without `--no-default-features`"
    );
    Access::from_environment(|name| std::env::var(name).ok())
}

/// Returns the writer of the ledger, on behalf of what this program is here: an App, a workflow, or
/// somebody's command line.
///
/// # Errors
/// If the key that signs the ledger can't be read.
pub fn writer<'a>(github: &'a GitHub, judges: &Judges) -> anyhow::Result<Writer<'a>> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let run = || {
        Some(Run {
            id: variable("GITHUB_RUN_ID")?,
            number: variable("GITHUB_RUN_NUMBER")?,
            attempt: variable("GITHUB_RUN_ATTEMPT")?,
            workflow_ref: variable("GITHUB_WORKFLOW_REF")?,
            sha: variable("GITHUB_WORKFLOW_SHA")?,
        })
    };
    let kind = match variable("GITHUB_ACTIONS") {
        _ if github.is_app() => CollectorKind::App,
        Some(_) => CollectorKind::Action,
        None => CollectorKind::Cli,
    };
    Ok(Writer::new(github, judges.clone(), kind, run(), ledger_key(variable)?))
}

/// All open pull requests to protected branches.
pub struct Round {
    /// The pull requests, each with the reason why it has to be judged again, if so.
    pub surveyed: Vec<Surveyed>,
    /// The number of entries that record what reached the protected branches since the last round.
    pub recorded: anyhow::Result<usize>,
    /// Whether the settings let jobs of the repository's own workflows prove what they write.
    pub has_own_jobs: bool,
}

/// Looks at all open pull requests to protected branches, and has the `writer` record what reached these
/// branches and isn't recorded yet.
///
/// # Errors
/// If GitHub can't be reached or refuses.
pub fn round(
    github: &GitHub,
    gate: &Gate<'_, GitHub>,
    writer: Option<&Writer<'_>>,
    clock: &dyn Fn() -> Time,
) -> anyhow::Result<Round> {
    let survey = github.survey()?;
    let (branch, tip) = github.default_branch(&survey)?;
    // Policies that can't be used are reported on every pull request that they would judge, too.
    let org = gate.org_at(tip);
    let own = |org: &Org| org.settings.execution.repository_id.is_some();
    let has_own_jobs = org.as_ref().is_ok_and(own);
    let (recorded, protected) = match org {
        Ok(org) => {
            let recorded = writer.map_or(Ok(0), |writer| writer.catch_up(gate, &org, clock));
            (recorded, org.settings.protected_bases)
        }
        Err(error) => (writer.map_or(Ok(0), |_| Err(error)), vec![branch]),
    };
    let recorded = recorded.context("cannot record what reached the protected branches");
    Ok(Round { surveyed: github.due(survey, &protected, clock())?, recorded, has_own_jobs })
}

/// Runs an action about a pull request. If nothing can be decided, that is reported here and on the
/// pull request, so that no earlier result remains there as if it still applied.
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

/// Returns the event that started the workflow: its name and payload.
///
/// # Errors
/// If either can't be read.
pub fn event(file: &Path) -> anyhow::Result<(String, serde_json::Value)> {
    let Ok(name) = std::env::var("GITHUB_EVENT_NAME") else {
        bail!("GITHUB_EVENT_NAME isn't set: it names the kind of event in {}", file.display());
    };
    let text = changegate::files::read(file)?;
    let payload = serde_json::from_slice(&text).with_context(|| {
        format!("{} doesn't contain an event: it is not valid JSON", file.display())
    })?;
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
            assert_eq!(Name::in_url(url).unwrap().to_string(), "acme/ops", "{url}");
        }
        assert_eq!(Name::in_url("ops"), None);
    }

    #[test]
    fn a_clone_of_githubs_is_known_by_its_server() {
        let ghes = Some("https://github.acme.example/api/v3");
        for (url, api, expected) in [
            ("https://github.com/acme/ops.git", None, true),
            ("git@github.com:acme/ops.git", None, true),
            ("ssh://git@ssh.github.com:443/acme/ops.git", None, true),
            ("git@github.acme.example:acme/ops", ghes, true),
            ("git@github.acme.example:acme/ops", None, false),
            ("https://evilgithub.com/acme/ops", None, false),
            ("/srv/git/github.com/ops.git", None, false),
            ("git@git.acme.example:ops.git", None, false),
        ] {
            assert_eq!(github::is_on_site(url, api), expected, "{url}");
        }
    }
}
