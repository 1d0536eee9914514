//! What anybody who may push does with the names of branches and tags, and with the order of a push.

use super::*;
use crate::plumbing::hub::{Desk, program};

/// A hub with a ledger, where alice has submitted a change that carol has approved.
fn to_merge(hub: &Hub) -> Desk<'_> {
    let alice = hub.desk("alice");
    alice.submit("CHG-1").went_well();
    hub.desk("carol").approve("CHG-1").went_well();
    alice
}

#[test]
fn names_that_make_pushes_ambiguous() {
    let names = [
        "refs/heads/refs/heads/main",
        "refs/heads/Refs/heads/audit/ledger",
        "refs/tags/refs/heads/audit/ledger",
    ];
    let hub = Hub::recording();
    let alice = to_merge(&hub);
    for name in names {
        let ambiguous = [name, "ambiguous: choose a name that doesn't begin with refs/"];
        alice.push(&[&format!("origin/main:{name}")]).refused(&ambiguous);
    }
    alice.push(&["origin/main:refs/tags/audit"]).refused(&["would block the ledger's tags"]);
    // Who fetches a branch by its short name would get these.
    for name in ["refs/main", "refs/tags/master", "refs/tags/MAIN", "refs/audit/operations"] {
        let taken = [name, "would be taken for the branch"];
        alice.push(&[&format!("origin/main:{name}")]).refused(&taken);
    }
    // Where no hook was asked, all is pushed that has to be.
    hub.unguard();
    let specs = names.map(|name| format!("origin/main:{name}"));
    alice.push(&specs.each_ref().map(String::as_str)).went_well();
    hub.guard();
    alice.changegate(&["merge", "CHG-1"]).ended(0, &["merged CHG-1"]);
    alice.changegate(&["audit", "witness", "tag"]).ended(0, &["given: the tag audit/2"]);
    assert_eq!(alice.git(&["for-each-ref", "refs/changegate-push"]), "");
    auditor(&hub).verify().ended(0, &["\nverified\n"]);
}

/// Record 64: a tag that isn't ours could never be taken away again; where there is one, it stops nothing.
#[test]
fn a_tag_that_is_not_ours_stops_no_witness() {
    let hub = Hub::recording();
    let alice = to_merge(&hub);
    alice.changegate(&["merge", "CHG-1"]).went_well();
    alice.git(&["fetch", "--quiet", "origin", "audit/ledger"]);
    let [first, second] = ["FETCH_HEAD~1", "FETCH_HEAD"];
    let checkpoint = alice.git(&["show", &format!("{second}:checkpoint")]) + "\n\n";
    let signed = format!("{checkpoint}\u{2014} somebody AAAAAAAA\nand more\n");
    for (name, commit, message) in [
        ("audit/x/y", second, &checkpoint),
        ("audit/02", second, &checkpoint),
        ("audit/2", first, &checkpoint),
        ("audit/2", second, &"two\n".to_owned()),
        ("audit/2", second, &signed),
        ("audit/3", second, &checkpoint),
    ] {
        alice.git(&["tag", "--force", "--annotate", "--message", message, name, commit]);
        alice.push(&[name]).refused(&[name, "isn't one of the ledger's tags"]);
        alice.git(&["tag", "--delete", name]);
    }
    alice.push(&[&format!("{second}:refs/tags/audit/2")]).refused(&["isn't one of the ledger's"]);
    hub.unguard();
    alice.push(&["origin/main:refs/tags/audit/2", "origin/main:refs/tags/audit/x/y"]).went_well();
    hub.guard();
    let witness = |desk: &Desk<'_>| desk.changegate(&["audit", "witness", "tag"]);
    let said = "given: the tag audit/1, because audit/2 isn't one of the ledger's";
    witness(&alice).ended(0, &[said]);
    witness(&alice).ended(1, &["audit/2 is a tag that isn't the ledger's: the next entry can"]);
    hub.desk("bob").execute("CHG-2");
    witness(&alice).ended(0, &["given: the tag audit/3"]);
    witness(&alice).ended(0, &["nothing is new"]);
    let found = auditor(&hub).verify();
    found.ended(1, &["the tag audit/2 isn't one", "the tag audit/x/y isn't one"]);
    found.ended(1, &["not as it has to be: 2 findings"]);
}

/// Record 65: a push that isn't atomic loses its base to another one, after the hook has judged it. The record
/// doesn't move alone either.
#[test]
fn a_push_that_is_not_atomic_and_loses_its_base() {
    let hub = Hub::recording();
    let alice = to_merge(&hub);
    let apart = hub.desk_apart("alice", "apart");
    apart.changegate(&["merge", "CHG-1"]).ended(0, &["merged"]);
    let folder = apart.folder.to_str().unwrap().to_owned();
    alice.git(&["fetch", "--quiet", &folder, "+refs/heads/*:refs/apart/*"]);
    let free = alice.put("origin/main", &[("README.md", "hello\n")], "Nothing governed");
    alice.push(&[&format!("{free}:refs/heads/wait")]).went_well();
    let hook = hub.folder().join("hooks/pre-receive");
    // Another push gets in between: here, the hook makes it.
    let script = format!(
        "#!/bin/sh\n'{}' hook pre-receive || exit 1\n\
         env -u GIT_QUARANTINE_PATH git update-ref refs/heads/main {free}\n",
        program().display()
    );
    fs::write(&hook, script).unwrap();
    let before = ["audit/ledger", "audit/evidence"].map(|name| hub.tip(name));
    let all = ["audit/evidence", "audit/ledger", "main"];
    let all = all.map(|name| format!("refs/apart/{name}:refs/heads/{name}"));
    let pushed = alice.push(&all.each_ref().map(String::as_str));
    pushed.refused(&["move together or not at all: push them with `git push --atomic`"]);
    assert_eq!(["audit/ledger", "audit/evidence"].map(|name| hub.tip(name)), before);
    hub.guard();
    hub.desk("bob").execute("CHG-2");
    alice.changegate(&["merge", "CHG-1"]).ended(0, &["merged CHG-1"]);
    auditor(&hub).verify().ended(0, &["1 genesis and 2 merge", "\nverified\n"]);
}
