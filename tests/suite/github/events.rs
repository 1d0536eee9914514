//! Whose decision an event brings up to date.

use std::fs;

use serde_json::{Value, json};

use super::office::{BRANCH, answer, checked, command, opened, request, sweep};
use crate::plumbing::github::GitHub;
use crate::plumbing::hub::Ran;

/// The program, started by an event.
fn told(github: &GitHub, event: &str, payload: &Value) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("event.json");
    fs::write(&file, payload.to_string()).unwrap();
    let mut command = command(github);
    command.env("GITHUB_EVENT_NAME", event).args(["check", "--event"]);
    command.arg(&file).args(["--now", &github.now().to_string()]);
    Ran::of(&mut command, "")
}

/// The pull request that is opened is that of its head to a branch that nothing protects.
#[test]
fn an_event_of_any_pull_request_with_the_head_judges_those_to_protected_branches() {
    let (github, pull) = opened(&request());
    github.push("carol", "release", &github.tip("main").unwrap(), false);
    let other = github.open_pull("alice", BRANCH, "release");
    let event = json!({"action": "opened", "pull_request": {"number": other, "state": "open"}});
    told(&github, "pull_request_target", &event).ended(3, &["requests/CHG-7.yaml  PENDING"]);
    assert_eq!(answer(&github, pull).0, "pending");
    github.close(pull, "alice");
    told(&github, "pull_request_target", &event).ended(0, &["#2 isn't judged"]);
}

/// Two changes that overlap, each approved.
fn rivals() -> (GitHub, [u64; 2]) {
    let (github, first) = opened(&request());
    let second = request().replace("CHG-7", "CHG-8").replace("alice", "dave");
    github.commit("dave", "change/CHG-8", &[("requests/CHG-8.yaml", &second)], "Submit CHG-8");
    let second = github.open_pull("dave", "change/CHG-8", "main");
    github.advance("1m");
    for pull in [first, second] {
        github.review(pull, "bob", "APPROVED");
        assert_eq!(checked(&github, pull), "success");
    }
    github.advance("2m");
    sweep(&github).went_well();
    (github, [first, second])
}

/// The event of a pull request that carol merges.
fn merged(github: &GitHub, pull: u64) -> Value {
    let head = github.head(pull);
    github.merge(pull, "carol");
    json!({
        "action": "closed",
        "pull_request": {
            "number": pull, "state": "closed", "merged": true, "head": {"sha": head},
        },
    })
}

#[test]
fn what_is_merged_concerns_the_others() {
    let (github, [first, second]) = rivals();
    told(&github, "pull_request_target", &merged(&github, first))
        .ended(1, &["requests/CHG-8.yaml  DENIED"]);
    assert_eq!(answer(&github, second).0, "failure");
}

#[test]
fn what_is_pushed_to_a_protected_branch_concerns_the_open_ones() {
    let (github, [first, second]) = rivals();
    github.commit("carol", "main", &[("README.md", "Hello")], "Greet");
    let push = json!({"ref": "refs/heads/main"});
    told(&github, "push", &push).ended(0, &["no open pull request is concerned"]);
    let settings = "protected_bases: [main]\napproval_valid_for: 1m\n";
    github.commit("carol", "main", &[("policies/org/settings/data.yaml", settings)], "Settings");
    told(&github, "push", &push).ended(3, &[]);
    assert_eq!([first, second].map(|pull| answer(&github, pull).0), ["pending", "pending"]);
}

/// Two changes of one file, each approved, that git can merge.
#[test]
fn what_is_merged_into_any_governed_file_concerns_the_others() {
    for path in [".github/workflows/a.yml", "CODEOWNERS", ".gitattributes"] {
        let github = GitHub::start();
        let text = (1..9).map(|line| format!("# {line}\n")).collect::<String>();
        github.commit("carol", "main", &[(path, &text)], "Nine lines");
        let [first, second] = ["# 1\n", "# 8\n"].map(|line| {
            let branch = format!("line-{}", &line[2..3]);
            github.commit("alice", &branch, &[(path, &text.replace(line, "#\n"))], "A line");
            let pull = github.open_pull("alice", &branch, "main");
            github.advance("1m");
            for who in ["carol", "erin"] {
                github.review(pull, who, "APPROVED");
            }
            assert_eq!(checked(&github, pull), "success", "{path}");
            pull
        });
        github.advance("2m");
        sweep(&github).went_well();
        let ran = told(&github, "pull_request_target", &merged(&github, first));
        ran.ended(2, &["would differ from what is judged"]);
        assert_eq!(answer(&github, second).0, "error", "{path}");
    }
}
