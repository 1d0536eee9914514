//! Merges into the base, and the decisions that their messages record.

use crate::content::journal::split;
use crate::core::terms::RiskTier;
use crate::git::{Commit, Oid};

/// A merge of a change into the base.
#[derive(Clone, Debug)]
pub struct Merge {
    /// The merge commit.
    pub commit: Commit,
    /// The tip of the base before the merge.
    pub base: Oid,
    /// The commit that was merged.
    pub head: Oid,
    /// Whether GitHub put it there as one commit, which is the head then: its reviews are there alone.
    pub is_squashed: bool,
    trailers: Vec<(String, String)>,
}

impl Merge {
    /// Reads a commit as a merge, or returns `None` unless it has exactly two parents.
    pub fn read(commit: Commit) -> Option<Self> {
        let [base, head] = commit.parents[..] else { return None };
        let (_, trailers) = split(&commit.message);
        let trailers = trailers.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Some(Merge { base, head, is_squashed: false, trailers: trailers.collect(), commit })
    }

    /// Takes a commit that put a change on the base: by merging it, or as GitHub squashes it.
    pub fn of(commit: Commit) -> Option<Self> {
        match commit.parents.len() {
            2 => Self::read(commit),
            _ => Self::squashed(commit),
        }
    }

    /// Takes a commit that GitHub made of a pull request as a merge of its own content; `None` for the first
    /// commit.
    pub fn squashed(commit: Commit) -> Option<Self> {
        let (base, head) = (commit.parents.first().copied()?, commit.id);
        Some(Merge { base, head, is_squashed: true, trailers: Vec::new(), commit })
    }

    /// Returns the value of a trailer such as `Tier`, or `None` if it is missing or repeated.
    pub fn trailer(&self, name: &str) -> Option<&str> {
        let mut values = self.trailers(name);
        values.next().filter(|_| values.next().is_none())
    }

    /// Returns the tier that its message names, if it does.
    pub fn tier(&self) -> Option<RiskTier> {
        let said = self.trailer("Tier")?;
        RiskTier::ALL.into_iter().find(|tier| tier.to_string() == said)
    }

    /// Returns all values of a trailer such as `Approved-by`.
    pub fn trailers(&self, name: &str) -> impl Iterator<Item = &str> {
        self.trailers.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::Identity;

    fn commit(parents: &[Oid], message: &str) -> Commit {
        let who = || Identity { name: "carol".to_owned(), email: "carol@acme.example".to_owned() };
        Commit {
            id: Oid::ZERO_SHA1,
            parents: parents.to_vec(),
            tree: Oid::ZERO_SHA1,
            author: who(),
            committer: who(),
            time: "2026-11-24T22:00:00Z".parse().unwrap(),
            message: message.to_owned(),
        }
    }

    #[test]
    fn a_merge_says_what_was_decided() {
        let message = "Merge CHG-1: x\n\nChange: CHG-9\n\nChange: CHG-1\nTier: high\n\
            Approved-by: carol (L3)\nApproved-by: bob (devops-lead)\n";
        let merge = Merge::read(commit(&[Oid::ZERO_SHA1; 2], message)).unwrap();
        assert_eq!(merge.trailer("Change"), Some("CHG-1"));
        assert_eq!(merge.trailer("Tier"), Some("high"));
        assert_eq!(merge.trailer("Approved-by"), None);
        assert_eq!(merge.trailers("Approved-by").count(), 2);
        assert!(Merge::read(commit(&[Oid::ZERO_SHA1], message)).is_none());
    }
}
