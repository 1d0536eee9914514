//! Tries policies before people sign them, where nothing is at stake: their own tests, and what they
//! decide differently from those that they replace.
//!
//! They are tried on each merged request that isn't over, as if it had just been submitted, on each
//! open change, with its reviews where these are at hand, and on samples of each kind.

use std::collections::BTreeSet;

use anyhow::Context as _;
use rayon::prelude::*;

use super::judge::{Judge, Judges, requests_of};
use super::merge::merge_tree;
use super::{Gate, Judgement};
use crate::content::requests_at;
use crate::core::decision::{Decided, Difference, Trial, Tried, approves};
use crate::core::layout::{POLICIES, is_below};
use crate::core::policy::testing::TestReport;
use crate::core::rehearsal::{Asked, Sample, questions, samples};
use crate::core::request::RequestFile;
use crate::core::time::Time;
use crate::forge::Pull;
use crate::forge::git::Git;
use crate::git::{Oid, Repo};

/// Compares what two judges decide on each request at a commit that isn't over, as if it had just
/// been submitted, on samples of each kind, with the names in the tables of both, and on the sample questions
/// after the merge.
///
/// # Errors
/// If the commit can't be read.
pub fn at(
    repo: &Repo,
    commit: Oid,
    before: &Judge,
    after: &Judge,
    now: Time,
) -> anyhow::Result<Trial> {
    let mut cases = scheduled(repo, commit, now)?;
    let requests = cases.len();
    cases.extend(samples(&after.bundle().org, now));
    let known: BTreeSet<_> = cases.iter().map(|sample| sample.name.clone()).collect();
    let former = samples(&before.bundle().org, now).into_iter();
    cases.extend(former.filter(|sample| !known.contains(&sample.name)));
    let mut differences = differences(&cases, (before, after), now);
    differences.extend(of_questions((before, after), now));
    let [replaced, new] = [before, after].map(|judge| judge.change_approved_by_all(now));
    let name = "a change of policies that everybody approves";
    differences.extend(Difference::of(name, &replaced, &new));
    let locks_out = approves(&replaced) && !approves(&new);
    let against = before.source.clone();
    Ok(Trial { against, requests, changes: 0, left_out: 0, differences, locks_out })
}

/// Returns the requests at a commit that aren't over, each as if it had just been submitted.
///
/// # Errors
/// If the commit can't be read.
pub fn scheduled(repo: &Repo, commit: Oid, now: Time) -> anyhow::Result<Vec<Sample>> {
    let requests = requests_at(repo, commit)?.into_iter();
    Ok(requests.filter(|(_, file)| !is_over(file, now)).map(Sample::submitted).collect())
}

fn differences(cases: &[Sample], (before, after): (&Judge, &Judge), now: Time) -> Vec<Difference> {
    let difference = |sample: &Sample| {
        let decide = |judge: &Judge| -> Tried {
            let decided = judge.decide(&sample.case(now));
            decided.map(|decided| decided.decision).map_err(|error| error.to_string())
        };
        Difference::of(&sample.name, &decide(before), &decide(after))
    };
    cases.par_iter().filter_map(difference).collect()
}

/// Compares what two judges answer to the sample questions. Who takes out all rules of a purpose means that.
fn of_questions((before, after): (&Judge, &Judge), now: Time) -> Vec<Difference> {
    let answers = |asked: &Asked| after.bundle().answers(asked.purpose());
    let difference = |asked: Asked| {
        let answer = |judge: &Judge| -> Tried {
            let answered = judge.answer(&asked, now);
            answered.map(|decided| decided.decision).map_err(|error| error.to_string())
        };
        Difference::of(&asked.name, &answer(before), &answer(after))
    };
    let asked = questions(&after.bundle().org, now).into_par_iter();
    asked.filter(answers).filter_map(difference).collect()
}

/// Returns what two judges decide on the requests of open pull requests, as if each had just been
/// submitted.
///
/// # Errors
/// If the requests can't be read.
pub fn submitted(
    repo: &Repo,
    open: Vec<Pull>,
    (before, after): (&Judge, &Judge),
    now: Time,
) -> anyhow::Result<Vec<ByBoth>> {
    let requests: Vec<_> = requests_of(repo, open)?.into_iter().map(Sample::submitted).collect();
    let both = |sample: Sample| {
        let decide =
            |judge: &Judge| judge.decide(&sample.case(now)).map_err(|error| error.to_string());
        let both = [before, after].map(decide);
        (sample.name, both)
    };
    Ok(requests.into_par_iter().map(both).collect())
}

/// Compares what two judges decide on the requests of open pull requests, as if each had just been
/// submitted, and adds that to a trial.
///
/// # Errors
/// If the requests can't be read.
pub fn on_submitted(
    repo: &Repo,
    open: Vec<Pull>,
    judges: (&Judge, &Judge),
    now: Time,
    trial: &mut Trial,
) -> anyhow::Result<()> {
    add(submitted(repo, open, judges, now)?, trial);
    Ok(())
}

/// Compares what two judges decide on each open change, but not on the change called `own`, and adds
/// that to a trial.
///
/// # Errors
/// If the changes can't be read.
pub fn on_open(
    git: &Git,
    judges: &Judges,
    own: Option<&str>,
    (before, after): (&Judge, &Judge),
    now: Time,
    trial: &mut Trial,
) -> anyhow::Result<()> {
    add(open_changes(git, judges, own, (before, after), now)?, trial);
    Ok(())
}

/// Adds what two judges decide on open changes to a trial.
fn add(judged: Vec<ByBoth>, trial: &mut Trial) {
    trial.changes += judged.len();
    let found = judged.into_iter().filter_map(|(name, both)| {
        let [before, after] = both.map(|it| it.map(|decided| decided.decision));
        Difference::of(&name, &before, &after)
    });
    let found: Vec<_> = found.collect();
    // People's own changes come first, so that no list of samples hides them.
    trial.differences.splice(0..0, found);
}

/// A name, and what two judges decide, or why they don't.
pub type ByBoth = (String, [Result<Decided, String>; 2]);

/// Returns what two judges decide on each open change, but not on the change called `own`.
///
/// # Errors
/// If the changes can't be read.
pub fn open_changes(
    git: &Git,
    judges: &Judges,
    own: Option<&str>,
    (before, after): (&Judge, &Judge),
    now: Time,
) -> anyhow::Result<Vec<ByBoth>> {
    let org = &before.bundle().org;
    git.survey_others();
    let gate = Gate::new(git.repo(), git, judges.clone());
    let open = git.open(org)?.into_iter().filter(|open| own != Some(&open.name));
    let by_both = open.map(|open| {
        let decide = |judge: &Judge| {
            let judged = gate.judge_by(judge.clone(), open.clone(), &[], now);
            let Judgement { decision, input, .. } = judged.map_err(|error| format!("{error:#}"))?;
            Ok(Decided { decision, input })
        };
        let both = [before, after].map(decide);
        (open.name, both)
    });
    Ok(by_both.collect())
}

/// Returns whether nothing is decided on a request any more: it was cancelled, its outcome is
/// recorded, or its time has passed.
fn is_over(file: &RequestFile, now: Time) -> bool {
    file.request.as_ref().is_some_and(|request| {
        request.is_closed() || request.planned().is_some_and(|planned| planned.end <= now)
    })
}

/// Tries the policies that a change brings, if it is one of the policies: returns the results of
/// their tests, and how they compare with those at the base.
///
/// # Errors
/// If the new policies can't be used.
pub fn of_change(
    git: &Git,
    judges: &Judges,
    judgement: &Judgement,
) -> anyhow::Result<Option<(TestReport, Trial)>> {
    let (repo, pull) = (git.repo(), &judgement.pull);
    let files = judgement.changed_files();
    if judgement.file.is_some() || !files.iter().any(|file| is_below(file, POLICIES)) {
        return Ok(None);
    }
    let now = judgement.decision.evaluated_at;
    let after =
        judges.at(repo, merge_tree(repo, pull)?).context("the new policies can't decide")?;
    let after = after.called(pull.head.to_string());
    let before = &judgement.judge;
    let mut trial = at(repo, pull.base, before, &after, now)?;
    on_open(git, judges, Some(&pull.name), (before, &after), now, &mut trial)?;
    Ok(Some((after.test(None)?, trial)))
}
