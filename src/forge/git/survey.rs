//! Reads all requests once, to judge many changes. Otherwise each of hundreds of open branches
//! would read all the others.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::{Git, Pull};
use crate::content::conflicts::{Conflicts, Meets, folded_stem, footprint, open_request};
use crate::core::evidence::Footprint;
use crate::core::layout::{REQUESTS, is_request};
use crate::core::org::Org;
use crate::core::request::RequestFile;
use crate::core::terms::folded;
use crate::git::{Kind, Oid};

/// The requests on the base and the open branches at one point in time.
pub struct Survey {
    base: Oid,
    /// The paths of request files at base, by their file names without extension, in lower case.
    paths: BTreeMap<String, Vec<String>>,
    /// The merged requests, by path.
    merged: Index,
    /// The open requests, by the names of their changes.
    open: Index,
}

impl Git {
    /// Reads all open changes once, to judge many of them as of now. Later updates to the branches
    /// are ignored.
    ///
    /// # Errors
    /// When the repository can't be read.
    pub fn survey_others(&self, org: &Org) -> anyhow::Result<()> {
        // An earlier survey of the same command is just as good.
        if self.survey.get().is_none() {
            let _ = self.survey.set(Survey::of(self, self.base()?, org)?);
        }
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
            let footprint = footprint(&RequestFile::read_merged(&path, &bytes).request?)?;
            Some((path, footprint))
        };
        let merged = Index::of(files.into_par_iter().filter_map(read).collect());
        Ok(Survey { base, paths, merged, open: Index::of(open(git, org)?) })
    }

    /// Whether the survey was made at this base.
    pub fn is_at(&self, base: Oid) -> bool {
        self.base == base
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
            for other in self.merged.near(meets, path) {
                found.add_merged(meets, other.clone());
            }
            for other in self.open.near(meets, Some(name)) {
                found.add_open(meets, other.clone());
            }
        }
        found
    }
}

/// Returns the footprints of the open changes, by name.
fn open(git: &Git, org: &Org) -> anyhow::Result<Vec<(String, Footprint)>> {
    let mut open = Vec::new();
    for Pull { name, base, head, .. } in git.open(org)? {
        let request = open_request(git.repo(), base, head, &name)?;
        open.extend(request.as_ref().and_then(footprint).map(|footprint| (name, footprint)));
    }
    Ok(open)
}

/// An index of footprints by target.
struct Index {
    footprints: Vec<(String, Footprint)>,
    /// By targets as [`folded`] leaves them.
    by_target: BTreeMap<Vec<u8>, Vec<usize>>,
}

impl Index {
    fn of(footprints: Vec<(String, Footprint)>) -> Self {
        let mut by_target: BTreeMap<Vec<u8>, Vec<usize>> = BTreeMap::new();
        for (index, (_, footprint)) in footprints.iter().enumerate() {
            for target in &footprint.targets {
                by_target.entry(folded(target.as_bytes())).or_default().push(index);
            }
        }
        Index { footprints, by_target }
    }

    /// Returns the footprints with a target of a change or one that may look like it, except its own.
    fn near(&self, meets: &Meets<'_>, own: Option<&str>) -> impl Iterator<Item = &Footprint> {
        let indices = meets.folded().iter().filter_map(|target| self.by_target.get(target));
        let indices: BTreeSet<usize> = indices.flatten().copied().collect();
        let candidates = indices.into_iter().map(|index| &self.footprints[index]);
        candidates
            .filter(move |(name, _)| Some(name.as_str()) != own)
            .map(|(_, footprint)| footprint)
    }
}
