//! What an answer remembers for the next sweep, in the query of the address that it links to:
//! `https://github.com/acme/ops/pull/7?changegate=2026-11-24T22:00:00Z.4f0c1d2ab9e1.2026-11-24T10:00:00Z#issuecomment-12`
//!
//! So a sweep learns from a list of pull requests which of them it has to look at. GitHub ignores
//! the query, and whoever forges it only keeps an answer from being brought up to date by a sweep.

use crate::digest::Digest;
use crate::forge::content::POLICIES;
use crate::git::{Oid, Repo};
use crate::time::{Duration, Time};

/// What an answer was worked out from, as far as it can change unseen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memo {
    /// When the decision changes by itself.
    pub until: Option<Time>,
    /// Policies and merged requests at base.
    pub base: String,
    /// The time of the latest change that was surely seen.
    pub seen: Time,
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
        let (until, base, seen) = (parts.next()?, parts.next()?, parts.next()?);
        let until = match until {
            "never" => None,
            until => Some(until.parse().ok()?),
        };
        Some(Memo { until, base: base.to_owned(), seen: seen.parse().ok()? })
    }

    /// A page's address with the memo in it.
    pub fn on(&self, page: &str) -> String {
        let (page, fragment) = page.split_once('#').unwrap_or((page, ""));
        let until = self.until.map_or_else(|| "never".to_owned(), |until| until.to_string());
        let hash = if fragment.is_empty() { "" } else { "#" };
        format!("{page}{KEY}{until}.{}.{}{hash}{fragment}", self.base, self.seen)
    }

    /// What was surely seen at a moment, of a pull request to which something happened last at another.
    pub fn seen(updated_at: Time, looked_at: Time) -> Time {
        updated_at.min(looked_at - MARGIN)
    }

    /// What stands at a commit that decisions rest on.
    ///
    /// # Errors
    /// When the commit can't be read.
    pub fn base_of(repo: &Repo, commit: Oid) -> anyhow::Result<String> {
        let mut text = String::new();
        for folder in [POLICIES, "requests"] {
            let entry = repo.entry(commit, folder)?;
            text += &entry.map_or_else(String::new, |entry| entry.id.to_string());
            text.push('\n');
        }
        Ok(Digest::of(text.as_bytes()).short())
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
                Memo { until, base: "4f0c1d2".to_owned(), seen: time("2026-11-24T10:00:00Z") };
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
