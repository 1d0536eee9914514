//! The states of changes with an operations log, as `list`, `show` and `log` show them.

use chrono::{SecondsFormat, TimeDelta, Utc};
use serde_json::Value;

use crate::executing::{now, open};
use crate::plumbing::hub::{Desk, request};

/// The time in so many minutes.
fn in_minutes(minutes: i64) -> String {
    (Utc::now() + TimeDelta::minutes(minutes)).to_rfc3339_opts(SecondsFormat::Secs, true)
}

impl Desk<'_> {
    /// The entries of a list that are about the request, as it is in so many minutes.
    fn list(&self, minutes: i64, more: &[&str]) -> Vec<Value> {
        let at = in_minutes(minutes);
        let arguments = [&["list", "--now", &at, "--format", "json"], more].concat();
        let list = self.changegate(&arguments).json("list");
        let entries = list["changes"].as_array().unwrap().iter();
        entries.filter(|entry| entry["change"] == "CHG-001").cloned().collect()
    }

    /// The state of the only entry of a list of merged changes.
    fn state(&self, minutes: i64) -> String {
        let list = self.list(minutes, &["--state", "merged"]);
        assert_eq!(list.len(), 1, "{list:?}");
        let state = list[0]["state"].as_str().unwrap().to_owned();
        assert_eq!(self.list(minutes, &["--state", &state]).len(), 1, "{state}");
        let others = ["open", "given-up", "scheduled", "ready", "running", "lost", "incomplete"];
        let more = ["executed", "verified", "escalated", "expired", "closed", "cancelled"];
        for other in others.iter().chain(&more).filter(|other| **other != state) {
            assert_eq!(self.list(minutes, &["--state", other]).len(), 0, "{state}: {other}");
        }
        let show = self.changegate(&["show", "CHG-001", "--now", &in_minutes(minutes)]);
        show.ended(0, &[&format!("CHG-001  {state}, merged ")]);
        state
    }
}

#[test]
fn a_change_goes_from_scheduled_to_executed() {
    let hub = open();
    let bob = hub.desk("bob");
    bob.merges("CHG-001", &now("CHG-001", "bob"));
    assert_eq!(bob.state(-30), "scheduled");
    assert_eq!(bob.state(0), "ready");
    assert_eq!(bob.state(60), "expired");
    bob.changegate(&["begin", "CHG-001"]).went_well();
    assert_eq!(bob.state(0), "running");
    assert_eq!(bob.state(120), "lost");
    bob.changegate(&["show", "CHG-001"]).ended(0, &["so far", "by bob since", "begin", "step 1"]);
    let shown = bob.changegate(&["show", "CHG-001", "--format", "json"]).json("show");
    assert_eq!(shown["progress"]["running"]["by"], "bob");
    bob.changegate(&["list", "--state", "running"]).ended(0, &["running", "by bob since"]);
    bob.changegate(&["end", "CHG-001", "--result", "failed"]).went_well();
    assert_eq!(bob.state(0), "incomplete");
    bob.changegate(&["begin", "CHG-001"]).went_well();
    bob.changegate(&["end", "CHG-001", "--result", "done"]).went_well();
    assert_eq!(bob.state(0), "executed");
    let events = bob.changegate(&["log", "CHG-001", "--format", "json"]).json("log");
    let events = events["changes"][0]["events"].as_array().unwrap();
    let kinds: Vec<_> = events.iter().map(|it| it["event"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["submitted", "merged", "begin", "end", "begin", "end"]);
    assert_eq!(events[3]["text"], "failed");
    bob.changegate(&["log", "--format", "csv"]).ended(0, &[",begin,", ",bob,"]);
}

#[test]
fn an_outcome_is_missing_a_day_later() {
    let hub = open();
    let bob = hub.desk("bob");
    bob.merges("CHG-001", &now("CHG-001", "bob"));
    let without = |minutes| bob.list(minutes, &["--without-outcome"]).len();
    assert_eq!(without(26 * 60), 0, "nothing was begun");
    bob.changegate(&["begin", "CHG-001"]).went_well();
    bob.changegate(&["end", "CHG-001", "--result", "done"]).went_well();
    // The planned end is in 50 minutes.
    assert_eq!([24 * 60, 25 * 60].map(without), [0, 1]);
    let list = ["list", "--without-outcome", "--now", &in_minutes(25 * 60)];
    bob.changegate(&list).ended(0, &["executed", "without outcome"]);
}

#[test]
fn what_is_cancelled_says_why() {
    let hub = open();
    let bob = hub.desk("bob");
    bob.merges("CHG-001", &now("CHG-001", "bob"));
    bob.changegate(&["cancel", "CHG-001", "--reason", "the provider did it"]).went_well();
    assert_eq!(bob.state(0), "cancelled");
    bob.changegate(&["list", "--state", "cancelled"]).ended(0, &["by bob: the provider did it"]);
    bob.changegate(&["log", "CHG-001"]).ended(0, &["cancelled", "the provider did it"]);
}

#[test]
fn a_merged_change_and_its_amendment_are_both_listed() {
    let hub = open();
    let bob = hub.desk("bob");
    bob.merges("CHG-001", &request("CHG-001", "bob"));
    let text = request("CHG-001", "bob").replace("summary: ", "summary: Really ");
    bob.submit_text("CHG-001", &text).ended(0, &["submitted"]);
    let all = bob.list(0, &["--state", "all"]);
    let states: Vec<_> = all.iter().map(|it| it["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["open", "scheduled"]);
    assert_eq!(bob.list(0, &[]).len(), 1);
    assert_eq!(bob.list(0, &["--state", "scheduled"]).len(), 1);
    bob.changegate(&["show", "CHG-001"])
        .ended(0, &["CHG-001  scheduled, open again after its merge", "Really "]);
}
