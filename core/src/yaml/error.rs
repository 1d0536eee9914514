//! Errors that occur while a tree is deserialized, with their positions.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use super::wording::{did_you_mean, listed, shown};
use super::{Node, Problem, Span};

/// An error that is being passed up. It gets its position at the innermost node that it passes.
#[derive(Debug)]
pub(super) struct Error(Box<(Fault, Option<NodePlace>)>);

/// The node of an error.
#[derive(Debug)]
pub(super) struct NodePlace {
    /// Identifies the node; only used for comparison.
    pub(super) node: *const Node,
    pub(super) pointer: String,
    pub(super) span: Span,
    /// Where the node ends in the file.
    pub(super) end: usize,
    /// The text of the node, shortened for a message.
    pub(super) text: Option<String>,
    pub(super) is_collection: bool,
}

#[derive(Debug)]
pub(super) enum Fault {
    /// A required field is missing.
    Missing(&'static str),
    /// A value of the right type that isn't allowed, in the words of the type that refused it.
    Refused(String),
    Known {
        code: &'static str,
        message: String,
        help: Option<String>,
    },
    /// Follows from a fault that was already reported.
    Follows,
    /// Too many problems were found to continue.
    Enough,
}

impl Error {
    pub(super) fn new(fault: Fault) -> Self {
        Self(Box::new((fault, None)))
    }

    pub(super) fn known(code: &'static str, message: String, help: Option<String>) -> Self {
        Self::new(Fault::Known { code, message, help })
    }

    /// Adds the position of the error, unless it has one.
    pub(super) fn at(mut self, place: impl FnOnce() -> NodePlace) -> Self {
        self.0.1.get_or_insert_with(place);
        self
    }

    pub(super) fn into_parts(self) -> (Fault, Option<NodePlace>) {
        *self.0
    }
}

impl Fault {
    /// Converts the fault into a problem; `None` if it was already reported.
    pub(super) fn into_problem(self, place: &NodePlace) -> Option<Problem> {
        let (code, message, help) = match self {
            Fault::Missing(field) => {
                ("field/missing", format!("`{field}` is missing"), Some(format!("add `{field}:`")))
            }
            Fault::Refused(message) => ("field/value", place.say(message), None),
            Fault::Known { code, message, help } => (code, message, help),
            Fault::Follows | Fault::Enough => return None,
        };
        Some(Problem { code, message, help, pointer: place.pointer.clone(), span: place.span })
    }
}

impl NodePlace {
    /// Puts the text of the node before a type's message, unless the message already quotes it.
    fn say(&self, message: String) -> String {
        match &self.text {
            Some(text) if !message.contains(text.as_str()) => format!("`{text}`: {message}"),
            _ => message,
        }
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.0 {
            Fault::Missing(field) => write!(f, "`{field}` is missing"),
            Fault::Refused(message) | Fault::Known { message, .. } => f.write_str(message),
            Fault::Follows => f.write_str("a part of it was left out"),
            Fault::Enough => f.write_str("too many problems"),
        }
    }
}

impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        let message = message.to_string();
        // serde's message for an untagged enum contains the name of the Rust type.
        if message.starts_with("data did not match any variant") {
            let message = "this value has none of the allowed forms".into();
            return Self::known("field/type", message, None);
        }
        Self::new(Fault::Refused(message))
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let expected = expected.to_string();
        let expected = match expected.as_str() {
            "a string" | "string" | "str" => "text",
            "a boolean" => "`true` or `false`",
            "a sequence" => "a list",
            "a map" => "a mapping",
            other if other.starts_with("struct ") => "a mapping",
            other => other,
        };
        let found = match found {
            Unexpected::Bool(_) => "`true` or `false`",
            Unexpected::Signed(_) | Unexpected::Unsigned(_) | Unexpected::Float(_) => "a number",
            Unexpected::Str(_) | Unexpected::Char(_) => "text",
            Unexpected::Seq => "a list",
            Unexpected::Map => "a mapping",
            _ => "nothing",
        };
        let message = format!("expected {expected}, found {found}");
        Self::known("field/type", message, None)
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let found = match found {
            Unexpected::Str(text) => format!("`{}`", shown(text)),
            Unexpected::Signed(number) => number.to_string(),
            Unexpected::Unsigned(number) => number.to_string(),
            Unexpected::Float(number) => number.to_string(),
            other => other.to_string(),
        };
        let message = format!("expected {expected}, found {found}");
        Self::known("field/value", message, None)
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let mut message = format!("`{}` is not one of the allowed values", shown(variant));
        if let Some(meant) = did_you_mean(variant, expected) {
            message.push_str(&format!("; did you mean `{meant}`?"));
        }
        let help = format!("allowed: {}", listed(expected));
        Self::known("field/value", message, Some(help))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let (message, help, _) = unknown_field(field, expected);
        Self::known("field/unknown", message, Some(help))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(Fault::Missing(field))
    }

    fn duplicate_field(field: &'static str) -> Self {
        let message = format!("`{field}` is given twice, under two names");
        Self::known("field/value", message, None)
    }
}

/// Returns message and help for a key that isn't known here, and the key that was probably meant.
pub(super) fn unknown_field(
    field: &str,
    known: &'static [&'static str],
) -> (String, String, Option<&'static str>) {
    let meant = did_you_mean(field, known);
    let mut message = format!("`{}` is not known here", shown(field));
    if let Some(meant) = meant {
        message.push_str(&format!("; did you mean `{meant}`?"));
    }
    (message, format!("known here: {}", listed(known)), meant)
}
