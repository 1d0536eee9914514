//! The commits: brought here from GitHub by the git program, whole.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use base64::Engine as _;

use super::access::Secret;
use super::snapshot::Tip;
use crate::git::{Oid, Program, Repo};

/// Where the branches and pull requests of GitHub's repository stand here.
const HEADS: &str = "refs/changegate/heads/";
const PULLS: &str = "refs/changegate/pull/";

/// The most commits that are asked for one by one, if they can't be had together.
const MOST_SINGLE: usize = 20;

/// How long the heads of other pull requests are waited for: without them, a warning is missing.
const PATIENCE: Duration = Duration::from_secs(60);

/// A local repository, and the one on GitHub that it gets commits from.
pub struct Remote {
    repo: Repo,
}

/// Where GitHub's repository is, for git.
pub struct Source {
    url: String,
    program: Program,
}

/// A git program with the token that opens what lies below an address. The token goes there alone,
/// in git's environment, where no list of processes shows it.
pub fn let_in(program: Program, address: &str, token: &Secret) -> Program {
    let text = format!("x-access-token:{}", token.reveal());
    let header = base64::engine::general_purpose::STANDARD.encode(text);
    let name = format!("http.{address}.extraHeader");
    program
        // What the configuration has is taken away, as GitHub refuses two.
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

    /// GitHub's repository at this address, with the token that opens it.
    pub fn source(&self, url: &str, token: &Secret) -> Source {
        let program = let_in(Program::at(self.repo.folder()), url, token);
        Source { url: url.to_owned(), program }
    }

    /// Whether a branch stands here where it stands on GitHub.
    pub fn holds(&self, tip: &Tip) -> anyhow::Result<bool> {
        Ok(self.tip(&tip.branch)? == Some(tip.commit))
    }

    /// The tip of a branch when it was brought here last.
    fn tip(&self, branch: &str) -> anyhow::Result<Option<Oid>> {
        self.repo.tip(&format!("{HEADS}{branch}"))
    }

    /// The tip of a branch, brought here.
    pub fn bring_branch(&self, source: &Source, branch: &str) -> anyhow::Result<Oid> {
        source.bring(&[branch], &[])?;
        self.tip(branch)?.with_context(|| format!("GitHub's repository has no branch {branch}"))
    }

    /// The head of a pull request when it was brought here last.
    pub fn head(&self, number: u64) -> anyhow::Result<Option<Oid>> {
        self.repo.tip(&format!("{PULLS}{number}"))
    }

    /// A commit by its id, if it is here.
    pub fn commit(&self, id: &str) -> Option<Oid> {
        let id: Oid = id.parse().ok()?;
        self.repo.commit(id).ok().map(|commit| commit.id)
    }

    /// Brings those of some commits that no branch may lead to any more, as far as GitHub still has
    /// them.
    pub fn bring_commits(&self, source: &Source, ids: &BTreeSet<&str>) {
        let missing: Vec<&str> =
            ids.iter().copied().filter(|id| self.commit(id).is_none()).collect();
        if missing.is_empty() || source.fetch(&missing).is_ok() {
            return;
        }
        // One that is gone keeps git from bringing the others; what stays away counts for nothing.
        for id in missing.iter().take(MOST_SINGLE) {
            let _ = source.fetch(&[id]);
        }
    }
}

impl Source {
    /// Brings branches and pull requests up to date here.
    pub fn bring(&self, branches: &[&str], pulls: &[u64]) -> anyhow::Result<()> {
        let branches =
            branches.iter().map(|branch| format!("+refs/heads/{branch}:{HEADS}{branch}"));
        let refspecs: Vec<_> = branches.chain(pulls.iter().map(refspec)).collect();
        self.fetch(&refspecs.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Brings those of some pull requests that can be had in a while: what strangers open must not
    /// hold up anybody else.
    pub fn bring_if_possible(&self, pulls: &[u64]) {
        let end = Instant::now() + PATIENCE;
        let mut parts = vec![pulls];
        while let Some(part) = parts.pop() {
            let left = end.saturating_duration_since(Instant::now());
            if part.is_empty() || left.is_zero() {
                continue;
            }
            let refspecs: Vec<_> = part.iter().map(refspec).collect();
            let what: Vec<_> = refspecs.iter().map(String::as_str).collect();
            let brought = self.program.run_within(left, &[&self.fetching(), &what[..]].concat());
            // One that can't be had keeps git from bringing the others: it is in one half of them.
            if brought.is_err() && part.len() > 1 {
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

    /// The commits that some refs point to now, in their order.
    pub fn look_up(&self, refs: &[String]) -> anyhow::Result<Vec<Oid>> {
        let names: Vec<_> = refs.iter().map(String::as_str).collect();
        let listed = self
            .program
            .run(&[&["ls-remote", "--quiet", &self.url], &names[..]].concat())
            .with_context(|| format!("git can't list the refs of {}", self.url))?;
        let found = |name: &str| {
            let mut lines = listed.lines().filter_map(|line| line.split_once('\t'));
            lines.find(|(_, listed)| *listed == name).and_then(|(id, _)| id.parse().ok())
        };
        let commits: Vec<Oid> = names.iter().filter_map(|name| found(name)).collect();
        ensure!(commits.len() == names.len(), "{} lacks one of {}", self.url, names.join(", "));
        Ok(commits)
    }
}

/// What brings a pull request's head.
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
