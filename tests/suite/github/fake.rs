//! The fake GitHub itself, where nothing else would notice that it errs.

mod api;
mod client;
mod git;
mod mishaps;

use serde_json::json;

use super::super::plumbing::github::GitHub;
use client::Client;

/// A server with a pull request of alice's, number 1.
fn with_a_pull() -> (GitHub, u64) {
    let github = GitHub::start();
    github.commit("alice", "change/CHG-1", &[("requests/CHG-1.yaml", "id: CHG-1\n")], "CHG-1");
    let pull = github.open_pull("alice", "change/CHG-1", "main");
    (github, pull)
}

/// A request that breaks the contract is told apart from all others.
#[track_caller]
fn breaks(method: &str, target: &str, body: serde_json::Value, said: &str) {
    let (github, _) = with_a_pull();
    let target = target.replace("HEAD", &github.head(1));
    let answer = Client::of(&github).ask(method, &target, &body);
    let violations = github.violations();
    assert_eq!(violations.len(), 1, "{answer:?}");
    assert!(violations[0].contains(said), "{violations:?}");
}

#[test]
fn a_misspelt_field_is_a_violation() {
    let body = json!({"state": "success", "contxt": "changegate"});
    breaks("POST", "/repos/acme/ops/statuses/HEAD", body, "contxt");
}

#[test]
fn an_unknown_value_is_a_violation() {
    let body = json!({"state": "approved", "context": "changegate"});
    breaks("POST", "/repos/acme/ops/statuses/HEAD", body, "approved");
}

#[test]
fn an_overlong_description_is_a_violation() {
    let body = json!({"state": "success", "description": "é".repeat(141)});
    breaks("POST", "/repos/acme/ops/statuses/HEAD", body, "140");
}

#[test]
fn an_overlong_comment_is_a_violation() {
    let body = json!({"body": "x".repeat(65_537)});
    breaks("POST", "/repos/acme/ops/issues/1/comments", body, "65536");
}

#[test]
fn an_overlong_summary_and_too_many_annotations_are_violations() {
    let run = |output| json!({"name": "changegate", "head_sha": "HEAD", "output": output});
    let long = run(json!({"title": "t", "summary": "x".repeat(65_536)}));
    breaks("POST", "/repos/acme/ops/check-runs", long, "summary");
    let annotation = json!({
        "path": "a", "start_line": 1, "end_line": 1, "annotation_level": "notice", "message": "m",
    });
    let many = run(json!({"title": "t", "summary": "s", "annotations": vec![annotation; 51]}));
    breaks("POST", "/repos/acme/ops/check-runs", many, "annotations");
}

#[test]
fn completed_without_a_conclusion_is_a_violation() {
    let (github, pull) = with_a_pull();
    let body = json!({"name": "n", "head_sha": github.head(pull), "status": "completed"});
    let answer = Client::of(&github).ask("POST", "/repos/acme/ops/check-runs", &body);
    assert_eq!(answer.status, 422);
    assert!(github.violations()[0].contains("conclusion"));
}

#[test]
fn an_unknown_query_name_is_a_violation() {
    breaks("GET", "/repos/acme/ops/pulls?per-page=3", json!(null), "per-page");
}

#[test]
fn more_than_a_hundred_a_page_is_a_violation() {
    breaks("GET", "/repos/acme/ops/pulls?per_page=101", json!(null), "per_page=101");
}

#[test]
fn an_unknown_place_or_method_is_a_violation() {
    breaks("GET", "/repos/acme/ops/pull/1", json!(null), "no such operation");
    breaks("POST", "/repos/acme/ops/issues/comments/1", json!({"body": "b"}), "no such operation");
}

#[test]
fn another_query_of_graphql_is_a_violation() {
    breaks("POST", "/graphql", json!({"query": "{ viewer { id } }"}), "viewer { id }");
}

#[test]
fn what_breaks_the_contract_ends_the_test() {
    let outcome = std::panic::catch_unwind(|| {
        let github = GitHub::start();
        Client::of(&github).get("/nothing");
    });
    let said = outcome.unwrap_err().downcast::<String>().unwrap();
    assert!(said.contains("GET /nothing: there is no such operation"), "{said}");
}
