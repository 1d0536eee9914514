//! Sample cases, on which policies are tried before they decide about anything.
//!
//! Together they reach each kind of change, each tier, and what else rules usually ask about, with
//! the names in the organisation's own tables: what a rule does wrong only in an emergency shows
//! here, and not in the first emergency.

use serde_json::{Value, json};

use super::evidence::Evidence;
use super::input::Case;
use super::layout::REQUESTS;
use super::org::Org;
use super::request::RequestFile;
use super::terms::{Login, RiskTier};
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
    let alone =
        |name: &str, parts: &[Value]| Sample::new(name, &request(org, now, parts), json!({}));
    let mut samples = vec![
        Sample {
            name: "a change of policies".to_owned(),
            file: None,
            evidence: Evidence::default(),
        },
        Sample::new("a request without any field", &json!({}), json!({})),
        alone("a standard change", &[json!({"type": "standard"})]),
        alone("an off-script change", &[off_script()]),
        alone("an off-script emergency", &[off_script(), emergency("P1", true)]),
        alone("a change with an outcome", &[outcome("successful", "passed", now)]),
        alone("a change that failed", &[outcome("failed", "failed", now)]),
        alone("a cancelled change", &[json!({"cancelled": {"reason": "not needed"}})]),
    ];
    for tier in RiskTier::ALL {
        let actions = json!({"actions": actions(org, tier)});
        let emergency = [actions.clone(), emergency("P2", false)];
        samples.push(alone(&format!("a change of {tier} risk"), &[actions]));
        samples.push(alone(&format!("an emergency of {tier} risk"), &emergency));
    }
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
        "rollback": {"steps": ["undo it"], "trigger": "an error", "owner": people(org).last()},
        "verification": {"monitor": "15m", "health_checks": ["a page"], "error_rates": ["a graph"]},
        "links": {"notes": "https://notes.example"},
    });
    for (name, value) in parts.iter().filter_map(Value::as_object).flatten() {
        request[name] = value.clone();
    }
    request
}

/// Returns the catalog's actions of a tier, each on the first target of the roster.
fn actions(org: &Org, tier: RiskTier) -> Vec<Value> {
    let targets = org.roster.services.values().flat_map(|service| &service.targets);
    let target = targets.map(ToString::to_string).next().unwrap_or_else(|| "a-target".to_owned());
    let of_tier = org.actions.entries.iter().filter(|(_, entry)| entry.tier == tier);
    of_tier.map(|(action, _)| json!({"action": action, "target": target})).collect()
}

/// Returns the logins in the roster, those with the lowest level first.
fn people(org: &Org) -> impl Iterator<Item = &Login> {
    let mut people: Vec<_> = org.roster.people.iter().collect();
    people.sort_by_key(|(_, person)| person.level);
    people.into_iter().map(|(login, _)| login)
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
        "execution": {"started_at": now, "ended_at": now + Duration::hours(1)},
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

/// Returns the evidence of a pull request that everybody in the roster reviewed, beside another
/// request at the same time: open, merged, and amended by this one.
fn evidence(org: &Org, other: &Value, state: &str, now: Time) -> Value {
    let commit = "0".repeat(40);
    let reviews = people(org).enumerate().skip(1).map(|(index, login)| {
        json!({
            "id": index.to_string(),
            "user": login,
            "state": state,
            "commit": commit,
            "submitted_at": now,
        })
    });
    let mut others = other.clone();
    others["id"] = "CHG-1".into();
    let author = people(org).next();
    json!({
        "pull_request": {
            "number": 1,
            "author": author,
            "head": commit,
            "draft": state != "APPROVED",
            "submitted_at": now,
            "contributors": [
                {"login": author, "as": ["author"]},
                {"email": "nobody@nowhere.example", "as": ["co-author"], "unproven": "unsigned"},
            ],
            "files": [format!("{REQUESTS}/{ID}.yaml"), "README.md"],
        },
        "reviews": reviews.collect::<Vec<_>>(),
        "pushers": if state == "APPROVED" { json!([author]) } else { Value::Null },
        "previous": other,
        "merged": [others],
        "open": [others],
        "incidents": [{"id": INCIDENT, "severity": "P1", "status": "open"}],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::decision::decide;
    use crate::core::policy::{PolicyBundle, SHIPPED, shipped_files};

    #[test]
    fn samples_are_as_they_were_written_and_reach_the_rules() {
        let bundle = PolicyBundle::load(shipped_files(), || std::time::Duration::ZERO).unwrap();
        let now = "2026-11-23T10:00:00Z".parse().unwrap();
        let mut evaluator = bundle.evaluator();
        let mut codes = std::collections::BTreeSet::new();
        let samples = samples(&bundle.org, now);
        for sample in &samples {
            let problems = sample.file.as_ref().map(|file| &file.problems);
            assert!(problems.is_none_or(Vec::is_empty), "{}: {problems:?}", sample.name);
            let decided = decide(&sample.case(now), &bundle, SHIPPED, |it| evaluator.rule(it));
            codes.extend(decided.unwrap().decision.findings.into_iter().map(|found| found.code));
        }
        let reviewed = samples.iter().filter(|sample| !sample.evidence.reviews.is_empty());
        assert_eq!(reviewed.count(), 6);
        for code in ["emergency/commander", "signoff/changes-requested", "conflict/overlap"] {
            assert!(codes.contains(code), "{code} isn't among {codes:?}");
        }
    }
}
