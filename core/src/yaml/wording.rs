//! The words in which messages describe a file's content and what went wrong.

use super::Value;
use crate::characters::is_hidden;

/// The longest text in a message, in characters; longer ones are cut.
const SHOWN: usize = 60;

/// Shortens a piece of the file for a message: short, on one line, without invisible characters.
pub(super) fn shown(text: &str) -> String {
    let mut shown = String::new();
    for (count, (at, c)) in text.char_indices().enumerate() {
        match c {
            _ if count == SHOWN => {
                shown.push('…');
                break;
            }
            '\n' => shown.push_str("\\n"),
            '\t' => shown.push_str("\\t"),
            _ if is_hidden(text, at) => shown.push('\u{fffd}'),
            c => shown.push(c),
        }
    }
    shown
}

/// Returns the name of a value's kind.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(true) => "`true`",
        Value::Bool(false) => "`false`",
        Value::Integer(_) | Value::Float(_) => "a number",
        Value::String(_) => "text",
        Value::Sequence(_) => "a list",
        Value::Mapping(_) => "a mapping",
        Value::Invalid => "an invalid value",
    }
}

/// Returns what to do if one kind is expected and another was found.
pub(super) fn remedy(expected: &str, found: &Value) -> Option<&'static str> {
    Some(match (expected, found) {
        (_, Value::Null) => "give it a value, or delete the key",
        ("text", Value::Bool(_) | Value::Integer(_) | Value::Float(_)) => "put it in quotes",
        ("a number" | "a whole number", Value::String(_)) => "write digits, without quotes",
        ("`true` or `false`", Value::String(_)) => "write `true` or `false`, without quotes",
        ("a list", Value::Mapping(_)) => "start each item with `- `",
        ("a list", _) => "write one item a line, each after `- `, or put it in `[` and `]`",
        ("a mapping", _) => "write `key: value` lines",
        _ => return None,
    })
}

/// Returns the candidate that a misspelled word was probably meant to be.
pub fn did_you_mean<'c>(word: &str, candidates: &[&'c str]) -> Option<&'c str> {
    if word.len() > SHOWN {
        return None;
    }
    let plain = word.to_lowercase().replace(['-', ' '], "_");
    candidates
        .iter()
        .map(|candidate| {
            let other = candidate.to_lowercase().replace('-', "_");
            (strsim::damerau_levenshtein(&plain, &other), *candidate)
        })
        .filter(|(distance, candidate)| *distance <= (candidate.len() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Writes words as `a`, `b`, `c`, each in backquotes.
pub(super) fn listed(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    quoted.join(", ")
}

/// Parts of a parser's error messages, what they mean, and what to do about it.
const SYNTAX: [(&[&str], &str, &str); 14] = [
    (
        &["tab cannot", "tabs disallowed", "with a tab", "found a tab"],
        "the line is indented with a tab",
        "indent with spaces",
    ),
    (
        &["mapping values are not", "illegal placement of ':'"],
        "no key can end at this `:`",
        "put text that contains `: ` in quotes, or check the indentation",
    ),
    (
        &["simple key", "did not find expected key", "<document start>"],
        "this is not a `key: value` pair that fits the lines above",
        "check the indentation, the `: ` behind the key, and quotes that were not closed",
    ),
    (
        &["expected '-' indicator", "block sequence entries"],
        "this is not an item of the list above",
        "start it with `- ` in the same column as the others",
    ),
    (
        &["parsing a flow mapping", "of `[{`"],
        "a `,` or the closing `}` is missing",
        "close the `{`, and put text that contains `,` or `:` in quotes",
    ),
    (
        &["parsing a flow sequence", "misplaced bracket"],
        "a bracket doesn't match, or a `,` is missing",
        "close each `[` and `{`, and put text that contains them in quotes",
    ),
    (
        &["unexpected end of stream", "unexpected document indicator"],
        "a quoted text that starts here is not closed",
        "close the quote; a quote within the text is doubled ('') or escaped (\\\")",
    ),
    (
        &["unexpected character"],
        "a value can't start with this character",
        "put the value in quotes",
    ),
    (
        &["unknown escape", "hexadecimal", "Unicode character escape"],
        "a `\\` in this quoted text is not the start of a valid YAML escape",
        "write `\\\\` for a backslash, or use single quotes; write emoji as themselves",
    ),
    (
        &["did not find expected node content"],
        "a value is missing here",
        "look for an extra `,`, and for brackets that are not closed",
    ),
    (
        &["parsing a tag", "scanning a tag", "anchor or alias"],
        "a value can't start with `!`, `&` or `*`",
        "put it in quotes",
    ),
    (&["trailing content"], "something follows the closing quote", "put the whole value in quotes"),
    (
        &["invalid indentation", "wrongly indented"],
        "this line is not indented as far as the text it belongs to",
        "indent it further",
    ),
    (
        &["comment"],
        "a comment is not possible here",
        "put a space before `#`, and no comment inside a text",
    ),
];

/// Returns the meaning of a parser's error message, and what to do about it.
pub(super) fn syntax(info: &str) -> (String, Option<&'static str>) {
    SYNTAX.iter().find(|(signs, ..)| signs.iter().any(|sign| info.contains(sign))).map_or_else(
        || (format!("this is not YAML: {info}"), None),
        |&(_, message, help)| (message.to_owned(), Some(help)),
    )
}
