//! The seal of an entry: the signatures of a service on its statement and on its checkpoint. The
//! same key signs the commit that holds them.

use super::checkpoint::Checkpoint;
use super::dsse::Signatures;
use super::entry::{CHECKPOINT_FILE, Entry, SIGNATURES_FILE, STATE_FILE, STATEMENT_FILE};
use super::key::{PublicKey, ServiceKey};
use super::note::{KeyName, Note, SignatureType, VerifierKey};

/// The signatures of a service on an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    key: PublicKey,
    signatures: Signatures,
    checkpoint: Note,
}

impl Seal {
    /// Seals an entry.
    ///
    /// # Errors
    /// When the log's origin can't name a key.
    pub fn by(key: &ServiceKey, entry: &Entry) -> Result<Self, String> {
        let origin = origin(entry)?;
        let tree = &entry.state.tree;
        let mut checkpoint =
            Checkpoint { origin: origin.clone(), size: tree.size(), root: tree.root() }.note();
        checkpoint.sign(&origin, key);
        let signatures = Signatures::by(key, &entry.statement.bytes());
        Ok(Seal { key: key.public(), signatures, checkpoint })
    }

    /// Reads the seal of an entry, the bytes of whose statement are known, from its files: the signatures
    /// of this key, and of no other.
    ///
    /// # Errors
    /// When anything else is there.
    pub fn read(
        entry: &Entry,
        (key, statement): (PublicKey, &[u8]),
        signatures: &[u8],
        checkpoint: &[u8],
    ) -> Result<Self, String> {
        let signatures = Signatures::parse(signatures)?;
        let checkpoint = Note::parse(checkpoint)?;
        let verifier = verifier_key(entry, key)?;
        let is_by_key = signatures.is_by_alone(statement, &key)
            && format!("{}\n", checkpoint.text()) == entry.checkpoint()
            && checkpoint.is_by_alone(&verifier);
        match is_by_key {
            true => Ok(Seal { key, signatures, checkpoint }),
            false => Err(format!(
                "statement, checkpoint and commit aren't signed by one key alone, {}",
                key.fingerprint()
            )),
        }
    }

    /// Whether these are its files, byte for byte.
    pub fn is_written_as(&self, signatures: &[u8], checkpoint: &str) -> bool {
        self.signatures.to_string().as_bytes() == signatures
            && self.checkpoint.to_string() == checkpoint
    }

    /// Returns the key that made it.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Returns the signatures of the statement.
    pub fn signatures(&self) -> &Signatures {
        &self.signatures
    }

    /// Returns the files of the entry's commit, sorted by name.
    pub fn files(&self, entry: &Entry) -> [(&'static str, Vec<u8>); 4] {
        [
            (CHECKPOINT_FILE, self.checkpoint.to_string().into_bytes()),
            (STATEMENT_FILE, entry.statement.bytes()),
            (SIGNATURES_FILE, self.signatures.to_string().into_bytes()),
            (STATE_FILE, entry.state.text().into_bytes()),
        ]
    }
}

/// Returns a service's key under the name that it has in the log of an entry.
///
/// # Errors
/// When the log's origin can't name a key.
pub fn verifier_key(entry: &Entry, key: PublicKey) -> Result<VerifierKey, String> {
    Ok(VerifierKey::of(origin(entry)?, SignatureType::Ed25519, key))
}

fn origin(entry: &Entry) -> Result<KeyName, String> {
    entry.statement.predicate.origin.parse()
}
