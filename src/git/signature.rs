//! SSH signatures of commits, checked in this process: no configuration, no program, no keyring
//! has a say in whether one is good.

use ssh_key::{PublicKey, SshSig};

use super::{Oid, Repo};
use crate::core::org::SigningKey;

/// The namespace that Git signs in.
const NAMESPACE: &str = "git";

/// What a commit's signature is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signature {
    /// There is none.
    None,
    /// There is one, and it isn't an SSH signature, or it doesn't fit the commit.
    Invalid,
    /// Whoever holds the private half of this key signed the commit, every byte of it.
    By(SigningKey),
}

impl Repo {
    /// Checks a commit's signature.
    pub fn signature(&self, commit: Oid) -> Signature {
        let Ok((signature, signed)) = self.inner.extract_signature(&commit, None) else {
            return Signature::None;
        };
        let Ok(signature) = SshSig::from_pem(&*signature) else {
            return Signature::Invalid;
        };
        let key = PublicKey::from(signature.public_key().clone());
        match key.verify(NAMESPACE, &signed, &signature) {
            Ok(()) => Signature::By(key.into()),
            Err(_) => Signature::Invalid,
        }
    }
}
