//! How far the log was read in this repository, so that nobody reads all of it for one event.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Foreign;
use crate::files;
use crate::git::{Oid, Repo};

/// Changes with the rules by which a commit holds: what another build passed over may hold by them.
const RULES: u32 = 2;

/// How far a log was read.
#[derive(Debug, Deserialize, Serialize)]
pub struct Walked {
    rules: u32,
    tip: String,
    last: String,
    foreign: Vec<(String, String)>,
}

impl Walked {
    /// Returns what was read earlier; `None` if nothing was, or nothing that can be used.
    pub(super) fn of(repo: &Repo) -> Option<Self> {
        let known: Self = serde_json::from_slice(&files::read(&file(repo)).ok()?).ok()?;
        Some(known).filter(|known| known.rules == RULES)
    }

    /// Returns that a log was read up to a commit, and which one was the last that holds.
    pub fn up_to((tip, last): (Oid, Oid), foreign: &[Foreign]) -> Self {
        let foreign = foreign.iter().map(|it| (it.commit.to_string(), it.why.clone())).collect();
        Walked { rules: RULES, tip: tip.to_string(), last: last.to_string(), foreign }
    }

    /// Remembers it. If it can't be written, the log is read again.
    pub(super) fn keep(&self, repo: &Repo) {
        if Self::of(repo).is_some_and(|known| known.tip == self.tip) {
            return;
        }
        if let Ok(bytes) = serde_json::to_vec(self) {
            let _ = files::replace(&file(repo), &bytes);
        }
    }

    /// Returns the last commit that was read.
    pub(super) fn tip(&self) -> Option<Oid> {
        Oid::from_str(&self.tip).ok()
    }

    /// Returns the last commit that holds.
    pub(super) fn last(&self) -> Option<Oid> {
        Oid::from_str(&self.last).ok()
    }

    /// Returns the commits that don't count.
    pub(super) fn foreign(&self) -> Option<Vec<Foreign>> {
        let one = |(commit, why): &(String, String)| {
            Some(Foreign { commit: Oid::from_str(commit).ok()?, why: why.clone() })
        };
        self.foreign.iter().map(one).collect()
    }
}

fn file(repo: &Repo) -> PathBuf {
    repo.folder().join("changegate/operations-read.json")
}
