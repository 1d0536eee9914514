//! Writes texts as YAML.
//!
//! What is written reads back as the same text, here and in other readers of YAML: a text is left
//! plain where nobody could take it for anything else, long ones are folded, and everything else is
//! quoted as in JSON, of which YAML is a superset.

use super::{Document, Value, parse};
use crate::time::{Duration, Time};

/// Where a line of text is broken.
const WIDTH: usize = 96;

/// Returns a text as a key.
pub fn key(text: &str) -> String {
    plain(text).map_or_else(|| quoted(text), str::to_owned)
}

/// Returns a text as a key or as an item between brackets; only a single word is left plain.
pub fn word(text: &str) -> String {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@+/".contains(&byte);
    if text.bytes().all(is_word) { key(text) } else { quoted(text) }
}

/// Returns a text as the value of a key or an item, in one line or, indented, in several.
pub fn scalar(text: &str, indent: usize) -> String {
    if text.chars().count() + indent <= WIDTH {
        lines(text, indent).unwrap_or_else(|| key(text))
    } else {
        folded(text, indent).or_else(|| lines(text, indent)).unwrap_or_else(|| quoted(text))
    }
}

/// Returns the text as it is if every reader of YAML takes it for just that: ours, and those of
/// YAML 1.1, to which `yes` is a truth value and `12:30` a number.
fn plain(text: &str) -> Option<&str> {
    const TRUTH_VALUES: [&str; 6] = ["y", "n", "yes", "no", "on", "off"];
    let is_truth_value = || TRUTH_VALUES.iter().any(|word| word.eq_ignore_ascii_case(text));
    let is_worded = || text.starts_with(char::is_alphabetic) && !is_truth_value();
    let is_time = || text.parse::<Time>().is_ok() || text.parse::<Duration>().is_ok();
    let is_read_so = || {
        let Document { root, problems, .. } = parse(text.as_bytes());
        problems.is_empty() && root.value == Value::String(text.to_owned())
    };
    let is_one_line = !text.contains(['\n', '\r', '\t']);
    (is_one_line && (is_worded() || is_time()) && is_read_so()).then_some(text)
}

/// Folds a long line into several, if it can be broken at single blanks.
fn folded(text: &str, indent: usize) -> Option<String> {
    let has_plain_blanks =
        !text.contains(['\n', '\r', '\t']) && text.split(' ').all(|w| !w.is_empty());
    has_plain_blanks.then(|| {
        let mut out = ">-".to_owned();
        let mut length = WIDTH;
        for word in text.split(' ') {
            length += 1 + word.chars().count();
            if length > WIDTH {
                out += &format!("\n{:indent$}{word}", "");
                length = indent + word.chars().count();
            } else {
                out += &format!(" {word}");
            }
        }
        out
    })
}

/// Returns several lines as they are, if their blanks aren't taken for indentation.
fn lines(text: &str, indent: usize) -> Option<String> {
    let body = text.strip_suffix('\n').unwrap_or(text);
    let is_flush = |line: &str| !line.starts_with([' ', '\t']) && !line.contains('\r');
    let is_plain = body.contains('\n')
        && !body.starts_with('\n')
        && !body.ends_with('\n')
        && body.split('\n').all(is_flush);
    is_plain.then(|| {
        let mut out = if body.len() < text.len() { "|" } else { "|-" }.to_owned();
        for line in body.split('\n') {
            let indent = if line.is_empty() { 0 } else { indent };
            out += &format!("\n{:indent$}{line}", "");
        }
        out
    })
}

/// Returns a text in double quotes.
pub fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
