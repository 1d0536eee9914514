//! A request as commented YAML, for people who edit it by hand.

use serde_json::{Map, Value};

use super::fields;
use crate::core::digest::to_json;
use crate::core::request::ChangeRequest;
use crate::core::yaml::write;

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

/// Returns the text of a mapping that isn't a request, without comments.
pub fn plain(fields: &Map<String, Value>) -> String {
    let mut out = String::new();
    block(&mut out, fields, "/-", 0);
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
        *out += &format!("{:indent$}{}:", "", write::key(name));
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
        Value::String(text) => *out += &format!(" {}\n", write::scalar(text, indent + 2)),
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
        Value::String(text) => {
            *out += &format!("{:indent$}- {}\n", "", write::scalar(text, indent + 2))
        }
        other => *out += &format!("{:indent$}- {other}\n", ""),
    }
}

#[cfg(test)]
mod tests;
