//! What goes wrong on the way to GitHub and back. None of it ends in a success that isn't due, and
//! the next look heals it.

use super::office::{
    BRANCH, answer, changegate, check, checked, opened, opened_by, request, request_of, sweep,
};
use crate::plumbing::boundless;
use crate::plumbing::github::{Fault, GitHub, NewCommit, What, person, texts};

/// A pull request that was answered with pending, and then approved by bob.
pub fn approved() -> (GitHub, u64) {
    let (github, pull) = opened(&request());
    assert_eq!(checked(&github, pull), "pending");
    github.advance("1h");
    github.review(pull, "bob", "APPROVED");
    github.forget_requests();
    (github, pull)
}

#[test]
fn questions_are_asked_again_after_a_failure() {
    for fault in [Fault::status(502), Fault::status(500), Fault::closed(), Fault::truncated()] {
        for (method, pattern) in [
            ("GET", "/pulls?"),
            ("GET", "/reviews"),
            ("GET", "/timeline"),
            ("GET", "/commits?"),
            ("GET", "/activity"),
            ("POST", "/graphql"),
        ] {
            let (github, pull) = approved();
            github.fail(fault.clone().on(method, pattern));
            assert_eq!(checked(&github, pull), "success", "{fault:?} {pattern}");
            assert!(github.has_failed(), "{fault:?} {pattern}");
        }
    }
}

#[test]
fn what_stays_away_decides_nothing_and_says_so() {
    let (github, pull) = approved();
    assert_eq!(checked(&github, pull), "success");
    // An objection comes in, and GitHub doesn't show it.
    github.review(pull, "carol", "CHANGES_REQUESTED");
    github.fail(Fault::status(503).on("GET", "/reviews").always());
    check(&github, pull).ended(2, &["503", "cannot read #1"]);
    let (state, description) = answer(&github, pull);
    assert_eq!(state, "error");
    assert!(description.starts_with("could not decide: "), "{description}");
    github.heal();
    sweep(&github).went_well();
    assert_eq!(answer(&github, pull).0, "failure");
}

#[test]
fn a_write_that_may_have_taken_effect_is_looked_for_and_not_repeated() {
    for pattern in ["/statuses/", "/comments", "/requested_reviewers"] {
        let (github, pull) = opened(&request());
        github.fail(Fault::status(502).on("POST", pattern).after_effect());
        assert_eq!(checked(&github, pull), "pending", "{pattern}");
        assert!(github.has_failed(), "{pattern}");
        assert_eq!(github.comments(pull).len(), 1, "{pattern}");
        let mut contexts: Vec<_> =
            github.statuses(&github.head(pull)).into_iter().map(|it| it.context).collect();
        contexts.sort_unstable();
        let told = format!("{pattern}: a status was written twice: {contexts:?}");
        assert!(contexts.windows(2).all(|two| two[0] != two[1]), "{told}");
        let mut asked = github.writes();
        asked.retain(|it| it.target.ends_with("/requested_reviewers"));
        assert_eq!(asked.len(), 1, "{pattern}: {asked:#?}");
    }
}

#[test]
fn a_write_that_did_not_take_effect_is_done_later() {
    for pattern in ["/statuses/", "/comments", "/requested_reviewers"] {
        let (github, pull) = opened(&request());
        github.fail(Fault::status(502).on("POST", pattern));
        assert_eq!(checked(&github, pull), "pending", "{pattern}");
        assert!(github.has_failed(), "{pattern}");
        assert_eq!(github.comments(pull).len(), 1, "{pattern}");
        assert!(!github.requested(pull).is_empty(), "{pattern}");
    }
}

#[test]
fn limits_are_waited_for_and_announced() {
    let (github, pull) = approved();
    github.fail(Fault::secondary_limit(403, 1).on("GET", "/reviews"));
    github.fail(Fault::secondary_limit(429, 1).on("POST", "/statuses/"));
    github.fail(Fault::graphql_limit(1));
    let ran = check(&github, pull);
    ran.ended(0, &["note: GitHub's rate limit is reached: waiting 1 s"]);
    assert_eq!(answer(&github, pull).0, "success");
    assert!(github.has_failed());
}

#[test]
fn a_limit_that_lasts_too_long_is_not_waited_for() {
    let (github, pull) = approved();
    github.fail(Fault::secondary_limit(403, 3600).on("GET", "/timeline").always());
    check(&github, pull).ended(2, &["rate limit lasts for 3600 s, which is too long to wait"]);
    assert_eq!(answer(&github, pull).0, "error");
}

#[test]
fn slow_answers_are_waited_for() {
    let (github, pull) = approved();
    github.fail(Fault::slow(1500).on("GET", "/reviews"));
    assert_eq!(checked(&github, pull), "success");
    assert!(github.has_failed());
}

#[test]
fn a_page_that_stays_empty_hides_no_objection() {
    let (github, pull) = opened(&request());
    for _ in 0..100 {
        github.review(pull, "dave", "COMMENTED");
    }
    github.review(pull, "bob", "APPROVED");
    github.review(pull, "carol", "CHANGES_REQUESTED");
    assert_eq!(checked(&github, pull), "failure");
    github.fail(Fault::empty_page().on("GET", "/reviews?per_page=100&page=2").always());
    check(&github, pull).ended(2, &["it is empty"]);
    assert_eq!(answer(&github, pull).0, "error");
    github.heal();
    github.fail(Fault::empty_page().on("GET", "/reviews?per_page=100&page=2"));
    assert_eq!(checked(&github, pull), "failure");
    assert!(github.has_failed());
}

#[test]
fn what_can_t_be_decided_is_said_once() {
    let (github, pull) = approved();
    github.fail(Fault::status(503).on("GET", "/reviews").always());
    for _ in 0..3 {
        github.advance("15m");
        sweep(&github).ended(2, &["503"]);
    }
    let head = github.head(pull);
    let said = github.with(|state| {
        let errors = state.statuses.iter().filter(|it| it.sha == head && it.state == "error");
        errors.count()
    });
    assert_eq!(said, 1);
}

#[test]
fn what_nobody_has_heard_of_is_read() {
    let (github, pull) = approved();
    github.review(pull, "erin", "SHRUGGED");
    github.event(pull, "carol", "levitated");
    github.delete_account("erin");
    assert_eq!(checked(&github, pull), "success");
}

#[test]
fn a_token_that_may_not_write_says_which_permission_it_lacks() {
    let (github, pull) = approved();
    let read_only = github.token_with(&[("contents", "read"), ("pull_requests", "read")]);
    let mut command = super::office::command(&github);
    command.env("GITHUB_TOKEN", read_only).args(["check", "--pr", &pull.to_string()]);
    let ran = crate::plumbing::hub::Ran::of(&mut command, "");
    ran.ended(2, &["the token isn't allowed to write this", "`statuses: write`"]);
    let mut command = super::office::command(&github);
    command.env("GITHUB_TOKEN", "ghp_expired").args(["check", "--pr", &pull.to_string()]);
    let ran = crate::plumbing::hub::Ran::of(&mut command, "");
    ran.ended(2, &["the token isn't valid or has expired"]);
    assert!(!format!("{ran:?}").contains("ghp_expired"));
}

#[test]
fn pull_requests_that_cannot_be_judged_say_why() {
    let (github, pull) = approved();
    github.close(pull, "alice");
    check(&github, pull).ended(2, &["#1 of acme/ops is closed: only open pull requests"]);
    check(&github, 99).ended(2, &["cannot read pull request #99 of acme/ops", "404"]);
    let ran = changegate(&github, &["check", "--pr", "7", "--repo", "acme"]);
    ran.ended(2, &["`acme` is not a valid repository name: write owner/name"]);
    let ran = changegate(&github, &["check", "--pr", "7", "requests"]);
    ran.ended(2, &["cannot be used with"]);
}

#[test]
fn broken_policies_on_the_base_leave_no_success_standing() {
    let (github, pull) = approved();
    assert_eq!(checked(&github, pull), "success");
    let broken = "package changegate.rules.broken\n\nfindings contains {\n";
    github.commit("erin", "main", &[("policies/rules/broken/broken.rego", broken)], "Oops");
    sweep(&github).ended(2, &["policies/rules/broken/broken.rego"]);
    assert_eq!(answer(&github, pull).0, "error");
    let empty = "package changegate.rules.broken\n\nfindings := []\n";
    github.commit("erin", "main", &[("policies/rules/broken/broken.rego", empty)], "Mended");
    sweep(&github).went_well();
    assert_eq!(answer(&github, pull).0, "success");
}

#[test]
fn policies_that_exceed_a_bound_end_no_other_judgement() {
    let (github, first) = approved();
    assert_eq!(checked(&github, first), "success");
    let second = request().replace("CHG-7", "CHG-8").replace("edge-fra-1", "edge-fra-2");
    github.commit("alice", "change/CHG-8", &[("requests/CHG-8.yaml", &second)], "Submit CHG-8");
    let second = github.open_pull("alice", "change/CHG-8", "main");
    let rule = ("policies/rules/boundless/boundless.rego", &*boundless("CHG-7"));
    github.commit("carol", "main", &[rule], "Boundless");
    sweep(&github).ended(2, &["#1: ", "the policies exceeded a bound", "1 judged again"]);
    assert_eq!([first, second].map(|pull| answer(&github, pull).0), ["error", "pending"]);
}

#[test]
fn nobody_else_s_comment_stops_a_judgement() {
    let (github, pull) = opened(&request());
    github.with(|state| {
        let mallory = state.users.iter_mut().find(|user| user.login == "mallory").unwrap();
        mallory.login = "github-actions".to_owned();
    });
    github.comment(pull, "github-actions", "<!-- changegate -->\nApproved");
    assert_eq!(checked(&github, pull), "pending");
    // Ours is deleted right before it is changed.
    github.review(pull, "bob", "APPROVED");
    github.before("PATCH", "/comments/", |state| drop(state.comments.pop()));
    github.before("PATCH", "/comments/", |state| {
        let gone = state.comments.len();
        let is_there = |what: &What| !matches!(what, What::Commented(_)) || gone > 1;
        state.pull_mut(1).timeline.retain(|event| is_there(&event.what));
    });
    assert_eq!(checked(&github, pull), "success");
    github.with(|state| state.locked.insert(pull));
    github.review(pull, "carol", "CHANGES_REQUESTED");
    assert_eq!(checked(&github, pull), "failure");
}

#[test]
fn what_is_left_of_a_rate_limit_is_kept_to_say_so() {
    let (github, pull) = approved();
    assert_eq!(checked(&github, pull), "success");
    github.review(pull, "carol", "CHANGES_REQUESTED");
    github.with(|state| state.used = 4950);
    check(&github, pull).ended(2, &["GitHub's rate limit is nearly used up"]);
    assert_eq!(answer(&github, pull).0, "error");
}

#[test]
fn a_head_of_many_pull_requests_is_not_judged_forever() {
    let (github, pull) = approved();
    for number in 0..30 {
        let branch = format!("copy/{number}");
        github.push("mallory", &branch, &github.head(pull), false);
        github.open_pull("mallory", &branch, "main");
    }
    github.forget_requests();
    check(&github, pull).ended(2, &["30 open pull requests have the same head as #1"]);
    assert!(github.requests().len() < 20, "{}", github.requests().len());
    assert_eq!(answer(&github, pull).0, "error");
}

#[test]
fn the_token_goes_to_the_server_of_the_api_alone() {
    let (github, pull) = approved();
    let elsewhere = "http://127.0.0.1.evil.example/acme/ops.git";
    github.with(|state| state.clone_url = Some(elsewhere.to_owned()));
    check(&github, pull).ended(2, &["the token isn't sent there"]);
}

/// Record 15: behind a hundred others.
#[test]
fn an_objection_on_a_page_of_its_own_is_seen() {
    let (github, pull) = opened(&request());
    for _ in 0..100 {
        github.review(pull, "dave", "COMMENTED");
    }
    github.review(pull, "bob", "APPROVED");
    assert_eq!(checked(&github, pull), "success");
    github.review(pull, "carol", "CHANGES_REQUESTED");
    assert_eq!(checked(&github, pull), "failure");
}

#[test]
fn a_full_page_may_have_another_one_that_nothing_announces() {
    let (github, pull) = opened(&request());
    for _ in 0..99 {
        github.review(pull, "dave", "COMMENTED");
    }
    github.review(pull, "bob", "APPROVED");
    github.fail(Fault::unlinked().on("GET", "/reviews").always());
    assert_eq!(checked(&github, pull), "success");
    github.review(pull, "carol", "CHANGES_REQUESTED");
    assert_eq!(checked(&github, pull), "failure");
}

#[test]
fn reviews_that_lag_behind_the_timeline_are_waited_for() {
    let (github, pull) = approved();
    github.review(pull, "carol", "CHANGES_REQUESTED");
    github.fail(Fault::lagging().on("GET", "/reviews"));
    assert_eq!(checked(&github, pull), "failure");
    github.fail(Fault::lagging().on("GET", "/reviews").always());
    check(&github, pull).ended(2, &["different reviews of it"]);
    assert_eq!(answer(&github, pull).0, "error");
}

#[test]
fn a_write_that_is_never_taken_says_so() {
    let (github, pull) = approved();
    github.fail(Fault::status(502).on("POST", "/statuses/").always());
    check(&github, pull).ended(2, &["write to #1", "502"]);
}

/// A change of erin's, an L3, that needs no review, until alice, an L1, pushes to it in erin's name.
fn pushed_by_alice() -> (GitHub, u64) {
    let text = request_of("erin", "edge-fra-1");
    let (github, pull) = opened_by("erin", &text);
    assert_eq!(checked(&github, pull), "success");
    github.advance("1h");
    let other = text.replace("edge-fra-1", "edge-fra-2");
    let commit = github.write(&NewCommit {
        parents: vec![github.head(pull)],
        author: person("erin"),
        files: texts(&[("requests/CHG-7.yaml", &other)]),
        message: "The other edge".to_owned(),
        committer: None,
    });
    github.push("alice", BRANCH, &commit, false);
    (github, pull)
}

#[test]
fn a_push_that_is_listed_late_is_waited_for() {
    let (github, pull) = pushed_by_alice();
    github.fail(Fault::behind().on("GET", "/activity"));
    assert_eq!(checked(&github, pull), "pending");
    assert!(github.has_failed());
}

#[test]
fn a_push_that_stays_unlisted_decides_nothing() {
    let (github, pull) = pushed_by_alice();
    github.fail(Fault::behind().on("GET", "/activity").always());
    check(&github, pull).ended(2, &["its list of pushes", "different heads of #1"]);
    assert_eq!(answer(&github, pull).0, "error");
    github.heal();
    sweep(&github).went_well();
    assert_eq!(answer(&github, pull).0, "pending");
}

#[test]
fn a_stranger_s_pull_request_that_cannot_be_brought_holds_nobody_up() {
    let (github, pull) = approved();
    let overlapping = request().replace("CHG-7", "CHG-8").replace("alice", "dave");
    github.commit("dave", "change/CHG-8", &[("requests/CHG-8.yaml", &overlapping)], "CHG-8");
    github.open_pull("dave", "change/CHG-8", "main");
    github.fork("mallory");
    github.commit("mallory", "mallory:x", &[("docs/x.md", "x")], "x");
    let other = github.open_pull("mallory", "mallory:x", "main");
    github.with(|state| state.ops().point(&format!("refs/pull/{other}/head"), None));
    check(&github, pull).ended(0, &["conflict/overlap"]);
    assert_eq!(answer(&github, pull).0, "success");
}
