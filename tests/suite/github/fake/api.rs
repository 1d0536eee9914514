//! The API: every operation answers, in the shape that GitHub promises, and refuses as GitHub does.

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::super::super::plumbing::github::GitHub;
use super::super::super::plumbing::github::contract::CONTRACT;
use super::super::doctor::Well;
use super::client::Client;
use super::with_a_pull;

const OPS: &str = "/repos/acme/ops";

/// A JWT as the App makes it, good from `begin` to `end` seconds from now.
fn jwt(github: &GitHub, begin: i64, end: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64;
    let claims = json!({"iss": github.app().0, "iat": now + begin, "exp": now + end});
    let header = json!({"alg": "RS256", "typ": "JWT"}).to_string();
    let parts = [header.into_bytes(), claims.to_string().into_bytes(), vec![7; 256]];
    parts.map(|part| BASE64_URL_SAFE_NO_PAD.encode(part)).join(".")
}

/// A pull request on which everything has happened that can.
fn eventful() -> (GitHub, u64) {
    let (github, pull) = with_a_pull();
    github.web_commit("bob", "change/CHG-1", "requests/CHG-1.yaml", "id: CHG-1\nsummary: s\n");
    let review = github.review(pull, "bob", "APPROVED");
    github.review(pull, "carol", "PENDING");
    github.dismiss(pull, review, "carol");
    github.review(pull, "mallory", "SHRUGGED");
    github.delete_account("mallory");
    github.comment(pull, "carol", "Hm");
    github.request_review(pull, "alice", "carol");
    github.set_draft(pull, "alice", true);
    github.set_draft(pull, "alice", false);
    github.commit("carol", "other", &[(".github/CODEOWNERS", "* @acme/platform\n")], "Owners");
    github.set_base(pull, "alice", "other");
    github.set_base(pull, "alice", "main");
    let head = github.write(&super::super::super::plumbing::github::NewCommit {
        parents: vec![github.tip("main").unwrap()],
        author: ("nobody".to_owned(), "nobody@example.com".to_owned()),
        files: vec![("policies/org/windows/data.yaml".to_owned(), None)],
        message: "Forced".to_owned(),
        committer: None,
    });
    github.push("alice", "change/CHG-1", &head, true);
    github.close(pull, "alice");
    github.reopen(pull, "alice");
    github.event(pull, "alice", "teleported");
    github.with(|state| {
        state.users[0].without_gravatar = true;
        state.pull_mut(pull).mergeable_state = "entangled".to_owned();
        let checks = json!({"strict": true, "contexts": ["c"], "checks": [{"context": "c", "app_id": null}]});
        state.protection.insert("main".to_owned(), json!({"required_status_checks": checks}));
    });
    Well::default().protect(&github);
    (github, pull)
}

#[test]
fn every_operation_answers_as_the_contract_says() {
    let (github, pull) = eventful();
    let head = github.head(pull);
    let statuses = format!("statuses/{head}");
    let made = json!({"name": "changegate", "head_sha": head, "conclusion": "failure",
        "output": {"title": "t", "summary": "s"}});
    let status = json!({"state": "success", "context": "changegate", "description": "d"});
    let mut asked = BTreeSet::new();
    let mut ask = |client: &Client, method: &str, target: &str, body: &Value, status: u16| {
        let path = target.split('?').next().unwrap();
        asked.insert(CONTRACT.operation(method, path).unwrap().0.id.clone());
        let got = client.ask(method, target, body);
        assert_eq!(got.status, status, "{method} {target}: {got:?}");
        got.body
    };

    let client = Client::of(&github);
    for (method, target, body, status) in [
        ("POST", statuses.as_str(), &status, 201),
        ("POST", "check-runs", &made, 201),
        ("POST", "issues/1/comments", &json!({"body": "b"}), 201),
        ("POST", "pulls/1/requested_reviewers", &json!({"reviewers": ["bob"]}), 201),
    ] {
        ask(&client, method, &format!("{OPS}/{target}"), body, status);
    }
    let (comment, run) =
        github.with(|state| (state.comments.last().unwrap().id, state.check_runs[0].id));
    let comment = format!("{OPS}/issues/comments/{comment}");
    ask(&client, "PATCH", &comment, &json!({"body": "c"}), 200);
    ask(&client, "POST", &format!("{comment}/reactions"), &json!({"content": "+1"}), 201);
    let progress = json!({"status": "in_progress"});
    ask(&client, "PATCH", &format!("{OPS}/check-runs/{run}"), &progress, 200);
    let ruleset = format!("rulesets/{}", github.with(|state| state.rulesets[0]["id"].clone()));
    for target in [
        "pulls?state=all&sort=updated&direction=desc",
        "pulls/1",
        "pulls/1/commits",
        "pulls/1/reviews",
        &format!("commits/{head}/check-runs?check_name=changegate"),
        "issues/1/timeline?per_page=100",
        "issues/1/comments",
        "activity?time_period=day",
        &format!("commits/{head}/pulls"),
        "branches/main",
        "rules/branches/main",
        &ruleset,
        "codeowners/errors?ref=other",
    ] {
        ask(&client, "GET", &format!("{OPS}/{target}"), &Value::Null, 200);
    }
    ask(&client, "GET", OPS, &Value::Null, 200);

    let carol = Client::with(&github, Some(github.token_of("carol")));
    for target in [
        "/repos/acme/ops/branches/main/protection",
        "/orgs/acme/teams/payments/members",
        "/users/ALICE",
        "/apps/github-actions",
    ] {
        ask(&carol, "GET", target, &Value::Null, 200);
    }
    let app = Client::with(&github, Some(jwt(&github, -10, 500)));
    ask(&app, "GET", &format!("{OPS}/installation"), &Value::Null, 200);
    let minted = json!({"repositories": ["ops"], "permissions": {"checks": "write"}});
    let minted = ask(&app, "POST", "/app/installations/7777/access_tokens", &minted, 201);

    let names: BTreeSet<_> = asked.iter().map(String::as_str).collect();
    assert_eq!(names, CONTRACT.names());
    let minted = Client::with(&github, minted["token"].as_str().map(str::to_owned));
    assert_eq!(minted.ask("POST", &format!("{OPS}/check-runs"), &made).status, 201);
    assert_eq!(minted.get(&format!("{OPS}/pulls/1")).status, 403);
    github.advance("1h");
    assert_eq!(minted.get(&format!("{OPS}/pulls/1")).status, 401);
    assert_eq!(github.check_runs(&head).last().unwrap().app, 4242);
}

#[test]
fn what_happened_is_told_in_order() {
    let (github, _) = eventful();
    let client = Client::of(&github);
    let events = client.read(&format!("{OPS}/issues/1/timeline?per_page=100"));
    let names: Vec<_> =
        events.as_array().unwrap().iter().map(|event| event["event"].as_str().unwrap()).collect();
    let expected = [
        "reviewed",
        "review_dismissed",
        "reviewed",
        "commented",
        "review_requested",
        "convert_to_draft",
        "ready_for_review",
        "base_ref_changed",
        "base_ref_changed",
        "committed",
        "head_ref_force_pushed",
        "closed",
        "reopened",
        "teleported",
    ];
    assert_eq!(names, expected);
    assert_eq!(events[1]["dismissed_review"]["state"], "approved");
    assert_eq!(events[2]["user"], Value::Null);
    let reviews = client.read(&format!("{OPS}/pulls/1/reviews"));
    let states: Vec<_> = reviews
        .as_array()
        .unwrap()
        .iter()
        .map(|review| review["state"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["DISMISSED", "SHRUGGED"]);
    let carol = Client::with(&github, Some(github.token_of("carol")));
    assert_eq!(carol.read(&format!("{OPS}/pulls/1/reviews"))[1]["state"], "PENDING");
    let commit = &client.read(&format!("{OPS}/pulls/1/commits"))[0];
    assert_eq!(commit["author"], Value::Null);
}

#[test]
fn commits_of_the_web_editor_are_verified_and_somebodys() {
    let (github, pull) = with_a_pull();
    let web = github.web_commit("bob", "change/CHG-1", "requests/CHG-1.yaml", "id: CHG-1\n\n");
    assert_eq!(github.head(pull), web);
    let commits = Client::of(&github).read(&format!("{OPS}/pulls/1/commits"));
    assert_eq!(commits[0]["commit"]["verification"]["reason"], "unsigned");
    assert_eq!(commits[0]["author"]["login"], "alice");
    assert_eq!(commits[1]["commit"]["verification"]["verified"], true);
    assert_eq!(commits[1]["author"]["login"], "bob");
    assert_eq!(commits[1]["committer"]["login"], "web-flow");
}

#[test]
fn lists_lead_on() {
    let (github, pull) = with_a_pull();
    for number in 0..65 {
        github.comment(pull, "bob", &number.to_string());
    }
    let client = Client::of(&github);
    let enterprise = client.get(&format!("/api/v3{OPS}/issues/1/comments"));
    assert!(enterprise.header("link").unwrap().contains("/api/v3/repositories/1001/"));
    let first = client.get(&format!("{OPS}/issues/1/comments"));
    assert_eq!(first.body.as_array().unwrap().len(), 30);
    let at = format!("{}/repositories/1001/issues/1/comments", github.url());
    let link = format!("<{at}?page=2>; rel=\"next\", <{at}?page=3>; rel=\"last\"");
    assert_eq!(first.header("link"), Some(link.as_str()));
    let last = client.get("/repositories/1001/issues/1/comments?page=3");
    assert_eq!(last.body.as_array().unwrap().len(), 5);
    assert!(!last.header("link").unwrap().contains("next"));
    assert_eq!(client.get(&format!("{OPS}/issues/1/comments?per_page=100")).header("link"), None);

    github.commit("alice", "change/CHG-1", &[("a", "b")], "More");
    let activity = format!("{OPS}/activity?ref=change/CHG-1&per_page=1");
    let first = client.get(&activity);
    let link = first.header("link").unwrap();
    let next = link.trim_start_matches('<').split('>').next().unwrap();
    let second = client.read(next.trim_start_matches(github.url()));
    assert_eq!(first.body[0]["activity_type"], "push");
    assert_eq!(second[0]["activity_type"], "branch_creation");
}

#[test]
fn an_unchanged_answer_is_304() {
    let (github, pull) = with_a_pull();
    let first = Client::of(&github).get(&format!("{OPS}/pulls/1"));
    let again = Client::of(&github).header("if-none-match", first.header("etag").unwrap());
    let second = again.get(&format!("{OPS}/pulls/1"));
    assert_eq!((second.status, second.whole), (304, true));
    let left = "x-ratelimit-remaining";
    assert_eq!(first.header(left), second.header(left));
    github.review(pull, "bob", "APPROVED");
    github.advance("1s");
    github.comment(pull, "bob", "c");
    assert_eq!(again.get(&format!("{OPS}/pulls/1")).status, 200);
}

#[test]
fn tokens_permit_what_they_permit() {
    let (github, pull) = with_a_pull();
    let status = format!("{OPS}/statuses/{}", github.head(pull));
    let body = json!({"state": "pending"});
    let reading = [("contents", "read"), ("pull_requests", "read"), ("statuses", "read")];
    let reader = Client::with(&github, Some(github.token_with(&reading)));
    assert_eq!(reader.get(&format!("{OPS}/pulls/1")).status, 200);
    let refused = reader.ask("POST", &status, &body);
    assert_eq!(refused.status, 403);
    assert_eq!(refused.body["message"], "Resource not accessible by integration");
    assert_eq!(refused.header("x-accepted-github-permissions"), Some("statuses=write"));
    assert_eq!(Client::with(&github, None).ask("POST", &status, &body).status, 401);
    let stranger = Client::with(&github, Some("ghp_stranger".to_owned()));
    assert_eq!(stranger.get(&format!("{OPS}/pulls/1")).body["message"], "Bad credentials");
    let run = json!({"name": "n", "head_sha": github.head(pull)});
    let carol = Client::with(&github, Some(github.token_of("carol")));
    assert_eq!(carol.ask("POST", &format!("{OPS}/check-runs"), &run).status, 403);
    github.fork("mallory");
    assert_eq!(Client::of(&github).get("/repos/mallory/ops").status, 404);
    for (begin, end) in [(-10, 3600), (300, 800), (-900, -300)] {
        let jwt = Client::with(&github, Some(jwt(&github, begin, end)));
        assert_eq!(jwt.get(&format!("{OPS}/installation")).status, 401, "{begin} to {end}");
    }
}

#[test]
fn reviews_are_asked_of_collaborators_other_than_the_author() {
    let (github, _) = with_a_pull();
    let client = Client::of(&github);
    let target = format!("{OPS}/pulls/1/requested_reviewers");
    for (who, status) in [("alice", 422), ("mallory", 422), ("nobody", 422), ("bob", 201)] {
        let body = json!({"reviewers": [who]});
        assert_eq!(client.ask("POST", &target, &body).status, status, "{who}");
    }
    assert_eq!(client.ask("POST", &target, &json!({"team_reviewers": ["platform"]})).status, 201);
    assert_eq!(github.requested(1), ["bob", "platform"]);
    github.review(1, "bob", "COMMENTED");
    assert_eq!(github.requested(1), ["platform"]);
}

#[test]
fn the_survey_tells_what_is_posted() {
    let (github, pull) = with_a_pull();
    let head = github.head(pull);
    let client = Client::of(&github);
    let status =
        json!({"state": "success", "context": "changegate", "target_url": "https://a.example"});
    client.ask("POST", &format!("{OPS}/statuses/{head}"), &status);
    let queries = include_str!("../../../../src/forge/github/queries.graphql");
    let ask = |operation: &str, more: Value| {
        let mut variables = json!({"owner": "acme", "name": "ops", "byApp": false, "app": null});
        variables.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let body = json!({"query": queries, "operationName": operation, "variables": variables});
        client.ask("POST", "/graphql", &body).body["data"]["repository"].clone()
    };
    let main = json!({"name": "main", "target": {"oid": github.tip("main").unwrap()}});
    let posted = json!([{
        "context": "changegate",
        "state": "SUCCESS",
        "description": null,
        "targetUrl": "https://a.example",
    }]);
    let repository = ask("Survey", json!({"after": null}));
    let pulls = &repository["pullRequests"];
    assert_eq!(pulls["pageInfo"], json!({"hasNextPage": false, "endCursor": "after-1"}));
    let node = &pulls["nodes"][0];
    assert_eq!((&node["headRefOid"], &node["baseRef"]), (&json!(head), &main));
    assert_eq!(node["commits"]["nodes"][0]["commit"]["status"]["contexts"], posted);
    let repository = ask("Snapshot", json!({"number": pull, "head": head}));
    assert_eq!(repository["defaultBranchRef"], main);
    assert_eq!(repository["pullRequest"]["baseRef"], main);
    assert_eq!(repository["object"]["status"]["contexts"], posted);
    let viewer = json!({"query": queries, "operationName": "Viewer"});
    let got = client.ask("POST", "/graphql", &viewer);
    assert_eq!(got.body["data"]["viewer"]["login"], "github-actions[bot]");
    assert_eq!(github.writes().len(), 1);
}
