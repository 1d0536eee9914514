//! What proves who wrote an event: the line after the event's.
//!
//! It isn't an event itself, and is made when the event's id is known, so that nothing is circular.

use serde::{Deserialize, Serialize};

use super::event::{MOST_BYTES, Unreadable};
use crate::digest::{canonical_json, to_json};
use crate::record::parts::Hex;

/// What proves who wrote an event.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Proof {
    /// The event's id.
    pub of: Hex,
    /// What proves it.
    #[serde(flatten)]
    pub by: ProofBy,
}

/// A way to prove who wrote an event.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ProofBy {
    /// An SSH signature over the event's line.
    Ssh {
        /// The signature as `ssh-keygen -Y sign -n changegate` writes it.
        signature: String,
    },
    /// A token of a GitHub job, whose audience is the event.
    #[serde(rename = "github-oidc")]
    GitHubOidc {
        /// The token.
        jwt: String,
    },
    /// A comment on a pull request, and the token of the job that read it.
    #[serde(rename = "github-comment")]
    GitHubComment {
        /// The comment's address.
        url: String,
        /// GitHub's id of its author.
        author_id: String,
        /// The digest of its text.
        body_sha256: Hex,
        /// The token, whose audience is the event.
        jwt: String,
    },
}

impl Proof {
    /// Reads a line, without its line feed.
    ///
    /// # Errors
    /// Why it isn't a proof.
    pub fn read(line: &str) -> Result<Self, Unreadable> {
        if line.len() > MOST_BYTES {
            return Err(Unreadable::TooLong);
        }
        let malformed = |error: serde_json::Error| Unreadable::Malformed(error.to_string());
        let proof: Proof = serde_json::from_str(line).map_err(malformed)?;
        match proof.line() == line {
            true => Ok(proof),
            false => Err(Unreadable::Malformed(
                "it holds what the format doesn't know, or isn't canonical JSON".to_owned(),
            )),
        }
    }

    /// Returns the line, without its line feed.
    pub fn line(&self) -> String {
        canonical_json(&to_json(self))
    }
}
