//! The branches that everybody shares: those of a remote, or without a remote, the repository's
//! own.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs::Metadata;
use std::path::PathBuf;
use std::time::SystemTime;

use anyhow::bail;

use super::CHANGE;
use crate::content::journal::REVIEWS;
use crate::core::layout;
use crate::core::org::Settings;
use crate::core::yaml;
use crate::git::{Move, Moved, Oid, Program, Repo, pause};
use crate::ledger::AUDIT;
use crate::operations::OPERATIONS;

mod anchors;
mod elsewhere;
mod ledger;
mod operations;

use elsewhere::Elsewhere;

pub use ledger::Rewound;
pub use operations::Lost;

/// The default names of the branch that changes go to; the first that exists is used.
pub const DEFAULT_BASES: [&str; 3] = ["main", "master", "trunk"];

/// The number of attempts to move a branch that others move too.
const ATTEMPTS: u32 = 100;

/// The shared branches, by names such as `main` or `change/CHG-1234`.
pub struct Branches {
    repo: Repo,
    program: Program,
    remote: Option<String>,
    /// Where the ledger is, if it isn't with the branches.
    elsewhere: Option<Elsewhere>,
    is_out_of_reach: Cell<bool>,
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
        let is_out_of_reach = Cell::new(false);
        Branches { repo, program, remote: None, elsewhere: None, is_out_of_reach }
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
        let metadata = |path: PathBuf| std::fs::metadata(path).ok();
        let own = self.stamp().and_then(metadata);
        // git empties it when it fails to fetch.
        let by_git = metadata(self.repo.folder().join("FETCH_HEAD"));
        let by_git = by_git.filter(|found| found.len() > 0);
        // A clone leaves only packed refs.
        let cloned = || metadata(self.repo.folder().join("packed-refs"));
        let modified = |found: Metadata| found.modified().ok();
        own.and_then(modified)
            .max(by_git.and_then(modified))
            .or_else(|| cloned().and_then(modified))
    }

    /// Returns the file that is written after each successful fetch from the remote.
    fn stamp(&self) -> Option<PathBuf> {
        let remote = self.remote.as_ref()?;
        Some(self.repo.folder().join("changegate/fetched").join(remote))
    }

    /// Whether fetching from the remote failed the last time.
    pub fn is_out_of_reach(&self) -> bool {
        self.is_out_of_reach.get()
    }

    /// Fetches from the remote, if there is one.
    ///
    /// # Errors
    /// When the remote can't be reached.
    pub fn refresh(&self) -> anyhow::Result<()> {
        let fetched = self.fetch_branches(&["^refs/heads/audit/*"]);
        self.is_out_of_reach.set(fetched.is_err());
        fetched
    }

    /// Fetches all branches, and what else these refspecs say.
    fn fetch_branches(&self, refspecs: &[&str]) -> anyhow::Result<()> {
        let Some(remote) = &self.remote else { return Ok(()) };
        let branches = format!("+refs/heads/*:refs/remotes/{remote}/*");
        self.program.fetch(&["--prune"], remote, &[&[&*branches], refspecs].concat())?;
        if let Some(stamp) = self.stamp()
            && let Some(folder) = stamp.parent()
        {
            // Without it, only the age of what was fetched is less exact.
            let _ = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&stamp, "\n"));
        }
        Ok(())
    }

    /// Returns the tip of a branch, or `None` if there is no such branch.
    ///
    /// # Errors
    /// When the branch can't be read.
    pub fn tip(&self, name: &str) -> anyhow::Result<Option<Oid>> {
        self.repo.tip(&self.full(name))
    }

    /// Returns the full name of the ref that shows a branch here. What a clone follows by itself can
    /// be old or forced, so that the ledger and the operations log have refs of their own.
    fn full(&self, name: &str) -> String {
        match (&self.elsewhere, &self.remote) {
            _ if !name.starts_with(AUDIT) => format!("{}{name}", self.prefix()),
            (Some(elsewhere), _) if name != OPERATIONS => format!("{}{name}", elsewhere.prefix),
            (_, Some(remote)) => format!("refs/changegate/{remote}/{name}"),
            (_, None) => format!("{}{name}", self.prefix()),
        }
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
        if self.repo.refs("refs/")?.is_empty() {
            bail!("this repository has no commit yet: `changegate init` sets one up");
        }
        match &self.remote {
            Some(remote) => bail!("{remote} has no branch main: name the base with --base BRANCH"),
            None => bail!("this repository has no branch main: name the base with --base BRANCH"),
        }
    }

    /// Returns the base that policies protect: the default base or one of [`DEFAULT_BASES`], if its
    /// own policies protect it or only one other that exists; else the default base.
    ///
    /// A server guards its default base, whatever is pushed beside it.
    ///
    /// # Errors
    /// When there is no default base, or a branch can't be read.
    pub fn protected_base(&self) -> anyhow::Result<String> {
        let default = self.default_base()?;
        for name in [default.as_str()].into_iter().chain(DEFAULT_BASES) {
            let mut protected = self.protected_by(name)?;
            if protected.iter().any(|base| base == name) {
                return Ok(name.to_owned());
            }
            protected.retain(|base| self.tip(base).is_ok_and(|tip| tip.is_some()));
            if let [only] = protected.as_slice() {
                return Ok(only.clone());
            }
        }
        Ok(default)
    }

    /// Returns the bases that the policies on a branch protect; none if there are no policies.
    fn protected_by(&self, name: &str) -> anyhow::Result<Vec<String>> {
        let settings = self.settings_on(name)?;
        Ok(settings.map(|settings| settings.protected_bases).unwrap_or_default())
    }

    /// Returns the settings on a branch, the shipped ones in place of those that can't be read; `None` if
    /// there are none.
    fn settings_on(&self, name: &str) -> anyhow::Result<Option<Settings>> {
        let Some(tip) = self.tip(name)? else { return Ok(None) };
        let Some(settings) = self.repo.entry(tip, &layout::table("settings"))? else {
            return Ok(None);
        };
        let settings = yaml::parse(&self.repo.bytes(settings.id)?).read::<Settings>();
        Ok(Some(settings.value.unwrap_or_default()))
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
                    std::thread::sleep(pause(attempt));
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
        self.put_all(&[(name.to_owned(), from, to)])
    }

    /// Moves branches, once, all of them or none. Those of a ledger elsewhere never move with others.
    ///
    /// # Errors
    /// When the remote can't be reached, or the repository can't be written.
    pub fn put_all(&self, moves: &[Move]) -> anyhow::Result<Moved> {
        let is_record =
            moves.iter().any(|(name, _, _)| name.starts_with(AUDIT) && name != OPERATIONS);
        let (remote, program) = match is_record {
            true => (self.ledger_remote(), self.to_ledger()?),
            false => (self.remote(), &self.program),
        };
        let Some(remote) = remote else {
            let own = moves.iter().map(|(name, from, to)| (self.full(name), *from, *to));
            return self.program.move_refs(&own.collect::<Vec<_>>());
        };
        let moved = program.push(remote, moves)?;
        if moved == Moved::Yes {
            // What shows the branches here must show the push at once, however fetching is configured.
            let mut follow = Vec::new();
            for (name, _, to) in moves {
                let known = self.tip(name)?;
                follow.extend((known != Some(*to)).then(|| (self.full(name), known, *to)));
            }
            if !follow.is_empty() {
                self.program.move_refs(&follow)?;
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
