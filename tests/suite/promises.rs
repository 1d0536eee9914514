//! Each thing that is promised of executions and of the record has something that shows it: the table lists
//! them by number, and tests and cases say which they show.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde::Deserialize;
use serde_json::Value;

use super::plumbing::{Shows, data, every, files_below, root};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    edges: BTreeMap<u32, Promise>,
    failures: BTreeMap<u32, Promise>,
    attacks: BTreeMap<u32, String>,
    /// Attacks on the record of changes.
    record: BTreeMap<u32, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "what is promised is read by people")]
struct Promise {
    case: Value,
    answer: Value,
    #[serde(default)]
    later: bool,
}

/// The kinds of promises, as comments begin that name them.
const KINDS: [&str; 4] = ["Edges", "Failures", "Attacks", "Record"];

/// The numbers of a kind that a comment names: `Edges 33, 34: …`.
fn numbers(comment: &str, kind: &str) -> Option<Vec<u32>> {
    let (_, rest) = comment.split_once(kind)?;
    let (numbers, _) = rest.strip_prefix(' ')?.split_once(':')?;
    numbers.split(", ").map(|number| number.parse().ok()).collect()
}

/// The numbers that the comments of tests name, by kind.
fn shown_by_tests() -> [BTreeSet<u32>; 4] {
    let mut shown = [const { BTreeSet::new() }; 4];
    let folders = ["tests/suite", "src", "core/src"].map(|folder| root().join(folder));
    let files = folders.iter().flat_map(|folder| files_below(folder.to_str().unwrap(), ".rs"));
    for file in files.filter(|file| !file.ends_with("promises.rs")) {
        let text = fs::read_to_string(&file).unwrap();
        let lines: Vec<_> = text.lines().map(str::trim).collect();
        for (at, line) in lines.iter().enumerate() {
            let Some(comment) = line.strip_prefix("/// ") else { continue };
            for (kind, shown) in KINDS.iter().zip(&mut shown) {
                let Some(numbers) = numbers(comment, kind) else { continue };
                let below = lines[at..].iter().find(|line| !line.starts_with("///"));
                assert_eq!(below, Some(&"#[test]"), "{}: no test shows: {line}", file.display());
                shown.extend(numbers);
            }
        }
    }
    shown
}

#[test]
fn what_is_promised_is_shown() {
    let table: Table =
        serde_json::from_value(data(&root().join("tests/suite/promises/table.yaml"))).unwrap();
    let later = |promises: &BTreeMap<u32, Promise>| {
        let later = promises.iter().filter(|(_, promise)| promise.later);
        later.map(|(number, _)| *number).collect::<BTreeSet<_>>()
    };
    let built =
        |promises: &BTreeMap<u32, String>| (promises.keys().copied().collect(), BTreeSet::new());
    let promised: [(BTreeSet<u32>, BTreeSet<u32>); 4] = [
        (table.edges.keys().copied().collect(), later(&table.edges)),
        (table.failures.keys().copied().collect(), later(&table.failures)),
        built(&table.attacks),
        built(&table.record),
    ];
    assert_eq!(promised[0].0, (1..=70).collect());
    assert_eq!(promised[3].0, (1..=78).collect());
    let mut shown = shown_by_tests();
    for Shows { edges, failures, attacks, record } in every().iter().map(|case| &case.shows) {
        for (shown, more) in shown.iter_mut().zip([edges, failures, attacks, record]) {
            shown.extend(more);
        }
    }
    for ((kind, shown), (all, later)) in KINDS.iter().zip(shown).zip(promised) {
        let expected: BTreeSet<_> = all.difference(&later).copied().collect();
        let missing: Vec<_> = expected.difference(&shown).collect();
        let unexpected: Vec<_> = shown.difference(&expected).collect();
        assert!(missing.is_empty(), "{kind}: nothing shows {missing:?}");
        assert!(unexpected.is_empty(), "{kind}: later, or not in the table: {unexpected:?}");
    }
}
