//! Every rule, and every condition of a rule, has a case that fails without it: each is taken out of
//! the policies in turn, and some case has to be decided otherwise, unless the bundle is refused.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::mem;
use std::ops::Range;
use std::sync::{LazyLock, Mutex};

use rayon::prelude::*;

use super::cases::failure;
use super::plumbing::{Case, CaseJudge, every};
use changegate::core::policy::{Files, shipped_files};

/// Conditions that nothing can tell from their absence, each with the reason: something that the
/// clause says, and the condition.
const WITHOUT_EFFECT: [(&str, &str); 1] = [
    // Off-script is never low: said again, because it is what exempt means.
    ("exempt if", "not input.request.off_script"),
];

/// A part of a policy that is taken out.
struct Part {
    path: String,
    line: usize,
    range: Range<usize>,
    text: String,
}

/// The clauses of a policy: each begins at a line that begins with a letter, and goes on until the
/// next line that begins with neither a blank nor a closing bracket.
fn clauses(path: &str, policy: &str) -> Vec<Part> {
    let mut found: Vec<Part> = Vec::new();
    let (mut start, mut open) = (0, false);
    for (index, line) in policy.split_inclusive('\n').enumerate() {
        let end = start + line.len();
        let first = line.chars().next().unwrap_or('\n');
        let goes_on = first.is_whitespace() || "}])".contains(first);
        if open && goes_on {
            found.last_mut().unwrap().range.end = end;
        } else {
            let is_header = line.starts_with("package ") || line.starts_with("import ");
            open = first.is_ascii_lowercase() && !is_header;
            if open {
                let (path, line) = (path.to_owned(), index + 1);
                found.push(Part { path, line, range: start..end, text: String::new() });
            }
        }
        start = end;
    }
    for clause in &mut found {
        clause.text = policy[clause.range.clone()].to_owned();
    }
    found
}

/// The conditions of a clause that take one line each.
fn conditions(clause: &Part) -> Vec<Part> {
    let (mut start, mut in_body) = (clause.range.start, false);
    let mut found = Vec::new();
    for (index, line) in clause.text.split_inclusive('\n').enumerate() {
        let end = start + line.len();
        let text = line.trim_end();
        let is_whole = line.starts_with('\t')
            && !line.starts_with("\t\t")
            && !line.starts_with("\t#")
            && !text.ends_with(['{', '[', '(', '|', '}', ']', '#']);
        if in_body && is_whole {
            let text = text.trim_start().to_owned();
            let line = clause.line + index;
            found.push(Part { path: clause.path.clone(), line, range: start..end, text });
        }
        in_body = text.ends_with("if {") || (in_body && !line.starts_with('}'));
        start = end;
    }
    found
}

fn all_clauses(files: &Files) -> Vec<Part> {
    let is_rule = |path: &str| path.ends_with(".rego") && !path.ends_with("_test.rego");
    let policies = files.iter().filter(|(path, _)| is_rule(path));
    policies.flat_map(|(path, bytes)| clauses(path, std::str::from_utf8(bytes).unwrap())).collect()
}

/// The words of each case.
static WORDS: LazyLock<Vec<BTreeSet<String>>> =
    LazyLock::new(|| every().iter().map(|case| words(&format!("{case:?}"))).collect());

/// In how many cases each word is.
static COUNTS: LazyLock<HashMap<&str, usize>> = LazyLock::new(|| {
    let mut counts = HashMap::new();
    for word in WORDS.iter().flatten() {
        *counts.entry(word.as_str()).or_default() += 1;
    }
    counts
});

/// How many parts the cases of each name have missed so far.
static MISSED: LazyLock<Mutex<HashMap<&str, usize>>> = LazyLock::new(Mutex::default);

/// The name of a case without what tells it from others like it.
fn family(case: &Case) -> &str {
    case.name.rsplit_once(", ").map_or(&case.name, |(name, _)| name)
}

fn words(text: &str) -> BTreeSet<String> {
    let words = text.split(|it: char| !it.is_alphanumeric()).filter(|word| word.len() > 2);
    words.map(str::to_lowercase).collect()
}

/// All cases, by their places, those first that likely fail without a part of a clause: in turn those with rare
/// words in common, and those like what missed other parts.
fn most_relevant_first(part: &Part, clause: &str) -> Vec<usize> {
    let (near, around) = (words(&part.text), words(clause));
    let weight = |word: &String| {
        let near = if near.contains(word) { 3 } else { 1 };
        near * 100_000 / COUNTS[word.as_str()]
    };
    let is_told =
        |case: &Case| case.expect.codes.iter().any(|code| clause.contains(&format!("\"{code}\"")));
    let mut by_words: Vec<_> = (0..every().len()).collect();
    by_words.sort_by_cached_key(|&place| {
        let common: usize = WORDS[place].intersection(&around).map(weight).sum();
        Reverse((is_told(&every()[place]), common))
    });
    let mut by_misses: Vec<_> = (0..every().len()).collect();
    let missed = MISSED.lock().unwrap().clone();
    by_misses.sort_by_cached_key(|&place| Reverse(missed.get(family(&every()[place])).copied()));
    let mut seen = vec![false; every().len()];
    let both = by_words.into_iter().zip(by_misses).flat_map(|(one, other)| [one, other]);
    let once = both.filter(|&place| !mem::replace(&mut seen[place], true));
    let mut ranked: Vec<_> = once.enumerate().collect();
    // A case with organisation data of its own takes a bundle of its own.
    ranked.sort_by_key(|(rank, place)| rank * if every()[*place].org.is_null() { 1 } else { 5 });
    ranked.into_iter().map(|(_, place)| place).collect()
}

/// Whether a case fails without a part of a clause.
fn is_missed(files: &Files, part: &Part, clause: &str) -> bool {
    let policy = std::str::from_utf8(&files[&part.path]).unwrap();
    let mut without = policy.to_owned();
    without.replace_range(part.range.clone(), "");
    let mut files = files.clone();
    files.insert(part.path.clone(), without.into_bytes());
    let mut judge = match CaseJudge::by(files) {
        Ok(judge) => judge,
        Err(_) => return true,
    };
    let mut cases = most_relevant_first(part, clause).into_iter().map(|place| &every()[place]);
    let failing = cases.find(|case| failure(&mut judge, case).is_some());
    if let Some(case) = failing {
        *MISSED.lock().unwrap().entry(family(case)).or_default() += 1;
    }
    failing.is_some()
}

fn is((says, condition): &(&str, &str), part: &Part, clause: &str) -> bool {
    clause.contains(says) && part.text == *condition
}

/// Takes out each part, given with the clause that it is of.
fn nothing_is_without_effect(files: &Files, parts: &[(Part, &str)]) {
    let survivors: Vec<_> = parts
        .par_iter()
        .filter(|(part, clause)| !WITHOUT_EFFECT.iter().any(|known| is(known, part, clause)))
        .filter(|(part, clause)| !is_missed(files, part, clause))
        .map(|(part, _)| format!("{}:{}\n{}", part.path, part.line, part.text))
        .collect();
    assert!(
        survivors.is_empty(),
        "{} of {} could be missing and no case would fail:\n\n{}",
        survivors.len(),
        parts.len(),
        survivors.join("\n")
    );
}

#[test]
fn every_rule_has_a_case_that_fails_without_it() {
    let files = shipped_files();
    let clauses = all_clauses(&files);
    assert!(clauses.len() > 70, "{} clauses", clauses.len());
    let texts: Vec<_> = clauses.iter().map(|clause| clause.text.clone()).collect();
    let parts: Vec<_> = clauses.into_iter().zip(texts.iter().map(String::as_str)).collect();
    nothing_is_without_effect(&files, &parts);
}

#[test]
fn every_condition_has_a_case_that_fails_without_it() {
    let files = shipped_files();
    let clauses = all_clauses(&files);
    let parts: Vec<_> = clauses
        .iter()
        .flat_map(|clause| conditions(clause).into_iter().map(|part| (part, &*clause.text)))
        .collect();
    assert!(parts.len() > 80, "{} conditions", parts.len());
    for known in &WITHOUT_EFFECT {
        let found = parts.iter().any(|(part, clause)| is(known, part, clause));
        assert!(found, "{known:?} isn't in the policies any more");
    }
    nothing_is_without_effect(&files, &parts);
}

#[test]
fn clauses_and_conditions_are_told_apart() {
    let policy = "package a\n\nimport b\n\n# why\nx contains y if {\n\ty\n\tnot z\n} else := 2\n\nz := [\n\t1,\n]\n# end\n";
    let found = clauses("a.rego", policy);
    let shown = |parts: &[Part]| -> Vec<(usize, String)> {
        parts.iter().map(|part| (part.line, part.text.trim_end().to_owned())).collect()
    };
    let part = |line: usize, text: &str| (line, text.to_owned());
    let first = part(6, "x contains y if {\n\ty\n\tnot z\n} else := 2");
    assert_eq!(shown(&found), [first, part(11, "z := [\n\t1,\n]")]);
    assert_eq!(shown(&conditions(&found[0])), [part(7, "y"), part(8, "not z")]);
    assert_eq!(&policy[conditions(&found[0])[1].range.clone()], "\tnot z\n");
}
