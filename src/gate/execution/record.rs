//! What was executed without asking, and who owes sign-offs for it.

use super::Known;
use crate::core::operations::authorize::Approved;
use crate::core::org::Org;
use crate::core::terms::Login;
use crate::core::time::Time;

/// Returns who owes sign-offs for what somebody executed without asking: their team, or they themselves
/// without one. `None` if it was approved, and done within the time for which it was.
pub fn debtor(known: &Known, org: &Org, by: &Login, [started, ended]: [Time; 2]) -> Option<String> {
    let is_approved = matches!(&known.approved, Approved::By(approval) if approval.material_holds);
    let planned = known.request().and_then(|request| request.planned());
    let is_planned = planned.is_none_or(|planned| planned.start <= started && ended <= planned.end);
    if is_approved && is_planned {
        return None;
    }
    let team = org.roster.people.get(by).and_then(|person| person.team.clone());
    Some(team.unwrap_or_else(|| by.to_string()))
}
