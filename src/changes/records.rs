//! What the ledger records of the commits on the base, so that it needn't be judged again.
//!
//! A commit that an entry is about is shown as it was recorded. One from before the ledger is judged as
//! of its own time. One that is due and has no entry is recorded nowhere.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::ControlFlow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::whole::Whole;
use super::kept::Kept;
use crate::core::decision::{Decision, SignOffMode};
use crate::core::metrics::Decided;
use crate::core::record::entry::Entry;
use crate::core::record::explanation::Explained;
use crate::core::record::message::{signers, why};
use crate::core::record::parts::Because;
use crate::core::terms::{Level, RiskTier, Verdict};
use crate::core::time::Time;
use crate::forge::git::Git;
use crate::gate::arrivals::unrecorded;
use crate::gate::judge::Judges;
use crate::gate::recording::{covered, evidence_branch, tip};
use crate::gate::signing::counts;
use crate::git::{Commit, Oid};
use crate::ledger::{
    self, Flaws, Placed, Recorded, Tip, evidence_of, held, is_explanation, oid, read_back,
};

mod whole;

/// What an entry of the ledger says of a commit on the base.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct RecordedAs {
    /// The index of the entry.
    pub index: u64,
    /// The id of the entry.
    pub id: String,
    /// When it was recorded.
    pub recorded_at: Time,
    /// The verdict; null if nothing was judged.
    pub verdict: Option<Verdict>,
    /// The risk tier.
    pub tier: Option<RiskTier>,
    /// The requester's level.
    pub level: Option<Level>,
    /// Who approved, each with what they signed for.
    pub approved_by: Vec<String>,
    /// Whether it needed nobody's approval.
    pub is_direct: bool,
    /// The digest of the policies that decided.
    pub policies: Option<String>,
    /// Why it is a bypass; null if it isn't.
    #[schemars(with = "Option<String>")]
    pub because: Option<Because>,
    /// What was said later about the bypass.
    pub explanations: Vec<Explained>,
}

impl RecordedAs {
    fn of(entry: &Entry) -> Self {
        let it = &entry.statement.predicate;
        let bones = it.decision.as_ref();
        let sign_off = bones.and_then(|bones| bones.sign_off.as_ref());
        RecordedAs {
            index: entry.index,
            id: entry.id.to_string(),
            recorded_at: it.recorded_at,
            verdict: bones.map(|bones| bones.verdict),
            tier: bones.and_then(|bones| bones.tier),
            level: bones.and_then(|bones| bones.level),
            approved_by: sign_off.map(signers).unwrap_or_default(),
            is_direct: sign_off.is_some_and(|it| it.mode == SignOffMode::Direct),
            policies: it.policies.as_ref().map(|policies| policies.digest.to_string()),
            because: it.merge.as_ref().and_then(|merge| merge.because),
            explanations: Vec::new(),
        }
    }

    /// Says why it went around the rules, and how that was explained; `None` if it didn't.
    pub fn around(&self) -> Option<String> {
        let mut text = why(self.because?).to_owned();
        for said in &self.explanations {
            text += &format!("; explained: {}", said.line());
        }
        Some(text)
    }
}

/// What the ledger records of the commits on the base.
#[derive(Default)]
pub struct Records {
    by_commit: HashMap<Oid, RecordedAs>,
    /// The entries about the commits that were asked for by name.
    entries: HashMap<Oid, Entry>,
    /// The newest commit with evidence.
    evidence: Option<Oid>,
    /// The commits of the entries about commits on the base, where all were read.
    places: HashMap<Oid, Oid>,
    /// How many entries say that material was erased, where all were read.
    pub(super) erasures: usize,
    /// What was decided of each change, the oldest first, where all entries were read.
    decided: HashMap<String, Vec<Decided>>,
    /// The commits on the base that are recorded nowhere, oldest first.
    pub unrecorded: Vec<Commit>,
    due: HashSet<Oid>,
    /// What is wrong with the ledger.
    pub problems: Vec<String>,
    /// What its reader was warned of.
    pub warnings: Vec<String>,
}

impl Records {
    /// Reads what the ledger says of these commits on the base. Empty where there is no ledger.
    ///
    /// # Errors
    /// When the ledger can't be read.
    pub fn read(git: &Git, judges: &Judges, commits: HashSet<Oid>) -> anyhow::Result<Self> {
        let Some(tip) = tip(git)? else { return Ok(Self::default()) };
        let mut records = Self::of_gap(git, judges, &tip)?;
        records.add(git, judges, &tip, commits)?;
        Ok(records)
    }

    /// Returns records of nothing, because of a problem with the ledger.
    pub fn none(problem: String) -> Self {
        Records { problems: vec![problem], ..Self::default() }
    }

    /// Reads only which commits on the base are recorded nowhere.
    ///
    /// # Errors
    /// When the ledger can't be read.
    pub fn read_gap(git: &Git, judges: &Judges) -> anyhow::Result<Self> {
        match tip(git)? {
            Some(tip) => Self::of_gap(git, judges, &tip),
            None => Ok(Self::default()),
        }
    }

    fn of_gap(git: &Git, judges: &Judges, tip: &Tip) -> anyhow::Result<Self> {
        let mut records = Self::default();
        let Some(covered) = covered(&tip.entry.state, &git.base_ref)? else { return Ok(records) };
        match unrecorded(git.repo(), judges, covered, git.base()?) {
            Ok(due) => records.unrecorded = due.into_iter().map(|(_, commit)| commit).collect(),
            Err(error) => records.problems.push(format!("{}: {error:#}", git.base_ref)),
        }
        records.due = records.unrecorded.iter().map(|commit| commit.id).collect();
        Ok(records)
    }

    fn add(
        &mut self,
        git: &Git,
        judges: &Judges,
        tip: &Tip,
        mut wanted: HashSet<Oid>,
    ) -> anyhow::Result<()> {
        let base = format!("refs/heads/{}", git.base_ref);
        let (mut notes, mut found, mut unsigned) = (Vec::new(), Vec::new(), 0);
        let flaws = read_back(&git.repo().folder(), tip.commit, |placed| {
            let it = &placed.entry.statement.predicate;
            let both = it.merge.as_ref().zip(it.base.as_ref()).filter(|(_, on)| on.name == base);
            let commit = both.and_then(|(merge, _)| oid(&merge.covers.to).ok());
            let commit = commit.filter(|commit| wanted.contains(commit));
            let is_note = is_explanation(&placed.entry);
            // Only what is told needs a signature: each takes time.
            if (is_note || commit.is_some()) && !is_signed(git, judges, &placed) {
                unsigned += 1;
                return ControlFlow::Continue(());
            }
            match commit {
                Some(commit) => {
                    wanted.remove(&commit);
                    found.push((commit, placed.entry));
                }
                None if is_note => notes.push(placed.entry),
                None => {}
            }
            match wanted.is_empty() {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        })?;
        self.tell(&flaws, (flaws.foreign, unsigned));
        // What rests on entries that don't follow from each other proves nothing.
        let sound_below = flaws.broken_at.map_or(u64::MAX, |(index, _)| index);
        found.retain(|(_, entry)| entry.index < sound_below);
        notes.retain(|entry| entry.index < sound_below);
        let recorded = found.iter().map(|(commit, entry)| (*commit, RecordedAs::of(entry)));
        self.by_commit = recorded.collect();
        self.entries = found.into_iter().collect();
        self.explain(git, tip, &notes)
    }

    /// Reads all that the ledger says of the base. Empty where there is no ledger. What was read before is taken
    /// from what is `kept`.
    ///
    /// # Errors
    /// When the ledger can't be read.
    pub fn read_all(git: &Git, judges: &Judges, kept: Option<&Kept>) -> anyhow::Result<Self> {
        let Some(tip) = tip(git)? else { return Ok(Self::default()) };
        let mut records = Self::of_gap(git, judges, &tip)?;
        let (whole, flaws) = Whole::read(git, judges, &tip, kept)?;
        records.tell(&flaws, (whole.foreign, whole.unsigned));
        records.erasures = whole.erasures;
        for said in whole.of {
            let commit = Oid::from_str(&said.commit)?;
            records.places.insert(commit, Oid::from_str(&said.entry)?);
            records.by_commit.insert(commit, said.recorded);
        }
        for (change, decided) in whole.decided {
            records.decided.entry(change).or_default().push(decided);
        }
        let notes = whole.notes.iter().rev().map(|commit| {
            let recorded = ledger::read(git.repo(), Oid::from_str(commit)?)?;
            Ok(recorded.entry.ok())
        });
        let notes = notes.collect::<anyhow::Result<Vec<_>>>()?;
        records.explain(git, &tip, &notes.into_iter().flatten().collect::<Vec<_>>())?;
        Ok(records)
    }

    /// Adds what is wrong with the ledger.
    fn tell(&mut self, flaws: &Flaws, (foreign, unsigned): (usize, usize)) {
        self.problems.extend(flaws.problem());
        if foreign > 0 {
            self.problems.push(format!("{foreign} of its commits hold no entry"));
        }
        if unsigned > 0 {
            let what = "of its entries were signed by nobody who may, and don't count";
            self.problems.push(format!("{unsigned} {what}"));
        }
    }

    /// Adds what notes say about bypasses. They are newest first.
    fn explain(&mut self, git: &Git, tip: &Tip, notes: &[Entry]) -> anyhow::Result<()> {
        self.evidence = git.branches.tip(evidence_branch(&tip.entry.state.evidence)?)?;
        let mut said = explanations(git, self.evidence, notes)?;
        for recorded in self.by_commit.values_mut().filter(|it| it.because.is_some()) {
            recorded.explanations = said.remove(&recorded.id).unwrap_or_default();
        }
        Ok(())
    }

    /// Returns what the ledger says of a commit on the base; `None` if it says nothing.
    pub fn of(&self, commit: Oid) -> Option<&RecordedAs> {
        self.by_commit.get(&commit)
    }

    /// Returns the decision on a commit that was asked for by name, as it is recorded; `None` if there is
    /// none, or if its evidence isn't here.
    pub fn decision(&self, git: &Git, commit: Oid) -> Option<Decision> {
        let entry = self.entries.get(&commit)?;
        let kept = evidence_of(git.repo(), self.evidence?, [entry.id.clone()].into()).ok()?;
        let bytes = held(git.repo(), *kept.get(&entry.id)?, entry, "decision.json")?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Returns the commit of the entry about a commit on the base, where all entries were read.
    pub fn place(&self, commit: Oid) -> Option<Oid> {
        self.places.get(&commit).copied()
    }

    /// Returns the newest commit with evidence.
    pub fn evidence(&self) -> Option<Oid> {
        self.evidence
    }

    /// Whether there is a ledger, and it could be read.
    pub fn is_kept(&self) -> bool {
        self.evidence.is_some()
    }

    /// Returns what was decided of a change, the oldest first, where all entries were read.
    pub fn decided(&self, change: &str) -> &[Decided] {
        self.decided.get(change).map_or(&[], Vec::as_slice)
    }

    /// Returns what went around the gate and is recorded, by the commits on the base.
    pub fn bypasses(&self) -> impl Iterator<Item = (Oid, &RecordedAs)> {
        let all = self.by_commit.iter().filter(|(_, it)| it.because.is_some());
        all.map(|(commit, it)| (*commit, it))
    }

    /// Whether a commit should be recorded, and isn't.
    pub fn lacks(&self, commit: Oid) -> bool {
        self.due.contains(&commit)
    }

    /// Whether a commit is recorded as the merge of an approved change.
    pub fn is_merge(&self, commit: Oid) -> bool {
        self.of(commit).is_some_and(|recorded| recorded.because.is_none())
    }
}

/// Whether somebody signed an entry who may.
fn is_signed(git: &Git, judges: &Judges, placed: &Placed) -> bool {
    let Placed { commit, entry, seal, .. } = placed.clone();
    let recorded = Recorded { commit, entry: Ok(entry), seal, tree: None };
    counts(git.repo(), judges, &recorded).unwrap_or(false)
}

/// Returns what notes say about bypasses, oldest first, by the ids of those. `notes` are newest first.
fn explanations(
    git: &Git,
    evidence: Option<Oid>,
    notes: &[Entry],
) -> anyhow::Result<BTreeMap<String, Vec<Explained>>> {
    let Some(branch) = evidence.filter(|_| !notes.is_empty()) else { return Ok(BTreeMap::new()) };
    let ids = notes.iter().map(|entry| entry.id.clone()).collect();
    let evidence = evidence_of(git.repo(), branch, ids)?;
    Ok(ledger::explanations(git.repo(), &evidence, notes.iter().rev()))
}
