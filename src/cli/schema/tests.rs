//! Tests that the schemas on disk match the types, describe every field, and accept all samples.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::*;
use changegate::changes::windows;
use changegate::content::folder;
use changegate::core::decision::{Case, decide};
use changegate::core::evidence::Evidence;
use changegate::core::policy::{PolicyBundle, SHIPPED, shipped_files};
use changegate::core::request::RequestFile;
use changegate::core::time::Time;
use changegate::core::yaml;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files_below(dir: &Path) -> Vec<PathBuf> {
    folder::below(dir, false).unwrap().into_iter().map(|(path, _)| path).collect()
}

fn now() -> Time {
    "2026-11-23T10:00:00Z".parse().unwrap()
}

fn value_of(path: &Path) -> Value {
    let reading = yaml::parse(&fs::read(path).unwrap()).read::<Value>();
    reading.value.unwrap_or_else(|| panic!("{}: {:?}", path.display(), reading.problems))
}

#[track_caller]
fn holds(name: &str, value: &Value, what: &str) {
    let schema = find(name).unwrap().schema().to_value();
    let validator = jsonschema::draft202012::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    let errors: Vec<_> = validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert_eq!(errors, [""; 0], "{what} is not what the schema {name} says");
}

#[track_caller]
fn refuses(name: &str, text: &str) {
    let schema = find(name).unwrap().schema().to_value();
    let value = yaml::parse(text.as_bytes()).read::<Value>().value.unwrap();
    assert!(!jsonschema::draft202012::is_valid(&schema, &value), "{name} lets {text} pass");
}

#[test]
fn schemas_on_disk_are_those_of_the_types() {
    let dir = root().join("schemas");
    let renew = std::env::var_os("UPDATE_SCHEMAS").is_some();
    let mut known: Vec<_> = SCHEMAS
        .iter()
        .map(|subject| {
            let path = dir.join(format!("{}.schema.json", subject.name));
            if renew {
                fs::create_dir_all(&dir).unwrap();
                fs::write(&path, subject.text()).unwrap();
            }
            assert!(
                fs::read_to_string(&path).is_ok_and(|text| text == subject.text()),
                "{} doesn't match the types; update it: UPDATE_SCHEMAS=1 cargo test --lib schemas",
                path.display()
            );
            path
        })
        .collect();
    known.sort();
    assert_eq!(files_below(&dir), known, "schemas/ contains a file that is not a schema");
}

/// Finds every property of every object, with the pointer to it.
fn properties<'a>(schema: &'a Value, at: &str, found: &mut Vec<(String, &'a Value)>) {
    if let Some(fields) = schema.get("properties").and_then(Value::as_object) {
        found.extend(fields.iter().map(|(name, field)| (format!("{at}/{name}"), field)));
    }
    match schema {
        Value::Object(parts) => {
            let parts = parts.iter().filter(|(key, _)| *key != "examples");
            parts.for_each(|(key, part)| properties(part, &format!("{at}/{key}"), found));
        }
        Value::Array(parts) => parts.iter().for_each(|part| properties(part, at, found)),
        _ => {}
    }
}

#[test]
fn schemas_explain_every_field() {
    for subject in SCHEMAS {
        let schema = subject.schema().to_value();
        for key in ["$schema", "$id", "title", "description"] {
            assert!(schema[key].is_string(), "{} lacks {key}", subject.name);
        }
        let mut found = Vec::new();
        properties(&schema, subject.name, &mut found);
        for (at, field) in found {
            let description = field["description"].as_str().unwrap_or_default();
            assert!(!description.is_empty(), "{at} lacks a description");
            let is_for_programmers = description.contains("[`") || description.contains("::");
            assert!(!is_for_programmers, "{at}: {description}");
        }
    }
}

#[test]
fn schemas_hold_for_requests_and_tables() {
    let requests = files_below(&root().join("requests"));
    assert!(!requests.is_empty());
    for path in requests.iter().filter(|path| path.extension().is_some_and(|ext| ext == "yaml")) {
        holds("change-request", &value_of(path), &path.display().to_string());
    }
    for name in
        ["roster", "actions", "matrix", "windows", "freezes", "escalation", "erasures", "settings"]
    {
        let path = root().join(format!("policies/org/{name}/data.yaml"));
        holds(name, &value_of(&path), &path.display().to_string());
    }
}

/// Without that line an editor would neither complete nor explain.
#[test]
fn schemas_are_named_by_the_first_line_of_each_file() {
    let names = |path: &Path, name: &str| {
        let text = fs::read_to_string(path).unwrap();
        let first = text.lines().next().unwrap_or_default();
        let schema = first.strip_prefix("# yaml-language-server: $schema=");
        let schema = schema.and_then(|schema| path.parent()?.join(schema).canonicalize().ok());
        let expected = root().join(format!("schemas/{name}.schema.json")).canonicalize().unwrap();
        assert_eq!(schema, Some(expected), "{}: {first}", path.display());
    };
    for path in files_below(&root().join("requests")) {
        names(&path, "change-request");
    }
    for path in files_below(&root().join("policies/org")) {
        let table = path.parent().and_then(Path::file_name).unwrap().to_str().unwrap();
        names(&path, table);
    }
}

#[test]
fn schemas_hold_for_what_is_printed() {
    let bundle = PolicyBundle::load(shipped_files(), changegate::gate::cpu::thread_time).unwrap();
    let mut evaluator = bundle.evaluator();
    let mut decisions = Vec::new();
    for path in files_below(&root().join("requests")) {
        let file = RequestFile::read("requests/CHG-1.yaml", &fs::read(&path).unwrap());
        let evidence = Evidence::default();
        let case = Case { file: Some(&file), evidence: &evidence, brings: None, now: now() };
        let decided = decide(&case, &bundle, SHIPPED, |input| evaluator.rule(input)).unwrap();
        decisions.push(serde_json::to_value(&decided.decision).unwrap());
        if let Some(input) = decided.input {
            let what = path.display().to_string();
            holds("input", &serde_json::from_str(&input).unwrap(), &what);
        }
    }
    holds("decision", &serde_json::json!({ "decisions": decisions }), "check's report");

    let view = windows::view(&bundle.calendar, SHIPPED, now(), "1h".parse().unwrap(), None, &[]);
    holds("window-report", &serde_json::to_value(view).unwrap(), "window's report");
    let report = bundle.test(None, SHIPPED).unwrap();
    holds("test-report", &serde_json::to_value(report).unwrap(), "test's report");
}

/// A text that says nothing is null in a list, and left out elsewhere.
#[test]
fn schemas_hold_for_a_request_full_of_placeholders() {
    let text = "id: CHG-1\nrequester: alice\nsummary: TBD\nactions: [{action: n/a, parameters: {to: ''}}]\n\
        impact: {services: [TBD, checkout]}\nrollback: {steps: ['']}\n\
        verification: {health_checks: [todo], error_rates: [' ']}\napprovals: [{role: tbd}]\n";
    let bundle = PolicyBundle::load(shipped_files(), changegate::gate::cpu::thread_time).unwrap();
    let file = RequestFile::read("requests/CHG-1.yaml", text.as_bytes());
    let case = Case { file: Some(&file), evidence: &Evidence::default(), brings: None, now: now() };
    let input = decide(&case, &bundle, SHIPPED, |input| bundle.evaluator().rule(input))
        .unwrap()
        .input
        .unwrap();
    assert!(input.contains("[null,\"checkout\"]"), "{input}");
    holds("input", &serde_json::from_str(&input).unwrap(), "the input document");
}

#[test]
fn schemas_hold_for_evidence() {
    let text = "
pull_request:
  number: 871
  author: alice
  submitted_at: 2026-11-24T09:00:00Z
  contributors: [{login: alice, as: [author, committer]}]
reviews:
  - {id: '1', user: bob, state: APPROVED, submitted_at: 2026-11-24T09:30:00Z}
  - {id: '2', user: bob, state: changes_requested, submitted_at: 2026-11-24T09:40:00Z}
merged: [{id: CHG-1, schedule: {start: 2026-11-24T09:00:00Z}}]
incidents: [{id: INC-001, severity: P1, status: open}]
";
    let document = yaml::parse(text.as_bytes());
    assert_eq!(document.read::<Evidence>().problems, []);
    holds("evidence", &document.read::<Value>().value.unwrap(), "the evidence");
}

#[test]
fn schemas_mark_what_the_reader_refuses() {
    refuses("change-request", "summry: a");
    refuses("change-request", "id: TASK-1");
    refuses("change-request", "type: urgent");
    refuses("change-request", "schedule: {start: tomorrow}");
    refuses("change-request", "approvals: [{role: a, user: b}]");
    refuses("change-request", "actions: [{action: deploy, target: 'api '}]");
    refuses(
        "change-request",
        "actions: [{action: deploy, target: api, parameters: {version: 1.25}}]",
    );
    refuses(
        "actions",
        "restart pods: {tier: low, read_only: true, rollback: {text: x, needed: false, source: ours}}",
    );
    refuses("matrix", "low: {L1: direct, L2: direct, L3: direct}");
    refuses("windows", "night: {days: [tue], from: '25:00', to: '06:00', for: [low]}");
    refuses("escalation", "P9: [{notify: carol, within: 5m}]");
    // A blank field is read like a missing one; an editor marks it.
    refuses("change-request", "summary:");
}

#[test]
fn a_misspelled_name_is_recognised() {
    assert_eq!(
        find("change_requests").err().unwrap().to_string(),
        "there is no schema `change_requests`; did you mean `change-request`?"
    );
    let is_roster = |line: &str| {
        let (name, about) = line.split_once(' ').unwrap_or_default();
        name == "roster" && about.trim_start().starts_with("people, teams and services")
    };
    assert!(list().lines().any(is_roster), "{}", list());
}
