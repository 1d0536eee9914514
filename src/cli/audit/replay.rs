//! `changegate audit replay`: what other policies would have decided, and would decide.

use std::cell::OnceCell;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, bail};
use clap::Args;

use crate::cli::shared::args::{AnswerFormat, NowArg, day_begins};
use crate::cli::shared::here::{HereArgs, name_of, own_commit, shared_commit};
use crate::cli::shared::judges::{by, judges};
use crate::cli::shared::on_github::GitHubArgs;
use crate::cli::shared::progress::Progress;
use crate::cli::shared::say;
use changegate::audit::replay::{Open, Part, Record, Trying, replay};
use changegate::content::{bundle_files, folder};
use changegate::core::decision::replay::Replay;
use changegate::core::policy::patch::Patch;
use changegate::core::policy::{Files, SHIPPED, shipped_files};
use changegate::core::time::{Duration, Time};
use changegate::forge::git::{Branches, Git};
use changegate::gate::trial;
use changegate::git::{Oid, Repo};
use changegate::ledger::AUDIT;
use changegate::report;
use changegate::report::page::shown;

/// Try other policies on the record: what would they have decided?
///
/// Makes each recorded decision again by the policies of then, which has to give the recorded verdict,
/// and by the same policies with the change applied. Tries the change on what is to come, too: each open
/// change, and each merged request that isn't over, as if it had just been submitted.
///
/// The change is what the other policies change in those on the base branch, file by file; tables are
/// merged by key. Where it doesn't fit the policies of then, the new file is taken whole, which the
/// report calls approximate. The record is taken as it is: `changegate audit verify` says whether it is
/// true.
///
/// Where there is no time for all of the record, a part of it is tried, which the report says how to draw
/// again: those commits of the ledger with the smallest SHA-256 of the seed followed by the commit's id.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate audit replay --branch change/shorter-windows
      what a change of policies would have decided
  changegate audit replay --policies policies --since 2026-03-01
      what the policies in this folder would have decided since March
  changegate audit replay --pr 7 --repo acme/ops
      what the pull request would have decided, and would on the others that are open
  changegate audit replay --branch change/shorter-windows --sample 500 --seed 4711
      on 500 entries of the ledger that anybody can draw again
  changegate audit replay --policies shipped --format json
      for a script

Exit codes:
  0  everything would be decided as it was
  1  something would be decided differently, or nobody can tell
  2  could not be compared, or the recorded policies don't give the recorded verdicts")]
pub struct ReplayArgs {
    /// The policies to try: a folder, a branch, a whole commit id, HEAD, or `shipped`
    #[arg(long, value_name = "DIR|REV", required_unless_present_any = ["branch", "pr"])]
    policies: Option<String>,

    /// Try what this branch changes in the policies, from where it left the base branch
    #[arg(long, value_name = "BRANCH", conflicts_with = "policies")]
    branch: Option<String>,

    /// Try what the pull request with this number on GitHub changes in the policies; nothing is written
    /// there
    #[arg(long, value_name = "N", conflicts_with_all = ["policies", "branch", "base", "remote", "no_fetch"])]
    pr: Option<u64>,

    #[command(flatten)]
    on_github: GitHubArgs,

    /// Leave out what was decided before this day or time
    #[arg(long, value_name = "DATE", value_parser = day_begins)]
    since: Option<Time>,

    /// Look at this many entries of the ledger at most
    #[arg(long, value_name = "SIZE")]
    sample: Option<usize>,

    /// Draw by this text what is looked at, where not all is; the commit of the ledger's last entry if
    /// left out
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    seed: Option<String>,

    /// Look at no more entries of the ledger after this time
    #[arg(long, value_name = "TIME", default_value = "5m")]
    within: Duration,

    #[command(flatten)]
    here: HereArgs,

    #[command(flatten)]
    now: NowArg,

    /// The output format
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,
}

/// Runs the verb.
pub fn run(args: &ReplayArgs) -> anyhow::Result<ExitCode> {
    let found = match args.pr {
        Some(number) => on_github(args, number)?,
        None => here(args)?,
    };
    say::print(&match args.format {
        AnswerFormat::Text => report::replay(&found, say::width()),
        AnswerFormat::Json => say::json(&found)?,
    })?;
    Ok(ExitCode::from(match (found.is_grounded(), found.is_same()) {
        (false, _) => 2,
        (true, true) => 0,
        (true, false) => 1,
    }))
}

/// Tries policies in this repository, and on its open changes.
fn here(args: &ReplayArgs) -> anyhow::Result<Replay> {
    let git = args.here.open_to_audit()?;
    args.here.refresh_ledger(&git.branches)?;
    let (trying, own) = match (&args.branch, &args.policies) {
        (Some(branch), _) => of_branch(&git, branch)?,
        (None, Some(policies)) => of_policies(&git, policies)?,
        (None, None) => bail!("name policies to try with --policies, --branch or --pr"),
    };
    let (judges, now) = (judges()?, args.now.get());
    let tips = |name: &str| git.branches.tip(name);
    let record = Record { repo: git.repo(), tips: &tips, base: git.base()? };
    replayed(args, &record, &trying, now, &|before, after| {
        Ok((trial::open_changes(&git, &judges, own.as_deref(), (before, after), now)?, 0))
    })
}

/// Tries what a pull request on GitHub brings, and on the others that are open there.
fn on_github(args: &ReplayArgs, number: u64) -> anyhow::Result<Replay> {
    let place = args.on_github.open_to_look()?;
    let (github, now) = (&place.github, args.now.get());
    let (base, head) = github.fetch_with_record(number)?;
    let trying = Trying::of_head(github.repo(), base, head)?;
    let trying =
        trying.with_context(|| format!("#{number} and its base have no history in common"))?;
    let settings = judges()?.at(github.repo(), base)?.bundle().org.settings.clone();
    let branches = Branches::own(Repo::open(&github.repo().folder())?);
    let branches = branches.through(|program| github.let_in(program));
    let branches = branches.with_ledger_at(settings.ledger.remote);
    let is_elsewhere = branches.ledger_elsewhere().is_some();
    if is_elsewhere {
        branches.refresh_ledger()?;
    }
    let tips = |name: &str| match is_elsewhere && name.starts_with(AUDIT) {
        true => branches.tip(name),
        false => github.fetched_tip(name),
    };
    let record = Record { repo: github.repo(), tips: &tips, base };
    replayed(args, &record, &trying, now, &|before, after| {
        let (open, left_out) = github.fetch_beside(number, &before.bundle().org)?;
        Ok((trial::submitted(github.repo(), open, (before, after), now)?, left_out))
    })
}

fn replayed(
    args: &ReplayArgs,
    record: &Record<'_>,
    trying: &Trying,
    now: Time,
    open: Open<'_>,
) -> anyhow::Result<Replay> {
    let progress = OnceCell::new();
    let advance = |done: usize, all: usize| {
        progress.get_or_init(|| Progress::of(all)).reach(done);
    };
    let began = Instant::now();
    let part = Part {
        since: args.since,
        most: args.sample,
        seed: args.seed.clone(),
        has_time: &|| began.elapsed().as_secs() < args.within.as_seconds(),
    };
    let tried = (trying, by as fn(_, _) -> _);
    let found = replay(record, &judges()?, tried, &part, (Some(open), now), &advance);
    if let Some(progress) = progress.get() {
        progress.finish();
    }
    found
}

/// Returns what a branch changes in the policies, from where it left the base on, and the name of the
/// change that it is.
fn of_branch(git: &Git, branch: &str) -> anyhow::Result<(Trying, Option<String>)> {
    let head = own_commit(&git.branches, branch)?;
    let trying = Trying::of_head(git.repo(), git.base()?, head)?;
    let trying = trying
        .with_context(|| format!("{branch} and {} have no history in common", git.base_ref))?;
    // Here it may be ahead of what was submitted.
    let own = change_at(git, head)?.unwrap_or_else(|| name_of(branch).to_owned());
    Ok((trying, Some(own)))
}

/// Returns how policies differ from those on the base, and the name of the change that brings them.
fn of_policies(git: &Git, named: &str) -> anyhow::Result<(Trying, Option<String>)> {
    let base = git.base()?;
    let before = bundle_files(git.repo(), base)?;
    let is_folder = Path::new(named).is_dir();
    let (after, policies, own): (Files, String, _) = match shared_commit(&git.branches, named) {
        _ if named == SHIPPED => (shipped_files(), SHIPPED.to_owned(), None),
        Ok(_) if is_folder => bail!(
            "`{named}` is a folder and a branch: write ./{named} for the folder, or \
             refs/heads/{named} for the branch"
        ),
        Ok(commit) => {
            (bundle_files(git.repo(), commit)?, commit.to_string(), change_at(git, commit)?)
        }
        Err(_) if is_folder => {
            let folder = Path::new(named);
            (folder::bundle(folder)?, shown(folder), None)
        }
        Err(error) => return Err(error.context(format!("there is no folder `{named}`"))),
    };
    let patch = Patch::between(before, after);
    Ok((Trying { policies, against: base.to_string(), patch }, own))
}

/// Returns the name of the change with this head.
fn change_at(git: &Git, head: Oid) -> anyhow::Result<Option<String>> {
    let changes = git.branches.below(changegate::forge::git::CHANGE)?.into_iter();
    Ok(changes.filter(|(_, tip)| *tip == head).map(|(name, _)| name).next())
}
