//! `changegate test`: runs the tests beside the policies.
//!
//! 1. the bundle is loaded as for a decision: one that can't decide can't be tested
//! 2. [`testing`](crate::core::policy::testing) runs the tests
//! 3. the report: text, JSON or JUnit

mod junit;
#[cfg(test)]
mod tests;
mod text;

use super::shared::say;
use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, ValueEnum};

use super::shared::args::PoliciesArg;
use super::shared::place::Place;
use crate::core::policy::testing::TestReport;

/// Run the policies' own tests
///
/// Tests are rules named `test_…` in files named `…_test.rego`, in the form that `opa test`
/// understands. For a failed test, the report shows the statement at which it ended and the two
/// values that were compared. `todo_test_…` is skipped.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate test
      all tests, and how much of each policy they reach
  changegate test window_test.test_friday
      only tests whose full name contains this
  changegate test --coverage
      also the lines that no test reaches
  changegate test --format junit > report.xml
      for a CI system that shows test results

A test:
  # policies/rules/window/window_test.rego
  package changegate.rules.window_test

  import data.changegate.rules.window

  test_no_schedule_no_findings if count(window.findings) == 0 with input as {}

Exit codes:
  0  all tests passed
  1  at least one failed
  2  the tests can't be run, or there are none")]
pub struct TestArgs {
    /// Run only tests whose full name contains this: package.test_name
    filter: Option<String>,

    #[command(flatten)]
    policies: PoliciesArg,

    /// The format of the report
    #[arg(long, value_enum, default_value_t)]
    format: TestFormat,

    /// List the lines that no test reaches; JSON always does
    #[arg(long)]
    coverage: bool,
}

/// The format of a test report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum TestFormat {
    /// For people: failures first
    #[default]
    Text,
    /// For scripts: `changegate schema test-report` describes it
    Json,
    /// For CI systems: JUnit XML
    Junit,
}

/// Runs the verb.
pub fn run(args: &TestArgs) -> anyhow::Result<ExitCode> {
    let report = report(args)?;
    say::print(&render(args, &report)?)?;
    Ok(if report.is_passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn report(args: &TestArgs) -> anyhow::Result<TestReport> {
    let report = args.policies.load(&Place::around([])?)?.test(args.filter.as_deref())?;
    if report.tests.is_empty() {
        match &args.filter {
            Some(filter) => bail!("no test's full name, package.test_name, contains `{filter}`"),
            None => bail!(
                "the policies have no tests: a test is a rule named test_… in a file named \
                 …_test.rego; `changegate test --help` shows one"
            ),
        }
    }
    Ok(report)
}

fn render(args: &TestArgs, report: &TestReport) -> anyhow::Result<String> {
    // Some of the tests reach only some of the policies, so their coverage means nothing.
    let coverage = match (args.coverage, &args.filter) {
        (true, _) => text::Coverage::Lines,
        (false, None) if !report.is_passed() => text::Coverage::Lines,
        (false, None) => text::Coverage::Percent,
        (false, Some(_)) => text::Coverage::None,
    };
    Ok(match args.format {
        TestFormat::Text => text::render(report, coverage),
        TestFormat::Json => say::json(report)?,
        TestFormat::Junit => junit::render(report),
    })
}
