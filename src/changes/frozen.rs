//! Which freezes hold up what is planned.

use super::in_short::InShort;
use crate::core::calendar::Calendar;
use crate::core::input::affected_services;
use crate::core::org::{Freeze, Org};
use crate::core::request::{ChangeRequest, ChangeType};
use crate::core::terms::{Name, TicketId};
use crate::core::time::Time;

/// Whether windows and freezes bind a change of a kind with these actions: what answers an incident isn't bound
/// by them alone, and what only reads isn't bound at all.
pub fn is_bound<'a>(kind: ChangeType, actions: impl Iterator<Item = &'a Name>, org: &Org) -> bool {
    let reads = |action: &Name| {
        org.actions.entries.get(action.as_str()).is_some_and(|action| action.read_only)
    };
    let mut actions = actions.peekable();
    kind != ChangeType::Emergency && (actions.peek().is_none() || !actions.all(reads))
}

/// Returns the changes of these that are planned for a time at which their services are frozen, whether or not
/// freezes bind them.
pub fn frozen<'a>(
    requests: &'a [InShort],
    (calendar, org): (&Calendar, &Org),
    now: Time,
) -> Vec<&'a TicketId> {
    let is_frozen = |it: &&InShort| {
        it.planned.filter(|planned| now < planned.end).is_some_and(|planned| {
            let targets: Vec<_> = it.steps.iter().map(|(_, target)| target).collect();
            let services = affected_services(&it.services, &targets, org);
            let mut freezes = calendar.freezes_after(now.max(planned.start));
            freezes.any(|it| it.start < planned.end && it.concerns(&services))
        })
    };
    requests.iter().filter(is_frozen).map(|it| &it.id).collect()
}

/// Returns the freezes in which what is planned would begin now or as planned, in order of their starts.
pub fn freezes(calendar: &Calendar, org: &Org, request: &ChangeRequest, now: Time) -> Vec<Freeze> {
    let actions = request.actions.iter().filter_map(|step| step.action.as_ref());
    let Some(planned) = request.planned().filter(|_| is_bound(request.kind, actions, org)) else {
        return Vec::new();
    };
    let targets: Vec<_> = request.targets().into_iter().collect();
    let services = affected_services(request.services(), &targets, org);
    let begins = now.max(planned.start);
    let freezes = calendar.freezes_after(begins);
    let freezes = freezes.filter(|it| it.start <= begins && it.concerns(&services));
    freezes.cloned().collect()
}
