//! What was verified earlier isn't verified again where services sign: the keys that may are remembered.

use super::*;

fn json(desk: &Desk<'_>, arguments: &[&str]) -> Value {
    let all = [&["audit", "verify", "--format", "json"], arguments].concat();
    serde_json::from_str(&desk.changegate(&all).stdout).unwrap()
}

/// The number of entries that were not verified again.
fn earlier(found: &Value) -> Option<u64> {
    found["earlier"]["entries"].as_u64()
}

#[test]
fn keys_are_remembered() {
    let hub = Hub::to_record();
    let (old, new) = (Service::new(&hub, "old"), Service::new(&hub, "new"));
    let bob = begun(&hub, &[&old], ", signature: required");
    around(&bob, 1);
    seal(&bob, &old).unwrap();
    assert_eq!(earlier(&json(&bob, &[])), None);
    around(&bob, 2);
    seal(&bob, &old).unwrap();
    assert_eq!(earlier(&json(&bob, &[])), Some(2));

    // The keys change behind what is remembered, and before.
    put(&bob, &bob.settles("main", &writers(&[&new], ", signature: required")));
    seal(&bob, &new).unwrap();
    around(&bob, 3);
    seal(&bob, &new).unwrap();
    let found = bob.verify();
    found.ended(
        0,
        &["entries 0 to 2 were verified before", "in entry 4, as entry 3 says", "\nverified\n"],
    );
    around(&bob, 4);
    seal(&bob, &new).unwrap();
    let mut found = json(&bob, &[]);
    assert_eq!(earlier(&found), Some(6));
    found.as_object_mut().unwrap().remove("earlier");
    assert_eq!(found, json(&bob, &["--full"]));

    // A key that isn't in force any more, and nobody's.
    let whole = bob.git(&["rev-parse", "audit/ledger"]);
    around(&bob, 5);
    let git = opened(&bob);
    let [Record { statement, .. }] = records(&git, "old").try_into().ok().unwrap();
    for (signer, why) in [
        (Signer::Service(&old.key), "a key that no entry before it lets sign"),
        (Signer::Nobody(NOBODY), "no service signed it, which the settings require"),
    ] {
        force(&bob, statement.clone(), signer);
        let found = bob.verify();
        found.ended(1, &["entry 7 (", why]);
        bob.git(&["update-ref", "refs/heads/audit/ledger", &whole]);
    }
    seal(&bob, &new).unwrap();
    assert_eq!(earlier(&json(&bob, &[])), Some(7));

    // A key that turns out to have been stolen before: what it signed is looked at again.
    let lost = format!(
        ", signature: required, revoked: [{{key: {}, from_index: 2, why: stolen}}]",
        old.public().ssh()
    );
    put(&bob, &bob.settles("main", &writers(&[&new], &lost)));
    seal(&bob, &new).unwrap();
    around(&bob, 6);
    seal(&bob, &new).unwrap();
    let found = bob.verify();
    found.ended(1, &["entry 2 (", "which was stolen: from entry 2 on that proves nothing"]);
    assert!(!found.stdout.contains("were verified before"), "{found:?}");
}

/// What is tampered with behind what is remembered is found, and before it with `--full`.
#[test]
fn tampering_before_and_behind_what_is_remembered() {
    let hub = Hub::to_record();
    let service = Service::new(&hub, "server");
    let bob = begun(&hub, &[&service], "");
    for number in 1..=2 {
        around(&bob, number);
        seal(&bob, &service).unwrap();
    }
    bob.verify().ended(0, &["\nverified\n"]);
    around(&bob, 3);
    seal(&bob, &service).unwrap();
    let planted = |entry: &str, other: &str| {
        let path = |name: &str| {
            let id = bob.git(&["rev-parse", &format!("audit/ledger{name}:entry.json")]);
            bob.folder.join(".git/objects").join(&id[..2]).join(&id[2..])
        };
        let (own, other) = (path(entry), path(other));
        let kept = fs::read(&own).unwrap();
        fs::remove_file(&own).unwrap();
        fs::copy(other, &own).unwrap();
        (own, kept)
    };
    for (entry, is_found) in [("~1", false), ("~2", false), ("", true)] {
        let (file, kept) = planted(entry, if entry == "~1" { "~2" } else { "~1" });
        for arguments in [&["audit", "verify", "--full"][..], &["audit", "verify"]] {
            let ran = bob.changegate(arguments);
            let is_due = is_found || arguments.len() == 3 || entry == "~1";
            // The last entry that is remembered is read in any case.
            assert_eq!(ran.code != 0, is_due, "{entry}: {ran:?}");
        }
        fs::remove_file(&file).unwrap();
        fs::write(&file, kept).unwrap();
    }
    bob.verify().ended(0, &["4 entries", "\nverified\n"]);
}
