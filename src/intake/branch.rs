//! What Git holds for an issue: the branch that its form became, and the ids that are taken.

use std::path::PathBuf;

use crate::compose::tickets::Tickets;
use crate::core::layout::is_request;
use crate::core::terms::TicketId;
use crate::forge::git::{CHANGE, Git};
use crate::git::{Commit, Oid};

/// What an issue's form has become so far.
#[derive(Debug, PartialEq)]
pub enum Stage {
    /// Nothing yet.
    New,
    /// A branch.
    Branch {
        /// The change's id.
        id: String,
        /// Where the branch stands.
        tip: Oid,
        /// Whether everything on it comes from the form, and from nobody else.
        is_ours: bool,
        /// The number of its pull request, if one is open.
        pull: Option<u64>,
    },
    /// A change that is merged, by its id.
    Merged(String),
}

/// The message of a commit that holds what an issue's form says.
pub fn message(what: &str, id: &str, summary: &str, issue: u64) -> String {
    let title = match crate::forge::git::journal::one_line(summary).as_str() {
        "" => format!("{what} {id}"),
        summary => format!("{what} {id}: {summary}"),
    };
    format!("{title}\n\nChange: {id}\n{}\n", mark(issue))
}

/// The line by which a commit says which form it comes from.
fn mark(issue: u64) -> String {
    format!("Issue: #{issue}")
}

/// Finds what an issue's form has become. `email` is its author's address in commits, and `pull_of`
/// tells of a branch which pull request is open.
///
/// # Errors
/// When the repository can't be read, or nobody tells of the pull request.
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
    // What bears the mark and another name was made by somebody else.
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
    // A squashed one is the committer's, and says the same.
    let is_marked = |commit: &Commit| commit.message.lines().any(|line| line == mark);
    let merged = commits(None, base)?.into_iter().find(is_marked);
    let id = merged.as_ref().and_then(|commit| {
        commit.message.lines().find_map(|line| line.strip_prefix("Change: ")).map(str::to_owned)
    });
    Ok(id.map_or(Stage::New, Stage::Merged))
}

/// The ids that are taken: by requests on the base, and by branches other than `own`.
///
/// # Errors
/// When the repository can't be read.
pub fn taken(git: &Git, own: Option<&str>) -> anyhow::Result<Tickets> {
    let merged = git.repo().files_below(git.base()?, "requests")?.into_iter();
    let merged = merged.map(|(path, _)| path).filter(|path| is_request(path));
    let branches = git.branches.below(CHANGE)?.into_iter().map(|(name, _)| name);
    let branches = branches
        .filter(|name| Some(name.as_str()) != own)
        .map(|name| format!("{CHANGE}{name}.yaml"));
    Ok(Tickets::of(merged.chain(branches).map(PathBuf::from)))
}

/// Who has an id already: a file, or a branch.
pub fn holder(taken: &Tickets, id: &TicketId) -> Option<String> {
    let holder = taken.holder(id)?.to_string_lossy().into_owned();
    let branch = holder.strip_prefix(CHANGE).and_then(|name| name.strip_suffix(".yaml"));
    Some(branch.map_or(holder.clone(), |name| format!("{CHANGE}{name}")))
}
