//! Finds what entries rest on, where not all of it is needed.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::core::digest::Digest;
use crate::core::record::entry::Entry;
use crate::core::record::explanation::{EXPLANATION_FILE, Explained, Explanation};
use crate::core::record::parts::{About, Hex};
use crate::git::{Oid, Repo};

/// Returns the commits with the evidence of these entries, on the branch with this tip, as far as it
/// holds them. The newest are found first.
///
/// # Errors
/// When the repository can't be read.
pub fn evidence_of(
    repo: &Repo,
    tip: Oid,
    mut wanted: HashSet<Digest>,
) -> anyhow::Result<HashMap<Digest, Oid>> {
    let mut found = HashMap::new();
    let mut next = Some(tip);
    while let Some(id) = next.filter(|_| !wanted.is_empty()) {
        let commit = repo.commit(id)?;
        if let Some(entry) = commit.message.trim_end().parse().ok().and_then(|it| wanted.take(&it))
        {
            found.insert(entry, id);
        }
        next = commit.parents.first().copied();
    }
    Ok(found)
}

/// Returns the file of this name that an entry rests on, if its evidence holds what the entry says.
pub fn held(repo: &Repo, evidence: Oid, entry: &Entry, name: &str) -> Option<Vec<u8>> {
    let named = entry.statement.predicate.material.iter().find(|it| it.name == name)?;
    let bytes = repo.bytes(repo.entry(evidence, name).ok()??.id).ok()?;
    (Hex(Digest::of(&bytes)) == named.sha256).then_some(bytes)
}

/// Whether an entry says why something went around the gate.
pub fn is_explanation(entry: &Entry) -> bool {
    let note = entry.statement.predicate.note.as_ref();
    note.is_some_and(|note| note.about == About::Explanation)
}

/// Returns what entries say about bypasses, by the ids of those, as far as the evidence holds it.
pub fn explanations<'e>(
    repo: &Repo,
    evidence: &HashMap<Digest, Oid>,
    entries: impl IntoIterator<Item = &'e Entry>,
) -> BTreeMap<String, Vec<Explained>> {
    let mut found: BTreeMap<String, Vec<Explained>> = BTreeMap::new();
    for entry in entries.into_iter().filter(|entry| is_explanation(entry)) {
        let it = &entry.statement.predicate;
        let file = evidence.get(&entry.id);
        let file = file.and_then(|commit| held(repo, *commit, entry, EXPLANATION_FILE));
        let said = file.and_then(|bytes| Explanation::read(&bytes).ok());
        let (Some(Explanation { text, who }), Some(note)) = (said, &it.note) else { continue };
        let (index, at, by) = (entry.index, it.recorded_at, note.by.clone());
        let said = Explained { index, at, by, who, text };
        for id in &note.entries {
            found.entry(id.to_string()).or_default().push(said.clone());
        }
    }
    found
}
