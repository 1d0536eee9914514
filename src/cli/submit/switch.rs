//! What the work tree does once something is submitted.

use std::path::Path;

use anyhow::Context as _;

use crate::cli::shared::say::{note, warn};
use crate::forge::git::Git;
use crate::git::{Oid, Program};

/// Switches the work tree to the branch, in which what was submitted are files like any others. `seen` is
/// the previous tip of the branch in this clone.
pub fn switch(git: &Git, work_tree: &Path, branch: &str, paths: &[String], seen: Option<Oid>) {
    if let Err(error) = try_to_switch(git, work_tree, branch, paths, seen) {
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
    let program = git.branches.program();
    let tip = git.branches.tip(branch)?.context("the branch is gone")?;
    let local = format!("refs/heads/{branch}");
    let known = git.repo().tip(&local)?;
    let is_behind =
        known.is_none_or(|known| git.repo().leads_to(known, tip).is_ok_and(|leads| leads));
    if !is_behind {
        note(format_args!(
            "{branch} has commits here that aren't on the remote, and was left as it is: push them \
             with `git push`, or drop them with `git reset --keep {tip}`"
        ));
        return Ok(());
    }
    if known != Some(tip) {
        program.move_refs(&[(local.clone(), known, tip)])?;
    }
    let folder = Program::in_folder(work_tree);
    // What is staged as it is in the branch doesn't prevent the switch.
    let (staged, paths) = (tip.to_string(), paths.join("\0"));
    let reset = ["reset", "--quiet", "--pathspec-from-file=-", "--pathspec-file-nul", &staged];
    folder.run_with(&[&["--literal-pathspecs"], &reset[..]].concat(), paths.as_bytes())?;
    if folder.head().as_deref() != Some(&local) {
        folder.run(&["switch", "--quiet", branch])?;
        note(format_args!("you are now on {branch}: `git switch -` takes you back"));
        return Ok(());
    }
    // The branch has moved, perhaps onto a newer base: the work tree follows all of that.
    let before = seen.unwrap_or(tip).to_string();
    folder.run(&["read-tree", "-m", "-u", &before, &tip.to_string()]).map(drop)
}
