//! What an open incident alone permits: reading, without a request.

use super::{Known, Route};
use crate::core::operations::authorize::{Approval, Approved, Steps};
use crate::core::operations::event::About;
use crate::core::operations::life::Life;
use crate::core::operations::state::PullState;
use crate::core::org::Org;
use crate::core::request::ChangeRequest;
use crate::core::terms::{RiskTier, TicketId};
use crate::operations::Log;

impl Known {
    /// Returns what is known of an incident under which alone something is read; `None` if the log doesn't
    /// know it.
    ///
    /// # Errors
    /// When the log can't be read.
    pub fn of_incident(
        log: &Log<'_>,
        id: &TicketId,
        steps: &Steps,
        org: &Org,
    ) -> anyhow::Result<Option<Self>> {
        let Some(it) = log.life(About::Incident(id))?.incident else { return Ok(None) };
        let entry = steps.named().and_then(|(action, _)| org.actions.entries.get(action.as_str()));
        // What the catalog doesn't list isn't known to read alone, and is denied.
        let tier = entry.map_or(RiskTier::Low, |entry| entry.tier);
        Ok(Some(Known {
            id: id.clone(),
            merged: None,
            approved: Approved::By(Approval::under_incident(&it.opened.id, tier)),
            life: Life::default(),
            pull: PullState::Merged,
            open_change: None,
            contributors: Vec::new(),
            alike: Vec::new(),
            incident: log.held().incident(id)?,
            is_alone: true,
            suspends: Vec::new(),
            debts: Vec::new(),
            is_break_glass: false,
        }))
    }

    /// Returns what is meant by an id: the change, or the incident of this id if the change doesn't have the
    /// step that is asked for.
    ///
    /// # Errors
    /// When the log can't be read.
    pub fn or_incident(
        self,
        log: Option<&Log<'_>>,
        (steps, route): (&Steps, &Route),
        org: &Org,
    ) -> anyhow::Result<Self> {
        let has_step = |request: &ChangeRequest| {
            steps.named().is_none() || !steps.of(request, |_| true).is_empty()
        };
        let Some(log) = log.filter(|_| *route == Route::Merged) else { return Ok(self) };
        if self.file().is_some() && self.request().is_none_or(has_step) {
            return Ok(self);
        }
        Ok(Self::of_incident(log, &self.id, steps, org)?.unwrap_or(self))
    }

    /// Returns what it is: the change, or the incident under which something is read.
    pub fn about(&self) -> About<'_> {
        if self.is_alone { About::Incident(&self.id) } else { About::Change(&self.id) }
    }
}
