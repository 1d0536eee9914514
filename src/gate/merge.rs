//! Makes merges, exactly as the guard expects them.

use anyhow::bail;

use super::Judgement;
use super::judge::Judges;
use super::signing::seen;
use crate::content::Changeset;
use crate::core::evidence::Unproven;
use crate::core::org::Org;
use crate::forge::Pull;
use crate::forge::git::{CHANGE, Git};
use crate::git::{Oid, Repo};
use crate::report::merge_message;

/// Returns the tree for the merge of a pull request: that of the base, with the changed files
/// exactly as they were judged. Nothing is merged within a file.
///
/// # Errors
/// When the base has changed one of these files in the meantime.
pub fn merge_tree(repo: &Repo, pull: &Pull) -> anyhow::Result<Oid> {
    let changeset = Changeset::of(repo, pull.base, pull.head, &pull.name)?;
    for file in &changeset.files {
        let held = repo.entry(pull.base, &file.path)?;
        if held != file.before && held != file.after {
            bail!(
                "{} was changed on the base after {} was started: merge the base into {CHANGE}{}, \
                 and have it reviewed again",
                file.path,
                pull.name,
                pull.name
            );
        }
    }
    let files = changeset.files.iter().map(|file| (file.path.as_str(), file.after));
    repo.store_tree(Some(pull.base), files)
}

/// Makes the merge commit of a judged pull request with the tree of [`merge_tree`], dated when it was
/// judged. It is signed, unless the settings tolerate what is unsigned and the user has no key.
pub fn commit(git: &Git, judges: &Judges, judgement: &Judgement) -> anyhow::Result<Oid> {
    let pull = &judgement.pull;
    let tree = merge_tree(git.repo(), pull)?;
    let log = pull.log.map(|it| it.to_string());
    let message = merge_message(&judgement.decision, &pull.name, log, seen(git, judges));
    let now = judgement.decision.evaluated_at;
    let program = git.branches.program().clone().dated(now);
    let signs = signs(git, &judgement.bundle().org);
    let merge = program.commit(tree, &[pull.base, pull.head], &message, signs)?;
    judges.leaves_policies(git.repo(), pull.base, merge, |org| git.open(org), now)?;
    Ok(merge)
}

/// Whether the user signs here: always, unless the user has no key and the settings tolerate what is
/// unsigned, or nobody in the roster has one, as on GitHub.
pub fn signs(git: &Git, org: &Org) -> bool {
    let is_keyless = org.roster.people.values().all(|person| person.keys.is_empty());
    !(is_keyless || org.tolerates(Unproven::Unsigned))
        || git.branches.program().setting("user.signingkey").is_some()
}
