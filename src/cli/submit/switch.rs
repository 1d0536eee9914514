//! What the work tree does once something is submitted.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use anyhow::Context as _;
use tempfile::NamedTempFile;

use crate::cli::shared::interrupt;
use crate::cli::shared::say::{note, warn};
use changegate::forge::git::Git;
use changegate::git::{Oid, Program};

/// Switches the work tree to the branch, in which what was submitted are files like any others. `seen` is
/// the previous tip of the branch in this clone.
///
/// If that isn't possible, everything here stays as it was.
pub fn switch(git: &Git, work_tree: &Path, branch: &str, paths: &[String], seen: Option<Oid>) {
    let switch = || try_to_switch(git, work_tree, branch, paths, seen);
    if let Err(error) = interrupt::held(switch).and_then(|switched| switched) {
        warn("note", &format!("the work tree was not changed, because git says:\n{error:#}"));
    }
}

fn try_to_switch(
    git: &Git,
    work_tree: &Path,
    branch: &str,
    paths: &[String],
    seen: Option<Oid>,
) -> anyhow::Result<()> {
    let tip = git.branches.tip(branch)?.context("the branch is gone")?;
    let local = format!("refs/heads/{branch}");
    let known = git.repo().tip(&local)?;
    let folder = Program::in_folder(work_tree);
    let is_here = folder.head().as_deref() == Some(&local);
    if let Some(known) = known
        && !git.repo().leads_to(known, tip)?
    {
        say_what_is_only_here(git, branch, git.repo().leads_to(tip, known)?, is_here);
        return Ok(());
    }
    let index = work_tree.join(folder.run(&["rev-parse", "--git-path", "index"])?);
    let before = match fs::read(&index) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error).context("cannot read git's index"),
    };
    let follow = || -> anyhow::Result<()> {
        // What is staged as it is in the branch doesn't prevent the switch.
        let (staged, paths) = (tip.to_string(), paths.join("\0"));
        let reset = ["reset", "--quiet", "--pathspec-from-file=-", "--pathspec-file-nul", &staged];
        folder.run_with(&[&["--literal-pathspecs"], &reset[..]].concat(), paths.as_bytes())?;
        if !is_here {
            return folder.run(&["switch", "--quiet", "-C", branch, &staged]).map(drop);
        }
        // The branch has moved, perhaps onto a newer base: the work tree follows all of that.
        let from = seen.unwrap_or(tip).to_string();
        folder.run(&["read-tree", "-m", "-u", &from, &staged])?;
        match known == Some(tip) {
            true => Ok(()),
            false => git.branches.program().move_refs(&[(local.clone(), known, tip)]).map(drop),
        }
    };
    let followed = follow();
    // A hook that fails after the switch doesn't undo it.
    if !is_here && folder.head().as_deref() == Some(&local) {
        note(format_args!("you are now on {branch}: `git switch -` takes you back"));
        return Ok(());
    }
    if followed.is_err() {
        put_back(&index, before.as_deref()).context("cannot restore git's index")?;
    }
    followed
}

/// Restores git's index, or removes it if there was none.
fn put_back(index: &Path, before: Option<&[u8]>) -> anyhow::Result<()> {
    let Some(before) = before else { return Ok(fs::remove_file(index)?) };
    let mut file = NamedTempFile::new_in(index.parent().context("it is in no folder")?)?;
    file.write_all(before)?;
    file.persist(index)?;
    Ok(())
}

/// Says what to do about commits on the local branch that the remote doesn't have. `is_ahead` says
/// whether the remote's branch can be moved to them.
fn say_what_is_only_here(git: &Git, branch: &str, is_ahead: bool, is_here: bool) {
    let remote = git.branches.remote().unwrap_or(".");
    let submitted = format!("{remote}/{branch}");
    let (drop, kept) = match is_here {
        true => (format!("git reset {submitted}"), ", which keeps your files"),
        false => (format!("git branch --force {branch} {submitted}"), ""),
    };
    let how = match is_ahead {
        true => {
            format!("push them with `git push {remote} {branch}`, or drop them with `{drop}`{kept}")
        }
        false => {
            format!("what was submitted is {submitted}: continue from there with `{drop}`{kept}")
        }
    };
    note(format_args!(
        "{branch} has commits here that aren't on the remote, and was left as it is: {how}"
    ));
}
