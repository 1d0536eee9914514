//! Members of GitHub's teams, where the roster names them.

use super::office::{command, name_teams, opened, request};
use crate::plumbing::github::GitHub;
use crate::plumbing::hub::Ran;

/// A server whose roster names GitHub's teams, with a pull request that bob has approved.
fn approved_by_bob() -> (GitHub, u64) {
    let (github, pull) = opened(&request());
    name_teams(&github);
    github.review(pull, "bob", "APPROVED");
    (github, pull)
}

/// Judges with a token that sees the organisation's teams.
fn check(github: &GitHub, pull: u64) -> Ran {
    let mut command = command(github);
    let now = github.now().to_string();
    command.args(["check", "--pr", &pull.to_string(), "--now", &now]);
    Ran::of(command.env("GITHUB_TOKEN", github.app_token()), "")
}

#[test]
fn a_member_counts_and_is_asked_for_once() {
    let (github, pull) = approved_by_bob();
    check(&github, pull).ended(0, &["signed off by bob"]);
    let asked = github.requests();
    let teams = asked.iter().filter(|it| it.target.starts_with("/orgs/acme/teams/"));
    assert_eq!(teams.count(), 1);
}

#[test]
fn a_former_member_does_not_count() {
    let (github, pull) = approved_by_bob();
    github.with(|state| {
        let bob = state.id_of("bob");
        state.teams.iter_mut().for_each(|team| team.members.retain(|member| *member != bob));
    });
    check(&github, pull)
        .ended(3, &["the forge no longer lists the reviewer as a member of payments"]);
}

#[test]
fn members_that_nobody_shows_do_not_count() {
    let (github, pull) = approved_by_bob();
    // A workflow's token sees no teams.
    let ran = super::office::check(&github, pull);
    ran.ended(3, &["doesn't show the members of payments to this token"]);
}
