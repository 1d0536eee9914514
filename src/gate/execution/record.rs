//! What was executed without asking, and who owes sign-offs for it.

use super::Known;
use crate::core::operations::authorize::{Acting, Approved, capacity};
use crate::core::operations::event::Actor;
use crate::core::operations::kinds::Record;
use crate::core::org::Org;

/// Returns who owes sign-offs for what somebody executed without asking: their team, or they themselves
/// without one. `None` if it was approved, by somebody who might, and within the time for which it was.
pub fn debtor(known: &Known, org: &Org, record: &Record) -> Option<String> {
    let by = &record.performed_by;
    let [started, ended] = [record.started_at, record.ended_at];
    let is_approved = matches!(&known.approved, Approved::By(approval) if approval.material_holds)
        && known.life.cancelled.is_none()
        && may_act(known, org, record);
    let planned = known.request().and_then(|request| request.planned());
    let is_planned = planned.is_none_or(|planned| planned.start <= started && ended <= planned.end);
    if is_approved && is_planned {
        return None;
    }
    let team = org.roster.people.get(by).and_then(|person| person.team.clone());
    Some(team.unwrap_or_else(|| by.to_string()))
}

/// Whether somebody might have executed it, or undone it, had they asked.
fn may_act(known: &Known, org: &Org, record: &Record) -> bool {
    let (Some(request), Approved::By(approval)) = (known.request(), &known.approved) else {
        return false;
    };
    let steps: Vec<_> = record.steps.iter().filter_map(|step| step.number).collect();
    let approvers: Vec<_> = approval.approvers().collect();
    let by = Actor::Person(record.performed_by.clone());
    let acting = Acting {
        org,
        request,
        steps: &steps,
        rollback: record.rollback,
        counted: approval.level,
        signed_by: &approvers,
        by: &by,
        on_behalf: None,
    };
    let has_approved = !record.rollback && approvers.contains(&&record.performed_by);
    capacity(&acting).is_some() && !has_approved
}
