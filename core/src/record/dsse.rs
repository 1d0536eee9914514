//! Signatures on statements (DSSE), and the files in which others read them.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use serde_json::{Value, json};
use ssh_key::{Fingerprint, HashAlg};

use super::key::{PublicKey, ServiceKey};
use crate::digest::canonical_json;

/// What is signed: an in-toto statement.
const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// Returns the bytes that a signature of a payload signs (DSSE's pre-authentication encoding).
fn signed_bytes(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let length = payload_type.len();
    let mut bytes = format!("DSSEv1 {length} {payload_type} {} ", payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

/// The signatures of a statement, of one or more keys: canonical JSON, as in `entry.sig`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signatures(Vec<Signature>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Signature {
    keyid: Fingerprint,
    sig: [u8; 64],
}

/// A signature as JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    keyid: String,
    sig: String,
}

impl Signatures {
    /// Signs a statement.
    pub fn by(key: &ServiceKey, statement: &[u8]) -> Self {
        let sig = key.sign(&signed_bytes(PAYLOAD_TYPE, statement));
        Signatures(vec![Signature { keyid: fingerprint(&key.public()), sig }])
    }

    /// Reads signatures. Written again, they have the same bytes.
    ///
    /// # Errors
    /// When they aren't of this form, there are none, or a key has two.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let forms = serde_json::from_slice(bytes)
            .map_err(|error| format!("this is not a list of signatures: {error}"))?;
        let signatures = Self::of(forms)?;
        if signatures.to_string().as_bytes() != bytes {
            return Err("these signatures are not written as canonical JSON".to_owned());
        }
        Ok(signatures)
    }

    fn of(forms: Vec<Form>) -> Result<Self, String> {
        let mut signatures: Vec<Signature> = Vec::new();
        for Form { keyid, sig } in forms {
            let keyid = keyid.parse().ok().filter(|it: &Fingerprint| it.is_sha256());
            let keyid = keyid.ok_or("a signature's key is not a fingerprint `SHA256:…`")?;
            let sig = BASE64.decode(sig).ok().and_then(|sig| sig.try_into().ok());
            let sig = sig.ok_or_else(|| format!("the signature by {keyid} is not of Ed25519"))?;
            if signatures.iter().any(|other| other.keyid == keyid) {
                return Err(format!("there are two signatures by {keyid}"));
            }
            signatures.push(Signature { keyid, sig });
        }
        if signatures.is_empty() {
            return Err("there is no signature".to_owned());
        }
        Ok(Signatures(signatures))
    }

    /// Returns those of the known keys that signed the statement. Signatures by others are passed
    /// over; if this leaves none, the statement must not be relied on.
    ///
    /// # Errors
    /// When a signature claims to be by a known key and isn't.
    pub fn signed_by<'k>(
        &self,
        statement: &[u8],
        known: &'k [PublicKey],
    ) -> Result<Vec<&'k PublicKey>, String> {
        let bytes = signed_bytes(PAYLOAD_TYPE, statement);
        let mut signed = Vec::new();
        for Signature { keyid, sig } in &self.0 {
            let Some(key) = known.iter().find(|key| fingerprint(key) == *keyid) else { continue };
            if !key.verify(&bytes, sig) {
                return Err(format!("the signature by {keyid} does not match the statement"));
            }
            signed.push(key);
        }
        Ok(signed)
    }

    /// Whether this key signed the statement, and no other did.
    pub fn is_by_alone(&self, statement: &[u8], key: &PublicKey) -> bool {
        let signed = self.signed_by(statement, std::slice::from_ref(key));
        self.0.len() == 1 && signed.is_ok_and(|signed| !signed.is_empty())
    }

    fn to_json(&self) -> Value {
        let json =
            |it: &Signature| json!({"keyid": it.keyid.to_string(), "sig": BASE64.encode(it.sig)});
        self.0.iter().map(json).collect()
    }
}

impl fmt::Display for Signatures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&canonical_json(&self.to_json()))
    }
}

fn fingerprint(key: &PublicKey) -> Fingerprint {
    key.ssh().public().fingerprint(HashAlg::Sha256)
}

/// A statement with its signatures: DSSE's envelope, canonical JSON on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The statement's bytes.
    pub statement: Vec<u8>,
    /// Its signatures.
    pub signatures: Signatures,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct EnvelopeForm {
    payload: String,
    payload_type: String,
    signatures: Vec<Form>,
}

impl Envelope {
    /// Reads an envelope. Written again, it has the same bytes.
    ///
    /// # Errors
    /// When it isn't of this form, or holds something else than an in-toto statement.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let form: EnvelopeForm = serde_json::from_slice(bytes)
            .map_err(|error| format!("this is not a DSSE envelope: {error}"))?;
        if form.payload_type != PAYLOAD_TYPE {
            return Err(format!("this envelope does not hold `{PAYLOAD_TYPE}`"));
        }
        let statement = BASE64.decode(form.payload);
        let statement = statement.map_err(|_| "this envelope's payload is not base64")?;
        let envelope = Envelope { statement, signatures: Signatures::of(form.signatures)? };
        if envelope.to_string().as_bytes() != bytes {
            return Err("this envelope is not written as canonical JSON".to_owned());
        }
        Ok(envelope)
    }

    /// Returns the envelope as a Sigstore bundle (version 0.3) that names its key. A bundle takes one
    /// signature: the first.
    pub fn sigstore_bundle(&self) -> String {
        let first = self.signatures.0[0].clone();
        let hint = first.keyid.to_string();
        let envelope = Envelope { signatures: Signatures(vec![first]), ..self.clone() };
        canonical_json(&json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {"publicKey": {"hint": hint}},
            "dsseEnvelope": envelope.to_json(),
        }))
    }

    fn to_json(&self) -> Value {
        json!({
            "payload": BASE64.encode(&self.statement),
            "payloadType": PAYLOAD_TYPE,
            "signatures": self.signatures.to_json(),
        })
    }
}

impl fmt::Display for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&canonical_json(&self.to_json()))
    }
}

/// Returns the envelope of a statement that no service key signed, as one line of canonical JSON.
pub fn unsigned(statement: &[u8]) -> String {
    let signatures: [Value; 0] = [];
    let payload = BASE64.encode(statement);
    canonical_json(&json!({
        "payload": payload, "payloadType": PAYLOAD_TYPE, "signatures": signatures,
    }))
}

#[cfg(test)]
mod tests;
