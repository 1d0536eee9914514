//! What entries rest on: stores it beside them, and finds what is needed of it.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{MaterialFile, NOBODY, object_id};
use crate::core::digest::Digest;
use crate::core::layout::POLICIES;
use crate::core::record::entry::Entry;
use crate::core::record::explanation::{EXPLANATION_FILE, Explained, Explanation};
use crate::core::record::parts::{About, Hex, Material};
use crate::core::time::Time;
use crate::git::{self, Kind, Oid, Repo, blob_id};

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

/// Stores the tree of the evidence of an entry: its material, and the policies that decided.
///
/// # Errors
/// When it can't be written.
pub fn evidence_tree(
    repo: &Repo,
    files: &[MaterialFile],
    policies: Option<Oid>,
) -> anyhow::Result<Oid> {
    let mut entries = Vec::new();
    for (name, bytes) in files {
        entries.push((name.as_str(), Some(git::Entry::file(repo.store(bytes)?))));
    }
    let folder = policies.map(|id| git::Entry { kind: Kind::Folder, id });
    entries.extend(folder.map(|folder| (POLICIES, Some(folder))));
    repo.store_tree(None, entries)
}

/// Returns the message of the commit with an entry's evidence.
pub fn evidence_message(id: &Digest) -> String {
    format!("{id}\n")
}

/// Makes the commit of an entry's evidence. It is nobody's, because it proves nothing by itself: the
/// statement names the digests of what it holds.
///
/// # Errors
/// When it can't be made.
pub fn commit_evidence(
    repo: &Repo,
    tree: Oid,
    parent: Option<Oid>,
    id: &Digest,
    at: Time,
) -> anyhow::Result<Oid> {
    super::unsigned(repo, (tree, parent), (NOBODY, at), &evidence_message(id))
}

/// Returns what a statement says of material, sorted by name.
pub fn material(files: &[MaterialFile]) -> Vec<Material> {
    let mut all: Vec<_> = files
        .iter()
        .map(|(name, bytes)| Material {
            name: name.clone(),
            sha256: Hex(Digest::of(bytes)),
            size: bytes.len() as u64,
            git_blob: object_id(blob_id(bytes)),
            withheld: None,
        })
        .collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}
