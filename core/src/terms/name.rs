//! Names of actions, targets, services and roles, and which of them people can't tell apart.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use unicode_security::skeleton;

/// The name of an action, a target, a service or a role: ASCII letters, digits and `._:/@+-`. An empty
/// one is read too, and counts as missing.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(try_from = "Cow<'_, str>", into = "String")]
pub struct Name(String);

impl Name {
    /// Returns the name as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Returns whether people could take two different names for each other: they differ only in case, in
/// `-`, `_` and `.`, or in letters that look alike (the skeleton of UTS 39).
pub fn look_alike(name: &str, other: &str) -> bool {
    name != other && looks(name).iter().zip(looks(other)).any(|(look, other)| *look == other)
}

/// Returns a name as it is seen in lower case and as it is written, by somebody who takes one separator
/// for another, and by somebody who overlooks them.
fn looks(name: &str) -> [String; 4] {
    let seen = |name: &str| skeleton(name).collect::<String>().to_ascii_lowercase();
    let (alike, overlooked) = (separated(name, |_, _| true), separated(name, is_decimal));
    [&alike, &overlooked, &alike.to_ascii_lowercase(), &overlooked.to_ascii_lowercase()]
        .map(|name| seen(name))
}

/// Joins the parts of a name again, with a `-` between those that `keeps` it.
fn separated(name: &str, keeps: fn(&str, &str) -> bool) -> String {
    let parts: Vec<_> = name.split(is_separator).filter(|part| !part.is_empty()).collect();
    let mut out = parts.first().copied().unwrap_or_default().to_owned();
    for pair in parts.windows(2) {
        out += if keeps(pair[0], pair[1]) { "-" } else { "" };
        out += pair[1];
    }
    out
}

/// Returns whether what separates two parts can't be overlooked: 1.12 isn't 11.2.
fn is_decimal(part: &str, next: &str) -> bool {
    part.ends_with(|c: char| c.is_ascii_digit()) && next.starts_with(|c: char| c.is_ascii_digit())
}

fn is_separator(c: char) -> bool {
    matches!(c, '-' | '_' | '.')
}

/// Returns a text so that names which look alike have become equal in it, and some others too: to find
/// in many files the few that may hold one of them.
pub fn folded(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + text.len() / 8);
    for byte in text.iter().map(u8::to_ascii_lowercase) {
        match byte {
            b'-' | b'_' | b'.' => {}
            b'0' => out.push(b'o'),
            b'1' | b'i' => out.push(b'l'),
            b'm' => out.extend(b"rn"),
            byte => out.push(byte),
        }
    }
    out
}

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:/@+-".contains(&byte);
        if text.bytes().all(allowed) {
            Ok(Name(text.to_owned()))
        } else {
            Err(format!(
                "`{text}` is not a name: write ASCII letters, digits and `._:/@+-`, without blanks"
            ))
        }
    }
}

impl TryFrom<Cow<'_, str>> for Name {
    type Error = String;

    fn try_from(text: Cow<'_, str>) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Name> for String {
    fn from(name: Name) -> String {
        name.0
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for Name {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for Name {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl JsonSchema for Name {
    fn schema_name() -> Cow<'static, str> {
        "Name".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "title": "Name",
            "description": "ASCII letters, digits and ._:/@+-, without blanks",
            "pattern": "^[A-Za-z0-9._:/@+-]*$",
            "examples": ["checkout-web"],
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_plain() {
        for name in ["", "eu-west-1", "acme/api:v1.2+b@x", "N_1"] {
            assert_eq!(name.parse::<Name>().unwrap().as_str(), name);
        }
        for name in [" ", "rotate-secrets ", "a b", "a\tb", "p\u{430}y", "a\u{200d}", "a,b", "a*"] {
            assert!(name.parse::<Name>().is_err(), "{name}");
        }
    }

    #[test]
    fn look_alikes() {
        for (name, other) in [
            ("payments-api", "Payments-API"),
            ("payments-api", "payments_api"),
            ("payments-api", "payments.api"),
            ("payments-api", "paymentsapi"),
            ("payments-api", "-payments--api-"),
            ("payments-api", "payrnents-api"),
            ("eu-west-1", "eu-west-l"),
            ("eu-west-1", "EU-WEST-I"),
            ("eu-west-1", "eu_West_l"),
            ("node-10", "node-1O"),
            ("10.0.0.1", "10.O.0.1"),
            ("10.0.0.1", "10-0-0-1"),
            ("v1.2", "V1_2"),
        ] {
            assert!(look_alike(name, other) && look_alike(other, name), "{name} {other}");
        }
        for (name, other) in [
            ("payments-api", "payments-api"),
            ("payments-api", "payments-app"),
            ("payments/api", "payments-api"),
            ("mail-api", "mall-api"),
            ("10.1.12.3", "10.11.2.3"),
            ("v1.2", "v12"),
            ("eu-west-1", "eu-west-2"),
        ] {
            assert!(!look_alike(name, other), "{name} {other}");
        }
    }

    proptest! {
        #[test]
        fn the_search_overlooks_no_look_alike(name in "[oO01lIim.r_n-]{1,6}", other in "[oO01lIim.r_n-]{1,6}") {
            prop_assert!(!look_alike(&name, &other) || folded(name.as_bytes()) == folded(other.as_bytes()));
        }
    }
}
