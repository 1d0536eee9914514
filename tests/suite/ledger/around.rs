//! What reached the base without its entry: the hook refuses it, and where none was asked the next
//! merge records it.

use crate::plumbing::hub::{Desk, Hub, request};

/// Puts commits on the base of a hub that no hook guards for the moment.
fn past_the_hook(desk: &Desk<'_>, commit: &str) {
    desk.hub.unguard();
    desk.push_together(&[&format!("{commit}:refs/heads/main")]).went_well();
    desk.hub.guard();
}

/// A merge by hand of a commit into the base that brings a file, and says that it merges a change.
fn merge_by_hand(desk: &Desk<'_>, id: &str, head: &str, (path, text): (&str, &str)) -> String {
    desk.git(&["fetch", "--quiet", "origin"]);
    let tree = desk.tree("origin/main", &[("100644", path, text)]);
    let message = format!("Merge {id}: it is fine\n\nChange: {id}\n");
    desk.commit(&tree, &["origin/main", head], &message, &["-S"], &[])
}

/// Record 32, 69: what was pushed or merged by hand, with other content, too.
#[test]
fn the_next_merge_records_what_went_around() {
    let hub = Hub::recording();
    let (alice, bob, carol) = (hub.desk("alice"), hub.desk("bob"), hub.desk("carol"));
    let path = |id: &str| format!("requests/{id}.yaml");

    // A commit by hand, of somebody who isn't the one who merges next.
    let text = request("CHG-1", "alice");
    let direct = alice.put("origin/main", &[(&path("CHG-1"), &text)], "by hand");
    past_the_hook(&alice, &direct);
    // A merge that nobody approved.
    alice.submit("CHG-2").went_well();
    let head = hub.tip("change/CHG-2").unwrap();
    let text = request("CHG-2", "alice");
    let unapproved = merge_by_hand(&alice, "CHG-2", &head, (&path("CHG-2"), &text));
    past_the_hook(&alice, &unapproved);
    // A merge that brings something else than was approved.
    alice.submit("CHG-3").went_well();
    carol.approve("CHG-3").went_well();
    let head = hub.tip("change/CHG-3").unwrap();
    let text = request("CHG-3", "alice").replace("the flag", "every flag");
    let other = merge_by_hand(&alice, "CHG-3", &head, (&path("CHG-3"), &text));
    alice.push(&[&format!("{other}:refs/heads/main")]).refused(&["CHG-3 differs from what was"]);
    past_the_hook(&alice, &other);
    // A merge of what isn't a change at all.
    let side = alice.put("origin/main", &[(&path("CHG-4"), "a: b\n")], "aside");
    alice.git(&["fetch", "--quiet", "origin"]);
    let tree = alice.tree("origin/main", &[("100644", &path("CHG-4"), "a: b\n")]);
    let strange = alice.commit(&tree, &["origin/main", &side], "Merge it", &["-S"], &[]);
    past_the_hook(&alice, &strange);
    // A merge with a version from before the ledger.
    bob.submit("CHG-5").went_well();
    let apart = hub.desk_apart("bob", "apart");
    apart.changegate(&["merge", "CHG-5"]).ended(0, &["merged CHG-5"]);
    let old = apart.git(&["rev-parse", "main"]);
    bob.git(&["fetch", "--quiet", apart.folder.to_str().unwrap(), &old]);
    bob.push(&[&format!("{old}:refs/heads/main")]).refused(&[
        "reaches main without its entry in the ledger",
        "merge it with this version of `changegate merge`",
    ]);
    past_the_hook(&bob, &old);
    // A commit that touches nothing that is governed.
    bob.git(&["fetch", "--quiet", "origin"]);
    let free = bob.put("origin/main", &[("docs/a.md", "text\n")], "free");
    bob.push(&[&format!("{free}:refs/heads/main")]).went_well();

    let erin = hub.desk("erin");
    let nowhere = "it reached main, and is recorded nowhere";
    let gaps = erin.verify();
    gaps.ended(1, &["not as it has to be: 5 findings", &format!("{nowhere}: by hand")]);
    assert_eq!(gaps.stdout.matches(nowhere).count(), 5, "{gaps:?}");

    bob.execute("CHG-6");
    assert_eq!(
        super::titles(&hub),
        [
            "merged: CHG-6 Put worker CHG6 into maintenance".to_owned(),
            "merged: CHG-5 Put worker CHG5 into maintenance".to_owned(),
            format!("bypass: {} on main (not-approved)", &strange[..7]),
            format!("bypass: {} on main (other-content)", &other[..7]),
            format!("bypass: {} on main (not-approved)", &unapproved[..7]),
            format!("bypass: {} on main (no-pull-request)", &direct[..7]),
            "genesis: git.acme.example/ops".to_owned(),
        ]
    );
    let by = "by alice, entry 1";
    erin.verify().ended(0, &["4 bypass, 1 genesis and 2 merge", by, "\nverified\n"]);
    // Free commits behind the last entry, too.
    bob.git(&["fetch", "--quiet", "origin"]);
    let free = bob.put("origin/main", &[("docs/b.md", "text\n")], "free again");
    bob.push(&[&format!("{free}:refs/heads/main")]).went_well();
    erin.verify().ended(0, &["\nverified\n"]);
    // No entry holds an address, no matter who came around the gate.
    let log = hub.git(&["log", "--format=%an %ae %cn %ce %B", "-p", "audit/ledger"]);
    assert!(!log.contains("@acme.example"), "{log}");
    hub.is_sound();
}

/// Changes the settings by a change of the policies that two L3 sign.
#[track_caller]
fn switch(hub: &Hub, name: &'static str, from: &str, to: &str) {
    const SETTINGS: &str = "policies/org/settings/data.yaml";
    let bob = hub.desk_at("bob", name);
    let settings = bob.git(&["show", &format!("origin/main:{SETTINGS}")]);
    assert!(settings.contains(from), "{settings}");
    bob.write(SETTINGS, &(settings.replace(from, to) + "\n"));
    bob.changegate(&["submit", "--policies", name, "--message", "Switch the ledger"]).went_well();
    for who in ["carol", "erin"] {
        hub.desk_at(who, &format!("{name}-{who}")).approve(name).went_well();
    }
    bob.changegate(&["merge", name]).ended(0, &["merged"]);
}

/// Record 45: a ledger that is switched off for a while. What is merged then is missed at once, and recorded
/// by the first merge after that.
#[test]
fn a_ledger_that_was_switched_off() {
    let hub = Hub::recording();
    let (on, off) = ("ledger: {on: true", "ledger: {on: false");
    hub.desk("bob").execute("CHG-1");
    switch(&hub, "off", on, off);
    let tip = hub.tip("audit/ledger");
    hub.desk_at("bob", "meanwhile").execute("CHG-2");
    switch(&hub, "on", off, on);
    assert_eq!(hub.tip("audit/ledger"), tip);
    let erin = hub.desk("erin");
    let nowhere = "it reached main, and is recorded nowhere: Merge ";
    erin.verify().ended(1, &["2 findings", &format!("{nowhere}CHG-2"), &format!("{nowhere}on")]);
    erin.changegate(&["audit", "coverage"]).ended(1, &["CHG-2"]);
    hub.desk_at("bob", "after").execute("CHG-3");
    let titles = super::titles(&hub);
    for (title, merged) in
        titles.iter().zip(["CHG-3 ", "policies (on)", "CHG-2 ", "policies (off)"])
    {
        assert!(title.starts_with(&format!("merged: {merged}")), "{titles:?}");
    }
    erin.verify().ended(0, &["1 genesis and 5 merge", "\nverified\n"]);
    hub.is_sound();
}

/// Record 33: a base that was forced back.
#[test]
fn a_base_that_was_rewritten() {
    let hub = Hub::recording();
    let bob = hub.desk("bob");
    bob.execute("CHG-1");
    let [before, after] = ["main~1", "main"].map(|commit| hub.git(&["rev-parse", commit]));
    bob.push(&["--force", &format!("{before}:refs/heads/main")]).refused(&["can't be reset"]);
    hub.git(&["update-ref", "refs/heads/main", &before]);
    let erin = hub.desk("erin");
    // Who has never seen what is gone can't tell that from what is to be fetched.
    let ahead = ["coverage: main: it ends at ", "it wasn't fetched since, or it was reset"];
    erin.verify().ended(1, &ahead);
    bob.verify().ended(1, &ahead);
    let other = bob.put(&before, &[("docs/c.md", "other\n")], "another history");
    bob.push(&[&format!("{other}:refs/heads/side")]).went_well();
    hub.git(&["update-ref", "refs/heads/main", &other]);
    bob.verify().ended(1, &["coverage: main: ", "isn't part of the history", "it was rewritten"]);
    hub.git(&["update-ref", "refs/heads/main", &before]);
    bob.submit("CHG-2").went_well();
    let back = format!("`git update-ref refs/heads/main {after}`");
    bob.changegate(&["merge", "CHG-2"]).failed(&["main was rewritten", &back, "audit coverage"]);
    hub.git(&["update-ref", "refs/heads/main", &after]);
    bob.changegate(&["merge", "CHG-2"]).ended(0, &["merged CHG-2"]);
    erin.verify().ended(0, &["\nverified\n"]);
}

/// Record 65: the base was pushed, and the ledger lost its race.
#[test]
fn a_push_that_was_not_atomic() {
    let hub = Hub::recording();
    let bob = hub.desk_apart("bob", "apart");
    bob.execute("CHG-1");
    hub.unguard();
    let change = "refs/heads/change/CHG-1";
    bob.push_together(&["refs/heads/main", "refs/heads/audit/evidence", change]).went_well();
    hub.guard();
    let erin = hub.desk("erin");
    erin.verify().ended(1, &["it reached main, and is recorded nowhere: Merge CHG-1"]);
    hub.desk("carol").execute("CHG-2");
    erin.verify().ended(0, &["1 genesis and 2 merge", "2 byte for byte the same", "\nverified\n"]);
}

/// Record 26, 43: a ledger that the server has set back isn't followed.
#[test]
fn a_ledger_that_was_rewound_on_the_server() {
    let hub = Hub::recording();
    let bob = hub.desk("bob");
    bob.execute("CHG-1");
    let erin = hub.desk("erin");
    erin.verify().ended(0, &["\nverified\n"]);
    let [before, after] =
        ["audit/ledger~1", "audit/ledger"].map(|commit| hub.git(&["rev-parse", commit]));
    hub.git(&["update-ref", "refs/heads/audit/ledger", &before]);
    let said = [
        &format!("it is at {}, and was at {}", &before[..7], &after[..7]),
        "the ledger on origin doesn't continue the one that was seen here",
        "what was seen here is kept as refs/changegate/origin/audit/ledger: find out who did that",
        &format!("`git update-ref refs/heads/audit/ledger {after}` there"),
    ];
    erin.verify().ended(1, &said);
    erin.changegate(&["audit", "coverage"]).failed(&said);
    bob.submit("CHG-2").went_well();
    bob.changegate(&["merge", "CHG-2"]).failed(&said);
    bob.changegate(&["log"])
        .ended(0, &["warning: the ledger can't be read as it is now: the ", said[0]]);
    erin.changegate(&["audit", "verify", "--no-fetch"]).ended(0, &["\nverified\n"]);
    // It is put back as that says.
    hub.git(&["update-ref", "refs/heads/audit/ledger", &after]);
    erin.verify().ended(0, &["\nverified\n"]);
    // A server that can't be reached is something else.
    erin.git(&["remote", "set-url", "origin", "/nowhere"]);
    let ran = erin.verify();
    ran.failed(&["git can't fetch from origin", "add --no-fetch to use what was fetched last"]);
    assert!(!ran.stderr.contains("warning"), "{ran:?}");
}

/// Record 43: a ledger that was deleted, and one that is begun a second time.
#[test]
fn a_ledger_that_was_deleted_is_missed_and_begins_once() {
    let hub = Hub::recording();
    let bob = hub.desk("bob");
    bob.execute("CHG-1");
    let erin = hub.desk("erin");
    erin.verify().ended(0, &["\nverified\n"]);
    let evidence = hub.tip("audit/evidence").unwrap();
    hub.git(&["update-ref", "-d", "refs/heads/audit/evidence"]);
    let restore = format!("`git update-ref refs/heads/audit/evidence {evidence}` there");
    erin.verify().ended(1, &["origin has no branch audit/evidence any more", &restore]);
    hub.git(&["update-ref", "refs/heads/audit/evidence", &evidence]);
    hub.git(&["update-ref", "-d", "refs/heads/audit/ledger"]);
    let gone = "origin has no branch audit/ledger any more: somebody deleted it";
    erin.verify().ended(1, &[gone]);
    erin.changegate(&["audit", "coverage"]).failed(&[gone]);
    bob.submit("CHG-2").went_well();
    bob.changegate(&["merge", "CHG-2"]).failed(&[gone]);
    // Who never saw it begins no other one.
    let carol = hub.desk_at("carol", "carol-is-new");
    let begun = "a ledger of 1 entries has begun before";
    carol.changegate(&["init", "--ledger"]).failed(&[begun, "put it back from there"]);
    std::fs::remove_file(hub.folder().join("hooks/pre-receive")).unwrap();
    bob.git(&["update-ref", "-d", "refs/changegate/origin/audit/ledger"]);
    bob.changegate(&["init", "--ledger"]).failed(&[begun]);
}

/// A clone and the program are enough, though the server is gone.
#[test]
fn a_clone_of_a_server_that_is_gone_is_verified() {
    let hub = Hub::recording();
    hub.desk("bob").execute("CHG-1");
    let heidi = hub.desk_at("heidi", "heidi-has-a-clone");
    heidi.git(&["fetch", "--quiet", "origin"]);
    heidi.git(&["remote", "set-url", "origin", "/nowhere"]);
    heidi.verify().failed(&["add --no-fetch to use what was fetched last"]);
    let ran = heidi.changegate(&["audit", "verify", "--no-fetch"]);
    ran.ended(0, &["1 genesis and 1 merge", "\nverified\n"]);
    heidi
        .changegate(&["audit", "show", "CHG-1", "--no-fetch"])
        .ended(0, &["entry 1  merged: CHG-1"]);
}
