//! A change on GitHub as the shipped workflows see it: an event, the program under test, a status.

use std::thread::sleep;

use serde_json::{Value, json};

use super::office::request;
use crate::plumbing::act::Runner;
use crate::plumbing::github::GitHub;
use crate::workflows::{github, payload, run_on};

const BRANCH: &str = "change/CHG-7";

/// Windows that are open at any time, so that a change can be planned for now.
const ALWAYS_OPEN: &str = r#"
days: {days: [mon, tue, wed, thu, fri, sat, sun], from: "00:00", to: "23:59", zone: UTC, for: [high]}
nights: {days: [mon, tue, wed, thu, fri, sat, sun], from: "12:00", to: "11:59", zone: UTC, for: [high]}
"#;

/// A pull request that workflows look after.
struct Watched {
    github: GitHub,
    runner: Runner,
    pull: u64,
}

impl Watched {
    /// One that alice opens for a change that starts in so many seconds.
    fn starting_in(seconds: u64) -> Option<Self> {
        let (github, runner) = github()?;
        let windows = [("policies/org/windows/data.yaml", ALWAYS_OPEN)];
        github.commit("carol", "main", &windows, "Open at any time");
        let text = planned(&github, seconds);
        github.commit("alice", BRANCH, &[("requests/CHG-7.yaml", &text)], "Submit CHG-7");
        let pull = github.open_pull("alice", BRANCH, "main");
        Some(Watched { github, runner, pull })
    }

    /// What alice pushes next.
    fn push(&self, text: &str) {
        self.github.set_now(chrono::Utc::now().into());
        self.github.commit("alice", BRANCH, &[("requests/CHG-7.yaml", text)], "Amend CHG-7");
    }

    /// The status after a workflow ran for an event.
    #[track_caller]
    fn after(&self, workflow: &str, event: &str, more: Value) -> String {
        let ran = run_on(&self.github, &self.runner, workflow, event, &payload(more));
        ran.ended(0, &["Job succeeded"]);
        self.github.status(&self.github.head(self.pull), "changegate").state
    }

    #[track_caller]
    fn after_event(&self, action: &str) -> String {
        let event = json!({"action": action, "pull_request": {"number": self.pull}});
        self.after("change-check.yml", "pull_request_target", event)
    }
}

fn planned(github: &GitHub, seconds: u64) -> String {
    let start = github.now() + changegate::core::time::Duration::seconds(seconds);
    let end = start + "10m".parse().unwrap();
    let (start, end) = (start.to_string(), end.to_string());
    request().replace("2026-11-23T22:15:00Z", &start).replace("2026-11-23T22:30:00Z", &end)
}

#[test]
fn every_event_is_answered() {
    let Some(watched) = Watched::starting_in(3600) else { return };
    let Watched { github, pull, .. } = &watched;
    assert_eq!(watched.after_event("opened"), "pending");
    github.review(*pull, "bob", "APPROVED");
    let reviewed = json!({"workflow_run": {"pull_requests": [{"number": pull}], "head_sha": ""}});
    assert_eq!(watched.after("change-check.yml", "workflow_run", reviewed), "success");

    let text = planned(github, 3600);
    watched.push(&text.replace("edge-fra-1", "edge-fra-2"));
    assert_eq!(watched.after_event("synchronize"), "pending");
    github.review(*pull, "bob", "APPROVED");
    watched.push(&(text.replace("edge-fra-1", "edge-fra-2") + "# a typo less\n"));
    assert_eq!(watched.after_event("synchronize"), "success");

    // The merge queue's own commit gets an answer of its own.
    let queued = github.queue(*pull);
    let branch = format!("refs/heads/gh-readonly-queue/main/pr-{pull}-{queued}");
    let group = json!({
        "ref": branch,
        "merge_group": {
            "head_sha": queued, "head_ref": branch,
            "base_sha": github.tip("main"), "base_ref": "refs/heads/main",
        },
    });
    assert_eq!(watched.after("change-check.yml", "merge_group", group.clone()), "success");
    assert_eq!(github.status(&queued, "changegate").state, "success");
    github.review(*pull, "carol", "CHANGES_REQUESTED");
    assert_eq!(watched.after("change-check.yml", "merge_group", group), "failure");
    assert_eq!(github.status(&queued, "changegate").state, "failure");
}

#[test]
fn a_start_that_passes_unsigned_is_swept_up() {
    let Some(watched) = Watched::starting_in(20) else { return };
    let began = std::time::Instant::now();
    assert_eq!(watched.after_event("opened"), "pending");
    sleep(std::time::Duration::from_secs(21).saturating_sub(began.elapsed()));
    assert_eq!(watched.after("sweep.yml", "schedule", json!({})), "failure");
}
