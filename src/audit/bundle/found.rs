//! What a bundle is verified against, and what is found.

use schemars::JsonSchema;
use serde::Serialize;

use crate::audit::Finding;
use crate::audit::verify::Replayed;
use crate::core::org::SigningKey;

/// Keys from outside of the bundle.
pub struct Signers {
    /// Where they come from, for people.
    pub name: String,
    /// Those of a list of signers, each with the names of its owner; `None` if there is no list.
    pub listed: Option<Vec<(String, SigningKey)>>,
    /// Those that are known as a service's, each with what it signs.
    pub services: Vec<(String, SigningKey)>,
}

/// Who signed an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Signed {
    /// The signer: the names in the list of signers from outside, else the login.
    pub by: String,
    /// The fingerprint of the key.
    pub key: String,
    /// Where the key is known from: the list of signers from outside, or the bundle's own roster.
    pub known_from: String,
}

/// What verifying a bundle found.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Verified {
    /// The origin line of the log.
    pub origin: String,
    /// The entry's place in it.
    pub index: u64,
    /// The entry's id.
    pub id: String,
    /// What the entry says, in a line.
    pub title: String,
    /// The number of entries of the log that the proof leads to.
    pub entries: u64,
    /// The root of that log.
    pub root: String,
    /// Who signed it, if it is signed with a key that is known.
    pub signed: Option<Signed>,
    /// The number of files that the decision rests on.
    pub material: usize,
    /// The result of making the decision again.
    pub replayed: Replayed,
    /// The number of checkpoints from outside that the proof leads to.
    pub anchors: usize,
    /// What can't be compared here: checkpoints from outside that are of another size, and the commands
    /// of a `VERIFY.md` that another version of the program wrote.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_compared: Vec<String>,
    /// What isn't as it has to be.
    pub findings: Vec<Finding>,
    /// What is newer than this program and could not be verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newer: Option<String>,
}
