//! What became of a change, in short: all that figures are made of.

use serde::{Deserialize, Serialize};

use crate::operations::kinds::EndResult;
use crate::request::{ChangeType, OutcomeResult};
use crate::terms::{Login, Name, RiskTier, TicketId, Verdict};
use crate::time::{Duration, Interval, Time};

/// What became of a change.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Account {
    /// The change's name: the id of its request, or the name that a change of policies was given.
    pub change: String,
    /// What is or was to be done.
    pub summary: Option<String>,
    /// The kind of change; `None` for a change of policies.
    pub kind: Option<ChangeType>,
    /// The risk tier, as decided last.
    pub tier: Option<RiskTier>,
    /// Who asks for it.
    pub requester: Option<Login>,
    /// Their team.
    pub team: Option<String>,
    /// The affected services.
    pub services: Vec<String>,
    /// The usual script that isn't followed; empty if none is named, `None` if it is no such change.
    pub off_script: Option<String>,
    /// The template that it uses.
    pub template: Option<Name>,
    /// The incident that it answers.
    pub incident: Option<TicketId>,
    /// What its steps do: each action, and the services of its target or, without one, the target.
    pub does: Vec<String>,
    /// When it is planned.
    pub planned: Option<Interval>,
    /// How it was signed off, of what was merged last; `None` if that isn't known.
    pub signed: Option<Signed>,
    /// When it was submitted first, if that is known.
    pub submitted_at: Option<Time>,
    /// When it reached the base first.
    pub merged_at: Option<Time>,
    /// When it was closed without having been merged.
    pub given_up_at: Option<Time>,
    /// What was decided of it and recorded, the oldest first.
    pub decided: Vec<Decided>,
    /// What was executed, in the order in which it began.
    pub runs: Vec<Run>,
    /// How many of its steps were never done.
    pub undone: usize,
    /// What came of it, and when that was said.
    pub outcome: Option<(OutcomeResult, Time)>,
    /// When it was cancelled.
    pub cancelled_at: Option<Time>,
    /// The incidents to which it led.
    pub escalated: Vec<Escalation>,
    /// When the base was changed around the rules.
    pub around: Vec<Time>,
    /// When the debts were due that were waived.
    pub waived: Vec<Time>,
}

/// How a change was signed off.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Signed {
    /// When the content arrived that was signed.
    pub arrived_at: Option<Time>,
    /// Whether it needed nobody's review.
    pub is_direct: bool,
    /// Whether all sign-offs were given that were needed.
    pub is_complete: bool,
    /// The sign-offs that counted.
    pub by: Vec<SignedBy>,
}

/// A sign-off that counted.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct SignedBy {
    /// As what it was asked for: `L2 or L3`, `devops-lead`, `service-owner`.
    pub role: String,
    /// Who gave it.
    pub who: Login,
    /// When.
    pub at: Time,
}

/// A decision that was recorded.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Decided {
    /// When.
    pub at: Time,
    /// The verdict.
    pub verdict: Verdict,
    /// The codes of what denied it.
    pub codes: Vec<String>,
}

/// Something that was executed.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Run {
    /// When it began.
    pub began_at: Time,
    /// When it ended, if anybody says so.
    pub ended_at: Option<Time>,
    /// How it ended, if anybody says so.
    pub result: Option<EndResult>,
    /// Whether it undid what was done.
    pub rollback: bool,
    /// Whether it was recorded afterwards, without asking.
    pub recorded: bool,
    /// Whether nobody had approved it then.
    pub around: bool,
    /// Whether sign-offs were owed for it.
    pub break_glass: bool,
    /// Whether it was recorded where the log couldn't be reached.
    pub offline: bool,
    /// By how much it went on beyond its planned end.
    pub overran: Option<Duration>,
    /// What it did.
    pub actions: Vec<Name>,
}

/// An incident to which a change led.
#[derive(Clone, Debug, PartialEq)]
pub struct Escalation {
    /// The incident.
    pub incident: TicketId,
    /// When it was declared.
    pub at: Time,
    /// When the incident was resolved, if it was.
    pub resolved_at: Option<Time>,
}

impl Run {
    fn is_done(&self) -> bool {
        self.result == Some(EndResult::Done)
    }
}

impl Account {
    /// Returns when it was executed first; rollbacks don't count.
    pub fn executed_at(&self) -> Option<Time> {
        self.forward().map(|run| run.began_at).min()
    }

    /// Returns when the last of its steps was done; `None` if not all were.
    pub fn done_at(&self) -> Option<Time> {
        let forward = self.forward().filter(|_| self.undone == 0);
        forward.filter(|run| run.is_done()).filter_map(|run| run.ended_at).max()
    }

    /// Returns what was executed of it, without rollbacks.
    pub fn forward(&self) -> impl Iterator<Item = &Run> {
        self.runs.iter().filter(|run| !run.rollback)
    }

    /// Returns when the last of the needed sign-offs was given; `None` if none was needed, or nothing is known.
    pub fn signed_at(&self) -> Option<Time> {
        self.signed.iter().filter(|it| it.is_complete).flat_map(|it| &it.by).map(|it| it.at).max()
    }

    /// Whether its rollback began, it failed, or it led to an incident.
    pub fn has_failed(&self) -> bool {
        let came_to = self.outcome.map(|(result, _)| result);
        matches!(came_to, Some(OutcomeResult::Failed | OutcomeResult::RolledBack))
            || !self.escalated.is_empty()
            || self.runs.iter().any(|run| run.rollback)
    }

    /// Whether it was rolled back.
    pub fn is_rolled_back(&self) -> bool {
        self.runs.iter().any(|run| run.rollback && run.is_done())
    }

    /// Whether it went around the rules: onto the base, or when it was executed.
    pub fn went_around(&self) -> bool {
        !self.around.is_empty() || self.runs.iter().any(|run| run.around)
    }

    /// Whether it was executed before all sign-offs were given.
    pub fn broke_glass(&self) -> bool {
        self.runs.iter().any(|run| run.break_glass)
    }

    /// Returns when it was closed: its outcome was said, or it was cancelled or given up.
    pub fn closed_at(&self) -> Option<Time> {
        self.outcome.map(|(_, at)| at).or(self.cancelled_at).or(self.given_up_at)
    }

    /// Returns the first instant at which it was known to go wrong, and the first after that at which it was
    /// made good, if it was; `None` if it didn't go wrong.
    pub fn recovery(&self) -> Option<(Time, Option<Time>)> {
        let failed = self.outcome.filter(|(result, _)| *result == OutcomeResult::Failed);
        let rollbacks = || self.runs.iter().filter(|run| run.rollback);
        let known = self.escalated.iter().map(|it| it.at).chain(failed.map(|(_, at)| at));
        let from = known.chain(rollbacks().map(|run| run.began_at)).min()?;
        let undone = rollbacks().filter(|run| run.is_done()).filter_map(|run| run.ended_at);
        let resolved = self.escalated.iter().filter_map(|it| it.resolved_at);
        Some((from, undone.chain(resolved).filter(|at| *at >= from).min()))
    }

    /// Whether anything happened to it in a period.
    pub fn is_in(&self, period: &Interval) -> bool {
        let ends = self.runs.iter().flat_map(|run| [Some(run.began_at), run.ended_at]);
        let once = [self.submitted_at, self.merged_at, self.closed_at()];
        let around = self.around.iter().copied();
        once.into_iter().chain(ends).flatten().chain(around).any(|at| period.holds(at))
    }
}
