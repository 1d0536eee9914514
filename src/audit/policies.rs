//! Policies that came around the gate, and what was decided under them.

use std::ops::ControlFlow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::layout::POLICIES;
use crate::core::record::statement::{Kind, Predicate};
use crate::core::terms::all_of;
use crate::git::{Oid, Repo};
use crate::ledger::{object_id, oid, read_back};

/// The policies that a bypass brought.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Brought {
    /// The id that Git has for their folder; `None` if it was deleted.
    pub folder: Option<String>,
    /// The indexes of the entries that were decided under them.
    pub entries: Vec<u64>,
}

impl Brought {
    /// Returns the policies that an entry says came around the gate; `None` if it says no such thing.
    pub fn by(repo: &Repo, it: &Predicate) -> Option<Self> {
        let (Kind::Bypass, Some(merge), Some(base)) = (it.kind, &it.merge, &it.base) else {
            return None;
        };
        let folder = |commit: Oid| repo.entry(commit, POLICIES).ok();
        let (before, after) =
            (folder(oid(&base.commit).ok()?)?, folder(oid(&merge.covers.to).ok()?)?);
        let folder = after.map(|entry| entry.id.to_string());
        (before != after).then_some(Brought { folder, entries: Vec::new() })
    }

    /// Takes an entry, if it was decided under them: `by` is the index of the bypass, with its branch and
    /// its commit.
    pub fn take(&mut self, by: (u64, &str, &str), index: u64, it: &Predicate) {
        let (Some(policies), Some(base), Some(folder)) = (&it.policies, &it.base, &self.folder)
        else {
            return;
        };
        let (bypass, branch, commit) = by;
        // On GitHub a decision can be recorded before what reached the base is.
        let is_behind = index > bypass || policies.commit.to_string() == commit;
        if is_behind && base.name == branch && policies.git_tree.to_string() == *folder {
            self.entries.push(index);
        }
    }

    /// Says it for people.
    pub fn line(&self) -> String {
        let all: Vec<_> = self.entries.iter().map(ToString::to_string).collect();
        match &all[..] {
            [] => "changed the policies: nothing was decided under them".to_owned(),
            [one] => format!("changed the policies: entry {one} was decided under them"),
            _ => format!("changed the policies: entries {} were decided under them", all_of(&all)),
        }
    }
}

/// Returns the index of the entry, in the ledger with this tip, which says that the policies by which an
/// entry was decided came around the gate.
///
/// # Errors
/// When the repository can't be read.
pub fn came_around(repo: &Repo, tip: Oid, it: &Predicate) -> anyhow::Result<Option<u64>> {
    let Some(policies) = &it.policies else { return Ok(None) };
    let mut brought = oid(&policies.commit)?;
    let folder = repo.entry(brought, POLICIES)?;
    while let Some(&before) = repo.commit(brought)?.parents.first()
        && repo.entry(before, POLICIES)? == folder
    {
        brought = before;
    }
    let mut found = None;
    let brought = object_id(brought);
    read_back(&repo.folder(), tip, |placed| {
        let it = &placed.entry.statement.predicate;
        if it.merge.as_ref().is_none_or(|merge| merge.covers.to != brought) {
            return ControlFlow::Continue(());
        }
        found = (it.kind == Kind::Bypass).then_some(placed.entry.index);
        ControlFlow::Break(())
    })?;
    Ok(found)
}
