//! Takes out of the evidence what a change of the policies says must not be there any longer, and
//! records that.
//!
//! ```text
//! change of policies, merged ─▶ the digests that it adds to the table of erasures
//!   ─▶ the entries that rest on them ─▶ evidence without those files, on a branch of its own
//!                                    ─▶ the note: erasure
//! ```
//!
//! Nothing is rewritten in place: the note makes the ledger name the new branch, and then somebody can
//! delete the old one. Who writes and who guards call the same functions.

use std::collections::HashSet;

use anyhow::{Context as _, anyhow, ensure};

use super::record::{Log, Record, Recorder, entry, tip};
use crate::content::short;
use crate::core::digest::Digest;
use crate::core::layout::{POLICIES, table};
use crate::core::org::Erasure;
use crate::core::record::entry::Entry;
use crate::core::record::parts::{About, Note, ObjectId};
use crate::core::record::statement::{Kind, Predicate, Statement};
use crate::core::yaml;
use crate::git::{self, Oid, Repo};
use crate::ledger::{self, object_id, oid};

/// What an erasure takes out of the evidence.
#[derive(Clone, Debug, Default)]
pub struct Erased {
    /// The entries that rest on it, oldest first.
    pub entries: Vec<Digest>,
    /// The files, by Git's ids.
    pub blobs: HashSet<Oid>,
}

/// Returns the table of erasures at a commit; empty if there is none, or none that can be read.
///
/// # Errors
/// When the repository can't be read.
pub fn table_at(repo: &Repo, commit: Oid) -> anyhow::Result<Vec<Erasure>> {
    let Some(file) = repo.entry(commit, &table("erasures"))? else { return Ok(Vec::new()) };
    Ok(yaml::parse(&repo.bytes(file.id)?).read().value.unwrap_or_default())
}

/// Returns the digests that an entry allows to be erased: those that the change of policies which it
/// merged brought into the table, as far as they are still there at the commit `base`.
///
/// # Errors
/// When the repository can't be read.
fn allowed(repo: &Repo, merged: &Entry, base: Oid) -> anyhow::Result<HashSet<Digest>> {
    let it = &merged.statement.predicate;
    let (Kind::Merge, Some(None), Some(merge)) = (it.kind, &it.change, &it.merge) else {
        return Ok(HashSet::new());
    };
    let commit = repo.commit(oid(&merge.covers.to)?)?;
    let digests = |commit: Oid| -> anyhow::Result<HashSet<Digest>> {
        Ok(table_at(repo, commit)?.into_iter().map(|it| it.digest).collect())
    };
    let before = commit.parents.first().map(|parent| digests(*parent)).transpose()?;
    let before = before.unwrap_or_default();
    let (brought, kept) = (digests(commit.id)?, digests(base)?);
    Ok(brought.into_iter().filter(|it| !before.contains(it) && kept.contains(it)).collect())
}

impl Erased {
    /// Returns what the change of policies that an entry merged allows to be taken out, if it is
    /// among these entries: nothing if it allows nothing.
    ///
    /// # Errors
    /// When the repository can't be read.
    pub fn by<'e>(
        repo: &Repo,
        merged: &Entry,
        base: Oid,
        entries: impl IntoIterator<Item = &'e Entry>,
    ) -> anyhow::Result<Self> {
        let digests = allowed(repo, merged, base)?;
        let mut erased = Erased::default();
        if !digests.is_empty() {
            entries.into_iter().for_each(|entry| erased.add(entry, &digests));
        }
        Ok(erased)
    }

    /// Adds an entry if it rests on one of the digests.
    fn add(&mut self, entry: &Entry, digests: &HashSet<Digest>) {
        let material = entry.statement.predicate.material.iter();
        let blobs = material.filter(|it| it.withheld.is_none() && digests.contains(&it.sha256.0));
        let blobs: Vec<_> = blobs.filter_map(|it| oid(&it.git_blob).ok()).collect();
        if !blobs.is_empty() {
            self.entries.push(entry.id.clone());
            self.blobs.extend(blobs);
        }
    }
}

/// Makes the record of an erasure, which the change that the entry `approved_by` merged allows.
/// `base_ref` and `base` name the table that it follows.
///
/// # Errors
/// When the repository can't be read.
pub fn of_erasure(
    repo: &Repo,
    (base_ref, base): (&str, Oid),
    erased: &Erased,
    approved_by: &Digest,
    log: &Log,
    recorder: Recorder<'_>,
) -> anyhow::Result<Record> {
    let note = Note {
        about: About::Erasure,
        entries: erased.entries.clone(),
        by: recorder.login()?,
        approved_by: Some(approved_by.clone()),
    };
    let note = Some(note);
    let predicate = Predicate { note, ..entry(Kind::Note, (base_ref, base), log, recorder) };
    let statement = Statement::new(vec![tip(&repo.commit(base)?)], predicate);
    Ok(Record { statement, files: Vec::new(), policies: None })
}

/// Makes the commits of a branch of evidence once more, without some files: with the same messages and
/// dates, one behind the other. Returns the new tip.
///
/// # Errors
/// When the repository can't be read or written.
pub fn expunged(repo: &Repo, evidence: Oid, blobs: &HashSet<Oid>) -> anyhow::Result<Oid> {
    let mut line = repo.first_parents(evidence)?;
    line.reverse();
    let mut parent = None;
    for commit in line {
        let held = repo.commit(commit)?;
        let gone = files(repo, commit, blobs)?;
        let tree = match gone.is_empty() {
            true => held.tree,
            false => {
                repo.store_tree(Some(commit), gone.iter().map(|path| (path.as_str(), None)))?
            }
        };
        let bytes = repo.commit_bytes(commit)?;
        let bytes = String::from_utf8(bytes)
            .map_err(|_| anyhow!("{} isn't a commit of evidence", short(commit)))?;
        let who = bytes.find("author ").context("a commit without an author")?;
        let above = parent.map(|parent| format!("parent {parent}\n")).unwrap_or_default();
        let made = format!("tree {tree}\n{above}{}", &bytes[who..]);
        parent = Some(repo.store_commit(made.as_bytes())?);
    }
    parent.context("there is no evidence")
}

/// Returns the paths in a commit of evidence at which one of some files is. The policies in it are
/// those of the base, where they stay.
fn files(repo: &Repo, commit: Oid, blobs: &HashSet<Oid>) -> anyhow::Result<Vec<String>> {
    let mut all = Vec::new();
    for (name, entry) in repo.top_files(commit)? {
        match entry.kind {
            git::Kind::Folder if name == POLICIES => {}
            git::Kind::Folder => all.extend(repo.files_below(commit, &name)?),
            _ => all.push((name, entry)),
        }
    }
    let found = all.into_iter().filter(|(_, entry)| blobs.contains(&entry.id));
    Ok(found.map(|(name, _)| name).collect())
}

/// Returns the entries of the ledger with this tip, oldest first.
///
/// # Errors
/// When there is none, or when the repository can't be read.
pub fn entries(repo: &Repo, tip: Oid) -> anyhow::Result<Vec<Entry>> {
    let (mut entries, mut last): (Vec<Entry>, Option<ObjectId>) = (Vec::new(), None);
    for commit in ledger::line(repo, tip)? {
        if last.as_ref().is_some_and(|last| *last != object_id(commit)) {
            continue;
        }
        if let Ok(entry) = ledger::read(repo, commit)?.entry {
            last.clone_from(&entry.state.last);
            entries.push(entry);
        }
    }
    entries.reverse();
    ensure!(!entries.is_empty(), "the ledger holds no entry");
    Ok(entries)
}
