//! `changegate init --operations`: begins the operations log.

use super::InitArgs;
use crate::cli::shared::args::NowArg;
use crate::cli::shared::here::{self, HereArgs};
use crate::cli::shared::say;
use crate::cli::shared::site::job;
use changegate::content::short;
use changegate::execute::{Author, Identity, keys};
use changegate::forge::git::Git;
use changegate::forge::github::issuer;
use changegate::gate::witnessing::holds_what_was_seen;
use changegate::git::Repo;
use changegate::operations::OPERATIONS;

const AFTERWARDS: &str = "
From now on what is executed is recorded there: `changegate exec ID -- COMMAND` asks first, and
`changegate operations show` tells what goes on.
";

/// Begins the operations log of a repository whose policies are on the base.
pub fn run(args: &InitArgs) -> anyhow::Result<()> {
    let branches = HereArgs::default().branches(Repo::discover(&args.dir)?)?;
    branches.refresh()?;
    branches.refresh_operations()?;
    let git = Git::new(branches, None)?;
    let judge = here::judges().at(git.repo(), git.base()?)?;
    let org = &judge.bundle().org;
    here::look_at_ledger(&git, org);
    holds_what_was_seen(&git, &here::judges())?;
    let identity = Identity::here(git.branches.program(), org, None, job().map(|job| (job, None)))?;
    let author = Author::new(&git, identity, NowArg::present);
    if args.dry_run {
        return say::print(&format!("would begin {OPERATIONS}, signed by {}\n", author.by()));
    }
    let written = author.begin()?;
    say::done(&format!("began {OPERATIONS} as {}\n{AFTERWARDS}", short(written.commit)));
    if keys::are_needed(org) {
        let brought = issuer::keys(&org.settings.execution.issuer);
        if let Err(error) = brought.and_then(|keys| keys::bring(&author, &keys)) {
            say::warn(
                "warning",
                &format!(
                    "jobs on GitHub can't prove yet what they are: {error:#}\nhave an L3 run `changegate \
                     operations keys`"
                ),
            );
        }
    }
    Ok(())
}
