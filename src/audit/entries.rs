//! The entries of a ledger, for those who look into all of it: what is kept of each is short, and the
//! statements are read again where they are shown. Only verifying proves that they are true; here it is
//! checked that each follows from those before it.

use std::collections::{BTreeMap, HashSet};
use std::ops::ControlFlow;
use std::path::Path;

use anyhow::{Context as _, bail};

use super::case::{Tips, tip};
use crate::core::digest::Digest;
use crate::core::record::entry::Entry;
use crate::core::record::explanation::Explained;
use crate::core::record::parts::ObjectId;
use crate::core::record::seal::Seal;
use crate::core::record::statement::Kind;
use crate::core::time::Time;
use crate::gate::recording::evidence_branch;
use crate::git::{Oid, Repo};
use crate::ledger::{
    LEDGER, Placed, evidence_of, explanations, is_explanation, oid, read_all, read_back,
};

/// The number of entries that are read again at a time.
const CHUNK: usize = 512;

/// An entry in short.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The commit that holds it.
    pub commit: Oid,
    /// Its id.
    pub id: Digest,
    /// Its place, from 0.
    pub index: u64,
    /// Its kind.
    pub kind: Kind,
    /// When it was recorded.
    pub recorded_at: Time,
    /// The commit up to which it covers a branch, behind the place of that among the covered ones.
    pub covers: Option<(usize, Oid)>,
    is_explanation: bool,
}

/// Where the ledger begins to cover a branch.
#[derive(Clone, Debug)]
pub struct Beginning {
    /// The commit behind which it does.
    pub from: ObjectId,
    /// When the entry that says so was recorded.
    pub at: Time,
}

/// The entries of a ledger.
pub struct Entries {
    /// The entries in short, oldest first.
    pub all: Vec<Listed>,
    /// When the first was recorded.
    pub since: Time,
    /// Where the ledger begins to cover each branch, by its name.
    pub beginnings: BTreeMap<String, Beginning>,
    /// The tip of the ledger's branch.
    pub tip: Oid,
    last: Entry,
    problem: Option<String>,
}

impl Entries {
    /// Reads the ledger of the repository at a folder.
    ///
    /// # Errors
    /// When there is no ledger, when it is newer than this program, or when the repository can't be
    /// read.
    pub fn read(folder: &Path, tips: Tips<'_>) -> anyhow::Result<Self> {
        crate::git::hash_what_is_read();
        let tip = tip(tips)?;
        let (mut all, mut last, mut beginnings) = (Vec::new(), None, BTreeMap::new());
        let flaws = read_back(folder, tip, |Placed { commit, entry, .. }| {
            let it = &entry.statement.predicate;
            let at = it.recorded_at;
            // What is read later is older, and the first entry that names a branch counts.
            for base in &it.bases {
                let begun = Beginning { from: base.commit.clone(), at };
                beginnings.insert(base.name.clone(), begun);
            }
            all.push(Listed::of(commit, &entry, last.as_ref().unwrap_or(&entry)));
            last.get_or_insert(entry);
            ControlFlow::Continue(())
        })?;
        all.reverse();
        let last = last.with_context(|| format!("{LEDGER} holds no entry of this format"))?;
        let since = all.first().map_or(last.statement.predicate.recorded_at, |it| it.recorded_at);
        Ok(Entries { all, since, beginnings, tip, last, problem: flaws.problem() })
    }

    /// Returns the last entry.
    ///
    /// # Errors
    /// When the ledger isn't what its entries say, so that no count of them means anything.
    pub fn sound(&self) -> anyhow::Result<&Entry> {
        if let Some(problem) = &self.problem {
            bail!("the ledger can't be relied on: {problem}; run `changegate audit verify`");
        }
        Ok(&self.last)
    }

    /// Returns what was said later about bypasses, by the ids of their entries.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn explanations(
        &self,
        repo: &Repo,
        tips: Tips<'_>,
    ) -> anyhow::Result<BTreeMap<String, Vec<Explained>>> {
        let (mut notes, mut wanted) = (Vec::new(), HashSet::new());
        read_again(repo, self.all.iter().filter(|it| it.is_explanation), |it, entry, _| {
            wanted.insert(it.id.clone());
            notes.push(entry);
            Ok(())
        })?;
        let Some(tip) = tips(evidence_branch(&self.last.state.evidence)?)? else {
            return Ok(BTreeMap::new());
        };
        Ok(explanations(repo, &evidence_of(repo, tip, wanted)?, &notes))
    }
}

impl Listed {
    /// Returns an entry in short, of a ledger with this last one.
    fn of(commit: Oid, entry: &Entry, last: &Entry) -> Self {
        let it = &entry.statement.predicate;
        let covers = it.merge.as_ref().zip(it.base.as_ref()).and_then(|(merge, base)| {
            let place = last.state.bases.keys().position(|name| *name == base.name)?;
            Some((place, oid(&merge.covers.to).ok()?))
        });
        Listed {
            commit,
            id: entry.id.clone(),
            index: entry.index,
            kind: it.kind,
            recorded_at: it.recorded_at,
            covers,
            is_explanation: is_explanation(entry),
        }
    }
}

/// Reads entries again, and hands each over with the signatures of the service that sealed it.
///
/// # Errors
/// When one can't be read, or as `take`.
pub fn read_again<'e>(
    repo: &Repo,
    entries: impl IntoIterator<Item = &'e Listed>,
    mut take: impl FnMut(&'e Listed, Entry, Option<Seal>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut entries = entries.into_iter().peekable();
    while entries.peek().is_some() {
        let chunk: Vec<_> = entries.by_ref().take(CHUNK).collect();
        let commits: Vec<_> = chunk.iter().map(|listed| listed.commit).collect();
        for (listed, recorded) in chunk.into_iter().zip(read_all(&repo.folder(), &commits)?) {
            take(listed, recorded.entry?, recorded.seal)?;
        }
    }
    Ok(())
}
