//! What a replay is given: the policies that are tried, and on what.

use crate::audit::case::Tips;
use crate::content::bundle_files;
use crate::core::policy::patch::Patch;
use crate::core::time::Time;
use crate::gate::judge::Judge;
use crate::gate::trial::ByBoth;
use crate::git::{Oid, Repo};

/// A change of policies that is tried.
pub struct Trying {
    /// Whose policies they are: the id of a commit, the path of a folder, or `shipped`.
    pub policies: String,
    /// The commit with whose policies they are compared.
    pub against: String,
    /// What they change in those.
    pub patch: Patch,
}

impl Trying {
    /// Returns what a branch with this head changes in the policies, from where it left the base;
    /// `None` if both have no history in common.
    ///
    /// # Errors
    /// When the policies can't be read.
    pub fn of_head(repo: &Repo, base: Oid, head: Oid) -> anyhow::Result<Option<Self>> {
        let Some(from) = repo.merge_base(base, head)? else { return Ok(None) };
        let patch = Patch::between(bundle_files(repo, from)?, bundle_files(repo, head)?);
        Ok(Some(Trying { policies: head.to_string(), against: from.to_string(), patch }))
    }
}

/// The record on which policies are tried.
pub struct Record<'a> {
    /// The repository.
    pub repo: &'a Repo,
    /// The branches of the record there.
    pub tips: Tips<'a>,
    /// The tip of the branch that changes go to.
    pub base: Oid,
}

/// Returns what both decide on each open change, but not on the one that brings the policies, and the
/// number of open changes that could not be tried.
pub type Open<'a> = &'a dyn Fn(&Judge, &Judge) -> anyhow::Result<(Vec<ByBoth>, usize)>;

/// Which part of the record is looked at.
pub struct Part<'a> {
    /// Leaves out what was decided before.
    pub since: Option<Time>,
    /// The most entries that are looked at.
    pub most: Option<usize>,
    /// What a part is drawn by; the commit of the ledger's last entry if left out.
    pub seed: Option<String>,
    /// Returns whether there is time to go on.
    pub has_time: &'a dyn Fn() -> bool,
}
