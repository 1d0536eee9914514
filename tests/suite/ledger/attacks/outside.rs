//! What is done to the branches, to the evidence and to the objects of a repository.

use super::*;

/// Record 26, 43, 64, 77: a ledger that is deleted, reset or begun again. A clone that has seen it says so; one
/// that hasn't needs a checkpoint from outside.
#[test]
fn a_ledger_that_is_reset() {
    let hub = Hub::recording();
    let (bob, erin) = (hub.desk("bob"), hub.desk("erin"));
    bob.execute("CHG-1");
    bob.execute("CHG-2");
    erin.verify().ended(0, &["3 entries"]);
    let checkpoint = hub.git(&["show", "audit/ledger:checkpoint"]) + "\n\n";
    let (first, second) = ("audit/ledger~2", "audit/ledger~1");
    let kept = "it is the record of what was decided";
    for branch in ["audit/ledger", "audit/evidence"] {
        bob.push(&["--delete", branch]).refused(&[branch, "can't be deleted", kept]);
        let back = hub.git(&["rev-parse", &format!("{branch}~1")]);
        bob.git(&["fetch", "--quiet", "origin", branch]);
        bob.push(&["--force", &format!("{back}:refs/heads/{branch}")]).refused(&[
            branch,
            "can't be reset or rewritten",
            kept,
        ]);
    }
    let tip = hub.tip("audit/ledger").unwrap();
    for name in ["refs/heads/audit/3", "refs/heads/audit/other"] {
        bob.push(&[&format!("{tip}:{name}")]).refused(&["isn't one of the record's branches"]);
    }
    let tag = format!("{tip}:refs/tags/audit/3");
    bob.push(&[&tag]).refused(&["refs/tags/audit/3 isn't one of the ledger's tags"]);
    hub.unguard();
    bob.push(&[&tag]).went_well();
    hub.guard();
    bob.push(&["--force", &format!("{tip}~1:refs/tags/audit/3")])
        .refused(&["refs/tags/audit/3 can't be moved or deleted"]);
    bob.push(&["--delete", "refs/tags/audit/3"]).refused(&["can't be moved or deleted"]);
    let fresh = auditor(&hub);
    fresh.verify().ended(1, &["the tag audit/3 isn't one of the ledger's"]);
    fs::remove_dir_all(&fresh.folder).unwrap();
    hub.git(&["update-ref", "-d", "refs/tags/audit/3"]);

    // Record 26: cut off, past the hook.
    let [first, second] = [first, second].map(|name| hub.git(&["rev-parse", name]));
    for cut in [&first, &second] {
        hub.git(&["update-ref", "refs/heads/audit/ledger", cut]);
        let fresh = auditor(&hub);
        fresh.verify().ended(1, &["coverage: it reached main, and is recorded nowhere"]);
        fs::remove_dir_all(&fresh.folder).unwrap();
        erin.verify().ended(1, &["doesn't continue the one that was seen here"]);
    }
    // Record 43, 77: deleted, and begun again from what the base is now. Its merges say that there was another.
    hub.git(&["update-ref", "-d", "refs/heads/audit/ledger"]);
    hub.git(&["update-ref", "-d", "refs/heads/audit/evidence"]);
    let begin = ["init", "--ledger"];
    let again = hub.desk_at("carol", "again");
    again.changegate(&begin).failed(&["a ledger of 2 entries has begun before"]);
    // A base that is reset as well hides that.
    hub.git(&["update-ref", "refs/heads/main", &hub.git(&["rev-parse", "main~2"])]);
    again.git(&["update-ref", "-d", "refs/remotes/origin/main"]);
    again.changegate(&begin).ended(0, &["began the ledger"]);
    erin.verify().ended(1, &["doesn't continue the one that was seen here"]);
    // Without a checkpoint, only somebody who verified the other one notices.
    let fresh = auditor(&hub);
    fresh.verify().ended(1, &["the checkpoint that was verified here until", "of a longer log"]);
    let full = ["audit", "verify", "--full"];
    fresh.changegate(&full).ended(0, &["1 entry", "\nverified\n"]);
    fresh.verify().ended(0, &["1 entry", "\nverified\n"]);
    fresh.write("checkpoint.txt", &checkpoint);
    let anchored = ["audit", "verify", "--checkpoint", "checkpoint.txt"];
    let found = "the log, anchors: the checkpoint checkpoint.txt is of a longer log";
    fresh.changegate(&anchored).ended(1, &[found]);
    // Grown to the same size.
    hub.desk_at("bob", "later").execute("CHG-3");
    hub.desk_at("bob", "latest").execute("CHG-4");
    fs::remove_dir_all(&fresh.folder).unwrap();
    let fresh = auditor(&hub);
    fresh.verify().ended(0, &["3 entries", "\nverified\n"]);
    let other = checkpoint.replace("git.acme.example/ops", "git.acme.example/other");
    for (text, found) in [
        (&checkpoint, "is of a log with other entries: this one was rewritten"),
        (&other, "is of another log, git.acme.example/other"),
    ] {
        fresh.write("checkpoint.txt", text);
        fresh.changegate(&anchored).ended(1, &["anchors: ", found]);
    }
}

/// Record 46: a whole history in another repository.
#[test]
fn a_history_in_another_repository() {
    let hub = Hub::recording();
    hub.desk("bob").execute("CHG-1");
    let other = Hub::open();
    let desk = other.desk_apart("erin", "fork");
    let from = hub.folder();
    desk.git(&[
        "fetch",
        "--quiet",
        from.to_str().unwrap(),
        "refs/heads/audit/*:refs/heads/audit/*",
    ]);
    let ran = desk.verify();
    ran.ended(1, &["coverage: main: ", "which is recorded: it wasn't fetched since"]);
}

/// Record 6, 61: evidence that is removed, changed, added to or taken from another entry.
#[test]
fn evidence_that_is_rewritten() {
    let hub = Hub::recording();
    let stage = Stage::on(&hub);
    let last = stage.evidence[1].clone();
    let ledger = stage.line[3].clone();
    let message = stage.bob.git(&["log", "-1", "--format=%B", &last]) + "\n";
    let remade = |files: &[(&str, &str, &str)], message: &str| {
        let tree = stage.bob.tree(&last, files);
        let at = stage.last().at;
        let parts = Parts {
            parents: vec![stage.evidence[0].clone()],
            files: Vec::new(),
            message: message.to_owned(),
            who: "changegate".to_owned(),
            at,
            key: None,
        };
        let evidence = parts.commit_of(&tree, &stage.bob);
        Forged { ledger: ledger.clone(), evidence }
    };
    let policies = "policies/org/settings/data.yaml";
    let other = "its evidence holds something else than what it rests on";
    for (what, files, hook, found) in [
        (
            "changed",
            ("100644", "evidence.json", "{}"),
            other,
            "evidence.json was changed in its evidence",
        ),
        (
            "added to",
            ("100644", "more.txt", "x"),
            other,
            "its evidence holds more.txt, which it doesn't name",
        ),
        (
            "other policies",
            ("100644", policies, "{}\n"),
            other,
            "its evidence holds other policies",
        ),
        (
            "a link",
            ("120000", "request.yaml", "x"),
            other,
            "request.yaml was changed in its evidence",
        ),
    ] {
        let forged = remade(&[files], &message);
        stage.is_caught(what, &forged, hook, ["entry 3, ", &format!("material: {found}")]);
    }
    let missing = "material: its evidence is missing";
    let of_another = remade(&[], "sha256:00\n");
    stage.is_caught("of another entry", &of_another, other, ["entry 3, ", missing]);
    let none = Forged { ledger: ledger.clone(), evidence: stage.evidence[0].clone() };
    stage.is_caught("none", &none, "its evidence isn't pushed with it", ["entry 3, ", missing]);
    for names in [&["audit/evidence-2"][..], &["audit/evidence", "audit/evidence-2"]] {
        let mut refspecs = vec![
            format!("{}:refs/heads/main", stage.main[1]),
            format!("{ledger}:refs/heads/audit/ledger"),
        ];
        refspecs.extend(names.iter().map(|name| format!("{last}:refs/heads/{name}")));
        let refspecs: Vec<_> = refspecs.iter().map(String::as_str).collect();
        stage.bob.push_together(&refspecs).refused(&["evidence"]);
    }
    let truth = Forged { ledger, evidence: last.clone() };
    let more = stage.bob.commit(&format!("{last}^{{tree}}"), &[&last], &message, &[], &[]);
    let more = Forged { evidence: more, ..truth.clone() };
    stage.is_refused("more than there are entries", &more, "belongs to no entry");
    the_truth_holds(&stage);
}

/// Record 25, 57: a repository whose objects are not what their names say, or whose index of commits is forged.
#[test]
fn planted_objects() {
    let hub = Hub::recording();
    hub.desk("bob").execute("CHG-1");
    hub.desk_at("bob", "more").execute("CHG-2");
    let verified = "\nverified\n";
    let path = |desk: &crate::plumbing::hub::Desk<'_>, id: &str| {
        desk.folder.join(".git/objects").join(&id[..2]).join(&id[2..])
    };
    let desk = auditor(&hub);
    desk.verify().ended(0, &[verified]);
    let id = |name: &str| desk.git(&["rev-parse", name]);
    for (name, other) in [
        ("audit/ledger:entry.json", "audit/ledger~1:entry.json"),
        ("audit/ledger:state", "audit/ledger~1:state"),
        ("audit/ledger~1:checkpoint", "audit/ledger:checkpoint"),
        ("audit/evidence:evidence.json", "audit/evidence:input.json"),
        ("audit/ledger", "audit/ledger~1"),
        ("audit/ledger^{tree}", "audit/ledger~1^{tree}"),
        ("main", "main~1"),
    ] {
        let (own, planted) = (path(&desk, &id(name)), path(&desk, &id(other)));
        let kept = fs::read(&own).unwrap();
        fs::remove_file(&own).unwrap();
        fs::copy(&planted, &own).unwrap();
        // Without `--full`, what was verified before isn't looked at again.
        let ran = desk.changegate(&["audit", "verify", "--full"]);
        assert!(matches!(ran.code, 1 | 2), "{name}: {ran:?}");
        let said = format!("{}{}", ran.stdout, ran.stderr);
        let is_said = ["isn't what its id says", "HashsumMismatch"].map(|why| said.contains(why));
        assert!(is_said.contains(&true), "{name}: {said}");
        fs::remove_file(&own).unwrap();
        fs::write(&own, kept).unwrap();
    }
    desk.verify().ended(0, &[verified]);
    // An index of commits in which the ledger's last entry follows on nothing.
    desk.git(&["commit-graph", "write", "--reachable"]);
    let file = desk.folder.join(".git/objects/info/commit-graph");
    let mut bytes = fs::read(&file).unwrap();
    let tree = id("audit/ledger^{tree}");
    let tree: Vec<_> =
        (0..20).map(|at| u8::from_str_radix(&tree[2 * at..2 * at + 2], 16).unwrap()).collect();
    let at = bytes.windows(20).position(|window| *window == tree[..]).unwrap() + 20;
    bytes[at..at + 4].copy_from_slice(&0x7000_0000_u32.to_be_bytes());
    fs::remove_file(&file).unwrap();
    fs::write(&file, bytes).unwrap();
    desk.verify().ended(0, &["3 entries", verified]);
}

/// Record 32, 66: policies and a change under them in one push, past the gate.
#[test]
fn policies_and_a_change_in_one_push() {
    let hub = Hub::recording();
    let bob = hub.desk("bob");
    let settings = "policies/org/settings/data.yaml";
    let text = bob.git(&["show", &format!("origin/main:{settings}")]);
    let lax = text.replace("other_paths: free", "other_paths: refused") + "\n";
    assert_ne!(lax.trim(), text);
    let policies = bob.put("origin/main", &[(settings, &lax)], "my own policies");
    let path = "requests/CHG-1.yaml";
    let head = bob.put(&policies, &[(path, &request("CHG-1", "bob"))], "CHG-1");
    bob.push(&[&format!("{head}:refs/heads/change/CHG-1")]).went_well();
    let apart = hub.desk_apart("bob", "apart");
    apart.git(&["update-ref", "refs/heads/main", &policies]);
    apart.git(&["reset", "--quiet", "--hard"]);
    apart.changegate(&["merge", "CHG-1"]).ended(0, &["merged CHG-1"]);
    let all = ["refs/heads/main", "refs/heads/audit/ledger", "refs/heads/audit/evidence"];
    apart.push_together(&all).refused(&["is not the merge of a change"]);
    apart.verify().ended(0, &["1 bypass", "(no-pull-request), by bob, entry 1", "\nverified\n"]);
}

/// What says nothing verifies nothing.
#[test]
fn a_file_without_checkpoints_verifies_nothing() {
    let hub = Hub::recording();
    let bob = hub.desk("bob");
    bob.write("empty.txt", "");
    let ran = bob.changegate(&["audit", "verify", "--checkpoint", "empty.txt"]);
    assert_eq!(ran.code, 2, "{ran:?}");
}
