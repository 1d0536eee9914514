//! What findings and sign-offs have to look like, in words: for what a rule has written out, which is
//! checked when the bundle is loaded, and for what only evaluation shows.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Asked, RuledFinding, is_code};
use crate::characters::is_blank;
use crate::terms::{Effect, Level, Login};

/// The effects of a finding, from the weakest.
pub(in crate::policy) const EFFECTS: [&str; 4] = ["info", "warn", "pending", "deny"];

/// The kinds of sign-offs.
const KINDS: [&str; 5] = ["level", "role", "owner", "person", "commander"];

/// What rules yield: findings, or sign-offs.
pub(in crate::policy) struct Shape {
    /// The name of one, with its article.
    pub what: &'static str,
    fields: &'static [Field],
    needed: &'static [&'static str],
    read: fn(&Value) -> Result<(), serde_json::Error>,
}

/// A field, what it may hold, and that in words.
struct Field {
    name: &'static str,
    admits: fn(&Value) -> bool,
    expected: &'static str,
    /// A value of it, as JSON.
    example: &'static str,
}

const fn field(
    name: &'static str,
    admits: fn(&Value) -> bool,
    expected: &'static str,
    example: &'static str,
) -> Field {
    Field { name, admits, expected, example }
}

const FINDING: Shape = Shape {
    what: "a finding",
    fields: &[
        field("code", |v| v.as_str().is_some_and(is_code), "rule/short-name", r#""rule/name""#),
        field("effect", is::<Effect>, "info, warn, pending or deny", r#""deny""#),
        field("message", says, "a text that says what is wrong", r#""…""#),
        field("help", is::<Option<String>>, "a text", r#""…""#),
        field("pointer", is::<Option<String>>, "a text", r#""/actions""#),
        field("controls", is::<Vec<String>>, "a list of texts", r#"["SOC2:CC8.1"]"#),
        field("signed", is::<Option<bool>>, "true or false", "true"),
    ],
    needed: &["code", "effect", "message"],
    read: |value| RuledFinding::deserialize(value).map(drop),
};

const SIGN_OFF: Shape = Shape {
    what: "a sign-off",
    fields: &[
        field("kind", one_of_kinds, "level, role, owner, person or commander", r#""level""#),
        field("any_of", levels, "a list of L1, L2 and L3 with at least one", r#"["L2"]"#),
        field("or_users", is::<Option<Vec<Login>>>, "a list of logins", r#"["alice"]"#),
        field("role", is::<Option<String>>, "a text", r#""devops-lead""#),
        field("service", is::<Option<String>>, "a text", r#""checkout""#),
        field("user", is::<Option<Login>>, "a login", r#""alice""#),
        field("people", people, "a whole number from 1 to 255", "1"),
        field("because", is::<Option<String>>, "a text", r#""…""#),
        field("code", |v| v.as_str().is_some_and(is_code), "rule/short-name", r#""rule/name""#),
        field("pointer", is::<Option<String>>, "a text", r#""/actions""#),
    ],
    needed: &["kind"],
    read: |value| Asked::deserialize(value).map(drop),
};

impl Shape {
    /// Returns the shape of what `findings` or `required` yields; `None` for other rules.
    pub fn of(rule: &str) -> Option<Shape> {
        match rule {
            "findings" => Some(FINDING),
            "required" => Some(SIGN_OFF),
            _ => None,
        }
    }

    /// Returns what is wrong with a value.
    pub fn fault(&self, value: &Value) -> Option<String> {
        let Some(fields) = value.as_object() else { return Some(self.no_object(value)) };
        let unknown = || fields.keys().find_map(|name| self.unknown(name));
        let wrong = || fields.iter().find_map(|(name, value)| self.wrong(name, value));
        let missing = || self.missing(|name| fields.contains_key(name)).next();
        let unreadable = || (self.read)(value).err().map(|error| error.to_string());
        unknown().or_else(missing).or_else(wrong).or_else(unreadable)
    }

    /// Returns what is wrong with what can't be one of these, as it isn't an object.
    pub fn no_object(&self, value: &Value) -> String {
        let needed = self.needed.iter().map(|name| format!("\"{name}\": …"));
        let needed: Vec<_> = needed.collect();
        format!("{} is not {}: write {{{}}}", shown(value), self.what, needed.join(", "))
    }

    /// Returns what is wrong with the name of a field.
    pub fn unknown(&self, name: &str) -> Option<String> {
        let is_known = self.fields.iter().any(|field| field.name == name);
        let names: Vec<_> = self.fields.iter().map(|field| field.name).collect();
        (!is_known).then(|| {
            format!("{} has no field `{name}`: its fields are {}", self.what, names.join(", "))
        })
    }

    /// Returns what is missing.
    pub fn missing(&self, has: impl Fn(&str) -> bool) -> impl Iterator<Item = String> {
        let missing = self.needed.iter().filter(move |name| !has(name));
        missing.map(|name| format!("{} has no `{name}`, which it needs", self.what))
    }

    /// Returns what is wrong with the value of a field.
    pub fn wrong(&self, name: &str, value: &Value) -> Option<String> {
        let field = self.fields.iter().find(|field| field.name == name)?;
        (!(field.admits)(value))
            .then(|| format!("`{name}` is {}, not {}", shown(value), field.expected))
    }

    /// Returns some value that a field may hold.
    pub fn example(&self, name: &str) -> Option<Value> {
        let field = self.fields.iter().find(|field| field.name == name)?;
        serde_json::from_str(field.example).ok()
    }
}

fn is<T: DeserializeOwned>(value: &Value) -> bool {
    T::deserialize(value).is_ok()
}

fn says(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !is_blank(text))
}

fn one_of_kinds(value: &Value) -> bool {
    value.as_str().is_some_and(|kind| KINDS.contains(&kind))
}

fn levels(value: &Value) -> bool {
    is::<Option<Vec<Level>>>(value) && value.as_array().is_none_or(|levels| !levels.is_empty())
}

fn people(value: &Value) -> bool {
    is::<u8>(value) && value.as_u64() != Some(0)
}

/// Returns a short value as it is written, and what kind of value a longer one is.
fn shown(value: &Value) -> String {
    const LONGEST: usize = 40;
    let written = value.to_string();
    match value {
        _ if written.len() <= LONGEST => written,
        Value::Array(_) => "a long list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        _ => "a long text".to_owned(),
    }
}
