//! What the requests of one run act on, and when: so that each learns of the others without any of
//! them being held in memory.

use std::collections::HashMap;

use rayon::prelude::*;

use crate::content::folder::Candidate;
use crate::core::evidence::{Evidence, Footprint};
use crate::core::request::RequestFile;

/// The most others that a request is compared with: enough to see that it has to move.
const MOST_MET: usize = 20;

/// The requests of a run by target and by id.
#[derive(Default)]
pub struct Index {
    footprints: Vec<Footprint>,
    by_target: HashMap<String, Vec<u32>>,
    paths_by_id: HashMap<String, Vec<String>>,
}

impl Index {
    /// Reads all files once. One that can't be read is left out here and reported when it is judged.
    pub fn of(candidates: &[Candidate]) -> Self {
        let read = |candidate: &Candidate| {
            let (file, _) = candidate.read().ok()??;
            let request = file.request?;
            Some((file.path, Footprint::from(&request), request.is_closed()))
        };
        let mut index = Index::default();
        for (path, footprint, is_closed) in
            candidates.par_iter().filter_map(read).collect::<Vec<_>>()
        {
            if let Some(id) = &footprint.id {
                index.paths_by_id.entry(id.folded()).or_default().push(path);
            }
            if is_closed || footprint.planned.is_none() {
                continue;
            }
            let number = index.footprints.len() as u32;
            for target in &footprint.targets {
                index.by_target.entry(target.clone()).or_default().push(number);
            }
            index.footprints.push(footprint);
        }
        index.paths_by_id.retain(|_, paths| paths.len() > 1);
        index
    }

    /// Adds what a request has to know of the others: who acts on one of its targets while it runs,
    /// and who has its id.
    pub fn add_to(&self, evidence: &mut Evidence, file: &RequestFile) {
        let Some(request) = &file.request else { return };
        let id = request.id.as_ref().map(|id| id.folded());
        let same_id = id.as_ref().and_then(|id| self.paths_by_id.get(id));
        let others = same_id.into_iter().flatten().filter(|path| **path != file.path);
        evidence.same_id.extend(others.cloned());

        let Some(planned) = request.planned() else { return };
        let targets = request.targets();
        let mut numbers: Vec<_> =
            targets.iter().filter_map(|target| self.by_target.get(*target)).flatten().collect();
        numbers.sort_unstable();
        numbers.dedup();
        let meets = |footprint: &&Footprint| {
            let is_other = footprint.id.as_ref().map(|id| id.folded()) != id;
            is_other && footprint.planned.is_some_and(|other| other.overlaps(&planned))
        };
        let footprints = numbers.into_iter().map(|number| &self.footprints[*number as usize]);
        evidence.open.extend(footprints.filter(meets).take(MOST_MET).cloned());
    }
}
