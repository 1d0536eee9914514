//! The gate: judges a pull request, from its name to the published decision.
//!
//! ```text
//! collect: base and head ─▶ policies at base ─▶ evidence ─▶ the request at head
//! decide:  the judge
//! record:  on GitHub, where the settings want it ([`writer`])
//! publish: look again, publish on the forge, and look once more; start over if anything has changed,
//!          or if it is unknown whether the forge has accepted the decision
//! ```

use anyhow::{Context as _, bail, ensure};

use crate::content::{Changeset, bundle_files, request_at};
use crate::core::decision::{Case, Decided, Decision};
use crate::core::evidence::{Evidence, PullRequest, SameHead};
use crate::core::input::just_submitted;
use crate::core::layout::{POLICIES, is_below, is_governed, stem, table_at};
use crate::core::org::Org;
use crate::core::policy::PolicyBundle;
use crate::core::request::RequestFile;
use crate::core::terms::Verdict;
use crate::core::time::Time;
use crate::forge::github::Answered;
use crate::forge::{Forge, Published, Pull};
use crate::git::{FileChange, Oid, Repo};
use crate::report::Judged;
use judge::{Judge, Judges};

pub mod apart;
pub mod approval;
pub mod arrivals;
pub mod cpu;
pub mod erasure;
pub mod execution;
pub mod guard;
pub mod judge;
pub mod keys;
pub mod merge;
pub mod reconciling;
pub mod record;
pub mod recording;
mod same_head;
pub mod signing;
pub mod trial;
pub mod watchdog;
pub mod witnessing;
pub mod writer;

/// The number of attempts when branches change in the meantime, or answers of the forge get lost.
const ATTEMPTS: usize = 5;

/// The codes of what the gate itself finds wrong with a request.
pub const REFUSALS: [&str; 2] = ["request/merge", "request/branch"];

/// Judges the pull requests of a forge.
pub struct Gate<'a, F: Forge> {
    repo: &'a Repo,
    forge: &'a F,
    judges: Judges,
}

/// A decision on a pull request, with everything that it is based on.
pub struct Judgement {
    /// The pull request when it was judged.
    pub pull: Pull,
    /// The evidence about it.
    pub evidence: Evidence,
    /// The request file; `None` for a policy change.
    pub file: Option<RequestFile>,
    /// The text of the request file.
    pub source: String,
    /// The decision.
    pub decision: Decision,
    /// The input document as canonical JSON; `None` if the policies were not evaluated.
    pub input: Option<String>,
    /// The names of the other open pull requests with the same head that were judged with it.
    pub with_head: Vec<String>,
    judge: Judge,
}

/// The result of recording a decision.
pub enum Recorded {
    /// Nothing is recorded here.
    Nowhere,
    /// It is recorded with this entry.
    As(Answered),
    /// Something has changed since it was made: it has to be made again.
    Outdated,
}

impl Judgement {
    /// Returns the policy bundle that decided.
    pub fn bundle(&self) -> &PolicyBundle {
        self.judge.bundle()
    }

    /// Returns the pull request as a merge queue is about to merge it: into the commit `onto`.
    ///
    /// # Errors
    /// When an earlier pull request in the queue changes the policies.
    pub fn queued_onto(&self, repo: &Repo, onto: Oid) -> anyhow::Result<Pull> {
        ensure!(
            repo.entry(self.pull.base, POLICIES)? == repo.entry(onto, POLICIES)?,
            "a pull request before {} in the merge queue changes the policies: queue it again when \
             that one is merged",
            self.pull.name
        );
        Ok(Pull { base: onto, ..self.pull.clone() })
    }

    /// Returns the verdicts on other pull requests with the same head, as far as they matter.
    pub fn same_head(&self) -> &[SameHead] {
        self.evidence.pull_request.as_ref().map_or(&[], |pull_request| &pull_request.same_head)
    }

    /// Returns the paths of the files that the pull request changes.
    pub fn changed_files(&self) -> &[String] {
        let pull_request = self.evidence.pull_request.as_ref();
        pull_request.and_then(|pull_request| pull_request.files.as_deref()).unwrap_or_default()
    }

    /// Returns the input of reports.
    pub fn judged(&self) -> Judged<'_> {
        Judged {
            decision: &self.decision,
            request: self.file.as_ref().and_then(|file| file.request.as_ref()),
            source: &self.source,
        }
    }
}

impl<'a, F: Forge> Gate<'a, F> {
    /// Makes the gate of a forge whose commits are in `repo`.
    pub fn new(repo: &'a Repo, forge: &'a F, judges: Judges) -> Self {
        Gate { repo, forge, judges }
    }

    /// Returns the judges that decide here.
    pub fn judges(&self) -> &Judges {
        &self.judges
    }

    /// Judges a pull request as it is now, with the others that share its head, and publishes the
    /// decision on the forge: that on the one of them that [`Gate::deciding`] finds. Returns `None`
    /// if they all go to unprotected branches. `clock` is read for each attempt, because the forge
    /// can make us wait.
    ///
    /// # Errors
    /// When no decision could be made or published.
    pub fn check(&self, name: &str, clock: impl Fn() -> Time) -> anyhow::Result<Option<Judgement>> {
        self.check_recorded(name, clock, |_, _| Ok(Recorded::Nowhere))
    }

    /// Judges a pull request as [`Gate::check`] does, and publishes nothing.
    ///
    /// # Errors
    /// When no decision could be made.
    pub fn look(&self, name: &str, now: Time) -> anyhow::Result<Option<Judgement>> {
        self.deciding(self.protected_with_head(name)?, now)
    }

    /// Judges a pull request as [`Gate::check`] does, and has each decision recorded before it is
    /// published, at the time that it is recorded.
    ///
    /// # Errors
    /// When no decision could be made, recorded or published.
    pub fn check_recorded(
        &self,
        name: &str,
        clock: impl Fn() -> Time,
        record: impl Fn(&Judgement, Time) -> anyhow::Result<Recorded>,
    ) -> anyhow::Result<Option<Judgement>> {
        let mut unclear = None;
        for _ in 0..ATTEMPTS {
            let now = clock();
            let with_head = self.protected_with_head(name)?;
            let Some(judgement) = self.deciding(with_head, now)? else { return Ok(None) };
            let until = judgement.decision.next_change_at;
            let Judgement { pull, evidence, with_head, .. } = &judgement;
            let (judged, org) = (judgement.judged(), &judgement.bundle().org);
            let recorded = match record(&judgement, clock())? {
                Recorded::Nowhere => None,
                Recorded::As(entry) => Some(entry),
                Recorded::Outdated => continue,
            };
            match self.forge.publish(pull, with_head, &judged, evidence, org, recorded.as_ref())? {
                Published::Yes if until.is_none_or(|until| clock() < until) => {
                    return Ok(Some(judgement));
                }
                Published::Yes | Published::Moved => unclear = None,
                // The next attempt reads everything again, and so sees what was published.
                Published::Unclear(why) => unclear = Some(why),
            }
        }
        match unclear {
            Some(why) => Err(why),
            None => bail!("{name} changed each time while it was being judged: try again"),
        }
    }

    /// Whether the base branch of a pull request is protected. The base itself doesn't decide that:
    /// otherwise anyone could make a branch whose policies approve everything.
    fn is_protected(&self, pull: &Pull) -> anyhow::Result<bool> {
        let Some(commit) = self.forge.protecting(pull)? else { return Ok(true) };
        let judge = self.judges.at(self.repo, commit)?;
        let protected = &judge.bundle().org.settings.protected_bases;
        Ok(pull.base_ref.as_ref().is_some_and(|base| protected.contains(base)))
    }

    /// Judges a pull request as of `now`, by the policies at its base. `same_head` are the verdicts
    /// on other pull requests with the same head, if they share one published decision.
    ///
    /// # Errors
    /// When no decision could be made.
    pub fn judge(
        &self,
        pull: Pull,
        same_head: &[SameHead],
        now: Time,
    ) -> anyhow::Result<Judgement> {
        let judge = self.judges.at(self.repo, pull.base)?;
        self.judge_by(judge, pull, same_head, now)
    }

    /// Judges a pull request by other policies than those at its base.
    ///
    /// # Errors
    /// When no decision could be made.
    fn judge_by(
        &self,
        judge: Judge,
        pull: Pull,
        same_head: &[SameHead],
        now: Time,
    ) -> anyhow::Result<Judgement> {
        let changeset = Changeset::of(self.repo, pull.base, pull.head, &pull.name)?;
        let base = pull.base_ref.as_deref().unwrap_or("the base");
        ensure!(
            !changeset.files.is_empty(),
            "{} changes nothing on {base}: it is merged there already, or it is empty",
            pull.name
        );
        let org = &judge.bundle().org;
        let ungoverned = match org.settings.other_paths.is_free() {
            true => self.ungoverned(&pull, &changeset, now)?,
            false => None,
        };
        if let Some(evidence) = ungoverned {
            let case = Case { file: None, evidence: &evidence, brings: None, now };
            let decision = judge.decide(&case)?.decision;
            return Ok(Judgement {
                pull,
                evidence,
                file: None,
                source: String::new(),
                decision,
                input: None,
                with_head: Vec::new(),
                judge,
            });
        }
        changeset.refuse_unclear_paths(pull.head)?;
        let mut evidence = self.forge.evidence(&pull, &changeset, org, now)?;
        if let Some(pull_request) = &mut evidence.pull_request {
            pull_request.same_head = same_head.to_vec();
        }
        let (mut file, source) = request(self.repo, &pull, &changeset)?.unzip();
        if self.forge.merges()
            && let Some(why) = self.merge_problem(&pull, &changeset)?
        {
            match &mut file {
                Some(file) => file.refuse("request/merge", &why, &update_branch(base)),
                None => bail!("{why}: {}", update_branch(base)),
            }
        }
        let brings = tables_after(self.repo, pull.head, &changeset);
        let case = Case { file: file.as_ref(), evidence: &evidence, brings: brings.as_ref(), now };
        let decided = judge.decide(&case);
        let decided = decided.with_context(|| format!("cannot judge {}", pull.name))?;
        let Decided { decision, input } = decided;
        // New policies are only loaded after people have approved them.
        if self.forge.merges() && decision.verdict == Verdict::Approved {
            self.loads_approved_policies(&pull, &changeset, now)?;
        }
        let source = source.unwrap_or_default();
        let with_head = Vec::new();
        Ok(Judgement { pull, evidence, file, source, decision, input, with_head, judge })
    }

    /// Returns all the evidence that a pull request needs that touches no governed path: the files
    /// that it and its merge change. `None` if it has to be judged.
    fn ungoverned(
        &self,
        pull: &Pull,
        changeset: &Changeset,
        now: Time,
    ) -> anyhow::Result<Option<Evidence>> {
        let is_free = |files: &[FileChange]| !files.iter().any(|file| is_governed(&file.path));
        if !is_free(&changeset.files) {
            return Ok(None);
        }
        // Where Git's merge isn't a simple one, whatever differs from the base could be its result.
        let merged = match self.repo.merge_changes(pull.base, pull.head)? {
            Some(merged) => merged,
            None => self.repo.changes(Some(pull.base), pull.head)?,
        };
        let files = changeset.files.iter().chain(&merged).map(|file| file.path.clone());
        let pull_request = PullRequest {
            base_ref: pull.base_ref.clone(),
            files: Some(files.collect()),
            ..just_submitted(None, now)
        };
        let evidence = Evidence { pull_request: Some(pull_request), ..Evidence::default() };
        Ok(is_free(&merged).then_some(evidence))
    }

    /// Returns why the forge's merge would differ from what is judged, or `None` if it wouldn't.
    fn merge_problem(&self, pull: &Pull, changeset: &Changeset) -> anyhow::Result<Option<String>> {
        let base = pull.base_ref.as_deref().unwrap_or("the base");
        let Some(merged) = self.repo.merge_changes(pull.base, pull.head)? else {
            return Ok(Some(format!("{} conflicts with {base}", pull.name)));
        };
        let unlike = changeset.unlike(self.repo, pull.base, &merged)?;
        Ok(unlike.map(|path| {
            format!("after a merge into {base}, {path} would differ from what is judged")
        }))
    }

    /// Checks that the policies after a policy change can be used to judge the next change.
    fn loads_approved_policies(
        &self,
        pull: &Pull,
        changeset: &Changeset,
        now: Time,
    ) -> anyhow::Result<()> {
        if !changeset.files.iter().any(|file| is_below(&file.path, POLICIES)) {
            return Ok(());
        }
        let files = changeset.files.iter().map(|file| (file.path.as_str(), file.after));
        let merged = self.repo.store_tree(Some(pull.base), files)?;
        let others = |org: &Org| self.forge.others(pull, org);
        self.judges.leaves_policies(self.repo, pull.base, merged, others, now)
    }

    /// Returns the organisation data at a commit.
    ///
    /// # Errors
    /// When the policies there can't be used.
    pub fn org_at(&self, commit: Oid) -> anyhow::Result<Org> {
        Ok(self.judges.at(self.repo, commit)?.bundle().org.clone())
    }
}

/// Reads the request of a pull request at head, with the text of its file.
fn request(
    repo: &Repo,
    pull: &Pull,
    changeset: &Changeset,
) -> anyhow::Result<Option<(RequestFile, String)>> {
    let Some(path) = &changeset.path else { return Ok(None) };
    let (mut file, source) = request_at(repo, pull.head, path)?;
    if let Some(id) = pull.id.as_ref().filter(|id| stem(path) != id.as_str()) {
        file.refuse(
            "request/branch",
            &format!("the branch is named after {id}, but its request is {}", stem(path)),
            &format!("name the branch after {}", stem(path)),
        );
    }
    Ok(Some((file, source)))
}

/// Returns the tables that a change of policies brings at its head, if it changes them and they can be
/// read: otherwise it fails when they are loaded.
pub fn tables_after(repo: &Repo, head: Oid, changeset: &Changeset) -> Option<Org> {
    let changes_tables = |file: &FileChange| table_at(&file.path).is_some();
    if changeset.path.is_some() || !changeset.files.iter().any(changes_tables) {
        return None;
    }
    tables_at(repo, head)
}

/// Returns the tables at a commit, as far as they can be read.
pub fn tables_at(repo: &Repo, commit: Oid) -> Option<Org> {
    PolicyBundle::tables(&bundle_files(repo, commit).ok()?).ok()
}

/// Returns what to do if a merge would differ from what is judged.
fn update_branch(base: &str) -> String {
    format!("merge {base} into the branch, and check that the request is still right")
}
