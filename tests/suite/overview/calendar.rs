//! The calendar: what is planned, what was executed, in text, JSON and for calendar programs.

use std::fs;
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::executing::{now, open};
use crate::plumbing::hub::{Desk, Hub, request};

/// A hub with a change that was executed, one that waits for its time, a cancelled one, and one that waits for
/// an approval.
fn busy() -> Hub {
    let hub = open();
    let (bob, alice) = (hub.desk("bob"), hub.desk("alice"));
    let text = now("CHG-001", "bob").replace("summary: ", "summary: \"Übergabe, 1; 2 \\\\ ");
    let text = text.replacen("into maintenance\n", "into maintenance\"\n", 1);
    bob.merges("CHG-001", &text);
    bob.merges("CHG-002", &request("CHG-002", "bob"));
    bob.merges("CHG-003", &now("CHG-003", "bob"));
    bob.exec(&["CHG-001", "--", "true"]).ended(0, &[]);
    bob.changegate(&["cancel", "CHG-003", "--reason", "not needed"]).went_well();
    alice.submit("CHG-004").ended(0, &["submitted"]);
    hub
}

fn calendar(desk: &Desk<'_>, more: &[&str]) -> Value {
    let arguments = [&["calendar", "--format", "json"], more].concat();
    desk.changegate(&arguments).json("calendar")
}

fn names(view: &Value) -> Vec<(&str, &str)> {
    let changes = view["changes"].as_array().unwrap().iter();
    let mut names: Vec<_> =
        changes.map(|it| (it["change"].as_str().unwrap(), it["state"].as_str().unwrap())).collect();
    names.sort_unstable();
    names
}

#[test]
fn the_calendar_shows_what_is_planned_and_what_was_executed() {
    let hub = busy();
    let bob = Desk { hub: &hub, who: "bob", folder: hub.path("bob") };
    let from = (Utc::now() - TimeDelta::days(1)).format("%Y-%m-%d").to_string();
    let to = (Utc::now() + TimeDelta::days(9)).format("%Y-%m-%d").to_string();
    let period = ["--from", &from, "--to", &to];
    let view = calendar(&bob, &period);
    let all = [
        ("CHG-001", "executed"),
        ("CHG-002", "scheduled"),
        ("CHG-003", "cancelled"),
        ("CHG-004", "open"),
    ];
    assert_eq!(names(&view), all);
    let executed = view["changes"].as_array().unwrap().iter().find(|it| it["change"] == "CHG-001");
    let executed = executed.unwrap();
    assert_eq!(executed["executions"][0]["result"], "done", "{executed}");
    assert_eq!((&executed["versions"], &executed["tier"]), (&json!(1), &json!("high")));
    assert!(!view["windows"].as_array().unwrap().is_empty());

    let shown = |more: &[&str]| {
        let ran = bob.changegate(&[&["calendar"], &period[..], more].concat());
        ran.went_well().to_owned()
    };
    let text = shown(&[]);
    for part in [
        "00    03    06",
        "CHG-001  ",
        "high executed  Übergabe, 1; 2 \\ Put worker CHG001",
        "CHG-004  ",
        "high pending  Put worker",
        "4 changes: 1 cancelled, 1 executed, 1 not merged yet, 1 scheduled",
        "░",
        "█",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(names(&calendar(&bob, &[&period[..], &["--tier", "low"]].concat())), []);
    assert_eq!(names(&calendar(&bob, &[&period[..], &["--service", "edge"]].concat())), []);
    assert_eq!(names(&calendar(&bob, &[&period[..], &["--service", "checkout"]].concat())), all);
    // A past week has what was executed in it; the next year nothing.
    assert_eq!(names(&calendar(&bob, &["--from", "2020-01-01", "--to", "2020-01-31"])), []);
    let month = shown(&["--format", "text"]);
    assert_eq!(month, text, "text is the usual format");
    bob.changegate(&["calendar", "--month"]).ended(0, &["Mon      Tue", "busiest"]);
    bob.changegate(&["calendar", "--week"]).ended(0, &["Mon ", "Sun "]);
    for (wrong, why) in [
        (&["--from", &to, "--to", &from][..], "would end before it begins"),
        (&["--service", "chekout"], "did you mean `checkout`?"),
        (&["--windows"], "--windows is for --format ics"),
        (&["--week", "--month"], "cannot be used with"),
        (&["--from", "tomorrow"], "is not a date"),
    ] {
        bob.changegate(&[&["calendar"], wrong].concat()).ended(2, &[why]);
    }
}

/// What calendar programs read: the same bytes for the same input, and by `.ci/calendars.py` what another
/// reader makes of them.
#[test]
fn calendar_programs_read_the_same() {
    let hub = busy();
    let bob = Desk { hub: &hub, who: "bob", folder: hub.path("bob") };
    let carol = hub.desk_at("carol", "freezing");
    let start: DateTime<Utc> = Utc::now() + TimeDelta::days(30);
    let freezes = format!(
        "reviewed: 2026-11-02\nfreezes:\n  - {{name: sale, start: {}, end: {}, services: [checkout], \
         reason: \"much, very much; trade\"}}\nquarters: []\n",
        start.format("%Y-%m-%dT00:00:00Z"),
        (start + TimeDelta::days(3)).format("%Y-%m-%dT12:00:00Z"),
    );
    let path = "policies/org/freezes/data.yaml";
    hub.unguard();
    let frozen = carol.put("origin/main", &[(path, &freezes)], "Freeze");
    carol.push(&[&format!("{frozen}:refs/heads/main")]).went_well();
    let at = Utc::now().format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let ics = |more: &[&str]| {
        let arguments = [&["calendar", "--format", "ics", "--now", &at], more].concat();
        bob.changegate(&arguments).went_well().to_owned()
    };
    let text = ics(&[]);
    assert_eq!(text, ics(&[]), "the same input gives the same bytes");
    let unfolded = text.replace("\r\n ", "");
    for line in [
        "UID:CHG-001@hub",
        "STATUS:CANCELLED",
        "STATUS:TENTATIVE",
        "STATUS:CONFIRMED",
        "SEQUENCE:1",
        "SUMMARY:CHG-001 Übergabe\\, 1\\; 2 \\\\ Put worker CHG001 into maintenance",
        "SUMMARY:Freeze: sale of checkout",
        "DESCRIPTION:much\\, very much\\; trade",
    ] {
        assert!(unfolded.lines().any(|it| it == line), "{line}: {text}");
    }
    assert!(text.lines().all(|line| line.len() <= 75), "{text}");
    assert!(!text.contains("Window: "), "{text}");
    let with = ics(&["--windows"]);
    assert!(with.contains("SUMMARY:Window: days"), "{with}");

    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("records/calendar");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("changes.ics"), &with).unwrap();
    let view = bob.changegate(&["calendar", "--format", "json", "--now", &at, "--from", &at[..10]]);
    fs::write(folder.join("changes.json"), view.went_well()).unwrap();
}
