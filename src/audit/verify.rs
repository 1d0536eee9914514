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
use crate::content::conflicts::Known;
use crate::content::{SKEW, short};
use crate::core::digest::Digest;
use crate::core::record::entry::Entry;
use crate::core::record::parts::{About, ObjectId, Repository};
use crate::core::record::state::State;
use crate::core::record::statement::{Kind, Unreadable};
use crate::core::record::tree::{Hash, Tree};
use crate::core::time::Time;
use crate::gate::judge::Judges;
use crate::git::{Oid, Repo};
use crate::ledger::{LEDGER, object_id};

mod anchors;
mod around;
mod branches;
mod claims;
pub(super) mod entry;
mod evidence;
mod found;
mod logged;
mod memory;
mod notes;
mod operations;
mod service;
mod signing;
mod teams;

use around::Told;
pub use found::{
    Acts, Bypass, Earlier, Foreign, Gone, KeyChange, Replayed, SignedCounts, Verification,
    WentAround, Witness,
};
pub use memory::Memory;
use memory::Part;
use operations::Witnessed;
pub use operations::{Approves, GoesAround};

/// The number of entries that are in memory at a time.
const CHUNK: usize = 512;

/// The most entries for which not every request on their bases is read.
const FEW: usize = 16;

/// Verifies the ledger of the repository at a folder, in which changes go to the branch `base_ref`:
/// behind what a memory holds, or else all of it. `approves` judges once more what the operations log says
/// was begun, `goes_around` finds what went around the rules, and `advance` is called with the number of entries that are done.
///
/// # Errors
/// When there is no ledger, or when the repository can't be read.
pub fn verify(
    folder: &Path,
    tips: Tips<'_>,
    base_ref: &str,
    (judges, approves, goes_around): (&Judges, Approves<'_>, GoesAround<'_>),
    (anchors, keys): (&[Anchor], &[KnownKey]),
    memory: Option<&Memory>,
    advance: &dyn Fn(usize, usize),
) -> anyhow::Result<Verification> {
    crate::git::hash_what_is_read();
    let repo = Repo::open(folder)?;
    let mut part = Part::of(&repo, tips, base_ref, memory)?;
    part.verify(folder, base_ref, judges, advance)?;
    if part.run.out.earlier.is_some() && !(part.run.is_sound() && part.run.keeps_earlier_keys()) {
        // What is wrong is said of the whole.
        part = Part::of(&repo, tips, base_ref, None)?;
        part.verify(folder, base_ref, judges, advance)?;
    }
    let Part { line, mut run, lost } = part;
    if run.out.newer.is_none() {
        run.lines(&repo, tips)?;
        run.reviews(&repo, tips)?;
        run.approved(&repo, tips, judges);
        run.teams(&repo, tips)?;
        run.beginnings(&repo, tips, judges)?;
        run.operations(&repo, tips, base_ref, (approves, goes_around));
    }
    let memory = memory.filter(|_| run.is_sound() && !line.is_empty());
    let sure = run.witnessed.sure();
    let found = memory.map(|_| Verification { operations: sure, ..run.out.clone() });
    let witnesses = anchors::witnesses(&repo, tips, base_ref, judges)?;
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
        // To look for what could conflict with few of them is faster than to read all requests.
        run.evidence.requests = (line.len() > FEW).then(Known::default);
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
    /// What entries say of their pull requests, by the ids of the entries.
    pulls: HashMap<Digest, Told>,
    /// Commits that have to be on the first-parent lines of these branches, with the entries that say
    /// so and their commits.
    on_lines: Vec<(String, Oid, Option<u64>, Oid)>,
    /// The branches that are covered since other entries than the first.
    begun: Vec<branches::Begun>,
    /// The reviews in plain Git on which decisions rest, with their entries and the commits of these.
    reviewed: Vec<(entry::Reviewed, u64, Oid)>,
    /// The entries about decisions, by the commits whose policies decided: on GitHub such a commit can be
    /// recorded later.
    decided_on: HashMap<ObjectId, Vec<u64>>,
    /// The bypasses in plain Git that say nothing of a change.
    unjudged: Vec<around::Unjudged>,
    /// The merges that rest on members of teams.
    teamed: Vec<teams::Teamed>,
    witnessed: Witnessed,
    /// The places of bypasses among those found, by the ids of their entries.
    bypasses: HashMap<Digest, usize>,
    /// The places of those that brought policies.
    brought: Vec<usize>,
    repository: Option<Repository>,
    services: signing::Services,
    recorded_at: Option<Time>,
    /// When each entry was recorded, in seconds of Unix time.
    times: Vec<i64>,
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
            reviewed,
            claims,
            brought,
            teams,
            is_partial,
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
        let by = self.counts(commit, &entry, &signing);
        for (step, message) in findings {
            // What else is wrong with an entry that doesn't count is nothing to anybody.
            if by.is_some() || step <= Step::Line || step == Step::Signature {
                self.finding(step, index, commit, message);
            }
        }
        let Some(by) = by else {
            self.is_broken = true;
            return;
        };
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
        self.signed(commit, &entry, by, signing.settings);
        self.notes_foreign(commit, &entry);
        self.notes_branch(commit, &entry);
        self.place(commit, &entry);
        self.reviewed.extend(reviewed.map(|reviewed| (reviewed, entry.index, commit)));
        self.out.partial += u64::from(is_partial);
        let it = &entry.statement.predicate;
        self.on_lines.extend(on_lines.into_iter().map(|(branch, on)| (branch, on, index, commit)));
        let told = Told::of(it);
        if let Some(previous) = &told.previous
            && self.pulls.get(previous).is_none_or(|before| before.pull != told.pull)
        {
            let why =
                "the entry before it that it names isn't one about its pull request".to_owned();
            self.finding(Step::Coverage, index, commit, why);
        }
        self.reasoned(commit, &entry);
        self.unjudged(commit, &entry);
        self.teamed(commit, &entry, teams);
        for place in &self.brought {
            let Bypass { index, branch, commit, policies, .. } = &mut self.out.bypasses[*place];
            let by = (*index, &**branch, &**commit);
            policies.iter_mut().for_each(|policies| policies.take(by, entry.index, it));
        }
        self.witnessed.take(commit, &entry);
        if !told.pull.is_empty() {
            self.pulls.insert(entry.id.clone(), told);
        }
        if let (Kind::Decision, Some(policies)) = (it.kind, &it.policies) {
            self.decided_on.entry(policies.commit.clone()).or_default().push(entry.index);
        }
        if let (Some(merge), Some(base)) = (&it.merge, &it.base)
            && let Some(because) = merge.because
        {
            let mut policies = brought;
            if let Some(policies) = &mut policies {
                policies.entries = self.decided_on.remove(&merge.covers.to).unwrap_or_default();
            }
            let place = self.out.bypasses.len();
            self.bypasses.insert(entry.id.clone(), place);
            self.brought.extend(policies.as_ref().map(|_| place));
            self.out.bypasses.push(Bypass {
                index: entry.index,
                entry: entry.id.to_string(),
                commit: merge.covers.to.to_string(),
                branch: base.name.clone(),
                because: because.to_string(),
                by: merge.by.clone(),
                claims,
                policies,
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
        if !self.leaves.insert(entry.leaf) {
            let why = "the same statement is recorded a second time".to_owned();
            self.finding(Step::Statement, index, commit, why);
        }
        let last = self.last.filter(|_| self.is_broken).map(object_id);
        match entry.follows(&self.state, last) {
            Ok(true) => {}
            Ok(false) => {
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
        self.tree.push(entry.leaf);
        self.last_evidence = self.evidence.commits.get(&entry.id).copied().or(self.last_evidence);
        self.state = entry.state.clone();
        self.recorded_at = Some(it.recorded_at);
        self.times.push(it.recorded_at.utc().timestamp());
        (self.last, self.is_broken) = (Some(commit), false);
        self.noted = self.out.findings.len();
        self.out.entries += 1;
        self.out.to = Some(it.recorded_at);
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
