//! The embedded default: pull requests in plain Git, without a server.
//!
//! - A pull request is the branch `change/<name>`. One that brings a request is called by its id;
//!   one that changes policies by any name.
//! - Its reviews are the commits of the branch `reviews/<name>`, see [`journal`].
//! - A person is who the roster at base says that an email address or a signing key belongs to.
//!
//! No server vouches for anything here, and so nothing counts by what a commit merely claims. Who
//! somebody is shows in signatures. What came before what shows in the history itself: an approval
//! is about this content if every commit since the reviewed one holds the same; dates only tell
//! when it ages out.

use std::cell::OnceCell;

use anyhow::{Context as _, bail};

use super::{Forge, Published, Pull};
use crate::content::Changeset;
use crate::core::evidence::{Evidence, Unproven};
use crate::core::org::Org;
use crate::core::time::{Duration, Time};
use crate::git::{Oid, Repo};
use crate::report::Judged;
use collect::Collector;
use journal::Said;

mod branches;
mod collect;
pub mod journal;
mod people;
mod survey;
pub mod write;

pub use branches::{Advance, Branches, DEFAULT_BASES};
pub use people::{People, Signer};

/// By how much the clocks of people's own machines may differ.
pub const SKEW: Duration = Duration::seconds(300);

/// Branches with changes are called so, and then by the change's name.
pub const CHANGE: &str = "change/";

/// Branches with reviews are called so, and then by the change's name.
pub const REVIEWS: &str = "reviews/";

/// Plain Git as a forge.
pub struct Git {
    /// Where everybody's branches are.
    pub branches: Branches,
    /// The branch that changes go to.
    pub base_ref: String,
    /// What others bring, read once for many changes.
    survey: OnceCell<survey::Survey>,
}

impl Git {
    /// The forge that a repository's shared branches make. `base_ref` is found if left out.
    ///
    /// # Errors
    /// When no base is given and none is found.
    pub fn new(branches: Branches, base_ref: Option<String>) -> anyhow::Result<Self> {
        let base_ref = base_ref.map_or_else(|| branches.default_base(), Ok)?;
        Ok(Git { branches, base_ref, survey: OnceCell::new() })
    }

    /// The repository.
    pub fn repo(&self) -> &Repo {
        self.branches.repo()
    }

    /// The tip of the branch that changes go to.
    ///
    /// # Errors
    /// When there is no such branch.
    pub fn base(&self) -> anyhow::Result<Oid> {
        let tip = self.branches.tip(&self.base_ref)?;
        tip.with_context(|| format!("there is no branch {} to merge into", self.base_ref))
    }

    /// A change's journal, oldest entry first; empty if nobody has written to it.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn journal(&self, name: &str) -> anyhow::Result<Vec<journal::Entry>> {
        match self.branches.tip(&format!("{REVIEWS}{name}"))? {
            Some(tip) => journal::entries(self.repo(), tip),
            None => Ok(Vec::new()),
        }
    }

    /// Whether a change was given up and not taken up again. `org` is the organisation at base.
    ///
    /// # Errors
    /// When its journal can't be read.
    pub fn is_closed(&self, name: &str, org: &Org) -> anyhow::Result<bool> {
        let people = People::of(&org.roster);
        Ok(closed_by(self.repo(), &people, org, name, &self.journal(name)?).is_some())
    }
}

/// The entry that closed a change, if none that is as good reopened it. What isn't shown to be
/// somebody's closes nothing.
pub(crate) fn closed_by<'e>(
    repo: &Repo,
    people: &People<'_>,
    org: &Org,
    name: &str,
    journal: &'e [journal::Entry],
) -> Option<&'e journal::Entry> {
    let is_known = |entry: &journal::Entry| {
        let signer = people.signer(repo, &entry.commit);
        signer.login.is_some() && signer.unproven.is_none_or(|unproven| org.tolerates(unproven))
    };
    let last = journal.iter().rev().find(|entry| {
        let is_about = matches!(entry.said, Some(Said::Closed | Said::Reopened));
        is_about && entry.change == name && is_known(entry)
    });
    last.filter(|entry| entry.said == Some(Said::Closed))
}

impl Forge for Git {
    fn pull(&self, name: &str) -> anyhow::Result<Pull> {
        let Some(head) = self.branches.tip(&format!("{CHANGE}{name}"))? else {
            bail!("there is no branch {CHANGE}{name}: submit it with `changegate submit {name}`");
        };
        Ok(Pull {
            name: name.to_owned(),
            id: Some(name.to_owned()),
            base_ref: Some(self.base_ref.clone()),
            base: self.base()?,
            head,
        })
    }

    fn evidence(
        &self,
        pull: &Pull,
        brought: &Changeset,
        org: &Org,
        now: Time,
    ) -> anyhow::Result<Evidence> {
        Collector::of(self, pull, brought, org, now)?.evidence()
    }

    /// Nothing to write: in plain Git everybody works the answer out from the same commits.
    fn publish(
        &self,
        pull: &Pull,
        _: &Judged<'_>,
        _: &Evidence,
        _: &Org,
    ) -> anyhow::Result<Published> {
        let is_still = self.pull(&pull.name)? == *pull;
        Ok(if is_still { Published::Yes } else { Published::Moved })
    }
}

impl Org {
    /// Whether the settings let somebody pass whose identity isn't shown for this reason.
    pub(crate) fn tolerates(&self, unproven: Unproven) -> bool {
        unproven == Unproven::Unsigned && self.settings.unsigned_reviews.is_allowed()
    }
}
