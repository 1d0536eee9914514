//! What an emergency under break-glass needs beyond what somebody says on the night of an incident: filled
//! in from the incident's record, the catalog and the roster, so that hardly anything is asked.

use crate::core::operations::kinds::Opened;
use crate::core::org::Org;
use crate::core::request::{Action, ChangeRequest, Schedule};
use crate::core::terms::{Level, Login};
use crate::core::time::{Duration, Time};

/// How long an emergency may take that doesn't say it: a window of permission, not a duration.
const LENGTH: Duration = Duration::hours(4);

/// Fills in what an emergency under break-glass leaves open. `incident` is the log's record of it, if it
/// has one. Nothing that is there is replaced.
pub fn fill(request: &mut ChangeRequest, incident: Option<&Opened>, org: &Org, now: Time) {
    let Some(emergency) = request.emergency.as_mut().filter(|it| it.break_glass) else { return };
    let answers = emergency.incident.as_ref().map(ToString::to_string).unwrap_or_default();
    if let Some(incident) = incident {
        emergency.severity.get_or_insert(incident.severity);
        let what = || format!("{answers}: {}", incident.summary);
        emergency.why_now.get_or_insert_with(what);
        request.reason.get_or_insert_with(what);
        let impact = request.impact.get_or_insert_default();
        if impact.services.is_empty() {
            impact.services.clone_from(&incident.services);
        }
        impact.users.get_or_insert_with(what);
        impact.operations.get_or_insert_with(|| format!("an emergency that answers {answers}"));
    }
    if let Some(what) = named(&request.actions) {
        request.summary.get_or_insert_with(|| format!("{what}, for {answers}"));
    }
    if request.schedule.is_none() {
        request.schedule = Some(Schedule { start: Some(now), end: Some(now + LENGTH) });
    }
    undo(request, org);
    let affected = super::answer::services_of(request, org);
    let services = affected.iter().filter_map(|name| Some((name, org.roster.services.get(name)?)));
    let verification = request.verification.get_or_insert_default();
    verification.monitor.get_or_insert(org.settings.outcome.monitor_at_least);
    let (no_health, no_rates) =
        (verification.health_checks.is_empty(), verification.error_rates.is_empty());
    for (name, service) in services {
        if no_health {
            let usual = vec![format!("{name} is healthy")];
            let health = if service.health.is_empty() { &usual } else { &service.health };
            verification.health_checks.extend(health.iter().cloned());
        }
        if no_rates {
            verification.error_rates.push(format!("{name}, as the roster says"));
        }
    }
}

/// Returns what is done, in words; `None` if nobody said it.
fn named(actions: &[Action]) -> Option<String> {
    let action = actions.first()?;
    let (name, target) = (action.action.as_ref()?, action.target.as_ref()?);
    let more = if actions.len() > 1 { " and more" } else { "" };
    Some(format!("{name} on {target}{more}"))
}

/// Fills in how it is undone, by the catalog, and by whom.
fn undo(request: &mut ChangeRequest, org: &Org) {
    let entries = request
        .actions
        .iter()
        .filter_map(|action| org.actions.entries.get(action.action.as_ref()?.as_str()));
    let entries: Vec<_> = entries.map(|entry| &entry.rollback).collect();
    let level = entries.iter().filter_map(|it| it.level).max();
    let steps = entries.iter().filter(|it| it.needed).map(|it| it.text.clone());
    let steps: Vec<_> = steps.collect();
    let requester = request.requester.clone();
    let rollback = request.rollback.get_or_insert_default();
    if rollback.steps.is_empty() {
        rollback.steps = steps;
    }
    if rollback.owner.is_none() {
        rollback.owner = owner(requester, level, org);
    }
    request.rollback.take_if(|rollback| *rollback == Default::default());
}

/// Returns who undoes it: the requester, or the first person of the level that it takes.
fn owner(requester: Option<Login>, level: Option<Level>, org: &Org) -> Option<Login> {
    let people = &org.roster.people;
    let holds = |login: &Login| people.get(login).is_some_and(|it| it.level >= level);
    requester
        .filter(|login| holds(login))
        .or_else(|| people.keys().find(|login| holds(login)).cloned())
}
