//! SHA-256 digests, of bytes and of canonical JSON (RFC 8785).

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};
use sha2::{Digest as _, Sha256};

/// A SHA-256 digest, written `sha256:` and 64 hexadecimal digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(try_from = "Cow<'_, str>", into = "String")]
pub struct Digest([u8; 32]);

/// Makes the digest of bytes that come one part after the other.
#[derive(Clone, Debug, Default)]
pub struct Hasher(Sha256);

impl Hasher {
    /// Takes the next part.
    pub fn update(&mut self, part: &[u8]) {
        self.0.update(part);
    }

    /// Returns the digest of all parts.
    pub fn digest(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

impl Digest {
    /// Returns the digest of bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Digest(Sha256::digest(bytes).into())
    }

    /// Returns the digest of a value's canonical JSON.
    pub fn of_json(value: &Value) -> Self {
        Self::of(canonical_json(value).as_bytes())
    }

    /// Returns the digest of named parts: of each the name and the bytes with their lengths, in the
    /// order given.
    pub fn of_parts<'a>(parts: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        let mut hasher = Sha256::new();
        for (name, bytes) in parts {
            for part in [name.as_bytes(), bytes] {
                hasher.update((part.len() as u64).to_be_bytes());
                hasher.update(part);
            }
        }
        Digest(hasher.finalize().into())
    }

    /// Returns the first seven digits, the form in which people quote a digest.
    pub fn short(&self) -> String {
        self.to_string()["sha256:".len()..][..7].to_owned()
    }
}

/// Returns the canonical JSON (RFC 8785) of a value.
pub fn canonical_json(value: &Value) -> String {
    let mut text = Vec::with_capacity(4096);
    write_canonical(value, &mut text);
    String::from_utf8(text).expect("JSON is text")
}

fn write_canonical(value: &Value, text: &mut Vec<u8>) {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_unstable_by(|(a, _), (b, _)| utf16_order(a, b));
            text.push(b'{');
            for (index, (name, field)) in fields.into_iter().enumerate() {
                text.extend((index > 0).then_some(b','));
                write_scalar(name, text);
                text.push(b':');
                write_canonical(field, text);
            }
            text.push(b'}');
        }
        Value::Array(items) => {
            text.push(b'[');
            for (index, item) in items.iter().enumerate() {
                text.extend((index > 0).then_some(b','));
                write_canonical(item, text);
            }
            text.push(b']');
        }
        Value::Number(number) if !is_small(number) => {
            serde_json_canonicalizer::to_writer(number, text).expect("a JSON number is finite");
        }
        _ => write_scalar(value, text),
    }
}

/// Writes a scalar as JSON; numbers that a float can't represent exactly keep their digits.
fn write_scalar(scalar: &(impl Serialize + ?Sized), text: &mut Vec<u8>) {
    serde_json::to_writer(text, scalar).expect("a scalar is JSON, and memory takes it");
}

fn is_small(number: &Number) -> bool {
    number.as_i64().is_some_and(|number| number.unsigned_abs() < 1 << 53)
}

/// Compares keys in the order of canonical JSON; for ASCII names this is the order of their bytes.
fn utf16_order(a: &str, b: &str) -> Ordering {
    if a.is_ascii() && b.is_ascii() { a.cmp(b) } else { a.encode_utf16().cmp(b.encode_utf16()) }
}

/// Converts one of our own types to JSON. It can't fail: keys are text and numbers are finite.
pub fn to_json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("our types have text keys and finite numbers")
}

impl FromStr for Digest {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a digest: write sha256: and 64 hexadecimal digits");
        let hex = text.strip_prefix("sha256:").ok_or_else(wrong)?.as_bytes();
        if hex.len() != 64 {
            return Err(wrong());
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(hex.chunks_exact(2)) {
            let digit = |c: u8| (c as char).to_digit(16).map(|digit| digit as u8);
            *byte = digit(pair[0])
                .zip(digit(pair[1]))
                .map(|(high, low)| high << 4 | low)
                .ok_or_else(wrong)?;
        }
        Ok(Digest(bytes))
    }
}

impl TryFrom<Cow<'_, str>> for Digest {
    type Error = String;

    fn try_from(text: Cow<'_, str>) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> String {
        digest.to_string()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl JsonSchema for Digest {
    fn schema_name() -> Cow<'static, str> {
        "Digest".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "title": "Digest",
            "description": "SHA-256, in hexadecimal digits",
            "pattern": "^sha256:[0-9a-f]{64}$",
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn values() -> impl Strategy<Value = Value> {
        let numbers = prop_oneof![
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-9i64..9).prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
        ];
        let scalars = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            numbers,
            any::<String>().prop_map(Value::from),
        ];
        scalars.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::hash_map(any::<String>(), inner, 0..6)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn canonical_json_is_that_of_the_standard(value in values()) {
            let reference = serde_json_canonicalizer::to_string(&value).unwrap();
            prop_assert_eq!(canonical_json(&value), reference);
        }
    }

    #[test]
    fn names_are_in_the_order_of_utf16() {
        let value = json!({"\u{e000}": 1, "\u{1f600}": 1e21, "b": -0.0, "a": "\u{7f}\u{1f}\"/"});
        assert_eq!(
            canonical_json(&value),
            "{\"a\":\"\u{7f}\\u001f\\\"/\",\"b\":0,\"\u{1f600}\":1e+21,\"\u{e000}\":1}"
        );
    }
}
