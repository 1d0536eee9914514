//! A case as the files hold it, and what it stands for: a request file and evidence.
//!
//! ```yaml
//! - name: "RULES 3: the requester, <who>, can't approve"
//!   rule: "3"
//!   each: [{who: alice}]         # optional: one case for each item, `<key>` stands for its value
//!   base: high                   # a request of tests/cases/requests, or none: a change of policies
//!   path: requests/CHG-1.yaml    # default: after the id
//!   set: {/risk: critical}       # changes to it, by JSON pointer
//!   remove: [/rollback/owner]
//!   text: "id: CHG-1"            # instead of base: the file itself; `⟨202E⟩` is a character,
//!                                # `⟨byte FF⟩` a byte, `⟨300 * [⟩` a repetition
//!   evidence: {reviews: [alice]} # laid over a pull request by the requester; a login is an approval;
//!                                # `material: same` is the digest at head. Without it: no evidence
//!   org: {settings: {strict_separation: true}}     # changes to the organisation's tables
//!   now: 2026-11-23T10:00:00Z
//!   execute: {by: bob}           # whether something may be executed, see `execution`
//!   shows: {edges: [1]}          # what of `promises/table.yaml` it shows
//!   expect: {verdict: pending, codes: [signoff/missing]}
//! ```

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Expect, Nulls, data, files_below, merge, root};
use changegate::core::digest::Digest;
use changegate::core::evidence::Evidence;
use changegate::core::request::RequestFile;
use changegate::core::time::Time;

/// The commit that a pull request would merge.
pub const HEAD: &str = "9ab1000000000000000000000000000000000000";

/// One decision, and what is expected of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Says the rule.
    pub name: String,
    /// The section of docs/rules.md, with which the name begins too: `RULES 3: `.
    pub rule: String,
    /// The name of its file, without the ending.
    #[serde(skip)]
    pub topic: String,
    #[serde(default)]
    base: Option<String>,
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    set: BTreeMap<String, Value>,
    #[serde(default)]
    remove: Vec<String>,
    #[serde(default)]
    evidence: Option<Value>,
    /// The question whether something may be executed now; without it, whether it may be merged.
    #[serde(default)]
    pub execute: Option<super::execution::Asked>,
    /// Changes to the organisation's tables.
    #[serde(default)]
    pub org: Value,
    /// The time that it is decided for.
    #[serde(default = "default_now")]
    pub now: Time,
    /// What it shows of what is promised.
    #[serde(default)]
    pub shows: Shows,
    /// What comes out.
    pub expect: Expect,
}

/// What a case shows of what is promised, by number.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Shows {
    pub edges: Vec<u32>,
    pub failures: Vec<u32>,
    pub attacks: Vec<u32>,
    pub record: Vec<u32>,
}

/// Monday morning, before every plan of the templates.
fn default_now() -> Time {
    super::at("2026-11-23T10:00:00Z")
}

/// All cases that ask whether a change may be merged, in the order of the files.
pub fn all() -> &'static [Case] {
    let executions = every().iter().position(|case| case.execute.is_some());
    &every()[..executions.unwrap_or(every().len())]
}

/// All cases in the order of the files; behind them those that ask whether something may be executed.
pub fn every() -> &'static [Case] {
    static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
        let topics = files_below("tests/cases", ".yaml");
        let topics =
            topics.iter().filter(|path| path.parent() == Some(&root().join("tests/cases")));
        let mut cases: Vec<Case> = topics
            .flat_map(|path| {
                let topic = path.file_stem().unwrap().to_str().unwrap();
                let cases =
                    data(path).as_array().unwrap_or_else(|| panic!("{topic}: no list")).clone();
                cases.into_iter().flat_map(expanded).map(move |case| {
                    let read = serde_json::from_value(case.clone());
                    let read = read.unwrap_or_else(|error| panic!("{topic}: {error} in {case:#}"));
                    Case { topic: topic.to_owned(), ..read }
                })
            })
            .collect();
        cases.sort_by_key(|case| case.execute.is_some());
        cases
    });
    &CASES
}

/// One case for each item of `each`.
fn expanded(mut case: Value) -> Vec<Value> {
    let Some(Value::Array(items)) = case.as_object_mut().and_then(|case| case.remove("each"))
    else {
        return vec![case];
    };
    items.iter().map(|item| filled_in(&case, item.as_object().unwrap())).collect()
}

/// A value in which `<key>` stands for the item's value: as it is where nothing else is there, else as
/// text.
fn filled_in(value: &Value, item: &serde_json::Map<String, Value>) -> Value {
    let in_text = |text: &str| {
        item.iter().fold(text.to_owned(), |text, (key, value)| {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            text.replace(&format!("<{key}>"), &value)
        })
    };
    match value {
        Value::String(text) => text
            .strip_prefix('<')
            .and_then(|text| item.get(text.strip_suffix('>')?))
            .cloned()
            .unwrap_or_else(|| in_text(text).into()),
        Value::Array(items) => items.iter().map(|value| filled_in(value, item)).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(key, value)| (in_text(key), filled_in(value, item))).collect()
        }
        other => other.clone(),
    }
}

/// A request of `tests/cases/requests`.
fn template(name: &str) -> Value {
    static TEMPLATES: LazyLock<BTreeMap<String, Value>> = LazyLock::new(|| {
        let files = files_below("tests/cases/requests", ".yaml").into_iter();
        files
            .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), data(&path)))
            .collect()
    });
    TEMPLATES.get(name).unwrap_or_else(|| panic!("no request {name}")).clone()
}

impl Case {
    /// A case that isn't in a file.
    pub fn new(name: &str, base: &str, set: Value, evidence: Option<Value>, org: Value) -> Self {
        let expect = json!({"verdict": "approved"});
        let mut case: Case = serde_json::from_value(json!({
            "name": name, "rule": "", "base": base, "set": set, "org": org, "expect": expect,
        }))
        .unwrap();
        case.evidence = evidence;
        case
    }

    /// The same at another time.
    pub fn at(self, now: Time) -> Self {
        Case { now, ..self }
    }

    /// The file's bytes; `None` for a change of policies.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        if let Some(text) = &self.text {
            return Some(raw(text));
        }
        let mut request = template(self.base.as_deref().filter(|base| *base != "none")?);
        for (pointer, value) in &self.set {
            set(&mut request, pointer, value.clone());
        }
        for pointer in &self.remove {
            remove(&mut request, pointer);
        }
        let lines =
            request.as_object().unwrap().iter().map(|(key, value)| format!("{key}: {value}\n"));
        Some(lines.collect::<String>().into_bytes())
    }

    /// The request file; `None` for a change of policies.
    pub fn file(&self) -> Option<RequestFile> {
        let bytes = self.bytes()?;
        let nameless = RequestFile::read("requests/unnamed.yaml", &bytes);
        let id = nameless.request.as_ref().and_then(|request| request.id.as_ref());
        let path = self
            .path
            .clone()
            .unwrap_or_else(|| format!("requests/{}.yaml", id.map_or("CHG-1", |id| id.as_str())));
        Some(RequestFile::read(&path, &bytes))
    }

    /// The evidence, filled in.
    pub fn evidence(&self) -> Evidence {
        let Some(fragment) = &self.evidence else {
            return Evidence::default();
        };
        let request = self.file().and_then(|file| file.request);
        let requester = request.as_ref().and_then(|request| request.requester.as_ref());
        let requester = requester.map_or("alice", |login| login.as_str());
        let mut evidence = json!({"pull_request": {
            "number": 871,
            "author": requester,
            "base": "4f0c000000000000000000000000000000000000",
            "head": HEAD,
            "submitted_at": "2026-11-23T09:00:00Z",
            "contributors": [{"login": requester, "as": ["author", "committer"]}],
        }});
        merge(&mut evidence, fragment, Nulls::Stay);
        let material = request.map(|request| request.material_digest());
        let reviews = evidence.get_mut("reviews").and_then(Value::as_array_mut);
        for (index, review) in reviews.into_iter().flatten().enumerate() {
            fill_in_review(review, index, material.as_ref());
        }
        let read = serde_json::from_value(evidence);
        read.unwrap_or_else(|error| panic!("{}: evidence: {error}", self.name))
    }
}

/// A review of head half an hour after submission, unless it says otherwise.
fn fill_in_review(review: &mut Value, index: usize, material: Option<&Digest>) {
    if review.is_string() {
        *review = json!({"user": review});
    }
    let mut filled = json!({
        "id": (index + 1).to_string(),
        "state": "APPROVED",
        "commit": HEAD,
        "submitted_at": "2026-11-23T09:30:00Z",
    });
    merge(&mut filled, review, Nulls::Stay);
    match filled["material"].as_str() {
        Some("same") => filled["material"] = json!(material),
        Some("other") => filled["material"] = json!(Digest::of(b"other")),
        _ => {}
    }
    *review = filled;
}

/// Puts a value at a JSON pointer; what lacks on the way is made, and a list grows at its end.
fn set(document: &mut Value, pointer: &str, new: Value) {
    let mut node = document;
    for step in pointer.split('/').skip(1) {
        if node.is_null() {
            *node = json!({});
        }
        node = match node {
            Value::Array(items) => {
                let index: usize = step.parse().unwrap();
                if index == items.len() {
                    items.push(Value::Null);
                }
                &mut items[index]
            }
            other => &mut other[step],
        };
    }
    *node = new;
}

fn remove(document: &mut Value, pointer: &str) {
    let (parent, last) = pointer.rsplit_once('/').unwrap();
    match document.pointer_mut(parent) {
        Some(Value::Object(fields)) => assert!(fields.remove(last).is_some(), "no {pointer}"),
        Some(Value::Array(items)) => drop(items.remove(last.parse().unwrap())),
        _ => panic!("nothing to remove at {pointer}"),
    }
}

/// A file's bytes: `⟨202E⟩` is a character, `⟨byte FF⟩` a byte, `⟨300 * [⟩` a repetition.
fn raw(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, (inside, after))) =
        rest.split_once('⟨').and_then(|(before, rest)| Some((before, rest.split_once('⟩')?)))
    {
        bytes.extend(before.bytes());
        if let Some(hex) = inside.strip_prefix("byte ") {
            bytes.push(u8::from_str_radix(hex, 16).unwrap());
        } else if let Some((times, text)) = inside.split_once(" * ") {
            bytes.extend(text.repeat(times.parse().unwrap()).bytes());
        } else {
            let character = u32::from_str_radix(inside, 16).ok().and_then(char::from_u32).unwrap();
            bytes.extend(character.to_string().bytes());
        }
        rest = after;
    }
    bytes.extend(rest.bytes());
    bytes
}
