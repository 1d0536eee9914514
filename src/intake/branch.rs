//! Finds the branch that an issue's form has become, and the ids that are taken.

use crate::compose::tickets::Tickets;
use crate::core::layout::is_request;
use crate::forge::git::{CHANGE, Git};
use crate::git::{Commit, Oid};

/// The state of an issue's form.
#[derive(Debug, PartialEq)]
pub enum Stage {
    /// There is no branch yet.
    New,
    /// The form has become a branch.
    Branch {
        /// The id of the change.
        id: String,
        /// The tip of the branch.
        tip: Oid,
        /// Whether all commits on it come from the form.
        is_ours: bool,
        /// The number of its pull request, if one is open.
        pull: Option<u64>,
    },
    /// The change with this id is merged.
    Merged(String),
}

/// Returns the message of a commit with the content of an issue's form.
pub fn message(what: &str, id: &str, summary: &str, issue: u64) -> String {
    let title = match crate::content::journal::one_line(summary).as_str() {
        "" => format!("{what} {id}"),
        summary => format!("{what} {id}: {summary}"),
    };
    format!("{title}\n\nChange: {id}\n{}\n", mark(issue))
}

/// Returns the line that links a commit to the form that it comes from.
fn mark(issue: u64) -> String {
    format!("Issue: #{issue}")
}

/// Finds the state of an issue's form. `email` is its author's address in commits. `pull_of`
/// returns the number of the open pull request of a branch.
///
/// # Errors
/// When the repository can't be read, or `pull_of` fails.
pub fn stage(
    git: &Git,
    issue: u64,
    email: &str,
    pull_of: impl FnOnce(&str) -> anyhow::Result<Option<u64>>,
) -> anyhow::Result<Stage> {
    let (repo, base) = (git.repo(), git.base()?);
    let commits = |from: Option<Oid>, to: Oid| -> anyhow::Result<Vec<Commit>> {
        repo.commits_between(from, to)?.into_iter().map(|commit| repo.commit(commit)).collect()
    };
    let mark = mark(issue);
    // A commit with the mark and another author was made by somebody else.
    let is_ours = |commit: &Commit| {
        commit.author.email == email
            && commit.committer.email == email
            && commit.message.lines().any(|line| line == mark)
    };
    for (id, tip) in git.branches.below(CHANGE)? {
        let commits = commits(Some(base), tip)?;
        if commits.iter().any(is_ours) {
            let pull = pull_of(&format!("{CHANGE}{id}"))?;
            return Ok(Stage::Branch { id, tip, is_ours: commits.iter().all(is_ours), pull });
        }
    }
    // A squashed commit has another committer, but keeps the mark.
    let is_marked = |commit: &Commit| commit.message.lines().any(|line| line == mark);
    let merged = commits(None, base)?.into_iter().find(is_marked);
    let id = merged.as_ref().and_then(|commit| {
        commit.message.lines().find_map(|line| line.strip_prefix("Change: ")).map(str::to_owned)
    });
    Ok(id.map_or(Stage::New, Stage::Merged))
}

/// Returns the ids that are taken by requests on the base, and by branches other than `own`.
///
/// # Errors
/// When the repository can't be read.
pub fn taken(git: &Git, own: Option<&str>) -> anyhow::Result<Tickets> {
    let merged = git.repo().files_below(git.base()?, "requests")?.into_iter();
    let merged = merged.map(|(path, _)| path).filter(|path| is_request(path));
    let branches = git.branches.changes()?.into_iter();
    let branches = branches.filter(|(name, _)| Some(name.as_str()) != own);
    Ok(Tickets::of(merged).and(branches))
}
