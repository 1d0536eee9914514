//! The branches that everybody shares: those of a remote, or, without one, this repository's own.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::time::Duration;

use anyhow::bail;

use crate::git::{Moved, Oid, Program, Repo};

/// The remote that is used if it is there.
const ORIGIN: &str = "origin";

/// What the branch that changes go to is called, unless said otherwise; the first that is there.
pub const DEFAULT_BASES: [&str; 3] = ["main", "master", "trunk"];

/// How often a branch that others move too is tried anew.
const ATTEMPTS: u32 = 100;

/// The shared branches, by names such as `main` or `change/CHG-1234`.
pub struct Branches {
    repo: Repo,
    program: Program,
    remote: Option<String>,
}

/// What is to be put onto a branch.
pub enum Advance {
    /// This commit.
    Put(Oid),
    /// Nothing: it is there already.
    Nothing,
}

impl Branches {
    /// The branches of the remote `origin`, if there is such a remote, or else the repository's own.
    pub fn of(repo: Repo) -> Self {
        let program = Program::at(repo.folder());
        let remote = repo.has_remote(ORIGIN).then(|| ORIGIN.to_owned());
        Branches { repo, program, remote }
    }

    /// The repository's own branches, whatever remotes it has: what a server holds.
    pub fn own(repo: Repo) -> Self {
        let program = Program::at(repo.folder());
        Branches { repo, program, remote: None }
    }

    /// The same branches, by a program that knows more.
    pub fn through(self, change: impl FnOnce(Program) -> Program) -> Self {
        Branches { program: change(self.program), ..self }
    }

    /// The repository.
    pub fn repo(&self) -> &Repo {
        &self.repo
    }

    /// The git program at work on it.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Whether they are a remote's.
    pub fn are_remote(&self) -> bool {
        self.remote.is_some()
    }

    /// Brings what is known of the remote up to date.
    ///
    /// # Errors
    /// When the remote can't be reached.
    pub fn refresh(&self) -> anyhow::Result<()> {
        self.remote.as_ref().map_or(Ok(()), |remote| self.program.fetch(remote))
    }

    /// Where a branch stands.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn tip(&self, name: &str) -> anyhow::Result<Option<Oid>> {
        self.repo.tip(&format!("{}{name}", self.prefix()))
    }

    /// The branches below a prefix such as `change/`, by name without it.
    ///
    /// # Errors
    /// When they can't be listed.
    pub fn below(&self, prefix: &str) -> anyhow::Result<Vec<(String, Oid)>> {
        let prefix = format!("{}{prefix}", self.prefix());
        let refs = self.repo.refs(&prefix)?;
        let named = refs.into_iter().map(|(name, tip)| (name[prefix.len()..].to_owned(), tip));
        Ok(named.collect())
    }

    /// The branch that changes go to, unless said otherwise: the one that the server's `HEAD` names,
    /// or else `main`.
    ///
    /// # Errors
    /// When there is none.
    pub fn default_base(&self) -> anyhow::Result<String> {
        if let Some(name) = self.named_by_head()
            && self.tip(&name)?.is_some()
        {
            return Ok(name);
        }
        for name in DEFAULT_BASES {
            if self.tip(name)?.is_some() {
                return Ok(name.to_owned());
            }
        }
        if let Some(name) = self.program.setting("init.defaultBranch")
            && self.tip(&name)?.is_some()
        {
            return Ok(name);
        }
        match &self.remote {
            Some(remote) => bail!("{remote} has no branch main: name the base with --base"),
            None => bail!("this repository has no branch main: name the base with --base"),
        }
    }

    /// The branch that the server's `HEAD` names, as far as it is known here: a work tree's own says
    /// only what somebody is working on.
    pub fn named_by_head(&self) -> Option<String> {
        let head = match &self.remote {
            Some(remote) => self.repo.symbolic(&format!("refs/remotes/{remote}/HEAD")),
            None => self.repo.symbolic("HEAD").filter(|_| self.repo.is_bare()),
        };
        head?.strip_prefix(&self.prefix()).map(str::to_owned)
    }

    /// Puts one more commit onto a branch. `next` makes it, given where the branch stands; if
    /// somebody else was faster, it is asked again.
    ///
    /// # Errors
    /// When `next` fails, the other side refuses, or the branch can't be moved after many attempts.
    pub fn advance(
        &self,
        name: &str,
        mut next: impl FnMut(Option<Oid>) -> anyhow::Result<Advance>,
    ) -> anyhow::Result<Option<Oid>> {
        let mut last = String::new();
        for attempt in 0..ATTEMPTS {
            let from = self.tip(name)?;
            let Advance::Put(commit) = next(from)? else { return Ok(None) };
            match self.put(name, from, commit)? {
                Moved::Yes => return Ok(Some(commit)),
                Moved::Lost(why) => {
                    last = why;
                    wait(attempt);
                    self.refresh()?;
                }
                Moved::Refused(why) => bail!("the server doesn't take {name}:\n{why}"),
            }
        }
        bail!("{name} couldn't be moved in {ATTEMPTS} attempts; what git said last:\n{last}")
    }

    /// Moves a branch, once.
    ///
    /// # Errors
    /// When the other side can't be reached, or the repository can't be written.
    pub fn put(&self, name: &str, from: Option<Oid>, to: Oid) -> anyhow::Result<Moved> {
        let Some(remote) = &self.remote else {
            return self.program.move_ref(&format!("refs/heads/{name}"), from, to);
        };
        let moved = self.program.push(remote, to, name)?;
        if moved == Moved::Yes {
            // So that it is seen at once, however fetching is configured.
            let tracking = format!("refs/remotes/{remote}/{name}");
            let known = self.repo.tip(&tracking)?;
            if known != Some(to) {
                self.program.move_ref(&tracking, known, to)?;
            }
        }
        Ok(moved)
    }

    fn prefix(&self) -> String {
        match &self.remote {
            Some(remote) => format!("refs/remotes/{remote}/"),
            None => "refs/heads/".to_owned(),
        }
    }
}

/// Waits longer from attempt to attempt, and not in step with the others.
fn wait(attempt: u32) {
    let longest = 50 << attempt.min(5);
    let random = RandomState::new().build_hasher().finish();
    std::thread::sleep(Duration::from_millis(random % longest));
}
