//! New policies are tried on what else is open on GitHub.

use std::fs;

use serde_json::{Value, json};

use super::office::{BRANCH, answer, check, command, request, request_of};
use crate::plumbing::github::GitHub;
use crate::plumbing::hub::Ran;

/// A rule that finds something about requests for `edge-fra-2`, with this effect.
fn rule(effect: &str) -> String {
    format!(
        "package changegate.rules.odd

# METADATA
# title: Odd
# description: It is odd.
# custom:
#   code: odd/odd
#   effect: deny
#   help: take another target
findings contains {{\"code\": \"odd/odd\", \"effect\": effect, \"message\": \"odd\"}} if {{
\tinput.request.actions[_].target == \"edge-fra-2\"
\teffect := {effect}
}}
"
    )
}

/// A server with three open requests, of alice, of erin in her fork and of somebody who isn't in the
/// roster, and with a pull request of bob's that brings a rule; its number.
fn with_open(rule: &str) -> (GitHub, u64) {
    let github = GitHub::start();
    github.commit("alice", BRANCH, &[("requests/CHG-7.yaml", &request())], "Submit CHG-7");
    github.open_pull("alice", BRANCH, "main");
    for (who, id) in [("erin", "CHG-8"), ("mallory", "CHG-9")] {
        let text = request_of(who, "edge-fra-2").replace("CHG-7", id);
        let (path, branch) = (format!("requests/{id}.yaml"), format!("{who}:change/{id}"));
        github.fork(who);
        github.commit(who, &branch, &[(&path, &text)], &format!("Submit {id}"));
        github.open_pull(who, &branch, "main");
    }
    let files = [("policies/rules/odd/odd.rego", rule)];
    github.commit("bob", "change/policies", &files, "A new rule");
    let pull = github.open_pull("bob", "change/policies", "main");
    (github, pull)
}

/// Tries that pull request as the workflow does: with a token that only reads.
fn tried(github: &GitHub, pull: u64, format: &str) -> Ran {
    let desk = github.desk("bob");
    desk.git(&["switch", "--quiet", "change/policies"]);
    let event = desk.folder.join("../event.json");
    let base = json!({"ref": "main"});
    let payload = json!({"pull_request": {"number": pull, "base": base}});
    fs::write(&event, payload.to_string()).unwrap();
    let reading = [("contents", "read"), ("pull_requests", "read")];
    let mut command = command(github);
    command
        .current_dir(&desk.folder)
        .env("GITHUB_EVENT_NAME", "pull_request")
        .env("GITHUB_TOKEN", github.token_with(&reading))
        .args(["test", "--against", "origin/main", "--event", event.to_str().unwrap()])
        .args(["--format", format, "--now", &github.now().to_string()]);
    Ran::of(&mut command, "")
}

#[test]
fn on_the_requests_of_other_pull_requests() {
    let (github, pull) = with_open(&rule("\"deny\""));
    let ran = tried(&github, pull, "text");
    ran.ended(0, &["on 2 open changes and samples of each kind", "  #2\n", "finds odd/odd (deny)"]);
    assert!(!ran.stdout.contains("#3"), "{ran:?}");
    assert_eq!(github.writes().len(), 0);
    let (github, pull) = with_open(&rule("concat(\"\", [\"bl\", \"ock\"])"));
    tried(&github, pull, "text").ended(1, &["  #2\n", "can't be decided"]);
}

#[test]
fn what_was_not_tried_is_said() {
    let (github, pull) = with_open(&rule("\"deny\""));
    github.with(|state| state.ops().point("refs/pull/2/head", None));
    let ran = tried(&github, pull, "json");
    let report: Value = serde_json::from_str(ran.went_well()).unwrap();
    assert_eq!((&report["trial"]["changes"], &report["trial"]["left_out"]), (&json!(1), &json!(1)));
}

#[test]
fn those_that_could_not_decide_an_open_request_are_not_approved() {
    let (github, pull) = with_open(&rule("concat(\"\", [\"bl\", \"ock\"])"));
    github.advance("1m");
    for who in ["carol", "erin"] {
        github.review(pull, who, "APPROVED");
    }
    check(&github, pull).ended(2, &["#2 could not be judged after this merge", "odd.rego"]);
    assert_eq!(answer(&github, pull).0, "error");
}
