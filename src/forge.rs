//! What the gate needs from a place that holds pull requests.
//!
//! [`git::Git`] is the embedded default: branches and signed commits, no server.
//! [`github::GitHub`] takes reviews from GitHub and answers with status checks there.

use crate::content::Changeset;
use crate::core::evidence::Evidence;
use crate::core::org::Org;
use crate::core::time::Time;
use crate::git::Oid;
use crate::report::Judged;

pub mod git;
pub mod github;

/// Where a pull request stands at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pull {
    /// What it is called.
    pub name: String,
    /// The id that its request has to have, where its name says so.
    pub id: Option<String>,
    /// The branch that it goes to, where it is a branch.
    pub base_ref: Option<String>,
    /// The tip of that branch.
    pub base: Oid,
    /// The commit that is to be merged.
    pub head: Oid,
}

/// A place that holds pull requests.
pub trait Forge {
    /// Where a pull request stands now.
    ///
    /// # Errors
    /// When there is none of that name, or the forge can't be asked.
    fn pull(&self, name: &str) -> anyhow::Result<Pull>;

    /// The facts about it: everything but the request itself. `org` is the organisation at base.
    ///
    /// # Errors
    /// When they can't be had whole: half the facts could approve what all of them deny.
    fn evidence(
        &self,
        pull: &Pull,
        brought: &Changeset,
        org: &Org,
        now: Time,
    ) -> anyhow::Result<Evidence>;

    /// The commit whose settings name the branches that are protected, where pull requests to others
    /// aren't judged at all.
    ///
    /// # Errors
    /// When the forge can't be asked.
    fn protecting(&self, _: &Pull) -> anyhow::Result<Option<Oid>> {
        Ok(None)
    }

    /// The names of other open pull requests with the same head, where the answer is bound to the
    /// commit and so is theirs, too.
    ///
    /// # Errors
    /// When the forge can't be asked.
    fn siblings(&self, _: &Pull) -> anyhow::Result<Vec<String>> {
        Ok(Vec::new())
    }

    /// Whether the forge merges by itself, as Git merges, so that what comes of that has to be held
    /// against what was judged.
    fn merges(&self) -> bool {
        false
    }

    /// Puts the decision where people see it, on the pull request's head, after it was looked at
    /// again. `org` is the organisation at base.
    ///
    /// # Errors
    /// When the forge doesn't take it.
    fn publish(
        &self,
        pull: &Pull,
        judged: &Judged<'_>,
        evidence: &Evidence,
        org: &Org,
    ) -> anyhow::Result<Published>;
}

/// What came of publishing a decision.
#[derive(Debug)]
pub enum Published {
    /// People see it.
    Yes,
    /// The pull request isn't what was judged any more: nothing was published.
    Moved,
    /// Nobody knows what of it was published, for this reason.
    Unclear(anyhow::Error),
}
