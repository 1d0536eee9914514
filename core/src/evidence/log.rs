//! What the operations log says that matters to whether a change may be merged.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::terms::{Login, Name, Pauses, RiskTier, Severity, TicketId};
use crate::time::{Duration, Time};

/// What the operations log says of a change and of what is open beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogEvidence {
    /// The commit of the log up to which it was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tip: Option<String>,
    /// What was executed of this change.
    #[serde(default)]
    pub own: OwnLog,
    /// The executions of other changes that go on, or whose end nobody knows.
    #[serde(default)]
    pub running: Vec<LoggedExecution>,
    /// The incidents that aren't resolved.
    #[serde(default)]
    pub incidents: Vec<LoggedIncident>,
    /// The sign-offs that are owed, of all changes.
    #[serde(default)]
    pub debts: Vec<LoggedDebt>,
    /// Other changes of the requester that were begun and have no outcome.
    #[serde(default)]
    pub begun: Vec<LoggedBegun>,
    /// Uses of the request's template that failed, were rolled back or led to an incident since the template
    /// was changed last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suspends: Vec<LoggedUse>,
}

impl LogEvidence {
    /// Returns the instants from which on something beside a change is late: what a debtor owes for others,
    /// and the outcomes that are missing so long after everything was over.
    pub fn late_at(
        &self,
        (change, debtor): (Option<&TicketId>, Option<&str>),
        missing_after: Duration,
    ) -> impl Iterator<Item = Time> {
        let is_owed = move |it: &&LoggedDebt| {
            Some(it.debtor.as_str()) == debtor && Some(&it.change) != change
        };
        let owed = self.debts.iter().filter(is_owed);
        let begun = self.begun.iter().map(move |it| it.over_at + missing_after);
        owed.map(|it| it.due_at).chain(begun)
    }
}

/// What was executed of a change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnLog {
    /// The number of executions.
    #[serde(default)]
    pub executions: usize,
    /// Whether something was executed without asking.
    #[serde(default)]
    pub recorded: bool,
    /// Whether it was executed under break-glass.
    #[serde(default)]
    pub break_glass: bool,
    /// The digests of the material content that was executed.
    #[serde(default)]
    pub material: Vec<Digest>,
}

/// An execution of another change.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoggedExecution {
    /// The change, or the incident of what only reads.
    pub change: TicketId,
    /// Its tier.
    pub tier: RiskTier,
    /// The services that it affects.
    pub services: Vec<Name>,
    /// What its steps act on.
    pub targets: Vec<Name>,
    /// When it began.
    pub since: Time,
    /// Until when it is taken to go on.
    pub lease_until: Time,
    /// Whether its end was recorded as unknown.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_unknown: bool,
}

/// An incident that isn't resolved.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoggedIncident {
    /// Its ticket.
    pub id: TicketId,
    /// How severe it is.
    pub severity: Severity,
    /// The services that it affects.
    #[serde(default)]
    pub services: Vec<Name>,
    /// What it pauses.
    pub pauses: Pauses,
    /// Who commands it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commander: Option<Login>,
}

/// Sign-offs that are owed for an execution under break-glass, or without asking.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoggedDebt {
    /// The team or person who owes them.
    pub debtor: String,
    /// The change.
    pub change: TicketId,
    /// Until when the first is due.
    pub due_at: Time,
}

/// A use of a template that went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoggedUse {
    /// The change.
    pub change: TicketId,
    /// How it went: `failed`, `rolled-back` or `escalated`.
    pub result: String,
}

/// A change that was begun and has no outcome.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoggedBegun {
    /// The change.
    pub change: TicketId,
    /// When its planned time was over, or its last execution ended if that is later.
    pub over_at: Time,
}
