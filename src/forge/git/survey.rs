//! Reads all requests once, to judge many changes. Otherwise each of hundreds of open branches
//! would read all the others.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::{Git, Pull};
use crate::content::conflicts::{Conflicts, Meets, Other, folded_stem, footprint, open_request};
use crate::core::layout::{REQUESTS, is_request};
use crate::core::org::Org;
use crate::git::{Kind, Oid};

/// The requests on the base and the open branches at one point in time.
pub struct Survey {
    base: Oid,
    /// The paths of request files at base, by their file names without extension, in lower case.
    paths: BTreeMap<String, Vec<String>>,
    /// The merged requests, by path.
    merged: Index,
    /// The paths of those that aren't regular files.
    unread: Vec<String>,
    /// The open requests, by the names of their changes.
    open: Index,
}

impl Git {
    /// Prepares to judge many changes as of now: what else there is is read once, when it is asked for first.
    /// Later updates to the branches are ignored.
    pub fn survey_others(&self) {
        self.is_surveying.set(true);
    }

    /// Returns the survey, if many changes are judged.
    pub(super) fn survey(&self, org: &Org) -> anyhow::Result<Option<&Survey>> {
        if self.is_surveying.get() && self.survey.get().is_none() {
            let _ = self.survey.set(Survey::of(self, self.base()?, org)?);
        }
        Ok(self.survey.get())
    }
}

impl Survey {
    /// Whether the survey was made at this base.
    pub fn is_at(&self, base: Oid) -> bool {
        self.base == base
    }

    fn of(git: &Git, base: Oid, org: &Org) -> anyhow::Result<Self> {
        let repo = git.repo();
        let mut paths: BTreeMap<_, Vec<String>> = BTreeMap::new();
        let (mut files, mut unread) = (Vec::new(), Vec::new());
        for (path, entry) in repo.files_below(base, REQUESTS)? {
            if !is_request(&path) {
                continue;
            }
            paths.entry(folded_stem(&path)).or_default().push(path.clone());
            match entry.kind {
                Kind::File => files.push((path, repo.bytes(entry.id)?)),
                _ => unread.push(path),
            }
        }
        let read = |(path, bytes): (String, Vec<u8>)| {
            let other = Other::read(&path, &bytes);
            (other.due.is_some() || other.unread.is_some()).then_some((path, other))
        };
        let merged = Index::of(files.into_par_iter().filter_map(read).collect());
        Ok(Survey { base, paths, merged, unread, open: Index::of(open(git, org)?) })
    }

    /// Returns the other requests that affect the change with this name, and the request at `path`;
    /// incidents are left out.
    pub fn conflicts(
        &self,
        name: &str,
        path: Option<&str>,
        meets: Option<&Meets<'_>>,
    ) -> Conflicts {
        let same_id = path.and_then(|path| self.paths.get(&folded_stem(path)));
        let same_id = same_id.into_iter().flatten().filter(|other| Some(other.as_str()) != path);
        let mut found = Conflicts { same_id: same_id.cloned().collect(), ..Conflicts::default() };
        if let Some(meets) = meets {
            let is_other = |other: &&String| Some(other.as_str()) != path;
            found.unread.extend(self.unread.iter().filter(is_other).cloned());
            for (path, other) in self.merged.near(meets, path) {
                found.add_merged(meets, path, other);
            }
            found.unread.sort();
            for (_, other) in self.open.near(meets, Some(name)) {
                other.due.iter().for_each(|due| found.add_open(meets, due.clone()));
            }
        }
        found
    }
}

/// Returns the open changes, by name.
fn open(git: &Git, org: &Org) -> anyhow::Result<Vec<(String, Other)>> {
    let mut open = Vec::new();
    for Pull { name, base, head, .. } in git.open(org)? {
        let request = open_request(git.repo(), base, head, &name)?;
        let due = request.as_ref().and_then(footprint);
        open.extend(due.map(|due| (name, Other::of(Some(due)))));
    }
    Ok(open)
}

/// An index of requests by target.
struct Index {
    others: Vec<(String, Other)>,
    /// By targets as [`folded`](crate::core::terms::folded) leaves them.
    by_target: BTreeMap<Vec<u8>, Vec<usize>>,
    /// Those that can't be read.
    unread: Vec<usize>,
}

impl Index {
    fn of(others: Vec<(String, Other)>) -> Self {
        let mut by_target: BTreeMap<Vec<u8>, Vec<usize>> = BTreeMap::new();
        let mut unread = Vec::new();
        for (index, (_, other)) in others.iter().enumerate() {
            unread.extend(other.unread.as_ref().map(|_| index));
            for target in &other.targets {
                by_target.entry(target.clone()).or_default().push(index);
            }
        }
        Index { others, by_target, unread }
    }

    /// Returns the requests with a target of a change or one that may look like it, and those that can't
    /// be read, except its own.
    fn near(&self, meets: &Meets<'_>, own: Option<&str>) -> impl Iterator<Item = &(String, Other)> {
        let indices = meets.folded().iter().filter_map(|target| self.by_target.get(target));
        let indices: BTreeSet<usize> = indices.flatten().chain(&self.unread).copied().collect();
        let candidates = indices.into_iter().map(|index| &self.others[index]);
        candidates.filter(move |(name, _)| Some(name.as_str()) != own)
    }
}
