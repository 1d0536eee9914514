//! Edge cases of executions that take real repositories, people and keys.

use std::fs;

use chrono::{SecondsFormat, TimeDelta, Utc};

use super::{ALWAYS, WINDOWS, logs, now, open};
use crate::plumbing::hub::{Desk, Hub, Ran, program, request};

const ROSTER: &str = "policies/org/roster/data.yaml";
const ACTIONS: &str = "policies/org/actions/data.yaml";

/// A change with two steps, of medium risk, that may run now.
fn two_steps(id: &str, who: &str) -> String {
    let text = now(id, who);
    let (before, rest) = text.split_once("actions: ").unwrap();
    let (_, after) = rest.split_once('\n').unwrap();
    let actions = "[{action: restart-pods, target: checkout-web}, {action: purge-cache, target: checkout-cache}]";
    format!("{before}actions: {actions}\n{after}")
}

impl Hub {
    /// Puts files on main, whatever the hook says of it.
    fn governs(&self, files: &[(&str, &str)]) {
        self.unguard();
        let carol = self.desk_at("carol", &format!("governing-{}", self.tip("main").unwrap()));
        let tip = carol.put("origin/main", files, "Govern");
        carol.push(&[&format!("{tip}:refs/heads/main")]).went_well();
        self.guard();
    }

    /// A file on main.
    fn on_main(&self, path: &str) -> String {
        self.git(&["show", &format!("main:{path}")])
    }
}

/// Edges 5: what is done isn't done again.
#[test]
fn a_pipeline_that_runs_again_does_nothing() {
    let hub = open();
    let bob = hub.desk("bob");
    bob.merges("CHG-001", &two_steps("CHG-001", "bob"));
    let mark = hub.path("mark");
    let mark = mark.to_str().unwrap();
    bob.exec(&["CHG-001", "--step", "1", "--", "true"]).ended(0, &[]);
    for named in [&["--step", "1"][..], &["--action", "restart-pods", "--target", "checkout-web"]] {
        let again = [&["CHG-001"], named].concat();
        bob.exec(&[&again[..], &["--", "touch", mark]].concat()).ended(201, &["execute/step-done"]);
        let if_not_done = [&again[..], &["--if-not-done", "--", "touch", mark]].concat();
        bob.exec(&if_not_done).ended(0, &["is done already"]);
    }
    bob.exec(&["CHG-001", "--step", "1", "--step", "2", "--", "touch", mark])
        .ended(201, &["execute/step-done"]);
    assert!(!hub.path("mark").exists());
    bob.exec(&["CHG-001", "--", "touch", mark]).ended(0, &[]);
    bob.exec(&["CHG-001", "--if-not-done", "--", "false"]).ended(0, &["is done already"]);
}

/// Edges 9, 10: a command takes its parameters from the approval.
#[test]
fn a_command_gets_the_parameters_that_were_approved() {
    let hub = open();
    let bob = hub.desk("bob");
    let text = now("CHG-001", "bob");
    let text = text.replace("-CHG001}", "-CHG001, parameters: {to: eu-west-2, pods: 12}}");
    bob.merges("CHG-001", &text);
    let other = ["CHG-001", "--parameter", "to=us-east-1", "--", "true"];
    bob.exec(&other)
        .ended(201, &["execute/parameters", "`to` was stated as us-east-1; approved is eu-west-2"]);
    let script =
        "echo \"$CHANGEGATE_PARAMETER_TO $CHANGEGATE_PARAMETER_PODS $CHANGEGATE_PARAMETERS\"";
    let ran = bob.exec(&["CHG-001", "--", "sh", "-c", script]);
    assert_eq!(ran.stdout, "eu-west-2 12 {\"pods\":12,\"to\":\"eu-west-2\"}\n", "{ran:?}");
}

/// Edges 12, 13: until it begins, the merged version runs; from then on it isn't amended.
#[test]
fn an_amendment_comes_before_the_execution_or_not_at_all() {
    let hub = open();
    let bob = hub.desk("bob");
    bob.merges("CHG-001", &two_steps("CHG-001", "bob"));
    let other = two_steps("CHG-001", "bob").replace("checkout-cache", "checkout-web");
    bob.submit_text("CHG-001", &other).ended(0, &["submitted"]);
    bob.git(&["switch", "--quiet", "main"]);
    bob.changegate(&["begin", "CHG-001", "--step", "1"]).ended(0, &["recorded begin"]);
    bob.changegate(&["merge", "CHG-001"]).ended(1, &["request/executing"]);
    bob.changegate(&["check", "--branch", "CHG-001"]).ended(1, &["request/executing"]);
    // By hand, too.
    bob.git(&["fetch", "--quiet", "origin"]);
    let tree = bob.git(&["rev-parse", "origin/change/CHG-001^{tree}"]);
    let parents = ["origin/main", "origin/change/CHG-001"];
    let merge = bob.commit(&tree, &parents, "Merge CHG-001: it is fine", &["-S"], &[]);
    bob.push(&[&format!("{merge}:refs/heads/main")]).refused(&["has to be judged again"]);
    bob.changegate(&["end", "CHG-001"]).went_well();
    bob.changegate(&["merge", "CHG-001"]).ended(1, &["request/executing"]);
    bob.exec(&["CHG-001", "--", "sh", "-c", "echo $CHANGEGATE_TARGET"])
        .ended(0, &["checkout-cache"]);
}

/// Edges 15, 16: what begins during a step stops the next one, and not the step.
#[test]
fn a_freeze_or_a_pause_lets_a_step_end() {
    let hub = open();
    let (bob, dan) = (hub.desk("bob"), hub.desk("dan"));
    bob.merges("CHG-001", &two_steps("CHG-001", "bob"));
    dan.merges("CHG-002", &now("CHG-002", "dan"));
    dan.exec(&["CHG-002", "--", "true"]).ended(0, &[]);
    bob.changegate(&["begin", "CHG-001", "--step", "1"]).went_well();
    dan.changegate(&["escalate", "CHG-002", "--severity", "P2", "--summary", "503"]).went_well();
    bob.changegate(&["end", "CHG-001"]).ended(0, &["recorded end CHG-001: done"]);
    bob.exec(&["CHG-001", "--", "true"]).ended(201, &["conflict/escalation-pause"]);
    bob.changegate(&["begin", "CHG-001", "--rollback"]).went_well();
    let freezes = "policies/org/freezes/data.yaml";
    let frozen = "reviewed: 2026-11-02\nfreezes: [{name: always, start: 2020-01-01T00:00:00Z, end: 2099-01-01T00:00:00Z}]\nquarters: []\n";
    hub.governs(&[(freezes, frozen)]);
    bob.changegate(&["end", "CHG-001"]).ended(0, &["recorded end CHG-001: done"]);
    hub.desk_at("carol", "night").changegate(&["incident", "resolve", "INC-001"]).went_well();
    bob.exec(&["CHG-001", "--step", "1", "--", "true"]).ended(201, &["window/freeze"]);
}

/// Edges 22: an approval outlasts who gave it, and entitles nobody.
#[test]
fn who_left_the_roster_executes_nothing() {
    // What an L1 performs is signed off before it starts, which a slow machine takes longer for.
    let in_time = [20, 80, 320].into_iter().find_map(|seconds| {
        let hub = open();
        let (_, text) = planned(&now("CHG-001", "alice"), "start", seconds);
        let alice = hub.desk("alice");
        alice.submit_text("CHG-001", &text);
        hub.desk("bob").approve("CHG-001");
        (alice.changegate(&["merge", "CHG-001"]).code == 0).then_some(hub)
    });
    let hub = in_time.unwrap();
    let (alice, bob) = (hub.desk_at("alice", "alice-later"), hub.desk_at("bob", "bob-later"));
    let roster = hub.on_main(ROSTER);
    let key = hub.public_key("bob");
    hub.governs(&[(ROSTER, &roster.replace(&format!(", keys: [\"{key}\"]"), ""))]);
    bob.exec(&["CHG-001", "--", "true"]).ended(201, &["which git signs with, is nobody's"]);
    alice.exec(&["CHG-001", "--wait", "10m", "--", "true"]).ended(0, &[]);
    let begin = &alice.events("CHG-001")[0];
    assert_eq!(begin["approval"]["signed_by"][0], "bob", "{begin}");
}

/// Edges 25: nothing is decided by policies that can't be read.
#[test]
fn broken_policies_decide_nothing() {
    let hub = open();
    let bob = hub.desk("bob");
    bob.merges("CHG-001", &now("CHG-001", "bob"));
    hub.governs(&[("policies/rules/execute/execute.rego", "package changegate.rules.execute {")]);
    let mark = hub.path("mark");
    bob.exec(&["CHG-001", "--", "touch", mark.to_str().unwrap()]).ended(202, &["execute.rego"]);
    bob.changegate(&["authorize", "CHG-001"]).ended(2, &["execute.rego"]);
    assert!(!mark.exists());
}

/// Edges 27: who acts is proven, whatever variables say. Attacks 52, 53: a clock and a pipeline of one's own.
#[test]
fn nothing_is_believed_that_variables_and_flags_say_of_who_and_when() {
    let hub = open();
    let (alice, bob) = (hub.desk("alice"), hub.desk("bob"));
    bob.merges("CHG-001", &now("CHG-001", "bob"));
    let exec = |desk: &Desk<'_>| {
        let mut command = desk.command(program(), &["exec", "CHG-001", "--", "true"]);
        for (name, value) in [
            ("GITHUB_ACTOR", "carol"),
            ("GITHUB_ACTOR_ID", "103"),
            ("GITHUB_TRIGGERING_ACTOR", "carol"),
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_REPOSITORY", "acme/ops"),
            ("GITHUB_WORKFLOW_REF", "acme/ops/.github/workflows/deploy.yml@refs/heads/main"),
            ("CI", "true"),
            ("USER", "carol"),
        ] {
            command.env(name, value);
        }
        Ran::of(&mut command, "")
    };
    exec(&alice).ended(201, &["alice may not execute it"]);
    exec(&bob).ended(0, &[]);
    for event in bob.events("CHG-001") {
        assert_eq!(event["by"], "bob", "{event}");
    }
    bob.merges("CHG-002", &request("CHG-002", "bob"));
    let later = ["exec", "CHG-002", "--now", "2099-01-01T00:00:00Z", "--", "true"];
    bob.changegate(&later).ended(202, &["unexpected argument '--now'"]);
    for verb in ["begin", "end", "outcome", "cancel"] {
        bob.changegate(&[verb, "CHG-002", "--now", "2099-01-01T00:00:00Z"]).ended(2, &["'--now'"]);
    }
}

/// Edges 31: a planned change waits for the network. Failures 1: so does its question.
#[test]
fn a_planned_change_waits_for_the_network() {
    let hub = open();
    let bob = hub.desk("bob");
    bob.merges("CHG-001", &now("CHG-001", "bob"));
    let away = hub.path("away.git");
    fs::rename(hub.folder(), &away).unwrap();
    let mark = hub.path("mark");
    let touch = ["--", "touch", mark.to_str().unwrap()];
    bob.exec(&[&["CHG-001"], &touch[..]].concat()).ended(202, &["git can't fetch from origin"]);
    bob.exec(&[&["CHG-001", "--offline"], &touch[..]].concat())
        .ended(202, &["only an emergency under break-glass or a rollback"]);
    bob.changegate(&["begin", "CHG-001"]).failed(&["git can't fetch from origin"]);
    assert!(!mark.exists());
    // What was fetched last still answers.
    bob.changegate(&["authorize", "CHG-001", "--no-fetch"])
        .ended(0, &["approved", "execute/offline"]);
    fs::rename(&away, hub.folder()).unwrap();
    assert_eq!(bob.kinds("CHG-001"), [""; 0]);
}

/// Edges 35, 36: where the runner is gone, only who may act says what came of it. Attacks 41: nobody else.
#[test]
fn what_ran_on_a_machine_that_is_gone_is_ended_by_who_may_act() {
    let hub = open();
    // Alice is of another team.
    let (alice, carol) = (hub.desk("alice"), hub.desk_at("carol", "night"));
    carol.merges("CHG-001", &now("CHG-001", "carol"));
    let runner = hub.desk_at("carol", "runner");
    runner.changegate(&["begin", "CHG-001"]).went_well();
    fs::remove_dir_all(&runner.folder).unwrap();
    carol.exec(&["CHG-001", "--", "true"]).ended(203, &["execute/running"]);
    let why = ["--why", "its host is gone"];
    let end = |desk: &Desk<'_>, result| {
        desk.changegate(&[&["end", "CHG-001", "--result", result], &why[..]].concat())
    };
    end(&alice, "done").ended(1, &["alice may not"]);
    end(&carol, "unknown").ended(0, &["recorded end CHG-001: unknown"]);
    carol.exec(&["CHG-001", "--", "true"]).ended(201, &["execute/lost"]);
    end(&alice, "done").ended(1, &["alice may not"]);
    end(&carol, "failed").went_well();
    carol.exec(&["CHG-001", "--", "true"]).ended(0, &[]);
}

/// Edges 42: where nothing was executed, nothing is owed.
#[test]
fn break_glass_that_nobody_used_is_not_owed() {
    let hub = open();
    let (alice, carol) = (hub.desk("alice"), hub.desk_at("carol", "night"));
    let declare = ["incident", "open", "INC-042", "--severity", "P1", "--service", "checkout"];
    alice.changegate(&[&declare[..], &["--summary", "503"]].concat()).went_well();
    let new = ["new", "--emergency", "INC-042", "--action", "maintenance-mode:worker-1"];
    alice.changegate(&[&new[..], &["--break-glass", "--submit"]].concat()).went_well();
    carol.approve("INC-042").went_well();
    alice.changegate(&["list", "--debts", "--format", "json"]).ended(0, &["\"debts\": []"]);
}

/// Attacks 5: of two files with one id, none is the request.
#[test]
fn two_files_of_one_id_are_no_request() {
    for other in ["requests/chg-001.yaml", "requests/other/CHG-001.yaml"] {
        let hub = open();
        let bob = hub.desk("bob");
        bob.merges("CHG-001", &now("CHG-001", "bob"));
        hub.governs(&[(other, &now("CHG-001", "bob"))]);
        bob.exec(&["CHG-001", "--", "true"]).ended(201, &["execute/unknown"]);
    }
}

/// Edges 56: an outcome is said once, until it is voided.
#[test]
fn an_outcome_is_voided_before_another_is_said() {
    let hub = open();
    let (alice, bob) = (hub.desk("alice"), hub.desk("bob"));
    alice.merges("CHG-001", &logs("CHG-001", "alice"));
    alice.exec(&["CHG-001", "--", "true"]).ended(0, &[]);
    let failed = ["outcome", "CHG-001", "failed", "--note", "there was nothing"];
    alice.changegate(&failed).ended(1, &["it is closed already"]);
    let events = alice.events("CHG-001");
    let of = events[2]["id"].as_str().unwrap();
    bob.changegate(&["operations", "void", of, "--why", "x"]).ended(1, &["bob may not"]);
    alice.changegate(&["operations", "void", of, "--why", "the wrong logs"]).went_well();
    alice.changegate(&failed).ended(0, &["recorded outcome CHG-001: failed"]);
    assert_eq!(alice.kinds("CHG-001")[2..], ["outcome", "voided", "outcome"]);
}

/// A request with another start or end, in so many seconds.
fn planned(text: &str, which: &str, seconds: i64) -> (i64, String) {
    let at = Utc::now() + TimeDelta::seconds(seconds);
    let time = at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let (before, rest) = text.split_once(&format!("{which}: ")).unwrap();
    let (_, after) = rest.split_at(time.len());
    (at.timestamp(), format!("{before}{which}: {time}{after}"))
}

/// Edges 2: what goes on beyond its planned end is warned of, and says by how much.
#[test]
fn a_command_goes_on_beyond_the_planned_end() {
    // A slow machine takes longer to begin it.
    let in_time = [20, 80, 320].into_iter().find_map(|seconds| {
        let hub = open();
        let (end, text) = planned(&now("CHG-001", "bob"), "end", seconds);
        let bob = hub.desk("bob");
        bob.submit_text("CHG-001", &text);
        bob.changegate(&["merge", "CHG-001"]);
        // It ends some seconds after the plan does.
        let script = format!("while [ $(date +%s) -lt {} ]; do sleep 0.2; done", end + 3);
        let ran = bob.exec(&["CHG-001", "--", "sh", "-c", &script]);
        (ran.code == 0).then_some((hub, ran))
    });
    let (hub, ran) = in_time.unwrap();
    let bob = hub.desk_at("bob", "bob-later");
    ran.ended(0, &["the planned end", "has passed, and the command goes on"]);
    let events = bob.events("CHG-001");
    assert!(events[1]["overran"].as_str().is_some(), "{events:?}");
    bob.changegate(&["authorize", "CHG-001", "--rollback"]).ended(0, &["approved"]);
    bob.changegate(&["outcome", "CHG-001", "failed", "--note", "x"])
        .ended(1, &["outcome/monitoring"]);
}

/// Attacks 35: what an older base allowed counts no longer, where the hook can't be asked, too.
#[test]
fn the_windows_of_the_moment_count() {
    let hub = open();
    let bob = hub.desk("bob");
    bob.merges("CHG-001", &now("CHG-001", "bob"));
    bob.changegate(&["authorize", "CHG-001"]).ended(0, &["approved"]);
    let never = ALWAYS.replace("mon, tue, wed, thu, fri, sat, sun", "").replace("[]", "[mon]");
    let never = never.replace("for: [low, medium, high, critical]", "for: [low]");
    hub.governs(&[(WINDOWS, &never)]);
    bob.exec(&["CHG-001", "--", "true"]).ended(201, &["window/closed"]);
}

/// Who may neither execute a change nor undo it ends nothing of it.
#[test]
fn an_execution_is_ended_by_who_could_do_or_undo_it() {
    let hub = open();
    let (catalogue, usual) = (hub.on_main(ACTIONS) + "\n", "the flag back off, needed: true,");
    assert!(catalogue.contains(usual));
    let raised = catalogue.replace(usual, &format!("{usual} level: L3,"));
    hub.governs(&[(ACTIONS, &raised)]);
    let (alice, bob) = (hub.desk("alice"), hub.desk("bob"));
    bob.merges("CHG-001", &now("CHG-001", "bob"));
    bob.changegate(&["begin", "CHG-001"]).went_well();
    alice
        .changegate(&["end", "CHG-001", "--result", "done", "--why", "it looks so"])
        .ended(1, &["alice may not"]);
    bob.changegate(&["end", "CHG-001"]).went_well();
}
