//! The gate: what a pull request may do, from its name to the answer.
//!
//! ```text
//! collect: where base and head stand ─▶ policies at base ─▶ facts ─▶ the request at head
//! decide:  the judge
//! publish: head and base read again, and the forge is told; all of it anew if one has moved, or if
//!          nobody knows whether the forge took it
//! ```

use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};

use crate::content::{Changeset, request_at};
use crate::core::decision::{Case, Decision};
use crate::core::evidence::{Evidence, SameHead};
use crate::core::layout::{POLICIES, is_below, stem};
use crate::core::org::Org;
use crate::core::policy::PolicyBundle;
use crate::core::request::RequestFile;
use crate::core::terms::Verdict;
use crate::core::time::Time;
use crate::forge::{Forge, Published, Pull};
use crate::git::{Oid, Repo};
use crate::report::Judged;
use judge::{Judge, Judges};

pub mod cpu;
pub mod guard;
pub mod judge;
pub mod merge;
pub mod watchdog;

/// How often everything is done anew when branches move meanwhile, or answers get lost.
const ATTEMPTS: usize = 5;

/// Judges the pull requests of a forge.
pub struct Gate<'a, F: Forge> {
    repo: &'a Repo,
    forge: &'a F,
    judges: Judges,
}

/// A pull request, judged.
pub struct Judgement {
    /// Where it stood.
    pub pull: Pull,
    /// The facts about it.
    pub evidence: Evidence,
    /// The request as read; nothing for a change of policies.
    pub file: Option<RequestFile>,
    /// The request file's text.
    pub source: String,
    /// The decision.
    pub decision: Decision,
    judge: Arc<Judge>,
}

impl Judgement {
    /// The bundle that decided.
    pub fn bundle(&self) -> &PolicyBundle {
        self.judge.bundle()
    }

    /// Returns the same pull request as a merge queue is about to merge it: on what the queue puts before
    /// it.
    ///
    /// # Errors
    /// When what comes before it changes the policies.
    pub fn queued_onto(&self, repo: &Repo, onto: Oid) -> anyhow::Result<Pull> {
        ensure!(
            repo.entry(self.pull.base, POLICIES)? == repo.entry(onto, POLICIES)?,
            "what stands before {} in the merge queue changes the policies: queue it again when that \
             is merged",
            self.pull.name
        );
        Ok(Pull { base: onto, ..self.pull.clone() })
    }

    /// Returns the verdicts on others that share its head.
    pub fn same_head(&self) -> &[SameHead] {
        self.evidence.pull_request.as_ref().map_or(&[], |it| &it.same_head)
    }

    /// What reports are made of.
    pub fn judged(&self) -> Judged<'_> {
        Judged {
            decision: &self.decision,
            request: self.file.as_ref().and_then(|file| file.request.as_ref()),
            source: &self.source,
        }
    }
}

impl<'a, F: Forge> Gate<'a, F> {
    /// A gate to a forge, whose commits are in `repo`.
    pub fn new(repo: &'a Repo, forge: &'a F, judges: Judges) -> Self {
        Gate { repo, forge, judges }
    }

    /// Returns what decides here.
    pub fn judges(&self) -> &Judges {
        &self.judges
    }

    /// Judges a pull request as it is now, and publishes the decision on the forge. `None` if it goes to
    /// a branch whose pull requests aren't judged.
    ///
    /// # Errors
    /// When nothing could be decided.
    pub fn check(&self, name: &str, now: Time) -> anyhow::Result<Option<Judgement>> {
        let mut unclear = None;
        for _ in 0..ATTEMPTS {
            let pull = self.forge.pull(name)?;
            if !self.is_protected(&pull)? {
                return Ok(None);
            }
            let same_head = self.verdicts_on_siblings(&pull, now)?;
            let judgement = self.judge(pull, &same_head, now)?;
            let Judgement { pull, evidence, .. } = &judgement;
            let (judged, org) = (judgement.judged(), &judgement.bundle().org);
            match self.forge.publish(pull, &judged, evidence, org)? {
                Published::Yes => return Ok(Some(judgement)),
                Published::Moved => unclear = None,
                // Something else may have happened by now: what is missing is decided on what is there.
                Published::Unclear(why) => unclear = Some(why),
            }
        }
        match unclear {
            Some(why) => Err(why),
            None => bail!("{name} moves faster than it can be judged: try again"),
        }
    }

    /// Whether a pull request goes to a branch whose pull requests are judged. A branch doesn't say
    /// so itself: anyone could then make one with policies that approve everything.
    fn is_protected(&self, pull: &Pull) -> anyhow::Result<bool> {
        let Some(commit) = self.forge.protecting(pull)? else { return Ok(true) };
        let judge = self.judges.at(self.repo, commit)?;
        let protected = &judge.bundle().org.settings.protected_bases;
        Ok(pull.base_ref.as_ref().is_some_and(|base| protected.contains(base)))
    }

    /// The verdicts on the pull requests that share this one's head, each by itself.
    fn verdicts_on_siblings(&self, pull: &Pull, now: Time) -> anyhow::Result<Vec<SameHead>> {
        let mut verdicts = Vec::new();
        for name in self.forge.siblings(pull)? {
            let pull = self.forge.pull(&name)?;
            if !self.is_protected(&pull)? {
                continue;
            }
            let judgement = self.judge(pull, &[], now)?;
            let number = judgement.evidence.pull_request.as_ref().and_then(|it| it.number);
            let Decision { verdict, next_change_at, .. } = judgement.decision;
            verdicts.extend(number.map(|number| SameHead { number, verdict, next_change_at }));
        }
        Ok(verdicts)
    }

    /// Judges a pull request as it was at a moment, by the policies at its base. `same_head` are the
    /// verdicts on others that share its head, where one answer stands for all of them.
    ///
    /// # Errors
    /// When nothing could be decided.
    pub fn judge(
        &self,
        pull: Pull,
        same_head: &[SameHead],
        now: Time,
    ) -> anyhow::Result<Judgement> {
        let judge = self.judges.at(self.repo, pull.base)?;
        let brought = Changeset::of(self.repo, pull.base, pull.head, &pull.name)?;
        let base = pull.base_ref.as_deref().unwrap_or("the base");
        ensure!(
            !brought.files.is_empty(),
            "{} brings nothing to {base}: it is merged there already, or changes nothing",
            pull.name
        );
        brought.refuse_twins(pull.head)?;
        let mut evidence = self.forge.evidence(&pull, &brought, &judge.bundle().org, now)?;
        if let Some(pull_request) = &mut evidence.pull_request {
            pull_request.same_head = same_head.to_vec();
        }
        let (mut file, source) = request(self.repo, &pull, &brought)?.unzip();
        if self.forge.merges()
            && let Some(why) = self.merge_problem(&pull, &brought)?
        {
            match &mut file {
                Some(file) => file.refuse("request/merge", &why, &update_branch(base)),
                None => bail!("{why}: {}", update_branch(base)),
            }
        }
        let case = Case { file: file.as_ref(), evidence: &evidence, now };
        let decided = judge.decide(&case);
        let decision = decided.with_context(|| format!("decide {}", pull.name))?.decision;
        // Not before people have approved of them: nobody's policies are loaded just so.
        if self.forge.merges() && decision.verdict == Verdict::Approved {
            self.loads_approved_policies(&pull, &brought)?;
        }
        let source = source.unwrap_or_default();
        Ok(Judgement { pull, evidence, file, source, decision, judge })
    }

    /// Why the forge's merge would leave something else on the base than what is judged; nothing if it
    /// wouldn't.
    fn merge_problem(&self, pull: &Pull, brought: &Changeset) -> anyhow::Result<Option<String>> {
        let base = pull.base_ref.as_deref().unwrap_or("the base");
        let Some(merged) = self.repo.merge_changes(pull.base, pull.head)? else {
            return Ok(Some(format!("this can't be merged into {base} without a conflict")));
        };
        let unlike = brought.unlike(self.repo, pull.base, &merged)?;
        Ok(unlike
            .map(|path| format!("merged into {base}, {path} would not be what is judged here")))
    }

    /// Makes sure that a change of policies leaves some by which the next change can be judged.
    fn loads_approved_policies(&self, pull: &Pull, brought: &Changeset) -> anyhow::Result<()> {
        if !brought.files.iter().any(|file| is_below(&file.path, POLICIES)) {
            return Ok(());
        }
        let files = brought.files.iter().map(|file| (file.path.as_str(), file.after));
        let merged = self.repo.store_tree(Some(pull.base), files)?;
        self.judges.leaves_policies(self.repo, pull.base, merged)
    }

    /// The organisation at a commit.
    ///
    /// # Errors
    /// When the policies there can't be used.
    pub fn org_at(&self, commit: Oid) -> anyhow::Result<Org> {
        Ok(self.judges.at(self.repo, commit)?.bundle().org.clone())
    }
}

/// The request that a pull request brings, at head, with the file's text.
fn request(
    repo: &Repo,
    pull: &Pull,
    brought: &Changeset,
) -> anyhow::Result<Option<(RequestFile, String)>> {
    let Some(path) = &brought.path else { return Ok(None) };
    let (mut file, source) = request_at(repo, pull.head, path)?;
    if let Some(id) = pull.id.as_ref().filter(|id| stem(path) != id.as_str()) {
        file.refuse(
            "request/branch",
            &format!("the branch is called after {id}, and brings {}", stem(path)),
            &format!("call the branch after {}", stem(path)),
        );
    }
    Ok(Some((file, source)))
}

/// What helps where a merge would bring something else.
fn update_branch(base: &str) -> String {
    format!("merge {base} into the branch, and look whether it still says what it should")
}
