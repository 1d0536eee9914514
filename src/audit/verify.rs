//! Verifies a ledger: reads every entry, makes everything that follows from the others again, and
//! compares.
//!
//! ```text
//! line behind what was verified earlier ([`memory`])
//!   ─▶ each entry by itself, in parallel ([`entry`]) ─▶ in their order: tree, state, ranges
//!                                                    ─▶ anchors, coverage of the branches
//! ```

use std::collections::{HashMap, HashSet};
use std::path::Path;

use anyhow::bail;
use rayon::prelude::*;

use super::anchor::{Anchor, KnownKey};
use super::case::{Kept, Tips};
use super::{Finding, Step};
use crate::content::{SKEW, short};
use crate::core::digest::Digest;
use crate::core::record::entry::Entry;
use crate::core::record::note::{Note, VerifierKey};
use crate::core::record::parts::{About, Repository};
use crate::core::record::state::State;
use crate::core::record::statement::Unreadable;
use crate::core::record::tree::{Hash, Tree, leaf};
use crate::core::record::witness::{Cosigned, cosigned};
use crate::core::time::Time;
use crate::gate::judge::Judges;
use crate::git::{Oid, Repo};
use crate::ledger::{LEDGER, object_id};

mod branches;
mod claims;
pub(super) mod entry;
mod found;
mod memory;
mod notes;
mod service;
mod signing;

pub use found::{Bypass, Earlier, Gone, KeyChange, Replayed, SignedCounts, Verification, Witness};
pub use memory::Memory;
use memory::Part;

/// The number of entries that are in memory at a time.
const CHUNK: usize = 512;

/// Verifies the ledger of the repository at a folder, in which changes go to the branch `base_ref`:
/// behind what a memory holds, or else all of it. `advance` is called with the number of entries that
/// are done.
///
/// # Errors
/// When there is no ledger, or when the repository can't be read.
pub fn verify(
    folder: &Path,
    tips: Tips<'_>,
    base_ref: &str,
    judges: &Judges,
    (anchors, keys): (&[Anchor], &[KnownKey]),
    memory: Option<&Memory>,
    advance: &dyn Fn(usize, usize),
) -> anyhow::Result<Verification> {
    crate::git::hash_what_is_read();
    let repo = Repo::open(folder)?;
    let mut part = Part::of(&repo, tips, base_ref, memory)?;
    part.verify(folder, base_ref, judges, advance)?;
    if part.run.out.earlier.is_some() && !part.run.is_sound() {
        // What is wrong is said of the whole.
        part = Part::of(&repo, tips, base_ref, None)?;
        part.verify(folder, base_ref, judges, advance)?;
    }
    let Part { line, mut run, lost } = part;
    if run.out.newer.is_none() {
        run.lines(&repo, tips)?;
    }
    let memory = memory.filter(|_| run.is_sound() && run.is_plain() && !line.is_empty());
    let found = memory.map(|_| run.out.clone());
    let witnesses = witnesses(&repo, tips, base_ref, judges)?;
    run.anchors(anchors, &witnesses);
    run.anchors(lost.as_slice(), &witnesses);
    run.revoked();
    run.known(keys);
    if let Some((memory, found)) = memory.zip(found)
        && run.is_sound()
        && run.last.is_some()
    {
        // Without it, the next run only takes longer.
        let _ = memory.keep(&repo, base_ref, &run, found);
    }
    if run.out.newer.is_none() {
        run.coverage(&repo, tips, base_ref, judges)?;
        run.uncovered(&repo, tips, judges)?;
    }
    run.done()
}

/// Returns the keys of the witnesses that the settings on the base name.
fn witnesses(
    repo: &Repo,
    tips: Tips<'_>,
    base_ref: &str,
    judges: &Judges,
) -> anyhow::Result<Vec<VerifierKey>> {
    let judge = tips(base_ref)?.map(|tip| judges.at(repo, tip));
    // Where the policies can't be read, that is said already.
    let Some(Ok(judge)) = judge else { return Ok(Vec::new()) };
    Ok(judge.bundle().org.settings.ledger.witnesses().unwrap_or_default())
}

impl Part {
    /// Verifies its entries.
    fn verify(
        &mut self,
        folder: &Path,
        base_ref: &str,
        judges: &Judges,
        advance: &dyn Fn(usize, usize),
    ) -> anyhow::Result<()> {
        let Part { line, run, .. } = self;
        for (number, chunk) in line.chunks(CHUNK).enumerate() {
            let read = || Repo::open(folder);
            let evidence = &run.evidence;
            let checked: Vec<_> = chunk
                .par_iter()
                .map_init(read, |repo, commit| match repo {
                    Ok(repo) => Ok(entry::check(repo, judges, base_ref, *commit, evidence)),
                    Err(error) => bail!("{error:#}"),
                })
                .collect::<anyhow::Result<_>>()?;
            run.recall(folder, &checked)?;
            for entry in checked {
                run.follow(entry);
            }
            advance((number * CHUNK + chunk.len()).min(line.len()), line.len());
        }
        Ok(())
    }
}

/// Verifying, entry by entry.
#[derive(Default)]
struct Run {
    out: Verification,
    evidence: Kept,
    /// The leaves so far, for anchors.
    tree: Tree,
    state: State,
    /// The last entry's commit, and whether a foreign one came after it.
    last: Option<Oid>,
    is_broken: bool,
    /// The number of findings up to the last entry: those behind are about foreign commits.
    noted: usize,
    /// The newest commit with evidence of one of the entries.
    last_evidence: Option<Oid>,
    /// The leaves again: the digests of the statements.
    leaves: HashSet<Hash>,
    /// The commit of the last entry that was verified earlier.
    behind: Option<Oid>,
    /// The pull requests that entries are about, by the ids of the entries.
    pulls: HashMap<Digest, String>,
    /// Commits that have to be on the first-parent lines of these branches, with the entries that say
    /// so and their commits.
    on_lines: Vec<(String, Oid, Option<u64>, Oid)>,
    /// The places of bypasses among those found, by the ids of their entries.
    bypasses: HashMap<Digest, usize>,
    repository: Option<Repository>,
    services: signing::Services,
    recorded_at: Option<Time>,
}

impl Run {
    /// Whether nothing is wrong so far.
    fn is_sound(&self) -> bool {
        self.out.findings.is_empty() && self.out.newer.is_none()
    }

    fn finding(&mut self, step: Step, index: Option<u64>, commit: Oid, message: String) {
        let commit = Some(commit.to_string());
        self.out.findings.push(Finding { step, index, commit, message });
    }

    /// Takes the next commit of the line.
    fn follow(&mut self, checked: entry::Checked) {
        if self.out.newer.is_some() {
            // Nothing behind it can be held against what is before it.
            return;
        }
        let entry::Checked {
            commit,
            entry,
            findings,
            replay,
            seen,
            said,
            signing,
            on_lines,
            erased,
        } = checked;
        let entry = match entry {
            Ok(entry) => entry,
            Err(Unreadable::Newer(format)) => {
                let what = format!("{} is of format {format}", short(commit));
                self.out.newer.get_or_insert(what);
                return;
            }
            Err(error) => {
                let why = format!("the commit holds no entry, and counts for nothing: {error}");
                let findings = Some(findings).filter(|findings| !findings.is_empty());
                for (step, why) in findings.unwrap_or_else(|| vec![(Step::Line, why)]) {
                    self.finding(step, None, commit, why);
                }
                self.is_broken = true;
                return;
            }
        };
        let index = Some(entry.index);
        for (step, message) in findings {
            self.finding(step, index, commit, message);
        }
        for (witness, seen) in seen {
            if self.tree.root_at(seen.size) == Some(seen.root) {
                self.out.anchors += 1;
            } else {
                let why = format!(
                    "its maker saw a ledger of {} entries that this one never was: it was rewritten",
                    seen.size
                );
                self.finding(Step::Anchors, index, witness, why);
            }
        }
        self.signed(commit, &entry, signing);
        self.notes_foreign(commit, &entry);
        self.place(commit, &entry);
        let it = &entry.statement.predicate;
        self.on_lines.extend(on_lines.into_iter().map(|(branch, on)| (branch, on, index, commit)));
        let pull = it.pull.as_ref().map(|pull| pull.name.clone()).unwrap_or_default();
        if let Some(Some(previous)) = &it.previous
            && self.pulls.get(previous) != Some(&pull)
        {
            let why =
                "the entry before it that it names isn't one about its pull request".to_owned();
            self.finding(Step::Coverage, index, commit, why);
        }
        self.pulls.insert(entry.id.clone(), pull);
        if let (Some(merge), Some(base)) = (&it.merge, &it.base)
            && let Some(because) = merge.because
        {
            self.bypasses.insert(entry.id.clone(), self.out.bypasses.len());
            self.out.bypasses.push(Bypass {
                index: entry.index,
                entry: entry.id.to_string(),
                commit: merge.covers.to.to_string(),
                branch: base.name.clone(),
                because: because.to_string(),
                by: merge.by.clone(),
                explanations: Vec::new(),
            });
        }
        if it.note.as_ref().is_some_and(|note| note.about == About::Explanation) {
            self.explained(commit, &entry, said, erased.is_empty());
        }
        *self.out.kinds.entry(it.kind.to_string()).or_default() += 1;
        if let Some(add) = replay {
            add(&mut self.out.replayed);
        }
        let index = entry.index;
        self.out.erased.extend(erased.into_iter().map(|(name, by)| Gone { index, name, by }));
    }

    /// Holds an entry against those before it.
    fn place(&mut self, commit: Oid, entry: &Entry) {
        let it = &entry.statement.predicate;
        let index = Some(entry.index);
        if self.out.entries == 0 {
            self.out.origin.clone_from(&it.origin);
            self.repository = Some(it.repository.clone());
            self.out.from = Some(it.recorded_at);
        } else if it.origin != self.out.origin {
            let why = format!("the entry belongs to another log, {}", it.origin);
            self.finding(Step::Statement, index, commit, why);
        }
        if self.repository.as_ref() != Some(&it.repository) {
            let why = format!("the entry is about another repository, {}", it.repository.uri);
            self.finding(Step::Statement, index, commit, why);
        }
        let leaf = leaf(&entry.statement.bytes());
        if !self.leaves.insert(leaf) {
            let why = "the same statement is recorded a second time".to_owned();
            self.finding(Step::Statement, index, commit, why);
        }
        let last = self.last.filter(|_| self.is_broken).map(object_id);
        let expected = Entry::behind(&self.state, entry.statement.clone(), last);
        match expected {
            Ok(expected) if expected == *entry => {}
            Ok(_) => {
                let why = "state or checkpoint isn't what follows from the entries before it: \
                           an entry was removed, added or changed"
                    .to_owned();
                self.finding(Step::Tree, index, commit, why);
            }
            Err(why) => {
                let step = if it.merge.is_some() { Step::Coverage } else { Step::Tree };
                self.finding(step, index, commit, format!("the entry can't follow here: {why}"));
            }
        }
        if self.recorded_at.is_some_and(|before| it.recorded_at + SKEW < before) {
            let why = "it is dated before the entry that it follows: one of the two clocks was \
                       wrong"
                .to_owned();
            self.finding(Step::Time, index, commit, why);
        }
        self.tree.push(leaf);
        self.last_evidence = self.evidence.commits.get(&entry.id).copied().or(self.last_evidence);
        self.state = entry.state.clone();
        self.recorded_at = Some(it.recorded_at);
        (self.last, self.is_broken) = (Some(commit), false);
        self.noted = self.out.findings.len();
        self.out.entries += 1;
        self.out.to = Some(it.recorded_at);
    }

    /// Holds checkpoints from outside against the tree.
    fn anchors(&mut self, anchors: &[Anchor], witnesses: &[VerifierKey]) {
        for Anchor { name, checkpoint: it, note } in anchors {
            let known = self.tree.root_at(it.size);
            let problem = if it.origin.to_string() != self.out.origin {
                Some(format!("is of another log, {}", it.origin))
            } else if known.is_none() {
                Some("is of a longer log: entries were removed from this one".to_owned())
            } else if known != Some(it.root) {
                Some("is of a log with other entries: this one was rewritten".to_owned())
            } else {
                None
            };
            match problem {
                None => {
                    self.out.anchors += 1;
                    self.cosigned(name, note, witnesses);
                }
                Some(why) => self.out.findings.push(Finding {
                    step: Step::Anchors,
                    index: it.size.checked_sub(1),
                    commit: None,
                    message: format!("the checkpoint {name} {why}"),
                }),
            }
        }
    }

    /// Takes who of the witnesses cosigned a checkpoint that the log continues.
    fn cosigned(&mut self, name: &str, note: &Note, witnesses: &[VerifierKey]) {
        match cosigned(note, witnesses) {
            Ok(found) => {
                let found = found.into_iter().map(|Cosigned { by, at }| Witness { by, at });
                let newest = found.chain(self.out.witnessed.take()).max_by_key(|it| it.at);
                self.out.witnessed = newest;
            }
            Err(why) => self.out.findings.push(Finding {
                step: Step::Anchors,
                index: None,
                commit: None,
                message: format!("the checkpoint {name} can't be relied on: {why}"),
            }),
        }
    }

    fn done(mut self) -> anyhow::Result<Verification> {
        if self.out.entries == 0 && self.out.newer.is_none() {
            bail!("{LEDGER} holds no entry of this format");
        }
        self.out.root = self.state.tree.root().to_string();
        self.out.findings.sort_by_key(|finding| (finding.index.is_none(), finding.index));
        Ok(self.out)
    }
}
