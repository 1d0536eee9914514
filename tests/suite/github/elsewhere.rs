//! The ledger of a repository on GitHub that is kept in another one: on a server of somebody else's, which
//! git reaches by itself, or on the same one, which gets the token.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::doctor::{Well, examined};
use super::ledger::{LEDGER, REQUEST, begin, settle, verified};
use super::office::{BRANCH, answer, check, checked, command, request, sweep};
use super::trial::{replayed, rule};
use crate::plumbing::github::GitHub;
use crate::plumbing::hub::program;
use crate::plumbing::ran::{Ran, sheltered};

/// git in another repository.
fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    let ran = Ran::of(sheltered(command.arg("--git-dir").arg(folder).args(arguments)), "");
    ran.went_well().trim().to_owned()
}

/// The kinds of the entries that it holds, the oldest first.
fn kinds(folder: &Path) -> Vec<String> {
    let titles = git(folder, &["log", "--reverse", "--format=%s", LEDGER]);
    titles.lines().map(|title| title.split(':').next().unwrap().to_owned()).collect()
}

#[test]
fn what_is_decided_and_merged_is_recorded_in_another_repository() {
    let (github, dir) = (GitHub::start(), tempfile::tempdir().unwrap());
    let ledger = dir.path().join("ledger.git");
    Ran::of(Command::new("git").args(["init", "--quiet", "--bare"]).arg(&ledger), "").went_well();
    begin(&github, &format!(", remote: {}", ledger.display()));
    github.commit("alice", BRANCH, &[(REQUEST, &request())], "Submit CHG-7");
    let pull = github.open_pull("alice", BRANCH, "main");
    github.advance("1h");
    github.review(pull, "bob", "APPROVED");
    assert_eq!(checked(&github, pull), "success");
    assert_eq!(checked(&github, pull), "success");
    assert_eq!(kinds(&ledger), ["genesis", "approved"]);
    // The comment names the entry, to which no page of this server leads.
    let comment = github.comments(pull).pop().unwrap().1;
    assert!(comment.contains("**Recorded** as `") && !comment.contains("/commit/"), "{comment}");

    github.advance("1m");
    github.merge(pull, "bob");
    github.advance("1m");
    sweep(&github).ended(0, &["entries that record what reached protected branches: 1"]);
    assert_eq!(kinds(&ledger), ["genesis", "approved", "merged"]);
    assert_eq!(github.tip(LEDGER), None);
    verified(&github).ended(0, &["3 entries", "2 byte for byte the same"]);

    let rule = rule("\"deny\"");
    github.commit("carol", "odd", &[("policies/rules/odd/odd.rego", &rule)], "A new rule");
    let tried = github.open_pull("carol", "odd", "main");
    let tried = replayed(&github, tried, &[]);
    tried.ended(0, &["made again   2 of 2 with the recorded verdict"]);
    // Who isn't on GitHub can't say what was approved there.
    let desk = github.desk("carol");
    let mut command = desk.run(program().to_str().unwrap(), &["sweep"]);
    let ran = Ran::of(command.env_remove("GITHUB_API_URL").env_remove("GITHUB_REPOSITORY"), "");
    ran.failed(&["the ledger is written on GitHub"]);

    // Nothing is answered while it is out of reach, and nothing that isn't there counts as recorded.
    let text = request().replace("CHG-7", "CHG-8");
    github.commit("alice", "change/CHG-8", &[("requests/CHG-8.yaml", &text)], "Submit CHG-8");
    let pull = github.open_pull("alice", "change/CHG-8", "main");
    let away = dir.path().join("away.git");
    fs::rename(&ledger, &away).unwrap();
    check(&github, pull).ended(2, &["decided, not recorded", "git can't fetch from"]);
    assert_eq!(answer(&github, pull).0, "error");
    sweep(&github).ended(2, &["cannot record what reached the protected branches"]);
    fs::rename(&away, &ledger).unwrap();
    git(&ledger, &["update-ref", "-d", &format!("refs/heads/{LEDGER}")]);
    let gone = format!("there is no branch {LEDGER} in {}", ledger.display());
    check(&github, pull).ended(2, &["decided, not recorded", &gone]);
}

#[test]
fn on_the_same_server_it_gets_the_token() {
    let github = GitHub::start();
    github.fork("carol");
    settle(&github, &format!(", remote: \"{}/carol/ops.git\"", github.url()));
    let as_carol = |arguments: &[&str]| {
        let mut command = command(&github);
        command.env("GITHUB_TOKEN", github.token_of("carol")).env("GITHUB_ACTIONS", "true");
        Ran::of(command.args(arguments), "")
    };
    as_carol(&["init", "--ledger"]).ended(0, &["began the ledger github.example/acme/ops"]);
    github.commit("alice", BRANCH, &[(REQUEST, &request())], "Submit CHG-7");
    let pull = github.open_pull("alice", BRANCH, "main");
    let now = github.now().to_string();
    as_carol(&["check", "--pr", &pull.to_string(), "--now", &now]).ended(3, &[]);
    let folder =
        github.with(|state| state.repositories.iter().find(|it| it.fork).unwrap().folder.clone());
    assert_eq!(kinds(&folder), ["genesis", "pending"]);
    assert_eq!(github.tip(LEDGER), None);
    let comment = github.comments(pull).pop().unwrap().1;
    let entry = git(&folder, &["rev-parse", LEDGER]);
    assert!(comment.contains(&format!("/carol/ops/commit/{entry})")), "{comment}");
}

#[test]
fn doctor_says_what_it_can_see_of_it() {
    let (github, dir) = (Well::default().build(), tempfile::tempdir().unwrap());
    let ledger = dir.path().join("ledger.git");
    let url = ledger.to_str().unwrap();
    settle(&github, &format!(", remote: {url}"));
    let seen = || {
        let mut command = command(&github);
        let (_, checks) =
            examined(command.env("GITHUB_TOKEN", github.token_of("carol")).arg("doctor"));
        let about = checks.into_iter().filter(|check| check["about"] == "ledger");
        let told = about.map(|check| {
            let text = |name: &str| check[name].as_str().unwrap().to_owned();
            (text("code"), text("grade"), text("found"))
        });
        told.collect::<Vec<_>>()
    };
    let nobody = |branch: &str| {
        let found =
            format!("nobody can tell from here who may delete or rewrite audit/{branch} in {url}");
        ("ledger/protected".to_owned(), "unseen".to_owned(), found)
    };
    let begun = |grade: &str, found: String| {
        [("ledger/begun".to_owned(), grade.to_owned(), found), nobody("ledger"), nobody("evidence")]
    };
    assert_eq!(seen(), begun("unseen", format!("the ledger in {url} can't be read")));
    Ran::of(Command::new("git").args(["init", "--quiet", "--bare", url]), "").went_well();
    assert_eq!(seen(), begun("bad", format!("there is no branch audit/ledger in {url}")));
    github.git(&["push", "--quiet", url, "main:refs/heads/audit/ledger"]);
    assert_eq!(seen(), begun("good", format!("the ledger has begun in {url}")));
}
