//! What fails around an execution, each made to fail: a server that refuses, answers that are lost, a clone
//! that can't be written, a clock that runs backwards, policies that change at the wrong moment.

use std::fs;

use chrono::{TimeDelta, Utc};

use changegate::core::operations::event::About;
use changegate::core::operations::kinds::{EndResult, What};
use changegate::core::time::Time;
use changegate::execute::end::{Went, end};
use changegate::execute::{Author, Identity, Made};
use changegate::forge::git::{Branches, Git};
use changegate::git::Repo;
use changegate::operations::Rules;

use super::{ALWAYS, WINDOWS, now, open, recording};
use crate::plumbing::hub::{Desk, Hub, make_executable, program};

const LOG: &str = "audit/operations";

/// A hub with a change of bob's that may run now, and his desk.
fn with_change(hub: &Hub) -> Desk<'_> {
    let bob = hub.desk("bob");
    bob.merges("CHG-001", &now("CHG-001", "bob"));
    bob
}

impl Hub {
    /// Puts a script in front of a hook; it may end the hook.
    fn put_before(&self, hook: &str, script: &str) {
        let file = self.folder().join("hooks").join(hook);
        let text =
            format!("#!/bin/sh\n{script}\nexec '{}' hook {hook} \"$@\"\n", program().display());
        fs::write(&file, text).unwrap();
        make_executable(&file);
    }
}

/// Failures 3: what the server says against it is told, and nothing runs.
#[test]
fn what_the_server_refuses_does_not_run() {
    let hub = open();
    let bob = with_change(&hub);
    hub.put_before("pre-receive", "echo 'no deployments on Monday' >&2; exit 1");
    let mark = hub.path("mark");
    let touch = ["CHG-001", "--", "touch", mark.to_str().unwrap()];
    bob.exec(&touch).ended(201, &["no deployments on Monday"]);
    assert!(!mark.exists());
    hub.guard();
    assert_eq!(bob.kinds("CHG-001"), [""; 0]);
}

/// Failures 4: the beginning whose answer was lost is found, and isn't written twice.
#[test]
fn a_beginning_whose_answer_was_lost_is_found() {
    let hub = open();
    let bob = with_change(&hub);
    let once = hub.path("once");
    let script = format!(
        "if mkdir '{}' 2>/dev/null; then kill -9 $PPID; sleep 1; fi; exit 0",
        once.display()
    );
    let hook = hub.folder().join("hooks/post-receive");
    fs::write(&hook, format!("#!/bin/sh\n{script}\n")).unwrap();
    make_executable(&hook);
    let ran = bob.exec(&["CHG-001", "--", "echo", "ran"]);
    assert!(once.exists(), "an answer was lost");
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "ran\n"), "{ran:?}");
    assert_eq!(bob.kinds("CHG-001"), ["begin", "end"]);
}

/// Failures 6: what is killed before it hears that it has begun is found, too.
#[test]
fn what_is_killed_while_it_begins_is_found() {
    let hub = open();
    let bob = with_change(&hub);
    let hook = hub.folder().join("hooks/post-receive");
    // The first program of ours above the hook is the one that pushes.
    let script = "pid=$PPID\nwhile [ $pid -gt 1 ] && ! grep -q changegate /proc/$pid/comm; do\n  \
                  pid=$(cut -d ' ' -f 4 /proc/$pid/stat)\ndone\n[ $pid -gt 1 ] && kill -9 $pid";
    fs::write(&hook, format!("#!/bin/sh\n{script}\n")).unwrap();
    make_executable(&hook);
    let mark = hub.path("mark");
    let killed = bob.exec(&["CHG-001", "--", "touch", mark.to_str().unwrap()]);
    assert!(killed.code != 0 && !mark.exists(), "{killed:?}");
    fs::remove_file(&hook).unwrap();
    assert_eq!(bob.kinds("CHG-001"), ["begin"]);
    bob.exec(&["CHG-001", "--", "true"]).ended(201, &["execute/lost"]);
    assert_eq!(bob.events("CHG-001")[1]["result"], "unknown");
}

/// Failures 7: a clone that can't be written for a while holds up nothing but the record.
#[test]
fn an_end_is_tried_again_while_the_clone_cannot_be_written() {
    let hub = open();
    let bob = with_change(&hub);
    let objects = bob.folder.join(".git/objects");
    let away = hub.path("objects");
    let (objects, away) = (objects.display(), away.display());
    let back = format!("rm '{objects}' && mv '{away}' '{objects}'");
    let fill = format!("mv '{objects}' '{away}' && : > '{objects}'");
    let script = format!("{fill}; (sleep 3; {back}) >/dev/null 2>&1 & exit 3");
    let ran = bob.exec(&["--record-timeout", "60s", "CHG-001", "--", "sh", "-c", &script]);
    ran.ended(3, &[]);
    assert!(ran.stderr.lines().all(|line| line.starts_with("next: ")), "{ran:?}");
    assert_eq!(bob.kinds("CHG-001"), ["begin", "end"]);
    // Where it can be neither recorded nor kept, that is said.
    let ran = bob.exec(&[
        "--record-timeout",
        "1s",
        "CHG-001",
        "--",
        "sh",
        "-c",
        &format!("{fill}; exit 4"),
    ]);
    ran.ended(4, &["couldn't be recorded, nor kept"]);
    assert!(std::process::Command::new("sh").args(["-c", &back]).status().unwrap().success());
    bob.exec(&["CHG-001", "--", "true"]).ended(201, &["execute/lost"]);
}

/// Failures 12: without a log nothing is executed, and questions are answered.
#[test]
fn without_a_log_nothing_is_executed() {
    let hub = recording();
    with_change(&hub);
    let before = hub.tip(LOG).unwrap();
    hub.git(&["update-ref", "-d", &format!("refs/heads/{LOG}")]);
    // Who never saw it is told how to begin one, unless the ledger saw it.
    let fresh = hub.desk_at("bob", "fresh");
    fresh.changegate(&["authorize", "CHG-001"]).ended(2, &["audit/operations"]);
    hub.git(&["update-ref", &format!("refs/heads/{LOG}"), &before]);
    fresh.changegate(&["authorize", "CHG-001"]).ended(0, &["approved"]);

    let hub = Hub::open();
    let carol = hub.desk("carol");
    let tip = carol.put("origin/main", &[(WINDOWS, ALWAYS)], "Open always");
    carol.push(&[&format!("{tip}:refs/heads/main")]).went_well();
    hub.guard();
    let bob = with_change(&hub);
    bob.changegate(&["authorize", "CHG-001"]).ended(0, &["approved"]);
    bob.exec(&["CHG-001", "--", "true"]).ended(202, &["changegate init --operations"]);
    bob.changegate(&["begin", "CHG-001"]).failed(&["changegate init --operations"]);
}

fn earlier() -> Time {
    Time::from(Utc::now() - TimeDelta::minutes(2))
}

/// Failures 14: times never run backwards, whatever a clock does.
#[test]
fn a_clock_that_is_set_back_ends_nothing_before_it_began() {
    let hub = open();
    let bob = with_change(&hub);
    bob.changegate(&["begin", "CHG-001"]).went_well();
    let repo = Repo::open(&bob.folder.join(".git")).unwrap();
    let git = Git::new(Branches::of(repo, "origin"), None).unwrap();
    git.branches.refresh_all().unwrap();
    let rules = Rules::at(git.repo(), git.base().unwrap()).unwrap();
    let org = rules.org(rules.tip()).unwrap().unwrap();
    let identity = Identity::here(git.branches.program(), &org, None, None).unwrap();
    let author = Author::new(&git, identity, earlier);
    let id = "CHG-001".parse().unwrap();
    let written = author.write(|log, now| {
        let life = log.life(About::Change(&id))?;
        let what = end(&life.executions[0], EndResult::Done, Went::default(), now);
        Ok(vec![Made::of_change(&id, what)])
    });
    let written = written.unwrap();
    assert!(matches!(written[0].event.what(), What::End(_)));
    let events = bob.events("CHG-001");
    assert_eq!(events[0]["at"], events[1]["at"], "{events:?}");
    assert_eq!(events[1]["clock"]["source"], "local");
}

/// Failures 15: what was judged by policies that changed before it arrived is judged by the new ones.
#[test]
fn policies_that_change_before_the_push_arrives_are_asked() {
    let never = ALWAYS.replace("for: [low, medium, high, critical]", "for: [low]");
    let other = ALWAYS.replace("2026-11-02", "2026-11-03");
    for (windows, code) in [(&never, 201), (&other, 0)] {
        let hub = open();
        let bob = with_change(&hub);
        let carol = hub.desk_at("carol", "governing");
        let tip = carol.put("origin/main", &[(WINDOWS, windows)], "Govern");
        carol.push(&[&format!("{tip}:refs/heads/kept")]).went_well();
        let once = hub.path("once");
        hub.put_before(
            "pre-receive",
            &format!(
                "if mkdir '{}' 2>/dev/null; then env -u GIT_QUARANTINE_PATH -u GIT_OBJECT_DIRECTORY \
                 -u GIT_ALTERNATE_OBJECT_DIRECTORIES git update-ref refs/heads/main {tip}; fi",
                once.display()
            ),
        );
        let ran = bob.exec(&["CHG-001", "--", "echo", "ran"]);
        assert!(once.exists());
        assert_eq!(ran.code, code, "{ran:?}");
        match code {
            0 => assert_eq!(bob.events("CHG-001")[0]["base"], tip.as_str()),
            _ => ran.ended(code, &["window/closed"]),
        }
    }
}

/// Who merges by hand and doesn't say what was going on isn't taken for one who asked.
#[test]
fn a_merge_by_hand_says_what_the_operations_log_held() {
    let hub = open();
    let bob = hub.desk("bob");
    hub.unguard();
    let log = hub.tip("audit/operations").unwrap();
    let merge = |id: &str, named: &str| {
        bob.submit_text(id, &now(id, "bob")).ended(0, &["submitted"]);
        let (base, head) = (hub.tip("main").unwrap(), hub.tip(&format!("change/{id}")).unwrap());
        let tree = bob.git(&["merge-tree", "--write-tree", &base, &head]);
        let message = format!("Merge {id}: by hand\n\nChange: {id}\nTier: high\n{named}");
        let merged = bob.commit(&tree, &[&base, &head], &message, &["-S"], &[]);
        bob.push(&[&format!("{merged}:refs/heads/main")]).went_well();
        bob.exec(&[id, "--", "echo", "ran"])
    };
    merge("CHG-001", "").ended(201, &["execute/unproven", "what the operations log held"]);
    merge("CHG-002", &format!("Operations: {log}\n")).ended(0, &["ran"]);
}
