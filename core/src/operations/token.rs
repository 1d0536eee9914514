//! The token of a job: a JSON Web Token signed with RS256, as GitHub's issuer makes them.
//!
//! It is kept for years, and so nothing here asks whether it has expired: what counts is when it was
//! issued, and for what.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
// The trait of all kinds of keys.
use ed25519_dalek::Verifier as _;
use serde::Deserialize;
use serde_json::{Value, json};
use ssh_key::public::RsaPublicKey;
use ssh_key::{Algorithm, HashAlg, Mpint, Signature};

use crate::digest::canonical_json;

/// A token whose signature isn't verified yet.
#[derive(Clone, Debug)]
pub struct Token {
    /// The id of the key that signed it.
    pub kid: String,
    /// What it says.
    pub claims: Claims,
    /// What is signed.
    signed: String,
    signature: Vec<u8>,
}

/// What a token says about a job.
#[derive(Clone, Debug, Deserialize)]
pub struct Claims {
    /// Who issued it.
    pub iss: String,
    /// For whom it is meant.
    pub aud: String,
    /// When it was issued, in seconds since 1970.
    pub iat: i64,
    /// The repository, `owner/name`.
    pub repository: String,
    /// The repository's numeric id.
    pub repository_id: String,
    /// The workflow: `owner/name/.github/workflows/deploy.yml@refs/heads/main`.
    pub workflow_ref: String,
    /// The environment that the job names.
    #[serde(default)]
    pub environment: Option<String>,
    /// What started the run.
    pub event_name: String,
    /// The login of who started it.
    pub actor: String,
    /// The numeric id of who started it.
    pub actor_id: String,
    /// The id of the run.
    #[serde(default)]
    pub run_id: Option<String>,
    /// Which attempt of the run it is, from 1. Who started it is who started the first one.
    #[serde(default)]
    pub run_attempt: Option<String>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: String,
    #[serde(default)]
    crit: Option<Value>,
}

impl Token {
    /// Reads a token.
    ///
    /// # Errors
    /// Why it isn't one that could count.
    pub fn read(text: &str) -> Result<Self, String> {
        let (signed, signature) = text.rsplit_once('.').ok_or("it has no signature")?;
        let (header, claims) = signed.split_once('.').ok_or("it has no claims")?;
        let decode = |part: &str| {
            BASE64.decode(part).map_err(|_| "it isn't written in base64url".to_owned())
        };
        let malformed = |error: serde_json::Error| error.to_string();
        let header: Header = serde_json::from_slice(&decode(header)?).map_err(malformed)?;
        if header.alg != "RS256" || header.crit.is_some() {
            return Err(format!("it is signed with {}, where only RS256 counts", header.alg));
        }
        Ok(Token {
            kid: header.kid,
            claims: serde_json::from_slice(&decode(claims)?).map_err(malformed)?,
            signed: signed.to_owned(),
            signature: decode(signature)?,
        })
    }

    /// Whether a key, as [`key`] returns it, signed it.
    pub fn is_signed_by(&self, key: &str) -> bool {
        let algorithm = Algorithm::Rsa { hash: Some(HashAlg::Sha256) };
        let signature = Signature::new(algorithm, self.signature.clone());
        match (rsa(key), signature) {
            (Some(key), Ok(signature)) => key.verify(self.signed.as_bytes(), &signature).is_ok(),
            _ => false,
        }
    }
}

/// Returns a key of an issuer's list as it is kept, with its id: what RFC 7638 takes of it, in
/// canonical JSON. `None` if it can't sign tokens with RS256.
pub fn key(jwk: &Value) -> Option<(String, String)> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    let is_either = |name: &str, value: &str| text(name).is_none_or(|it| it == value);
    if text("kty") != Some("RSA") || !is_either("use", "sig") || !is_either("alg", "RS256") {
        return None;
    }
    let key = canonical_json(&json!({"e": text("e")?, "kty": "RSA", "n": text("n")?}));
    rsa(&key)?;
    Some((text("kid")?.to_owned(), key))
}

fn rsa(key: &str) -> Option<RsaPublicKey> {
    let key: Value = serde_json::from_str(key).ok()?;
    let number = |name: &str| {
        let bytes = BASE64.decode(key.get(name)?.as_str()?).ok()?;
        Mpint::from_positive_bytes(&bytes).ok()
    };
    Some(RsaPublicKey { e: number("e")?, n: number("n")? })
}
