//! Git over HTTP, and what the server makes of a push.

use serde_json::Value;

use super::super::super::plumbing::github::{GitHub, NewCommit, person, texts};
use super::client::Client;
use super::with_a_pull;

/// The events of a timeline, by name; of commits and reviews also which.
fn timeline(github: &GitHub, pull: u64) -> Vec<String> {
    let events = Client::of(github).read(&format!("/repos/acme/ops/issues/{pull}/timeline"));
    let events = events.as_array().unwrap().iter();
    events.map(|event| event["event"].as_str().unwrap().to_owned()).collect()
}

fn activity(github: &GitHub, branch: &str) -> Vec<(String, String)> {
    let path = format!("/repos/acme/ops/activity?ref=refs/heads/{branch}");
    let found = Client::of(github).read(&path);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let found = found.as_array().unwrap().iter();
    found.map(|it| (text(&it["activity_type"]), text(&it["actor"]["login"]))).collect()
}

#[test]
fn a_push_over_http_is_noticed() {
    let (github, pull) = with_a_pull();
    let desk = github.desk("bob");
    desk.git(&["fetch", "--quiet", "origin", "change/CHG-1"]);
    desk.git(&["switch", "--quiet", "-c", "change/CHG-1", "FETCH_HEAD"]);
    desk.write("requests/CHG-1.yaml", "id: CHG-1\nsummary: more\n");
    let commit = desk.commit("More");
    github.advance("5m");
    desk.push(&["change/CHG-1"]).went_well();

    assert_eq!(github.head(pull), commit);
    assert_eq!(timeline(&github, pull), ["committed", "committed"]);
    let pairs = [("push", "bob"), ("branch_creation", "alice")];
    let pairs = pairs.map(|(kind, who)| (kind.to_owned(), who.to_owned()));
    assert_eq!(activity(&github, "change/CHG-1"), pairs);
    let shown = Client::of(&github).read("/repos/acme/ops/pulls/1");
    assert_eq!(shown["updated_at"], "2026-11-23T10:05:00Z");
    assert_eq!(shown["head"]["sha"], commit.as_str());
    assert_eq!(shown["commits"], 2);
    desk.git(&["fetch", "--quiet", "origin", "refs/pull/1/head"]);
    assert_eq!(desk.git(&["rev-parse", "FETCH_HEAD"]), commit);
    assert!(github.git_requests().iter().any(|it| it.target.contains("git-receive-pack")));
    assert!(github.writes().is_empty());
}

#[test]
fn git_asks_for_a_token_that_permits_it() {
    let (github, _) = with_a_pull();
    let host = github.url().trim_start_matches("http://");
    let with = |token: &str| format!("http://x-access-token:{token}@{host}/acme/ops.git");
    let desk = github.desk("alice");
    let reader = github.token_with(&[("contents", "read")]);
    desk.git(&["ls-remote", &with(&reader)]);
    desk.git(&["remote", "set-url", "origin", &with(&reader)]);
    desk.push(&["main:other"]).ended(128, &["403"]);
    desk.git(&["remote", "set-url", "origin", &with("nobody")]);
    desk.push(&["main:other"]).ended(128, &["Authentication failed"]);
    // What a pull request's head is says the server alone.
    desk.git(&["remote", "set-url", "origin", &with(&github.token_of("alice"))]);
    desk.push(&["main:refs/pull/1/head"]).ended(1, &["deny updating a hidden ref"]);
}

#[test]
fn a_force_push_is_told_after_the_commits_that_it_brings() {
    let (github, pull) = with_a_pull();
    let desk = github.desk("alice");
    desk.write("requests/CHG-1.yaml", "id: CHG-1\nsummary: other\n");
    let commit = desk.commit("Other");
    let review = github.review(pull, "bob", "APPROVED");
    github.with(|state| state.rebinds_reviews = true);
    desk.send(&["+main:change/CHG-1"]);
    github.dismiss(pull, review, "carol");

    let expected = ["reviewed", "committed", "head_ref_force_pushed", "review_dismissed"];
    assert_eq!(timeline(&github, pull), expected);
    let reviews = Client::of(&github).read("/repos/acme/ops/pulls/1/reviews");
    assert_eq!(reviews[0]["commit_id"], commit.as_str());
    assert_eq!(reviews[0]["state"], "DISMISSED");
    assert_eq!(activity(&github, "change/CHG-1")[0].0, "force_push");
}

#[test]
fn a_fork_has_a_repository_of_its_own() {
    let github = GitHub::start();
    github.fork("mallory");
    let desk = github.desk("mallory");
    desk.write("requests/CHG-2.yaml", "id: CHG-2\n");
    let first = desk.commit("CHG-2");
    desk.push(&["main:change/CHG-2"]).went_well();
    let pull = github.open_pull("mallory", "mallory:change/CHG-2", "main");
    assert_eq!(github.tip("change/CHG-2"), None);
    desk.write("requests/CHG-2.yaml", "id: CHG-2\nsummary: s\n");
    let second = desk.commit("CHG-2, more");
    desk.push(&["main:change/CHG-2"]).went_well();

    let commits = Client::of(&github).read("/repos/acme/ops/pulls/1/commits");
    assert_eq!([&commits[0]["sha"], &commits[1]["sha"]], [first.as_str(), second.as_str()]);
    let shown = Client::of(&github).read("/repos/acme/ops/pulls/1");
    assert_eq!(shown["head"]["repo"]["full_name"], "mallory/ops");
    assert_eq!(shown["head"]["label"], "mallory:change/CHG-2");
    github.desk("bob").git(&["fetch", "--quiet", "origin", &second]);
    github.delete_fork("mallory");
    let shown = Client::of(&github).read("/repos/acme/ops/pulls/1");
    assert_eq!(shown["head"]["repo"], Value::Null);
    assert_eq!(github.head(pull), second);
}

#[test]
fn merging_moves_the_base_and_closes() {
    let (github, pull) = with_a_pull();
    let before = github.tip("main").unwrap();
    let merge = github.merge(pull, "bob");
    assert_eq!(github.tip("main"), Some(merge.clone()));
    let shown = Client::of(&github).read("/repos/acme/ops/pulls/1");
    assert_eq!(shown["merge_commit_sha"], merge.as_str());
    assert_eq!(shown["merged_by"]["login"], "bob");
    assert_eq!(shown["base"]["sha"], before.as_str());
    assert_eq!(shown["commits"], 1);
    assert_eq!(timeline(&github, pull), ["committed", "merged", "closed"]);
    assert_eq!(activity(&github, "main")[0], ("pr_merge".to_owned(), "bob".to_owned()));
}

#[test]
fn the_base_of_a_pull_request_goes_stale() {
    let (github, _) = with_a_pull();
    let stale = github.tip("main").unwrap();
    github.commit("carol", "main", &[("a", "b")], "Meanwhile");
    let shown = Client::of(&github).read("/repos/acme/ops/pulls/1");
    assert_eq!(shown["base"]["sha"], stale.as_str());
    assert_eq!(shown["changed_files"], 1);
}

#[test]
fn no_more_than_250_commits_are_told() {
    let (github, _) = with_a_pull();
    let mut parent = github.head(1);
    for number in 0..251 {
        parent = github.write(&NewCommit {
            parents: vec![parent],
            author: person("alice"),
            files: texts(&[("requests/CHG-1.yaml", &number.to_string())]),
            ..NewCommit::default()
        });
    }
    github.push("alice", "change/CHG-1", &parent, false);
    let client = Client::of(&github);
    let pages = [1, 2, 3].map(|page| {
        let page =
            client.read(&format!("/repos/acme/ops/pulls/1/commits?per_page=100&page={page}"));
        page.as_array().unwrap().len()
    });
    assert_eq!(pages, [100, 100, 50]);
    assert_eq!(client.read("/repos/acme/ops/pulls/1")["commits"], 252);
}
