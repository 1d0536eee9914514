//! Walks over the history of several commits at once.

use std::collections::{HashMap, HashSet};

use anyhow::Context as _;
use git2::Sort;

use super::{Oid, Repo};

/// How often a [`Fresh`] repository is asked for before it is opened again.
const CHUNK: usize = 1024;

/// A repository for reading a long history: it is opened again now and then, because libgit2 keeps what one
/// that is open has read.
pub struct Fresh<'r> {
    repo: &'r Repo,
    again: Option<Repo>,
    asked: usize,
}

impl<'r> Fresh<'r> {
    /// Begins with a repository that is open.
    pub fn of(repo: &'r Repo) -> Self {
        Fresh { repo, again: None, asked: 0 }
    }

    /// Returns the repository, to read a commit and what it holds.
    ///
    /// # Errors
    /// When it can't be opened again.
    pub fn get(&mut self) -> anyhow::Result<&Repo> {
        self.asked += 1;
        if self.asked.is_multiple_of(CHUNK) {
            self.again = Some(self.repo.again()?);
        }
        Ok(self.again.as_ref().unwrap_or(self.repo))
    }
}

/// How often it is asked what leads to a commit before all that does is read.
const OFTEN: usize = 16;

/// What leads to a commit.
#[derive(Default)]
pub(super) struct Ancestry {
    /// How often it was asked about which commit.
    asked: HashMap<Oid, usize>,
    /// The commit that was asked about often, and all that lead to it.
    all: Option<(Oid, HashSet<Oid>)>,
}

impl Repo {
    /// Whether `ancestor` is `commit` itself or one of its ancestors.
    ///
    /// # Errors
    /// When the history can't be read.
    pub fn leads_to(&self, ancestor: Oid, commit: Oid) -> anyhow::Result<bool> {
        if ancestor == commit || self.is_known_to_lead(ancestor, commit)? {
            return Ok(true);
        }
        let leads = self.inner.graph_descendant_of(commit, ancestor);
        leads.with_context(|| format!("cannot read the history of {commit}"))
    }

    /// Whether it is known that a commit leads to another one. To look for thousands of commits in the same
    /// history takes as long as that is, each time.
    fn is_known_to_lead(&self, ancestor: Oid, commit: Oid) -> anyhow::Result<bool> {
        let mut ancestry = self.ancestry.borrow_mut();
        let asked = ancestry.asked.entry(commit).or_default();
        *asked += 1;
        if *asked == OFTEN {
            let mut walk = self.inner.revwalk()?;
            walk.push(commit)?;
            ancestry.all = Some((commit, walk.collect::<Result<_, _>>()?));
        }
        let all = ancestry.all.as_ref().filter(|(of, _)| *of == commit);
        Ok(all.is_some_and(|(_, all)| all.contains(&ancestor)))
    }

    /// Returns the commits reachable from any of `heads` but not from `base`, parents before
    /// children.
    ///
    /// # Errors
    /// When the history can't be read.
    pub fn commits_since(&self, base: Oid, heads: &[Oid]) -> anyhow::Result<Vec<Oid>> {
        let walk = || -> Result<Vec<Oid>, git2::Error> {
            let mut walk = self.inner.revwalk()?;
            walk.set_sorting(Sort::TOPOLOGICAL | Sort::REVERSE)?;
            for head in heads {
                walk.push(*head)?;
            }
            walk.hide(base)?;
            walk.collect()
        };
        walk().with_context(|| format!("cannot read the history since {base}"))
    }

    /// Returns a commit, its first parent, the first parent of that one, and so on. The commits
    /// themselves say so: Git's index of them (`commit-graph`) isn't read, because nothing proves it.
    ///
    /// # Errors
    /// When the history can't be read.
    pub fn first_parents(&self, tip: Oid) -> anyhow::Result<Vec<Oid>> {
        let walk = || -> Result<Vec<Oid>, git2::Error> {
            let mut line = vec![tip];
            let mut commit = self.inner.find_commit(tip)?;
            while let Some(parent) = commit.parent_ids().next() {
                line.push(parent);
                commit = self.inner.find_commit(parent)?;
            }
            Ok(line)
        };
        walk().with_context(|| format!("cannot read the history of {tip}"))
    }

    /// Returns the first parent of a commit; `None` if it has none.
    ///
    /// # Errors
    /// When there is no such commit.
    pub fn parent(&self, id: Oid) -> anyhow::Result<Option<Oid>> {
        let commit = self.inner.find_commit(id);
        Ok(commit.with_context(|| format!("cannot read commit {id}"))?.parent_ids().next())
    }
}
