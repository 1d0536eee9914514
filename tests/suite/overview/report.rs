//! The report: what a repository that went through a day of everything comes to.

use std::fs;

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};

use crate::executing::{now, recording};
use crate::plumbing::hub::{Desk, Hub, Ran, request};

/// The arguments for a report of the days around today, with more.
fn around(more: &[&str]) -> Vec<String> {
    let day = |days: i64| (Utc::now() + TimeDelta::days(days)).format("%Y-%m-%d").to_string();
    let period = ["report".to_owned(), "--from".to_owned(), day(-9), "--to".to_owned(), day(9)];
    period.into_iter().chain(more.iter().map(|it| (*it).to_owned())).collect()
}

fn ran(desk: &Desk<'_>, more: &[&str]) -> Ran {
    let arguments = around(more);
    desk.changegate(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

fn report(desk: &Desk<'_>, more: &[&str]) -> Value {
    ran(desk, &[&["--format", "json"], more].concat()).json("report")
}

/// A repository in which one change went well, one was rolled back, one led to an incident, one waits for its
/// sign-off, one was given up, and somebody pushed past the gate.
fn day_of_everything() -> Hub {
    let hub = recording();
    let (bob, alice, carol) = (hub.desk("bob"), hub.desk("alice"), hub.desk_at("carol", "reviews"));
    bob.merges("CHG-001", &now("CHG-001", "bob"));
    bob.exec(&["CHG-001", "--", "true"]).ended(0, &[]);
    bob.merges("CHG-002", &now("CHG-002", "bob"));
    bob.exec(&["CHG-002", "--", "true"]).ended(0, &[]);
    bob.exec(&["CHG-002", "--rollback", "--", "true"]).ended(0, &[]);
    bob.merges("CHG-003", &now("CHG-003", "bob"));
    bob.merges("CHG-006", &request("CHG-006", "bob"));
    alice.submit("CHG-007").ended(0, &["submitted"]);
    carol.approve("CHG-007").went_well();
    alice.changegate(&["merge", "CHG-007"]).went_well();
    bob.exec(&["CHG-003", "--", "false"]).ended(1, &[]);
    let escalate = ["escalate", "CHG-003", "--severity", "P2", "--incident", "INC-700"];
    bob.changegate(&[&escalate[..], &["--summary", "checkout answers 503"]].concat()).went_well();
    alice.submit("CHG-004").ended(0, &["submitted"]);
    alice.submit("CHG-005").ended(0, &["submitted"]);
    alice.changegate(&["close", "CHG-005"]).went_well();
    hub.unguard();
    let past = bob.put("origin/main", &[("requests/CHG-006.yaml", "id: CHG-006\n")], "In a hurry");
    bob.push(&[&format!("{past}:refs/heads/main")]).went_well();
    hub.guard();
    bob.changegate(&["list"]).went_well();
    hub
}

#[test]
fn a_day_of_everything_is_told_in_every_format() {
    let hub = day_of_everything();
    let bob = Desk { hub: &hub, who: "bob", folder: hub.path("bob") };
    let view = report(&bob, &[]);
    let metrics = &view["metrics"];
    let changes = &metrics["changes"];
    assert_eq!(
        [&changes["submitted"], &changes["merged"], &changes["executed"], &changes["executions"]],
        [7, 5, 3, 4].map(|it| json!(it)).each_ref(),
        "{changes}"
    );
    assert_eq!(metrics["failed"], json!({"count": 2, "of": 3, "percent": "66.7"}));
    let sign_off = &metrics["sign_off"];
    let counts = ["direct", "reviewed", "unknown"].map(|it| sign_off[it].as_u64().unwrap());
    assert_eq!(counts, [4, 1, 0], "{sign_off}");
    let roles: Vec<_> =
        sign_off["by_role"].as_array().unwrap().iter().map(|it| &it["by"]).collect();
    assert!(roles.contains(&&json!("L2 or L3")), "{roles:?}");
    // The policies were put there by hand before anything was judged.
    assert_eq!(metrics["around"]["bypasses"], 2);
    assert_eq!(metrics["unrecovered"], 1);
    let needs = view["needs"].as_array().unwrap();
    let told: Vec<_> =
        needs.iter().map(|it| (it["what"].as_str().unwrap(), it["of"].as_str().unwrap())).collect();
    assert!(told.contains(&("incident", "INC-700")), "{told:?}");
    assert!(told.iter().any(|(what, _)| *what == "went-around"), "{told:?}");
    // Each command that is advised is one.
    for need in needs {
        let command = need["command"].as_str().unwrap();
        let words: Vec<_> = command.split(' ').skip(1).collect();
        let verb =
            if words[0] == "audit" || words[0] == "incident" { &words[..2] } else { &words[..1] };
        bob.changegate(&[verb, &["--help"]].concat()).ended(0, &[]);
    }

    let shown = |format: &str| ran(&bob, &["--format", format]).went_well().to_owned();
    let text = shown("text");
    for part in [
        "Needs somebody",
        "1 incident open",
        "66.7 % (2 of 3)",
        "L2 or L3",
        "by weeks from Monday on",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let page = shown("html");
    assert!(page.contains("<!DOCTYPE html>") && page.contains("INC-700"), "{page}");
    assert!(!page.contains("<script") && !page.contains("http://"), "{page}");
    let table = shown("csv");
    let mut rows = csv::Reader::from_reader(table.as_bytes());
    let names: Vec<_> = rows.headers().unwrap().iter().map(str::to_owned).collect();
    let rows: Vec<_> = rows.records().map(|row| row.unwrap()).collect();
    let cell = |change: &str, name: &str| {
        let row = rows.iter().find(|row| &row[0] == change).unwrap_or_else(|| panic!("{change}"));
        row[names.iter().position(|it| it == name).unwrap()].to_owned()
    };
    assert_eq!(rows.len(), 8, "{table}");
    assert_eq!(
        (cell("CHG-002", "rolled_back"), cell("CHG-001", "rolled_back")),
        ("yes".into(), "".into())
    );
    assert_eq!(cell("CHG-003", "escalated_to"), "INC-700");
    assert_eq!(cell("CHG-006", "went_around"), "yes");
    assert!(!cell("CHG-005", "closed_at").is_empty() && cell("CHG-005", "merged_at").is_empty());
    assert!(cell("CHG-007", "signed_off_by").contains("(L2 or L3)"), "{table}");

    // Made twice, it is the same bytes, whether or not anything was kept.
    for format in ["text", "json", "csv", "html"] {
        assert_eq!(shown(format), shown(format), "{format}");
    }
    let kept = shown("json");
    fs::remove_dir_all(hub.path(".cache/changegate/read")).unwrap();
    assert_eq!(shown("json"), kept);
    // So it is in another clone.
    let fresh = hub.desk_at("bob", "fresh");
    assert_eq!(report(&fresh, &[]), report(&bob, &[]));
}

#[test]
fn a_report_is_of_what_was_asked_for() {
    let hub = day_of_everything();
    let bob = Desk { hub: &hub, who: "bob", folder: hub.path("bob") };
    let total = |more: &[&str]| report(&bob, more)["metrics"]["changes"]["total"].clone();
    assert_eq!(total(&[]), 8);
    assert_eq!(total(&["--service", "checkout"]), 6);
    assert_eq!(total(&["--tier", "low"]), 0);
    assert_eq!(total(&["--tier", "high"]), 6, "of what was given up nothing was decided");
    assert_eq!(bob.changegate(&["report", "--promotions"]).went_well(), {
        "no candidates: none has gone well 3 times off-script, and never anything else, in 180 days\n"
    });
    let out = hub.path("report.html");
    let file = out.to_str().unwrap();
    ran(&bob, &["--format", "html", "--output", file]).ended(0, &["wrote "]);
    assert!(fs::read_to_string(&out).unwrap().ends_with("</html>\n"));
    for (wrong, why) in [
        (&["--from", "2026-02-01", "--to", "2026-01-01"][..], "ends before it begins"),
        (&["--service", "chekout"], "did you mean `checkout`?"),
        (&["--team", "paymants"], "did you mean `payments`?"),
        (&["--from", "yesterday"], "is not a date"),
        (&["--promotions", "--format", "csv"], "--promotions is for"),
        (&["--output", "no/such/folder/x.txt"], "cannot write"),
    ] {
        bob.changegate(&[&["report"], wrong].concat()).ended(2, &[why]);
    }
    // Without changes there is nothing to tell, and nothing goes wrong.
    let first = bob.changegate(&["report", "--from", "2020-01-01", "--to", "2020-01-31"]);
    first.ended(0, &["January 2020 · 0 changes, 0 executed"]);
}
