//! The facts about an execution: what the input document says when it is asked whether something may be
//! executed now.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use crate::decision::SignOffMode;
use crate::operations::authorize::Capacity;
use crate::operations::kinds::{Owed, ProvenBy};
use crate::operations::state::{PullState, State};
use crate::request::Health;
use crate::terms::{Level, Login, Name, Pauses, RiskTier, Severity, TicketId, Verdict};
use crate::time::{Duration, Time};

/// The execution that somebody asks for.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ExecutionFacts<'a> {
    /// The incident that is the only ticket: something is to be read under it, and there is no request;
    /// left out of a change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incident: Option<&'a TicketId>,
    /// The approved steps that are meant; of a rollback, those that are undone.
    pub steps: Vec<StepFacts<'a>>,
    /// What was asked for, in words: a step's number, or its action and target; left out if it is
    /// all that is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<String>,
    /// The number of steps that were asked for; null if it is all that are left.
    pub wanted: Option<usize>,
    /// Whether it undoes the change.
    pub rollback: bool,
    /// Whether it is asked to be executed under break-glass, from its open pull request; left out if not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub break_glass: bool,
    /// Whether the open pull request waits for the incident commander; left out if not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub awaits_commander: bool,
    /// The parameters that the caller states, as text, by name.
    pub parameters: &'a BTreeMap<String, String>,
    /// How long the caller expects it to take.
    pub expected: Option<Duration>,
    /// When it would end then.
    pub expected_end: Option<Time>,
    /// Who acts.
    pub actor: ActorFacts<'a>,
    /// The first people who may do it, the implementer before others.
    pub entitled: Vec<&'a Login>,
    /// Other ids that may be meant, where there is no request.
    pub alike: &'a [TicketId],
    /// How old what is known is, if nothing newer could be fetched: `3h`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age: Option<Duration>,
}

/// A step: an entry of the request's actions, or what is read under an incident.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct StepFacts<'a> {
    /// Its number, from 1; left out where there is no request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<u32>,
    /// What is done.
    pub action: Option<&'a Name>,
    /// To what.
    pub target: Option<&'a Name>,
    /// The approved parameters by name: a text as it is, anything else as JSON.
    pub parameters: BTreeMap<&'a str, String>,
    /// By whom and when it was done, or null.
    pub done: Option<Mark>,
}

/// By whom and when something was done.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Mark {
    /// Who did it: a login, or `machine:` and a name.
    pub by: String,
    /// When.
    pub at: Time,
}

/// Who acts.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ActorFacts<'a> {
    /// The person who acts, or for whom a machine does; null if there is none.
    pub login: Option<&'a Login>,
    /// The machine, or null.
    pub machine: Option<&'a Login>,
    /// In which capacity they may act; null if they may not.
    #[serde(rename = "as")]
    pub capacity: Option<Capacity>,
    /// Whether the machine may do the steps; null for a person.
    pub may: Option<bool>,
    /// Whether the person acts in the implementer's place.
    pub stands_in: bool,
    /// The person's level, or null.
    pub level: Option<Level>,
    /// The person's team, or null.
    pub team: Option<&'a str>,
    /// The person's roles.
    pub roles: &'a [Name],
    /// Whether an approval of this change by that person counts.
    pub approved_this: bool,
    /// Whether that person contributed to the request.
    pub contributed: bool,
    /// Whether it is proven who acts, and for whom.
    pub proven: bool,
}

/// What approved a change.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ChangeApproval<'a> {
    /// What proves it.
    pub proof: ProvenBy,
    /// The commit, or the entry of the ledger, that does.
    pub at: Option<&'a str>,
    /// Whether a review was required.
    pub mode: SignOffMode,
    /// The level that the decision counted, or null.
    pub level: Option<Level>,
    /// The tier that was approved.
    pub tier: RiskTier,
    /// Who signed off, and when.
    pub signed_by: Vec<Signature<'a>>,
    /// The incident commander who approved an emergency, or null.
    pub commander: Option<&'a Login>,
    /// The sign-offs that are owed under break-glass.
    pub owed: &'a [Owed],
    /// Whether the material content of the request is what was approved.
    pub material_holds: bool,
}

/// A sign-off that was given.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Signature<'a> {
    /// By whom.
    pub login: &'a Login,
    /// When.
    pub at: Time,
}

/// Why it isn't proven that a change was approved.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Unproven<'a> {
    /// Whether the ledger has yet to record the merge.
    pub awaited: bool,
    /// What is known about it, if anything is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<&'a str>,
}

/// What the operations log says.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct OperationsFacts<'a> {
    /// Of this change.
    pub own: OwnFacts,
    /// The executions of other changes that go on, or whose end nobody knows.
    pub running: Vec<RunningFacts<'a>>,
    /// The incidents that aren't resolved.
    pub incidents: Vec<IncidentFacts<'a>>,
    /// The sign-offs that are owed, of all changes.
    pub debts: Vec<DebtFacts<'a>>,
    /// Who would owe sign-offs for this change: the requester's team, or the requester without one.
    pub debtor: Option<&'a str>,
    /// Other changes of the requester whose outcome is overdue; on a merge alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<MissingFacts<'a>>,
}

/// A change whose outcome is overdue.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MissingFacts<'a> {
    /// The change.
    pub change: &'a TicketId,
    /// When its planned time was over, or its last execution ended if that is later.
    pub over_at: Time,
}

/// What happened to this change.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct OwnFacts {
    /// What became of the pull request; null without a request, and on a merge.
    pub pull: Option<PullState>,
    /// What was decided about it, while it is open.
    pub verdict: Option<Verdict>,
    /// The state; null without a request, and on a merge.
    pub state: Option<State>,
    /// Whether anything was executed.
    pub begun: bool,
    /// Whether it was executed under break-glass, from its open pull request.
    pub break_glass: bool,
    /// Whether the request's material content is another one than was executed; on a merge alone.
    pub changed: bool,
    /// Its execution that goes on, or whose end nobody knows; null on a merge.
    pub running: Option<OwnExecution>,
    /// The number of executions so far.
    pub executions: usize,
    /// The numbers of the steps that are done, and weren't rolled back since; empty on a merge.
    pub done: BTreeSet<u32>,
    /// Whether the last thing that was done is a rollback.
    pub rolled_back: bool,
    /// What the last verification found, or null; null on a merge.
    pub verified: Option<VerifiedFacts>,
    /// By whom and when its outcome was recorded, or null; null on a merge.
    pub closed: Option<Mark>,
    /// By whom and when it was cancelled, or null; null on a merge.
    pub cancelled: Option<Mark>,
}

/// What a verification found.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct VerifiedFacts {
    /// When watching began.
    pub from: Time,
    /// When it ended.
    pub to: Time,
    /// Whether it began after the last execution had ended.
    pub current: bool,
    /// Whether all checks passed.
    pub health: Health,
    /// The checks that didn't pass.
    pub failed: Vec<String>,
    /// The error rates, or null if none was measured.
    pub error_rate: Option<RateFacts>,
    /// What happened that the request didn't foresee, by any verification since the last execution; or
    /// null.
    pub unexpected_impact: Option<String>,
}

/// An error rate around a change.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RateFacts {
    /// Before the change, in percent as decimal text: `0.42`.
    pub before: String,
    /// After it.
    pub after: String,
    /// Whether it counts as raised, by the tolerance of the settings.
    pub raised: bool,
}

/// The execution of this change that goes on, or whose end nobody knows.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct OwnExecution {
    /// The first letters of its name.
    pub execution: String,
    /// Who began it: a login, or `machine:` and a name.
    pub by: String,
    /// When.
    pub since: Time,
    /// Until when it is taken to go on.
    pub lease_until: Time,
    /// The host that it runs on, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Whether it undoes the change.
    pub rollback: bool,
    /// Whether nobody knows if it goes on, or how it ended.
    pub lost: bool,
}

/// The execution of another change that goes on, or whose end nobody knows.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RunningFacts<'a> {
    /// The change, or the incident of what only reads.
    pub change: &'a TicketId,
    /// Its tier.
    pub tier: RiskTier,
    /// The services that it affects.
    pub services: &'a [Name],
    /// What its steps act on.
    pub targets: BTreeSet<&'a Name>,
    /// When it began.
    pub since: Time,
    /// Until when it is taken to go on.
    pub lease_until: Time,
    /// Whether nobody knows if it goes on, or how it ended.
    pub lost: bool,
}

/// An incident that isn't resolved.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct IncidentFacts<'a> {
    /// Its ticket.
    pub id: &'a TicketId,
    /// How severe it is.
    pub severity: Severity,
    /// The services that it affects.
    pub services: &'a [Name],
    /// What it pauses.
    pub pauses: Pauses,
    /// Who commands it, or null.
    pub commander: Option<&'a Login>,
}

/// Sign-offs that are owed for an execution under break-glass.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DebtFacts<'a> {
    /// The team or person who owes them.
    pub debtor: &'a str,
    /// The change.
    pub change: &'a TicketId,
    /// Until when the first is due.
    pub due_at: Time,
    /// Whether that has passed.
    pub overdue: bool,
}
