//! The ledger: a branch whose commits are the entries of the record, one each, and a branch with
//! what they rest on.
//!
//! A commit of the ledger holds exactly the files of its entry, and its message is made from them. A
//! commit that holds anything else is foreign: it is passed over, and counts for nothing.

use anyhow::Context as _;

use crate::core::digest::Digest;
use crate::core::layout::POLICIES;
use crate::core::record::entry::{
    CHECKPOINT_FILE, Entry, SIGNATURES_FILE, STATE_FILE, STATEMENT_FILE,
};
use crate::core::record::parts::{Hex, Material, ObjectId};
use crate::core::record::seen::Seen;
use crate::core::record::state::State;
use crate::core::record::statement::Unreadable;
use crate::core::time::Time;
use crate::git::{self, Kind, Oid, Program, Repo, blob_id};

/// The branch with the entries.
pub const LEDGER: &str = "audit/ledger";

/// The name under which nobody in particular commits.
const NOBODY: &str = "changegate";

/// A file that an entry rests on: its name and its content.
pub type MaterialFile = (String, Vec<u8>);

/// A commit of the ledger's branch.
pub struct Recorded {
    /// The commit.
    pub commit: Oid,
    /// The entry that it holds, or why it is foreign.
    pub entry: Result<Entry, Unreadable>,
}

/// What the next entry is put behind.
#[derive(Debug)]
pub struct Tip {
    /// The branch's tip.
    pub commit: Oid,
    /// The last entry.
    pub entry: Entry,
    /// The last entry's commit, if the tip isn't one.
    pub last: Option<Oid>,
}

/// Returns an id of Git's as the record writes it.
pub fn object_id(id: Oid) -> ObjectId {
    ObjectId::try_from(id.to_string()).expect("Git's ids are hexadecimal digits")
}

/// Returns the id of Git's that the record writes.
///
/// # Errors
/// Never for the id of an object.
pub fn oid(id: &ObjectId) -> anyhow::Result<Oid> {
    Oid::from_str(&id.to_string()).with_context(|| format!("`{id}` is not an id of Git's"))
}

/// Reads a commit of the ledger.
///
/// # Errors
/// When the repository can't be read.
pub fn read(repo: &Repo, commit: Oid) -> anyhow::Result<Recorded> {
    let mut found = [None, None, None];
    let mut is_strange = repo.commit(commit)?.parents.len() > 1;
    for (name, file) in repo.top_files(commit)? {
        let place = match name.as_str() {
            STATEMENT_FILE => 0,
            CHECKPOINT_FILE => 1,
            STATE_FILE => 2,
            SIGNATURES_FILE => {
                is_strange |= file.kind != Kind::File;
                continue;
            }
            _ => {
                is_strange = true;
                continue;
            }
        };
        is_strange |= file.kind != Kind::File;
        found[place] = Some(file.id).filter(|_| file.kind == Kind::File);
    }
    let foreign = |why: &str| Err(Unreadable::Malformed(why.to_owned()));
    let entry = match found {
        [Some(statement), Some(checkpoint), Some(state)] if !is_strange => {
            let text = |id| String::from_utf8(repo.bytes(id)?).context("it isn't text");
            match (text(checkpoint), text(state)) {
                (Ok(checkpoint), Ok(state)) => {
                    Entry::read(&repo.bytes(statement)?, &checkpoint, &state)
                }
                _ => foreign("checkpoint or state isn't text"),
            }
        }
        _ => foreign("it doesn't hold exactly the files of an entry"),
    };
    Ok(Recorded { commit, entry })
}

/// Returns what the next entry is put behind, on a branch with this tip: the last entry, whatever
/// foreign commits are above it.
///
/// # Errors
/// When there is no entry, when the last one is of a newer format, or when the repository can't be
/// read.
pub fn tip(repo: &Repo, tip: Oid) -> anyhow::Result<Tip> {
    let mut commit = tip;
    loop {
        let last = (commit != tip).then_some(commit);
        match read(repo, commit)?.entry {
            Ok(entry) => return Ok(Tip { commit: tip, entry, last }),
            Err(error @ Unreadable::Newer(_)) => {
                return Err(error).with_context(|| format!("cannot continue {LEDGER}"));
            }
            Err(_) => {}
        }
        let parents = repo.commit(commit)?.parents;
        commit = *parents.first().with_context(|| {
            format!("{LEDGER} holds no entry: it isn't a ledger of this format")
        })?;
    }
}

/// Returns the log as it was with this number of entries; `None` if it never was.
///
/// # Errors
/// When the repository can't be read.
pub fn seen_at(repo: &Repo, tip: Oid, size: u64) -> anyhow::Result<Option<Seen>> {
    let mut next = Some(tip);
    while let Some(commit) = next {
        if let Ok(entry) = read(repo, commit)?.entry {
            let seen = entry.seen();
            if seen.size <= size {
                return Ok(Some(seen).filter(|seen| seen.size == size));
            }
        }
        next = repo.commit(commit)?.parents.first().copied();
    }
    Ok(None)
}

/// Makes the commit of an entry behind `parent`, in the name of `who`, or of nobody. It is signed
/// with the user's key if `sign`.
///
/// # Errors
/// When it can't be made.
pub fn commit(
    repo: &Repo,
    program: &Program,
    entry: &Entry,
    parent: Option<Oid>,
    who: &str,
    sign: bool,
) -> anyhow::Result<Oid> {
    let at = entry.statement.predicate.recorded_at;
    let program = program.clone().as_person(who, who).dated(at);
    let parents: Vec<_> = parent.into_iter().collect();
    program.commit(entry_tree(repo, entry)?, &parents, &entry.message(), sign)
}

/// Whether a commit is, byte for byte, that of an entry behind `parents` by `who`, signed or not.
///
/// # Errors
/// When the repository can't be read.
pub fn is_plain(
    repo: &Repo,
    commit: Oid,
    parents: &[Oid],
    entry: &Entry,
    who: &str,
) -> anyhow::Result<bool> {
    let at = entry.statement.predicate.recorded_at.utc().timestamp();
    let committer = format!("\ncommitter {who} <{who}> {at} +0000\n");
    let bytes = String::from_utf8_lossy(&repo.commit_bytes(commit)?).into_owned();
    let header = bytes.split_once("\n\n").map_or(bytes.as_str(), |(header, _)| header);
    let tree = repo.commit(commit)?.tree;
    Ok(format!("{header}\n").contains(&committer)
        && repo.is_made_of(commit, tree, parents, &entry.message())?)
}

/// Stores the tree of an entry without signatures.
///
/// # Errors
/// When it can't be written.
pub fn entry_tree(repo: &Repo, entry: &Entry) -> anyhow::Result<Oid> {
    let mut files = Vec::new();
    for (name, bytes) in entry.files() {
        files.push((name, Some(git::Entry::file(repo.store(&bytes)?))));
    }
    repo.store_tree(None, files)
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
    program: &Program,
    tree: Oid,
    parent: Option<Oid>,
    id: &Digest,
    at: Time,
) -> anyhow::Result<Oid> {
    let program = program.clone().as_person(NOBODY, NOBODY).dated(at);
    let parents: Vec<_> = parent.into_iter().collect();
    program.commit(tree, &parents, &evidence_message(id), false)
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

/// Returns what holds after the last entry, or before the first.
pub fn state(tip: Option<&Tip>) -> State {
    tip.map(|tip| tip.entry.state.clone()).unwrap_or_default()
}
