//! Executing changes that were merged on GitHub, as a job of another repository.

use std::cell::OnceCell;
use std::path::PathBuf;
use std::process::Command;

use chrono::{SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::office::{command, request_of};
use crate::operations::tokens::tables;
use crate::plumbing::github::{GitHub, ROSTER};
use crate::plumbing::hub::{Ran, program};
use crate::plumbing::issuer::Issuer;
use crate::plumbing::ran::sheltered;

const ALWAYS: &str = "
days: {days: [mon, tue, wed, thu, fri, sat, sun], from: \"00:00\", to: \"23:59\", zone: UTC, for: [high]}
nights: {days: [mon, tue, wed, thu, fri, sat, sun], from: \"12:00\", to: \"11:59\", zone: UTC, for: [high]}
";

/// acme/ops, and a job of acme/shop.
pub struct Shop {
    pub github: GitHub,
    pub issuer: Issuer,
    pub folder: TempDir,
    /// Carol's clone.
    clone: OnceCell<PathBuf>,
}

pub fn text(minutes: i64) -> String {
    (Utc::now() + TimeDelta::minutes(minutes)).to_rfc3339_opts(SecondsFormat::Secs, true)
}

impl Shop {
    /// Whose policies are there for half an hour; its log has yet to begin.
    pub fn open() -> Self {
        Self::open_with("")
    }

    /// Opens with these settings of the ledger; empty for none.
    pub fn open_with(ledger: &str) -> Self {
        let (github, issuer) = (GitHub::start(), Issuer::start());
        let folder = tempfile::tempdir().unwrap();
        let public = ["carol", "alice"].map(|who| {
            let key = folder.path().join(who);
            let arguments = ["-q", "-t", "ed25519", "-N", "", "-C", who, "-f"];
            Ran::of(Command::new("ssh-keygen").args(arguments).arg(&key), "").went_well();
            std::fs::read_to_string(key.with_extension("pub")).unwrap()
        });
        let key = folder.path().join("carol");
        github.set_now(text(-30).parse().unwrap());
        let shop = Shop { github, issuer, folder, clone: OnceCell::new() };
        let github = &shop.github;
        let desk = github.desk("carol");
        let own = github.with(|state| state.ops().id).to_string();
        let mut tables = tables(&shop.issuer);
        tables["roster"]["machines"]["deploy-prod"]["may"] =
            json!([{"actions": ["blacklist-ip"], "targets": ["edge-fra-1"]}]);
        let show = |path: &str| std::fs::read_to_string(desk.folder.join(path)).unwrap();
        let mut roster = show(ROSTER);
        for (who, public) in ["carol", "alice"].iter().zip(&public) {
            let theirs = format!("emails: [{who}@acme.example]");
            let keys = format!("{theirs}, keys: [\"{}\"]", public.trim());
            roster = roster.replace(&theirs, &keys);
        }
        let roster = roster + &format!("\nmachines: {}\n", tables["roster"]["machines"]);
        let settings = "policies/org/settings/data.yaml";
        let ledger = if ledger.is_empty() { "ledger: {on: false}" } else { ledger };
        let issuer = format!("issuer: {}\n  repository_id: \"{own}\"", shop.issuer.url);
        let shipped = "issuer: https://token.actions.githubusercontent.com";
        for (path, text) in [
            (ROSTER, roster.as_str()),
            (
                settings,
                &show(settings).replace(shipped, &issuer).replace("ledger: {on: false}", ledger),
            ),
            ("policies/org/windows/data.yaml", ALWAYS),
        ] {
            desk.write(path, text);
        }
        desk.commit("Execute in jobs");
        desk.send(&["HEAD:main"]);
        desk.git(&["config", "gpg.format", "ssh"]);
        desk.git(&["config", "user.signingkey", key.with_extension("pub").to_str().unwrap()]);
        let clone = desk.folder.clone();
        shop.clone.set(clone).unwrap();
        shop
    }

    /// Begins the log, after what is merged: events are judged by the newest commit of the base.
    pub fn begins(&self) {
        let mut init = Command::new(program());
        sheltered(&mut init).args(["init", "--operations"]).current_dir(self.clone.get().unwrap());
        init.env("GITHUB_API_URL", self.github.url()).env("NO_PROXY", "127.0.0.1");
        Ran::of(&mut init, "").ended(0, &["began audit/operations as"]);
    }

    /// A pull request of bob's, who may execute it directly, or of alice's, which needs a review; for now.
    pub fn submits(&self, who: &str) -> u64 {
        let request = request_of(who, "edge-fra-1")
            .replace("2026-11-23T22:15:00Z", &text(-10))
            .replace("2026-11-23T22:30:00Z", &text(50));
        let files = [("requests/CHG-7.yaml", request.as_str())];
        self.github.set_now(text(-25).parse().unwrap());
        self.github.commit(who, "change/CHG-7", &files, "Submit CHG-7");
        self.github.open_pull(who, "change/CHG-7", "main")
    }

    /// The program as the job, in an empty folder.
    pub fn as_job(&self, arguments: &[&str]) -> Ran {
        self.github.set_now(Utc::now().into());
        let mut command = command(&self.github);
        command.args(arguments).args(["--repo", "acme/ops"]).current_dir(self.folder.path());
        command.env("XDG_CACHE_HOME", self.folder.path().join("caches"));
        Ran::of(command.envs(self.issuer.environment()), "")
    }

    /// The program executing CHG-7.
    pub fn executes(&self) -> Ran {
        self.github.set_now(Utc::now().into());
        let mut command = command(&self.github);
        command.args(["exec", "CHG-7", "--repo", "acme/ops", "--", "true"]);
        command.current_dir(self.folder.path());
        command.env("XDG_CACHE_HOME", self.folder.path().join("caches"));
        command.env("GITHUB_ACTIONS", "true");
        command.env("GITHUB_OUTPUT", self.folder.path().join("output"));
        command.env("GITHUB_STEP_SUMMARY", self.folder.path().join("summary"));
        Ran::of(command.envs(self.issuer.environment()), "")
    }

    pub fn events(&self) -> Vec<Value> {
        self.events_of("CHG-7")
    }

    pub fn events_of(&self, id: &str) -> Vec<Value> {
        let shown = self.as_job(&["operations", "show", id, "--format", "json"]);
        let shown: Value = serde_json::from_str(shown.went_well()).unwrap();
        let mut events = shown["events"].as_array().unwrap().clone();
        events.sort_by_key(|event| event["change"].is_null());
        events
    }

    fn file(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).unwrap_or_default()
    }
}

/// Edges 68: what a comment asks for is done as its author, and answered. Attacks 54: nothing in it is run.
#[test]
fn a_comment_records_what_its_author_may_say() {
    let shop = Shop::open();
    let pull = shop.submits("bob");
    shop.github.merge(pull, "bob");
    shop.begins();
    let own = shop.github.with(|state| state.ops().id).to_string();
    let comments = |login: &str, id: u64, action: &str, body: &str| {
        shop.issuer.job(&json!({
            "repository": "acme/ops", "repository_id": own, "environment": null,
            "workflow_ref": "acme/ops/.github/workflows/change-record.yml@refs/heads/main",
            "event_name": "issue_comment", "actor": login, "actor_id": id.to_string(),
        }));
        let comment = shop.github.comment(pull, "bob", body);
        let event = json!({
            "action": action,
            "issue": {"number": pull, "pull_request": {"url": "x"}},
            "comment": {
                "id": comment, "html_url": "https://github.com/acme/ops/pull/1#issuecomment-1",
                "user": {"login": login, "id": id, "type": "User"}, "body": body,
            },
        });
        let file = shop.folder.path().join("event.json");
        std::fs::write(&file, event.to_string()).unwrap();
        shop.github.set_now(Utc::now().into());
        let mut command = command(&shop.github);
        command.arg("comment").arg("--event").arg(&file).current_dir(shop.folder.path());
        command.env("XDG_CACHE_HOME", shop.folder.path().join("caches"));
        command.env("GITHUB_EVENT_NAME", "issue_comment").env("GITHUB_EVENT_PATH", &file);
        (comment, Ran::of(command.envs(shop.issuer.environment()), ""))
    };
    let replies = || {
        let comments = shop.github.comments(pull).into_iter();
        comments
            .filter(|(_, body)| body.contains("Not recorded"))
            .map(|(_, body)| body)
            .collect::<Vec<_>>()
    };
    let cancel = "/changegate cancel --reason 'it is $(done) already'\nthank you";
    comments("bob", 102, "edited", cancel).1.ended(0, &[]);
    comments("bob", 102, "created", "I think /changegate cancel").1.ended(0, &[]);
    assert_eq!(replies(), [""; 0]);
    comments("mallory", 666, "created", cancel).1.ended(1, &["whose id on GitHub is 666"]);
    comments("ivan", 110, "created", "/changegate exec CHG-7 -- sh")
        .1
        .ended(1, &["can't be asked"]);
    let said = replies();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].contains("    error: mallory, whose id"), "{said:?}");
    let (comment, ran) = comments("bob", 102, "created", cancel);
    ran.ended(0, &["recorded cancelled CHG-7"]);
    let reactions = shop.github.with(|state| state.reactions.clone());
    assert_eq!(reactions, [(comment, "+1".to_owned())]);
    let events = shop.events();
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(
        (&events[0]["by"], &events[0]["reason"]),
        (&json!("bob"), &json!("it is $(done) already"))
    );
    assert_eq!(replies().len(), 2);
}

/// Edges 63: a merge of any kind is proven by the reviews that there were.
#[test]
fn what_was_merged_in_any_way_is_proven_by_its_reviews() {
    type Merge = fn(&GitHub, u64, &str) -> String;
    for merge in [GitHub::merge as Merge, GitHub::squash, GitHub::rebase] {
        let shop = Shop::open();
        let pull = shop.submits("alice");
        shop.github.review(pull, "bob", "APPROVED");
        merge(&shop.github, pull, "alice");
        shop.begins();
        shop.issuer.job(&json!({"actor": "alice", "actor_id": "101"}));
        shop.executes().ended(0, &[]);
        let events = shop.events();
        assert_eq!(events.len(), 2, "{events:?}");
        let begin = &events[0];
        assert_eq!(begin["by"], "machine:deploy-prod", "{begin}");
        assert_eq!(begin["for"], "alice", "{begin}");
        assert_eq!(begin["approval"]["proof"], "forge", "{begin}");
        assert_eq!(begin["approval"]["signed_by"], json!(["bob"]), "{begin}");
        let execution = begin["id"].as_str().unwrap();
        let output = format!("verdict=approved\nexecution={execution}\nresult=done\n");
        assert_eq!(shop.file("output"), output);
        assert!(shop.file("summary").contains("CHG-7"), "{}", shop.file("summary"));
    }
}

/// Edges 64: what wasn't approved when it was merged isn't executed, whatever was said later.
#[test]
fn what_was_merged_without_approval_is_not_executed() {
    for objects in [false, true] {
        let shop = Shop::open();
        let pull = shop.submits("alice");
        if objects {
            shop.github.review(pull, "bob", "APPROVED");
            shop.github.review(pull, "bob", "CHANGES_REQUESTED");
        }
        shop.github.merge(pull, "carol");
        shop.github.advance("1m");
        shop.github.review(pull, "erin", "APPROVED");
        shop.begins();
        shop.issuer.job(&json!({"actor": "alice", "actor_id": "101"}));
        shop.executes().ended(201, &["execute/unproven", "wasn't approved when it was merged"]);
        assert_eq!(shop.file("output"), "verdict=denied\n");
        assert_eq!(shop.events(), [""; 0]);
    }
}

/// Where GitHub can't be asked, nothing is decided.
#[test]
fn nothing_is_decided_where_github_does_not_answer() {
    let shop = Shop::open();
    let pull = shop.submits("bob");
    shop.github.merge(pull, "bob");
    shop.begins();
    shop.executes().ended(0, &[]);
    let mut command = command(&shop.github);
    command.args(["exec", "CHG-7", "--repo", "acme/nothing", "--", "true"]);
    command.env("XDG_CACHE_HOME", shop.folder.path().join("other"));
    Ran::of(command.envs(shop.issuer.environment()), "").ended(202, &[]);
}

/// What was executed is told on the pull request, and what is open for too long is reminded of once.
#[test]
fn a_sweep_tells_what_became_of_changes_and_reminds_once() {
    let shop = Shop::open();
    let pull = shop.submits("bob");
    shop.github.merge(pull, "bob");
    shop.begins();
    let sweeps = |now: &str| {
        shop.github.set_now(Utc::now().into());
        let mut command = command(&shop.github);
        command.args(["sweep", "--now", now]).current_dir(shop.folder.path());
        command.env("XDG_CACHE_HOME", shop.folder.path().join("caches"));
        Ran::of(&mut command, "").ended(0, &["pull requests of executed changes: 1"]);
        let comments = shop.github.comments(pull).into_iter().map(|(_, body)| body);
        comments.filter(|body| body.contains("CHG-7")).collect::<Vec<_>>()
    };
    let told = sweeps(&text(0));
    assert!(told[0].contains("**CHG-7** is ready"), "{told:?}");
    assert!(told[0].contains("`changegate exec CHG-7 -- COMMAND`"), "{told:?}");
    shop.as_job(&["begin", "CHG-7"]).ended(0, &["recorded begin"]);
    let told = sweeps(&text(0));
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("**CHG-7** is running"), "{told:?}");
    assert!(told[0].contains("begin CHG-7: blacklist-ip on edge-fra-1"), "{told:?}");
    assert!(told[0].contains("- planned "), "{told:?}");
    for _ in 0..2 {
        let told = sweeps(&text(120));
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].contains("**CHG-7** is lost"), "{told:?}");
        assert!(told[1].contains("@bob: nobody knows how an execution of CHG-7 ended"), "{told:?}");
    }
    shop.as_job(&["end", "CHG-7", "--result", "failed"]).ended(0, &["recorded end"]);
    let told = sweeps(&text(60 * 40));
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].contains("**CHG-7** is incomplete"), "{told:?}");
    assert!(told[2].contains("nobody has said what came of it"), "{told:?}");
}
