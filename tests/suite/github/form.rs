//! `form`: an issue's text becomes a branch, amended and never forced, and gets an answer.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::office::command;
use crate::plumbing::github::{Fault, GitHub};
use crate::plumbing::hub::PLANNED;
use crate::plumbing::ran::{Ran, sheltered};

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

/// The issue's text with some fields filled in otherwise.
pub fn body(changes: &[(&str, &str)]) -> String {
    let mut fields = filled_in();
    for (label, text) in changes {
        let field = fields.iter_mut().find(|(known, _)| known == label).expect(label);
        field.1 = (*text).to_owned();
    }
    let parts: Vec<_> =
        fields.iter().map(|(label, text)| format!("### {label}\r\n\r\n{text}")).collect();
    parts.join("\r\n\r\n")
}

/// A server with an issue of alice's, and the clone in which a workflow runs.
struct Town {
    github: GitHub,
    issue: u64,
    dir: TempDir,
}

impl Town {
    fn new() -> Self {
        let github = GitHub::start();
        github.set_now(chrono::Utc::now().into());
        let town = Town { issue: github.open_issue(), github, dir: tempfile::tempdir().unwrap() };
        let origin = format!("{}/acme/ops.git", town.github.url());
        town.git(&["init", "--quiet", "-b", "main"]);
        town.git(&["remote", "add", "origin", &origin]);
        town
    }

    /// git in the clone.
    fn git(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("git");
        command.args(arguments).current_dir(&self.dir).env("HOME", self.dir.path());
        Ran::of(sheltered(&mut command), "").went_well().trim().to_owned()
    }

    /// The tips of the branches that changes have.
    fn branches(&self) -> Vec<String> {
        let folder = self.github.with(|state| state.ops().folder.clone());
        let arguments =
            ["--git-dir", folder.to_str().unwrap(), "for-each-ref", "--format=%(refname)"];
        let listed = self.git(&[&arguments[..], &["refs/heads/change/"]].concat());
        listed.lines().map(str::to_owned).collect()
    }

    /// What happens when alice opens the issue with this text.
    fn event(&self, body: &str) -> Value {
        let alice = json!({"login": "alice", "id": 101, "type": "User"});
        json!({
            "action": "opened",
            "issue": {
                "number": self.issue, "state": "open", "user": alice, "body": body,
                "author_association": "NONE", "labels": [{"name": "change-request"}],
            },
            "repository": {"full_name": "acme/ops", "default_branch": "main"},
            "sender": alice,
        })
    }

    fn fill_in(&self, changes: &[(&str, &str)]) -> Ran {
        self.form(&self.event(&body(changes)))
    }

    fn form(&self, event: &Value) -> Ran {
        self.form_with(event, &[])
    }

    fn form_with(&self, event: &Value, arguments: &[&str]) -> Ran {
        let file = self.dir.path().join("event.json");
        fs::write(&file, event.to_string()).unwrap();
        self.changegate(&[&["form", "--event", file.to_str().unwrap()], arguments].concat())
    }

    /// The program where a workflow runs.
    fn changegate(&self, arguments: &[&str]) -> Ran {
        let mut command = command(&self.github);
        command
            .args(arguments)
            .current_dir(&self.dir)
            .env("HOME", self.dir.path())
            .env("GITHUB_SERVER_URL", self.github.url())
            .env_remove("GITHUB_REPOSITORY");
        Ran::of(&mut command, "")
    }

    /// The one answer on the issue.
    #[track_caller]
    fn answer(&self) -> String {
        let mut comments = self.github.comments(self.issue);
        assert_eq!(comments.len(), 1, "{comments:#?}");
        let (by, text) = comments.remove(0);
        assert_eq!(by, "github-actions[bot]");
        text
    }
}

#[test]
fn a_form_becomes_a_branch_in_its_authors_name() {
    let town = Town::new();
    town.fill_in(&[]).ended(0, &["CHG-1 is on the branch"]);
    let answer = town.answer();
    let link = format!(
        "{}/acme/ops/compare/main...change/CHG-1?expand=1&title=CHG-1%3A%20Put%20checkout%20into%20\
         %60maintenance%60)",
        town.github.url()
    );
    assert!(answer.contains(&link) && !answer.contains("Still missing"), "{answer}");
    let format = "--format=%an <%ae> %cn <%ce> %G?%n%B";
    let shown = town.git(&["log", format, "--name-status", "origin/main..origin/change/CHG-1"]);
    let alice = "alice <101+alice@users.noreply.127.0.0.1>";
    assert_eq!(
        shown,
        format!(
            "{alice} {alice} N\nSubmit CHG-1: Put checkout into `maintenance`\n\nChange: CHG-1\n\
             Issue: #{}\n\n\nA\trequests/CHG-1.yaml",
            town.issue
        )
    );
    let request = town.git(&["show", "origin/change/CHG-1:requests/CHG-1.yaml"]);
    let page = format!("issue: {}/acme/ops/issues/{}", town.github.url(), town.issue);
    for part in [
        "requester: alice\n",
        "services:\n    - checkout\n",
        "### Actions to come",
        "owner: carol",
        page.as_str(),
    ] {
        assert!(request.contains(part), "{part}:\n{request}");
    }
}

#[test]
fn its_pull_request_is_judged_as_its_authors() {
    let town = Town::new();
    town.fill_in(&[]).ended(0, &[]);
    let pull = town.github.open_pull("alice", "change/CHG-1", "main");
    let arguments = ["check", "--pr", &pull.to_string(), "--repo", "acme/ops"];
    let ran = town.changegate(&arguments);
    ran.ended(3, &["PENDING  high risk", "L2 or L3"]);
    let status = town.github.status(&town.github.head(pull), "changegate");
    assert_eq!(status.state, "pending");
}

#[test]
fn the_branch_follows_the_form_and_the_answer_says_what_it_lacks() {
    let town = Town::new();
    let lacking = [("Rollback owner", "_No response_"), ("Start", "tomorrow")];
    town.fill_in(&lacking).ended(0, &[]);
    for part in [
        "- **Start**: <code>tomorrow</code> is not a time",
        "- **Rollback owner**: who performs the rollback",
    ] {
        assert!(town.answer().contains(part), "{part}:\n{}", town.answer());
    }
    let first = town.github.tip("change/CHG-1").unwrap();
    town.fill_in(&lacking).ended(0, &[]);
    assert_eq!(town.github.tip("change/CHG-1").unwrap(), first, "nothing was changed");

    town.fill_in(&[]).ended(0, &[]);
    assert!(!town.answer().contains("Still missing"), "{}", town.answer());
    assert_eq!(town.git(&["rev-parse", "origin/change/CHG-1^"]), first, "amended on top");
    assert_eq!(town.branches().len(), 1);
}

#[test]
fn a_form_that_can_t_be_judged_is_answered() {
    let town = Town::new();
    let broken =
        ("policies/rules/broken/broken.rego", "package changegate.rules.broken\n\nx := {\n");
    town.github.commit("carol", "main", &[broken], "Broken");
    town.fill_in(&[]).ended(2, &["can't be used"]);
    let answer = town.answer();
    assert!(answer.contains("This form couldn't be judged"), "{answer}");
    assert!(answer.contains("broken.rego") && town.branches().is_empty(), "{answer}");
    town.github.commit(
        "carol",
        "main",
        &[(broken.0, "package changegate.rules.broken\n\nfindings := []\n")],
        "Mend",
    );
    town.fill_in(&[]).ended(0, &["CHG-1 is on the branch"]);
}

#[test]
fn somebody_elses_commits_stay() {
    let town = Town::new();
    town.fill_in(&[]).ended(0, &[]);
    let theirs =
        town.github.commit("carol", "change/CHG-1", &[("requests/CHG-1.yaml", "id: CHG-1\n")], "x");
    town.fill_in(&[("Summary", "Something else")]).ended(1, &[]);
    assert!(town.answer().contains("has commits that don&#39;t come from this form"));
    assert!(town.answer().contains("[Open the pull request]"), "the way there stays");
    assert_eq!(town.github.tip("change/CHG-1").unwrap(), theirs);
}

#[test]
fn an_open_pull_request_does_not_follow_the_form() {
    let town = Town::new();
    town.fill_in(&[]).ended(0, &[]);
    let tip = town.github.tip("change/CHG-1");
    let pull = town.github.open_pull("alice", "change/CHG-1", "main");
    let link = format!("[Its pull request]({}/acme/ops/pull/{pull})", town.github.url());
    town.fill_in(&[("Summary", "Something else")]).ended(1, &[]);
    assert_eq!(town.github.tip("change/CHG-1"), tip);
    let answer = town.answer();
    let why = "edit the request there instead";
    assert!(answer.contains(&link) && answer.contains(why), "{answer}");

    town.fill_in(&[]).ended(0, &[&link]);
    assert!(!town.answer().contains(why), "the branch holds what the form says");
    town.form(&town.event("anything else")).ended(1, &[&link, why]);

    town.github.close(pull, "alice");
    town.fill_in(&[("Summary", "Something else")]).ended(0, &["[Open the pull request]"]);
    assert_ne!(town.github.tip("change/CHG-1"), tip);
}

#[test]
fn a_stranger_s_branch_of_the_same_name_stops_no_form() {
    let town = Town::new();
    town.fill_in(&[]).ended(0, &[]);
    town.github.fork("mallory");
    town.github.commit("mallory", "mallory:change/CHG-1", &[("x", "x")], "x");
    town.github.open_pull("mallory", "mallory:change/CHG-1", "main");
    town.fill_in(&[("Summary", "Something else")]).ended(0, &["[Open the pull request]"]);
}

#[test]
fn an_id_is_used_once() {
    let town = Town::new();
    town.github.commit("carol", "main", &[("requests/2025/CHG-7.yaml", "id: CHG-7\n")], "Old");
    town.github.commit("carol", "change/CHG-9", &[("requests/CHG-9.yaml", "id: CHG-9\n")], "Open");
    for (ticket, holder) in [("CHG-7", "requests/2025/CHG-7.yaml"), ("CHG-9", "change/CHG-9")] {
        town.fill_in(&[("Ticket number", ticket)]).ended(1, &[]);
        let taken = format!("{ticket} is taken by <code>{holder}</code>");
        assert!(town.answer().contains(&taken), "{}", town.answer());
    }
    for ticket in ["chg-7", "../../heads/main", "CHG-1 --force", "CHG-1\n\nIssue: #1"] {
        town.fill_in(&[("Ticket number", ticket)]).ended(1, &["is not a ticket number"]);
        assert!(
            town.answer().contains("There is no branch for this form yet"),
            "{}",
            town.answer()
        );
    }
    assert_eq!(town.branches().len(), 1);
    town.fill_in(&[]).ended(0, &["CHG-10 is on"]);
    town.fill_in(&[("Ticket number", "CHG-11")]).ended(1, &["has become CHG-10 already"]);
}

#[test]
fn what_is_merged_is_over() {
    let town = Town::new();
    town.fill_in(&[]).ended(0, &[]);
    let pull = town.github.open_pull("alice", "change/CHG-1", "main");
    town.github.merge(pull, "carol");
    town.github.delete_branch("carol", "change/CHG-1");
    let answer = town.answer();
    let ran = town.fill_in(&[("Summary", "Again")]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{ran:?}");
    assert!(town.branches().is_empty());
    assert_eq!(town.answer(), answer);
}

#[test]
fn only_the_authors_own_words_go_into_their_commit() {
    let town = Town::new();
    let mut edited = town.event(&body(&[]));
    edited["sender"] = json!({"login": "mallory", "id": 666});
    town.form(&edited).ended(1, &["alice has to read it, change anything in it, and save it"]);
    let mut stranger = edited.clone();
    stranger["issue"]["user"] = stranger["sender"].clone();
    town.form(&stranger).ended(1, &["mallory is neither in the roster"]);
    assert!(town.branches().is_empty());

    town.fill_in(&[]).ended(0, &[]);
    let (answer, tip) = (town.answer(), town.github.tip("change/CHG-1"));
    edited["issue"]["body"] = body(&[("Actions", "rotate-secrets:all")]).into();
    edited["action"] = "labeled".into();
    town.form(&edited).ended(0, &[]);
    edited["sender"] = edited["issue"]["user"].clone();
    town.form(&edited).ended(0, &[]);
    assert_eq!(town.answer(), answer, "a label says nothing");
    edited["sender"] = json!({"login": "mallory", "id": 666});
    edited["action"] = "edited".into();
    edited["changes"] = json!({"body": {"from": body(&[])}});
    town.form(&edited).ended(1, &["somebody else may have edited it"]);
    assert!(town.answer().contains("[Open the pull request]"), "the way there stays");
    assert_eq!(town.github.tip("change/CHG-1"), tip);
}

#[test]
fn a_text_that_is_no_form_is_told_of() {
    let town = Town::new();
    town.form(&town.event("please restart everything"))
        .ended(1, &["are missing or in another order"]);
    let twice = [("Reason", "x\n\n### Actions\n\nrotate-secrets:all")];
    town.fill_in(&twice).ended(1, &["appears twice in the form"]);
    town.fill_in(&[("Summary", "x\u{202e}<img src=x> @org/team")]).ended(0, &["**Summary**: "]);
    let answer = town.answer();
    assert!(!answer.contains("<img") && !answer.contains("@org"), "{answer}");
}

#[test]
fn somebody_elses_comment_is_left_alone() {
    let town = Town::new();
    let theirs = "<!-- changegate:form -->\nOpen https://evil.example instead";
    town.github.comment(town.issue, "mallory", theirs);
    town.fill_in(&[]).ended(0, &[]);
    town.fill_in(&[("Summary", "Another")]).ended(0, &[]);
    let comments = town.github.comments(town.issue);
    assert_eq!(comments.len(), 2);
    assert_eq!(comments[0].1, theirs);
    assert!(comments[1].1.contains("CHG-1%3A%20Another"), "{comments:#?}");
}

#[test]
fn an_answer_of_which_nobody_knows_is_written_once() {
    let town = Town::new();
    town.github.fail(Fault::status(502).on("POST", "/comments").after_effect());
    town.fill_in(&[]).ended(0, &[]);
    assert!(town.github.has_failed());
    assert!(town.answer().contains("CHG-1 is on"));
    town.github.heal();
    town.github.fail(Fault::status(404).on("PATCH", "/issues/comments/").always());
    town.fill_in(&[("Summary", "Another")]).failed(&["issues/comments"]);
}

#[test]
fn a_dry_run_changes_nothing() {
    let town = Town::new();
    town.git(&[
        "pull",
        "--quiet",
        &town.github.with(|it| it.ops().folder.display().to_string()),
        "main",
    ]);
    town.git(&["remote", "remove", "origin"]);
    let event = town.event(&body(&[]));
    let ran = town.form_with(&event, &["--dry-run", "--repo", "acme/other"]);
    ran.ended(0, &["id: CHG-1\n", "/acme/other/compare/main...change/CHG-1"]);
    assert!(town.branches().is_empty() && town.github.comments(town.issue).is_empty());
    town.form_with(&event, &["--repo", "acme/../x"]).failed(&["is not a valid repository name"]);
    town.form(&json!({"zen": "x"})).failed(&["this is not the event of an issue"]);
}
