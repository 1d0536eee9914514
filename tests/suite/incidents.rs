//! The night of an incident in plain Git: break-glass, debts, escalations, pauses.

use std::fs;

use chrono::{SecondsFormat, TimeDelta, Utc};
use serde_json::Value;

use changegate::core::operations::event::Event;
use changegate::core::operations::kinds::{Begin, What};
use changegate::core::time::{Duration, Time};

use crate::executing::{now, open, open_with, recording};
use crate::operations::forged::push;
use crate::plumbing::hub::{Desk, Hub, Ran};

mod alone;
mod refused;

const ACTION: &str = "maintenance-mode:worker-1";

impl Desk<'_> {
    fn declares(&self, id: &str) {
        let declare = ["incident", "open", id, "--severity", "P1", "--service", "checkout"];
        self.changegate(&[&declare[..], &["--summary", "checkout answers 503"]].concat())
            .went_well();
    }

    /// Asks for an emergency whose sign-offs may come later: the commander's, and a devops lead's.
    fn breaks_glass(&self, incident: &str) -> Ran {
        let own = ["new", "--emergency", incident, "--action", ACTION, "--break-glass", "--submit"];
        self.changegate(&[&own[..], &["--approval", "devops-lead"]].concat())
    }

    fn runs(&self, id: &str, more: &[&str]) -> Ran {
        self.changegate(&[&["exec", id], more, &["--", "true"]].concat())
    }

    fn debts(&self) -> Vec<Value> {
        let listed = self.changegate(&["list", "--debts", "--state", "all", "--format", "json"]);
        let listed: Value = serde_json::from_str(listed.went_well()).unwrap();
        listed["debts"].as_array().unwrap().clone()
    }
}

#[test]
fn an_emergency_is_executed_from_its_open_change_and_signed_afterwards() {
    let hub = open();
    let (alice, bob, carol) = (hub.desk("alice"), hub.desk("bob"), hub.desk_at("carol", "night"));
    alice.declares("INC-042");
    alice.breaks_glass("INC-042").ended(0, &["submitted INC-042", "incident-commander"]);
    let text = fs::read_to_string(alice.folder.join("requests/INC-042.yaml")).unwrap();
    assert!(text.contains("severity: P1") && text.contains("checkout answers 503"), "{text}");
    // Without the flag it waits as every change, and with it for the commander alone.
    alice.runs("INC-042", &[]).ended(203, &["execute/not-merged"]);
    alice
        .runs("INC-042", &["--break-glass"])
        .ended(203, &["emergency/commander", "changegate review INC-042 --approve"]);
    carol.approve("INC-042").went_well();
    carol.runs("INC-042", &["--break-glass"]).ended(201, &["execute/approver"]);
    alice.runs("INC-042", &["--break-glass"]).ended(0, &[]);

    let told = alice.changegate(&["operations", "show", "INC-042"]).stdout;
    assert!(
        told.find("opened INC-042") < told.find("begin INC-042"),
        "in the order of time: {told}"
    );
    let shown = alice.changegate(&["incident", "show", "INC-042"]);
    shown.ended(0, &["\n  INC-042  executed  done "]);
    let events = alice.events("INC-042");
    let approval = &events[0]["approval"];
    assert_eq!((&approval["proof"], &approval["debtor"]), (&"open".into(), &"payments".into()));
    assert_eq!(approval["owed"][0]["role"], "devops-lead", "{approval}");
    assert_eq!(events[1]["result"], "done");
    alice
        .changegate(&["list", "--debts"])
        .ended(0, &["INC-042", "payments", "devops-lead", "owed"]);
    let check = ["check", "--branch", "INC-042"];
    alice.changegate(&check).ended(3, &["executed under break-glass", "payments owes"]);
    // What was executed doesn't change any more.
    let other = text.replace("answers 503", "answers 504");
    alice.submit_text("INC-042", &other).ended(1, &["request/executing"]);
    alice.changegate(&["merge", "INC-042"]).ended(3, &["waits for    devops-lead"]);

    // The incident is over, and the sign-off counts all the same.
    carol.changegate(&["incident", "resolve", "INC-042"]).went_well();
    bob.approve("INC-042").went_well();
    bob.changegate(&["merge", "INC-042"]).ended(0, &["merged INC-042", "Operations: "]);
    assert_eq!(alice.debts()[0]["state"], "settled");
    alice.runs("INC-042", &[]).ended(201, &["execute/empty"]);
    alice.runs("INC-042", &["--rollback"]).ended(0, &[]);
    hub.is_sound();
}

/// Edges 40, 41: late sign-offs settle a debt, and refusing for good ends it.
#[test]
fn who_owes_sign_offs_gets_nothing_else_merged() {
    let hub = open_with("break_glass: {due_after: 1s}\n");
    let (alice, bob, carol) = (hub.desk("alice"), hub.desk("bob"), hub.desk_at("carol", "night"));
    alice.declares("INC-001");
    alice.breaks_glass("INC-001").went_well();
    carol.approve("INC-001").went_well();
    alice.runs("INC-001", &["--break-glass"]).ended(0, &[]);
    std::thread::sleep(std::time::Duration::from_secs(2));
    bob.submit_text("CHG-002", &now("CHG-002", "bob")).ended(1, &["emergency/debt-overdue"]);
    assert_eq!(alice.debts()[0]["state"], "overdue");
    alice.changegate(&["list", "--debts"]).ended(0, &["INC-001  overdue"]);
    // Signing it, late, ends that.
    bob.approve("INC-001").went_well();
    bob.changegate(&["merge", "INC-001"]).ended(0, &["merged INC-001"]);
    assert_eq!(alice.debts()[0]["state"], "settled-late");
    alice.changegate(&["list", "--debts"]).ended(0, &["nobody owes a sign-off"]);
    let open = alice.changegate(&["operations", "show"]);
    assert!(!open.went_well().contains("debt"), "{open:?}");
    bob.merges("CHG-002", &now("CHG-002", "bob"));

    // So does refusing it for good: nobody owes what was objected to and closed.
    alice.declares("INC-003");
    alice.breaks_glass("INC-003").went_well();
    carol.approve("INC-003").went_well();
    alice.runs("INC-003", &["--break-glass"]).ended(0, &[]);
    std::thread::sleep(std::time::Duration::from_secs(2));
    bob.submit_text("CHG-004", &now("CHG-004", "bob")).ended(1, &["emergency/debt-overdue"]);
    alice.changegate(&["close", "INC-003"]).went_well();
    bob.submit_text("CHG-004", &now("CHG-004", "bob")).ended(1, &["emergency/debt-overdue"]);
    alice.changegate(&["close", "INC-003", "--reopen"]).went_well();
    bob.changegate(&["review", "INC-003", "--request-changes", "--yes", "--comment", "no"])
        .went_well();
    alice.changegate(&["close", "INC-003"]).went_well();
    assert_eq!(alice.debts().last().unwrap()["state"], "refused");
    bob.merges("CHG-004", &now("CHG-004", "bob"));
}

#[test]
fn an_escalation_pauses_other_changes_until_the_incident_is_resolved() {
    let hub = open();
    let (bob, dan, carol) = (hub.desk("bob"), hub.desk("dan"), hub.desk_at("carol", "night"));
    let escalate = ["escalate", "CHG-001", "--severity", "P2", "--summary", "503"];
    bob.merges("CHG-001", &now("CHG-001", "bob"));
    bob.changegate(&escalate).ended(1, &["nothing of it was executed"]);
    bob.changegate(&["begin", "CHG-001"]).went_well();
    bob.changegate(&["end", "CHG-001"]).went_well();
    dan.submit_text("CHG-002", &now("CHG-002", "dan")).went_well();
    bob.changegate(&escalate).ended(
        0,
        &[
            "INC-001 P2 declared",
            "pauses changes to checkout",
            "1  incident-commander  carol or heidi",
            "2  service-owner       bob or dan",
            "roll back: changegate exec CHG-001 --rollback -- COMMAND\n",
            "by carol, bob, somebody of bob's team, an owner of the service, any L3 or an incident commander\n",
        ],
    );
    dan.changegate(&["merge", "CHG-002"]).ended(1, &["conflict/escalation-pause"]);
    let shown = carol.changegate(&["incident", "list"]);
    shown.ended(0, &["INC-001  P2", "pauses changes to its services"]);
    // Undoing it is always allowed.
    carol.runs("CHG-001", &["--rollback"]).ended(0, &[]);
    carol.changegate(&["incident", "resolve", "INC-001"]).went_well();
    dan.changegate(&["merge", "CHG-002"]).ended(0, &["merged CHG-002"]);
    // The next one has the next number.
    let again = bob.changegate(&[&escalate[..], &["--format", "json"]].concat());
    let again: Value = serde_json::from_str(again.went_well()).unwrap();
    assert_eq!((&again["incident"], &again["pauses"]), (&"INC-002".into(), &"services".into()));
    assert_eq!(again["call"][0]["people"][0], "carol");
    assert_eq!(again["events"].as_array().unwrap().len(), 2);
}

#[test]
fn what_was_done_without_asking_is_recorded_on_the_open_change() {
    let hub = open();
    let alice = hub.desk("alice");
    alice.declares("INC-007");
    let at = |minutes| {
        (Utc::now() - TimeDelta::minutes(minutes)).to_rfc3339_opts(SecondsFormat::Secs, true)
    };
    let (from, to) = (at(9), at(5));
    let record = ["record", "INC-007", "--started", &from, "--ended", &to, "--why", "no network"];
    alice.changegate(&record).failed(&["there is no request INC-007, merged or open"]);
    alice.breaks_glass("INC-007").went_well();
    alice
        .changegate(&record)
        .ended(0, &["recorded record INC-007", "payments owes the sign-offs for it"]);
    let shown = alice.changegate(&["list", "--debts"]);
    shown.ended(0, &["INC-007", "payments owes all sign-offs"]);
    // An L3 of another team who had no part in it.
    let debt = alice.debts().pop().unwrap()["event"].as_str().unwrap().to_owned();
    let waive = ["operations", "void", &debt, "--debt", "--why", "signed on paper"];
    alice.changegate(&waive).ended(1, &["alice may not"]);
    hub.desk("erin").changegate(&waive).ended(0, &["recorded voided INC-007"]);
    alice.changegate(&["list", "--debts"]).ended(0, &["nobody owes a sign-off"]);
    let shown = alice.changegate(&["list", "--debts", "--state", "all"]);
    shown.ended(0, &["INC-007  waived  payments owed all sign-offs"]);
}

#[test]
fn an_audit_works_out_again_what_the_log_said() {
    let hub = Hub::recording();
    let (bob, carol) = (hub.desk("bob"), hub.desk("carol"));
    carol.changegate(&["init", "--operations"]).went_well();
    carol.declares("INC-001");
    bob.submit("CHG-001").went_well();
    bob.changegate(&["merge", "CHG-001"]).ended(0, &["merged CHG-001"]);
    carol.changegate(&["incident", "update", "INC-001", "--pauses", "all"]).went_well();
    carol.changegate(&["audit", "verify"]).ended(0, &[]);
}

/// Edges 32: what was recorded waits for `changegate sync`.
#[test]
fn an_emergency_goes_on_where_nobody_can_be_reached() {
    let hub = open();
    let (alice, bob, carol) = (hub.desk("alice"), hub.desk("bob"), hub.desk_at("carol", "night"));
    bob.merges("CHG-001", &now("CHG-001", "bob"));
    bob.changegate(&["incident", "list"]).went_well();
    alice.declares("INC-042");
    let away = hub.path("away.git");
    fs::rename(hub.folder(), &away).unwrap();

    let own = ["new", "--emergency", "INC-042", "--action", ACTION, "--break-glass"];
    alice.changegate(&[&own[..], &["--approval", "devops-lead"]].concat()).went_well();
    let offline = ["--break-glass", "--offline"];
    alice
        .runs("INC-042", &offline)
        .ended(202, &["only an emergency under break-glass or a rollback"]);
    let heard =
        |who| [&offline[..], &["--commander", who, "--heard", "the bridge, 03:12"]].concat();
    // Nobody commands an incident who isn't listed for that.
    alice.runs("INC-042", &heard("dan")).ended(202, &["dan doesn't approve it"]);
    alice.runs("INC-042", &heard("carol")).ended(0, &["changegate sync"]);
    bob.runs("CHG-001", &["--offline"]).ended(202, &["only an emergency under break-glass"]);

    fs::rename(&away, hub.folder()).unwrap();
    alice
        .changegate(&["sync", "--dry-run"])
        .ended(0, &["would submit INC-042", "would bring begin"]);
    alice
        .changegate(&["sync"])
        .ended(0, &["submitted INC-042", "brought commander INC-042", "brought end INC-042: done"]);
    alice.changegate(&["sync"]).ended(0, &["nothing waits here"]);
    let events = carol.events("INC-042");
    let kinds: Vec<_> = events.iter().map(|it| it["event"].as_str().unwrap()).collect();
    // With those of the incident, which has the number of the request.
    assert_eq!(kinds, ["commander", "begin", "end", "opened"]);
    // The commander's own word is owed, too, and there is time for it.
    let shown = carol.changegate(&["operations", "show", "INC-042"]);
    assert!(!shown.went_well().contains("WARNING"), "{shown:?}");
    let owed = events[1]["approval"]["owed"].as_array().unwrap();
    assert!(owed.iter().any(|it| it["kind"] == "commander"), "{owed:?}");
    carol.changegate(&["list", "--debts"]).ended(0, &["INC-042", "incident-commander"]);
    carol.approve("INC-042").went_well();
    bob.approve("INC-042").went_well();
    bob.changegate(&["merge", "INC-042"]).ended(0, &["merged INC-042"]);
}

/// Attacks 51: no debt is put on another team.
#[test]
fn what_was_executed_from_an_open_change_is_undone_from_there() {
    let hub = open();
    let (alice, bob, carol) = (hub.desk("alice"), hub.desk("bob"), hub.desk_at("carol", "night"));
    alice.declares("INC-042");
    alice.breaks_glass("INC-042").ended(0, &["submitted INC-042"]);
    carol.approve("INC-042").went_well();
    alice.runs("INC-042", &["--break-glass"]).ended(0, &[]);
    let line = alice.events("INC-042")[0].to_string();
    let executed = Event::read(&line).unwrap();
    let What::Begin(begin) = executed.what() else { panic!("{line}") };
    bob.runs("INC-042", &["--rollback"]).ended(0, &[]);
    assert_eq!(alice.debts().len(), 1, "undoing it makes no second debt");
    // Claiming to have been offline changes nothing of what is owed.
    let lies: [fn(&mut Begin); 3] = [
        |it| (it.approval.owed, it.approval.debtor) = (Vec::new(), None),
        |it| it.approval.debtor = Some("platform".to_owned()),
        |it| {
            let owed = it.approval.owed.iter_mut();
            owed.for_each(|owed| owed.due_at = owed.due_at + Duration::days(9));
        },
    ];
    for lie in lies {
        let mut begin = begin.clone();
        begin.lease_until = Time::from(Utc::now() + TimeDelta::minutes(30));
        lie(&mut begin);
        push(&alice, What::Begin(begin), (Some("INC-042"), None), |it| {
            it.head.offline = true;
            it.head.policies = executed.head().policies.clone();
        })
        .ended(1, &["it owes something else than follows from its request"]);
    }
}

#[test]
fn an_audit_accuses_nobody_of_an_emergency_that_was_signed_afterwards() {
    let hub = recording();
    let (alice, bob, carol) = (hub.desk("alice"), hub.desk("bob"), hub.desk_at("carol", "night"));
    alice.declares("INC-042");
    alice.breaks_glass("INC-042").ended(0, &["submitted INC-042"]);
    carol.approve("INC-042").went_well();
    alice.runs("INC-042", &["--break-glass"]).ended(0, &[]);
    bob.approve("INC-042").went_well();
    bob.changegate(&["merge", "INC-042"]).ended(0, &["merged INC-042"]);
    carol.changegate(&["audit", "verify"]).ended(0, &["verified"]);
}

#[test]
fn what_is_closed_is_in_nobody_s_way() {
    let hub = open();
    let bob = hub.desk("bob");
    let same =
        |id: &str| now(id, "bob").replace(&format!("worker-{}", id.replace('-', "")), "worker-1");
    bob.merges("CHG-001", &same("CHG-001"));
    bob.submit_text("CHG-002", &same("CHG-002")).ended(1, &["conflict/overlap", "CHG-001"]);
    bob.git(&["switch", "--quiet", "main"]);
    bob.changegate(&["cancel", "CHG-001", "--reason", "CHG-002 does it"]).went_well();
    bob.merges("CHG-002", &same("CHG-002"));
    hub.is_sound();
}

#[test]
fn nothing_is_executed_offline_where_the_settings_say_so() {
    let hub = open_with("execution: {offline: \"off\"}\n");
    let alice = hub.desk("alice");
    alice
        .runs("INC-042", &["--rollback", "--offline"])
        .ended(202, &["nothing is executed offline"]);
}

#[test]
fn a_sweep_reminds_once_of_what_is_open_for_too_long() {
    let hub = open_with("break_glass: {due_after: 1s}\n");
    let (alice, bob, carol) = (hub.desk("alice"), hub.desk("bob"), hub.desk_at("carol", "night"));
    bob.merges("CHG-002", &now("CHG-002", "bob"));
    bob.changegate(&["begin", "CHG-002"]).went_well();
    alice.declares("INC-001");
    alice.breaks_glass("INC-001").went_well();
    carol.approve("INC-001").went_well();
    alice.runs("INC-001", &["--break-glass"]).ended(0, &[]);
    std::thread::sleep(std::time::Duration::from_secs(2));
    let later = |hours| {
        let time = Utc::now() + TimeDelta::hours(hours);
        time.to_rfc3339_opts(SecondsFormat::Secs, true)
    };
    let sweep = |hours, more: &[&str]| {
        let now = later(hours);
        let said = carol.changegate(&[&["sweep", "--now", &now], more].concat());
        said.went_well().to_owned()
    };
    let owes = "alice: INC-001 was executed before it was signed off: payments owes devops-lead";
    for _ in 0..2 {
        assert!(sweep(0, &["--dry-run"]).contains(owes));
    }
    let said = sweep(0, &[]);
    assert!(said.contains(owes) && !said.contains("CHG-002"), "{said}");
    assert_eq!(sweep(0, &[]), "");
    let said = sweep(3, &[]);
    let lost = "bob: nobody knows how an execution of CHG-002 ended";
    assert!(said.starts_with(lost) && !said.contains("INC-001"), "{said}");
    let said = sweep(48, &[]);
    for id in ["CHG-002", "INC-001"] {
        let missing = format!("{id} was executed, and ");
        assert!(said.contains(&missing), "{id}: {said}");
    }
    assert_eq!(sweep(49, &[]), "");
}

/// Whatever became of its branch since, it is undone as it was approved and executed.
#[test]
fn what_was_executed_from_an_open_change_is_undone_as_it_was_approved() {
    let hub = recording();
    let (alice, carol) = (hub.desk("alice"), hub.desk_at("carol", "night"));
    alice.declares("INC-042");
    alice.breaks_glass("INC-042").went_well();
    carol.approve("INC-042").went_well();
    alice.runs("INC-042", &["--break-glass"]).ended(0, &[]);
    alice.git(&["fetch", "--quiet"]);
    let branch = "origin/change/INC-042";
    let text = alice.git(&["show", &format!("{branch}:requests/INC-042.yaml")]) + "\n";
    let other = text.replace("worker-1", "worker-2");
    assert_ne!(text, other);
    let tip = alice.put(branch, &[("requests/INC-042.yaml", &other)], "Another worker");
    alice.push(&[&format!("{tip}:refs/heads/change/INC-042")]).went_well();
    let undo = ["INC-042", "--rollback", "--", "sh", "-c", "echo to $CHANGEGATE_TARGET"];
    let ran = alice.exec(&undo);
    ran.ended(0, &["to worker-1\n"]);
    let events = alice.events("INC-042");
    assert_eq!(events[2]["steps"][0]["target"], "worker-1");
    let verified = carol.changegate(&["audit", "verify"]);
    verified.ended(0, &["verified"]);
    assert!(!verified.stdout.contains("execute/unauthorized"), "{verified:?}");
}

/// What follows on an event that the server refuses waits with it.
#[test]
fn nothing_is_lost_that_the_server_refuses_for_now() {
    let hub = open();
    let bob = hub.desk("bob");
    bob.merges("CHG-001", &now("CHG-001", "bob"));
    bob.runs("CHG-001", &[]).ended(0, &[]);
    bob.runs("CHG-001", &["--rollback", "--offline"]).ended(0, &["changegate sync"]);
    let hook = hub.folder().join("hooks/pre-receive");
    fs::write(hook, "#!/bin/sh\necho 'not now' >&2\nexit 1\n").unwrap();
    bob.changegate(&["sync"]).ended(1, &["refused begin CHG-001", "not now"]);
    hub.guard();
    bob.changegate(&["sync"]).ended(0, &["brought begin CHG-001", "brought end CHG-001"]);
    assert_eq!(bob.kinds("CHG-001"), ["begin", "end", "begin", "end"]);
}
