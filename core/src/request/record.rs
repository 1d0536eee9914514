//! The record that later pull requests add: execution, observations, outcome, cancellation.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::terms::{Login, TicketId};
use crate::time::Time;

/// Who performed the change, and when.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Execution {
    /// Who performed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<Login>,
    /// When it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Time>,
}

/// What was observed after the change.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VerificationResult {
    /// The time during which the service was watched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monitored: Option<Monitored>,
    /// Whether the health checks passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<Health>,
    /// The error rate before and after, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_rate: Option<ErrorRate>,
    /// Whether anything happened that the request didn't foresee.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unexpected_impact: Option<bool>,
}

/// How long the service was watched.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Monitored {
    /// When watching began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Time>,
    /// When watching ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Time>,
}

/// The result of the health checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are clear")]
pub enum Health {
    Passed,
    Failed,
}

/// The error rate around the change, in percent.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ErrorRate {
    /// Before the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<f64>,
    /// After the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<f64>,
}

/// The outcome of the change.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// How the change went.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<OutcomeResult>,
    /// Whether the ticket is closed or escalated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disposition: Option<Disposition>,
    /// Anything that a later reader should know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// How a change went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OutcomeResult {
    /// Done, without unexpected effects.
    Successful,
    /// Done, with errors or impact that weren't expected.
    WithIssues,
    /// Undone by its rollback.
    RolledBack,
    /// Not done, or it didn't achieve its purpose.
    Failed,
}

impl std::fmt::Display for OutcomeResult {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            OutcomeResult::Successful => "successful",
            OutcomeResult::WithIssues => "with-issues",
            OutcomeResult::RolledBack => "rolled-back",
            OutcomeResult::Failed => "failed",
        })
    }
}

/// What happened to the ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Disposition {
    /// Nothing is left to do.
    Closed,
    /// An incident was declared, which `escalation` names.
    Escalated,
}

/// The incident that unexpected impact led to.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Escalation {
    /// The incident's ticket (INC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incident: Option<TicketId>,
}

/// The cancellation of the change.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cancelled {
    /// Why it is cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
