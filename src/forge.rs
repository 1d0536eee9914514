//! What the gate needs from a place that holds pull requests.
//!
//! [`git::Git`] is the embedded default: branches and signed commits, no server.

use content::Brought;

use crate::decision::Decision;
use crate::evidence::Evidence;
use crate::git::Oid;
use crate::org::Org;
use crate::time::Time;

pub mod content;
pub mod git;

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
        brought: &Brought,
        org: &Org,
        now: Time,
    ) -> anyhow::Result<Evidence>;

    /// Puts the decision where people see it, on the pull request's head.
    ///
    /// # Errors
    /// When the forge doesn't take it.
    fn publish(&self, pull: &Pull, decision: &Decision) -> anyhow::Result<()>;
}
