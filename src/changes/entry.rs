//! One entry in the list of changes.

use std::cmp::{Ordering, Reverse};

use schemars::JsonSchema;
use serde::Serialize;

use self::brief::{brief, waits_for};
use super::bypass::Bypass;
use super::progress::{Executions, Progress};
use super::records::{RecordedAs, Records};
use super::story::{ChangeStatus, Stories};
use crate::content::{Changeset, first_title, request_at};
use crate::core::decision::{Decision, ReviewStanding};
use crate::core::evidence::ReviewState;
use crate::core::input::affected_services;
use crate::core::operations::state::{PullState, State};
use crate::core::org::Org;
use crate::core::request::{ChangeRequest, ChangeType};
use crate::core::terms::{Login, Name, RiskTier, Verdict};
use crate::core::time::{Duration, Interval, Time};
use crate::forge::Pull;
use crate::forge::git::Git;
use crate::gate::{Gate, Judgement};
use crate::report::one_line;

mod brief;

/// A change as the list shows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct ListEntry {
    /// The change's name: the id of its request, or the name that a policy change was given.
    pub change: String,
    /// Where the change is, from its submission to its outcome.
    pub state: State,
    /// What became of its pull request: of a merged change that is being amended there are two entries.
    pub pull: PullState,
    /// What was done with it; null where no operations log is kept, and for changes of policies.
    pub progress: Option<Progress>,
    /// What is to be done.
    pub summary: Option<String>,
    /// The person who asks for the change.
    pub requester: Option<Login>,
    /// The requester, the implementer and the author.
    pub people: Vec<Login>,
    /// The risk tier; for a merged change, the recorded one.
    pub tier: Option<RiskTier>,
    /// Whether the change is off-script.
    pub off_script: bool,
    /// The services that the change affects.
    pub services: Vec<String>,
    /// The kind of change; null for a change of policies.
    #[serde(rename = "type")]
    pub kind: Option<ChangeType>,
    /// The actions of its steps.
    pub actions: Vec<Name>,
    /// The targets of its steps.
    pub targets: Vec<Name>,
    /// The verdict on an open change; null if no decision could be made.
    pub verdict: Option<Verdict>,
    /// The reason for the verdict, in one line; for a merged or closed change, who did it.
    pub why: String,
    /// The reason in a few words.
    #[serde(skip)]
    pub brief: String,
    /// Who approved, and whether that counts; of a merged change, who counted.
    pub approvals: Vec<ListedApproval>,
    /// The people who can act now: those who can give a missing sign-off, or the requester if
    /// the change is denied.
    pub waits_for: Vec<Login>,
    /// The time since which it has been open, merged or closed.
    pub since: Option<Time>,
    /// The time at which a missing sign-off becomes overdue; off-script changes only.
    pub due_at: Option<Time>,
    /// Whether a missing sign-off is overdue.
    pub overdue: bool,
    /// The planned time of execution.
    pub planned: Option<Interval>,
    /// Whether the base holds it around the rules: changed without the merge of a change, or merged
    /// although it wasn't approved.
    pub bypassed: bool,
    /// The index of the ledger's entry about its last merge or bypass; null if there is none.
    pub recorded: Option<u64>,
    /// Whether that reached the base since the ledger covers it, and is recorded nowhere.
    pub unrecorded: bool,
}

/// An approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ListedApproval {
    /// Who gave it, on a merged change with what they signed for: `carol (L3)`.
    pub by: String,
    /// Whether it counts.
    pub counts: bool,
}

impl ListEntry {
    /// Returns an entry for a change that can't be judged, so that the list still shows it.
    pub fn unclear(name: &str, pull: PullState, error: &anyhow::Error) -> Self {
        let why = format!("can't be judged: {error:#}");
        let entry = ListEntry { change: name.to_owned(), pull, ..Self::default() };
        ListEntry { state: State::of_pull(pull), brief: why.clone(), why, ..entry }
    }

    /// Orders open changes first: overdue, denied, pending, approved, each with the oldest first.
    /// Merged changes and then those that were given up follow, each with the latest first.
    pub fn by_urgency(&self, other: &Self) -> Ordering {
        let by_time = match self.pull {
            PullState::Open => self.since.cmp(&other.since),
            _ => other.since.cmp(&self.since),
        };
        let key = |entry: &Self| {
            let undecided_first =
                entry.verdict.map_or(Verdict::Denied as u8 + 1, |verdict| verdict as u8);
            (entry.pull, !entry.overdue, Reverse(undecided_first))
        };
        key(self).cmp(&key(other)).then(by_time).then_with(|| self.change.cmp(&other.change))
    }
}

/// After how long a change without a plan, of which nothing is left to wait for, is pointed out.
const UNEXECUTED_AFTER: Duration = Duration::days(30);

/// Makes the entries of the list.
pub struct Lister<'a> {
    /// The forge.
    pub git: &'a Git,
    /// The gate that judges the changes.
    pub gate: &'a Gate<'a, Git>,
    /// The stories of the changes.
    pub stories: &'a Stories<'a>,
    /// What the ledger records of them.
    pub records: &'a Records,
    /// What the operations log says of them.
    pub executions: &'a Executions<'a>,
    /// The organisation data at base.
    pub org: &'a Org,
    /// The time at which the changes are judged.
    pub now: Time,
    /// How many of the people who can give the same sign-off the brief reason names.
    pub most_names: usize,
}

impl Lister<'_> {
    /// Returns the entries of a change, of those that are wanted: that of its last pull request, and that of
    /// its merged version if it is being amended.
    ///
    /// # Errors
    /// When the repository can't be read.
    pub fn entries(
        &self,
        name: &str,
        is_wanted: impl Fn(PullState) -> bool,
    ) -> anyhow::Result<Vec<ListEntry>> {
        let Some(status) = self.stories.status(name)? else { return Ok(Vec::new()) };
        let mut pulls = vec![status.pull];
        // An open branch says nothing of what was merged before it.
        if status.pull == PullState::Open
            && is_wanted(PullState::Merged)
            && self.stories.was_merged(name)?
        {
            pulls.push(PullState::Merged);
        }
        let pulls = pulls.into_iter().filter(|pull| is_wanted(*pull));
        Ok(pulls.map(|pull| self.entry(name, &status, pull)).collect())
    }

    /// Returns the entry of a change, as what became of its pull request, or of an earlier one. If it can't
    /// be judged, the entry says why.
    pub fn entry(&self, name: &str, status: &ChangeStatus, pull: PullState) -> ListEntry {
        let entry = ListEntry { change: name.to_owned(), pull, ..ListEntry::default() };
        let result = match pull {
            PullState::Merged => self.merged(entry, name, status),
            PullState::Open => {
                self.judge(name, status).and_then(|judgement| self.open(entry, &judgement))
            }
            PullState::GivenUp => self.given_up(entry, name, status),
        };
        result.unwrap_or_else(|error| ListEntry::unclear(name, pull, &error))
    }

    fn judge(&self, name: &str, status: &ChangeStatus) -> anyhow::Result<Judgement> {
        let base = self.git.base()?;
        let head = status.head.unwrap_or(base);
        let pull = Pull::of_change(name, &self.git.base_ref, base, head);
        self.gate.judge(pull.with_log(self.git.log_tip()?), &[], self.now)
    }

    fn open(&self, entry: ListEntry, judgement: &Judgement) -> anyhow::Result<ListEntry> {
        let decision = &judgement.decision;
        let submitted = judgement.evidence.pull_request.as_ref();
        let author = submitted.and_then(|pull_request| pull_request.author.as_ref());
        let due_at = decision.sign_off.as_ref().and_then(|sign_off| sign_off.due_at);
        let is_missing = decision.missing().next().is_some();
        let request = judgement.file.as_ref().and_then(|file| file.request.as_ref());
        let mut entry = self.of_request(entry, request)?;
        entry.people.extend(author.filter(|author| !entry.people.contains(author)).cloned());
        let summary = match judgement.file {
            Some(_) => entry.summary.take(),
            None => {
                let pull = &judgement.pull;
                first_title(self.git.repo(), &entry.change, pull.base, pull.head)?
            }
        };
        let brief = beside(brief(decision, self.most_names), entry.progress.as_ref(), entry.state);
        Ok(ListEntry {
            summary,
            tier: decision.tier,
            approvals: approvals(decision),
            verdict: Some(decision.verdict),
            why: one_line(decision),
            brief,
            waits_for: waits_for(decision, author),
            since: submitted.map(|pull_request| pull_request.submitted_at),
            due_at: due_at.filter(|_| is_missing),
            overdue: is_missing && due_at.is_some_and(|due| due < self.now),
            ..entry
        })
    }

    fn given_up(
        &self,
        entry: ListEntry,
        name: &str,
        status: &ChangeStatus,
    ) -> anyhow::Result<ListEntry> {
        let entry = self.open(entry, &self.judge(name, status)?)?;
        let (why, since) = match &status.closed_by {
            Some(closing) => {
                let by = self.stories.who(&closing.commit);
                (format!("closed by {by}"), Some(closing.commit.time))
            }
            None => ("its branch is gone".to_owned(), None),
        };
        Ok(ListEntry {
            verdict: None,
            brief: why.clone(),
            why,
            waits_for: Vec::new(),
            since,
            due_at: None,
            overdue: false,
            ..entry
        })
    }

    fn merged(
        &self,
        entry: ListEntry,
        name: &str,
        status: &ChangeStatus,
    ) -> anyhow::Result<ListEntry> {
        let records = self.records;
        let around = |bypass: &&Bypass| !records.is_merge(bypass.commit.id);
        let (bypasses, merges) = (self.stories.bypasses(name)?, self.stories.merges(name)?);
        let (pushed, merge) = (bypasses.iter().rfind(around), merges.last());
        let last = [pushed.map(|bypass| &bypass.commit), merge.map(|merge| &merge.commit)];
        let last = last.into_iter().flatten().max_by_key(|commit| commit.time);
        let last = last.map(|commit| commit.id);
        let entry = ListEntry {
            recorded: last.and_then(|id| records.of(id)).map(|recorded| recorded.index),
            unrecorded: last.is_some_and(|id| records.lacks(id)),
            ..entry
        };
        let pushed = pushed.map(|bypass| {
            let why = records.of(bypass.commit.id).and_then(RecordedAs::around);
            let why = why.map(|why| format!(": {why}")).unwrap_or_default();
            (bypass, format!("pushed past the rules by {}{why}", self.stories.who(&bypass.commit)))
        });
        let Some(merge) = merge else {
            let why = match &pushed {
                Some((_, pushed)) => pushed.clone(),
                None => "merged without a merge commit".to_owned(),
            };
            let bypassed = pushed.is_some();
            let why = told(why, &entry, bypassed);
            let since = pushed.as_ref().map(|(bypass, _)| bypass.commit.time);
            let state = State::Merged;
            return Ok(ListEntry { state, brief: why.clone(), why, since, bypassed, ..entry });
        };
        let repo = self.git.repo();
        let path = Changeset::of(repo, merge.base, merge.head, name)?.path;
        let request = match &path {
            Some(path) => request_at(repo, merge.head, path)?.0.request,
            None => None,
        };
        let by = self.stories.who(&merge.commit);
        let around = self.stories.around(self.gate, records, name, merge);
        let why = match (&around, &pushed) {
            (Some(why), _) => format!("merged past the rules by {by}: {why}"),
            (None, Some((_, pushed))) => format!("merged by {by}, {pushed}"),
            (None, None) => format!("merged by {by}"),
        };
        let bypassed = around.is_some() || pushed.is_some();
        let why = told(why, &entry, bypassed);
        let why = match &status.closed_by {
            Some(closing) if status.pull == PullState::Merged => {
                let by = self.stories.who(&closing.commit);
                format!("{why}, an amendment closed by {by}")
            }
            _ => why,
        };
        let tier = match records.of(merge.commit.id) {
            Some(recorded) => recorded.tier,
            None => merge.tier(),
        };
        let approved: Vec<_> = match records.of(merge.commit.id) {
            Some(recorded) => recorded.approved_by.clone(),
            None => merge.trailers("Approved-by").map(str::to_owned).collect(),
        };
        let approved = approved.into_iter().map(|by| ListedApproval { by, counts: true });
        let entry = ListEntry { approvals: approved.collect(), ..entry };
        let mut entry = self.of_request(entry, request.as_ref())?;
        if let Some(progress) = &mut entry.progress {
            progress.limit(bypassed, status.pull == PullState::Open);
        }
        let told = match bypassed {
            true => beside(why.clone(), entry.progress.as_ref(), entry.state),
            false => told_of(entry.progress.as_ref()).unwrap_or(&why).to_owned(),
        };
        let since = merge.commit.time;
        // What has no plan never expires.
        let is_left = entry.state == State::Ready
            && entry.planned.is_none()
            && entry.progress.as_ref().is_some_and(|it| it.done.is_empty());
        let told = match is_left && since + UNEXECUTED_AFTER <= self.now {
            true => format!("{told}; not executed in {}", (self.now - since).for_people()),
            false => told,
        };
        Ok(ListEntry {
            summary: entry.summary.or(first_title(repo, name, merge.base, merge.head)?),
            tier,
            brief: told,
            why,
            since: Some(since),
            bypassed,
            ..entry
        })
    }

    /// Fills in what the request itself says, and what was done with it.
    fn of_request(
        &self,
        entry: ListEntry,
        request: Option<&ChangeRequest>,
    ) -> anyhow::Result<ListEntry> {
        let (state, progress) = self.executions.progress(request, entry.pull)?;
        let entry = ListEntry { state, progress, ..entry };
        let Some(request) = request else { return Ok(entry) };
        let targets: Vec<_> = request.targets().into_iter().collect();
        let services = affected_services(request.services(), &targets, self.org);
        let mut people: Vec<Login> =
            request.requester.iter().chain(request.implementer.iter()).cloned().collect();
        people.dedup();
        Ok(ListEntry {
            summary: request.summary.clone(),
            requester: request.requester.clone(),
            people,
            off_script: request.off_script.is_some(),
            services: services.into_iter().map(str::to_owned).collect(),
            kind: Some(request.kind),
            actions: request.actions.iter().filter_map(|step| step.action.clone()).collect(),
            targets: request.targets().into_iter().cloned().collect(),
            planned: request.planned(),
            ..entry
        })
    }
}

/// Returns who approved, and whether that counts.
fn approvals(decision: &Decision) -> Vec<ListedApproval> {
    let reviews = decision.sign_off.iter().flat_map(|sign_off| &sign_off.reviews);
    let approving = reviews.filter(|review| review.state == ReviewState::Approved);
    let one = |review: &ReviewStanding| {
        let by = review.user.as_ref().map(ToString::to_string).unwrap_or_default();
        ListedApproval { by, counts: review.counts }
    };
    approving.map(one).collect()
}

/// Adds what was done to a reason in a few words.
fn beside(brief: String, progress: Option<&Progress>, state: State) -> String {
    match told_of(progress) {
        Some(told) => format!("{state}: {told}; {brief}"),
        None => brief,
    }
}

fn told_of(progress: Option<&Progress>) -> Option<&str> {
    progress.map(|it| it.told.as_str()).filter(|told| !told.is_empty())
}

/// Adds which entry of the ledger says so of a bypass, or that none says anything.
fn told(why: String, entry: &ListEntry, is_bypass: bool) -> String {
    match entry.recorded.filter(|_| is_bypass) {
        Some(index) => format!("{why} (entry {index})"),
        None if entry.unrecorded => format!("{why}, recorded nowhere"),
        None => why,
    }
}
