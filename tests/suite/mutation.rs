//! Every rule, and every condition of a rule, has a case that fails without it: each is taken out of
//! the policies in turn, and some case has to be decided otherwise, unless the bundle is refused.

use std::ops::Range;

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

/// All cases, those first that expect a code that the clause or its file speaks of; otherwise mixed,
/// because cases that are listed together fail together.
fn most_relevant_first(clause: &str, file: &str) -> Vec<&'static Case> {
    let quotes = |text: &str, code: &String| text.contains(&format!("\"{code}\""));
    let speaks = |text: &str, case: &Case| case.expect.codes.iter().any(|code| quotes(text, code));
    let mut cases: Vec<_> = every().iter().enumerate().collect();
    cases.sort_by_cached_key(|(index, case)| {
        // A case with organisation data of its own takes a bundle of its own.
        let is_costly = !case.org.is_null();
        (!speaks(clause, case), !speaks(file, case), is_costly, index * 101 % every().len())
    });
    cases.into_iter().map(|(_, case)| case).collect()
}

/// The first case that fails without a part of a clause; `None` if none does.
fn fails_without(files: &Files, part: &Part, clause: &str) -> Option<String> {
    let policy = std::str::from_utf8(&files[&part.path]).unwrap();
    let mut without = policy.to_owned();
    without.replace_range(part.range.clone(), "");
    let mut files = files.clone();
    files.insert(part.path.clone(), without.into_bytes());
    let mut judge = match CaseJudge::by(files) {
        Ok(judge) => judge,
        Err(refused) => return Some(format!("refused: {refused}")),
    };
    let mut cases = most_relevant_first(clause, policy).into_iter();
    cases.find_map(|case| failure(&mut judge, case))
}

fn is((says, condition): &(&str, &str), part: &Part, clause: &str) -> bool {
    clause.contains(says) && part.text == *condition
}

/// Takes out each part, given with the clause that it is of.
fn nothing_is_without_effect(files: &Files, parts: &[(Part, &str)]) {
    let survivors: Vec<_> = parts
        .par_iter()
        .filter(|(part, clause)| !WITHOUT_EFFECT.iter().any(|known| is(known, part, clause)))
        .filter(|(part, clause)| fails_without(files, part, clause).is_none())
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
