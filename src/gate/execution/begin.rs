//! The beginning of an execution: what the event says, from the question and its answer.

use std::collections::BTreeMap;

use crate::core::decision::Decision;
use crate::core::input::affected_services;
use crate::core::operations::authorize::{Approved, Attempt};
use crate::core::operations::kinds::{Approval, Begin, Step};
use crate::core::org::Org;
use crate::core::record::parts::Hex;
use crate::core::request::{Action, ChangeRequest};
use crate::core::time::Time;
use crate::gate::execution::Known;

/// Where an execution runs, and what.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// The host.
    pub host: Option<String>,
    /// The address of the pipeline's run.
    pub url: Option<String>,
    /// The digest of the command's arguments.
    pub command: Option<Hex>,
}

/// Returns the steps that an attempt means, with their numbers: of a rollback those that are undone.
pub fn steps<'k>(known: &'k Known, attempt: &Attempt) -> Vec<(u32, &'k Action)> {
    let done = known.life.done();
    let is_left = |number| attempt.rollback || !done.contains(&number);
    known.request().map_or_else(Vec::new, |request| attempt.steps.of(request, is_left))
}

/// Returns the parameters of an action as text: a text as it is, anything else as JSON.
pub fn parameters(action: &Action) -> BTreeMap<String, String> {
    let text = |value: &serde_json::Value| match value.as_str() {
        Some(text) => text.to_owned(),
        None => value.to_string(),
    };
    action.parameters.iter().map(|(name, value)| (name.clone(), text(value))).collect()
}

/// Returns the beginning of an execution that was approved; `None` where nothing proves the change's
/// approval, which no policy lets pass.
pub fn begin(
    known: &Known,
    attempt: &Attempt,
    decision: &Decision,
    (org, now): (&Org, Time),
    place: &Place,
) -> Option<Begin> {
    let request = known.request()?;
    let Approved::By(approval) = &known.approved else { return None };
    let targets: Vec<_> = request.targets().into_iter().collect();
    let services = affected_services(request.services(), &targets, org);
    let named = |(number, action): (u32, &Action)| {
        let (action, target) = (action.action.clone()?, action.target.clone()?);
        Some(Step { number: Some(number), action, target })
    };
    let window = decision.window.as_ref().and_then(|window| window.fits.first().cloned());
    Some(Begin {
        steps: steps(known, attempt).into_iter().filter_map(named).collect(),
        rollback: attempt.rollback,
        tier: decision.tier.unwrap_or(approval.tier).max(approval.tier),
        services: services.into_iter().filter_map(|name| name.parse().ok()).collect(),
        material: Some(request.material_digest()),
        approval: Approval {
            proof: approval.proof,
            at: approval.at.clone(),
            mode: Some(approval.sign_off.mode),
            signed_by: approval.signed_by().into_keys().cloned().collect(),
            owed: approval.owed.clone(),
            debtor: (!approval.owed.is_empty()).then(|| debtor(request, org)).flatten(),
        },
        planned: request.planned(),
        window,
        lease_until: now + org.settings.execution.lease,
        host: place.host.clone(),
        url: place.url.clone(),
        command: place.command.clone(),
    })
}

/// Returns who owes what is missing: the requester's team, or the requester without one.
fn debtor(request: &ChangeRequest, org: &Org) -> Option<String> {
    let requester = request.requester.as_ref()?;
    let team = org.roster.people.get(requester).and_then(|person| person.team.clone());
    Some(team.unwrap_or_else(|| requester.to_string()))
}
