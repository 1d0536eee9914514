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
use crate::git::{Oid, Repo};
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
pub fn judge_commits(git: &Git, base: &str, head: &str, now: Time) -> anyhow::Result<Judgement> {
    let repo = git.repo();
    let (base_id, head_id) = (commit(git, base)?, commit(git, head)?);
    let name = name_of(head);
    let is_branch = git.branches.tip(base)?.is_some();
    let brought = Changeset::of(repo, base_id, head_id, name)?;
    if brought.files.is_empty() {
        bail!("{head} has nothing to merge into {base}");
    }
    let id = brought.path.as_deref().map(stem);
    let pull = Pull {
        name: id.unwrap_or(name).to_owned(),
        id: None,
        base_ref: is_branch.then(|| base.to_owned()),
        base: base_id,
        head: head_id,
    };
    gate(git).judge(pull, &[], now)
}

fn commit(git: &Git, name: &str) -> anyhow::Result<Oid> {
    match git.branches.tip(name)? {
        Some(tip) => Ok(tip),
        None => git.repo().commit_named(name),
    }
}
