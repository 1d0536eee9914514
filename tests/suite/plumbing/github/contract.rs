//! What GitHub promises: its own description of its API, as validators of requests and answers.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use jsonschema::{Registry, Resource, Validator};
use serde_json::{Map, Value, json};

use super::answers::OPERATIONS;
use changegate::core::time::Time;

/// The contract of all tests in a process.
pub static CONTRACT: LazyLock<Contract> = LazyLock::new(Contract::compiled);

const SOURCE: &str = include_str!("../../../data/github/contract.json");

/// Where the shared schemas are.
const SHARED: &str = "https://contract.test/shared";

/// The path parameter that holds slashes.
const SPANNING: &str = "{ref}";

/// Where GitHub sends nulls that its schemas forbid.
const NULLABLE: [&str; 16] = [
    // The account was deleted.
    "/pull-request/properties/user",
    "/pull-request/properties/head/properties/user",
    "/review-requested-issue-event/properties/actor",
    "/review-requested-issue-event/properties/review_requester",
    "/review-requested-issue-event/properties/requested_reviewer",
    "/review-request-removed-issue-event/properties/actor",
    "/review-request-removed-issue-event/properties/review_requester",
    "/review-request-removed-issue-event/properties/requested_reviewer",
    "/review-dismissed-issue-event/properties/actor",
    "/state-change-issue-event/properties/actor",
    "/timeline-comment-event/properties/user",
    "/timeline-comment-event/properties/actor",
    "/timeline-reviewed-event/properties/user",
    // The reviewed commit is gone.
    "/timeline-reviewed-event/properties/commit_id",
    // The fork was deleted.
    "/pull-request/properties/head/properties/repo",
    "/pull-request-simple/properties/head/properties/repo",
];

/// The schema of a timeline's event: GitHub's accepts any object, as two of its alternatives ask
/// for nothing.
const EVENTS: [(&str, &str); 6] = [
    ("committed", "timeline-committed-event"),
    ("reviewed", "timeline-reviewed-event"),
    ("commented", "timeline-comment-event"),
    ("review_requested", "review-requested-issue-event"),
    ("review_request_removed", "review-request-removed-issue-event"),
    ("review_dismissed", "review-dismissed-issue-event"),
];

/// The schema of all other events.
const OTHER_EVENT: &str = "state-change-issue-event";

const TIMELINE: &str = "issues/list-events-for-timeline";

/// The operations that are answered.
pub struct Contract {
    operations: Vec<Operation>,
    events: BTreeMap<&'static str, Validator>,
    error: Validator,
}

/// One operation.
pub struct Operation {
    /// Its name in GitHub's description, such as `pulls/list`.
    pub id: String,
    method: String,
    segments: Vec<String>,
    query: Map<String, Value>,
    request: Option<Validator>,
    request_required: bool,
    responses: BTreeMap<u16, Option<Validator>>,
}

impl Contract {
    /// The operation that a request asks for, with the parameters in its path, decoded.
    pub fn operation(
        &self,
        method: &str,
        path: &str,
    ) -> Option<(&Operation, BTreeMap<String, String>)> {
        let path: Vec<String> = path.trim_matches('/').split('/').map(decoded).collect();
        let mut candidates = self.operations.iter().filter(|operation| operation.method == method);
        candidates.find_map(|operation| {
            let mut parameters = BTreeMap::new();
            fits(&operation.segments, &path, &mut parameters).then_some((operation, parameters))
        })
    }

    /// Their names.
    pub fn names(&self) -> BTreeSet<&str> {
        self.operations.iter().map(|operation| operation.id.as_str()).collect()
    }

    /// What is wrong with an answer.
    pub fn faults_of_answer(
        &self,
        operation: &Operation,
        status: u16,
        body: Option<&Value>,
    ) -> Vec<String> {
        let body_or_null = body.unwrap_or(&Value::Null);
        match operation.responses.get(&status) {
            Some(Some(_)) if operation.id == TIMELINE && status == 200 => {
                let events = body_or_null.as_array().into_iter().flatten();
                events.flat_map(|event| said_by(self.event(event), event)).collect()
            }
            Some(Some(schema)) => said_by(schema, body_or_null),
            Some(None) if body.is_none() || status >= 400 => Vec::new(),
            Some(None) => vec![format!("{status} has a body where none is documented")],
            // GitHub documents some of its errors only, and no 304 where it sends one.
            None if status == 304 => Vec::new(),
            None if status >= 400 => said_by(&self.error, body_or_null),
            None => vec![format!("{status} isn't documented")],
        }
    }

    fn event(&self, event: &Value) -> &Validator {
        let name = event["event"].as_str().unwrap_or_default();
        self.events.get(name).unwrap_or(&self.events["*"])
    }

    fn compiled() -> Self {
        let mut contract: Value = serde_json::from_str(SOURCE).unwrap();
        let definitions = &mut contract["$defs"];
        for pointer in NULLABLE {
            let place = definitions.pointer_mut(pointer).unwrap();
            *place = json!({"anyOf": [place.take(), {"type": "null"}]});
        }
        let shared = json!({"$defs": definitions.take()});
        let registry = Registry::new()
            .add(SHARED, Resource::from_contents(shared))
            .and_then(jsonschema::RegistryBuilder::prepare)
            .unwrap();
        let options = jsonschema::options().should_validate_formats(true).with_registry(&registry);
        let compile = |schema: &Value| {
            let mut schema = schema.clone();
            point_to_shared(&mut schema);
            options.build(&schema).unwrap()
        };
        let named = |name: &str| compile(&json!({"$ref": format!("#/$defs/{name}")}));

        let is_answered =
            |operation: &&Value| OPERATIONS.iter().any(|name| operation["id"] == *name);
        let operations = contract["operations"].as_array().unwrap().iter().filter(is_answered);
        let mut operations: Vec<_> =
            operations.map(|operation| Operation::read(operation, &compile)).collect();
        assert_eq!(operations.len(), OPERATIONS.len(), "an operation that GitHub doesn't have");
        operations.sort_by_key(|operation| Reverse(operation.literals()));
        let mut events: BTreeMap<_, _> =
            EVENTS.iter().map(|(event, schema)| (*event, named(schema))).collect();
        events.insert("*", named(OTHER_EVENT));
        Contract { operations, events, error: named("basic-error") }
    }
}

impl Operation {
    /// What is wrong with a request's query.
    pub fn faults_of_query(&self, query: &[(String, String)]) -> Vec<String> {
        let mut faults = Vec::new();
        for (index, (name, value)) in query.iter().enumerate() {
            if query[..index].iter().any(|(earlier, _)| earlier == name) {
                faults.push(format!("query name `{name}` is given twice"));
            }
            match self.query.get(name) {
                None => faults.push(format!("unknown query name `{name}`")),
                Some(known) if fits_query(name, value, &known["schema"]) => {}
                Some(known) => {
                    faults.push(format!("`{name}={value}` isn't {}", known["schema"]));
                }
            }
        }
        for (name, known) in &self.query {
            if known["required"] == true && !query.iter().any(|(given, _)| given == name) {
                faults.push(format!("query name `{name}` is missing"));
            }
        }
        faults
    }

    /// What is wrong with a request's body.
    pub fn faults_of_body(&self, body: Option<&Value>) -> Vec<String> {
        match (&self.request, body) {
            (Some(schema), Some(body)) => said_by(schema, body),
            (Some(_), None) if self.request_required => vec!["the body is missing".to_owned()],
            (None, Some(_)) => vec!["there is a body where none is taken".to_owned()],
            _ => Vec::new(),
        }
    }

    fn read(operation: &Value, compile: &dyn Fn(&Value) -> Validator) -> Self {
        let text = |name: &str| operation[name].as_str().unwrap().to_owned();
        let request = operation.get("request").map(|schema| {
            let mut schema = schema.clone();
            close(&mut schema);
            compile(&schema)
        });
        let responses = operation["responses"].as_object().unwrap().iter();
        Operation {
            id: text("id"),
            method: text("method"),
            segments: text("path").trim_matches('/').split('/').map(str::to_owned).collect(),
            query: operation["query"].as_object().unwrap().clone(),
            request,
            request_required: operation["requestRequired"] == true,
            responses: responses
                .map(|(status, schema)| {
                    (status.parse().unwrap(), (!schema.is_null()).then(|| compile(schema)))
                })
                .collect(),
        }
    }

    fn literals(&self) -> usize {
        self.segments.iter().filter(|segment| !segment.starts_with('{')).count()
    }
}

/// Whether a path is one of a pattern; what stands for its parameters is put into `parameters`.
fn fits(pattern: &[String], path: &[String], parameters: &mut BTreeMap<String, String>) -> bool {
    let Some((first, rest)) = pattern.split_first() else { return path.is_empty() };
    if !first.starts_with('{') {
        return path.first() == Some(first) && fits(rest, &path[1..], parameters);
    }
    let most = if first == SPANNING { path.len() } else { 1.min(path.len()) };
    (1..=most).rev().any(|length| {
        let (value, after) = path.split_at(length);
        let value = value.join("/");
        let fits = !value.is_empty() && fits(rest, after, parameters);
        if fits {
            parameters.insert(first.trim_matches(['{', '}']).to_owned(), value);
        }
        fits
    })
}

fn fits_query(name: &str, value: &str, schema: &Value) -> bool {
    let one_of = schema["enum"].as_array();
    if one_of.is_some_and(|names| !names.iter().any(|name| name == value)) {
        return false;
    }
    match (schema["type"].as_str(), schema["format"].as_str(), name) {
        (_, _, "per_page") => value.parse().is_ok_and(|number: u32| (1..=100).contains(&number)),
        (_, _, "page") => value.parse().is_ok_and(|number: u32| number > 0),
        (Some("integer"), ..) => value.parse::<i64>().is_ok(),
        (Some("boolean"), ..) => value.parse::<bool>().is_ok(),
        (_, Some("date-time"), _) => value.parse::<Time>().is_ok(),
        _ => true,
    }
}

/// What a validator has against a value.
fn said_by(schema: &Validator, value: &Value) -> Vec<String> {
    if schema.is_valid(value) {
        return Vec::new();
    }
    let errors = schema.iter_errors(value);
    errors.map(|error| format!("{}: {:.300}", error.instance_path(), error.to_string())).collect()
}

/// Refuses fields that aren't documented, in objects that are described in place.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if fields.contains_key("properties") && !fields.contains_key("additionalProperties") {
                fields.insert("additionalProperties".to_owned(), false.into());
            }
            fields.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

/// Makes references lead to the shared schemas.
fn point_to_shared(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                match value.as_str() {
                    Some(target) if name == "$ref" => *value = format!("{SHARED}{target}").into(),
                    _ => point_to_shared(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(point_to_shared),
        _ => {}
    }
}

/// A part of an address as it is meant.
pub fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}
