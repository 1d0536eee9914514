//! The journal of a pull request: the branch `reviews/<name>`, one commit for each review.
//!
//! The branch is append-only. The last parent of each commit is the commit that was reviewed. So
//! the signature covers the reviewed commit, and the repository keeps it as long as the review. The
//! other parent is the previous review. The message holds the review, with trailers for programs at
//! its end:
//!
//! ```text
//! approved CHG-1234: Fail the EU region over to eu-west-2
//!
//! Both regions have room for the whole load.
//!
//! Change: CHG-1234
//! Review: approved
//! Reviewed-commit: 4f0c1d2…
//! Material: sha256:9f2c…
//! ```

use std::fmt::{self, Write as _};
use std::str::FromStr;

use crate::core::characters::is_hidden;
use crate::core::digest::Digest;
use crate::core::record::seen::Seen;
use crate::git::{Commit, Oid, Repo};

/// The prefix of the branches with journals; the change's name follows.
pub const REVIEWS: &str = "reviews/";

/// What a journal entry says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// The change may go ahead.
    Approved,
    /// The change must not go ahead in its current form.
    ChangesRequested,
    /// A comment.
    Commented,
    /// The reviewer withdraws their earlier reviews.
    Withdrawn,
    /// The pull request is closed without a merge.
    Closed,
    /// The pull request is reopened.
    Reopened,
}

impl Said {
    const ALL: [Said; 6] = [
        Said::Approved,
        Said::ChangesRequested,
        Said::Commented,
        Said::Withdrawn,
        Said::Closed,
        Said::Reopened,
    ];

    /// Whether this is a review; closing and reopening are not.
    pub fn is_review(self) -> bool {
        !matches!(self, Said::Closed | Said::Reopened)
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Said::Approved => "approved",
            Said::ChangesRequested => "changes-requested",
            Said::Commented => "commented",
            Said::Withdrawn => "withdrawn",
            Said::Closed => "closed",
            Said::Reopened => "reopened",
        })
    }
}

impl FromStr for Said {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Said::ALL.into_iter().find(|said| said.to_string() == text).ok_or(())
    }
}

/// One journal entry.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The commit that holds the entry.
    pub commit: Commit,
    /// What the entry says; `None` if it can't be read.
    pub said: Option<Said>,
    /// The name of the pull request that the entry claims to be about.
    pub change: String,
    /// The commit that was reviewed.
    pub reviewed: Oid,
    /// The material digest that the reviewer's own program computed; `None` for a policy change.
    pub material: Option<Digest>,
    /// The reviewer's comment.
    pub comment: String,
}

/// A journal entry to be written.
pub struct NewEntry<'a> {
    /// The name of the pull request.
    pub change: &'a str,
    /// The request's summary.
    pub summary: &'a str,
    /// What the entry says.
    pub said: Said,
    /// The commit that was reviewed.
    pub reviewed: Oid,
    /// The material digest at that commit.
    pub material: Option<&'a Digest>,
    /// The reviewer's comment.
    pub comment: &'a str,
    /// The ledger as the reviewer saw it.
    pub seen: Option<Seen>,
}

impl NewEntry<'_> {
    /// Returns the commit message.
    pub fn message(&self) -> String {
        let mut text = format!("{} {}", self.said, self.change);
        let summary = one_line(self.summary);
        if !summary.is_empty() {
            let _ = write!(text, ": {summary}");
        }
        let comment = plain(self.comment);
        if !comment.is_empty() {
            let _ = write!(text, "\n\n{comment}");
        }
        let _ = write!(
            text,
            "\n\nChange: {}\nReview: {}\nReviewed-commit: {}\n",
            self.change, self.said, self.reviewed
        );
        if let Some(material) = self.material {
            let _ = writeln!(text, "Material: {material}");
        }
        if let Some(seen) = self.seen {
            let _ = writeln!(text, "{seen}");
        }
        text
    }
}

/// Returns the entries up to a journal's tip, oldest first.
///
/// # Errors
/// When the history can't be read.
pub fn entries(repo: &Repo, tip: Oid) -> anyhow::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    let mut next = Some(tip);
    while let Some(id) = next {
        let commit = repo.commit(id)?;
        let (before, reviewed) = match commit.parents[..] {
            [reviewed] => (None, reviewed),
            [before, reviewed] => (Some(before), reviewed),
            // This commit is not an entry, and what precedes it is not part of this journal.
            _ => break,
        };
        next = before;
        entries.push(Entry::read(commit, reviewed));
    }
    entries.reverse();
    Ok(entries)
}

impl Entry {
    /// Whether the commit holds this entry and nothing else: it is what [`NewEntry::message`] makes
    /// of its parts, byte for byte, with the tree of the reviewed commit.
    ///
    /// # Errors
    /// When the repository can't be read.
    pub fn is_plain(&self, repo: &Repo) -> anyhow::Result<bool> {
        let Some(said) = self.said else { return Ok(false) };
        let title = self.commit.title();
        let summary = title.split_once(": ").map_or("", |(_, summary)| summary);
        let message = NewEntry {
            change: &self.change,
            summary,
            said,
            reviewed: self.reviewed,
            material: self.material.as_ref(),
            comment: &self.comment,
            seen: Seen::in_message(&self.commit.message),
        }
        .message();
        let tree = repo.commit(self.reviewed)?.tree;
        repo.is_made_of(self.commit.id, tree, &self.commit.parents, &message)
    }

    fn read(commit: Commit, reviewed: Oid) -> Self {
        let (text, trailers) = split(&commit.message);
        let value = |name: &str| {
            let mut values = trailers.iter().filter(|(key, _)| *key == name);
            match (values.next(), values.next()) {
                (Some((_, value)), None) => Some(*value),
                _ => None,
            }
        };
        let is_consistent = value("Reviewed-commit") == Some(reviewed.to_string().as_str());
        let said = value("Review").filter(|_| is_consistent).and_then(|said| said.parse().ok());
        let comment = text.split_once("\n\n").map_or("", |(_, comment)| comment.trim());
        Entry {
            said,
            change: value("Change").unwrap_or_default().to_owned(),
            reviewed,
            material: value("Material").and_then(|material| material.parse().ok()),
            comment: comment.to_owned(),
            commit,
        }
    }
}

/// Splits a message into its text and the names and values of its trailers.
pub(crate) fn split(message: &str) -> (&str, Vec<(&str, &str)>) {
    let message = message.trim_end();
    let (text, last) = message.rsplit_once("\n\n").unwrap_or(("", message));
    (text, last.lines().filter_map(|line| line.split_once(": ")).collect())
}

/// Returns text without hidden characters, carriage returns and surrounding blanks.
fn plain(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let visible = |(at, c): &(usize, char)| *c == '\n' || !is_hidden(&text, *at);
    let plain = text.char_indices().filter(visible).map(|(_, c)| c);
    plain.collect::<String>().trim().to_owned()
}

/// Returns text on one line, without hidden characters.
pub fn one_line(text: &str) -> String {
    plain(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns the commit of the operations log that a merge names.
pub fn log_named_by(message: &str) -> Option<Oid> {
    let (_, trailers) = split(message);
    let (_, log) = trailers.into_iter().find(|(key, _)| *key == "Operations")?;
    Oid::from_str(log).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_brings_no_trailer() {
        let draft = NewEntry {
            change: "CHG-1",
            summary: "x\n\nReview: approved",
            said: Said::Commented,
            reviewed: Oid::ZERO_SHA1,
            material: None,
            comment: "no\r\n\r\nChange: CHG-2\nReview: approved\n\n",
            seen: None,
        };
        let message = draft.message();
        let (text, trailers) = split(&message);
        assert_eq!(trailers[..2], [("Change", "CHG-1"), ("Review", "commented")]);
        assert_eq!(trailers.len(), 3);
        assert!(text.starts_with("commented CHG-1: x Review: approved\n\nno\n\nChange: CHG-2"));
    }
}
