//! Cases for the verb: a small bundle whose tests fail in each possible way.

use std::fs;
use std::path::Path;

use super::*;
use crate::cli::shared::args::PoliciesArg;
use crate::cli::shared::on_github::GitHubArgs;
use changegate::core::policy::shipped_files;

const POLICY: &str = "package changegate.rules.acme

import data.changegate.facts

findings contains {\"code\": \"acme/friday\", \"effect\": \"warn\", \"message\": message} if {
	facts.tier == \"high\"
	message := \"it is Friday\"
}
";

const TESTS: &str = "package changegate.rules.acme_test

import data.changegate.rules.acme

codes := {finding.code | some finding in acme.findings}

test_low if codes == set() with input as {\"request\": {}}

test_high if {
	print(\"<high>\")
	codes == {\"acme/monday\"} with input as {\"request\": {\"risk\": \"high\"}}
}

test_absent if acme.absent with input as {}

test_false := false

test_conflict if twice == 1

twice := 1

twice := 2

todo_test_later if false
";

/// Writes the shipped bundle with one more rule, and its tests.
fn bundle(dir: &Path, tests: &str) {
    let mut files = shipped_files();
    files.retain(|path, _| !path.ends_with("_test.rego"));
    files.insert("policies/rules/acme/acme.rego".into(), POLICY.into());
    files.insert("policies/rules/acme/acme_test.rego".into(), tests.into());
    for (path, bytes) in files {
        let path = dir.join(path.strip_prefix("policies/").unwrap());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

fn tested(args: &TestArgs) -> anyhow::Result<TestReport> {
    tests(args, &args.policies.load(&Place::around([])?)?)
}

fn args(dir: &Path, filter: Option<&str>, format: TestFormat, coverage: bool) -> TestArgs {
    let policies = PoliciesArg { policies: Some(dir.to_owned()) };
    TestArgs {
        filter: filter.map(str::to_owned),
        against: None,
        event: None,
        on_github: GitHubArgs { repo: None },
        now: NowArg { now: None },
        policies,
        format,
        coverage,
    }
}

/// Returns the report about [`TESTS`]; its coverage only includes the rule under test.
fn rendered(filter: Option<&str>, format: TestFormat, coverage: bool) -> String {
    let dir = tempfile::tempdir().unwrap();
    bundle(dir.path(), TESTS);
    let args = args(dir.path(), filter, format, coverage);
    let mut report = tested(&args).unwrap();
    report.bundle = "policies".to_owned();
    report.coverage.retain(|file| file.path.ends_with("acme.rego"));
    render(&args, &Report { tests: report, trial: None }).unwrap()
}

#[test]
fn text_for_people() {
    insta::assert_snapshot!(rendered(None, TestFormat::Text, false));
}

#[test]
fn junit_for_ci() {
    insta::assert_snapshot!(rendered(None, TestFormat::Junit, false));
}

#[test]
fn json_for_scripts() {
    insta::assert_snapshot!(rendered(Some("test_high"), TestFormat::Json, false));
}

#[test]
fn a_selection_tells_of_lines_only_when_asked() {
    assert_eq!(
        rendered(Some("acme_test.test_low"), TestFormat::Text, false),
        "1 test: 1 passed; by the policies in policies\n"
    );
    assert_eq!(
        rendered(Some("acme_test.test_low"), TestFormat::Text, true),
        "lines reached
  policies/rules/acme/acme.rego   33 %
    not reached: 5, 7
  all                             33 %

1 test: 1 passed; by the policies in policies
"
    );
}

#[test]
fn a_test_that_fails_or_cant_be_decided_is_no_success() {
    let dir = tempfile::tempdir().unwrap();
    bundle(dir.path(), TESTS);
    let report = |filter| tested(&args(dir.path(), Some(filter), TestFormat::Text, false));
    assert!(report("test_low").unwrap().is_passed());
    assert!(report("later").unwrap().is_passed());
    assert!(!report("test_high").unwrap().is_passed());
    assert!(!report("conflict").unwrap().is_passed());
    assert_eq!(
        report("test_none").unwrap_err().to_string(),
        "no test's full name, package.test_name, contains `test_none`"
    );
}

#[test]
fn policies_without_tests_or_in_pieces_are_no_success() {
    let dir = tempfile::tempdir().unwrap();
    let report = || tested(&args(dir.path(), None, TestFormat::Text, false));
    bundle(dir.path(), "package changegate.rules.acme_test\n");
    let error = report().unwrap_err().to_string();
    assert!(error.starts_with("the policies have no tests: "), "{error}");

    bundle(dir.path(), "package changegate.rules.acme_test\n\ntest_a if {");
    let error = report().unwrap_err().to_string();
    assert!(error.contains("acme_test.rego:3:"), "{error}");
}
