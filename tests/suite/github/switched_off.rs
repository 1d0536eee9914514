//! A ledger on GitHub that is switched off for a while.

use super::ledger::{SETTINGS, recording, titles, verify};
use super::office::{checked, request, sweep};
use crate::plumbing::github::GitHub;

/// Switches the ledger.
fn switch(github: &GitHub, from: &str, to: &str) {
    let settings = github.file("main", SETTINGS);
    assert!(settings.contains(from), "{settings}");
    github.commit("carol", "main", &[(SETTINGS, &settings.replace(from, to))], "Switch the ledger");
    github.advance("1m");
}

/// Record 45: what was decided meanwhile is lost, and what was merged isn't: the switch is on the base.
#[test]
fn what_was_merged_meanwhile_is_recorded_and_what_was_decided_is_not() {
    let (on, off) = ("ledger: {on: true", "ledger: {on: false");
    let (github, pull) = recording(&request());
    github.advance("1h");
    switch(&github, on, off);
    github.review(pull, "dan", "CHANGES_REQUESTED");
    assert_eq!(checked(&github, pull), "failure");
    github.advance("1m");
    github.review(pull, "dan", "APPROVED");
    assert_eq!(checked(&github, pull), "success");
    github.advance("1m");
    github.merge(pull, "bob");
    github.advance("1m");
    sweep(&github).ended(0, &[]);
    assert_eq!(titles(&github).len(), 1);
    let auditor = github.desk("erin");
    auditor.git(&["fetch", "--quiet", "origin", "+refs/pull/*/head:refs/pull/*"]);
    let nowhere = "it reached main, and is recorded nowhere: ";
    let [switched, merged] = ["Switch the ledger", "Merge pull request #1"];
    verify(&auditor)
        .ended(1, &[&format!("{nowhere}{switched}"), &format!("{nowhere}{merged}"), "2 findings"]);
    switch(&github, off, on);
    sweep(&github).ended(0, &["reached protected branches: 3"]);
    let titles = titles(&github);
    let kinds: Vec<_> = titles.iter().map(|title| title.split(": ").next().unwrap()).collect();
    assert_eq!(kinds, ["genesis", "bypass", "merged", "bypass"], "{titles:?}");
    auditor.git(&["fetch", "--quiet", "origin"]);
    verify(&auditor).ended(0, &["2 bypass", "4 entries", "\nverified\n"]);
}
