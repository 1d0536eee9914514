//! The token with which a GitHub App identifies itself: a JSON Web Token signed with RS256.
//!
//! ring signs, as for TLS, and in constant time.

use anyhow::{Context as _, anyhow};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rustls::SignatureScheme;
use rustls::crypto::ring::sign::RsaSigningKey;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::sign::SigningKey as _;
use serde_json::json;

use crate::forge::github::access::Secret;

/// How long before and after now the token is valid, in seconds. GitHub allows ten minutes in all,
/// and clocks differ.
const VALID: (u64, u64) = (60, 9 * 60);

/// Returns a token for the App with this id and private key (PEM, PKCS#1 or PKCS#8); `now` is in
/// seconds since 1970.
///
/// # Errors
/// When the key can't be used.
pub fn signed(app: u64, key: &Secret, now: u64) -> anyhow::Result<Secret> {
    let key = PrivateKeyDer::from_pem_slice(key.reveal().as_bytes())
        .ok()
        .and_then(|key| RsaSigningKey::new(&key).ok())
        .context(
            "CHANGEGATE_APP_KEY is not an RSA private key of 2048 to 4096 bits in PEM form: use the \
             .pem file that GitHub generated for the App",
        )?;
    let signer = key
        .choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256])
        .context("the App's private key can't sign with RS256")?;
    let part = |value: serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let (before, after) = VALID;
    let header = part(json!({"alg": "RS256", "typ": "JWT"}));
    let claims = part(json!({"iss": app, "iat": now.saturating_sub(before), "exp": now + after}));
    let signature = signer
        .sign(format!("{header}.{claims}").as_bytes())
        .map_err(|error| anyhow!(error).context("sign with the App's private key"))?;
    Ok(Secret::new(format!("{header}.{claims}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use base64::prelude::BASE64_STANDARD;
    use rustls::crypto::ring::default_provider;
    use serde_json::Value;

    use super::*;

    fn ssh_keygen(arguments: &[&str]) -> String {
        let output = Command::new("ssh-keygen").args(arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn is_signed_by(public_key: &str, text: &str, signature: &[u8]) -> bool {
        let lines: String = public_key.lines().filter(|line| !line.starts_with('-')).collect();
        let key = BASE64_STANDARD.decode(lines).unwrap();
        let provider = default_provider();
        let known = provider.signature_verification_algorithms.mapping.iter();
        let mut algorithms =
            known.filter(|(scheme, _)| *scheme == SignatureScheme::RSA_PKCS1_SHA256);
        algorithms.any(|(_, algorithms)| {
            algorithms[0].verify_signature(&key, text.as_bytes(), signature).is_ok()
        })
    }

    #[test]
    fn a_key_in_either_form_signs() {
        let dir = tempfile::tempdir().unwrap();
        for (form, begins) in [("PEM", "BEGIN RSA PRIVATE KEY"), ("PKCS8", "BEGIN PRIVATE KEY")] {
            let file = dir.path().join(form);
            let path = file.to_str().unwrap();
            ssh_keygen(&["-q", "-t", "rsa", "-b", "2048", "-m", form, "-N", "", "-f", path]);
            let key = std::fs::read_to_string(&file).unwrap();
            assert!(key.contains(begins), "{form}");
            let token = signed(7, &Secret::new(key), 1_700_000_000).unwrap();

            let (text, signature) = token.reveal().rsplit_once('.').unwrap();
            let (header, claims) = text.split_once('.').unwrap();
            let decoded = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).unwrap();
            let json = |part: &str| serde_json::from_slice::<Value>(&decoded(part)).unwrap();
            assert_eq!(json(header), json!({"alg": "RS256", "typ": "JWT"}));
            let valid = json!({"iss": 7, "iat": 1_699_999_940, "exp": 1_700_000_540});
            assert_eq!(json(claims), valid);
            let public_key = ssh_keygen(&["-e", "-m", "PEM", "-f", path]);
            assert!(is_signed_by(&public_key, text, &decoded(signature)), "{form}");
            assert!(!is_signed_by(&public_key, header, &decoded(signature)), "{form}");
        }
    }

    #[test]
    fn another_key_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        for arguments in [&["-t", "ed25519"][..], &["-t", "ecdsa", "-m", "PKCS8"]] {
            let file = dir.path().join(arguments[1]);
            let path = file.to_str().unwrap();
            ssh_keygen(&[&["-q", "-N", "", "-f", path], arguments].concat());
            let key = Secret::new(std::fs::read_to_string(&file).unwrap());
            let error = signed(7, &key, 0).unwrap_err().to_string();
            assert!(error.contains("is not an RSA private key"), "{error}");
        }
    }
}
