//! Material that has to go: a change of the policies names it, `audit expunge` takes it out, and nothing
//! that anybody can prove gets lost with it.

use super::forge::{Forged, Parts};
use super::free_text::{ADDRESS, MARK, holds_none};
use super::*;
use crate::plumbing::judges;

use changegate::audit::verify::{Approves, GoesAround, verify};
use changegate::core::operations::event::Event;
use changegate::core::terms::TicketId;
use changegate::operations::Log;

const TABLE: &str = "policies/org/erasures/data.yaml";

/// The digest of a file that an entry rests on.
fn digest(hub: &Hub, entry: &str, name: &str) -> String {
    let statement = hub.git(&["show", &format!("{entry}:entry.json")]);
    let statement: Value = serde_json::from_str(&statement).unwrap();
    let mut material = statement["predicate"]["material"].as_array().unwrap().iter();
    let found = material.find(|it| it["name"] == name).unwrap();
    format!("sha256:{}", found["sha256"].as_str().unwrap())
}

/// Has digests added to the table, by a change of the policies that two L3 sign.
#[track_caller]
pub fn govern(hub: &Hub, name: &'static str, digests: &[&str]) {
    let bob = hub.desk_at("bob", name);
    let line = |digest: &&str| {
        format!("- {{digest: \"{digest}\", reason: \"a secret, INC-001 {MARK} {ADDRESS}\"}}\n")
    };
    bob.write(TABLE, &digests.iter().map(line).collect::<String>());
    bob.changegate(&["submit", "--policies", name, "--message", MARK]).ended(0, &[name]);
    for who in ["carol", "erin"] {
        hub.desk_at(who, &format!("{name}-{who}")).approve(name).went_well();
    }
    bob.changegate(&["merge", name]).ended(0, &["merged"]);
}

/// A hub with two merges, the second of which rests on a secret.
fn with_a_secret() -> (Hub, String) {
    let hub = Hub::recording();
    hub.desk("bob").execute("CHG-1");
    hub.desk_at("bob", "second").execute("CHG-2");
    let secret = digest(&hub, "audit/ledger", "request.yaml");
    (hub, secret)
}

#[test]
fn what_is_named_goes_and_everything_else_holds() {
    let (hub, secret) = with_a_secret();
    let erin = hub.desk("erin");
    erin.changegate(&["audit", "expunge"]).ended(0, &["nothing is to be taken out"]);
    let checkpoint = hub.git(&["show", "audit/ledger:checkpoint"]) + "\n\n";
    let (old, kept) =
        (hub.tip("audit/evidence").unwrap(), hub.git(&["rev-parse", "audit/evidence~1"]));
    let delete = ["--delete", "audit/evidence"];
    erin.push(&delete).refused(&["audit/evidence can't be deleted"]);
    govern(&hub, "forget", &[&secret]);
    erin.push(&delete).refused(&["audit/evidence can't be deleted"]);

    let ran = erin.changegate(&["audit", "expunge"]);
    ran.ended(2, &["request.yaml of entry 2: a secret, INC-001", "confirm it with --yes"]);
    assert_eq!(hub.tip("audit/evidence-2"), None);
    erin.changegate(&["audit", "expunge", "--yes"]).ended(
        0,
        &[
            "taken out of the evidence of entry 2, and recorded as entry 4",
            "`git push origin --delete audit/evidence`",
        ],
    );
    assert_eq!(titles(&hub)[0], "note: erasure");
    let statement = hub.git(&["show", "audit/ledger:entry.json"]);
    let statement: Value = serde_json::from_str(&statement).unwrap();
    let note = &statement["predicate"]["note"];
    let id = |entry: &str| {
        let id = "--format=%(trailers:key=Entry,valueonly,separator=)";
        hub.git(&["log", "-1", id, entry])
    };
    assert_eq!(note["approved_by"], id("audit/ledger~1"), "{note:#}");
    assert_eq!(note["entries"], serde_json::json!([id("audit/ledger~2")]), "{note:#}");
    assert_eq!(
        hub.git(&["show", "audit/ledger:state"]).lines().last().unwrap(),
        "evidence refs/heads/audit/evidence-2"
    );
    // The same commits, but for what was taken out of one.
    let format = "--format=%an %ae %at %cn %ct %B";
    let old_line = hub.git(&["log", format, "audit/evidence"]);
    assert_eq!(hub.git(&["log", format, "audit/evidence-2"]), old_line);
    assert_eq!(hub.git(&["rev-parse", "audit/evidence-2~2"]), kept);
    let gone = hub.git(&[
        "diff",
        "--name-status",
        &hub.git(&["rev-parse", "audit/evidence~1"]),
        "audit/evidence-2~1",
    ]);
    assert_eq!(gone, "D\trequest.yaml");

    let verified = [
        "erased       request.yaml of entry 2, by entry 4",
        "2 byte for byte the same and 1 not possible, because of an erasure",
        "\nverified\n",
    ];
    erin.verify().ended(0, &verified);
    erin.write("checkpoint.txt", &checkpoint);
    erin.changegate(&["audit", "verify", "--checkpoint", "checkpoint.txt"]).ended(0, &verified);
    erin.changegate(&["audit", "expunge", "--yes"]).ended(0, &["nothing is to be taken out"]);
    erin.changegate(&["audit", "show", "2"]).ended(0, &["request.yaml (", "erased by entry 4"]);
    let note = ["note: erasure", "took out     request.yaml of entry 2", "allowed by   entry 3"];
    erin.changegate(&["audit", "show", "4"]).ended(0, &note);
    erin.changegate(&["audit", "export", "--format", "csv", "--out", "out"]).went_well();
    let exported = fs::read_to_string(erin.folder.join("out/entries.csv")).unwrap();
    assert!(exported.contains(&format!(",{MARK},approved,")), "{exported}");
    erin.changegate(&["audit", "bundle", "2", "--out", "bundle"])
        .failed(&["request.yaml of entry 2 was erased"]);
    erin.changegate(&["audit", "replay", "--policies", "shipped"])
        .ended(0, &["made again   2 of 2", "of 1 the evidence is withheld"]);

    // The old branch can go now, the new one can't, and neither grows by anything else.
    erin.push(&[&format!("+{kept}:refs/heads/audit/evidence")]).refused(&["can't be reset"]);
    erin.push(&delete).went_well();
    erin.push(&["--delete", "audit/evidence-2"]).refused(&["audit/evidence-2 can't be deleted"]);
    erin.push(&[&format!("{old}:refs/heads/audit/evidence")])
        .refused(&["isn't refs/heads/audit/evidence-2"]);
    hub.desk_at("bob", "third").execute("CHG-3");
    assert_eq!(hub.git(&["rev-list", "--count", "audit/evidence-2"]), "4");
    assert_eq!(hub.tip("audit/evidence"), None);
    // What was taken out is remembered, too.
    erin.verify().ended(0, &["entries 0 to 4 were verified before", verified[0], "\nverified\n"]);
    hub.desk_at("erin", "fresh").verify().ended(0, &[verified[0], "3 byte for byte the same"]);

    // Once more, of another entry.
    let other = digest(&hub, "audit/ledger~4", "evidence.json");
    govern(&hub, "forget-more", &[&secret, &other]);
    erin.changegate(&["audit", "expunge", "--yes"])
        .ended(0, &["of entry 1, and recorded as entry 7"]);
    assert!(hub.tip("audit/evidence-3").is_some());
    let found = hub.desk_at("erin", "last").verify();
    found.ended(
        0,
        &[verified[0], "erased       evidence.json of entry 1, by entry 7", "\nverified\n"],
    );
    holds_none(&|arguments| hub.git(arguments), &["note note: erasure"]);
    hub.is_sound();
}

#[test]
fn without_any_remote_it_goes_as_well() {
    let hub = Hub::to_record();
    let bob = hub.lonely_desk("bob");
    bob.changegate(&["init", "--ledger"]).went_well();
    bob.execute("CHG-1");
    bob.changegate(&["audit", "expunge"]).ended(0, &["nothing is to be taken out"]);
    bob.verify().ended(0, &["\nverified\n"]);
}

/// Record 61: an erasure that no change of the policies allows, or that takes out more than it says.
#[test]
fn nothing_else_is_taken_out() {
    let (hub, secret) = with_a_secret();
    govern(&hub, "forget", &[&secret]);
    // What an erasure looks like, made where no hook is asked.
    let bob = hub.desk_apart("bob", "stage");
    bob.changegate(&["audit", "expunge", "--yes"]).ended(0, &["recorded as entry 4"]);
    let truth = entry_at(&bob, "audit/ledger");
    let before = entry_at(&bob, "audit/ledger~1");
    let merge = entry_at(&bob, "audit/ledger~3");
    let [ledger, left, parent] = ["audit/ledger", "audit/evidence-2", "audit/ledger~1"]
        .map(|name| bob.git(&["rev-parse", name]));
    let forged = |edit: &dyn Fn(&mut Value), evidence: &str| {
        let mut value = serde_json::to_value(&truth.statement).unwrap();
        edit(&mut value["predicate"]["note"]);
        let statement: Statement = serde_json::from_value(value).unwrap();
        let entry = Entry::behind(&before.state, statement, None).unwrap();
        let ledger = Parts::of(&entry, &parent).commit(&bob);
        Forged { ledger, evidence: evidence.to_owned() }
    };
    let nothing = |_: &mut Value| {};
    // More is gone, less is gone, or something is there instead.
    let without = |commit: &str, name: &str| {
        let index = hub.path("index");
        let env = [("GIT_INDEX_FILE", index.to_str().unwrap())];
        bob.git_with(&["read-tree", commit], "", &env);
        bob.git_with(&["update-index", "--force-remove", name], "", &env);
        bob.git_with(&["write-tree"], "", &env)
    };
    let again = |tree: &str| {
        let message = bob.git(&["log", "-1", "--format=%B", &left]) + "\n";
        let at = before.statement.predicate.recorded_at;
        let parents = vec![bob.git(&["rev-parse", &format!("{left}~1")])];
        let who = "changegate".to_owned();
        Parts { parents, files: Vec::new(), message, who, at, key: None }.commit_of(tree, &bob)
    };
    let more = again(&without(&left, "decision.json"));
    let old = bob.git(&["rev-parse", "audit/evidence"]);
    let not_left = "the new evidence isn't what is left of the old";
    let not_allowed = "no merged change of the policies allows it";
    let provenance = "entry 4, provenance: no change of the policies before it allows this erasure";
    let other = merge.id.to_string();
    for (what, forged, hook, found) in [
        (
            "more is gone",
            forged(&nothing, &more),
            not_left,
            "entry 3, material: decision.json is missing",
        ),
        ("nothing is gone", forged(&nothing, &old), not_left, ""),
        (
            "another merge allows it",
            forged(&|note| note["approved_by"] = other.as_str().into(), &left),
            not_allowed,
            provenance,
        ),
        (
            "of other entries",
            forged(&|note| note["entries"] = serde_json::json!([other]), &left),
            "says something else",
            provenance,
        ),
        (
            "of no entries",
            forged(
                &|note| {
                    note.as_object_mut().unwrap().remove("entries");
                },
                &left,
            ),
            "says something else",
            provenance,
        ),
    ] {
        let refspecs = [
            format!("{}:refs/heads/audit/ledger", forged.ledger),
            format!("{}:refs/heads/audit/evidence-2", forged.evidence),
        ];
        let ran = bob.push_together(&[&refspecs[0], &refspecs[1]]);
        ran.refused(&[hook]);
        bob.git(&["update-ref", "refs/heads/audit/ledger", &forged.ledger]);
        bob.git(&["update-ref", "refs/heads/audit/evidence-2", &forged.evidence]);
        if !found.is_empty() {
            let repo = Repo::discover(&bob.folder).unwrap();
            let tips = |name: &str| repo.tip(&format!("refs/heads/{name}"));
            let approves = |_: &Event, _: &Log<'_>| Ok(());
            let goes_around = |_: &TicketId, _: &Log<'_>| Ok(Vec::new());
            let (folder, judges) = (repo.folder(), judges());
            let by = (&judges, &approves as Approves<'_>, &goes_around as GoesAround<'_>);
            let verified = verify(&folder, &tips, "main", by, (&[], &[]), None, &|_, _| ());
            let findings = verified.unwrap().findings.into_iter().map(|it| {
                format!("entry {}, {}: {}", it.index.unwrap_or_default(), it.step, it.message)
            });
            let findings: Vec<_> = findings.collect();
            assert!(findings.iter().any(|line| line.contains(found)), "{what}: {findings:#?}");
        }
    }
    // Neither alone, nor on another branch, nor over the old one.
    for refspecs in [
        &[format!("{ledger}:refs/heads/audit/ledger")][..],
        &[format!("{left}:refs/heads/audit/evidence-2")],
        &[
            format!("{ledger}:refs/heads/audit/ledger"),
            format!("{left}:refs/heads/audit/evidence-3"),
        ],
        &[
            format!("{ledger}:refs/heads/audit/ledger"),
            format!("{left}:refs/heads/audit/evidence-2"),
            ":refs/heads/audit/evidence".to_owned(),
        ],
        &[
            format!("{ledger}:refs/heads/audit/ledger"),
            format!("+{left}:refs/heads/audit/evidence"),
        ],
    ] {
        let refspecs: Vec<_> = refspecs.iter().map(String::as_str).collect();
        bob.push_together(&refspecs).refused(&["evidence"]);
    }
    // What was made is accepted as it is.
    let all = [
        format!("{ledger}:refs/heads/audit/ledger"),
        format!("{left}:refs/heads/audit/evidence-2"),
    ];
    bob.push_together(&[&all[0], &all[1]]).went_well();
    hub.desk("erin").verify().ended(0, &["erased       request.yaml of entry 2", "\nverified\n"]);
}
