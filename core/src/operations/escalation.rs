//! The escalation matrix for an incident: whom to call, in which order, until when.

use schemars::JsonSchema;
use serde::Serialize;

use crate::org::Org;
use crate::request::SERVICE_OWNER;
use crate::terms::{Login, Severity};
use crate::time::Time;

/// A step of the matrix: one of these people is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Call {
    /// The role or the person as the matrix names it.
    pub notify: String,
    /// The people, of whom one is enough.
    pub people: Vec<Login>,
    /// Until when.
    pub by: Time,
}

/// Returns whom to call about an incident of these services that was declared at a time.
pub fn calls(org: &Org, severity: Severity, services: &[&str], declared_at: Time) -> Vec<Call> {
    let steps = org.escalation.entries.get(&format!("{severity:?}"));
    let call = |step: &crate::org::EscalationStep| Call {
        notify: step.notify.clone(),
        people: people(org, &step.notify, services),
        by: declared_at + step.within,
    };
    steps.into_iter().flatten().map(call).collect()
}

fn people(org: &Org, notify: &str, services: &[&str]) -> Vec<Login> {
    let roster = &org.roster;
    if let Some((login, _)) = roster.people.iter().find(|(login, _)| login.as_str() == notify) {
        return vec![login.clone()];
    }
    if notify == SERVICE_OWNER {
        let affected = roster.services.iter().filter(|(name, _)| services.contains(&name.as_str()));
        let mut owners: Vec<_> = affected.flat_map(|(_, it)| it.owners.iter().cloned()).collect();
        owners.sort();
        owners.dedup();
        return owners;
    }
    let has_role = roster
        .people
        .iter()
        .filter(|(_, person)| person.roles.iter().any(|role| role.as_str() == notify));
    has_role.map(|(login, _)| login.clone()).collect()
}
