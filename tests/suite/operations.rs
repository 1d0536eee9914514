//! The operations log of a repository in plain Git: it begins, takes what holds, and nothing else.

use std::thread;

use serde_json::Value;

use crate::plumbing::hub::{Desk, Hub, Ran};

mod attacks;
pub mod forged;
pub mod tokens;
mod witnessed;

/// A hub whose operations log has begun.
fn begun() -> Hub {
    let hub = Hub::guarded();
    hub.desk("carol")
        .changegate(&["init", "--operations"])
        .ended(0, &["began audit/operations as"]);
    hub
}

/// The subjects of the log's commits, the newest first.
fn titles(hub: &Hub) -> Vec<String> {
    hub.git(&["log", "--format=%s", "audit/operations"]).lines().map(str::to_owned).collect()
}

impl Desk<'_> {
    fn incident(&self, arguments: &[&str]) -> Ran {
        self.changegate(&[&["incident"], arguments].concat())
    }

    fn opens(&self, id: &str) -> Ran {
        self.incident(&[
            "open",
            id,
            "--severity",
            "P1",
            "--service",
            "checkout",
            "--summary",
            "503",
        ])
    }
}

/// Edges 47: who opened an incident doesn't resolve it.
#[test]
fn an_incident_from_beginning_to_end() {
    let hub = Hub::guarded();
    let (alice, carol) = (hub.desk("alice"), hub.desk("carol"));
    alice.opens("INC-001").failed(&["there is no audit/operations yet", "init --operations"]);
    alice.changegate(&["init", "--operations", "--dry-run"]).ended(0, &["would begin", "alice"]);
    assert_eq!(hub.tip("audit/operations"), None);
    carol.changegate(&["init", "--operations"]).ended(0, &["began audit/operations as"]);
    carol.changegate(&["init", "--operations"]).failed(&["has begun already"]);

    alice.opens("INC-001").ended(0, &["recorded opened INC-001: P1 ("]);
    alice
        .opens("INC-001")
        .ended(1, &["`opened` of INC-001 isn't recorded", "it was opened already"]);
    carol.incident(&["list"]).ended(0, &["INC-001  P1  since", "checkout", "commanded by nobody"]);
    alice
        .incident(&["update", "INC-001", "--severity", "P3"])
        .ended(1, &["alice may not", "its commander, an incident commander or an L3"]);
    alice.incident(&["update", "INC-001", "--commander", "carol", "--note", "called"]).went_well();
    alice.incident(&["update", "INC-001", "--pauses", "services"]).went_well();
    alice
        .incident(&["update", "INC-001", "--pauses", "all"])
        .ended(1, &["alice may not", "an L2 or an incident commander"]);
    alice.incident(&["resolve", "INC-001"]).ended(1, &["alice may not"]);
    carol.incident(&["resolve", "INC-001"]).ended(0, &["recorded resolved INC-001 ("]);
    carol.incident(&["resolve", "INC-001"]).ended(1, &["the incident is resolved"]);
    carol.incident(&["list"]).ended(0, &["no incident is open"]);
    carol.incident(&["show", "INC-001"]).ended(0, &["INC-001  P1", "503", "resolved by carol"]);
    carol.incident(&["show", "INC-002"]).failed(&["there is no incident INC-002"]);

    assert_eq!(
        titles(&hub),
        ["resolved INC-001", "updated INC-001", "updated INC-001", "opened INC-001: P1", "genesis",]
    );
    let shown = alice.changegate(&["operations", "show", "INC-001", "--format", "json"]);
    let shown: Value = serde_json::from_str(shown.went_well()).unwrap();
    let kinds: Vec<_> = shown["events"].as_array().unwrap().iter().map(|it| &it["event"]).collect();
    assert_eq!(kinds, ["opened", "updated", "updated", "resolved"]);
    hub.is_sound();
}

#[test]
fn only_a_merged_change_is_cancelled() {
    let hub = begun();
    let (alice, bob, dan) = (hub.desk("alice"), hub.desk("bob"), hub.desk("dan"));
    let cancel = |desk: &Desk<'_>| desk.changegate(&["cancel", "CHG-1", "--reason", "not needed"]);
    cancel(&bob).failed(&["there is no request CHG-1 on main"]);
    bob.submit("CHG-1").went_well();
    cancel(&bob).failed(&["CHG-1 isn't merged", "`changegate close CHG-1`"]);
    bob.changegate(&["merge", "CHG-1"]).went_well();
    cancel(&alice).ended(1, &["alice may not", "who could have approved it"]);
    cancel(&dan).ended(0, &["recorded cancelled CHG-1 ("]);
    cancel(&bob).ended(1, &["it was cancelled"]);
}

#[test]
fn those_who_write_at_the_same_time_all_get_through() {
    let hub = begun();
    let desks: Vec<_> = ["alice", "bob", "dan", "erin"].map(|who| hub.desk(who)).into();
    thread::scope(|scope| {
        for (number, desk) in desks.iter().enumerate() {
            scope.spawn(move || desk.opens(&format!("INC-00{number}")).went_well().to_owned());
        }
    });
    assert_eq!(titles(&hub).len(), 5);
    // One incident is opened once.
    let codes = thread::scope(|scope| {
        let all: Vec<_> =
            desks.iter().map(|desk| scope.spawn(|| desk.opens("INC-009").code)).collect();
        all.into_iter().map(|it| it.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(codes.iter().filter(|code| **code == 0).count(), 1, "{codes:?}");
    assert_eq!(codes.iter().filter(|code| **code == 1).count(), 3, "{codes:?}");
    assert_eq!(titles(&hub).len(), 6);
}

/// Attacks 43, 44, 46: the server takes nothing but events.
#[test]
fn the_log_only_grows_and_is_pushed_alone() {
    let hub = begun();
    let alice = hub.desk("alice");
    alice.opens("INC-001").went_well();
    alice.git(&["fetch", "--quiet", "origin", "audit/operations"]);
    let (tip, first) =
        (alice.git(&["rev-parse", "FETCH_HEAD"]), alice.git(&["rev-parse", "FETCH_HEAD~1"]));
    let to = "refs/heads/audit/operations";
    alice.push(&[&format!("+{first}:{to}")]).refused(&["can't be reset or rewritten"]);
    alice.push(&[&format!(":{to}")]).refused(&["can't be deleted"]);
    alice
        .push(&[&format!("{tip}:refs/heads/audit/Operations")])
        .refused(&["isn't one of the record's"]);

    let tree = alice.git(&["rev-parse", &format!("{tip}^{{tree}}")]);
    let empty = alice.commit(&tree, &[&tip], "rubbish", &[], &[]);
    alice.push(&[&format!("{empty}:{to}")]).refused(&[
        "the event",
        "was rejected",
        "append to one file",
    ]);
    let other = alice.put(&tip, &[("state.json", "{}\n")], "rubbish");
    alice.push(&[&format!("{other}:{to}")]).refused(&["append to one file"]);
    let text = alice.git(&["show", &format!("{tip}:log.jsonl")]);
    let twice = alice.put(&tip, &[("log.jsonl", &format!("{text}\n{text}\n"))], "genesis");
    alice.push(&[&format!("{twice}:{to}")]).refused(&["was rejected"]);

    let main = hub.tip("main").unwrap();
    alice.push_together(&[&format!("{tip}:{to}"), &format!("{main}:refs/heads/other")]).went_well();
    assert_eq!(hub.tip("audit/operations").unwrap(), tip);
}

/// A tree that Git's own readers take for the same one: what follows would be compared with less than all of it.
#[test]
fn a_commit_whose_folders_are_spelled_otherwise_is_no_event() {
    let hub = begun();
    let alice = hub.desk("alice");
    alice.opens("INC-001").went_well();
    let before = hub.tip("audit/operations").unwrap();
    alice.opens("INC-002").went_well();
    let tip = hub.tip("audit/operations").unwrap();
    alice.git(&["fetch", "--quiet", "origin", "audit/operations"]);
    hub.git(&["update-ref", "refs/heads/audit/operations", &before]);
    let mut tree = Vec::new();
    for line in alice.git(&["ls-tree", &tip]).lines() {
        let (entry, name) = line.split_once('\t').unwrap();
        let [mode, _, id] = entry.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let mode = if name == "incidents" { "40755" } else { mode };
        tree.extend(format!("{mode} {name}\0").bytes());
        let id = id.as_bytes().chunks(2).map(|two| std::str::from_utf8(two).unwrap());
        tree.extend(id.map(|two| u8::from_str_radix(two, 16).unwrap()));
    }
    let stored = |kind: &str, bytes: &[u8]| {
        let file = hub.path("object");
        std::fs::write(&file, bytes).unwrap();
        let file = file.to_str().unwrap();
        alice.git(&["hash-object", "-t", kind, "-w", "--literally", file])
    };
    let odd = stored("tree", &tree);
    let held = alice.git(&["cat-file", "commit", &tip]) + "\n";
    let (_, rest) = held.split_once('\n').unwrap();
    let commit = stored("commit", format!("tree {odd}\n{rest}").as_bytes());
    let to = "refs/heads/audit/operations";
    alice.push(&[&format!("{commit}:{to}")]).refused(&["aren't what follows from its event"]);
    alice.push(&[&format!("{tip}:{to}")]).went_well();
}

/// Edges 67: it is listed, and passed over.
#[test]
fn what_is_written_around_the_hook_stops_nobody_and_counts_for_nothing() {
    let hub = begun();
    let (alice, bob) = (hub.desk("alice"), hub.desk("bob"));
    alice.opens("INC-001").went_well();
    alice.git(&["fetch", "--quiet", "origin", "audit/operations"]);
    let tip = alice.git(&["rev-parse", "FETCH_HEAD"]);
    let rubbish = alice.put(&tip, &[("state.json", "{}\n"), ("x", "y")], "rubbish");
    alice.push(&[&format!("{rubbish}:refs/heads/other")]).went_well();
    hub.git(&["update-ref", "refs/heads/audit/operations", &rubbish]);

    bob.opens("INC-002").ended(0, &["recorded opened INC-002: P1"]);
    alice.incident(&["list"]).ended(0, &["INC-001", "INC-002"]);
    bob.changegate(&["operations", "show"]).ended(0, &["foreign", &rubbish, "line feed"]);
    assert_eq!(
        hub.git(&["ls-tree", "-r", "--name-only", "audit/operations"]).matches("x\n").count(),
        0
    );
}

/// Attacks 45: a branch that is rewound.
#[test]
fn a_log_that_was_rewound_or_deleted_is_missed_and_brought_back() {
    let hub = begun();
    let (alice, bob) = (hub.desk("alice"), hub.desk("bob"));
    let first = hub.tip("audit/operations").unwrap();
    alice.opens("INC-001").went_well();
    bob.incident(&["list"]).ended(0, &["INC-001"]);
    hub.git(&["update-ref", "refs/heads/audit/operations", &first]);
    bob.opens("INC-002")
        .failed(&["doesn't continue the log that was seen here", "changegate sync"]);
    // Somebody who never saw it goes on.
    hub.desk_at("carol", "new").opens("INC-003").went_well();
    bob.changegate(&["sync", "--dry-run"])
        .ended(0, &["had lost", "would bring opened INC-001: P1"]);
    // The hook doesn't take what isn't of now; a server without one does.
    bob.changegate(&["sync"]).went_well();
    bob.incident(&["list"]).ended(0, &["INC-001", "INC-003"]);
    hub.git(&["update-ref", "-d", "refs/heads/audit/operations"]);
    alice.opens("INC-004").failed(&["is gone", "somebody rewound, replaced or deleted it"]);
    // A hook takes no log whole: who administers the server puts it back.
    let put_back = alice.changegate(&["sync"]);
    put_back
        .ended(1, &["one that was deleted is put back", "git update-ref refs/heads/audit/oper"]);
    let command = put_back.stderr.split('`').find(|it| it.starts_with("git update-ref")).unwrap();
    hub.git(&command.split(' ').skip(1).collect::<Vec<_>>());
    alice.opens("INC-004").went_well();
}

/// Attacks 49, 50: an L1 pauses no more than one team's services, and strangers lift nothing.
#[test]
fn a_pause_is_lifted_by_who_commands_and_no_one_else() {
    let hub = begun();
    // An L1.
    let alice = hub.desk("alice");
    let pauses = ["--pauses", "services"];
    let open = |id, service, more: &[&str]| {
        let open = ["open", id, "--severity", "P1", "--service", service, "--summary", "503"];
        alice.incident(&[&open[..], more].concat())
    };
    open("INC-001", "chekcout", &pauses).ended(1, &["there is no service `chekcout`"]);
    open("INC-001", "checkout", &["--commander", "alice"])
        .ended(1, &["alice isn't an incident commander"]);
    open("INC-001", "checkout", &pauses).went_well();
    alice
        .incident(&["update", "INC-001", "--commander", "alice"])
        .ended(1, &["alice isn't an incident commander"]);
    alice.incident(&["update", "INC-001"]).ended(1, &["it changes nothing"]);
    alice.incident(&["update", "INC-001", "--severity", "P5"]).ended(1, &["alice may not"]);
    alice.incident(&["resolve", "INC-001"]).ended(1, &["alice may not"]);
    // Service by service, it would be everything.
    open("INC-002", "identity", &pauses).ended(1, &["alice may not", "beyond one team's services"]);
    open("INC-002", "identity", &[]).went_well();
    alice
        .incident(&[&["update", "INC-002"][..], &pauses].concat())
        .ended(1, &["alice may not", "beyond one team's services"]);
    hub.desk("erin").incident(&[&["update", "INC-002"][..], &pauses].concat()).went_well();
    let shown = alice.changegate(&["operations", "show", "INC-002"]);
    shown.ended(0, &["updated INC-002", "pauses changes to its services"]);
}
