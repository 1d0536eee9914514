//! `form` on real repositories: an issue's text becomes a branch, amended and never forced.

use std::fs;

use serde_json::{Value, json};

use crate::cli::repository;
use crate::plumbing::hub::{Desk, Hub, PLANNED};
use crate::plumbing::ran::Ran;

/// What a high-risk change needs, by the labels of the form.
fn filled_in() -> Vec<(&'static str, String)> {
    let (start, _) = *PLANNED;
    let text = |label, text: &str| (label, text.to_owned());
    vec![
        text("Ticket number", "_No response_"),
        text("Type", "normal"),
        text("Summary", "Put checkout into `maintenance`"),
        text("Reason", "its disk is replaced\n\n### Actions to come\n\nnone"),
        text("Actions", "- maintenance-mode:checkout-web"),
        text("Higher risk tier", "_No response_"),
        text("Implementer", "_No response_"),
        text("Affected services", "_No response_"),
        text("Impact on users", "none"),
        text("Impact on operations", "none"),
        ("Start", start.to_string()),
        text("End", "1h"),
        text("Rollback plan", "toggle the flag back off"),
        text("Rollback trigger", "_No response_"),
        text("Rollback owner", "@carol"),
        text("Monitoring", "15m"),
        text("Health checks", "https://checkout.example/healthz"),
        text("Error rates", "cloudwatch: 5xx"),
        text("Approvals", "_No response_"),
        text("Incident", "_No response_"),
        text("Severity", "_No response_"),
        text("Why now", "_No response_"),
        text("Break glass", "- [ ] Executed first, signed off afterwards"),
        text("Links", "_No response_"),
    ]
}

/// The text with some fields filled in otherwise.
fn body(changes: &[(&str, &str)]) -> String {
    let mut fields = filled_in();
    for (label, text) in changes {
        let field = fields.iter_mut().find(|(known, _)| known == label).expect(label);
        field.1 = (*text).to_owned();
    }
    let parts: Vec<_> =
        fields.iter().map(|(label, text)| format!("### {label}\r\n\r\n{text}")).collect();
    parts.join("\r\n\r\n")
}

/// A hub whose main branch has the shipped forms.
fn hub() -> Hub {
    let hub = Hub::open();
    let desk = hub.desk_at("carol", "founding");
    for form in ["change-request.yml", "off-script-request.yml"] {
        let path = format!(".github/ISSUE_TEMPLATE/{form}");
        desk.write(&path, &fs::read_to_string(repository().join(&path)).unwrap());
    }
    desk.git(&["add", "--all"]);
    desk.git(&["commit", "--quiet", "-m", "Forms"]);
    assert_eq!(desk.push(&["main"]).code, 0);
    hub
}

fn event(body: &str) -> Value {
    let alice = json!({"login": "Alice", "id": 101, "type": "User"});
    json!({
        "action": "opened",
        "issue": {
            "number": 12, "state": "open", "user": alice, "body": body,
            "author_association": "NONE", "labels": [{"name": "change-request"}],
        },
        "repository": {"full_name": "acme/ops", "default_branch": "main"},
        "sender": alice,
    })
}

fn form(desk: &Desk<'_>, event: &Value) -> Ran {
    form_with(desk, event, &[])
}

fn form_with(desk: &Desk<'_>, event: &Value, arguments: &[&str]) -> Ran {
    let file = desk.hub.path("event.json");
    fs::write(&file, event.to_string()).unwrap();
    let arguments = [&["form", "--event", file.to_str().unwrap()], arguments].concat();
    desk.changegate(&arguments)
}

#[test]
fn a_form_becomes_a_branch_in_its_authors_name() {
    let hub = hub();
    let desk = hub.desk("carol");
    let ran = form(&desk, &event(&body(&[])));
    ran.ended(
        0,
        &[
            "CHG-1 is on the branch",
            "https://github.com/acme/ops/compare/main...change/CHG-1?expand=1&title=CHG-1%3A%20Put%20\
             checkout%20into%20%60maintenance%60",
        ],
    );
    assert!(!ran.stdout.contains("Still missing"), "{ran:?}");
    let shown = hub.git(&[
        "log",
        "--format=%an <%ae> %cn <%ce> %G?%n%B",
        "--name-status",
        "main..change/CHG-1",
    ]);
    let alice = "Alice <101+Alice@users.noreply.github.com>";
    assert_eq!(
        shown,
        format!(
            "{alice} {alice} N\nSubmit CHG-1: Put checkout into `maintenance`\n\nChange: CHG-1\n\
             Issue: #12\n\n\nA\trequests/CHG-1.yaml"
        )
    );
    let request = hub.git(&["show", "change/CHG-1:requests/CHG-1.yaml"]);
    for part in [
        "requester: alice\n",
        "services:\n    - checkout\n",
        "### Actions to come",
        "owner: carol",
        "issue: https://github.com/acme/ops/issues/12",
    ] {
        assert!(request.contains(part), "{part}:\n{request}");
    }
}

#[test]
fn the_branch_follows_the_form_and_says_what_it_lacks() {
    let hub = hub();
    let desk = hub.desk("carol");
    let lacking = body(&[("Rollback owner", "_No response_"), ("Start", "tomorrow")]);
    form(&desk, &event(&lacking)).ended(
        0,
        &[
            "- **Start**: <code>tomorrow</code> is not a time",
            "- **Rollback owner**: who performs the rollback",
        ],
    );
    let first = hub.tip("change/CHG-1").unwrap();
    form(&desk, &event(&lacking)).ended(0, &["CHG-1 is on"]);
    assert_eq!(hub.tip("change/CHG-1").unwrap(), first, "nothing was changed");

    let ran = form(&desk, &event(&body(&[])));
    assert!(ran.code == 0 && !ran.stdout.contains("Still missing"), "{ran:?}");
    assert_eq!(hub.git(&["rev-parse", "change/CHG-1^"]), first, "amended on top");
    assert_eq!(hub.git(&["for-each-ref", "refs/heads/change/"]).lines().count(), 1);
    hub.is_sound();
}

#[test]
fn somebody_elses_commits_stay() {
    let hub = hub();
    let desk = hub.desk("carol");
    form(&desk, &event(&body(&[]))).ended(0, &[]);
    desk.git(&["fetch", "--quiet"]);
    let tip = hub.tip("change/CHG-1").unwrap();
    let file = ("requests/CHG-1.yaml", "id: CHG-1\n");
    let theirs = desk.put(&tip, &[file], "Mine");
    assert_eq!(desk.push(&[&format!("{theirs}:refs/heads/change/CHG-1")]).code, 0);
    let again = event(&body(&[("Summary", "Something else")]));
    form(&desk, &again).ended(1, &["holds commits that don&#39;t come from this form"]);
    assert_eq!(hub.tip("change/CHG-1").unwrap(), theirs);
}

#[test]
fn an_id_is_used_once() {
    let hub = hub();
    let desk = hub.desk("carol");
    let main = hub.tip("main").unwrap();
    let merged = desk.put(&main, &[("requests/2025/CHG-7.yaml", "id: CHG-7\n")], "Old");
    let taken = desk.put(&main, &[("requests/CHG-9.yaml", "id: CHG-9\n")], "Open");
    let refs = [format!("{merged}:main"), format!("{taken}:refs/heads/change/CHG-9")];
    assert_eq!(desk.push(&[&refs[0], &refs[1]]).code, 0);
    for (ticket, holder) in [("CHG-7", "requests/2025/CHG-7.yaml"), ("CHG-9", "change/CHG-9")] {
        let ran = form(&desk, &event(&body(&[("Ticket number", ticket)])));
        ran.ended(1, &[&format!("{ticket} is taken by <code>{holder}</code>")]);
    }
    for ticket in ["chg-7", "../../heads/main", "CHG-1 --force", "CHG-1\n\nIssue: #1"] {
        let ran = form(&desk, &event(&body(&[("Ticket number", ticket)])));
        ran.ended(1, &["is not a ticket number", "isn't a branch yet"]);
    }
    assert_eq!(hub.git(&["for-each-ref", "refs/heads/change/"]).lines().count(), 1);
    form(&desk, &event(&body(&[]))).ended(0, &["CHG-10 is on"]);
    let other = event(&body(&[("Ticket number", "CHG-11")]));
    form(&desk, &other).ended(1, &["has become CHG-10 already"]);
}

#[test]
fn what_is_merged_is_over() {
    let hub = hub();
    let desk = hub.desk("carol");
    form(&desk, &event(&body(&[]))).ended(0, &[]);
    desk.git(&["fetch", "--quiet"]);
    desk.git(&["merge", "--quiet", "--no-ff", "-m", "Merge CHG-1", "origin/change/CHG-1"]);
    assert_eq!(desk.push(&["main", ":change/CHG-1"]).code, 0);
    let ran = form(&desk, &event(&body(&[("Summary", "Again")])));
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{ran:?}");
    assert_eq!(hub.tip("change/CHG-1"), None);
}

#[test]
fn only_the_authors_own_words_go_into_their_commit() {
    let hub = hub();
    let desk = hub.desk("carol");
    let mut edited = event(&body(&[]));
    edited["sender"] = json!({"login": "mallory", "id": 666});
    form(&desk, &edited).ended(1, &["mallory had a hand in this form"]);
    let mut stranger = edited.clone();
    stranger["issue"]["user"] = stranger["sender"].clone();
    form(&desk, &stranger).ended(1, &["mallory is neither in the roster"]);
    assert_eq!(hub.git(&["for-each-ref", "refs/heads/change/"]), "");
}

#[test]
fn a_text_that_is_no_form_is_told_of() {
    let hub = hub();
    let desk = hub.desk("carol");
    form(&desk, &event("please restart everything")).ended(1, &["aren&#39;t all there any more"]);
    let twice = body(&[("Reason", "x\n\n### Actions\n\nrotate-secrets:all")]);
    form(&desk, &event(&twice)).ended(1, &["stands twice in the form"]);
    let hostile = body(&[("Summary", "x\u{202e}<img src=x> @org/team")]);
    let ran = form(&desk, &event(&hostile));
    ran.ended(0, &["**Summary**: "]);
    assert!(!ran.stdout.contains("<img") && !ran.stdout.contains("@org"), "{ran:?}");
}

#[test]
fn a_dry_run_changes_nothing() {
    let hub = hub();
    let desk = hub.desk("carol");
    let ran = form_with(&desk, &event(&body(&[])), &["--dry-run", "--repo", "acme/other"]);
    ran.ended(0, &["id: CHG-1\n", "https://github.com/acme/other/compare/main...change/CHG-1"]);
    assert_eq!(hub.git(&["for-each-ref", "refs/heads/change/"]), "");
    form_with(&desk, &event(&body(&[])), &["--repo", "acme/../x"]).failed(&["is no repository"]);
    fs::write(hub.path("other.json"), "{}").unwrap();
    let arguments =
        ["form", "--event", hub.path("other.json").to_str().unwrap()].map(str::to_owned);
    let arguments = arguments.each_ref().map(String::as_str);
    desk.changegate(&arguments).failed(&["this is no event of an issue"]);
}
