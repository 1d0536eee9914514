//! Adapts the schemas that are derived from the types for editors.

use schemars::Schema;
use schemars::transform::transform_subschemas;
use serde_json::{Map, Value, json};

/// Adapts the schema of a file that people write. A field that is left blank is a mistake that an
/// editor should mark, so `null` isn't offered, although it is read like a missing field.
pub(super) fn written(schema: &mut Schema) {
    transform_subschemas(&mut written, schema);
    if let Some(schema) = schema.as_object_mut() {
        explain(schema);
        without_null(schema);
        let says_nothing =
            |value: &Value| value.is_null() || *value == json!([]) || *value == json!({});
        if schema.get("default").is_some_and(says_nothing) {
            schema.remove("default");
        }
    }
}

/// Adapts the schema of a document that the checker writes: later versions may add fields.
pub(super) fn printed(schema: &mut Schema) {
    transform_subschemas(&mut printed, schema);
    if let Some(schema) = schema.as_object_mut() {
        explain(schema);
        schema.remove("default");
        if schema.get("additionalProperties") == Some(&Value::Bool(false)) {
            schema.remove("additionalProperties");
        }
    }
}

/// Replaces a mapping of any names by one of the given names, each with a description.
pub(super) fn name_keys(schema: &mut Schema, keys: &[String], about: impl Fn(&str) -> String) {
    let schema = schema.ensure_object();
    let anything = schema.insert("additionalProperties".to_owned(), false.into());
    let anything = anything.unwrap_or_default();
    let properties = schema.entry("properties").or_insert_with(|| json!({}));
    for key in keys {
        let mut property = anything.clone();
        property["description"] = about(key).into();
        properties[key] = property;
    }
}

/// Gives each field a description of one line, and keeps only formats that JSON Schema defines.
fn explain(schema: &mut Map<String, Value>) {
    if let Some(Value::String(description)) = schema.get_mut("description") {
        *description = description.replace('\n', " ");
    }
    // `uint32` and the like: validators warn about formats that they don't know.
    if schema.get("format").is_some_and(|format| format != "date-time") {
        schema.remove("format");
    }
    // A field that names a case, such as `role` in `{role: …}`, gets the description of that case.
    let description = schema.get("description").cloned();
    if let (Some(description), Some(Value::Object(fields))) =
        (description, schema.get_mut("properties"))
    {
        for field in fields.values_mut().filter_map(Value::as_object_mut) {
            field.entry("description").or_insert_with(|| description.clone());
        }
    }
}

fn without_null(schema: &mut Map<String, Value>) {
    if let Some(Value::Array(kinds)) = schema.get_mut("type") {
        kinds.retain(|kind| kind != "null");
        if kinds.len() == 1 {
            let only = kinds.remove(0);
            schema.insert("type".to_owned(), only);
        }
    }
    let Some(Value::Array(mut forms)) = schema.remove("anyOf") else { return };
    forms.retain(|form| *form != json!({"type": "null"}));
    match forms.as_mut_slice() {
        [Value::Object(only)] => {
            for (key, value) in std::mem::take(only) {
                schema.entry(key).or_insert(value);
            }
        }
        _ => drop(schema.insert("anyOf".to_owned(), forms.into())),
    }
}
