//! New policies are tried on what else is open on GitHub.

use std::fs;

use serde_json::{Value, json};

use super::ledger::begin;
use super::office::{
    BRANCH, answer, as_app, changegate, check, checked, command, request, request_of, sweep,
};
use crate::plumbing::github::GitHub;
use crate::plumbing::hub::Ran;

/// A rule that finds something about requests for `edge-fra-2`, with this effect.
pub fn rule(effect: &str) -> String {
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

/// Lets a token that only reads try a pull request on what is recorded.
pub fn replayed(github: &GitHub, pull: u64, more: &[&str]) -> Ran {
    let reading = [("contents", "read"), ("pull_requests", "read")];
    let mut command = command(github);
    command
        .env("GITHUB_TOKEN", github.token_with(&reading))
        .args(["audit", "replay", "--pr", &pull.to_string(), "--now", &github.now().to_string()])
        .args(more);
    Ran::of(&mut command, "")
}

#[test]
fn on_what_is_recorded_with_a_token_that_only_reads() {
    let github = GitHub::start();
    begin(&github, "");
    let first = request_of("alice", "edge-fra-2");
    github.commit("alice", BRANCH, &[("requests/CHG-7.yaml", &first)], "Submit CHG-7");
    let pull = github.open_pull("alice", BRANCH, "main");
    github.advance("1h");
    github.review(pull, "bob", "APPROVED");
    assert_eq!(checked(&github, pull), "success");
    github.merge(pull, "bob");
    sweep(&github).ended(0, &["entries that record what reached protected branches: 1"]);
    github.fork("erin");
    let second = request_of("erin", "edge-fra-2").replace("CHG-7", "CHG-8");
    let files = [("requests/CHG-8.yaml", second.as_str())];
    github.commit("erin", "erin:change/CHG-8", &files, "Submit CHG-8");
    github.open_pull("erin", "erin:change/CHG-8", "main");
    // In a fork, too, where its author may push.
    github.fork("mallory");
    let rule = rule("\"deny\"");
    let files = [("policies/rules/odd/odd.rego", rule.as_str())];
    github.commit("mallory", "mallory:odd", &files, "A new rule");
    let pull = github.open_pull("mallory", "mallory:odd", "main");

    let before = github.writes().len();
    replayed(&github, pull, &[]).ended(
        1,
        &[
            "  changes      policies/rules/odd/odd.rego, compared with the policies at",
            "  made again   2 of 2 with the recorded verdict\n",
            "newly denied: 4\n  code     odd/odd",
            "  #1 (entry 1), #1 (entry 2) and #2 (open)\n    denied instead of approved\n",
            "\n2 of 2 past, 1 of 1 open and 1 of 1 scheduled changes would differ: 4 newly denied\n",
        ],
    );
    let json: Value =
        serde_json::from_str(&replayed(&github, pull, &["--format", "json"]).stdout).unwrap();
    assert_eq!((&json["left_out"], &json["open"]["cases"]), (&json!(0), &json!(1)));
    assert_eq!(github.writes().len(), before);

    replayed(&github, 99, &[]).failed(&["cannot read pull request #99 of acme/ops"]);
    replayed(&github, 1, &[]).failed(&["#1 of acme/ops is closed"]);
    let both = changegate(&github, &["audit", "replay", "--pr", "1", "--branch", "x"]);
    both.failed(&["cannot be used with"]);
}

#[test]
fn the_answer_leads_there_and_repeats_nothing_of_it() {
    let (github, pull) = with_open(&rule("\"deny\""));
    check(&github, pull);
    let page = format!("/acme/ops/pull/{pull}/checks)");
    let comment = github.comments(pull).pop().unwrap().1;
    assert!(comment.contains("**Tried** by `changegate-policies`") && comment.contains(&page));
    // Nothing is tried where no policies are changed.
    check(&github, 1);
    assert!(!github.comments(1).pop().unwrap().1.contains("**Tried**"));

    let (github, pull) = with_open(&rule("\"deny\""));
    let now = github.now().to_string();
    let args = ["check", "--pr", &pull.to_string(), "--now", &now];
    Ran::of(as_app(&github).args(args), "");
    let run = github.check_runs(&github.head(pull)).remove(0);
    assert!(run.summary.unwrap().contains(&page));
}
