//! The keys of services: named, rotated, lost and stolen.

use super::*;

/// Record 39, 53: from when on a key that was taken away, lost or stolen proves nothing.
#[test]
fn keys_are_rotated_lost_and_stolen() {
    let hub = Hub::to_record();
    let (old, new, last) =
        (Service::new(&hub, "old"), Service::new(&hub, "new"), Service::new(&hub, "last"));
    let bob = begun(&hub, &[&old], "");
    let settle = |more: &str| put(&bob, &bob.settles("main", more));
    around(&bob, 1);
    seal(&bob, &old).unwrap();

    // Both for a while, then the new one alone.
    settle(&writers(&[&old, &new], ""));
    seal(&bob, &old).unwrap();
    around(&bob, 2);
    seal(&bob, &old).unwrap();
    settle(&writers(&[&new], ""));
    seal(&bob, &new).unwrap();
    around(&bob, 3);
    let why = seal(&bob, &old).unwrap_err().to_string();
    assert!(why.contains("may not sign the ledger"), "{why}");
    seal(&bob, &new).unwrap();
    bob.verify().ended(
        0,
        &[
            "7 by services and 1 by people",
            "keys         1 added, 0 removed in entry 3, as entry 2 says; signed by a key in force before it",
            "keys         0 added, 1 removed in entry 6, as entry 5 says; signed by a key in force before it",
            "\nverified\n",
        ],
    );
    assert_eq!(
        bob.git(&["log", "-1", "--format=%s", "audit/ledger~1"]),
        "keys: 0 added, 1 removed"
    );

    // The key is lost, and its successor signs for itself.
    let lost = format!(", revoked: [{{key: {}, from_index: 8, why: lost}}]", new.public().ssh());
    settle(&writers(&[&last], &lost));
    around(&bob, 4);
    seal(&bob, &last).unwrap();
    bob.execute("CHG-1");
    around(&bob, 5);
    seal(&bob, &last).unwrap();
    let by_itself = "1 added, 1 removed in entry 9, as entry 8 says; signed by a new key";
    bob.verify().ended(0, &[by_itself, "\nverified\n"]);

    // Record 53: the key that was taken away signs once more.
    around(&bob, 6);
    let git = opened(&bob);
    let [Record { statement, .. }] = records(&git, "old").try_into().ok().unwrap();
    let before = bob.git(&["rev-parse", "audit/ledger"]);
    force(&bob, statement, Signer::Service(&old.key));
    bob.verify()
        .ended(1, &["a key that no entry before it lets sign", &old.public().fingerprint()]);
    bob.git(&["update-ref", "refs/heads/audit/ledger", &before]);

    // Record 39: a stolen key, and from which entry on it doesn't count.
    let next = Service::new(&hub, "next");
    seal(&bob, &last).unwrap();
    let gone = [
        &lost[", revoked: [".len()..lost.len() - 1],
        &format!("{{key: {}, from_index: 13, why: stolen}}", last.public().ssh()),
    ]
    .join(", ");
    settle(&writers(&[&last, &next], &lost));
    seal(&bob, &last).unwrap();
    around(&bob, 7);
    seal(&bob, &next).unwrap();
    settle(&writers(&[&next], &format!(", revoked: [{gone}]")));
    seal(&bob, &next).unwrap();
    bob.verify().ended(0, &["\nverified\n"]);
    around(&bob, 8);
    seal(&bob, &next).unwrap();
    let stolen = bob.verify();
    let why = "which was stolen: from entry 13 on that proves nothing";
    stolen.ended(1, &["not as it has to be: 2 findings", "entry 13 (", "entry 14 (", why]);
    holds_none(&|arguments| bob.git(arguments), &["keys keys: 1 added", "bypass bypass: "]);
}

/// Where a service has to sign, what nobody signed is an error; where none can, the report says so.
#[test]
fn what_nobody_signed_is_an_error_where_a_service_has_to() {
    let hub = Hub::to_record();
    let service = Service::new(&hub, "server");
    for (more, says) in [
        (", signature: required", "signature: no service signed it, which the settings require"),
        ("", "signature: it isn't signed, so anybody could have made it"),
    ] {
        let bob = begun(&hub, &[&service], more);
        around(&bob, 1);
        let git = opened(&bob);
        let [record] = records(&git, "server").try_into().ok().unwrap();
        force(&bob, record.statement.clone(), Signer::Nobody(NOBODY));
        let ran = bob.verify();
        assert!(ran.stdout.contains(says), "{ran:?}");
        assert_eq!(ran.stdout.contains("no service signed it"), !more.is_empty(), "{ran:?}");
        if !more.is_empty() {
            // Nobody adds such a thing, and it is passed over.
            let why = write(&git, vec![record], Signer::Nobody(NOBODY)).unwrap_err().to_string();
            assert!(why.contains("name the file with its key in CHANGEGATE_LEDGER_KEY"), "{why}");
            seal(&bob, &service).unwrap();
            let noted = "which the settings require; entry 1 notes it";
            bob.verify().ended(1, &[noted, "3 entries", "not as it has to be: 2 findings"]);
            bob.changegate(&["audit", "coverage"]).ended(0, &["complete: everything is recorded"]);
        }
        fs::remove_dir_all(&bob.folder).unwrap();
    }
}

/// The hook takes a change of keys from anyone of the roster, exactly as the settings say it, and nothing
/// before it.
#[test]
fn the_hook_takes_the_keys_that_the_settings_name() {
    let hub = Hub::recording();
    let (service, other) = (Service::new(&hub, "server"), Service::new(&hub, "other"));
    let past_the_hook = |desk: &Desk<'_>, commit: &str| {
        hub.unguard();
        desk.push_together(&[&format!("{commit}:refs/heads/main")]).went_well();
        hub.guard();
    };
    let carol = hub.desk("carol");
    past_the_hook(&carol, &carol.settles("origin/main", &writers(&[&service], "")));
    hub.desk("bob").submit("CHG-1").went_well();
    let apart = hub.desk_apart("bob", "apart");
    apart.changegate(&["merge", "CHG-1"]).ended(0, &["merged CHG-1"]);
    let line = apart.git(&["rev-list", "--reverse", "audit/ledger"]);
    let line: Vec<_> = line.lines().map(str::to_owned).collect();
    let kinds = line.iter().map(|it| entry_at(&apart, it).statement.predicate.kind);
    assert_eq!(kinds.collect::<Vec<_>>(), [Kind::Genesis, Kind::Bypass, Kind::Keys, Kind::Merge]);
    let push = |ledger: &str| {
        let ledger = format!("{ledger}:refs/heads/audit/ledger");
        apart.push_together(&["refs/heads/main", &ledger, "refs/heads/audit/evidence"])
    };
    let at = |commit: &str| {
        apart.git(&["update-ref", "refs/heads/audit/ledger", commit]);
    };
    let statement = |index: usize| entry_at(&apart, &line[index]).statement;
    let person = Signer::Person("bob");

    // Left out, with another key, and by a key that nobody named.
    at(&line[1]);
    force(&apart, statement(3), person);
    push("audit/ledger").refused(&["the settings name other keys of services than may sign"]);
    apart
        .verify()
        .ended(1, &["the settings had changed which services may sign, and no entry before it"]);
    let mut wider = statement(2);
    wider.predicate.keys.as_mut().unwrap().add.push(other.public());
    at(&line[1]);
    force(&apart, wider, person);
    force(&apart, statement(3), person);
    push("audit/ledger").refused(&["it says something else than what was decided"]);
    apart
        .verify()
        .ended(1, &["provenance: it changes the keys otherwise than the settings at its base do"]);
    at(&line[1]);
    let mut by_service = statement(2);
    by_service.predicate.collector.kind = CollectorKind::Server;
    force(&apart, by_service, Signer::Service(&other.key));
    push("audit/ledger").refused(&["may not sign the ledger"]);
    at(&line[3]);
    push("audit/ledger").went_well();
    let erin = hub.desk("erin");
    let added = "1 added, 0 removed in entry 2, as entry 1 says; signed by a person";
    erin.verify().ended(0, &[added, "\nverified\n"]);
    assert_eq!(titles(&hub)[1], "keys: 1 added, 0 removed");

    // None is due, and a service may record what reached main.
    let mut idle = statement(2);
    let main = entry_at(&apart, &line[3]).state.bases["refs/heads/main"].clone();
    idle.predicate.base.as_mut().unwrap().commit = main;
    force(&apart, idle, person);
    push("audit/ledger").refused(&["the settings name no other keys than are in force"]);
    at(&line[3]);
    let direct = apart.put("main", &[("requests/CHG-8.yaml", "a: b\n")], "by hand");
    put(&apart, &direct);
    past_the_hook(&apart, &direct);
    seal(&apart, &service).unwrap();
    let sealed = apart.git(&["rev-parse", "audit/ledger"]);
    at(&line[3]);
    let git = opened(&apart);
    let [Record { statement, .. }] = records(&git, "bob").try_into().ok().unwrap();
    force(&apart, statement, Signer::Service(&other.key));
    push("audit/ledger").refused(&["may not sign the ledger"]);
    push(&sealed).went_well();
    erin.verify().ended(0, &["1 by services and 4 by people", "\nverified\n"]);
    hub.is_sound();
}
