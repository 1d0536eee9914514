//! A request as commented YAML, for people who edit it by hand.
//!
//! What is written reads back as the same values, here and in other readers of YAML: a text is left
//! plain where nobody could take it for anything else, long ones are folded, and everything else is
//! quoted as in JSON, of which YAML is a superset.

use serde_json::{Map, Value};

use super::fields;
use crate::core::digest::to_json;
use crate::core::request::ChangeRequest;
use crate::core::time::{Duration, Time};
use crate::core::yaml;

/// Where a line of text is broken.
const WIDTH: usize = 96;

/// Returns the text of a request's file at `path`, which says where editors find the schema.
pub fn render(request: &ChangeRequest, path: &str) -> String {
    let up = "../".repeat(path.matches('/').count());
    let mut out = format!(
        "# yaml-language-server: $schema={up}schemas/change-request.schema.json\n\
         # Comments say what the fields are for; `changegate check` judges the request.\n"
    );
    if let Value::Object(fields) = to_json(request) {
        block(&mut out, &fields, "", 0);
    }
    out
}

/// Writes a mapping, a line or more for each entry.
fn block(out: &mut String, fields: &Map<String, Value>, pointer: &str, indent: usize) {
    let mut fields: Vec<_> =
        fields.iter().map(|(name, value)| (format!("{pointer}/{name}"), name, value)).collect();
    fields.sort_by_cached_key(|(pointer, name, _)| (fields::rank(pointer), (*name).clone()));
    for (pointer, name, value) in fields {
        if let Some(comment) = fields::comment(&pointer) {
            *out += &format!("{:indent$}# {comment}\n", "");
        }
        let key = plain(name).map_or_else(|| quoted(name), str::to_owned);
        *out += &format!("{:indent$}{key}:", "");
        node(out, value, &pointer, indent);
    }
}

/// Writes what follows a key.
fn node(out: &mut String, value: &Value, pointer: &str, indent: usize) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            out.push('\n');
            block(out, fields, pointer, indent + 2);
        }
        Value::Array(items) if !items.is_empty() && !items.iter().any(Value::is_array) => {
            out.push('\n');
            items.iter().for_each(|value| item(out, value, pointer, indent + 2));
        }
        Value::String(text) => *out += &format!(" {}\n", scalar(text, indent + 2)),
        other => *out += &format!(" {other}\n"),
    }
}

/// Writes an entry of a list; the first field of a mapping is on the dash's line.
fn item(out: &mut String, value: &Value, pointer: &str, indent: usize) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            let mut fields_text = String::new();
            block(&mut fields_text, fields, &format!("{pointer}/-"), indent + 2);
            *out += &format!("{:indent$}- {}", "", fields_text.trim_start());
        }
        Value::String(text) => *out += &format!("{:indent$}- {}\n", "", scalar(text, indent + 2)),
        other => *out += &format!("{:indent$}- {other}\n", ""),
    }
}

/// A text; if it takes several lines, those behind the first are indented.
fn scalar(text: &str, indent: usize) -> String {
    if text.chars().count() + indent <= WIDTH {
        plain(text)
            .map_or_else(|| lines(text, indent).unwrap_or_else(|| quoted(text)), str::to_owned)
    } else {
        folded(text, indent).or_else(|| lines(text, indent)).unwrap_or_else(|| quoted(text))
    }
}

/// The text as it is, if every reader of YAML takes it for just that: ours, and those of YAML 1.1,
/// to which `yes` is a truth value and `12:30` a number.
fn plain(text: &str) -> Option<&str> {
    const TRUTH_VALUES: [&str; 6] = ["y", "n", "yes", "no", "on", "off"];
    let is_truth_value = || TRUTH_VALUES.iter().any(|word| word.eq_ignore_ascii_case(text));
    let is_worded = || text.starts_with(char::is_alphabetic) && !is_truth_value();
    let is_time = || text.parse::<Time>().is_ok() || text.parse::<Duration>().is_ok();
    let is_read_so = || {
        let yaml::Document { root, problems, .. } = yaml::parse(text.as_bytes());
        problems.is_empty() && root.value == yaml::Value::String(text.to_owned())
    };
    let is_one_line = !text.contains(['\n', '\r', '\t']);
    (is_one_line && (is_worded() || is_time()) && is_read_so()).then_some(text)
}

/// A long line folded into several, if blanks are where it can be broken.
fn folded(text: &str, indent: usize) -> Option<String> {
    let has_plain_blanks =
        !text.contains(['\n', '\r', '\t']) && text.split(' ').all(|w| !w.is_empty());
    has_plain_blanks.then(|| {
        let mut out = ">-".to_owned();
        let mut length = WIDTH;
        for word in text.split(' ') {
            let word_length = word.chars().count();
            if length + 1 + word_length > WIDTH {
                out += &format!("\n{:indent$}{word}", "");
                length = indent + word_length;
            } else {
                out += &format!(" {word}");
                length += 1 + word_length;
            }
        }
        out
    })
}

/// Several lines as they are, if their blanks aren't taken for indentation.
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

/// A text in double quotes.
pub fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests;
