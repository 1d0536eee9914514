//! Names in a request that look like others.

use std::collections::BTreeSet;

use super::LookAlike;
use crate::evidence::Evidence;
use crate::org::Org;
use crate::request::{ChangeRequest, RequestedApproval, SERVICE_OWNER};
use crate::terms::{Name, look_alike};

/// Returns the names of a request that look like one of the organisation's, or of another request's.
pub(super) fn look_alikes<'a>(
    request: &'a ChangeRequest,
    evidence: &'a Evidence,
    org: &'a Org,
) -> Vec<LookAlike<'a>> {
    let services = &org.roster.services;
    let others = evidence.merged.iter().chain(&evidence.open).flat_map(|other| &other.targets);
    let targets = services.values().flat_map(|service| &service.targets);
    let targets: BTreeSet<&str> =
        targets.chain(others).chain(&evidence.known_targets).map(Name::as_str).collect();
    let actions = org.actions.entries.keys().map(String::as_str).collect();
    let services = services.keys().map(Name::as_str).collect();
    let roles = org.roster.people.values().flat_map(|person| &person.roles);
    let roles = roles.map(Name::as_str).chain([SERVICE_OWNER]).collect();

    let mut found = Vec::new();
    let mut compare = |pointer: String, name: &'a Name, known: &BTreeSet<&'a str>| {
        let mut known = known.iter().filter(|_| !known.contains(name.as_str()));
        if let Some(known) = known.find(|known| look_alike(name, known)) {
            found.push(LookAlike { pointer, name, known });
        }
    };
    for (index, action) in request.actions.iter().enumerate() {
        for (field, name, known) in
            [("action", &action.action, &actions), ("target", &action.target, &targets)]
        {
            name.iter().for_each(|name| compare(format!("/actions/{index}/{field}"), name, known));
        }
    }
    for (index, service) in request.services().iter().enumerate() {
        compare(format!("/impact/services/{index}"), service, &services);
    }
    for (index, approval) in request.approvals.iter().enumerate() {
        if let RequestedApproval::Role(role) = approval {
            compare(format!("/approvals/{index}/role"), role, &roles);
        }
    }
    found
}
