//! What an answer is read as: in the dialogue, in flags, in an issue's form.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::core::characters::is_blank;
use crate::core::org::{Org, Service};
use crate::core::request::{Action, ChangeRequest, RequestedApproval, Risk};
use crate::core::terms::{Name, TicketId};
use crate::core::yaml;

/// Reads a text, without the blanks around it.
///
/// # Errors
/// When it is empty, or has a character that no request may hold.
pub fn text(answer: &str) -> Result<String, String> {
    let answer = answer.trim();
    if is_blank(answer) {
        return Err("an answer is needed here".to_owned());
    }
    not_a_placeholder(answer)?;
    match yaml::parse(yaml::write::quoted(answer).as_bytes()).problems.first() {
        Some(problem) => Err(problem.message.clone()),
        None => Ok(answer.to_owned()),
    }
}

/// Checks that a text isn't what stands for one in an advice.
///
/// # Errors
/// When it is.
pub fn not_a_placeholder(text: &str) -> Result<(), String> {
    match text.trim() {
        "..." | "…" => Err(format!("`{text}` stands for a text: write your own")),
        _ => Ok(()),
    }
}

/// Reads the name of an action, a target, a service or a role, without the blanks around it.
///
/// # Errors
/// When it isn't a name.
pub fn name(answer: &str) -> Result<Name, String> {
    text(answer)?.parse()
}

/// Reads one of a type's words, as a menu offers them.
///
/// # Errors
/// When the type doesn't have the word.
pub fn word<T: DeserializeOwned>(answer: &str) -> Result<Value, String> {
    serde_json::from_value::<T>(answer.into())
        .map(|_| answer.into())
        .map_err(|_| format!("`{answer}` isn't possible here: choose an entry of the menu"))
}

/// Reads an incident's number.
///
/// # Errors
/// When it isn't a ticket's number, or a change's.
pub fn incident(answer: &str) -> Result<TicketId, String> {
    let id: TicketId = answer.parse()?;
    if id.is_incident() {
        Ok(id)
    } else {
        Err(format!("`{id}` is a change's number: write the incident's, such as INC-001"))
    }
}

/// Reads an action: `restart-pods:checkout-web`, or with parameters
/// `failover-region:eu-west-1,to=eu-west-2`.
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
    Ok(Action { action: Some(self::name(name)?), target: Some(self::name(target)?), parameters })
}

/// Reads a risk: `what could go wrong -> what is done about it`.
///
/// # Errors
/// When a part isn't a text.
pub fn risk(answer: &str) -> Result<Risk, String> {
    let (risk, mitigation) = match answer.split_once("->").or_else(|| answer.split_once('→')) {
        Some((risk, mitigation)) => (risk, Some(text(mitigation)?)),
        None => (answer, None),
    };
    Ok(Risk { risk: Some(text(risk)?), mitigation, ..Risk::default() })
}

/// Reads a role, or a person as `user:erin`.
///
/// # Errors
/// When the person isn't a login, or the role isn't a name.
pub fn approval(answer: &str) -> Result<RequestedApproval, String> {
    match answer.split_once(':') {
        Some(("user", login)) => login.parse().map(RequestedApproval::User),
        Some(("role", role)) => name(role).map(RequestedApproval::Role),
        _ => name(answer).map(RequestedApproval::Role),
    }
}

/// Reads a link: `dashboard=https://grafana.example/d/checkout`.
///
/// # Errors
/// When a part is missing.
pub fn link(answer: &str) -> Result<(String, String), String> {
    let (name, address) = answer.split_once('=').ok_or_else(|| {
        format!("`{answer}` is not a link: write NAME=ADDRESS, such as dashboard=https://…")
    })?;
    Ok((text(name)?, text(address)?))
}

/// Returns the services that the request names already, and those that the roster maps its targets to.
pub fn services_of(request: &ChangeRequest, org: &Org) -> Vec<Name> {
    let targets = request.targets();
    let is_affected = |name: &Name, service: &Service| {
        request.services().iter().any(|named| named == name)
            || service.targets.iter().any(|target| targets.contains(target))
    };
    let services = org.roster.services.iter();
    services
        .filter(|(name, service)| is_affected(name, service))
        .map(|(name, _)| name.clone())
        .collect()
}
