//! What bears on any of many changes, read once: over hundreds of open branches each would otherwise
//! read all the others.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use rayon::prelude::*;

use super::{CHANGE, Git, Pull};
use crate::content::conflicts::{Conflicts, Meets, folded_stem, footprint, open_request};
use crate::core::evidence::Footprint;
use crate::core::layout::{REQUESTS, is_request};
use crate::core::org::Org;
use crate::core::request::RequestFile;
use crate::git::{Kind, Oid};

/// What the base and the open branches hold, at one moment.
pub struct Survey {
    base: Oid,
    /// The paths of request files at base, by their stems without case.
    paths: BTreeMap<String, Vec<String>>,
    /// Merged requests, by path.
    merged: Index,
    /// Open requests, by name.
    open: Index,
}

impl Git {
    /// Reads once what others bring, for judging many changes as of this moment. What they do to
    /// their branches later isn't seen.
    ///
    /// # Errors
    /// When the repository can't be read.
    pub fn survey_others(&self, org: &Org) -> anyhow::Result<()> {
        let survey = Survey::of(self, self.base()?, org)?;
        // Were there one already, it would serve as well.
        let _ = self.survey.set(survey);
        Ok(())
    }
}

impl Survey {
    fn of(git: &Git, base: Oid, org: &Org) -> anyhow::Result<Self> {
        let repo = git.repo();
        let mut paths: BTreeMap<_, Vec<String>> = BTreeMap::new();
        let mut files = Vec::new();
        for (path, entry) in repo.files_below(base, REQUESTS)? {
            if !is_request(&path) {
                continue;
            }
            paths.entry(folded_stem(&path)).or_default().push(path.clone());
            if entry.kind == Kind::File {
                files.push((path, repo.bytes(entry.id)?));
            }
        }
        let read = |(path, bytes): (String, Vec<u8>)| {
            let footprint = footprint(&RequestFile::read(&path, &bytes).request?)?;
            Some((path, footprint))
        };
        let merged = Index::of(files.into_par_iter().filter_map(read).collect());
        Ok(Survey { base, paths, merged, open: Index::of(open(git, base, org)?) })
    }

    /// Whether this is what there is at a base.
    pub fn is_at(&self, base: Oid) -> bool {
        self.base == base
    }

    /// What bears on the change that `pull` brings at `path`, but for incidents.
    pub fn others(&self, pull: &Pull, path: Option<&str>, meets: Option<&Meets<'_>>) -> Conflicts {
        let same_id = path.and_then(|path| self.paths.get(&folded_stem(path)));
        let same_id = same_id.into_iter().flatten().filter(|other| Some(other.as_str()) != path);
        let in_way = |index: &Index, own: Option<&str>| {
            meets.map_or_else(Vec::new, |meets| index.in_way(meets, own))
        };
        Conflicts {
            merged: in_way(&self.merged, path),
            open: in_way(&self.open, Some(&pull.name)),
            incidents: Vec::new(),
            same_id: same_id.cloned().collect(),
        }
    }
}

/// The requests that open branches bring, by the branches' names.
fn open(git: &Git, base: Oid, org: &Org) -> anyhow::Result<Vec<(String, Footprint)>> {
    let repo = git.repo();
    let branches = git.branches.below(CHANGE)?;
    let heads: Vec<_> = branches.iter().map(|(_, head)| *head).collect();
    let unmerged: HashSet<_> = repo.brought_by(base, &heads)?.into_iter().collect();
    let mut open = Vec::new();
    for (name, head) in branches.into_iter().filter(|(_, head)| unmerged.contains(head)) {
        let request = open_request(repo, base, head, &name)?;
        if let Some(footprint) = request.as_ref().and_then(footprint)
            && !git.is_closed(&name, org)?
        {
            open.push((name, footprint));
        }
    }
    Ok(open)
}

/// Footprints, found by their targets.
struct Index {
    footprints: Vec<(String, Footprint)>,
    by_target: BTreeMap<String, Vec<usize>>,
}

impl Index {
    fn of(footprints: Vec<(String, Footprint)>) -> Self {
        let mut by_target: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, (_, footprint)) in footprints.iter().enumerate() {
            for target in &footprint.targets {
                by_target.entry(target.clone()).or_default().push(index);
            }
        }
        Index { footprints, by_target }
    }

    /// Those that meet a change, but for its own.
    fn in_way(&self, meets: &Meets<'_>, own: Option<&str>) -> Vec<Footprint> {
        let indices = meets.targets.iter().filter_map(|target| self.by_target.get(*target));
        let indices: BTreeSet<usize> = indices.flatten().copied().collect();
        let candidates = indices.into_iter().map(|index| &self.footprints[index]);
        candidates
            .filter(|(name, footprint)| Some(name.as_str()) != own && meets.meets(footprint))
            .map(|(_, footprint)| footprint.clone())
            .collect()
    }
}
