//! The other open pull requests to the branch of one.

use std::cmp::Reverse;

use super::facts::{missing, repository};
use super::identity::Identities;
use super::{GitHub, name, types};
use crate::core::org::Org;
use crate::forge::Pull;
use crate::git::Oid;

/// The maximum number of other pull requests that are returned.
const MOST: usize = 100;

impl GitHub {
    /// Fetches the other open pull requests to the branch that a pull request goes to, and returns
    /// them as [`GitHub::beside`] does.
    ///
    /// # Errors
    /// When GitHub can't be reached or refuses, or when the pull request isn't open.
    pub fn fetch_beside(&self, number: u64, org: &Org) -> anyhow::Result<(Vec<Pull>, usize)> {
        let own = self.open_pull(number)?;
        let open = self.open_pulls()?;
        let source = self.source(repository(&own)?)?;
        let base = self.remote.fetch_branch(&source, &own.base.branch)?;
        let others = self.newest_beside(&own, &open, org);
        source.fetch_heads_if_possible(&missing(self, others.into_iter().take(MOST)));
        Ok(self.beside(&own, &open, base, org))
    }

    /// Returns the other open pull requests to the same branch, by people in the roster: the newest
    /// [`MOST`] of those whose heads were fetched, and the number of those that are left out.
    pub(super) fn beside(
        &self,
        own: &types::Pull,
        open: &[types::Pull],
        base: Oid,
        org: &Org,
    ) -> (Vec<Pull>, usize) {
        let others = self.newest_beside(own, open, org);
        let pull = |other: &&types::Pull| {
            let base_ref = Some(other.base.branch.clone());
            let head = self.remote.commit(&other.head.sha)?;
            Some(Pull { name: name(other.number), id: None, base_ref, base, head, log: None })
        };
        let found: Vec<_> = others.iter().take(MOST).filter_map(pull).collect();
        let left_out = others.len() - found.len();
        (found, left_out)
    }

    fn newest_beside<'a>(
        &self,
        own: &types::Pull,
        open: &'a [types::Pull],
        org: &Org,
    ) -> Vec<&'a types::Pull> {
        let people = Identities::of(&org.roster, &[], self.repo(), self.client.site());
        let mut others: Vec<_> = open.iter().filter(|it| people.is_beside(own, it)).collect();
        others.sort_by_key(|other| Reverse(other.number));
        others
    }
}
