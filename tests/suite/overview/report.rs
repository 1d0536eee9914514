//! The report: what a repository that went through a day of everything comes to.

use std::fs;

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};

use crate::executing::{now, open, recording};
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
    assert_eq!(roles, [&json!("L3")]);
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
        "  L3  ",
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
    assert!(cell("CHG-007", "signed_off_by").contains("(L3)"), "{table}");

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
        "no candidates: of what no template covers, none has gone well 3 times off-script, and never anything else, \
         in 180 days\n"
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

/// The columns that spreadsheets and scripts ask for are in the lists, too.
#[test]
fn lists_say_whose_approval_counted() {
    let hub = open();
    let (alice, bob) = (hub.desk("alice"), hub.desk("bob"));
    let carol = hub.desk_at("carol", "reviews");
    alice.submit("CHG-001").ended(0, &["submitted"]);
    carol.approve("CHG-001").went_well();
    let other = request("CHG-001", "alice").replace("worker-CHG001", "worker-other");
    alice.submit_text("CHG-001", &other).ended(0, &["submitted"]);
    let listed = |more: &[&str]| {
        bob.changegate(&[&["list", "--state", "all", "--format", "csv"], more].concat())
            .went_well()
            .to_owned()
    };
    let table = listed(&[]);
    assert!(table.starts_with("change,state,summary,type,tier,"), "{table}");
    assert!(
        table.contains(",carol (doesn't count),") && table.contains(",alice,checkout,"),
        "{table}"
    );
    carol.approve("CHG-001").went_well();
    let counted = |desk: &Desk<'_>| {
        let view = desk.changegate(&["log", "--format", "json"]).json("log");
        let change = &view["changes"][0];
        assert_eq!((&change["tier"], &change["requester"]), (&json!("high"), &json!("alice")));
        assert_eq!(change["services"], json!(["checkout"]));
        assert!(change["planned"]["start"].is_string(), "{change}");
        let events = change["events"].as_array().unwrap().iter();
        let approved = events.filter(|event| event["event"] == "approved");
        approved.map(|event| (event["by"].clone(), event["counted"].clone())).collect::<Vec<_>>()
    };
    let both = [(json!("carol"), json!(false)), (json!("carol"), json!(true))];
    assert_eq!(counted(&bob), both);
    alice.changegate(&["merge", "CHG-001"]).went_well();
    assert_eq!(counted(&bob), both, "by the message of the merge");
    assert!(listed(&[]).contains(",carol (L3),"), "{}", listed(&[]));
    let rows = bob.changegate(&["log", "--format", "csv"]).went_well().to_owned();
    assert!(rows.contains(",no,\r\n") && rows.contains(",yes,\r\n"), "{rows}");
    bob.changegate(&["list", "--debts", "--format", "csv"]).ended(2, &["--debts is for"]);
}

/// A clone that never saw what was lost says that something is, in the report itself.
#[test]
fn what_was_rewound_or_forged_is_warned_of() {
    let hub = recording();
    let bob = hub.desk("bob");
    bob.merges("CHG-001", &now("CHG-001", "bob"));
    let before = hub.tip("audit/operations").unwrap();
    bob.exec(&["CHG-001", "--", "true"]).ended(0, &[]);
    // The entry of the next merge saw what was executed.
    bob.merges("CHG-002", &now("CHG-002", "bob"));
    let whole = report(&bob, &[]);
    assert_eq!(
        (&whole["warnings"], &whole["metrics"]["changes"]["executed"]),
        (&json!([]), &json!(1))
    );
    hub.unguard();
    let warned = |folder: &str, part: &str| {
        let fresh = hub.desk_at("bob", folder);
        let view = report(&fresh, &[]);
        assert!(view["warnings"].to_string().contains(part), "{part}: {}", view["warnings"]);
        for format in ["text", "html"] {
            let ran = ran(&fresh, &["--format", format, "--output", "-"]);
            let shown = ran.went_well().replace("&#39;", "'");
            let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(shown.contains(part), "{format}: {ran:?}");
        }
        view
    };
    hub.git(&["update-ref", "refs/heads/audit/operations", &before]);
    let view = warned("rewound", "audit/operations doesn't go on from");
    assert_eq!(view["metrics"]["changes"]["executed"], 0);
    // Somebody signs nothing in the name of somebody else.
    let tip = hub.tip("audit/ledger").unwrap();
    let tree = format!("{tip}^{{tree}}");
    let message = hub.git(&["log", "-1", "--format=%B", &tip]);
    let parent = format!("{tip}^");
    let as_eve = ["-c", "user.name=eve", "-c", "user.email=eve@acme.example", "commit-tree"];
    let forged =
        hub.git(&[&as_eve[..], &["-m", message.trim_end(), "-p", &parent, &tree]].concat());
    hub.git(&["update-ref", "refs/heads/audit/ledger", forged.trim()]);
    warned("forged", "1 of its entries were signed by nobody who may, and don't count");
    hub.git(&["update-ref", "-d", "refs/heads/audit/ledger"]);
    hub.git(&["update-ref", "-d", "refs/heads/audit/operations"]);
    warned("without", "the settings say that there is a ledger, and none is known here");
    warned("nothing", "no operations log is known here, so nothing says what was executed");
}

/// What is amended after it was merged keeps when it was submitted first, and a report in a file keeps the file.
#[test]
fn an_amended_change_counts_from_its_first_submission() {
    let hub = open();
    let bob = hub.desk("bob");
    bob.merges("CHG-001", &request("CHG-001", "bob"));
    let row = |name: &str| {
        let table = ran(&bob, &["--format", "csv"]).went_well().to_owned();
        let mut rows = csv::Reader::from_reader(table.as_bytes());
        let names = rows.headers().unwrap().clone();
        let row = rows.records().map(|row| row.unwrap()).find(|row| &row[0] == "CHG-001").unwrap();
        row[names.iter().position(|it| it == name).unwrap()].to_owned()
    };
    let first = ["submitted_at", "merged_at"].map(row);
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    bob.merges("CHG-001", &now("CHG-001", "bob"));
    assert_eq!(["submitted_at", "merged_at"].map(row), first);
    assert_eq!(row("sign_off"), "direct", "by the message of the merge");
    bob.exec(&["CHG-001", "--", "true"]).ended(0, &[]);
    assert_eq!(row("executions"), "1");
    let (file, link) = (hub.path("page.html"), hub.path("link.html"));
    fs::write(&file, "").unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    ran(&bob, &["--format", "html", "--output", link.to_str().unwrap()]).ended(0, &["wrote"]);
    assert!(fs::read_to_string(&file).unwrap().contains("CHG-001") || link.is_symlink());
    assert!(link.is_symlink());
}
