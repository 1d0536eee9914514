//! Every code that a decision can hold has a case.

use std::collections::BTreeSet;
use std::fs;

use super::plumbing::{every, files_below};

/// Codes that no request file can bring about, each with the reason.
const ELSEWHERE: [&str; 1] = [
    // Every field of a request may be left out; the organisation's tables have fields that may not.
    "field/missing",
];

/// The codes in the METADATA of the policies.
fn codes_of_policies() -> BTreeSet<String> {
    let texts = files_below("policies", ".rego").into_iter();
    let texts: Vec<_> = texts.map(|path| fs::read_to_string(path).unwrap()).collect();
    let lines = texts.iter().flat_map(|text| text.lines());
    lines.filter_map(|line| line.strip_prefix("#   code: ")).map(str::to_owned).collect()
}

/// The codes in the sources of the reader of files.
fn codes_of_the_reader() -> BTreeSet<String> {
    let sources = ["core/src/yaml", "core/src/request"].into_iter();
    let sources = sources.flat_map(|folder| files_below(folder, ".rs"));
    let sources = sources.chain(files_below("core/src", "yaml.rs"));
    let sources = sources.filter(|path| !path.to_str().unwrap().contains("tests"));
    let texts: Vec<_> = sources.map(|path| fs::read_to_string(path).unwrap()).collect();
    let quoted = texts.iter().flat_map(|text| text.lines().flat_map(|line| line.split('"')));
    let is_code = |text: &&str| {
        let name = ["yaml/", "field/", "request/"].iter().find_map(|rule| text.strip_prefix(rule));
        name.is_some_and(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'))
    };
    quoted.filter(is_code).map(str::to_owned).collect()
}

#[test]
fn every_code_has_a_case() {
    let (policies, reader) = (codes_of_policies(), codes_of_the_reader());
    assert!(policies.contains("signoff/missing") && reader.contains("yaml/syntax"));
    let mut known: BTreeSet<_> = policies.into_iter().chain(reader).collect();
    for code in ELSEWHERE {
        assert!(known.remove(code), "{code} isn't in the sources any more");
    }
    let covered = every().iter().flat_map(|case| &case.expect.codes).cloned().collect();
    let without: Vec<_> = known.difference(&covered).collect();
    assert!(without.is_empty(), "no case expects {without:?}");
    let unknown: Vec<_> = covered.difference(&known).collect();
    assert!(unknown.is_empty(), "cases expect codes that are nowhere defined: {unknown:?}");
}
