//! Makes merges, exactly as the gate asks for them.

use anyhow::bail;

use super::{Judgement, leaves_policies};
use crate::content::Changeset;
use crate::forge::Pull;
use crate::forge::git::{CHANGE, Git};
use crate::git::{Oid, Repo};
use crate::report::merge_message;

/// The tree of the merge that a pull request asks for: base with the files that it changes, whole
/// and as they were judged. Nothing is merged within a file.
///
/// # Errors
/// When base has changed one of them meanwhile.
pub fn merge_tree(repo: &Repo, pull: &Pull) -> anyhow::Result<Oid> {
    let brought = Changeset::of(repo, pull.base, pull.head, &pull.name)?;
    for file in &brought.files {
        let held = repo.entry(pull.base, &file.path)?;
        if held != file.before && held != file.after {
            bail!(
                "{} was changed on the base since {} left it: merge the base into {CHANGE}{} and \
                 have it reviewed again",
                file.path,
                pull.name,
                pull.name
            );
        }
    }
    let files = brought.files.iter().map(|file| (file.path.as_str(), file.after));
    repo.store_tree(Some(pull.base), files)
}

/// Makes the merge commit: the base, with exactly the files that were judged put in.
pub fn commit(git: &Git, judgement: &Judgement) -> anyhow::Result<Oid> {
    let pull = &judgement.pull;
    let tree = merge_tree(git.repo(), pull)?;
    let message = merge_message(&judgement.decision, &pull.name);
    let program = git.branches.program();
    // A server's hook asks for a signature; without one it is a matter of taste.
    let sign = program.setting("user.signingkey").is_some();
    let merge = program.commit(tree, &[pull.base, pull.head], &message, sign)?;
    leaves_policies(git.repo(), pull.base, merge)?;
    Ok(merge)
}
