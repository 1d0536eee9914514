//! The entries of a ledger, for those who look into it. Only verifying proves that they are true; here
//! it is checked that each follows from those before it.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, bail};
use rayon::prelude::*;
use serde::Serialize;

use super::case::{Kept, Tips, evidence, line};
use crate::content::short;
use crate::core::digest::Digest;
use crate::core::record::entry::Entry;
use crate::core::record::explanation::{EXPLANATION_FILE, Explanation};
use crate::core::record::parts::{About, Hex};
use crate::core::record::seal::Seal;
use crate::core::record::state::State;
use crate::core::terms::Login;
use crate::core::time::Time;
use crate::git::{Oid, Repo};
use crate::ledger::{self, LEDGER, Recorded, object_id};

/// An entry in its place.
#[derive(Clone, Debug)]
pub struct Placed {
    /// The commit that holds it.
    pub commit: Oid,
    /// The commit of the entry before it.
    pub before: Option<Oid>,
    /// The entry.
    pub entry: Entry,
    /// The signatures of the service that sealed it.
    pub seal: Option<Seal>,
}

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

/// What somebody said later about a bypass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// The index of the entry that says it.
    pub index: u64,
    /// When it was said.
    pub at: Time,
    /// Who said it.
    pub by: Login,
    /// Who went around the gate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub who: Option<Login>,
    /// Why.
    pub text: String,
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
        let line = line(&repo, tips)?;
        let tip = *line.last().context("the ledger is empty")?;
        let read = |repo: &mut anyhow::Result<Repo>, commit: &Oid| match repo {
            Ok(repo) => ledger::read(repo, *commit),
            Err(error) => bail!("{error:#}"),
        };
        let recorded = line.par_iter().map_init(|| Repo::open(folder), read);
        let recorded = recorded.collect::<anyhow::Result<Vec<_>>>()?;
        let kept = evidence(&repo, tips)?;
        let mut entries = Entries { all: Vec::new(), tip, kept, problem: None };
        entries.place(recorded)?;
        Ok(entries)
    }

    /// Puts what was read one behind the other.
    fn place(&mut self, recorded: Vec<Recorded>) -> anyhow::Result<()> {
        use crate::core::record::statement::Unreadable;
        let mut state = State::default();
        let mut is_broken = false;
        for Recorded { commit, entry, seal } in recorded {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error @ Unreadable::Newer(_)) => {
                    return Err(error).with_context(|| format!("cannot read {}", short(commit)));
                }
                Err(_) => {
                    is_broken = true;
                    continue;
                }
            };
            let before = self.all.last().map(|placed| placed.commit);
            let last = before.filter(|_| is_broken).map(object_id);
            let expected = Entry::behind(&state, entry.statement.clone(), last);
            if !expected.is_ok_and(|expected| expected == entry) {
                self.problem.get_or_insert_with(|| {
                    let (index, commit) = (entry.index, short(commit));
                    format!("entry {index} ({commit}) doesn't follow from those before it")
                });
            }
            state = entry.state.clone();
            is_broken = false;
            self.all.push(Placed { commit, before, entry, seal });
        }
        if self.all.is_empty() {
            bail!("{LEDGER} holds no entry of this format");
        }
        Ok(())
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

    /// Returns the file of this name that an entry rests on, if it is there and what the entry says.
    pub fn material(&self, repo: &Repo, entry: &Entry, name: &str) -> Option<Vec<u8>> {
        let named = entry.statement.predicate.material.iter().find(|it| it.name == name)?;
        let file = repo.entry(*self.kept.commits.get(&entry.id)?, name).ok()??;
        let bytes = repo.bytes(file.id).ok()?;
        (Hex(Digest::of(&bytes)) == named.sha256).then_some(bytes)
    }

    /// Returns what was said later about bypasses, by the ids of their entries.
    pub fn explanations(&self, repo: &Repo) -> BTreeMap<String, Vec<Explained>> {
        let mut found: BTreeMap<String, Vec<Explained>> = BTreeMap::new();
        for Placed { entry, .. } in &self.all {
            let it = &entry.statement.predicate;
            let Some(note) = it.note.as_ref().filter(|note| note.about == About::Explanation)
            else {
                continue;
            };
            let file = self.material(repo, entry, EXPLANATION_FILE);
            let said = file.and_then(|bytes| Explanation::read(&bytes).ok());
            let Some(Explanation { text, who }) = said else { continue };
            let (index, at, by) = (entry.index, it.recorded_at, note.by.clone());
            for id in &note.entries {
                let said =
                    Explained { index, at, by: by.clone(), who: who.clone(), text: text.clone() };
                found.entry(id.to_string()).or_default().push(said);
            }
        }
        found
    }
}
