//! What an auditor asks of the ledger: each verb of `changegate audit` on real repositories.

use std::fs;

use serde_json::Value;

use crate::plumbing::hub::{Desk, Hub, Ran, request};

mod exports;

const SETTINGS: &str = "policies/org/settings/data.yaml";

/// A guarded hub with a ledger, in which CHG-1 of alice's was merged, reviewed by carol, and CHG-2 of
/// bob's.
struct Audited {
    hub: Hub,
}

impl Audited {
    fn new() -> Self {
        let hub = Hub::open();
        let carol = hub.desk("carol");
        let settings = carol.git(&["show", &format!("origin/main:{SETTINGS}")]);
        let mut lines: Vec<_> =
            settings.lines().filter(|line| !line.starts_with("ledger:")).collect();
        lines.push(
            "ledger: {on: true, origin: git.acme.example/ops, repository: \
             \"git+https://git.acme.example/ops\"}\n",
        );
        let commit = carol.put("origin/main", &[(SETTINGS, &lines.join("\n"))], "Record");
        carol.push(&[&format!("{commit}:refs/heads/main")]).went_well();
        hub.guard();
        carol.changegate(&["init", "--ledger"]).went_well();
        let (alice, bob) = (hub.desk("alice"), hub.desk("bob"));
        alice.submit("CHG-1").went_well();
        carol.approve("CHG-1").went_well();
        alice.changegate(&["merge", "CHG-1"]).went_well();
        bob.submit("CHG-2").went_well();
        bob.changegate(&["merge", "CHG-2"]).went_well();
        Audited { hub }
    }

    /// A clone of heidi's, who looks at it.
    fn desk(&self) -> Desk<'_> {
        self.hub.desk("heidi")
    }

    /// Switches the hook off, and pushes an edit of a request straight to main. Returns its commit.
    fn bypass(&self) -> String {
        let hook = self.hub.folder().join("hooks/pre-receive");
        let off = hook.with_extension("off");
        fs::rename(&hook, &off).unwrap();
        let desk = self.hub.desk_at("bob", "bob-around");
        let text = request("CHG-1", "alice").replace("its disk", "the disk");
        let commit = desk.put("origin/main", &[("requests/CHG-1.yaml", &text)], "just this once");
        desk.push(&[&format!("{commit}:refs/heads/main")]).went_well();
        fs::rename(&off, &hook).unwrap();
        commit
    }

    /// Merges another change of bob's, with which a bypass is recorded.
    fn merge(&self, id: &str) {
        let bob = self.hub.desk_at("bob", &format!("bob-{id}"));
        bob.submit(id).went_well();
        bob.changegate(&["merge", id]).went_well();
    }
}

#[track_caller]
fn shown(desk: &Desk<'_>, name: &str) -> Value {
    let ran = desk.changegate(&["audit", "show", name, "--format", "json"]);
    ran.went_well();
    ran.json("audit-show")
}

#[test]
fn an_entry_is_shown_by_every_name_it_has() {
    let audited = Audited::new();
    let desk = audited.desk();
    let ran = desk.changegate(&["audit", "show", "CHG-1"]);
    ran.ended(
        0,
        &[
            "entry 1  merged: CHG-1 Put worker CHG1 into maintenance",
            "decided      approved at ",
            "signed off   carol (L3",
            "signed by    alice with SHA256:",
            "git.acme.example/ops, which has 3 entries",
            "decision.json",
        ],
    );
    let view = shown(&desk, "CHG-1");
    let entry = &view["entries"][0];
    let id = entry["id"].as_str().unwrap();
    let brought = entry["statement"]["predicate"]["merge"]["covers"]["to"].as_str().unwrap();
    let head = entry["statement"]["predicate"]["head"].as_str().unwrap();
    let names = [id, &id[..14], &id[7..14], "1", brought, &brought[..7], head];
    for name in names.into_iter().chain(entry["commit"].as_str()) {
        assert_eq!(shown(&desk, name), view, "{name}");
    }
    assert_eq!(shown(&desk, "0")["entries"][0]["kind"], "genesis");
}

#[test]
fn what_names_no_entry_is_said_in_a_message() {
    let audited = Audited::new();
    let desk = audited.desk();
    for (name, why) in [
        ("9", "no entry `9`: name an index from 0 to 2"),
        ("CHG-9", "no entry `CHG-9`"),
        ("", "write at least 7 of its digits"),
        ("abc", "write at least 7 of its digits"),
        ("sha256:12", "write at least 7 of its digits"),
        ("sha256:xyzxyzxyz", "write at least 7 of its digits"),
        ("abcdef0", "no entry `abcdef0`"),
        ("sha256:0000000", "no entry"),
        ("99999999999999999999999", "no entry"),
    ] {
        desk.changegate(&["audit", "show", name]).failed(&[why]);
    }
    let other = audited.hub.lonely_desk("dan");
    other.changegate(&["audit", "show", "1"]).failed(&["there is no branch audit/ledger"]);
}

#[test]
fn an_entry_is_checked_by_hand_as_it_says() {
    let audited = Audited::new();
    audited.bypass();
    audited.merge("CHG-3");
    let desk = audited.desk();
    let mut count = 0;
    for index in 0..=4 {
        for check in shown(&desk, &index.to_string())["entries"][0]["by_hand"].as_array().unwrap() {
            let command = check["command"].as_str().unwrap();
            let bin = crate::plumbing::hub::program();
            let command = format!("PATH={}:$PATH\n{command}", bin.parent().unwrap().display());
            let ran = Ran::of(&mut desk.command("bash", &["-c", &command]), "");
            let prints = check["prints"].as_str().unwrap();
            ran.ended(0, &[prints]);
            assert!(ran.stderr.is_empty(), "{ran:?}");
            count += 1;
        }
    }
    assert!(count > 40, "{count} checks");
}

#[test]
fn what_is_missing_in_the_evidence_is_marked() {
    let audited = Audited::new();
    let desk = audited.desk();
    let refs = "refs/changegate/origin/audit/evidence";
    shown(&desk, "1");
    desk.git(&["update-ref", "-d", refs]);
    let ran = desk.changegate(&["audit", "show", "1", "--no-fetch"]);
    ran.ended(0, &["decision.json (", "MISSING OR CHANGED"]);
}

fn coverage(desk: &Desk<'_>, arguments: &[&str], code: i32) -> Value {
    let all = [&["audit", "coverage", "--format", "json"], arguments].concat();
    let ran = desk.changegate(&all);
    assert_eq!(ran.code, code, "{ran:?}");
    ran.json("audit-coverage")
}

fn counts(branch: &Value) -> [u64; 5] {
    let list = |name: &str| branch[name].as_array().unwrap().len() as u64;
    let number = |name: &str| branch[name].as_u64().unwrap();
    [number("commits"), number("merges"), number("free"), list("bypasses"), list("unrecorded")]
}

#[test]
fn coverage_names_what_went_around_and_what_is_not_recorded() {
    let audited = Audited::new();
    let desk = audited.desk();
    let found = coverage(&desk, &[], 0);
    assert_eq!(counts(&found["branches"][0]), [2, 2, 0, 0, 0]);
    let free = desk.put("origin/main", &[("src/main.c", "int main() {}\n")], "code");
    desk.push(&[&format!("{free}:refs/heads/main")]).went_well();
    let commit = audited.bypass();
    let found = coverage(&desk, &[], 1);
    assert_eq!(counts(&found["branches"][0]), [4, 2, 1, 0, 1]);
    assert_eq!(found["branches"][0]["unrecorded"][0]["commit"], commit.as_str());
    let short = &commit[..7];
    let unrecorded = format!("unrecorded  {short} ");
    desk.changegate(&["audit", "coverage"]).ended(
        1,
        &[&unrecorded, " by bob: just this once", "not complete: 1 commit is recorded nowhere"],
    );
    audited.merge("CHG-3");
    let found = coverage(&desk, &[], 0);
    assert_eq!(counts(&found["branches"][0]), [5, 3, 1, 1, 0]);
    let bypass = &found["branches"][0]["bypasses"][0];
    assert_eq!(
        [&bypass["commit"], &bypass["by"], &bypass["because"]],
        [commit.as_str(), "bob", "no-pull-request"]
    );
    let hint = format!("changegate audit record-bypass {short} --because TEXT");
    desk.changegate(&["audit", "coverage"]).ended(0, &["complete: everything", &hint]);
}

#[test]
fn coverage_of_a_period() {
    let audited = Audited::new();
    let desk = audited.desk();
    // What came before the ledger isn't covered.
    for (arguments, expected) in
        [(&["--until", "2026-01-01"][..], 0), (&["--since", "2026-01-01"], 2)]
    {
        let found = coverage(&desk, arguments, 1);
        assert_eq!(counts(&found["branches"][0])[0], expected, "{arguments:?}");
        assert_eq!([&found["is_covered"], &found["is_complete"]], [false, false]);
    }
    let begun = coverage(&desk, &[], 0)["since"].as_str().unwrap().to_owned();
    let found = coverage(&desk, &["--since", &begun], 0);
    assert_eq!(counts(&found["branches"][0])[0], 2);
    desk.changegate(&["audit", "coverage", "--until", "2026-01-01"])
        .ended(1, &["not complete: the ledger began on ", "nothing before that is recorded"]);
    desk.changegate(&["audit", "coverage", "--since", "2198-01-01"])
        .failed(&["the period has yet to begin"]);
    desk.changegate(&["audit", "coverage", "--base", "nope"]).failed(&["there is no branch nope"]);
    desk.changegate(&["audit", "coverage", "--since", "2026-03-31", "--until", "2026-03-01"])
        .failed(&["the period ends before it begins"]);
    // A word with a t in it is not a time.
    for date in ["March", "yesterday", "today", "2026-13-01", "2026-3-1"] {
        let ran = desk.changegate(&["audit", "coverage", "--since", date]);
        let form =
            "is not a date: write one such as 2026-11-24, or a time such as 2026-11-24T22:00:00Z";
        ran.ended(2, &[form]);
    }
    let ran = desk.changegate(&["audit", "coverage", "--since", "2026-11-24T25:00"]);
    ran.ended(2, &["is not a time: write it as RFC 3339"]);
}

#[test]
fn a_date_of_ones_own_choice_moves_nothing_out_of_its_period() {
    let audited = Audited::new();
    let hook = audited.hub.folder().join("hooks/pre-receive");
    fs::remove_file(hook).unwrap();
    let desk = audited.desk();
    let tree = desk.tree("origin/main", &[("100644", "requests/CHG-1.yaml", "none\n")]);
    let env = [("GIT_COMMITTER_DATE", "2020-01-01T00:00:00Z")];
    let commit = desk.commit(&tree, &["origin/main"], "old", &["-S"], &env);
    desk.push(&[&format!("{commit}:refs/heads/main")]).went_well();
    assert_eq!(counts(&coverage(&desk, &["--until", "2025-12-31"], 1)["branches"][0])[0], 0);
    assert_eq!(counts(&coverage(&desk, &["--since", "2026-01-01"], 1)["branches"][0])[4], 1);
}

#[test]
fn a_branch_that_was_rewritten_is_not_complete() {
    let audited = Audited::new();
    fs::remove_file(audited.hub.folder().join("hooks/pre-receive")).unwrap();
    let desk = audited.desk();
    desk.push(&["--force", "origin/main~1:refs/heads/main"]).went_well();
    let ran = desk.changegate(&["audit", "coverage"]);
    ran.ended(1, &["which entry 2 (", "is about, is not on main any more", "not complete"]);
    desk.push(&["--force", "origin/main~2:refs/heads/main"]).went_well();
    desk.changegate(&["audit", "coverage"]).ended(1, &["or it was reset", "entry 1 ("]);
}

#[test]
fn a_bypass_is_explained_later_and_stays_one() {
    let audited = Audited::new();
    let commit = audited.bypass();
    let carol = audited.hub.desk_at("carol", "carol-explains");
    let explain = |id: &str, more: &[&str]| {
        carol.changegate(
            &[&["audit", "record-bypass", id, "--because", "it was on fire"], more].concat(),
        )
    };
    // It isn't recorded yet, so that both are, at once.
    let ran = explain(&commit[..9], &["--who", "bob"]);
    ran.ended(0, &["recorded as entry 4 why this went around the gate"]);
    audited.merge("CHG-3");
    let ran = explain("3", &["--format", "json"]);
    ran.went_well();
    let bypass = shown(&carol, "3")["entries"][0].clone();
    let said = ran.json("audit-record-bypass");
    assert_eq!(said["explains"], bypass["id"]);
    let said: Vec<_> = bypass["explanations"].as_array().unwrap().iter().collect();
    assert_eq!(said.len(), 2);
    assert_eq!(
        [&said[0]["by"], &said[0]["who"], &said[0]["text"]],
        ["carol", "bob", "it was on fire"]
    );
    let found = coverage(&audited.desk(), &[], 0);
    assert_eq!(counts(&found["branches"][0]), [4, 3, 0, 1, 0]);
    let desk = audited.hub.desk_at("heidi", "heidi-reads");
    let text = "explained   it was bob; it was on fire (carol, ";
    desk.changegate(&["audit", "coverage"]).ended(0, &[text]);
    let text = "explained    it was bob; it was on fire (carol, ";
    desk.changegate(&["audit", "verify"]).ended(0, &[text, "2 note", "verified"]);
    // Also where the bypass and what was said of it were verified earlier.
    let earlier = desk.changegate(&["audit", "verify"]);
    earlier.ended(0, &[text, "2 note", "were verified before"]);
    let found = desk.changegate(&["audit", "verify", "--format", "json"]).json("audit-verify");
    assert_eq!(found["bypasses"][0]["entry"], bypass["id"]);
    desk.changegate(&["audit", "show", "4"])
        .ended(0, &["note: explanation", "says         it was bob; it was on fire", "note.txt"]);
}

#[test]
fn what_cannot_be_explained_is_said_in_a_message() {
    let audited = Audited::new();
    let carol = audited.hub.desk_at("carol", "carol-explains");
    let explain =
        |arguments: &[&str]| carol.changegate(&[&["audit", "record-bypass"], arguments].concat());
    explain(&["1", "--because", "x"]).failed(&["is entry 1, of kind merge, and not a bypass"]);
    explain(&["9", "--because", "x"]).failed(&["no entry `9`"]);
    explain(&["1", "--because", " "]).failed(&["the explanation is empty"]);
    explain(&["1", "--because", "a\u{202e}b"]).failed(&["holds U+202E"]);
    explain(&["1"]).ended(2, &["--because <TEXT>"]);
    explain(&["1", "--because", "x", "--who", "b b"]).ended(2, &["--who"]);
    audited.bypass();
    audited.merge("CHG-3");
    explain(&["3", "--because", "x", "--who", "dan"]).failed(&["the record names bob", "--who"]);
    carol.git(&["config", "user.email", "nobody@acme.example"]);
    explain(&["3", "--because", "x"]).failed(&["nobody in the roster has the address"]);
    carol.git(&["config", "user.email", "dan@acme.example"]);
    explain(&["3", "--because", "x"]).ended(1, &["it is not signed by dan"]);
}

#[test]
fn the_hook_takes_no_other_note() {
    let audited = Audited::new();
    audited.bypass();
    audited.merge("CHG-3");
    let carol = audited.hub.desk_at("carol", "carol-explains");
    fs::rename(audited.hub.folder().join("hooks"), audited.hub.path("hooks")).unwrap();
    let before = ["audit/ledger", "audit/evidence"].map(|name| audited.hub.tip(name).unwrap());
    carol.changegate(&["audit", "record-bypass", "3", "--because", "x"]).went_well();
    let after = ["audit/ledger", "audit/evidence"].map(|name| audited.hub.tip(name).unwrap());
    for (name, tip) in ["audit/ledger", "audit/evidence"].iter().zip(&before) {
        audited.hub.git(&["update-ref", &format!("refs/heads/{name}"), tip]);
    }
    fs::rename(audited.hub.path("hooks"), audited.hub.folder().join("hooks")).unwrap();
    let [ledger, evidence] = &after;
    let ledger = format!("{ledger}:refs/heads/audit/ledger");
    carol.push(&["--atomic", &ledger]).refused(&["its evidence isn't pushed with it"]);
    let tree = carol.tree(evidence, &[("100644", "note.txt", "other\n")]);
    let parent = format!("{evidence}~1");
    let message = carol.git(&["log", "-1", "--format=%B", evidence]);
    let other = carol.commit(&tree, &[&parent], &message, &[], &[]);
    let other = format!("{other}:refs/heads/audit/evidence");
    carol.push(&["--atomic", &ledger, &other]).refused(&["it says something else"]);
    let evidence = format!("{evidence}:refs/heads/audit/evidence");
    carol.push(&["--atomic", &ledger, &evidence]).went_well();
}
