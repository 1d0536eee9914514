//! Entries of the ledger say where the operations log is, and audits walk it.

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};

use changegate::core::digest::Digest;
use changegate::core::operations::kinds::{Begin, What};
use changegate::core::time::Time;

use super::super::executing::{now, recording};
use super::super::ledger::forge::Stage;
use super::forged::{Forged, begun, opened, push};
use crate::plumbing::hub::{Hub, request};

const OPERATIONS: &str = "audit/operations";

/// A hub with a ledger and an operations log, in which an incident is open.
fn hub() -> Hub {
    let hub = Hub::recording();
    let carol = hub.desk_at("carol", "beginning");
    carol.changegate(&["init", "--operations"]).went_well();
    carol.opens("INC-001").went_well();
    hub
}

/// What the last entry of a hub says of the log.
fn said(hub: &Hub) -> Value {
    let entry: Value =
        serde_json::from_str(&hub.git(&["show", "audit/ledger:entry.json"])).unwrap();
    entry["predicate"]["operations"].clone()
}

/// What an entry has to say of a commit of the log.
fn at(hub: &Hub, tip: &str) -> Value {
    let state = hub.git(&["show", &format!("{tip}:state.json")]) + "\n";
    let digest = Digest::of(state.as_bytes()).to_string();
    let sha256 = digest.strip_prefix("sha256:").unwrap();
    json!({"ref": "refs/heads/audit/operations", "tip": tip, "sha256": sha256})
}

#[test]
fn an_entry_says_where_the_log_is() {
    let hub = Hub::recording();
    let (alice, bob, carol) = (hub.desk("alice"), hub.desk("bob"), hub.desk("carol"));
    bob.execute("CHG-1");
    assert_eq!(said(&hub), Value::Null);
    carol.changegate(&["init", "--operations"]).went_well();
    alice.opens("INC-001").went_well();
    bob.execute("CHG-2");
    let tip = hub.tip(OPERATIONS).unwrap();
    assert_eq!(said(&hub), at(&hub, &tip));
    carol.verify().ended(0, &["operations   2 events up to", &tip[..7], "\nverified\n"]);

    // What doesn't count is named, and passed over by what entries say of what is open.
    alice.git(&["fetch", "--quiet", "origin", OPERATIONS]);
    let rubbish = alice.put(&tip, &[("state.json", "{}\n"), ("x", "y")], "rubbish");
    alice.push(&[&format!("{rubbish}:refs/heads/other")]).went_well();
    hub.git(&["update-ref", "refs/heads/audit/operations", &rubbish]);
    bob.execute("CHG-3");
    let mut expected = at(&hub, &tip);
    expected["tip"] = json!(rubbish);
    assert_eq!(said(&hub), expected);
    alice.opens("INC-002").went_well();
    let foreign = format!("{} doesn't count: ", &rubbish[..7]);
    for words in [&["4 entries", "were verified before"][..], &["were verified before"]] {
        let ran = carol.verify();
        ran.ended(0, &["operations   3 events up to", &foreign, "\nverified\n"]);
        ran.ended(0, &words[1..]);
    }
    assert_eq!(
        carol.changegate(&["audit", "verify", "--format", "json"]).json("audit-verify")["operations"],
        carol.changegate(&["audit", "verify", "--full", "--format", "json"]).json("audit-verify")["operations"]
    );
}

#[test]
fn a_log_that_was_rewound_is_found() {
    let hub = hub();
    hub.desk("bob").execute("CHG-1");
    let (tip, erin) = (hub.tip(OPERATIONS).unwrap(), hub.desk("erin"));
    hub.desk("alice").opens("INC-002").went_well();
    erin.verify().ended(0, &["3 events"]);
    // No entry saw the last event, but this desk did.
    hub.git(&["update-ref", "refs/heads/audit/operations", &tip]);
    let ours = "refs/changegate/origin/audit/operations";
    erin.git(&["update-ref", ours, &tip]);
    erin.verify().ended(1, &["doesn't continue the log that was verified here", "rewound"]);
    hub.desk_at("erin", "another").verify().ended(0, &["2 events", "\nverified\n"]);

    let first = hub.git(&["rev-parse", &format!("{tip}~1")]);
    hub.git(&["update-ref", "refs/heads/audit/operations", &first]);
    hub.desk_at("erin", "later").verify().ended(
        1,
        &["entry 1 (", "operations: it saw audit/operations at", "isn't part of it any more"],
    );
    // That is found, and doesn't stop what goes on.
    hub.desk_at("bob", "bob-later").execute("CHG-2");
    hub.git(&["update-ref", "-d", "refs/heads/audit/operations"]);
    hub.desk_at("erin", "last").verify().ended(1, &["it saw audit/operations at", "which is gone"]);
    // No other one is begun in its place, neither here nor by whom nobody can see the ledger.
    let carol = hub.desk_at("carol", "fresh");
    let begin = ["init", "--operations"];
    carol.changegate(&begin).failed(&["doesn't go on from", "where the ledger saw it"]);
    let ledger = hub.tip("audit/ledger").unwrap();
    hub.unguard();
    hub.git(&["update-ref", "-d", "refs/heads/audit/ledger"]);
    let blind = hub.desk_at("carol", "blind");
    blind.changegate(&begin).went_well();
    let other = hub.tip(OPERATIONS).unwrap();
    hub.git(&["update-ref", "refs/heads/audit/ledger", &ledger]);
    hub.git(&["update-ref", "-d", "refs/heads/audit/operations"]);
    hub.guard();
    let other = format!("{other}:refs/heads/audit/operations");
    blind.push(&[&other]).refused(&["doesn't go on from", "where the ledger saw it"]);
}

#[test]
fn entries_say_of_the_log_what_is_true() {
    let hub = hub();
    let stage = Stage::on(&hub);
    let tip = hub.tip(OPERATIONS).unwrap();
    let (older, main) = (hub.git(&["rev-parse", &format!("{tip}~1")]), hub.tip("main").unwrap());
    let mut other = at(&hub, &tip);
    other["sha256"] = json!("0".repeat(64));
    let mut elsewhere = at(&hub, &tip);
    elsewhere["tip"] = json!(main);
    for (what, lie, hook, found) in [
        ("nothing", Value::Null, "doesn't say where audit/operations is", None),
        ("another state", other, "what that never was", Some("what that didn't hold")),
        ("another commit", elsewhere, "what that never was", Some("isn't part of it")),
        ("an older one", at(&hub, &older), "names an older state", Some("names an older state")),
    ] {
        let forged = stage.with_last(stage.edited(3, |it| it["predicate"]["operations"] = lie));
        match found {
            Some(found) => stage.is_caught(what, &forged, hook, ["entry 3, operations", found]),
            None => stage.is_refused(what, &forged, hook),
        }
    }
}

#[test]
fn what_the_policies_did_not_approve_is_found() {
    let hub = recording();
    let (bob, carol) = (hub.desk("bob"), hub.desk_at("carol", "auditor"));
    bob.merges("CHG-001", &now("CHG-001", "bob"));
    bob.merges("CHG-002", &request("CHG-002", "bob"));
    let begin = begun(&bob, "CHG-001");
    // What came later doesn't change what was approved then.
    bob.merges("CHG-003", &now("CHG-003", "bob"));
    carol.verify().ended(0, &["operations   3 events", "\nverified\n"]);

    hub.unguard();
    let policies = bob.events("CHG-001")[0]["policies"].as_str().unwrap().parse().unwrap();
    let policies = |it: &mut Forged| it.head.policies = Some(Digest::clone(&policies));
    let begin = Begin { lease_until: Time::from(Utc::now() + TimeDelta::minutes(1)), ..begin };
    push(&bob, What::Begin(begin), (Some("CHG-002"), None), policies).went_well();
    let verified = carol.verify();
    let unauthorized = "operations: execute/unauthorized: bob began to execute CHG-002";
    let expected = [unauthorized, "it is planned to start", "not as it has to be: 1 finding"];
    verified.ended(1, &expected);
    // Advice for before it is of use then alone.
    assert!(!verified.stdout.contains("changegate authorize"), "{verified:?}");
}

/// What the hook would have refused is found later: no event is dated long after those that follow.
#[test]
fn dates_that_run_backwards_are_found() {
    let hub = recording();
    let (bob, carol) = (hub.desk("bob"), hub.desk_at("carol", "auditor"));
    bob.merges("CHG-001", &now("CHG-001", "bob"));
    let ahead = |minutes| Time::from(Utc::now() + TimeDelta::minutes(minutes));
    push(&bob, opened(), (None, Some("INC-001")), |it| it.head.at = ahead(4)).went_well();
    hub.unguard();
    push(&bob, opened(), (None, Some("INC-002")), |it| it.head.at = ahead(25)).went_well();
    carol.verify().ended(0, &["\nverified\n"]);
    hub.guard();
    bob.exec(&["CHG-001", "--", "true"]).ended(0, &[]);
    let found =
        ["operations: it is dated ", "one of the two was made by a wrong clock", "1 finding"];
    carol.verify().ended(1, &found);
}
