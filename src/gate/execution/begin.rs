//! The beginning of an execution: what the event says, from the question and its answer.

use std::collections::BTreeMap;

use crate::core::decision::Decision;
use crate::core::input::{affected_services, debtor};
use crate::core::operations::authorize::{Approval as Approves, Approved, Attempt};
use crate::core::operations::kinds::{Approval, Begin, Step};
use crate::core::org::Org;
use crate::core::record::parts::Hex;
use crate::core::request::Action;
use crate::core::time::Time;
use crate::gate::execution::Known;

/// Which execution it is, where it runs, and what.
#[derive(Clone, Debug)]
pub struct Place {
    /// The host.
    pub host: Option<String>,
    /// The address of the pipeline's run.
    pub url: Option<String>,
    /// The digest of the command's arguments.
    pub command: Option<Hex>,
    /// A random number.
    pub nonce: Hex,
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
    let (tier, approval) = match &known.approved {
        Approved::By(approval) if known.is_alone => {
            return reading(approval, attempt, (org, now), place);
        }
        Approved::By(approval) => (approval.tier, approved(known, attempt, approval, org)),
        // Undoing what was executed rests on what that rested on, whatever can be proven now.
        _ if attempt.rollback => {
            let Begin { tier, approval, .. } = &known.life.executions.first()?.begin.what;
            (*tier, Approval { owed: Vec::new(), debtor: None, ..approval.clone() })
        }
        _ => return None,
    };
    let request = known.request()?;
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
        tier: decision.tier.unwrap_or(tier).max(tier),
        services: services.into_iter().filter_map(|name| name.parse().ok()).collect(),
        material: Some(request.material_digest()),
        approval,
        planned: request.planned(),
        window,
        lease_until: now + org.settings.execution.lease,
        host: place.host.clone(),
        url: place.url.clone(),
        command: place.command.clone(),
        nonce: place.nonce.clone(),
    })
}

/// Returns what the beginning says of an approval.
fn approved(known: &Known, attempt: &Attempt, approval: &Approves, org: &Org) -> Approval {
    // What was executed is owed; undoing it is allowed without.
    let owes = !approval.owed.is_empty() && !attempt.rollback;
    Approval {
        proof: approval.proof,
        at: approval.at.clone(),
        mode: Some(approval.sign_off.mode),
        signed_by: approval.signed_by().into_keys().cloned().collect(),
        owed: if owes { approval.owed.clone() } else { Vec::new() },
        debtor: owes.then(|| debtor(known.request(), org).map(str::to_owned)).flatten(),
    }
}

/// Returns the beginning of what is read under an incident alone: it has no number, material content or
/// plan.
fn reading(
    approval: &Approves,
    attempt: &Attempt,
    (org, now): (&Org, Time),
    place: &Place,
) -> Option<Begin> {
    let (action, target) = attempt.steps.named()?;
    let services = affected_services(&[], &[target], org);
    Some(Begin {
        steps: vec![Step { number: None, action: action.clone(), target: target.clone() }],
        rollback: false,
        tier: approval.tier,
        services: services.into_iter().filter_map(|name| name.parse().ok()).collect(),
        material: None,
        approval: Approval {
            proof: approval.proof,
            at: approval.at.clone(),
            mode: None,
            signed_by: Vec::new(),
            owed: Vec::new(),
            debtor: None,
        },
        planned: None,
        window: None,
        lease_until: now + org.settings.execution.lease,
        host: place.host.clone(),
        url: place.url.clone(),
        command: place.command.clone(),
        nonce: place.nonce.clone(),
    })
}
