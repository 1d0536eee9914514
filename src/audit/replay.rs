//! Replays the record by other policies: what they would have decided, and would decide on what is to
//! come.
//!
//! ```text
//! past:   entry ─▶ case, by the recorded policies: has to give the recorded verdict
//!                  case, by those with the change applied ─▶ the same, another decision, or unclear
//! future: open changes and merged requests that aren't over, by the policies on the base, and by those
//!         with the change applied
//! ```
//!
//! The record is taken as it is, apart from digests; whether it is true is up to [`super::verify`].

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use anyhow::{Context as _, bail};
use rayon::prelude::*;

use super::case::{self, Found, Kept, Recorded};
use crate::content::{Changeset, bundle_files};
use crate::core::decision::replay::{Flip, Origin, Replay, Sample, Tally, Unclear, unrecorded};
use crate::core::decision::{Case, Decided};
use crate::core::digest::Digest;
use crate::core::policy::{Files, Reads};
use crate::core::record::bones::Bones;
use crate::core::record::entry::Entry;
use crate::core::record::parts::ObjectId;
use crate::core::record::statement::Unreadable;
use crate::core::time::Time;
use crate::gate::judge::{Judge, Judges};
use crate::gate::tables_after;
use crate::gate::trial;
use crate::git::{Oid, Repo};
use crate::ledger::{self, oid};

mod given;

pub use given::{Open, Part, Record, Trying};

/// The number of entries that are in memory at a time, and after which it is asked whether to go on.
const CHUNK: usize = 64;

/// Loads a bundle that the given text names, to judge several cases.
pub type Load = fn(Files, String) -> anyhow::Result<Judge>;

/// Compares what is recorded with what other policies decide, and what is to come if `open` is given.
/// `advance` is called with the number of entries that are done.
///
/// # Errors
/// When there is no ledger, when the repository can't be read, or when the policies can't be used.
pub fn replay(
    record: &Record<'_>,
    judges: &Judges,
    (trying, load): (&Trying, Load),
    part: &Part<'_>,
    (open, now): (Option<Open<'_>>, Time),
    advance: &dyn Fn(usize, usize),
) -> anyhow::Result<Replay> {
    let (repo, base) = (record.repo, record.base);
    let before = judges.at(repo, base)?;
    let patched = trying.patch.apply(&bundle_files(repo, base)?);
    let after = load(patched.files, trying.policies.clone());
    let after = after.map_err(|error| anyhow::anyhow!("the policies can't be used:\n{error:#}"))?;
    let mut run = Run {
        out: Replay {
            policies: trying.policies.clone(),
            against: trying.against.clone(),
            files: trying.patch.paths().into_iter().map(str::to_owned).collect(),
            ..Replay::default()
        },
        fired: BTreeSet::new(),
    };
    let past = Past { judges, trying, load, since: part.since, known: Mutex::default() };
    run.past(&past, record, part, advance)?;
    if !run.out.is_grounded() {
        return Ok(run.out);
    }
    if let Some(open) = open {
        let (decided, left_out) = open(&before, &after)?;
        run.out.left_out = left_out;
        run.out.open = Some(Tally::default());
        for (name, decided) in decided {
            run.add((Origin::Open, None, &name), decided);
        }
        for sample in trial::scheduled(repo, base, now)? {
            let decided = [&before, &after].map(|judge| decide(judge, &sample.case(now)));
            run.add((Origin::Scheduled, None, &sample.name), decided);
        }
    }
    let open = run.out.open.map_or(0, |open| open.cases);
    let (past, future) = (run.out.past.cases, open + run.out.scheduled.cases);
    for path in patched.whole.into_iter().filter(|_| future > 0) {
        *run.out.approximate.entry(path).or_default() += future;
    }
    let codes = after.bundle().rule_codes().into_iter();
    run.out.silent = codes.filter(|code| past + future > 0 && !run.fired.contains(code)).collect();
    run.out.flips.sort_by_key(|flip| (flip.direction, flip.origin, flip.entry));
    run.out.unclear.sort_by_key(|unclear| unclear.entry);
    Ok(run.out)
}

/// A replay on its way.
struct Run {
    out: Replay,
    /// The codes that any decision found.
    fired: BTreeSet<String>,
}

impl Run {
    fn past(
        &mut self,
        past: &Past<'_>,
        record: &Record<'_>,
        part: &Part<'_>,
        advance: &dyn Fn(usize, usize),
    ) -> anyhow::Result<()> {
        crate::git::hash_what_is_read();
        let folder = record.repo.folder();
        let repo = Repo::open(&folder)?;
        let mut line = case::line(&repo, record.tips)?;
        let evidence = case::evidence(&repo, record.tips)?;
        let (all, seed) = (line.len(), part.seed.clone());
        let seed = seed.or_else(|| line.last().map(Oid::to_string)).unwrap_or_default();
        line.sort_by_cached_key(|commit| Digest::of(format!("{seed}{commit}").as_bytes()));
        line.truncate(part.most.unwrap_or(all));
        let mut looked_at = 0;
        for chunk in line.chunks(CHUNK) {
            if !(part.has_time)() {
                break;
            }
            let replayed: Vec<_> = chunk
                .par_iter()
                .map_init(
                    || Repo::open(&folder),
                    |repo, commit| match repo {
                        Ok(repo) => past.replay(repo, *commit, &evidence),
                        Err(error) => bail!("{error:#}"),
                    },
                )
                .collect::<anyhow::Result<_>>()?;
            replayed.into_iter().flatten().for_each(|replayed| self.follow(replayed));
            looked_at += chunk.len();
            advance(looked_at, line.len());
        }
        self.out.baseline.failures.sort_by_key(|failure| failure.entry);
        let is_out_of_time = looked_at < line.len();
        let sample = Sample { seed, looked_at, entries: all, is_out_of_time };
        self.out.sample = (looked_at < all).then_some(sample);
        Ok(())
    }

    /// Takes the next recorded decision.
    fn follow(&mut self, Replayed { entry, name, answer }: Replayed) {
        let unclear = |why| Unclear { request: name.clone(), entry, why };
        let baseline = &mut self.out.baseline;
        baseline.decisions += usize::from(!matches!(answer, Answer::Withheld));
        match answer {
            Answer::Withheld => baseline.withheld += 1,
            Answer::Failed(why) => baseline.failures.push(unclear(why)),
            Answer::Unclear(why) => {
                baseline.same += 1;
                self.out.add_unclear(unclear(why));
            }
            Answer::Same(decided) => {
                baseline.same += 1;
                self.fire(&decided);
                self.out.add(Origin::Past, None);
            }
            Answer::Decided { decided, whole } => {
                baseline.same += 1;
                for path in whole {
                    *self.out.approximate.entry(path).or_default() += 1;
                }
                self.add((Origin::Past, Some(entry), &name), *decided);
            }
        }
    }

    fn add(&mut self, case: (Origin, Option<u64>, &str), decided: [Result<Decided, String>; 2]) {
        decided.iter().flatten().for_each(|decided| self.fire(decided));
        let [before, after] = decided;
        self.out.add(case.0, Flip::of(case, before, after));
    }

    /// Notes what a decision found.
    fn fire(&mut self, decided: &Decided) {
        for finding in &decided.decision.findings {
            if !self.fired.contains(&finding.code) {
                self.fired.insert(finding.code.clone());
            }
        }
    }
}

/// A recorded decision, made again.
struct Replayed {
    entry: u64,
    name: String,
    answer: Answer,
}

/// What came of making a decision again.
enum Answer {
    /// Its evidence isn't kept.
    Withheld,
    /// The recorded policies don't give the recorded verdict.
    Failed(String),
    /// They do, and nobody can tell what the others would have decided.
    Unclear(String),
    /// They do, and the change makes no difference to them.
    Same(Box<Decided>),
    /// What both decide, and the files of which more than the change was taken.
    Decided { decided: Box<[Result<Decided, String>; 2]>, whole: Vec<String> },
}

/// What recorded decisions are made again with.
struct Past<'a> {
    judges: &'a Judges,
    trying: &'a Trying,
    load: Load,
    since: Option<Time>,
    /// The recorded policies with the change applied, by the digest of the recorded ones.
    known: Mutex<HashMap<Digest, Arc<Changed>>>,
}

/// Recorded policies with the change applied.
struct Changed {
    /// Who decides by them; `None` if the change makes no difference to them.
    judge: Result<Option<Judge>, String>,
    whole: Vec<String>,
    reads: OnceLock<Reads>,
}

impl Past<'_> {
    /// Makes the decision of an entry again; `None` if it has none, or an earlier one than asked for.
    fn replay(
        &self,
        repo: &Repo,
        commit: Oid,
        evidence: &Kept,
    ) -> anyhow::Result<Option<Replayed>> {
        let entry = match ledger::read(repo, commit)?.entry {
            Ok(entry) => entry,
            Err(newer @ Unreadable::Newer(_)) => {
                let what = format!("cannot replay the entry in {}", crate::content::short(commit));
                return Err(newer).context(what);
            }
            Err(_) => return Ok(None),
        };
        let it = &entry.statement.predicate;
        let Some(bones) = &it.decision else { return Ok(None) };
        if self.since.is_some_and(|since| bones.evaluated_at < since) {
            return Ok(None);
        }
        let name = it.pull.as_ref().map(|pull| pull.name.clone()).unwrap_or_default();
        let answer = match it.material.iter().any(|material| material.withheld.is_some()) {
            true => Answer::Withheld,
            false => self.answer(repo, &entry, bones, evidence)?,
        };
        Ok(Some(Replayed { entry: entry.index, name, answer }))
    }

    fn answer(
        &self,
        repo: &Repo,
        entry: &Entry,
        bones: &Bones,
        evidence: &Kept,
    ) -> anyhow::Result<Answer> {
        let it = &entry.statement.predicate;
        let Found { files, erased, problems } = case::material(repo, entry, evidence)?;
        if !erased.is_empty() {
            return Ok(Answer::Withheld);
        }
        if let Some(problem) = problems.into_iter().next() {
            return Ok(Answer::Failed(problem));
        }
        let material = |name: &str| serde_json::from_slice(files.get(name)?).ok();
        let decision: Option<serde_json::Value> = material("decision.json");
        let path = decision.as_ref().and_then(|decision| decision["path"].as_str());
        let ends = (it.base.as_ref().map(|base| &base.commit), it.head.as_ref());
        let brings =
            || changeset(repo, ends).and_then(|(head, set)| tables_after(repo, head, &set));
        let recorded = Recorded::read(it, &files, path, || path.is_none().then(brings).flatten());
        let (Some(recorded), Some(commit)) = (recorded, evidence.commits.get(&entry.id)) else {
            return Ok(Answer::Failed("its evidence is missing".to_owned()));
        };
        let judge = match self.judges.at(repo, *commit) {
            Ok(judge) => judge,
            Err(error) => return Ok(Answer::Failed(format!("{error:#}"))),
        };
        let before = match decide(&judge, &recorded.case()) {
            Ok(made) if made.decision.verdict == bones.verdict => made,
            Ok(made) => {
                let (made, was) = (made.decision.verdict, bones.verdict);
                return Ok(Answer::Failed(format!(
                    "made again it is {made}, and {was} was recorded"
                )));
            }
            Err(why) => return Ok(Answer::Failed(format!("it can't be made again: {why}"))),
        };
        let changed = self.changed(repo, *commit, &judge)?;
        let by = match &changed.judge {
            Ok(by) => by.as_ref(),
            Err(why) => return Ok(Answer::Unclear(why.clone())),
        };
        let Some(by) = by else {
            return Ok(Answer::Same(Box::new(before)));
        };
        let is_as_recorded = before.input.as_deref().map(str::as_bytes)
            == files.get("input.json").map(Vec::as_slice);
        if !is_as_recorded && let Some(fact) = changed.missing(by, material("input.json"), &before)
        {
            let why = format!("the policies use `input.{fact}`, which was not recorded then");
            return Ok(Answer::Unclear(why));
        }
        let after = decide(by, &recorded.case());
        Ok(Answer::Decided { decided: Box::new([Ok(before), after]), whole: changed.whole.clone() })
    }

    /// Returns the policies of an evidence commit with the change applied.
    fn changed(&self, repo: &Repo, commit: Oid, judge: &Judge) -> anyhow::Result<Arc<Changed>> {
        let digest = &judge.bundle().digest;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get(digest) {
            return Ok(Arc::clone(known));
        }
        let recorded = bundle_files(repo, commit)?;
        let patched = self.trying.patch.apply(&recorded);
        let is_same = patched.files == recorded;
        let load = || (self.load)(patched.files, self.trying.policies.clone());
        let judge = if is_same { Ok(None) } else { load().map(Some) };
        let judge = judge.map_err(|error| {
            let error = format!("{error:#}");
            let why = error.lines().next().unwrap_or_default();
            format!("the change doesn't go with the policies of then: {why}")
        });
        let changed = Changed { judge, whole: patched.whole, reads: OnceLock::new() };
        Ok(Arc::clone(known.entry(digest.clone()).or_insert(Arc::new(changed))))
    }
}

impl Changed {
    /// Returns a fact that the policies use, and that an input document of then doesn't have.
    fn missing(
        &self,
        judge: &Judge,
        recorded: Option<serde_json::Value>,
        now: &Decided,
    ) -> Option<String> {
        let now = serde_json::from_str(now.input.as_deref()?).ok()?;
        let reads = self.reads.get_or_init(|| judge.bundle().reads());
        let unrecorded = unrecorded(&recorded?, &now);
        let missing = unrecorded.iter().find(|fact| reads.uses(fact))?;
        let parts: Vec<_> = missing.iter().map(|part| part.as_deref().unwrap_or("*")).collect();
        Some(parts.join("."))
    }
}

/// Returns the head of a change and what it changes, if both its ends are in the repository.
fn changeset(
    repo: &Repo,
    (base, head): (Option<&ObjectId>, Option<&ObjectId>),
) -> Option<(Oid, Changeset)> {
    let (base, head) = (oid(base?).ok()?, oid(head?).ok()?);
    Some((head, Changeset::of(repo, base, head, "").ok()?))
}

fn decide(judge: &Judge, case: &Case<'_>) -> Result<Decided, String> {
    judge.decide(case).map_err(|error| error.to_string())
}
