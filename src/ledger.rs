//! The ledger: a branch whose commits are the entries of the record, one each, and a branch with
//! what they rest on.
//!
//! A commit of the ledger holds exactly the files of its entry, and its message is made from them. A
//! commit that holds anything else is foreign, and so is one that nobody signed who may: it is passed
//! over, and counts for nothing.

use std::collections::HashSet;

use anyhow::{Context as _, anyhow, ensure};

use crate::core::record::entry::{
    CHECKPOINT_FILE, Entry, SIGNATURES_FILE, STATE_FILE, STATEMENT_FILE,
};
use crate::core::record::key::{PublicKey, ServiceKey};
use crate::core::record::parts::{CollectorKind, ObjectId};
use crate::core::record::seal::Seal;
use crate::core::record::seen::Seen;
use crate::core::record::state::State;
use crate::core::record::statement::Unreadable;
use crate::core::time::Time;
use crate::git::{self, Fresh, Oid, Program, Repo, Signature, tree_id};

mod back;
mod evidence;
mod plain;
pub mod store;

pub use back::{Flaws, Placed, back, read_all, read_back};
pub use evidence::{
    commit_evidence, evidence_message, evidence_of, evidence_tree, explanations, held,
    is_explanation, material,
};
pub use plain::{has_form, is_plain};

/// The prefix of the branches and tags with the record.
pub const AUDIT: &str = "audit/";

/// The branch with the entries.
pub const LEDGER: &str = "audit/ledger";

/// The most foreign commits with several parents that are looked through for the last entry.
const MOST_FOREIGN: usize = 10_000;

/// The name under which services and nobody in particular commit.
pub const NOBODY: &str = "changegate";

/// A file that an entry rests on: its name and its content.
pub type MaterialFile = (String, Vec<u8>);

/// A commit of the ledger's branch.
pub struct Recorded {
    /// The commit.
    pub commit: Oid,
    /// The entry that it holds, or why it is foreign.
    pub entry: Result<Entry, Unreadable>,
    /// The signatures of the service that sealed it.
    pub seal: Option<Seal>,
    /// The commit's tree, if its files are, byte for byte, those of the entry with its seal.
    pub tree: Option<Oid>,
}

/// Who signs an entry.
#[derive(Clone, Copy, Debug)]
pub enum Signer<'a> {
    /// Nobody: the commit is in this name.
    Nobody(&'a str),
    /// The person with this login, by a commit signed with the key that Git has.
    Person(&'a str),
    /// A service: its key signs statement, checkpoint and commit.
    Service(&'a ServiceKey),
}

impl<'a> Signer<'a> {
    /// Returns the person with this login, who signs if `signs`.
    pub fn person(login: &'a str, signs: bool) -> Self {
        if signs { Signer::Person(login) } else { Signer::Nobody(login) }
    }
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

impl Tip {
    /// Returns the index of the next entry, behind the note about the foreign commits above the last
    /// one, if there are any.
    pub fn next(&self) -> u64 {
        self.entry.index + 1 + u64::from(self.last.is_some())
    }

    /// Whether the last entry was written on GitHub, where reviews are that Git doesn't hold.
    pub fn is_of_github(&self) -> bool {
        let kind = self.entry.statement.predicate.collector.kind;
        matches!(kind, CollectorKind::Action | CollectorKind::App | CollectorKind::Cli)
    }
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

/// Returns the newest commit of a first-parent line that says that its maker saw a ledger, and what
/// they saw.
///
/// # Errors
/// When the repository can't be read.
pub fn seen_on(repo: &Repo, tip: Oid) -> anyhow::Result<Option<(Oid, Seen)>> {
    // Of a shallow clone, what was fetched is looked through.
    for commit in back(repo, tip) {
        let Ok(commit) = commit else { break };
        if let Some(seen) = Seen::in_message(&repo.commit(commit)?.message) {
            return Ok(Some((commit, seen)));
        }
    }
    Ok(None)
}

/// Reads a commit of the ledger.
///
/// # Errors
/// When the repository can't be read.
pub fn read(repo: &Repo, commit: Oid) -> anyhow::Result<Recorded> {
    let foreign = |why: &str| {
        let entry = Err(Unreadable::Malformed(why.to_owned()));
        Ok(Recorded { commit, entry, seal: None, tree: None })
    };
    let held = repo.commit(commit)?;
    if held.parents.len() > 1 {
        return foreign("it has several parents");
    }
    let files = repo.top_files(commit)?;
    let names: Vec<_> = files.iter().map(|(name, _)| name.as_str()).collect();
    let is_exact = matches!(
        names[..],
        [CHECKPOINT_FILE, STATEMENT_FILE, STATE_FILE]
            | [CHECKPOINT_FILE, STATEMENT_FILE, SIGNATURES_FILE, STATE_FILE]
    );
    if !is_exact || held.tree != tree_id(files.iter().map(|(name, file)| (name.as_str(), file.id)))
    {
        return foreign("it doesn't hold exactly the files of an entry");
    }
    let bytes = |index: usize| repo.bytes(files[index].1.id);
    let (statement, checkpoint, state) = (bytes(1)?, bytes(0)?, bytes(files.len() - 1)?);
    let (Ok(checkpoint), Ok(state)) = (String::from_utf8(checkpoint), String::from_utf8(state))
    else {
        return foreign("checkpoint or state isn't text");
    };
    let entry = match Entry::read(&statement, &checkpoint, &state) {
        Ok(entry) => entry,
        Err(error) => return Ok(Recorded { commit, entry: Err(error), seal: None, tree: None }),
    };
    if files.len() == 3 {
        return match checkpoint == entry.checkpoint() {
            true => Ok(Recorded { commit, entry: Ok(entry), seal: None, tree: Some(held.tree) }),
            false => foreign("its checkpoint is signed, or longer, and its statement isn't signed"),
        };
    }
    let signatures = bytes(2)?;
    let seal = match service_key(repo, commit) {
        Some(key) => Seal::read(&entry, (key, &statement), &signatures, checkpoint.as_bytes()),
        None => Err("its statement is signed, and its commit isn't signed by a service".to_owned()),
    };
    match seal {
        Ok(seal) => {
            let is_exact = seal.is_written_as(&signatures, &checkpoint);
            let tree = is_exact.then_some(held.tree);
            Ok(Recorded { commit, entry: Ok(entry), seal: Some(seal), tree })
        }
        Err(why) => foreign(&why),
    }
}

/// Returns the key that signed a commit, if it is one that a service can have.
fn service_key(repo: &Repo, commit: Oid) -> Option<PublicKey> {
    match repo.signature(commit) {
        Signature::By(key) => PublicKey::try_from(&key).ok(),
        _ => None,
    }
}

/// Returns what the next entry is put behind, on a branch with this tip: the last entry, whatever
/// foreign commits are above it.
///
/// # Errors
/// When there is no entry, when the last one is of a newer format, or when the repository can't be
/// read.
pub fn tip(repo: &Repo, tip: Oid) -> anyhow::Result<Tip> {
    tip_that(repo, tip, &|_| Ok(true))
}

/// Returns what the next entry is put behind as [`tip`] does, among the entries that count.
///
/// # Errors
/// As [`tip`], and when it can't be said whether one counts.
pub fn tip_that(
    repo: &Repo,
    tip: Oid,
    counts: &dyn Fn(&Recorded) -> anyhow::Result<bool>,
) -> anyhow::Result<Tip> {
    let mut commit = tip;
    loop {
        let last = (commit != tip).then_some(commit);
        let recorded = read(repo, commit)?;
        let is_passed_over = recorded.entry.is_ok() && !counts(&recorded)?;
        match recorded.entry {
            Ok(entry) if !is_passed_over => return Ok(Tip { commit: tip, entry, last }),
            Err(error @ Unreadable::Newer(_)) => {
                return Err(error).with_context(|| format!("cannot continue {LEDGER}"));
            }
            _ => {}
        }
        commit = before(repo, commit)?.with_context(|| {
            format!("{LEDGER} holds no entry: it isn't a ledger of this format")
        })?;
    }
}

/// Returns the log as it was with this number of entries; `None` if it never was.
///
/// # Errors
/// When the repository can't be read.
pub fn seen_at(repo: &Repo, tip: Oid, size: u64) -> anyhow::Result<Option<Seen>> {
    Ok(entry_at(repo, tip, size)?.map(|(_, entry)| entry.seen()))
}

/// Returns the entry with which the ledger had a size, and its commit; `None` if it never had.
///
/// # Errors
/// When the repository can't be read.
pub fn entry_at(repo: &Repo, tip: Oid, size: u64) -> anyhow::Result<Option<(Oid, Entry)>> {
    let mut next = Some(tip);
    while let Some(commit) = next {
        if let Ok(entry) = read(repo, commit)?.entry
            && entry.index < size
        {
            return Ok(Some((commit, entry)).filter(|(_, entry)| entry.index + 1 == size));
        }
        next = before(repo, commit)?;
    }
    Ok(None)
}

/// Returns the commits of the ledger's branch, the newest first.
///
/// # Errors
/// When the repository can't be read.
pub fn line(repo: &Repo, tip: Oid) -> anyhow::Result<Vec<Oid>> {
    line_since(repo, tip, None)
}

/// Returns the commits of the ledger's branch after one of them, the newest first.
///
/// # Errors
/// When the repository can't be read.
pub fn line_since(repo: &Repo, tip: Oid, since: Option<Oid>) -> anyhow::Result<Vec<Oid>> {
    let (mut line, mut fresh, mut next) = (Vec::new(), Fresh::of(repo), Some(tip));
    while let Some(commit) = next.filter(|commit| Some(*commit) != since) {
        line.push(commit);
        next = before(fresh.get()?, commit)?;
    }
    Ok(line)
}

/// Returns the commit before another one in the ledger: its parent. A foreign commit can have several:
/// the line goes on with the one behind which the latest entry is.
fn before(repo: &Repo, commit: Oid) -> anyhow::Result<Option<Oid>> {
    let parents = repo.commit(commit)?.parents;
    let mut chosen = parents.first().copied();
    let mut latest = None;
    if parents.len() > 1 {
        for parent in parents {
            let index = latest_index(repo, parent)?;
            if index > latest {
                (chosen, latest) = (Some(parent), index);
            }
        }
    }
    Ok(chosen)
}

/// Returns the largest index of the entries to which a commit leads by foreign ones alone.
fn latest_index(repo: &Repo, commit: Oid) -> anyhow::Result<Option<u64>> {
    let (mut seen, mut next) = (HashSet::new(), vec![commit]);
    let mut latest = None;
    while let Some(commit) = next.pop() {
        if !seen.insert(commit) {
            continue;
        }
        ensure!(seen.len() <= MOST_FOREIGN, "too many foreign commits on {LEDGER} to look through");
        match read(repo, commit)?.entry {
            Ok(entry) => latest = latest.max(Some(entry.index)),
            Err(_) => next.extend(repo.commit(commit)?.parents),
        }
    }
    Ok(latest)
}

/// Makes the commit of an entry behind `parent`. Only a person's takes a program of Git's, which has the
/// key.
///
/// # Errors
/// When it can't be made.
pub fn commit(
    repo: &Repo,
    program: &Program,
    entry: &Entry,
    parent: Option<Oid>,
    signer: Signer<'_>,
) -> anyhow::Result<Oid> {
    let (at, message) = (entry.statement.predicate.recorded_at, entry.message());
    match signer {
        Signer::Nobody(who) => {
            unsigned(repo, (entry_tree(repo, entry)?, parent), (who, at), &message)
        }
        Signer::Person(who) => {
            let program = program.clone().as_person(who, who).dated(at);
            let parents: Vec<_> = parent.into_iter().collect();
            program.commit(entry_tree(repo, entry)?, &parents, &message, true)
        }
        Signer::Service(key) => {
            let seal = Seal::by(key, entry).map_err(|why| anyhow!(why))?;
            let header = header((store(repo, &seal.files(entry))?, parent), (NOBODY, at));
            let signature = key.sign_commit(format!("{header}\n{message}").as_bytes());
            let signature = signature.replace('\n', "\n ");
            repo.store_commit(format!("{header}gpgsig {signature}\n\n{message}").as_bytes())
        }
    }
}

/// Makes a commit that nobody signs.
fn unsigned(
    repo: &Repo,
    place: (Oid, Option<Oid>),
    who_and_when: (&str, Time),
    message: &str,
) -> anyhow::Result<Oid> {
    repo.store_commit(format!("{}\n{message}", header(place, who_and_when)).as_bytes())
}

/// Returns the header of a commit with a tree, behind a parent, in a name.
fn header((tree, parent): (Oid, Option<Oid>), (who, at): (&str, Time)) -> String {
    let mut header = format!("tree {tree}\n");
    if let Some(parent) = parent {
        header += &format!("parent {parent}\n");
    }
    for role in ["author", "committer"] {
        header += &format!("{role} {who} <{who}> {} +0000\n", at.utc().timestamp());
    }
    header
}

/// Stores the tree of an entry without signatures.
///
/// # Errors
/// When it can't be written.
pub fn entry_tree(repo: &Repo, entry: &Entry) -> anyhow::Result<Oid> {
    store(repo, &entry.files())
}

/// Stores a tree of files.
fn store(repo: &Repo, files: &[(&str, Vec<u8>)]) -> anyhow::Result<Oid> {
    let mut entries = Vec::new();
    for (name, bytes) in files {
        entries.push((*name, Some(git::Entry::file(repo.store(bytes)?))));
    }
    repo.store_tree(None, entries)
}

/// Returns what holds after the last entry, or before the first.
pub fn state(tip: Option<&Tip>) -> State {
    tip.map(|tip| tip.entry.state.clone()).unwrap_or_default()
}
