//! `changegate test`: runs the tests beside the policies.
//!
//! 1. the bundle is loaded as for a decision: one that can't decide can't be tested
//! 2. [`testing`](changegate::core::policy::testing) runs the tests
//! 3. the report: text, JSON or JUnit

mod junit;
#[cfg(test)]
mod tests;
mod text;

pub(super) use text::{Coverage, render as in_words};

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{bail, ensure};
use clap::{Args, ValueEnum};
use schemars::JsonSchema;
use serde::Serialize;

use super::shared::args::{NowArg, PoliciesArg};
use super::shared::here::{self, HereArgs};
use super::shared::judges::judges;
use super::shared::on_github::{self, ENVIRONMENT, GitHubArgs};
use super::shared::place::Place;
use super::shared::say;
use changegate::core::decision::Trial;
use changegate::core::policy::testing::TestReport;
use changegate::forge::git::Git;
use changegate::forge::github::Concerned;
use changegate::gate::judge::Judge;
use changegate::git::Repo;
use changegate::{gate, report};

/// Run the policies' own tests, and see what they would decide differently
///
/// Tests are rules named `test_…` in files named `…_test.rego`, in the form that `opa test`
/// understands. For a failed test, the report shows the statement at which it ended and the two
/// values that were compared. `todo_test_…` is skipped.
#[derive(Args, Debug)]
#[command(after_help = [EXAMPLES, ENVIRONMENT].concat())]
pub struct TestArgs {
    /// Run only tests whose full name contains this: package.test_name
    filter: Option<String>,

    /// Compare with the policies on this branch, as it is on the remote if it is there: what do they
    /// decide differently on the requests there, if each had just been submitted, and on its open
    /// changes?
    #[arg(long, value_name = "BRANCH", conflicts_with = "filter")]
    against: Option<String>,

    /// Compare on the requests of the other open pull requests on GitHub, too, each as if it had just
    /// been submitted: those to the branch of the one that this event is about ($GITHUB_EVENT_PATH)
    #[arg(long, value_name = "FILE", requires = "against")]
    event: Option<PathBuf>,

    #[command(flatten)]
    on_github: GitHubArgs,

    #[command(flatten)]
    now: NowArg,

    #[command(flatten)]
    policies: PoliciesArg,

    /// The format of the report
    #[arg(long, value_enum, default_value_t)]
    format: TestFormat,

    /// List the lines that no test reaches; JSON always does
    #[arg(long)]
    coverage: bool,
}

const EXAMPLES: &str = "\
Examples:
  changegate test
      all tests, and how much of each policy they reach
  changegate test window_test.test_friday
      only tests whose full name contains this
  changegate test --coverage
      also the lines that no test reaches
  changegate test --against main
      also what these policies decide differently from those on main
  changegate test --format junit > report.xml
      for a CI system that shows test results

A test:
  # policies/rules/window/window_test.rego
  package changegate.rules.window_test

  import data.changegate.rules.window

  test_no_schedule_no_findings if count(window.findings) == 0 with input as {}

Exit codes:
  0  all tests passed
  1  at least one failed, or with --against a request can't be decided
  2  the tests can't be run, or there are none";

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

/// The results of tests, and of a comparison with other policies.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "Test report")]
pub struct Report {
    #[serde(flatten)]
    tests: TestReport,
    /// The comparison that `--against` asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    trial: Option<Trial>,
}

/// Runs the verb.
pub fn run(args: &TestArgs) -> anyhow::Result<ExitCode> {
    let place = Place::around([])?;
    let judge = match args.against {
        Some(_) => args.policies.load_for_several(&place)?,
        None => args.policies.load(&place)?,
    };
    let tests = tests(args, &judge)?;
    let trial = args.against.as_deref().map(|branch| trial(args, &judge, branch)).transpose()?;
    let is_sound = tests.is_passed() && trial.as_ref().is_none_or(Trial::is_sound);
    say::print(&render(args, &Report { tests, trial })?)?;
    Ok(if is_sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn trial(args: &TestArgs, judge: &Judge, branch: &str) -> anyhow::Result<Trial> {
    ensure!(args.format != TestFormat::Junit, "--against needs --format text or json");
    let repo = Repo::discover(Path::new("."))?;
    let branches = HereArgs::default().branches(repo)?;
    let commit = here::shared_commit(&branches, branch)?;
    let (judges, now) = (judges()?, args.now.get());
    let replaced = judges.at(branches.repo(), commit)?;
    let mut trial = gate::trial::at(branches.repo(), commit, &replaced, judge, now)?;
    let both = (&replaced, judge);
    if let Some(event) = &args.event {
        on_pull_requests(args, event, both, &mut trial)?;
    } else if let Some(base_ref) = branches.named(branch)?.filter(|name| name != "HEAD") {
        // Changes are open towards a branch; HEAD is a commit of this clone.
        let git = Git::new(branches, Some(base_ref))?;
        gate::trial::on_open(&git, &judges, None, both, now, &mut trial)?;
    }
    Ok(trial)
}

/// Adds to a trial the other pull requests to the branch of the one that an event is about.
fn on_pull_requests(
    args: &TestArgs,
    event: &Path,
    judges: (&Judge, &Judge),
    trial: &mut Trial,
) -> anyhow::Result<()> {
    let place = args.on_github.open_to_look()?;
    let (name, payload) = on_github::event(event)?;
    let Concerned::Pulls(subjects) = place.github.concerned(&name, &payload)? else {
        bail!("the event {name} isn't about one pull request");
    };
    for subject in subjects {
        let org = &judges.0.bundle().org;
        let (open, left_out) = place.github.fetch_beside(subject.number(), org)?;
        trial.left_out += left_out;
        gate::trial::on_submitted(place.github.repo(), open, judges, args.now.get(), trial)?;
    }
    Ok(())
}

fn tests(args: &TestArgs, judge: &Judge) -> anyhow::Result<TestReport> {
    let report = judge.test(args.filter.as_deref())?;
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

fn render(args: &TestArgs, report: &Report) -> anyhow::Result<String> {
    let Report { tests, trial } = report;
    // Some of the tests reach only some of the policies, so their coverage means nothing.
    let coverage = match (args.coverage, &args.filter) {
        (true, _) => Coverage::Lines,
        (false, None) if !tests.is_passed() => Coverage::Lines,
        (false, None) => Coverage::Percent,
        (false, Some(_)) => Coverage::None,
    };
    let compared = || trial.as_ref().map(|trial| report::trial(trial, say::width()));
    Ok(match args.format {
        TestFormat::Text => in_words(tests, coverage) + &compared().unwrap_or_default(),
        TestFormat::Json => say::json(report)?,
        TestFormat::Junit => junit::render(tests),
    })
}
