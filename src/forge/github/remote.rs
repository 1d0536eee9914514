//! Fetches commits from GitHub with the git program.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use base64::Engine as _;

use super::access::{API, Secret};
use super::client::{host, site};
use super::snapshot::Tip;
use crate::git::{Oid, Program, Repo};

/// The local refs of the branches and pull requests on GitHub.
const HEADS: &str = "refs/changegate/heads/";
const PULLS: &str = "refs/changegate/pull/";

/// The maximum number of commits that are fetched one by one, if fetching them together fails.
const MOST_SINGLE: usize = 20;

/// The maximum time for fetching the heads of other pull requests: without them, only a warning is
/// missing.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whether the address of a repository is on the server of this API, or on github.com if none is given.
pub fn is_on_site(url: &str, api: Option<&str>) -> bool {
    let (site, own) = (host(&site(api.unwrap_or(API).trim())), host(url));
    // Such as ssh.github.com.
    own == site || own.strip_suffix(&site).is_some_and(|rest| rest.ends_with('.'))
}

/// A local repository, and the one on GitHub that it gets commits from.
pub struct Remote {
    repo: Repo,
}

/// A repository on GitHub, with a git program that can fetch from it.
pub struct Source {
    url: String,
    program: Program,
}

/// Gives a git program the token for URLs below an address. The token is sent nowhere else. It is
/// in git's environment, which lists of processes don't show.
pub fn let_in(program: Program, address: &str, token: &Secret) -> Program {
    let text = format!("x-access-token:{}", token.reveal());
    let header = base64::engine::general_purpose::STANDARD.encode(text);
    let name = format!("http.{address}.extraHeader");
    program
        // The empty value removes a configured header, because GitHub refuses two.
        .with_setting(&name, "")
        .with_setting(&name, &format!("Authorization: Basic {header}"))
        .with_setting("http.followRedirects", "false")
        .with_setting("http.lowSpeedLimit", "1000")
        .with_setting("http.lowSpeedTime", "30")
}

impl Remote {
    pub fn of(repo: Repo) -> Self {
        Remote { repo }
    }

    pub fn repo(&self) -> &Repo {
        &self.repo
    }

    /// Returns the repository at this URL as a source, with the token for it.
    pub fn source(&self, url: &str, token: &Secret) -> Source {
        let program = let_in(Program::at(self.repo.folder()), url, token);
        Source { url: url.to_owned(), program }
    }

    /// Whether the current tip of a branch on GitHub has been fetched.
    pub fn holds(&self, tip: &Tip) -> anyhow::Result<bool> {
        Ok(self.tip(&tip.branch)? == Some(tip.commit))
    }

    /// Returns the tip of a branch when it was last fetched.
    pub fn tip(&self, branch: &str) -> anyhow::Result<Option<Oid>> {
        self.repo.tip(&format!("{HEADS}{branch}"))
    }

    /// Fetches a branch, and returns its tip.
    pub fn fetch_branch(&self, source: &Source, branch: &str) -> anyhow::Result<Oid> {
        source.fetch_heads(&[branch], &[])?;
        self.tip(branch)?
            .with_context(|| format!("the repository on GitHub has no branch {branch}"))
    }

    /// Returns the head of a pull request when it was last fetched.
    pub fn head(&self, number: u64) -> anyhow::Result<Option<Oid>> {
        self.repo.tip(&format!("{PULLS}{number}"))
    }

    /// Returns the id of a commit, if the commit is in the local repository.
    pub fn commit(&self, id: &str) -> Option<Oid> {
        let id: Oid = id.parse().ok()?;
        self.repo.commit(id).ok().map(|commit| commit.id)
    }

    /// Fetches the missing ones of some commits, as far as GitHub still has them, even if no branch
    /// contains them any longer.
    pub fn fetch_commits(&self, source: &Source, ids: &BTreeSet<&str>) {
        let missing: Vec<&str> =
            ids.iter().copied().filter(|id| self.commit(id).is_none()).collect();
        if missing.is_empty() || source.fetch(&missing).is_ok() {
            return;
        }
        // A single missing commit makes the whole fetch fail. Commits that stay missing don't
        // count.
        for id in missing.iter().take(MOST_SINGLE) {
            let _ = source.fetch(&[id]);
        }
    }
}

impl Source {
    /// Fetches branches and the heads of pull requests.
    pub fn fetch_heads(&self, branches: &[&str], pulls: &[u64]) -> anyhow::Result<()> {
        let branches =
            branches.iter().map(|branch| format!("+refs/heads/{branch}:{HEADS}{branch}"));
        let refspecs: Vec<_> = branches.chain(pulls.iter().map(refspec)).collect();
        self.fetch(&refspecs.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Fetches the heads of other pull requests as far as possible within [`PATIENCE`]: pull
    /// requests of strangers must not delay anybody else.
    pub fn fetch_heads_if_possible(&self, pulls: &[u64]) {
        let end = Instant::now() + PATIENCE;
        let mut parts = vec![pulls];
        while let Some(part) = parts.pop() {
            let left = end.saturating_duration_since(Instant::now());
            if part.is_empty() || left.is_zero() {
                continue;
            }
            let refspecs: Vec<_> = part.iter().map(refspec).collect();
            let what: Vec<_> = refspecs.iter().map(String::as_str).collect();
            let fetched = self.program.run_within(left, &[&self.fetching(), &what[..]].concat());
            // A single missing head makes the whole fetch fail, so each half is tried again.
            if fetched.is_err() && part.len() > 1 {
                let (one, other) = part.split_at(part.len() / 2);
                parts.extend([one, other]);
            }
        }
    }

    fn fetch(&self, what: &[&str]) -> anyhow::Result<()> {
        self.program
            .run(&[&self.fetching(), what].concat())
            .map(drop)
            .with_context(|| format!("git can't fetch from {}", self.url))
    }

    fn fetching(&self) -> [&str; 6] {
        ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-gc", &self.url]
    }
}

/// Returns the refspec that fetches the head of a pull request.
fn refspec(number: &u64) -> String {
    format!("+refs/pull/{number}/head:{PULLS}{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_to_its_own_server_and_nowhere_else() {
        let program = let_in(Program::anywhere(), "https://github.example", &Secret::new("s3cret"));
        let header = |address: &str| {
            program.run(&["config", "--get-urlmatch", "http.extraHeader", address]).ok()
        };
        assert_eq!(
            header("https://github.example/acme/ops.git").as_deref(),
            Some("Authorization: Basic eC1hY2Nlc3MtdG9rZW46czNjcmV0")
        );
        for elsewhere in
            ["https://github.example.evil/x", "http://github.example/x", "https://a.b/"]
        {
            assert_eq!(header(elsewhere), None, "{elsewhere}");
        }
    }
}
