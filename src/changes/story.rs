//! The story of a change: its status, and the events that the history shows.
//!
//! ```text
//! names:  branches change/*, branches reviews/*, merge commits with a `Change:` trailer
//! status: merged, closed or open; nothing that was submitted disappears
//! tell:   the change's commits + journal + merges ─▶ events in order
//! ```
//!
//! Events are ordered by the Git history where it decides the order. Dates in commits are only
//! claims, and decide the rest. A change can be submitted again after its merge, with an outcome or
//! an amendment, and is then open again.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::bypass::{self, Bypass};
use super::judged::Judged;
use super::kept::Kept;
use super::line::{Around, Line};
use super::records::Records;
use crate::content::Changeset;
use crate::content::journal::{Entry, REVIEWS};
use crate::content::{People, Signer};
use crate::core::layout::{is_request, request, stem};
use crate::core::operations::state::PullState;
use crate::core::org::Org;
use crate::core::terms::Login;
use crate::forge::git::{CHANGE, Git, closed_by};
use crate::gate::Gate;
use crate::git::{Commit, Oid, Repo};

mod events;
pub(super) mod merges;
mod tell;

pub use events::{HistoryEvent, What};
pub use merges::Merge;
pub use tell::Story;

/// The state of a change, and the commits that show it.
pub struct ChangeStatus {
    /// What became of its pull request, the last one.
    pub pull: PullState,
    /// The tip of the branch; without a branch, the commit that was merged or reviewed last.
    pub head: Option<Oid>,
    /// Whether the branch still exists.
    pub has_branch: bool,
    /// The journal entry that closed the change, or after its merge an amendment of it, if that is
    /// closed.
    pub closed_by: Option<Entry>,
}

/// Says who it was, or who it claims to be.
pub fn somebody(by: Option<&Login>, claims: &str) -> String {
    by.map_or_else(|| format!("somebody who claims to be {claims}"), Login::to_string)
}

/// The stories of all changes in a repository.
pub struct Stories<'a> {
    git: &'a Git,
    org: &'a Org,
    people: People<'a>,
    base: Oid,
    heads: BTreeMap<String, Oid>,
    /// The commits on the branches that aren't part of the base.
    unmerged: HashSet<Oid>,
    line: OnceCell<Line>,
    judged: Judged,
    kept: Option<Kept>,
}

impl<'a> Stories<'a> {
    /// Reads the branches as of now. `org` is the organisation data at base; what is read of that is `kept` for
    /// the next time.
    ///
    /// # Errors
    /// When the repository can't be read.
    pub fn of(git: &'a Git, org: &'a Org, kept: Option<Kept>) -> anyhow::Result<Self> {
        let base = git.base()?;
        let heads: BTreeMap<_, _> = git.branches.below(CHANGE)?.into_iter().collect();
        let tips: Vec<_> = heads.values().copied().collect();
        let unmerged = git.repo().commits_since(base, &tips)?.into_iter().collect();
        let people = People::of(&org.roster);
        let (line, judged) = (OnceCell::new(), Judged::of(kept.clone()));
        Ok(Stories { git, org, people, base, heads, unmerged, line, judged, kept })
    }

    /// Returns the names of the changes that have a branch.
    pub fn branches(&self) -> impl Iterator<Item = &str> {
        self.heads.keys().map(String::as_str)
    }

    /// Returns the names of all changes that were ever submitted.
    ///
    /// # Errors
    /// When the repository can't be read.
    pub fn names(&self) -> anyhow::Result<BTreeSet<String>> {
        let reviewed = self.git.branches.below(REVIEWS)?.into_iter().map(|(name, _)| name);
        let mut names: BTreeSet<_> = self.heads.keys().cloned().chain(reviewed).collect();
        names.extend(self.line()?.names().cloned());
        Ok(names)
    }

    /// Returns the status of a change, or `None` if there is no change with this name.
    ///
    /// # Errors
    /// When the repository can't be read.
    pub fn status(&self, name: &str) -> anyhow::Result<Option<ChangeStatus>> {
        let journal = self.git.journal(name)?;
        let branch = self.heads.get(name).copied();
        let closed_by = closed_by(self.repo(), &self.people, self.org, name, &journal);
        // What was said before a merge is over by it.
        let closed_by = match closed_by {
            Some(closing) if self.repo().leads_to(closing.reviewed, self.base)? => None,
            closing => closing,
        };
        let status = |pull, head| {
            let closed_by = closed_by.filter(|_| pull != PullState::Open).cloned();
            Some(ChangeStatus { pull, head, has_branch: branch.is_some(), closed_by })
        };
        if let Some(head) = branch {
            return Ok(match () {
                () if self.is_merged(name, head)? => status(PullState::Merged, branch),
                () if closed_by.is_some() && self.was_merged(name)? => {
                    status(PullState::Merged, branch)
                }
                () if closed_by.is_some() => status(PullState::GivenUp, branch),
                () => status(PullState::Open, branch),
            });
        }
        let merged = self.merges(name)?.last().map(|merge| merge.head);
        let reviewed = journal.last().map(|entry| entry.reviewed);
        let pushed = self.bypasses(name)?.last().map(|bypass| bypass.commit.id);
        Ok(match (merged.or(pushed), reviewed) {
            (Some(head), _) => status(PullState::Merged, Some(head)),
            (None, Some(_)) => status(PullState::GivenUp, reviewed),
            (None, None) => None,
        })
    }

    /// Returns whether the base holds a version of a change, whatever became of a later one.
    ///
    /// # Errors
    /// When the base's history can't be read.
    pub fn was_merged(&self, name: &str) -> anyhow::Result<bool> {
        let line = self.line()?;
        Ok(!line.merges(name).is_empty() || !line.bypasses(name).is_empty())
    }

    /// Returns the merges of a change, oldest first.
    ///
    /// # Errors
    /// When the base's history can't be read.
    pub fn merges(&self, name: &str) -> anyhow::Result<Vec<Merge>> {
        let commits = self.line()?.merges(name).iter().map(|commit| self.repo().commit(*commit));
        let merges = commits.map(|commit| Ok(Merge::of(commit?)));
        Ok(merges.collect::<anyhow::Result<Vec<_>>>()?.into_iter().flatten().collect())
    }

    /// Returns the commits that merged a change, oldest first.
    ///
    /// # Errors
    /// When the base's history can't be read.
    pub(super) fn merge_commits(&self, name: &str) -> anyhow::Result<&[Oid]> {
        Ok(self.line()?.merges(name))
    }

    /// Returns the commits on the base that changed a request, or the policies, without being the
    /// merge of a change, oldest first.
    ///
    /// # Errors
    /// When the base's history can't be read.
    pub fn bypasses(&self, name: &str) -> anyhow::Result<Vec<Bypass>> {
        let bypasses = self.line()?.bypasses(name).iter().map(|Around { commit, path, round }| {
            let commit = self.repo().commit(*commit)?;
            Ok(Bypass { commit, path: path.clone(), round: *round })
        });
        bypasses.collect()
    }

    /// Returns why a merge went around the rules: as it is recorded or, where it isn't, as it is judged as of its
    /// own time; `None` if it didn't, or if that can't be judged any more.
    pub fn around(
        &self,
        gate: &Gate<'_, Git>,
        records: &Records,
        name: &str,
        merge: &Merge,
    ) -> Option<String> {
        if let Some(recorded) = records.of(merge.commit.id) {
            return recorded.around();
        }
        if bypass::is_kept_by_github(self.git, merge) {
            return None;
        }
        // Reviews may still arrive here.
        let reviews = self.git.branches.tip(&format!("{REVIEWS}{name}")).ok().flatten();
        let judge = || bypass::of_merge(self.git, gate, name, merge);
        self.judged.get((name, merge.commit.id), reviews, judge).ok().flatten()
    }

    /// Returns the commits on the base that merged a change, or changed it in another way.
    ///
    /// # Errors
    /// When the base's history can't be read.
    pub fn on_base(&self, name: &str) -> anyhow::Result<HashSet<Oid>> {
        let line = self.line()?;
        let merges = line.merges(name).iter().copied();
        Ok(merges.chain(line.bypasses(name).iter().map(|bypass| bypass.commit)).collect())
    }

    /// Returns whose key or address a commit has, and whether that is proven.
    fn signer(&self, commit: &Commit) -> Signer {
        self.people.signer(self.repo(), commit)
    }

    /// Returns who made a commit; `None` if it only claims to be somebody's.
    pub fn known(&self, commit: &Commit) -> Option<Login> {
        self.signer(commit).known(self.org)
    }

    /// Says who made a commit, or who it claims to be from.
    pub fn who(&self, commit: &Commit) -> String {
        somebody(self.known(commit).as_ref(), &commit.committer.email)
    }

    fn repo(&self) -> &'a Repo {
        self.git.repo()
    }

    /// Whether the content of a branch is part of the base.
    ///
    /// A branch whose tip is on the base's first-parent history holds nothing of its own, unless it
    /// was merged before or the base was fast-forwarded to it.
    fn is_merged(&self, name: &str, head: Oid) -> anyhow::Result<bool> {
        if self.unmerged.contains(&head) {
            return self.is_squashed(name, head);
        }
        let line = self.line()?;
        if line.merged(head) || !line.holds(head) || !line.merges(name).is_empty() {
            return Ok(true);
        }
        let before = self.repo().parent(head)?;
        let files = self.repo().changes(before, head)?;
        Ok(files.iter().any(|file| is_request(&file.path) && stem(&file.path) == name))
    }

    /// Whether GitHub squashed a branch into the base, whose content is there then.
    fn is_squashed(&self, name: &str, head: Oid) -> anyhow::Result<bool> {
        let (repo, path) = (self.repo(), request(name));
        let own = repo.entry(head, &path)?;
        // Most branches have content of their own.
        if own.is_none() || own != repo.entry(self.base, &path)? {
            return Ok(false);
        }
        Ok(self.merges(name)?.last().is_some_and(|merge| merge.is_squashed))
    }

    fn line(&self) -> anyhow::Result<&Line> {
        if let Some(line) = self.line.get() {
            return Ok(line);
        }
        let line = Line::read(self.git, self.base, &self.heads, self.kept.as_ref())?;
        Ok(self.line.get_or_init(|| line))
    }

    /// Returns the path of the request that a range of commits changes.
    fn path(&self, base: Oid, head: Oid, name: &str) -> anyhow::Result<Option<String>> {
        Ok(Changeset::of(self.repo(), base, head, name)?.path)
    }
}
