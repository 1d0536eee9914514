//! The tests beside the shipped rules are about the rules: they pass whatever an organisation writes
//! into its tables, or no change of the tables could be submitted.

use std::collections::BTreeSet;

use rayon::prelude::*;
use serde_json::{Map, Value, json};

use super::plumbing::{changed, data, root};
use changegate::core::policy::testing::{TestReport, TestStatus, run};
use changegate::core::policy::{Files, PolicyBundle, shipped_files};
use changegate::gate::cpu::thread_time;

fn table(name: &str) -> Value {
    data(&root().join(format!("policies/org/{name}/data.yaml")))
}

/// The entries of a table whose keys are names.
fn entries(name: &str) -> Map<String, Value> {
    let mut entries = table(name).as_object().unwrap().clone();
    entries.remove("reviewed");
    entries
}

/// A part of the roster.
fn part(name: &str) -> Map<String, Value> {
    table("roster")[name].as_object().unwrap().clone()
}

/// A change that gives each entry of a table another name.
fn renamed(entries: Map<String, Value>) -> Value {
    let pairs = entries.into_iter();
    pairs.flat_map(|(name, entry)| [(format!("our-{name}"), entry), (name, Value::Null)]).collect()
}

/// A change of every entry of a table.
fn each(entries: Map<String, Value>, change: &Value) -> Value {
    entries.into_iter().map(|(name, _)| (name, change.clone())).collect()
}

/// A ledger to which a service writes, whose last key was stolen.
fn ledger() -> Value {
    let [key, stolen] = [
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPIBePbUB6z/K6D0iDMbxXl944Jy6mT1sOZv51NirLia",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKzVoW2O9hOaIFCuezjlpzfMH/yJ+z1aRpeUO/nw1R33",
    ];
    json!({
        "on": true, "origin": "git.acme.example/ops", "record": "merges", "signature": "required",
        "remote": "https://git.auditor.example/acme/ledger.git",
        "writers": [{"name": "server", "key": key}],
        "witnesses": ["witness.example/w1+e75f6532+BAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"],
        "revoked": [{"key": stolen, "from_index": 12, "why": "stolen"}],
    })
}

/// Each documented kind of change of the tables.
fn changes() -> Vec<Value> {
    let settings = [
        ("protected_bases", json!(["trunk"])),
        ("other_paths", json!("refused")),
        ("strict_separation", json!(true)),
        ("approval_valid_for", json!("1h")),
        ("sign_off", json!({"remind_after": "1h", "due_after": "2h"})),
        ("placeholders", json!(["alice", "edge", "deploy"])),
        ("bots", json!(["release-bot[bot]"])),
        ("unsigned_reviews", json!("allow")),
        ("review_requests", json!("off")),
        ("notify", json!("off")),
        ("review_policies_every", json!("1h")),
        ("ledger", ledger()),
        ("execution", json!({"lease": "5m", "stand_in": "off", "offline": "off"})),
        ("outcome", json!({"monitor_at_least": "1h", "close": [], "error_rate": {"times": "2"}})),
        ("break_glass", json!({"due_after": "1h"})),
        ("escalation_pause", json!("all")),
        ("incident", json!({"pause_warn": "1h"})),
        ("reactive_outside_windows", json!(["medium", "high"])),
        ("promote_after", json!(9)),
        ("approvals_not_before", json!({"alice": "2099-01-01T00:00:00Z"})),
    ];
    let changed = settings.iter().map(|(name, _)| (*name).to_owned());
    let known: BTreeSet<_> = entries("settings").into_iter().map(|(name, _)| name).collect();
    assert_eq!(changed.collect::<BTreeSet<_>>(), known, "each setting has another value");
    let mut changes: Vec<_> =
        settings.into_iter().map(|(name, value)| json!({"settings": {name: value}})).collect();

    let actions = || entries("actions");
    for tier in ["low", "medium", "high", "critical"] {
        changes.push(json!({"actions": each(actions(), &json!({"tier": tier}))}));
    }
    let rollback = json!({"text": "ask us", "needed": true, "level": "L3"});
    changes.push(json!({"actions": each(actions(), &json!({"rollback": rollback}))}));
    for says in [true, false] {
        let change = json!({"read_only": says, "rollback": {"needed": says}});
        changes.push(json!({"actions": each(actions(), &change)}));
    }
    changes.push(json!({"actions": renamed(actions())}));
    changes.push(json!({"actions": each(actions(), &Value::Null)}));

    for says in [json!("direct"), json!(["L1"]), json!(["L2"]), json!(["L3"])] {
        let row = json!({"L1": says, "L2": says, "L3": says});
        changes.push(json!({"matrix": each(entries("matrix"), &row)}));
    }

    let mut services = renamed(part("services"));
    for service in services.as_object_mut().unwrap().values_mut().filter(|it| !it.is_null()) {
        service["owners"] = json!(["our-alice"]);
    }
    changes.push(json!({"roster": {"people": renamed(part("people")), "services": services}}));
    let mut people = each(part("people"), &Value::Null);
    people["zoe"] = json!({"roles": ["devops-lead", "incident-commander"]});
    changes.push(json!({"roster": {"people": people, "teams": {}, "services": null}}));

    let mut windows = each(entries("windows"), &Value::Null);
    windows["night"] =
        json!({"days": ["sun"], "from": "01:00", "to": "01:30", "for": ["critical"]});
    changes.push(json!({"windows": windows}));
    let (start, end) = ("2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z");
    let always = json!([{"name": "always", "start": start, "end": end}]);
    changes.push(json!({"freezes": {"freezes": always, "quarters": []}}));
    changes.push(json!({"freezes": {"freezes": [], "quarters": ["2026-Q1"]}}));
    let erasure = json!({"digest": format!("sha256:{}", "0".repeat(64)), "reason": "a secret"});
    changes.push(json!({"erasures": [erasure]}));
    changes.push(json!({"escalation": each(entries("escalation"), &Value::Null)}));
    changes
}

/// The least of each table that loads.
fn least() -> Value {
    let nothing = |name: &str| {
        let mut nothing = each(entries(name), &Value::Null);
        nothing["reviewed"] = Value::Null;
        nothing
    };
    let names = ["actions", "windows", "freezes", "escalation", "settings", "roster"];
    let mut least: Value = names.into_iter().map(|name| (name.to_owned(), nothing(name))).collect();
    least["roster"]["people"] = each(part("people"), &Value::Null);
    least
}

fn failing(report: &TestReport) -> Vec<String> {
    let failing = report.tests.iter().filter(|test| test.status != TestStatus::Passed);
    failing.map(|test| format!("{}.{}", test.package, test.name)).collect()
}

/// The tests that fail with a change of the tables, below the change.
fn broken(files: &Files, org: &Value) -> Option<String> {
    let bundle = PolicyBundle::load(changed(files, org), thread_time);
    let bundle = bundle.unwrap_or_else(|problems| panic!("{org}: {problems}"));
    let failing = failing(&bundle.test(None, "changed").unwrap());
    (!failing.is_empty()).then(|| format!("{org}:\n  {}", failing.join("\n  ")))
}

#[test]
fn the_shipped_tests_pass_whatever_the_tables_say() {
    let mut files = shipped_files();
    // Templates are of the actions that there are.
    files.retain(|path, _| !path.starts_with("policies/templates/"));
    let changes = [changes(), vec![least()]].concat();
    let broken: Vec<_> = changes.par_iter().filter_map(|org| broken(&files, org)).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_shipped_tests_read_no_table_of_the_organisation() {
    let files = shipped_files();
    let sources = files.iter().filter(|(path, _)| path.ends_with(".rego"));
    let sources: Vec<_> =
        sources.map(|(path, bytes)| (path.as_str(), std::str::from_utf8(bytes).unwrap())).collect();
    let report = run(&sources, regorus::Value::new_object(), None, "no tables", thread_time);
    assert_eq!(failing(&report.unwrap()), [""; 0]);
}
