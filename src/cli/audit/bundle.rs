//! `changegate audit bundle`: all that proves one entry, for somebody without the repository.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::look::open;
use crate::cli::shared::here::HereArgs;
use crate::cli::shared::judges::judges;
use crate::cli::shared::say::{done, quoted};
use changegate::audit::bundle::{folder, make, zip};
use changegate::report::escape::terminal;

/// Write everything that proves one entry, to be checked with no repository
///
/// The folder or zip archive holds the entry, its signed commit, its place in the log, what the decision rests on and
/// the policies that decided. Its VERIFY.md says how to check all of it by hand.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate audit bundle CHG-1234 --out CHG-1234.zip
      of the change that was merged, in one file
  changegate audit bundle 4711 --out entry-4711
      of the entry with this index
  changegate audit verify --bundle CHG-1234.zip
      checks it, anywhere")]
pub struct BundleArgs {
    /// The index of the entry, its id or the beginning of it, or the id of a change that was merged
    #[arg(value_name = "ID|INDEX")]
    id: String,

    /// What to write: a file that ends with .zip and is not there yet, or a folder that is not there
    /// yet or is empty
    #[arg(long, value_name = "PATH")]
    out: PathBuf,

    #[command(flatten)]
    here: HereArgs,
}

/// Runs the verb.
pub fn run(args: &BundleArgs) -> anyhow::Result<ExitCode> {
    let git = open(&args.here)?;
    let tips = |name: &str| git.branches.tip(name);
    let (entry, bundle) = make(&git.repo().folder(), &tips, &judges()?, &args.id)?;
    match is_archive(&args.out) {
        true => zip::write(&args.out, &bundle)?,
        false => folder::write(&args.out, &bundle)?,
    }
    let message = entry.message();
    let title = message.lines().next().unwrap_or_default();
    done(&format!(
        "wrote entry {}, {}, and what proves it\nnext: changegate audit verify --bundle {}\n",
        entry.index,
        terminal(title),
        quoted(&args.out)
    ));
    Ok(ExitCode::SUCCESS)
}

/// Whether a path is that of an archive, and not of a folder.
fn is_archive(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("zip"))
}
