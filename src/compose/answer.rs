//! What an answer is read as, in the dialogue and in flags.

use crate::core::org::{Org, Service};
use crate::core::request::{Action, ChangeRequest, RequestedApproval};
use crate::core::terms::TicketId;
use crate::core::yaml;

/// Words, without the blanks around them.
///
/// # Errors
/// When there are none, or a character that no request may hold.
pub fn text(answer: &str) -> Result<String, String> {
    let answer = answer.trim();
    if answer.is_empty() {
        return Err("an answer is needed here".to_owned());
    }
    match yaml::parse(yaml::write::quoted(answer).as_bytes()).problems.first() {
        Some(problem) => Err(problem.message.clone()),
        None => Ok(answer.to_owned()),
    }
}

/// An incident's number.
///
/// # Errors
/// When it is none.
pub fn incident(answer: &str) -> Result<TicketId, String> {
    let id: TicketId = answer.parse()?;
    if id.is_incident() {
        Ok(id)
    } else {
        Err(format!("`{id}` is a change's number: write the incident's, such as INC-001"))
    }
}

/// `restart-pods:checkout-web`, or with parameters `failover-region:eu-west-1,to=eu-west-2`.
///
/// # Errors
/// When a part is missing.
pub fn action(answer: &str) -> Result<Action, String> {
    let wanted = || {
        format!(
            "`{answer}` is not an action with its target: write both, such as \
             restart-pods:checkout-web or failover-region:eu-west-1,to=eu-west-2"
        )
    };
    let (name, rest) = answer.split_once(':').ok_or_else(wanted)?;
    let mut parts = rest.split(',');
    let target = parts.next().unwrap_or_default();
    let parameters = parts.map(|part| {
        let (name, value) = part.split_once('=').ok_or_else(wanted)?;
        Ok((text(name)?, text(value)?.into()))
    });
    let parameters = parameters.collect::<Result<_, String>>()?;
    if name.trim().is_empty() || target.trim().is_empty() {
        return Err(wanted());
    }
    Ok(Action { action: Some(text(name)?), target: Some(text(target)?), parameters })
}

/// A role, or a person as `user:erin`.
///
/// # Errors
/// When it is no login, or no text.
pub fn approval(answer: &str) -> Result<RequestedApproval, String> {
    match answer.split_once(':') {
        Some(("user", login)) => login.parse().map(RequestedApproval::User),
        Some(("role", role)) => text(role).map(RequestedApproval::Role),
        _ => text(answer).map(RequestedApproval::Role),
    }
}

/// `dashboard=https://grafana.example/d/checkout`
///
/// # Errors
/// When a part is missing.
pub fn link(answer: &str) -> Result<(String, String), String> {
    let (name, address) = answer.split_once('=').ok_or_else(|| {
        format!("`{answer}` is not a link: write NAME=ADDRESS, such as dashboard=https://…")
    })?;
    Ok((text(name)?, text(address)?))
}

/// The services that the request names already, and those that the roster maps its targets to.
pub fn services_of(request: &ChangeRequest, org: &Org) -> Vec<String> {
    let targets = request.targets();
    let is_affected = |name: &str, service: &Service| {
        request.services().iter().any(|named| named == name)
            || service.targets.iter().any(|target| targets.contains(target.as_str()))
    };
    let services = org.roster.services.iter();
    services
        .filter(|(name, service)| is_affected(name, service))
        .map(|(name, _)| name.clone())
        .collect()
}
