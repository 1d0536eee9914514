//! The judge: a policy bundle, the bounds on evaluating it, and a pool of evaluators.
//!
//! An evaluator returns a ruling for an input document. Reviews, sign-off and findings are up to
//! [`decide`] and [`ask`]. All threads share a [`Judge`]; each takes an evaluator of its own, in this process or in
//! another one.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, anyhow, bail};
use serde_json::Value;

use super::apart::Apart;
use super::cpu;
use super::watchdog::{AtBound, Watchdog};
use crate::content::{Changeset, bundle_files, request_at, requests_at, short};
use crate::core::decision::{Case, Decided, Tried, approves, ask, close, decide};
use crate::core::layout::POLICIES;
use crate::core::operations::authorize::Question;
use crate::core::operations::closing::Closing;
use crate::core::org::Org;
use crate::core::policy::testing::TestReport;
use crate::core::policy::{BundleError, Evaluator, Files, PolicyBundle, Ruling, Undecided};
use crate::core::rehearsal::{Asked, Sample, questions, samples};
use crate::core::request::{ChangeRequest, RequestFile};
use crate::core::sign_off::lock_out;
use crate::core::time::Time;
use crate::forge::Pull;
use crate::git::{Oid, Repo};
use crate::report::one_line;

/// Decides cases by one policy bundle. Clones share it, with its evaluators.
#[derive(Clone)]
pub struct Judge {
    /// Whose policies decide: the id of a commit, the path of a folder, or `shipped`.
    pub source: String,
    bench: Arc<Bench>,
}

struct Bench {
    bundle: PolicyBundle,
    evaluators: Evaluators,
}

/// The size in bytes, as JSON, beyond which an input isn't evaluated in the process that judges others.
const LARGE: usize = 64 * 1024;

/// What evaluates the policies.
enum Evaluators {
    /// This process.
    Here {
        watchdog: Watchdog,
        /// Evaluators that no thread is using.
        idle: Mutex<Vec<Evaluator>>,
        /// What evaluates the policies on inputs larger than [`LARGE`], in a process of its own: anybody
        /// can write a request with thousands of parts, and it must not end this process.
        large: Option<Apart>,
    },
    /// Processes of their own.
    Apart(Apart),
}

impl Judge {
    /// Loads a bundle within the same bounds as its decisions; `source` says whose it is.
    /// `at_bound` is called if a bound is exceeded that only ending the process can enforce.
    ///
    /// # Errors
    /// All problems of the bundle.
    pub fn load(files: Files, source: String, at_bound: AtBound) -> Result<Self, BundleError> {
        let watchdog = Watchdog::start(&files, at_bound);
        let watched = watchdog.watch();
        let bundle = PolicyBundle::load(files, cpu::thread_time)?;
        drop(watched);
        let evaluators = Evaluators::Here { watchdog, idle: Mutex::default(), large: None };
        Ok(Judge { source, bench: Arc::new(Bench { bundle, evaluators }) })
    }

    /// Loads a bundle whose policies a child of this process evaluates, so that a bound that they
    /// exceed ends the child alone; see [`Apart::load`]. The shipped rules need one for large inputs alone.
    ///
    /// # Errors
    /// All problems of the bundle, or a bound that loading it exceeds.
    pub fn load_apart(
        program: PathBuf,
        files: Files,
        source: String,
        at_bound: AtBound,
    ) -> anyhow::Result<Self> {
        if PolicyBundle::ships_rules(&files) {
            let mut judge = Judge::load(files.clone(), source, at_bound)?;
            if let Some(Bench { evaluators: Evaluators::Here { large, .. }, .. }) =
                Arc::get_mut(&mut judge.bench)
            {
                *large = Some(Apart::when_needed(program, files));
            }
            return Ok(judge);
        }
        // What the child can load within the bounds, this process can, too.
        let apart = Apart::load(program, files.clone())?;
        let bundle = PolicyBundle::load(files, cpu::thread_time)?;
        let evaluators = Evaluators::Apart(apart);
        Ok(Judge { source, bench: Arc::new(Bench { bundle, evaluators }) })
    }

    /// Returns the same judge for a bundle that has another name.
    #[must_use]
    pub fn called(self, source: String) -> Self {
        Judge { source, ..self }
    }

    /// Returns the policy bundle.
    pub fn bundle(&self) -> &PolicyBundle {
        &self.bench.bundle
    }

    /// Runs the bundle's own tests; `only` keeps those whose full name contains it.
    ///
    /// # Errors
    /// If the tests can't be run at all.
    pub fn test(&self, only: Option<&str>) -> anyhow::Result<TestReport> {
        match &self.bench.evaluators {
            Evaluators::Here { .. } => self.bundle().test(only, &self.source),
            Evaluators::Apart(apart) => apart.test(only, &self.source),
        }
    }

    /// Decides a case.
    ///
    /// # Errors
    /// When no decision could be made: the rules conflict, exceed a bound, or return no ruling.
    pub fn decide(&self, case: &Case<'_>) -> Result<Decided, Undecided> {
        self.evaluating(|rule| decide(case, self.bundle(), &self.source, rule))
    }

    /// Decides whether somebody may execute something now.
    ///
    /// # Errors
    /// As [`Judge::decide`], and if the policies have no rules about executions.
    pub fn ask(&self, question: &Question<'_>) -> Result<Decided, Undecided> {
        self.evaluating(|rule| ask(question, self.bundle(), &self.source, rule))
    }

    /// Decides whether a change may be closed as somebody says that it went.
    ///
    /// # Errors
    /// As [`Judge::decide`], and if the policies have no rules about outcomes.
    pub fn close(&self, closing: &Closing<'_>) -> Result<Decided, Undecided> {
        self.evaluating(|rule| close(closing, self.bundle(), &self.source, rule))
    }

    /// Answers a sample question.
    ///
    /// # Errors
    /// As [`Judge::ask`] and [`Judge::close`].
    pub fn answer(&self, asked: &Asked, now: Time) -> Result<Decided, Undecided> {
        match asked.closing(now) {
            Some(closing) => self.close(&closing),
            None => self.ask(&asked.question(now)),
        }
    }

    /// Hands the evaluation of an input document to what decides, within the bounds.
    fn evaluating(
        &self,
        decided: impl FnOnce(
            &mut dyn FnMut(&Value) -> Result<Ruling, Undecided>,
        ) -> Result<Decided, Undecided>,
    ) -> Result<Decided, Undecided> {
        let ruled = |apart: &Apart, input: &Value| {
            apart.rule(input).map_err(|error| Undecided::because(format!("{error:#}")))
        };
        let (watchdog, idle, large) = match &self.bench.evaluators {
            Evaluators::Here { watchdog, idle, large } => (watchdog, idle, large),
            Evaluators::Apart(apart) => return decided(&mut |input| ruled(apart, input)),
        };
        let known = locked(idle).pop();
        let mut evaluator = known.unwrap_or_else(|| self.bundle().evaluator());
        let decided = {
            let _watched = watchdog.watch();
            decided(&mut |input| match large {
                Some(apart) if input.to_string().len() > LARGE => ruled(apart, input),
                _ => evaluator.rule(input),
            })
        };
        locked(idle).push(evaluator);
        decided
    }

    /// Decides a change of policies that everybody in the roster approves, except its author: the
    /// first author for whom it is approved, or the last one. If it isn't, nothing can change the
    /// policies again.
    ///
    /// # Errors
    /// Why it can't be decided.
    pub fn change_approved_by_all(&self, now: Time) -> Tried {
        let org = &self.bundle().org;
        let mut last = Err("there is nobody in the roster".to_owned());
        for author in org.roster.people.keys() {
            let evidence = lock_out::approved_by_all(org, author, now);
            let case = Case { file: None, evidence: &evidence, brings: None, now };
            last = self.decide(&case).map(|it| it.decision).map_err(|error| error.to_string());
            if approves(&last) {
                break;
            }
        }
        last
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The judges by the policies in a repository, each loaded once. Clones share the judges.
#[derive(Clone)]
pub struct Judges {
    at_bound: AtBound,
    /// The program that evaluates policies in a process of its own; `None` if this process does.
    program: Option<PathBuf>,
    by_tree: Arc<Mutex<HashMap<Option<Oid>, Loaded>>>,
}

/// A judge, or why the policies can't be used.
type Loaded = Result<Judge, Arc<str>>;

impl Judges {
    /// Starts without a judge. `at_bound` is passed to [`Judge::load`].
    pub fn new(at_bound: AtBound) -> Self {
        Judges { at_bound, program: None, by_tree: Arc::default() }
    }

    /// Returns judges whose policies another process evaluates, see [`Judge::load_apart`].
    pub fn apart(self, program: PathBuf) -> Self {
        Judges { program: Some(program), ..self }
    }

    /// Returns the judge by the policies that are in force at a commit of a base: those there, or else,
    /// where somebody has broken or deleted them around the gate, the last ones before on its line that
    /// can be used. By them it is said who may sign.
    ///
    /// # Errors
    /// When there are none.
    pub fn in_force(&self, repo: &Repo, commit: Oid) -> anyhow::Result<Judge> {
        let mut next = commit;
        loop {
            match self.at(repo, next) {
                Ok(judge) => return Ok(judge),
                Err(why) => next = *repo.commit(next)?.parents.first().ok_or(why)?,
            }
        }
    }

    /// Returns the judge by the policies at a commit. Commits with the same policies share a judge.
    ///
    /// # Errors
    /// When there are no policies, or when they can't be used.
    pub fn at(&self, repo: &Repo, commit: Oid) -> anyhow::Result<Judge> {
        let tree = repo.entry(commit, POLICIES)?.map(|entry| entry.id);
        let known = locked(&self.by_tree).get(&tree).cloned();
        let loaded = match known {
            Some(known) => known,
            None => {
                let loaded = self.load(bundle_files(repo, commit)?, commit);
                locked(&self.by_tree).insert(tree, loaded.clone());
                loaded
            }
        };
        let judge = loaded.map_err(|error| {
            anyhow!("the policies at {} can't be used:\n{error}", short(commit))
        })?;
        Ok(judge.called(commit.to_string()))
    }

    fn load(&self, files: Files, commit: Oid) -> Loaded {
        let source = commit.to_string();
        let judge = match &self.program {
            Some(program) => Judge::load_apart(program.clone(), files, source, self.at_bound),
            None => Judge::load(files, source, self.at_bound).map_err(anyhow::Error::from),
        };
        judge.map_err(|error| format!("{error:#}").into())
    }

    /// Checks that the policies after a merge can judge what comes next: afterwards nothing could
    /// repair them. As far as those before could, they have to approve a change of policies that
    /// everybody approves, and to decide every sample and sample question, every request that isn't closed, and the `open`
    /// changes.
    ///
    /// # Errors
    /// When no decision could be made after the merge.
    pub fn leaves_policies(
        &self,
        repo: &Repo,
        base: Oid,
        merge: Oid,
        open: impl FnOnce(&Org) -> anyhow::Result<Vec<Pull>>,
        now: Time,
    ) -> anyhow::Result<()> {
        if repo.entry(base, POLICIES)? == repo.entry(merge, POLICIES)? {
            return Ok(());
        }
        let before = self.at(repo, base).ok();
        let judge = self.at(repo, merge).context("nothing could be judged after this merge")?;
        let tried = judge.change_approved_by_all(now);
        let could = |before: &Judge| approves(&before.change_approved_by_all(now));
        if !approves(&tried) && before.as_ref().is_none_or(could) {
            let why = tried.map_or_else(|why| why, |decision| one_line(&decision));
            bail!(
                "after this merge no change of the policies could be approved, even if everybody in \
                 the roster approves it: {why}"
            );
        }
        let org = &judge.bundle().org;
        let requests = open_requests(repo, merge, open(org)?)?;
        for sample in requests.into_iter().chain(samples(org, now)) {
            let could = |before: &Judge| before.decide(&sample.case(now)).is_ok();
            if let Err(error) = judge.decide(&sample.case(now))
                && before.as_ref().is_none_or(could)
            {
                let what = format!("{} could not be judged after this merge", sample.name);
                return Err(error).context(what);
            }
        }
        // Who takes out all rules of a purpose means that.
        for asked in questions(org, now).iter().filter(|it| judge.bundle().answers(it.purpose())) {
            let could = |before: &Judge| before.answer(asked, now).is_ok();
            if let Err(error) = judge.answer(asked, now)
                && before.as_ref().is_none_or(could)
            {
                let what = format!("{} could not be decided after this merge", asked.name);
                return Err(error).context(what);
            }
        }
        Ok(())
    }
}

/// Returns the requests at a commit and those of open changes, except closed ones.
fn open_requests(repo: &Repo, commit: Oid, open: Vec<Pull>) -> anyhow::Result<Vec<Sample>> {
    let mut requests = requests_at(repo, commit)?;
    requests.extend(requests_of(repo, open)?);
    requests.retain(|(_, file)| !file.request.as_ref().is_some_and(ChangeRequest::is_closed));
    Ok(requests.into_iter().map(Sample::submitted).collect())
}

/// Returns the requests of open changes, by their names.
pub(super) fn requests_of(
    repo: &Repo,
    open: Vec<Pull>,
) -> anyhow::Result<Vec<(String, RequestFile)>> {
    let mut requests = Vec::new();
    for Pull { name, base, head, .. } in open {
        if let Some(path) = Changeset::of(repo, base, head, &name)?.path {
            requests.push((name, request_at(repo, head, &path)?.0));
        }
    }
    Ok(requests)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_share_a_judge() {
        fn is_shared<T: Send + Sync>() {}
        is_shared::<Judge>();
        is_shared::<Judges>();
    }
}
