//! Publishes decisions on the commits of a merge queue.

use std::collections::BTreeSet;

use anyhow::Context as _;

use super::publish::Conclusion;
use super::{GitHub, number};
use crate::content::Changeset;
use crate::core::decision::Decision;
use crate::core::terms::Verdict;
use crate::forge::Pull;
use crate::git::Oid;
use crate::report;

impl GitHub {
    /// Fetches the commits of a merge queue: the merge commit that it has made, and the commit that
    /// it merges into.
    ///
    /// # Errors
    /// When GitHub no longer has them.
    pub fn bring_queued(&self, pull: &Pull, commit: &str, onto: &str) -> anyhow::Result<[Oid; 2]> {
        let facts = self.facts_of(&pull.name)?;
        self.remote.fetch_commits(&facts.source, &BTreeSet::from([commit, onto]));
        let fetched = |id: &str| {
            let commit = self.remote.commit(id);
            commit.with_context(|| format!("git can't fetch commit {id} of the merge queue"))
        };
        Ok([fetched(commit)?, fetched(onto)?])
    }

    /// Publishes the decision on the commit that a merge queue has made on `pull.base`, and returns
    /// the verdict. It is denied if the commit changes other files than were judged.
    ///
    /// # Errors
    /// When the commits can't be read, or GitHub refuses.
    pub fn publish_on_queued(
        &self,
        pull: &Pull,
        decision: &Decision,
        commit: Oid,
    ) -> anyhow::Result<Verdict> {
        let repo = self.repo();
        let changeset = Changeset::of(repo, pull.base, pull.head, &pull.name)?;
        let merged = repo.changes(Some(pull.base), commit)?;
        let (verdict, text) = match changeset.unlike(repo, pull.base, &merged)? {
            None => (decision.verdict, report::one_line(decision)),
            Some(path) => {
                let text = format!("in the merge queue, {path} differs from {}", pull.name);
                (Verdict::Denied, text)
            }
        };
        let number = number(&pull.name)?;
        self.post(number, &commit.to_string(), Conclusion::Verdict(verdict), &text)?;
        Ok(verdict)
    }
}
