//! A request as commented YAML, for whoever edits it by hand.

use serde_json::{Map, Value};

use super::fields;
use crate::core::digest::to_json;
use crate::core::request::ChangeRequest;
use crate::core::yaml::write;

/// The order in which fields are read: what and why, when, how to undo it. Others follow by name.
const ORDER: &[&str] = &[
    "id",
    "type",
    "summary",
    "reason",
    "description",
    "requester",
    "implementer",
    "actions",
    "risk",
    "impact",
    "emergency",
    "schedule",
    "rollback",
    "verification",
    "off_script",
    "risks",
    "business_alignment",
    "contingency",
    "approvals",
    "links",
    // Of an action.
    "action",
    "target",
    "parameters",
    // Of the impact.
    "services",
    "users",
    "operations",
    // Of an emergency.
    "incident",
    "severity",
    "why_now",
    "break_glass",
    // Of the schedule.
    "start",
    "end",
    // Of the rollback.
    "steps",
    "trigger",
    "owner",
    // Of the verification.
    "monitor",
    "health_checks",
    "error_rates",
    // Of an off-script request, and of a risk.
    "script",
    "justification",
    "likelihood",
];

/// The request as a file at `path`, which says where editors find the schema.
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

/// A mapping, a line or more for each entry.
fn block(out: &mut String, fields: &Map<String, Value>, pointer: &str, indent: usize) {
    let mut fields: Vec<_> = fields.iter().collect();
    let rank = |name: &str| ORDER.iter().position(|known| *known == name).unwrap_or(ORDER.len());
    fields.sort_by_key(|(name, _)| (rank(name), *name));
    for (name, value) in fields {
        let pointer = format!("{pointer}/{name}");
        if let Some(comment) = fields::comment(&pointer) {
            *out += &format!("{:indent$}# {comment}\n", "");
        }
        *out += &format!("{:indent$}{}:", "", write::key(name));
        node(out, value, &pointer, indent);
    }
}

/// What stands behind a key.
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

/// An entry of a list; the first field of a mapping stands on the dash's line.
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
