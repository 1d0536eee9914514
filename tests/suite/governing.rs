//! A change of the policies: submitted from the work tree, tried before anybody signs, and shown to
//! those who do.

use std::fs;

use serde_json::Value;

use crate::plumbing::hub::{Desk, Hub, request};

const RULE: &str = "policies/rules/release/release.rego";
const TEST: &str = "policies/rules/release/release_test.rego";

/// A rule that every request has to link its release notes.
const RELEASE: &str = "# METADATA
# title: Releases
# description: A change links to its release notes.
package changegate.rules.release

# METADATA
# title: The release notes are not linked
# description: A reviewer has to know what a change brings.
# custom:
#   code: release/notes
#   effect: deny
findings contains {
\t\"code\": \"release/notes\",
\t\"effect\": \"deny\",
\t\"message\": \"a change links to its release notes\",
} if {
\tinput.request.id
\tnot input.request.links.notes
}
";

const RELEASE_TEST: &str = "package changegate.rules.release_test

import data.changegate.rules.release

test_not_linked if count(release.findings) == 1 with input as {\"request\": {\"id\": \"CHG-1\"}}
";

/// A merged request, CHG-1, and an open one, CHG-2.
fn with_requests(alice: &Desk<'_>, carol: &Desk<'_>) {
    for id in ["CHG-1", "CHG-2"] {
        alice.submit(id).went_well();
        if id == "CHG-1" {
            carol.approve(id).went_well();
            carol.changegate(&["merge", id]).went_well();
        }
    }
}

fn write_rule(desk: &Desk<'_>) {
    desk.write(RULE, RELEASE);
    desk.write(TEST, RELEASE_TEST);
}

const NAMED: [&str; 3] = ["submit", "--policies", "release-notes"];

#[test]
fn a_change_of_policies_is_submitted_tried_and_shown() {
    let hub = Hub::guarded();
    let (bob, carol, erin) = (hub.desk("bob"), hub.desk("carol"), hub.desk("erin"));
    with_requests(&hub.desk("alice"), &carol);
    bob.git(&["pull", "--quiet"]);
    bob.changegate(&NAMED).failed(&["the policies here are those of main"]);
    write_rule(&bob);
    bob.git(&["rm", "--quiet", "policies/rules/names/names_test.rego"]);
    bob.write("notes.txt", "not governed\n");
    let base = hub.tip("main").unwrap();
    let tried = [
        "new policies, tried",
        "1 failed",
        &format!("decides differently from the policies at {}", &base[..7]),
        "1 merged request that isn't over, 1 open change and samples of each kind:",
        "requests/CHG-1.yaml",
        "finds release/notes (deny): a change links to its release notes",
    ];
    // One of their tests fails.
    bob.write(TEST, &RELEASE_TEST.replace("== 1", "== 2"));
    let refused = bob.changegate(&NAMED);
    refused.ended(1, &[&tried[..], &["not submitted: correct the policies"]].concat());
    assert_eq!(hub.tip("change/release-notes"), None);
    bob.write(TEST, RELEASE_TEST);
    let why = [&NAMED[..], &["--message", "deployments link to their notes"]].concat();
    let submitted = bob.changegate(&why);
    submitted.ended(0, &[tried[0], "submitted release-notes"]);
    assert!(!submitted.stdout.contains("1 failed"), "{submitted:?}");
    // The open change is named before merged requests and samples.
    let first = submitted.stdout.lines().find(|line| line.contains("CHG-2"));
    assert!(first.is_some_and(|line| line.starts_with("  CHG-2")), "{submitted:?}");
    assert!(submitted.stdout.contains("\n    denied instead of pending"), "{submitted:?}");
    let head = hub.tip("change/release-notes").unwrap();
    assert_eq!(
        bob.git(&["log", "-1", "--format=%s %P", &head]),
        format!("Submit release-notes: deployments link to their notes {base}")
    );
    assert_eq!(
        bob.git(&["diff", "--name-status", &base, &head]),
        format!("D\tpolicies/rules/names/names_test.rego\nA\t{RULE}\nA\t{TEST}")
    );
    assert_eq!(bob.git(&["branch", "--show-current"]), "change/release-notes");
    assert_eq!(bob.git(&["status", "--short"]), "?? notes.txt");
    bob.changegate(&["submit", "--policies"]).ended(0, &["already submitted in this form"]);

    let shown = carol.approve("release-notes");
    shown.ended(0, &["approved by carol, and counts"]);
    for part in [
        "What it changes:",
        "Submit release-notes: deployments link to their notes (bob)",
        "3 files changed",
        "diff --git a/policies/rules/release/release.rego",
        "+    not input.request.links.notes",
        "deleted file mode 100644",
        tried[0],
        "requests/CHG-1.yaml",
    ] {
        assert!(shown.stdout.contains(part), "{part}: {shown:?}");
    }
    // An amendment needs new signatures.
    bob.write(RULE, &RELEASE.replace("a change links", "a release links"));
    bob.changegate(&["submit", "--policies"]).ended(0, &["a release links", "submitted"]);
    let amended = bob.git(&["log", "-1", "--format=%s %P", "origin/change/release-notes"]);
    assert_eq!(amended, format!("Amend release-notes {head}"));
    for desk in [&carol, &erin] {
        desk.approve("release-notes").ended(0, &["and counts", "a release links"]);
    }
    let why = "deployments link to their notes";
    erin.changegate(&["list"]).ended(0, &["release-notes", why]);
    erin.changegate(&["merge", "release-notes"]).ended(0, &["a change of policies"]);
    let listed = erin.changegate(&["list", "--state", "merged"]);
    listed.ended(0, &["release-notes", why]);
    erin.changegate(&["show", "release-notes"]).ended(0, &[&format!("\n  summary      {why}\n")]);
    let show = erin.changegate(&["show", "release-notes", "--format", "json"]).json("show");
    assert_eq!(show["summary"], why);
    let csv = format!("release-notes,merged,{why},,,,,,merged,");
    erin.changegate(&["log", "--format", "csv"]).ended(0, &[&csv]);
    bob.git(&["fetch", "--quiet"]);
    assert!(bob.git(&["show", &format!("origin/main:{RULE}")]).contains("a release links"));
    hub.is_sound();
}

#[test]
fn policies_that_would_break_what_is_open_are_found_before_anybody_signs() {
    let hub = Hub::guarded();
    with_requests(&hub.desk("alice"), &hub.desk("carol"));
    let bob = hub.desk("bob");
    bob.git(&["pull", "--quiet"]);
    let odd = |body: &str| format!("package changegate.rules.odd\n\n{body}\n");
    for (body, parts) in [
        ("findings contains {", ["the new policies can't decide", "odd.rego"]),
        (
            "findings contains f if f := {\"code\": \"odd/x\", \"effect\": input.request.id, \"message\": \"m\"}",
            ["requests/CHG-1.yaml\n    can't be decided", "CHG-2\n    can't be decided"],
        ),
    ] {
        bob.write("policies/rules/odd/odd.rego", &odd(body));
        let ran = bob.changegate(&["submit", "--policies", "odd"]);
        ran.ended(1, &[&parts[..], &["`changegate submit --policies odd --anyway`"]].concat());
        assert_eq!(hub.tip("change/odd"), None);
    }
    bob.changegate(&["submit", "odd", "--policies", "--anyway"]).ended(0, &["submitted odd"]);
    assert_ne!(hub.tip("change/odd"), None);
}

/// Somebody who reviews a change of policies is not at the mercy of its tests.
#[test]
fn tests_that_exceed_a_bound_end_no_review() {
    let hub = Hub::guarded();
    let (bob, carol) = (hub.desk("bob"), hub.desk("carol"));
    write_rule(&bob);
    let doubled: String =
        (1..=40).map(|n| format!("x{n} := concat(\"\", [x{0}, x{0}])\n\n", n - 1)).collect();
    let test = format!(
        "{RELEASE_TEST}\nx0 := \"0123456789abcdef\"\n\n{doubled}test_x if count(x40) > 1\n"
    );
    bob.write(TEST, &test);
    let anyway = [&NAMED[..], &["--anyway"]].concat();
    bob.changegate(&anyway).ended(0, &["the policies exceeded a bound", "submitted"]);
    let objects = ["review", "release-notes", "--request-changes", "--yes"];
    carol.changegate(&objects).ended(0, &["the policies exceeded a bound", "by carol"]);
}

#[test]
fn what_others_changed_in_the_meantime_stays() {
    let hub = Hub::guarded();
    let (bob, carol, erin) = (hub.desk("bob"), hub.desk("carol"), hub.desk("erin"));
    write_rule(&carol);
    carol.changegate(&NAMED).went_well();
    let settings = "policies/org/settings/data.yaml";
    let text = bob.git(&["show", &format!("HEAD:{settings}")]) + "\n# a note\n";
    bob.write(settings, &text);
    bob.changegate(&["submit", "--policies", "note"]).ended(0, &["submitted note"]);
    assert_eq!(
        bob.git(&["diff", "--name-only", "origin/main", "origin/change/note"]),
        settings,
        "the commit holds what was changed here alone"
    );
    // From another clone, and from a branch that doesn't build on it, it isn't replaced.
    erin.write(settings, &text);
    let how = "`git switch change/note`";
    erin.changegate(&["submit", "--policies", "note"]).failed(&["submitted already", how]);
    erin.git(&["stash", "--quiet"]);
    erin.git(&["switch", "--quiet", "change/note"]);
    for (name, why) in
        [("CHG-7", "is the id of a request"), ("a..b", "Git can't name a branch after `a..b`")]
    {
        erin.changegate(&["submit", "--policies", name]).failed(&[why]);
    }
    erin.git(&["switch", "--quiet", "main"]);
    erin.changegate(&["submit", "--policies"]).failed(&["a change of policies needs a name"]);
}

#[test]
fn policies_here_are_compared_with_those_of_a_branch() {
    let hub = Hub::guarded();
    with_requests(&hub.desk("alice"), &hub.desk("carol"));
    let bob = hub.desk("bob");
    bob.git(&["pull", "--quiet"]);
    let against = ["test", "--against", "main"];
    let tried_on = "on 1 merged request that isn't over, 1 open change and samples of each kind";
    let same = ["decides as the policies at", tried_on];
    bob.changegate(&against).ended(0, &same);
    write_rule(&bob);
    let found = ["decides differently", tried_on, "finds release/notes (deny)", "CHG-2"];
    bob.changegate(&against).ended(0, &found);
    let json = bob.changegate(&[&against[..], &["--format", "json"]].concat());
    let json: Value = serde_json::from_str(json.went_well()).unwrap();
    let mut differences = json["trial"]["differences"].as_array().unwrap().iter();
    let difference = differences.find(|it| it["request"] == "requests/CHG-1.yaml").unwrap();
    assert_eq!(
        (&difference["before"], &difference["after"]),
        (&"pending".into(), &"denied".into())
    );
    // What only the catalog says shows on a sample of the action.
    fs::remove_file(bob.folder.join(RULE)).unwrap();
    fs::remove_file(bob.folder.join(TEST)).unwrap();
    let catalog = "policies/org/actions/data.yaml";
    let tables = fs::read_to_string(bob.folder.join(catalog)).unwrap();
    let entry = "deploy:\n  tier: ";
    bob.write(catalog, &tables.replace(&format!("{entry}medium"), &format!("{entry}high")));
    let raised = [
        "deploy by somebody without a level",
        "high risk instead of medium",
        "also asks for L2 or L3",
    ];
    bob.changegate(&against).ended(0, &raised);
    bob.write(catalog, &tables.replace("purge-cache:", "clear-cache:"));
    bob.changegate(&against).ended(0, &["purge-cache by an L3", "clear-cache by somebody without"]);
    bob.write(catalog, &tables);
    let matrix = "policies/org/matrix/data.yaml";
    let rows = fs::read_to_string(bob.folder.join(matrix)).unwrap();
    bob.write(matrix, &rows.replace("L2: direct, L3: direct}", "L2: [L3], L3: direct}"));
    bob.changegate(&against).ended(0, &["a change of high risk by an L2", "also asks for L3"]);
    bob.write(matrix, &rows);
    write_rule(&bob);
    bob.changegate(&["test", "--against", "nope"]).failed(&["`nope` is not a commit"]);
    bob.write(RULE, &RELEASE.replace("\"deny\",", "input.request.id,"));
    bob.changegate(&against).ended(1, &["requests/CHG-1.yaml\n    can't be decided"]);
    // Those that are over are left out.
    let over = request("CHG-1", "alice") + "cancelled: {reason: the disk is fine}\n";
    bob.write("requests/CHG-1.yaml", &over);
    bob.git(&["commit", "--quiet", "-am", "Over"]);
    bob.changegate(&["test", "--against", "HEAD"]).ended(1, &[" on samples of each kind"]);
    fs::remove_dir_all(bob.folder.join("policies")).unwrap();
    bob.changegate(&against).failed(&["has no folder policies/"]);
}

#[test]
fn nothing_is_left_out_of_what_is_submitted() {
    let hub = Hub::guarded();
    let (bob, carol) = (hub.desk("bob"), hub.desk("carol"));
    write_rule(&bob);
    let submit = ["submit", "--policies", "all"];
    // What git ignores decides here, but would not there.
    bob.write(".git/info/exclude", "policies/rules/release/\n");
    bob.changegate(&submit).failed(&["Git ignores policies/rules/release/release.rego"]);
    bob.write(".git/info/exclude", "");
    // As on a file system that doesn't tell cases apart.
    bob.write(".GitHub/workflows/a.yml", "on: push\n");
    bob.write("Codeowners", "* @bob\n");
    bob.changegate(&submit).went_well();
    let files = bob.git(&["diff", "--name-only", "origin/main", "origin/change/all"]);
    assert_eq!(files, format!(".GitHub/workflows/a.yml\nCodeowners\n{RULE}\n{TEST}"));
    assert_eq!(bob.git(&["status", "--short"]), "");
    // A folder that isn't checked out is not deleted.
    carol.git(&["sparse-checkout", "set", "--no-cone", "/*", "!/policies/rules/names"]);
    carol.write(RULE, RELEASE);
    carol.write(TEST, RELEASE_TEST);
    carol.changegate(&["submit", "--policies", "sparse", "--anyway"]).went_well();
    let files = carol.git(&["diff", "--name-only", "origin/main", "origin/change/sparse"]);
    assert_eq!(files, format!("{RULE}\n{TEST}"));
    // A link could lead anywhere.
    bob.git(&["switch", "--quiet", "main"]);
    fs::rename(bob.folder.join("policies"), bob.folder.join("elsewhere")).unwrap();
    std::os::unix::fs::symlink("elsewhere", bob.folder.join("policies")).unwrap();
    bob.changegate(&submit).failed(&["policies is a link"]);
}

#[test]
fn who_made_it_here_takes_part_in_it() {
    let hub = Hub::guarded();
    let (bob, carol) = (hub.desk("bob"), hub.desk("carol"));
    write_rule(&carol);
    carol.write("requests/CHG-5.yaml", &request("CHG-5", "bob"));
    carol.git(&["add", "--all"]);
    carol.git(&["commit", "--quiet", "-m", "A rule and a request"]);
    let folder = carol.folder.display().to_string();
    for arguments in [&NAMED[..], &["submit", "CHG-5"]] {
        bob.git(&["switch", "--quiet", "main"]);
        bob.git(&["reset", "--quiet", "--hard", "origin/main"]);
        bob.git(&["pull", "--quiet", &folder, "main"]);
        bob.changegate(arguments).went_well();
        let name = arguments.last().unwrap();
        let message = bob.git(&["log", "-1", "--format=%b", &format!("origin/change/{name}")]);
        assert_eq!(message, "Co-authored-by: carol <carol@acme.example>");
        carol.approve(name).ended(1, &["nobody approves their own change"]);
    }
}

#[test]
fn what_changed_on_the_base_is_brought_in_as_advised() {
    let hub = Hub::guarded();
    let (bob, carol, erin) = (hub.desk("bob"), hub.desk("carol"), hub.desk("erin"));
    let settings = "policies/org/settings/data.yaml";
    let text = bob.git(&["show", &format!("HEAD:{settings}")]);
    bob.write(settings, &format!("# first\n{text}\n"));
    erin.write(settings, &format!("{text}\n# last\n"));
    bob.changegate(&["submit", "--policies", "first"]).went_well();
    carol.approve("first").went_well();
    erin.approve("first").went_well();
    carol.changegate(&["merge", "first"]).went_well();
    let last = ["submit", "--policies", "last"];
    let advice = "run `git stash`, `git merge origin/main` and `git stash pop`";
    erin.changegate(&last).failed(&["others have changed the same policies on main", advice]);
    erin.git(&["stash"]);
    erin.git(&["merge", "--quiet", "origin/main"]);
    erin.git(&["stash", "pop"]);
    erin.changegate(&last).went_well();
    let merged = erin.git(&["show", &format!("origin/change/last:{settings}")]);
    assert!(merged.starts_with("# first\n") && merged.ends_with("# last"), "{merged}");
}

/// What locks everybody out is found before anybody signs, and never merged.
#[test]
fn policies_that_nobody_could_change_again_are_not_merged() {
    let hub = Hub::guarded();
    let (bob, carol, erin) = (hub.desk("bob"), hub.desk("carol"), hub.desk("erin"));
    let signoff = "policies/rules/signoff/signoff.rego";
    let text = bob.git(&["show", &format!("HEAD:{signoff}")]) + "\n";
    let nobody = "required contains {\"kind\": \"person\", \"user\": user, \"because\": \"x\"} if {
\tinput.change.kind == \"governance\"
\tuser := concat(\"\", [\"no\", \"body\"])
}
";
    let denied = "findings contains {\"code\": \"signoff/x\", \"effect\": \"deny\", \"message\": \"no\"} \
                  if input.request == null\n";
    for (name, text) in [
        ("five", text.replace("\"people\": 2", "\"people\": 5")),
        ("nobody", format!("{text}\n{nobody}")),
        ("denied", format!("{text}\n{denied}")),
    ] {
        bob.git(&["switch", "--quiet", "main"]);
        bob.write(signoff, &text);
        let submit = ["submit", "--policies", name];
        bob.changegate(&submit).ended(1, &["nobody could change these policies again"]);
        bob.changegate(&[&submit[..], &["--anyway"]].concat()).went_well();
        for desk in [&carol, &erin] {
            desk.approve(name).ended(0, &["nobody could change these policies again"]);
        }
        let refused = carol.changegate(&["merge", name]);
        refused.failed(&["after this merge no change of the policies could be approved"]);
    }
}

/// A request that is open on a branch of its own is tried, too.
#[test]
fn policies_that_could_not_decide_an_open_change_are_not_merged() {
    let hub = Hub::guarded();
    let (alice, bob) = (hub.desk("alice"), hub.desk("bob"));
    let (carol, erin) = (hub.desk("carol"), hub.desk("erin"));
    alice.submit("CHG-1").went_well();
    let rule = "package changegate.rules.odd\n\n\
                findings contains {\"code\": \"odd/x\", \"effect\": effect, \"message\": \"m\"} if {\n\
                \tinput.request.id == \"CHG-1\"\n\teffect := concat(\"\", [\"bl\", \"ock\"])\n}\n";
    bob.write("policies/rules/odd/odd.rego", rule);
    bob.changegate(&["submit", "--policies", "odd", "--anyway"]).went_well();
    for desk in [&carol, &erin] {
        desk.approve("odd").ended(0, &["CHG-1\n    can't be decided"]);
    }
    carol.changegate(&["merge", "odd"]).failed(&["CHG-1 could not be judged after this merge"]);
}
