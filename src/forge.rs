//! What the gate needs from a forge: a place that holds pull requests.
//!
//! [`git::Git`] is the embedded default: branches and signed commits, no server.
//! [`github::GitHub`] takes reviews from GitHub and publishes decisions as status checks there.

use crate::content::Changeset;
pub use crate::content::Pull;
use crate::core::evidence::Evidence;
use crate::core::org::Org;
use crate::core::time::Time;
use crate::git::Oid;
use crate::report::Judged;
use github::Answered;

pub mod git;
pub mod github;

/// A place that holds pull requests.
pub trait Forge {
    /// Returns the current commits of a pull request.
    ///
    /// # Errors
    /// When there is no pull request with this name, or the forge can't be reached.
    fn pull(&self, name: &str) -> anyhow::Result<Pull>;

    /// Collects the evidence about a pull request: everything except the request itself. `org` is
    /// the organisation data at base.
    ///
    /// # Errors
    /// When the evidence isn't complete: part of it could approve what all of it would deny.
    fn evidence(
        &self,
        pull: &Pull,
        changeset: &Changeset,
        org: &Org,
        now: Time,
    ) -> anyhow::Result<Evidence>;

    /// Returns the commit whose settings list the protected branches, or `None` if pull requests to
    /// all branches are judged.
    ///
    /// # Errors
    /// When the forge can't be reached.
    fn protecting(&self, _: &Pull) -> anyhow::Result<Option<Oid>> {
        Ok(None)
    }

    /// Returns the names of other open pull requests with the same head, if the forge binds a
    /// decision to the commit, so that they share it.
    ///
    /// # Errors
    /// When the forge can't be reached.
    fn siblings(&self, _: &Pull) -> anyhow::Result<Vec<String>> {
        Ok(Vec::new())
    }

    /// Returns the other open pull requests to the same branch, as far as they were fetched, if the
    /// forge makes the merge by itself. `org` says whose pull requests matter.
    ///
    /// # Errors
    /// When the forge can't be reached.
    fn others(&self, _: &Pull, _: &Org) -> anyhow::Result<Vec<Pull>> {
        Ok(Vec::new())
    }

    /// Whether the forge makes the merge by itself, so that its result has to be compared with what
    /// was judged.
    fn merges(&self) -> bool {
        false
    }

    /// Publishes the decision on the pull request's head, and checks before and after that the pull
    /// request is still as it was judged, and so are the others with its head, `with_head`. `org` is
    /// the organisation data at base, `recorded` the ledger's entry with it.
    ///
    /// # Errors
    /// When the forge rejects it.
    fn publish(
        &self,
        pull: &Pull,
        with_head: &[String],
        judged: &Judged<'_>,
        evidence: &Evidence,
        org: &Org,
        recorded: Option<&Answered>,
    ) -> anyhow::Result<Published>;
}

/// The result of publishing a decision.
#[derive(Debug)]
pub enum Published {
    /// The decision was published, and nothing had changed then.
    Yes,
    /// The pull request has changed since it was judged.
    Moved,
    /// It is unknown whether the decision was published completely, for this reason.
    Unclear(anyhow::Error),
}
