//! The memo that a decision's status keeps for the next sweep, in the query of the URL it links to:
//! `https://github.com/acme/ops/pull/7?changegate=2026-11-24T22:00:00Z.4f0c1d2ab9e1.2026-11-24T10:00:00Z.7#issuecomment-12`
//!
//! It tells a sweep which pull requests of a list have to be judged again, and a check whether the
//! decision is based on more than it has seen itself. GitHub ignores the query. A forged memo can only
//! prevent an update of a decision; a check then publishes that it can't decide.

use crate::core::digest::Digest;
use crate::core::layout::GOVERNED;
use crate::core::time::{Duration, Time};
use crate::git::{Oid, Repo};

/// What a decision depends on that can change without an event.
///
/// All pull requests with the same head share one memo, because they share the decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memo {
    /// The time at which the decision changes by itself.
    pub until: Option<Time>,
    /// The digest of the open pull requests with this head, and of what is governed at their
    /// bases.
    pub bases: String,
    /// The time of the latest change to them that was certainly seen.
    pub seen: Time,
    /// The number of their events that were seen.
    pub events: u64,
}

/// An open pull request with its base branch and the tip of that.
pub struct Basis {
    pub number: u64,
    pub branch: String,
    pub tip: Oid,
}

const KEY: &str = "?changegate=";

/// The time before a check in which changes may have been missed: GitHub's times are in whole
/// seconds, and its answers may have different ages.
const MARGIN: Duration = Duration::seconds(60);

impl Memo {
    /// Reads the memo in a URL.
    pub fn in_url(url: &str) -> Option<Self> {
        let (_, rest) = url.split_once(KEY)?;
        let mut parts = rest.split(['#', '&']).next()?.split('.');
        let (until, bases, seen) = (parts.next()?, parts.next()?, parts.next()?);
        let until = match until {
            "never" => None,
            until => Some(until.parse().ok()?),
        };
        let (seen, events) = (seen.parse().ok()?, parts.next()?.parse().ok()?);
        Some(Memo { until, bases: bases.to_owned(), seen, events })
    }

    /// Returns the URL of a page with the memo in it.
    pub fn on(&self, page: &str) -> String {
        let (page, fragment) = page.split_once('#').unwrap_or((page, ""));
        let until = self.until.map_or_else(|| "never".to_owned(), |until| until.to_string());
        let hash = if fragment.is_empty() { "" } else { "#" };
        let Memo { bases, seen, events, .. } = self;
        format!("{page}{KEY}{until}.{bases}.{seen}.{events}{hash}{fragment}")
    }

    /// Whether a decision with this memo is based on more than one with the other.
    pub fn is_newer_than(&self, other: &Memo) -> bool {
        self.bases == other.bases && self.events > other.events
    }

    /// Returns the time up to which changes were certainly seen, given the last update of a pull
    /// request and the time at which it was read.
    pub fn seen(updated_at: Time, looked_at: Time) -> Time {
        updated_at.min(looked_at - MARGIN)
    }

    /// Returns the digest of what the decisions on pull requests with the same head depend on
    /// besides the head. The order of `pulls` doesn't matter.
    ///
    /// # Errors
    /// When the trees at a base can't be read.
    pub fn bases_of(repo: &Repo, pulls: &[Basis]) -> anyhow::Result<String> {
        let mut lines = Vec::new();
        for Basis { number, branch, tip } in pulls {
            let mut line = format!("{number} {branch}");
            for path in GOVERNED {
                let entry = repo.entry(*tip, path)?;
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
            let seen = time("2026-11-24T10:00:00Z");
            let memo = Memo { until, bases: "4f0c1d2".to_owned(), seen, events: 7 };
            for page in
                ["https://github.com/a/b/pull/7", "https://github.com/a/b/pull/7#issuecomment-1"]
            {
                let url = memo.on(page);
                assert_eq!(Memo::in_url(&url), Some(memo.clone()), "{url}");
            }
        }
        assert_eq!(Memo::in_url("https://github.com/a/b/pull/7"), None);
        assert_eq!(Memo::in_url("https://x?changegate=never.4f.tomorrow.7"), None);
        assert_eq!(Memo::in_url("https://x?changegate=never.4f.2026-11-24T10:00:00Z"), None);
    }
}
