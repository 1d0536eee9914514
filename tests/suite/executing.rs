//! Executing changes in plain Git: asking, the lock, the command, its end.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;

use chrono::{SecondsFormat, TimeDelta, Utc};
use serde_json::Value;

use crate::plumbing::hub::{Desk, Hub, Ran, request};
use crate::plumbing::root;

mod broken;
mod edges;
mod faults;
mod jobs;
mod next;
mod stories;

pub const WINDOWS: &str = "policies/org/windows/data.yaml";
const SETTINGS: &str = "policies/org/settings/data.yaml";

/// Two windows that are always open, one of them whenever the other changes its day.
pub const ALWAYS: &str = "\
reviewed: 2026-11-02
days:
  days: [mon, tue, wed, thu, fri, sat, sun]
  from: \"00:00\"
  to: \"23:59\"
  zone: UTC
  for: [low, medium, high, critical]
nights:
  days: [mon, tue, wed, thu, fri, sat, sun]
  from: \"12:00\"
  to: \"11:59\"
  zone: UTC
  for: [low, medium, high, critical]
";

/// A hub with an operations log, whose windows are always open.
pub fn open() -> Hub {
    opened("", |_, tip| tip)
}

/// A hub like that, with these settings besides.
pub fn open_with(settings: &str) -> Hub {
    opened(settings, |_, tip| tip)
}

/// A hub like that, with a ledger.
pub fn recording() -> Hub {
    let hub = opened("", |carol, tip| carol.settles(&tip, ""));
    hub.desk_at("carol", "founder").changegate(&["init", "--ledger"]).went_well();
    hub
}

fn opened(settings: &str, settled: impl FnOnce(&Desk<'_>, String) -> String) -> Hub {
    let hub = Hub::open();
    let carol = hub.desk("carol");
    let shipped = fs::read_to_string(root().join(SETTINGS)).unwrap();
    // A setting takes the place of the shipped one, with the lines below it.
    let name = settings.split_inclusive(':').next().unwrap_or_default();
    let mut is_replaced = false;
    let mut lines = Vec::new();
    for line in shipped.lines() {
        is_replaced = match line.starts_with(' ') {
            true => is_replaced,
            false => !name.is_empty() && line.starts_with(name),
        };
        lines.extend((!is_replaced).then_some(line));
    }
    let settings = lines.join("\n") + "\n" + settings;
    let files = [(WINDOWS, ALWAYS), (SETTINGS, settings.as_str())];
    let tip = carol.put("origin/main", &files, "Open always");
    let tip = settled(&carol, tip);
    carol.push(&[&format!("{tip}:refs/heads/main")]).went_well();
    hub.guard();
    carol.changegate(&["init", "--operations"]).ended(0, &["began audit/operations as"]);
    hub
}

/// A change that only reads.
fn logs(id: &str, requester: &str) -> String {
    format!(
        "id: {id}\ntype: normal\nsummary: Read the logs\nreason: somebody asks\n\
         requester: {requester}\nactions: [{{action: pull-logs, target: checkout-web}}]\n\
         impact: {{services: [checkout], users: none, operations: none}}\n\
         rollback: {{steps: [none needed], owner: carol}}\n"
    )
}

/// A change that may run now.
pub fn now(id: &str, requester: &str) -> String {
    let text = request(id, requester);
    let (before, rest) = text.split_once("schedule: ").unwrap();
    let (_, after) = rest.split_once('\n').unwrap();
    let at = |minutes| {
        let time = Utc::now() + TimeDelta::minutes(minutes);
        time.to_rfc3339_opts(SecondsFormat::Secs, true)
    };
    format!("{before}schedule: {{start: {}, end: {}}}\n{after}", at(-10), at(50))
}

impl Desk<'_> {
    /// Submits a request that needs no review, and merges it.
    pub fn merges(&self, id: &str, text: &str) {
        self.submit_text(id, text).ended(0, &["submitted"]);
        self.changegate(&["merge", id]).ended(0, &[&format!("merged {id}")]);
        self.git(&["switch", "--quiet", "main"]);
    }

    pub fn exec(&self, arguments: &[&str]) -> Ran {
        self.changegate(&[&["exec"], arguments].concat())
    }

    /// The events of a change, and behind them those of the incident with its id.
    pub fn events(&self, id: &str) -> Vec<Value> {
        let shown = self.changegate(&["operations", "show", id, "--format", "json"]);
        let shown: Value = serde_json::from_str(shown.went_well()).unwrap();
        let mut events = shown["events"].as_array().unwrap().clone();
        events.sort_by_key(|event| event["change"].is_null());
        events
    }

    pub fn kinds(&self, id: &str) -> Vec<String> {
        let events = self.events(id);
        events.iter().map(|it| it["event"].as_str().unwrap().to_owned()).collect()
    }
}

/// Edges 70: it has no plan, so that it is ready at once, and its end closes it.
#[test]
fn a_change_that_only_reads_closes_by_itself() {
    let hub = open();
    let (alice, bob) = (hub.desk("alice"), hub.desk("bob"));
    alice.exec(&["CHG-001", "--", "true"]).ended(201, &["execute/unknown"]);
    alice.merges("CHG-001", &logs("CHG-001", "alice"));
    bob.changegate(&["authorize", "CHG-001"]).ended(0, &["approved"]);
    alice.changegate(&["authorize", "CHG-001", "--format", "json"]).ended(0, &["\"execute\""]);
    for (days, is_listed) in [(29, false), (31, true)] {
        let then = (Utc::now() + TimeDelta::days(days)).to_rfc3339_opts(SecondsFormat::Secs, true);
        let listed = alice.changegate(&["list", "--state", "ready", "--now", &then]);
        listed.ended(0, &["CHG-001"]);
        assert_eq!(listed.stdout.contains("not executed in 31 d"), is_listed, "{listed:?}");
    }
    let script = "echo \"$CHANGEGATE_CHANGE $CHANGEGATE_STEP $CHANGEGATE_ACTION $CHANGEGATE_TARGET\"; exit 0";
    let ran = alice.exec(&["CHG-001", "--", "sh", "-c", script]);
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (0, "CHG-001 1 pull-logs checkout-web\n"),
        "{ran:?}"
    );
    assert_eq!(alice.kinds("CHG-001"), ["begin", "end", "outcome"]);
    alice.exec(&["CHG-001", "--", "true"]).ended(201, &["execute/closed"]);
    alice.exec(&["CHG-001", "--if-not-done", "--", "false"]).ended(0, &["is done already"]);
}

/// Edges 4: what failed may be tried again. Failures 5: a command that isn't there fails.
#[test]
fn the_exit_code_is_the_command_s() {
    let hub = open();
    let bob = hub.desk("bob");
    bob.merges("CHG-001", &now("CHG-001", "bob"));
    for (command, code, result) in [
        (&["sh", "-c", "exit 7"][..], 7, "failed"),
        (&["sh", "-c", "kill -9 $$"], 137, "stopped"),
        (&["/nowhere/at-all"], 127, "failed"),
        (&["/etc/hostname"], 126, "failed"),
        (&["true"], 0, "done"),
    ] {
        let ran = bob.exec(&[&["CHG-001", "--"], command].concat());
        assert_eq!(ran.code, code, "{ran:?}");
        let events = bob.events("CHG-001");
        let last = events.last().unwrap();
        assert_eq!((&last["event"], &last["result"]), (&"end".into(), &result.into()), "{last}");
    }
    bob.exec(&["CHG-001", "--", "false"]).ended(201, &["execute/empty"]);
    bob.exec(&["CHG-001", "--step", "1", "--", "false"]).ended(201, &["execute/step-done"]);
    bob.exec(&["CHG-001", "--rollback", "--", "true"]).ended(0, &[]);
    bob.exec(&["CHG-001", "--", "true"]).ended(0, &[]);
}

#[test]
fn what_is_wrong_before_the_command_runs_has_a_code_of_its_own() {
    let hub = open();
    let bob = hub.desk("bob");
    for (arguments, code) in [
        (&["CHG-001"][..], 202),
        (&["CHG-001", "--wat", "--", "true"], 202),
        (&["CHG-001", "--wait", "soon", "--", "true"], 202),
        (&["exec", "--", "true"], 202),
        (&["--base", "nowhere", "CHG-001", "--", "true"], 202),
        (&["--help"], 0),
    ] {
        assert_eq!(bob.exec(arguments).code, code, "{arguments:?}");
    }
    let coloured = bob.changegate(&["--color", "never", "exec", "--wat"]);
    assert_eq!(coloured.code, 202, "{coloured:?}");
    bob.changegate(&["begin", "--wat"]).ended(2, &["--wat"]);
    let addressed = ["--log-url", "javascript:alert(1)", "CHG-001", "--", "true"];
    bob.exec(&addressed).ended(202, &["an address begins with https:// or http://"]);
}

/// Edges 6: the other one waits. Attacks 40: nothing begins twice.
#[test]
fn one_of_those_who_begin_at_the_same_time_does() {
    let hub = open();
    let bob = hub.desk("bob");
    bob.merges("CHG-001", &now("CHG-001", "bob"));
    let dan = hub.desk("dan");
    let codes = thread::scope(|scope| {
        let run = |desk: &Desk<'_>| desk.exec(&["CHG-001", "--", "sleep", "3"]).code;
        let all = [&bob, &dan].map(|desk| scope.spawn(move || run(desk)));
        all.map(|it| it.join().unwrap())
    });
    assert!(codes.contains(&0) && codes.contains(&203), "{codes:?}");
    assert_eq!(bob.kinds("CHG-001"), ["begin", "end"]);
}

#[test]
fn what_is_begun_by_hand_is_ended_by_hand() {
    let hub = open();
    let (alice, bob, erin) = (hub.desk("alice"), hub.desk("bob"), hub.desk("erin"));
    bob.merges("CHG-001", &now("CHG-001", "bob"));
    bob.changegate(&["end", "CHG-001"]).failed(&["no execution of CHG-001 is open"]);
    alice.changegate(&["begin", "CHG-001"]).ended(1, &["execute/actor"]);
    bob.changegate(&["begin", "CHG-001"])
        .ended(0, &["recorded begin CHG-001: maintenance-mode on"]);
    bob.changegate(&["begin", "CHG-001"]).ended(3, &["execute/running"]);
    erin.changegate(&["end", "CHG-001"]).failed(&["say with --why why you end what bob began"]);
    erin.changegate(&["end", "CHG-001", "--result", "stopped", "--why", "bob fell ill"])
        .ended(0, &["recorded end CHG-001: stopped"]);
    bob.changegate(&["cancel", "CHG-001", "--reason", "x"]).ended(1, &["was executed already"]);
}

/// Edges 64: what went around the gate isn't executed. Attacks 2, 3, 6: nor is what isn't merged, or not yet.
#[test]
fn what_is_not_approved_is_not_executed() {
    let hub = open();
    let (alice, bob) = (hub.desk("alice"), hub.desk("bob"));
    alice.submit("CHG-001").ended(0, &["submitted"]);
    alice.exec(&["CHG-001", "--", "true"]).ended(203, &["execute/not-merged"]);
    // It waits for its time.
    bob.merges("CHG-002", &request("CHG-002", "bob"));
    bob.exec(&["CHG-002", "--", "true"]).ended(203, &["execute/too-early"]);
    bob.exec(&["CHG-002", "--step", "2", "--", "true"]).ended(201, &["execute/step"]);
    // It went around the gate.
    hub.unguard();
    let carol = hub.desk_at("carol", "around");
    let text = now("CHG-003", "bob");
    let tip = carol.put("origin/main", &[("requests/CHG-003.yaml", &text)], "Put it in");
    carol.push(&[&format!("{tip}:refs/heads/main")]).went_well();
    hub.guard();
    bob.exec(&["CHG-003", "--", "true"]).ended(201, &["execute/unproven"]);
    assert_eq!(bob.kinds("CHG-003"), [""; 0]);
}

/// Edges 34: its execution is lost. Failures 6: until a person says how it ended.
#[test]
fn a_killed_wrapper_is_found() {
    let hub = open();
    let bob = hub.desk("bob");
    bob.merges("CHG-001", &now("CHG-001", "bob"));
    let mut exec =
        bob.command(crate::plumbing::hub::program(), &["exec", "CHG-001", "--", "sleep", "30"]);
    let mut child = exec.spawn().unwrap();
    while bob.kinds("CHG-001").is_empty() {
        thread::sleep(Duration::from_millis(200));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    bob.exec(&["CHG-001", "--", "true"]).ended(201, &["execute/lost"]);
    let events = bob.events("CHG-001");
    assert_eq!(events[1]["result"], "unknown", "{events:?}");
    bob.changegate(&["end", "CHG-001", "--result", "failed", "--why", "looked at it"]).went_well();
    bob.exec(&["CHG-001", "--", "true"]).ended(0, &[]);
}

/// Edges 33: the exit code is the command's, and the end waits for `changegate sync`.
#[test]
fn an_end_that_cannot_be_recorded_waits() {
    let hub = open();
    let bob = hub.desk("bob");
    bob.merges("CHG-001", &now("CHG-001", "bob"));
    let away = hub.path("away.git");
    let script = format!("mv '{}' '{}'", hub.folder().display(), away.display());
    let ran = bob.exec(&["--record-timeout", "1s", "CHG-001", "--", "sh", "-c", &script]);
    ran.ended(0, &["couldn't be recorded", "changegate sync"]);
    fs::rename(&away, hub.folder()).unwrap();
    assert_eq!(bob.kinds("CHG-001"), ["begin"]);
    bob.changegate(&["sync", "--dry-run"]).ended(0, &["would bring end CHG-001: done"]);
    bob.changegate(&["sync"]).ended(0, &["brought end CHG-001: done"]);
    bob.changegate(&["sync"]).ended(0, &["nothing waits here"]);
    assert_eq!(bob.kinds("CHG-001"), ["begin", "end"]);
}

#[test]
fn signals_reach_the_command() {
    let hub = open();
    let bob = hub.desk("bob");
    bob.merges("CHG-001", &now("CHG-001", "bob"));
    let mark = hub.path("mark");
    let script = format!(
        "trap 'echo told >\"{0}\"; exit 3' TERM; : >\"{0}\"; while :; do sleep 0.1; done",
        mark.display()
    );
    let mut exec = bob
        .command(crate::plumbing::hub::program(), &["exec", "CHG-001", "--", "sh", "-c", &script]);
    let mut child = exec.spawn().unwrap();
    while !mark.exists() {
        thread::sleep(Duration::from_millis(100));
    }
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(3));
    assert_eq!(fs::read_to_string(&mark).unwrap(), "told\n");
    assert_eq!(bob.events("CHG-001")[1]["code"], 3);
}

#[test]
fn what_was_executed_without_asking_is_recorded_and_owed() {
    let hub = open();
    let (alice, bob) = (hub.desk("alice"), hub.desk("bob"));
    bob.merges("CHG-001", &now("CHG-001", "bob"));
    let at = |minutes| {
        (Utc::now() - TimeDelta::minutes(minutes)).to_rfc3339_opts(SecondsFormat::Secs, true)
    };
    let record = |desk: &Desk<'_>, from, to, more: &[&str]| {
        let (from, to) = (at(from), at(to));
        let own = ["record", "CHG-001", "--started", &from, "--ended", &to, "--why", "no network"];
        desk.changegate(&[&own[..], more].concat())
    };
    record(&bob, 5, 2, &["--result", "failed"])
        .ended(0, &["recorded record CHG-001: maintenance-mode on", "it is a late record"]);
    record(&bob, 600, 590, &["--result", "failed"])
        .ended(0, &["it went around the rules: payments owes the sign-offs for it"]);
    record(&alice, 5, 2, &["--by", "bob"]).ended(1, &["alice may not"]);
    record(&bob, 2, 5, &[]).failed(&["it ended before it began"]);
    record(&bob, 2, -5, &[]).failed(&["in the future"]);
    record(&bob, 5, 2, &["--step", "2"]).failed(&["has steps 1 to 1"]);
    record(&bob, 5, 2, &["--by", "nobody"]).failed(&["nobody isn't in policies/org/roster"]);
    alice.changegate(&["operations", "show"]).ended(0, &["debt", "owed by payments"]);
}

#[test]
fn who_waits_is_interrupted_at_once() {
    let hub = open();
    let bob = hub.desk("bob");
    bob.merges("CHG-001", &request("CHG-001", "bob"));
    let mut exec = bob.command(
        crate::plumbing::hub::program(),
        &["exec", "CHG-001", "--wait", "20h", "--", "true"],
    );
    let mut child = exec.spawn().unwrap();
    let pid = child.id().to_string();
    // From when on SIGTERM, the fifteenth, is caught.
    let is_caught = || {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
        u64::from_str_radix(mask.trim(), 16).unwrap() >> 14 & 1 == 1
    };
    while !is_caught() {
        thread::sleep(Duration::from_millis(20));
    }
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(bob.kinds("CHG-001"), [""; 0]);
}
