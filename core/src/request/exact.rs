//! What the values that an approval is bound to may be written as.
//!
//! A value has one spelling, so that the text which people approve and the value which is compared
//! can't drift apart; and what is executed hides nothing.

use super::RECORD_FIELDS;
use crate::characters::{Text, refused};
use crate::yaml::{Document, Refusal, Value};

/// The greatest whole number that every program reads exactly, 2^53 - 1.
pub(super) const GREATEST: i64 = 9_007_199_254_740_991;

/// Refuses numbers with more than one spelling, and invisible characters in parameters and links,
/// even those that prose may hold.
pub(super) fn require(document: &mut Document, bytes: &[u8]) {
    document.refuse(bytes, |pointer, value, written| match value {
        Value::Integer(_) | Value::Float(_) if is_record(pointer) => None,
        Value::Integer(integer)
            if (-GREATEST..=GREATEST).contains(integer)
                && integer.to_string().as_bytes() == written =>
        {
            None
        }
        Value::Integer(_) | Value::Float(_) => Some(Refusal {
            code: "yaml/number",
            message: format!(
                "`{}` isn't a plain whole number of at most 2^53 - 1, the only kind of number that \
                 is written in one way",
                String::from_utf8_lossy(written)
            ),
            help: "put it in quotes",
        }),
        Value::String(text) if is_exact(pointer) => {
            let (_, c, role) = refused(text, Text::Exact).next()?;
            Some(Refusal {
                code: "yaml/character",
                message: format!(
                    "U+{:04X} ({role}) is not allowed in parameters and links",
                    u32::from(c)
                ),
                help: "delete it; most editors can show invisible characters",
            })
        }
        _ => None,
    });
}

/// Returns whether a pointer leads to what came of a change, which may hold measured values.
fn is_record(pointer: &str) -> bool {
    pointer.split('/').nth(1).is_some_and(|field| RECORD_FIELDS.contains(&field))
}

/// Returns whether a pointer leads to a text that programs use as it is.
fn is_exact(pointer: &str) -> bool {
    let mut steps = pointer.split('/').skip(1);
    match steps.next() {
        Some("links") => true,
        Some("actions") => steps.nth(1) == Some("parameters"),
        _ => false,
    }
}
