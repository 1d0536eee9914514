//! `changegate init --operations`: begins the operations log.

use super::InitArgs;
use crate::cli::shared::args::NowArg;
use crate::cli::shared::here::{self, HereArgs};
use crate::cli::shared::say;
use changegate::content::short;
use changegate::execute::Author;
use changegate::forge::git::Git;
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
    let author = Author::here(&git, &judge.bundle().org, None, NowArg::present)?;
    if args.dry_run {
        return say::print(&format!("would begin {OPERATIONS}, signed by {}\n", author.by()));
    }
    let written = author.begin()?;
    say::done(&format!("began {OPERATIONS} as {}\n{AFTERWARDS}", short(written.commit)));
    Ok(())
}
