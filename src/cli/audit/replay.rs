//! `changegate audit replay`: what other policies would have decided, and would decide.

use std::cell::OnceCell;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;

use crate::cli::shared::args::{AnswerFormat, NowArg, day_begins};
use crate::cli::shared::here::{HereArgs, name_of, own_commit, shared_commit};
use crate::cli::shared::judges::{by, judges};
use crate::cli::shared::progress::Progress;
use crate::cli::shared::say;
use changegate::audit::replay::{Trying, replay};
use changegate::content::{bundle_files, folder};
use changegate::core::policy::patch::Patch;
use changegate::core::policy::{Files, SHIPPED, shipped_files};
use changegate::core::time::Time;
use changegate::forge::git::Git;
use changegate::git::Oid;
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
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate audit replay --branch change/shorter-windows
      what a change of policies would have decided
  changegate audit replay --policies policies --since 2026-03-01
      what the policies in this folder would have decided since March
  changegate audit replay --policies shipped --format json
      for a script

Exit codes:
  0  everything would be decided as it was
  1  something would be decided differently, or nobody can tell
  2  could not be compared, or the recorded policies don't give the recorded verdicts")]
pub struct ReplayArgs {
    /// The policies to try: a folder, a branch, a whole commit id, HEAD, or `shipped`
    #[arg(long, value_name = "DIR|REV", required_unless_present = "branch")]
    policies: Option<String>,

    /// Try what this branch changes in the policies, from where it left the base branch
    #[arg(long, value_name = "BRANCH", conflicts_with = "policies")]
    branch: Option<String>,

    /// Leave out what was decided before this day or time
    #[arg(long, value_name = "DATE", value_parser = day_begins)]
    since: Option<Time>,

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
    let git = args.here.open_to_audit()?;
    args.here.refresh_ledger(&git.branches)?;
    let trying = match (&args.branch, &args.policies) {
        (Some(branch), _) => of_branch(&git, branch)?,
        (None, Some(policies)) => of_policies(&git, policies)?,
        (None, None) => bail!("name policies to try with --policies or --branch"),
    };
    let progress = OnceCell::new();
    let advance = |done: usize, all: usize| {
        progress.get_or_init(|| Progress::of(all)).reach(done);
    };
    let tried = (&trying, by as fn(_, _) -> _);
    let found = replay(&git, &judges()?, tried, args.since, args.now.get(), &advance)?;
    if let Some(progress) = progress.get() {
        progress.finish();
    }
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

/// Returns what a branch changes in the policies, from where it left the base on.
fn of_branch(git: &Git, branch: &str) -> anyhow::Result<Trying> {
    let repo = git.repo();
    let head = own_commit(&git.branches, branch)?;
    let from = repo.merge_base(git.base()?, head)?;
    let from =
        from.with_context(|| format!("{branch} and {} have no history in common", git.base_ref))?;
    let patch = Patch::between(bundle_files(repo, from)?, bundle_files(repo, head)?);
    let (policies, against) = (head.to_string(), from.to_string());
    // Here it may be ahead of what was submitted.
    let own = change_at(git, head)?.unwrap_or_else(|| name_of(branch).to_owned());
    Ok(Trying { policies, against, patch, own: Some(own) })
}

/// Returns how policies differ from those on the base.
fn of_policies(git: &Git, named: &str) -> anyhow::Result<Trying> {
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
    Ok(Trying { policies, against: base.to_string(), patch: Patch::between(before, after), own })
}

/// Returns the name of the change with this head.
fn change_at(git: &Git, head: Oid) -> anyhow::Result<Option<String>> {
    let changes = git.branches.below(changegate::forge::git::CHANGE)?.into_iter();
    Ok(changes.filter(|(_, tip)| *tip == head).map(|(name, _)| name).next())
}
