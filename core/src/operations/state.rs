//! The state of a change: what its request, its decision and its events come to at a time. Nothing
//! stores it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::after::IsOpen;
use super::kinds::EndResult;
use super::life::Life;
use crate::request::{ChangeRequest, Health};
use crate::time::{Duration, Interval, Time};

/// A state of a change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Its outcome is recorded.
    Closed,
    /// It was cancelled.
    Cancelled,
    /// It is being executed.
    Running,
    /// Nobody knows whether it is being executed, or how that ended.
    Lost,
    /// It led to an incident, which is open.
    Escalated,
    /// All of it was executed, and verification passed.
    Verified,
    /// All of it was executed.
    Executed,
    /// Some of it was executed, and the rest can't simply follow.
    Incomplete,
    /// Its time is over, and nothing was executed.
    Expired,
    /// It can be executed now.
    Ready,
    /// It is merged, and its time has yet to come.
    Scheduled,
    /// It is merged, and nothing says more: a change of policies, or one where no log is kept.
    Merged,
    /// It isn't merged.
    #[default]
    Open,
    /// It was closed without being merged.
    GivenUp,
}

impl State {
    /// Returns the state of what nothing is executed of, or where no log is kept.
    pub fn of_pull(pull: PullState) -> Self {
        match pull {
            PullState::Open => State::Open,
            PullState::Merged => State::Merged,
            PullState::GivenUp => State::GivenUp,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            State::Closed => "closed",
            State::Cancelled => "cancelled",
            State::Running => "running",
            State::Lost => "lost",
            State::Escalated => "escalated",
            State::Verified => "verified",
            State::Executed => "executed",
            State::Incomplete => "incomplete",
            State::Expired => "expired",
            State::Ready => "ready",
            State::Scheduled => "scheduled",
            State::Merged => "merged",
            State::Open => "open",
            State::GivenUp => "given-up",
        })
    }
}

/// What the request and its pull request say of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What became of the pull request.
    pub pull: PullState,
    /// The number of steps.
    pub steps: u32,
    /// When it is planned; a change that needs no plan can begin as soon as it is merged.
    pub planned: Option<Interval>,
    /// How long the request has its services watched, if it says so.
    pub monitor: Option<Duration>,
}

impl Plan {
    /// Returns what a request says, of a pull request of which this became.
    pub fn of(request: &ChangeRequest, pull: PullState) -> Self {
        let steps = u32::try_from(request.actions.len()).unwrap_or(u32::MAX);
        let monitor = request.verification.as_ref().and_then(|it| it.monitor);
        Plan { pull, steps, planned: request.planned(), monitor }
    }
}

/// What became of a pull request.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names are clear")]
pub enum PullState {
    #[default]
    Open,
    Merged,
    GivenUp,
}

/// Returns the state of a change: the first that is true, in the order of [`State`].
pub fn state(plan: Plan, life: &Life, now: Time, is_open: IsOpen<'_>) -> State {
    if life.outcome.is_some() {
        return State::Closed;
    }
    if life.cancelled.is_some() {
        return State::Cancelled;
    }
    if let Some(open) = life.open().next() {
        return if open.is_lost(now) { State::Lost } else { State::Running };
    }
    if life.escalated.iter().any(|(incident, _)| is_open(incident)) {
        return State::Escalated;
    }
    let is_over = plan.planned.is_some_and(|planned| planned.end <= now);
    if let Some((end, result)) = life.last_end() {
        let passed = life
            .verified
            .last()
            .is_some_and(|it| it.what.health == Health::Passed && it.what.monitored.from >= end);
        let done = life.done();
        let is_done = (1..=plan.steps).all(|step| done.contains(&step));
        let has_stopped = result != EndResult::Done || life.is_rolled_back();
        return match () {
            () if passed => State::Verified,
            () if is_done => State::Executed,
            () if has_stopped || is_over || plan.pull != PullState::Merged => State::Incomplete,
            () => State::Ready,
        };
    }
    let is_early = plan.planned.is_some_and(|planned| now < planned.start);
    match plan.pull {
        PullState::Open => State::Open,
        PullState::GivenUp => State::GivenUp,
        PullState::Merged if is_over => State::Expired,
        PullState::Merged if is_early => State::Scheduled,
        PullState::Merged => State::Ready,
    }
}
