//! The memo that a decision's status keeps for the next sweep, in the query of the URL it links to:
//! `https://github.com/acme/ops/pull/7?changegate=2026-11-24T22:00:00Z.4f0c1d2ab9e1.2026-11-24T10:00:00Z.7#issuecomment-12`
//!
//! It tells a sweep which pull requests of a list have to be judged again, and a check whether the
//! decision is based on more than it has seen itself, and where it is recorded. GitHub ignores the query.
//! A forged memo can only prevent an update of a decision, or keep one that wasn't changed from being
//! recorded again; a check then publishes that it can't decide.

use std::fmt;

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
    /// Where the decision is recorded, if it is.
    pub recorded: Option<Answered>,
}

/// The entry of the ledger with the decision that an answer gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Its id.
    pub entry: Digest,
    /// Its commit.
    pub commit: Oid,
    /// The digest of what it says, by which the same decision is known again.
    pub decision: String,
}

/// An open pull request with its base branch and the tip of that.
pub struct Basis {
    pub number: u64,
    pub branch: String,
    pub tip: Oid,
    /// What the operations log says, if there is one.
    pub log: Option<Digest>,
}

const KEY: &str = "?changegate=";

/// What a comment says for the next check, and not for people.
const RECORDED: &str = "<!-- changegate:recorded ";

/// How the id of an entry begins; an address leaves it out.
const SHA256: &str = "sha256:";

/// The time before a check in which changes may have been missed: GitHub's times are in whole
/// seconds, and its answers may have different ages.
const MARGIN: Duration = Duration::seconds(60);

impl Answered {
    fn of([entry, commit, decision]: [&str; 3]) -> Option<Self> {
        Some(Answered {
            entry: format!("{SHA256}{entry}").parse().ok()?,
            commit: commit.parse().ok()?,
            decision: decision.to_owned(),
        })
    }

    /// Reads it from a comment in which [`Answered::shown`] wrote it.
    pub fn in_comment(text: &str) -> Option<Self> {
        let (_, rest) = text.split_once(RECORDED)?;
        let mut parts = rest.split_once(" -->")?.0.split('.');
        Self::of([parts.next()?, parts.next()?, parts.next()?])
    }

    /// Returns it as Markdown that leads to the entry, for people and for the next check. `page` is the
    /// address that shows the entry's commit, if one does.
    pub fn shown(&self, page: Option<&str>) -> String {
        let entry = format!("`{}`", self.entry.short());
        let entry = page.map_or(entry.clone(), |page| format!("[{entry}]({page})"));
        format!("**Recorded** as {entry}\n{RECORDED}{self} -->\n")
    }
}

impl fmt::Display for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entry = self.entry.to_string();
        write!(f, "{}.{}.{}", entry.trim_start_matches(SHA256), self.commit, self.decision)
    }
}

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
        let recorded = match parts.next() {
            Some(entry) => Some(Answered::of([entry, parts.next()?, parts.next()?])?),
            None => None,
        };
        Some(Memo { until, bases: bases.to_owned(), seen, events, recorded })
    }

    /// Returns the URL of a page with the memo in it.
    pub fn on(&self, page: &str) -> String {
        let (page, fragment) = page.split_once('#').unwrap_or((page, ""));
        let until = self.until.map_or_else(|| "never".to_owned(), |until| until.to_string());
        let hash = if fragment.is_empty() { "" } else { "#" };
        let Memo { bases, seen, events, .. } = self;
        let recorded = self.recorded.as_ref().map(|recorded| format!(".{recorded}"));
        let recorded = recorded.unwrap_or_default();
        format!("{page}{KEY}{until}.{bases}.{seen}.{events}{recorded}{hash}{fragment}")
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
        for Basis { number, branch, tip, log } in pulls {
            let mut line = format!("{number} {branch}");
            for path in GOVERNED {
                let entry = repo.entry(*tip, path)?;
                line += &entry.map_or_else(|| " -".to_owned(), |entry| format!(" {}", entry.id));
            }
            line.extend(log.as_ref().map(|log| format!(" {log}")));
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
        let recorded = Answered {
            entry: Digest::of(b"entry"),
            commit: Oid::ZERO_SHA1,
            decision: "4f0c1d2".to_owned(),
        };
        for (until, recorded) in
            [(None, None), (Some(time("2026-11-24T22:00:00Z")), Some(recorded))]
        {
            let seen = time("2026-11-24T10:00:00Z");
            if let Some(recorded) = &recorded {
                for page in [Some("https://github.com/a/b/commit/1"), None] {
                    let shown = format!("text\n{}more", recorded.shown(page));
                    assert_eq!(Answered::in_comment(&shown).as_ref(), Some(recorded));
                }
            }
            let memo = Memo { until, bases: "4f0c1d2".to_owned(), seen, events: 7, recorded };
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
