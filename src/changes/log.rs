//! The audit trail.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use super::records::Records;
use super::story::{HistoryEvent, Merge, Story, What};
use crate::core::decision::{Decision, ReviewStanding};
use crate::core::evidence::ReviewState;
use crate::core::input::affected_services;
use crate::core::operations::state::State;
use crate::core::org::Org;
use crate::core::request::ChangeRequest;
use crate::core::terms::{Login, RiskTier};
use crate::core::time::Interval;

/// The audit trail.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(title = "Audit trail")]
pub struct LogView {
    /// The changes, the one with the latest event first.
    pub changes: Vec<LogEntry>,
}

/// A change, and what happened to it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct LogEntry {
    /// The change's name.
    pub change: String,
    /// Where the change is, from its submission to its outcome: of one that is being amended, its merged
    /// version.
    pub state: State,
    /// What is or was to be done; of a policy change, the title of its first commit.
    pub summary: Option<String>,
    /// The risk tier; null if that isn't known here.
    pub tier: Option<RiskTier>,
    /// The person who asks for the change.
    pub requester: Option<Login>,
    /// The services that the change affects.
    pub services: Vec<String>,
    /// The planned time of execution.
    pub planned: Option<Interval>,
    /// What happened, the oldest first.
    pub events: Vec<HistoryEvent>,
}

impl LogEntry {
    /// Returns the entry of a change in this state. `open` is the decision on what isn't merged of it.
    pub fn of(
        mut story: Story,
        state: State,
        records: &Records,
        open: Option<&Decision>,
        org: &Org,
    ) -> Self {
        settle(&mut story, records, open);
        let merge = story.merges.last();
        let recorded = merge.and_then(|merge| records.of(merge.commit.id));
        let tier = match (open, recorded) {
            (Some(decision), _) => decision.tier,
            (None, Some(recorded)) => recorded.tier,
            (None, None) => merge.and_then(Merge::tier),
        };
        let request = story.request.as_ref();
        let services = request.map(|request| {
            let targets: Vec<_> = request.targets().into_iter().collect();
            let services = affected_services(request.services(), &targets, org).into_iter();
            services.map(str::to_owned).collect()
        });
        LogEntry {
            state,
            tier,
            requester: request.and_then(|request| request.requester.clone()),
            services: services.unwrap_or_default(),
            planned: request.and_then(ChangeRequest::planned),
            summary: story.summary,
            change: story.name,
            events: story.events,
        }
    }
}

/// Says of each approval whether it counted: when the change was merged, as the record or the merge's message names
/// who approved it, and of what isn't merged, by the decision on it.
fn settle(story: &mut Story, records: &Records, open: Option<&Decision>) {
    let mut begins = 0;
    for merge in &story.merges {
        let id = merge.commit.id.to_string();
        let Some(at) = story.events.iter().position(|event| event.commit == id) else { continue };
        let approved = match records.of(merge.commit.id) {
            Some(recorded) => Some(recorded.approved_by.clone()),
            None => merge
                .trailer("Change")
                .map(|_| merge.trailers("Approved-by").map(str::to_owned).collect::<Vec<_>>()),
        };
        let round = &mut story.events[begins..at];
        begins = at + 1;
        let Some(approved) = approved else { continue };
        let mut seen = BTreeSet::new();
        for event in round.iter_mut().rev().filter(|event| event.what == What::Approved) {
            let Some(by) = &event.by else { continue };
            let named = format!("{by} (");
            // The last one of each is the one that was counted.
            let is_last = seen.insert(by.clone());
            event.counted = Some(is_last && approved.iter().any(|it| it.starts_with(&named)));
        }
    }
    let Some(sign_off) = open.and_then(|decision| decision.sign_off.as_ref()) else { return };
    let mut left: Vec<_> =
        sign_off.reviews.iter().filter(|it| it.state == ReviewState::Approved).collect();
    for event in story.events[begins..].iter_mut().filter(|event| event.what == What::Approved) {
        let is_it = |it: &&ReviewStanding| it.user == event.by && it.submitted_at == event.at;
        // Two of one second come in their order.
        let place = left.iter().position(is_it);
        event.counted = place.map(|place| left.remove(place).counts);
    }
}
