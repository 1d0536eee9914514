//! What happens while a pull request is judged is judged, too.

use super::faults::approved;
use super::office::{BRANCH, answer, check, checked, request, sweep};
use crate::plumbing::github::{Fault, NewCommit, State, person};
use changegate::core::policy::shipped_files;

const SETTINGS: &str = "policies/org/settings/data.yaml";

#[test]
fn what_happens_while_something_is_written_is_judged() {
    type Happening = fn(&mut State, u64);
    let objection: Happening = |state, pull| {
        state.review(pull, state.id_of("carol"), "CHANGES_REQUESTED", "");
    };
    let dismissal: Happening = |state, pull| {
        let review = state.pull(pull).reviews[0].id;
        state.dismiss(pull, review, state.id_of("carol"), None);
    };
    let draft: Happening = |state, pull| state.set_draft(pull, state.id_of("alice"), true);
    for (happening, expected) in
        [(objection, "failure"), (dismissal, "pending"), (draft, "pending")]
    {
        for (method, pattern) in
            [("PATCH", "/comments/"), ("POST", "/statuses/"), ("GET", "/timeline")]
        {
            let (github, pull) = approved();
            github.before(method, pattern, move |state| happening(state, pull));
            assert_eq!(checked(&github, pull), expected, "{method} {pattern}");
        }
    }
}

#[test]
fn what_happens_while_a_sweep_looks_is_judged() {
    let (github, pull) = approved();
    github.before("POST", "/statuses/", move |state| {
        state.review(pull, state.id_of("carol"), "CHANGES_REQUESTED", "");
    });
    sweep(&github).went_well();
    assert_eq!(answer(&github, pull).0, "failure");
}

#[test]
fn what_changes_each_time_is_not_decided() {
    let (github, pull) = approved();
    github.before_each("GET", "/timeline", move |state| {
        state.review(pull, state.id_of("dave"), "COMMENTED", "");
    });
    check(&github, pull).ended(2, &["#1 changed each time while it was being judged"]);
    assert_eq!(answer(&github, pull).0, "error");
}

#[test]
fn an_older_answer_replaces_no_newer_one() {
    let (github, pull) = approved();
    // Another check sees the objection, and this one's list of reviews doesn't yet.
    github.review(pull, "carol", "CHANGES_REQUESTED");
    assert_eq!(checked(&github, pull), "failure");
    github.with(|state| drop(state.pull_mut(pull).timeline.pop()));
    github.with(|state| drop(state.pull_mut(pull).reviews.pop()));
    check(&github, pull).ended(2, &["changed each time"]);
    assert_eq!(answer(&github, pull).0, "error");
}

#[test]
fn an_objection_in_the_second_of_the_answer_is_found_by_the_next_sweep() {
    let (github, pull) = approved();
    assert_eq!(checked(&github, pull), "success");
    github.review(pull, "carol", "CHANGES_REQUESTED");
    github.advance("15m");
    sweep(&github).ended(0, &["1 judged again"]);
    assert_eq!(answer(&github, pull).0, "failure");
}

#[test]
fn an_objection_while_an_answer_gets_lost_counts() {
    let (github, pull) = approved();
    github.before("POST", "/statuses/", move |state| {
        state.review(pull, state.id_of("carol"), "CHANGES_REQUESTED", "");
    });
    github.fail(Fault::status(502).on("POST", "/statuses/"));
    assert_eq!(checked(&github, pull), "failure");
    assert!(github.has_failed());
}

#[test]
fn a_head_that_moves_while_it_is_judged_is_judged_anew() {
    let (github, pull) = approved();
    let other = request().replace("edge-fra-1", "edge-fra-2");
    github.before("GET", "/reviews", move |state| {
        let files = vec![("requests/CHG-7.yaml".to_owned(), Some(other.into_bytes()))];
        let alice = state.id_of("alice");
        let tip = state.ops().tip(BRANCH).unwrap();
        let new = NewCommit {
            parents: vec![tip.to_string()],
            author: person("alice"),
            files,
            message: "The other edge".to_owned(),
            committer: None,
        };
        let commit = state.ops().write(&new, state.now.utc().timestamp());
        state.push(alice, BRANCH, Some(commit));
    });
    assert_eq!(checked(&github, pull), "pending");
}

#[test]
fn a_base_that_moves_while_a_change_is_judged_is_judged_by() {
    let (github, pull) = approved();
    github.before("GET", "/timeline", |state| {
        let mut settings = shipped_files().remove(SETTINGS).unwrap();
        settings.extend(b"no_such_setting: 1\n");
        let new = NewCommit {
            parents: vec![state.ops().tip("main").unwrap().to_string()],
            author: person("carol"),
            files: vec![(SETTINGS.to_owned(), Some(settings))],
            message: "Settings".to_owned(),
            committer: None,
        };
        let commit = state.ops().write(&new, state.now.utc().timestamp());
        state.push(state.id_of("carol"), "main", Some(commit));
    });
    check(&github, pull).ended(2, &["no_such_setting"]);
    assert_eq!(answer(&github, pull).0, "error");
}
