//! What GitHub answers, as far as it matters here.
//!
//! Lenient: a field that is missing or null where GitHub's documentation promises one, a value that
//! nobody has heard of, is no reason to fail. What a missing fact means is decided where it is used,
//! and never in favour of a change.

#![expect(missing_docs, reason = "GitHub documents its fields")]

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::core::time::Time;

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct User {
    /// Its name, which its owner can change and another can then take.
    pub login: String,
    /// What it is known by.
    pub id: u64,
    /// `User`, `Bot`, `Organization`, `Mannequin`.
    #[serde(rename = "type", default)]
    pub kind: String,
}

impl User {
    /// Whether a program acts here.
    pub fn is_bot(&self) -> bool {
        self.kind == "Bot"
    }
}

/// A pull request.
#[derive(Clone, Debug, Deserialize)]
pub struct Pull {
    pub number: u64,
    pub state: String,
    #[serde(default)]
    pub draft: bool,
    #[serde(default, deserialize_with = "user")]
    pub user: Option<User>,
    pub created_at: Time,
    pub updated_at: Time,
    pub html_url: String,
    pub head: Side,
    pub base: Side,
    #[serde(default, deserialize_with = "users")]
    pub requested_reviewers: Vec<User>,
}

/// One of a pull request's ends.
#[derive(Clone, Debug, Deserialize)]
pub struct Side {
    #[serde(rename = "ref")]
    pub branch: String,
    pub sha: String,
    /// Null if the fork was deleted.
    #[serde(default)]
    pub repo: Option<Repository>,
}

/// A repository.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Repository {
    pub full_name: String,
    pub default_branch: String,
    #[serde(default)]
    pub clone_url: String,
}

/// A review.
#[derive(Clone, Debug, Deserialize)]
pub struct Review {
    pub id: u64,
    #[serde(default, deserialize_with = "user")]
    pub user: Option<User>,
    pub state: String,
    #[serde(default)]
    pub commit_id: Option<String>,
    #[serde(default)]
    pub submitted_at: Option<Time>,
}

/// An event of a pull request's timeline; what isn't part of its kind is left out.
#[derive(Clone, Debug, Deserialize)]
pub struct TimelineEvent {
    #[serde(default)]
    pub event: String,
    #[serde(default)]
    pub id: Value,
    #[serde(default, deserialize_with = "user")]
    pub actor: Option<User>,
    /// Who wrote a comment.
    #[serde(default, deserialize_with = "user")]
    pub user: Option<User>,
    #[serde(default)]
    pub created_at: Option<Time>,
    #[serde(default)]
    pub body: Option<String>,
    #[serde(default)]
    pub html_url: Option<String>,
    #[serde(default)]
    pub dismissed_review: Option<DismissedReview>,
    #[serde(default, deserialize_with = "user")]
    pub requested_reviewer: Option<User>,
}

/// What was dismissed.
#[derive(Clone, Debug, Deserialize)]
pub struct DismissedReview {
    /// What the review said before.
    #[serde(default)]
    pub state: String,
    #[serde(default)]
    pub review_id: u64,
}

/// A commit of a pull request, with the accounts that its addresses belong to.
#[derive(Clone, Debug, Deserialize)]
pub struct Commit {
    pub sha: String,
    #[serde(default, deserialize_with = "user")]
    pub author: Option<User>,
    #[serde(default, deserialize_with = "user")]
    pub committer: Option<User>,
    pub commit: CommitDetails,
}

/// What a commit itself says.
#[derive(Clone, Debug, Deserialize)]
pub struct CommitDetails {
    #[serde(default)]
    pub verification: Option<Verification>,
}

/// Whether GitHub could verify a commit's signature.
#[derive(Clone, Debug, Deserialize)]
pub struct Verification {
    #[serde(default)]
    pub verified: bool,
}

/// A push, as GitHub's server saw it.
#[derive(Clone, Debug, Deserialize)]
pub struct Push {
    pub after: String,
    #[serde(rename = "ref")]
    pub name: String,
    pub timestamp: Time,
    pub activity_type: String,
    #[serde(default, deserialize_with = "user")]
    pub actor: Option<User>,
}

impl Push {
    /// Whether it took the branch away.
    pub fn is_deletion(&self) -> bool {
        self.activity_type == "branch_deletion"
    }
}

/// A check run.
#[derive(Clone, Debug, Deserialize)]
pub struct CheckRun {
    pub id: u64,
}

/// An App, where it is installed.
#[derive(Clone, Debug, Deserialize)]
pub struct Installation {
    pub id: u64,
    pub app_id: u64,
    /// `read` or `write`, by name.
    #[serde(default)]
    pub permissions: BTreeMap<String, String>,
}

/// An account, or nothing where GitHub says null or `{}`: deleted, or never known.
fn user<'de, D: Deserializer<'de>>(from: D) -> Result<Option<User>, D::Error> {
    let value = Option::<Value>::deserialize(from)?;
    Ok(value.and_then(|value| serde_json::from_value(value).ok()))
}

/// Accounts, without those that aren't any more.
fn users<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<User>, D::Error> {
    let values = Option::<Vec<Value>>::deserialize(from)?.unwrap_or_default();
    Ok(values.into_iter().filter_map(|value| serde_json::from_value(value).ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_null_or_unheard_of_is_read() {
        let commit: Commit = serde_json::from_str(
            r#"{"sha": "1", "author": {}, "committer": null, "commit": {"verification": null}}"#,
        )
        .unwrap();
        assert_eq!((commit.author, commit.committer), (None, None));
        let event: TimelineEvent =
            serde_json::from_str(r#"{"event": "levitated", "id": "x"}"#).unwrap();
        assert_eq!(event.event, "levitated");
        let review: Review = serde_json::from_str(
            r#"{"id": 1, "user": {"login": "ghost"}, "state": "SHRUGGED", "commit_id": null}"#,
        )
        .unwrap();
        assert_eq!((review.user, review.commit_id), (None, None));
    }
}
