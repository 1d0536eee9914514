//! Judges every case of `tests/cases`.

use super::plumbing::{Case, CaseJudge, every};
use changegate::core::policy::{Files, PolicyBundle, shipped_files};

/// How a case's decision differs from what it expects, to be read.
pub fn failure(judge: &mut CaseJudge, case: &Case) -> Option<String> {
    let differences = match judge.decide(case) {
        Ok(decided) => case.expect.differences(&decided.decision),
        Err(error) => vec![format!("nothing was decided: {error}")],
    };
    let differences = differences.join("\n").replace('\n', "\n    ");
    let title = format!("{}.yaml: {}", case.topic, case.name);
    (!differences.is_empty()).then(|| format!("{title}\n    {differences}\n"))
}

#[test]
fn every_case_is_decided_as_it_says() {
    let mut judge = CaseJudge::shipped();
    let failures: Vec<_> = every().iter().filter_map(|case| failure(&mut judge, case)).collect();
    println!("{} cases", every().len());
    assert!(
        failures.is_empty(),
        "{} of {} cases fail:\n\n{}",
        failures.len(),
        every().len(),
        failures.join("\n")
    );
}

#[test]
fn names_tell_the_cases_apart_and_name_the_section() {
    let mut names: Vec<_> = every().iter().map(|case| (&case.topic, &case.name)).collect();
    names.sort_unstable();
    let same: Vec<_> = names.windows(2).filter(|pair| pair[0] == pair[1]).collect();
    assert!(same.is_empty(), "two cases have the same name: {same:?}");
    for case in every() {
        let section = format!("RULES {}: ", case.rule);
        assert!(case.name.starts_with(&section), "{} is listed under {}", case.name, case.rule);
    }
}

/// No process checks the rules that it ships, because this does.
#[test]
fn the_shipped_bundle_is_sound() {
    if let Err(error) = PolicyBundle::vet(&shipped_files()) {
        panic!("{error}");
    }
}

/// docs/rules.md, section 9: an empty or broken policy bundle is an error, never an approval.
#[test]
fn a_bundle_without_what_decides_decides_nothing() {
    let shipped = shipped_files();
    // A file that can't be read is denied without asking the policies.
    let asks =
        |judge: &mut CaseJudge, case| judge.decide(case).is_ok_and(|found| found.input.is_some());
    let decides = |files: Files| {
        CaseJudge::by(files)
            .is_ok_and(|mut judge| every().iter().any(|case| asks(&mut judge, case)))
    };
    for unwanted in ["", "main/", "rules/", "org/", "facts/"] {
        let unwanted = format!("policies/{unwanted}");
        let mut files = shipped.clone();
        files.retain(|path, _| !path.starts_with(&unwanted));
        assert!(!decides(files), "without {unwanted}");
    }
    let mut broken = shipped;
    broken
        .insert("policies/rules/new/new.rego".to_owned(), b"package changegate.rules.new {".into());
    assert!(!decides(broken));
}
