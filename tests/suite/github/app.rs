//! A GitHub App: its answers are check runs.

use std::collections::BTreeSet;

use serde_json::Value;

use super::office::{as_app, command, name_teams, opened, request};
use crate::plumbing::github::GitHub;
use crate::plumbing::hub::Ran;

/// The program as the App.
fn changegate(github: &GitHub, arguments: &[&str]) -> Ran {
    let now = github.now().to_string();
    Ran::of(as_app(github).args(arguments).args(["--now", &now]), "")
}

#[test]
fn a_check_run_is_brought_up_to_date_in_place() {
    let (github, pull) = opened(&request());
    let head = github.head(pull);
    changegate(&github, &["check", "--pr", "1"]).ended(3, &[]);
    let runs = github.check_runs(&head);
    assert_eq!(runs.len(), 1);
    assert_eq!((runs[0].status.as_str(), runs[0].conclusion.as_deref()), ("in_progress", None));
    github.review(pull, "bob", "APPROVED");
    changegate(&github, &["check", "--pr", "1"]).ended(0, &[]);
    let runs = github.check_runs(&head);
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0].conclusion.as_deref(), Some("success"));
    assert!(github.statuses(&head).is_empty(), "a status beside a check run of the same name");
    github.forget_requests();
    changegate(&github, &["check", "--pr", "1"]).ended(0, &[]);
    let writes = github.writes();
    assert!(writes.iter().all(|it| it.target.ends_with("/access_tokens")), "{writes:?}");
}

/// Record 34: a check run of the same name.
#[test]
fn another_app_s_check_run_of_the_same_name_is_left_alone() {
    let (github, pull) = opened(&request());
    let head = github.head(pull);
    let theirs = github.check_run_of_a_workflow(&head, "changegate", "success");
    changegate(&github, &["check", "--pr", "1"]).ended(3, &[]);
    github.review(pull, "bob", "APPROVED");
    changegate(&github, &["check", "--pr", "1"]).ended(0, &[]);
    let runs = github.check_runs(&head);
    assert_eq!(runs.len(), 2, "{runs:?}");
    let ours = runs.iter().find(|run| run.id != theirs).unwrap();
    assert_eq!(ours.conclusion.as_deref(), Some("success"));
}

#[test]
fn what_changes_nothing_takes_seven_requests_and_two_for_the_token() {
    let (github, _) = opened(&request());
    changegate(&github, &["check", "--pr", "1"]).ended(3, &[]);
    github.forget_requests();
    changegate(&github, &["check", "--pr", "1"]).ended(3, &[]);
    let asked: Vec<_> = github.requests().iter().map(|it| it.target.clone()).collect();
    assert_eq!(asked.len(), 9, "{asked:#?}");
}

#[test]
fn members_of_teams_are_seen_where_the_app_may_read_them() {
    let (github, _) = opened(&request());
    name_teams(&github);
    github.review(1, "bob", "APPROVED");
    changegate(&github, &["check", "--pr", "1"]).ended(0, &["signed off by bob"]);
    github.with(|state| state.app.permissions.remove("members"));
    let ran = changegate(&github, &["check", "--pr", "1"]);
    ran.ended(3, &["doesn't show the members of payments"]);
}

#[test]
fn annotations_stand_on_the_request_s_lines() {
    let text =
        request().replace("owner: grace", "owner: alice").replace("monitor: 15m", "monitor: 1m");
    let (github, pull) = opened(&text);
    changegate(&github, &["check", "--pr", "1"]).ended(1, &[]);
    let run = github.check_runs(&github.head(pull)).remove(0);
    assert_eq!(run.conclusion.as_deref(), Some("failure"));
    let line_of = |part: &str| text.lines().position(|line| line.contains(part)).unwrap() + 1;
    for part in ["owner: alice", "monitor: 1m"] {
        let is_there = |it: &Value| it["start_line"] == line_of(part);
        assert!(run.annotations.iter().any(is_there), "{part}: {:#?}", run.annotations);
    }
    for annotation in &run.annotations {
        assert_eq!(annotation["path"], "requests/CHG-7.yaml");
    }
}

#[test]
fn more_than_fifty_annotations_come_in_several_requests() {
    let unknown: Vec<_> =
        (0..120).map(|number| format!("{{action: unknown{number}, target: edge}}")).collect();
    let known = "{action: blacklist-ip, target: edge-fra-1}";
    let (github, pull) = opened(&request().replace(known, &unknown.join(",\n  ")));
    changegate(&github, &["check", "--pr", "1"]).ended(1, &[]);
    let mut told = github.check_runs(&github.head(pull)).remove(0).annotations;
    told.retain(|annotation| annotation["title"] == "risk/unknown-action");
    let lines: BTreeSet<_> = told.iter().map(|it| it["start_line"].as_u64()).collect();
    assert_eq!((told.len(), lines.len()), (120, 120));
}

#[test]
fn sweeps_know_check_runs() {
    let (github, pull) = opened(&request());
    changegate(&github, &["sweep"]).ended(0, &["1 judged again"]);
    github.advance("1m");
    changegate(&github, &["sweep"]).ended(0, &["1 judged again"]);
    changegate(&github, &["sweep"]).ended(0, &["0 judged again"]);
    github.set_now("2026-11-23T22:15:00Z".parse().unwrap());
    changegate(&github, &["sweep"]).ended(0, &["its decision has expired"]);
    let run = github.check_runs(&github.head(pull)).remove(0);
    assert_eq!(run.conclusion.as_deref(), Some("failure"));
}

#[test]
fn the_token_reaches_one_repository() {
    let (github, _) = opened(&request());
    changegate(&github, &["check", "--pr", "1"]).ended(3, &[]);
    let asked = github.requests();
    let token = asked.iter().find(|it| it.target.ends_with("/access_tokens")).unwrap();
    assert_eq!(token.body["repositories"], serde_json::json!(["ops"]));
    assert_eq!(token.body["permissions"]["contents"], "write");
    assert_eq!(token.body["permissions"].get("administration"), None);
}

#[test]
fn an_app_that_may_too_little_says_what_it_needs() {
    let (github, _) = opened(&request());
    github.with(|state| state.app.permissions.remove("checks"));
    let needed = "which needs `checks: write`, `contents: read`, `metadata: read` and \
                  `pull_requests: write`; run `changegate doctor` to see what is missing";
    let ran = changegate(&github, &["check", "--pr", "1"]);
    ran.ended(2, &["cannot get a token for the App", needed, "with 422"]);
}

#[test]
fn a_key_that_is_none_is_named() {
    let (github, _) = opened(&request());
    let mut command = command(&github);
    command.env("CHANGEGATE_APP_ID", "7").env("CHANGEGATE_APP_KEY", "-----BEGIN nothing");
    command.args(["check", "--pr", "1"]);
    Ran::of(&mut command, "").ended(2, &["is not an RSA private key"]);
}
