//! The gate: what a pull request may do, from its name to the answer.
//!
//! ```text
//! collect: where base and head stand ─▶ policies at base ─▶ facts ─▶ the request at head
//! decide:  decision::decide
//! publish: head and base read again, and the forge is told; all of it anew if one has moved, or if
//!          nobody knows whether the forge took it
//! ```

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use anyhow::{Context as _, bail, ensure};

use crate::content::{Changeset, bundle_files, request_at, short};
use crate::core::decision::{Case, Decision, decide};
use crate::core::evidence::{Evidence, SameHead};
use crate::core::layout::{POLICIES, is_below, stem};
use crate::core::org::Org;
use crate::core::policy::{Evaluator, PolicyBundle};
use crate::core::request::RequestFile;
use crate::core::terms::Verdict;
use crate::core::time::Time;
use crate::forge::{Forge, Published, Pull};
use crate::git::{Oid, Repo};
use crate::report::Judged;
use watchdog::Watchdog;

pub mod cpu;
pub mod guard;
pub mod merge;
pub mod watchdog;

/// How often everything is done anew when branches move meanwhile, or answers get lost.
const ATTEMPTS: usize = 5;

/// Judges the pull requests of a forge.
pub struct Gate<'a, F: Forge> {
    repo: &'a Repo,
    forge: &'a F,
    /// Bundles that were loaded, by the commit that holds them.
    loaded: RefCell<HashMap<Oid, Rc<Loaded>>>,
}

/// A bundle, ready to decide.
struct Loaded {
    bundle: PolicyBundle,
    watchdog: Watchdog,
    evaluator: RefCell<Evaluator>,
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
    loaded: Rc<Loaded>,
}

impl Judgement {
    /// The bundle that decided.
    pub fn bundle(&self) -> &PolicyBundle {
        &self.loaded.bundle
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
    pub fn new(repo: &'a Repo, forge: &'a F) -> Self {
        Gate { repo, forge, loaded: RefCell::default() }
    }

    /// Judges a pull request as it stands, and tells the forge.
    ///
    /// # Errors
    /// When nothing could be decided, or when it goes to a branch whose pull requests aren't judged.
    pub fn check(&self, name: &str, now: Time) -> anyhow::Result<Judgement> {
        let judgement = self.check_if_protected(name, now)?;
        judgement
            .with_context(|| format!("{name} goes to a branch that the settings don't protect"))
    }

    /// The same; nothing if it goes to a branch whose pull requests aren't judged.
    ///
    /// # Errors
    /// When nothing could be decided.
    pub fn check_if_protected(&self, name: &str, now: Time) -> anyhow::Result<Option<Judgement>> {
        let mut unclear = None;
        for _ in 0..ATTEMPTS {
            let pull = self.forge.pull(name)?;
            if !self.is_protected(&pull)? {
                return Ok(None);
            }
            let same_head = self.verdicts_on_siblings(&pull, now)?;
            let judgement = self.judge_beside(pull, same_head, now)?;
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
        let loaded = self.loaded_at(commit)?;
        Ok(pull
            .base_ref
            .as_ref()
            .is_some_and(|base| loaded.bundle.org.settings.protected_bases.contains(base)))
    }

    /// Judges a pull request as it stood at a moment.
    ///
    /// # Errors
    /// When nothing could be decided.
    pub fn judge(&self, pull: Pull, now: Time) -> anyhow::Result<Judgement> {
        self.judge_beside(pull, Vec::new(), now)
    }

    /// The verdicts on the pull requests that share this one's head, each by itself.
    fn verdicts_on_siblings(&self, pull: &Pull, now: Time) -> anyhow::Result<Vec<SameHead>> {
        let mut verdicts = Vec::new();
        for name in self.forge.siblings(pull)? {
            let pull = self.forge.pull(&name)?;
            if !self.is_protected(&pull)? {
                continue;
            }
            let judgement = self.judge(pull, now)?;
            let number = judgement.evidence.pull_request.as_ref().and_then(|it| it.number);
            let Decision { verdict, next_change_at, .. } = judgement.decision;
            verdicts.extend(number.map(|number| SameHead { number, verdict, next_change_at }));
        }
        Ok(verdicts)
    }

    /// Judges a pull request whose answer is that of others, too.
    fn judge_beside(
        &self,
        pull: Pull,
        same_head: Vec<SameHead>,
        now: Time,
    ) -> anyhow::Result<Judgement> {
        let loaded = self.loaded_at(pull.base)?;
        self.judge_by(loaded, pull, same_head, now)
    }

    /// Judges a pull request as a merge queue is about to merge it: by the policies of now, on what the
    /// queue puts before it.
    ///
    /// # Errors
    /// When nothing could be decided, or when what comes before it changes the policies.
    pub fn judge_queued(
        &self,
        judgement: &Judgement,
        onto: Oid,
        now: Time,
    ) -> anyhow::Result<Judgement> {
        let Judgement { pull, evidence, loaded, .. } = judgement;
        ensure!(
            self.repo.entry(pull.base, POLICIES)? == self.repo.entry(onto, POLICIES)?,
            "what stands before {} in the merge queue changes the policies: queue it again when that \
             is merged",
            pull.name
        );
        let same_head = evidence.pull_request.as_ref().map(|it| it.same_head.clone());
        let pull = Pull { base: onto, ..pull.clone() };
        self.judge_by(Rc::clone(loaded), pull, same_head.unwrap_or_default(), now)
    }

    /// Judges a pull request by some policies.
    fn judge_by(
        &self,
        loaded: Rc<Loaded>,
        pull: Pull,
        same_head: Vec<SameHead>,
        now: Time,
    ) -> anyhow::Result<Judgement> {
        let brought = Changeset::of(self.repo, pull.base, pull.head, &pull.name)?;
        let base = pull.base_ref.as_deref().unwrap_or("the base");
        ensure!(
            !brought.files.is_empty(),
            "{} brings nothing to {base}: it is merged there already, or changes nothing",
            pull.name
        );
        brought.refuse_twins(pull.head)?;
        let mut evidence = self.forge.evidence(&pull, &brought, &loaded.bundle.org, now)?;
        if let Some(pull_request) = &mut evidence.pull_request {
            pull_request.same_head = same_head;
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
        let decided = {
            let _watched = loaded.watchdog.watch();
            decide(&case, &loaded.bundle, &mut loaded.evaluator.borrow_mut())
        };
        let decision = decided.with_context(|| format!("decide {}", pull.name))?.decision;
        // Not before people have approved of them: nobody's policies are loaded just so.
        if self.forge.merges() && decision.verdict == Verdict::Approved {
            self.loads_approved_policies(&pull, &brought)?;
        }
        let source = source.unwrap_or_default();
        Ok(Judgement { pull, evidence, file, source, decision, loaded })
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
        leaves_policies(self.repo, pull.base, merged)
    }

    /// The organisation at a commit.
    ///
    /// # Errors
    /// When the policies there can't be used.
    pub fn org_at(&self, commit: Oid) -> anyhow::Result<Org> {
        Ok(self.loaded_at(commit)?.bundle.org.clone())
    }

    /// The policies at a commit.
    fn loaded_at(&self, commit: Oid) -> anyhow::Result<Rc<Loaded>> {
        if let Some(known) = self.loaded.borrow().get(&commit) {
            return Ok(Rc::clone(known));
        }
        let (bundle, watchdog) = policies_at(self.repo, commit)?;
        let evaluator = RefCell::new(bundle.evaluator());
        let loaded = Rc::new(Loaded { bundle, watchdog, evaluator });
        self.loaded.borrow_mut().insert(commit, Rc::clone(&loaded));
        Ok(loaded)
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

/// Makes sure that a merge leaves policies by which the next change can be judged.
///
/// # Errors
/// When nothing could be decided from then on.
pub fn leaves_policies(repo: &Repo, base: Oid, merge: Oid) -> anyhow::Result<()> {
    if repo.entry(base, POLICIES)? != repo.entry(merge, POLICIES)? {
        policies_at(repo, merge).context("nothing could be decided after this merge")?;
    }
    Ok(())
}

/// The policy bundle at a commit, loaded under a watchdog that goes on watching over decisions.
///
/// # Errors
/// When there is none, or when it can't be used.
pub fn policies_at(repo: &Repo, commit: Oid) -> anyhow::Result<(PolicyBundle, Watchdog)> {
    let files = bundle_files(repo, commit)?;
    let watchdog = Watchdog::start(&files);
    let watched = watchdog.watch();
    let bundle = PolicyBundle::load(files, cpu::thread_time).map_err(|error| {
        anyhow::anyhow!("the policies at {} can't be used:\n{error}", short(commit))
    })?;
    drop(watched);
    Ok((bundle, watchdog))
}
