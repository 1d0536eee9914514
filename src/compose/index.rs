//! What the requests of one run act on, and when: so that each learns of the others without any of
//! them being held in memory.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rayon::prelude::*;

use crate::content::folder::Candidate;
use crate::core::evidence::{Evidence, Footprint};
use crate::core::request::RequestFile;
use crate::core::terms::{Name, TicketId, folded};

/// The most others that a request is compared with: enough to see that it has to move.
const MOST_MET: usize = 20;

/// The requests of a run by target and by id.
#[derive(Default)]
pub struct Index {
    footprints: Vec<Footprint>,
    /// By target, and these by what [`folded`] leaves of them.
    by_target: HashMap<Vec<u8>, BTreeMap<Name, Vec<u32>>>,
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
            if is_closed {
                continue;
            }
            let number = index.footprints.len() as u32;
            for target in &footprint.targets {
                let alike = index.by_target.entry(folded(target.as_bytes())).or_default();
                alike.entry(target.clone()).or_default().push(number);
            }
            index.footprints.push(footprint);
        }
        index.paths_by_id.retain(|_, paths| paths.len() > 1);
        index
    }

    /// Adds what a request has to know of the others: who acts on one of its targets while it runs,
    /// and who has its id. `is_over` says which changes are closed or cancelled.
    pub fn add_to(
        &self,
        evidence: &mut Evidence,
        file: &RequestFile,
        is_over: &dyn Fn(&TicketId) -> bool,
    ) {
        let Some(request) = &file.request else { return };
        let id = request.id.as_ref().map(|id| id.folded());
        let same_id = id.as_ref().and_then(|id| self.paths_by_id.get(id));
        let others = same_id.into_iter().flatten().filter(|path| **path != file.path);
        evidence.same_id.extend(others.cloned());

        let others = |numbers| without(&self.footprints, numbers, id.as_deref());
        let mut numbers = BTreeSet::new();
        for target in request.targets() {
            let Some(alike) = self.by_target.get(&folded(target.as_bytes())) else { continue };
            let known = alike.iter().filter(|(_, numbers)| others(numbers).next().is_some());
            evidence.known_targets.extend(known.map(|(name, _)| name.clone()));
            numbers.extend(alike.get(target).into_iter().flatten().copied());
        }
        let Some(planned) = request.planned() else { return };
        let numbers: Vec<_> = numbers.into_iter().collect();
        let meets = |other: &&Footprint| other.planned.is_some_and(|it| it.overlaps(&planned));
        // What is merged or submitted is known in that form.
        let known = evidence.merged.iter().chain(&evidence.open);
        let known: BTreeSet<_> =
            known.filter_map(|other| Some(other.id.as_ref()?.folded())).collect();
        let is_new =
            |other: &&Footprint| other.id.as_ref().is_none_or(|id| !known.contains(&id.folded()));
        let is_due = |other: &&Footprint| !other.id.as_ref().is_some_and(is_over);
        let found = others(&numbers).filter(meets).filter(is_new).filter(is_due).take(MOST_MET);
        evidence.open.extend(found.cloned());
    }
}

/// Returns the footprints with these numbers, without the one of a request's own id.
fn without<'a>(
    footprints: &'a [Footprint],
    numbers: &'a [u32],
    own: Option<&'a str>,
) -> impl Iterator<Item = &'a Footprint> {
    let footprints = numbers.iter().map(|number| &footprints[*number as usize]);
    footprints.filter(move |other| other.id.as_ref().map(|id| id.folded()).as_deref() != own)
}
