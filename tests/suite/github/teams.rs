//! Members of GitHub's teams, where the roster names them.

use serde_json::json;

use super::ledger::{recording, replace_last, verify};
use super::office::{command, name_teams, opened, request};
use crate::ledger::forge::{edit, set};
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
    seeing_teams(github, &["check", "--pr", &pull.to_string()])
}

/// The program with a token that sees the organisation's teams.
fn seeing_teams(github: &GitHub, arguments: &[&str]) -> Ran {
    let mut command = command(github);
    let now = github.now().to_string();
    command.args(arguments).args(["--now", &now]);
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

/// Nobody can ask later who was in a team: a merge goes by what was recorded of it before.
#[test]
fn a_merge_rests_on_the_members_of_before() {
    let (github, pull) = recording(&request());
    name_teams(&github);
    seeing_teams(&github, &["sweep"]).ended(0, &["reached protected branches: 1"]);
    github.advance("1h");
    github.review(pull, "bob", "APPROVED");
    check(&github, pull).ended(0, &[]);
    let desk = github.desk("erin");
    let verified = || {
        desk.git(&[
            "fetch",
            "--quiet",
            "origin",
            "+refs/pull/*/head:refs/pull/*",
            "+refs/heads/*:refs/remotes/origin/*",
        ]);
        let ledger = "+refs/heads/audit/*:refs/changegate/origin/audit/*";
        desk.git(&["fetch", "--quiet", "origin", ledger]);
        verify(&desk)
    };
    // The decision is verified once by itself, and remembered.
    verified().ended(0, &["\nverified\n"]);
    github.advance("1m");
    github.merge(pull, "bob");
    github.advance("1m");
    seeing_teams(&github, &["sweep"]).ended(0, &["reached protected branches: "]);
    verified().ended(0, &["\nverified\n"]);
    replace_last(&github, &|files| {
        edit(files, "evidence.json", |evidence| {
            let members = json!(["bob", "mallory"]);
            set(evidence, "/teams/payments/members", members);
        });
    });
    let why = "its evidence names other members of payments than that of the decision before it";
    verified().ended(1, &["provenance: ", why]);
    verify(&github.desk("judy")).ended(1, &[why]);
}
