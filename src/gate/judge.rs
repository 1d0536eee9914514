//! The judge: a policy bundle, the bounds on evaluating it, and a pool of evaluators.
//!
//! An evaluator returns a ruling for an input document. Reviews, sign-off and findings are up to
//! [`decide`]. All threads share a [`Judge`]; each takes an evaluator of its own.

use crate::content::request_at;
use crate::core::evidence::Evidence;
use crate::core::layout::REQUESTS;
use crate::core::layout::is_request;
use crate::core::request::ChangeRequest;
use crate::core::request::RequestFile;
use crate::core::time::Time;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;

use super::cpu;
use super::watchdog::{AtBound, Watchdog};
use crate::content::{bundle_files, short};
use crate::core::decision::{Case, Decided, decide};
use crate::core::layout::POLICIES;
use crate::core::policy::testing::TestReport;
use crate::core::policy::{BundleError, Evaluator, Files, PolicyBundle, Undecided};
use crate::git::{Oid, Repo};

/// Decides cases by one policy bundle. Clones share it, with its evaluators.
#[derive(Clone)]
pub struct Judge {
    /// Whose policies decide: the id of a commit, the path of a folder, or `shipped`.
    pub source: String,
    bench: Arc<Bench>,
}

struct Bench {
    bundle: PolicyBundle,
    watchdog: Watchdog,
    /// Evaluators that no thread is using.
    idle: Mutex<Vec<Evaluator>>,
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
        Ok(Judge { source, bench: Arc::new(Bench { bundle, watchdog, idle: Mutex::default() }) })
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
        self.bundle().test(only, &self.source)
    }

    /// Decides a case.
    ///
    /// # Errors
    /// When no decision could be made: the rules conflict, exceed a bound, or return no ruling.
    pub fn decide(&self, case: &Case<'_>) -> Result<Decided, Undecided> {
        let idle = self.idle().pop();
        let mut evaluator = idle.unwrap_or_else(|| self.bundle().evaluator());
        let decided = {
            let _watched = self.bench.watchdog.watch();
            decide(case, self.bundle(), &self.source, |input| evaluator.rule(input))
        };
        self.idle().push(evaluator);
        decided
    }

    fn can_decide(&self, file: Option<&RequestFile>, now: Time) -> Result<(), Undecided> {
        let case = Case { file, evidence: &Evidence::default(), brings: None, now };
        self.decide(&case).map(drop)
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Evaluator>> {
        self.bench.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The judges by the policies in a repository, each loaded once. Clones share the judges.
#[derive(Clone)]
pub struct Judges {
    at_bound: AtBound,
    by_tree: Arc<Mutex<HashMap<Option<Oid>, Judge>>>,
}

impl Judges {
    /// Starts without a judge. `at_bound` is passed to [`Judge::load`].
    pub fn new(at_bound: AtBound) -> Self {
        Judges { at_bound, by_tree: Arc::default() }
    }

    /// Returns the judge by the policies at a commit. Commits with the same policies share a judge.
    ///
    /// # Errors
    /// When there are no policies, or when they can't be used.
    pub fn at(&self, repo: &Repo, commit: Oid) -> anyhow::Result<Judge> {
        let tree = repo.entry(commit, POLICIES)?.map(|entry| entry.id);
        if let Some(known) = self.known().get(&tree) {
            return Ok(Judge { source: commit.to_string(), ..known.clone() });
        }
        let files = bundle_files(repo, commit)?;
        let judge = Judge::load(files, commit.to_string(), self.at_bound).map_err(|error| {
            anyhow::anyhow!("the policies at {} can't be used:\n{error}", short(commit))
        })?;
        self.known().insert(tree, judge.clone());
        Ok(judge)
    }

    /// Checks that the policies after a merge can judge what comes next: afterwards nothing could
    /// repair them. They decide on a change of policies and on every request that isn't closed.
    ///
    /// # Errors
    /// When no decision could be made after the merge.
    pub fn leaves_policies(
        &self,
        repo: &Repo,
        base: Oid,
        merge: Oid,
        now: Time,
    ) -> anyhow::Result<()> {
        if repo.entry(base, POLICIES)? == repo.entry(merge, POLICIES)? {
            return Ok(());
        }
        let judge = self.at(repo, merge).context("nothing could be judged after this merge")?;
        judge
            .can_decide(None, now)
            .context("no change of policies could be judged after this merge")?;
        let requests = repo.files_below(merge, REQUESTS)?.into_iter().map(|(path, _)| path);
        for path in requests.filter(|path| is_request(path)) {
            let (file, _) = request_at(repo, merge, &path)?;
            if !file.request.as_ref().is_some_and(ChangeRequest::is_closed) {
                judge
                    .can_decide(Some(&file), now)
                    .with_context(|| format!("{path} could not be judged after this merge"))?;
            }
        }
        Ok(())
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<Option<Oid>, Judge>> {
        self.by_tree.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
