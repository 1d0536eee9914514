//! Witnesses of a ledger: a file, a second repository, and tags keep what it was, so that nobody can
//! rewrite it unseen.

use std::fs;

use serde_json::Value;

use crate::bundles::hub;
use crate::plumbing::hub::{Desk, Hub, request};
use crate::plumbing::witness::{self, Witness};

/// Merges a change that its requester may execute directly.
fn execute(desk: &Desk<'_>, id: &str) {
    desk.submit_text(id, &request(id, desk.who)).went_well();
    desk.changegate(&["merge", id]).ended(0, &[&format!("merged {id}")]);
}

/// Puts the ledger back by some entries, behind everybody's back.
fn rewind(hub: &Hub, entries: usize) {
    let earlier = hub.git(&["rev-parse", &format!("audit/ledger~{entries}")]);
    hub.git(&["update-ref", "refs/heads/audit/ledger", &earlier]);
}

/// A desk that has never seen the ledger.
fn auditor<'h>(hub: &'h Hub, folder: &str) -> Desk<'h> {
    hub.desk_at("erin", folder)
}

#[test]
fn a_file_keeps_each_checkpoint() {
    let hub = hub();
    let (bob, erin) = (hub.desk("bob"), hub.desk("erin"));
    let path = hub.path("kept.txt");
    let target = format!("file:{}", path.display());
    let witness = |desk: &Desk<'_>| desk.changegate(&["audit", "witness", &target]);
    witness(&erin).ended(0, &["git.acme.example/ops, 2 entries, ", "given: the checkpoint"]);
    let first = fs::read_to_string(&path).unwrap();
    assert!(first.starts_with("git.acme.example/ops\n2\n"), "{first}");
    witness(&erin).ended(0, &["nothing is new since the last time"]);
    assert_eq!(fs::read_to_string(&path).unwrap(), first);
    execute(&bob, "CHG-2");
    witness(&erin).ended(0, &["3 entries, ", "given: the checkpoint (2 in the file now)"]);
    let both = fs::read_to_string(&path).unwrap();
    assert!(both.starts_with(&first) && both.contains("\ngit.acme.example/ops\n3\n"), "{both}");

    let kept = ["audit", "verify", "--checkpoint", path.to_str().unwrap()];
    erin.changegate(&kept).ended(0, &["\nverified\n"]);
    let anchors = |arguments: &[&str]| {
        let json = erin.changegate(&[arguments, &["--format", "json"]].concat());
        let json: Value = serde_json::from_str(json.went_well()).unwrap();
        json["anchors"].as_u64().unwrap()
    };
    assert_eq!(anchors(&kept), anchors(&kept[..2]) + 2);
    rewind(&hub, 1);
    let other = auditor(&hub, "other");
    other.changegate(&kept).ended(1, &["kept.txt:5 is of a longer log: entries were removed"]);
    let said = "kept.txt:5 is of a log of 3 entries: entries were removed from this one";
    witness(&other).ended(1, &["not given, and nothing was changed", said]);
    assert_eq!(fs::read_to_string(&path).unwrap(), both);

    // Grown again, it is as long, and another one.
    hub.git(&["update-ref", "refs/heads/main", &hub.git(&["rev-parse", "main^1"])]);
    execute(&hub.desk_at("bob", "again"), "CHG-4");
    let other = auditor(&hub, "third");
    witness(&other).ended(1, &["kept.txt:5 is of a log with other entries among its first 3"]);
    fs::write(&path, both.replace("/ops", "/others")).unwrap();
    witness(&other).ended(1, &["kept.txt:1 is of another log, git.acme.example/others"]);
    fs::write(&path, "a diary\n").unwrap();
    witness(&other).ended(2, &["kept.txt:1: this is not a checkpoint"]);
    assert_eq!(fs::read_to_string(&path).unwrap(), "a diary\n");
}

#[test]
fn a_second_repository_keeps_the_ledger() {
    let hub = hub();
    let (bob, erin) = (hub.desk("bob"), hub.desk("erin"));
    let second = hub.path("second.git");
    bob.git(&["init", "--quiet", "--bare", second.to_str().unwrap()]);
    let target = format!("git:{}", second.display());
    let witness = |desk: &Desk<'_>| desk.changegate(&["audit", "witness", &target]);
    let tip = || bob.git(&["-C", second.to_str().unwrap(), "rev-parse", "refs/heads/audit/ledger"]);
    witness(&erin).ended(0, &["2 entries, ", "given: audit/ledger and audit/evidence"]);
    witness(&erin).ended(0, &["nothing is new"]);
    execute(&bob, "CHG-2");
    witness(&erin).ended(0, &["3 entries, ", "given: audit/ledger and audit/evidence"]);
    assert_eq!(Some(tip()), hub.tip("audit/ledger"));
    let kept = tip();

    erin.changegate(&["audit", "witness", "git:/nowhere/at/all"])
        .ended(2, &["cannot read /nowhere"]);
    let hub_itself = hub.folder();
    let hub_itself = hub_itself.to_str().unwrap();
    erin.git(&["config", "url.file://.insteadOf", "https://mirror.example"]);
    for same in [
        hub_itself,
        &format!("file://{hub_itself}/"),
        &format!("https://mirror.example{hub_itself}"),
        "../hub.git",
        "origin",
        ".",
    ] {
        erin.changegate(&["audit", "witness", &format!("git:{same}")])
            .ended(2, &["is the repository with the ledger itself", "name another one"]);
    }
    erin.changegate(&["audit", "witness", "ftp:x"])
        .ended(2, &["file:PATH, git:URL, https:URL, or tag"]);

    rewind(&hub, 1);
    let said = "its audit/ledger is at ";
    witness(&auditor(&hub, "other")).ended(1, &["nothing was changed", said, "was rewound or"]);
    assert_eq!(tip(), kept);
}

#[test]
fn tags_keep_checkpoints() {
    let hub = hub();
    let (bob, erin) = (hub.desk("bob"), hub.desk("erin"));
    let witness = |desk: &Desk<'_>| desk.changegate(&["audit", "witness", "tag"]);
    witness(&erin).ended(0, &["given: the tag audit/2"]);
    witness(&bob).ended(0, &["nothing is new"]);
    let message = hub.git(&["tag", "--list", "--format=%(contents)", "audit/2"]);
    assert!(message.starts_with("git.acme.example/ops\n2\n"), "{message}");
    assert_eq!(hub.git(&["rev-parse", "audit/2^{commit}"]), hub.tip("audit/ledger").unwrap());
    execute(&bob, "CHG-2");
    witness(&bob).ended(0, &["given: the tag audit/3"]);
    let verify = |desk: &Desk<'_>| desk.changegate(&["audit", "verify"]);
    let anchored = verify(&auditor(&hub, "new"));
    anchored.ended(0, &["checkpoints of others", "\nverified\n"]);

    // What isn't ours is a finding, and stops nothing.
    bob.git(&["tag", "audit/7", "-m", "seven", &bob.git(&["rev-parse", "HEAD"])]);
    bob.git(&["tag", "audit/8", &bob.git(&["rev-parse", "HEAD"])]);
    for name in ["audit/7", "audit/8"] {
        bob.push(&[name]).refused(&["isn't one of the ledger's tags"]);
    }
    hub.unguard();
    bob.push(&["audit/7", "audit/8"]).went_well();
    hub.guard();
    let found = verify(&erin);
    for name in ["audit/7", "audit/8"] {
        found.ended(1, &[&format!("the tag {name} isn't one of the ledger's")]);
    }
    found.ended(1, &["3 entries from ", "not as it has to be: 2 findings"]);
    witness(&erin).ended(0, &["nothing is new"]);
    for name in ["audit/7", "audit/8"] {
        hub.git(&["tag", "--delete", name]);
    }

    // A tag can't be moved by anybody who pushes, and shows a ledger that was put back.
    bob.push(&["+HEAD:refs/tags/audit/2"]).refused(&["can't be moved or deleted: it is an anchor"]);
    rewind(&hub, 1);
    let other = auditor(&hub, "other");
    verify(&other).ended(1, &["the checkpoint tag audit/3 is of a longer log"]);
    witness(&other).ended(1, &["the checkpoint in tag audit/3 is of a log of 3 entries"]);
}

#[test]
fn without_a_remote_tags_are_the_repositorys_own() {
    let hub = hub();
    let bob = hub.desk("bob");
    bob.git(&["fetch", "--quiet", "origin", "refs/heads/audit/*:refs/heads/audit/*"]);
    bob.git(&["remote", "remove", "origin"]);
    bob.changegate(&["audit", "witness", "tag"]).ended(0, &["given: the tag audit/2"]);
    assert_eq!(bob.git(&["tag", "--list"]), "audit/2");
    bob.changegate(&["audit", "verify"]).ended(0, &["\nverified\n"]);
    let before = bob.git(&["rev-parse", "audit/2"]);
    bob.git(&["tag", "--force", "audit/1", "-m", "x", &before]);
    bob.changegate(&["audit", "verify"]).ended(1, &["the tag audit/1 isn't one of the ledger's"]);
}

/// A hub whose settings name the tests' own witness, with one entry behind the beginning.
fn witnessed() -> Hub {
    let hub = Hub::to_record_with(&format!(", witnesses: [\"{}\"]", witness::vkey()));
    hub.desk_at("carol", "beginning").changegate(&["init", "--ledger"]).went_well();
    execute(&hub.desk_at("bob", "first"), "CHG-1");
    hub
}

/// Record 43, 44: a witness on the network cosigns what continues, and nothing else.
#[test]
fn a_witness_on_the_network_cosigns() {
    let hub = witnessed();
    let erin = hub.desk("erin");
    let online = Witness::of("git.acme.example/ops");
    let ask = |desk: &Desk<'_>| desk.changegate(&["audit", "witness", &online.url]);
    ask(&erin).ended(
        0,
        &[
            "2 entries, ",
            "given: the checkpoint, cosigned by witness.example/w1 at 2",
            "it is in the tag audit/2",
        ],
    );
    let message = hub.git(&["tag", "--list", "--format=%(contents)", "audit/2"]);
    assert!(message.contains("\n\n\u{2014} witness.example/w1 "), "{message}");
    let verified = auditor(&hub, "fresh").changegate(&["audit", "verify"]);
    verified.ended(0, &["witnessed    by witness.example/w1, the last time at ", "\nverified\n"]);
    let heartbeat = ask(&erin);
    heartbeat
        .ended(0, &["its tag is there already and is never moved", "\u{2014} witness.example/w1 "]);

    // It is asked to go on from where it was.
    execute(&hub.desk_at("bob", "second"), "CHG-2");
    execute(&hub.desk_at("bob", "third"), "CHG-3");
    ask(&erin).ended(0, &["4 entries, ", "it is in the tag audit/4"]);
    assert_eq!(online.with(|book| book.last.unwrap().0), 4);
    assert_eq!(online.with(|book| book.answered.clone()), [200, 409, 200, 409, 200]);

    // A cosignature of something else is found.
    let kept = hub.git(&["tag", "--list", "--format=%(contents)", "audit/4"]);
    let (text, earlier) =
        (kept.split_once("\n\n").unwrap().0, message.split_once("\n\n").unwrap().1);
    erin.write("kept.txt", &format!("{text}\n\n{}\n", earlier.trim()));
    let ran = erin.changegate(&["audit", "verify", "--checkpoint", "kept.txt"]);
    let said = "the checkpoint kept.txt can't be relied on: the signature by witness.example/w1 does not match";
    ran.ended(1, &[said, "1 finding"]);

    // Rewound, and grown again to another log of the same length.
    rewind(&hub, 1);
    ask(&auditor(&hub, "rewound"))
        .ended(1, &["it cosigned a log of 4 entries: entries were removed"]);
    hub.git(&["tag", "--delete", "audit/4"]);
    hub.git(&["update-ref", "refs/heads/main", &hub.git(&["rev-parse", "main^1"])]);
    execute(&hub.desk_at("bob", "again"), "CHG-4");
    let rewritten = auditor(&hub, "rewritten");
    ask(&rewritten).ended(1, &["with other entries among its first 4: it was rewritten"]);
    execute(&hub.desk_at("bob", "longer"), "CHG-5");
    ask(&rewritten)
        .ended(1, &["the log of 4 entries that it cosigned isn't continued by this one"]);
    assert_eq!(online.with(|book| book.last.unwrap().0), 4);
}

/// Record 52: an entry whose maker's clock was set ahead or back by more than five minutes, between two times at
/// which a witness saw the log.
#[test]
fn no_entry_is_from_another_time_than_a_witness_saw_it() {
    let hub = witnessed();
    let erin = hub.desk("erin");
    let checkpoint =
        |entry: &str| hub.git(&["show", &format!("audit/ledger{entry}:checkpoint")]) + "\n";
    let recorded: i64 = hub.git(&["log", "-1", "--format=%ct", "audit/ledger"]).parse().unwrap();
    let began: i64 = hub.git(&["log", "-1", "--format=%ct", "audit/ledger~1"]).parse().unwrap();
    let verify = |text: &str, at: i64| {
        let cosigned = witness::cosign_at(text, u64::try_from(at).unwrap());
        erin.write("cosigned.txt", &format!("{text}\n{cosigned}"));
        erin.changegate(&["audit", "verify", "--checkpoint", "cosigned.txt"])
    };
    for (entry, at) in [("", recorded - 290), ("", recorded + 86_400), ("~1", began + 290)] {
        verify(&checkpoint(entry), at)
            .ended(0, &["witnessed    by witness.example/w1", "\nverified\n"]);
    }
    let seen = |entry: &str, at: i64, size: u64, index: u64, why: &str| {
        let said =
            format!("entry {index}, time: witness.example/w1 cosigned a log of {size} entries at ");
        verify(&checkpoint(entry), at).ended(1, &[&said, why, "not as it has to be: 1 finding"]);
    };
    seen("", began - 310, 2, 0, "and it says that it was recorded later: the clock of its maker");
    seen("~1", recorded + 310, 1, 1, "and it says that it was recorded before: the clock of its");
}

#[test]
fn a_witness_that_does_not_cosign_says_why() {
    let hub = witnessed();
    let erin = hub.desk("erin");
    let online = Witness::of("git.acme.example/other");
    let ask = |url: &str| erin.changegate(&["audit", "witness", url]);
    ask(&online.url).ended(2, &["it doesn't know the log git.acme.example/ops"]);
    ask(&online.url.replace("/w1", "/w2")).ended(2, &["it doesn't know the log"]);
    online.with(|book| book.origins.push("git.acme.example/ops".to_owned()));
    online.with(|book| book.wants_signature = true);
    ask(&online.url).ended(2, &["signed by a key of the log, and this ledger has no service key"]);
    assert_eq!(hub.git(&["tag", "--list"]), "");
    let gone = online.url.clone();
    drop(online);
    ask(&gone).ended(2, &["cannot reach the witness at http://127.0.0.1:"]);

    // No matter who answers, only what the settings name counts.
    let hub = self::hub();
    let erin = hub.desk("erin");
    let online = Witness::of("git.acme.example/ops");
    erin.changegate(&["audit", "witness", &online.url])
        .ended(2, &["none of its cosignatures is by a witness that the settings name"]);
    assert_eq!(hub.git(&["tag", "--list"]), "");
}
