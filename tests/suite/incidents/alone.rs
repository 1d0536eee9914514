//! An open incident is a ticket: under it anybody of the roster reads, without a request.

use serde_json::Value;

use crate::executing::{open, open_with, recording};

const LOGS: [&str; 4] = ["--action", "pull-logs", "--target", "checkout-web"];

/// Edges 58: what only reads needs no request while an incident is open.
#[test]
fn an_open_incident_is_a_ticket_for_reading() {
    let hub = recording();
    let (alice, erin, carol) = (hub.desk("alice"), hub.desk("erin"), hub.desk_at("carol", "night"));
    let ask = |step: &[&str]| erin.changegate(&[&["authorize", "INC-042"], step].concat());
    ask(&LOGS).ended(1, &["execute/unknown"]);
    alice.declares("INC-042");
    ask(&LOGS).ended(0, &["approved"]);
    ask(&[]).ended(1, &["execute/incident", "name it with `--action` and `--target`"]);
    ask(&["--action", "restart-pods", "--target", "checkout-web"])
        .ended(1, &["execute/incident", "`restart-pods` isn't an action that only reads"]);
    ask(&["--action", "pull-logs", "--target", "portal-web"])
        .ended(1, &["execute/incident", "portal-web isn't a target of the services of INC-042"]);
    ask(&[&LOGS[..], &["--actor", "zoe"]].concat()).ended(1, &["execute/actor"]);
    ask(&[&LOGS[..], &["--rollback"]].concat()).ended(1, &["nothing that only reads"]);

    let script = "echo \"$CHANGEGATE_INCIDENT $CHANGEGATE_ACTION $CHANGEGATE_TARGET\"; exit 3";
    let exec = [&["exec", "INC-042"], &LOGS[..], &["--", "sh", "-c", script]].concat();
    let ran = erin.changegate(&exec);
    assert_eq!((ran.code, ran.stdout.as_str()), (3, "INC-042 pull-logs checkout-web\n"), "{ran:?}");
    assert_eq!(erin.kinds("INC-042"), ["opened", "begin", "end"]);
    let events = erin.events("INC-042");
    assert_eq!(events[1]["approval"]["proof"], "incident", "{}", events[1]);
    assert_eq!(events[1]["approval"]["at"], events[0]["id"]);

    // Several may read at the same time.
    let begin = [&["begin", "INC-042"], &LOGS[..]].concat();
    alice.changegate(&begin).ended(0, &["recorded begin INC-042: pull-logs on checkout-web"]);
    erin.changegate(&begin).went_well();
    alice.changegate(&["end", "INC-042"]).failed(&["several executions of INC-042 are open"]);
    let begun = alice.events("INC-042")[3]["id"].as_str().unwrap()[..10].to_owned();
    alice
        .changegate(&["end", "INC-042", "--execution", &begun])
        .ended(0, &["recorded end INC-042: done"]);
    erin.changegate(&["end", "INC-042", "--result", "failed"]).went_well();
    let shown = erin.changegate(&["incident", "show", "INC-042"]);
    shown.ended(0, &["pull-logs on checkout-web  by erin since", ", failed (", ", done ("]);
    let shown = erin.changegate(&["incident", "show", "INC-042", "--format", "json"]);
    let shown: Value = serde_json::from_str(shown.went_well()).unwrap();
    assert_eq!(shown["executions"].as_array().unwrap().len(), 3);
    assert_eq!(shown["executions"][0]["result"], "failed");

    carol.changegate(&["incident", "resolve", "INC-042"]).went_well();
    erin.changegate(&begin).ended(1, &["execute/incident", "INC-042 is resolved"]);
    hub.is_sound();
    carol.changegate(&["audit", "verify"]).ended(0, &["verified"]);
}

#[test]
fn an_id_means_the_request_where_that_has_the_step() {
    let hub = open();
    let alice = hub.desk("alice");
    alice.declares("INC-042");
    alice.breaks_glass("INC-042").went_well();
    let ask = |step: &[&str]| alice.changegate(&[&["authorize", "INC-042"], step].concat());
    ask(&["--action", "maintenance-mode", "--target", "worker-1"])
        .ended(3, &["execute/not-merged"]);
    ask(&[]).ended(3, &["execute/not-merged"]);
    ask(&LOGS).ended(0, &["approved"]);
}

#[test]
fn a_resolved_incident_pauses_nothing() {
    let hub = open();
    let (alice, carol) = (hub.desk("alice"), hub.desk_at("carol", "night"));
    alice.changegate(&["incident", "resolve", "INC-042"]).ended(1, &["there is no such incident"]);
    alice.declares("INC-042");
    carol.changegate(&["incident", "update", "INC-042", "--pauses", "all"]).went_well();
    alice.changegate(&["incident", "resolve", "INC-042"]).ended(1, &["alice may not"]);
    let show = ["incident", "show", "INC-042"];
    alice.changegate(&show).ended(0, &["pauses all changes"]);
    carol.changegate(&["incident", "resolve", "INC-042"]).went_well();
    let shown = alice.changegate(&show);
    assert!(!shown.went_well().contains("pauses"), "{shown:?}");
}

/// Edges 46: no pause ends silently, nor lasts so.
#[test]
fn a_pause_that_lasts_is_a_warning() {
    let hub = open_with("incident: {pause_warn: 1s}\n");
    let (alice, carol) = (hub.desk("alice"), hub.desk_at("carol", "night"));
    alice.declares("INC-042");
    std::thread::sleep(std::time::Duration::from_secs(2));
    let warned = "INC-042 pauses changes to its services, for";
    let said = alice.changegate(&["list"]);
    assert!(!said.stderr.contains("INC-042"), "it pauses nothing: {said:?}");
    carol.changegate(&["incident", "update", "INC-042", "--pauses", "services"]).went_well();
    std::thread::sleep(std::time::Duration::from_secs(2));
    alice.changegate(&["list"]).ended(0, &[warned, "changegate incident resolve INC-042"]);
    let reminded = "INC-042 has paused changes for";
    alice.changegate(&["sweep"]).ended(0, &[reminded]);
    assert_eq!(alice.changegate(&["sweep"]).went_well(), "", "once from each clone");
    carol.changegate(&["incident", "resolve", "INC-042"]).went_well();
    let said = alice.changegate(&["list"]);
    assert!(!format!("{said:?}").contains("INC-042"), "{said:?}");
}
