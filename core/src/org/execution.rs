//! The settings of what happens after approval: execution, emergencies, outcomes.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Decimal;
use crate::terms::RiskTier;
use crate::time::Duration;

/// How changes are executed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExecutionSettings {
    /// How long an execution is taken to go on without saying so, 5 minutes to 24 hours.
    pub lease: Duration,
    /// Who may execute a change in the implementer's place.
    pub stand_in: StandIn,
    /// What may be executed where the operations log can't be reached.
    pub offline: Offline,
    /// How long after it what was executed there can still be recorded.
    pub offline_max: Duration,
    /// The issuer of the tokens by which jobs prove what they are.
    #[schemars(example = GITHUB_ISSUER)]
    pub issuer: String,
    /// On GitHub the numeric id of this repository, as text: the tokens of its own workflows `sweep` and
    /// `change-record` count on the protected branches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"8123", regex(pattern = "^[0-9]+$"))]
    pub repository_id: Option<String>,
}

/// The issuer of the tokens of GitHub's jobs.
const GITHUB_ISSUER: &str = "https://token.actions.githubusercontent.com";

impl Default for ExecutionSettings {
    fn default() -> Self {
        ExecutionSettings {
            lease: Duration::hours(1),
            stand_in: StandIn::default(),
            offline: Offline::default(),
            offline_max: Duration::hours(72),
            issuer: GITHUB_ISSUER.to_owned(),
            repository_id: None,
        }
    }
}

/// Who may execute a change in the implementer's place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StandIn {
    /// Nobody.
    Off,
    /// Who holds the level that the decision counted, is in the implementer's team or owns an affected
    /// service, and signed nothing of the change.
    #[default]
    Level,
}

/// What may be executed where the operations log can't be reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Offline {
    /// Nothing.
    Off,
    /// Emergencies under break-glass, and rollbacks.
    #[default]
    Emergency,
}

/// What an outcome has to show.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OutcomeSettings {
    /// How long services are watched at least after the last step.
    pub monitor_at_least: Duration,
    /// How long after the planned end, or the last execution if that ends later, an outcome counts as
    /// missing.
    pub missing_after: Duration,
    /// The tiers whose changes may be closed as successful without a person saying so.
    pub close: Vec<RiskTier>,
    /// When an error rate counts as raised.
    pub error_rate: Tolerance,
}

impl Default for OutcomeSettings {
    fn default() -> Self {
        OutcomeSettings {
            monitor_at_least: Duration::seconds(15 * 60),
            missing_after: Duration::hours(24),
            close: vec![RiskTier::Low, RiskTier::Medium],
            error_rate: Tolerance::default(),
        }
    }
}

/// What an error rate has to exceed to count as raised: both of these.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Tolerance {
    /// The rate before, times this.
    pub times: Decimal,
    /// The rate before, and this many percentage points.
    pub points: Decimal,
}

impl Default for Tolerance {
    fn default() -> Self {
        let decimal = |text: &'static str| Decimal::try_from(Cow::Borrowed(text));
        let [times, points] = ["1.25", "0.1"].map(|text| decimal(text).expect("it is a number"));
        Tolerance { times, points }
    }
}

/// What is signed after an execution under break-glass.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BreakGlassSettings {
    /// How long after it the missing sign-offs are due.
    pub due_after: Duration,
}

impl Default for BreakGlassSettings {
    fn default() -> Self {
        BreakGlassSettings { due_after: Duration::hours(24) }
    }
}

/// What holds while an incident is open.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct IncidentSettings {
    /// How long an incident may pause changes before that is a warning.
    pub pause_warn: Duration,
}

impl Default for IncidentSettings {
    fn default() -> Self {
        IncidentSettings { pause_warn: Duration::hours(24) }
    }
}

/// What an escalation pauses, unless it says something else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EscalationPause {
    /// Changes to the same services.
    #[default]
    Services,
    /// All changes.
    All,
}
