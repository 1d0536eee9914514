//! Refuses references to what isn't there: fields that the input document doesn't have, tables and
//! rules that the bundle doesn't have. They are undefined, so the rule around them would never hold.
//!
//! What a variable stands for is followed where a rule declares it once, by `x := input.request` or
//! `some x in input.request.actions`.

use std::collections::BTreeSet;

use regorus::unstable::Span;
use schemars::JsonSchema as _;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::PolicyProblem;
use super::facts::RuleFacts;
use super::graph::meets;
use super::names::Scopes;
use crate::core::input::Input;
use crate::core::layout;
use crate::core::org::Org;

/// A reference whose variables are followed this often at most.
const MOST_STEPS: usize = 16;

/// Checks every reference of the policies; `tables` are the names of the organisation's tables.
pub(super) fn check(facts: &[RuleFacts], scopes: &Scopes, tables: &[&str]) -> Vec<PolicyProblem> {
    let schema = schema(tables);
    let policies = || facts.iter().filter(|rule| !rule.file.is_test());
    let is_own = |path: &[Option<&str>]| policies().any(|rule| meets(path, &rule.path));
    let mut unread: BTreeSet<_> = tables.iter().filter(|table| schema.is_own(table)).collect();
    let mut problems = Vec::new();
    for rule in policies() {
        for (written, span) in &rule.references {
            let meant = followed(rule, written);
            let absolute = scopes.seen_by(rule).absolute(rule, &meant);
            let path = absolute.as_deref().unwrap_or(&meant);
            let unknown = match path {
                [Some("data"), Some("org"), read @ ..] => {
                    // A reference to all tables reads each.
                    let read = read.first().copied().flatten();
                    unread.retain(|table| read.is_some_and(|read| read != **table));
                    schema.unknown(path)
                }
                [Some("data"), Some(_), ..] if !is_own(path) => Some((1, Vec::new())),
                [Some("input"), ..] => schema.unknown(path),
                _ => None,
            };
            if let Some((at, known)) = unknown {
                problems.push(problem(rule, span, path, at, &known));
            }
        }
    }
    problems.extend(unread.into_iter().map(|table| PolicyProblem {
        path: layout::table(table),
        line: 1,
        column: 1,
        message: "no rule reads this table, so it takes no part in decisions".to_owned(),
        help: Some(format!("Use `data.org.{table}` in a rule, or delete the table.")),
    }));
    problems
}

fn problem(
    rule: &RuleFacts,
    span: &Span,
    path: &[Option<&str>],
    at: usize,
    known: &[&str],
) -> PolicyProblem {
    let shown = |parts: &[Option<&str>]| {
        let parts: Vec<_> = parts.iter().map(|part| part.unwrap_or("*")).collect();
        parts.join(".")
    };
    let name = path[at].unwrap_or_default();
    let message = match path {
        [Some("data"), Some("org"), ..] if at == 2 => {
            format!("the bundle has no table policies/org/{name}/data.yaml")
        }
        [Some("data"), Some(package), ..] if *package != "org" => {
            format!("nothing in the policies is called `{}`", shown(path))
        }
        _ => format!("`{}` has no field `{name}`", shown(&path[..at])),
    };
    let near = known.iter().map(|known| (strsim::osa_distance(known, name), known));
    let near = near.filter(|(distance, known)| *distance <= known.len().min(name.len()) / 2).min();
    let help = near.map(|(_, known)| format!("Did you mean `{known}`?")).unwrap_or_default();
    rule.file.problem(span, message, &help)
}

/// Replaces a variable at the start of a path by what it stands for.
fn followed<'a>(rule: &RuleFacts<'a>, path: &[Option<&'a str>]) -> Vec<Option<&'a str>> {
    let mut path = path.to_vec();
    for _ in 0..MOST_STEPS {
        let start = path.first().copied().flatten();
        let Some(meant) = start.and_then(|start| rule.stands_for(start)) else { break };
        path.splice(..1, meant.iter().copied());
    }
    path
}

/// The JSON schema of `input` and of `data.org`.
struct Documents(Value);

fn schema(tables: &[&str]) -> Documents {
    let mut generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let input = generator.subschema_for::<Input>();
    let mut org = Org::json_schema(&mut generator).to_value()["properties"].take();
    for table in tables.iter().filter(|table| org.get(**table).is_none()).collect::<Vec<_>>() {
        // A table of the organisation's own, whose form nobody else knows.
        org[*table] = Value::Bool(true);
    }
    Documents(json!({
        "properties": {"input": input, "data": {"properties": {"org": {"properties": org}}}},
        "$defs": generator.take_definitions(true),
    }))
}

impl Documents {
    /// Returns whether a table is the organisation's own.
    fn is_own(&self, table: &str) -> bool {
        self.0.pointer(&format!("/properties/data/properties/org/properties/{table}"))
            == Some(&Value::Bool(true))
    }

    /// Returns the position in a path of the first part that doesn't exist, and those that do.
    fn unknown(&self, path: &[Option<&str>]) -> Option<(usize, Vec<&str>)> {
        let mut here = vec![&self.0];
        for (at, part) in path.iter().enumerate() {
            let here_now = std::mem::take(&mut here);
            let all: Vec<_> =
                here_now.into_iter().flat_map(|schema| self.alternatives(schema)).collect();
            if all.iter().any(|schema| is_open(schema)) {
                return None;
            }
            here = all.iter().flat_map(|schema| below(schema, *part)).collect();
            if here.is_empty() {
                let known = all.iter().filter_map(|schema| schema["properties"].as_object());
                return part.map(|_| (at, known.flat_map(Map::keys).map(String::as_str).collect()));
            }
        }
        None
    }

    /// Returns a schema, or those that it refers to.
    fn alternatives<'s>(&'s self, schema: &'s Value) -> Vec<&'s Value> {
        if let Some(name) = schema["$ref"].as_str() {
            let name = name.strip_prefix('#').unwrap_or(name);
            return self.0.pointer(name).map_or_else(Vec::new, |schema| self.alternatives(schema));
        }
        let several =
            ["anyOf", "oneOf", "allOf"].iter().filter_map(|kind| schema[*kind].as_array());
        let mut all: Vec<_> =
            several.flatten().flat_map(|schema| self.alternatives(schema)).collect();
        if all.is_empty() || schema.get("properties").is_some() {
            all.push(schema);
        }
        all
    }
}

/// Whether a schema says nothing about what may be below.
fn is_open(schema: &Value) -> bool {
    schema == &Value::Bool(true)
        || schema["additionalProperties"] == Value::Bool(true)
        || schema.as_object().is_some_and(|schema| {
            let says = ["type", "enum", "const", "properties", "$ref"];
            !says.iter().any(|word| schema.contains_key(*word))
        })
}

/// Returns the schemas of what a part of a path may lead to; `None` is any part.
fn below<'s>(schema: &'s Value, part: Option<&str>) -> Vec<&'s Value> {
    let of_all = || {
        let patterns = schema["patternProperties"].as_object();
        let patterns = patterns.into_iter().flat_map(Map::values);
        let others = ["items", "additionalProperties"].iter().filter_map(|word| schema.get(*word));
        patterns.chain(others.filter(|schema| schema.is_object() || **schema == Value::Bool(true)))
    };
    let properties = schema["properties"].as_object();
    match part {
        Some(name) => match properties.and_then(|properties| properties.get(name)) {
            Some(named) => vec![named],
            None => of_all().collect(),
        },
        None => properties.into_iter().flat_map(Map::values).chain(of_all()).collect(),
    }
}
