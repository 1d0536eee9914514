//! The entries of a ledger, for those who look into it. Only verifying proves that they are true; here
//! it is checked that each follows from those before it.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use anyhow::{bail, ensure};

use super::case::{Kept, Tips, evidence, tip};
use crate::core::record::explanation::Explained;
use crate::git::{Oid, Repo};
use crate::ledger::{LEDGER, explanations, read_back};

pub use crate::ledger::Placed;

/// The entries of a ledger, oldest first.
pub struct Entries {
    /// The entries.
    pub all: Vec<Placed>,
    /// The tip of the ledger's branch.
    pub tip: Oid,
    /// What is kept of what they rest on.
    pub kept: Kept,
    /// Why the ledger isn't what its entries say.
    pub problem: Option<String>,
}

impl Entries {
    /// Reads the ledger of the repository at a folder.
    ///
    /// # Errors
    /// When there is no ledger, when it is newer than this program, or when the repository can't be
    /// read.
    pub fn read(folder: &Path, tips: Tips<'_>) -> anyhow::Result<Self> {
        crate::git::hash_what_is_read();
        let repo = Repo::open(folder)?;
        let tip = tip(tips)?;
        let mut all = Vec::new();
        let flaws = read_back(folder, tip, |placed| {
            all.push(placed);
            ControlFlow::Continue(())
        })?;
        ensure!(!all.is_empty(), "{LEDGER} holds no entry of this format");
        all.reverse();
        Ok(Entries { all, tip, kept: evidence(&repo, tips)?, problem: flaws.problem() })
    }

    /// Returns the last entry.
    ///
    /// # Errors
    /// When the ledger isn't what its entries say, so that no count of them means anything.
    pub fn sound(&self) -> anyhow::Result<&Placed> {
        match (&self.problem, self.all.last()) {
            (None, Some(last)) => Ok(last),
            (problem, _) => bail!(
                "the ledger can't be relied on: {}; run `changegate audit verify`",
                problem.as_deref().unwrap_or("it is empty")
            ),
        }
    }

    /// Returns what was said later about bypasses, by the ids of their entries.
    pub fn explanations(&self, repo: &Repo) -> BTreeMap<String, Vec<Explained>> {
        explanations(repo, &self.kept.commits, self.all.iter().map(|placed| &placed.entry))
    }
}
