//! What a server lets in: the rules of plain Git's branches, held against each update of a push.
//!
//! - A protected base moves forward only, and only by merges of changes that are approved at this
//!   moment, each of which is made exactly as `changegate merge` makes it.
//! - A journal grows only, by reviews that their authors signed.
//! - A change grows only, by commits that their makers signed, and is deleted only when it is merged or closed.

use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};

use super::Gate;
use super::judge::{Judge, Judges};
use crate::content::short;
use crate::core::evidence::Unproven;
use crate::core::layout::POLICIES;
use crate::core::org::Org;
use crate::core::time::Time;
use crate::forge::git::{Branches, CHANGE, DEFAULT_BASES, Git, REVIEWS, SKEW};
use crate::git::{Commit, Oid, Repo};

mod base;
mod change;
mod journal;

/// What whoever pushes can do about it that a commit isn't shown to be theirs.
fn remedy(unproven: Unproven) -> &'static str {
    match unproven {
        Unproven::UnknownKey => "have your public key added to your entry in the roster",
        Unproven::OtherPerson => {
            "sign under your own address (`git config user.email`) and with your own key"
        }
        Unproven::Unsigned | Unproven::InvalidSignature | Unproven::OtherChange => {
            "set up signing (`git config gpg.format ssh`, `git config user.signingkey KEY`), with a \
             key that the roster lists"
        }
    }
}

/// A ref that a push moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    name: String,
    old: Option<Oid>,
    new: Option<Oid>,
}

impl Update {
    /// Reads a line of what Git gives its hooks: `<old> <new> <ref>`.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(line: &str) -> anyhow::Result<Self> {
        let parts: Vec<_> = line.splitn(3, ' ').collect();
        let &[old, new, name] = parts.as_slice() else {
            bail!("`{line}` is no update of a ref: Git gives `<old> <new> <ref>`");
        };
        let id = |text: &str| -> anyhow::Result<Option<Oid>> {
            let id = Oid::from_str(text).with_context(|| format!("read the commit id `{text}`"))?;
            Ok((id != Oid::ZERO_SHA1).then_some(id))
        };
        Ok(Update { name: name.to_owned(), old: id(old)?, new: id(new)? })
    }
}

/// Guards a repository that people push to.
pub struct Guard {
    git: Git,
    now: Time,
    /// By the policies at the base's tip; `None` before there are any.
    judge: Option<Arc<Judge>>,
    judges: Judges,
}

impl Guard {
    /// The guard of a repository, by the policies that its base holds now.
    ///
    /// # Errors
    /// When they can't be read.
    pub fn of(repo: Repo, judges: Judges, now: Time) -> anyhow::Result<Self> {
        let branches = Branches::own(repo);
        let unborn = || branches.named_by_head().unwrap_or_else(|| "main".to_owned());
        let base_ref = branches.default_base().unwrap_or_else(|_| unborn());
        let git = Git::new(branches, Some(base_ref))?;
        let base = git.branches.tip(&git.base_ref)?;
        let judge = match base {
            Some(base) if git.repo().entry(base, POLICIES)?.is_some() => {
                Some(judges.at(git.repo(), base)?)
            }
            _ => None,
        };
        Ok(Guard { git, now, judge, judges })
    }

    /// Judges an update; what it lets in may come with notes for the pusher.
    ///
    /// # Errors
    /// Why it isn't let in, and what to do.
    pub fn judge(&self, update: &Update) -> anyhow::Result<Vec<String>> {
        let name = update.name.as_str();
        if name.starts_with("refs/replace/") {
            bail!("{name} would show another history than was recorded");
        }
        let Some(branch) = name.strip_prefix("refs/heads/") else { return Ok(Vec::new()) };
        if self.is_protected(branch) {
            return self.base(branch, update);
        }
        if self.judge.is_none() {
            self.is_known_which_base(branch)?;
            return Ok(Vec::new());
        }
        if let Some(change) = branch.strip_prefix(REVIEWS) {
            self.journal(change, update)?;
        } else if let Some(change) = branch.strip_prefix(CHANGE) {
            self.change(change, update)?;
        }
        Ok(Vec::new())
    }

    /// Refuses to let a repository grow in which nothing would ever be guarded.
    fn is_known_which_base(&self, branch: &str) -> anyhow::Result<()> {
        let base_ref = &self.git.base_ref;
        let is_begun = !self.git.branches.below("")?.is_empty();
        ensure!(
            !is_begun || self.git.branches.tip(base_ref)?.is_some(),
            "nothing is guarded here, because HEAD names {base_ref}, which doesn't exist: have the \
             server's administrator run `git symbolic-ref HEAD refs/heads/{branch}`, with the branch \
             that changes are merged into"
        );
        Ok(())
    }

    fn org(&self) -> Option<&Org> {
        self.judge.as_ref().map(|judge| &judge.bundle().org)
    }

    fn gate(&self) -> Gate<'_, Git> {
        Gate::new(self.git.repo(), &self.git, self.judges.clone())
    }

    fn is_protected(&self, branch: &str) -> bool {
        branch == self.git.base_ref
            || DEFAULT_BASES.contains(&branch)
            || self
                .org()
                .is_some_and(|org| org.settings.protected_bases.iter().any(|base| base == branch))
    }

    fn is_closed(&self, name: &str) -> anyhow::Result<bool> {
        let Some(org) = self.org() else { return Ok(false) };
        self.git.is_closed(name, org)
    }

    fn not_in_the_future(&self, commit: &Commit) -> anyhow::Result<()> {
        ensure!(
            commit.time <= self.now + SKEW,
            "{} is dated {} UTC, which is in the future: set your clock, and commit again",
            short(commit.id),
            commit.time.for_people()
        );
        Ok(())
    }

    /// A review is given now, whatever its author's clock says.
    fn not_backdated(&self, commit: &Commit) -> anyhow::Result<()> {
        self.not_in_the_future(commit)?;
        ensure!(
            commit.time + SKEW >= self.now,
            "it is dated {} UTC, and made now: set your clock, and make it again",
            commit.time.for_people()
        );
        Ok(())
    }
}
