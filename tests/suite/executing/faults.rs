//! What goes wrong around executions: races, lost answers, logs that were rewound, bases that can't be read.

use std::fs;
use std::thread;

use chrono::{SecondsFormat, TimeDelta, Utc};

use super::{now, open};
use crate::plumbing::hub::{Desk, Hub};

const LOG: &str = "audit/operations";

/// A hub with a change of bob's that may run now.
fn with_change() -> Hub {
    let hub = open();
    hub.desk("bob").merges("CHG-001", &now("CHG-001", "bob"));
    hub
}

/// A desk of somebody who has one already.
fn bob(hub: &Hub) -> Desk<'_> {
    Desk { hub, who: "bob", folder: hub.path("bob") }
}

/// Edges 6: nor do several clones of one person.
#[test]
fn one_person_in_many_clones_begins_once() {
    let hub = with_change();
    let folders = ["a", "b", "c", "d"];
    let desks = folders.map(|folder| hub.desk_at("bob", folder));
    let command = ["exec", "CHG-001", "--", "sh", "-c", "echo ran; sleep 4"];
    let ran = thread::scope(|scope| {
        let all = desks.each_ref().map(|desk| scope.spawn(|| desk.changegate(&command)));
        all.map(|it| it.join().unwrap())
    });
    let of_code = |code| ran.iter().filter(|it| it.code == code).count();
    assert_eq!((of_code(0), of_code(203)), (1, 3), "{ran:?}");
    assert_eq!(ran.iter().filter(|it| it.stdout == "ran\n").count(), 1, "{ran:?}");
    assert_eq!(bob(&hub).kinds("CHG-001"), ["begin", "end"]);
}

/// Failures 13: until it is brought back, nothing is executed. Attacks 45: nor is a rewound branch believed.
#[test]
fn a_rewound_log_is_believed_by_nobody_who_knows_better() {
    let hub = with_change();
    let bob = bob(&hub);
    let before = hub.tip(LOG).unwrap();
    bob.exec(&["CHG-001", "--", "true"]).ended(0, &[]);
    let lost = hub.tip(LOG).unwrap();
    hub.git(&["update-ref", &format!("refs/heads/{LOG}"), &before]);
    let asks = || bob.changegate(&["authorize", "CHG-001"]);
    asks().ended(2, &["rewound, replaced or deleted", "changegate sync"]);
    bob.changegate(&["sync", "--dry-run"]).ended(0, &["would bring begin CHG-001"]);
    asks().ended(2, &["changegate sync"]);
    bob.exec(&["CHG-001", "--", "true"]).ended(202, &["changegate sync"]);
    // It begins once more.
    hub.unguard();
    hub.git(&["update-ref", "-d", &format!("refs/heads/{LOG}")]);
    let carol = hub.desk_at("carol", "third");
    carol.changegate(&["init", "--operations"]).ended(0, &["began"]);
    bob.changegate(&["sync"]).ended(1, &["refused begin CHG-001"]);
    bob.exec(&["CHG-001", "--", "true"]).ended(202, &["changegate sync"]);
    // Who administers the server puts it back.
    hub.git(&["update-ref", &format!("refs/heads/{LOG}"), &lost]);
    bob.changegate(&["sync"]).ended(0, &["had lost"]);
    asks().ended(1, &["execute/empty"]);
}

/// What somebody else did meanwhile isn't dropped: what was seen here can be forgotten instead.
#[test]
fn a_rewound_log_on_which_somebody_went_on() {
    let hub = with_change();
    let (bob, dan) = (bob(&hub), hub.desk("dan"));
    let before = hub.tip(LOG).unwrap();
    bob.exec(&["CHG-001", "--", "true"]).ended(0, &[]);
    hub.git(&["update-ref", &format!("refs/heads/{LOG}"), &before]);
    dan.exec(&["CHG-001", "--", "true"]).ended(0, &[]);
    let synced = bob.changegate(&["sync"]);
    let follows = "refused end CHG-001: done";
    synced.ended(1, &["refused begin CHG-001", follows, "it follows on one that is refused"]);
    let (_, command) = synced.stdout.split_once("forget here what was seen, `git ").unwrap();
    let command: Vec<_> = command.split('`').next().unwrap().split(' ').collect();
    bob.git(&command);
    bob.changegate(&["authorize", "CHG-001"]).ended(1, &["execute/empty"]);
    assert_eq!(bob.kinds("CHG-001"), ["begin", "end"]);
}

/// Failures 2: who is never fast enough is told after a minute who was, and the command hasn't run.
#[test]
fn who_is_never_fast_enough_gives_up_after_a_minute() {
    let hub = with_change();
    // Whenever somebody pushes an event, somebody else has just written.
    let hook = hub.folder().join("hooks/pre-receive");
    let script = format!(
        "#!/bin/sh\nunset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES\n\
         tip=$(git rev-parse refs/heads/{LOG})\n\
         new=$(echo 'a faster event' | git -c user.name=rival -c user.email=rival@acme.example \
         commit-tree -p $tip $tip^{{tree}})\n\
         git update-ref refs/heads/{LOG} $new\n"
    );
    fs::write(&hook, script).unwrap();
    let ran = hub.path("ran");
    bob(&hub)
        .exec(&["CHG-001", "--", "touch", ran.to_str().unwrap()])
        .ended(202, &["couldn't be written in 60 s", "the last of them rival: `a faster event`"]);
    assert!(!ran.exists());
}

#[test]
fn the_environment_of_who_calls_is_not_what_was_approved() {
    let hub = with_change();
    let bob = bob(&hub);
    let command = ["exec", "CHG-001", "--", "sh", "-c", "env | grep ^CHANGEGATE_ | sort"];
    let mut exec = bob.command(crate::plumbing::hub::program(), &command);
    exec.env("CHANGEGATE_PARAMETER_FORCE", "yes").env("CHANGEGATE_STEPS", "[]");
    let output = String::from_utf8(exec.output().unwrap().stdout).unwrap();
    assert!(output.contains("CHANGEGATE_ACTION=maintenance-mode"), "{output}");
    assert!(!output.contains("FORCE") && !output.contains("STEPS"), "{output}");
}

#[test]
fn an_end_is_kept_though_the_policies_break_meanwhile() {
    let hub = with_change();
    let bob = bob(&hub);
    hub.unguard();
    let carol = hub.desk_at("carol", "breaking");
    let good = hub.tip("main").unwrap();
    let roster = "policies/org/roster/data.yaml";
    let broken = carol.put("origin/main", &[(roster, "people: [")], "Break it");
    let text = hub.git(&["show", &format!("main:{roster}")]);
    let push =
        format!("git -C '{}' push --quiet origin {broken}:refs/heads/main", carol.folder.display());
    bob.exec(&["--record-timeout", "1s", "CHG-001", "--", "sh", "-c", &push])
        .ended(0, &["couldn't be recorded", "changegate sync"]);
    assert_ne!(hub.tip("main").unwrap(), good);
    carol.git(&["fetch", "--quiet"]);
    let corrected = carol.put("origin/main", &[(roster, &text)], "Correct it");
    carol.push(&[&format!("{corrected}:refs/heads/main")]).went_well();
    bob.changegate(&["sync"]).ended(0, &["brought end CHG-001: done"]);
    assert_eq!(bob.kinds("CHG-001"), ["begin", "end"]);
}

#[test]
fn what_waits_is_brought_before_anything_is_asked() {
    let hub = with_change();
    let bob = bob(&hub);
    let away = hub.path("away.git");
    let script = format!("mv '{}' '{}'; exit 3", hub.folder().display(), away.display());
    bob.exec(&["--record-timeout", "1s", "CHG-001", "--", "sh", "-c", &script])
        .ended(3, &["it is kept here"]);
    fs::rename(&away, hub.folder()).unwrap();
    bob.changegate(&["list"]).ended(0, &["1 event waits here: `changegate sync`"]);
    bob.exec(&["CHG-001", "--", "true"]).ended(0, &[]);
    assert_eq!(bob.kinds("CHG-001"), ["begin", "end", "begin", "end"]);
}

#[test]
fn a_fresh_clone_knows_what_is_recorded_and_what_runs() {
    let hub = with_change();
    hub.unguard();
    let carol = hub.desk_at("carol", "third");
    let settled = carol.settles("origin/main", "");
    carol.push(&[&format!("{settled}:refs/heads/main")]).went_well();
    hub.guard();
    carol.changegate(&["init", "--ledger"]).ended(0, &["began the ledger"]);
    bob(&hub).merges("CHG-002", &now("CHG-002", "bob"));
    let fresh = hub.desk_at("bob", "fresh");
    fresh.exec(&["CHG-002", "--", "true"]).ended(0, &[]);
    bob(&hub).changegate(&["begin", "CHG-001"]).went_well();
    let other = hub.desk_at("bob", "other");
    other.changegate(&["authorize", "CHG-001", "--no-fetch"]).ended(3, &["execute/running"]);
}

#[test]
fn a_record_by_who_could_not_act_is_owed_and_an_l3_takes_it_back() {
    let hub = with_change();
    let at = |minutes| {
        (Utc::now() - TimeDelta::minutes(minutes)).to_rfc3339_opts(SecondsFormat::Secs, true)
    };
    let (from, to) = (at(5), at(2));
    let record = ["record", "CHG-001", "--started", &from, "--ended", &to, "--why", "it was late"];
    // Heidi is of another team.
    let heidi = hub.desk("heidi");
    heidi.changegate(&record).ended(0, &["it went around the rules: "]);
    bob(&hub).exec(&["CHG-001", "--", "true"]).ended(201, &["execute/empty"]);
    let erin = hub.desk("erin");
    let shown = erin.events("CHG-001");
    let id = shown[0]["id"].as_str().unwrap();
    heidi
        .changegate(&["operations", "void", id, "--why", "x"])
        .ended(1, &["an L3 who had no part"]);
    erin.changegate(&["operations", "void", id, "--why", "it wasn't so"]).ended(0, &["voided"]);
    bob(&hub).exec(&["CHG-001", "--", "true"]).ended(0, &[]);
}

/// Edges 65: there is no such request any more.
#[test]
fn what_was_reverted_on_the_base_is_unknown() {
    let hub = with_change();
    hub.unguard();
    let carol = hub.desk_at("carol", "third");
    let tip = hub.tip("main").unwrap();
    let tree = hub.git(&["rev-parse", "main^^{tree}"]);
    let reverted = carol.git(&["commit-tree", &tree, "-p", &tip, "-m", "Take it back"]);
    carol.push(&[&format!("{}:refs/heads/main", reverted.trim())]).went_well();
    bob(&hub).changegate(&["authorize", "CHG-001"]).ended(1, &["execute/unknown"]);
}

#[test]
fn a_signal_before_the_command_starts_keeps_it_from_starting() {
    let hub = with_change();
    let bob = bob(&hub);
    let mark = hub.path("mark");
    let command = ["exec", "CHG-001", "--", "touch", mark.to_str().unwrap()];
    let mut exec = bob.command(crate::plumbing::hub::program(), &command);
    let mut child = exec.spawn().unwrap();
    let pid = child.id().to_string();
    let is_caught = || {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
        u64::from_str_radix(mask.trim(), 16).unwrap() >> 14 & 1 == 1
    };
    while !is_caught() {
        thread::yield_now();
    }
    let kill = std::process::Command::new("kill").args(["-TERM", &pid]).status();
    assert!(kill.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(!mark.exists());
    let kinds = bob.kinds("CHG-001");
    assert!([&[][..], &["begin", "end"]].iter().any(|it| kinds == *it), "{kinds:?}");
}

/// What is begun has to be where all look: git can push elsewhere than it fetches from.
#[test]
fn nothing_begins_where_git_pushes_elsewhere() {
    let hub = with_change();
    let (bob, other) = (bob(&hub), hub.path("other.git"));
    fs::create_dir(&other).unwrap();
    let other = other.to_str().unwrap();
    bob.git(&["clone", "--quiet", "--bare", hub.folder().to_str().unwrap(), other]);
    let exec = || bob.exec(&["CHG-001", "--", "echo", "ran"]);
    bob.git(&["config", "remote.origin.pushurl", other]);
    exec().ended(202, &["git pushes to ", "pushurl"]);
    bob.git(&["config", "--unset", "remote.origin.pushurl"]);
    bob.git(&["config", &format!("url.{other}.pushInsteadOf"), hub.folder().to_str().unwrap()]);
    exec().ended(202, &["git pushes to ", "pushInsteadOf"]);
    bob.git(&["config", "--remove-section", &format!("url.{other}")]);
    // Another way to write the same.
    bob.git(&["config", "remote.origin.pushurl", &format!("file://{}", hub.folder().display())]);
    exec().ended(0, &["ran"]);
}
