//! The whole story of one change, judged.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::story::{HistoryEvent, Merge, State, Stories, Story, What};
use crate::core::decision::Decision;
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
    /// What it is called.
    pub change: String,
    /// Open, merged or closed.
    pub state: State,
    /// Its last commit.
    pub head: Option<String>,
    /// Whether its branch is still there.
    pub has_branch: bool,
    /// The request file; null for a change of policies.
    pub path: Option<String>,
    /// The request as it was last; null if it can't be read, or if the change is one of policies.
    pub request: Option<ChangeRequest>,
    /// The request file's text.
    #[serde(skip)]
    pub source: String,
    /// The decision: now, or when it was merged.
    pub decision: Option<Decision>,
    /// Why there is no decision.
    pub undecided: Option<String>,
    /// Its merges, the oldest first.
    pub merges: Vec<MergeView>,
    /// What happened, the oldest first.
    pub timeline: Vec<TimelineEntry>,
}

/// A merge, and what its message records.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MergeView {
    /// The merge commit.
    pub commit: String,
    /// When it was made.
    pub at: Time,
    /// Who made it, by the roster at base.
    pub by: Option<Login>,
    /// The recorded verdict.
    pub verdict: Option<String>,
    /// The recorded risk tier.
    pub tier: Option<String>,
    /// `direct` if it is recorded that no review was required.
    pub sign_off: Option<String>,
    /// Who is recorded to have approved, and as what.
    pub approved_by: Vec<String>,
    /// The recorded digest of the policies.
    pub policies: Option<String>,
}

/// Something that happened, and what became of it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TimelineEntry {
    /// What happened.
    #[serde(flatten)]
    pub event: HistoryEvent,
    /// Whether the review counts; null for what is no review.
    pub counts: Option<bool>,
    /// Why the review doesn't count.
    pub why_not: Option<String>,
}

/// Tells a change's story and judges it: each merge as of then, and what isn't merged as of `now`.
/// The second value is the last decision, or why there is none.
pub fn tell(
    git: &Git,
    gate: &Gate<'_, Git>,
    stories: &Stories<'_>,
    story: Story,
    now: Time,
) -> (ShowView, anyhow::Result<Judgement>) {
    let (judgement, reasons) = Rounds { git, gate, now }.judge(&story);
    (view(stories, story, &judgement, &reasons), judgement)
}

/// Why each review doesn't count, by its commit; `None` if it does.
type Reasons = HashMap<String, Option<String>>;

/// Judges a change's rounds.
struct Rounds<'a> {
    git: &'a Git,
    gate: &'a Gate<'a, Git>,
    now: Time,
}

impl Rounds<'_> {
    /// The last decision, and where every review stood in its own round.
    fn judge(&self, story: &Story) -> (anyhow::Result<Judgement>, Reasons) {
        let mut reasons = Reasons::new();
        let mut last = Err(anyhow::anyhow!(
            "it came into {} without a merge commit, so that nothing tells when",
            self.git.base_ref
        ));
        for merge in &story.merges {
            last = self.merged(story, merge);
            if let Ok(judgement) = &last {
                let until = merge.commit.id.to_string();
                let of_round = story.events.iter().take_while(|event| event.commit != until);
                settle(judgement, of_round, &mut reasons);
            }
        }
        if story.status.state != State::Merged {
            last = self.unmerged(story);
            if let Ok(judgement) = &last {
                settle(judgement, &story.events, &mut reasons);
            }
        }
        (last, reasons)
    }

    fn merged(&self, story: &Story, merge: &Merge) -> anyhow::Result<Judgement> {
        let pull = Pull { base: merge.base, head: merge.head, ..self.pull(story, merge.base) };
        self.gate.judge(pull, merge.commit.time)
    }

    fn unmerged(&self, story: &Story) -> anyhow::Result<Judgement> {
        self.gate.judge(self.pull(story, self.git.base()?), self.now)
    }

    fn pull(&self, story: &Story, base: Oid) -> Pull {
        Pull {
            name: story.name.clone(),
            id: Some(story.name.clone()),
            base_ref: Some(self.git.base_ref.clone()),
            base,
            head: story.status.head.unwrap_or(base),
        }
    }
}

/// Notes where reviews stand that no earlier round has settled.
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
    story: Story,
    judgement: &anyhow::Result<Judgement>,
    reasons: &Reasons,
) -> ShowView {
    let entry = |event: HistoryEvent| {
        let standing = reasons.get(&event.commit).filter(|_| event.what != What::Merged);
        TimelineEntry {
            counts: standing.map(Option::is_none),
            why_not: standing.cloned().flatten(),
            event,
        }
    };
    ShowView {
        change: story.name,
        state: story.status.state,
        head: story.status.head.map(|head| head.to_string()),
        has_branch: story.status.has_branch,
        path: story.path,
        request: story.request,
        source: story.source,
        decision: judgement.as_ref().ok().map(|judgement| judgement.decision.clone()),
        undecided: judgement.as_ref().err().map(|error| format!("{error:#}")),
        merges: story.merges.iter().map(|merge| merge_view(stories, merge)).collect(),
        timeline: story.events.into_iter().map(entry).collect(),
    }
}

fn merge_view(stories: &Stories<'_>, merge: &Merge) -> MergeView {
    let recorded = |name| merge.trailer(name).map(str::to_owned);
    MergeView {
        commit: merge.commit.id.to_string(),
        at: merge.commit.time,
        by: stories.signer(&merge.commit).login,
        verdict: recorded("Verdict"),
        tier: recorded("Tier"),
        sign_off: recorded("Sign-off"),
        approved_by: merge.trailers("Approved-by").map(str::to_owned).collect(),
        policies: recorded("Policies"),
    }
}
