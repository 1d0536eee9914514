//! What decides: a policy bundle, the bounds on evaluating it, and evaluators at rest.
//!
//! An evaluator answers an input document with a ruling. Reviews, sign-off and findings stay with
//! [`decide`]. A [`Judge`] is shared by all threads; each takes an evaluator of its own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;

use super::cpu;
use super::watchdog::{AtBound, Watchdog};
use crate::content::{bundle_files, short};
use crate::core::decision::{Case, Decided, decide};
use crate::core::layout::POLICIES;
use crate::core::policy::{BundleError, Evaluator, Files, PolicyBundle, Undecided};
use crate::git::{Oid, Repo};

/// Decides cases by one policy bundle.
pub struct Judge {
    bundle: PolicyBundle,
    watchdog: Watchdog,
    /// Evaluators that no thread is using.
    idle: Mutex<Vec<Evaluator>>,
}

impl Judge {
    /// Loads a bundle under the same bounds as its decisions. `at_bound` hears of a bound that only
    /// ending the process can enforce.
    ///
    /// # Errors
    /// Everything that is wrong with the bundle.
    pub fn load(files: Files, at_bound: AtBound) -> Result<Self, BundleError> {
        let watchdog = Watchdog::start(&files, at_bound);
        let watched = watchdog.watch();
        let bundle = PolicyBundle::load(files, cpu::thread_time)?;
        drop(watched);
        Ok(Judge { bundle, watchdog, idle: Mutex::default() })
    }

    /// Returns the bundle that decides.
    pub fn bundle(&self) -> &PolicyBundle {
        &self.bundle
    }

    /// Decides a case.
    ///
    /// # Errors
    /// When nothing could be decided: the rules conflict, hit a bound, or yield no ruling.
    pub fn decide(&self, case: &Case<'_>) -> Result<Decided, Undecided> {
        let idle = self.idle().pop();
        let mut evaluator = idle.unwrap_or_else(|| self.bundle.evaluator());
        let decided = {
            let _watched = self.watchdog.watch();
            decide(case, &self.bundle, |input| evaluator.rule(input))
        };
        self.idle().push(evaluator);
        decided
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Evaluator>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The judges of a repository's policies, each loaded once. Clones share them.
#[derive(Clone)]
pub struct Judges {
    at_bound: AtBound,
    by_tree: Arc<Mutex<HashMap<Option<Oid>, Arc<Judge>>>>,
}

impl Judges {
    /// Begins without any. `at_bound` is that of [`Judge::load`].
    pub fn new(at_bound: AtBound) -> Self {
        Judges { at_bound, by_tree: Arc::default() }
    }

    /// Returns the judge by the policies at a commit. Commits with the same policies have one.
    ///
    /// # Errors
    /// When there are no policies, or when they can't be used.
    pub fn at(&self, repo: &Repo, commit: Oid) -> anyhow::Result<Arc<Judge>> {
        let tree = repo.entry(commit, POLICIES)?.map(|entry| entry.id);
        if let Some(known) = self.known().get(&tree) {
            return Ok(Arc::clone(known));
        }
        let judge = Judge::load(bundle_files(repo, commit)?, self.at_bound).map_err(|error| {
            anyhow::anyhow!("the policies at {} can't be used:\n{error}", short(commit))
        })?;
        let judge = Arc::new(judge);
        self.known().insert(tree, Arc::clone(&judge));
        Ok(judge)
    }

    /// Makes sure that a merge leaves policies by which the next change can be judged.
    ///
    /// # Errors
    /// When nothing could be decided from then on.
    pub fn leaves_policies(&self, repo: &Repo, base: Oid, merge: Oid) -> anyhow::Result<()> {
        if repo.entry(base, POLICIES)? != repo.entry(merge, POLICIES)? {
            self.at(repo, merge).context("nothing could be decided after this merge")?;
        }
        Ok(())
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<Option<Oid>, Arc<Judge>>> {
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
