//! Cases for [`run`]: small bundles, and the results of their tests.

use std::sync::OnceLock;
use std::time::Instant;

use super::*;

const POLICY: &str = "package p
import rego.v1

default tier := \"low\"

tier := \"high\" if input.action == \"failover\"

levels := data.org.levels[tier]

broken := 1 if input.x

broken := 2 if input.x

forever(n) := count([1 | some a in n; some b in n; some c in n; some d in n; a + b + c + d < 0])
";
const UNTOUCHED: &str = "package q

f(x) := y if {
	y := x + 1
}
";

/// Returns the time since the first call.
fn elapsed() -> Duration {
    static BEGUN: OnceLock<Instant> = OnceLock::new();
    BEGUN.get_or_init(Instant::now).elapsed()
}

fn report(tests: &str, only: Option<&str>) -> TestReport {
    let tests = format!("package p_test\nimport rego.v1\nimport data.p\n{tests}");
    let files = [("p.rego", POLICY), ("p_test.rego", &tests), ("q.rego", UNTOUCHED)];
    let data = Value::from_json_str(r#"{"org": {"levels": {"low": ["L1"]}}}"#).unwrap();
    run(&files, data, only, "shipped", elapsed).unwrap()
}

/// Returns the status of the test `test_a`.
fn outcome_of(test: &str) -> TestStatus {
    let mut report = report(test, None);
    assert_eq!(report.tests.len(), 1);
    report.tests.remove(0).status
}

/// Checks line, text and compared values of the statement at which a test ends.
#[track_caller]
fn fails(test: &str, line: u32, text: &str, compared: Option<(&str, &str)>) {
    let compared =
        compared.map(|(left, right)| Compared { left: left.into(), right: right.into() });
    let expression = Some(FailedExpression { line, text: text.into(), compared });
    assert_eq!(outcome_of(test), TestStatus::Failed { expression }, "{test}");
}

#[test]
fn tests_that_hold_pass() {
    let tests = "
test_default if p.tier == \"low\" with input as {}
test_override if { p.levels == [1] with input as {\"action\": \"failover\"} with data.org.levels as {\"high\": [1]} }
test_value := p.tier
";
    let report = report(tests, None);
    let outcomes: Vec<_> =
        report.tests.iter().map(|test| (test.name.as_str(), test.line, &test.status)).collect();
    assert_eq!(
        outcomes,
        [
            ("test_default", 5, &TestStatus::Passed),
            ("test_override", 6, &TestStatus::Passed),
            ("test_value", 7, &TestStatus::Passed),
        ]
    );
    assert_eq!(report.tests[0].package, "p_test");
}

#[test]
fn a_failed_comparison_shows_both_values() {
    fails(
        "test_a if p.tier == \"high\" with input as {\"action\": \"purge\", \"b\": 1}",
        4,
        "p.tier == \"high\" with input as {\"action\": \"purge\", \"b\": 1}",
        Some(("\"low\"", "\"high\"")),
    );
    fails(
        "test_a if {\n\tx := {\"a\": 1, \"b\": [p.tier]}\n\tx.a == 1\n\tx == {\"a\": 1, \"b\": [\"high\"]} # no\n\tfalse\n}",
        7,
        "x == {\"a\": 1, \"b\": [\"high\"]}",
        Some((r#"{"a": 1, "b": ["low"]}"#, r#"{"a": 1, "b": ["high"]}"#)),
    );
    fails(
        "test_a if { \"x\" in ({\"a\"} | {\"b\"}); true }",
        4,
        "\"x\" in ({\"a\"} | {\"b\"})",
        Some(("\"x\"", r#"{"a", "b"}"#)),
    );
    fails("test_a if { not p.tier != \"\" }", 4, "not p.tier != \"\"", Some(("\"low\"", "\"\"")));
    fails(
        "test_a if { p.levels == p.absent }",
        4,
        "p.levels == p.absent",
        Some((r#"["L1"]"#, "<undefined>")),
    );
    fails("test_a if { some x in [1, 2]; x * 2 > 5 }", 4, "x * 2 > 5", Some(("4", "5")));
}

#[test]
fn other_statements_show_where_a_test_ended() {
    fails("test_a if {\n\tp.tier == \"low\"\n\tp.absent\n\ttrue\n}", 6, "p.absent", None);
    assert_eq!(outcome_of("test_a := false"), TestStatus::Failed { expression: None });
}

#[test]
fn errors_are_one_line_with_a_place() {
    assert_eq!(
        outcome_of("test_a if p.broken with input as {\"x\": 1}"),
        TestStatus::Error { message: "p.rego:12: rule conflicts with rule at p.rego:10:1".into() },
    );
    assert_eq!(
        outcome_of("test_a if p.none(1)"),
        TestStatus::Error { message: "p_test.rego:4: could not find function p.none".into() },
    );
}

#[test]
fn a_test_that_takes_too_long_is_an_error() {
    let numbers: Vec<_> = (0..100).map(|n| n.to_string()).collect();
    let status = outcome_of(&format!("test_a if p.forever([{}]) == 0", numbers.join(",")));
    assert!(
        matches!(&status, TestStatus::Error { message } if message.starts_with("evaluating takes too long")),
        "{status:?}"
    );
}

#[test]
fn todo_tests_are_skipped_and_others_can_be_selected() {
    let tests = "todo_test_a if false\ntest_b if print(\"hello\")\ntest_c if false\n";
    let all = report(tests, None);
    assert_eq!(all.tests[0].status, TestStatus::Skipped);
    assert_eq!(all.tests[1].printed, ["p_test.rego:5: hello"]);
    let names: Vec<_> =
        report(tests, Some("p_test.test_b")).tests.into_iter().map(|test| test.name).collect();
    assert_eq!(names, ["test_b"]);
}

#[test]
fn coverage_lists_lines_of_policies_even_of_untouched_ones() {
    let coverage = report("test_a if data.p.tier == \"low\" with input as {}", None).coverage;
    let covered: Vec<_> = coverage
        .iter()
        .map(|file| (file.path.as_str(), &file.covered[..], &file.not_covered[..]))
        .collect();
    assert_eq!(covered, [("p.rego", &[4, 6][..], &[8, 10, 12, 14][..]), ("q.rego", &[], &[3, 4])]);
}

#[test]
fn files_that_are_no_bundle_are_an_error() {
    let error =
        run(&[("a_test.rego", "package a\nx := {")], Value::new_object(), None, "shipped", elapsed)
            .unwrap_err();
    assert_eq!(
        error.to_string(),
        "a_test.rego:2:7: this can't be read as Rego: expecting expression."
    );
}
