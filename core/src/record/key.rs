//! The Ed25519 keys of the ledger: a service's, which signs, and public ones, which verify.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signature, Signer as _, SigningKey as Secret, VerifyingKey};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::public::Ed25519PublicKey;
use ssh_key::{HashAlg, LineEnding, PrivateKey, PublicKey as SshKey};

use crate::org::SigningKey;

/// The private key with which a service signs what it writes to the ledger.
pub struct ServiceKey(Secret);

impl ServiceKey {
    /// Reads the file of an OpenSSH private key.
    ///
    /// # Errors
    /// When it is something else, is not of the kind `ssh-ed25519`, or has a passphrase.
    pub fn read(file: &[u8]) -> Result<Self, String> {
        const MAKE: &str = "make one with `ssh-keygen -t ed25519 -N '' -f FILE`";
        let key = PrivateKey::from_openssh(file)
            .map_err(|_| format!("this is not an OpenSSH private key: {MAKE}"))?;
        let pair = match key.key_data() {
            KeypairData::Ed25519(pair) => pair,
            KeypairData::Encrypted(_) => {
                return Err(
                    "this key has a passphrase, which nobody is there to type: remove it with \
                     `ssh-keygen -p -N '' -f FILE`, or use a key without one"
                        .to_owned(),
                );
            }
            _ => return Err(format!("this is a key of the kind {}: {MAKE}", key.algorithm())),
        };
        let secret = pair.try_into().map_err(|_| {
            format!("the private and the public half of this key don't belong together: {MAKE}")
        })?;
        Ok(ServiceKey(secret))
    }

    /// Returns the key with which others verify.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Signs bytes as they are.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }

    /// Signs a commit's bytes as Git does with SSH keys, and returns what its header `gpgsig` holds,
    /// without the end of its last line.
    pub fn sign_commit(&self, commit: &[u8]) -> String {
        let key = PrivateKey::from(Ed25519Keypair::from(&self.0));
        let signature = key.sign("git", HashAlg::Sha512, commit);
        let armoured = signature.and_then(|signature| signature.to_pem(LineEnding::LF));
        armoured.expect("Ed25519 signs everything").trim_end().to_owned()
    }
}

/// Shows the public half only.
impl fmt::Debug for ServiceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServiceKey({})", self.public().fingerprint())
    }
}

/// An Ed25519 public key, written as SSH writes it.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "SigningKey", into = "SigningKey")]
#[schemars(with = "SigningKey")]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Returns the key with these bytes (RFC 8032). `None` if no key has them, or only one whose
    /// signatures prove nothing.
    pub fn of(bytes: &[u8; 32]) -> Option<Self> {
        let key = VerifyingKey::from_bytes(bytes).ok()?;
        (!key.is_weak()).then_some(PublicKey(key))
    }

    /// Returns the bytes (RFC 8032).
    pub fn bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Returns the key as SSH writes it.
    pub fn ssh(&self) -> SigningKey {
        let key = SshKey::from(Ed25519PublicKey(self.0.to_bytes()));
        key.try_into().expect("Git signs with Ed25519")
    }

    /// Returns the fingerprint as `ssh-keygen -l` shows it, such as `SHA256:…`.
    pub fn fingerprint(&self) -> String {
        self.ssh().fingerprint()
    }

    /// Returns the key as `openssl` and `cosign` read it.
    pub fn pem(&self) -> String {
        // What RFC 8410 has before the bytes of an Ed25519 key.
        let head = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00".as_slice();
        let key = BASE64.encode([head, self.bytes()].concat());
        format!("-----BEGIN PUBLIC KEY-----\n{key}\n-----END PUBLIC KEY-----\n")
    }

    /// Whether this key's owner signed the message.
    pub fn verify(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.0.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }
}

impl TryFrom<SigningKey> for PublicKey {
    type Error = String;

    fn try_from(key: SigningKey) -> Result<Self, String> {
        PublicKey::try_from(&key)
    }
}

impl From<PublicKey> for SigningKey {
    fn from(key: PublicKey) -> SigningKey {
        key.ssh()
    }
}

impl TryFrom<&SigningKey> for PublicKey {
    type Error = String;

    fn try_from(key: &SigningKey) -> Result<Self, String> {
        let ssh = key.public();
        let bytes = ssh.key_data().ed25519();
        bytes.and_then(|bytes| PublicKey::of(&bytes.0)).ok_or_else(|| {
            format!(
                "a key of the kind {} can't sign for a service: use one of the kind ssh-ed25519",
                ssh.algorithm()
            )
        })
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.fingerprint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::samples::{ENCRYPTED, KEY, OTHER_KIND, hex, key_file};

    /// A key of its own kind, from its file without the armour.
    fn read(body: &str) -> Result<ServiceKey, String> {
        ServiceKey::read(key_file(body).as_bytes())
    }

    #[test]
    fn a_key_is_that_of_ssh_keygen() {
        let key = read(KEY).unwrap();
        let public = key.public();
        assert_eq!(
            public.ssh().to_string(),
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPIBePbUB6z/K6D0iDMbxXl944Jy6mT1sOZv51NirLia"
        );
        assert_eq!(public.fingerprint(), "SHA256:u/3NHemoSvHPLq6/U/DtMpTmPD5EzLrJG1z9lzEyiV8");
        assert_eq!(
            public.pem(), // `openssl pkey -pubout`
            "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA8gF49tQHrP8roPSIMxvFeX3jgnLqZPWw5m/nU2KsuJo=\n-----END PUBLIC KEY-----\n"
        );
        assert_eq!(PublicKey::try_from(&public.ssh()), Ok(public));
        assert_eq!(PublicKey::of(public.bytes()), Some(public));
        assert_eq!(format!("{key:?}"), format!("ServiceKey({})", public.fingerprint()));
    }

    /// Made with `openssl pkeyutl -sign -rawin`.
    #[test]
    fn a_signature_is_that_of_openssl() {
        let key = read(KEY).unwrap();
        let signature = key.sign(b"anything");
        assert_eq!(
            hex(&signature),
            "a08c19afab351f8aea2460ba2a307a8114878f5e2f3ab83ad8848bf857315cfb\
             eff5eba2a2babb48522e07279e6c54dfcd6a32adad4501bcb522861e11ba9008"
        );
        assert!(key.public().verify(b"anything", &signature));
        assert!(!key.public().verify(b"anything else", &signature));
        for byte in 0..64 {
            let mut changed = signature;
            changed[byte] ^= 1 << (byte % 8);
            assert!(!key.public().verify(b"anything", &changed), "{byte}");
        }
    }

    /// Made with `ssh-keygen -Y sign -n git`.
    #[test]
    fn a_commit_is_signed_as_by_ssh_keygen() {
        let commit = b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n";
        let signature = "-----BEGIN SSH SIGNATURE-----\n\
             U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAg8gF49tQHrP8roPSIMxvFeX3jgn\n\
             LqZPWw5m/nU2KsuJoAAAADZ2l0AAAAAAAAAAZzaGE1MTIAAABTAAAAC3NzaC1lZDI1NTE5\n\
             AAAAQFd1/KVPcgrKpPyvrFmNzZsSIbKqIXiFOXaNMN//SMx84fu+ETP6WeKiiL9cP4LiWp\n\
             u7id8qkFpBmQwpWK95YgA=\n\
             -----END SSH SIGNATURE-----";
        assert_eq!(read(KEY).unwrap().sign_commit(commit), signature);
    }

    #[test]
    fn other_keys_are_refused() {
        let refused = [
            ("", "is not an OpenSSH private key"),
            (&KEY[..300], "is not an OpenSSH private key"),
            (ENCRYPTED, "has a passphrase"),
            (OTHER_KIND, "of the kind ecdsa-sha2-nistp256: make one"),
        ];
        for (body, why) in refused {
            let error = read(body).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
        assert!(ServiceKey::read(b"\xff\n").is_err());
        assert!(ServiceKey::read(key_file(KEY).trim_end().as_bytes()).is_ok());
        assert!(ServiceKey::read(key_file(KEY).replace('\n', "\r\n").as_bytes()).is_ok());
    }

    /// With the neutral element as key, one signature fits every message; a y that no point has.
    #[test]
    fn keys_that_prove_nothing_are_refused() {
        let mut neutral = [0; 32];
        neutral[0] = 1;
        let mut none = [0; 32];
        none[0] = 2;
        assert_eq!([PublicKey::of(&neutral), PublicKey::of(&none)], [None, None]);
        let ecdsa = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBFZB\
                     ba9Jm3j6bLy25bLvewIFxh5Cmaaz+U7bcnBvfTyBCi4JW/bpgM3WQSv8CICuQG8S+lDidjQcWA1\
                     ishiFrB0=";
        let error = PublicKey::try_from(&ecdsa.parse().unwrap()).unwrap_err();
        assert!(error.contains("the kind ecdsa-sha2-nistp256 can't sign"), "{error}");
    }
}
