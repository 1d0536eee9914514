//! What is known of merges: how each change was signed off, as the ledger holds it or, where it doesn't, as the
//! merge's own message and the reviews say.

use std::collections::{BTreeSet, HashMap};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::changes::entry::Lister;
use crate::changes::kept::Kept;
use crate::changes::story::Merge;
use crate::content::first_title;
use crate::content::journal::{REVIEWS, Said};
use crate::core::decision::{Decision, Required, SignOffMode};
use crate::core::evidence::{Evidence, ReviewState};
use crate::core::metrics::{Signed, SignedBy};
use crate::core::policy::Requirement;
use crate::core::terms::{Login, RiskTier, TicketId};
use crate::core::time::Time;
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

/// What is kept: of each change and commit, with what it was read from.
#[derive(Default, Deserialize, Serialize)]
struct Known {
    /// How many erasures the ledger says there were: what was taken out of its evidence isn't kept.
    erasures: usize,
    merges: HashMap<String, (String, Merged)>,
}

/// Returns what is known of these merges, by the names of their changes, in the order in which they are named. How
/// many of those that aren't kept were read, and of how many, is `told`.
///
/// # Errors
/// When the repository can't be read.
pub(super) fn read(
    lister: &Lister<'_>,
    kept: Option<&Kept>,
    merges: &[(&str, Oid)],
    told: &dyn Fn(usize, usize),
) -> anyhow::Result<HashMap<String, Vec<Merged>>> {
    let Lister { git, records, .. } = *lister;
    let journals: HashMap<_, _> = git.branches.below(REVIEWS)?.into_iter().collect();
    let key = |(name, commit): &(&str, Oid)| format!("{commit} {name}");
    // A message rests on the reviews that are here, an entry on its own.
    let source = |(name, commit): &(&str, Oid)| match records.of(*commit) {
        Some(recorded) => recorded.id.clone(),
        None => journals.get(*name).map(Oid::to_string).unwrap_or_default(),
    };
    let known = kept.and_then(|kept| kept.read::<Known>(MERGES));
    let known = known.filter(|known| known.erasures == records.erasures).unwrap_or_default();
    let is_known =
        |it: &&(&str, Oid)| known.merges.get(&key(it)).is_some_and(|(from, _)| *from == source(it));
    let unread: Vec<_> = merges.iter().filter(|it| !is_known(it)).collect();
    let proofs = recorded(lister, unread.iter().map(|(_, commit)| *commit).collect())?;
    let (mut by_name, mut new) = (HashMap::<String, Vec<Merged>>::new(), Known::default());
    let (mut done, mut is_new) = (0, known.merges.len() != merges.len());
    for it in merges {
        let (name, commit) = it;
        let (merged, is_sure) = match known.merges.get(&key(it)).filter(|_| is_known(&it)) {
            Some((_, merged)) => (Some(merged.clone()), true),
            None => {
                told(done, unread.len());
                (done, is_new) = (done + 1, true);
                known_of(lister, (name, *commit), proofs.get(commit))?
            }
        };
        let Some(merged) = merged else { continue };
        if is_sure && kept.is_some() {
            new.merges.insert(key(it), (source(it), merged.clone()));
        }
        by_name.entry((*name).to_owned()).or_default().push(merged);
    }
    if let Some(kept) = kept.filter(|_| is_new) {
        new.erasures = records.erasures;
        kept.write(MERGES, &new);
    }
    Ok(by_name)
}

/// Returns what is known of a merge, of which the ledger holds this proof, and whether that is all that will ever be
/// known from what is here.
fn known_of(
    lister: &Lister<'_>,
    (name, commit): (&str, Oid),
    proof: Option<&Proof>,
) -> anyhow::Result<(Option<Merged>, bool)> {
    let Lister { git, records, .. } = *lister;
    let repo = git.repo();
    let Some(merge) = Merge::of(repo.commit(commit)?) else { return Ok((None, true)) };
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
        let (is_sure, proof) = (proof.is_some(), proof.cloned().unwrap_or_default());
        let merged = Merged { tier: recorded.tier, is_around, proof, ..unknown };
        return Ok((Some(merged), is_sure));
    }
    Ok((Some(by_message(lister, name, &merge, unknown)?), true))
}

/// Returns what a merge's own message says, as `changegate merge` writes it, and the reviews that it names: to judge
/// all merges once more, each beside all others, would take hours. GitHub keeps the reviews of what it merged.
fn by_message(
    lister: &Lister<'_>,
    name: &str,
    merge: &Merge,
    unknown: Merged,
) -> anyhow::Result<Merged> {
    let Lister { git, stories, .. } = *lister;
    if merge.is_squashed || merge.trailer("Change") != Some(name) {
        return Ok(unknown);
    }
    let journal = git.journal(name)?;
    let approvals = journal.iter().filter(|entry| entry.said == Some(Said::Approved));
    let approvals = approvals.filter(|entry| entry.commit.time <= merge.commit.time);
    let approvals: Vec<_> =
        approvals.filter_map(|it| Some((stories.known(&it.commit)?, it.commit.time))).collect();
    let mut by = Vec::new();
    for text in merge.trailers("Approved-by") {
        let Some((who, roles)) = text.strip_suffix(')').and_then(|it| it.split_once(" (")) else {
            continue;
        };
        let own = approvals.iter().rfind(|(login, _)| login.as_str() == who);
        for role in roles.split(", ").filter(|role| *role != "late") {
            let role = role.split(" of ").next().unwrap_or(role).to_owned();
            by.extend(own.map(|(who, at)| SignedBy { role, who: who.clone(), at: *at }));
        }
    }
    let commits = git.repo().commits_since(merge.base, &[merge.head])?.into_iter();
    let submitted_at = commits.map(|it| Ok(git.repo().commit(it)?.time));
    let submitted_at = submitted_at.collect::<anyhow::Result<Vec<_>>>()?.into_iter().min();
    let is_direct = merge.trailer("Sign-off") == Some("direct");
    let says = is_direct || merge.trailers("Approved-by").next().is_some();
    let signed =
        says.then_some(Signed { arrived_at: submitted_at, is_direct, is_complete: true, by });
    let proof = Proof { submitted_at, signed };
    Ok(Merged { tier: merge.tier(), proof, ..unknown })
}

/// Returns how changes were signed off, by what the ledger holds of these commits on the base.
fn recorded(lister: &Lister<'_>, commits: BTreeSet<Oid>) -> anyhow::Result<HashMap<Oid, Proof>> {
    let (repo, records) = (lister.git.repo(), lister.records);
    let commits = commits.into_iter();
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
        let signed = decision.sign_off.as_ref().map(|sign_off| {
            let given = |who: &Login| {
                let reviews = sign_off.reviews.iter().filter(|it| it.counts);
                let own = reviews.filter(|it| it.user.as_ref() == Some(who));
                let approving = own.filter(|it| it.state == ReviewState::Approved);
                approving.map(|it| it.submitted_at).max()
            };
            let by = sign_off.required.iter().filter_map(|required| {
                let who = required.satisfied_by.clone()?;
                Some(SignedBy { role: role(required), at: given(&who)?, who })
            });
            let is_direct = sign_off.mode == SignOffMode::Direct;
            let is_complete = sign_off.is_complete();
            Signed { arrived_at, is_direct, is_complete, by: by.collect() }
        });
        Proof { submitted_at, signed }
    }
}

/// Returns as what a sign-off is counted: of a level, that of who gave it.
fn role(required: &Required) -> String {
    match (&required.what, required.level) {
        (_, Some(level)) => level.to_string(),
        (Requirement::Owner { .. }, None) => "service-owner".to_owned(),
        (Requirement::Person { .. }, None) => "in person".to_owned(),
        (what, None) => what.to_string(),
    }
}
