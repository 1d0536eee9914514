//! A ledger in a repository of its own: merges are recorded there afterwards, everybody reads it from there,
//! and no configuration of the repository with the changes leads anywhere else.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use serde_json::Value;

use super::erasures::govern;
use crate::plumbing::hub::{Desk, Hub, Ran, make_executable, request};

/// A guarded hub whose settings keep the ledger in another repository. It hasn't begun.
fn to_record() -> (Hub, PathBuf) {
    let hub = Hub::open();
    let ledger = bare(&hub);
    let url = ledger.to_str().unwrap();
    let carol = hub.desk_at("carol", "founder");
    let tip = carol.settles("origin/main", &format!(", remote: {url}"));
    carol.push(&[&format!("{tip}:refs/heads/main")]).went_well();
    hub.guard();
    (hub, ledger)
}

/// An empty repository beside a hub, which takes neither deletions nor rewinds.
fn bare(hub: &Hub) -> PathBuf {
    let ledger = hub.path("ledger.git");
    let init = ["init", "--quiet", "--bare", "-b", "audit/ledger"];
    Ran::of(Command::new("git").args(init).arg(&ledger), "").went_well();
    for setting in ["receive.denyNonFastForwards", "receive.denyDeletes"] {
        git(&ledger, &["config", setting, "true"]);
    }
    ledger
}

/// Such a hub whose ledger has begun.
fn recording() -> (Hub, PathBuf) {
    let (hub, ledger) = to_record();
    let carol = Desk { hub: &hub, who: "carol", folder: hub.path("founder") };
    carol.changegate(&["init", "--ledger"]).ended(0, &["began the ledger"]);
    (hub, ledger)
}

/// Installs the hooks of a hub there.
fn guard(hub: &Hub, ledger: &Path) {
    for name in ["pre-receive", "reference-transaction"] {
        fs::copy(hub.folder().join("hooks").join(name), ledger.join("hooks").join(name)).unwrap();
    }
}

/// git in the repository with the ledger.
fn git(ledger: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.arg("--git-dir").arg(ledger).args(arguments).env("GIT_CONFIG_GLOBAL", "/dev/null");
    Ran::of(&mut command, "").went_well().trim().to_owned()
}

/// The first lines of its entries' messages, the oldest first.
fn titles(ledger: &Path) -> Vec<String> {
    let titles = git(ledger, &["log", "--reverse", "--format=%s", "audit/ledger"]);
    titles.lines().map(str::to_owned).collect()
}

fn merged(id: &str) -> String {
    format!("merged: {id} Put worker {} into maintenance", id.replace('-', ""))
}

const GENESIS: &str = "genesis: git.acme.example/ops";

#[test]
fn from_the_beginning_to_the_proof() {
    let (hub, ledger) = to_record();
    let url = ledger.to_str().unwrap();
    let (bob, carol) = (hub.desk("bob"), hub.desk("carol"));
    let not_begun = ["no branch audit/ledger is known from there", url, "changegate init --ledger"];
    carol.verify().failed(&not_begun);
    bob.submit("CHG-1").went_well();
    bob.changegate(&["merge", "CHG-1"]).ended(
        0,
        &[
            "merged CHG-1",
            "it is merged, and not recorded yet in the ledger at",
            url,
            "changegate sweep",
        ],
    );
    bob.changegate(&["sweep"]).failed(&["there is no branch audit/ledger"]);

    carol.changegate(&["init", "--ledger", "--dry-run"]).ended(0, &["would begin the ledger"]);
    carol.changegate(&["init", "--ledger"]).ended(
        0,
        &[&format!("began the ledger git.acme.example/ops at {url} as"), "changegate sweep"],
    );
    carol.changegate(&["init", "--ledger"]).failed(&["has begun already: its size is 1"]);
    bob.submit("CHG-2").went_well();
    let ran = bob.changegate(&["merge", "CHG-2"]);
    ran.ended(0, &["merged CHG-2", &format!("recorded in the ledger at {url}")]);
    assert!(!ran.stderr.contains("warning"), "{ran:?}");
    assert_eq!(titles(&ledger), [GENESIS.to_owned(), merged("CHG-2")]);

    // Nothing of it is where the changes are, and each merge says which ledger its maker saw.
    assert_eq!(hub.git(&["for-each-ref", "refs/heads/audit", "refs/tags"]), "");
    bob.git(&["switch", "--quiet", "main"]);
    bob.execute("CHG-3");
    let root = git(&ledger, &["show", "audit/ledger~1:checkpoint"]);
    let root = root.lines().nth(2).unwrap();
    let seen = hub.git(&["log", "-1", "--format=%(trailers:key=Ledger,valueonly)", "main"]);
    assert_eq!(seen.trim(), format!("2 {root}"));

    // A new clone has the address in its settings, and nothing else.
    let erin = hub.desk("erin");
    let proof = ["1 genesis and 2 merge", "2 byte for byte the same", "\nverified\n"];
    erin.verify().ended(0, &proof);
    erin.verify().ended(0, &["\nverified\n"]);
    erin.changegate(&["audit", "show", "CHG-3"]).ended(0, &["entry 2", "CHG-3"]);
    erin.changegate(&["audit", "coverage"]).ended(0, &["main"]);
    erin.changegate(&["audit", "export", "--format", "jsonl", "--out", "out"]).ended(0, &[]);
    erin.changegate(&["audit", "controls"]).ended(0, &[]);
    erin.changegate(&["audit", "sample", "--seed", "s", "--size", "1"]).ended(0, &[]);
    erin.changegate(&["audit", "bundle", "CHG-3", "--out", "b"]).ended(0, &[]);
    erin.changegate(&["audit", "replay", "--policies", "shipped"]).ended(0, &[]);
    for verb in [&["log"][..], &["list", "--state", "merged"], &["show", "CHG-3"]] {
        let ran = erin.changegate(verb);
        ran.ended(0, &["CHG-3"]);
        assert!(!ran.stderr.contains("warning"), "{ran:?}");
    }
    let told: Value =
        serde_json::from_str(erin.changegate(&["log", "--format", "json"]).went_well()).unwrap();
    assert!(told.to_string().contains("sha256:"), "{told}");

    // A tag is put there, too.
    carol.changegate(&["audit", "witness", "tag"]).ended(0, &["the tag audit/3"]);
    assert_eq!(git(&ledger, &["tag", "--list"]), "audit/3");
    assert_eq!(hub.git(&["tag", "--list"]), "");
    erin.verify().ended(0, &["continues    ", "\nverified\n"]);
    git(&ledger, &["fsck", "--strict", "--no-dangling"]);
    hub.is_sound();
}

/// Record 74: a clone whose own configuration leads to another ledger.
#[test]
fn no_configuration_leads_to_another_one() {
    let (hub, ledger) = recording();
    let (bob, erin) = (hub.desk("bob"), hub.desk("erin"));
    bob.execute("CHG-1");
    let (url, other, marker) = (ledger.to_str().unwrap(), hub.path("other.git"), hub.path("ran"));
    erin.git(&["clone", "--quiet", "--bare", url, other.to_str().unwrap()]);
    git(&other, &["update-ref", "refs/heads/audit/ledger", "audit/ledger~1"]);
    let touch = format!("touch {} && false", marker.display());
    for desk in [&bob, &erin] {
        let there = format!("url.{}", other.display());
        for (name, value) in [
            (format!("{there}.insteadOf"), url),
            (format!("{there}.pushInsteadOf"), url),
            (format!("remote.{url}.url"), other.to_str().unwrap()),
            (format!("remote.{url}.uploadpack"), &touch),
            (format!("remote.{url}.receivepack"), &touch),
            ("core.alternateRefsCommand".to_owned(), &touch),
        ] {
            desk.git(&["config", &name, value]);
        }
        desk.git(&["config", "--unset", &format!("remote.{url}.url")]);
    }
    let led = erin.git(&["-c", &format!("remote.{url}.uploadpack="), "ls-remote", url, "*ledger"]);
    assert!(led.starts_with(&git(&other, &["rev-parse", "audit/ledger"])), "{led}");

    erin.verify().ended(0, &["1 genesis and 1 merge", "\nverified\n"]);
    bob.execute("CHG-2");
    erin.verify().ended(0, &["1 genesis and 2 merge", "\nverified\n"]);
    erin.changegate(&["sweep"])
        .ended(0, &["everything that reached protected branches is recorded"]);
    assert_eq!(titles(&ledger), [GENESIS.to_owned(), merged("CHG-1"), merged("CHG-2")]);
    assert_eq!(titles(&other), [GENESIS]);
    assert!(!marker.exists());
}

#[test]
fn a_ledger_out_of_reach_is_caught_up_with() {
    let (hub, ledger) = recording();
    let (bob, carol, erin) = (hub.desk("bob"), hub.desk("carol"), hub.desk("erin"));
    bob.execute("CHG-1");
    erin.verify().ended(0, &["\nverified\n"]);
    let away = hub.path("away.git");
    fs::rename(&ledger, &away).unwrap();

    bob.submit("CHG-2").went_well();
    let ran = bob.changegate(&["merge", "CHG-2", "--format", "json"]);
    ran.ended(
        0,
        &["it is merged, and not recorded yet", "changegate sweep", "git can't fetch from"],
    );
    let receipt: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(receipt["did"], "merged");
    let why = receipt["why"].as_str().unwrap();
    assert!(why.contains("not recorded yet"), "{receipt}");
    bob.changegate(&["sweep"]).failed(&["git can't fetch from"]);
    for verb in ["verify", "coverage", "controls"] {
        erin.changegate(&["audit", verb]).failed(&["git can't fetch from"]);
    }
    // What is shown says that it may be old.
    let shown = erin.changegate(&["log"]);
    shown.ended(0, &["CHG-2", "warning: the ledger can't be read as it is now"]);
    hub.desk_at("erin", "new").verify().failed(&["git can't fetch from"]);

    fs::rename(&away, &ledger).unwrap();
    let gap = erin.verify();
    gap.ended(1, &["it reached main, and is recorded nowhere", "not as it has to be: 1 finding"]);
    carol.changegate(&["sweep", "--dry-run"]).ended(0, &["entries that would record", ": 1"]);
    assert_eq!(titles(&ledger), [GENESIS.to_owned(), merged("CHG-1")]);
    carol
        .changegate(&["sweep"])
        .ended(0, &["entries that record what reached protected branches: 1"]);
    carol
        .changegate(&["sweep"])
        .ended(0, &["everything that reached protected branches is recorded"]);
    assert_eq!(titles(&ledger), [GENESIS.to_owned(), merged("CHG-1"), merged("CHG-2")]);
    let entry: Value =
        serde_json::from_str(&git(&ledger, &["show", "audit/ledger:entry.json"])).unwrap();
    assert_eq!(entry["predicate"]["collector"]["who"], "carol");
    assert_eq!(entry["predicate"]["merge"]["by"], "bob");
    erin.verify().ended(0, &["1 genesis and 2 merge", "\nverified\n"]);
}

#[test]
fn who_may_merge_need_not_write_there() {
    let (hub, ledger) = recording();
    let (bob, carol) = (hub.desk("bob"), hub.desk("carol"));
    let hook = ledger.join("hooks/pre-receive");
    fs::write(&hook, "#!/bin/sh\necho not you\nexit 1\n").unwrap();
    make_executable(&hook);
    bob.submit("CHG-1").went_well();
    let ran = bob.changegate(&["merge", "CHG-1"]);
    ran.ended(0, &["it is merged, and not recorded yet", "rejected the entries", "not you"]);
    bob.changegate(&["sweep"]).failed(&["rejected the entries", "not you"]);
    // What isn't pushed isn't known as recorded here either.
    bob.verify().ended(1, &["it reached main, and is recorded nowhere"]);
    fs::remove_file(&hook).unwrap();

    // A commit that went around the gate, and why.
    hub.unguard();
    bob.git(&["fetch", "--quiet"]);
    let text = request("CHG-2", "bob");
    let direct = bob.put("origin/main", &[("requests/CHG-2.yaml", &text)], "by hand");
    bob.push(&[&format!("{direct}:refs/heads/main")]).went_well();
    hub.guard();
    let because = ["audit", "record-bypass", &direct, "--because", "it was urgent"];
    carol.changegate(&because).ended(0, &["recorded as entry 3"]);
    let around = format!("bypass: {} on main (no-pull-request)", &direct[..7]);
    let all = [GENESIS, &merged("CHG-1"), &around, "note: explanation"];
    assert_eq!(titles(&ledger), all);
    hub.desk("erin").verify().ended(0, &["explained", "it was urgent", "\nverified\n"]);
}

#[test]
fn all_who_merge_at_once_are_recorded() {
    let (hub, ledger) = recording();
    let ids = ["CHG-1", "CHG-2", "CHG-3"];
    let desks: Vec<_> = ids.iter().map(|id| hub.desk_at("bob", id)).collect();
    for (desk, id) in desks.iter().zip(ids) {
        desk.submit(id).went_well();
    }
    thread::scope(|scope| {
        for (desk, id) in desks.iter().zip(ids) {
            scope.spawn(move || desk.changegate(&["merge", id]).ended(0, &["merged CHG"]));
        }
    });
    desks[0].changegate(&["sweep"]).ended(0, &["recorded"]);
    assert_eq!(titles(&ledger).len(), 4);
    desks[0].verify().ended(0, &["3 merge", "\nverified\n"]);
}

#[test]
fn one_that_was_rewound_or_deleted_is_missed() {
    let (hub, ledger) = recording();
    let (bob, erin) = (hub.desk("bob"), hub.desk("erin"));
    bob.execute("CHG-1");
    bob.execute("CHG-2");
    erin.verify().ended(0, &["\nverified\n"]);
    let tip = git(&ledger, &["rev-parse", "audit/ledger"]);
    let url = ledger.to_str().unwrap();
    bob.submit("CHG-3").went_well();

    git(&ledger, &["update-ref", "refs/heads/audit/ledger", "audit/ledger~2"]);
    let rewound = format!("the ledger on {url} doesn't continue the one that was seen here");
    erin.verify().ended(1, &[&rewound]);
    erin.changegate(&["audit", "coverage"]).failed(&[&rewound]);
    for verb in [&["merge", "CHG-3"][..], &["sweep"]] {
        bob.changegate(verb).failed(&[&rewound]);
    }
    // Who never saw it is told by what merges say.
    let late = hub.desk_at("bob", "late");
    late.verify().ended(1, &["recorded nowhere", "not as it has to be: 2 findings"]);
    let merge = hub.tip("main").unwrap();
    let never = format!("{} names a ledger of 2 entries that this one never was", &merge[..7]);
    late.changegate(&["sweep", "--dry-run"]).ended(0, &[": 2\n", "warning: ", &never]);

    git(&ledger, &["update-ref", "-d", "refs/heads/audit/ledger"]);
    let gone = format!("{url} has no branch audit/ledger any more: somebody deleted it");
    erin.verify().ended(1, &[&gone]);
    bob.changegate(&["merge", "CHG-3"]).failed(&[&gone]);
    let new = hub.desk_at("erin", "newer");
    new.verify().failed(&["no branch audit/ledger is known from there"]);
    new.changegate(&["init", "--ledger"]).failed(&["a ledger of 2 entries has begun before"]);

    git(&ledger, &["update-ref", "refs/heads/audit/ledger", &tip]);
    bob.changegate(&["merge", "CHG-3"]).ended(0, &["merged CHG-3", "recorded in the ledger"]);
    erin.verify().ended(0, &["3 merge", "\nverified\n"]);
}

#[test]
fn nothing_of_it_is_taken_where_the_changes_are() {
    let (hub, ledger) = recording();
    let bob = hub.desk("bob");
    bob.execute("CHG-1");
    let tip = git(&ledger, &["rev-parse", "audit/ledger"]);
    bob.git(&["fetch", "--quiet", ledger.to_str().unwrap(), "audit/ledger"]);
    let kept = format!("the settings keep the ledger in {}", ledger.display());
    for name in ["heads/audit/ledger", "heads/audit/evidence", "heads/audit/x", "tags/audit/2"] {
        bob.push(&[&format!("{tip}:refs/{name}")]).refused(&[&kept]);
    }
    // Of a merge nothing else is asked, and what it says of the ledger is for others to compare.
    bob.execute("CHG-2");
    hub.is_sound();
}

/// A ledger that was kept with the changes moves, and goes on.
#[test]
fn one_that_was_begun_here_moves() {
    let hub = Hub::recording();
    let (bob, erin) = (hub.desk("bob"), hub.desk("erin"));
    bob.execute("CHG-1");
    let ledger = bare(&hub);
    let url = ledger.to_str().unwrap();
    hub.unguard();
    bob.git(&["fetch", "--quiet"]);
    let tip = bob.settles("origin/main", &format!(", remote: {url}"));
    bob.push(&[&format!("{tip}:refs/heads/main")]).went_well();
    hub.guard();
    bob.git(&["pull", "--quiet"]);
    bob.execute("CHG-2");
    // A second one isn't begun in place of it, as merges say that there is one.
    let begun = bob.changegate(&["init", "--ledger"]);
    begun.failed(&["a ledger of 1 entries has begun before"]);
    hub.git(&["push", "--quiet", url, "refs/heads/audit/*:refs/heads/audit/*"]);
    bob.changegate(&["sweep"]).ended(0, &["entries that record", ": 2"]);
    let around = format!("bypass: {} on main (no-pull-request)", &tip[..7]);
    assert_eq!(titles(&ledger), [GENESIS, &merged("CHG-1"), &around, &merged("CHG-2")]);
    assert_eq!(hub.git(&["rev-list", "--count", "audit/ledger"]), "2");
    erin.verify().ended(0, &["1 bypass, 1 genesis and 2 merge", "\nverified\n"]);
}

/// The hook where a ledger is alone: it judges what shows by itself.
#[test]
fn the_hook_keeps_its_form_where_it_is_alone() {
    let (hub, ledger) = to_record();
    guard(&hub, &ledger);
    let (bob, carol, url) = (hub.desk("bob"), hub.desk("carol"), ledger.to_str().unwrap());
    let push = |refspecs: &[&str]| {
        let arguments = [&["push", "--quiet", "--atomic", url], refspecs].concat();
        Ran::of(&mut bob.command("git", &arguments), "")
    };
    // It begins with a beginning.
    let text = bob.put("origin/main", &[("README.md", "A ledger\n")], "A ledger");
    push(&[&format!("{text}:refs/heads/audit/ledger")]).refused(&["the entry", "was rejected"]);
    carol.changegate(&["init", "--ledger"]).ended(0, &["began the ledger"]);
    bob.execute("CHG-1");
    bob.execute("CHG-2");
    carol.changegate(&["audit", "witness", "tag"]).ended(0, &["the tag audit/3"]);
    assert_eq!(titles(&ledger), [GENESIS.to_owned(), merged("CHG-1"), merged("CHG-2")]);
    hub.desk("erin").verify().ended(0, &["\nverified\n"]);

    bob.git(&["fetch", "--quiet", url, "refs/heads/audit/*:refs/seen/*"]);
    let [entry, evidence] =
        ["ledger", "evidence"].map(|name| bob.git(&["rev-parse", &format!("refs/seen/{name}")]));
    let foreign = bob.put(&entry, &[("README.md", "text\n")], "Text");
    let proof = bob.put(&evidence, &[("more.txt", "text\n")], "Text");
    let to = |commit: &str, name: &str| format!("{commit}:refs/{name}");
    for (refspec, why) in [
        (to(&foreign, "heads/audit/ledger"), "was rejected"),
        (to(&proof, "heads/audit/evidence"), "evidence is pushed that belongs to no entry"),
        (to(&text, "heads/audit/notes"), "isn't one of the record's branches"),
        (to(&entry, "tags/audit/1"), "isn't one of the ledger's tags"),
        (to("origin/main", "heads/main"), "nothing but branches and tags below audit/"),
        (to("origin/main", "tags/v1"), "nothing but branches and tags below audit/"),
        (format!("+{entry}~1:refs/heads/audit/ledger"), "can't be reset or rewritten"),
        (":refs/heads/audit/ledger".to_owned(), "can't be deleted"),
        (":refs/heads/audit/evidence".to_owned(), "can't be deleted"),
    ] {
        push(&[&refspec]).refused(&[why]);
    }
    // An entry comes with the evidence that it names.
    for name in ["ledger", "evidence"] {
        let name = format!("refs/heads/audit/{name}");
        git(&ledger, &["update-ref", &name, &format!("{name}~1")]);
    }
    let own = to(&entry, "heads/audit/ledger");
    push(&[&own]).refused(&["its evidence isn't pushed with it"]);
    let message = bob.git(&["log", "-1", "--format=%B", &evidence]);
    let other = bob.tree(&evidence, &[("100644", "decision.json", "{}")]);
    let parent = format!("{evidence}~1");
    let other = bob.commit(&other, &[&parent], &format!("{}\n", message.trim()), &[], &[]);
    let other = to(&other, "heads/audit/evidence");
    push(&[&own, &other]).refused(&["the evidence of the entry", "isn't what it names"]);
    push(&[&own, &to(&evidence, "heads/audit/evidence")]).went_well();
    hub.desk_at("erin", "new").verify().ended(0, &["\nverified\n"]);
}

#[test]
fn what_has_to_go_goes_there() {
    let (hub, ledger) = recording();
    guard(&hub, &ledger);
    let (bob, erin) = (hub.desk("bob"), hub.desk("erin"));
    bob.execute("CHG-1");
    let entry = git(&ledger, &["show", "audit/ledger:entry.json"]);
    let entry: Value = serde_json::from_str(&entry).unwrap();
    let mut material = entry["predicate"]["material"].as_array().unwrap().iter();
    let secret = &material.find(|it| it["name"] == "request.yaml").unwrap()["sha256"];
    govern(&hub, "forget", &[&format!("sha256:{}", secret.as_str().unwrap())]);
    let delete = format!("`git push {} --delete audit/evidence`", ledger.display());
    erin.changegate(&["audit", "expunge", "--yes"]).ended(0, &["recorded as entry 3", &delete]);
    assert_eq!(titles(&ledger).last().unwrap(), "note: erasure");
    git(&ledger, &["config", "receive.denyDeletes", "false"]);
    erin.git(&["push", "--quiet", ledger.to_str().unwrap(), "--delete", "audit/evidence"]);
    bob.git(&["fetch", "--quiet"]);
    hub.desk_at("bob", "later").execute("CHG-2");
    let erased = ["erased       request.yaml of entry 1, by entry 3", "\nverified\n"];
    hub.desk_at("erin", "new").verify().ended(0, &erased);
    erin.verify().ended(0, &erased);
}
