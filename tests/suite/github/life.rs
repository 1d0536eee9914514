//! A change on GitHub, from its pull request to its expiry.

use std::process::Stdio;

use super::office::{
    BRANCH, answer, check, checked, command, off_script, opened, opened_by, request, request_of,
    sweep,
};
use crate::plumbing::github::GitHub;
use crate::plumbing::hub::Ran;

#[test]
fn a_review_turns_pending_into_success() {
    let (github, pull) = opened(&request());
    assert_eq!(checked(&github, pull), "pending");
    let (_, description) = answer(&github, pull);
    assert!(description.starts_with("waits for L2 or L3 (bob, carol, "), "{description}");
    github.advance("1h");
    github.review(pull, "bob", "APPROVED");
    assert_eq!(checked(&github, pull), "success");
    let (_, description) = answer(&github, pull);
    assert!(description.contains("signed off by bob (L2)"), "{description}");
    let head = github.head(pull);
    for (context, state) in [("risk", "success"), ("sign-off", "success"), ("window", "success")] {
        assert_eq!(github.status(&head, &format!("changegate/{context}")).state, state);
    }
}

#[test]
fn a_changed_target_voids_an_approval_and_a_typo_does_not() {
    let (github, pull) = opened(&request());
    github.advance("1h");
    github.review(pull, "bob", "APPROVED");
    assert_eq!(checked(&github, pull), "success");
    github.advance("1h");
    let typo = request().replace("CHG-7\n", "CHG-7 # the ticket\n");
    github.commit("alice", BRANCH, &[("requests/CHG-7.yaml", &typo)], "Say what the number is");
    assert_eq!(checked(&github, pull), "success");
    github.advance("1h");
    let other = request().replace("edge-fra-1", "edge-fra-2");
    github.commit("alice", BRANCH, &[("requests/CHG-7.yaml", &other)], "The other edge");
    assert_eq!(checked(&github, pull), "pending");
    github.advance("1h");
    github.commit("alice", BRANCH, &[("requests/CHG-7.yaml", &request())], "Back to the first");
    assert_eq!(checked(&github, pull), "pending");
    github.review(pull, "bob", "APPROVED");
    assert_eq!(checked(&github, pull), "success");
}

#[test]
fn what_changes_nothing_takes_seven_requests_and_writes_nothing() {
    let (github, pull) = opened(&request());
    for who in ["bob", "carol", "dave", "erin"] {
        github.review(pull, who, "APPROVED");
    }
    checked(&github, pull);
    github.forget_requests();
    checked(&github, pull);
    let asked: Vec<_> = github.requests().iter().map(|it| it.target.clone()).collect();
    assert_eq!(asked.len(), 7, "{asked:#?}");
    assert_eq!(github.writes().len(), 0);
}

#[test]
fn an_enterprise_s_own_server_is_asked_where_its_api_is() {
    let (github, pull) = opened(&request());
    let run = |arguments: &[&str]| {
        let mut command = command(&github);
        command.env("GITHUB_API_URL", github.enterprise_url()).args(arguments);
        command.args(["--now", &github.now().to_string()]);
        Ran::of(&mut command, "")
    };
    run(&["check", "--pr", "1"]).ended(3, &[]);
    github.advance("1m");
    github.review(pull, "bob", "APPROVED");
    run(&["sweep"]).ended(0, &["1 judged again"]);
    assert_eq!(answer(&github, pull).0, "success");
    // The server answers at both places.
    for asked in github.requests() {
        assert!(asked.target.starts_with("/api/"), "{}", asked.target);
    }
}

#[test]
fn a_proxy_is_gone_through() {
    let (github, pull) = opened(&request());
    let clone_url = "http://github.acme.example/acme/ops.git";
    github.with(|state| state.clone_url = Some(clone_url.to_owned()));
    let mut command = command(&github);
    command
        .env("GITHUB_API_URL", "http://github.acme.example")
        .env("http_proxy", github.url())
        .args(["check", "--pr", "1", "--now", &github.now().to_string()]);
    Ran::of(&mut command, "").ended(3, &[]);
    assert_eq!(answer(&github, pull).0, "pending");
}

#[test]
fn a_planned_start_that_passes_unsigned_is_found_by_a_sweep() {
    let (github, pull) = opened(&request());
    assert_eq!(checked(&github, pull), "pending");
    sweep(&github).went_well();
    github.set_now("2026-11-23T22:15:00Z".parse().unwrap());
    sweep(&github).went_well();
    let (state, description) = answer(&github, pull);
    assert_eq!(state, "failure", "{description}");
    github.advance("5m");
    github.review(pull, "bob", "APPROVED");
    sweep(&github).went_well();
    assert_eq!(answer(&github, pull).0, "success");
    github.advance("15m");
    sweep(&github).went_well();
    assert_eq!(answer(&github, pull).0, "failure");
}

#[test]
fn the_one_comment_is_kept_up_to_date() {
    let (github, pull) = opened(&request());
    checked(&github, pull);
    let comments = github.comments(pull);
    assert_eq!(comments.len(), 1, "{comments:?}");
    assert!(comments[0].1.contains("Waiting for sign-off"), "{comments:?}");
    assert!(comments[0].1.contains("**Affects** edge (@grace and @erin)"), "{comments:?}");
    assert_eq!(github.requested(pull).len(), 8, "{:?}", github.requested(pull));
    github.review(pull, "bob", "APPROVED");
    checked(&github, pull);
    let comments = github.comments(pull);
    assert_eq!(comments.len(), 1);
    assert!(comments[0].1.contains("✅ Approved"), "{comments:?}");
}

#[test]
fn nobody_else_s_comment_is_taken_for_ours() {
    let (github, pull) = opened(&request());
    github.comment(pull, "dave", "<!-- changegate -->\n### ✅ Approved");
    checked(&github, pull);
    let comments = github.comments(pull);
    assert_eq!(comments.len(), 2);
    assert!(comments[0].1.ends_with("### ✅ Approved"));
    checked(&github, pull);
    github.review(pull, "bob", "APPROVED");
    checked(&github, pull);
    assert_eq!(github.comments(pull).len(), 2);
}

#[test]
fn details_lead_to_our_own_comment() {
    let (github, pull) = opened(&request());
    let marked = "<!-- changegate -->\n### ✅ Approved";
    github.comment(pull, "mallory", marked);
    checked(&github, pull);
    let link = || github.status(&github.head(pull), "changegate").target_url.unwrap();
    let first = link();
    let (_, comment) = first.rsplit_once('#').unwrap();
    github.advance("1m");
    github.comment(pull, "mallory", marked);
    sweep(&github).ended(0, &["1 judged again"]);
    assert_ne!(link(), first, "it was answered again");
    assert!(link().ends_with(comment), "{} {comment}", link());
}

#[test]
fn a_copy_of_our_comment_is_not_ours() {
    let (github, pull) = opened(&request());
    checked(&github, pull);
    let copy = github.comments(pull).remove(0).1;
    let (github, pull) = opened(&request());
    github.comment(pull, "mallory", &copy);
    checked(&github, pull);
    let by: Vec<_> = github.comments(pull).into_iter().map(|(by, _)| by).collect();
    assert_eq!(by, ["mallory", "github-actions[bot]"]);
}

#[test]
fn a_copy_of_a_reminder_stops_none() {
    let (github, pull) =
        opened_by("carol", &off_script().replace("2026-11-23T22", "2026-11-26T22"));
    let mark = format!("<!-- changegate:reminder {} -->", github.now());
    github.comment(pull, "mallory", &mark);
    github.advance("24h");
    checked(&github, pull);
    let reminds = |(by, text): &(String, String)| by != "mallory" && text.starts_with(&mark);
    assert!(github.comments(pull).iter().any(reminds), "{:?}", github.comments(pull));
}

#[test]
fn an_emoji_stops_no_answer() {
    let (github, pull) = opened(&request().replace("blacklist-ip", "launch-🚀"));
    assert_eq!(checked(&github, pull), "failure");
    let (_, description) = answer(&github, pull);
    assert!(description.contains("launch-?"), "{description}");
    checked(&github, pull);
    assert_eq!(github.statuses(&github.head(pull)).len(), 4, "nothing is written twice");

    github.commit("carol", "main", &[("policies/rules/🚀.rego", "package x {")], "Broken");
    check(&github, pull).ended(2, &["policies/rules/🚀.rego"]);
    let (state, description) = answer(&github, pull);
    assert_eq!(state, "error");
    assert!(description.contains("policies/rules/?.rego"), "{description}");
}

#[test]
fn whoever_was_removed_by_hand_is_not_asked_again() {
    let (github, pull) = opened(&request());
    checked(&github, pull);
    github.with(|state| {
        let (bob, carol) = (state.id_of("bob"), state.id_of("carol"));
        state.unrequest(pull, carol, &crate::plumbing::github::Reviewer::User(bob));
    });
    github.advance("1h");
    let text = request().replace("61,000", "62,000");
    github.commit("alice", BRANCH, &[("requests/CHG-7.yaml", &text)], "More of them");
    checked(&github, pull);
    assert!(!github.requested(pull).contains(&"bob".to_owned()));
    assert!(github.requested(pull).contains(&"carol".to_owned()));
}

#[test]
fn reminders_come_once() {
    let text = off_script().replace("2026-11-23T22", "2026-11-26T22");
    let (github, pull) = opened_by("carol", &text);
    checked(&github, pull);
    assert_eq!(github.comments(pull).len(), 1);
    github.advance("23h59m59s");
    sweep(&github).went_well();
    assert_eq!(github.comments(pull).len(), 1);
    github.advance("1s");
    sweep(&github).went_well();
    sweep(&github).went_well();
    let comments = github.comments(pull);
    assert_eq!(comments.len(), 2, "{comments:?}");
    assert!(comments[1].1.contains("has waited for sign-off"), "{comments:?}");
    assert!(comments[1].1.contains("@bob") && !comments[1].1.contains("@carol"), "{comments:?}");
    github.advance("24h");
    sweep(&github).went_well();
    sweep(&github).went_well();
    let comments = github.comments(pull);
    assert_eq!(comments.len(), 3, "{comments:?}");
    assert!(comments[2].1.contains("is overdue"), "{comments:?}");
}

#[test]
fn a_pull_request_to_a_branch_of_ones_own_is_not_judged() {
    let github = GitHub::start();
    let evil = "protected_bases: [main, mine]\n";
    github.commit("dave", "mine", &[("policies/org/settings/data.yaml", evil)], "My rules");
    github.commit("dave", "change/CHG-7", &[("requests/CHG-7.yaml", &request())], "CHG-7");
    let pull = github.open_pull("dave", "change/CHG-7", "mine");
    check(&github, pull).ended(0, &["isn't judged"]);
    assert_eq!(github.writes().len(), 0);
}

#[test]
fn the_same_head_gets_the_strictest_verdict() {
    let github = GitHub::start();
    let settings = "protected_bases: [main, release]\n";
    github.commit("erin", "main", &[("policies/org/settings/data.yaml", settings)], "Settings");
    github.commit("erin", "release", &[("README.md", "x")], "A branch of its own");
    github.commit("alice", BRANCH, &[("requests/CHG-7.yaml", &request())], "Submit CHG-7");
    let first = github.open_pull("alice", BRANCH, "main");
    let second = github.open_pull("alice", BRANCH, "release");
    github.advance("1m");
    github.review(first, "bob", "APPROVED");
    check(&github, first).ended(3, &["pull request 2 has the same head commit and is pending"]);
    assert_eq!(answer(&github, first).0, "pending");
    check(&github, second).ended(3, &[]);
    assert_eq!(answer(&github, second).0, "pending");
    github.advance("1m");
    github.review(second, "bob", "APPROVED");
    for pull in [first, second] {
        assert_eq!(checked(&github, pull), "success");
    }
    github.advance("1m");
    github.review(second, "carol", "CHANGES_REQUESTED");
    check(&github, first).ended(1, &["pull request 2 has the same head commit and is denied"]);
    assert_eq!(answer(&github, first).0, "failure");
}

/// A pull request of alice's that was approved, and mallory's with the same head.
fn imitated() -> (GitHub, u64, u64) {
    let (github, pull) = opened(&request());
    github.review(pull, "bob", "APPROVED");
    assert_eq!(checked(&github, pull), "success");
    let other = copied(&github, pull);
    assert_eq!(checked(&github, other), "success");
    github.advance("1h");
    sweep(&github).went_well();
    github.advance("1h");
    sweep(&github).ended(0, &["0 judged again"]);
    (github, pull, other)
}

/// What mallory opens with the head of a pull request, an hour later.
fn copied(github: &GitHub, pull: u64) -> u64 {
    github.advance("1h");
    github.fork("mallory");
    github.push("mallory", "mallory:x", &github.head(pull), false);
    github.open_pull("mallory", "mallory:x", "main")
}

#[test]
fn a_copy_of_a_pull_request_is_in_nobodys_way() {
    let (github, pull, other) = imitated();
    let decides = "#2 has the same head commit as #1, which decides";
    check(&github, other).ended(0, &[decides, "requests/CHG-7.yaml  approved"]);
    assert!(github.comments(other).is_empty());
    // A request for changes counts wherever it is made.
    github.review(other, "carol", "CHANGES_REQUESTED");
    for pull in [pull, other] {
        assert_eq!(checked(&github, pull), "failure");
    }

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("event.json");
    let left = serde_json::json!({
        "action": "closed",
        "pull_request": {"number": other, "state": "closed", "head": {"sha": github.head(other)}},
    });
    std::fs::write(&file, left.to_string()).unwrap();
    let closed = || {
        let mut command = command(&github);
        command.env("GITHUB_EVENT_NAME", "pull_request_target").args(["check", "--event"]);
        command.arg(&file).args(["--now", &github.now().to_string()]);
        Ran::of(&mut command, "")
    };
    github.close(other, "carol");
    closed().ended(0, &["requests/CHG-7.yaml  approved"]);
    assert_eq!(answer(&github, pull).0, "success");
    github.close(pull, "alice");
    closed().ended(0, &["no open pull request is concerned"]);
}

#[test]
fn a_copy_of_a_policy_change_is_in_nobodys_way() {
    let github = GitHub::start();
    let settings = "protected_bases: [main]\napproval_valid_for: 6d\n";
    let files = [("policies/org/settings/data.yaml", settings)];
    github.commit("alice", "settings", &files, "Shorter");
    let pull = github.open_pull("alice", "settings", "main");
    github.advance("1m");
    for who in ["carol", "erin"] {
        github.review(pull, who, "APPROVED");
    }
    assert_eq!(checked(&github, pull), "success");
    let other = copied(&github, pull);
    assert_eq!(checked(&github, other), "success");
    github.review(other, "erin", "CHANGES_REQUESTED");
    assert_eq!(checked(&github, pull), "failure");
}

/// Anybody can name a target so that another one looks like it.
#[test]
fn a_stranger_s_names_are_in_nobodys_way() {
    let (github, pull) = opened(&request_of("alice", "box-7"));
    github.advance("1m");
    github.review(pull, "bob", "APPROVED");
    let open = |who: &str, branch: &str| {
        let text = request_of(who, "Box-7").replace("CHG-7", "CHG-8");
        github.commit(who, branch, &[("requests/CHG-8.yaml", &text)], "CHG-8");
        github.open_pull(who, branch, "main")
    };
    github.fork("mallory");
    let other = open("mallory", "mallory:x");
    check(&github, other).ended(1, &["`Box-7` isn't known and looks like `box-7`"]);
    assert_eq!(checked(&github, pull), "success");
    open("dave", "change/CHG-8");
    check(&github, pull).ended(1, &["`box-7` isn't known and looks like `Box-7`"]);
}

#[test]
fn a_sweep_sees_that_a_pull_request_with_the_same_head_is_gone() {
    let (github, pull, other) = imitated();
    github.review(other, "carol", "CHANGES_REQUESTED");
    assert_eq!(checked(&github, pull), "failure");
    github.close(other, "carol");
    sweep(&github)
        .ended(0, &["the operations log, or pull requests with its head", "1 judged again"]);
    assert_eq!(answer(&github, pull).0, "success");
}

#[test]
fn the_same_head_on_two_branches_comes_to_rest() {
    let (github, first) = opened(&request());
    github.commit("erin", "release", &[("README.md", "x")], "A branch of its own");
    let settings = "protected_bases: [main, release]\n";
    github.commit("erin", "main", &[("policies/org/settings/data.yaml", settings)], "Settings");
    github.advance("1h");
    let second = github.open_pull("alice", BRANCH, "release");
    let both = [first, second].map(|pull| check(&github, pull).code);
    assert!(!both.contains(&2), "{both:?}");
    for _ in 0..2 {
        github.advance("1m");
        sweep(&github).ended(0, &["protected branches: 2"]);
    }
    let written = github.with(|state| state.statuses.len());
    for _ in 0..3 {
        github.advance("15m");
        sweep(&github).ended(0, &["protected branches: 2", "0 judged again"]);
    }
    assert_eq!(github.with(|state| state.statuses.len()), written);
}

#[test]
fn two_sweeps_at_once_say_everything_once() {
    let (github, first) = opened(&request());
    let second = request().replace("CHG-7", "CHG-8").replace("edge-fra-1", "edge-fra-2");
    github.commit("alice", "change/CHG-8", &[("requests/CHG-8.yaml", &second)], "Submit CHG-8");
    let second = github.open_pull("alice", "change/CHG-8", "main");
    github.advance("5m");
    let now = github.now().to_string();
    let begin = || {
        let mut command = command(&github);
        command.args(["sweep", "--now", &now]).stdout(Stdio::null()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    for sweep in [begin(), begin()] {
        let done = sweep.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(0), "{said}");
    }
    for pull in [first, second] {
        assert_eq!(answer(&github, pull).0, "pending");
        let comments = github.comments(pull);
        let whole = comments.iter().filter(|(_, text)| text.starts_with("<!-- changegate -->"));
        assert_eq!(whole.count(), 1, "{comments:#?}");
        assert!(comments.iter().all(|(by, _)| by == "github-actions[bot]"));
    }
}
