//! Why something is recorded as a bypass, by what had been decided on it, and what was known of people
//! when it was merged.

use std::collections::BTreeMap;

use super::forged;
use super::ledger::{LEDGER, REQUEST, SETTINGS, begin, recording, titles, verified, verify};
use super::office::{BRANCH, checked, command, name_teams, request, sweep};
use crate::plumbing::github::{GitHub, NewCommit, State, person, texts};
use crate::plumbing::ran::Ran;

/// A server where bob has approved alice's change, and that is recorded.
fn approved() -> (GitHub, u64) {
    let (github, pull) = recording(&request());
    github.advance("1h");
    github.review(pull, "bob", "APPROVED");
    assert_eq!(checked(&github, pull), "success");
    github.advance("1h");
    (github, pull)
}

/// Changes the policies on main: from then on somebody from L3 has to sign what is of high risk.
fn tighten(github: &GitHub) {
    const MATRIX: &str = "policies/org/matrix/data.yaml";
    let matrix = github.file("main", MATRIX);
    let tighter = matrix.replace("L1: [L2, L3]", "L1: [L3]");
    assert_ne!(matrix, tighter);
    github.commit("carol", "main", &[(MATRIX, &tighter)], "Ask an L3");
    github.advance("1m");
}

/// Has carol merge against what holds, and the next sweep record that; the title of its entry, which
/// proves.
#[track_caller]
fn bypassed(github: &GitHub, pull: u64) -> String {
    github.merge(pull, "carol");
    github.advance("1m");
    sweep(github).went_well();
    verified(github).ended(0, &["bypass"]);
    titles(github).pop().unwrap()
}

/// Record 29: an approval, an objection, and a merge on the approval.
#[test]
fn an_approval_that_a_later_decision_took_back_was_superseded() {
    let (github, pull) = approved();
    github.review(pull, "dan", "CHANGES_REQUESTED");
    assert_eq!(checked(&github, pull), "failure");
    github.advance("1m");
    let title = bypassed(&github, pull);
    assert!(title.ends_with("(superseded)"), "{title}");
}

#[test]
fn an_approval_of_another_head_was_superseded() {
    let (github, pull) = approved();
    let other = request().replace("edge-fra-1", "edge-fra-2");
    github.commit("alice", BRANCH, &[(REQUEST, &other)], "Block it at the other edge");
    github.advance("1m");
    let title = bypassed(&github, pull);
    assert!(title.ends_with("(superseded)"), "{title}");
}

/// Record 30: a merge on an approval by older policies.
#[test]
fn policies_that_changed_since_the_approval_are_the_reason() {
    let (github, pull) = approved();
    tighten(&github);
    let title = bypassed(&github, pull);
    assert!(title.ends_with("(policies-changed)"), "{title}");
    let message = github.git(&["log", "-1", "--format=%B", LEDGER]);
    assert!(message.contains("The policies had changed since it was approved"), "{message}");
}

#[test]
fn rubbish_that_is_dated_back_hides_no_decision() {
    let (github, pull) = approved();
    tighten(&github);
    let now = github.now();
    github.set_now("2001-01-01T00:00:00Z".parse().unwrap());
    github.commit("mallory", LEDGER, &[("x.txt", "rubbish\n")], "Merge branch 'main'");
    github.set_now(now);
    github.merge(pull, "carol");
    github.advance("1m");
    sweep(&github).went_well();
    let title = titles(&github).pop().unwrap();
    assert!(title.ends_with("(policies-changed)"), "{title}");
}

#[test]
fn changed_policies_that_approve_it_too_are_no_reason() {
    let (github, pull) = approved();
    let settings = github.file("main", SETTINGS);
    github.commit("carol", "main", &[(SETTINGS, &(settings + "# a remark\n"))], "Remark");
    github.advance("1m");
    github.merge(pull, "bob");
    github.advance("1m");
    sweep(&github).went_well();
    assert!(titles(&github).pop().unwrap().starts_with("merged: CHG-7"));
    verified(&github).ended(0, &[]);
}

#[test]
fn what_was_judged_again_by_the_new_policies_was_superseded() {
    let (github, pull) = approved();
    tighten(&github);
    assert_eq!(checked(&github, pull), "pending");
    github.advance("1m");
    let title = bypassed(&github, pull);
    assert!(title.ends_with("(superseded)"), "{title}");
}

#[test]
fn an_approval_that_only_went_stale_is_not_one() {
    let (github, pull) = approved();
    let reviews = github.with(|state| state.pulls[0].reviews.last().unwrap().id);
    github.dismiss(pull, reviews, "carol");
    github.advance("1m");
    let title = bypassed(&github, pull);
    assert!(title.ends_with("(not-approved)"), "{title}");
}

/// Record 69: a merge in the browser, and a squash, with something else in it than was judged.
#[test]
fn other_content_than_was_judged_is_the_reason() {
    for is_squash in [false, true] {
        for (path, content) in [
            (REQUEST, request().replace("edge-fra-1", "edge-fra-2")),
            (REQUEST, request() + "# and more\n"),
            ("requests/CHG-8.yaml", "id: CHG-8\n".to_owned()),
            ("docs/a.md", "text\n".to_owned()),
        ] {
            let (github, pull) = approved();
            let (main, head) = (github.tip("main").unwrap(), github.head(pull));
            let parents = if is_squash { vec![main] } else { vec![main, head] };
            let files = BTreeMap::from([(REQUEST, request()), (path, content)]);
            let files: Vec<_> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
            let web = ("GitHub".to_owned(), "noreply@github.com".to_owned());
            let commit = github.write(&NewCommit {
                parents,
                author: person("bob"),
                committer: Some(web),
                files: texts(&files),
                message: "Block it (#1)".to_owned(),
            });
            let merge = |state: &mut State| {
                state.merge_as(pull, state.id_of("bob"), commit.parse().unwrap())
            };
            github.with(merge);
            github.advance("1m");
            sweep(&github).ended(0, &["reached protected branches: 1"]);
            let title = titles(&github).pop().unwrap();
            assert!(title.ends_with("(other-content)"), "{is_squash}, {path}: {title}");
            verified(&github).ended(0, &["1 bypass", "by bob"]);
        }
    }
}

#[test]
fn another_reason_than_follows_is_found() {
    let (github, pull) = approved();
    tighten(&github);
    github.merge(pull, "carol");
    github.advance("1m");
    sweep(&github).went_well();
    // Each auditor sees one of the ledgers.
    let verify = |who: &str, because: &str| {
        forged::last(&github, |it| it["predicate"]["merge"]["because"] = because.into());
        let auditor = github.desk(who);
        auditor.git(&["fetch", "--quiet", "origin", "+refs/pull/*/head:refs/pull/*"]);
        verify(&auditor)
    };
    for (who, other) in [
        ("alice", "not-approved"),
        ("bob", "superseded"),
        ("dan", "other-content"),
        ("erin", "no-pull-request"),
        ("grace", "not-known"),
    ] {
        let by = format!("coverage: it says that it is a bypass by `{other}`");
        verify(who, other).ended(1, &["entry 3", &by]);
    }
    verify("judy", "policies-changed").ended(0, &["(policies-changed)"]);
}

#[test]
fn people_were_in_the_teams_of_the_last_decision() {
    let github = GitHub::start();
    begin(&github, "");
    name_teams(&github);
    github.commit("alice", BRANCH, &[(REQUEST, &request())], "Submit CHG-7");
    let pull = github.open_pull("alice", BRANCH, "main");
    github.advance("1h");
    github.review(pull, "bob", "APPROVED");
    let judge = |arguments: &[&str]| {
        let mut command = command(&github);
        command.env("GITHUB_TOKEN", github.token_of("carol")).args(arguments);
        Ran::of(command.args(["--now", &github.now().to_string()]), "")
    };
    judge(&["check", "--pr", "1"]).ended(0, &[]);
    github.advance("1m");
    github.merge(pull, "bob");
    github.advance("1m");
    // He leaves the team before anybody records the merge.
    let bob = github.with(|state| state.id_of("bob"));
    github.with(|state| {
        state.teams.iter_mut().for_each(|team| team.members.retain(|member| *member != bob));
    });
    judge(&["sweep"]).went_well();
    assert!(titles(&github).pop().unwrap().starts_with("merged: CHG-7"), "{:?}", titles(&github));
    verified(&github).ended(0, &["2 byte for byte the same"]);
}
