//! Finds the entries that a person means, while the ledger is read: nothing else of it is kept.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::ControlFlow;

use anyhow::{Context as _, bail};

use super::case::{Kept, Tips, tip};
use crate::core::record::entry::Entry;
use crate::core::record::explanation::Explained;
use crate::core::record::statement::Statement;
use crate::gate::recording::evidence_branch;
use crate::git::{Oid, Repo};
use crate::ledger::{Placed, evidence_of, explanations, is_explanation, oid, read_back};

/// The fewest digits of an id that count as its beginning.
const FEWEST_DIGITS: usize = 7;

/// The number of digits of a whole id.
const ALL_DIGITS: usize = 64;

/// Entries that were found.
pub struct Found {
    /// They, oldest first.
    pub entries: Vec<Placed>,
    /// The last entry of the ledger.
    pub last: Entry,
    /// The tip of its branch.
    pub tip: Oid,
    /// What is kept of what the entries, and what was said about them, rest on.
    pub kept: Kept,
    /// What was said later about them, by their ids.
    pub explanations: BTreeMap<String, Vec<Explained>>,
    /// Why the ledger isn't what its entries say, as far as it was read.
    pub problem: Option<String>,
}

/// Returns the entries with this name: an index, an id or its beginning, a change, or a commit that an
/// entry is about, is in, or accounts for.
///
/// # Errors
/// When there is none, when it isn't clear which one is meant, or when the ledger can't be read.
pub fn find(repo: &Repo, tips: Tips<'_>, name: &str) -> anyhow::Result<Found> {
    crate::git::hash_what_is_read();
    let tip = tip(tips)?;
    let mut search = Search::of(name);
    let flaws = read_back(&repo.folder(), tip, |placed| search.take(&placed))?;
    search.end(repo, tips, tip, flaws.problem())
}

/// Looks for entries by a name.
pub struct Search<'n> {
    name: &'n str,
    index: Option<u64>,
    last: Option<Entry>,
    found: Vec<Placed>,
    of_change: Vec<Placed>,
    notes: Vec<Entry>,
}

impl<'n> Search<'n> {
    /// Begins to look for a name.
    pub fn of(name: &'n str) -> Self {
        let is_number = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
        let index = name.parse().ok().filter(|_| is_number);
        let (found, of_change, notes) = (Vec::new(), Vec::new(), Vec::new());
        Search { name, index, last: None, found, of_change, notes }
    }

    /// Returns the digits of an id or a commit that it can be the beginning of, and whether it can be an
    /// id alone.
    fn digits(&self) -> (&'n str, bool) {
        match self.name.strip_prefix("sha256:") {
            Some(digits) => (digits, true),
            None => (self.name, false),
        }
    }

    /// Takes the next entry of those that are read, the newest first. Breaks when no other can be meant.
    pub fn take(&mut self, placed: &Placed) -> ControlFlow<()> {
        let entry = &placed.entry;
        let last = self.last.get_or_insert_with(|| entry.clone()).index;
        if is_explanation(entry) {
            self.notes.push(entry.clone());
        }
        if let Some(index) = self.index.filter(|index| *index <= last) {
            if entry.index == index {
                self.found.push(placed.clone());
            }
            return if entry.index <= index {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            };
        }
        if is_about(&entry.statement, self.name) {
            self.of_change.push(placed.clone());
        }
        let (digits, is_id) = self.digits();
        let has_it = digits.len() >= FEWEST_DIGITS;
        let by_id = has_it && entry.id.to_string()["sha256:".len()..].starts_with(digits);
        if by_id || has_it && !is_id && is_named(placed, digits) {
            self.found.push(placed.clone());
        }
        if by_id && digits.len() == ALL_DIGITS {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    /// Returns what was found in the ledger with this tip.
    ///
    /// # Errors
    /// As [`find`].
    pub fn end(
        mut self,
        repo: &Repo,
        tips: Tips<'_>,
        tip: Oid,
        problem: Option<String>,
    ) -> anyhow::Result<Found> {
        let last = self.last.take().context("the ledger holds no entry of this format")?;
        let notes = std::mem::take(&mut self.notes);
        let mut entries = self.chosen(repo, tip, last.index)?;
        entries.reverse();
        let ids: HashSet<_> = entries.iter().map(|placed| placed.entry.id.clone()).collect();
        let about = |entry: &Entry| {
            let note = entry.statement.predicate.note.as_ref();
            note.is_some_and(|note| note.entries.iter().any(|id| ids.contains(id)))
        };
        let notes: Vec<_> = notes.into_iter().filter(about).collect();
        let wanted = ids.iter().cloned().chain(notes.iter().map(|entry| entry.id.clone()));
        let evidence = match tips(evidence_branch(&last.state.evidence)?)? {
            Some(tip) => evidence_of(repo, tip, wanted.collect())?,
            None => HashMap::new(),
        };
        let explanations = explanations(repo, &evidence, notes.iter().rev());
        let kept = Kept::of(repo, tip, &last.state.evidence, evidence)?;
        Ok(Found { entries, last, tip, kept, explanations, problem })
    }

    fn chosen(self, repo: &Repo, tip: Oid, last: u64) -> anyhow::Result<Vec<Placed>> {
        let (name, (digits, is_id)) = (self.name, self.digits());
        if self.index.is_some() && !self.found.is_empty() {
            return Ok(self.found);
        }
        if !self.of_change.is_empty() {
            return Ok(self.of_change);
        }
        let is_hex = digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let is_number = name.bytes().all(|byte| byte.is_ascii_digit()) && !name.is_empty();
        if is_number && digits.len() < FEWEST_DIGITS || !is_id && !is_hex {
            return Err(unknown(last, name));
        }
        if !is_hex || digits.len() < FEWEST_DIGITS {
            bail!(
                "`{name}` is not the beginning of an id: write at least {FEWEST_DIGITS} of its digits, 0 \
                 to 9 and a to f"
            );
        }
        match self.found.len() {
            0 if is_id => Err(unknown(last, name)),
            0 => Ok(vec![accounts_for(repo, tip, last, digits)?]),
            1 => Ok(self.found),
            count => bail!("`{name}` can mean {count} entries: write more of its digits"),
        }
    }
}

/// Whether a statement is about the change with this name.
fn is_about(statement: &Statement, name: &str) -> bool {
    let it = &statement.predicate;
    it.pull.as_ref().is_some_and(|pull| pull.name == name)
        || it.change.iter().flatten().any(|change| change.as_str() == name)
}

/// Whether digits begin the id of a commit that an entry names or is in.
fn is_named(placed: &Placed, digits: &str) -> bool {
    let it = &placed.entry.statement.predicate;
    let brought = it.merge.as_ref().map(|merge| merge.covers.to.to_string());
    let head = it.head.as_ref().map(ToString::to_string);
    let mut ids = [Some(placed.commit.to_string()), brought, head].into_iter().flatten();
    ids.any(|id| id.starts_with(digits))
}

/// Returns the entry whose range of a branch holds the commit that begins with these digits.
fn accounts_for(repo: &Repo, tip: Oid, last: u64, digits: &str) -> anyhow::Result<Placed> {
    let mut found = Vec::new();
    let mut failed = None;
    read_back(&repo.folder(), tip, |placed| {
        match holds(repo, &placed, digits) {
            Ok(count) => found.extend(std::iter::repeat_n(placed, count)),
            Err(error) => failed = Some(error),
        }
        if failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    match (found.len(), found.pop()) {
        (1, Some(one)) => Ok(one),
        (0, _) => Err(unknown(last, digits)),
        _ => bail!("`{digits}` can mean several commits: write more of its digits"),
    }
}

/// Returns the number of commits in an entry's range that begin with these digits.
fn holds(repo: &Repo, placed: &Placed, digits: &str) -> anyhow::Result<usize> {
    let Some(merge) = &placed.entry.statement.predicate.merge else { return Ok(0) };
    let (from, mut next) = (oid(&merge.covers.from)?, oid(&merge.covers.to)?);
    let mut count = 0;
    while next != from {
        count += usize::from(next.to_string().starts_with(digits));
        let Some(parent) = repo.parent(next)? else { break };
        next = parent;
    }
    Ok(count)
}

fn unknown(last: u64, name: &str) -> anyhow::Error {
    anyhow::anyhow!(
        "the ledger holds no entry `{name}`: name an index from 0 to {last}, an id `sha256:…`, a change \
         such as CHG-1234, or a commit on a protected branch; `changegate audit coverage` lists what \
         isn't recorded"
    )
}
