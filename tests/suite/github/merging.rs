//! What GitHub merges is what was judged: line by line it could become something else.

use std::fs;

use serde_json::json;

use super::office::{BRANCH, answer, check, checked, command, opened, request, request_of, sweep};
use crate::plumbing::github::{GitHub, NewCommit, ROSTER, person, texts};
use crate::plumbing::ran::Ran;

const PATH: &str = "requests/CHG-7.yaml";

/// A request of alice's for another day, so that it is neither due nor in another one's way.
fn planned() -> String {
    request().replace("2026-11-23T22", "2026-11-26T22")
}

/// A commit on these ones, that isn't on any branch yet.
fn commit(github: &GitHub, parents: &[&str], files: &[(&str, &str)]) -> String {
    github.write(&NewCommit {
        parents: parents.iter().map(|&parent| parent.to_owned()).collect(),
        author: person("carol"),
        files: texts(files),
        message: "A step".to_owned(),
        committer: None,
    })
}

#[test]
fn a_history_that_parts_in_two_places_reverts_no_policies() {
    let github = GitHub::start();
    let (begin, roster) = (github.tip("main").unwrap(), github.file("main", ROSTER));
    let lowered = roster.replace("carol: {level: L3", "carol: {level: L1");
    assert_ne!(roster, lowered);
    let demotion = github.commit("erin", "main", &[(ROSTER, &lowered)], "carol is an L1 now");
    github.advance("1h");
    let aside = commit(&github, &[&begin], &[("docs/x.md", "x")]);
    github.push("carol", "side", &aside, false);
    let side = github.open_pull("carol", "side", "main");
    github.merge(side, "erin");
    github.advance("1h");

    // A merge of the two that keeps the roster of before: its difference shows the request alone.
    let direct = request_of("carol", "edge-fra-1")
        .replace("blacklist-ip", "purge-cache")
        .replace("2026-11-23T22:15", "2026-11-25T10:15")
        .replace("2026-11-23T22:30", "2026-11-25T10:30");
    let head = commit(&github, &[&aside, &demotion], &[(PATH, &direct)]);
    github.push("carol", BRANCH, &head, false);
    let pull = github.open_pull("carol", BRANCH, "main");
    check(&github, pull).ended(1, &["request/merge", "merge main into the branch"]);
    assert_eq!(answer(&github, pull).0, "failure");

    // As it is judged so is it merged.
    let tip = github.tip("main").unwrap();
    let merged = commit(&github, &[&head, &tip], &[(ROSTER, &lowered)]);
    github.push("carol", BRANCH, &merged, false);
    assert_eq!(checked(&github, pull), "success");
}

#[test]
fn two_amendments_become_no_third_one() {
    let github = GitHub::start();
    github.commit("alice", "main", &[(PATH, &planned())], "CHG-7");
    github.advance("1m");
    let [target, schedule] = [
        ("change/target", planned().replace("edge-fra-1", "edge-fra-2")),
        ("change/schedule", planned().replace("2026-11-26T22", "2026-11-25T22")),
    ]
    .map(|(branch, text)| {
        github.commit("alice", branch, &[(PATH, &text)], "Amend CHG-7");
        let pull = github.open_pull("alice", branch, "main");
        github.advance("1m");
        github.review(pull, "bob", "APPROVED");
        assert_eq!(checked(&github, pull), "success", "{branch}");
        pull
    });
    github.merge(schedule, "carol");
    github.advance("15m");
    sweep(&github).went_well();
    let (state, description) = answer(&github, target);
    assert_eq!(state, "failure");
    assert!(description.contains("would differ from what is judged"), "{description}");
}

#[test]
fn what_conflicts_is_told_so() {
    let github = GitHub::start();
    github.commit("alice", "main", &[(PATH, &planned())], "CHG-7");
    github.advance("1m");
    let other = |target| planned().replace("edge-fra-1", target);
    github.commit("alice", BRANCH, &[(PATH, &other("edge-fra-2"))], "Amend CHG-7");
    let pull = github.open_pull("alice", BRANCH, "main");
    github.commit("carol", "main", &[(PATH, &other("edge-fra-3"))], "Another amendment");
    check(&github, pull).ended(1, &["conflicts with main"]);
}

#[test]
fn policies_that_could_not_be_used_are_not_approved() {
    let github = GitHub::start();
    let broken = "package changegate.rules.broken\n\nfindings contains {\n";
    let files = [("policies/rules/broken/broken.rego", broken)];
    github.commit("alice", "change/policies", &files, "A new rule");
    let pull = github.open_pull("alice", "change/policies", "main");
    github.advance("1m");
    for who in ["carol", "erin"] {
        github.review(pull, who, "APPROVED");
    }
    check(&github, pull).ended(2, &["nothing could be judged after this merge", "broken.rego"]);
    assert_eq!(answer(&github, pull).0, "error");
}

/// The answer on a queue's commit that is on top of another one.
pub fn in_queue(github: &GitHub, pull: u64, queued: &str, onto: &str) -> (Ran, String) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("event.json");
    let branch = format!("refs/heads/gh-readonly-queue/main/pr-{pull}-{onto}");
    let group = json!({"head_sha": queued, "head_ref": branch, "base_sha": onto});
    fs::write(&file, json!({"merge_group": group}).to_string()).unwrap();
    let mut command = command(github);
    command.env("GITHUB_EVENT_NAME", "merge_group").args([
        "check",
        "--event",
        file.to_str().unwrap(),
        "--now",
        &github.now().to_string(),
    ]);
    let ran = Ran::of(&mut command, "");
    (ran, github.status(queued, "changegate").state)
}

#[test]
fn a_queue_is_judged_by_what_it_puts_before() {
    let (github, first) = opened(&planned());
    let second = request_of("dave", "edge-fra-1").replace("2026-11-23T22", "2026-11-26T22");
    let second = second.replace("CHG-7", "CHG-8");
    github.commit("dave", "change/CHG-8", &[("requests/CHG-8.yaml", &second)], "CHG-8");
    let second = github.open_pull("dave", "change/CHG-8", "main");
    github.advance("1m");
    for pull in [first, second] {
        github.review(pull, "bob", "APPROVED");
        assert_eq!(checked(&github, pull), "success");
    }
    let main = github.tip("main").unwrap();
    let queued = github.queue(first);
    assert_eq!(in_queue(&github, first, &queued, &main).1, "success");

    // By itself the second one may be merged, and behind the first one it may not.
    let alone = github.queue(second);
    assert_eq!(in_queue(&github, second, &alone, &main).1, "success");
    let behind = github.queue_behind(second, &queued);
    let (_, state) = in_queue(&github, second, &behind, &queued);
    assert_eq!(state, "failure");
}

#[test]
fn a_queue_brings_nothing_besides() {
    let (github, pull) = opened(&planned());
    github.advance("1m");
    github.review(pull, "bob", "APPROVED");
    let main = github.tip("main").unwrap();
    let (head, request) = (github.head(pull), planned());
    for (files, state) in [
        (vec![(PATH, request.as_str())], "success"),
        (vec![(PATH, "id: CHG-7\n")], "failure"),
        (vec![(PATH, request.as_str()), (ROSTER, "people: {}\n")], "failure"),
        (vec![], "failure"),
    ] {
        let queued = commit(&github, &[&main, &head], &files);
        github.push("carol", &format!("queue-{}", files.len()), &queued, true);
        assert_eq!(in_queue(&github, pull, &queued, &main).1, state, "{files:?}");
    }
}

/// Record 66: policies and a change under them in one group of a queue.
#[test]
fn policies_that_change_in_the_queue_are_waited_for() {
    let (github, pull) = opened(&planned());
    github.advance("1m");
    github.review(pull, "bob", "APPROVED");
    let roster = github.file("main", ROSTER) + "# reviewed\n";
    let before = commit(&github, &[&github.tip("main").unwrap()], &[(ROSTER, &roster)]);
    github.push("carol", "queue", &before, false);
    let queued = github.queue_behind(pull, &before);
    let (ran, state) = in_queue(&github, pull, &queued, &before);
    ran.ended(2, &["changes the policies: queue it again when that one is merged"]);
    assert_eq!(state, "error");
}
