//! An emergency that was executed and refused afterwards, and approvals that nobody confirmed.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use crate::executing::{now, open, open_with, recording};
use crate::plumbing::hub::{Desk, Hub, program};

use super::ACTION;

const SOON: &str = "break_glass: {due_after: 1s}\n";

/// Writes and executes an emergency as if nobody could be reached, on what carol is said to have approved.
fn heard(hub: &Hub, alice: &Desk<'_>) {
    alice.changegate(&["incident", "list"]).went_well();
    let away = hub.path("away.git");
    fs::rename(hub.folder(), &away).unwrap();
    let own = ["new", "--emergency", "INC-042", "--action", ACTION, "--break-glass"];
    alice.changegate(&own).went_well();
    let heard = ["--break-glass", "--offline", "--commander", "carol", "--heard", "the bridge"];
    alice.runs("INC-042", &heard).ended(0, &["changegate sync"]);
    fs::rename(&away, hub.folder()).unwrap();
}

#[test]
fn a_refused_emergency_is_closed_all_the_same() {
    let hub = open();
    let (alice, bob, carol) = (hub.desk("alice"), hub.desk("bob"), hub.desk_at("carol", "night"));
    alice.declares("INC-042");
    alice.breaks_glass("INC-042").went_well();
    carol.approve("INC-042").went_well();
    alice.runs("INC-042", &["--break-glass"]).ended(0, &[]);
    bob.changegate(&["review", "INC-042", "--request-changes", "--yes", "--comment", "no"])
        .went_well();
    alice.changegate(&["close", "INC-042"]).went_well();
    alice.git(&["push", "--quiet", "origin", "--delete", "change/INC-042"]);
    alice.runs("INC-042", &["--break-glass"]).ended(201, &["execute/not-merged"]);
    alice.runs("INC-042", &["--rollback"]).ended(0, &[]);
    let failed = ["outcome", "INC-042", "failed", "--note", "it was refused, and undone"];
    alice.changegate(&failed).ended(0, &["recorded outcome INC-042: failed"]);
    alice.runs("INC-042", &["--rollback"]).ended(201, &["execute/closed"]);
    alice.changegate(&["show", "INC-042"]).ended(0, &["INC-042  closed"]);
    hub.is_sound();
}

/// Edges 39: who is named has to say so.
#[test]
fn a_commander_who_never_confirms_it_was_gone_around() {
    let hub = open_with(SOON);
    let (alice, bob, carol) = (hub.desk("alice"), hub.desk("bob"), hub.desk_at("carol", "night"));
    alice.declares("INC-042");
    heard(&hub, &alice);
    alice.changegate(&["sync"]).went_well();
    sleep(Duration::from_secs(2));
    let said = "emergency/commander-unconfirmed: alice heard carol approve it";
    bob.changegate(&["list", "--debts"])
        .ended(0, &["INC-042  overdue", "incident-commander", said]);
    bob.changegate(&["operations", "show", "INC-042"]).ended(0, &[said]);
    bob.changegate(&["show", "INC-042"]).ended(0, &["WARNING", said]);
    // What comes too late settles the debt, and it stays listed.
    carol.approve("INC-042").went_well();
    bob.approve("INC-042").went_well();
    bob.changegate(&["merge", "INC-042"]).ended(0, &["merged INC-042"]);
    bob.changegate(&["list", "--debts"]).ended(0, &["nobody owes a sign-off"]);
    bob.changegate(&["operations", "show", "INC-042"]).ended(0, &[said]);
    bob.changegate(&["explain", "emergency/commander-unconfirmed"])
        .ended(0, &["The incident commander never confirmed the approval"]);
}

/// Edges 38: both executions are kept.
#[test]
fn who_executes_offline_what_others_executed_too_is_listed() {
    let hub = recording();
    let (alice, bob, carol) = (hub.desk("alice"), hub.desk("bob"), hub.desk_at("carol", "night"));
    alice.declares("INC-042");
    bob.merges("CHG-001", &now("CHG-001", "bob"));
    alice.breaks_glass("INC-042").went_well();
    carol.approve("INC-042").went_well();
    let copy = hub.desk_at("alice", "elsewhere");
    copy.changegate(&["incident", "list"]).went_well();
    alice.runs("INC-042", &["--break-glass"]).ended(0, &[]);
    let heard = ["--break-glass", "--offline", "--commander", "carol", "--heard", "the bridge"];
    copy.runs("INC-042", &heard).ended(0, &["changegate sync"]);
    copy.changegate(&["sync"]).ended(0, &["brought begin INC-042"]);
    let said = "execute/concurrent: alice began to execute it offline";
    bob.changegate(&["operations", "show", "INC-042"]).ended(0, &[said]);
    bob.changegate(&["show", "INC-042"]).ended(0, &["WARNING", said]);
    bob.changegate(&["explain", "execute/concurrent"]).ended(0, &["listed for ever"]);

    let at = |minutes| {
        let time = chrono::Utc::now() - chrono::TimeDelta::minutes(minutes);
        time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
    };
    let (from, to) = (at(5), at(3));
    let record = ["record", "CHG-001", "--started", &from, "--ended", &to, "--why", "no network"];
    bob.changegate(&record).went_well();
    let late = "execute/late-record: bob executed it at";
    bob.changegate(&["operations", "show", "CHG-001"]).ended(0, &[late]);
    carol.changegate(&["audit", "verify"]).ended(
        0,
        &[
            "went around  CHG-001, execute/late-record",
            "went around  INC-042, execute/concurrent",
            "verified",
        ],
    );
}

/// Edges 38: offline each of them was alone.
#[test]
fn two_who_undo_it_offline_at_once_are_listed() {
    let hub = open();
    let (bob, dan) = (hub.desk("bob"), hub.desk("dan"));
    bob.merges("CHG-001", &now("CHG-001", "bob"));
    bob.runs("CHG-001", &[]).ended(0, &[]);
    dan.changegate(&["operations", "show"]).went_well();
    let (begun, over) = (hub.path("begun"), hub.path("over"));
    let script =
        format!("touch {}; while [ ! -e {} ]; do sleep 0.1; done", begun.display(), over.display());
    let undo = ["exec", "CHG-001", "--rollback", "--offline", "--", "sh", "-c", &script];
    let mut bobs = bob.command(program(), &undo).spawn().unwrap();
    while !begun.exists() {
        sleep(Duration::from_millis(100));
    }
    sleep(Duration::from_secs(1));
    dan.runs("CHG-001", &["--rollback", "--offline"]).ended(0, &[]);
    sleep(Duration::from_secs(1));
    fs::write(over, "").unwrap();
    assert!(bobs.wait().unwrap().success());
    bob.changegate(&["sync"]).went_well();
    dan.changegate(&["sync"]).went_well();
    bob.changegate(&["operations", "show", "CHG-001"]).ended(0, &["execute/concurrent"]);
}

/// What somebody else submitted meanwhile holds up nothing but the request that waits here.
#[test]
fn a_request_that_cannot_be_submitted_holds_up_no_other() {
    let hub = open();
    let (alice, dan) = (hub.desk("alice"), hub.desk("dan"));
    dan.merges("CHG-001", &now("CHG-001", "dan"));
    dan.exec(&["CHG-001", "--", "true"]).ended(0, &[]);
    alice.declares("INC-042");
    heard(&hub, &alice);
    heard(&hub, &dan);
    let away = hub.path("away.git");
    fs::rename(hub.folder(), &away).unwrap();
    dan.exec(&["CHG-001", "--rollback", "--offline", "--", "true"]).ended(0, &["changegate sync"]);
    fs::rename(&away, hub.folder()).unwrap();
    alice.changegate(&["sync"]).went_well();
    let synced = dan.changegate(&["sync"]);
    let why = "not submitted INC-042: change/INC-042 was submitted by somebody else meanwhile";
    synced.ended(1, &[why, "brought begin CHG-001: rollback"]);
    assert_eq!(dan.kinds("CHG-001"), ["begin", "end", "begin", "end"]);
    // The printed command forgets it.
    let (_, command) = synced.stdout.split_once("forget what waits: `git ").unwrap();
    let command: Vec<_> = command.split('`').next().unwrap().split(' ').collect();
    dan.git(&command);
    let synced = dan.changegate(&["sync"]);
    assert!(!synced.stdout.contains("not submitted"), "{synced:?}");
}

/// What was executed where nobody can be reached is undone there, also if its wrapper was killed.
#[test]
fn what_was_executed_offline_is_undone_offline() {
    let hub = open();
    let (alice, _carol) = (hub.desk("alice"), hub.desk_at("carol", "night"));
    alice.declares("INC-042");
    alice.changegate(&["incident", "list"]).went_well();
    let dan = hub.desk("dan");
    dan.changegate(&["incident", "list"]).went_well();
    let away = hub.path("away.git");
    fs::rename(hub.folder(), &away).unwrap();
    alice
        .changegate(&["new", "--emergency", "INC-042", "--action", ACTION, "--break-glass"])
        .went_well();
    let heard = ["--break-glass", "--offline", "--commander", "carol", "--heard", "the bridge"];
    let exec = [&["exec", "INC-042"], &heard[..], &["--", "sleep", "60"]].concat();
    let mut child = alice.command(program(), &exec).spawn().unwrap();
    let waiting = alice.folder.join(".git/changegate/operations/waiting.jsonl");
    let has_begun = || fs::read_to_string(&waiting).is_ok_and(|text| text.contains("\"begin\""));
    while !has_begun() {
        sleep(Duration::from_millis(100));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    alice.runs("INC-042", &heard).ended(201, &["execute/lost"]);
    let undo = ["INC-042", "--rollback", "--offline", "--", "echo", "undone"];
    alice.exec(&undo).ended(0, &["undone"]);
    // It is who asks for it that executes it, and why isn't found out anywhere else now.
    let request = "requests/INC-042.yaml";
    dan.write(request, &fs::read_to_string(alice.folder.join(request)).unwrap());
    dan.runs("INC-042", &heard).ended(201, &["changegate: as it stands: "]);
    fs::rename(&away, hub.folder()).unwrap();
    alice.changegate(&["sync"]).ended(0, &["submitted INC-042"]);
    let kinds = alice.kinds("INC-042");
    assert_eq!(kinds, ["commander", "begin", "end", "begin", "end", "opened"]);
}
