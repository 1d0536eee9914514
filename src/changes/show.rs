//! The story of one change, together with its decision.

use std::collections::HashMap;

use anyhow::ensure;
use schemars::JsonSchema;
use serde::Serialize;

use super::bypass;
use super::progress::Progress;
use super::records::Records;
use super::story::{HistoryEvent, Merge, Stories, Story};
use crate::content::journal::log_named_by;
use crate::core::decision::Decision;
use crate::core::operations::around::Around;
use crate::core::operations::state::{PullState, State};
use crate::core::request::ChangeRequest;
use crate::core::terms::Login;
use crate::core::time::Time;
use crate::forge::Pull;
use crate::forge::git::Git;
use crate::gate::{Gate, Judgement};
use crate::git::Oid;

/// The story of a change.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(title = "Story of a change")]
pub struct ShowView {
    /// The change's name.
    pub change: String,
    /// Where the change is, from its submission to its outcome: of one that is being amended, its merged
    /// version.
    pub state: State,
    /// What became of its pull request, the last one.
    pub pull: PullState,
    /// What was done with it; null where no operations log is kept, and for changes of policies.
    pub progress: Option<Progress>,
    /// What is or was to be done; of a policy change, the title of its first commit.
    pub summary: Option<String>,
    /// The change's last commit.
    pub head: Option<String>,
    /// Whether the change's branch still exists.
    pub has_branch: bool,
    /// The path of the request file; null for a policy change.
    pub path: Option<String>,
    /// The latest version of the request; null if it can't be read, or for a policy change.
    pub request: Option<ChangeRequest>,
    /// The text of the request file.
    #[serde(skip)]
    pub source: String,
    /// The decision: as of now, or as of the merge.
    pub decision: Option<Decision>,
    /// The index of the ledger's entry from which that is taken; null if it was made again.
    pub decided_in: Option<u64>,
    /// The reason why there is no decision.
    pub undecided: Option<String>,
    /// The merges of the change, the oldest first.
    pub merges: Vec<MergeView>,
    /// Whether a merged change was amended, and the amendment closed.
    #[serde(skip)]
    pub closed_again: bool,
    /// What went around the rules when it was executed.
    pub went_around: Vec<Around>,
    /// What happened, the oldest first.
    pub timeline: Vec<TimelineEntry>,
}

/// A merge, and what the ledger records of it or, where there is no entry, its message.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MergeView {
    /// The merge commit.
    pub commit: String,
    /// The time of the merge.
    pub at: Time,
    /// The person who merged, by the roster at base; null if the commit only claims to be somebody's.
    pub by: Option<Login>,
    /// The address that the commit claims to be from, where that isn't known.
    pub claims: Option<String>,
    /// The recorded verdict.
    pub verdict: Option<String>,
    /// The recorded risk tier.
    pub tier: Option<String>,
    /// `direct` if the merge records that no review was required.
    pub sign_off: Option<String>,
    /// The recorded approvers, each with the role or level that they approved with.
    pub approved_by: Vec<String>,
    /// The recorded digest of the policies.
    pub policies: Option<String>,
    /// Why the merge went around the rules, as it is recorded or, where it isn't, judged again as of
    /// that moment; null if it didn't.
    pub bypassed: Option<String>,
}

/// An event, and whether it counts.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TimelineEntry {
    /// What happened.
    #[serde(flatten)]
    pub event: HistoryEvent,
    /// Whether the review counts; null if the event is not a review.
    pub counts: Option<bool>,
    /// The reason why the review doesn't count.
    pub why_not: Option<String>,
}

/// Judges a change and returns its story with the last decision, or why there is none.
///
/// Each merge is judged as of its own time, and an unmerged change as of `now`. Of a merge that the ledger
/// holds, the recorded decision is shown: a forge knew what Git doesn't.
pub fn tell(
    git: &Git,
    gate: &Gate<'_, Git>,
    stories: &Stories<'_>,
    records: &Records,
    story: Story,
    (state, progress): (State, Option<Progress>),
    now: Time,
) -> ShowView {
    let mut story = story;
    let (judgement, reasons, bypassed) = Rounds { git, gate, records, now }.judge(&story);
    story.mark(records);
    for (merge, why) in &bypassed {
        story.bypassed(*merge, why);
    }
    let merge = story.merges.last().filter(|_| story.status.pull == PullState::Merged);
    let merge = merge.map(|merge| merge.commit.id);
    let recorded = merge.and_then(|id| Some((records.of(id)?.index, records.decision(git, id)?)));
    let (decided_in, decided) = match (recorded, judgement) {
        (Some((index, decision)), _) => (Some(index), Ok(decision)),
        (None, judgement) => (None, judgement.map(|judgement| judgement.decision)),
    };
    ShowView {
        decided_in,
        state,
        progress,
        ..view(stories, records, story, decided, &reasons, &bypassed)
    }
}

/// The reason why each review doesn't count, by its commit; `None` if it counts.
type Reasons = HashMap<String, Option<String>>;

/// Why merges went around the rules, by their commits.
type Bypassed = HashMap<Oid, String>;

/// Judges the rounds of a change: one for each merge, and one for what isn't merged yet.
struct Rounds<'a> {
    git: &'a Git,
    gate: &'a Gate<'a, Git>,
    records: &'a Records,
    now: Time,
}

impl Rounds<'_> {
    /// Returns the last decision, whether each review counted in its own round, and which merges
    /// went around the rules.
    fn judge(&self, story: &Story) -> (anyhow::Result<Judgement>, Reasons, Bypassed) {
        let mut reasons = Reasons::new();
        let mut bypassed = Bypassed::new();
        let mut last = Err(anyhow::anyhow!(
            "it was added to {} without a merge commit, so the time of the merge is not known",
            self.git.base_ref
        ));
        for merge in &story.merges {
            last = self.merged(story, merge);
            let recorded = self.records.of(merge.commit.id);
            let why = match (recorded, &last) {
                (Some(recorded), _) => recorded.around(),
                (None, Ok(judgement)) => bypass::why(self.git.repo(), judgement, merge.commit.tree),
                (None, Err(_)) => None,
            };
            bypassed.extend(why.map(|why| (merge.commit.id, why)));
            if let Ok(judgement) = &last {
                let until = merge.commit.id.to_string();
                let of_round = story.events.iter().take_while(|event| event.commit != until);
                settle(judgement, of_round, &mut reasons);
            }
        }
        if story.status.pull != PullState::Merged || story.status.closed_by.is_some() {
            let unmerged = self.unmerged(story);
            if let Ok(judgement) = &unmerged {
                settle(judgement, &story.events, &mut reasons);
            }
            if story.status.pull != PullState::Merged {
                last = unmerged;
            }
        }
        (last, reasons, bypassed)
    }

    fn merged(&self, story: &Story, merge: &Merge) -> anyhow::Result<Judgement> {
        let (name, base_ref) = (&story.name, &self.git.base_ref);
        ensure!(
            !merge.is_squashed,
            "GitHub put it onto {base_ref} as one commit, and keeps the reviews that approved it"
        );
        let pull = Pull::of_change(name, base_ref, merge.base, merge.head)
            .with_log(log_named_by(&merge.commit.message));
        self.gate.judge(pull, &[], merge.commit.time)
    }

    fn unmerged(&self, story: &Story) -> anyhow::Result<Judgement> {
        let base = self.git.base()?;
        let head = story.status.head.unwrap_or(base);
        let pull = Pull::of_change(&story.name, &self.git.base_ref, base, head)
            .with_log(self.git.log_tip()?);
        self.gate.judge(pull, &[], self.now)
    }
}

/// Notes for each review whether it counts, unless an earlier round has settled that.
fn settle<'a>(
    judgement: &Judgement,
    events: impl IntoIterator<Item = &'a HistoryEvent>,
    reasons: &mut Reasons,
) {
    let sign_off = judgement.decision.sign_off.as_ref();
    let reviews = sign_off.map_or(&[][..], |sign_off| &sign_off.reviews);
    let known: HashMap<_, _> =
        judgement.evidence.reviews.iter().map(|review| &review.id).zip(reviews).collect();
    for event in events {
        if let Some(review) = known.get(&event.commit) {
            reasons.entry(event.commit.clone()).or_insert_with(|| review.why.clone());
        }
    }
}

fn view(
    stories: &Stories<'_>,
    records: &Records,
    story: Story,
    decided: anyhow::Result<Decision>,
    reasons: &Reasons,
    bypassed: &Bypassed,
) -> ShowView {
    let undecided = decided.as_ref().err().map(|error| format!("{error:#}"));
    let entry = |event: HistoryEvent| {
        let why_not = reasons.get(&event.commit).filter(|_| !event.what.is_on_base());
        TimelineEntry {
            counts: why_not.map(Option::is_none),
            why_not: why_not.cloned().flatten(),
            event,
        }
    };
    ShowView {
        change: story.name,
        state: State::of_pull(story.status.pull),
        pull: story.status.pull,
        progress: None,
        summary: story.summary,
        head: story.status.head.map(|head| head.to_string()),
        has_branch: story.status.has_branch,
        path: story.path,
        request: story.request,
        source: story.source,
        decision: decided.ok(),
        decided_in: None,
        undecided,
        closed_again: story.status.pull == PullState::Merged && story.status.closed_by.is_some(),
        went_around: Vec::new(),
        merges: story
            .merges
            .iter()
            .map(|merge| merge_view(stories, records, merge, bypassed))
            .collect(),
        timeline: story.events.into_iter().map(entry).collect(),
    }
}

fn merge_view(
    stories: &Stories<'_>,
    records: &Records,
    merge: &Merge,
    bypassed: &Bypassed,
) -> MergeView {
    let said = |name| merge.trailer(name).map(str::to_owned);
    let by = stories.known(&merge.commit);
    let view = MergeView {
        commit: merge.commit.id.to_string(),
        at: merge.commit.time,
        claims: by.is_none().then(|| merge.commit.committer.email.clone()),
        by,
        verdict: said("Verdict"),
        tier: said("Tier"),
        sign_off: said("Sign-off"),
        approved_by: merge.trailers("Approved-by").map(str::to_owned).collect(),
        policies: said("Policies"),
        bypassed: bypassed.get(&merge.commit.id).cloned(),
    };
    match records.of(merge.commit.id) {
        Some(recorded) => MergeView {
            verdict: recorded.verdict.map(|verdict| verdict.to_string()),
            tier: recorded.tier.map(|tier| tier.to_string()),
            sign_off: recorded.is_direct.then(|| "direct".to_owned()),
            approved_by: recorded.approved_by.clone(),
            policies: recorded.policies.clone(),
            ..view
        },
        None => view,
    }
}
