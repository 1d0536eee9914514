//! What people are told while a change is executed: what comes next, what goes on, what is waited for.

use std::thread;
use std::time::Duration;

use super::{logs, now, open};
use crate::plumbing::hub::request;

#[test]
fn merge_and_list_say_what_comes_next() {
    let hub = open();
    let (alice, bob) = (hub.desk("alice"), hub.desk("bob"));
    bob.changegate(&["list"]).ended(0, &["no change is open"]);
    alice.submit_text("CHG-001", &logs("CHG-001", "alice")).went_well();
    let merged = alice.changegate(&["merge", "CHG-001"]);
    merged.ended(0, &["\nnext: changegate exec CHG-001 -- COMMAND\n"]);
    bob.submit_text("CHG-002", &request("CHG-002", "bob")).went_well();
    let merged = bob.changegate(&["merge", "CHG-002"]);
    merged.ended(0, &["\nnext: changegate exec CHG-002 -- COMMAND (from ", " UTC on)\n"]);
    bob.submit_text("CHG-003", &now("CHG-003", "bob")).went_well();
    let merged = bob.changegate(&["merge", "CHG-003"]);
    merged.ended(0, &["\nnext: changegate exec CHG-003 -- COMMAND (until "]);
    bob.git(&["switch", "--quiet", "main"]);

    let listed = bob.changegate(&["list"]);
    listed.ended(0, &["ready       CHG-003\n", "scheduled   CHG-002\n", "no change is open"]);
    assert!(listed.stdout.find("CHG-003") < listed.stdout.find("CHG-002"), "{listed:?}");
    let listed = bob.changegate(&["list", "--state", "scheduled"]);
    listed.ended(0, &["\nnext for CHG-002: changegate exec CHG-002 -- COMMAND (from "]);
    assert!(!listed.stdout.contains("CHG-003"), "{listed:?}");

    let begun = bob.changegate(&["begin", "CHG-003"]);
    begun.ended(0, &["\nnext: changegate end CHG-003\n"]);
    let listed = alice.changegate(&["list"]);
    listed.ended(0, &["running     CHG-003  by bob since ", "next: changegate end CHG-003\n"]);
    let json = alice.changegate(&["list", "--format", "json"]).json("list");
    assert_eq!(json["going_on"][0]["what"], "running");
    assert_eq!(json["going_on"][0]["next"], "changegate end CHG-003");
    let ended = bob.changegate(&["end", "CHG-003"]);
    ended.ended(0, &["\nnext: changegate verify CHG-003\n"]);
    alice
        .changegate(&["list"])
        .ended(0, &["executed    CHG-003  done ", "next: changegate verify"]);
    alice
        .changegate(&["show", "CHG-003"])
        .ended(0, &["  next step    changegate verify CHG-003\n"]);
    let undone = bob.exec(&["CHG-003", "--rollback", "--", "true"]);
    undone.ended(0, &["next: changegate verify CHG-003"]);
    assert_eq!(undone.stdout, "", "the command's own output alone");
}

#[test]
fn list_says_first_what_somebody_has_to_look_at() {
    let hub = open();
    let (alice, carol) = (hub.desk("alice"), hub.desk_at("carol", "another"));
    let incident = ["incident", "open", "INC-042", "--severity", "P1", "--service", "checkout"];
    let said = ["--summary", "checkout answers 503", "--pauses", "services"];
    alice.changegate(&[&incident[..], &said].concat()).went_well();
    alice.changegate(&["list"]).ended(
        0,
        &[
            "incident    INC-042  P1 since ",
            ", pauses changes to checkout\n",
            "next: changegate incident resolve INC-042 (an incident commander, or an L3)\n",
        ],
    );
    let shown = alice.changegate(&["operations", "show"]);
    shown.ended(0, &["incident    INC-042  P1 since "]);
    alice.changegate(&["operations", "show", "--format", "json"]).json("operations-open");
    let incidents = alice.changegate(&["incident", "list", "--format", "json"]);
    assert_eq!(incidents.json("incident-list")["incidents"][0]["incident"], "INC-042");
    let shown = alice.changegate(&["incident", "show", "INC-042", "--format", "json"]);
    assert_eq!(shown.json("incident-show")["pauses"], "services");
    let events = alice.changegate(&["operations", "show", "INC-042", "--format", "json"]);
    assert_eq!(events.json("operations-show")["events"][0]["severity"], "P1");
    alice.changegate(&["incident", "show", "INC-777"]).failed(&["`changegate incident list`"]);
    carol.changegate(&["incident", "resolve", "INC-042"]).went_well();
    alice.changegate(&["list"]).ended(0, &["no change is open"]);
    let resolved = alice.changegate(&["incident", "show", "INC-042", "--format", "json"]);
    assert_eq!(resolved.json("incident-show")["resolved_by"], "carol");
}

#[test]
fn what_was_fetched_last_is_shown_where_nothing_can_be_reached() {
    let hub = open();
    let bob = hub.desk("bob");
    bob.merges("CHG-001", &now("CHG-001", "bob"));
    bob.changegate(&["begin", "CHG-001"]).went_well();
    bob.git(&["remote", "set-url", "origin", "/nowhere"]);
    let age = "warning: this shows what was fetched last from origin, ";
    bob.changegate(&["operations", "show"]).ended(0, &["running     CHG-001", age]);
    bob.changegate(&["operations", "show", "CHG-001"]).ended(0, &["begin CHG-001: ", age]);
    bob.changegate(&["incident", "list"]).ended(0, &["no incident is open", age]);
    let quiet = bob.changegate(&["operations", "show", "--no-fetch"]);
    quiet.ended(0, &["running     CHG-001", age]);
}

#[test]
fn what_is_not_merged_is_closed_and_not_cancelled() {
    let hub = open();
    let bob = hub.desk("bob");
    bob.submit_text("CHG-001", &now("CHG-001", "bob")).went_well();
    let cancelled = bob.changegate(&["cancel", "CHG-001", "--reason", "not needed"]);
    cancelled.failed(&["CHG-001 isn't merged: give it up with `changegate close CHG-001`"]);
    bob.changegate(&["close", "CHG-001"]).ended(0, &["closed CHG-001"]);
}

#[test]
fn what_is_recorded_afterwards_says_when_it_was() {
    let hub = open();
    let bob = hub.desk("bob");
    bob.merges("CHG-001", &now("CHG-001", "bob"));
    let at = |minutes| chrono::Utc::now() - chrono::TimeDelta::minutes(minutes);
    let [from, to] = [at(4), at(2)];
    let [started, ended] = [from, to].map(|it| it.format("%Y-%m-%dT%H:%M:%SZ").to_string());
    let times = ["record", "CHG-001", "--started", &started, "--ended", &ended];
    bob.changegate(&[&times[..], &["--why", "no network"]].concat()).went_well();
    let began = from.format("%Y-%m-%d %H:%M").to_string();
    let shown = bob.changegate(&["operations", "show", "CHG-001"]);
    shown.ended(0, &[&format!("    Executed {began}–"), "    no network\n"]);
    bob.changegate(&["show", "CHG-001"]).ended(0, &[&format!(", {began}–")]);
    bob.changegate(&["log", "CHG-001"]).ended(0, &[&format!(", {began}–")]);
}

#[test]
fn who_waits_says_for_what() {
    let hub = open();
    let (bob, dan) = (hub.desk("bob"), hub.desk("dan"));
    bob.merges("CHG-001", &now("CHG-001", "bob"));
    bob.changegate(&["begin", "CHG-001"]).went_well();
    let waited = thread::scope(|scope| {
        let waits = scope.spawn(|| dan.exec(&["CHG-001", "--wait", "40s", "--", "true"]));
        thread::sleep(Duration::from_secs(1));
        bob.changegate(&["end", "CHG-001", "--result", "failed"]).went_well();
        waits.join().unwrap()
    });
    let waits = "note: CHG-001 waits until ";
    waited.ended(0, &[waits, " UTC at most: bob executes it since ", "CHG-001 begins after "]);
    assert_eq!(waited.stderr.matches(waits).count(), 1, "{waited:?}");
}
