//! Holds the members of teams on which merges rest against those of the decisions before them: a forge
//! doesn't say who was in a team at a time.

use std::collections::BTreeMap;

use super::Run;
use crate::audit::Step;
use crate::audit::case::{Files, Tips};
use crate::core::digest::Digest;
use crate::core::evidence::{Evidence, TeamMembers};
use crate::core::record::entry::Entry;
use crate::core::terms::all_of;
use crate::gate::recording::evidence_branch;
use crate::git::{Oid, Repo};
use crate::ledger::evidence_of;

/// Teams with their members, by the roster's names.
pub(super) type Teams = BTreeMap<String, TeamMembers>;

/// Returns the teams that evidence names.
pub(super) fn teams(files: &Files) -> Teams {
    let evidence =
        files.get("evidence.json").map(|bytes| serde_json::from_slice::<Evidence>(bytes));
    evidence.and_then(Result::ok).map(|it| it.teams).unwrap_or_default()
}

/// A merge that rests on teams, and the decision before it on the same head.
pub(super) struct Teamed {
    teams: Teams,
    decided: Digest,
    index: u64,
    commit: Oid,
}

impl Run {
    /// Takes the teams on which a merge rests.
    pub(super) fn teamed(&mut self, commit: Oid, entry: &Entry, teams: Teams) {
        let it = &entry.statement.predicate;
        let (Some(merge), Some(head), false) = (&it.merge, &it.head, teams.is_empty()) else {
            return;
        };
        let decided = self.told_before(it).find(|(_, told)| {
            told.decided.as_ref().is_some_and(|it| it.head == *head && it.at <= merge.at)
        });
        let decided = decided.map(|(id, _)| id.clone());
        let index = entry.index;
        self.teamed.extend(decided.map(|decided| Teamed { teams, decided, index, commit }));
    }

    /// Names the merges that rest on other members of teams than the decisions before them. A team that
    /// no decision named is that of somebody who reviewed later.
    pub(super) fn teams(&mut self, repo: &Repo, tips: Tips<'_>) -> anyhow::Result<()> {
        let teamed = std::mem::take(&mut self.teamed);
        // A state that names something else is found where it is checked.
        let branch = evidence_branch(&self.state.evidence).ok().filter(|_| !teamed.is_empty());
        let Some(tip) = branch.map(tips).transpose()?.flatten() else { return Ok(()) };
        let kept = evidence_of(repo, tip, teamed.iter().map(|it| it.decided.clone()).collect())?;
        for Teamed { teams: now, decided, index, commit } in teamed {
            // It may have been erased.
            let Some(&kept) = kept.get(&decided) else { continue };
            let Some(file) = repo.entry(kept, "evidence.json")? else { continue };
            let then = teams(&[("evidence.json".to_owned(), repo.bytes(file.id)?)].into());
            let differ =
                now.iter().filter(|(name, it)| then.get(*name).is_some_and(|was| was != *it));
            let differ: Vec<_> = differ.map(|(name, _)| name.clone()).collect();
            if !differ.is_empty() {
                let why = format!(
                    "its evidence names other members of {} than that of the decision before it",
                    all_of(&differ)
                );
                self.finding(Step::Provenance, Some(index), commit, why);
            }
        }
        Ok(())
    }
}
