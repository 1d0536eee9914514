//! `docs/how-to/github.md`, step by step, in a repository that has nothing of changegate yet.

use std::fs;

use serde_json::json;

use super::doctor::Well;
use super::form::body;
use super::office::{answer, changegate as as_workflow, command};
use crate::plumbing::github::{Desk, GitHub};
use crate::plumbing::ran::Ran;

/// Who is who at the adopter's, with the numbers of their accounts.
const PEOPLE: [&str; 12] = [
    "--person",
    "alice,level=L1,id=101,email=alice@acme.example",
    "--person",
    "bob,level=L2,role=devops-lead,id=102,email=bob@acme.example",
    "--person",
    "carol,level=L3,role=incident-commander,id=103,email=carol@acme.example",
    "--person",
    "heidi,level=L3,id=109,email=heidi@acme.example",
    "--service",
    "checkout=carol",
    "--service",
    "identity=bob",
];

/// The program in carol's clone.
fn changegate(desk: &Desk<'_>, github: &GitHub, token: &str, arguments: &[&str]) -> Ran {
    let mut command = command(github);
    command
        .args(arguments)
        .current_dir(&desk.folder)
        .env("HOME", &desk.folder)
        .env("GITHUB_SERVER_URL", github.url())
        .env("GITHUB_TOKEN", token)
        .env_remove("GITHUB_REPOSITORY");
    Ran::of(&mut command, "")
}

#[test]
fn an_adopter_gets_from_nothing_to_a_signed_change() {
    let github = GitHub::start();
    github.set_now(chrono::Utc::now().into());
    let carol = github.desk("carol");
    carol.git(&["rm", "--quiet", "-r", "."]);
    carol.write("README.md", "# Operations\n");
    carol.commit("Begin");
    carol.send(&["HEAD:main"]);

    // In a clone of the repository: what is written, committed, and pushed.
    let own =
        |arguments: &[&str]| changegate(&carol, &github, &github.token_of("carol"), arguments);
    own(&[&["init", "--github"], &PEOPLE[..]].concat()).went_well();
    carol.commit("Add changegate");
    carol.push(&["HEAD:main"]).went_well();
    own(&["test"]).ended(0, &[]);

    // What doctor asks for is turned on, and it has nothing left to say.
    own(&["doctor"]).ended(
        1,
        &[
            "the status `changegate` isn't required",
            "fix: Settings → Rules",
            "there is no branch audit/ledger",
            "audit/evidence lacks the rules `deletion`, `non_fast_forward` and",
        ],
    );
    own(&["init", "--ledger"]).ended(0, &["began the ledger"]);
    Well::default().protect(&github);
    own(&["doctor"]).ended(0, &[]);

    // Alice opens an issue from the form, and the pull request by the link in the answer.
    let issue = github.open_issue();
    let alice = json!({"login": "alice", "id": 101, "type": "User"});
    let event = json!({
        "action": "opened",
        "issue": {
            "number": issue, "state": "open", "user": alice, "body": body(&[("Affected services", "checkout")]),
            "author_association": "COLLABORATOR", "labels": [{"name": "change-request"}],
        },
        "repository": {"full_name": "acme/ops", "default_branch": "main"},
        "sender": alice,
    });
    let file = carol.folder.join(".git/event.json");
    fs::write(&file, event.to_string()).unwrap();
    let arguments = ["form", "--event", file.to_str().unwrap()];
    let form = changegate(&carol, &github, &github.token(), &arguments);
    form.ended(0, &["CHG-1 is on the branch"]);
    let (_, told) = github.comments(issue).remove(0);
    assert!(told.contains("/acme/ops/compare/main...change/CHG-1?expand=1"), "{told}");
    let pull = github.open_pull("alice", "change/CHG-1", "main");

    // It waits for somebody, they approve, and it may be merged.
    let number = pull.to_string();
    let judge = || as_workflow(&github, &["check", "--pr", &number]);
    judge().ended(3, &["PENDING  high risk"]);
    let (state, description) = answer(&github, pull);
    assert_eq!(state, "pending");
    assert!(description.starts_with("waits for L2 or L3 (bob, carol or heidi)"), "{description}");
    github.advance("5m");
    github.review(pull, "bob", "APPROVED");
    judge().ended(0, &["signed off by bob (L2)"]);
    assert_eq!(answer(&github, pull).0, "success");
    assert!(
        github.git(&["log", "-1", "--format=%s", "audit/ledger"]).starts_with("approved: CHG-1")
    );
}
