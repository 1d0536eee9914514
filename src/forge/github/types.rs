//! The parts of GitHub's answers that changegate uses.
//!
//! Reading is lenient: it doesn't fail if a documented field is missing or null, or if a value is
//! unknown. The code that uses a field decides what a missing one means, and never in favour of a
//! change.

#![expect(missing_docs, reason = "GitHub documents its fields")]

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::core::time::Time;

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct User {
    /// The name, which the owner can change and somebody else can then take.
    pub login: String,
    /// The number, which never changes.
    pub id: u64,
    /// `User`, `Bot`, `Organization`, `Mannequin`.
    #[serde(rename = "type", default)]
    pub kind: String,
}

impl User {
    /// Whether the account belongs to a program.
    pub fn is_bot(&self) -> bool {
        self.kind == "Bot"
    }
}

/// A pull request.
#[derive(Clone, Debug, Deserialize)]
pub struct Pull {
    pub id: u64,
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
    #[serde(default)]
    pub closed_at: Option<Time>,
    #[serde(default)]
    pub merged_at: Option<Time>,
    /// Only in the answer about a single pull request.
    #[serde(default, deserialize_with = "user")]
    pub merged_by: Option<User>,
    /// Of an open pull request, that of GitHub's own trial.
    #[serde(default)]
    pub merge_commit_sha: Option<String>,
}

/// The head or the base of a pull request.
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

/// An event in a pull request's timeline. Each kind has only some of the fields.
#[derive(Clone, Debug, Deserialize)]
pub struct TimelineEvent {
    #[serde(default)]
    pub event: String,
    #[serde(default)]
    pub id: Value,
    #[serde(default, deserialize_with = "user")]
    pub actor: Option<User>,
    /// The author of a comment.
    #[serde(default, deserialize_with = "user")]
    pub user: Option<User>,
    #[serde(default)]
    pub created_at: Option<Time>,
    #[serde(default)]
    pub body: Option<String>,
    #[serde(default)]
    pub html_url: Option<String>,
    /// The state of a review.
    #[serde(default)]
    pub state: Option<String>,
    #[serde(default)]
    pub dismissed_review: Option<DismissedReview>,
    #[serde(default, deserialize_with = "user")]
    pub requested_reviewer: Option<User>,
}

/// A comment on an issue.
#[derive(Clone, Debug, Deserialize)]
pub struct Comment {
    pub id: u64,
    #[serde(default, deserialize_with = "user")]
    pub user: Option<User>,
    #[serde(default)]
    pub body: Option<String>,
}

/// The review that an event dismissed.
#[derive(Clone, Debug, Deserialize)]
pub struct DismissedReview {
    /// The state of the review before.
    #[serde(default)]
    pub state: String,
    #[serde(default)]
    pub review_id: u64,
}

/// A commit of a pull request, with the accounts that own its addresses.
#[derive(Clone, Debug, Deserialize)]
pub struct Commit {
    pub sha: String,
    #[serde(default, deserialize_with = "user")]
    pub author: Option<User>,
    #[serde(default, deserialize_with = "user")]
    pub committer: Option<User>,
    pub commit: CommitDetails,
}

/// The part of a commit that comes from Git.
#[derive(Clone, Debug, Deserialize)]
pub struct CommitDetails {
    #[serde(default)]
    pub verification: Option<Verification>,
}

impl Commit {
    /// Whether GitHub has verified the commit's signature.
    pub fn is_verified(&self) -> bool {
        self.commit.verification.as_ref().is_some_and(|verification| verification.verified)
    }
}

/// Whether GitHub could verify a commit's signature.
#[derive(Clone, Debug, Deserialize)]
pub struct Verification {
    #[serde(default)]
    pub verified: bool,
}

/// A push, as GitHub's server recorded it.
#[derive(Clone, Debug, Deserialize)]
pub struct Push {
    /// All zeros if the push created the branch.
    #[serde(default)]
    pub before: String,
    pub after: String,
    #[serde(rename = "ref")]
    pub name: String,
    pub timestamp: Time,
    pub activity_type: String,
    #[serde(default, deserialize_with = "user")]
    pub actor: Option<User>,
}

impl Push {
    /// Whether the push deleted the branch.
    pub fn is_deletion(&self) -> bool {
        self.activity_type == "branch_deletion"
    }
}

/// A check run.
#[derive(Clone, Debug, Deserialize)]
pub struct CheckRun {
    pub id: u64,
}

/// The installation of an App.
#[derive(Clone, Debug, Deserialize)]
pub struct Installation {
    pub id: u64,
    pub app_id: u64,
    /// The granted permissions: `read` or `write`, by name.
    #[serde(default)]
    pub permissions: BTreeMap<String, String>,
}

/// The account that some answers name in place of deleted ones.
const GHOST: &str = "ghost";

/// Reads an account; `None` if GitHub returns null, `{}` or the ghost because it is deleted or
/// unknown.
fn user<'de, D: Deserializer<'de>>(from: D) -> Result<Option<User>, D::Error> {
    let value = Option::<Value>::deserialize(from)?;
    let user: Option<User> = value.and_then(|value| serde_json::from_value(value).ok());
    Ok(user.filter(|user| user.login != GHOST))
}

/// Reads accounts, without deleted ones.
fn users<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<User>, D::Error> {
    let values = Option::<Vec<Value>>::deserialize(from)?.unwrap_or_default();
    Ok(values.into_iter().filter_map(|value| serde_json::from_value(value).ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_and_unknown_values_are_accepted() {
        let commit: Commit = serde_json::from_str(
            r#"{"sha": "1", "author": {}, "committer": null, "commit": {"verification": null}}"#,
        )
        .unwrap();
        assert_eq!((commit.author, commit.committer), (None, None));
        let event: TimelineEvent =
            serde_json::from_str(r#"{"event": "levitated", "id": "x"}"#).unwrap();
        assert_eq!(event.event, "levitated");
        let review: Review = serde_json::from_str(
            r#"{"id": 1, "user": {"login": "ghost", "id": 10137}, "state": "SHRUGGED", "commit_id": null}"#,
        )
        .unwrap();
        assert_eq!((review.user, review.commit_id), (None, None));
    }
}
