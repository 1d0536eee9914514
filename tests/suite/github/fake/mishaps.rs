//! What a test lets go wrong does go wrong, when and where it says.

use std::time::{Duration, Instant};

use serde_json::json;

use super::super::super::plumbing::github::{Fault, GitHub};
use super::client::{Client, Got};
use super::with_a_pull;

const PULL: &str = "/repos/acme/ops/pulls/1";

/// What comes of reading the pull request with a fault.
fn read(fault: Fault) -> Got {
    let (github, _) = with_a_pull();
    github.fail(fault.on("GET", "/pulls/1$"));
    Client::of(&github).get(PULL)
}

fn post(github: &GitHub) -> u16 {
    let target = format!("/repos/acme/ops/statuses/{}", github.head(1));
    Client::of(github).ask("POST", &target, &json!({"state": "success"})).status
}

#[test]
fn errors_come_before_or_after_the_effect() {
    let (github, pull) = with_a_pull();
    github.fail(Fault::status(503).on("POST", "/statuses/"));
    assert_eq!(post(&github), 503);
    assert!(github.statuses(&github.head(pull)).is_empty());
    github.fail(Fault::status(502).on("POST", "/statuses/").after_effect());
    assert_eq!(post(&github), 502);
    assert_eq!(github.statuses(&github.head(pull)).len(), 1);
    assert_eq!(post(&github), 201);
    let statuses: Vec<_> = github.writes().iter().map(|exchange| exchange.status).collect();
    assert_eq!(statuses, [503, 502, 201]);
}

#[test]
fn a_fault_hits_the_requests_that_it_names() {
    let (github, _) = with_a_pull();
    github.fail(Fault::status(500).on("GET", "/pulls/*/reviews").nth(2).times(2));
    let client = Client::of(&github);
    let reviews = format!("{PULL}/reviews");
    let answers = [(); 4].map(|()| client.get(&reviews).status);
    assert_eq!(answers, [200, 500, 500, 200]);
    github.fail(Fault::status(500).on("GET", "/pulls/1$").always());
    assert_eq!([(); 3].map(|()| client.get(PULL).status), [500; 3]);
    assert_eq!(client.get(&reviews).status, 200);
    github.heal();
    assert_eq!(client.get(PULL).status, 200);
}

#[test]
fn limits_say_how_long_to_wait() {
    let secondary = read(Fault::secondary_limit(429, 7));
    assert_eq!((secondary.status, secondary.header("retry-after")), (429, Some("7")));
    let primary = read(Fault::primary_limit(1_800_000_000));
    assert_eq!(primary.status, 403);
    assert_eq!(primary.header("x-ratelimit-remaining"), Some("0"));
    assert_eq!(primary.header("x-ratelimit-reset"), Some("1800000000"));
}

#[test]
fn an_answer_is_slow_or_missing_or_half() {
    let began = Instant::now();
    assert_eq!(read(Fault::slow(80)).status, 200);
    assert!(began.elapsed() >= Duration::from_millis(80));
    assert_eq!(read(Fault::closed()).status, 0);
    let half = read(Fault::truncated());
    assert_eq!((half.status, half.whole), (200, false));
}

#[test]
fn a_page_is_empty() {
    let (github, pull) = with_a_pull();
    for _ in 0..40 {
        github.review(pull, "bob", "COMMENTED");
    }
    github.fail(Fault::empty_page().on("GET", "/reviews?page=2"));
    let client = Client::of(&github);
    assert_eq!(client.read(&format!("{PULL}/reviews")).as_array().unwrap().len(), 30);
    assert_eq!(client.read(&format!("{PULL}/reviews?page=2")), json!([]));
}

#[test]
fn the_head_moves_between_two_reads() {
    let (github, pull) = with_a_pull();
    let (before, other) = (github.head(pull), github.tip("main").unwrap());
    let to = other.parse().unwrap();
    github.before("GET", "/reviews", move |state| {
        state.push(state.id_of("alice"), "change/CHG-1", Some(to));
    });
    let client = Client::of(&github);
    assert_eq!(client.read(PULL)["head"]["sha"], before.as_str());
    client.read(&format!("{PULL}/reviews"));
    assert_eq!(client.read(PULL)["head"]["sha"], other.as_str());
}

#[test]
fn git_can_fail_too() {
    let (github, _) = with_a_pull();
    let desk = github.desk("alice");
    github.fail(Fault::status(502).on("POST", "git-receive-pack").after_effect());
    desk.push(&["main:other"]).ended(1, &["502"]);
    assert!(github.tip("other").is_some());
}
