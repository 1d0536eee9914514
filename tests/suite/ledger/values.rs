//! Records as values: a statement of each kind, how its commit's message reads, and that what is
//! written can be read.

use proptest::prelude::*;
use serde_json::{Value, json};

use changegate::core::record::entry::Entry;
use changegate::core::record::state::State;
use changegate::core::record::statement::{Kind, MOST_BYTES, PREDICATE, STATEMENT, Statement};

/// Keys of services.
const KEYS: [&str; 3] = [
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPIBePbUB6z/K6D0iDMbxXl944Jy6mT1sOZv51NirLia",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKzVoW2O9hOaIFCuezjlpzfMH/yJ+z1aRpeUO/nw1R33",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4",
];

/// An id of Git's.
fn oid(digit: char) -> String {
    digit.to_string().repeat(40)
}

/// A digest with these digits.
fn sha256(digit: char) -> String {
    format!("sha256:{}", digit.to_string().repeat(64))
}

/// What all statements say.
fn common(kind: &str) -> Value {
    json!({
        "format": "1",
        "kind": kind,
        "recorded_at": "2026-11-24T10:00:00Z",
        "origin": "git.acme.example/ops",
        "repository": {"uri": "git+https://git.acme.example/ops", "id": "7"},
        "base": {"ref": "refs/heads/main", "commit": oid('1'), "protecting": oid('1')},
        "engine": {
            "name": "changegate", "version": "0.1.0", "commit": oid('9'), "semantics": 1,
            "sha256": "5".repeat(64), "tzdb": "2026a",
        },
        "collector": {"kind": "person", "who": "carol"},
        "operations": null,
    })
}

/// A decision that two people signed.
fn decision() -> Value {
    json!({
        "sha256": "3".repeat(64),
        "verdict": "approved",
        "tier": "high",
        "type": "emergency",
        "off_script": true,
        "requester": "alice",
        "level": "L1",
        "sign_off": {"mode": "review", "required": [
            {"kind": "level", "any_of": ["L2", "L3"], "satisfied_by": "carol", "level": "L3"},
            {"kind": "owner", "service": "checkout", "satisfied_by": "dan", "late": true},
            {"kind": "role", "role": "devops-lead"},
        ]},
        "window": {
            "planned": {"start": "2026-11-24T22:00:00Z", "end": "2026-11-25T01:00:00Z"},
            "fits": ["off-peak"],
        },
        "findings": [{"code": "signoff/late", "effect": "warn"}],
        "evaluated_at": "2026-11-24T10:00:00Z",
        "next_change_at": "2026-11-24T22:00:00Z",
        "digests": {
            "request": sha256('6'), "material": sha256('7'), "policies": sha256('8'),
            "input": sha256('9'),
        },
    })
}

/// What a statement about a judged pull request says more.
fn judged(kind: &str) -> Value {
    let mut it = common(kind);
    it["pull"] = json!({"name": "#871", "id": "4711"});
    it["change"] = json!("CHG-1234");
    it["head"] = json!(oid('2'));
    it["previous"] = json!(sha256('a'));
    it["decision"] = decision();
    it["refusals"] = json!(["request/merge"]);
    it["policies"] = json!({
        "digest": sha256('8'), "dirHash": "4".repeat(64), "gitTree": oid('c'), "commit": oid('1'),
    });
    it["material"] = json!([
        {"name": "decision.json", "sha256": "3".repeat(64), "size": 900, "gitBlob": oid('d')},
        {"name": "input.json", "sha256": "4".repeat(64), "size": 9, "gitBlob": oid('e'),
         "withheld": "secret"},
    ]);
    it["server_time"] = json!("2026-11-24T10:00:01Z");
    let run = json!({
        "id": "1", "number": "2", "attempt": "1", "workflow_ref": "w@refs/heads/main",
        "sha": oid('f'),
    });
    it["collector"] = json!({"kind": "action", "who": "github-actions[bot]", "run": run});
    it["operations"] =
        json!({"ref": "refs/heads/audit/operations", "tip": oid('b'), "sha256": "1".repeat(64)});
    it
}

/// How something reached the base.
fn merge(from: &str, to: &str) -> Value {
    let covers = json!({"from": from, "to": to});
    json!({"by": "carol", "at": "2026-11-24T10:00:00Z", "method": "merge", "covers": covers})
}

/// The statement with this predicate.
fn statement(predicate: Value) -> Statement {
    let digest = json!({"gitCommit": oid('1'), "gitTree": oid('0')});
    let whole = json!({
        "_type": STATEMENT,
        "predicateType": PREDICATE,
        "subject": [{"name": "tip", "digest": digest}],
        "predicate": predicate,
    });
    let statement: Statement = serde_json::from_value(whole).unwrap();
    assert_eq!(Statement::read(&statement.bytes()), Ok(statement.clone()));
    statement
}

/// A statement of each kind that says everything that its kind can say, in an order in which they can
/// follow on each other.
pub fn of_each_kind() -> Vec<(&'static str, Statement)> {
    let mut genesis = common("genesis");
    genesis["bases"] = json!([{"ref": "refs/heads/main", "commit": oid('1')}]);
    genesis["keys"] = json!({"add": [KEYS[0]]});
    let mut merged = judged("merge");
    merged["decision"]["title"] = json!("Fail over the EU region");
    merged["merge"] = merge(&oid('1'), &oid('2'));
    let mut bypass = judged("bypass");
    bypass["merge"] = merge(&oid('2'), &oid('3'));
    bypass["merge"]["because"] = json!("not-approved");
    let mut keys = common("keys");
    keys["keys"] = json!({
        "add": [KEYS[1]], "remove": [KEYS[0]],
        "revoked": [{"key": KEYS[2], "from_index": 7, "why": "stolen"}],
    });
    keys["base"]["commit"] = json!(oid('3'));
    let mut note = common("note");
    note["note"] = json!({
        "about": "erasure", "entries": [sha256('1')], "by": "erin", "approved_by": sha256('2'),
    });
    vec![
        ("genesis", statement(genesis)),
        ("decision", statement(judged("decision"))),
        ("merge", statement(merged)),
        ("bypass", statement(bypass)),
        ("keys", statement(keys)),
        ("note", statement(note)),
    ]
}

/// The entries of a log with these statements.
pub fn log(statements: impl IntoIterator<Item = Statement>) -> Vec<Entry> {
    let mut state = State::default();
    let mut entries = Vec::new();
    for statement in statements {
        let entry = Entry::behind(&state, statement, None).unwrap();
        state = entry.state.clone();
        entries.push(entry);
    }
    entries
}

#[test]
fn messages() {
    let (kinds, statements): (Vec<_>, Vec<_>) = of_each_kind().into_iter().unzip();
    for (kind, entry) in kinds.into_iter().zip(log(statements)) {
        insta::assert_snapshot!(kind, entry.message());
    }
    // What most entries are in plain Git, and what a message leaves out.
    let mut direct = judged("merge");
    direct["change"] = json!(null);
    direct["pull"] = json!({"name": "new-roster"});
    direct["decision"]["sign_off"] = json!({"mode": "direct", "required": []});
    for field in ["tier", "type", "requester", "level", "window"] {
        direct["decision"].as_object_mut().unwrap().remove(field);
    }
    direct["decision"]["off_script"] = json!(false);
    direct["merge"] = merge(&oid('1'), &oid('2'));
    let mut push = common("bypass");
    push["merge"] = merge(&oid('2'), &oid('3'));
    push["merge"]["method"] = json!("push");
    push["merge"]["because"] = json!("no-pull-request");
    push["merge"].as_object_mut().unwrap().remove("by");
    let genesis = of_each_kind().swap_remove(0).1;
    let entries = log([genesis, statement(direct), statement(push)]);
    insta::assert_snapshot!("policies_by_direct_execution", entries[1].message());
    insta::assert_snapshot!("a_push", entries[2].message());
}

#[test]
fn a_statement_has_a_limit() {
    let (_, mut genesis) = of_each_kind().swap_remove(0);
    let spare = MOST_BYTES - genesis.bytes().len();
    genesis.predicate.collector.who.push_str(&"x".repeat(spare));
    assert!(Statement::read(&genesis.bytes()).is_ok());
    assert!(Entry::behind(&State::default(), genesis.clone(), None).is_ok());
    genesis.predicate.collector.who.push('x');
    assert!(Statement::read(&genesis.bytes()).is_err());
    assert!(Entry::behind(&State::default(), genesis, None).is_err());
}

/// A statement of some kind with some texts, behind a state.
fn any_statement() -> impl Strategy<Value = (usize, String, String, bool)> {
    (1_usize..6, "\\PC{0,12}", "[a-f0-9]{40}", any::<bool>())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    /// After any sequence of entries, what is written is what is read.
    #[test]
    fn what_is_written_can_be_read(
        rest in prop::collection::vec(any_statement(), 0..20),
        branches in prop::collection::btree_set("[a-z]{1,8}(/[a-z]{1,8})?", 0..4),
    ) {
        let kinds = of_each_kind();
        let mut genesis = kinds[0].1.clone();
        for branch in branches.iter().filter(|branch| branch.as_str() > "main") {
            let name = format!("refs/heads/{branch}");
            let covered = changegate::core::record::parts::Covered {
                name,
                ..genesis.predicate.bases[0].clone()
            };
            genesis.predicate.bases.push(covered);
        }
        let mut state = State::default();
        let mut statements = vec![(genesis, false)];
        for (number, (kind, text, commit, is_foreign)) in rest.into_iter().enumerate() {
            let mut statement = kinds[kind].1.clone();
            let it = &mut statement.predicate;
            it.collector.who = format!("{text}{number}");
            if let Some(merge) = &mut it.merge {
                merge.covers.to = commit.try_into().unwrap();
            }
            if let Some(title) = it.decision.as_mut().and_then(|bones| bones.title.as_mut()) {
                *title = text;
            }
            statements.push((statement, is_foreign));
        }
        for (mut statement, is_foreign) in statements {
            let it = &mut statement.predicate;
            if let Some(merge) = &mut it.merge {
                merge.covers.from = state.bases["refs/heads/main"].clone();
            } else if let (Kind::Keys, Some(base)) = (it.kind, &mut it.base) {
                base.commit = state.bases["refs/heads/main"].clone();
            }
            let bytes = statement.bytes();
            prop_assert_eq!(Statement::read(&bytes), Ok(statement.clone()));
            let last = is_foreign.then(|| oid('e').try_into().unwrap());
            let entry = Entry::behind(&state, statement, last).unwrap();
            let size = entry.state.tree.size();
            prop_assert_eq!(size, entry.index + 1);
            prop_assert_eq!(State::read(&entry.state.text(), size), Ok(entry.state.clone()));
            let [(_, checkpoint), (_, held), (_, text)] = entry.files();
            prop_assert_eq!(&held, &bytes);
            let [checkpoint, text] = [checkpoint, text].map(|it| String::from_utf8(it).unwrap());
            prop_assert_eq!(Entry::read(&bytes, &checkpoint, &text), Ok(entry.clone()));
            let end = format!("\nEntry: {}\n", entry.id);
            prop_assert!(entry.message().ends_with(&end));
            state = entry.state;
        }
    }
}
