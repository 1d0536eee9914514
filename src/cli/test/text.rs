//! A test report for people: failures first, then how much of the policies was reached, then the
//! counts.

use crate::cli::shared::say::hanging;
use changegate::core::policy::testing::{FileCoverage, TestReport, TestResult, TestStatus};
use changegate::report::escape::terminal;
use changegate::report::whose;

/// The detail about the lines that tests reached.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Coverage {
    /// Nothing.
    None,
    /// A percentage for each file.
    Percent,
    /// A percentage for each file, and the lines that no test reached.
    Lines,
}

pub fn render(report: &TestReport, coverage: Coverage) -> String {
    let mut out: String = report.tests.iter().filter_map(trouble).collect();
    if coverage != Coverage::None {
        out += &reached(&report.coverage, coverage);
    }
    out + &format!("{}; by {}\n", report.summary, whose(&report.bundle))
}

/// Returns a test that didn't pass: where, the statement, the values.
///
/// ```text
/// failed  changegate.rules.window_test.test_friday
///   policies/rules/window/window_test.rego:12
///   window.findings == set()
///     left   {"window/closed"}
///     right  set()
/// ```
fn trouble(test: &TestResult) -> Option<String> {
    let (word, line, rows) = match &test.status {
        TestStatus::Passed | TestStatus::Skipped => return None,
        TestStatus::Error { message } => ("error", test.line, vec![message.clone()]),
        TestStatus::Failed { expression: None } => {
            ("failed", test.line, vec!["the test is false".to_owned()])
        }
        TestStatus::Failed { expression: Some(failed) } => {
            let mut rows: Vec<_> = failed.text.lines().map(untabbed).collect();
            match &failed.compared {
                Some(values) => rows.extend([
                    format!("  left   {}", values.left),
                    format!("  right  {}", values.right),
                ]),
                None => rows.push("  is false or undefined".to_owned()),
            }
            ("failed", failed.line, rows)
        }
    };
    let mut lines = vec![
        format!("{word:6}  {}.{}", test.package, test.name),
        format!("  {}:{line}", test.path),
    ];
    lines.extend(rows.into_iter().map(|row| format!("  {row}")));
    lines.extend(test.printed.iter().map(|printed| format!("  printed  {printed}")));
    let lines: Vec<_> = lines.iter().map(|line| terminal(line)).collect();
    Some(lines.join("\n") + "\n\n")
}

fn untabbed(line: &str) -> String {
    line.replace('\t', "    ")
}

/// Returns one line for each file, and one for all of them.
fn reached(files: &[FileCoverage], coverage: Coverage) -> String {
    let width = files.iter().map(|file| file.path.chars().count()).max().unwrap_or(0);
    let row = |path: &str, percent: usize| format!("{path:width$}  {percent:3} %");
    let mut out = "lines reached\n".to_owned();
    for file in files {
        let (covered, missed) = (file.covered.len(), file.not_covered.len());
        out += &format!("  {}\n", terminal(&row(&file.path, percent(covered, missed))));
        if coverage == Coverage::Lines && missed > 0 {
            let lines = format!("not reached: {}", ranges(&file.not_covered));
            out += &hanging("    ", &lines);
        }
    }
    let covered = files.iter().map(|file| file.covered.len()).sum();
    let missed = files.iter().map(|file| file.not_covered.len()).sum();
    out + &format!("  {}\n\n", row("all", percent(covered, missed)))
}

/// Returns a percentage, rounded down, so that 100 % means all; a file without anything to evaluate
/// counts as reached.
fn percent(covered: usize, missed: usize) -> usize {
    (covered * 100).checked_div(covered + missed).unwrap_or(100)
}

/// Writes sorted lines as `3, 5-7`.
fn ranges(lines: &[u32]) -> String {
    let parts: Vec<_> = lines
        .chunk_by(|a, b| a + 1 == *b)
        .map(|run| match run {
            [first, .., last] => format!("{first}-{last}"),
            _ => run[0].to_string(),
        })
        .collect();
    parts.join(", ")
}
