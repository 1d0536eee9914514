//! Guards protected bases: they only move forward, by merges of approved changes, and by commits
//! that touch no governed path if the settings leave those free.

use std::collections::BTreeSet;

use anyhow::{Context as _, bail, ensure};

use super::{Accepted, Guard, Tips, Update, remedy};
use crate::content::journal::{REVIEWS, log_named_by};
use crate::content::{Changeset, People, short};
use crate::core::layout::{POLICIES, is_governance, is_governed, stem};
use crate::core::record::seen::Seen;
use crate::core::terms::Verdict;
use crate::forge::Pull;
use crate::forge::git::{CHANGE, DEFAULT_BASES};
use crate::gate::merge::merge_tree;
use crate::git::{Commit, FileChange, JUDGED_AGAIN, Oid, Repo};
use crate::operations::OPERATIONS;
use crate::report::{merge_message, one_line};

impl Guard {
    pub(super) fn base(
        &self,
        branch: &str,
        update: &Update,
        accepted: &mut Accepted,
    ) -> anyhow::Result<()> {
        let repo = self.git.repo();
        let Some(new) = update.new else {
            bail!("{branch} can't be deleted: it is the record of what was merged");
        };
        let Some(old) = update.old else {
            self.begins(branch, new)?;
            accepted.notes.push(format!("{branch} is new, and is guarded from now on"));
            return Ok(());
        };
        ensure!(
            repo.leads_to(old, new)?,
            "{branch} can't be reset or rewritten, because it is the record of what was merged: to \
             undo a change, submit another one"
        );
        let mut commits = Vec::new();
        let mut next = new;
        while next != old {
            let commit = repo.commit(next)?;
            next = *commit.parents.first().with_context(|| {
                format!(
                    "{} must stay part of the first-parent history of {branch}: put your commits on \
                     top of it with `git pull --rebase`, and push again",
                    short(old)
                )
            })?;
            commits.push(commit);
        }
        for commit in commits.iter().rev() {
            let base = commit.parents[0];
            if repo.entry(base, POLICIES)?.is_none() {
                ensure!(
                    self.judge.is_none(),
                    "{branch} has no policies to judge {} by: delete it and create it from {}",
                    short(commit.id),
                    self.git.base_ref
                );
                accepted.notes.push(format!(
                    "{} was accepted without a decision, because {branch} had no policies: they \
                     hold once they are there (`changegate init` makes them)",
                    short(commit.id)
                ));
                continue;
            }
            self.commit(branch, commit, &mut accepted.tips)
                .with_context(|| format!("{} was rejected on {branch}", short(commit.id)))?;
        }
        self.judges.leaves_policies(repo, old, new, |org| self.git.open(org), self.now)
    }

    /// Judges the creation of a protected branch. If there is a guarded base, the branch must start
    /// at a commit of that base, and its name must not be one that would be used as the default
    /// base.
    fn begins(&self, branch: &str, new: Oid) -> anyhow::Result<()> {
        let repo = self.git.repo();
        if self.judge.is_none() {
            if repo.entry(new, POLICIES)?.is_some() {
                self.judges.at(repo, new)?;
            }
            return Ok(());
        }
        let base_ref = &self.git.base_ref;
        ensure!(
            !DEFAULT_BASES.contains(&branch),
            "{branch} can't be created, because it would replace {base_ref} as the default base"
        );
        let base = self.git.base()?;
        ensure!(
            repo.leads_to(new, base)?
                && repo.entry(new, POLICIES)? == repo.entry(base, POLICIES)?,
            "{branch} is protected, so it can only start at a commit of {base_ref} that holds the \
             current policies"
        );
        Ok(())
    }

    /// Judges a commit on a base: the merge of an approved change, or one that touches no governed
    /// path.
    fn commit(&self, branch: &str, commit: &Commit, tips: &mut Tips) -> anyhow::Result<()> {
        let repo = self.git.repo();
        let files = repo.changes(Some(commit.parents[0]), commit.id)?;
        let Some(governed) = files.iter().find(|file| is_governed(&file.path)) else {
            return self.other(commit, &files);
        };
        let [base, head] = commit.parents[..] else {
            let how = match is_governance(&governed.path) {
                true => "`changegate submit --policies NAME`",
                false => "`changegate submit`",
            };
            bail!(
                "it changes {}, but is not the merge of a change: submit the change with {how}, \
                 have it reviewed, and merge it with `changegate merge`",
                governed.path
            );
        };
        self.is_signed_now(commit)?;
        let name = self.open_change_at(base, head, commit)?;
        for folder in [CHANGE, REVIEWS] {
            tips.branch(&self.git, &format!("{folder}{name}"))?;
        }
        let log = self.git.log_tip()?;
        tips.branch(&self.git, OPERATIONS)?;
        ensure!(
            log.is_none() || log_named_by(&commit.message) == log,
            "{OPERATIONS} has moved since it was judged, so that it {JUDGED_AGAIN}: merge it with \
             `changegate merge {name}`"
        );
        let pull = Pull::of_change(&name, branch, base, head).with_log(log);
        let judgement = self.gate().judge(pull, &[], self.now)?;
        let decision = &judgement.decision;
        ensure!(
            decision.verdict == Verdict::Approved,
            "{name} is {}: {}\nrun `changegate show {name}` for details",
            decision.verdict,
            one_line(decision)
        );
        let seen = Seen::in_message(&commit.message);
        self.was_seen(seen)?;
        let tree = merge_tree(repo, &judgement.pull)?;
        ensure!(
            commit.tree == tree,
            "the merge of {name} differs from what was approved: merge it with `changegate merge \
             {name}`"
        );
        ensure!(
            repo.is_made_of(
                commit.id,
                tree,
                &[base, head],
                &merge_message(decision, &name, log.map(|it| it.to_string()), seen)
            )?,
            "the merge commit holds something else than the decision, such as another message, \
             author or date: merge it with `changegate merge {name}`"
        );
        self.judges.leaves_policies(repo, base, commit.id, |org| self.git.open(org), self.now)
    }

    /// Judges a commit that touches no governed path: nothing, if the settings leave such commits
    /// free. It must not bring commits that do, since they would count as merged.
    fn other(&self, commit: &Commit, files: &[FileChange]) -> anyhow::Result<()> {
        let repo = self.git.repo();
        let base = commit.parents[0];
        ensure!(
            self.judges.at(repo, base)?.bundle().org.settings.other_paths.is_free(),
            "it changes {}, and the settings refuse everything but change requests and changes of \
             the policies (`other_paths: refused` in policies/org/settings/data.yaml)",
            files.first().map_or("nothing", |file| &file.path)
        );
        for id in repo.commits_between(Some(base), commit.id)? {
            if id != commit.id
                && let Some(path) = governed_by(repo, &repo.commit(id)?)?
            {
                bail!(
                    "it brings {}, which changes {path}, without the merge of a change: leave that \
                     commit out, or submit it with `changegate submit`",
                    short(id)
                );
            }
        }
        Ok(())
    }

    /// Returns the name of the open change that a merge brings. Anybody can push another branch at the
    /// same commit, so that the merge says which one it is.
    pub(super) fn open_change_at(
        &self,
        base: Oid,
        head: Oid,
        merge: &Commit,
    ) -> anyhow::Result<String> {
        let mut names = self.git.branches.below(CHANGE)?;
        names.retain(|(_, tip)| *tip == head);
        // Where it doesn't say so, most likely the one with the name of its request is meant.
        let changeset = Changeset::of(self.git.repo(), base, head, "")?;
        let id = changeset.path.as_deref().map(stem);
        let is_meant = |name: &str| (merge_names(merge, name), Some(name) == id);
        let meant = names.into_iter().map(|(name, _)| name).max_by_key(|name| is_meant(name));
        let name = meant.with_context(|| {
            let head = short(head);
            format!(
                "it merges {head}, which is not a submitted change: push that as {CHANGE}<id> first"
            )
        })?;
        ensure!(
            !self.is_closed(&name)?,
            "{name} is closed: reopen it with `changegate close {name} --reopen`"
        );
        Ok(name)
    }

    /// Checks that a merge is signed by somebody in the roster, and dated now.
    fn is_signed_now(&self, commit: &Commit) -> anyhow::Result<()> {
        let Some(org) = self.org() else { return Ok(()) };
        let signer = People::of(&org.roster).signer(self.git.repo(), commit);
        let email = &commit.committer.email;
        if let Some(unproven) = signer.unproven.filter(|why| !org.tolerates(*why)) {
            bail!("it is not proven that {email} merged it: {unproven}; {}", remedy(unproven));
        }
        self.not_backdated(commit)
    }
}

/// Whether the title of a merge is that of the change with this name.
fn merge_names(merge: &Commit, name: &str) -> bool {
    let named = merge.title().strip_prefix("Merge ").and_then(|rest| rest.strip_prefix(name));
    named.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
}

/// Returns a governed path that a commit itself changes, so that it differs from all its parents.
fn governed_by(repo: &Repo, commit: &Commit) -> anyhow::Result<Option<String>> {
    let governed = |parent| -> anyhow::Result<BTreeSet<String>> {
        let paths = repo.changes(parent, commit.id)?.into_iter().map(|file| file.path);
        Ok(paths.filter(|path| is_governed(path)).collect())
    };
    let (first, others) = match commit.parents.split_first() {
        Some((first, others)) => (Some(*first), others),
        None => (None, &[][..]),
    };
    let mut paths = governed(first)?;
    for parent in others {
        paths = &paths & &governed(Some(*parent))?;
    }
    Ok(paths.pop_first())
}
