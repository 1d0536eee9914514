//! `changegate signers`: the roster's keys, for git.

use std::process::ExitCode;

use anyhow::ensure;
use clap::Args;

use super::shared::args::PoliciesArg;
use super::shared::place::Place;
use super::shared::say;
use changegate::content::people::allowed_signers;
use changegate::report;

/// Print whose keys git may trust, from the roster and the settings of the ledger
///
/// The output is a file for git's setting `gpg.ssh.allowedSignersFile`. With it, git itself verifies
/// who submitted, reviewed and merged. Write it again whenever keys in the roster change.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate signers > \"$(git rev-parse --git-dir)/allowed_signers\"
  git config gpg.ssh.allowedSignersFile \"$(git rev-parse --absolute-git-dir)/allowed_signers\"
  git verify-commit origin/main")]
pub struct SignersArgs {
    #[command(flatten)]
    policies: PoliciesArg,
}

/// Runs the verb.
pub fn run(args: &SignersArgs) -> anyhow::Result<ExitCode> {
    let judge = args.policies.load(&Place::around([])?)?;
    let org = &judge.bundle().org;
    let signers = allowed_signers(&org.roster, &org.settings.ledger);
    ensure!(
        !signers.is_empty(),
        "{} list nobody's keys: run it in the repository whose roster does, or add them to \
         policies/org/roster/data.yaml",
        report::whose(&judge.source)
    );
    say::print(&signers)?;
    Ok(ExitCode::SUCCESS)
}
