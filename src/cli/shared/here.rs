//! The repository in which the verbs for the life of a change work.

use std::path::Path;

use anyhow::{Context as _, bail};
use clap::Args;

use super::say::{print, warn};
use crate::cli::shared::say;
use crate::content::Changeset;
use crate::core::layout::stem;
use crate::core::time::Time;
use crate::forge::Pull;
use crate::forge::git::{Branches, Git};
use crate::gate::judge::Judges;
use crate::gate::{Gate, Judgement};
use crate::git::{Oid, Program, Repo};
use crate::report::{Format, Reporter, Summary};

/// The repository, and its base branch.
#[derive(Args, Debug)]
pub struct HereArgs {
    /// The branch that changes are merged into; main if it exists
    #[arg(long, value_name = "BRANCH")]
    pub base: Option<String>,

    /// Use what was fetched last, without contacting the remote `origin`
    #[arg(long)]
    pub no_fetch: bool,
}

impl HereArgs {
    /// Opens the forge of this folder's repository, up to date with its remote.
    ///
    /// # Errors
    /// If there is no repository, or its remote can't be reached.
    pub fn open(&self) -> anyhow::Result<Git> {
        let branches = Branches::of(Repo::discover(Path::new("."))?);
        if !self.no_fetch {
            branches.refresh()?;
        }
        Git::new(branches, self.base.clone())
    }

    /// Opens the forge for reading only: if the remote can't be reached, it shows what was fetched
    /// last.
    ///
    /// # Errors
    /// If there is no repository, or no base branch.
    pub fn open_to_look(&self) -> anyhow::Result<Git> {
        let branches = Branches::of(Repo::discover(Path::new("."))?);
        if !self.no_fetch
            && let Err(error) = branches.refresh()
        {
            warn("warning", &format!("this shows what was fetched last: {error:#}"));
        }
        Git::new(branches, self.base.clone())
    }
}

/// Returns the gate to a repository's changes.
pub fn gate(git: &Git) -> Gate<'_, Git> {
    Gate::new(git.repo(), git, Judges::new(say::end_at_bound))
}

/// Returns a change's name from an argument with or without `change/`.
pub fn name_of(argument: &str) -> &str {
    let argument = argument.strip_prefix("refs/heads/").unwrap_or(argument);
    argument.strip_prefix(crate::forge::git::CHANGE).unwrap_or(argument)
}

/// Judges a submitted change as it is now.
///
/// # Errors
/// If nothing could be decided.
pub fn check(git: &Git, name: &str, now: Time) -> anyhow::Result<Judgement> {
    let judgement = gate(git).check(name, now)?;
    judgement
        .with_context(|| format!("{name} merges into a branch that the settings don't protect"))
}

/// Prints the report on one pull request.
pub fn report(judgement: &Judgement, format: Format, verbose: bool) -> anyhow::Result<()> {
    print(&rendered(judgement, format, verbose))
}

/// Returns the report on one pull request.
pub fn rendered(judgement: &Judgement, format: Format, verbose: bool) -> String {
    let bundle = judgement.bundle();
    let codes = || bundle.codes();
    let colour = say::colour(&std::io::stdout());
    let (policies, width) = (&judgement.decision.bundle, say::width());
    let reporter = Reporter { format, policies, colour, width, verbose, codes: &codes };
    let section = reporter.section(&judgement.judged());
    let mut summary = Summary::default();
    summary.add(&section);
    reporter.begin() + &section.text + &reporter.end(&summary)
}

/// Judges the merge of one commit into another, whatever the branches contain.
///
/// Changes are merged into a shared branch, so that `base` names the remote's branch before one
/// here; `head` is somebody's own work, and names a branch here first.
pub fn judge_commits(git: &Git, base: &str, head: &str, now: Time) -> anyhow::Result<Judgement> {
    let repo = git.repo();
    let here = |name: &str| repo.tip(&format!("refs/heads/{name}"));
    let base_id = commit(repo, base, [git.branches.tip(base)?, here(base)?])?;
    let head_id = commit(repo, head, [here(head)?, git.branches.tip(head)?])?;
    let name = name_of(head);
    let brought = Changeset::of(repo, base_id, head_id, name)?;
    if brought.files.is_empty() {
        bail!("{head} has nothing to merge into {base}");
    }
    let id = brought.path.as_deref().map(stem);
    let pull = Pull {
        name: id.unwrap_or(name).to_owned(),
        id: None,
        base_ref: git.branches.named(base)?,
        base: base_id,
        head: head_id,
    };
    gate(git).judge(pull, &[], now)
}

/// Returns the commit that a person names: by a branch, by `HEAD`, or by its whole id.
///
/// Tags and abbreviated ids don't count, because anyone can push one that looks like a branch. Of
/// the `branches` with this name, the first that exists counts.
fn commit(repo: &Repo, name: &str, branches: [Option<Oid>; 2]) -> anyhow::Result<Oid> {
    if name == "HEAD" {
        let head = Program::anywhere().run(&["rev-parse", "--verify", "HEAD^{commit}"])?;
        return repo.commit_with_id(&head).context("HEAD is not a commit of this repository");
    }
    let [first, second] = branches;
    let mut meant: Vec<_> = first.or(second).into_iter().collect();
    meant.extend(repo.tip(&format!("refs/remotes/{name}"))?);
    if name.starts_with("refs/heads/") || name.starts_with("refs/remotes/") {
        meant.extend(repo.tip(name)?);
    }
    meant.extend(repo.commit_with_id(name));
    meant.sort_unstable();
    meant.dedup();
    match meant[..] {
        [commit] => Ok(commit),
        [] => bail!(
            "`{name}` is not a commit that can be judged: name a branch, HEAD, or a whole commit id"
        ),
        _ => bail!(
            "`{name}` can mean several commits: name the branch in full, such as \
             refs/heads/{name}, or give the whole commit id"
        ),
    }
}
