//! What an approval is bound to: two request files have one material digest exactly if they say the
//! same, however they are written.

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Map, Value, json};

use super::plumbing::{CaseJudge, at};
use changegate::core::decision::Decision;
use changegate::core::evidence::Evidence;
use changegate::core::request::RequestFile;

/// A request with every field and every kind of value.
fn request() -> Value {
    json!({
        "id": "CHG-1", "type": "normal", "summary": "Scale: checkout # to 12", "reason": "two\nlines",
        "description": "it's \"quoted\"", "requester": "alice", "implementer": "bob",
        "actions": [
            {"action": "scale-service", "target": "checkout-web", "parameters": {
                "pods": 12, "zero": 0, "less": -3, "most": 9_007_199_254_740_991_u64,
                "version": "1.20", "mode": "0644", "on": true, "off": false, "none": null,
                "yes": "true", "no": "null", "seven": "7", "list": [1, "1", [], {}], "é": "ü",
            }},
            {"action": "purge-cache", "target": "cdn", "parameters": {}},
        ],
        "risk": "high",
        "impact": {"services": ["checkout", "edge"], "users": "none", "operations": "none"},
        "schedule": {"start": "2026-11-24T22:00:00Z", "end": "2026-11-24T23:00:00Z"},
        "rollback": {"steps": ["scale back", "look"], "trigger": "errors", "owner": "carol"},
        "verification": {"monitor": "900s", "health_checks": ["ping"], "error_rates": ["5xx"]},
        "off_script": {"script": "runbooks/scale.md", "justification": "it stops at 6"},
        "risks": [
            {"risk": "too few", "likelihood": "low", "impact": "high", "mitigation": "look"},
            {"risk": "too many", "likelihood": "low", "impact": "low", "mitigation": "wait"},
        ],
        "business_alignment": "the sale", "contingency": "by hand",
        "approvals": [{"role": "devops-lead"}, {"user": "erin"}],
        "emergency": {
            "incident": "INC-001", "severity": "P1", "why_now": "it is down", "break_glass": false,
        },
        "links": {"dashboard": "https://grafana.example/d/1", "runbook": "https://wiki.example"},
    })
}

/// The choices of a run, one after the other, from the beginning again where they end.
struct Choices(Vec<u8>, usize);

impl Choices {
    fn among(&mut self, count: usize) -> usize {
        self.1 += 1;
        usize::from(self.0[self.1 % self.0.len()]) % count
    }
}

/// Writes a request in one of its many spellings, line by line.
fn spelled(request: &Value, choices: &mut Choices) -> String {
    let mut request = request.clone();
    // A default, spelled out or left out.
    let mut toggle = |part: &mut Value, name: &str, default: Value| {
        let fields = part.as_object_mut().unwrap();
        if fields.get(name).is_none_or(|value| *value == default) {
            fields.remove(name);
            if choices.among(2) == 0 {
                fields.insert(name.to_owned(), default);
            }
        }
    };
    let requester = request["requester"].clone();
    toggle(&mut request, "implementer", requester);
    toggle(&mut request, "type", json!("normal"));
    toggle(&mut request, "risks", json!([]));
    toggle(&mut request, "approvals", json!([]));
    toggle(&mut request, "links", json!({}));
    for name in ["summary", "reason", "contingency", "risk", "requester"] {
        toggle(&mut request, name, Value::Null);
    }
    for (part, name, default) in [
        ("emergency", "break_glass", json!(false)),
        ("rollback", "steps", json!([])),
        ("rollback", "owner", Value::Null),
        ("verification", "monitor", Value::Null),
        ("impact", "services", json!([])),
        ("schedule", "start", Value::Null),
    ] {
        if request.get(part).is_some() {
            toggle(&mut request[part], name, default);
        }
    }
    for action in request.get_mut("actions").and_then(Value::as_array_mut).into_iter().flatten() {
        toggle(action, "parameters", json!({}));
    }
    let mut text = String::new();
    for (key, value) in shuffled(request.as_object().unwrap(), choices) {
        let comment = ["", " # why", "\n\n# a line: of its own"][choices.among(3)];
        let (key, value) = (quoted(key, choices), flow(value, &format!("/{key}"), choices));
        text += &format!("{key}: {value}{comment}\n");
    }
    text
}

fn shuffled<'a>(
    fields: &'a Map<String, Value>,
    choices: &mut Choices,
) -> Vec<(&'a String, &'a Value)> {
    let mut fields: Vec<_> = fields.iter().collect();
    fields.sort_by_cached_key(|_| choices.among(256));
    fields
}

fn flow(value: &Value, pointer: &str, choices: &mut Choices) -> String {
    match value {
        Value::Null => ["null", "~", "Null", "NULL"][choices.among(4)].to_owned(),
        Value::Bool(bool) => {
            let words = [bool.to_string(), bool.to_string().to_uppercase()];
            words[choices.among(2)].clone()
        }
        Value::Number(number) => number.to_string(),
        Value::String(text) => quoted(&respelled(text, pointer, choices), choices),
        Value::Array(items) => {
            let items: Vec<_> =
                items.iter().map(|item| flow(item, &format!("{pointer}/-"), choices)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(fields) => {
            let entries: Vec<_> = shuffled(fields, choices)
                .into_iter()
                .map(|(key, value)| {
                    let value = flow(value, &format!("{pointer}/{key}"), choices);
                    format!("{}: {value}", quoted(key, choices))
                })
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

/// Writes a login, an instant or a duration in another way.
fn respelled(text: &str, pointer: &str, choices: &mut Choices) -> String {
    match pointer {
        "/requester" | "/implementer" | "/rollback/owner" | "/approvals/-/user" => {
            [text.to_owned(), text.to_uppercase()][choices.among(2)].clone()
        }
        "/schedule/start" | "/schedule/end" => {
            let instant = at(text).utc();
            let [east, west] = [3600, -5400].map(|offset| {
                let zone = chrono::FixedOffset::east_opt(offset).unwrap();
                instant.with_timezone(&zone).to_rfc3339()
            });
            [text.to_owned(), text.to_lowercase(), east, west][choices.among(4)].clone()
        }
        "/verification/monitor" => {
            let seconds: u64 = text.trim_end_matches('s').parse().unwrap();
            let (minutes, rest) = (seconds / 60, seconds % 60);
            [text.to_owned(), format!("{minutes}m{rest}s"), format!("0d0h{minutes}m{rest}s")]
                [choices.among(3)]
            .clone()
        }
        _ => text.to_owned(),
    }
}

/// Quotes a text in one of the ways of YAML.
fn quoted(text: &str, choices: &mut Choices) -> String {
    let is_word = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        && !["true", "false", "null"].contains(&text);
    let json = json!(text).to_string();
    match choices.among(4) {
        0 if is_word => text.to_owned(),
        1 if !text.contains('\n') => format!("'{}'", text.replace('\'', "''")),
        2 => {
            let escaped = text.chars().map(|c| format!("\\u{:04x}", u32::from(c)));
            format!("\"{}\"", escaped.collect::<String>())
        }
        _ => json,
    }
}

/// Changes one value of a request, chosen by its place, into another one.
fn changed(request: &Value, place: &Index, way: bool) -> Value {
    let mut leaves = Vec::new();
    gather(request, String::new(), &mut leaves);
    let pointer = place.get(&leaves).clone();
    let mut request = request.clone();
    let value = request.pointer_mut(&pointer).unwrap();
    let other = |value: &str, words: &[&str]| json!(words[usize::from(value == words[0])]);
    *value = match (value.take(), pointer.as_str()) {
        (Value::String(text), "/type") => other(&text, &["standard", "emergency"]),
        (Value::String(text), "/risk") => other(&text, &["medium", "critical"]),
        (Value::String(text), "/emergency/severity") => other(&text, &["P2", "P3"]),
        (Value::String(text), pointer)
            if pointer.ends_with("/likelihood")
                || pointer.starts_with("/risks") && pointer.ends_with("/impact") =>
        {
            other(&text, &["medium", "high"])
        }
        (Value::String(_), "/schedule/start") => json!("2026-11-24T22:00:01Z"),
        (Value::String(_), "/schedule/end") => json!("2026-11-24T22:59:59Z"),
        (Value::String(_), "/verification/monitor") => json!("901s"),
        (Value::String(_), "/id" | "/emergency/incident") => json!("INC-2026-0214-001"),
        (Value::String(text), pointer) if pointer.contains("/parameters/") => {
            // Text and the value that it looks like aren't the same.
            match serde_json::from_str::<Value>(&text) {
                Ok(alike @ (Value::Bool(_) | Value::Null)) => alike,
                Ok(Value::Number(number)) if number.is_i64() => number.into(),
                _ => json!(format!("{text}0")),
            }
        }
        (Value::String(text), _) => match way {
            true => json!(format!("{text}x")),
            false => json!(format!("x{text}")),
        },
        (Value::Number(number), _) if way => json!(number.to_string()),
        (Value::Number(number), _) => json!(number.as_i64().unwrap() - 1),
        (Value::Bool(bool), pointer) if pointer.contains("/parameters/") && way => {
            json!(bool.to_string())
        }
        (Value::Bool(bool), _) => json!(!bool),
        (Value::Null, _) => json!("null"),
        (Value::Array(mut items), _) if items.len() > 1 && way => {
            items.reverse();
            items.into()
        }
        (Value::Array(mut items), _) => {
            if items.pop().is_none() {
                items.push(json!(1));
            }
            items.into()
        }
        (Value::Object(mut fields), pointer) => {
            // Left out, this says the same as by default.
            fields.remove("break_glass");
            match fields.keys().next().cloned() {
                Some(first) if pointer.is_empty() || way => drop(fields.remove(&first)),
                _ if pointer.contains("/parameters") || pointer == "/links" => {
                    drop(fields.insert("more".to_owned(), json!("x")));
                }
                _ => drop(fields.remove(&fields.keys().next_back().unwrap().clone())),
            }
            fields.into()
        }
    };
    request
}

/// Adds the pointers of all values that may be changed by themselves.
fn gather(value: &Value, pointer: String, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields
            .iter()
            .for_each(|(name, field)| gather(field, format!("{pointer}/{name}"), found)),
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items.for_each(|(index, item)| gather(item, format!("{pointer}/{index}"), found));
        }
        _ => {}
    }
    // A part of a request that lacks something is another one; an approval or an action is one value.
    if !pointer.ends_with("/break_glass") && !pointer.starts_with("/approvals/")
        || value.is_string()
    {
        found.push(pointer);
    }
}

fn decided(text: &str) -> (Decision, String) {
    thread_local! {
        static JUDGE: std::cell::RefCell<CaseJudge> = std::cell::RefCell::new(CaseJudge::shipped());
    }
    let file = RequestFile::read("requests/CHG-1.yaml", text.as_bytes());
    assert!(file.problems.is_empty(), "{:#?}\n{text}", file.problems);
    let now = at("2026-11-23T10:00:00Z");
    let decided = JUDGE.with_borrow_mut(|judge| {
        judge.decide_file(Some(&file), &Value::Null, now, &Evidence::default())
    });
    let decided = decided.unwrap();
    (decided.decision, decided.input.unwrap())
}

fn choices() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 64..256)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_request_has_one_digest_however_it_is_written(
        first in choices(), second in choices(), of_requester: bool,
        lacking in prop::collection::vec(any::<Index>(), 0..6),
    ) {
        let mut request = request();
        if of_requester {
            request["implementer"] = json!("alice");
        }
        for part in lacking {
            let fields = request.as_object_mut().unwrap();
            let names: Vec<_> = fields.keys().filter(|name| *name != "actions").cloned().collect();
            fields.remove(part.get(&names));
        }
        let (one, other) =
            (spelled(&request, &mut Choices(first, 0)), spelled(&request, &mut Choices(second, 0)));
        let ((decision, input), (same, same_input)) = (decided(&one), decided(&other));
        prop_assert!(decision.digests.material.is_some());
        prop_assert_eq!(decision.digests.material, same.digests.material, "{}\n{}", one, other);
        prop_assert_eq!(input, same_input, "{}\n{}", one, other);
    }

    #[test]
    fn a_request_with_another_value_has_another_digest(
        first in choices(), second in choices(), place: Index, way: bool,
    ) {
        let (request, changed) = (request(), changed(&request(), &place, way));
        prop_assume!(request != changed);
        let (one, other) =
            (spelled(&request, &mut Choices(first, 0)), spelled(&changed, &mut Choices(second, 0)));
        let ((decision, _), (different, _)) = (decided(&one), decided(&other));
        prop_assert_ne!(decision.digests.material, different.digests.material, "{}\n{}", one, other);
    }
}
