//! The branches that everybody shares: those of a remote, or without a remote, the repository's
//! own.

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::time::{Duration, SystemTime};

use anyhow::bail;

use super::{CHANGE, REVIEWS};
use crate::git::{Moved, Oid, Program, Repo};

/// The default names of the branch that changes go to; the first that exists is used.
pub const DEFAULT_BASES: [&str; 3] = ["main", "master", "trunk"];

/// The number of attempts to move a branch that others move too.
const ATTEMPTS: u32 = 100;

/// The shared branches, by names such as `main` or `change/CHG-1234`.
pub struct Branches {
    repo: Repo,
    program: Program,
    remote: Option<String>,
}

/// The server's hook rejected a push: what was pushed, and the hook's reason.
#[derive(Debug, thiserror::Error)]
#[error("the server rejected {0}")]
pub struct Rejected(pub String);

/// What to put on a branch.
pub enum Advance {
    /// This commit.
    Put(Oid),
    /// Nothing, because the branch has it already.
    Nothing,
}

impl Branches {
    /// Takes the branches of a remote.
    pub fn of(repo: Repo, remote: &str) -> Self {
        Branches { remote: Some(remote.to_owned()), ..Self::own(repo) }
    }

    /// Takes the repository's own branches even if it has remotes, as a server does.
    pub fn own(repo: Repo) -> Self {
        let program = Program::at(repo.folder());
        Branches { repo, program, remote: None }
    }

    /// Replaces the git program by one that `change` has configured.
    pub fn through(self, change: impl FnOnce(Program) -> Program) -> Self {
        Branches { program: change(self.program), ..self }
    }

    /// Returns the repository.
    pub fn repo(&self) -> &Repo {
        &self.repo
    }

    /// Returns the git program for the repository.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Returns the remote that the branches are of; `None` if they are the repository's own.
    pub fn remote(&self) -> Option<&str> {
        self.remote.as_deref()
    }

    /// Returns the names of all changes that were submitted and that a branch still shows, with the
    /// branch: the change's own or, after that was deleted, its journal.
    ///
    /// # Errors
    /// When the branches can't be listed.
    pub fn changes(&self) -> anyhow::Result<BTreeMap<String, String>> {
        let mut changes = BTreeMap::new();
        for folder in [REVIEWS, CHANGE] {
            for (name, _) in self.below(folder)? {
                changes.insert(name.clone(), format!("{folder}{name}"));
            }
        }
        Ok(changes)
    }

    /// Returns what [`Self::changes`] does, and the changes that only other branches show: those of
    /// other remotes, and those that were never pushed.
    ///
    /// # Errors
    /// When the branches can't be listed.
    pub fn changes_anywhere(&self) -> anyhow::Result<BTreeMap<String, String>> {
        let mut changes = self.changes()?;
        for kind in ["refs/heads/", "refs/remotes/"] {
            for (branch, _) in self.repo.refs(kind)? {
                for folder in [CHANGE, REVIEWS] {
                    if let Some((_, name)) = branch.rsplit_once(&format!("/{folder}")) {
                        let branch = branch[kind.len()..].to_owned();
                        changes.entry(name.to_owned()).or_insert(branch);
                    }
                }
            }
        }
        Ok(changes)
    }

    /// Returns when the branches of the remote were last fetched; `None` if that isn't known.
    pub fn fetched_at(&self) -> Option<SystemTime> {
        let modified =
            |name| std::fs::metadata(self.repo.folder().join(name)).ok()?.modified().ok();
        // A clone leaves only packed refs.
        modified("FETCH_HEAD").or_else(|| modified("packed-refs"))
    }

    /// Fetches from the remote, if there is one.
    ///
    /// # Errors
    /// When the remote can't be reached.
    pub fn refresh(&self) -> anyhow::Result<()> {
        self.remote.as_ref().map_or(Ok(()), |remote| self.program.fetch(remote))
    }

    /// Returns the tip of a branch, or `None` if there is no such branch.
    ///
    /// # Errors
    /// When the branch can't be read.
    pub fn tip(&self, name: &str) -> anyhow::Result<Option<Oid>> {
        self.repo.tip(&format!("{}{name}", self.prefix()))
    }

    /// Returns the shared branch that a person calls `main`, `origin/main` or by its full ref name;
    /// `None` if there is no such branch.
    ///
    /// # Errors
    /// When the branches can't be read.
    pub fn named(&self, name: &str) -> anyhow::Result<Option<String>> {
        let short = self.remote.as_ref().and_then(|remote| name.strip_prefix(remote.as_str()));
        let short = short.and_then(|rest| rest.strip_prefix('/'));
        for name in [Some(name), name.strip_prefix(&self.prefix()), short].into_iter().flatten() {
            if self.tip(name)?.is_some() {
                return Ok(Some(name.to_owned()));
            }
        }
        Ok(None)
    }

    /// Returns the branches below a prefix such as `change/`: their names without it, and their
    /// tips.
    ///
    /// # Errors
    /// When the branches can't be listed.
    pub fn below(&self, prefix: &str) -> anyhow::Result<Vec<(String, Oid)>> {
        let prefix = format!("{}{prefix}", self.prefix());
        let refs = self.repo.refs(&prefix)?;
        let named = refs.into_iter().map(|(name, tip)| (name[prefix.len()..].to_owned(), tip));
        Ok(named.collect())
    }

    /// Returns the default for the branch that changes go to: the one that the server's `HEAD`
    /// names, or one of [`DEFAULT_BASES`], or Git's `init.defaultBranch`.
    ///
    /// # Errors
    /// When none of them exists.
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
            Some(remote) => bail!("{remote} has no branch main: name the base with --base BRANCH"),
            None => bail!("this repository has no branch main: name the base with --base BRANCH"),
        }
    }

    /// Returns the branch that the server's `HEAD` names, if it is known. The `HEAD` of a work tree
    /// isn't used, because it only shows what somebody is working on.
    pub fn named_by_head(&self) -> Option<String> {
        let head = match &self.remote {
            Some(remote) => self.repo.symbolic(&format!("refs/remotes/{remote}/HEAD")),
            None => self.repo.symbolic("HEAD").filter(|_| self.repo.is_bare()),
        };
        head?.strip_prefix(&self.prefix()).map(str::to_owned)
    }

    /// Adds a commit to a branch. `next` makes it for the current tip, and is called again if
    /// somebody else has moved the branch first. Returns the commit, or `None` for
    /// [`Advance::Nothing`].
    ///
    /// # Errors
    /// When `next` fails, the server rejects the push, or the branch can't be moved after many
    /// attempts.
    pub fn advance(
        &self,
        name: &str,
        mut next: impl FnMut(Option<Oid>) -> anyhow::Result<Advance>,
    ) -> anyhow::Result<Option<Oid>> {
        let mut last = String::new();
        self.can_hold(name)?;
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
                Moved::Refused(why) => return Err(Rejected(format!("{name}:\n{why}")).into()),
            }
        }
        bail!("{name} couldn't be updated in {ATTEMPTS} attempts; the last output of git:\n{last}")
    }

    /// Checks that no other branch is in the way: Git holds `change` or `change/CHG-1`, never both.
    fn can_hold(&self, name: &str) -> anyhow::Result<()> {
        let mut others = self.below(&format!("{name}/"))?.into_iter();
        let mut other = others.next().map(|(below, _)| format!("{name}/{below}"));
        for (at, _) in name.match_indices('/') {
            if self.tip(&name[..at])?.is_some() {
                other = Some(name[..at].to_owned());
            }
        }
        let Some(other) = other else { return Ok(()) };
        let old = format!("old-{}", other.replace('/', "-"));
        let rename = match &self.remote {
            Some(remote) => format!(
                "git push {remote} refs/remotes/{remote}/{other}:refs/heads/{old} :refs/heads/{other}"
            ),
            None => format!("git branch -m {other} {old}"),
        };
        bail!("the branch {other} is in the way of {name}: rename it with `{rename}`")
    }

    /// Moves a branch, once.
    ///
    /// # Errors
    /// When the remote can't be reached, or the repository can't be written.
    pub fn put(&self, name: &str, from: Option<Oid>, to: Oid) -> anyhow::Result<Moved> {
        let Some(remote) = &self.remote else {
            return self.program.move_ref(&format!("refs/heads/{name}"), from, to);
        };
        let moved = self.program.push(remote, to, name)?;
        if moved == Moved::Yes {
            // The tracking branch must show the push at once, however fetching is configured.
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

/// Waits longer with each attempt, for a random time so that rivals don't stay in step.
fn wait(attempt: u32) {
    let longest = 50 << attempt.min(5);
    let random = RandomState::new().build_hasher().finish();
    std::thread::sleep(Duration::from_millis(random % longest));
}
