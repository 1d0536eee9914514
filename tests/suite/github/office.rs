//! The program at work on the fake GitHub, and requests for it to judge.

use std::process::Command;

use super::super::plumbing::github::{GitHub, ROSTER};
use super::super::plumbing::hub::{Ran, program};
use super::super::plumbing::ran::sheltered;
use changegate::core::policy::shipped_files;

/// Where alice's changes are.
pub const BRANCH: &str = "change/CHG-7";

/// A high-risk request of alice's, an L1: one of L2 and L3 has to sign. Planned 12 hours after the
/// server's clock begins.
pub fn request() -> String {
    request_of("alice", "edge-fra-1")
}

/// The same by somebody else, on another target.
pub fn request_of(requester: &str, target: &str) -> String {
    format!(
        "id: CHG-7
summary: Block 203.0.113.77, which tries stolen passwords
reason: Since Sunday it has made 61,000 attempts to log in
requester: {requester}
actions: [{{action: blacklist-ip, target: {target}}}]
impact: {{services: [edge], users: none that we know of, operations: the desk knows what to answer}}
schedule: {{start: 2026-11-23T22:15:00Z, end: 2026-11-23T22:30:00Z}}
rollback: {{steps: [remove it from the IP set], trigger: a customer is blocked, owner: grace}}
verification:
  monitor: 15m
  health_checks: [\"https://login.acme.example/healthz\"]
  error_rates: [\"cloudwatch: waf/blocked-requests\"]
"
    )
}

/// An off-script request of carol's: a DevOps lead and a service owner have to sign.
pub fn off_script() -> String {
    request_of("carol", "edge-fra-1")
        + "description: The list is edited by hand, because the script replaces all of it
off_script:
  script: runbooks/block.md
  justification: the script would drop the 40 addresses that were added by hand
risks: [{risk: a wrong address, likelihood: low, impact: high, mitigation: two people look}]
business_alignment: customers keep their accounts
contingency: remove it again
approvals: [{role: devops-lead}, {role: service-owner}]
"
}

/// A server where alice has opened a pull request with this request; its number.
pub fn opened(text: &str) -> (GitHub, u64) {
    opened_by("alice", text)
}

/// A server where somebody has opened a pull request with this request; its number.
pub fn opened_by(who: &str, text: &str) -> (GitHub, u64) {
    let github = GitHub::start();
    github.commit(who, BRANCH, &[("requests/CHG-7.yaml", text)], "Submit CHG-7");
    let pull = github.open_pull(who, BRANCH, "main");
    (github, pull)
}

/// The program, as a workflow runs it.
pub fn changegate(github: &GitHub, arguments: &[&str]) -> Ran {
    Ran::of(command(github).args(arguments), "")
}

/// The program as a workflow runs it, for more to be set.
pub fn command(github: &GitHub) -> Command {
    let mut command = Command::new(program());
    sheltered(&mut command)
        .current_dir(std::env::temp_dir())
        .env("GITHUB_API_URL", github.url())
        .env("GITHUB_TOKEN", github.token())
        .env("GITHUB_REPOSITORY", "acme/ops")
        .env_remove("GITHUB_EVENT_NAME");
    command
}

/// The program as the App.
pub fn as_app(github: &GitHub) -> Command {
    let (id, key) = github.app();
    let mut command = command(github);
    command.env_remove("GITHUB_TOKEN");
    command.env("CHANGEGATE_APP_ID", id.to_string()).env("CHANGEGATE_APP_KEY", key);
    command
}

/// Lets the roster name GitHub's teams, as the shipped one does.
pub fn name_teams(github: &GitHub) {
    let roster = shipped_files().remove(ROSTER).unwrap();
    github.commit("carol", "main", &[(ROSTER, str::from_utf8(&roster).unwrap())], "Teams");
}

/// Judges a pull request at the server's time.
pub fn check(github: &GitHub, pull: u64) -> Ran {
    let now = github.now().to_string();
    changegate(github, &["check", "--pr", &pull.to_string(), "--now", &now])
}

/// Looks at all pull requests whose time has come.
pub fn sweep(github: &GitHub) -> Ran {
    let now = github.now().to_string();
    changegate(github, &["sweep", "--now", &now])
}

/// The answer on a pull request's head: state and description.
pub fn answer(github: &GitHub, pull: u64) -> (String, String) {
    let status = github.status(&github.head(pull), "changegate");
    (status.state, status.description.unwrap_or_default())
}

/// Judges a pull request, and says how it is answered: `success`, `pending`, `failure`.
#[track_caller]
pub fn checked(github: &GitHub, pull: u64) -> String {
    let ran = check(github, pull);
    assert!(!github.statuses(&github.head(pull)).is_empty(), "nothing was answered:\n{ran:?}");
    let (state, description) = answer(github, pull);
    let code = match state.as_str() {
        "success" => 0,
        "failure" => 1,
        "pending" => 3,
        _ => panic!("{ran:?}"),
    };
    ran.ended(code, &[]);
    assert!(description.chars().count() <= 140, "{description}");
    state
}
