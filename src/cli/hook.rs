//! `changegate hook`: the program that a server runs for each push.

use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand};

use super::shared::args::NowArg;
use crate::cli::shared::say::{end_at_bound, note};
use crate::gate::guard::{Guard, Update};
use crate::gate::judge::Judges;
use crate::git::Repo;
use crate::report::escape::terminal;

/// Guard a bare repository: the program that Git runs for each push
#[derive(Args, Debug)]
pub struct HookArgs {
    #[command(subcommand)]
    hook: Hook,
}

#[derive(Subcommand, Debug)]
enum Hook {
    PreReceive(PreReceiveArgs),
}

/// Refuse a push that bypasses the rules
///
/// `changegate init --hook` installs it. Git lists the updates on standard input. It refuses: a
/// push to the base branch that isn't the merge of an approved change, or that removes history; a
/// review or a commit of a change that isn't signed by its author; a push that rewrites either; the
/// deletion of what was submitted and is neither merged nor closed.
#[derive(Args, Debug)]
struct PreReceiveArgs {}

/// Runs the verb.
pub fn run(args: &HookArgs) -> anyhow::Result<ExitCode> {
    let Hook::PreReceive(PreReceiveArgs {}) = args.hook;
    let repo = Repo::open(&git_dir()?)?;
    // Pushed objects are in a quarantine folder until the hook accepts them.
    if let Some(folder) = std::env::var_os("GIT_QUARANTINE_PATH") {
        repo.add_objects(&folder.to_string_lossy())?;
    }
    let mut lines = String::new();
    std::io::stdin().read_to_string(&mut lines).context("read what is pushed")?;
    let updates = lines.lines().map(Update::read).collect::<anyhow::Result<Vec<_>>>()?;
    let guard = Guard::of(repo, Judges::new(end_at_bound), NowArg::present())?;
    let mut refused = false;
    for update in &updates {
        match guard.judge(update) {
            Ok(notes) => {
                notes.iter().for_each(|text| note(format_args!("changegate: {}", terminal(text))));
            }
            Err(error) => {
                refused = true;
                say(&format!("{error:#}"));
            }
        }
    }
    Ok(ExitCode::from(u8::from(refused)))
}

/// Returns the repository that receives the push: git names it in the environment of its hooks.
fn git_dir() -> anyhow::Result<PathBuf> {
    let folder = std::env::var_os("GIT_DIR").map_or_else(|| PathBuf::from("."), PathBuf::from);
    folder.canonicalize().with_context(|| format!("read {}", folder.display()))
}

/// Prints on the pusher's terminal why the push was refused, and what to do.
fn say(why: &str) {
    for (number, line) in why.lines().enumerate() {
        let mark = if number == 0 { "changegate: refused: " } else { "  " };
        note(format_args!("{mark}{}", terminal(line)));
    }
}
