//! `changegate sweep`: judges the open pull requests on GitHub whose time has come.

use std::process::ExitCode;

use clap::Args;

use super::shared::args::NowArg;
use super::shared::on_github::{self, ENVIRONMENT, GitHubArgs};
use super::shared::say::{UNDECIDED, print};
use crate::forge::github::{self, Subject};
use crate::gate::Gate;
use crate::report::one_line;

/// Judge the open pull requests on GitHub whose time has come
///
/// An answer on a pull request stays until something changes it. A sweep judges anew what time has
/// changed: a planned start or end that has passed, an approval that aged out, a reminder that is
/// due. It also heals what a lost event left behind: new policies on the base, a review that nobody
/// was told of. What has not changed costs no request of its own. Two sweeps at once do no harm.
#[derive(Args, Debug)]
#[command(after_help = [EXAMPLES, ENVIRONMENT].concat())]
pub struct SweepArgs {
    #[command(flatten)]
    on_github: GitHubArgs,

    /// Judge all of them, whether their time has come or not
    #[arg(long)]
    all: bool,

    /// Print what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    now: NowArg,
}

const EXAMPLES: &str = "\
Examples:
  changegate sweep --repo acme/ops
      what a workflow runs every quarter of an hour
  changegate sweep --all --dry-run
      what every open pull request would be told now

Exit codes:
  0  every pull request has the answer that it should have
  2  some could not be decided";

/// Runs the verb.
pub fn run(args: &SweepArgs) -> anyhow::Result<ExitCode> {
    let place = args.on_github.open(args.dry_run)?.sweeping();
    let github = &place.github;
    let now = args.now.get();
    let gate = Gate::new(github.repo(), github);
    let survey = github.survey()?;
    let protected = match github.default_branch(&survey)? {
        // Policies that can't be used are said on every pull request that they would judge.
        Some((branch, tip)) => gate
            .org_at(tip)
            .map_or_else(|_| vec![branch], |organisation| organisation.settings.protected_bases),
        None => Vec::new(),
    };
    let surveyed = github.due(survey, &protected, now)?;
    let due: Vec<_> = surveyed.iter().filter(|pull| args.all || pull.why.is_some()).collect();
    let mut judged = 0;
    let mut undecided = 0;
    for pull in &due {
        let subject = Subject::Pull(pull.number);
        let name = github::name(pull.number);
        let judge = || gate.check_if_protected(&name, now);
        match on_github::or_say_so(github, &subject, judge) {
            Some(Some(judgement)) => {
                judged += 1;
                let (why, decision) = (pull.why.unwrap_or("asked for"), &judgement.decision);
                let answer = one_line(decision);
                print(&format!("{name} {} ({why}): {answer}\n", decision.verdict))?;
            }
            Some(None) => {}
            None => undecided += 1,
        }
        for plan in github.take_plans() {
            print(&plan.to_string())?;
        }
    }
    let open = surveyed.len();
    print(&format!("open pull requests to protected branches: {open}, {judged} judged anew\n"))?;
    Ok(ExitCode::from(if undecided == 0 { 0 } else { UNDECIDED }))
}
