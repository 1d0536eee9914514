//! Freezes for some services, and windows that last for days: at the merge, and when something is executed.

use chrono::{SecondsFormat, TimeDelta, Utc};

use crate::executing::{WINDOWS, now, open};
use crate::plumbing::hub::{Desk, Hub, request};

pub const FREEZES: &str = "policies/org/freezes/data.yaml";

fn at(hours: i64) -> String {
    (Utc::now() + TimeDelta::hours(hours)).to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Puts a table of the policies onto the base, past the hook.
fn put(hub: &Hub, path: &str, text: &str) {
    hub.unguard();
    let clone = std::fs::read_dir(hub.path(".")).unwrap().count();
    let carol = hub.desk_at("carol", &format!("carol-{clone}"));
    let put = carol.put("origin/main", &[(path, text)], "Change the tables");
    carol.push(&[&format!("{put}:refs/heads/main")]).went_well();
    hub.guard();
}

fn frozen(services: &str) -> String {
    format!(
        "reviewed: 2026-11-02\nfreezes:\n  - {{name: sale, start: {}, end: {}{services}}}\n",
        at(-1),
        at(400)
    )
}

/// What a proposed freeze hits is said with the next time that fits, and the printed command plans it then; the
/// approvals that this voids are named.
#[test]
fn what_a_freeze_would_hit_is_planned_for_another_time() {
    let hub = open();
    put(&hub, FREEZES, "reviewed: 2026-11-02\n");
    let (bob, alice, dan) = (hub.desk("bob"), hub.desk("alice"), hub.desk("dan"));
    bob.merges("CHG-001", &request("CHG-001", "bob"));
    let commented = request("CHG-002", "alice").replace("summary: ", "# why\nsummary: ");
    alice.submit_text("CHG-002", &commented).ended(0, &["submitted"]);
    dan.approve("CHG-002").ended(0, &["approved"]);
    bob.merges("CHG-003", &now("CHG-003", "bob"));
    bob.changegate(&["cancel", "CHG-003", "--reason", "not needed"]).went_well();
    dan.write("freeze.yaml", &frozen(", services: [checkout]"));
    let preview =
        |more: &[&str]| dan.changegate(&[&["freeze", "preview", "freeze.yaml"], more].concat());
    preview(&[])
        .ended(0, &["hit by  the freeze sale", "tell    bob", "freeze.yaml hits 2 of 2 planned"]);
    preview(&["--format", "markdown"])
        .ended(0, &["| CHG-001: ", "`changegate reschedule CHG-001 --start "]);
    let view = preview(&["--format", "json"]).json("freeze-preview");
    let hits = view["hits"].as_array().unwrap();
    assert_eq!(hits[1]["change"], "CHG-002", "{view}");
    assert_eq!(hits[1]["people"][0], "alice", "{view}");
    dan.write("freeze.yaml", &frozen(", services: [edge]"));
    preview(&[]).ended(0, &["freeze.yaml hits none of 2 planned changes"]);
    dan.write(
        "freeze.yaml",
        "weekend: {from_day: sat, to_day: sun, from: \"00:00\", to: \"00:00\", for: [low]}\n",
    );
    preview(&[]).ended(
        0,
        &[
            "hit by  no window takes it then",
            "next    nothing of that length",
            "takes away  days and nights",
        ],
    );
    // Who signs a change of the calendar sees what it hits.
    let carol = hub.desk_at("carol", "submitting");
    carol.write(FREEZES, &frozen(", services: [checkout]"));
    carol.changegate(&["submit", "--policies", "spring-sale"]).ended(
        0,
        &["What is planned:", "hit by  the freeze sale", "spring-sale hits 2 of 2 planned changes"],
    );
    dan.changegate(&["freeze", "preview", "--pr", "spring-sale"]).ended(0, &["hits 2 of 2"]);
    dan.changegate(&["freeze", "preview", "--branch", "change/spring-sale"])
        .ended(0, &["hits 2 of 2"]);
    dan.write("freeze.yaml", "- a list");
    preview(&[]).ended(2, &["holds no table"]);
    dan.changegate(&["freeze", "preview", "nothing.yaml"]).ended(2, &["there is no file"]);
    dan.changegate(&["freeze", "preview"]).ended(2, &["<FILE"]);
    dan.changegate(&["freeze", "preview", "--pr", "7"]).ended(2, &["is one on GitHub"]);

    let ends = |desk: &Desk<'_>, arguments: &str, code, said: &[&str]| {
        let arguments: Vec<_> = arguments.split_whitespace().collect();
        desk.changegate(&arguments).ended(code, said);
    };
    let command = hits[1]["command"].as_str().unwrap().strip_prefix("changegate ").unwrap();
    let said = ["rescheduled CHG-002 to", ", it was ", "no longer signed off", "dan (L2 or L3)"];
    ends(&alice, command, 0, &said);
    let text = hub.git(&["show", "change/CHG-002:requests/CHG-002.yaml"]);
    assert!(text.contains("# why\nsummary: "), "{text}");
    assert_eq!(alice.git(&["status", "--porcelain"]), "", "the work tree goes along");
    ends(&alice, command, 2, &["already"]);
    // A merged one is amended, from any clone, and its files stay as they are.
    let fresh = hub.desk_at("bob", "fresh");
    ends(
        &fresh,
        "reschedule CHG-001 --next",
        0,
        &["rescheduled CHG-001 to", "next: changegate merge CHG-001"],
    );
    assert_eq!(fresh.git(&["status", "--porcelain", "--branch"]), "## main...origin/main");
    ends(
        &fresh,
        "reschedule CHG-001 --start 2020-01-01T00:00:00Z",
        1,
        &["not rescheduled: it would be denied"],
    );
    ends(
        &fresh,
        "reschedule CHG-001 --start 2030-01-01T00:00:00Z --end 2029-01-01T00:00:00Z",
        2,
        &["before it begins"],
    );
    ends(&fresh, "reschedule CHG-009 --next", 2, &["there is no change CHG-009"]);
    ends(&fresh, "reschedule CHG-001", 2, &["--start"]);
    ends(&fresh, "merge CHG-001", 0, &["merged CHG-001"]);
    ends(&fresh, "list --state scheduled", 0, &["CHG-001"]);
}

#[test]
fn a_freeze_of_some_services_stops_only_those() {
    let hub = open();
    let bob = hub.desk("bob");
    bob.merges("CHG-001", &now("CHG-001", "bob"));
    put(&hub, FREEZES, &frozen(", services: [edge]"));
    bob.changegate(&["authorize", "CHG-001"]).ended(0, &[]);
    bob.merges("CHG-002", &now("CHG-002", "bob"));
    bob.changegate(&["window"]).ended(0, &["now: sale of edge"]);
    bob.changegate(&["window", "--service", "edge"]).ended(0, &["frozen, only P1"]);
    bob.changegate(&["window", "--service", "edgy"]).ended(2, &["did you mean `edge`?"]);
    put(&hub, FREEZES, &frozen(", services: [edge, checkout]"));
    bob.changegate(&["authorize", "CHG-001"]).ended(1, &["window/freeze", "the freeze sale"]);
    // Edges 14: who looks sees it, and the performer is told once.
    let ready = ["frozen: sale until", "changegate reschedule CHG-001 --next"];
    bob.changegate(&["list"]).ended(0, &ready);
    bob.changegate(&["show", "CHG-001"]).ended(0, &["changegate reschedule CHG-001 --next"]);
    bob.changegate(&["calendar"]).ended(0, &["  freeze", "sale of edge and checkout"]);
    let sweep = || bob.changegate(&["sweep"]).went_well().to_owned();
    let told = "bob: CHG-001 is merged, and can't be executed as planned: the freeze sale";
    assert!(sweep().contains(told));
    assert!(!sweep().contains(told));
    bob.submit_text("CHG-003", &request("CHG-003", "bob")).ended(1, &["window/freeze"]);
    // Once it is planned again, that isn't advised again.
    bob.changegate(&["reschedule", "CHG-001", "--start", "2030-01-01T12:00:00Z"]).ended(0, &[]);
    let listed = bob.changegate(&["list"]);
    assert!(listed.stdout.contains("frozen: sale until"), "{listed:?}");
    assert!(!listed.stdout.contains("reschedule CHG-001"), "{listed:?}");
    put(&hub, FREEZES, &frozen(", services: [chekout]"));
    bob.changegate(&["authorize", "CHG-001"])
        .ended(2, &["the freeze sale is for chekout", "did you mean `checkout`?"]);
}

#[test]
fn a_window_may_last_for_days() {
    let hub = open();
    let bob = hub.desk("bob");
    let day =
        |days: i64| (Utc::now() + TimeDelta::days(days)).format("%a").to_string().to_lowercase();
    let weekend = |from: &str, to: &str| {
        format!(
            "weekend: {{from_day: {from}, to_day: {to}, from: \"00:00\", to: \"24:00\", for: [high]}}\n"
        )
    };
    put(&hub, WINDOWS, &weekend(&day(-1), &day(2)));
    let planned = |from: i64, to: i64| {
        let text = request("CHG-001", "bob");
        let (before, rest) = text.split_once("schedule: ").unwrap();
        let (_, after) = rest.split_once('\n').unwrap();
        format!("{before}schedule: {{start: {}, end: {}}}\n{after}", at(from), at(to))
    };
    bob.submit_text("CHG-001", &planned(-2, 70)).ended(1, &["window/closed"]);
    bob.submit_text("CHG-001", &planned(-1, 40)).ended(0, &[]);
    for (table, why) in [
        (
            "weekend: {from_day: fri, from: \"00:00\", to: \"24:00\", for: [high]}\n",
            "doesn't say plainly",
        ),
        (
            "weekend: {days: [fri], from_day: fri, to_day: mon, from: \"00:00\", to: \"24:00\", for: [high]}\n",
            "doesn't say",
        ),
        (
            "weekend: {from_day: fri, to_day: fri, from: \"10:00\", to: \"10:00\", for: [high]}\n",
            "opens and closes at the same time",
        ),
        ("weekend: {from: \"10:00\", to: \"11:00\", for: [high]}\n", "never opens"),
    ] {
        put(&hub, WINDOWS, table);
        bob.changegate(&["check", "--branch", "CHG-001"]).ended(2, &["weekend", why]);
    }
}
