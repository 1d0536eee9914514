//! Each part of a record, changed, removed, added, doubled, reordered and cut off: nothing of it passes
//! for the record.

use std::collections::BTreeMap;

use serde_json::Value;

use changegate::core::record::entry::Entry;
use changegate::core::record::state::State;
use changegate::core::record::statement::Statement;
use changegate::git::{Oid, Repo, Signature};

use super::values::{log, of_each_kind};
use crate::plumbing::hub::Hub;

/// JSON whose objects keep their keys as they are, in any order and twice.
enum Raw {
    Leaf(Value),
    List(Vec<Raw>),
    Object(Vec<(String, Raw)>),
}

impl Raw {
    fn of(value: &Value) -> Self {
        match value {
            Value::Array(items) => Raw::List(items.iter().map(Raw::of).collect()),
            Value::Object(fields) => Raw::Object(
                fields.iter().map(|(key, value)| (key.clone(), Raw::of(value))).collect(),
            ),
            leaf => Raw::Leaf(leaf.clone()),
        }
    }

    fn text(&self) -> String {
        match self {
            Raw::Leaf(value) => value.to_string(),
            Raw::List(items) => {
                format!("[{}]", items.iter().map(Raw::text).collect::<Vec<_>>().join(","))
            }
            Raw::Object(fields) => {
                let field = |(key, value): &(String, Raw)| {
                    format!("{}:{}", Value::from(key.as_str()), value.text())
                };
                format!("{{{}}}", fields.iter().map(field).collect::<Vec<_>>().join(","))
            }
        }
    }

    /// How many of these there are, itself among them.
    fn count(&self) -> usize {
        let below: usize = match self {
            Raw::Leaf(_) => 0,
            Raw::List(items) => items.iter().map(Raw::count).sum(),
            Raw::Object(fields) => fields.iter().map(|(_, value)| value.count()).sum(),
        };
        1 + below
    }

    /// The nth of them, counted from the top.
    fn nth(&mut self, n: &mut usize) -> Option<&mut Raw> {
        if *n == 0 {
            return Some(self);
        }
        *n -= 1;
        match self {
            Raw::Leaf(_) => None,
            Raw::List(items) => items.iter_mut().find_map(|item| item.nth(n)),
            Raw::Object(fields) => fields.iter_mut().find_map(|(_, value)| value.nth(n)),
        }
    }
}

/// Changes one place of a document; whether that is possible there.
type Change = fn(&mut Raw) -> bool;

fn changed(raw: &mut Raw) -> bool {
    let Raw::Leaf(value) = raw else { return false };
    *value = match &*value {
        Value::String(text) => format!("{text}x").into(),
        Value::Number(number) => (number.as_u64().unwrap() + 1).into(),
        Value::Bool(is) => (!is).into(),
        _ => "x".into(),
    };
    true
}

fn emptied(raw: &mut Raw) -> bool {
    let is_null = matches!(raw, Raw::Leaf(Value::Null));
    *raw = Raw::Leaf(Value::Null);
    !is_null
}

fn of_another_type(raw: &mut Raw) -> bool {
    *raw = Raw::List(vec![Raw::Leaf("x".into())]);
    true
}

fn removed(raw: &mut Raw) -> bool {
    match raw {
        Raw::List(items) => items.pop().is_some(),
        Raw::Object(fields) => fields.pop().is_some(),
        Raw::Leaf(_) => false,
    }
}

fn removed_first(raw: &mut Raw) -> bool {
    match raw {
        Raw::List(items) if items.len() > 1 => drop(items.remove(0)),
        Raw::Object(fields) if fields.len() > 1 => drop(fields.remove(0)),
        _ => return false,
    }
    true
}

fn added(raw: &mut Raw) -> bool {
    match raw {
        Raw::List(items) => items.push(Raw::Leaf(Value::Null)),
        Raw::Object(fields) => fields.push(("zzz".to_owned(), Raw::Leaf(Value::Null))),
        Raw::Leaf(_) => return false,
    }
    true
}

fn doubled(raw: &mut Raw) -> bool {
    let again = |raw: &Raw| Raw::of(&serde_json::from_str(&raw.text()).unwrap());
    match raw {
        Raw::List(items) if !items.is_empty() => {
            let first = again(&items[0]);
            items.insert(0, first);
        }
        Raw::Object(fields) if !fields.is_empty() => {
            let (key, value) = &fields[0];
            let first = (key.clone(), again(value));
            fields.insert(0, first);
        }
        _ => return false,
    }
    true
}

fn reordered(raw: &mut Raw) -> bool {
    match raw {
        Raw::List(items) if items.len() > 1 => items.reverse(),
        Raw::Object(fields) if fields.len() > 1 => fields.reverse(),
        _ => return false,
    }
    true
}

const CHANGES: [(&str, Change); 8] = [
    ("changed", changed),
    ("emptied", emptied),
    ("of another type", of_another_type),
    ("removed", removed),
    ("removed at the front", removed_first),
    ("added", added),
    ("doubled", doubled),
    ("reordered", reordered),
];

/// How many changes were tried, and how many of them were caught.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally(BTreeMap<&'static str, [usize; 2]>);

impl Tally {
    fn count(&mut self, what: &'static str, is_caught: bool) {
        let [tried, caught] = self.0.entry(what).or_default();
        *tried += 1;
        *caught += usize::from(is_caught);
    }
}

/// Whether these files and this message pass for the next entry behind a state.
fn passes(
    before: &State,
    statement: &[u8],
    checkpoint: &[u8],
    state: &[u8],
    message: &str,
) -> bool {
    let texts = [checkpoint, state].map(|bytes| std::str::from_utf8(bytes));
    let [Ok(checkpoint_text), Ok(state_text)] = texts else { return false };
    let Ok(entry) = Entry::read(statement, checkpoint_text, state_text) else { return false };
    let expected = Entry::behind(before, entry.statement.clone(), None);
    let files = entry.files();
    expected.is_ok_and(|expected| expected == entry)
        && files.iter().map(|(_, bytes)| &bytes[..]).eq([checkpoint, statement, state])
        && entry.message() == message
}

#[test]
fn nothing_passes_for_an_entry() {
    let mut tally = Tally::default();
    let (kinds, statements): (Vec<_>, Vec<_>) = of_each_kind().into_iter().unzip();
    let mut before = State::default();
    for (kind, entry) in kinds.into_iter().zip(log(statements)) {
        let [(_, checkpoint), (_, json), (_, state)] = entry.files();
        let message = entry.message();
        assert!(passes(&before, &json, &checkpoint, &state, &message), "{kind}");
        let value: Value = serde_json::from_slice(&json).unwrap();
        for (what, change) in CHANGES {
            for index in 0..Raw::of(&value).count() {
                let mut raw = Raw::of(&value);
                let mut n = index;
                if !change(raw.nth(&mut n).unwrap()) {
                    continue;
                }
                let text = raw.text();
                assert_ne!(text.as_bytes(), json, "{kind}: {what}");
                let is_caught = !passes(&before, text.as_bytes(), &checkpoint, &state, &message);
                assert!(is_caught, "{kind}: {what}: {text}");
                tally.count(what, is_caught);
                // What isn't the one spelling isn't a statement at all.
                let is_read = Statement::read(text.as_bytes()).is_ok();
                let has_another_spelling = matches!(raw.nth(&mut { index }), Some(Raw::Object(_)))
                    && matches!(what, "added" | "doubled" | "reordered");
                assert!(!(is_read && has_another_spelling), "{kind}: {what}: {text}");
            }
        }
        for length in 0..json.len() {
            let cut = &json[..length];
            let is_caught = Statement::read(cut).is_err();
            assert!(is_caught, "{kind}: cut off at {length}");
            tally.count("cut off", is_caught);
        }
        for (what, bytes) in [("checkpoint", &checkpoint), ("state", &state)] {
            for other in lines_changed(std::str::from_utf8(bytes).unwrap()) {
                let (checkpoint, state) = match what {
                    "checkpoint" => (other.as_bytes(), &state[..]),
                    _ => (&checkpoint[..], other.as_bytes()),
                };
                let is_caught = !passes(&before, &json, checkpoint, state, &message);
                assert!(is_caught, "{kind}: {what}: {other}");
                tally.count(what, is_caught);
            }
        }
        for other in lines_changed(&message) {
            let is_caught = !passes(&before, &json, &checkpoint, &state, &other);
            assert!(is_caught, "{kind}: {other}");
            tally.count("message", is_caught);
        }
        before = entry.state;
    }
    for (what, [tried, caught]) in &tally.0 {
        assert_eq!(tried, caught, "{what}");
    }
    let all: usize = tally.0.values().map(|[tried, _]| tried).sum();
    assert!(all > 5_000, "{tally:?}");
}

/// A text with each of its lines changed, removed, doubled and moved, and cut off at each byte.
pub fn lines_changed(text: &str) -> Vec<String> {
    let lines: Vec<_> = text.split_inclusive('\n').collect();
    let mut all = vec![format!("{text}\n"), format!("{text}x\n"), format!("\n{text}")];
    for at in 0..lines.len() {
        let joined = |middle: &[&str], rest: usize| {
            [&lines[..at], middle, &lines[rest.min(lines.len())..]].concat().concat()
        };
        let longer = format!("x{}", lines[at]);
        let spaced = lines[at].replace('\n', " \n");
        all.extend([
            joined(&[&longer], at + 1),
            joined(&[&spaced], at + 1),
            joined(&[&lines[at].replace('\n', "\r\n")], at + 1),
            joined(&[], at + 1),
            joined(&[lines[at], lines[at]], at + 1),
        ]);
        if at + 1 < lines.len() {
            all.push(joined(&[lines[at + 1], lines[at]], at + 2));
        }
    }
    all.extend(
        (0..text.len()).filter(|at| text.is_char_boundary(*at)).map(|at| text[..at].to_owned()),
    );
    all.retain(|other| other != text);
    all
}

/// Each line of the header of an entry's commit, likewise.
#[test]
fn nothing_passes_for_its_commit() {
    let hub = Hub::to_record();
    let carol = hub.lonely_desk("carol");
    carol.changegate(&["init", "--ledger"]).went_well();
    let repo = Repo::discover(&carol.folder).unwrap();
    let entry = super::entry_at(&carol, "audit/ledger");
    let honest = carol.git(&["cat-file", "commit", "audit/ledger"]) + "\n";
    let signer = repo.signature(Oid::from_str(&carol.git(&["rev-parse", "audit/ledger"])).unwrap());
    assert!(matches!(signer, Signature::By(_)));
    let passes = |text: &str| {
        let id = changegate::git::commit_id(text.as_bytes());
        let stored = repo.commit(id).is_ok();
        stored
            && changegate::ledger::is_plain(&repo, id, &[], &entry, None, "carol").unwrap_or(false)
            && repo.signature(id) == signer
    };
    assert!(passes(&honest));
    let (header, message) = honest.split_once("\n\n").unwrap();
    let mut changed = lines_changed(&format!("{header}\n"));
    // Cutting it off at each byte of the signature takes long, and shows nothing more. Blanks in it are
    // not part of it.
    let (rest, signature) = header.split_once("\ngpgsig ").unwrap();
    let has_other_blanks = |other: &str| {
        let (other_rest, other) = other.split_once("\ngpgsig ").unwrap_or_default();
        other_rest == rest && other.split_whitespace().eq(signature.split_whitespace())
    };
    changed.retain(|other| other.ends_with('\n') || other.len() < 200);
    changed.retain(|other| !has_other_blanks(other));
    let mut tried = 0;
    for other in changed.into_iter().map(|header| format!("{header}\n{message}")) {
        let file = hub.path("commit");
        std::fs::write(&file, &other).unwrap();
        let file = file.to_str().unwrap();
        carol.git(&["hash-object", "-t", "commit", "-w", "--literally", file]);
        assert!(!passes(&other), "{other}");
        tried += 1;
    }
    assert!(tried > 50, "{tried}");
}
