//! Decisions made by hand, for the tests of all formats.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Format, Judged, Reporter, Section, Summary};
use crate::core::decision::Decision;
use crate::core::digest::Digest;
use crate::core::policy::SHIPPED;
use crate::core::policy::codes::CodeInfo;
use crate::core::request::ChangeRequest;
use crate::core::terms::Effect;
use crate::core::yaml::Span;

pub(super) struct Sample {
    pub(super) decision: Decision,
    pub(super) request: Option<ChangeRequest>,
    pub(super) source: String,
}

impl Sample {
    pub(super) fn judged(&self) -> Judged<'_> {
        Judged { decision: &self.decision, request: self.request.as_ref(), source: &self.source }
    }

    /// Sets the position of each finding: the first occurrence of its text in the source.
    fn at(mut self, texts: &[&str]) -> Self {
        for (finding, text) in self.decision.findings.iter_mut().zip(texts) {
            let start = self.source.find(text).unwrap();
            let before = &self.source[..start];
            let line = before.matches('\n').count() as u32 + 1;
            let column = before.rsplit('\n').next().unwrap().chars().count() as u32 + 1;
            finding.line = Some(line);
            finding.column = Some(column);
            finding.span = Some(Span { start, end: start + text.len(), line, column });
        }
        self
    }
}

pub(super) fn all() -> [Sample; 5] {
    [direct(), signed(), pending(), denied(), malformed()]
}

pub(super) fn direct() -> Sample {
    Sample {
        decision: decision(json!({
            "change": "CHG-1200", "path": "requests/CHG-1200.yaml",
            "summary": "Scale checkout to 12 pods", "verdict": "approved",
            "tier": "medium", "tier_because": ["`scale-service` is medium in the catalog"],
            "level": "L2",
            "sign_off": {"mode": "direct", "required": [], "due_at": null, "reviews": []},
            "window": window(&["standard"], "2026-11-25T09:30:00Z", "2026-11-25T10:00:00Z"),
            "next_change_at": "2026-11-25T10:00:00Z",
        })),
        request: None,
        source: String::new(),
    }
}

pub(super) fn signed() -> Sample {
    Sample {
        decision: decision(json!({
            "change": "CHG-1220", "path": "requests/CHG-1220.yaml",
            "summary": "Drain the old region", "verdict": "approved",
            "tier": "high", "tier_because": ["`drain-traffic` is high in the catalog"],
            "sign_off": {"mode": "review", "due_at": null, "reviews": [], "required": [
                {"kind": "level", "any_of": ["L2", "L3"], "satisfied_by": "carol", "level": "L3",
                 "eligible": ["bob", "carol", "erin"]},
                {"kind": "role", "role": "devops-lead", "satisfied_by": "bob",
                 "late": true, "eligible": ["bob"]},
            ]},
            "window": window(&["standard"], "2026-11-25T09:30:00Z", "2026-11-25T10:00:00Z"),
            "findings": [{
                "code": "window/not-preferred", "effect": "warn", "pointer": "/schedule",
                "message": "off-peak is preferred for a high-risk change",
                "help": "plan it between 22:00 and 06:00 UTC if users would notice",
            }],
        })),
        request: Some(request()),
        source: String::new(),
    }
}

pub(super) fn pending() -> Sample {
    Sample {
        decision: decision(json!({
            "change": "CHG-1234", "path": "requests/CHG-1234.yaml",
            "summary": "Fail the EU region over to eu-west-2", "verdict": "pending",
            "tier": "high", "off_script": true,
            "tier_because": ["`failover-region` is high in the catalog",
                             "off-script is never below high"],
            "sign_off": {"mode": "review", "due_at": "2026-11-26T09:00:00Z", "required": [
                {"kind": "level", "any_of": ["L2", "L3"], "satisfied_by": null,
                 "eligible": ["bob", "carol", "erin"]},
                {"kind": "role", "role": "devops-lead", "satisfied_by": null,
                 "because": "off-script changes need one", "eligible": ["bob"]},
                {"kind": "owner", "service": "checkout", "satisfied_by": "dan",
                 "because": "off-script changes need one of each service", "eligible": ["dan"]},
                {"kind": "owner", "service": "payments", "satisfied_by": null,
                 "because": "off-script changes need one of each service", "eligible": []},
            ], "reviews": [
                {"user": "dan", "state": "APPROVED", "submitted_at": "2026-11-24T09:30:00Z",
                 "counts": true},
                {"user": "dave", "state": "APPROVED", "submitted_at": "2026-11-24T08:00:00Z",
                 "counts": false, "why": "the reviewer can give none of the required sign-offs"},
            ]},
            "window": window(&["off-peak"], "2026-11-24T22:00:00Z", "2026-11-24T23:00:00Z"),
            "findings": [
                {"code": "signoff/missing", "effect": "pending",
                 "message": "waits for L2 or L3: bob, carol or erin"},
                {"code": "request/draft", "effect": "pending",
                 "message": "the pull request is a draft",
                 "help": "mark it ready for review"},
            ],
            "next_change_at": "2026-11-24T22:00:00Z",
        })),
        request: Some(request()),
        source: String::new(),
    }
}

pub(super) fn denied() -> Sample {
    Sample {
        decision: decision(json!({
            "change": "CHG-1240", "path": "requests/CHG-1240.yaml",
            "summary": "Shift the weights", "verdict": "denied", "tier": "high",
            "tier_because": ["`failover-region` is high in the catalog"],
            "window": {
                "planned": {"start": "2026-11-21T12:00:00Z", "end": "2026-11-21T13:00:00Z"},
                "fits": [], "freeze": null,
                "next_opening": {"window": "off-peak", "start": "2026-11-24T22:00:00Z",
                                 "end": "2026-11-25T06:00:00Z"},
            },
            "findings": [
                {"code": "window/closed", "effect": "deny", "pointer": "/schedule",
                 "message": "outside every window",
                 "help": "plan the whole change within Tue 24 Nov 22:00 – Wed 25 Nov 06:00 UTC, or \
                          any other night that begins on a weekday",
                 "controls": ["SOC2:CC8.1"]},
                {"code": "request/missing", "effect": "deny", "pointer": "/rollback/owner",
                 "message": "a high-risk change names who performs the rollback",
                 "help": "add `owner:` with a login that holds L3 (carol, erin)",
                 "controls": ["SOC2:CC8.1", "PCI:6.5.1"]},
            ],
        })),
        request: Some(request()),
        source:
            "id: CHG-1240\nschedule: {start: 2026-11-21T12:00:00Z, end: 2026-11-21T13:00:00Z}\n\
                 rollback: {steps: [\"reverse the Route 53 weights\"]}\n"
                .to_owned(),
    }
    .at(&["schedule", "rollback"])
}

/// Returns a file that isn't a request, and attacks the program that shows it.
pub(super) fn malformed() -> Sample {
    let mut sample = Sample {
        decision: decision(json!({
            "path": "requests/CHG-1250.yaml", "verdict": "denied", "requester": null,
            "level": null,
            "findings": [
                {"code": "request/yaml", "effect": "deny",
                 "message": "`\u{202e}evil` is not a key of a request",
                 "help": "remove the character U+202E"},
                {"code": "request/yaml", "effect": "deny",
                 "message": "the list is never closed", "help": "add `]` | @admin ::error::x"},
            ],
        })),
        request: None,
        source: format!(
            "id: CHG-1250\n\u{202e}evil: \x1b[31mred\n\tlinks: {}[never closed{}\n",
            "ä, ".repeat(40),
            ", x".repeat(60)
        ),
    }
    .at(&["\u{202e}evil", "[never"]);
    sample.decision.digests.material = None;
    sample
}

/// Returns a decision with these fields, and typical values for the others.
fn decision(fields: Value) -> Decision {
    let mut decision = json!({
        "api_version": "changegate/v1", "type": "normal", "off_script": false,
        "requester": "alice", "level": "L1", "findings": [],
        "evaluated_at": "2026-11-24T10:00:00Z",
        "bundle": "4f0c1d2e9a7b3c5d4f0c1d2e9a7b3c5d4f0c1d2e", "tzdb": "2026f",
        "digests": {
            "request": Digest::of(b"request"), "material": Digest::of(b"material"),
            "policies": Digest::of(b"policies"), "input": Digest::of(b"input"),
        },
    });
    let (Value::Object(all), Value::Object(fields)) = (&mut decision, fields) else {
        panic!("a decision is an object")
    };
    all.extend(fields);
    let mut decision: Decision = serde_json::from_value(decision).unwrap();
    decision.own_change_at = decision.next_change_at;
    decision
}

fn window(fits: &[&str], start: &str, end: &str) -> Value {
    json!({"planned": {"start": start, "end": end}, "fits": fits, "freeze": null,
           "next_opening": null})
}

/// Returns a request that attacks the comment that quotes it.
fn request() -> ChangeRequest {
    serde_json::from_value(json!({
        "business_alignment": "Keeps the sale | running @org/everyone\n# Approved ✅",
        "contingency": "Call [the vendor](https://evil.example), see #1 and 4f0c1d2e9a",
        "risks": [{"risk": "<img src=x onerror=alert(1)>", "mitigation": "`rm -rf` is **not** run"}],
        "rollback": {"steps": ["reverse the weights", "wait 5 min"], "owner": "carol"},
        "impact": {"services": ["checkout"], "users": "30 s of errors</details>",
                   "operations": "on-call watches both regions"},
    }))
    .unwrap()
}

fn codes() -> BTreeMap<String, CodeInfo> {
    let info = CodeInfo {
        code: "request/missing".to_owned(),
        title: "A field is missing".to_owned(),
        meaning: "A request says what, why, where, when, and how to go back [each].".to_owned(),
        resolve: "Add the field.".to_owned(),
        help: None,
        rule: "4".to_owned(),
        effect: Effect::Deny,
        controls: vec!["SOC2:CC8.1".to_owned()],
    };
    BTreeMap::from([(info.code.clone(), info)])
}

pub(super) fn sections(format: Format) -> Vec<Section> {
    let codes = codes();
    let reporter = Reporter {
        format,
        policies: SHIPPED,
        colour: false,
        width: 100,
        verbose: false,
        codes: &|| &codes,
    };
    all().iter().map(|sample| reporter.section(&sample.judged())).collect()
}

/// Returns a whole report on all samples, built as a caller would.
pub(super) fn report(format: Format) -> String {
    let codes = codes();
    let reporter = Reporter {
        format,
        policies: SHIPPED,
        colour: false,
        width: 100,
        verbose: false,
        codes: &|| &codes,
    };
    let mut sections = sections(format);
    let mut summary = Summary::default();
    sections.iter().for_each(|section| summary.add(section));
    sections.sort_by_key(|section| section.group);
    let texts = sections.into_iter().map(|section| section.text).filter(|text| !text.is_empty());
    let body = texts.collect::<Vec<_>>().join(reporter.separator());
    reporter.begin() + &body + &reporter.end(&summary)
}
