//! The settings of the ledger: whether and where what was decided is recorded, and by whom.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{RemoteUrl, SigningKey};
use crate::record::note::{SignatureType, VerifierKey};
use crate::terms::Name;

/// Whether and where what was decided is recorded, and by whom.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LedgerSettings {
    /// Whether it is recorded.
    pub on: bool,
    /// The name of the log, for good: host and path, such as `git.acme.example/payments/changes`. It
    /// is copied from entry to entry once the ledger has begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "git.acme.example/payments/changes")]
    pub origin: Option<String>,
    /// The repository that holds the ledger, if it is another one than that of the changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote: Option<RemoteUrl>,
    /// The address of the repository; `git+https://` and the origin if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "git+https://git.acme.example/payments/changes")]
    pub repository: Option<String>,
    /// What is recorded of pull requests on GitHub. In plain Git it is merges alone: everything else
    /// can be worked out again from commits.
    pub record: Recording,
    /// Whether a service has to sign what it records.
    pub signature: ServiceSignature,
    /// The services that may sign entries, each with its key.
    pub writers: Vec<Writer>,
    /// The keys that were lost or stolen.
    pub revoked: Vec<RevokedKey>,
    /// The keys of the witnesses whose cosignatures count, as C2SP's notes write them.
    #[schemars(example = ["witness.example/w1+e75f6532+BAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"])]
    pub witnesses: Vec<String>,
}

impl LedgerSettings {
    /// Returns the keys of the witnesses.
    ///
    /// # Errors
    /// Which of them isn't the key of a witness.
    pub fn witnesses(&self) -> Result<Vec<VerifierKey>, String> {
        let witness = |text: &String| -> Result<VerifierKey, String> {
            let key: VerifierKey = text.parse()?;
            match key.signs() {
                SignatureType::Cosignature => Ok(key),
                SignatureType::Ed25519 => {
                    Err(format!("`{text}` is the key of a log, not of a witness"))
                }
            }
        };
        self.witnesses.iter().map(witness).collect()
    }

    /// Returns the address of the repository; `None` without an origin.
    pub fn uri(&self) -> Option<String> {
        let from_origin = || Some(format!("git+https://{}", self.origin.as_ref()?));
        self.repository.clone().or_else(from_origin)
    }
}

/// What is recorded of pull requests on GitHub.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Recording {
    /// Each decision when it changes, and each merge.
    #[default]
    Decisions,
    /// Each merge.
    Merges,
}

impl Recording {
    /// Returns whether decisions are recorded, too.
    pub fn is_of_decisions(self) -> bool {
        self == Recording::Decisions
    }
}

/// Whether a service has to sign what it records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ServiceSignature {
    /// It may.
    #[default]
    Optional,
    /// It has to: what no service signed counts for nothing, unless a person did.
    Required,
}

impl ServiceSignature {
    /// Returns whether a service has to sign.
    pub fn is_required(self) -> bool {
        self == ServiceSignature::Required
    }
}

/// A service that may sign entries.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Writer {
    /// What the service is called.
    #[schemars(example = "changegate-server")]
    pub name: Name,
    /// Its public key, of the kind `ssh-ed25519`.
    pub key: SigningKey,
}

/// A key that was lost or stolen.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokedKey {
    /// The public key.
    pub key: SigningKey,
    /// The index of the first entry for which its signature doesn't count.
    pub from_index: u64,
    /// What happened to it.
    pub why: WhyRevoked,
}

/// What happened to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WhyRevoked {
    /// Nobody has it any more.
    Lost,
    /// Somebody else has it.
    Stolen,
}

impl fmt::Display for WhyRevoked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            WhyRevoked::Lost => "lost",
            WhyRevoked::Stolen => "stolen",
        })
    }
}
