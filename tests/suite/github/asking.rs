//! GitHub is asked again about what was recorded: the one way to find a collector that lied. Here GitHub
//! changes what it tells, which is the same to those who ask later.

use super::ledger::{REQUEST, recording, titles};
use super::office::{BRANCH, checked, request, sweep};
use crate::plumbing::github::{Desk, Event, GitHub, State, What};
use crate::plumbing::hub::{self, program};
use crate::plumbing::ran::Ran;

/// Proves the ledger in somebody's clone, and asks GitHub again.
fn asked(github: &GitHub, desk: &Desk<'_>, how: &str) -> Ran {
    let mut command = desk.run(program().to_str().unwrap(), &["audit", "verify", how]);
    command.env("GITHUB_API_URL", github.url()).env("GITHUB_TOKEN", github.token());
    Ran::of(&mut command, "")
}

/// A server where bob has approved alice's change, and both decisions are recorded.
fn approved() -> (GitHub, u64) {
    let (github, pull) = recording(&request());
    github.advance("10m");
    assert_eq!(checked(&github, pull), "pending");
    github.advance("1h");
    github.review(pull, "bob", "APPROVED");
    github.advance("10m");
    assert_eq!(checked(&github, pull), "success");
    github.advance("10m");
    (github, pull)
}

/// What GitHub tells from now on is found to differ, in the last entry.
#[track_caller]
fn differs(github: &GitHub, tells: impl FnOnce(&mut State), found: &str) {
    let auditor = github.desk("erin");
    auditor.git(&["fetch", "--quiet", "origin", "+refs/pull/*/head:refs/pull/*"]);
    asked(github, &auditor, "--ask-forge").ended(0, &["GitHub again about", "\nverified\n"]);
    github.with(tells);
    let last = titles(github).len() - 1;
    let entry = format!("entry {last} (");
    let ran = asked(github, &auditor, "--ask-forge");
    ran.ended(1, &[&entry, "forge: of #1 the forge tells otherwise: ", found]);
}

#[test]
fn what_is_true_is_told_again() {
    let (github, pull) = approved();
    // What comes later makes no difference.
    github.comment(pull, "dan", "Fine");
    github.review(pull, "dan", "COMMENTED");
    github.merge(pull, "bob");
    github.advance("1h");
    sweep(&github).went_well();
    let auditor = github.desk("erin");
    auditor.git(&["fetch", "--quiet", "origin", "+refs/pull/*/head:refs/pull/*"]);
    asked(&github, &auditor, "--ask-forge").ended(0, &["GitHub again about 3 of 3 entries"]);
    asked(&github, &auditor, "--ask-forge=2").ended(0, &["GitHub again about 2 of 3 entries"]);
}

/// Record 54: only GitHub can tell.
#[test]
fn an_invented_review_is_found() {
    let (github, _) = approved();
    let forget = |state: &mut State| {
        let pull = &mut state.pulls[0];
        pull.reviews.clear();
        pull.timeline.retain(|event| !matches!(event.what, What::Reviewed(_)));
    };
    differs(&github, forget, "that is recorded isn't one of its own");
}

/// Record 55: a real review, of something else.
#[test]
fn a_review_that_was_moved_from_another_pull_request_is_found() {
    let (github, _) = approved();
    let other = request().replace("CHG-7", "CHG-8");
    github.commit("alice", "change/CHG-8", &[("requests/CHG-8.yaml", &other)], "Submit CHG-8");
    github.open_pull("alice", "change/CHG-8", "main");
    let move_it = |state: &mut State| {
        let [first, second] = &mut state.pulls[..] else { panic!() };
        second.reviews.append(&mut first.reviews);
        let is_review = |event: &mut Event| matches!(event.what, What::Reviewed(_));
        second.timeline.extend(first.timeline.extract_if(.., is_review));
    };
    differs(&github, move_it, "that is recorded isn't one of its own");
}

#[test]
fn a_review_of_somebody_else_or_of_another_commit_is_found() {
    let (github, _) = approved();
    let dan = github.with(|state| state.id_of("dan"));
    differs(&github, |state| state.pulls[0].reviews[0].user = dan, "was given by dan (104)");

    let (github, _) = approved();
    let main = github.tip("main").unwrap().parse().unwrap();
    let another = |state: &mut State| state.pulls[0].reviews[0].commit = Some(main);
    differs(&github, another, "and another commit is recorded");
}

#[test]
fn an_objection_that_was_left_out_is_found() {
    let (github, pull) = approved();
    let objection = github.review(pull, "dan", "CHANGES_REQUESTED");
    let earlier = |state: &mut State| {
        let review = state.pulls[0].reviews.iter_mut().find(|it| it.id == objection).unwrap();
        review.submitted_at = Some("2026-11-23T11:00:00Z".parse().unwrap());
    };
    let found = format!("the review {objection} of dan (104) was left out");
    differs(&github, earlier, &found);
}

#[test]
fn a_dismissal_that_was_left_out_is_found() {
    let (github, pull) = approved();
    let review = github.with(|state| state.pulls[0].reviews[0].id);
    github.dismiss(pull, review, "carol");
    let earlier = |state: &mut State| {
        let mut events = state.pulls[0].timeline.iter_mut();
        let event = events.find(|it| matches!(it.what, What::ReviewDismissed { .. })).unwrap();
        event.at = "2026-11-23T11:12:00Z".parse().unwrap();
    };
    differs(&github, earlier, "was dismissed then, and otherwise is recorded");
}

#[test]
fn another_merge_is_found() {
    let (github, pull) = approved();
    github.merge(pull, "bob");
    github.advance("1m");
    sweep(&github).went_well();
    let dan = github.with(|state| state.id_of("dan"));
    let by_dan = |state: &mut State| state.pulls[0].merged.as_mut().unwrap().by = dan;
    differs(&github, by_dan, "it was merged at Mon 23 Nov 2026 11:30 UTC by dan (104) as ");
}

#[test]
fn people_who_were_left_out_are_found() {
    // Behind a commit.
    let (github, _) = approved();
    let swap = |state: &mut State| {
        let mut emails = Vec::new();
        for (login, take) in [("alice", true), ("dan", false)] {
            let user = state.users.iter_mut().find(|user| user.login == login).unwrap();
            if take {
                std::mem::swap(&mut user.emails, &mut emails)
            } else {
                user.emails.append(&mut emails)
            }
        }
    };
    differs(&github, swap, "dan (104) contributed to it, and was left out");

    // Who pushed.
    let (github, pull) = recording(&request());
    let typo = request().replace("CHG-7\n", "CHG-7 # the ticket\n");
    github.advance("1h");
    github.commit("alice", BRANCH, &[(REQUEST, &typo)], "Say what the number is");
    github.advance("1h");
    assert_eq!(checked(&github, pull), "pending");
    let dan = github.with(|state| state.id_of("dan"));
    let pushed = |state: &mut State| {
        let mut pushes = state.activity.iter_mut().rev();
        pushes.find(|push| push.reference.ends_with(BRANCH)).unwrap().actor = dan;
    };
    differs(&github, pushed, "dan (104) contributed to it, and was left out");
}

#[test]
fn what_cannot_be_asked_is_not_verified() {
    let (github, _) = approved();
    let auditor = github.desk("erin");
    let mut command = auditor.run(program().to_str().unwrap(), &["audit", "verify", "--ask-forge"]);
    command.env("GITHUB_API_URL", github.url()).env("GITHUB_TOKEN", "ghp_expired");
    let ran = Ran::of(&mut command, "");
    ran.ended(
        2,
        &["can't be compared with GitHub: 1 and 2; ", "\nnot verified: GitHub couldn't be asked"],
    );
}

#[test]
fn in_plain_git_there_is_nobody_to_ask() {
    let hub = hub::Hub::to_record();
    hub.desk("carol").changegate(&["init", "--ledger"]).went_well();
    let bob = hub.desk("bob");
    bob.changegate(&["audit", "verify", "--ask-forge"])
        .ended(0, &["asked        nobody: all that the entries rest on is in this clone"]);
}
