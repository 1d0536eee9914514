//! Pull requests that touch no governed path, and amendments by somebody else.

use super::office::{BRANCH, answer, check, checked, opened_by, request, request_of};
use crate::plumbing::github::GitHub;

const SETTINGS: &str = "policies/org/settings/data.yaml";

#[test]
fn code_passes_and_the_status_says_so() {
    let github = GitHub::start();
    github.commit("mallory", "feature", &[("src/main.rs", "x"), ("README.md", "x")], "A feature");
    let pull = github.open_pull("mallory", "feature", "main");
    github.advance("1h");
    github.review(pull, "bob", "CHANGES_REQUESTED");
    check(&github, pull).ended(0, &["it touches no governed path, so nothing is judged"]);
    let (state, description) = answer(&github, pull);
    assert_eq!(
        (state.as_str(), description.as_str()),
        ("success", "it touches no governed path, so nothing is judged")
    );
    // That is all that is written.
    assert_eq!(github.statuses(&github.head(pull)).len(), 1);
    assert_eq!(github.comments(pull).len(), 0);
    assert_eq!(github.requested(pull), [""; 0]);
    // A governed path beside it ends that.
    for path in ["requests/CHG-7.yaml", ".github/CODEOWNERS", "Policies/x.rego"] {
        github.advance("1h");
        github.commit("mallory", "feature", &[(path, "x")], "And more");
        assert_eq!(checked(&github, pull), "failure", "{path}");
    }
}

#[test]
fn settings_that_refuse_other_paths() {
    let github = GitHub::start();
    let settings = github.file("main", SETTINGS);
    let strict = settings.replace("other_paths: free", "other_paths: refused");
    assert_ne!(settings, strict);
    github.commit("carol", "main", &[(SETTINGS, &strict)], "Nothing else");
    github.commit("alice", "feature", &[("README.md", "x")], "A feature");
    let pull = github.open_pull("alice", "feature", "main");
    check(&github, pull).ended(1, &["error[request/other-paths]", "README.md"]);
    assert_eq!(answer(&github, pull).0, "failure");
}

#[test]
fn somebody_else_amends_a_merged_request() {
    let github = GitHub::start();
    let planned = |text: String| text.replace("2026-11-23T22", "2026-11-26T22");
    let path = "requests/CHG-7.yaml";
    github.commit("alice", "main", &[(path, &planned(request()))], "CHG-7");
    github.advance("1m");
    // frank, an L1 too, makes it his own and of medium risk.
    let mine = planned(request_of("frank", "cdn")).replace("blacklist-ip", "purge-cache");
    github.commit("frank", BRANCH, &[(path, &mine)], "Amend CHG-7");
    let pull = github.open_pull("frank", BRANCH, "main");
    assert_eq!(checked(&github, pull), "pending");
    let (_, description) = answer(&github, pull);
    assert!(description.contains("alice, L2 or L3"), "{description}");
    github.advance("1m");
    github.review(pull, "alice", "APPROVED");
    assert_eq!(checked(&github, pull), "pending");
    github.advance("1m");
    github.review(pull, "bob", "APPROVED");
    assert_eq!(checked(&github, pull), "success");
    // alice herself amends it as before.
    let (github, _) = opened_by("alice", &request());
    github.commit("alice", "main", &[(path, &planned(request()))], "CHG-7");
    let mine = planned(request()).replace("blacklist-ip", "purge-cache");
    github.commit("alice", "change/again", &[(path, &mine)], "Amend CHG-7");
    let pull = github.open_pull("alice", "change/again", "main");
    check(&github, pull).ended(0, &["direct execution by L1"]);
}
