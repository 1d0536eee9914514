//! What was verified earlier isn't verified again, while the ledger still leads there; and what isn't
//! needed isn't read.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use changegate::core::digest::Digest;
use changegate::forge::git::{Branches, Git};
use changegate::git::Repo;

use crate::plumbing::hub::{Desk, Hub, Ran};

/// A hub with three entries, and a desk that has verified them.
fn verified(hub: &Hub) -> Desk<'_> {
    let bob = hub.desk("bob");
    bob.execute("CHG-1");
    bob.execute("CHG-2");
    let erin = hub.desk("erin");
    let ran = erin.verify();
    ran.ended(0, &["3 entries", "\nverified\n"]);
    assert!(!ran.stdout.contains("earlier"), "{ran:?}");
    erin
}

fn verify(desk: &Desk<'_>, arguments: &[&str]) -> Ran {
    desk.changegate(&[&["audit", "verify", "--no-fetch"], arguments].concat())
}

fn json(desk: &Desk<'_>, arguments: &[&str]) -> Value {
    verify(desk, &[&["--format", "json"], arguments].concat()).json("audit-verify")
}

/// The files in which the desks of a hub remember what they verified.
fn memories(hub: &Hub) -> Vec<PathBuf> {
    let folder = hub.path(".cache/changegate/verified");
    fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect()
}

#[test]
fn only_what_is_new_is_verified() {
    let hub = Hub::recording();
    let erin = verified(&hub);
    let bob = hub.desk_at("bob", "bob-again");
    bob.execute("CHG-3");
    let found = json(&erin, &[]);
    assert_eq!([&found["entries"], &found["earlier"]["entries"]], [3, 3], "{found:#}");
    erin.verify().ended(
        0,
        &[
            "4 entries",
            "entries 0 to 2 were verified before, the last of them on ",
            " UTC by changegate ",
            "; `--full` verifies all again",
            "1 genesis and 3 merge",
            "3 byte for byte the same",
            "\nverified\n",
        ],
    );
    // All but what says so is as when everything is verified.
    let mut found = json(&erin, &[]);
    assert_eq!(found["earlier"]["entries"], 4);
    found.as_object_mut().unwrap().remove("earlier");
    assert_eq!(found, json(&erin, &["--full"]));
    // Another clone has verified nothing.
    let other = hub.desk_at("erin", "erin-elsewhere").verify();
    assert!(!other.stdout.contains("were verified before"), "{other:?}");
    assert_eq!(memories(&hub).len(), 2);
}

/// Checkpoints from outside are compared with all entries, verified again or not.
#[test]
fn anchors_are_held_against_all_of_it() {
    let hub = Hub::recording();
    let erin = verified(&hub);
    let ledger = "refs/changegate/origin/audit/ledger";
    let checkpoint = erin.git(&["cat-file", "blob", &format!("{ledger}~1:checkpoint")]) + "\n\n";
    erin.write("kept.txt", &checkpoint);
    let before = json(&erin, &[])["anchors"].as_u64().unwrap();
    let found = json(&erin, &["--checkpoint", "kept.txt"]);
    assert_eq!(found["anchors"], before + 1);
    assert_eq!(found["earlier"]["entries"], 3);
    let other = erin.git(&["cat-file", "blob", &format!("{ledger}:checkpoint")]);
    let root = |text: &str| text.lines().nth(2).unwrap().to_owned();
    erin.write("other.txt", &checkpoint.replace(&root(&checkpoint), &root(&other)));
    verify(&erin, &["--checkpoint", "other.txt"]).ended(1, &["with other entries"]);
}

/// A tampered entry has another commit, and so have all behind it.
#[test]
fn a_ledger_that_does_not_lead_there_is_verified_whole() {
    let hub = Hub::recording();
    let erin = verified(&hub);
    let ledger = "refs/changegate/origin/audit/ledger";
    // The same entries in other commits, the first of them with another message.
    let mut parent = String::new();
    for (number, commit) in [2, 1, 0].iter().map(|n| format!("{ledger}~{n}")).enumerate() {
        let tree = erin.git(&["rev-parse", &format!("{commit}^{{tree}}")]);
        let message = erin.git(&["log", "-1", "--format=%B", &commit]);
        let message = if number == 1 { message.replace("CHG-1", "CHG-9") } else { message };
        let parents: Vec<_> =
            Some(parent.as_str()).filter(|it| !it.is_empty()).into_iter().collect();
        parent = erin.commit(&tree, &parents, &message, &[], &[]);
    }
    erin.git(&["update-ref", ledger, &parent]);
    let ran = verify(&erin, &[]);
    ran.ended(1, &["entry 1 (", "line: the commit isn't exactly that of the entry"]);
    assert!(!ran.stdout.contains("were verified before"), "{ran:?}");
    // Entries that were taken away are missed without any checkpoint from outside.
    erin.git(&["update-ref", ledger, &hub.git(&["rev-parse", "audit/ledger~1"])]);
    let missed = "is of a longer log: entries were removed from this one";
    let ran = verify(&erin, &[]);
    ran.ended(1, &["the checkpoint that was verified here until ", missed]);
    let ran = verify(&erin, &["--full"]);
    assert!(!ran.stdout.contains(missed), "{ran:?}");
    ran.ended(1, &["it reached main, and is recorded nowhere: Merge CHG-2"]);
}

#[test]
fn evidence_that_does_not_lead_there_is_verified_whole() {
    let hub = Hub::recording();
    let erin = verified(&hub);
    let evidence = "refs/changegate/origin/audit/evidence";
    erin.git(&["update-ref", evidence, &format!("{evidence}~1")]);
    verify(&erin, &[]).ended(1, &["entry 2 (", "its evidence is missing"]);
    assert!(json(&erin, &[]).get("earlier").is_none());
}

/// What another version verified, and what isn't whole, is worth nothing.
#[test]
fn a_memory_of_something_else_is_ignored() {
    let hub = Hub::recording();
    let erin = verified(&hub);
    let [file] = memories(&hub).try_into().unwrap();
    let text = fs::read_to_string(&file).unwrap();
    let known: Value = serde_json::from_str(&text).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    let leaves = known["leaves"].as_str().unwrap();
    for other in [
        text.replace(&format!("\"version\":\"{version}\""), "\"version\":\"0.0.9\""),
        text.replace("\"base_ref\":\"main\"", "\"base_ref\":\"release\""),
        text.replace(leaves, &leaves[44..]),
        text.replace(leaves, &format!("A{}", &leaves[1..])),
        text[..text.len() - 9].to_owned(),
        String::new(),
    ] {
        assert_ne!(text, other);
        fs::write(&file, &other).unwrap();
        let ran = verify(&erin, &["--format", "json"]);
        ran.ended(0, &[]);
        assert!(ran.json("audit-verify").get("earlier").is_none(), "{other}: {ran:?}");
    }
    assert_eq!(json(&erin, &[])["earlier"]["entries"], 3);
}

/// What is wrong is never remembered as verified.
#[test]
fn a_ledger_with_findings_is_verified_whole_each_time() {
    let hub = Hub::recording();
    let erin = verified(&hub);
    let ledger = "refs/changegate/origin/audit/ledger";
    let foreign = erin.put(ledger, &[("README.md", "x\n")], "foreign");
    erin.git(&["update-ref", ledger, &foreign]);
    for _ in 0..2 {
        let ran = verify(&erin, &[]);
        ran.ended(1, &["the commit holds no entry"]);
        assert!(!ran.stdout.contains("were verified before"), "{ran:?}");
    }
    // What is missing on the base is looked for each time, whatever was verified.
    erin.git(&["update-ref", ledger, &format!("{foreign}~1")]);
    assert_eq!(json(&erin, &[])["earlier"]["entries"], 3);
    let text = "a: b\n";
    let direct = erin.put("origin/main", &[("requests/CHG-9.yaml", text)], "by hand");
    erin.git(&["update-ref", "refs/remotes/origin/main", &direct]);
    let ran = verify(&erin, &[]);
    ran.ended(1, &["were verified before", "it reached main, and is recorded nowhere: by hand"]);
}

/// To show an entry, those before it aren't read.
#[test]
fn what_is_not_needed_is_not_read() {
    let hub = Hub::to_record();
    let bob = hub.lonely_desk("bob");
    bob.changegate(&["init", "--ledger"]).went_well();
    let branches = Branches::own(Repo::discover(&bob.folder).unwrap());
    let git = Git::new(branches, Some("main".to_owned())).unwrap();
    (1..=40).for_each(|number| assert!(super::appended(&git, &number.to_string())));
    let lost = bob.git(&["rev-parse", "audit/ledger~39:entry.json"]);
    fs::remove_file(bob.folder.join(".git/objects").join(&lost[..2]).join(&lost[2..])).unwrap();
    let id = format!("sha256:{}", sha256(&bob, "audit/ledger~2:entry.json"));
    for name in ["40", "38", &id] {
        bob.changegate(&["audit", "show", name]).ended(0, &["note: explanation"]);
    }
    for name in ["0", "CHG-1", &id[..20]] {
        bob.changegate(&["audit", "show", name]).failed(&[&lost]);
    }
}

fn sha256(desk: &Desk<'_>, file: &str) -> String {
    let text = desk.git(&["cat-file", "blob", file]);
    Digest::of(text.as_bytes()).to_string()["sha256:".len()..].to_owned()
}
