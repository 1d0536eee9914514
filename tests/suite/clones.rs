//! What the verbs leave behind in people's clones: nothing of their own is lost, and nothing that they
//! are told to do goes around the rules.

use std::fs;

use crate::plumbing::hub::{Desk, Hub, Ran};

#[test]
fn the_base_of_this_clone_follows_a_merge() {
    let hub = Hub::guarded();
    let (alice, bob, carol) = (hub.desk("alice"), hub.desk("bob"), hub.desk("carol"));
    let merged = |id: &str| {
        alice.git(&["switch", "--quiet", "main"]);
        alice.submit(id).went_well();
        carol.approve(id).went_well();
    };
    let is_at = |desk: &Desk<'_>| desk.git(&["rev-parse", "main"]) == hub.tip("main").unwrap();
    // On the base, with edits that are not in the way.
    merged("CHG-1");
    bob.write("notes.txt", "mine\n");
    let ran = bob.changegate(&["merge", "CHG-1"]);
    assert!(ran.stderr.is_empty() && is_at(&bob), "{ran:?}");
    assert_eq!(bob.git(&["status", "--porcelain"]), "?? notes.txt");
    assert!(bob.folder.join("requests/CHG-1.yaml").is_file());
    // On the change's own branch.
    merged("CHG-2");
    let ran = alice.changegate(&["merge", "CHG-2"]);
    assert!(ran.stderr.is_empty() && is_at(&alice), "{ran:?}");
    // Where another folder has the base.
    let other = hub.path("alice-main");
    alice.git(&["worktree", "add", "--quiet", other.to_str().unwrap(), "main"]);
    alice.submit("CHG-6").went_well();
    carol.approve("CHG-6").went_well();
    let ran = alice.changegate(&["merge", "CHG-6"]);
    assert!(ran.stderr.is_empty() && is_at(&alice), "{ran:?}");
    assert!(other.join("requests/CHG-6.yaml").is_file());
    alice.git(&["worktree", "remove", other.to_str().unwrap()]);
    // With something in the way it stays as it is, and what is advised works.
    for (id, from) in [("CHG-3", "main"), ("CHG-4", "work")] {
        merged(id);
        bob.git(&["switch", "--quiet", "--force-create", "work", "main"]);
        bob.git(&["switch", "--quiet", "main"]);
        bob.write(&format!("{id}.md"), "mine\n");
        bob.git(&["add", &format!("{id}.md")]);
        bob.git(&["commit", "--quiet", "-m", "Mine"]);
        bob.git(&["switch", "--quiet", from]);
        let before = bob.git(&["rev-parse", "main"]);
        let ran = bob.changegate(&["merge", id]);
        let own = "because main here has a commit of its own";
        ran.ended(0, &["merged", "main in this clone was left as it is", own]);
        assert_eq!(bob.git(&["rev-parse", "main"]), before);
        let advice = ran.stderr.split('`').nth(1).unwrap();
        Ran::of(&mut bob.command("sh", &["-c", advice]), "").went_well();
        assert!(bob.folder.join(format!("requests/{id}.yaml")).is_file());
        assert!(bob.folder.join(format!("{id}.md")).is_file());
    }
    // Files in the way are kept.
    merged("CHG-5");
    bob.git(&["reset", "--quiet", "--hard", "origin/main"]);
    bob.write("requests/CHG-5.yaml", "mine\n");
    let named = "move requests/CHG-5.yaml away, then bring it up to date";
    bob.changegate(&["merge", "CHG-5"]).ended(0, &["left as it is", named, "be overwritten"]);
    assert_eq!(fs::read_to_string(bob.folder.join("requests/CHG-5.yaml")).unwrap(), "mine\n");
}

/// The order of docs/how-to/server.md.
#[test]
fn a_server_that_is_set_up_as_described_lists_no_bypass() {
    for base in ["main", "master"] {
        set_up(base);
    }
}

fn set_up(base: &str) {
    let hub = Hub::bare(&["init", "--quiet", "--bare", "-b", base]);
    let carol = hub.desk("carol");
    let mut init = vec!["init".to_owned(), "--service".to_owned(), "checkout=carol".to_owned()];
    for (who, level) in [("alice", "L1"), ("carol", "L3"), ("erin", "L3")] {
        let key = hub.public_key(who);
        let person = format!("{who},level={level},email={who}@acme.example,key={key}");
        init.extend(["--person".to_owned(), person]);
    }
    let init: Vec<_> = init.iter().map(String::as_str).collect();
    carol.changegate(&init).ended(0, &["git add"]);
    let roster = "policies/org/roster/data.yaml";
    let text = fs::read_to_string(carol.folder.join(roster)).unwrap();
    carol.write(roster, &text.replace("owners: [carol]", "owners: [carol, erin]"));
    carol.git(&["add", "."]);
    carol.git(&["commit", "--quiet", "-m", "Add changegate"]);
    carol.push(&["HEAD"]).went_well();
    let folder = hub.folder();
    carol.changegate(&["init", "--hook", folder.to_str().unwrap()]).went_well();
    let alice = hub.desk("alice");
    alice.submit("CHG-1").went_well();
    carol.approve("CHG-1").went_well();
    carol.changegate(&["merge", "CHG-1"]).went_well();
    for look in [&["list", "--state", "all"][..], &["log"]] {
        let ran = alice.changegate(look);
        ran.ended(0, &["CHG-1"]);
        for part in ["policies", "bypass", "past the rules"] {
            assert!(!ran.stdout.contains(part), "{ran:?}");
        }
    }
}
