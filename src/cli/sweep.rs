//! `changegate sweep`: records what reached the protected branches, and judges again the open pull requests
//! on GitHub whose time has come.

use std::collections::BTreeSet;
use std::process::ExitCode;

use anyhow::ensure;
use clap::Args;

use super::shared::args::NowArg;
use super::shared::here::HereArgs;
use super::shared::judges::judges;
use super::shared::on_github::{self, ENVIRONMENT, GitHubArgs, Round};
use super::shared::say::{UNDECIDED, complain, print, warn};
use changegate::core::layout::table;
use changegate::core::org::Settings;
use changegate::forge::git::Git;
use changegate::forge::github::ledger_key::ledger_key;
use changegate::forge::github::{self, Subject};
use changegate::gate::Gate;
use changegate::gate::judge::Judges;
use changegate::gate::reconciling::{Reconciled, due, reconcile};
use changegate::report::one_line;

mod due;
mod operations;
mod reminding;

/// Record what was merged, and judge what time has changed on GitHub
///
/// In plain Git it records, in your name or by the key of a service, what reached the protected branches and
/// isn't recorded yet, as what is merged where the ledger is kept in another repository; and it reminds, once
/// from each clone, of executions whose end nobody knows, of missing outcomes, of sign-offs that were due, and
/// of incidents that pause changes for long. On GitHub it does so by comments, too.
///
/// The rest is about GitHub. A result on a pull request stays until something updates it. A sweep judges
/// again what time has changed: a planned start or end that has passed, an approval that has expired, a
/// reminder that is due. It also repairs what a lost event left behind: new policies on the base branch, a
/// review that was not reported. Pull requests that have not changed need no request of their own. Two
/// sweeps at the same time do no harm.
#[derive(Args, Debug)]
#[command(after_help = [EXAMPLES, ENVIRONMENT].concat())]
pub struct SweepArgs {
    #[command(flatten)]
    on_github: GitHubArgs,

    #[command(flatten)]
    here: HereArgs,

    /// Judge all of them, whether or not their time has come
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
      run by a workflow every quarter of an hour
  changegate sweep --all --dry-run
      the result that each open pull request would get now
  changegate sweep
      in a clone of a repository in plain Git: record what is merged and not recorded

Exit codes:
  0  the results on all pull requests are up to date, and what was merged is recorded
  2  some could not be decided or recorded";

/// Runs the verb.
pub fn run(args: &SweepArgs) -> anyhow::Result<ExitCode> {
    match args.on_github.is_meant() {
        true => on_github(args),
        false => here(args),
    }
}

/// Records what reached the protected branches of a repository in plain Git, and reminds of what is open for
/// too long.
fn here(args: &SweepArgs) -> anyhow::Result<ExitCode> {
    let (git, judges) = (args.here.open()?, judges()?);
    if let Err(error) = git.branches.refresh_operations() {
        warn("warning", &format!("what is done now isn't known: {error:#}"));
    }
    let reminders = reminding::reminders(&git, args.dry_run, args.now.get())?;
    let has_log = reminders.is_some();
    print(&reminders.unwrap_or_default().concat())?;
    let settings = judges.at(git.repo(), git.base()?)?.bundle().org.settings.clone();
    ensure!(
        settings.ledger.on || has_log,
        "the settings say that nothing is recorded: write `ledger: {{on: true, origin: HOST/PATH}}` into \
         {}, and have it merged",
        table("settings")
    );
    match settings.ledger.on {
        true => record(args, git, &judges, settings),
        false => Ok(ExitCode::SUCCESS),
    }
}

/// Records what reached the protected branches.
fn record(
    args: &SweepArgs,
    mut git: Git,
    judges: &Judges,
    settings: Settings,
) -> anyhow::Result<ExitCode> {
    let key = ledger_key(|name| std::env::var(name).ok())?;
    let mut bases = BTreeSet::from_iter(settings.protected_bases);
    bases.insert(git.base_ref.clone());
    let mut count = 0;
    for base in bases {
        // A branch that the settings name may not be there yet.
        if git.branches.tip(&base)?.is_none() {
            continue;
        }
        git.base_ref = base;
        let now = args.now.get();
        let (found, doubt) = match args.dry_run {
            true => {
                args.here.refresh_ledger(&git.branches)?;
                let due = due(&git, judges, key.as_ref(), now)?;
                (due.records.len(), due.doubt)
            }
            false => {
                let Reconciled { count, doubt } = reconcile(&git, judges, key.as_ref(), now)?;
                (count, doubt)
            }
        };
        count += found;
        doubt.iter().for_each(|doubt| warn("warning", doubt));
    }
    let what = "record what reached protected branches";
    print(&match (count, args.dry_run) {
        (0, _) => "everything that reached protected branches is recorded\n".to_owned(),
        (_, true) => format!("entries that would {what}: {count}\n"),
        (_, false) => format!("entries that {what}: {count}\n"),
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Judges and records on GitHub.
fn on_github(args: &SweepArgs) -> anyhow::Result<ExitCode> {
    let place = args.on_github.open(args.dry_run)?.sweeping();
    let github = &place.github;
    let gate = Gate::new(github.repo(), github, judges()?);
    let writer = (!args.dry_run).then(|| on_github::writer(github, gate.judges())).transpose()?;
    let clock = || args.now.get();
    let Round { surveyed, recorded, has_own_jobs } =
        on_github::round(github, &gate, writer.as_ref(), &clock)?;
    let mut undecided = 0;
    if has_own_jobs && !args.dry_run {
        match operations::sweep(github, clock()) {
            Ok((keys, told)) => {
                let what = "keys of GitHub's tokens that were recorded";
                print(&format!("{what}: {keys}, pull requests of executed changes: {told}\n"))?;
            }
            Err(error) => {
                complain(&error.context("cannot look after what is executed"));
                undecided += 1;
            }
        }
    }
    let recorded = recorded.unwrap_or_else(|error| {
        complain(&error);
        undecided += 1;
        0
    });
    let due: Vec<_> = surveyed.iter().filter(|pull| args.all || pull.why.is_some()).collect();
    let mut judged = 0;
    for pull in &due {
        let subject = Subject::Pull(pull.number);
        let name = github::name(pull.number);
        let judge = || match &writer {
            Some(writer) => gate.check_recorded(&name, clock, |it, now| writer.record(it, now)),
            None => gate.check(&name, clock),
        };
        match on_github::or_say_so(github, &subject, judge) {
            Some(Some(judgement)) => {
                judged += 1;
                let (why, decision) = (pull.why.unwrap_or("requested"), &judgement.decision);
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
    if recorded > 0 {
        print(&format!("entries that record what reached protected branches: {recorded}\n"))?;
    }
    let open = surveyed.len();
    print(&format!("open pull requests to protected branches: {open}, {judged} judged again\n"))?;
    Ok(ExitCode::from(if undecided == 0 { 0 } else { UNDECIDED }))
}
