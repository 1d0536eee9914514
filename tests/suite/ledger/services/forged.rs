//! Seals that nobody with a key in force made, and entries that a thief of a key makes.

use super::*;
use crate::ledger::mutation::lines_changed;

/// Record 53, 58: each signature of a seal changed, dropped, doubled, moved and made by another key: a commit with such a
/// thing holds no entry. One key that signs everything is looked at when verifying.
#[test]
fn nothing_passes_for_a_seal() {
    let hub = Hub::to_record();
    let (service, other) = (Service::new(&hub, "server"), Service::new(&hub, "other"));
    let bob = begun(&hub, &[&service], "");
    around(&bob, 1);
    seal(&bob, &service).unwrap();
    let repo = Repo::in_memory().unwrap();
    let entry = entry_at(&bob, "audit/ledger");
    let own = Seal::by(&service.key, &entry).unwrap().files(&entry);
    let foreign = Seal::by(&other.key, &entry).unwrap().files(&entry);
    let read = |files: &[(&str, &[u8])], key: Option<&ServiceKey>| {
        let file = |(name, bytes): &(&'static str, &[u8])| {
            (*name, Some(File::file(repo.store(bytes).unwrap())))
        };
        let files: Vec<_> = files
            .iter()
            .map(|(name, bytes)| {
                (*own.iter().map(|(known, _)| known).find(|known| *known == name).unwrap(), *bytes)
            })
            .collect();
        let tree = repo.store_tree(None, files.iter().map(file)).unwrap();
        let header = format!("tree {tree}\nauthor x <x> 0 +0000\ncommitter x <x> 0 +0000\n");
        let text = format!("{header}\n{}", entry.message());
        let signed = key.map(|key| key.sign_commit(text.as_bytes()).replace('\n', "\n "));
        let text = match signed {
            Some(signed) => format!("{header}gpgsig {signed}\n\n{}", entry.message()),
            None => text,
        };
        let commit = repo.store_commit(text.as_bytes()).unwrap();
        let recorded = ledger::read(&repo, commit).unwrap();
        recorded.entry.is_ok().then(|| recorded.seal.map(|seal| *seal.key()))
    };
    let with = |checkpoint: &[u8], signatures: &[u8], key| {
        let files = [
            ("checkpoint", checkpoint),
            ("entry.json", &own[1].1),
            ("entry.sig", signatures),
            ("state", &own[3].1),
        ];
        read(&files, key)
    };
    let (checkpoint, signatures) = (&own[0].1[..], &own[2].1[..]);
    let own_key = Some(&service.key);
    assert_eq!(with(checkpoint, signatures, own_key), Some(Some(service.public())));
    assert_eq!(with(&foreign[0].1, &foreign[2].1, Some(&other.key)), Some(Some(other.public())));

    // One of the three by another key, or by nobody.
    for (checkpoint, signatures, key) in [
        (&foreign[0].1[..], signatures, own_key),
        (checkpoint, &foreign[2].1[..], own_key),
        (checkpoint, signatures, Some(&other.key)),
        (&foreign[0].1, &foreign[2].1, own_key),
        (checkpoint, signatures, None),
    ] {
        assert_eq!(with(checkpoint, signatures, key), None);
    }
    let unsealed = entry.checkpoint().into_bytes();
    assert_eq!(with(&unsealed, signatures, own_key), None, "the checkpoint is not signed");
    let without = |checkpoint: &[u8]| {
        read(
            &[("checkpoint", checkpoint), ("entry.json", &own[1].1), ("state", &own[3].1)],
            own_key,
        )
    };
    assert_eq!(without(checkpoint), None, "the statement is not signed");
    assert_eq!(without(&unsealed), Some(None));

    // Each byte of the signatures, and each form of the files.
    let mut tried = 0;
    let mut caught = |checkpoint: &[u8], signatures: &[u8]| {
        let what = || String::from_utf8_lossy(&[checkpoint, signatures].concat()).into_owned();
        assert_eq!(with(checkpoint, signatures, own_key), None, "{}", what());
        tried += 1;
    };
    for text in lines_changed(std::str::from_utf8(checkpoint).unwrap()) {
        caught(text.as_bytes(), signatures);
    }
    let line = |bytes: &[u8]| bytes[entry.checkpoint().len()..].to_vec();
    for lines in [
        [line(checkpoint), line(&foreign[0].1)],
        [line(&foreign[0].1), line(checkpoint)],
        [line(checkpoint), line(checkpoint)],
    ] {
        caught(&[unsealed.clone(), lines.concat()].concat(), signatures);
    }
    for at in 0..signatures.len() {
        let mut changed = signatures.to_vec();
        changed[at] ^= 1;
        caught(checkpoint, &changed);
        caught(checkpoint, &signatures[..at]);
    }
    let list = |bytes: &[u8]| serde_json::from_slice::<Vec<Value>>(bytes).unwrap();
    let (one, two) = (list(signatures).remove(0), list(&foreign[2].1).remove(0));
    for several in [
        json!([one, two]),
        json!([two, one]),
        json!([one, one]),
        json!([]),
        json!(null),
        one.clone(),
    ] {
        caught(checkpoint, several.to_string().as_bytes());
    }
    // Over other bytes than the statement.
    for bytes in [&b"{}"[..], &own[3].1, &own[0].1] {
        caught(checkpoint, Signatures::by(&service.key, bytes).to_string().as_bytes());
    }
    assert!(tried > 500, "{tried}");

    // Record 53, 58: all of it by a key that nobody named.
    around(&bob, 2);
    let git = opened(&bob);
    let [Record { statement, .. }] = records(&git, "server").try_into().ok().unwrap();
    force(&bob, statement, Signer::Service(&other.key));
    bob.verify().ended(
        1,
        &["entry 2", "signature: it is signed with", "a key that no entry before it lets sign"],
    );
    around(&bob, 3);
    let why = seal(&bob, &other).unwrap_err().to_string();
    assert!(
        why.contains("may not sign the ledger: have it listed under `ledger.writers`"),
        "{why}"
    );
}

/// Record 39, 54: a stolen key gives nobody an approval: those are signed by the people themselves.
#[test]
fn a_stolen_key_approves_nothing() {
    let hub = Hub::to_record();
    let service = Service::new(&hub, "server");
    let bob = begun(&hub, &[&service], "");
    // Nobody approved it.
    let text = request("CHG-1", "alice");
    let head = bob.put("main", &[("requests/CHG-1.yaml", &text)], "CHG-1");
    let tree = bob.git(&["rev-parse", &format!("{head}^{{tree}}")]);
    let message = "Merge CHG-1: Put worker CHG1 into maintenance\n\nChange: CHG-1\n";
    let merge = bob.commit(&tree, &["main", &head], message, &["-S"], &[]);
    put(&bob, &merge);
    let git = opened(&bob);
    let [Record { statement, files, policies }] = records(&git, "server").try_into().ok().unwrap();
    assert_eq!(statement.predicate.kind, Kind::Bypass);
    let before = bob.git(&["rev-parse", "audit/ledger"]);
    let honest = Record { statement: statement.clone(), files: files.clone(), policies };
    write(&git, vec![honest], Signer::Service(&service.key)).unwrap();
    bob.verify().ended(0, &["(not-approved)", "\nverified\n"]);
    for branch in ["ledger", "evidence"] {
        let old = if branch == "ledger" { before.as_str() } else { "" };
        let name = format!("refs/heads/audit/{branch}");
        match old {
            "" => bob.git(&["update-ref", "-d", &name]),
            old => bob.git(&["update-ref", &name, old]),
        };
    }

    // Record 39: the thief says that carol did.
    let mut forged = serde_json::to_value(&statement).unwrap();
    let it = &mut forged["predicate"];
    it["kind"] = json!("merge");
    it["merge"].as_object_mut().unwrap().remove("because");
    it["decision"]["verdict"] = json!("approved");
    it["decision"]["title"] = json!("Put worker CHG1 into maintenance");
    for seat in it["decision"]["sign_off"]["required"].as_array_mut().unwrap() {
        seat["satisfied_by"] = json!("carol");
        seat["level"] = json!("L3");
    }
    let statement: Statement = serde_json::from_value(forged).unwrap();
    let record = Record { statement, files, policies };
    write(&git, vec![record], Signer::Service(&service.key)).unwrap();
    bob.verify().ended(1, &["entry 1 (", "decision: the evidence doesn't lead to this decision"]);
}

/// In the name of a service anybody could claim the reviews of a forge that there isn't.
#[test]
fn nobody_records_as_a_service_where_people_sign() {
    let hub = Hub::to_record();
    let bob = begun(&hub, &[], "");
    around(&bob, 1);
    let git = opened(&bob);
    let mut record = records(&git, NOBODY);
    record[0].statement.predicate.collector.kind = CollectorKind::Action;
    write(&git, record, Signer::Nobody(NOBODY)).unwrap();
    bob.verify()
        .ended(1, &["entry 1", "signature: it isn't signed, so anybody could have made it"]);
}
