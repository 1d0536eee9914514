//! Credentials in requests: denied, repeated nowhere, and not kept in the record.

use serde_json::Value;

use crate::plumbing::hub::{Desk, Hub, request};

/// Something that looks like a token, put together so that nobody takes this file for one that holds it.
fn secret() -> String {
    format!("ghp_{}", "s3cr3t".repeat(6))
}

/// A request with the token in a comment on its first line, and one that no policy would let pass.
fn leaking(id: &str) -> String {
    format!("# {}\n{}risk: none of that\n", secret(), request(id, "alice"))
}

#[test]
fn no_report_repeats_a_credential() {
    let hub = Hub::guarded();
    let alice = hub.desk("alice");
    alice.write("requests/CHG-1.yaml", &leaking("CHG-1"));
    for format in ["text", "json", "markdown", "github", "sarif"] {
        let ran = alice.changegate(&["check", "requests/CHG-1.yaml", "--format", format]);
        ran.ended(1, &["request/secret", "a token of GitHub"]);
        assert!(!format!("{ran:?}").contains("s3cr3t"), "{ran:?}");
    }
    alice.changegate(&["check", "requests/CHG-1.yaml"]).ended(
        1,
        &["at requests/CHG-1.yaml:1:3", "help: leave it out and, if it was pushed, revoke it"],
    );
    let ran = alice.changegate(&["submit", "CHG-1"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(!format!("{ran:?}").contains("s3cr3t"), "{ran:?}");
    assert_eq!(hub.tip("change/CHG-1"), None);

    let path = "requests/CHG-1.yaml";
    let head = alice.put("origin/main", &[(path, &leaking("CHG-1"))], "CHG-1");
    alice.push(&[&format!("{head}:refs/heads/change/CHG-1")]).went_well();
    for arguments in [&["show", "CHG-1"][..], &["show", "CHG-1", "--format", "json"], &["list"]] {
        let ran = hub.desk_at("carol", arguments.join("-").as_str()).changegate(arguments);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(!format!("{ran:?}").contains("s3cr3t"), "{ran:?}");
    }
}

/// Everything that the branches with the record hold.
fn recorded(hub: &Hub) -> String {
    let mut all = String::new();
    for line in hub
        .git(&["rev-list", "--objects", "--no-object-names", "audit/ledger", "audit/evidence"])
        .lines()
    {
        if hub.git(&["cat-file", "-t", line]) != "tree" {
            all += &hub.git(&["cat-file", "-p", line]);
        }
    }
    all
}

/// Record 63: a request with a credential that was merged around the gate.
#[test]
fn the_record_holds_no_credential() {
    let hub = Hub::recording();
    let (alice, bob, erin) = (hub.desk("alice"), hub.desk("bob"), hub.desk("erin"));
    let path = "requests/CHG-1.yaml";
    let head = alice.put("origin/main", &[(path, &leaking("CHG-1"))], "CHG-1");
    alice.push(&[&format!("{head}:refs/heads/change/CHG-1")]).went_well();
    let tree = alice.git(&["rev-parse", &format!("{head}^{{tree}}")]);
    let message = "Merge CHG-1: it is fine\n\nChange: CHG-1\n";
    let merge = alice.commit(&tree, &["origin/main", &head], message, &["-S"], &[]);
    hub.unguard();
    alice.push_together(&[&format!("{merge}:refs/heads/main")]).went_well();
    hub.guard();
    bob.execute("CHG-2");

    assert!(hub.git(&["show", &format!("main:{path}")]).contains(&secret()));
    assert!(!recorded(&hub).contains("s3cr3t"), "the record repeats it");
    let statement = hub.git(&["show", "audit/ledger~1:entry.json"]);
    let statement: Value = serde_json::from_str(&statement).unwrap();
    let it = &statement["predicate"];
    assert_eq!(it["decision"]["findings"][0]["code"], "request/secret", "{it:#}");
    let withheld: Vec<_> = it["material"].as_array().unwrap().iter().collect();
    let withheld = withheld.iter().filter(|it| it["withheld"] == "secret");
    let names: Vec<_> = withheld.map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["decision.json", "request.yaml"]);
    let blob = hub.git(&["rev-parse", &format!("main:{path}")]);
    let request = it["material"].as_array().unwrap().iter().find(|it| it["name"] == "request.yaml");
    assert_eq!(request.unwrap()["gitBlob"], blob);

    erin.verify().ended(
        0,
        &[
            "1 byte for byte the same and 1 withheld, because the request holds a credential",
            "(not-approved), by alice, entry 1",
            "\nverified\n",
        ],
    );
    hub.is_sound();
    is_coped_with(&erin);
}

/// What reads evidence copes with what isn't there.
fn is_coped_with(desk: &Desk<'_>) {
    let bundle = desk.hub.path("bundle");
    let bundle = bundle.to_str().unwrap();
    desk.changegate(&["audit", "bundle", "1", "--out", bundle]).went_well();
    desk.changegate(&["audit", "verify", "--bundle", bundle])
        .ended(0, &["1 withheld", "verified by its own keys"]);
    let by_hand = std::fs::read_to_string(desk.hub.path("bundle/VERIFY.md")).unwrap();
    assert!(by_hand.contains("`decision.json` and `request.yaml` are withheld"), "{by_hand}");
    desk.changegate(&["audit", "show", "1"]).ended(0, &["request.yaml (", "  withheld"]);
    desk.changegate(&["audit", "replay", "--policies", "shipped"])
        .ended(0, &["made again   1 of 1", "of 1 the evidence is withheld"]);
    let export = desk.hub.path("export");
    desk.changegate(&["audit", "export", "--format", "csv", "--out", export.to_str().unwrap()])
        .went_well();
}
