//! The log holds no text that somebody was free to write, and no address: it can't be taken back.
//!
//! Everything that people write is marked. The title of a merged change alone may be there, because the
//! base has it, too. Erasures and what services record are looked at where those are tested.

use serde_json::{Value, json};

use super::*;
use crate::plumbing::{CaseJudge, all};
use changegate::core::evidence::Evidence;
use changegate::core::record::bones::Bones;
use changegate::core::request::RequestFile;
use changegate::core::yaml;

/// What every text and every address is marked by: longer than what a signature's letters make by chance.
pub const MARK: &str = "ZqxMarked";

/// An address that nobody has.
pub const ADDRESS: &str = "zqxmarked@private.example";

/// The title of a change, which has another mark.
const TITLE: &str = "a title is merged";

/// A request with a mark in each text, but with this title.
pub fn marked(text: &str, title: &str) -> String {
    let mut request: Value = yaml::parse(text.as_bytes()).read().value.unwrap();
    mark(&mut request);
    request["summary"] = title.into();
    // JSON is YAML; a comment is a text, too.
    format!("# {MARK} {ADDRESS}\n{request}\n")
}

/// Marks each text with a blank in it: no name has one.
fn mark(value: &mut Value) {
    match value {
        Value::String(text) if text.contains(' ') => *text += &format!(" {MARK} {ADDRESS}"),
        Value::Array(items) => items.iter_mut().for_each(mark),
        Value::Object(fields) => fields.values_mut().for_each(mark),
        _ => {}
    }
}

/// Says what of a text shouldn't be in the log.
fn found(text: &str) -> Option<&'static str> {
    let text = text.to_lowercase();
    ["zqxmarked", "@acme.example", "@private.example"].into_iter().find(|mark| text.contains(mark))
}

/// Checks each entry: its commit, and all its files. `git` runs in the repository with the log.
#[track_caller]
pub fn holds_none(git: &dyn Fn(&[&str]) -> String, titles: &[&str]) {
    let mut kinds = std::collections::BTreeSet::new();
    for commit in git(&["rev-list", "audit/ledger"]).lines() {
        let message = git(&["log", "-1", "--format=%B", commit]);
        let Some(kind) = message.lines().find_map(|line| line.strip_prefix("Kind: ")) else {
            continue;
        };
        kinds.insert(format!("{kind} {}", message.lines().next().unwrap()));
        let files = git(&["ls-tree", "-r", "--name-only", commit]);
        let files = files.lines().map(|name| git(&["show", &format!("{commit}:{name}")]));
        for text in files.chain([git(&["cat-file", "commit", commit])]) {
            assert_eq!(found(&text), None, "{text}");
        }
    }
    for title in titles {
        let has_it = |kind: &String| kind.starts_with(title);
        assert!(kinds.iter().any(has_it), "{title}: {kinds:#?}");
    }
}

/// Record 63: of all that people write, the log of plain Git holds the title of what was merged.
#[test]
fn the_log_of_plain_git_holds_no_text_and_no_address() {
    let writer = services::Service::new(&Hub::open(), "server").writer();
    let hub = Hub::to_record_with(&format!(", writers: [{writer}]"));
    hub.desk("carol").changegate(&["init", "--ledger"]).went_well();
    let (alice, bob) = (hub.desk("alice"), hub.desk("bob"));
    let carol = hub.desk_at("carol", "carol-reviews");

    alice.submit_text("CHG-1", &marked(&request("CHG-1", "alice"), TITLE)).went_well();
    let comment = format!("{MARK} of {ADDRESS}");
    carol.changegate(&["review", "CHG-1", "--approve", "--comment", &comment, "--yes"]).went_well();
    carol.changegate(&["merge", "CHG-1"]).ended(0, &["merged CHG-1"]);

    // Around the gate: by nobody who is known, a merge of nothing known, and what nobody approved.
    let around = |commit: &str| {
        hub.unguard();
        bob.push_together(&[&format!("{commit}:refs/heads/main")]).went_well();
        hub.guard();
        bob.git(&["fetch", "--quiet", "origin"]);
    };
    let stranger = [
        ("GIT_AUTHOR_NAME", MARK),
        ("GIT_AUTHOR_EMAIL", ADDRESS),
        ("GIT_COMMITTER_NAME", MARK),
        ("GIT_COMMITTER_EMAIL", ADDRESS),
    ];
    bob.git(&["fetch", "--quiet", "origin"]);
    let path = format!("requests/{MARK} {ADDRESS}.yaml");
    let tree = bob.tree("origin/main", &[("100644", &path, MARK)]);
    around(&bob.commit(&tree, &["origin/main"], &comment, &[], &stranger));
    let tree = bob.tree("origin/main", &[("100644", &path, ADDRESS)]);
    let side = bob.commit(&tree, &["origin/main"], &format!("{MARK} again"), &[], &stranger);
    around(&bob.commit(&tree, &["origin/main", &side], &comment, &[], &stranger));
    let text = marked(&request("CHG-2", "alice"), &format!("{MARK} title"));
    let path = format!("requests/{MARK} again {ADDRESS}.yaml");
    alice.git(&["fetch", "--quiet", "origin"]);
    let head = alice.put("origin/main", &[(&path, &text)], &comment);
    alice.push(&[&format!("{head}:refs/heads/change/CHG-2")]).went_well();
    bob.git(&["fetch", "--quiet", "origin"]);
    let tree = bob.tree("origin/main", &[("100644", &path, &text)]);
    let parents = ["origin/main", "origin/change/CHG-2"];
    around(&bob.commit(&tree, &parents, &format!("{comment}\n\nChange: CHG-2\n"), &["-S"], &[]));
    // A commit on the ledger that holds no entry.
    hub.unguard();
    let ledger = "refs/changegate/origin/audit/ledger";
    carol.git(&["fetch", "--quiet", "origin", &format!("+refs/heads/audit/ledger:{ledger}")]);
    let foreign = carol.put(ledger, &[(MARK, ADDRESS)], &comment);
    carol.push_together(&[&format!("{foreign}:refs/heads/audit/ledger")]).went_well();
    hub.guard();
    hub.desk_at("bob", "bob-merges").execute("CHG-3");

    let erin = hub.desk("erin");
    let explain = ["audit", "record-bypass", "3", "--who", "bob", "--because", &comment];
    erin.changegate(&explain).went_well();
    holds_none(
        &|arguments| hub.git(arguments),
        &[
            "genesis genesis: ",
            &format!("merge merged: CHG-1 {TITLE}"),
            "bypass bypass: ",
            "note note: foreign",
            "note note: explanation",
        ],
    );
    let bypasses = titles(&hub).iter().filter(|title| title.starts_with("bypass: ")).count();
    assert_eq!(bypasses, 3, "{:?}", titles(&hub));
    let refused = hub.git(&["show", "audit/ledger~2:entry.json"]);
    assert!(refused.contains(r#""refusals":["request/branch"]"#), "{refused}");
    erin.verify().ended(1, &["entry 2 notes it", "not as it has to be: 1 finding"]);
}

/// Record 63: what an entry holds of a decision, of every case.
#[test]
fn the_bones_of_a_decision_hold_no_text_and_no_address() {
    let mut judge = CaseJudge::shipped();
    let mut judged = 0;
    let mut look = |case: &crate::plumbing::Case, request: &Value, evidence: &Evidence| {
        let path = case.file().unwrap().path;
        let file = RequestFile::read(&path, request.to_string().as_bytes());
        let Ok(decided) = judge.decide_file(Some(&file), &case.org, case.now, evidence) else {
            return;
        };
        let bones = json!(Bones::of(&decided.decision, None)).to_string();
        assert_eq!(found(&bones), None, "{}: {bones}\n{request}", case.name);
        judged += 1;
    };
    let mut bases = std::collections::BTreeSet::new();
    for case in all() {
        let Some(bytes) = case.bytes() else { continue };
        let Some(request @ Value::Object(_)) = yaml::parse(&bytes).read::<Value>().value else {
            continue;
        };
        let mut evidence = json!(case.evidence());
        mark(&mut evidence);
        let contributors = evidence.pointer_mut("/pull_request/contributors");
        let contributors = contributors.and_then(Value::as_array_mut);
        contributors
            .into_iter()
            .for_each(|list| list.push(json!({"email": ADDRESS, "as": ["author"]})));
        let evidence = serde_json::from_value(evidence).unwrap();
        let mut all_marked = request.clone();
        mark(&mut all_marked);
        look(case, &all_marked, &evidence);
        // Of some, each value alone, where a name belongs, too.
        let kind = [&case.topic, request["type"].as_str().unwrap_or_default()].concat();
        if !bases.insert(kind) {
            continue;
        }
        let text = json!(format!("{MARK} {ADDRESS}"));
        for pointer in leaves(&request, String::new()) {
            let mut one = request.clone();
            *one.pointer_mut(&pointer).unwrap() = text.clone();
            look(case, &one, &evidence);
        }
        let mut more = request.clone();
        more[format!("{MARK} {ADDRESS}")] = text;
        look(case, &more, &evidence);
    }
    assert!(judged > 500, "{judged}");
}

/// The pointers to all values in a document that hold no others.
fn leaves(value: &Value, at: String) -> Vec<String> {
    let below = |name: &str, value| leaves(value, format!("{at}/{name}"));
    match value {
        Value::Object(fields) => {
            fields.iter().flat_map(|(name, value)| below(name, value)).collect()
        }
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items.flat_map(|(index, value)| below(&index.to_string(), value)).collect()
        }
        _ => vec![at],
    }
}
