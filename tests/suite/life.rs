//! The whole life of a change in plain Git: several people, each with a clone and a key, and the
//! real `git` between them.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::plumbing::hub::{Desk, Hub, PLANNED, Ran, request};

/// The flags of an off-script change that needs everybody's sign-off.
fn off_script() -> Vec<String> {
    let (start, _) = *PLANNED;
    let start = start.to_string();
    [
        ["--id", "CHG-1"],
        ["--action", "failover-region:eu-west-1,to=eu-west-2"],
        ["--summary", "Fail the EU region over"],
        ["--reason", "the provider replaces its routers"],
        ["--description", "by hand, with the weights moved in steps"],
        ["--users", "none"],
        ["--operations", "none"],
        ["--start", &start],
        ["--duration", "1h"],
        ["--rollback-step", "reverse the weights"],
        ["--rollback-owner", "carol"],
        ["--monitor", "15m"],
        ["--health-check", "https://checkout.example/healthz"],
        ["--error-rate", "cloudwatch: 5xx"],
        ["--script", "runbooks/failover.md"],
        ["--justification", "it moves everything at once"],
        ["--risk", "the other region is short of room"],
        ["--risk-mitigation", "ten per cent at a time"],
        ["--contingency", "call the provider"],
        ["--business-alignment", "the shop stays open"],
        ["--approval", "devops-lead"],
        ["--approval", "service-owner"],
    ]
    .concat()
    .into_iter()
    .map(str::to_owned)
    .collect()
}

/// The logins whose approval counts.
fn counting(decision: &Value) -> Vec<&str> {
    let reviews = decision["sign_off"]["reviews"].as_array().unwrap().iter();
    reviews
        .filter(|review| review["counts"] == true)
        .map(|review| review["user"].as_str().unwrap())
        .collect()
}

#[test]
fn from_the_form_to_the_merge() {
    let hub = Hub::guarded();
    let (alice, bob, dan) = (hub.desk("alice"), hub.desk("bob"), hub.desk("dan"));
    let flags = off_script();
    let flags: Vec<_> = ["new"].into_iter().chain(flags.iter().map(String::as_str)).collect();
    alice.changegate(&flags).ended(0, &["wrote requests/CHG-1.yaml"]);
    alice.changegate(&["submit"]).ended(0, &["submitted CHG-1 as change/CHG-1"]);
    assert_eq!(alice.git(&["branch", "--show-current"]), "change/CHG-1");
    assert_eq!(alice.git(&["status", "--porcelain"]), "");

    alice.approve("CHG-1").ended(1, &["nobody approves their own change: alice requested it"]);
    assert_eq!(hub.tip("reviews/CHG-1"), None);

    let why = ["review", "CHG-1", "--approve", "--yes", "--comment", "both have room"];
    bob.changegate(&why).ended(0, &["approved by bob, and counts", "service-owner"]);
    dan.changegate(&["merge", "CHG-1"]).ended(3, &["error: not merged: CHG-1 is pending"]);
    assert_eq!(counting(&dan.decision("CHG-1")), ["bob"]);

    // What matters is edited: bob's approval is about something else.
    let path = alice.folder.join("requests/CHG-1.yaml");
    let edit = |from: &str, to: &str| {
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from));
        fs::write(&path, text.replacen(from, to, 1)).unwrap();
        alice.changegate(&["submit", "CHG-1"]).ended(0, &["submitted CHG-1"]);
    };
    edit("reverse the weights", "reverse the weights, region by region");
    let stale = dan.decision("CHG-1");
    assert_eq!(counting(&stale), [""; 0]);
    let why = stale["sign_off"]["reviews"][0]["why"].as_str().unwrap();
    assert!(why.contains("the request was changed after it"), "{why}");

    // A comment isn't material, and the reviewer sees what changed since the last look.
    let again = bob.approve("CHG-1");
    again.ended(0, &["What has changed since your review", "+    - reverse the weights, region"]);
    edit("# what users notice", "# what users do notice");
    assert_eq!(counting(&dan.decision("CHG-1")), ["bob"]);

    dan.approve("CHG-1").ended(0, &["approved by dan, and counts"]);
    let decision = dan.decision("CHG-1");
    assert_eq!(decision["verdict"], "approved");
    dan.git(&["config", "i18n.commitEncoding", "ISO-8859-1"]);
    dan.changegate(&["merge", "CHG-1"]).ended(0, &["merged CHG-1 into main as"]);
    dan.changegate(&["merge", "CHG-1"]).ended(0, &["CHG-1 is merged already"]);
    for over in [vec!["check", "--branch", "CHG-1"], vec!["review", "CHG-1", "--approve", "--yes"]]
    {
        dan.changegate(&over)
            .failed(&["CHG-1 changes nothing on main: it is merged there already"]);
    }

    let log = hub.git(&["log", "-1", "--format=%B", "main"]);
    let mut lines = log.lines();
    for (line, expected) in [
        "Merge CHG-1: Fail the EU region over",
        "",
        "High risk, off-script, requested by alice (L1).",
        "Signed off by bob (L2, devops-lead), dan (service-owner of checkout).",
    ]
    .into_iter()
    .map(|expected| (lines.next().unwrap(), expected))
    {
        assert_eq!(line, expected);
    }
    let planned = lines.next().unwrap();
    assert!(planned.starts_with("Planned ") && planned.contains(" UTC"), "{planned}");
    assert_eq!(hub.git(&["log", "-1", "--format=%e", "main"]), "");
    let trailers = hub.git(&["log", "-1", "--format=%(trailers:only,unfold)", "main"]);
    assert!(
        trailers.starts_with(
            "Change: CHG-1\nVerdict: approved\nTier: high\nApproved-by: bob (L2, devops-lead)\n\
             Approved-by: dan (service-owner of checkout)\nPolicies: sha256:"
        ),
        "{trailers}"
    );
    // The policies are on the record, and they are those that decided.
    assert!(trailers.contains(decision["digests"]["policies"].as_str().unwrap()));

    // Anybody can verify who signed what without this program.
    let signers = hub.desk_at("erin", "anybody").changegate(&["signers"]);
    fs::write(hub.path("allowed_signers"), signers.went_well()).unwrap();
    let file = hub.path("allowed_signers");
    for (commit, who) in [
        ("main", "dan"),
        ("change/CHG-1", "alice"),
        ("reviews/CHG-1", "dan"),
        ("reviews/CHG-1~1", "bob"),
    ] {
        let setting = format!("gpg.ssh.allowedSignersFile={}", file.display());
        let mut git = Command::new("git");
        git.arg("--git-dir").arg(hub.folder());
        let ran = Ran::of(git.args(["-c", &setting, "verify-commit", commit]), "");
        ran.ended(0, &[&format!("for {who}@acme.example")]);
    }
    hub.is_sound();
}

#[test]
fn without_any_remote() {
    let hub = Hub::open();
    let alice = hub.lonely_desk("alice");
    alice.submit("CHG-1").ended(0, &["submitted CHG-1", "waits for"]);
    alice.approve("CHG-1").ended(1, &["nobody approves their own change"]);
    alice.git(&["switch", "--quiet", "main"]);
    let carol = sitting("carol", &alice);
    carol.approve("CHG-1").ended(0, &["approved by carol, and counts"]);
    carol.changegate(&["merge", "CHG-1"]).ended(0, &["merged CHG-1 into main"]);
    // The folder has come along.
    assert!(carol.folder.join("requests/CHG-1.yaml").is_file());
    assert_eq!(carol.git(&["status", "--porcelain"]), "");
    carol.git(&["fsck", "--strict", "--no-dangling"]);
}

/// Somebody else at the same desk.
fn sitting<'a>(who: &'static str, desk: &Desk<'a>) -> Desk<'a> {
    let other = Desk { hub: desk.hub, who, folder: desk.folder.clone() };
    other.sit_down();
    other
}

#[test]
fn a_change_of_policies_is_judged_by_the_old_ones() {
    let hub = Hub::guarded();
    let (bob, carol, erin) = (hub.desk("bob"), hub.desk("carol"), hub.desk("erin"));
    let roster = "policies/org/roster/data.yaml";
    let text = bob.git(&["show", &format!("origin/main:{roster}")]);
    let matrix_at_base = bob.git(&["rev-parse", "origin/main:policies/org/matrix"]);
    // bob makes himself an L3, which has no say in whether that goes ahead.
    let text = text.replace("bob: {level: L2", "bob: {level: L3") + "\n";
    let head = bob.put("origin/main", &[(roster, &text)], "bob is an L3 now");
    bob.push(&[&format!("{head}:refs/heads/change/new-roster")]).went_well();
    let decision = carol.decision("new-roster");
    assert_eq!(decision["verdict"], "pending");
    let required = decision["sign_off"]["required"].as_array().unwrap();
    let levels: Vec<_> = required.iter().map(|required| &required["any_of"]).collect();
    assert_eq!(levels, [&serde_json::json!(["L3"]), &serde_json::json!(["L3"])]);
    bob.approve("new-roster").ended(1, &["nobody approves their own change"]);
    carol.approve("new-roster").ended(0, &["approved by carol, and counts", "waits for L3"]);
    carol.changegate(&["merge", "new-roster"]).ended(3, &[]);
    erin.approve("new-roster").ended(0, &["approved by erin, and counts"]);
    erin.changegate(&["merge", "new-roster"]).ended(0, &["a change of policies"]);
    assert_eq!(hub.git(&["rev-parse", "main:policies/org/matrix"]), matrix_at_base);

    // From the merge on they hold.
    let alice = hub.desk("alice");
    alice.submit("CHG-1").went_well();
    let eligible = alice.decision("CHG-1");
    assert_eq!(eligible["level"], "L1");
    let merged = hub.git(&["show", &format!("main:{roster}")]);
    assert!(merged.contains("bob: {level: L3"));
    hub.is_sound();
}

#[test]
fn policies_that_could_not_judge_the_next_change_are_not_merged() {
    let merged = "findings contains f if {\n\tf := {\"code\": \"odd/x\", \"effect\": input.request.id, \"message\": \"m\"}\n}";
    let alone = "findings contains f if {\n\tinput.request == null\n\
                 \tf := {\"code\": input.now, \"effect\": \"deny\", \"message\": \"m\"}\n}";
    let rare = "findings contains {\"code\": \"odd/x\", \"effect\": effect, \"message\": \"m\"} if {\n\
                \tinput.request.emergency\n\teffect := lower(\"BLOCK\")\n}";
    let undoing = "findings contains {\"code\": \"execute/x\", \"effect\": effect, \"message\": \"m\"} if {\n\
                   \tinput.execution.rollback\n\teffect := lower(\"BLOCK\")\n}";
    for (package, rule, parts) in [
        ("odd", "findings contains {", ["nothing could be judged after this merge", "odd.rego"]),
        ("odd", merged, ["CHG-1.yaml could not be judged after this merge", "odd.rego"]),
        ("policy", alone, ["no change of the policies could be approved", "odd.rego"]),
        ("odd", rare, ["an off-script emergency could not be judged after this merge", "odd.rego"]),
        ("execute", undoing, ["to roll it back could not be decided after this merge", "odd.rego"]),
    ] {
        let hub = Hub::guarded();
        let (alice, bob) = (hub.desk("alice"), hub.desk("bob"));
        let (carol, erin) = (hub.desk("carol"), hub.desk("erin"));
        alice.submit("CHG-1").went_well();
        carol.approve("CHG-1").went_well();
        carol.changegate(&["merge", "CHG-1"]).went_well();
        let path = format!("policies/rules/{package}/odd.rego");
        let rule = format!("package changegate.rules.{package}\n\n{rule}\n");
        let head = bob.put("origin/main", &[(&path, &rule)], "An odd rule");
        bob.push(&[&format!("{head}:refs/heads/change/odd")]).went_well();
        carol.approve("odd").went_well();
        erin.approve("odd").went_well();
        let before = hub.tip("main");
        erin.changegate(&["merge", "odd"]).failed(&parts);
        assert_eq!(hub.tip("main"), before);
    }
}

#[test]
fn nobody_is_locked_out_of_the_policies() {
    let hub = Hub::guarded();
    let (bob, carol) = (hub.desk("bob"), hub.desk("carol"));
    let roster = "policies/org/roster/data.yaml";
    let before = bob.git(&["show", &format!("origin/main:{roster}")]) + "\n";
    let proposed = |name: &str, replacements: &[(&str, &str)]| {
        let text = replacements.iter().fold(before.clone(), |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replace(from, to)
        });
        let head = bob.put("origin/main", &[(roster, &text)], "Another roster");
        bob.push(&[&format!("{head}:refs/heads/change/{name}")]).went_well();
        carol.changegate(&["check", "--branch", name])
    };
    let demoted = ("carol: {level: L3", "carol: {level: L2");
    let demoted = [demoted, ("heidi: {level: L3", "heidi: {level: L2")];
    proposed("fewer", &demoted)
        .ended(1, &["policy/lock-out", "erin could sign as L3, but 2 are needed"]);
    let unnamed =
        [("emails: [erin@acme.example]", "emails: []"), ("carol: {level: L3", "carol: {level: L2")];
    proposed("unnamed", &unnamed).ended(1, &["policy/lock-out", "heidi could sign as L3"]);
    proposed("moved", &[&demoted[..], &[("bob: {level: L2", "bob: {level: L3")]].concat())
        .ended(3, &[]);
}

#[test]
fn given_up_and_taken_up_again() {
    let hub = Hub::guarded();
    let (alice, bob, carol) = (hub.desk("alice"), hub.desk("bob"), hub.desk("carol"));
    alice.submit("CHG-1").went_well();
    carol.approve("CHG-1").ended(0, &["counts"]);
    bob.changegate(&["close", "CHG-1"]).ended(1, &["bob can't close CHG-1", "an L3"]);
    alice.push(&["--delete", "change/CHG-1"]).refused(&["neither merged nor closed"]);
    let why = ["close", "CHG-1", "--comment", "the provider did it"];
    alice.changegate(&why).ended(0, &["closed CHG-1"]);
    alice.changegate(&["close", "CHG-1"]).ended(0, &["CHG-1: it is closed already"]);
    carol.changegate(&["merge", "CHG-1"]).failed(&["CHG-1 is closed: reopen it", "--reopen"]);
    alice.changegate(&["close", "CHG-1", "--reopen"]).ended(0, &["reopened CHG-1"]);
    carol.changegate(&["merge", "CHG-1"]).ended(0, &["merged CHG-1"]);

    // The same commit under a name that isn't the request's is in nobody's way.
    alice.submit("CHG-2").went_well();
    carol.approve("CHG-2").went_well();
    let tip = hub.tip("change/CHG-2").unwrap();
    alice.push(&[&format!("{tip}:refs/heads/change/oops")]).went_well();
    carol.changegate(&["merge", "CHG-2"]).ended(0, &["merged CHG-2"]);

    alice.submit("CHG-3").went_well();
    alice.changegate(&["close", "CHG-3"]).went_well();
    alice.push(&["--delete", "change/CHG-3"]).went_well();
    assert_ne!(hub.tip("reviews/CHG-3"), None);
    hub.is_sound();
}

#[test]
fn an_outcome_is_a_round_of_its_own() {
    let hub = Hub::guarded();
    let (alice, carol) = (hub.desk("alice"), hub.desk("carol"));
    alice.submit("CHG-1").went_well();
    carol.approve("CHG-1").went_well();
    carol.changegate(&["merge", "CHG-1"]).went_well();
    let outcome = request("CHG-1", "alice") + "cancelled: {reason: the disk is fine}\n";
    alice.submit_text("CHG-1", &outcome).ended(1, &["not submitted", "--anyway"]);
    alice.changegate(&["submit", "CHG-1", "--anyway"]).ended(0, &["submitted CHG-1"]);
    assert_eq!(counting(&alice.decision("CHG-1")), [""; 0], "an approval of the last round counts");
    let log = alice.git(&["log", "-1", "--format=%s%n%P", "origin/change/CHG-1"]);
    let (title, parent) = log.split_once('\n').unwrap();
    assert_eq!(title, "Cancel CHG-1: Put worker CHG1 into maintenance");
    assert_eq!(parent, hub.tip("main").unwrap());
    hub.is_sound();
}

#[test]
fn the_base_moves_meanwhile() {
    let hub = Hub::guarded();
    let (alice, bob, carol) = (hub.desk("alice"), hub.desk("bob"), hub.desk("carol"));
    alice.submit("CHG-1").went_well();
    bob.submit("CHG-2").went_well();
    carol.approve("CHG-1").ended(0, &["and counts"]);
    carol.changegate(&["merge", "CHG-1"]).went_well();
    // bob's clone doesn't have it yet.
    bob.changegate(&["merge", "CHG-2"]).ended(0, &["merged CHG-2"]);
    for id in ["CHG-1", "CHG-2"] {
        hub.git(&["cat-file", "-e", &format!("main:requests/{id}.yaml")]);
    }
    // One request of the same number from two sides: the second isn't a new one.
    alice.submit("CHG-3").went_well();
    let other = bob.put(
        "origin/main",
        &[("requests/CHG-3.yaml", &request("CHG-3", "bob"))],
        "the same number",
    );
    bob.push(&[&format!("{other}:refs/heads/change/CHG-3")]).ended(1, &["rejected"]);
    hub.is_sound();
}

#[test]
fn a_conflict_is_one_clear_error() {
    let hub = Hub::open();
    let (alice, carol) = (hub.desk("alice"), hub.desk("carol"));
    alice.submit("CHG-1").went_well();
    carol.approve("CHG-1").went_well();
    let text = request("CHG-1", "alice").replace("the flag", "a flag");
    let other = carol.put("origin/main", &[("requests/CHG-1.yaml", &text)], "past the hook");
    carol.push(&[&format!("{other}:refs/heads/main")]).went_well();
    let before = hub.tip("main");
    let ran = carol.changegate(&["merge", "CHG-1"]);
    ran.failed(&["requests/CHG-1.yaml was changed on the base", "merge the base into"]);
    assert_eq!(hub.tip("main"), before);
}

#[test]
fn exit_codes_and_json_of_submitted_changes() {
    let hub = Hub::open();
    let (alice, carol) = (hub.desk("alice"), hub.desk("carol"));
    alice.submit("CHG-1").went_well();
    let schema: Value =
        serde_json::from_str(alice.changegate(&["schema", "decision"]).went_well()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let judged = |code: i32| {
        let head = hub.tip("change/CHG-1").unwrap();
        for arguments in [
            &["check", "--branch", "CHG-1", "--format", "json"][..],
            &["check", "--base", "main", "--head", &head, "--format", "json"],
            &["check", "--head", "change/CHG-1", "--format", "json"],
        ] {
            let ran = carol.changegate(arguments);
            assert_eq!(ran.code, code, "{arguments:?}: {ran:?}");
            let report = serde_json::from_str(&ran.stdout).unwrap();
            let errors: Vec<_> = validator.iter_errors(&report).map(|e| e.to_string()).collect();
            assert!(errors.is_empty(), "{errors:#?}");
        }
    };
    judged(3);
    carol.approve("CHG-1").went_well();
    judged(0);
    let objection = ["review", "CHG-1", "--request-changes", "--yes", "--comment", "not tonight"];
    carol.changegate(&objection).went_well();
    judged(1);
    carol
        .changegate(&["review", "CHG-1", "--withdraw", "--yes"])
        .ended(0, &["your earlier review is void"]);
    judged(3);
    for (arguments, message) in [
        (&["check", "--branch", "CHG-9"][..], "there is no change CHG-9"),
        (&["check", "--base", "main"], "--base needs --branch or --head"),
        (&["check", "--head", "nowhere"], "`nowhere` is not a commit"),
        (&["check", "--base", "nowhere", "--branch", "CHG-1"], "there is no branch nowhere"),
        (&["check", "--base", "main", "--head", "main"], "main has nothing to merge into main"),
        (&["merge", "CHG-9"], "there is no change CHG-9"),
        (&["review", "CHG-9", "--approve"], "there is no change CHG-9"),
        (&["submit", "CHG-9"], "there is no file CHG-9.yaml"),
    ] {
        carol.changegate(arguments).failed(&[message]);
    }
}
