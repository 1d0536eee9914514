//! Whose change is submitted where, and as what.

mod switching;

use std::fs;

use crate::plumbing::hub::{Desk, Hub, Ran, program, request};

/// Another change of alice's under some id.
fn other(id: &str, who: &str) -> String {
    request(id, who).replace("Put worker", "Take worker").replace("worker-", "machine-")
}

/// The flags of a change that only reads.
const READS: [&str; 11] = [
    "new",
    "--action",
    "pull-logs:checkout-web",
    "--summary",
    "Pull the logs",
    "--reason",
    "two carts were lost",
    "--users",
    "none",
    "--operations",
    "none",
];

#[test]
fn an_id_is_given_out_once() {
    let hub = Hub::guarded();
    let (alice, bob) = (hub.desk("alice"), hub.desk("bob"));
    alice.submit("CHG-3").went_well();
    alice.git(&["switch", "--quiet", "main"]);
    // Here, in a clone that hasn't fetched it, and after it was closed and deleted.
    alice.changegate(&READS).ended(0, &["wrote requests/CHG-4.yaml"]);
    bob.changegate(&READS).ended(0, &["wrote requests/CHG-4.yaml"]);
    alice.changegate(&["close", "CHG-3"]).went_well();
    alice.push(&["--delete", "change/CHG-3"]).went_well();
    alice.git(&["branch", "--quiet", "-D", "change/CHG-3"]);
    for desk in [&alice, &bob] {
        fs::remove_file(desk.folder.join("requests/CHG-4.yaml")).unwrap();
        desk.changegate(&READS).ended(0, &["wrote requests/CHG-4.yaml"]);
        let taken = [&READS[..], &["--id", "CHG-3"]].concat();
        desk.changegate(&taken).failed(&["CHG-3 is already used by reviews/CHG-3"]);
        // Without a network, what is known has to do.
        desk.git(&["remote", "set-url", "origin", hub.path("nowhere").to_str().unwrap()]);
        let said = ["warning: this shows what was fetched last", "wrote requests/CHG-5.yaml"];
        desk.changegate(&READS).ended(0, &said);
    }
}

#[test]
fn another_change_is_not_replaced_without_a_word() {
    let hub = Hub::guarded();
    let (alice, bob) = (hub.desk("alice"), hub.desk("bob"));
    alice.submit("CHG-4").went_well();
    let first = hub.tip("change/CHG-4");
    alice.git(&["switch", "--quiet", "main"]);
    // Another summary and other actions.
    let whose = "CHG-4 is alice's change already (Put worker CHG4 into maintenance)";
    alice
        .submit_text("CHG-4", &other("CHG-4", "alice"))
        .failed(&[whose, "`changegate submit CHG-4 --replace`"]);
    assert_eq!(hub.tip("change/CHG-4"), first);
    // One of the two is an amendment.
    let amended = request("CHG-4", "alice").replace("Put worker", "Take worker");
    alice.submit_text("CHG-4", &amended).ended(0, &["submitted CHG-4"]);
    alice.write("requests/CHG-4.yaml", &other("CHG-4", "alice"));
    alice.changegate(&["submit", "CHG-4"]).ended(0, &["submitted CHG-4"]);
    alice.write("requests/CHG-4.yaml", &request("CHG-4", "alice"));
    alice.changegate(&["submit", "CHG-4", "--replace"]).ended(0, &["submitted CHG-4"]);
    // Somebody else's merged request.
    let carol = hub.desk("carol");
    carol.approve("CHG-4").went_well();
    carol.changegate(&["merge", "CHG-4"]).went_well();
    bob.submit_text("CHG-4", &request("CHG-4", "bob")).failed(&["CHG-4 is alice's change already"]);
}

#[test]
fn an_objection_is_answered_by_an_amendment() {
    let hub = Hub::guarded();
    let (alice, carol) = (hub.desk("alice"), hub.desk("carol"));
    alice.submit("CHG-1").went_well();
    let why = "who watches the queue?";
    let objects = ["review", "CHG-1", "--request-changes", "--yes", "--comment", why];
    carol.changegate(&objects).went_well();
    let amended = request("CHG-1", "alice").replace("its disk", "ben watches, its disk");
    let ran = alice.submit_text("CHG-1", &amended);
    ran.ended(0, &["submitted CHG-1", "carol requested changes:", why, "review CHG-1 --approve"]);
    alice.changegate(&["merge", "CHG-1"]).ended(1, &["carol requested changes", why]);
    // Nobody else can dismiss it here.
    alice
        .changegate(&["check", "--branch", "CHG-1"])
        .ended(1, &["changegate review CHG-1 --withdraw"]);
    // What else is denied still is.
    let denied = amended.replace("summary:", "risk: low\nsummary:");
    alice.submit_text("CHG-1", &denied).ended(1, &["not submitted", "risk/understated"]);
    alice.write("requests/CHG-1.yaml", &amended);
    carol.approve("CHG-1").ended(0, &["and counts"]);
    let again = alice.changegate(&["submit", "CHG-1"]);
    again.ended(0, &["already submitted in this form"]);
    assert!(!again.stdout.contains(why), "{again:?}");
    carol.changegate(&["merge", "CHG-1"]).went_well();
}

#[test]
fn nothing_is_signed_without_a_question_or_yes() {
    let hub = Hub::guarded();
    let (alice, carol) = (hub.desk("alice"), hub.desk("carol"));
    alice.submit("CHG-1").went_well();
    for said in ["--approve", "--request-changes", "--withdraw"] {
        for format in ["text", "json"] {
            carol
                .changegate(&["review", "CHG-1", said, "--format", format])
                .failed(&["nothing was signed", "add --yes"]);
        }
    }
    assert_eq!(hub.tip("reviews/CHG-1"), None);
    carol.changegate(&["check", "--branch", "CHG-1", "--verbose"]).ended(3, &["CHG-1"]);
    // Whose approval can't count is told so first.
    alice.changegate(&["review", "CHG-1", "--approve"]).ended(1, &["nobody approves their own"]);
    carol.changegate(&["review", "CHG-1", "--comment", "soon"]).ended(0, &["commented by carol"]);
    carol.approve("CHG-1").ended(0, &["and counts"]);
}

#[test]
fn what_is_submitted_is_not_new() {
    let hub = Hub::guarded();
    let alice = hub.desk("alice");
    for id in ["CHG-1", "CHG-2"] {
        alice.submit(id).went_well();
        alice.git(&["switch", "--quiet", "main"]);
    }
    // A copy of what was submitted.
    alice.write("requests/CHG-1.yaml", &request("CHG-1", "alice"));
    alice.changegate(&["submit"]).ended(0, &["CHG-1 is already submitted", "next, until "]);
    alice.git(&["switch", "--quiet", "main"]);
    for id in ["CHG-1", "CHG-2"] {
        alice.write(&format!("requests/{id}.yaml"), &request(id, "alice"));
    }
    alice.changegate(&["submit"]).failed(&[
        "already submitted in this form",
        "requests/CHG-1.yaml, requests/CHG-2.yaml",
        "`changegate list`",
    ]);
    alice.write("requests/CHG-3.yaml", &request("CHG-3", "alice"));
    alice.changegate(&["submit"]).ended(0, &["submitted CHG-3"]);
}

#[test]
fn where_there_is_no_request_one_can_be_written() {
    let hub = Hub::guarded();
    let alice = hub.desk("alice");
    alice
        .changegate(&["submit"])
        .failed(&["there is no request in requests/ here", "`changegate new`"]);
}

#[test]
fn advice_repeats_what_was_typed() {
    let hub = Hub::guarded();
    let bob = hub.desk("bob");
    bob.git(&["remote", "add", "fork", hub.folder().to_str().unwrap()]);
    bob.git(&["switch", "--quiet", "--no-track", "-c", "work", "origin/main"]);
    bob.git(&["remote", "rename", "origin", "acme"]);
    let tests = "policies/rules/window/window_test.rego";
    let text = bob.git(&["show", &format!("HEAD:{tests}")]) + "\ntest_never if false\n";
    bob.write(tests, &text);
    let why = "it's a\\b trial";
    let typed = ["submit", "--policies", "odd", "--message", why, "--remote", "acme"];
    let ran = bob.changegate(&typed);
    ran.ended(1, &["submit it as it is with `"]);
    let advised = ran.stdout.split('`').find(|text| text.ends_with(" --anyway")).unwrap();
    let anyway = [&typed[..], &["--anyway"]].concat();
    assert_eq!(shlex::split(advised).unwrap(), [&["changegate"], &anyway[..]].concat());
    // In other clones the remote may have another name.
    bob.changegate(&anyway).ended(0, &[": changegate review odd --approve\n"]);
    assert_eq!(hub.git(&["log", "-1", "--format=%s", "change/odd"]), format!("Submit odd: {why}"));
    bob.write("requests/CHG-1.yaml", &request("CHG-1", "alice"));
    bob.changegate(&["submit", "CHG-1", "--remote", "acme"])
        .ended(1, &["`changegate submit CHG-1 --remote acme --anyway`"]);
    bob.write("requests/CHG-2.yaml", &request("CHG-2", "bob"));
    let next = "next: changegate merge CHG-2 --remote acme\n";
    bob.changegate(&["submit", "CHG-2", "--remote", "acme"]).ended(0, &[next]);
}

#[test]
fn without_a_remote_nobody_else_gets_it() {
    let hub = Hub::guarded();
    let alice = hub.lonely_desk("alice");
    let note = "note: this repository has no remote, so nobody else gets what is submitted here";
    alice.submit("CHG-1").ended(0, &["submitted CHG-1", note, "`git push --all origin`"]);
    let with_remote = hub.desk_at("bob", "bob");
    let ran = with_remote.submit("CHG-2");
    assert!(!ran.stderr.contains("no remote"), "{ran:?}");
}

#[test]
fn a_key_that_proves_nothing_is_named() {
    let hub = Hub::guarded();
    let (alice, carol) = (hub.desk("alice"), hub.desk("carol"));
    let stranger = hub.key("stranger");
    let make = ["-q", "-t", "ed25519", "-N", "", "-f", stranger.to_str().unwrap()];
    alice.command("ssh-keygen", &make).status().unwrap();
    let shown = ["-l", "-f", stranger.to_str().unwrap()];
    let shown = Ran::of(&mut alice.command("ssh-keygen", &shown), "");
    let fingerprint = shown.went_well().split(' ').nth(1).unwrap().to_owned();
    alice.git(&["config", "user.signingkey", stranger.to_str().unwrap()]);
    alice.submit("CHG-1").ended(
        1,
        &[
            &format!("as alice@acme.example, with the key {fingerprint}"),
            &format!("`user.signingkey` is {}", stranger.display()),
            "have an L3 add it to your `keys` in policies/org/roster/data.yaml",
            "`git config user.signingkey FILE`",
        ],
    );
    let bobs = hub.key("bob");
    alice.git(&["config", "user.signingkey", bobs.to_str().unwrap()]);
    alice.submit("CHG-1").ended(1, &["another person's key, bob", "git config user.email"]);
    alice.sit_down();
    alice.submit("CHG-1").went_well();
    carol.git(&["config", "--unset", "user.signingkey"]);
    carol.approve("CHG-1").failed(&["git has no signing key", "git config user.signingkey"]);
}

/// A desk whose clone calls its remote something else.
fn cloned_as<'a>(hub: &'a Hub, remote: &str) -> Desk<'a> {
    let desk = hub.desk("alice");
    desk.git(&["remote", "rename", "origin", remote]);
    desk
}

#[test]
fn remotes_by_other_names() {
    let hub = Hub::guarded();
    let desk = cloned_as(&hub, "acme");
    desk.submit("CHG-1").ended(0, &["submitted CHG-1"]);
    assert!(hub.tip("change/CHG-1").is_some());
    desk.changegate(&["list"]).ended(0, &["CHG-1"]);
    // A second one: the branch's upstream says which.
    let elsewhere = hub.path("elsewhere.git");
    desk.git(&[
        "clone",
        "--quiet",
        "--bare",
        hub.folder().to_str().unwrap(),
        elsewhere.to_str().unwrap(),
    ]);
    desk.git(&["remote", "add", "fork", elsewhere.to_str().unwrap()]);
    desk.git(&["switch", "--quiet", "main"]);
    desk.submit("CHG-2").ended(0, &["submitted CHG-2"]);
    assert!(hub.tip("change/CHG-2").is_some());
    // Without one it has to be named.
    desk.git(&["switch", "--quiet", "--no-track", "-c", "work", "acme/main"]);
    desk.submit("CHG-3")
        .failed(&["there are several remotes: name one of acme, fork with --remote"]);
    desk.changegate(&["submit", "CHG-3", "--remote", "amce"])
        .failed(&["the remotes are acme, fork"]);
    assert_eq!(hub.tip("change/CHG-3"), None);
    desk.changegate(&["submit", "CHG-3", "--remote", "acme"]).went_well();
    assert!(hub.tip("change/CHG-3").is_some());
    // Among several, origin.
    desk.git(&["remote", "rename", "acme", "origin"]);
    desk.git(&["switch", "--quiet", "work"]);
    desk.submit("CHG-4").went_well();
    assert!(hub.tip("change/CHG-4").is_some());
}

#[test]
fn what_is_submitted_is_what_git_would_store() {
    let hub = Hub::guarded();
    let alice = hub.desk("alice");
    alice.submit("CHG-1").went_well();
    hub.desk("carol").approve("CHG-1").went_well();
    hub.desk_at("carol", "again").changegate(&["merge", "CHG-1"]).went_well();
    // As on Windows: the work tree has other ends of lines than the repository.
    alice.git(&["config", "core.autocrlf", "true"]);
    alice.git(&["switch", "--quiet", "main"]);
    alice.git(&["pull", "--quiet", "origin", "main"]);
    let merged = fs::read_to_string(alice.folder.join("requests/CHG-1.yaml")).unwrap();
    assert!(merged.contains("\r\n"));
    alice.write("requests/CHG-2.yaml", &request("CHG-2", "alice").replace('\n', "\r\n"));
    // Only one of them is new.
    alice.changegate(&["submit"]).ended(0, &["submitted CHG-2"]);
    let stored = hub.git(&["show", "change/CHG-2:requests/CHG-2.yaml"]);
    assert_eq!(stored, request("CHG-2", "alice").trim());
    assert_eq!(alice.git(&["status", "--porcelain"]), "");
}

#[test]
fn what_git_trusts_is_trusted() {
    let hub = Hub::guarded();
    let alice = hub.desk("alice");
    alice.submit("CHG-1").went_well();
    // What makes git take every repository for somebody else's.
    let others = |arguments: &[&str]| {
        let mut command = alice.command(program(), arguments);
        Ran::of(command.env("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1"), "")
    };
    let folder = alice.folder.to_str().unwrap();
    let advice = format!("git config --global --add safe.directory {folder}");
    others(&["list"]).failed(&["dubious ownership", &advice]);
    let global = ["config", "--global", "--add", "safe.directory"];
    alice.git(&[&global[..], &[folder]].concat());
    // The hub, which is read by git alone, is somebody else's as well.
    alice.git(&[&global[..], &[hub.folder().to_str().unwrap()]].concat());
    others(&["list"]).ended(0, &["CHG-1"]);
    others(&["show", "CHG-1"]).ended(0, &["CHG-1  open"]);
}

#[test]
fn the_branch_says_which_change() {
    let hub = Hub::guarded();
    let alice = hub.desk("alice");
    alice.submit("CHG-1").went_well();
    alice.changegate(&["show"]).ended(0, &["CHG-1  open"]);
    alice.changegate(&["review", "--comment", "soon"]).ended(0, &["CHG-1: commented by alice"]);
    alice.changegate(&["merge"]).ended(3, &["CHG-1 is pending"]);
    alice.changegate(&["close"]).ended(0, &["closed CHG-1"]);
    alice.git(&["switch", "--quiet", "main"]);
    for verb in [&["show"][..], &["merge"], &["close"], &["review", "--comment", "x"]] {
        alice.changegate(verb).failed(&["name the change's id"]);
    }
}

#[test]
fn advice_that_can_be_followed() {
    let hub = Hub::guarded();
    let (alice, carol) = (hub.desk("alice"), hub.desk("carol"));
    alice.submit("CHG-1").went_well();
    carol.approve("CHG-1").went_well();
    carol.changegate(&["merge", "CHG-1"]).went_well();
    // A merged change isn't closed, but amended.
    alice.changegate(&["close", "CHG-1"]).ended(1, &["run `changegate submit CHG-1`"]);
    alice.push(&["--delete", "change/CHG-1"]).went_well();
    for verb in ["merge", "close"] {
        carol
            .changegate(&[verb, "CHG-1"])
            .failed(&["there is no branch change/CHG-1", "`changegate show CHG-1`"]);
    }
    carol.changegate(&["show", "CHG-1"]).ended(0, &["CHG-1  merged"]);
    // An amendment that wasn't seen.
    let bob = hub.desk("bob");
    alice.submit("CHG-2").went_well();
    let text = request("CHG-2", "alice");
    bob.submit_text("CHG-2", &format!("{text}# mine\n"))
        .failed(&["run `git switch --track origin/change/CHG-2`"]);
    fs::remove_file(bob.folder.join("requests/CHG-2.yaml")).unwrap();
    bob.git(&["switch", "--quiet", "--track", "origin/change/CHG-2"]);
    bob.submit_text("CHG-2", &format!("{text}# bob\n")).went_well();
    alice
        .submit_text("CHG-2", &format!("{text}# alice\n"))
        .failed(&["run `git switch change/CHG-2` and `git pull --no-rebase origin change/CHG-2`"]);
    fs::remove_file(alice.folder.join("requests/CHG-2.yaml")).unwrap();
    alice.git(&["switch", "--quiet", "change/CHG-2"]);
    alice.git(&["pull", "--quiet", "--no-rebase", "origin", "change/CHG-2"]);
    alice.submit_text("CHG-2", &format!("{text}# both\n")).went_well();
}
