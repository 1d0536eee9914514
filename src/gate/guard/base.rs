//! Guards protected bases: they move forward only, by merges of approved changes.

use anyhow::{Context as _, bail, ensure};

use super::{Guard, Update, remedy};
use crate::content::{Changeset, short};
use crate::core::layout::{POLICIES, stem};
use crate::core::terms::Verdict;
use crate::forge::Pull;
use crate::forge::git::{CHANGE, DEFAULT_BASES, People};
use crate::gate::merge::merge_tree;
use crate::git::{Commit, Oid};
use crate::report::{merge_message, one_line};

impl Guard {
    pub(super) fn base(&self, branch: &str, update: &Update) -> anyhow::Result<Vec<String>> {
        let repo = self.git.repo();
        let Some(new) = update.new else {
            bail!("{branch} can't be deleted: it is the record of what was merged");
        };
        let Some(old) = update.old else {
            self.begins(branch, new)?;
            return Ok(vec![format!("{branch} begins here, and is guarded from now on")]);
        };
        ensure!(
            repo.leads_to(old, new)?,
            "{branch} can't be taken back or rewritten: what was merged stays; to undo a change, \
             submit another one"
        );
        let mut notes = Vec::new();
        let mut merges = Vec::new();
        let mut next = new;
        while next != old {
            let commit = repo.commit(next)?;
            next = *commit.parents.first().with_context(|| {
                format!("{branch} would leave the line that it was on at {}", short(old))
            })?;
            merges.push(commit);
        }
        for commit in merges.iter().rev() {
            let base = commit.parents[0];
            if repo.entry(base, POLICIES)?.is_none() {
                ensure!(
                    self.judge.is_none(),
                    "{branch} holds no policies to judge {} by: let it begin anew at {}",
                    short(commit.id),
                    self.git.base_ref
                );
                notes.push(format!(
                    "{} came in unjudged: {branch} holds no policies yet; add them with \
                     `changegate init`",
                    short(commit.id)
                ));
                continue;
            }
            self.merge(branch, commit)
                .with_context(|| format!("{} isn't let into {branch}", short(commit.id)))?;
        }
        self.judges.leaves_policies(repo, old, new)?;
        Ok(notes)
    }

    /// Judges the beginning of a protected branch: beside a guarded one only from what that holds,
    /// and under no name by which it would be taken for that one.
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
            "{branch} would take the place of {base_ref}, the branch that changes go to here"
        );
        let base = self.git.base()?;
        ensure!(
            repo.leads_to(new, base)?
                && repo.entry(new, POLICIES)? == repo.entry(base, POLICIES)?,
            "{branch} is protected, and can only begin at a commit of {base_ref} that holds the \
             policies of now"
        );
        Ok(())
    }

    /// Judges a commit on a base: the merge of an approved change, and nothing else.
    fn merge(&self, branch: &str, commit: &Commit) -> anyhow::Result<()> {
        let repo = self.git.repo();
        let [base, head] = commit.parents[..] else {
            bail!(
                "it isn't the merge of a change; submit what it does (`changegate submit`), have it \
                 reviewed, and then `changegate merge` it"
            );
        };
        self.made_now_by_somebody(commit)?;
        let mut names = Vec::new();
        for (name, tip) in self.git.branches.below(CHANGE)? {
            if tip == head {
                names.push((self.is_closed(&name)?, name));
            }
        }
        ensure!(
            !names.is_empty(),
            "what it merges, {}, is no submitted change: push it as {CHANGE}<id> first",
            short(head)
        );
        // A name that the request doesn't have is somebody's mistake, or worse.
        let brought = Changeset::of(repo, base, head, "")?;
        let id = brought.path.as_deref().map(stem);
        if names.iter().any(|(_, name)| Some(name.as_str()) == id) {
            names.retain(|(_, name)| Some(name.as_str()) == id);
        }
        // One of several names may have been a mistake, which is closed.
        names.sort_unstable();
        if let Some((true, name)) = names.first() {
            bail!("{name} was given up: take it up again with `changegate close {name} --reopen`");
        }
        let gate = self.gate();
        for (_, name) in names.into_iter().filter(|(is_closed, _)| !is_closed) {
            let pull = Pull {
                name: name.clone(),
                id: Some(name.clone()),
                base_ref: Some(branch.to_owned()),
                base,
                head,
            };
            let judgement = gate.judge(pull, &[], self.now)?;
            let decision = &judgement.decision;
            ensure!(
                decision.verdict == Verdict::Approved,
                "{name} is {}: {}\n`changegate show {name}` tells more",
                decision.verdict,
                one_line(decision)
            );
            ensure!(
                commit.tree == merge_tree(repo, &judgement.pull)?,
                "the merge of {name} holds other content than was approved: merge it with \
                 `changegate merge {name}`"
            );
            ensure!(
                commit.message.trim_end() == merge_message(decision, &name).trim_end(),
                "the message of the merge doesn't say what was decided: merge it with `changegate \
                 merge {name}`"
            );
        }
        self.judges.leaves_policies(repo, base, commit.id)
    }

    /// A merge is signed by somebody of the roster, and made now.
    fn made_now_by_somebody(&self, commit: &Commit) -> anyhow::Result<()> {
        let Some(org) = self.org() else { return Ok(()) };
        let signer = People::of(&org.roster).signer(self.git.repo(), commit);
        let email = &commit.committer.email;
        if let Some(unproven) = signer.unproven.filter(|why| !org.tolerates(*why)) {
            bail!("it isn't shown that {email} merged it: {unproven}; {}", remedy(unproven));
        }
        self.not_backdated(commit)
    }
}
