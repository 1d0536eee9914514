//! The night of an incident on GitHub: break-glass from the open pull request, and its sign-offs afterwards.

use std::path::{Path, PathBuf};
use std::process::Command;

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};

use super::executing::{Shop, text};

use super::ledger::{LEDGER, verify};
use super::office::{answer, changegate, command, request_of};
use crate::plumbing::github::Fault;
use crate::plumbing::hub::{Ran, program};
use crate::plumbing::ran::sheltered;

impl Shop {
    /// The next jobs are deployments that somebody starts.
    fn deploys(&self, login: &str, id: u64) {
        self.issuer.job(&json!({
            "repository": "acme/shop", "repository_id": "8123", "environment": "production",
            "workflow_ref": "acme/shop/.github/workflows/deploy.yml@refs/heads/main",
            "event_name": "workflow_dispatch", "actor": login, "actor_id": id.to_string(),
        }));
    }

    /// Somebody fills in the form of the workflow `change-record`.
    fn says(&self, login: &str, id: u64, words: &str) -> Ran {
        let own = self.github.with(|state| state.ops().id).to_string();
        self.issuer.job(&json!({
            "repository": "acme/ops", "repository_id": own, "environment": null,
            "workflow_ref": "acme/ops/.github/workflows/change-record.yml@refs/heads/main",
            "event_name": "workflow_dispatch", "actor": login, "actor_id": id.to_string(),
        }));
        let file = self.folder.path().join("event.json");
        std::fs::write(&file, json!({"inputs": {"command": words}}).to_string()).unwrap();
        self.github.set_now(Utc::now().into());
        let mut command = command(&self.github);
        command.arg("comment").arg("--event").arg(&file).current_dir(self.folder.path());
        command.env("XDG_CACHE_HOME", self.folder.path().join("caches"));
        command.env("GITHUB_EVENT_NAME", "workflow_dispatch").env("GITHUB_EVENT_PATH", &file);
        Ran::of(command.envs(self.issuer.environment()), "")
    }

    /// An emergency of alice's that a DevOps lead signs as well.
    fn emergency() -> String {
        request_of("alice", "edge-fra-1")
            .replace("id: CHG-7", "id: INC-042\ntype: emergency")
            .replace("2026-11-23T22:15:00Z", &text(-10))
            .replace("2026-11-23T22:30:00Z", &text(50))
            + "approvals: [{role: devops-lead}]\n"
            + "emergency: {incident: INC-042, severity: P1, why_now: 61000 logins, break_glass: true}\n"
    }

    /// Alice opens its pull request; its number.
    fn breaks_glass(&self) -> u64 {
        let request = Self::emergency();
        let files = [("requests/INC-042.yaml", request.as_str())];
        self.github.set_now((Utc::now() - TimeDelta::seconds(5)).into());
        self.github.commit("alice", "change/INC-042", &files, "Submit INC-042");
        self.github.open_pull("alice", "change/INC-042", "main")
    }

    /// The program as a deployment, which keeps nothing of what others fetched.
    fn runs(&self, more: &[&str]) -> Ran {
        let caches = tempfile::tempdir().unwrap();
        self.runs_at(caches.path(), more)
    }

    fn runs_at(&self, caches: &Path, more: &[&str]) -> Ran {
        self.github.set_now(Utc::now().into());
        let mut command = command(&self.github);
        command.args(["exec", "INC-042", "--repo", "acme/ops"]).args(more).args(["--", "true"]);
        command.current_dir(self.folder.path()).env("XDG_CACHE_HOME", caches);
        Ran::of(command.envs(self.issuer.environment()), "")
    }

    /// A shop with a ledger, and the key that its workflows record with.
    fn recorded(keys: &Path) -> (Self, PathBuf) {
        let key = keys.join("ledger");
        let arguments = ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"];
        Ran::of(Command::new("ssh-keygen").args(arguments).arg(&key), "").went_well();
        let public = std::fs::read_to_string(key.with_extension("pub")).unwrap();
        let writers = format!("writers: [{{name: actions, key: {}}}]", public.trim());
        let ledger = format!("ledger: {{on: true, origin: github.example/acme/ops, {writers}}}");
        (Self::open_with(&ledger), key)
    }

    fn declares(&self) {
        let words = "incident open INC-042 --severity P1 --service edge --summary '61000 logins'";
        self.says("dan", 104, words).ended(0, &["recorded opened INC-042"]);
    }

    /// The comment on a pull request about what was executed.
    fn told(&self, pull: u64) -> String {
        let comments = self.github.comments(pull).into_iter().map(|(_, body)| body);
        comments.filter(|body| body.contains("<!-- changegate:executed -->")).collect()
    }
}

#[test]
fn an_emergency_is_executed_from_its_open_pull_request_and_signed_afterwards() {
    let keys = tempfile::tempdir().unwrap();
    let (shop, key) = Shop::recorded(keys.path());
    let github = &shop.github;
    let workflow = |arguments: &[&str]| {
        let mut command = command(github);
        command.env("GITHUB_ACTIONS", "true").env("CHANGEGATE_LEDGER_KEY", &key);
        Ran::of(command.args(arguments), "")
    };
    let number = |pull: u64| pull.to_string();
    let check =
        |pull| workflow(&["check", "--pr", &number(pull), "--now", &github.now().to_string()]);
    let sweep = || workflow(&["sweep", "--now", &github.now().to_string()]);
    shop.begins();
    github.set_now(Utc::now().into());
    workflow(&["init", "--ledger"]).ended(0, &["began the ledger"]);
    shop.declares();
    let pull = shop.breaks_glass();
    shop.deploys("alice", 101);
    shop.runs(&[]).ended(203, &["execute/not-merged"]);
    shop.runs(&["--break-glass"]).ended(203, &["emergency/commander"]);
    github.review(pull, "carol", "APPROVED");
    let objection = github.review(pull, "dan", "CHANGES_REQUESTED");
    shop.runs(&["--break-glass"]).ended(201, &["execute/not-merged"]);
    github.dismiss(pull, objection, "carol");
    shop.deploys("mallory", 666);
    shop.runs(&["--break-glass"]).ended(201, &["mallory, whose id on GitHub is 666"]);
    shop.deploys("carol", 103);
    shop.runs(&["--break-glass"]).ended(201, &["execute/approver"]);
    shop.deploys("alice", 101);
    shop.runs(&["--break-glass"]).ended(0, &[]);

    let events = shop.events_of("INC-042");
    let (begin, approval) = (&events[0], &events[0]["approval"]);
    assert_eq!((&begin["by"], &begin["for"]), (&json!("machine:deploy-prod"), &json!("alice")));
    assert_eq!((&approval["proof"], &approval["at"]), (&json!("open"), &json!(github.head(pull))));
    assert_eq!(approval["signed_by"], json!(["carol"]), "{approval}");
    assert_eq!(approval["owed"][0]["role"], "devops-lead", "{approval}");
    assert_eq!(events[1]["result"], "done");

    // The pull request says so, and waits for who has yet to sign.
    check(pull).ended(3, &[]);
    let (state, description) = answer(github, pull);
    assert_eq!(state, "pending", "{description}");
    assert!(
        description
            .starts_with("executed under break-glass; owes devops-lead (bob or grace) until "),
        "{description}"
    );
    sweep().ended(0, &["pull requests of executed changes: 1"]);
    let told = shop.told(pull);
    assert!(told.contains("**INC-042** is executed"), "{told}");
    assert!(told.contains("- owed: payments owes devops-lead, due "), "{told}");
    assert!(told.contains("`/changegate verify`"), "{told}");
    // The ledger saw the log where it is.
    let entry: Value =
        serde_json::from_str(&github.git(&["show", &format!("{LEDGER}:entry.json")])).unwrap();
    let seen = &entry["predicate"]["operations"];
    assert_eq!(seen["tip"], json!(github.tip("audit/operations").unwrap()), "{entry}");
    let auditor = github.desk("erin");
    let verified = || {
        auditor.git(&[
            "fetch",
            "--quiet",
            "--prune",
            "origin",
            "+refs/heads/*:refs/remotes/origin/*",
        ]);
        auditor.git(&["fetch", "--quiet", "origin", "+refs/pull/*/head:refs/pull/*"]);
        verify(&auditor).ended(0, &["\nverified\n"]);
    };
    verified();

    // A commander ends the incident, and the sign-off counts all the same, after the planned time.
    shop.says("dan", 104, "incident resolve INC-042").ended(1, &["it is up to"]);
    shop.says("carol", 103, "incident resolve INC-042").ended(0, &["recorded resolved INC-042"]);
    github.advance("2h");
    github.review(pull, "bob", "APPROVED");
    check(pull).ended(0, &[]);
    github.advance("1s");
    github.squash(pull, "bob");
    github.delete_branch("alice", "change/INC-042");
    github.advance("1m");
    sweep().ended(0, &["pull requests of executed changes: 1"]);
    let told = shop.told(pull);
    assert!(told.contains("- settled: payments owes devops-lead"), "{told}");
    let titles = github.git(&["log", "-1", "--format=%s", LEDGER]);
    assert!(titles.starts_with("merged: INC-042"), "{titles}");
    verified();
}

/// Failures 8: where GitHub's API is down and Git is up, the ledger proves what was approved.
#[test]
fn what_is_recorded_is_executed_while_the_api_is_down() {
    let keys = tempfile::tempdir().unwrap();
    let (shop, key) = Shop::recorded(keys.path());
    let github = &shop.github;
    let workflow = |arguments: &[&str]| {
        let mut command = command(github);
        command.env("GITHUB_ACTIONS", "true").env("CHANGEGATE_LEDGER_KEY", &key);
        let now = github.now().to_string();
        Ran::of(command.args(arguments).args(["--now", &now]), "")
    };
    github.set_now(Utc::now().into());
    let mut init = command(github);
    init.env("GITHUB_ACTIONS", "true").env("CHANGEGATE_LEDGER_KEY", &key);
    Ran::of(init.args(["init", "--ledger"]), "").ended(0, &["began the ledger"]);
    let pull = shop.submits("alice");
    github.set_now(Utc::now().into());
    github.review(pull, "bob", "APPROVED");
    workflow(&["check", "--pr", &pull.to_string()]).ended(0, &[]);
    github.advance("1s");
    github.merge(pull, "alice");
    github.advance("1s");
    workflow(&["sweep"]).went_well();
    shop.begins();
    let desk = github.desk("alice");
    let own = shop.folder.path().join("alice.pub");
    desk.git(&["config", "gpg.format", "ssh"]);
    desk.git(&["config", "user.signingkey", own.to_str().unwrap()]);
    for (method, pattern) in [("GET", "/repos/"), ("POST", "/repos/"), ("POST", "/graphql")] {
        github.fail(Fault::status(503).on(method, pattern).always());
    }
    let mut exec = desk.run(program().to_str().unwrap(), &["exec", "CHG-7", "--", "true"]);
    sheltered(&mut exec).env("GITHUB_API_URL", github.url());
    exec.env("GITHUB_TOKEN", github.token_of("alice")).env("NO_PROXY", "127.0.0.1");
    Ran::of(&mut exec, "").ended(0, &[]);
    let log = github.git(&["log", "--format=%s", "audit/operations"]);
    assert!(log.starts_with("end CHG-7: done\nbegin CHG-7"), "{log}");
}

/// Undoing what was executed under break-glass is asked of the squashed request, whose commits are gone.
#[test]
fn what_was_squashed_since_is_undone_by_who_signed_nothing() {
    let shop = Shop::open();
    let github = &shop.github;
    shop.begins();
    shop.declares();
    let pull = shop.breaks_glass();
    github.review(pull, "carol", "APPROVED");
    // A person with a key, in a clone of their own.
    let desk = github.desk("alice");
    let key = shop.folder.path().join("alice.pub");
    desk.git(&["config", "gpg.format", "ssh"]);
    desk.git(&["config", "user.signingkey", key.to_str().unwrap()]);
    let exec = |more: &[&str]| {
        github.set_now(Utc::now().into());
        let mut command = desk.run(program().to_str().unwrap(), &["exec", "INC-042"]);
        sheltered(&mut command).args(more).args(["--", "true"]);
        command.env("GITHUB_API_URL", github.url()).env("GITHUB_TOKEN", github.token_of("alice"));
        Ran::of(command.env("NO_PROXY", "127.0.0.1"), "")
    };
    exec(&[]).ended(203, &["execute/not-merged"]);
    exec(&["--break-glass"]).ended(0, &[]);
    let events = shop.events_of("INC-042");
    assert_eq!(events[0]["by"], "alice", "{events:?}");
    assert_eq!(events[0]["clock"]["source"], "local", "{events:?}");
    assert!(events[0]["clock"]["off_by"].is_string(), "{events:?}");

    github.review(pull, "bob", "APPROVED");
    github.squash(pull, "bob");
    github.delete_branch("alice", "change/INC-042");
    shop.deploys("alice", 101);
    shop.runs(&["--rollback"]).ended(201, &["alice may not roll it back"]);
    shop.deploys("dan", 104);
    shop.runs(&["--rollback"]).ended(0, &[]);
    let events = shop.events_of("INC-042");
    assert_eq!(events[2]["rollback"], true, "{events:?}");
    assert_eq!(events[2]["approval"]["proof"], "forge", "{events:?}");
}

/// 41: what was refused for good is owed no more.
#[test]
fn what_was_objected_to_and_closed_is_refused() {
    let shop = Shop::open();
    let github = &shop.github;
    shop.begins();
    shop.declares();
    let pull = shop.breaks_glass();
    github.review(pull, "carol", "APPROVED");
    shop.deploys("alice", 101);
    shop.runs(&["--break-glass"]).ended(0, &[]);
    let sweeps = |minutes: i64| {
        let mut command = command(github);
        command.args(["sweep", "--now", &text(minutes)]).current_dir(shop.folder.path());
        command.env("XDG_CACHE_HOME", shop.folder.path().join("caches"));
        Ran::of(&mut command, "").went_well();
        let comments = github.comments(pull).into_iter().map(|(_, body)| body);
        let debts = comments.filter(|body| body.contains("before it was signed off"));
        debts.collect::<Vec<_>>()
    };
    assert_eq!(sweeps(60 * 23), [""; 0]);
    // 40: after a day it is overdue, and who owes it is reminded once.
    for _ in 0..2 {
        let debts = sweeps(60 * 25);
        assert_eq!(debts.len(), 1, "{debts:?}");
        assert!(
            debts[0].contains("@alice: INC-042") && debts[0].contains("payments owes"),
            "{debts:?}"
        );
    }
    let other = shop.submits("bob");
    let judges = |minutes: i64| {
        let now = text(minutes);
        changegate(github, &["check", "--pr", &other.to_string(), "--now", &now])
    };
    judges(60 * 25).ended(1, &["emergency/debt-overdue"]);
    // What is in a clone alone doesn't say which were refused.
    let desk = github.desk("alice");
    let debts = || {
        let mut command = desk.run(program().to_str().unwrap(), &["list", "--debts"]);
        sheltered(&mut command).args(["--state", "all"]);
        command.env("GITHUB_API_URL", github.url()).env("GITHUB_TOKEN", github.token_of("alice"));
        Ran::of(command.env("NO_PROXY", "127.0.0.1"), "")
    };
    debts().ended(0, &["INC-042  owed"]);
    github.review(pull, "erin", "CHANGES_REQUESTED");
    github.close(pull, "alice");
    let judged = judges(60 * 25);
    assert!(!format!("{judged:?}").contains("emergency/debt-overdue"), "{judged:?}");
    debts().ended(0, &["INC-042  refused"]);
    github.delete_branch("alice", "change/INC-042");
    shop.as_job(&["verify", "INC-042", "--dry-run"]).ended(0, &["would watch for"]);
}

/// 39: a commander whom somebody heard, and who never confirms it, leaves a debt.
#[test]
fn an_approval_that_was_heard_and_never_confirmed_went_around() {
    let shop = Shop::open();
    let github = &shop.github;
    shop.begins();
    shop.declares();
    let desk = github.desk("alice");
    let key = shop.folder.path().join("alice.pub");
    desk.git(&["config", "gpg.format", "ssh"]);
    desk.git(&["config", "user.signingkey", key.to_str().unwrap()]);
    desk.write("requests/INC-042.yaml", &Shop::emergency());
    let run = |more: &[&str]| {
        github.set_now(Utc::now().into());
        let mut command = desk.run(program().to_str().unwrap(), more);
        sheltered(&mut command);
        command.env("GITHUB_API_URL", github.url()).env("GITHUB_TOKEN", github.token_of("alice"));
        Ran::of(command.env("NO_PROXY", "127.0.0.1"), "")
    };
    run(&["list"]).ended(0, &["INC-042"]);
    let heard = ["--offline", "--break-glass", "--commander", "carol", "--heard", "go"];
    run(&[&["exec", "INC-042"], &heard[..], &["--", "true"]].concat()).ended(0, &[]);
    run(&["sync"]).ended(0, &["brought begin INC-042"]);
    let pull = github.open_pull("alice", "change/INC-042", "main");
    let sweeps = |minutes: i64| {
        let mut command = command(github);
        command.args(["sweep", "--now", &text(minutes)]).current_dir(shop.folder.path());
        command.env("XDG_CACHE_HOME", shop.folder.path().join("caches"));
        Ran::of(&mut command, "").went_well();
        let comments = github.comments(pull).into_iter().map(|(_, body)| body);
        comments.collect::<String>()
    };
    assert!(!sweeps(60 * 23).contains("before it was signed off"));
    let told = sweeps(60 * 25);
    assert!(told.contains("before it was signed off"), "{told}");
    assert!(told.contains("- overdue: payments owes"), "{told}");
    let mut list = desk.run(program().to_str().unwrap(), &["list", "--debts"]);
    sheltered(&mut list).args(["--now", &text(60 * 25)]);
    list.env("GITHUB_API_URL", github.url()).env("GITHUB_TOKEN", github.token_of("alice"));
    Ran::of(list.env("NO_PROXY", "127.0.0.1"), "")
        .ended(0, &["INC-042  overdue", "emergency/commander-unconfirmed: alice heard carol"]);
}

/// 30: what is executed is dated by a clock that agrees with the server's.
#[test]
fn a_clock_that_is_wrong_is_set_before_anything_is_executed() {
    let shop = Shop::open();
    let pull = shop.submits("bob");
    shop.github.merge(pull, "bob");
    shop.begins();
    shop.deploys("bob", 102);
    for minutes in [-10, 10] {
        shop.github.set_now((Utc::now() + TimeDelta::minutes(minutes)).into());
        let mut command = command(&shop.github);
        command.args(["exec", "CHG-7", "--repo", "acme/ops", "--", "true"]);
        command.current_dir(shop.folder.path());
        command.env("XDG_CACHE_HOME", shop.folder.path().join("caches"));
        Ran::of(command.envs(shop.issuer.environment()), "").ended(202, &["set your clock"]);
    }
    shop.executes().ended(0, &[]);
    let events = shop.events();
    assert_eq!(events.len(), 2, "{events:?}");
    let off_by = events[0]["clock"]["off_by"].as_str().unwrap();
    assert!(off_by.ends_with('s') && !off_by.contains('m'), "{events:?}");
}

#[test]
fn what_was_executed_is_undone_as_it_was_whatever_its_pull_request_became() {
    let shop = Shop::open();
    let github = &shop.github;
    shop.begins();
    shop.declares();
    let pull = shop.breaks_glass();
    github.review(pull, "carol", "APPROVED");
    shop.deploys("alice", 101);
    shop.runs(&["--break-glass"]).ended(0, &[]);
    let path = "requests/INC-042.yaml";
    let amended = github.file("change/INC-042", path).replace("edge-fra-1", "edge-fra-2");
    github.commit("alice", "change/INC-042", &[(path, &amended)], "Another host");
    shop.deploys("dan", 104);
    shop.runs(&["--rollback"]).ended(0, &[]);
    let events = shop.events_of("INC-042");
    assert_eq!(events[2]["rollback"], true, "{events:?}");
    assert_eq!(events[2]["steps"][0]["target"], "edge-fra-1", "{events:?}");
}
