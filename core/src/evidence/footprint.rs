//! What of other requests matters for conflicts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::request::{Action, ChangeRequest, Impact, Schedule};
use crate::terms::{Name, TicketId};
use crate::time::Interval;

/// The part of another request that matters for conflicts: where and when it acts. Written as the
/// request that it comes from, without the other fields.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(from = "ChangeRequest", into = "ChangeRequest")]
pub struct Footprint {
    /// The request's id.
    pub id: Option<TicketId>,
    /// When it is planned to run.
    pub planned: Option<Interval>,
    /// The services that it declares as affected.
    pub services: Vec<Name>,
    /// What it acts on.
    pub targets: Vec<Name>,
}

impl From<&ChangeRequest> for Footprint {
    fn from(request: &ChangeRequest) -> Self {
        Footprint {
            id: request.id.clone(),
            planned: request.planned(),
            services: request.services().to_vec(),
            targets: request.targets().into_iter().cloned().collect(),
        }
    }
}

impl From<ChangeRequest> for Footprint {
    fn from(request: ChangeRequest) -> Self {
        Footprint::from(&request)
    }
}

impl From<Footprint> for ChangeRequest {
    fn from(footprint: Footprint) -> Self {
        let action = |target| Action { target: Some(target), ..Action::default() };
        ChangeRequest {
            id: footprint.id,
            schedule: footprint
                .planned
                .map(|planned| Schedule { start: Some(planned.start), end: Some(planned.end) }),
            impact: Some(Impact { services: footprint.services, ..Impact::default() }),
            actions: footprint.targets.into_iter().map(action).collect(),
            ..ChangeRequest::default()
        }
    }
}

impl JsonSchema for Footprint {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        ChangeRequest::schema_name()
    }

    fn schema_id() -> std::borrow::Cow<'static, str> {
        ChangeRequest::schema_id()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        ChangeRequest::json_schema(generator)
    }
}
