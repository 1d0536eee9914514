//! Standard changes: uses of templates, from the first changes that went well to the one that suspends one.

use std::fs;

use crate::executing::{now, open};
use crate::plumbing::hub::{Desk, Hub};

const NEW: &str = "new --template scale-web --set target=checkout-web --set from=6";

/// A hub whose policies have the shipped template.
fn shop() -> Hub {
    open()
}

fn run(desk: &Desk<'_>, words: &str, more: &[&str]) -> crate::plumbing::hub::Ran {
    let mut arguments: Vec<_> = words.split_whitespace().collect();
    arguments.extend(more);
    desk.changegate(&arguments)
}

/// What a use says of itself.
const OWN: [&str; 6] = ["--reason", "the sale starts", "--users", "none", "--operations", "none"];
const CHECKS: [&str; 6] =
    ["--monitor", "15m", "--health-check", "an order", "--error-rate", "cloudwatch: 5xx"];

fn uses(desk: &Desk<'_>, id: &str, more: &[&str]) -> crate::plumbing::hub::Ran {
    let own = [&OWN[..], &CHECKS, &["--id", id, "--duration", "30m"], more].concat();
    let ran = run(desk, NEW, &[&["--set", "to=12"], &own[..]].concat());
    desk.git(&["switch", "--quiet", "main"]);
    ran
}

/// Edges 60, 61: a use runs as it was merged, and a template is suspended for new ones alone.
#[test]
fn a_use_is_one_command_and_what_goes_wrong_suspends_its_template() {
    let hub = shop();
    // An L1, who would need a review for the same.
    let alice = hub.desk("alice");
    uses(&alice, "CHG-001", &["--submit", "--merge"])
        .ended(0, &["direct execution", "submitted CHG-001", "merged CHG-001"]);
    run(&alice, "template list", &[])
        .ended(0, &["scale-web     1 use  Scale {target} from {from} to {to} pods"]);
    run(&alice, "template show scale-web", &[]).ended(
        0,
        &[
            "parameter   to: 2 to 40",
            "used        1 time",
            "next: changegate new --template scale-web --set",
        ],
    );
    run(&alice, "template show scale-weeb", &[]).ended(2, &["did you mean `scale-web`?"]);
    let text = hub.git(&["show", "main:requests/CHG-001.yaml"]);
    assert!(text.contains("summary: Scale checkout-web from 6 to 12 pods"), "{text}");
    for (words, why) in [
        ("new --template scale-weeb", "did you mean `scale-web`?"),
        ("new --template scale-web --set target=checkout-web", "`from`: it is missing"),
        (
            "new --template scale-web --set target=eu-west-1 --set from=6 --set to=12",
            "one of checkout-web",
        ),
        (
            "new --template scale-web --set target=checkout-web --set from=6 --set to=99",
            "from 2 to 40",
        ),
        ("new --template scale-web --set target", "written NAME=VALUE"),
        ("new --merge", "--submit"),
    ] {
        run(&alice, words, &[]).ended(2, &[why]);
    }
    // Who writes something else into it is told what.
    let other = text.replace("to 12 pods", "to 99 pods").replace("CHG-001", "CHG-009");
    alice.submit_text("CHG-009", &other).ended(1, &["template/differs", "`summary` isn't what"]);
    alice.git(&["switch", "--quiet", "main"]);
    fs::remove_file(alice.folder.join("requests/CHG-009.yaml")).unwrap();

    // The template changes, and what was merged runs as it was merged.
    begin_now(&alice, "CHG-001");
    let path = "policies/templates/scale-web/data.yaml";
    let template = hub.git(&["show", &format!("main:{path}")]);
    hub.unguard();
    let carol = hub.desk_at("carol", "third");
    let change = |text: &str| {
        carol.git(&["fetch", "--quiet"]);
        let put = carol.put("origin/main", &[(path, text)], "Change the template");
        carol.push(&[&format!("{put}:refs/heads/main")]).went_well();
    };
    change(&template.replace("max: 40", "max: 10"));
    hub.guard();
    alice.exec(&["CHG-001", "--", "sh", "-c", "test $CHANGEGATE_PARAMETER_TO = 12"]).ended(0, &[]);
    uses(&alice, "CHG-002", &["--submit", "--merge"]).ended(1, &["from 2 to 10"]);
    fs::remove_file(alice.folder.join("requests/CHG-002.yaml")).unwrap();
    hub.unguard();
    change(&template);
    hub.guard();

    // One that fails suspends it.
    uses(&alice, "CHG-002", &["--submit", "--merge"]).ended(0, &["merged CHG-002"]);
    uses(&alice, "CHG-003", &["--submit"]).ended(0, &["submitted CHG-003"]);
    begin_now(&alice, "CHG-002");
    alice.exec(&["CHG-002", "--", "false"]).ended(1, &[]);
    run(&alice, "outcome CHG-002 failed", &["--note", "no pods"]).ended(0, &["recorded outcome"]);
    run(&alice, "merge CHG-003", &[]).ended(1, &["template/suspended", "CHG-002 failed"]);
    run(&alice, "template list", &[]).ended(0, &["SUSPENDED"]);
    run(&alice, "template show scale-web", &["--format", "json"])
        .ended(0, &["\"result\": \"failed\""]);
    hub.unguard();
    change(&template.replace("reviewed: 2026-11-02", "reviewed: 2026-11-03"));
    hub.guard();
    run(&alice, "merge CHG-003", &[]).ended(0, &["merged CHG-003"]);
}

/// Of a window that is open now, the next full quarter of an hour is still to come.
fn begin_now(desk: &Desk<'_>, id: &str) {
    let path = format!("requests/{id}.yaml");
    desk.git(&["pull", "--quiet", "--ff-only", "origin", "main"]);
    let text = fs::read_to_string(desk.folder.join(&path)).unwrap();
    let plan =
        now(id, "alice").lines().find(|line| line.starts_with("schedule: ")).unwrap().to_owned();
    let lines: Vec<_> = text.lines().collect();
    let at = lines.iter().position(|line| *line == "schedule:").unwrap();
    let kept = lines[..at].iter().chain(&lines[at + 1..]).filter(|line| {
        !line.starts_with("  start: ")
            && !line.starts_with("  end: ")
            && !line.starts_with("  # when")
    });
    let text = kept.map(|line| format!("{line}\n")).collect::<String>() + &plan + "\n";
    desk.submit_text(id, &text).ended(0, &["submitted"]);
    desk.changegate(&["merge", id]).ended(0, &["merged"]);
    desk.git(&["switch", "--quiet", "main"]);
}

/// What was done three times becomes a template, of which each was a use.
#[test]
fn changes_that_went_well_become_a_template() {
    let hub = shop();
    let bob = hub.desk("bob");
    for (id, worker) in [("CHG-001", "worker-1"), ("CHG-002", "worker-2"), ("CHG-003", "worker-3")]
    {
        let text = now(id, "bob").replace("worker-CHG001", worker).replace("worker-CHG002", worker);
        let text = text.replace("worker-CHG003", worker);
        let number: String = id.chars().filter(char::is_ascii_alphanumeric).collect();
        bob.merges(id, &text.replace(&format!("Put worker {number}"), &format!("Put {worker}")));
    }
    let ids = ["CHG-001", "CHG-002", "CHG-003", "--name", "maintain"];
    run(&bob, "template from", &ids).ended(
        0,
        &["policies/templates/maintain/data.yaml", "changegate submit --policies maintain"],
    );
    let text =
        fs::read_to_string(bob.folder.join("policies/templates/maintain/data.yaml")).unwrap();
    for line in
        ["summary: Put {target} into maintenance", "  from: ", "- CHG-002", "      - worker-1"]
    {
        let line = if line == "  from: " { "from:" } else { line };
        assert!(text.contains(line), "{line}: {text}");
    }
    run(&bob, "template from", &ids).ended(2, &["exists and is not overwritten"]);
    run(&bob, "template from CHG-001 CHG-009 --name x", &[])
        .ended(2, &["there is no merged change CHG-009"]);
    run(&bob, "template from CHG-001 --name x --output -", &[])
        .ended(0, &["summary: Put worker-1"]);
    // The policies take it.
    bob.changegate(&["test"]).ended(0, &[]);
}
