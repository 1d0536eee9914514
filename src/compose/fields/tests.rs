use std::collections::BTreeSet;

use super::*;
use crate::core::request::RECORD_FIELDS;

const SCHEMA: &str = include_str!("../../../schemas/change-request.schema.json");

/// Parts of lists' items, which are answered together with their list.
const ABSENT: [&str; 4] =
    ["/actions/-/parameters", "/risks/-/impact", "/risks/-/likelihood", "/risks/-/mitigation"];

/// Adds the pointers of everything below a part of the schema that holds a value.
fn add_leaves(leaves: &mut BTreeSet<String>, schema: &Value, part: &Value, pointer: &str) {
    let reference = part["$ref"].as_str().and_then(|name| name.strip_prefix('#'));
    let part = reference.map_or(part, |name| schema.pointer(name).unwrap());
    match (part["properties"].as_object(), &part["items"]["$ref"]) {
        (Some(properties), _) => {
            for (name, part) in properties {
                add_leaves(leaves, schema, part, &format!("{pointer}/{name}"));
            }
        }
        (None, Value::String(kind)) if !LISTED.contains(&kind.as_str()) => {
            add_leaves(leaves, schema, &part["items"], &format!("{pointer}/-"));
        }
        _ => drop(leaves.insert(pointer.to_owned())),
    }
}

/// What a list of is one field.
const LISTED: [&str; 2] = ["#/$defs/RequestedApproval", "#/$defs/Name"];

#[test]
fn the_table_holds_every_field_of_the_schema() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let mut leaves = BTreeSet::new();
    add_leaves(&mut leaves, &schema, &schema, "");
    let is_record = |leaf: &str| RECORD_FIELDS.contains(&leaf.split('/').nth(1).unwrap());
    leaves.retain(|leaf| !is_record(leaf) && !ABSENT.contains(&leaf.as_str()));
    let known = FIELDS.iter().map(|field| field.pointer.to_owned());
    // These aren't leaves: what they hold is known one by one.
    let whole = ["/actions", "/risks", "/emergency", "/schedule", "/off_script"];
    let known: BTreeSet<_> = known.filter(|pointer| !whole.contains(&pointer.as_str())).collect();
    assert_eq!(known, leaves);
}

#[test]
fn questions_have_an_order_in_which_parts_precede_the_whole() {
    let mut asked: Vec<_> = FIELDS.iter().filter(|field| field.asked.is_some()).collect();
    asked.sort_by_key(|field| field.asked);
    for (position, field) in (1..).zip(&asked) {
        assert_eq!(field.asked, Some(position), "{}", field.pointer);
        assert_eq!(at(field.pointer).unwrap().pointer, field.pointer);
    }
}

#[test]
fn what_is_asked_for_names_flags_that_exist() {
    let flags: BTreeSet<_> =
        FIELDS.iter().flat_map(Field::flags).map(|flag| format!("--{}", flag.name)).collect();
    for field in FIELDS.iter().filter(|field| field.asked.is_some()) {
        let usage = field.usage();
        let named: Vec<_> = usage.split(' ').filter(|word| word.starts_with("--")).collect();
        assert!(!named.is_empty(), "{}", field.pointer);
        assert!(named.iter().all(|flag| flags.contains(*flag)), "{usage}");
    }
}
