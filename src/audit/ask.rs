//! Asks a forge again for what was recorded of its pull requests: the only way to find a collector that
//! lied, and recorded that soundly. Who can ask is handed in.

use std::collections::HashMap;
use std::path::Path;

use anyhow::Context as _;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::case::{self, Tips};
use super::{Finding, Step};
use crate::content::SKEW;
use crate::core::digest::Digest;
use crate::core::evidence::Evidence;
use crate::core::record::entry::Entry;
use crate::core::record::parts::{CollectorKind, Repository};
use crate::core::record::told::{Told, differences};
use crate::git::{Oid, Repo};
use crate::ledger;

/// Returns what a forge tells about the pull request of this number in a repository; `None` if it has none.
pub type Teller<'a> = &'a dyn Fn(&Repository, u64) -> anyhow::Result<Option<Told>>;

/// What asking a forge again found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Asked {
    /// The number of entries that were compared with what the forge tells.
    pub entries: usize,
    /// The number of entries that rest on what a forge told.
    pub of: usize,
    /// The indices of entries that couldn't be compared, each with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unasked: Vec<(u64, String)>,
}

/// Asks for what the entries of a ledger say about pull requests, all of them or `most`: those with the
/// smallest SHA-256 of the log's `root` followed by the id, which nobody knew when they were recorded.
///
/// # Errors
/// When the repository can't be read.
pub fn ask(
    folder: &Path,
    tips: Tips<'_>,
    (most, root): (Option<usize>, &str),
    teller: Teller<'_>,
) -> anyhow::Result<(Asked, Vec<Finding>)> {
    let repo = Repo::open(folder)?;
    let mut entries = Vec::new();
    for commit in case::line(&repo, tips)? {
        let entry = ledger::read(&repo, commit)?.entry.ok().filter(rests_on_forge);
        entries.extend(entry.map(|entry| (commit, entry)));
    }
    let of = entries.len();
    if let Some(most) = most.filter(|most| *most < of) {
        entries.sort_by_cached_key(|(_, entry)| {
            Digest::of(format!("{root}{}", entry.id).as_bytes()).to_string()
        });
        entries.truncate(most);
        entries.sort_by_key(|(_, entry)| entry.index);
    }
    let kept = case::evidence(&repo, tips)?;
    let (mut asked, mut findings) = (Asked { of, ..Asked::default() }, Vec::new());
    let mut known: HashMap<u64, Result<Option<Told>, String>> = HashMap::new();
    for (commit, entry) in entries {
        let mut files = case::material(&repo, &entry, &kept)?.files;
        let told = evidence(files.remove("evidence.json")).and_then(|(number, evidence)| {
            let repository = &entry.statement.predicate.repository;
            let told = || teller(repository, number).map_err(|error| format!("{error:#}"));
            match known.entry(number).or_insert_with(told) {
                Ok(told) => Ok((number, evidence, told.as_ref())),
                Err(why) => Err(why.clone()),
            }
        });
        let differ = match told {
            Err(why) => {
                asked.unasked.push((entry.index, why));
                continue;
            }
            Ok((number, _, None)) => vec![format!("the forge has no pull request #{number}")],
            Ok((number, evidence, Some(told))) => compared(&repo, &entry, &evidence, told)?
                .into_iter()
                .map(|what| format!("of #{number} the forge tells otherwise: {what}"))
                .collect(),
        };
        asked.entries += 1;
        findings.extend(differ.into_iter().map(|message| Finding {
            step: Step::Forge,
            index: Some(entry.index),
            commit: Some(commit.to_string()),
            message,
        }));
    }
    Ok((asked, findings))
}

/// Whether an entry rests on what a forge told a service.
fn rests_on_forge(entry: &Entry) -> bool {
    let it = &entry.statement.predicate;
    it.collector.kind != CollectorKind::Person && it.decision.is_some()
}

/// Reads the evidence of an entry with the number of its pull request, or says why there is none.
fn evidence(bytes: Option<Vec<u8>>) -> Result<(u64, Evidence), String> {
    let bytes = bytes.ok_or("its evidence isn't there")?;
    let evidence: Evidence = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    let number = evidence.pull_request.as_ref().and_then(|it| it.number);
    Ok((number.ok_or("its evidence names no pull request")?, evidence))
}

/// Returns how what a forge tells differs from what an entry says.
fn compared(
    repo: &Repo,
    entry: &Entry,
    evidence: &Evidence,
    told: &Told,
) -> anyhow::Result<Vec<String>> {
    let it = &entry.statement.predicate;
    let bones = it.decision.as_ref().context("the entry holds no decision")?;
    let base = it.base.as_ref().map(|base| ledger::oid(&base.commit)).transpose()?;
    // What isn't here was never on the base.
    let is_new = |commit: &str| {
        let commit = Oid::from_str(commit).ok().filter(|id| repo.commit(*id).is_ok());
        !commit.zip(base).is_some_and(|(id, base)| repo.leads_to(id, base).unwrap_or(false))
    };
    Ok(differences(evidence, told, bones.evaluated_at, SKEW, &is_new))
}
