//! The ledger of a repository on GitHub: what is decided is recorded before it is answered, and what was
//! merged by what comes next.

use std::process::Command;

use serde_json::json;

use super::office::{BRANCH, answer, as_app, check, checked, command, request, sweep};
use crate::ledger::forge::{edit, resting_on, set};
use crate::ledger::free_text::{ADDRESS, MARK, holds_none, marked};
use crate::plumbing::github::{Desk, GitHub, NewCommit, ROSTER, texts};
use crate::plumbing::hub::program;
use crate::plumbing::judges;
use crate::plumbing::ran::Ran;
use changegate::audit::case::Files;
use changegate::core::record::entry::Entry;
use changegate::forge::git::{Branches, Git};
use changegate::gate::record::Recorder;
use changegate::gate::recording::{append, genesis};
use changegate::git::{Moved, Oid, Repo};
use changegate::ledger::{self, NOBODY, Signer};

pub const SETTINGS: &str = "policies/org/settings/data.yaml";
pub const LEDGER: &str = "audit/ledger";
pub const REQUEST: &str = "requests/CHG-7.yaml";

/// Lets the settings name a ledger, with more settings of it.
pub fn settle(github: &GitHub, more: &str) {
    let settings = github.file("main", SETTINGS);
    let ledger = format!("ledger: {{on: true, origin: github.example/acme/ops{more}}}");
    let text = settings.replace("ledger: {on: false}", &ledger);
    assert_ne!(settings, text);
    github.commit("carol", "main", &[(SETTINGS, &text)], "Record what is decided");
}

/// Begins the ledger as `init --ledger` does, at the server's time, with more settings of it.
pub fn begin(github: &GitHub, more: &str) {
    settle(github, more);
    let now = github.now();
    let folder = github.with(|state| state.ops().folder.clone());
    let git = Git::new(Branches::own(Repo::open(&folder).unwrap()), None).unwrap();
    let judges = judges();
    let judge = judges.at(git.repo(), git.base().unwrap()).unwrap();
    let recorder = Recorder { who: "carol", at: now };
    let base = (git.base_ref.as_str(), git.base().unwrap());
    let tips = |name: &str| git.branches.tip(name);
    let record = genesis(git.repo(), &judge.bundle().org, base, tips, recorder).unwrap();
    let moves = append(&git, &judges, None, vec![record], Signer::Nobody("carol")).unwrap();
    assert_eq!(git.branches.put_all(&moves).unwrap(), Moved::Yes);
    github.with(|state| state.notice(0, state.id_of("carol")));
}

/// A server whose ledger has begun, where alice has opened a pull request with this request.
pub fn recording(text: &str) -> (GitHub, u64) {
    let github = GitHub::start();
    begin(&github, "");
    github.commit("alice", BRANCH, &[(REQUEST, text)], "Submit CHG-7");
    let pull = github.open_pull("alice", BRANCH, "main");
    (github, pull)
}

/// The first lines of the entries' messages, the oldest first.
pub fn titles(github: &GitHub) -> Vec<String> {
    let titles = github.git(&["log", "--reverse", "--format=%s", LEDGER]);
    titles.lines().map(str::to_owned).collect()
}

/// Proves the ledger in somebody's clone.
pub fn verify(desk: &Desk<'_>) -> Ran {
    Ran::of(&mut desk.run(program().to_str().unwrap(), &["audit", "verify"]), "")
}

/// Proves the ledger in a clone of everything.
#[track_caller]
pub fn verified(github: &GitHub) -> Ran {
    let auditor = github.desk("erin");
    auditor.git(&["fetch", "--quiet", "origin", "+refs/pull/*/head:refs/pull/*"]);
    verify(&auditor)
}

#[test]
fn decisions_are_recorded_before_they_are_answered() {
    let (github, pull) = recording(&request());
    assert_eq!(checked(&github, pull), "pending");
    github.advance("1h");
    assert_eq!(checked(&github, pull), "pending");
    github.review(pull, "bob", "APPROVED");
    assert_eq!(checked(&github, pull), "success");
    assert_eq!(
        titles(&github),
        ["genesis: github.example/acme/ops", "pending: CHG-7 (#1)", "approved: CHG-7 (#1)"]
    );
    let entry = github.tip(LEDGER).unwrap();
    let comment = github.comments(pull).pop().unwrap().1;
    assert!(comment.contains(&format!("/acme/ops/commit/{entry})")), "{comment}");
    verified(&github).ended(0, &["3 entries"]);
}

#[test]
fn what_was_merged_is_recorded_by_the_next_sweep() {
    let (github, pull) = recording(&request());
    github.advance("1h");
    github.review(pull, "bob", "APPROVED");
    checked(&github, pull);
    github.advance("1m");
    let merge = github.merge(pull, "bob");
    github.advance("1m");
    sweep(&github).ended(0, &["entries that record what reached protected branches: 1"]);
    let again = sweep(&github);
    assert!(!again.went_well().contains("entries that record"), "{again:?}");
    let title = "merged: CHG-7 Block 203.0.113.77, which tries stolen passwords (#1)";
    assert_eq!(titles(&github).pop().unwrap(), title);
    let covers = github.git(&["show", &format!("{LEDGER}:state")]);
    assert!(covers.contains(&format!("base refs/heads/main {merge}")), "{covers}");
    verified(&github).ended(0, &["3 entries"]);
    // Git alone knows nothing of bob's review.
    let looker = github.desk("heidi");
    let mut show = looker.run(program().to_str().unwrap(), &["show", "CHG-7"]);
    Ran::of(&mut show, "").ended(0, &["APPROVED", "bob", ", as entry 2 records it\n"]);
}

/// Record 63: anyone who writes it, anywhere.
#[test]
fn the_log_holds_no_text_and_no_address() {
    let github = GitHub::start();
    begin(&github, "");
    let text = marked(&request(), &format!("{MARK} title"));
    let comment = format!("{MARK} of {ADDRESS}");
    // Of somebody who isn't known, with texts as names, and with a file that the base changes, too.
    let (path, notes) = (format!("requests/{MARK} {ADDRESS}.yaml"), format!("{MARK} {ADDRESS}"));
    let lines: String = (0..20).map(|line| format!("{line}\n")).collect();
    let parent = github.commit("carol", "main", &[(&notes, &lines)], "Note");
    let new = NewCommit {
        parents: vec![parent],
        author: (MARK.to_owned(), ADDRESS.to_owned()),
        files: texts(&[(&path, &text), (&notes, &format!("first\n{lines}"))]),
        message: comment.clone(),
        committer: None,
    };
    github.push("alice", BRANCH, &github.write(&new), false);
    github.commit("carol", "main", &[(&notes, &format!("{lines}last\n"))], "Note more");
    let pull = github.open_pull("alice", BRANCH, "main");
    github.with(|state| {
        let pull = state.pull_mut(pull);
        (pull.title, pull.body) = (comment.clone(), Some(comment.clone()));
    });
    github.review(pull, "dan", "CHANGES_REQUESTED");
    assert_eq!(checked(&github, pull), "failure");
    let statement = github.git(&["show", &format!("{LEDGER}:entry.json")]);
    assert!(statement.contains(r#""refusals":["request/merge"]"#), "{statement}");
    assert!(statement.contains(r#""name":"request""#), "{statement}");
    verified(&github).ended(0, &["2 entries", "1 byte for byte the same"]);
    github.advance("1m");
    github.merge(pull, "bob");
    sweep(&github).ended(0, &["entries that record what reached protected branches: 1"]);
    holds_none(
        &|arguments| github.git(arguments),
        &["genesis genesis: ", "decision denied: ", "bypass bypass: "],
    );
}

/// Record 31: a squash, whose message holds no trailer.
#[test]
fn whatever_the_button_makes_is_what_was_judged() {
    type Merges = fn(&GitHub, u64) -> String;
    let ways: [(&str, Merges); 3] = [
        ("merge", |github, pull| github.merge(pull, "bob")),
        ("squash", |github, pull| github.squash(pull, "bob")),
        ("rebase", |github, pull| github.rebase(pull, "bob")),
    ];
    for (way, merge) in ways {
        let (github, pull) = recording(&request());
        let typo = request().replace("CHG-7\n", "CHG-7 # the ticket\n");
        github.commit("alice", BRANCH, &[(REQUEST, &typo)], "Say what the number is");
        github.advance("1h");
        github.review(pull, "bob", "APPROVED");
        checked(&github, pull);
        github.advance("1m");
        let tip = merge(&github, pull);
        github.advance("1m");
        sweep(&github).ended(0, &["reached protected branches: 1"]);
        let entry = github.git(&["show", &format!("{LEDGER}:entry.json")]);
        assert!(entry.contains(&format!("\"method\":\"{way}\"")), "{way}: {entry}");
        assert!(entry.contains(&format!("\"to\":\"{tip}\"")), "{way}: {entry}");
        assert!(entry.contains("\"by\":\"bob\""), "{way}: {entry}");
        // With the pull request's commits, and without them.
        verified(&github).ended(0, &["3 entries", "2 byte for byte the same"]);
        let apart = github.desk("judy");
        verify(&apart).ended(0, &["3 entries"]);
        // Git alone knows neither that it was merged nor by whose review.
        let show = || {
            let mut show = apart.run(program().to_str().unwrap(), &["show", "CHG-7"]);
            Ran::of(&mut show, "").ended(0, &["merged", "APPROVED", ", as entry 2 records it\n"]);
        };
        show();
        // GitHub's message of a merge names a number, and no change.
        if way != "merge" {
            github.delete_branch("alice", BRANCH);
            show();
        }
    }
}

/// Record 32: an administrator's merge, and a push.
#[test]
fn what_went_around_the_gate_is_a_bypass() {
    let (github, pull) = recording(&request());
    checked(&github, pull);
    github.advance("1m");
    // By an administrator, against the answer; by a push; and with something else than was judged.
    github.merge(pull, "carol");
    github.commit("erin", "main", &[("requests/CHG-8.yaml", "id: CHG-8\n")], "By hand");
    github.commit("erin", "main", &[("README.md", "hello\n")], "Nothing governed");
    github.advance("1m");
    sweep(&github).ended(0, &["reached protected branches: 2"]);
    let titles = titles(&github);
    let bypasses: Vec<_> = titles.iter().filter(|title| title.starts_with("bypass: ")).collect();
    assert_eq!(bypasses.len(), 2, "{titles:?}");
    assert!(bypasses[0].ends_with(" on main (not-approved)"), "{titles:?}");
    assert!(bypasses[1].ends_with(" on main (no-pull-request)"), "{titles:?}");
    let last = github.git(&["log", "-1", "--format=%B", LEDGER]);
    assert!(last.contains("by erin"), "{last}");
    verified(&github).ended(0, &["2 bypass"]);
}

#[test]
fn a_review_that_came_or_went_after_the_merge_changes_nothing() {
    let (github, pull) = recording(&request());
    github.advance("1h");
    let approval = github.review(pull, "bob", "APPROVED");
    checked(&github, pull);
    github.advance("1m");
    github.merge(pull, "bob");
    github.advance("1m");
    github.dismiss(pull, approval, "carol");
    github.review(pull, "dan", "CHANGES_REQUESTED");
    sweep(&github).ended(0, &["reached protected branches: 1"]);
    assert!(titles(&github).pop().unwrap().starts_with("merged: CHG-7"), "{:?}", titles(&github));
    verified(&github).ended(0, &["3 entries"]);
}

#[test]
fn nothing_is_answered_that_could_not_be_recorded() {
    let github = GitHub::start();
    settle(&github, "");
    github.commit("alice", BRANCH, &[(REQUEST, &request())], "Submit CHG-7");
    let pull = github.open_pull("alice", BRANCH, "main");
    // The ledger hasn't begun, and no writer begins one.
    let without = ["decided, not recorded", "no branch audit/ledger", "changegate init --ledger"];
    check(&github, pull).ended(2, &without);
    let (state, description) = answer(&github, pull);
    assert_eq!(state, "error", "{description}");
    assert_eq!(github.tip(LEDGER), None);

    // A job that may not write.
    let (github, pull) = recording(&request());
    let mut may = vec![("contents", "read"), ("pull_requests", "write"), ("statuses", "write")];
    let mut as_job = |contents: &'static str| {
        may[0].1 = contents;
        let mut command = command(&github);
        command.env("GITHUB_TOKEN", github.token_with(&may));
        command.args(["check", "--pr", "1", "--now", &github.now().to_string()]);
        Ran::of(&mut command, "")
    };
    as_job("read").ended(2, &["decided, not recorded", "contents: write"]);
    assert_eq!(answer(&github, pull).0, "error");
    as_job("write").ended(3, &[]);
    assert_eq!(answer(&github, pull).0, "pending");
    assert_eq!(titles(&github).len(), 2);
}

/// Record 78: one entry reports all that they push.
#[test]
fn strangers_do_not_fill_the_log() {
    let (github, _) = recording(&request());
    github.fork("mallory");
    let text = "id: CHG-9\n";
    github.commit("mallory", "mallory:x", &[("requests/CHG-9.yaml", text)], "Mine");
    let pull = github.open_pull("mallory", "mallory:x", "main");
    assert_eq!(checked(&github, pull), "failure");
    for round in 0..3 {
        github.advance("1m");
        let other = format!("{text}# {round}\n");
        github.commit("mallory", "mallory:x", &[("requests/CHG-9.yaml", &other)], "Mine");
        assert_eq!(checked(&github, pull), "failure");
    }
    assert_eq!(titles(&github)[1..], ["denied: CHG-9 (#2)"]);
}

#[test]
fn writers_do_not_lose_each_other_s_entries() {
    let github = GitHub::start();
    begin(&github, "");
    let pulls: Vec<_> = (1..=6)
        .map(|number| {
            let branch = format!("change/CHG-{number}");
            let text = request().replace("CHG-7", &format!("CHG-{number}"));
            let path = format!("requests/CHG-{number}.yaml");
            github.commit("alice", &branch, &[(&path, &text)], "Submit");
            github.open_pull("alice", &branch, "main")
        })
        .collect();
    std::thread::scope(|scope| {
        for pull in &pulls {
            scope.spawn(|| check(&github, *pull).ended(3, &[]));
        }
    });
    assert_eq!(titles(&github).len(), 7);
    verified(&github).ended(0, &["7 entries"]);
}

#[test]
fn an_app_records_as_itself() {
    let (github, pull) = recording(&request());
    let mut command = as_app(&github);
    command.args(["check", "--pr", &pull.to_string(), "--now", &github.now().to_string()]);
    Ran::of(&mut command, "").ended(3, &[]);
    let entry = github.git(&["show", &format!("{LEDGER}:entry.json")]);
    assert!(entry.contains("\"kind\":\"app\",\"who\":\"changegate[bot]\""), "{entry}");
    verified(&github).ended(0, &["2 entries"]);
}

#[test]
fn a_branch_that_is_protected_later_is_covered_from_then_on() {
    let (github, _) = recording(&request());
    let settings = github.file("main", SETTINGS);
    github.push("carol", "release", &github.tip("main").unwrap(), false);
    let more = settings.replace("protected_bases: [main]", "protected_bases: [main, release]");
    github.commit("carol", "main", &[(SETTINGS, &more)], "Protect the releases, too");
    github.advance("1m");
    sweep(&github).ended(0, &["reached protected branches: 2"]);
    github.commit("erin", "release", &[("requests/CHG-8.yaml", "id: CHG-8\n")], "By hand");
    github.advance("1m");
    sweep(&github).ended(0, &["reached protected branches: 1"]);
    let state = github.git(&["show", &format!("{LEDGER}:state")]);
    let release = github.tip("release").unwrap();
    assert!(state.contains(&format!("base refs/heads/release {release}")), "{state}");
    verified(&github).ended(0, &["1 note"]);
}

#[test]
fn rubbish_on_the_log_s_branch_stops_nobody() {
    let (github, pull) = recording(&request());
    for number in 0..3 {
        let path = format!("{number}.txt");
        github.commit("mallory", LEDGER, &[(&path, "rubbish\n")], "Merge branch 'main'");
    }
    assert_eq!(checked(&github, pull), "pending");
    let found = verified(&github);
    found.ended(1, &["3 entries", "1 note", "the commit holds no entry, and counts for nothing"]);
    assert_eq!(found.stdout.matches("counts for nothing").count(), 3, "{found:?}");
}

#[test]
fn a_service_key_signs_what_is_recorded() {
    let github = GitHub::start();
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    let mut keygen = Command::new("ssh-keygen");
    keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"]).arg(&key);
    Ran::of(&mut keygen, "").went_well();
    let public = std::fs::read_to_string(key.with_extension("pub")).unwrap();
    let writers =
        format!(", signature: required, writers: [{{name: workflow, key: {}}}]", public.trim());
    begin(&github, &writers);
    github.commit("alice", BRANCH, &[(REQUEST, &request())], "Submit CHG-7");
    let pull = github.open_pull("alice", BRANCH, "main");
    let check = |key: Option<&std::path::Path>| {
        let mut command = command(&github);
        command.args(["check", "--pr", &pull.to_string(), "--now", &github.now().to_string()]);
        command.envs(key.map(|key| ("CHANGEGATE_LEDGER_KEY", key)));
        Ran::of(&mut command, "")
    };
    check(Some(&folder.path().join("nothing"))).ended(2, &["CHANGEGATE_LEDGER_KEY"]);
    check(Some(&key)).ended(3, &[]);
    let files = github.git(&["ls-tree", "--name-only", LEDGER]);
    assert_eq!(
        files.lines().collect::<Vec<_>>(),
        ["checkpoint", "entry.json", "entry.sig", "state"]
    );
    verified(&github).ended(0, &["2 entries"]);
    // Without the key nothing is recorded, and what somebody adds unsigned is passed over.
    github.advance("1h");
    github.review(pull, "bob", "APPROVED");
    check(None).ended(2, &["decided, not recorded", "CHANGEGATE_LEDGER_KEY"]);
    let folder = github.with(|state| state.ops().folder.clone());
    let git = Git::new(Branches::own(Repo::open(&folder).unwrap()), None).unwrap();
    let tip = ledger::tip(git.repo(), git.branches.tip(LEDGER).unwrap().unwrap()).unwrap();
    let mut statement = tip.entry.statement.clone();
    statement.predicate.recorded_at = github.now();
    let entry = Entry::behind(&tip.entry.state, statement, None).unwrap();
    let (program, signer) = (git.branches.program(), Signer::Nobody(NOBODY));
    let forged = ledger::commit(git.repo(), program, &entry, Some(tip.commit), signer).unwrap();
    github.git(&["update-ref", &format!("refs/heads/{LEDGER}"), &forged.to_string()]);
    check(Some(&key)).ended(0, &[]);
    assert_eq!(titles(&github)[3..], ["note: foreign", "approved: CHG-7 (#1)"]);
    let judy = github.desk("judy");
    judy.git(&["fetch", "--quiet", "origin", "+refs/pull/*/head:refs/pull/*"]);
    let noted = "no service signed it, which the settings require; entry 2 notes it";
    verify(&judy).ended(1, &["4 entries", noted, "not as it has to be: 1 finding"]);
}

/// Puts another record in the place of the last.
pub fn replace_last(github: &GitHub, edit: &dyn Fn(&mut Files)) {
    let folder = github.with(|state| state.ops().folder.clone());
    let git = Git::new(Branches::own(Repo::open(&folder).unwrap()), None).unwrap();
    let id = |name: &str| Oid::from_str(&github.git(&["rev-parse", name])).unwrap();
    let entry = ledger::read(git.repo(), id(LEDGER)).unwrap().entry.unwrap();
    let before = ledger::tip(git.repo(), id(&format!("{LEDGER}~1"))).unwrap();
    let record = resting_on(git.repo(), &judges(), &entry.statement, edit);
    let moves = append(&git, &judges(), Some(&before), vec![record], Signer::Nobody(NOBODY));
    for (branch, _, to) in moves.unwrap() {
        github.git(&["update-ref", &format!("refs/heads/{branch}"), &to.to_string()]);
    }
}

/// What Git can show about a pull request, said otherwise: a decision, and a merge.
#[test]
fn evidence_that_the_commits_deny() {
    let (github, pull) = recording(&request());
    github.commit("erin", BRANCH, &[("docs/a.md", "a\n")], "Help");
    github.advance("1h");
    github.review(pull, "bob", "APPROVED");
    checked(&github, pull);
    let other = json!({"id": "CHG-9", "actions": [{"target": "edge-fra-1"}]});
    let base = github.tip("main").unwrap();
    let lies = [
        (
            "/pull_request/base_ref",
            json!("release"),
            "says something else than the commits about pull_request",
        ),
        (
            "/pull_request/base",
            json!("0".repeat(40)),
            "says something else than the commits about pull_request",
        ),
        (
            "/pull_request/head",
            json!(base),
            "says something else than the commits about pull_request",
        ),
        (
            "/pull_request/files",
            json!(["requests/CHG-7.yaml"]),
            "says something else than the commits about pull_request",
        ),
        ("/pull_request/contributors/1", json!(null), "its evidence leaves out who made "),
        ("/reviews/0/material", json!(format!("sha256:{}", "0".repeat(64))), "about reviews"),
        ("/previous", other.clone(), "about previous"),
        ("/merged", json!([other]), "about merged"),
        ("/open", json!([other]), "about known_targets and open"),
        (
            "/incidents",
            json!([{"id": "INC-001", "severity": "P1", "status": "open"}]),
            "about incidents",
        ),
        ("/same_id", json!(["requests/chg-7.yaml"]), "about same_id"),
    ];
    let auditor = github.desk("erin");
    let found = || {
        let refs = ["+refs/pull/*/head:refs/pull/*", "+refs/heads/*:refs/remotes/origin/*"];
        auditor.git(&[&["fetch", "--quiet", "origin"], &refs[..]].concat());
        let ledger = "+refs/heads/audit/*:refs/changegate/origin/audit/*";
        auditor.git(&["fetch", "--quiet", "origin", ledger]);
        verify(&auditor)
    };
    let tried = |merge: Option<&str>| {
        let truth = [LEDGER, "audit/evidence"].map(|name| github.tip(name).unwrap());
        found().ended(0, &["\nverified\n"]);
        let of_merge = ("/as_of", json!("2026-01-01T00:00:00Z"), "about as_of");
        for (field, value, why) in lies.iter().chain(merge.map(|_| &of_merge)) {
            replace_last(&github, &|files| {
                edit(files, "evidence.json", |evidence| match value.is_null() {
                    true => {
                        drop(evidence["pull_request"]["contributors"].as_array_mut().unwrap().pop())
                    }
                    false => set(evidence, field, value.clone()),
                });
            });
            found().ended(1, &["provenance: ", why]);
            for (name, tip) in [LEDGER, "audit/evidence"].iter().zip(&truth) {
                github.git(&["update-ref", &format!("refs/heads/{name}"), tip]);
            }
        }
    };
    tried(None);
    github.advance("1m");
    let merged = github.merge(pull, "bob");
    github.advance("1m");
    sweep(&github).ended(0, &["reached protected branches: 1"]);
    tried(Some(&merged));
}

/// A head that never reached a branch need not be here: then nobody can say what it would have brought.
#[test]
fn a_change_of_policies_whose_head_is_not_here() {
    let github = GitHub::start();
    begin(&github, "");
    let roster = github.file("main", ROSTER);
    let nobody = roster.replace("level: L3", "level: L1");
    assert_ne!(roster, nobody);
    github.commit("carol", "rules", &[(ROSTER, &nobody)], "Nobody decides");
    let pull = github.open_pull("carol", "rules", "main");
    check(&github, pull);
    assert_eq!(titles(&github).len(), 2);
    verified(&github).ended(0, &["1 byte for byte the same", "\nverified\n"]);
    github.git(&["update-ref", "-d", "refs/heads/rules"]);
    let ran = verify(&github.desk("judy"));
    let said =
        "commits of the pull requests of 1 entry, so that not all of the evidence is compared";
    ran.ended(0, &["1 not possible", said, "\nverified\n"]);
}

/// An entry names the one before it about its pull request, which was verified earlier.
#[test]
fn what_is_named_is_found_among_what_was_verified_earlier() {
    let (github, pull) = recording(&request());
    checked(&github, pull);
    let erin = github.desk("erin");
    let fetched = || {
        erin.git(&["fetch", "--quiet", "origin", "+refs/pull/*/head:refs/pull/*"]);
        verify(&erin)
    };
    fetched().ended(0, &["2 entries", "\nverified\n"]);
    github.advance("1h");
    github.review(pull, "bob", "APPROVED");
    assert_eq!(checked(&github, pull), "success");
    let entry = github.git(&["show", &format!("{LEDGER}:entry.json")]);
    let before = github.git(&[
        "log",
        "-1",
        "--format=%(trailers:key=Entry,valueonly)",
        &format!("{LEDGER}~1"),
    ]);
    assert!(entry.contains(&format!("\"previous\":\"{}\"", before.trim())), "{entry}");
    fetched().ended(0, &["3 entries", "entries 0 to 1 were verified before", "\nverified\n"]);
}

#[test]
fn merges_alone_are_recorded_where_the_settings_say_so() {
    let github = GitHub::start();
    begin(&github, ", record: merges");
    github.commit("alice", BRANCH, &[(REQUEST, &request())], "Submit CHG-7");
    let pull = github.open_pull("alice", BRANCH, "main");
    github.advance("1h");
    github.review(pull, "bob", "APPROVED");
    assert_eq!(checked(&github, pull), "success");
    assert_eq!(titles(&github).len(), 1);
    github.merge(pull, "bob");
    sweep(&github).ended(0, &["reached protected branches: 1"]);
    assert!(titles(&github)[1].starts_with("merged: CHG-7"), "{:?}", titles(&github));
    verified(&github).ended(0, &["2 entries", "1 byte for byte the same"]);
}

#[test]
fn a_workflow_that_is_run_by_hand_begins_the_ledger() {
    let github = GitHub::start();
    settle(&github, "");
    let init = |more: &[&str]| {
        let mut command = command(&github);
        command.env("GITHUB_ACTIONS", "true").args(["init", "--ledger"]).args(more);
        Ran::of(&mut command, "")
    };
    // What it begins is dated by the clock of the runner, and so is what GitHub says.
    github.set_now(chrono::Utc::now().into());
    init(&["--dry-run"]).ended(0, &["would begin the ledger github.example/acme/ops"]);
    assert_eq!(github.tip(LEDGER), None);
    let main = format!("refs/heads/main from {} on", &github.tip("main").unwrap()[..7]);
    init(&[]).ended(0, &["began the ledger github.example/acme/ops as", &main]);
    assert_eq!(titles(&github), ["genesis: github.example/acme/ops"]);
    let entry = github.git(&["show", &format!("{LEDGER}:entry.json")]);
    assert!(entry.contains("\"collector\":{\"kind\":\"action\""), "{entry}");
    verified(&github).ended(0, &["1 entry"]);
    init(&[]).ended(2, &["has begun already"]);
}

#[test]
fn what_a_queue_merged_says_what_it_was_judged_on() {
    for is_judged in [true, false] {
        let (github, pull) = recording(&request());
        github.advance("1h");
        github.review(pull, "bob", "APPROVED");
        checked(&github, pull);
        let (main, queued) = (github.tip("main").unwrap(), github.queue(pull));
        if is_judged {
            assert_eq!(super::merging::in_queue(&github, pull, &queued, &main).1, "success");
        }
        github.advance("1m");
        github.with(|state| state.merge_queued(pull, queued.parse().unwrap()));
        github.advance("1m");
        sweep(&github).went_well();
        let entry = github.git(&["show", &format!("{LEDGER}:entry.json")]);
        assert!(entry.contains("\"method\":\"queue\""), "{entry}");
        assert_eq!(entry.contains(&format!("\"judged_on\":\"{queued}\"")), is_judged, "{entry}");
        verified(&github).ended(0, &["3 entries", "1 merge"]);
        // A commit of no queue, with other policies perhaps, proves nothing.
        super::forged::last(&github, |it| it["predicate"]["base"]["judged_on"] = main.into());
        let auditor = github.desk("judy");
        verify(&auditor).ended(1, &["judged on a commit of a merge queue that isn't among those"]);
    }
}
