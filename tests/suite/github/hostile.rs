//! The ledger on GitHub under attack: by strangers who open pull requests, by people who may push, and by
//! what was broken or taken away. None of it may stop the record, or end it in silence.

use super::ledger::{LEDGER, SETTINGS, recording, titles, verified};
use super::office::{answer, check, checked, request, request_of, sweep};
use crate::plumbing::github::GitHub;

/// Recorded as pending, then approved by bob and answered with success.
fn approved() -> (GitHub, u64) {
    let (github, pull) = recording(&request());
    assert_eq!(checked(&github, pull), "pending");
    github.advance("1h");
    github.review(pull, "bob", "APPROVED");
    assert_eq!(checked(&github, pull), "success");
    github.advance("1m");
    (github, pull)
}

/// A request that names this many roles, who have to sign off.
fn heavy(text: &str, roles: usize) -> String {
    let roles: Vec<_> = (0..roles).map(|n| format!("{{role: r{n}}}")).collect();
    format!("{text}approvals: [{}]\n", roles.join(", "))
}

/// Opens a pull request from mallory's fork, whom the roster doesn't know.
fn of_a_stranger(github: &GitHub, text: &str) -> u64 {
    github.fork("mallory");
    github.commit("mallory", "mallory:x", &[("requests/CHG-9.yaml", text)], "Mine");
    github.open_pull("mallory", "mallory:x", "main")
}

fn strangers_request() -> String {
    request_of("mallory", "edge-9").replace("CHG-7", "CHG-9")
}

#[test]
fn an_entry_over_its_limit_stops_nothing() {
    let (github, pull) = recording(&heavy(&request(), 1000));
    check(&github, pull);
    github.advance("1m");
    github.merge(pull, "carol");
    github.commit("carol", "main", &[("requests/CHG-8.yaml", "id: CHG-8\n")], "By hand");
    github.advance("1m");
    sweep(&github).ended(0, &["reached protected branches: 2"]);
    let titles = titles(&github);
    let bypasses: Vec<_> = titles.iter().filter(|it| it.starts_with("bypass")).collect();
    assert_eq!(bypasses.len(), 2, "{titles:?}");
    assert!(bypasses[0].contains("not-known"), "{titles:?}");
    verified(&github).ended(0, &["2 bypass", "by carol, entry 1"]);
}

#[test]
fn broken_policies_do_not_end_the_record_in_silence() {
    let (github, pull) = approved();
    github.merge(pull, "bob");
    let settings = github.file("main", SETTINGS);
    let broken = format!("{settings}\nprotected_bases: [main]\n");
    github.commit("carol", "main", &[(SETTINGS, &broken)], "A key twice");
    github.advance("1m");
    sweep(&github).ended(2, &["cannot record what reached the protected branches"]);
    // Once they are repaired, nothing is missing.
    github.commit("carol", "main", &[(SETTINGS, &settings)], "Repair");
    github.advance("1m");
    sweep(&github).ended(0, &["reached protected branches: 3"]);
    let titles = titles(&github);
    assert!(titles[titles.len() - 3].starts_with("merged"), "{titles:?}");
}

#[test]
fn a_deleted_ledger_is_missed() {
    let (github, pull) = approved();
    github.delete_branch("mallory", LEDGER);
    check(&github, pull).ended(2, &["there is no branch audit/ledger"]);
    assert_eq!(answer(&github, pull).0, "error");
    assert_eq!(github.tip(LEDGER), None);
    sweep(&github).ended(2, &[]);
    assert_eq!(github.tip(LEDGER), None);
}

#[test]
fn an_entry_that_was_taken_away_is_missed() {
    let (github, pull) = approved();
    github.review(pull, "carol", "CHANGES_REQUESTED");
    assert_eq!(checked(&github, pull), "failure");
    let back = github.git(&["rev-parse", &format!("{LEDGER}~1")]);
    github.push("mallory", LEDGER, &back, true);
    github.advance("1m");
    assert_eq!(checked(&github, pull), "failure");
    assert!(titles(&github).last().unwrap().starts_with("denied"), "{:?}", titles(&github));
    // Of a ledger that goes on, the entry is found behind the newer ones.
    let text = request().replace("CHG-7", "CHG-8").replace("edge-fra-1", "edge-fra-2");
    github.commit("alice", "change/CHG-8", &[("requests/CHG-8.yaml", &text)], "Submit CHG-8");
    let other = github.open_pull("alice", "change/CHG-8", "main");
    checked(&github, other);
    let before = titles(&github);
    assert_eq!(checked(&github, pull), "failure");
    assert_eq!(titles(&github), before);
}

#[test]
fn a_stranger_who_goes_back_and_forth_does_not_fill_the_log() {
    let (github, _) = recording(&request());
    let pull = of_a_stranger(&github, &strangers_request());
    checked(&github, pull);
    for round in 0..4 {
        github.advance("1m");
        github.set_draft(pull, "mallory", round % 2 == 0);
        checked(&github, pull);
    }
    let titles = titles(&github);
    assert!(titles.len() <= 3, "{titles:?}");
}

#[test]
fn a_stranger_who_amends_does_not_fill_the_log() {
    let (github, _) = recording(&request());
    let text = strangers_request();
    let pull = of_a_stranger(&github, &text);
    checked(&github, pull);
    for round in 0..5 {
        github.advance("1m");
        let other = format!("{text}# {round}\n");
        github.commit("mallory", "mallory:x", &[("requests/CHG-9.yaml", &other)], "Again");
        checked(&github, pull);
    }
    let titles = titles(&github);
    assert!(titles.len() <= 3, "{titles:?}");
}

#[test]
fn a_stranger_s_heavy_request_stops_no_sweep() {
    let (github, pull) = approved();
    let heavy = of_a_stranger(&github, &heavy(&strangers_request(), 9000));
    let text = request().replace("CHG-7", "CHG-8").replace("edge-fra-1", "edge-fra-2");
    github.commit("alice", "change/CHG-8", &[("requests/CHG-8.yaml", &text)], "Submit CHG-8");
    let other = github.open_pull("alice", "change/CHG-8", "main");
    github.review(pull, "carol", "CHANGES_REQUESTED");
    github.advance("15m");
    let swept = sweep(&github);
    let answered = |pull| github.statuses(&github.head(pull)).last().map(|it| it.state.clone());
    assert_eq!(answered(pull).as_deref(), Some("failure"), "the objection isn't seen: {swept:?}");
    assert!(answered(heavy).is_some_and(|it| it != "success"), "{swept:?}");
    assert!(answered(other).is_some(), "the other one isn't judged: {swept:?}");
}

#[test]
fn an_approver_who_is_gone_before_the_sweep() {
    let (github, pull) = approved();
    github.merge(pull, "bob");
    github.advance("1m");
    github.delete_account("bob");
    sweep(&github).ended(0, &["reached protected branches: 1"]);
    let titles = titles(&github);
    assert!(titles.last().unwrap().starts_with("merged"), "{titles:?}");
    verified(&github).ended(0, &["verified"]);
}
