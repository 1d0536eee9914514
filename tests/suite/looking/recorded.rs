//! What the ledger records is shown as it is recorded.

use serde_json::{Value, json};

use crate::plumbing::hub::{Desk, Hub, request};

/// A hub in which bob's CHG-1 is older than the ledger, CHG-2 is recorded, alice's CHG-3 went around the
/// gate and isn't recorded yet.
struct Story {
    hub: Hub,
}

impl Story {
    fn new() -> Self {
        let hub = Hub::to_record();
        let bob = hub.desk("bob");
        bob.execute("CHG-1");
        let carol = hub.desk("carol");
        carol.changegate(&["init", "--ledger"]).went_well();
        bob.execute("CHG-2");
        let alice = hub.desk("alice");
        alice.submit("CHG-3").went_well();
        alice.git(&["fetch", "--quiet", "origin"]);
        let text = request("CHG-3", "alice");
        let tree = alice.tree("origin/main", &[("100644", "requests/CHG-3.yaml", &text)]);
        let message = "Merge CHG-3: it is fine\n\nChange: CHG-3\nTier: low\n";
        let parents = ["origin/main", "origin/change/CHG-3"];
        let commit = alice.commit(&tree, &parents, message, &["-S"], &[]);
        hub.unguard();
        alice.push(&[&format!("{commit}:refs/heads/main")]).went_well();
        hub.guard();
        Story { hub }
    }

    /// bob merges CHG-4, which records CHG-3, and carol explains that.
    fn recorded(self) -> Self {
        let bob = self.hub.desk_at("bob", "bob-again");
        bob.execute("CHG-4");
        let carol = self.hub.desk_at("carol", "carol-explains");
        let explain = ["audit", "record-bypass", "2", "--who", "alice", "--because", "a fire"];
        carol.changegate(&explain).went_well();
        self
    }

    fn desk(&self) -> Desk<'_> {
        self.hub.desk("erin")
    }
}

/// The events on the base of a change: what happened, the entry, and whether there should be one.
fn on_base(desk: &Desk<'_>, id: &str) -> Vec<Value> {
    let log = desk.changegate(&["log", id, "--format", "json"]).json("log");
    let events = log["changes"][0]["events"].as_array().unwrap();
    let is_on_base = |event: &&Value| event["event"] == "merged" || event["event"] == "bypassed";
    let events = events.iter().filter(is_on_base);
    events.map(|it| json!([it["event"], it["recorded"]["index"], it["unrecorded"]])).collect()
}

#[test]
fn that_the_remote_is_out_of_reach_is_said_once() {
    let story = Story::new();
    let desk = story.desk();
    desk.changegate(&["log"]).went_well();
    desk.git(&["remote", "set-url", "origin", "../nowhere.git"]);
    for arguments in [&["list"][..], &["log"], &["log", "CHG-2"], &["show", "CHG-2"]] {
        let ran = desk.changegate(arguments);
        ran.ended(0, &["warning: this shows what was fetched last from origin, ", "nowhere.git"]);
        assert_eq!(ran.stderr.matches("warning: ").count(), 1, "{ran:?}");
        assert!(ran.stdout.contains("[1]") || arguments == ["list"], "{ran:?}");
    }
}

#[test]
fn what_is_not_recorded_is_named() {
    let story = Story::new();
    let desk = story.desk();
    assert_eq!(on_base(&desk, "CHG-1"), [json!(["merged", null, false])]);
    assert_eq!(on_base(&desk, "CHG-2"), [json!(["merged", 1, false])]);
    assert_eq!(on_base(&desk, "CHG-3"), [json!(["bypassed", null, true])]);
    let nowhere = "[-] is recorded nowhere: `changegate audit coverage`";
    let text = desk.changegate(&["log"]);
    text.ended(0, &[" [-]  Merge CHG-3", " [1]  Merge CHG-2", "[1] is entry 1 of the", nowhere]);
    assert_eq!(text.stdout.matches("changegate audit show 1").count(), 1, "{text:?}");
    let csv = desk.changegate(&["log", "--format", "csv"]);
    assert!(
        csv.stdout.starts_with("change,") && csv.stdout.contains(",text,counted,recorded\r\n"),
        "{csv:?}"
    );
    for end in [
        "Merge CHG-1: Put worker CHG1 into maintenance,,\r\n",
        "CHG2 into maintenance,,1\r\n",
        "heidi)\",,nowhere\r\n",
    ] {
        assert!(csv.stdout.contains(end), "{end}: {csv:?}");
    }
    // The open ones alone, and all of them.
    for state in ["open", "all"] {
        let list = desk.changegate(&["list", "--state", state, "--format", "json"]).json("list");
        let unrecorded = &list["unrecorded"];
        assert_eq!(unrecorded.as_array().unwrap().len(), 1, "{list:#}");
        assert_eq!(
            [&unrecorded[0]["by"], &unrecorded[0]["title"]],
            ["alice", "Merge CHG-3: it is fine"]
        );
        desk.changegate(&["list", "--state", state]).ended(
            0,
            &["WARNING  ", " by alice is on main and recorded nowhere: Merge CHG-3: it is fine"],
        );
    }
    let list = desk.changegate(&["list", "--state", "merged"]);
    list.ended(0, &["merged past the rules by alice: it was pending then", ", recorded nowhere"]);
    desk.changegate(&["show", "CHG-3"]).ended(0, &[" is recorded nowhere: "]);
}

#[test]
fn what_is_recorded_is_shown_as_recorded() {
    let story = Story::new().recorded();
    let desk = story.desk();
    assert_eq!(on_base(&desk, "CHG-1"), [json!(["merged", null, false])]);
    assert_eq!(on_base(&desk, "CHG-3"), [json!(["bypassed", 2, false])]);
    assert_eq!(on_base(&desk, "CHG-4"), [json!(["merged", 3, false])]);
    let why = "it wasn't approved when it was merged; explained: it was alice; a fire (carol, ";
    let list = desk.changegate(&["list", "--state", "all"]);
    list.ended(0, &[&format!("merged past the rules by alice: {why}"), ", entry 4) (entry 2)"]);
    assert!(!list.stdout.contains("WARNING"), "{list:?}");
    let json = desk.changegate(&["list", "--state", "merged", "--format", "json"]).json("list");
    let entries: Vec<_> = (json["changes"].as_array().unwrap().iter())
        .map(|it| json!([it["change"], it["bypassed"], it["recorded"], it["tier"]]))
        .collect();
    // The tier of CHG-3 is that of the record, and not what its maker wrote.
    for expected in [
        json!(["CHG-1", false, null, "high"]),
        json!(["CHG-2", false, 1, "high"]),
        json!(["CHG-3", true, 2, "high"]),
        json!(["CHG-4", false, 3, "high"]),
    ] {
        assert!(entries.contains(&expected), "{expected}: {entries:#?}");
    }
    let show = desk.changegate(&["show", "CHG-3"]);
    show.ended(0, &["went around the rules: ", "WARNING", " as entry 2 on ", ", sha256:"]);
    assert!(show.stdout.contains("a fire"), "{show:?}");
    let show = desk.changegate(&["show", "CHG-3", "--format", "json"]).json("show");
    assert!(show["merges"][0]["bypassed"].as_str().unwrap().starts_with(why), "{show:#}");
    let recorded = &show["timeline"].as_array().unwrap().last().unwrap()["recorded"];
    assert_eq!([&recorded["because"], &recorded["verdict"]], ["not-approved", "pending"]);
    assert_eq!(recorded["explanations"][0]["text"], "a fire");
}

/// What was said after a merge changes nothing in the record of it.
#[test]
fn the_record_counts_and_not_what_is_judged_later() {
    let story = Story::new();
    story.hub.unguard();
    let carol = story.hub.desk_at("carol", "carol-late");
    carol.git(&["fetch", "--quiet", "origin"]);
    let head = carol.git(&["rev-parse", "origin/main^2"]);
    // A review that is dated before the merge, but wasn't there when it was recorded.
    let approval = |desk: &Desk<'_>| {
        let env = [("GIT_COMMITTER_DATE", "2026-01-01T00:00:00Z")];
        let approval = desk.approval("CHG-3", &head, &["-S"], &env);
        desk.push(&[&format!("{approval}:refs/heads/reviews/CHG-3")]).went_well();
    };
    let bob = story.hub.desk_at("bob", "bob-again");
    bob.execute("CHG-4");
    approval(&carol);
    assert_eq!(on_base(&story.desk(), "CHG-3"), [json!(["bypassed", 2, false])]);
}

#[test]
fn a_broken_ledger_hides_nothing() {
    let story = Story::new().recorded();
    let desk = story.desk();
    desk.changegate(&["log"]).went_well();
    let whole = desk.changegate(&["log", "--format", "csv", "--no-fetch"]).stdout;
    let ledger = "refs/changegate/origin/audit/ledger";
    let tip = desk.git(&["rev-parse", ledger]);
    // A commit that holds no entry.
    let foreign = desk.put(ledger, &[("README.md", "x\n")], "foreign");
    desk.git(&["update-ref", ledger, &foreign]);
    let ran = desk.changegate(&["log", "--format", "csv", "--no-fetch"]);
    ran.ended(0, &["warning: ", "1 of its commits hold no entry", "`changegate audit verify`"]);
    assert_eq!(ran.stdout, whole);
    // An entry that was left out: from there on all is judged again.
    let entry = desk.git(&["rev-parse", &format!("{tip}~1^{{tree}}")]);
    let parent = desk.git(&["rev-parse", &format!("{tip}~3")]);
    let cut = desk.commit(&entry, &[&parent], "cut", &[], &[]);
    desk.git(&["update-ref", ledger, &cut]);
    let ran = desk.changegate(&["log", "--no-fetch"]);
    ran.ended(0, &["warning: ", "entry 3 (", "doesn't follow from those before it"]);
    ran.ended(0, &[" [1]  Merge CHG-2", "it was pending then"]);
    assert!(!ran.stdout.contains("[3]"), "{ran:?}");
    // No ledger at all.
    desk.git(&["update-ref", ledger, "refs/remotes/origin/main"]);
    let ran = desk.changegate(&["log", "--no-fetch"]);
    ran.ended(0, &["warning: ", "it isn't a ledger of this format", "it was pending then"]);
}
