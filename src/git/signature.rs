//! Verifies SSH signatures of commits in this process, so that no configuration, program or keyring
//! can influence the result.

use ssh_key::{PublicKey, SshSig};

use super::{Oid, Repo};
use crate::core::org::SigningKey;

/// The namespace of Git's signatures.
const NAMESPACE: &str = "git";

/// The beginning of an SSH signature.
const ARMOUR: &[u8] = b"-----BEGIN SSH SIGNATURE-----";

/// The result of verifying a commit's signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signature {
    /// The commit isn't signed.
    None,
    /// The signature was made by something else than SSH, such as GPG.
    NotSsh,
    /// The key is a certificate, or of a kind or length whose signatures prove nothing.
    UnusableKey,
    /// The signature doesn't match the commit.
    Invalid,
    /// The owner of this key signed the whole commit.
    By(SigningKey),
}

impl Repo {
    /// Verifies the signature of a commit.
    pub fn signature(&self, commit: Oid) -> Signature {
        let Ok((signature, signed)) = self.inner.extract_signature(&commit, None) else {
            return Signature::None;
        };
        if !signature.trim_ascii_start().starts_with(ARMOUR) {
            return Signature::NotSsh;
        }
        let Ok(signature) = SshSig::from_pem(&*signature) else {
            return Signature::Invalid;
        };
        let key = PublicKey::from(signature.public_key().clone());
        let Ok(signer) = SigningKey::try_from(key.clone()) else {
            return Signature::UnusableKey;
        };
        match key.verify(NAMESPACE, &signed, &signature) {
            Ok(()) => Signature::By(signer),
            Err(_) => Signature::Invalid,
        }
    }
}
