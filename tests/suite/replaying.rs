//! `audit replay`: what other policies would have decided on what is recorded, and would decide on what
//! is to come.

use std::fs;

use serde_json::{Value, json};

use changegate::core::record::entry::Entry;
use changegate::git::{Kind, Oid, Repo};
use changegate::ledger;

use crate::plumbing::hub::{Desk, Hub};

const MATRIX: &str = "policies/org/matrix/data.yaml";
const RULE: &str = "policies/rules/release/release.rego";
const SETTINGS: &str = "policies/org/settings/data.yaml";

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

/// A rule that reads a table of the organisation's own.
const NOTED: &str = "package changegate.rules.noted

findings contains {\"code\": \"noted/x\", \"effect\": \"deny\", \"message\": \"it is noted\"} if {
\tinput.request.id == data.org.notes.denied
}
";

/// A guarded hub that records what is merged.
fn recording() -> Hub {
    let hub = Hub::open();
    let carol = hub.desk("carol");
    let text = fs::read_to_string(carol.folder.join(SETTINGS)).unwrap();
    let on = "ledger: {on: true, origin: git.acme.example/ops}";
    carol.write(SETTINGS, &text.replace("ledger: {on: false}", on));
    carol.git(&["commit", "--quiet", "--all", "-m", "Record"]);
    carol.git(&["push", "--quiet", "origin", "HEAD:main"]);
    hub.guard();
    carol.changegate(&["init", "--ledger"]).went_well();
    fs::remove_dir_all(&carol.folder).unwrap();
    hub
}

/// CHG-1 is merged by its approval, and CHG-2 is open.
fn with_changes(alice: &Desk<'_>, carol: &Desk<'_>) {
    alice.submit("CHG-1").went_well();
    carol.approve("CHG-1").went_well();
    carol.changegate(&["merge", "CHG-1"]).went_well();
    alice.git(&["switch", "--quiet", "main"]);
    alice.git(&["pull", "--quiet"]);
    alice.submit("CHG-2").went_well();
}

/// What `audit replay` says as JSON, with its exit code.
#[track_caller]
fn replay(desk: &Desk<'_>, arguments: &[&str]) -> (i32, Value) {
    let arguments = [&["audit", "replay", "--format", "json"], arguments].concat();
    let ran = desk.changegate(&arguments);
    (ran.code, ran.json("audit-replay"))
}

#[test]
fn a_change_of_policies_is_tried_on_the_past_and_on_what_is_to_come() {
    let hub = recording();
    let (alice, carol) = (hub.desk("alice"), hub.desk("carol"));
    with_changes(&alice, &carol);
    let bob = hub.desk("bob");
    let same = bob.changegate(&["audit", "replay", "--policies", "policies"]);
    same.ended(
        0,
        &[
            "the policies in policies, tried on what is recorded",
            "  changes      nothing",
            "  made again   1 of 1 with the recorded verdict\n",
            "\n0 of 1 past, 0 of 1 open and 0 of 1 scheduled changes would differ\n",
        ],
    );

    // Stricter: what was approved would have been denied.
    bob.write(RULE, RELEASE);
    let strict = bob.changegate(&["audit", "replay", "--policies", "policies"]);
    strict.ended(
        1,
        &[
            "  changes      policies/rules/release/release.rego, compared with the policies at",
            "\nnewly denied: 3\n",
            "  code     release/notes",
            "  3  such as CHG-1 (entry 1)\n",
            "  tier     high",
            "  service  checkout",
            "  CHG-1 (entry 1)\n    denied instead of approved\n    finds release/notes (deny): a change",
            "  CHG-2 (open) and requests/CHG-1.yaml (scheduled)\n    denied instead of pending\n",
            "\n1 of 1 past, 1 of 1 open and 1 of 1 scheduled changes would differ: 3 newly denied\n",
        ],
    );

    // Laxer: what waits would be allowed, and comes first. The branch is tried as it changes the base.
    fs::remove_dir_all(bob.folder.join("policies/rules/release")).unwrap();
    bob.git(&["switch", "--quiet", "--create", "lax"]);
    let matrix = fs::read_to_string(bob.folder.join(MATRIX)).unwrap();
    bob.write(MATRIX, &matrix.replace("high: {L1: [L2, L3]", "high: {L1: direct"));
    bob.git(&["commit", "--quiet", "--all", "-m", "Trust people"]);
    let (code, lax) = replay(&bob, &["--branch", "lax"]);
    assert_eq!(code, 1);
    assert_eq!(lax["files"], json!([MATRIX]));
    assert_eq!(lax["baseline"], json!({"decisions": 1, "same": 1, "withheld": 0, "failures": []}));
    assert_eq!(lax["approximate"], json!({}));
    let directions: Vec<_> = lax["flips"].as_array().unwrap().iter().collect();
    let shown = |flip: &Value| {
        let texts = ["direction", "origin", "request", "before", "after", "tier"];
        texts.map(|name| flip[name].as_str().unwrap_or("none").to_owned()).join(" ")
    };
    assert_eq!(
        directions.into_iter().map(shown).collect::<Vec<_>>(),
        [
            "allowed open CHG-2 pending approved high",
            "allowed scheduled requests/CHG-1.yaml pending approved high",
            "alike past CHG-1 approved approved high",
        ]
    );
    assert_eq!(lax["flips"][0]["services"], json!(["checkout"]));
    assert_eq!(lax["flips"][0]["codes"], json!(["signoff/missing"]));
    assert_eq!(lax["flips"][2]["how"], json!(["no longer asks for L2 or L3"]));
    assert_eq!(lax["flips"][2]["entry"], 1);
    let silent = lax["silent"].as_array().unwrap();
    assert!(
        silent.contains(&"window/freeze".into()) && !silent.contains(&"signoff/missing".into())
    );

    let by_day =
        |since: &str| replay(&bob, &["--branch", "lax", "--since", since]).1["past"].clone();
    assert_eq!(by_day("2020-01-01")["cases"], 1);
    assert_eq!(by_day("2199-01-01T00:00:00Z")["cases"], 0);
}

#[test]
fn the_change_alone_is_applied_to_the_policies_of_each_decision() {
    let hub = recording();
    let (alice, bob, carol) = (hub.desk("alice"), hub.desk("bob"), hub.desk("carol"));
    with_changes(&alice, &carol);
    // The policies change in between: the rule comes, and the matrix gets another line.
    bob.git(&["pull", "--quiet"]);
    let first = hub.tip("main").unwrap();
    let lenient = RELEASE.replace("\"deny\"", "\"warn\"").replace("effect: deny", "effect: warn");
    bob.write(RULE, &lenient);
    let matrix = fs::read_to_string(bob.folder.join(MATRIX)).unwrap();
    bob.write(MATRIX, &matrix.replace("medium: {L1: direct", "medium: {L1: [L2]"));
    bob.write("policies/org/notes/data.yaml", "denied: CHG-99\n");
    bob.write("policies/rules/noted/noted.rego", NOTED);
    bob.changegate(&["submit", "--policies", "notes", "--anyway"]).went_well();
    // A change isn't tried by the policies that it brings.
    let (_, own) = replay(&bob, &["--branch", "change/notes"]);
    assert_eq!(own["open"]["cases"], 1);
    let (_, all) = replay(&bob, &["--policies", "policies"]);
    assert_eq!(all["open"]["cases"], 2);
    for desk in [&carol, &hub.desk("erin")] {
        desk.approve("notes").went_well();
    }
    carol.changegate(&["merge", "notes"]).went_well();

    bob.git(&["switch", "--quiet", "main"]);
    bob.git(&["pull", "--quiet"]);
    bob.git(&["switch", "--quiet", "--create", "next"]);
    // Another line of the matrix is merged by its key; a rule that wasn't there is taken whole.
    let matrix = fs::read_to_string(bob.folder.join(MATRIX)).unwrap();
    bob.write(
        MATRIX,
        &matrix.replace("critical: {L1: [L3], L2: [L3]", "critical: {L1: [L3], L2: direct"),
    );
    bob.git(&["commit", "--quiet", "--all", "-m", "Trust L2"]);
    let (code, found) = replay(&bob, &["--branch", "next"]);
    assert_eq!((code, &found["past"]["cases"], &found["flips"]), (0, &json!(2), &json!([])));
    assert_eq!(found["baseline"]["same"], 2);
    assert_eq!(found["approximate"], json!({}));

    bob.write(RULE, RELEASE);
    bob.git(&["commit", "--quiet", "--all", "-m", "Deny"]);
    let denied = bob.changegate(&["audit", "replay", "--branch", "next"]);
    denied.ended(
        1,
        &[
            "  approximate  policies/rules/release/release.rego for 2 cases: the change doesn't",
            "  CHG-1 (entry 1)\n    denied instead of approved\n",
            "\n1 of 2 past, 1 of 1 open and 1 of 1 scheduled changes would differ: 3 newly denied\n",
        ],
    );

    // A branch that is behind fits what was decided before, and not what is to come.
    bob.git(&["switch", "--quiet", "--create", "behind", &first]);
    bob.write(RULE, RELEASE);
    bob.git(&["add", "--all"]);
    bob.git(&["commit", "--quiet", "-m", "Deny"]);
    let (code, found) = replay(&bob, &["--branch", "behind"]);
    assert_eq!((code, &found["files"]), (1, &json!([RULE])));
    assert_eq!(found["approximate"], json!({RULE: 2}));

    // What doesn't go with the policies of then is said, and guessed by nobody.
    bob.git(&["switch", "--quiet", "--create", "more", "main"]);
    bob.write("policies/rules/more/more.rego", &NOTED.replace("noted", "more"));
    bob.git(&["add", "--all"]);
    bob.git(&["commit", "--quiet", "-m", "More"]);
    let unclear = bob.changegate(&["audit", "replay", "--branch", "more"]);
    unclear.ended(
        1,
        &[
            "\nnobody can tell: 2\n  CHG-1 (entry 1)  the change doesn't go with the policies of then:",
            "more.rego:4:",
            "\n0 of 2 past, 0 of 1 open and 0 of 1 scheduled changes would differ; about 2 nobody can tell\n",
        ],
    );
}

#[test]
fn where_the_record_does_not_give_its_own_verdicts_nothing_is_compared() {
    let hub = recording();
    with_changes(&hub.desk("alice"), &hub.desk("carol"));
    hub.git(&["update-ref", "-d", "refs/heads/audit/evidence"]);
    let bob = hub.desk("bob");
    bob.write(RULE, RELEASE);
    let ran = bob.changegate(&["audit", "replay", "--policies", "policies"]);
    ran.ended(
        2,
        &[
            "  made again   0 of 1 with the recorded verdict\n",
            "not the recorded verdicts:\n  CHG-1 (entry 1)  its evidence is missing",
            "not compared: ",
            "`changegate audit verify`",
        ],
    );
    assert!(!ran.stdout.contains("would differ"), "{ran:?}");
    let (code, answer) = replay(&bob, &["--policies", "policies"]);
    assert_eq!((code, &answer["flips"]), (2, &json!([])));
    assert_eq!(answer["baseline"]["failures"][0]["request"], "CHG-1");
}

/// Replaces the only merge in the ledger by one whose input document lacks a field, as if an older
/// program had recorded it.
fn record_without(hub: &Hub, desk: &Desk<'_>, field: &str) {
    let branches = ["audit/ledger", "audit/evidence"];
    let [ledger, evidence] = branches.map(|branch| format!("refs/test/{branch}"));
    for (branch, copy) in branches.iter().zip([&ledger, &evidence]) {
        desk.git(&["fetch", "--quiet", "origin", &format!("refs/heads/{branch}:{copy}")]);
    }
    let id = |name: &str| Oid::from_str(&desk.git(&["rev-parse", name])).unwrap();
    let repo = Repo::open(&desk.folder.join(".git")).unwrap();
    let [genesis, entry] = [format!("{ledger}^"), ledger.clone()]
        .map(|name| ledger::read(&repo, id(&name)).unwrap().entry.unwrap());
    let files = repo.top_files(id(&evidence)).unwrap().into_iter();
    let mut files: Vec<_> = files
        .filter(|(_, file)| file.kind == Kind::File)
        .map(|(name, file)| (name, repo.bytes(file.id).unwrap()))
        .collect();
    let input = files.iter_mut().find(|(name, _)| name == "input.json").unwrap();
    let mut document: Value = serde_json::from_slice(&input.1).unwrap();
    document.as_object_mut().unwrap().remove(field).unwrap();
    input.1 = document.to_string().into_bytes();
    let mut statement = entry.statement.clone();
    statement.predicate.material = ledger::material(&files);
    let entry = Entry::behind(&genesis.state, statement, None).unwrap();
    let policies = id(&format!("{evidence}:policies"));
    let trees = [
        ledger::entry_tree(&repo, &entry).unwrap(),
        ledger::evidence_tree(&repo, &files, Some(policies)).unwrap(),
    ];
    let parent = desk.git(&["rev-parse", &format!("{ledger}^")]);
    let commits = [
        desk.commit(&trees[0].to_string(), &[&parent], "Record", &[], &[]),
        desk.commit(&trees[1].to_string(), &[], &entry.id.to_string(), &[], &[]),
    ];
    fs::remove_dir_all(hub.folder().join("hooks")).unwrap();
    for (branch, commit) in branches.iter().zip(commits) {
        desk.push(&[&format!("+{commit}:refs/heads/{branch}")]).went_well();
    }
}

#[test]
fn nobody_can_tell_what_rules_on_a_fact_that_was_not_recorded_would_have_said() {
    let hub = recording();
    let alice = hub.desk("alice");
    with_changes(&alice, &hub.desk("carol"));
    record_without(&hub, &alice, "api_version");
    let bob = hub.desk("bob");
    bob.write(RULE, RELEASE);
    let past = |answer: Value| answer["past"].clone();
    let (code, answer) = replay(&bob, &["--policies", "policies"]);
    assert_eq!((code, past(answer)), (1, json!({"cases": 1, "differ": 1, "unclear": 0})));
    bob.write(
        RULE,
        &RELEASE.replace("\tinput.request.id\n", "\tinput.api_version == \"changegate/v1\"\n"),
    );
    let (code, answer) = replay(&bob, &["--policies", "policies"]);
    let why = "the policies use `input.api_version`, which was not recorded then";
    assert_eq!(answer["unclear"], json!([{"request": "CHG-1", "entry": 1, "why": why}]));
    assert_eq!((code, past(answer)), (1, json!({"cases": 1, "differ": 0, "unclear": 1})));
}

#[test]
fn where_not_all_is_looked_at_anybody_can_draw_the_part_again() {
    let hub = recording();
    let (alice, carol) = (hub.desk("alice"), hub.desk("carol"));
    with_changes(&alice, &carol);
    carol.approve("CHG-2").went_well();
    carol.changegate(&["merge", "CHG-2"]).went_well();
    let bob = hub.desk("bob");
    bob.write(RULE, RELEASE);
    let commits = hub.git(&["log", "--format=%H %s", "audit/ledger"]);
    let (ledger, _) = commits.split_once(' ').unwrap();
    let drawn = |seed: &str| {
        let hash = |line: &&str| {
            let (commit, _) = line.split_once(' ').unwrap();
            changegate::core::digest::Digest::of(format!("{seed}{commit}").as_bytes())
        };
        let mut lines: Vec<_> = commits.lines().collect();
        lines.sort_by_key(hash);
        lines.truncate(1);
        usize::from(lines[0].contains("merged: "))
    };
    let seeds = ["1", "2", "3", "4", "5", "6", "7", "8", ledger];
    let mut kinds = std::collections::BTreeSet::new();
    for seed in seeds {
        let mut arguments = vec!["--policies", "policies", "--sample", "1"];
        if seed != ledger {
            arguments.extend(["--seed", seed]);
        }
        let (_, part) = replay(&bob, &arguments);
        let said = json!({"seed": seed, "looked_at": 1, "entries": 3, "is_out_of_time": false});
        assert_eq!(part["sample"], said);
        assert_eq!(part["past"]["cases"], json!(drawn(seed)), "{seed}");
        assert_eq!(part["past"]["differ"], part["past"]["cases"]);
        kinds.insert(drawn(seed));
    }
    assert_eq!(kinds.len(), 2, "each of these seeds draws what any other does");
    let (_, all) = replay(&bob, &["--policies", "policies", "--sample", "3"]);
    assert_eq!((&all["sample"], &all["past"]["cases"]), (&Value::Null, &json!(2)));
    let entries: Vec<_> = all["flips"].as_array().unwrap().iter().map(|it| &it["entry"]).collect();
    assert_eq!(entries[..2], [&json!(1), &json!(2)]);

    let none = bob.changegate(&["audit", "replay", "--policies", "policies", "--within", "0s"]);
    none.ended(
        1,
        &[
            "  looked at    0 of the ledger's 3 commits, as time allowed: those with the smallest SHA-256 \
             of `",
            "\n0 of 0 past, ",
        ],
    );
    let asked = bob.changegate(&["audit", "replay", "--policies", "policies", "--sample", "2"]);
    asked.ended(1, &["  looked at    2 of the ledger's 3 commits, as asked for: "]);
}

#[test]
fn whoever_signs_policies_sees_what_they_would_have_decided() {
    let hub = recording();
    let (alice, carol) = (hub.desk("alice"), hub.desk("carol"));
    with_changes(&alice, &carol);
    let bob = hub.desk("bob");
    bob.write(RULE, RELEASE);
    bob.write(
        "policies/rules/release/release_test.rego",
        "package changegate.rules.release_test\n\nimport data.changegate.rules.release\n\n\
         test_none if count(release.findings) == 0 with input as {}\n",
    );
    bob.changegate(&["submit", "--policies", "notes", "--anyway"]).went_well();
    let text = carol.approve("notes").went_well().to_owned();
    for part in [
        "The new policies, tried:",
        " tests: ",
        "What they would have decided:\n\nthe policies at ",
        ", tried on what is recorded\n",
        "\nnewly denied: 1\n  code     release/notes",
        "  CHG-1 (entry 1)\n    denied instead of approved\n",
        "\n1 of 1 past changes would differ: 1 newly denied\n",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    // Of other changes there is nothing to say.
    assert!(!carol.approve("CHG-2").went_well().contains("would have decided"));
}

#[test]
fn wrong_input_is_said_in_one_message() {
    let hub = recording();
    let bob = hub.desk("bob");
    bob.write("broken/rules/x/x.rego", "package changegate.rules.x\n\nfindings contains {\n");
    bob.write("empty/README.md", "Nothing.\n");
    bob.git(&["branch", "broken"]);
    bob.git(&["switch", "--quiet", "--orphan", "other"]);
    bob.git(&["commit", "--quiet", "--allow-empty", "-m", "Other"]);
    bob.git(&["switch", "--quiet", "main"]);
    let orphan = bob.git(&["rev-parse", "other"]);
    for (arguments, parts) in [
        (&["--policies", "nowhere"][..], &["there is no folder `nowhere`", "is not a commit"][..]),
        (&["--policies", "./broken"], &["the policies can't be used:", "x.rego:"]),
        (&["--policies", "./empty"], &["./empty contains no policies"]),
        (&["--policies", "broken"], &["`broken` is a folder and a branch", "write ./broken"]),
        (&["--policies", &orphan], &["there are no policies at"]),
        (&["--branch", "nowhere"], &["`nowhere` is not a commit"]),
        (&["--branch", "other"], &["other and main have no history in common"]),
        (&[], &["--policies <DIR|REV>"]),
        (&["--branch", "main", "--policies", "policies"], &["cannot be used with"]),
        (&["--branch", "main", "--since", "soon"], &["soon"]),
        (&["--branch", "main", "--within", "soon"], &["`soon` is not a duration"]),
        (&["--branch", "main", "--pr", "7"], &["cannot be used with"]),
    ] {
        let ran = bob.changegate(&[&["audit", "replay"], arguments].concat());
        ran.failed(parts);
        assert_eq!(ran.stdout, "", "{arguments:?}");
    }
    // Nothing is recorded yet, and nothing is open.
    let none = bob.changegate(&["audit", "replay", "--policies", "policies"]);
    none.ended(0, &["\n0 of 0 past and 0 of 0 open changes would differ\n"]);

    let hub = Hub::guarded();
    let ran = hub.desk("bob").changegate(&["audit", "replay", "--policies", "policies"]);
    ran.failed(&["there is no branch audit/ledger", "`changegate init --ledger`"]);
}
