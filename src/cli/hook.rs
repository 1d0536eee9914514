//! `changegate hook`: the program that a server runs for each push.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand};

use super::shared::args::NowArg;
use crate::cli::shared::judges::judges;
use crate::cli::shared::say::note;
use changegate::gate::guard::{Accepted, Guard, Judged, Update};
use changegate::git::Repo;
use changegate::report::escape::terminal;

/// Guard a bare repository: the program that Git runs for each push
#[derive(Args, Debug)]
pub struct HookArgs {
    #[command(subcommand)]
    hook: Hook,
}

#[derive(Subcommand, Debug)]
enum Hook {
    PreReceive(PreReceiveArgs),
    ReferenceTransaction(ReferenceTransactionArgs),
}

/// Refuse a push that bypasses the rules
///
/// `changegate init --hook` installs it. Git lists the updates on standard input. It refuses: a
/// push to the base branch that isn't the merge of an approved change, or that removes history; a
/// review or a commit of a change that isn't signed by its author; a push that rewrites either; the
/// deletion of what was submitted and is neither merged nor closed.
#[derive(Args, Debug)]
struct PreReceiveArgs {}

/// Refuse an update of a pushed ref if what it was judged by has moved in the meantime
///
/// `changegate init --hook` installs it. Git runs it while it holds the locks of the refs.
#[derive(Args, Debug)]
struct ReferenceTransactionArgs {
    /// The state of the transaction, as Git names it
    #[arg(value_name = "STATE")]
    state: String,
}

/// Runs the verb.
pub fn run(args: &HookArgs) -> anyhow::Result<ExitCode> {
    let git_dir = git_dir()?;
    let mut lines = String::new();
    std::io::stdin().read_to_string(&mut lines).context("read what is pushed")?;
    let judged = Judged::of(&git_dir);
    let is_refused = match &args.hook {
        Hook::PreReceive(PreReceiveArgs {}) => {
            let updates = lines.lines().map(Update::read).collect::<anyhow::Result<Vec<_>>>()?;
            !pre_receive(&git_dir, &judged, &updates)?
        }
        Hook::ReferenceTransaction(args) => {
            // Git also lists updates of symbolic refs, which aren't commits.
            let updates: Vec<_> =
                lines.lines().filter_map(|line| Update::read(line).ok()).collect();
            match args.state.as_str() {
                "prepared" => judged.still_holds(&updates).map_err(|why| say(&why)).is_err(),
                "committed" | "aborted" => {
                    judged.forget(&updates);
                    false
                }
                _ => false,
            }
        }
    };
    Ok(ExitCode::from(u8::from(is_refused)))
}

/// Judges a push; returns whether all of its updates may be made.
fn pre_receive(git_dir: &Path, judged: &Judged, updates: &[Update]) -> anyhow::Result<bool> {
    let repo = Repo::open(git_dir)?;
    // Pushed objects are in a quarantine folder until the hook accepts them.
    if let Some(folder) = std::env::var_os("GIT_QUARANTINE_PATH") {
        repo.add_objects(&folder.to_string_lossy())?;
    }
    let guard = Guard::of(repo, judges()?, NowArg::present())?;
    let mut accepted = Vec::new();
    for update in updates {
        match guard.judge(update, updates) {
            Ok(Accepted { notes, tips }) => {
                notes.iter().for_each(|text| note(format_args!("changegate: {}", terminal(text))));
                accepted.push((update, tips));
            }
            Err(error) => say(&error),
        }
    }
    if accepted.len() < updates.len() {
        return Ok(false);
    }
    if let Err(error) = guard.records(updates) {
        say(&error);
        return Ok(false);
    }
    for (update, tips) in accepted {
        judged.keep(update, &tips)?;
    }
    Ok(true)
}

/// Returns the repository that receives the push: git names it in the environment of its hooks.
fn git_dir() -> anyhow::Result<PathBuf> {
    let folder = std::env::var_os("GIT_DIR").map_or_else(|| PathBuf::from("."), PathBuf::from);
    folder.canonicalize().with_context(|| format!("read {}", folder.display()))
}

/// Prints on the pusher's terminal why the push was refused, and what to do.
fn say(why: &anyhow::Error) {
    for (number, line) in format!("{why:#}").lines().enumerate() {
        let mark = if number == 0 { "changegate: refused: " } else { "  " };
        note(format_args!("{mark}{}", terminal(line)));
    }
}
