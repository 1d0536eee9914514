//! Runs the tests of a policy bundle, in the form that `opa test` understands.
//!
//! 1. all files, tests included, become one engine
//! 2. each rule `test_*` of a file `*_test.rego` is evaluated; it passes when it is neither false
//!    nor undefined
//! 3. a failed one is evaluated again in a copy that prints what it compares ([`explain`])
//! 4. the lines that no test reached are listed for each policy
//!
//! The entry point is [`run`]. Rules named `todo_test_*` are skipped, as OPA does.

mod explain;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use anyhow::Context;
use regorus::unstable::{Rule, RuleHead};
use regorus::utils::limits::PolicyLengthConfig;
use regorus::{Engine, Value};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bound::{Bound, CpuClock};
use super::builtins;
use super::message::Message;
use super::vet::{self, PolicyFile};

/// The most CPU time that one test may use.
const LIMIT: Duration = Duration::from_secs(1);

const TODO: &str = "todo_test_";

/// The results of a bundle's tests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "Test report")]
pub struct TestReport {
    /// Whose policies were tested: the path of a folder, or `shipped`.
    pub bundle: String,
    /// The number of tests, by result.
    pub summary: Summary,
    /// The tests, sorted by path and line.
    pub tests: Vec<TestResult>,
    /// The lines that the tests reached, of each policy, sorted by path.
    pub coverage: Vec<FileCoverage>,
}

/// The number of tests, by result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// All tests.
    pub tests: usize,
    /// Those that passed.
    pub passed: usize,
    /// Those that failed.
    pub failed: usize,
    /// Those that couldn't be evaluated.
    pub errors: usize,
    /// Those that were skipped.
    pub skipped: usize,
}

/// The result of one test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TestResult {
    /// The package without `data.`, such as `changegate.rules.window_test`.
    pub package: String,
    /// The rule, `test_…` or `todo_test_…`.
    pub name: String,
    /// The file, with `/` between its parts.
    pub path: String,
    /// The line at which the test begins, from 1.
    pub line: u32,
    /// The result.
    #[serde(flatten)]
    pub status: TestStatus,
    /// What the test printed, each as `path:line: text`.
    pub printed: Vec<String>,
}

/// The result of a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "status", rename_all = "lowercase")]
pub enum TestStatus {
    /// The test is true.
    Passed,
    /// The test is false or undefined.
    Failed {
        /// The statement at which the test ended, if that is known.
        expression: Option<FailedExpression>,
    },
    /// The test couldn't be evaluated: conflicting rules, an unknown function, too much time.
    Error {
        /// What happened, and where.
        message: String,
    },
    /// The test is named `todo_test_…`.
    Skipped,
}

/// The statement at which a test ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FailedExpression {
    /// The line at which it begins, from 1.
    pub line: u32,
    /// The text as it is in the test, including `with` modifiers.
    pub text: String,
    /// The two values, if it is a comparison.
    pub compared: Option<Compared>,
}

/// The two sides of a comparison in Rego's notation, or `<undefined>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Compared {
    /// The value left of the operator.
    pub left: String,
    /// The value right of it.
    pub right: String,
}

/// The lines of one policy that tests reached, and those that none did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileCoverage {
    /// The file, with `/` between its parts.
    pub path: String,
    /// The lines that a test reached, from 1.
    pub covered: Vec<u32>,
    /// The lines that no test reached, from 1. Lines without anything to evaluate are in neither.
    pub not_covered: Vec<u32>,
}

impl TestReport {
    /// Returns whether all tests passed, apart from skipped ones.
    pub fn is_passed(&self) -> bool {
        self.summary.failed + self.summary.errors == 0
    }
}

impl TestResult {
    /// Returns the reference under which it is evaluated.
    fn rule(&self) -> String {
        format!("data.{}.{}", self.package, self.name)
    }
}

impl Summary {
    /// Counts tests.
    pub fn of(tests: &[TestResult]) -> Self {
        let mut summary = Summary { tests: tests.len(), ..Summary::default() };
        for test in tests {
            match test.status {
                TestStatus::Passed => summary.passed += 1,
                TestStatus::Failed { .. } => summary.failed += 1,
                TestStatus::Error { .. } => summary.errors += 1,
                TestStatus::Skipped => summary.skipped += 1,
            }
        }
        summary
    }
}

/// Writes `12 tests: 11 passed, 1 failed`.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [
            (self.passed, "passed"),
            (self.failed, "failed"),
            (self.errors, "with an error"),
            (self.skipped, "skipped"),
        ];
        let counts = counts.into_iter().filter(|(count, _)| *count > 0);
        let counts: Vec<_> = counts.map(|(count, what)| format!("{count} {what}")).collect();
        if counts.is_empty() {
            return f.write_str("no tests");
        }
        let tests = if self.tests == 1 { "test" } else { "tests" };
        write!(f, "{} {tests}: {}", self.tests, counts.join(", "))
    }
}

/// Runs the tests among `files`, given as paths and Rego texts; `data` is the document `data`, and
/// `source` says whose the files are.
///
/// `only` selects tests whose `package.name` contains it. Fails when the files don't form a
/// bundle: one that can't be parsed, or data that isn't an object.
pub fn run(
    files: &[(&str, &str)],
    data: Value,
    only: Option<&str>,
    source: &str,
    clock: CpuClock,
) -> anyhow::Result<TestReport> {
    let bound = Bound { limit: LIMIT, clock };
    let parsed = files
        .iter()
        .map(|&(path, text)| PolicyFile::parse(path, text))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|problem| anyhow::anyhow!("{problem}"))?;
    let mut engine = engine(files, &data)?;
    engine.set_enable_coverage(true);

    let mut tests = Vec::new();
    for mut test in parsed.iter().flat_map(tests_of) {
        let name = format!("{}.{}", test.package, test.name);
        if only.is_some_and(|only| !name.contains(only)) {
            continue;
        }
        if !test.name.starts_with(TODO) {
            test.status = status(&mut engine, &test, bound);
            test.printed = engine.take_prints()?;
        }
        if matches!(test.status, TestStatus::Failed { .. }) {
            let expression = explain::failure(files, &parsed, &data, &test, bound);
            test.status = TestStatus::Failed { expression };
        }
        tests.push(test);
    }
    tests.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    let coverage = coverage(&engine, &parsed)?;
    Ok(TestReport { bundle: source.to_owned(), summary: Summary::of(&tests), tests, coverage })
}

fn engine(files: &[(&str, &str)], data: &Value) -> anyhow::Result<Engine> {
    let mut engine = Engine::new();
    engine.set_strict_builtin_errors(false);
    builtins::add_to(&mut engine, false)?;
    engine.set_gather_prints(true);
    // The files themselves were checked before; `explain` adds text that makes lines longer.
    engine.set_policy_length_config(PolicyLengthConfig {
        max_col: NonZeroU32::MAX,
        ..PolicyLengthConfig::default()
    });
    for &(path, text) in files {
        engine
            .add_policy(path.to_owned(), text.to_owned())
            .map_err(|error| anyhow::anyhow!("{}", Message::of(&error)))?;
    }
    engine.add_data(data.clone()).context("mount the data")?;
    Ok(engine)
}

/// Returns the tests of a file, not yet run. A test with several definitions is one test.
fn tests_of(file: &PolicyFile) -> Vec<TestResult> {
    let package = file.package_name();
    let package = package.strip_prefix("data.").unwrap_or(&package);
    let mut tests: Vec<TestResult> = Vec::new();
    for rule in file.module.policy.iter().filter(|_| file.is_test()) {
        let Some(name) = test_name(rule) else {
            continue;
        };
        if tests.iter().any(|test| test.name == name) {
            continue;
        }
        tests.push(TestResult {
            package: package.to_owned(),
            name: name.to_owned(),
            path: file.path.to_owned(),
            line: rule.span().line,
            status: TestStatus::Skipped,
            printed: Vec::new(),
        });
    }
    tests
}

fn test_name(rule: &Rule) -> Option<&str> {
    let Rule::Spec { head: RuleHead::Compr { refr, .. }, .. } = rule else {
        return None;
    };
    let name = vet::root(refr);
    (name.starts_with("test_") || name.starts_with(TODO)).then_some(name)
}

fn status(engine: &mut Engine, test: &TestResult, bound: Bound) -> TestStatus {
    match bound.eval_rule(engine, &test.rule()) {
        Ok(Value::Undefined | Value::Bool(false)) => TestStatus::Failed { expression: None },
        Ok(_) => TestStatus::Passed,
        Err(error) => TestStatus::Error { message: Message::of(&error).to_string() },
    }
}

/// Returns the coverage of each file: the engine's report leaves out files that were never reached.
fn coverage(engine: &Engine, files: &[PolicyFile]) -> anyhow::Result<Vec<FileCoverage>> {
    let report = engine.get_coverage_report()?;
    let mut reached: BTreeMap<_, _> =
        report.files.into_iter().map(|file| (file.path, file.covered)).collect();
    let mut coverage: Vec<_> = files
        .iter()
        .filter(|file| !file.is_test())
        .map(|file| {
            let covered = reached.remove(file.path).unwrap_or_default();
            FileCoverage {
                path: file.path.to_owned(),
                not_covered: file.lines().difference(&covered).copied().collect(),
                covered: covered.into_iter().collect(),
            }
        })
        .collect();
    coverage.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(coverage)
}
