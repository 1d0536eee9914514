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
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::bypass::{self, Bypass};
use crate::content::Changeset;
use crate::content::journal::{Entry, REVIEWS};
use crate::content::{People, Signer};
use crate::core::layout::{is_request, request, stem};
use crate::core::operations::state::PullState;
use crate::core::org::Org;
use crate::core::terms::Login;
use crate::forge::git::{CHANGE, Git, closed_by};
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
    merges: OnceCell<Merges>,
}

/// The first-parent history of the base, and the changes that were merged into it.
struct Merges {
    line: HashSet<Oid>,
    by_name: HashMap<String, Vec<Merge>>,
    heads: HashSet<Oid>,
    bypasses: BTreeMap<String, Vec<Bypass>>,
}

impl<'a> Stories<'a> {
    /// Reads the branches as of now. `org` is the organisation data at base.
    ///
    /// # Errors
    /// When the repository can't be read.
    pub fn of(git: &'a Git, org: &'a Org) -> anyhow::Result<Self> {
        let base = git.base()?;
        let heads: BTreeMap<_, _> = git.branches.below(CHANGE)?.into_iter().collect();
        let tips: Vec<_> = heads.values().copied().collect();
        let unmerged = git.repo().commits_since(base, &tips)?.into_iter().collect();
        let people = People::of(&org.roster);
        Ok(Stories { git, org, people, base, heads, unmerged, merges: OnceCell::new() })
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
        names.extend(self.all_merges()?.by_name.keys().cloned());
        names.extend(self.all_merges()?.bypasses.keys().cloned());
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
        Ok(!self.merges(name)?.is_empty() || !self.bypasses(name)?.is_empty())
    }

    /// Returns the merges of a change, oldest first.
    ///
    /// # Errors
    /// When the base's history can't be read.
    pub fn merges(&self, name: &str) -> anyhow::Result<&[Merge]> {
        Ok(self.all_merges()?.by_name.get(name).map_or(&[], Vec::as_slice))
    }

    /// Returns the commits on the base that changed a request, or the policies, without being the
    /// merge of a change, oldest first.
    ///
    /// # Errors
    /// When the base's history can't be read.
    pub fn bypasses(&self, name: &str) -> anyhow::Result<&[Bypass]> {
        Ok(self.all_merges()?.bypasses.get(name).map_or(&[], Vec::as_slice))
    }

    /// Returns the commits on the base that merged a change, or changed it in another way.
    ///
    /// # Errors
    /// When the base's history can't be read.
    pub fn on_base(&self, name: &str) -> anyhow::Result<HashSet<Oid>> {
        let merges = self.merges(name)?.iter().map(|merge| merge.commit.id);
        Ok(merges.chain(self.bypasses(name)?.iter().map(|bypass| bypass.commit.id)).collect())
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
        let merges = self.all_merges()?;
        if merges.heads.contains(&head)
            || !merges.line.contains(&head)
            || merges.by_name.contains_key(name)
        {
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

    fn all_merges(&self) -> anyhow::Result<&Merges> {
        if let Some(merges) = self.merges.get() {
            return Ok(merges);
        }
        let merges = self.read_merges()?;
        Ok(self.merges.get_or_init(|| merges))
    }

    fn read_merges(&self) -> anyhow::Result<Merges> {
        let repo = self.repo();
        let line = repo.first_parents(self.base)?;
        let names: HashMap<_, _> = self.heads.iter().map(|(name, head)| (*head, name)).collect();
        let mut by_name: HashMap<String, Vec<Merge>> = HashMap::new();
        let mut heads = HashSet::new();
        let mut bypasses: BTreeMap<String, Vec<Bypass>> = BTreeMap::new();
        let github = bypass::of_github(self.git);
        for id in line.iter().rev() {
            let commit = repo.commit(*id)?;
            let merge = Merge::read(commit.clone());
            let name = merge.as_ref().and_then(|merge| {
                heads.insert(merge.head);
                let named = names.get(&merge.head).map(|name| name.as_str());
                merge.trailer("Change").or(named).map(str::to_owned)
            });
            let merge = merge.zip(name);
            let own = merge.as_ref().map(|(merge, _)| merge);
            for (name, path) in bypass::paths(repo, &commit, own, &github)? {
                let round = by_name.get(&name).map_or(0, Vec::len);
                let bypass = Bypass { commit: commit.clone(), path, round };
                bypasses.entry(name).or_default().push(bypass);
            }
            if let Some((merge, name)) = merge {
                by_name.entry(name).or_default().push(merge);
            }
            for name in bypass::squashed(repo, &commit, &github)? {
                by_name.entry(name).or_default().extend(Merge::squashed(commit.clone()));
            }
        }
        Ok(Merges { line: line.into_iter().collect(), by_name, heads, bypasses })
    }

    /// Returns the path of the request that a range of commits changes.
    fn path(&self, base: Oid, head: Oid, name: &str) -> anyhow::Result<Option<String>> {
        Ok(Changeset::of(self.repo(), base, head, name)?.path)
    }
}
