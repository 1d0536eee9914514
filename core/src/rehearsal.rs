//! Sample cases, on which policies are tried before they decide about anything.
//!
//! Together they reach each kind of change, each tier by people of each level, each action of the
//! catalog by those of the lowest and of the highest, each field both filled in and left out, and the
//! edges of windows, freezes and validity, with the names in the organisation's own tables, and the questions
//! after the merge: what a rule does wrong only in an emergency shows here, and not in the first emergency.

mod questions;
mod tables;
#[cfg(test)]
mod tests;

pub use questions::{Asked, questions};
use serde_json::{Value, json};

use super::digest::to_json;
use super::evidence::Evidence;
use super::input::Case;
use super::layout::REQUESTS;
use super::org::Org;
use super::request::RequestFile;
use super::terms::{Level, Login, RiskTier};
use super::time::{Duration, Time};

/// A case that policies have to be able to decide, whatever the verdict is.
pub struct Sample {
    /// What it is, such as `an emergency of high risk`.
    pub name: String,
    /// The request; `None` for a change of policies.
    pub file: Option<RequestFile>,
    /// The facts about its pull request.
    pub evidence: Evidence,
}

impl Sample {
    /// Returns the case, to be decided for `now`.
    pub fn case(&self, now: Time) -> Case<'_> {
        Case { file: self.file.as_ref(), evidence: &self.evidence, brings: None, now }
    }

    /// Returns a request as if it had just been submitted.
    pub fn submitted((name, file): (String, RequestFile)) -> Self {
        Sample { name, file: Some(file), evidence: Evidence::default() }
    }

    fn new(name: impl Into<String>, request: &Value, evidence: Value) -> Self {
        let text = request.to_string();
        Sample {
            name: name.into(),
            file: Some(RequestFile::read(&format!("{REQUESTS}/{ID}.yaml"), text.as_bytes())),
            evidence: serde_json::from_value(evidence).unwrap_or_default(),
        }
    }
}

const ID: &str = "CHG-0";
const INCIDENT: &str = "INC-000";

/// Returns the samples for an organisation, planned around `now`.
pub fn samples(org: &Org, now: Time) -> Vec<Sample> {
    let alone = |name: &str, request: &Value| Sample::new(name, request, json!({}));
    let kind = |name: &str, parts: &[Value]| alone(name, &request(org, now, parts));
    let mut samples = vec![
        Sample {
            name: "a change of policies".to_owned(),
            file: None,
            evidence: Evidence::default(),
        },
        alone("a request without any field", &json!({})),
        alone("a request with every field", &full(org, now, &[])),
        kind("a request with what is always asked for", &[]),
        kind("a standard change", &[json!({"type": "standard"})]),
        kind("an off-script change", &[off_script()]),
        kind("an off-script emergency", &[off_script(), emergency("P1", true)]),
        kind("a change with an outcome", &[outcome("successful", "passed", now)]),
        kind("a change that failed", &[outcome("failed", "failed", now)]),
        kind("a cancelled change", &[json!({"cancelled": {"reason": "not needed"}})]),
    ];
    for tier in RiskTier::ALL {
        let actions = json!({"actions": actions(org, tier)});
        let emergency = [actions.clone(), emergency("P2", false)];
        samples.push(kind(&format!("an emergency of {tier} risk"), &emergency));
        let mut of_each_level: Vec<_> = people(org).collect();
        of_each_level.dedup_by_key(|login| level(org, Some(login)));
        for login in of_each_level {
            let name = format!("a change of {tier} risk by {}", somebody(org, Some(login)));
            samples.push(kind(&name, &[actions.clone(), json!({"requester": login})]));
        }
    }
    samples.extend(of_templates(org, now));
    samples.extend(of_the_catalog(org, now));
    samples.extend(tables::of_the_tables(org, now));
    samples.extend(without_a_field("a request", &full(org, now, &[]), &[""]));
    let exceptional = full(org, now, &[off_script(), emergency("P1", false)]);
    let own_parts = ["/off_script", "/emergency"];
    samples.extend(without_a_field("an off-script emergency", &exceptional, &own_parts));
    let normal = request(org, now, &[]);
    for (kind, parts) in [
        ("a change", vec![]),
        ("an off-script change", vec![off_script()]),
        ("an emergency", vec![emergency("P1", false)]),
    ] {
        let request = request(org, now, &parts);
        let evidence = |state: &str| evidence(org, &normal, state, now);
        samples.push(Sample::new(
            format!("{kind} that is approved"),
            &request,
            evidence("APPROVED"),
        ));
        let name = format!("{kind} that a reviewer objects to");
        samples.push(Sample::new(name, &request, evidence("CHANGES_REQUESTED")));
    }
    samples
}

/// Returns a use of each template by a person of the lowest level, and one of a template that isn't there.
fn of_templates(org: &Org, now: Time) -> Vec<Sample> {
    let uses = org.templates.iter().filter_map(|(name, template)| {
        let samples = template.parameters.iter().map(|(name, it)| (name.clone(), it.sample()));
        let used = to_json(&template.request(name, &samples.collect()).ok()?);
        let sample = request(org, now, &[used]);
        Some(Sample::new(format!("a use of the template {name}"), &sample, json!({})))
    });
    let other = json!({
        "type": "standard", "template": {"name": "no-template", "parameters": {"name": "value"}},
    });
    let other = Sample::new("a use of no template", &request(org, now, &[other]), json!({}));
    uses.chain([other]).collect()
}

/// Returns each action of the catalog by a person of the lowest level, with what is always asked for,
/// and by one of the highest, with every field.
fn of_the_catalog(org: &Org, now: Time) -> impl Iterator<Item = Sample> {
    let by = |action: &str, login, request: Value| {
        Sample::new(format!("{action} by {}", somebody(org, login)), &request, json!({}))
    };
    let (lowest, highest) = (people(org).next(), people(org).last());
    org.actions.entries.iter().flat_map(move |(action, entry)| {
        let actions = json!([{"action": action, "target": target(org)}]);
        let least = json!({"requester": lowest, "actions": actions});
        let all = json!({
            "requester": highest, "implementer": highest, "actions": actions, "risk": entry.tier,
        });
        [
            by(action, lowest, request(org, now, &[least])),
            by(action, highest, full(org, now, &[all])),
        ]
    })
}

/// Returns a request once without each of its fields that lies below one of `parts`.
fn without_a_field(name: &str, request: &Value, parts: &[&str]) -> impl Iterator<Item = Sample> {
    let below = |pointer: &String| parts.iter().any(|part| pointer.starts_with(part));
    let pointers = fields(request, "").into_iter().filter(below).collect::<Vec<_>>();
    let samples = pointers.into_iter().map(move |pointer| {
        let mut without = request.clone();
        if let Some((part, field)) = pointer.rsplit_once('/') {
            without.pointer_mut(part).and_then(|part| part.as_object_mut()?.remove(field));
        }
        let field = pointer.trim_start_matches('/').replace('/', ".");
        Sample::new(format!("{name} without {field}"), &without, json!({}))
    });
    // Some parts can't be without their one field.
    samples.filter(|sample| sample.file.as_ref().is_some_and(|file| file.problems.is_empty()))
}

/// Returns the JSON pointers of a value's fields, at any depth; of a list, those of its first item.
fn fields(value: &Value, pointer: &str) -> Vec<String> {
    let parts: Vec<_> = match value {
        Value::Object(fields) => {
            fields.iter().map(|(name, field)| (format!("{pointer}/{name}"), field)).collect()
        }
        Value::Array(items) => {
            return items
                .first()
                .map(|item| fields(item, &format!("{pointer}/0")))
                .unwrap_or_default();
        }
        _ => Vec::new(),
    };
    let below = parts.iter().flat_map(|(pointer, field)| fields(field, pointer));
    parts.iter().map(|(pointer, _)| pointer.clone()).chain(below).collect()
}

/// Returns a request in which every field that is always asked for is filled in, with the fields of
/// `parts` on top.
fn request(org: &Org, now: Time, parts: &[Value]) -> Value {
    let services = &org.roster.services;
    let services: Vec<_> = services.keys().take(1).map(ToString::to_string).collect();
    let mut request = json!({
        "id": ID,
        "summary": "A sample",
        "reason": "To try the policies",
        "requester": people(org).next(),
        "actions": actions(org, RiskTier::Medium),
        "impact": {"services": services, "users": "nobody notices", "operations": "on-call watches"},
        "schedule": {"start": now + Duration::hours(1), "end": now + Duration::hours(2)},
        "rollback": {"steps": ["undo it"], "owner": people(org).last()},
        "verification": {"monitor": "15m", "health_checks": ["a page"], "error_rates": ["a graph"]},
    });
    for (name, value) in parts.iter().filter_map(Value::as_object).flatten() {
        request[name] = value.clone();
    }
    request
}

/// Returns a request in which every field of a normal change is filled in, with the fields of `parts`
/// on top.
fn full(org: &Org, now: Time, parts: &[Value]) -> Value {
    let optional = json!({
        "type": "normal",
        "description": "By hand",
        "implementer": people(org).last(),
        "risk": RiskTier::Medium,
        "rollback": {"steps": ["undo it"], "trigger": "an error", "owner": people(org).last()},
        "risks": [{"risk": "it fails", "likelihood": "low", "impact": "high", "mitigation": "undo it"}],
        "business_alignment": "It is needed",
        "contingency": "Call somebody",
        "approvals": [{"role": "devops-lead"}, {"role": "service-owner"}, {"user": people(org).last()}],
        "links": {"notes": "https://notes.example"},
    });
    let mut full = request(org, now, &[&[optional], parts].concat());
    let actions = full["actions"].as_array_mut().into_iter().flatten();
    actions.for_each(|action| action["parameters"] = json!({"name": "value"}));
    full
}

/// Returns the catalog's actions of a tier, each on the first target of the roster.
fn actions(org: &Org, tier: RiskTier) -> Vec<Value> {
    let of_tier = org.actions.entries.iter().filter(|(_, entry)| entry.tier == tier);
    of_tier.map(|(action, _)| json!({"action": action, "target": target(org)})).collect()
}

/// Returns the first target of the roster.
fn target(org: &Org) -> String {
    let mut targets = org.roster.services.values().flat_map(|service| &service.targets);
    targets.next().map_or_else(|| "a-target".to_owned(), ToString::to_string)
}

/// Returns the logins in the roster, those with the lowest level first.
fn people(org: &Org) -> impl Iterator<Item = &Login> {
    let mut people: Vec<_> = org.roster.people.iter().collect();
    people.sort_by_key(|(_, person)| person.level);
    people.into_iter().map(|(login, _)| login)
}

fn level(org: &Org, login: Option<&Login>) -> Option<Level> {
    login.and_then(|login| org.roster.people.get(login)?.level)
}

/// Writes `an L1`.
fn somebody(org: &Org, login: Option<&Login>) -> String {
    match level(org, login) {
        Some(level) => format!("an {level}"),
        None => "somebody without a level".to_owned(),
    }
}

fn off_script() -> Value {
    json!({
        "actions": [{"action": "an-action", "target": "a-target", "parameters": {"name": "value"}}],
        "description": "By hand",
        "off_script": {"script": "a-script", "justification": "it doesn't fit"},
        "risks": [{"risk": "it fails", "likelihood": "low", "impact": "high", "mitigation": "undo it"}],
        "business_alignment": "It is needed",
        "contingency": "Call somebody",
        "approvals": [{"role": "devops-lead"}, {"role": "service-owner"}],
    })
}

fn emergency(severity: &str, break_glass: bool) -> Value {
    json!({
        "type": "emergency",
        "emergency": {
            "incident": INCIDENT,
            "severity": severity,
            "why_now": "nothing works",
            "break_glass": break_glass,
        },
    })
}

fn outcome(result: &str, health: &str, now: Time) -> Value {
    json!({
        "execution": {"by": "somebody", "started_at": now, "ended_at": now + Duration::hours(1)},
        "verification_result": {
            "monitored": {"from": now + Duration::hours(1), "to": now + Duration::hours(2)},
            "health": health,
            "error_rate": {"before": 1, "after": 2},
            "unexpected_impact": result == "failed",
        },
        "outcome": {"result": result, "disposition": "closed", "note": "as seen"},
        "escalation": {"incident": INCIDENT},
    })
}

/// Returns the head of a sample's pull request.
fn head() -> String {
    "0".repeat(40)
}

/// Returns reviews of the head by everybody in the roster, except the one who requests.
fn reviews(org: &Org, state: &str, at: Time) -> Vec<Value> {
    let reviews = people(org).enumerate().skip(1).map(|(index, login)| {
        json!({
            "id": index.to_string(),
            "user": login,
            "state": state,
            "commit": head(),
            "submitted_at": at,
        })
    });
    reviews.collect()
}

/// Returns the evidence of a pull request that everybody in the roster reviewed, beside another
/// request at the same time: open, merged, and amended by this one.
fn evidence(org: &Org, other: &Value, state: &str, now: Time) -> Value {
    let mut others = other.clone();
    others["id"] = "CHG-1".into();
    let author = people(org).next();
    json!({
        "pull_request": {
            "number": 1,
            "author": author,
            "head": head(),
            "draft": state != "APPROVED",
            "submitted_at": now,
            "contributors": [
                {"login": author, "as": ["author"]},
                {"email": "nobody@nowhere.example", "as": ["co-author"], "unproven": "unsigned"},
            ],
            "files": [format!("{REQUESTS}/{ID}.yaml"), "README.md"],
        },
        "reviews": reviews(org, state, now),
        "pushers": if state == "APPROVED" { json!([author]) } else { Value::Null },
        "previous": other,
        "merged": [others],
        "open": [others],
        "incidents": [{"id": INCIDENT, "severity": "P1", "status": "open"}],
    })
}
