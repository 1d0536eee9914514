//! The parts of a request that an approval is bound to.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::terms::{Login, Name, Severity, TicketId};
use crate::time::{Duration, Time};

use super::exact::GREATEST;

/// The kind of change.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum ChangeType {
    /// Routine and well understood.
    Standard,
    /// Everything else that is planned.
    #[default]
    Normal,
    /// A response to a P1 or P2 incident; needs `emergency` and the incident commander.
    Emergency,
}

impl std::fmt::Display for ChangeType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            ChangeType::Standard => "standard",
            ChangeType::Normal => "normal",
            ChangeType::Emergency => "emergency",
        })
    }
}

/// An action on a target.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// A name from the action catalog; any other name only in an off-script request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "failover-region")]
    pub action: Option<Name>,
    /// The target of the action.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "eu-west-1")]
    pub target: Option<Name>,
    /// Further parameters of the action, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, Parameter>", example = BTreeMap::from([("to", "eu-west-2")]))]
    pub parameters: BTreeMap<String, Value>,
}

/// The schema of a parameter: anything but numbers that have more than one spelling.
struct Parameter;

impl JsonSchema for Parameter {
    fn schema_name() -> Cow<'static, str> {
        "Parameter".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let inner = generator.subschema_for::<Parameter>();
        json_schema!({
            "type": ["null", "boolean", "integer", "string", "array", "object"],
            "description": "Text, or a plain whole number; any other number has to be put in quotes",
            "minimum": -GREATEST,
            "maximum": GREATEST,
            "items": inner,
            "additionalProperties": inner,
        })
    }
}

/// What the change touches.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Impact {
    /// The affected services, by their names in the roster.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = ["checkout"])]
    pub services: Vec<Name>,
    /// What users will notice.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "logged-in carts survive, 30 s of errors")]
    pub users: Option<String>,
    /// What operations have to do or know.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "on-call watches both regions")]
    pub operations: Option<String>,
}

/// The planned interval: half-open, its end is the first instant outside.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// When the change begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<Time>,
    /// When the change ends; monitoring may continue after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<Time>,
}

/// How to undo the change.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rollback {
    /// What to do, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = ["reverse the Route 53 weights", "promote the old primary"])]
    pub steps: Vec<String>,
    /// The condition under which the rollback has to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "error rate over 2 % for 5 min")]
    pub trigger: Option<String>,
    /// Who performs the rollback; needed from tier high on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<Login>,
}

/// How to verify afterwards that everything works.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Verification {
    /// How long the service is watched: at least `15m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monitor: Option<Duration>,
    /// The health checks that have to pass.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = ["https://checkout.example/healthz"])]
    pub health_checks: Vec<String>,
    /// Where the error rates are read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = ["cloudwatch: checkout 5xx"])]
    pub error_rates: Vec<String>,
}

/// Why the change doesn't follow the usual script.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OffScript {
    /// The usual script that isn't followed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "runbooks/failover.md")]
    pub script: Option<String>,
    /// Why it can't be followed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub justification: Option<String>,
}

/// Something that could go wrong.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Risk {
    /// What could go wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "the second region is too small for the traffic of both")]
    pub risk: Option<String>,
    /// How likely that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub likelihood: Option<Rating>,
    /// How bad it would be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub impact: Option<Rating>,
    /// What is done about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "scale it to twice its size before")]
    pub mitigation: Option<String>,
}

/// A rating of likelihood or impact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are clear")]
pub enum Rating {
    Low,
    Medium,
    High,
}

/// A sign-off that the request itself requires: `{role: devops-lead}` or `{user: erin}`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RequestedApproval {
    /// Anyone who holds this role.
    Role(Name),
    /// This person.
    User(Login),
}

/// The incident behind an emergency change.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Emergency {
    /// The incident's ticket (INC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incident: Option<TicketId>,
    /// How severe the incident is: P1 or P2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// Why the change can't wait for a window.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "every second checkout fails until the pods are restarted")]
    pub why_now: Option<String>,
    /// Execute first, sign off within 24 hours.
    #[serde(default)]
    pub break_glass: bool,
}
