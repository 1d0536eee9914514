//! What an answer remembers for the next sweep, in the query of the address that it links to:
//! `https://github.com/acme/ops/pull/7?changegate=2026-11-24T22:00:00Z.4f0c1d2ab9e1.2026-11-24T10:00:00Z#issuecomment-12`
//!
//! So a sweep learns from a list of pull requests which of them it has to look at. GitHub ignores
//! the query, and whoever forges it only keeps an answer from being brought up to date by a sweep.

use crate::core::digest::Digest;
use crate::core::layout::{POLICIES, REQUESTS};
use crate::core::time::{Duration, Time};
use crate::git::{Oid, Repo};

/// What an answer was worked out from, as far as it can change unseen. It is one for all pull requests
/// with a head, because the answer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memo {
    /// When the decision changes by itself.
    pub until: Option<Time>,
    /// The open pull requests with its head, with policies and merged requests at their bases.
    pub bases: String,
    /// The time of the latest change to them that was surely seen.
    pub seen: Time,
}

/// An open pull request, with the branch that it goes to and that branch's tip.
pub struct Basis {
    pub number: u64,
    pub branch: String,
    pub tip: Oid,
}

const KEY: &str = "?changegate=";

/// What happened within this time before it was looked may have been missed: GitHub counts in
/// seconds, and one of its answers may be older than another.
const MARGIN: Duration = Duration::seconds(60);

impl Memo {
    /// The memo in an address.
    pub fn in_url(url: &str) -> Option<Self> {
        let (_, rest) = url.split_once(KEY)?;
        let mut parts = rest.split(['#', '&']).next()?.split('.');
        let (until, bases, seen) = (parts.next()?, parts.next()?, parts.next()?);
        let until = match until {
            "never" => None,
            until => Some(until.parse().ok()?),
        };
        Some(Memo { until, bases: bases.to_owned(), seen: seen.parse().ok()? })
    }

    /// A page's address with the memo in it.
    pub fn on(&self, page: &str) -> String {
        let (page, fragment) = page.split_once('#').unwrap_or((page, ""));
        let until = self.until.map_or_else(|| "never".to_owned(), |until| until.to_string());
        let hash = if fragment.is_empty() { "" } else { "#" };
        format!("{page}{KEY}{until}.{}.{}{hash}{fragment}", self.bases, self.seen)
    }

    /// What was surely seen at a moment, of a pull request to which something happened last at another.
    pub fn seen(updated_at: Time, looked_at: Time) -> Time {
        updated_at.min(looked_at - MARGIN)
    }

    /// What decisions on the pull requests of one head rest on beside it, in any order.
    ///
    /// # Errors
    /// When what stands at a base can't be read.
    pub fn bases_of(repo: &Repo, pulls: &[Basis]) -> anyhow::Result<String> {
        let mut lines = Vec::new();
        for Basis { number, branch, tip } in pulls {
            let mut line = format!("{number} {branch}");
            for folder in [POLICIES, REQUESTS] {
                let entry = repo.entry(*tip, folder)?;
                line += &entry.map_or_else(|| " -".to_owned(), |entry| format!(" {}", entry.id));
            }
            lines.push(line);
        }
        lines.sort();
        Ok(Digest::of(lines.join("\n").as_bytes()).short())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_it() {
        let time = |text: &str| text.parse::<Time>().unwrap();
        for until in [None, Some(time("2026-11-24T22:00:00Z"))] {
            let memo =
                Memo { until, bases: "4f0c1d2".to_owned(), seen: time("2026-11-24T10:00:00Z") };
            for page in
                ["https://github.com/a/b/pull/7", "https://github.com/a/b/pull/7#issuecomment-1"]
            {
                let url = memo.on(page);
                assert_eq!(Memo::in_url(&url), Some(memo.clone()), "{url}");
            }
        }
        assert_eq!(Memo::in_url("https://github.com/a/b/pull/7"), None);
        assert_eq!(Memo::in_url("https://x?changegate=never.4f.tomorrow"), None);
    }
}
