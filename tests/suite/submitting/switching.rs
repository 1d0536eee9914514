//! What the clone is like once something is submitted, and where that wasn't possible.

use std::fs;

use super::cloned_as;
use crate::plumbing::hub::{Desk, Hub, make_executable, request};

/// What a work tree shows of itself: the branch that is checked out, and what differs from it.
fn state(desk: &Desk<'_>) -> String {
    desk.git(&["status", "--porcelain", "--branch"])
}

const CATALOG: &str = "policies/org/actions/data.yaml";

/// A desk at which the catalog was changed, and the command that submits that.
fn with_a_change_of_policies<'a>(hub: &'a Hub) -> (Desk<'a>, [&'static str; 3]) {
    let bob = hub.desk("bob");
    let text = bob.git(&["show", &format!("HEAD:{CATALOG}")]);
    bob.write(CATALOG, &format!("{text}\n# As of today.\n"));
    (bob, ["submit", "--policies", "odd"])
}

#[test]
fn what_cannot_be_submitted_or_switched_to_leaves_everything_as_it_was() {
    let hub = Hub::guarded();
    let (bob, submit) = with_a_change_of_policies(&hub);
    let before = state(&bob);
    bob.git(&["remote", "set-url", "--push", "origin", "/nowhere"]);
    assert_ne!(bob.changegate(&submit).code, 0);
    assert_eq!(state(&bob), before);
    bob.git(&["remote", "set-url", "--delete", "--push", "origin", "/nowhere"]);
    let hook = hub.folder().join("hooks/update");
    fs::write(&hook, "#!/bin/sh\nexit 1\n").unwrap();
    make_executable(&hook);
    assert_ne!(bob.changegate(&submit).code, 0);
    assert_eq!(state(&bob), before);
    fs::remove_file(&hook).unwrap();
    // The branch lacks a file that was changed here.
    bob.write("docs/x.md", "x");
    bob.git(&["add", "docs"]);
    bob.git(&["commit", "--quiet", "-m", "Explain"]);
    bob.write("docs/x.md", "y");
    let before = state(&bob);
    bob.changegate(&submit).ended(0, &["submitted odd", "the work tree was not changed"]);
    assert_eq!(state(&bob), before);
    assert_eq!(bob.git(&["branch", "--list", "change/*"]), "");
}

#[test]
fn an_interruption_while_files_are_moved_is_held_back() {
    let hub = Hub::guarded();
    let (bob, submit) = with_a_change_of_policies(&hub);
    // As somebody's Ctrl-C, between two of the steps.
    let hook = bob.folder.join(".git/hooks/post-index-change");
    fs::write(
        &hook,
        "#!/bin/sh\n[ -z \"$GIT_INDEX_FILE\" ] || exit 0\nrm \"$0\"\n\
         kill -INT \"$(cut -d ' ' -f 4 /proc/$PPID/stat)\"\n",
    )
    .unwrap();
    make_executable(&hook);
    bob.changegate(&submit).ended(0, &["submitted odd"]);
    assert!(!hook.exists());
    assert_eq!(state(&bob), "## change/odd");
}

#[test]
fn commits_that_only_this_clone_has_are_kept() {
    let hub = Hub::guarded();
    let alice = cloned_as(&hub, "acme");
    alice.submit("CHG-1").went_well();
    let path = "requests/CHG-1.yaml";
    let text = request("CHG-1", "alice") + "# locally\n";
    let commit = |file: &str, text: &str| {
        alice.write(file, text);
        alice.git(&["add", "--all"]);
        alice.git(&["commit", "--quiet", "-m", "Locally"]);
    };
    let here = "change/CHG-1 has commits here that aren't on the remote";
    // What was submitted beside them is on another commit.
    commit(path, &text);
    let reset = "git reset acme/change/CHG-1";
    alice.changegate(&["submit"]).ended(0, &["submitted CHG-1", here, reset]);
    alice.git(&["reset", "--quiet", "acme/change/CHG-1"]);
    assert_eq!(state(&alice), "## change/CHG-1");
    // Another file: the branch can be moved there.
    commit("docs/x.md", "x");
    let push = "git push acme change/CHG-1";
    let text = fs::read_to_string(alice.folder.join(path)).unwrap();
    alice.changegate(&["submit"]).ended(0, &["already submitted", here, push, reset]);
    alice.git(&["switch", "--quiet", "main"]);
    alice.write(path, &text);
    let force = "git branch --force change/CHG-1 acme/change/CHG-1";
    alice.changegate(&["submit", "CHG-1"]).ended(0, &["already submitted", here, push, force]);
    let ahead = alice.git(&["rev-parse", "change/CHG-1"]);
    alice.git(&["push", "--quiet", "acme", "change/CHG-1"]);
    assert_eq!(hub.tip("change/CHG-1"), Some(ahead));
    alice.git(&["branch", "--quiet", "--force", "change/CHG-1", "acme/change/CHG-1"]);
}
