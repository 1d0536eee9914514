//! What the record says of commits that came around the gate: who brought them, why they are bypasses and
//! when, and what was decided under the policies that they brought.

use std::thread;
use std::time::Duration;

use serde_json::json;

use changegate::core::record::entry::Entry;
use changegate::core::record::statement::Statement;
use changegate::git::{Oid, Repo};

use crate::plumbing::hub::{Desk, Hub};

const LEDGER: &str = "audit/ledger";
const SETTINGS: &str = "policies/org/settings/data.yaml";
const RULES: &str = "policies/rules/x/x.rego";

/// Pushes a commit to the base of a hub that no hook guards for the moment.
fn past_the_hook(desk: &Desk<'_>, commit: &str) {
    desk.hub.unguard();
    desk.push(&[&format!("{commit}:refs/heads/main")]).went_well();
    desk.hub.guard();
}

/// A false bypass: a colleague's approved merge, recorded as a commit that went around the gate.
#[test]
fn a_merge_that_is_recorded_as_a_bypass() {
    for (because, why) in [
        ("no-pull-request", "it says that it is a bypass by `no-pull-request`, and it isn't"),
        ("not-known", "which is the merge of CHG-1 as it was approved by then"),
    ] {
        let hub = Hub::recording();
        let alice = hub.desk("alice");
        alice.submit("CHG-1").went_well();
        hub.desk("carol").approve("CHG-1").went_well();
        let apart = hub.desk_apart("carol", "apart");
        apart.changegate(&["merge", "CHG-1"]).ended(0, &["merged"]);
        let folder = apart.folder.to_str().unwrap().to_owned();
        alice.git(&["fetch", "--quiet", &folder, "+refs/heads/*:refs/apart/*"]);
        alice.git(&["fetch", "--quiet", "origin", LEDGER]);
        let [main, ledger] = ["main", LEDGER].map(|name| apart.git(&["rev-parse", name]));
        let repo = Repo::discover(&alice.folder).unwrap();
        let entry = |commit: &str| {
            let commit = Oid::from_str(commit).unwrap();
            changegate::ledger::read(&repo, commit).unwrap().entry.unwrap()
        };
        let before = hub.tip(LEDGER).unwrap();
        let mut value = serde_json::to_value(&entry(&ledger).statement).unwrap();
        let it = value["predicate"].as_object_mut().unwrap();
        for gone in ["decision", "policies", "head", "pull", "change", "previous", "refusals"] {
            it.remove(gone);
        }
        it["kind"] = json!("bypass");
        it["material"] = json!([]);
        it["merge"]["because"] = json!(because);
        it["collector"]["who"] = json!("alice");
        value["subject"].as_array_mut().unwrap().retain(|subject| subject["name"] == "tip");
        let statement: Statement = serde_json::from_value(value).unwrap();
        let forged = Entry::behind(&entry(&before).state, statement, None).unwrap();
        let file = |(name, bytes): (&str, Vec<u8>)| {
            format!("100644 blob {}\t{name}\n", repo.store(&bytes).unwrap())
        };
        let lines: String = forged.files().into_iter().map(file).collect();
        let tree = alice.git_with(&["mktree"], &lines, &[]);
        let date = format!("{} +0000", forged.statement.predicate.recorded_at.utc().timestamp());
        let mut env = vec![("GIT_AUTHOR_DATE", &*date), ("GIT_COMMITTER_DATE", &*date)];
        for name in ["AUTHOR_NAME", "AUTHOR_EMAIL", "COMMITTER_NAME", "COMMITTER_EMAIL"] {
            env.push((format!("GIT_{name}").leak(), "alice"));
        }
        let forged = alice.commit(&tree, &[&before], &forged.message(), &["-S"], &env);
        let refspecs = [format!("{main}:refs/heads/main"), format!("{forged}:refs/heads/{LEDGER}")];
        let refspecs: Vec<_> = refspecs.iter().map(String::as_str).collect();
        assert_ne!(alice.push_together(&refspecs).code, 0);
        hub.unguard();
        alice.push_together(&refspecs).went_well();
        hub.desk_at("erin", "auditor").verify().ended(1, &["entry 1 (", "coverage: ", why]);
    }
}

/// Framed: a commit that nobody signed, in carol's name, pushed by somebody else.
#[test]
fn an_unsigned_commit_in_somebodys_name() {
    let hub = Hub::recording();
    let alice = hub.desk("alice");
    let tree = alice.tree("origin/main", &[("100644", "requests/CHG-8.yaml", "id: CHG-8\n")]);
    let main = alice.git(&["rev-parse", "origin/main"]);
    let (name, email) = ("carol", "carol@acme.example");
    let env = [
        ("GIT_AUTHOR_NAME", name),
        ("GIT_AUTHOR_EMAIL", email),
        ("GIT_COMMITTER_NAME", name),
        ("GIT_COMMITTER_EMAIL", email),
    ];
    let framed = alice.commit(&tree, &[&main], "By hand", &["--no-gpg-sign"], &env);
    past_the_hook(&alice, &framed);
    let erin = hub.desk("erin");
    let claim = "claims to be carol@acme.example";
    erin.changegate(&["audit", "coverage"]).ended(1, &["unrecorded", claim]);
    let nowhere = format!("by somebody who {claim} is on main and recorded nowhere");
    let pushed = format!("pushed past the rules by somebody who {claim}");
    let list = ["list", "--state", "merged"];
    erin.changegate(&list).ended(0, &[&nowhere, &pushed]);
    hub.desk("bob").execute("CHG-2");
    let message = hub.git(&["log", "-1", "--format=%B", "audit/ledger~1"]);
    assert!(message.starts_with("bypass: "), "{message}");
    assert!(!message.contains("carol"), "nobody knows that it was carol: {message}");
    erin.verify().ended(0, &[&format!("(no-pull-request), {claim}, entry 1"), "\nverified\n"]);
    erin.changegate(&["audit", "coverage"]).ended(0, &[&format!(", {claim} (no-pull-request)")]);
    erin.changegate(&["audit", "show", "1"]).ended(0, &[claim]);
    let out = hub.path("out");
    let export = ["audit", "export", "--format", "csv", "--out", out.to_str().unwrap()];
    erin.changegate(&export).went_well();
    let rows = std::fs::read_to_string(out.join("entries.csv")).unwrap();
    assert!(rows.contains(&format!(",{claim},no-pull-request")), "{rows}");
    let explain = ["audit", "record-bypass", "1", "--who", "mallory", "--because", "x"];
    erin.changegate(&explain).ended(0, &["warning: mallory isn't in the roster on main"]);
}

/// After a commit that broke the policies, or deleted them, and its repair, what the program itself records
/// is sound.
#[test]
fn what_is_recorded_after_broken_policies_can_be_verified() {
    for deletes in [false, true] {
        let hub = Hub::recording();
        let carol = hub.desk("carol");
        let broken = if deletes {
            let tree = carol.git_with(&["mktree"], "", &[]);
            carol.commit(&tree, &["origin/main"], "Delete", &["-S"], &[])
        } else {
            let rego = "package changegate.rules.x\nfindings contains {\n";
            carol.put("origin/main", &[(RULES, rego)], "Break")
        };
        let tree = carol.git(&["rev-parse", "origin/main^{tree}"]);
        let repaired = carol.commit(&tree, &[&broken], "Repair", &["-S"], &[]);
        past_the_hook(&carol, &repaired);
        hub.desk("bob").execute("CHG-2");
        let by = "(no-pull-request), by carol, entry 2";
        hub.desk("erin").verify().ended(0, &["2 bypass", by, "\nverified\n"]);
    }
}

/// A checkpoint of a longer log names no entry that there isn't.
#[test]
fn a_checkpoint_of_entries_that_are_missing() {
    let hub = Hub::recording();
    let erin = hub.desk("erin");
    let own = hub.git(&["show", "audit/ledger:checkpoint"]);
    erin.write("longer.txt", &format!("{}\n\n", own.replace("\n1\n", "\n5\n")));
    let ran = erin.changegate(&["audit", "verify", "--checkpoint", "longer.txt"]);
    ran.ended(1, &["the log, anchors: the checkpoint longer.txt is of a longer log"]);
}

/// "Nobody moves a change out of a period by dating it back": a bypass whose committer dates it to just after
/// the last merge is in that period, and in the one in which it is recorded.
#[test]
fn a_bypass_that_is_dated_into_the_last_period() {
    let hub = Hub::recording();
    let bob = hub.desk("bob");
    bob.execute("CHG-1");
    let time: i64 = bob.git(&["log", "-1", "--format=%ct", "main"]).parse().unwrap();
    while chrono::Utc::now().timestamp() < time + 3 {
        thread::sleep(Duration::from_millis(100));
    }
    let since = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let date = format!("{} +0000", time + 1);
    let env = [("GIT_AUTHOR_DATE", &*date), ("GIT_COMMITTER_DATE", &*date)];
    let tree = bob.tree("main", &[("100644", "requests/CHG-8.yaml", "id: CHG-8\n")]);
    let evil = bob.commit(&tree, &["main"], "By hand", &["-S"], &env);
    past_the_hook(&bob, &evil);
    let erin = hub.desk("erin");
    let unrecorded = format!("unrecorded  {}", &evil[..7]);
    erin.changegate(&["audit", "coverage", "--since", &since]).ended(1, &[&unrecorded]);
    hub.desk_at("bob", "bob2").execute("CHG-2");
    let bypass = format!("bypass      {}", &evil[..7]);
    for end in ["--since", "--until"] {
        let ran = erin.changegate(&["audit", "coverage", end, &since]);
        assert!(ran.stdout.contains(&bypass), "{end}: {ran:?}");
    }
}

/// A branch that the settings protect, that something governed reached, and that isn't covered.
#[test]
fn a_protected_branch_that_is_not_covered_is_not_complete() {
    let hub = Hub::recording();
    let carol = hub.desk("carol");
    let settings = carol.git(&["show", &format!("origin/main:{SETTINGS}")]) + "\n";
    let more = settings.replace("protected_bases: [main]", "protected_bases: [main, release]");
    assert_ne!(settings, more);
    let main = carol.put("origin/main", &[(SETTINGS, &more)], "Protect the releases, too");
    let sneaky = carol.put(&main, &[("requests/CHG-8.yaml", "id: CHG-8\n")], "By hand");
    hub.unguard();
    let branches = [format!("{main}:refs/heads/main"), format!("{sneaky}:refs/heads/release")];
    carol.push(&branches.each_ref().map(String::as_str)).went_well();
    hub.guard();
    hub.desk("bob").execute("CHG-2");
    let said = "release is protected and not recorded yet";
    let erin = hub.desk("erin");
    erin.verify().ended(1, &[said]);
    let whole = "not complete: a protected branch is not covered";
    erin.changegate(&["audit", "coverage"]).ended(1, &[said, whole]);
    let out = hub.path("out");
    let export = ["audit", "export", "--format", "md", "--out", out.to_str().unwrap()];
    erin.changegate(&export).ended(1, &[said]);
}

/// Policies that nobody approved decide all the same, and what they decided is named.
#[test]
fn what_was_decided_under_policies_that_came_around_the_gate() {
    let hub = Hub::recording();
    let (bob, carol) = (hub.desk("bob"), hub.desk("carol"));
    bob.execute("CHG-1");
    carol.git(&["fetch", "--quiet", "origin"]);
    let settings = carol.git(&["show", &format!("origin/main:{SETTINGS}")]);
    let lax = carol.put("origin/main", &[(SETTINGS, &format!("{settings}\n# Lax.\n"))], "Lax");
    past_the_hook(&carol, &lax);
    bob.execute("CHG-2");
    bob.execute("CHG-3");
    let erin = hub.desk("erin");
    let said = "changed the policies: entries 3 and 4 were decided under them";
    erin.verify().ended(0, &["by carol, entry 2", said, "\nverified\n"]);
    // Behind what was verified before, too.
    bob.execute("CHG-4");
    let said = "changed the policies: entries 3, 4 and 5 were decided under them";
    erin.verify().ended(0, &["earlier ", said, "\nverified\n"]);
    let json = erin.changegate(&["audit", "verify", "--format", "json"]).json("audit-verify");
    assert_eq!(json["bypasses"][0]["policies"]["entries"], json!([3, 4, 5]));
    erin.changegate(&["audit", "coverage"]).ended(0, &[said]);
    let said = "decided under policies that came around the gate with entry 2";
    erin.changegate(&["audit", "show", "CHG-3"]).ended(0, &[said]);
    let ran = erin.changegate(&["audit", "show", "CHG-1"]);
    assert!(!ran.stdout.contains("around the gate"), "{ran:?}");
}
