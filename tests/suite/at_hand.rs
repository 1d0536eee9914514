//! A request is judged by the same facts before it is submitted and afterwards, wherever they are at
//! hand.

use std::fs;

use crate::plumbing::hub::{Desk, Hub, PLANNED, request};

/// A change of the worker of CHG-1, at the same time.
fn rival(id: &str, who: &str) -> String {
    let number: String = id.chars().filter(char::is_ascii_alphanumeric).collect();
    request(id, who).replace(&format!("target: worker-{number}"), "target: worker-CHG1")
}

fn merge(desk: &Desk<'_>, id: &str) {
    desk.approve(id).went_well();
    desk.changegate(&["merge", id]).went_well();
}

/// The arguments of `new` for such a change.
fn flags(id: &str) -> Vec<String> {
    let (start, _) = *PLANNED;
    let start = start.to_string();
    [
        ["--id", id],
        ["--action", "maintenance-mode:worker-CHG1"],
        ["--service", "checkout"],
        ["--summary", "Put it into maintenance"],
        ["--reason", "its disk is replaced"],
        ["--users", "none"],
        ["--operations", "none"],
        ["--start", &start],
        ["--duration", "1h"],
        ["--rollback-step", "toggle the flag"],
        ["--rollback-owner", "carol"],
        ["--monitor", "15m"],
        ["--health-check", "https://checkout.example/healthz"],
        ["--error-rate", "cloudwatch: 5xx"],
    ]
    .concat()
    .into_iter()
    .map(str::to_owned)
    .collect()
}

#[test]
fn a_merged_change_is_in_the_way_before_a_request_is_submitted() {
    let hub = Hub::guarded();
    let (alice, bob, carol) = (hub.desk("alice"), hub.desk("bob"), hub.desk("carol"));
    alice.submit("CHG-1").went_well();
    // bob's clone holds none of it as a file.
    let flags = flags("CHG-9");
    let new: Vec<_> = ["new"].into_iter().chain(flags.iter().map(String::as_str)).collect();
    bob.changegate(&new).ended(0, &["warn", "CHG-1 acts on worker-CHG1"]);
    merge(&carol, "CHG-1");
    fs::remove_file(bob.folder.join("requests/CHG-9.yaml")).unwrap();
    bob.changegate(&new).failed(&["CHG-1 acts on worker-CHG1"]);
    bob.write("requests/CHG-2.yaml", &rival("CHG-2", "bob"));
    let denied = ["CHG-2.yaml  DENIED", "CHG-1 acts on worker-CHG1"];
    for arguments in [
        &["check"][..],
        &["check", "requests/CHG-2.yaml"],
        &["check", "CHG-2"],
        &["check", "requests"],
        &["submit", "CHG-2"],
    ] {
        bob.changegate(arguments).ended(1, &denied);
    }
    // In the work tree and on the base: once.
    bob.git(&["pull", "--quiet", "origin", "main"]);
    let ran = bob.changegate(&["check", "requests"]);
    ran.ended(1, &denied);
    assert_eq!(ran.stdout.matches("CHG-1 acts on worker-CHG1").count(), 1, "{ran:?}");
}

#[test]
fn a_merged_request_is_not_in_its_own_way() {
    let hub = Hub::guarded();
    let (alice, carol) = (hub.desk("alice"), hub.desk("carol"));
    alice.submit("CHG-1").went_well();
    // Neither while it is open.
    let own = |desk: &Desk<'_>, arguments: &[&str], code| {
        let ran = desk.changegate(arguments);
        ran.ended(code, &["CHG-1.yaml"]);
        for part in ["acts on", "already used"] {
            assert!(!ran.stdout.contains(part), "{arguments:?}: {ran:?}");
        }
    };
    own(&alice, &["check", "requests/CHG-1.yaml"], 3);
    merge(&carol, "CHG-1");
    alice.git(&["switch", "--quiet", "main"]);
    alice.git(&["pull", "--quiet", "origin", "main"]);
    own(&alice, &["check", "requests/CHG-1.yaml"], 3);
    own(&alice, &["check", "--all"], 3);
    alice.write("drafts/CHG-1.yaml", &request("CHG-1", "alice"));
    own(&alice, &["check", "drafts/CHG-1.yaml"], 3);
    // An amendment says what it is.
    let amended = request("CHG-1", "bob").replace("its disk", "her disk");
    alice.write("requests/CHG-1.yaml", &amended);
    own(&alice, &["check", "requests/CHG-1.yaml"], 3);
    let why = "somebody else amends a merged request";
    alice.changegate(&["check", "CHG-1"]).ended(3, &[why]);
    // Another file with its id.
    fs::remove_file(alice.folder.join("requests/CHG-1.yaml")).unwrap();
    alice.write("requests/bob/CHG-1.yaml", &request("CHG-1", "alice"));
    let used = "CHG-1 is already used by requests/CHG-1.yaml";
    alice.changegate(&["check", "requests/bob/CHG-1.yaml"]).ended(1, &[used]);
}

#[test]
fn the_record_of_an_incident_counts_before_a_request_is_submitted() {
    let hub = Hub::open();
    let alice = hub.desk("alice");
    let record = "id: INC-001\nseverity: P1\nstatus: resolved\n";
    let head =
        alice.put("origin/main", &[("requests/incidents/INC-001.yaml", record)], "An incident");
    alice.push(&[&format!("{head}:main")]).went_well();
    alice.git(&["fetch", "--quiet"]);
    let emergency =
        "type: emergency\nemergency: {incident: INC-001, severity: P1, why_now: it is down}";
    let text = request("CHG-1", "alice").replace("type: normal", emergency);
    alice.write("requests/CHG-1.yaml", &text);
    for verb in ["check", "submit"] {
        alice
            .changegate(&[verb, "CHG-1"])
            .ended(1, &["the record of INC-001 says that it is resolved"]);
    }
}

#[test]
fn ids_on_any_branch_are_taken() {
    let hub = Hub::guarded();
    let alice = hub.desk("alice");
    let reads =
        ["new", "--action", "pull-logs:checkout-web", "--summary", "Logs", "--reason", "carts"];
    let reads = [&reads[..], &["--users", "none", "--operations", "none"]].concat();
    for (branch, id) in [
        // Never pushed, another remote's, and one that only somebody's review still shows.
        ("refs/heads/change/CHG-3", "CHG-4"),
        ("refs/remotes/fork/change/CHG-4", "CHG-5"),
        ("refs/remotes/fork/reviews/CHG-5", "CHG-6"),
    ] {
        alice.git(&["update-ref", branch, "HEAD"]);
        alice.changegate(&reads).ended(0, &[&format!("wrote requests/{id}.yaml")]);
        fs::remove_file(alice.folder.join(format!("requests/{id}.yaml"))).unwrap();
    }
    let taken = [&reads[..], &["--id", "CHG-4"]].concat();
    alice.changegate(&taken).failed(&["CHG-4 is already used by fork/change/CHG-4"]);
}

#[test]
fn the_next_command_after_new_works_where_it_is_printed() {
    let hub = Hub::guarded();
    let reads =
        ["new", "--action", "pull-logs:checkout-web", "--summary", "Logs", "--reason", "carts"];
    let reads = [&reads[..], &["--users", "none", "--operations", "none"]].concat();
    for (number, (from, output)) in [
        (".", "drafts/CHG-mine.yaml"),
        ("policies", "my drafts/CHG-mine.yaml"),
        (".", "requests/team/CHG-mine.yaml"),
        ("..", "DESK/requests/CHG-mine.yaml"),
    ]
    .into_iter()
    .enumerate()
    {
        let desk = hub.desk_at("alice", &format!("desk-{number}"));
        let id = format!("CHG-{number}");
        let output = output.replace("DESK", &format!("desk-{number}")).replace("CHG-mine", &id);
        let at = desk.folder.join(from);
        let new = [&reads[..], &["--requester", "alice", "--output", &output]].concat();
        let program = crate::plumbing::hub::program();
        let run = |program: &str, arguments: &[&str]| {
            let mut command = desk.command(program, arguments);
            crate::plumbing::ran::Ran::of(command.current_dir(&at), "")
        };
        let ran = run(program.to_str().unwrap(), &new);
        let (_, next) = ran.went_well().split_once("\nnext: ").unwrap();
        let next = next.trim().replace("changegate ", &format!("'{}' ", program.display()));
        run("sh", &["-c", &next]).ended(0, &[&format!("submitted {id}")]);
    }
}
