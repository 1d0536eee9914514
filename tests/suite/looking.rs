//! `list`, `show` and `log` over real repositories with real signatures.

use serde_json::Value;

use super::cli::NOW;
use super::plumbing::schemas::is_valid;
use super::plumbing::town::Town;
use super::plumbing::{at, judges, root};
use std::ptr;

use changegate::content::journal::Said;
use changegate::forge::Forge as _;
use changegate::forge::git::{Branches, Git};
use changegate::gate::Gate;
use changegate::git::Repo;

mod bypasses;
mod recorded;
mod states;

/// High risk, asked for by frank (L1), Mon 23 Nov 22:15–22:30, of the services edge and identity.
const ID: &str = "CHG-1222";

fn request() -> String {
    std::fs::read_to_string(root().join("requests/CHG-1222.yaml")).unwrap()
}

/// A town with that change, submitted an hour ago.
fn town_with_a_change() -> Town {
    let town = Town::founded();
    town.commit_request("frank", "2026-11-23T09:00:00Z", ID, &request());
    town
}

/// What the program prints for somebody; it has to succeed.
fn see(town: &Town, who: &str, arguments: &[&str]) -> String {
    let at_now: &[&str] = if arguments[0] == "log" { &[] } else { &["--now", NOW] };
    let output = town.changegate(who).args(arguments).args(at_now).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{arguments:?}: {stderr}");
    assert_eq!(stderr, "", "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// What a verb says as JSON, which has to be what its schema says.
fn see_json(town: &Town, who: &str, arguments: &[&str]) -> Value {
    let arguments: Vec<_> = arguments.iter().copied().chain(["--format", "json"]).collect();
    let value: Value = serde_json::from_str(&see(town, who, &arguments)).unwrap();
    is_valid(arguments[0], &value);
    value
}

/// The names of the changes that a list holds.
fn listed(town: &Town, who: &str, arguments: &[&str]) -> Vec<String> {
    let arguments: Vec<_> = ["list"].iter().chain(arguments).copied().collect();
    let list = see_json(town, who, &arguments);
    let changes = list["changes"].as_array().unwrap();
    changes.iter().map(|change| change["change"].as_str().unwrap().to_owned()).collect()
}

/// The events of a change, each with who did it.
fn events(town: &Town, id: &str) -> Vec<String> {
    let log = see_json(town, "bob", &["log", id]);
    let events = log["changes"][0]["events"].as_array().unwrap();
    let text = |event: &Value| {
        format!("{} {}", event["event"].as_str().unwrap(), event["by"].as_str().unwrap_or("?"))
    };
    events.iter().map(text).collect()
}

#[test]
fn a_list_says_whom_a_change_waits_for() {
    let town = town_with_a_change();
    let line = see(&town, "bob", &["list"]);
    // Whole, because it isn't a screen.
    assert!(line.starts_with("CHG-1222  high  pending  waits for bob|carol|dan|"), "{line}");
    assert!(!line.contains('+') && line.contains("erin"), "{line}");
    assert!(line.contains("since 1 h  Mon 22:15  Block 203.0.113.77"), "{line}");
    town.review("carol", "2026-11-23T09:30:00Z", ID, Said::Approved, "");
    let line = see(&town, "bob", &["list"]);
    assert!(line.contains("approved  signed by carol  —  Mon 22:15"), "{line}");
}

#[test]
fn a_list_is_filtered() {
    let town = town_with_a_change();
    for (who, arguments, is_listed) in [
        ("frank", &["--mine"][..], true),
        ("bob", &["--mine"], false),
        ("bob", &["--waiting-on-me"], true),
        ("frank", &["--waiting-on-me"], false),
        ("bob", &["--tier", "high"], true),
        ("bob", &["--tier", "low"], false),
        ("bob", &["--service", "identity"], true),
        ("bob", &["--service", "checkout"], false),
        ("bob", &["--off-script"], false),
        ("bob", &["--state", "open"], true),
        ("bob", &["--state", "all"], true),
        ("bob", &["--state", "merged"], false),
        ("bob", &["--state", "given-up"], false),
    ] {
        let expected = if is_listed { &[ID][..] } else { &[] };
        assert_eq!(listed(&town, who, arguments), expected, "{who} {arguments:?}");
    }
    let output = town.changegate("bob").args(["list", "--service", "identiti"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("did you mean `identity`?"), "{message}");
}

#[test]
fn what_is_denied_waits_for_its_requester() {
    let town = town_with_a_change();
    town.review("carol", "2026-11-23T09:30:00Z", ID, Said::ChangesRequested, "Why this one?");
    assert_eq!(listed(&town, "frank", &["--waiting-on-me"]), [ID]);
    assert_eq!(listed(&town, "bob", &["--waiting-on-me"]), [""; 0]);
}

#[test]
fn an_overdue_sign_off_comes_first() {
    let town = town_with_a_change();
    let off_script = std::fs::read_to_string(root().join("requests/CHG-1234.yaml")).unwrap();
    town.commit_request("alice", "2026-11-20T09:00:00Z", "CHG-1234", &off_script);
    assert_eq!(listed(&town, "bob", &[]), ["CHG-1234", ID]);
    let list = see_json(&town, "bob", &["list", "--off-script"]);
    assert_eq!(list["changes"][0]["overdue"], true, "{list:#}");
    let text = see(&town, "bob", &["list"]);
    assert!(text.contains("since 3 d, overdue"), "{text}");
}

#[test]
fn a_change_of_policies_is_listed_and_told() {
    let town = Town::founded();
    let files = [("policies/org/settings/data.yaml", "reviewed: 2026-11-02\n")];
    town.commit("carol", "2026-11-23T09:00:00Z", "change/defaults", &files, "Only defaults");
    assert!(see(&town, "carol", &["list"]).contains("waits for two of "));
    assert!(see(&town, "carol", &["show", "defaults"]).contains("  two of L3  "));
    town.review("erin", "2026-11-23T09:30:00Z", "defaults", Said::Approved, "");
    assert_eq!(listed(&town, "heidi", &["--waiting-on-me"]), ["defaults"]);
    assert_eq!(listed(&town, "carol", &["--mine"]), ["defaults"]);
    assert_eq!(events(&town, "defaults"), ["submitted carol", "approved erin"]);
    let show = see(&town, "carol", &["show", "defaults"]);
    assert!(
        show.starts_with("defaults  open\n  summary      Only defaults\n\npolicies  PENDING"),
        "{show}"
    );
    let log = see(&town, "carol", &["log"]);
    assert!(log.starts_with("defaults  open  Only defaults\n"), "{log}");
}

#[test]
fn a_closed_change_stays_listed_until_it_is_reopened() {
    let town = town_with_a_change();
    town.unsigned_review("frank", "2026-11-23T09:10:00Z", ID, Said::Closed);
    assert_eq!(listed(&town, "bob", &[]), [ID], "anybody could have closed it");
    town.review("frank", "2026-11-23T09:20:00Z", ID, Said::Closed, "No longer needed.");
    assert_eq!(listed(&town, "bob", &[]), [""; 0]);
    assert_eq!(listed(&town, "bob", &["--state", "given-up"]), [ID]);
    let text = see(&town, "bob", &["list", "--state", "given-up"]);
    assert!(text.contains("given-up  closed by frank  since 40 min"), "{text}");
    town.delete(&format!("change/{ID}"));
    assert_eq!(listed(&town, "bob", &["--state", "given-up"]), [ID], "its journal holds it");
    let show = see(&town, "bob", &["show", ID]);
    assert!(show.starts_with("CHG-1222  given-up; its branch was deleted"), "{show}");
    assert!(show.contains("No longer needed."), "{show}");
    let head = town.git("bob", NOW, &["rev-parse", &format!("reviews/{ID}^2")]);
    town.move_branch(&format!("change/{ID}"), &head);
    town.review("frank", "2026-11-23T09:40:00Z", ID, Said::Reopened, "");
    assert_eq!(listed(&town, "bob", &[]), [ID]);
    let last = events(&town, ID).split_off(1);
    assert_eq!(last, ["closed frank", "closed frank", "reopened frank"]);
}

#[test]
fn a_story_says_why_a_review_does_not_count() {
    let town = town_with_a_change();
    town.review("frank", "2026-11-23T09:05:00Z", ID, Said::Approved, "");
    town.unsigned_review("bob", "2026-11-23T09:06:00Z", ID, Said::Approved);
    town.review("dan", "2026-11-23T09:07:00Z", ID, Said::Approved, "Fine.");
    let amended = request().replace("203.0.113.77/32", "203.0.113.78/32");
    town.commit_request("frank", "2026-11-23T09:08:00Z", ID, &amended);
    town.commit_request("frank", "2026-11-23T09:09:00Z", ID, &format!("# a comment\n{amended}"));
    town.review("carol", "2026-11-23T09:10:00Z", ID, Said::Approved, "");
    assert_eq!(
        events(&town, ID),
        [
            "submitted frank",
            "approved frank",
            "approved bob",
            "approved dan",
            "amended frank",
            "edited frank",
            "approved carol"
        ]
    );
    let show = see_json(&town, "bob", &["show", ID]);
    let why_not: Vec<_> = show["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["event"] == "approved")
        .map(|entry| entry["why_not"].as_str().unwrap_or("counts"))
        .collect();
    for (why, part) in why_not.iter().zip(["requested it", "isn't signed", "was changed", "counts"])
    {
        assert!(why.contains(part), "{why_not:#?}");
    }
    assert_eq!(show["decision"]["verdict"], "approved");
    let text = see(&town, "bob", &["show", ID]);
    for part in [
        "CHG-1222  open\n",
        "APPROVED  high risk",
        "\nrequest\n  # a comment\n",
        "Mon 23 Nov 2026 09:00                submitted          frank",
        "+1 min  approved           bob (unsigned)",
        "\n    doesn't count: the request was changed after it",
        "\n    Fine.\n",
        "\n    counts\n",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

/// Submitted, approved, merged; the branches are gone if `gone`.
fn town_with_a_merge(gone: bool) -> Town {
    let town = town_with_a_change();
    town.review("carol", "2026-11-23T09:30:00Z", ID, Said::Approved, "");
    let trailers = "Verdict: approved\nTier: high\nApproved-by: carol (L3)\n";
    town.merge("bob", "2026-11-23T09:45:00Z", ID, trailers);
    if gone {
        town.delete(&format!("change/{ID}"));
    }
    town
}

#[test]
fn a_merged_change_tells_its_story_without_its_branch() {
    for gone in [false, true] {
        let town = town_with_a_merge(gone);
        assert_eq!(listed(&town, "bob", &[]), [""; 0]);
        assert_eq!(listed(&town, "bob", &["--state", "merged", "--tier", "high"]), [ID]);
        assert_eq!(events(&town, ID), ["submitted frank", "approved carol", "merged bob"]);
        let show = see_json(&town, "bob", &["show", ID]);
        assert_eq!(show["state"], "merged");
        assert_eq!(show["decision"]["verdict"], "approved", "{show:#}");
        assert_eq!(show["timeline"][1]["counts"], true);
        assert_eq!(show["merges"][0]["approved_by"][0], "carol (L3)");
        let text = see(&town, "bob", &["show", ID]);
        assert!(text.starts_with("CHG-1222  merged Mon 23 Nov 2026 09:45 UTC by bob"), "{text}");
        assert!(text.contains("\n  signed by    carol (L3)\n"), "{text}");
    }
    let town = town_with_a_merge(true);
    town.delete(&format!("reviews/{ID}"));
    assert_eq!(events(&town, ID), ["submitted frank", "bypassed bob"], "nothing shows who signed");
}

/// Read-only and of low risk: approved whenever the test runs.
#[test]
fn what_merge_writes_is_read_back() {
    let town = Town::founded();
    let low = std::fs::read_to_string(root().join("tests/cases/requests/low.yaml")).unwrap();
    town.commit_request("alice", "2026-11-02T10:00:00Z", "CHG-1", &low);
    let key = town.folder().with_file_name("keys").join("bob");
    town.git("bob", NOW, &["config", "user.signingkey", key.to_str().unwrap()]);
    let merged = town.changegate("bob").args(["merge", "CHG-1"]).output().unwrap();
    assert!(merged.status.success(), "{}", String::from_utf8_lossy(&merged.stderr));
    assert_eq!(events(&town, "CHG-1"), ["submitted alice", "merged bob"]);
    assert_eq!(listed(&town, "bob", &["--state", "merged", "--tier", "low"]), ["CHG-1"]);
    let show = see_json(&town, "bob", &["show", "CHG-1"]);
    let merge = &show["merges"][0];
    assert_eq!((&merge["verdict"], &merge["sign_off"]), (&"approved".into(), &"direct".into()));
    assert_eq!(merge["policies"], show["decision"]["digests"]["policies"]);
    let text = see(&town, "bob", &["show", "CHG-1"]);
    assert!(text.contains("\n  recorded     approved, low risk, direct\n"), "{text}");
    assert!(!text.contains("unsigned"), "{text}");
}

#[test]
fn a_change_that_comes_back_after_its_merge_is_open_again() {
    let town = town_with_a_merge(false);
    let cancelled = request() + "cancelled: {reason: the address is gone}\n";
    town.commit_request("frank", "2026-11-23T09:50:00Z", ID, &cancelled);
    assert_eq!(listed(&town, "bob", &[]), [ID]);
    assert_eq!(listed(&town, "bob", &["--state", "merged"]), [ID], "the merged version holds");
    assert_eq!(
        events(&town, ID),
        ["submitted frank", "approved carol", "merged bob", "submitted frank"]
    );
    let show = see_json(&town, "bob", &["show", ID]);
    assert_eq!(show["timeline"][1]["counts"], true, "it counted for what was merged: {show:#}");
}

#[test]
fn a_branch_that_brings_nothing_is_not_merged() {
    let town = town_with_a_merge(false);
    town.move_branch("change/CHG-1", &town.tip("main").unwrap());
    assert_eq!(listed(&town, "bob", &[]), ["CHG-1"]);
    assert_eq!(listed(&town, "bob", &["--state", "merged"]), [ID]);
}

#[test]
fn a_replaced_branch_loses_nothing_that_was_reviewed() {
    let town = town_with_a_change();
    town.review("dan", "2026-11-23T09:05:00Z", ID, Said::ChangesRequested, "");
    town.delete(&format!("change/{ID}"));
    let amended = request().replace("203.0.113.77/32", "203.0.113.78/32");
    town.commit_request("frank", "2026-11-23T09:10:00Z", ID, &amended);
    assert_eq!(events(&town, ID), ["submitted frank", "changes-requested dan", "amended frank"]);
}

#[test]
fn the_audit_trail_is_cut_by_dates() {
    let town = town_with_a_merge(true);
    town.commit_request("frank", "2026-11-24T09:00:00Z", "CHG-9", &request().replace(ID, "CHG-9"));
    let changes = |arguments: &[&str]| {
        let arguments: Vec<_> = ["log"].iter().chain(arguments).copied().collect();
        let log = see_json(&town, "bob", &arguments);
        let changes = log["changes"].as_array().unwrap();
        changes.iter().map(|change| change["change"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(changes(&[]), ["CHG-9", ID]);
    assert_eq!(changes(&["--since", "2026-11-24"]), ["CHG-9"]);
    assert_eq!(changes(&["--until", "2026-11-23"]), [ID]);
    assert_eq!(changes(&["--until", "2026-11-23T08:00:00Z"]), [""; 0]);
    let text = see(&town, "bob", &["log"]);
    assert!(text.contains("\n\nCHG-1222  merged  Block 203.0.113.77"), "{text}");
    assert!(text.contains("+15 min  merged             bob"), "{text}");
}

/// Record 70: a cell that a spreadsheet would take for a formula.
#[test]
fn a_table_runs_nothing_in_a_spreadsheet() {
    let town = town_with_a_change();
    town.review("dan", "2026-11-23T09:05:00Z", ID, Said::Commented, "=HYPERLINK(\"x\"),\n\"y\"");
    let table = see(&town, "bob", &["log", "--format", "csv"]);
    let lines: Vec<_> = table.split_terminator("\r\n").collect();
    assert_eq!(lines.len(), 3, "{table}");
    assert!(lines[0].contains(",planned_end,event,at,seconds_since_previous,by,"), "{table}");
    let wanted = ",commented,2026-11-23T09:05:00Z,300,dan,dan@acme.example,,";
    assert!(lines[2].starts_with("CHG-1222,open,") && lines[2].contains(wanted), "{table}");
    assert!(lines[2].ends_with(",\"'=HYPERLINK(\"\"x\"\"), \"\"y\"\"\",,"), "{table}");
}

/// Record 70: what would act on a terminal, or turn its text round.
#[test]
fn nothing_in_a_commit_acts_on_the_terminal() {
    let town = Town::founded();
    let evil = request().replace("203.0.113.77, which", "\"\\u202e\\e[2J\" which");
    let files = [("requests/CHG-1222.yaml", evil.as_str())];
    let message = "CHG-1222: \u{1b}[2J\u{202e}evil";
    town.commit("frank", "2026-11-23T09:00:00Z", "change/CHG-1222", &files, message);
    town.review("dan", "2026-11-23T09:05:00Z", ID, Said::Commented, "\u{202e}\n::error::x");
    for arguments in [&["list"][..], &["show", ID], &["log"], &["log", "--format", "csv"]] {
        let text = see(&town, "bob", arguments);
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{arguments:?}: {text}");
        assert!(!text.lines().any(|line| line.trim_start().starts_with("::")), "{text}");
    }
}

#[test]
fn one_odd_change_does_not_hide_the_others() {
    let town = town_with_a_change();
    let incident = [("requests/incidents/INC-001.yaml", "severity: [")];
    town.commit("carol", "2026-11-22T09:00:00Z", "main", &incident, "Incident");
    let emergency = "type: emergency\nemergency: {incident: INC-001, severity: P1, why_now: now}\n";
    let odd = request().replace(ID, "CHG-9") + emergency;
    town.commit_request("dan", "2026-11-23T09:00:00Z", "CHG-9", &odd);
    assert_eq!(listed(&town, "bob", &[]), ["CHG-9", ID]);
    let text = see(&town, "bob", &["list"]);
    assert!(text.contains("undecided  can't be judged: cannot read the"), "{text}");
}

/// A commit may claim any date: it is taken for the nearest that there is.
#[test]
fn an_odd_date_hides_nothing() {
    let town = town_with_a_change();
    town.commit_request("dan", "1971-01-01T00:00:00Z", "CHG-9", &request().replace(ID, "CHG-9"));
    assert_eq!(listed(&town, "bob", &[]), ["CHG-9", ID]);
    assert!(see(&town, "bob", &["log", "CHG-9"]).contains("Jan 2000"));
}

/// What is read once for many changes is what each would read by itself.
#[test]
fn a_survey_finds_what_each_change_finds() {
    let town = town_with_a_merge(true);
    let again = |id: &str| request().replace(ID, id);
    town.commit_request("frank", "2026-11-23T09:50:00Z", "CHG-2", &again("CHG-2"));
    town.commit_request("dan", "2026-11-23T09:51:00Z", "CHG-3", &again("CHG-3"));
    let elsewhere = again("CHG-4").replace("waf-ip-set", "cdn");
    town.commit_request("dan", "2026-11-23T09:52:00Z", "CHG-4", &elsewhere);
    town.commit_request("dan", "2026-11-23T09:53:00Z", "chg-1222", &again("CHG-5"));
    // What was given up is in nobody's way.
    town.commit_request("dan", "2026-11-23T09:54:00Z", "CHG-6", &again("CHG-6"));
    town.review("dan", "2026-11-23T09:55:00Z", "CHG-6", Said::Closed, "");

    // What can't be read may be in the way of whom its text names.
    let part = format!("{}\nschedule: soon\n", again("CHG-21").split("schedule").next().unwrap());
    let unread = [
        ("requests/CHG-20.yaml", "actions: [waf-ip-set"),
        ("requests/CHG-21.yaml", &part),
        ("requests/CHG-22.yaml", "actions: [something"),
        ("requests/notes.md", "waf-ip-set"),
    ];
    town.commit("dan", "2026-11-23T09:56:00Z", "main", &unread, "By hand");

    let open = || Git::new(Branches::own(Repo::open(&town.folder()).unwrap()), None).unwrap();
    let (one, many) = (open(), open());
    many.survey_others();
    for (name, merged, others) in
        [("CHG-2", 1, 2), ("CHG-3", 1, 2), ("CHG-4", 0, 0), ("chg-1222", 1, 2)]
    {
        let judge = |git: &Git| {
            let gate = Gate::new(git.repo(), git, judges());
            gate.judge(git.pull(name).unwrap(), &[], at(NOW)).unwrap().evidence
        };
        let evidence = judge(&many);
        assert_eq!(evidence, judge(&one), "{name}");
        assert_eq!((evidence.merged.len(), evidence.open.len()), (merged, others), "{name}");
        assert_eq!(evidence.same_id.len(), usize::from(name == "chg-1222"), "{name}");
        let unread: &[&str] = match name {
            "CHG-4" => &[],
            _ => &["requests/CHG-20.yaml", "requests/CHG-21.yaml"],
        };
        assert_eq!(evidence.unread, unread, "{name}");
    }
}

#[test]
fn the_same_policies_are_loaded_once() {
    let town = town_with_a_merge(true);
    let git = Git::new(Branches::own(Repo::open(&town.folder()).unwrap()), None).unwrap();
    let merged = git.base().unwrap();
    let before = git.repo().commit(merged).unwrap().parents[0];
    let judges = judges();
    let judge = |commit| judges.at(git.repo(), commit).unwrap();
    let (first, second) = (judge(before), judge(merged));
    assert!(ptr::eq(first.bundle(), second.bundle()), "a request was merged, no policy");
    assert_eq!([first.source, second.source], [before, merged].map(|commit| commit.to_string()));
}
