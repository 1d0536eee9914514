//! Submits a change of the policies, and of what else rules over changes: the files of the work tree
//! as git would store them.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};

use super::{SubmitArgs, co_authors, head, is_denied, switch, tell};
use crate::cli::shared::here;
use crate::cli::shared::tried::tried;
use changegate::content::folder;
use changegate::content::journal::one_line;
use changegate::core::layout::{POLICIES, is_governance};
use changegate::core::terms::TicketId;
use changegate::core::time::Time;
use changegate::forge::Pull;
use changegate::forge::git::{Advance, CHANGE, Git};
use changegate::gate::merge::merge_tree;
use changegate::git::{Oid, Program, Repo};

/// Submits the change of policies that the arguments name.
pub(super) fn run(
    args: &SubmitArgs,
    git: &Git,
    work_tree: &Path,
    now: Time,
) -> anyhow::Result<ExitCode> {
    let name = name(args.request.as_deref())?;
    let branch = format!("{CHANGE}{name}");
    let (repo, files) = (git.repo(), Program::in_folder(work_tree));
    let seen = repo.tip(&format!("refs/heads/{branch}"))?;
    let policies = work_tree.join(POLICIES);
    ensure!(!policies.is_symlink(), "{POLICIES} is a link: replace it with the folder itself");
    let here = folder::bundle(&policies)?;
    let (mut result, mut paths) = (None, Vec::new());
    let put = git.branches.advance(&branch, |tip| {
        let base = git.base()?;
        let open = match tip {
            Some(tip) if !repo.leads_to(tip, base)? => Some(tip),
            _ => None,
        };
        let parent = parent(git, &files, &branch, open, base)?;
        let (tree, found) = files.tree_with(parent, is_governance)?;
        paths = found;
        if let Some(path) = here.keys().find(|path| !paths.contains(path)) {
            bail!("Git ignores {path}, so it would be left out: have it tracked, or delete it");
        }
        ensure!(
            tree != repo.commit(base)?.tree,
            "the policies here are those of {}: change them, then submit them",
            git.base_ref
        );
        let commit = match tree == repo.commit(parent)?.tree {
            true => parent,
            false => {
                let what = if open.is_some() { "Amend" } else { "Submit" };
                let why = args.message.as_deref().map(|why| format!(": {}", one_line(why)));
                let others = co_authors(git, parent, &files, is_governance)?;
                let message = format!("{what} {name}{}\n{others}", why.unwrap_or_default());
                git.branches.program().commit(tree, &[parent], &message, true)?
            }
        };
        let pull = Pull::of_change(&name, &git.base_ref, base, commit).with_log(git.log_tip()?);
        is_up_to_date(git, &pull)?;
        let judgement = here::gate(git).judge(pull, &[], now)?;
        let tried = tried(git, &judgement);
        let may = !is_denied(&judgement.decision) && tried.is_sound;
        let is_there = open == Some(commit);
        result = Some((judgement, tried));
        Ok(if is_there || !may && !args.anyway { Advance::Nothing } else { Advance::Put(commit) })
    })?;
    let (judgement, tried) = result.context("nothing was judged")?;
    let is_there = put.is_some() || git.branches.tip(&branch)? == Some(judgement.pull.head);
    tell(args, git, &judgement, &tried.text, put, is_there)?;
    if is_there {
        switch(git, work_tree, &branch, &paths, seen);
    }
    Ok(ExitCode::from(u8::from(!is_there)))
}

/// Checks that the change can be merged as it is.
fn is_up_to_date(git: &Git, pull: &Pull) -> anyhow::Result<()> {
    let (base, remote) = (&git.base_ref, git.branches.remote());
    let named = remote.map_or(base.clone(), |remote| format!("{remote}/{base}"));
    ensure!(
        merge_tree(git.repo(), pull).is_ok(),
        "others have changed the same policies on {base} since: run `git stash`, `git merge {named}` \
         and `git stash pop`, and submit again"
    );
    Ok(())
}

/// Returns the name of the change: the given one, or that of the branch that is checked out.
fn name(named: Option<&str>) -> anyhow::Result<String> {
    let name = here::id_or_here(named).context(
        "a change of policies needs a name, such as `changegate submit --policies release-notes`",
    )?;
    if name.parse::<TicketId>().is_ok() {
        bail!(
            "{name} is the id of a request: name the change of policies after what it does, such \
             as `changegate submit --policies release-notes`"
        );
    }
    let is_one = Program::anywhere().run(&["check-ref-format", &format!("refs/heads/{name}")]);
    ensure!(is_one.is_ok(), "Git can't name a branch after `{name}`: take letters, digits and -");
    Ok(name)
}

/// Returns the commit on which the files here build: where they left the base, or what was submitted
/// already.
fn parent(
    git: &Git,
    files: &Program,
    branch: &str,
    open: Option<Oid>,
    base: Oid,
) -> anyhow::Result<Oid> {
    let repo = git.repo();
    let head = head(repo, files).context("there is no commit here yet")?;
    let Some(open) = open else { return started(repo, head, base) };
    ensure!(
        repo.leads_to(open, head)?,
        "{branch} is submitted already, and the files here don't build on it: keep yours with \
         `git stash`, run `git switch {}`, and bring them back with `git stash pop`",
        branch
    );
    Ok(head)
}

fn started(repo: &Repo, head: Oid, base: Oid) -> anyhow::Result<Oid> {
    repo.merge_base(base, head)?
        .context("the commit that is checked out has nothing in common with the base: switch to it")
}
