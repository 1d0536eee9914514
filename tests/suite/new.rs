//! `changegate new` without a terminal: flags and templates in, a request file out.

use std::fs;
use std::path::Path;
use std::process::Output;

use tempfile::TempDir;

use crate::cli::{NOW, changegate, repository};
use changegate::core::policy::{PolicyBundle, shipped_files};
use changegate::core::request::RequestFile;

/// What a change of any kind needs but its action.
const USUAL: [&str; 26] = [
    "--requester",
    "alice",
    "--summary",
    "Fix it: now, \"properly\" # at last",
    "--reason",
    "it is broken",
    "--users",
    "none",
    "--operations",
    "none",
    "--start",
    "2026-11-24T23:00:00+01:00",
    "--duration",
    "30m",
    "--rollback-step",
    "undo it",
    "--rollback-step",
    "tell: everybody",
    "--rollback-owner",
    "carol",
    "--monitor",
    "15m",
    "--health-check",
    "https://checkout.example/healthz",
    "--error-rate",
    "cloudwatch: 5xx",
];

const OFF_SCRIPT: [&str; 18] = [
    "--script",
    "runbooks/usual.md",
    "--justification",
    "it is too slow",
    "--description",
    "by hand",
    "--risk",
    "it fails",
    "--risk-mitigation",
    "somebody watches",
    "--contingency",
    "call everybody",
    "--business-alignment",
    "the shop stays open",
    "--approval",
    "devops-lead",
    "--approval",
    "service-owner",
];

fn new(dir: &Path, arguments: &[&[&str]]) -> Output {
    let arguments = arguments.concat();
    changegate(dir).args(["new", "--now", NOW]).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

#[track_caller]
fn assert_refused(output: &Output, parts: &[&str]) {
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(output.stdout.is_empty());
    for part in parts {
        assert!(said.contains(part), "`{part}` isn't in {said}");
    }
}

#[test]
fn a_request_for_each_action_of_the_catalog_lacks_nothing() {
    let bundle = PolicyBundle::load(shipped_files(), changegate::gate::cpu::thread_time).unwrap();
    let dir = folder();
    for (number, action) in bundle.org.actions.entries.keys().enumerate() {
        let action = format!("{action}:checkout-web");
        let output = new(dir.path(), &[&USUAL, &["--action", &action]]);
        assert!(output.status.success(), "{action}: {}", text(&output.stderr));
        let id = format!("CHG-{}", number + 1);
        assert!(text(&output.stdout).contains(&format!("next: changegate submit {id}\n")));
        let path = format!("requests/{id}.yaml");
        let check = changegate(dir.path()).args(["check", "--now", NOW, &path]).output().unwrap();
        assert!(matches!(check.status.code(), Some(0 | 3)), "{action}: {}", text(&check.stdout));
    }
}

#[test]
fn who_is_not_in_the_roster_is_told_at_once() {
    let dir = folder();
    let mut usual = USUAL;
    usual[1] = "mallory";
    let output = new(dir.path(), &[&usual, &["--action", "pull-logs:checkout-web"]]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let why =
        "mallory isn't in policies/org/roster/data.yaml, so that nothing will count as theirs";
    assert!(text(&output.stderr).contains(why), "{}", text(&output.stderr));
    let output = new(dir.path(), &[&USUAL[2..], &["--action", "pull-logs:checkout-web"]]);
    assert_refused(&output, &["note: who asks for this isn't known: ", "--requester LOGIN"]);
}

#[test]
fn emergencies_and_off_script_changes_too() {
    let dir = folder();
    let emergency = ["--incident", "INC-042", "--severity", "P1", "--why-now", "it burns"];
    let output = new(dir.path(), &[&USUAL, &emergency, &["--action", "deploy:checkout-web"]]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("incident-commander"), "{}", text(&output.stdout));
    assert!(dir.path().join("requests/INC-042.yaml").exists());

    let output = new(dir.path(), &[&USUAL, &OFF_SCRIPT, &["--action", "replay:checkout-web"]]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    for part in
        ["PENDING  high risk, off-script", "devops-lead", "bob or dan (checkout)", "off-peak"]
    {
        assert!(text(&output.stdout).contains(part), "{}", text(&output.stdout));
    }
}

#[test]
fn the_values_are_those_of_the_flags() {
    let dir = folder();
    let more = [
        "--action",
        "failover-region:eu-west-1,to=eu-west-2",
        "--link",
        "dashboard=https://grafana.example/d/1",
        "--approval",
        "user:erin",
        "--implementer",
        "bob",
        "--tier",
        "critical",
        "--output",
        "-",
    ];
    let output = new(dir.path(), &[&USUAL, &more]);
    assert!(text(&output.stderr).contains("PENDING  critical risk"), "{}", text(&output.stderr));
    assert!(!dir.path().join("requests").exists());
    let file = RequestFile::read("requests/CHG-1.yaml", &output.stdout);
    assert!(file.problems.is_empty(), "{:#?}", file.problems);
    let request = serde_json::to_value(file.request.unwrap()).unwrap();
    for (pointer, value) in [
        ("/id", "CHG-1"),
        ("/type", "normal"),
        ("/risk", "critical"),
        ("/implementer", "bob"),
        ("/summary", "Fix it: now, \"properly\" # at last"),
        ("/actions/0/parameters/to", "eu-west-2"),
        ("/impact/services/0", "checkout"),
        ("/schedule/end", "2026-11-24T22:30:00Z"),
        ("/rollback/steps/1", "tell: everybody"),
        ("/approvals/0/user", "erin"),
        ("/links/dashboard", "https://grafana.example/d/1"),
    ] {
        assert_eq!(request.pointer(pointer).unwrap(), value, "{pointer}");
    }
}

#[test]
fn everything_that_is_missing_is_told_at_once() {
    let dir = folder();
    let missing = new(dir.path(), &[&["--action", "failover-region:eu-west-1"]]);
    assert_refused(
        &missing,
        &[
            "--requester LOGIN ",
            "--summary TEXT ",
            "--reason TEXT ",
            "--users TEXT ",
            "--operations TEXT ",
            "--rollback-step TEXT ",
            "--rollback-owner LOGIN ",
            "--monitor LENGTH ",
            "--health-check TEXT ",
            "--error-rate TEXT ",
            "--start TIME ",
            "--duration LENGTH ",
        ],
    );
    assert!(!text(&missing.stderr).contains("--script"), "{}", text(&missing.stderr));
    assert!(!dir.path().join("requests").exists());
}

#[test]
fn wrong_input_of_every_kind() {
    let dir = folder();
    let deploy = ["--action", "deploy:checkout-web"];
    for (arguments, part) in [
        (&["--action", "deploy"][..], "is not an action with its target"),
        (&["--start", "tomorrow"], "is not a time"),
        (&["--monitor", "a while"], "is not a duration"),
        (&["--monitor", "5m"], "at least 15m"),
        (&["--duration", "0s"], "a change takes some time"),
        (&["--duration", "1h", "--end", "2026-11-24T23:00:00Z"], "cannot be used with"),
        (&["--id", "TASK-1"], "is not a ticket number"),
        (&["--type", "urgent"], "possible values: standard, normal, emergency"),
        (&["--severity", "P3"], "possible values: P1, P2"),
        (&["--incident", "CHG-1"], "write the incident's"),
        (&["--requester", "al ice"], "is not a login"),
        (&["--summary", " "], "an answer is needed"),
        (&["--summary", "TBD"], "a request says in one line"),
        (&["--summary", "a\u{202e}b"], "U+202E"),
        (&["--service", "nowhere"], "the roster has no service `nowhere`"),
        (&["--action", "reboot:checkout-web"], "the catalog has no action `reboot`"),
        (&["--approval", "chief"], "nobody in the roster has the role `chief`"),
        (&["--tier", "low"], "the request declares low risk"),
        (&["--start", "2026-11-22T10:00:00Z"], "has passed"),
        (&["--start", "2026-11-28T10:00:00Z"], "no window for medium risk"),
        (&["--start", "2026-12-22T10:00:00Z"], "the freeze year-end"),
        (&["--type", "normal", "--incident", "INC-001"], "--type TYPE"),
        (&["--from", "nowhere.yaml"], "there is no file nowhere.yaml"),
        (&["--policies", "nowhere"], "nowhere"),
    ] {
        let defaults = [&USUAL[..], &deploy].concat();
        // A flag that is given here is left out of the usual ones.
        let flags = defaults.chunks(2).filter(|flag| !arguments.contains(&flag[0]));
        let is_end = arguments.contains(&"--end");
        let flags: Vec<_> = flags.filter(|flag| !(is_end && flag[0] == "--duration")).collect();
        let output = new(dir.path(), &[&flags.concat(), arguments]);
        assert_refused(&output, &[part]);
        assert!(!dir.path().join("requests").exists(), "{arguments:?}");
    }
}

#[test]
fn nothing_is_written_over() {
    let dir = folder();
    let arguments = [&USUAL[..], &["--action", "deploy:checkout-web"]];
    assert!(new(dir.path(), &arguments).status.success());
    let before = fs::read(dir.path().join("requests/CHG-1.yaml")).unwrap();
    let again = new(dir.path(), &[arguments[0], arguments[1], &["--id", "CHG-1"]]);
    assert_refused(&again, &["CHG-1 is already used by requests/CHG-1.yaml"]);
    let folded = new(
        dir.path(),
        &[arguments[0], arguments[1], &["--id", "CHG-1", "--output", "x/CHG-1.yaml"]],
    );
    assert_refused(&folded, &["CHG-1 is already used by requests/CHG-1.yaml"]);
    let to_it =
        new(dir.path(), &[arguments[0], arguments[1], &["--output", "requests/CHG-1.yaml"]]);
    assert_refused(&to_it, &["requests/CHG-1.yaml exists"]);
    assert_eq!(fs::read(dir.path().join("requests/CHG-1.yaml")).unwrap(), before);
    let renamed =
        new(dir.path(), &[arguments[0], arguments[1], &["--output", "requests/other.yaml"]]);
    assert_refused(&renamed, &["--id TICKET", "other.yaml"]);
}

#[test]
fn a_template_gives_all_but_what_is_its_own() {
    let dir = folder();
    let sample = fs::read_to_string(repository().join("requests/CHG-1203.yaml")).unwrap();
    let closed = sample + "outcome: {result: successful, disposition: closed}\n";
    fs::write(dir.path().join("last-time.yaml"), &closed).unwrap();
    let template = "last-time.yaml";
    let output = new(dir.path(), &[&["--from", template]]);
    assert_refused(&output, &["--requester LOGIN", "--start TIME"]);
    assert!(!text(&output.stderr).contains("--summary"), "{}", text(&output.stderr));

    let own = ["--requester", "dan", "--start", "2026-11-25T10:00:00Z", "--users", "all of them"];
    let output = new(dir.path(), &[&["--from", template, "--output", "-"], &own]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let request = RequestFile::read("CHG-1.yaml", &output.stdout).request.unwrap();
    let before = RequestFile::read("x.yaml", closed.as_bytes()).request.unwrap();
    assert!(before.is_closed() && !request.is_closed());
    assert_eq!(request.summary, before.summary);
    assert_eq!(request.impact.as_ref().unwrap().users.as_deref(), Some("all of them"));
    // What it takes is as long as last time.
    assert_eq!(request.planned().unwrap().length(), before.planned().unwrap().length());
}

#[test]
fn git_says_who_asks() {
    let dir = folder();
    let git = |arguments: &[&str]| {
        let status =
            std::process::Command::new("git").args(arguments).current_dir(dir.path()).status();
        assert!(status.unwrap().success());
    };
    git(&["init", "--quiet"]);
    git(&["config", "user.email", "Dan@ACME.example"]);
    let usual = &USUAL[2..];
    let own = ["--action", "deploy:checkout-web", "--policies", "shipped"];
    let output = new(dir.path(), &[usual, &own]);
    assert!(text(&output.stdout).contains("(dan, L2)"), "{}", text(&output.stderr));
}

#[test]
fn a_path_says_the_number_too() {
    let dir = folder();
    let place = ["--output", "requests/2026-12/CHG-mine.yaml", "--action", "deploy:checkout-web"];
    let output = new(dir.path(), &[&USUAL, &place]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let written = fs::read_to_string(dir.path().join(place[1])).unwrap();
    assert!(written.starts_with("# yaml-language-server: $schema=../../schemas/"), "{written}");
    assert!(written.contains("\nid: CHG-mine\n"), "{written}");
}
