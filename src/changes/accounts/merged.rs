//! What is known of merges: how each change was signed off, as the ledger holds it or, where it doesn't, as it is
//! judged again as of its own time.

use std::collections::HashMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::Last;
use crate::changes::bypass;
use crate::changes::entry::Lister;
use crate::changes::kept::Kept;
use crate::changes::story::Merge;
use crate::content::first_title;
use crate::content::journal::log_named_by;
use crate::core::decision::{Decision, SignOffMode};
use crate::core::evidence::{Evidence, ReviewState};
use crate::core::metrics::{Signed, SignedBy};
use crate::core::policy::Requirement;
use crate::core::terms::{Login, RiskTier, TicketId};
use crate::core::time::Time;
use crate::forge::Pull;
use crate::git::{Oid, Repo};
use crate::ledger::{self, evidence_of, held};

/// The name under which it is kept.
const MERGES: &str = "merges";

/// The number of merges whose evidence is read at a time.
const CHUNK: usize = 128;

/// What is known of a merge.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct Merged {
    /// When it was made.
    pub(super) at: Time,
    pub(super) tier: Option<RiskTier>,
    pub(super) proof: Proof,
    /// Whether it went around the rules.
    pub(super) is_around: bool,
    /// The title of its first commit, of a change without a request.
    pub(super) title: Option<String>,
}

/// How a change was signed off.
#[derive(Clone, Default, Deserialize, Serialize)]
pub(super) struct Proof {
    pub(super) submitted_at: Option<Time>,
    /// `None` if it isn't known.
    pub(super) signed: Option<Signed>,
}

/// What is known of merges, by their commits, each with whether the ledger said so: what was judged again may be
/// recorded since.
type Known = HashMap<String, (bool, Merged)>;

/// Returns what is known of these merges, by their commits.
///
/// # Errors
/// When the repository can't be read.
pub(super) fn read(
    lister: &Lister<'_>,
    kept: Option<&Kept>,
    last: &Last<'_>,
    told: &dyn Fn(usize, usize),
) -> anyhow::Result<HashMap<Oid, Merged>> {
    let records = lister.records;
    let is_recorded = |commit: Oid| records.of(commit).is_some();
    let mut known = kept.and_then(|kept| kept.read::<Known>(MERGES)).unwrap_or_default();
    let (mut all, mut unread) = (HashMap::new(), Vec::new());
    for (name, commit) in last {
        match known.remove(&commit.to_string()).filter(|(was, _)| *was == is_recorded(*commit)) {
            Some((_, merged)) => drop(all.insert(*commit, merged)),
            None => unread.push((*name, *commit)),
        }
    }
    let mut proofs = recorded(lister, unread.iter().map(|(_, commit)| *commit))?;
    for (place, (name, commit)) in unread.iter().enumerate() {
        told(place, unread.len());
        let merged = merged(lister, name, *commit, proofs.remove(commit))?;
        all.extend(merged.map(|merged| (*commit, merged)));
    }
    if let Some(kept) = kept.filter(|_| !unread.is_empty()) {
        let pairs =
            all.iter().map(|(commit, it)| (commit.to_string(), (is_recorded(*commit), it.clone())));
        kept.write(MERGES, &pairs.collect::<Known>());
    }
    Ok(all)
}

/// Returns what is known of a merge, of which the ledger holds this proof.
fn merged(
    lister: &Lister<'_>,
    name: &str,
    commit: Oid,
    proof: Option<Proof>,
) -> anyhow::Result<Option<Merged>> {
    let Lister { git, gate, records, .. } = *lister;
    let repo = git.repo();
    let Some(merge) = Merge::of(repo.commit(commit)?) else { return Ok(None) };
    let title = match name.parse::<TicketId>() {
        Ok(_) => None,
        Err(_) => first_title(repo, name, merge.base, merge.head)?,
    };
    let unknown = Merged {
        at: merge.commit.time,
        tier: None,
        proof: Proof::default(),
        is_around: false,
        title,
    };
    if let Some(recorded) = records.of(commit) {
        let is_around = recorded.because.is_some();
        let proof = proof.unwrap_or_default();
        return Ok(Some(Merged { tier: recorded.tier, is_around, proof, ..unknown }));
    }
    if merge.is_squashed {
        return Ok(Some(unknown));
    }
    let pull = Pull::of_change(name, &git.base_ref, merge.base, merge.head)
        .with_log(log_named_by(&merge.commit.message));
    // What can't be judged any more isn't known.
    let Ok(judgement) = gate.judge(pull, &[], merge.commit.time) else { return Ok(Some(unknown)) };
    Ok(Some(Merged {
        tier: judgement.decision.tier,
        is_around: bypass::why(repo, &judgement, merge.commit.tree).is_some(),
        proof: Proof::of(&judgement.decision, &judgement.evidence),
        ..unknown
    }))
}

/// Returns how changes were signed off, by what the ledger holds of these commits on the base.
fn recorded(
    lister: &Lister<'_>,
    commits: impl Iterator<Item = Oid>,
) -> anyhow::Result<HashMap<Oid, Proof>> {
    let (repo, records) = (lister.git.repo(), lister.records);
    let places: Vec<_> =
        commits.filter_map(|commit| Some((commit, records.place(commit)?))).collect();
    let Some(tip) = records.evidence().filter(|_| !places.is_empty()) else {
        return Ok(HashMap::new());
    };
    let ids = places.iter().filter_map(|(commit, _)| records.of(*commit)?.id.parse().ok());
    let evidence = evidence_of(repo, tip, ids.collect())?;
    let folder = repo.folder();
    let chunks = places.par_chunks(CHUNK).map(|chunk| {
        // libgit2 keeps what a repository that is open has read.
        let repo = Repo::open(&folder)?;
        let mut proofs = Vec::new();
        for (commit, place) in chunk {
            let Ok(entry) = ledger::read(&repo, *place)?.entry else { continue };
            let Some(evidence) = evidence.get(&entry.id) else { continue };
            let file = |name: &str| held(&repo, *evidence, &entry, name);
            let decision = file("decision.json").and_then(|it| serde_json::from_slice(&it).ok());
            let evidence = file("evidence.json").and_then(|it| serde_json::from_slice(&it).ok());
            let both = decision.zip(evidence);
            proofs.extend(
                both.map(|(decision, evidence)| (*commit, Proof::of(&decision, &evidence))),
            );
        }
        anyhow::Ok(proofs)
    });
    Ok(chunks.collect::<anyhow::Result<Vec<_>>>()?.into_iter().flatten().collect())
}

impl Proof {
    fn of(decision: &Decision, evidence: &Evidence) -> Self {
        let submitted_at = evidence.pull_request.as_ref().map(|it| it.submitted_at);
        let arrived_at = evidence.content_arrived_at.or(submitted_at);
        let complete = decision.sign_off.as_ref().filter(|sign_off| sign_off.is_complete());
        let signed = complete.map(|sign_off| {
            let given = |who: &Login| {
                let reviews = sign_off.reviews.iter().filter(|it| it.counts);
                let own = reviews.filter(|it| it.user.as_ref() == Some(who));
                let approving = own.filter(|it| it.state == ReviewState::Approved);
                approving.map(|it| it.submitted_at).max()
            };
            let by = sign_off.required.iter().filter_map(|required| {
                let who = required.satisfied_by.clone()?;
                Some(SignedBy { role: role(&required.what), at: given(&who)?, who })
            });
            let is_direct = sign_off.mode == SignOffMode::Direct;
            Signed { arrived_at, is_direct, by: by.collect() }
        });
        Proof { submitted_at, signed }
    }
}

/// Returns as what a sign-off is counted.
fn role(what: &Requirement) -> String {
    match what {
        Requirement::Owner { .. } => "service-owner".to_owned(),
        Requirement::Person { .. } => "in person".to_owned(),
        Requirement::Level { .. } | Requirement::Role { .. } | Requirement::Commander => {
            what.to_string()
        }
    }
}
