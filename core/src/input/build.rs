//! Builds the input document from request, evidence, organisation data and calendar.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::log::log_facts;
use super::look_alikes::look_alikes;
use super::template::template;
use super::{
    Active, ApprovalFacts, Case, Change, ChangeKind, Input, PersonFacts, Prepared,
    PullRequestFacts, Purpose,
};
use crate::approvals::{Exclusion, Reviewing, Standing, excluded};
use crate::calendar::Calendar;
use crate::characters::is_visible;
use crate::decision::API_VERSION;
use crate::digest::{Digest, to_json};
use crate::evidence::{
    Contributor, Evidence, Footprint, ForgeKind, Incident, Part, PullRequest, Pushers,
};
use crate::layout::{is_governance, is_governed};
use crate::org::Org;
use crate::request::{ChangeRequest, RECORD_FIELDS, RequestedApproval};
use crate::terms::{Login, Name};
use crate::time::{Interval, Time};
use crate::yaml::pointer_push;

/// Returns the evidence to assume when there is none: the requester has just submitted the request.
pub fn just_submitted(request: Option<&ChangeRequest>, now: Time) -> PullRequest {
    let requester = request.and_then(|request| request.requester.clone());
    let author = |login| Contributor {
        login: Some(login),
        id: None,
        email: None,
        parts: vec![Part::Author],
        unproven: None,
    };
    PullRequest {
        number: None,
        author: requester.clone(),
        author_id: None,
        base_ref: None,
        base: None,
        head: None,
        draft: false,
        submitted_at: now,
        contributors: requester.map(author).into_iter().collect(),
        commits: Vec::new(),
        files: None,
        same_head: Vec::new(),
        merged: None,
    }
}

/// Returns the people who can't approve this change.
pub fn excluded_from(case: &Case<'_>, pull_request: &PullRequest) -> BTreeMap<Login, Exclusion> {
    let request = case.file.and_then(|file| file.request.as_ref());
    excluded(request, pull_request, case.evidence.pushers.known().into_iter().flatten())
}

/// Builds the input document. `pull_request` is the evidence's, or [`just_submitted`].
pub fn build<'a>(
    case: &Case<'a>,
    pull_request: &'a PullRequest,
    excluded: &'a BTreeMap<Login, Exclusion>,
    material: Option<&'a Digest>,
    org: &'a Org,
    calendar: &Calendar,
) -> Prepared<'a> {
    let Case { file, evidence, now, .. } = *case;
    let request = file.and_then(|file| file.request.as_ref());
    let path = file.map(|file| file.path.as_str());
    let services = request.map_or_else(Vec::new, |request| {
        let targets: Vec<_> = request.targets().into_iter().collect();
        affected_services(request.services(), &targets, org)
    });
    let calendar = calendar.of(&services);
    let asked_for = request.into_iter().flat_map(asked_for);
    let former = evidence.previous.iter().flat_map(|previous| previous.performers());
    let is_taken_over = !former.clone().any(|login| Some(login) == pull_request.author.as_ref());
    let asked_for: Vec<_> = asked_for.chain(former.filter(|_| is_taken_over)).collect();
    let reviewing = Reviewing {
        org,
        evidence,
        pull_request,
        excluded,
        material,
        services: &services,
        asked_for: &asked_for,
        now,
    };
    let standings = reviewing.standings();
    let planned = request.and_then(ChangeRequest::planned);
    let log = evidence.operations.as_ref();
    let input = Input {
        api_version: API_VERSION,
        now,
        purpose: Purpose::Merge,
        path,
        request: request.map(|request| filled(request, org)),
        previous: evidence.previous.as_deref(),
        change: Some(change(case, request)),
        pull_request: Some(pull_request_facts(pull_request, &evidence.pushers, path, org)),
        people: people(request, pull_request, evidence, org),
        approvals: standings.iter().map(|standing| approval_facts(standing, org)).collect(),
        look_alikes: request.map_or_else(Vec::new, |request| look_alikes(request, evidence, org)),
        calendar: calendar.facts(planned, now),
        active: planned.map_or_else(Vec::new, |planned| active(request, evidence, planned, org)),
        incident: request.and_then(|request| incident(request, evidence)),
        same_id: &evidence.same_id,
        unread: &evidence.unread,
        overdue_reviews: org.overdue_reviews(now).0,
        services,
        template: template(request, org, log.map_or(&[], |log| &log.suspends)),
        execution: None,
        approval: None,
        unproven: None,
        operations: log.map(|log| log_facts(log, request, material, (org, now))),
        outcome: None,
    };
    Prepared { input, standings }
}

/// Fields whose texts are the requester's own, so that a placeholder in them isn't a missing
/// answer.
const FREE_FIELDS: [&str; 2] = ["parameters", "links"];

/// Returns a request without the texts that say nothing, so that they count as missing.
pub(super) fn filled(request: &ChangeRequest, org: &Org) -> Value {
    fn is_open(value: &Value, org: &Org) -> bool {
        value.as_str().is_some_and(|text| says_nothing(text, org))
    }
    fn strip(value: &mut Value, org: &Org) {
        match value {
            Value::Object(fields) => {
                let answers = fields.iter_mut();
                let answers = answers.filter(|(name, _)| !FREE_FIELDS.contains(&name.as_str()));
                answers.for_each(|(_, field)| strip(field, org));
                fields.retain(|_, field| match field {
                    Value::Array(items) => !items.iter().all(Value::is_null),
                    _ => !is_open(field, org),
                });
            }
            Value::Array(items) => {
                items.iter_mut().for_each(|item| strip(item, org));
                let is_open = |item: &Value| {
                    is_open(item, org) || item.as_object().is_some_and(Map::is_empty)
                };
                items.iter_mut().filter(|item| is_open(item)).for_each(|item| *item = Value::Null);
            }
            _ => {}
        }
    }
    let mut request = request.to_json();
    strip(&mut request, org);
    request
}

/// Returns whether a text is blank or a placeholder such as TBD.
fn says_nothing(text: &str, org: &Org) -> bool {
    let text = text.trim_matches(|c| !is_visible(c));
    let placeholders = &org.settings.placeholders;
    text.is_empty() || placeholders.iter().any(|word| word.eq_ignore_ascii_case(text))
}

fn pull_request_facts<'a>(
    pull_request: &'a PullRequest,
    pushers: &'a Pushers,
    path: Option<&str>,
    org: &Org,
) -> PullRequestFacts<'a> {
    let clock = &org.settings.sign_off;
    let files = pull_request.files.as_deref().unwrap_or_default();
    let is_other = |file: &&str| path.map_or_else(|| !is_governance(file), |path| path != *file);
    PullRequestFacts {
        number: pull_request.number,
        author: pull_request.author.as_ref(),
        base_ref: pull_request.base_ref.as_deref(),
        base: pull_request.base.as_deref(),
        head: pull_request.head.as_deref(),
        draft: pull_request.draft,
        contributors: &pull_request.contributors,
        pushers: pushers.known().map(Iterator::collect),
        submitted_at: pull_request.submitted_at,
        remind_at: pull_request.submitted_at + clock.remind_after,
        due_at: pull_request.submitted_at + clock.due_after,
        other_files: files.iter().map(String::as_str).filter(is_other).collect(),
        same_head: &pull_request.same_head,
    }
}

/// Returns the people from whom the request requires an approval by name.
fn asked_for(request: &ChangeRequest) -> impl Iterator<Item = &Login> {
    request.approvals.iter().filter_map(|approval| match approval {
        RequestedApproval::User(user) => Some(user),
        RequestedApproval::Role(_) => None,
    })
}

/// Returns everyone that the request or the pull request names.
fn people<'a>(
    request: Option<&'a ChangeRequest>,
    pull_request: &'a PullRequest,
    evidence: &'a Evidence,
    org: &'a Org,
) -> BTreeMap<&'a Login, PersonFacts<'a>> {
    let named = request.into_iter().flat_map(|request| {
        let owner = request.rollback.as_ref().and_then(|rollback| rollback.owner.as_ref());
        owner.into_iter().chain(asked_for(request))
    });
    let performing = request.into_iter().flat_map(ChangeRequest::performers);
    let contributors =
        pull_request.contributors.iter().filter_map(|contributor| contributor.login.as_ref());
    let pushers = evidence.pushers.known().into_iter().flatten();
    let acting = performing.chain(&pull_request.author).chain(contributors).chain(pushers);
    let named = named.map(|login| (login, person_facts(login, org)));
    // A person who is both named and acting is kept as the one who acts.
    named.chain(acting.map(|login| (login, actor_facts(login, evidence.forge, org)))).collect()
}

/// Returns the facts about the owner of an account, which on GitHub only the id tells from others
/// of the same login.
fn actor_facts<'a>(login: &Login, forge: Option<ForgeKind>, org: &'a Org) -> PersonFacts<'a> {
    let has_id = org.roster.people.get(login).is_some_and(|person| person.id.is_some());
    let is_certain = forge != Some(ForgeKind::Github) || has_id;
    let facts = person_facts(login, org);
    PersonFacts { level: facts.level.filter(|_| is_certain), ..facts }
}

pub(super) fn person_facts<'a>(login: &Login, org: &'a Org) -> PersonFacts<'a> {
    let person = org.roster.people.get(login);
    PersonFacts {
        known: person.is_some(),
        level: person.and_then(|person| person.level),
        roles: person.map_or(&[], |person| &person.roles),
        teams: person.and_then(|person| person.team.as_deref()).into_iter().collect(),
    }
}

fn approval_facts<'a>(standing: &Standing<'a>, org: &'a Org) -> ApprovalFacts<'a> {
    let person = standing.by.map(|login| person_facts(login, org));
    ApprovalFacts {
        id: &standing.review.id,
        by: standing.by,
        level: person.as_ref().and_then(|person| person.level),
        roles: person.map_or(&[], |person| person.roles),
        state: standing.review.state,
        counts: standing.counts(),
        objects: standing.objects,
        why: standing.why_not.as_ref().map(ToString::to_string),
        submitted_at: standing.review.submitted_at,
        commit: standing.review.commit.as_deref(),
    }
}

/// Returns the services that a request declares, and those that the roster maps its targets to.
pub fn affected_services<'a, T: AsRef<str>>(
    declared: &'a [Name],
    targets: &[T],
    org: &'a Org,
) -> Vec<&'a str> {
    let is_target = |target: &Name| targets.iter().any(|other| other.as_ref() == target.as_str());
    let mapped =
        org.roster.services.iter().filter(|(_, service)| service.targets.iter().any(is_target));
    let declared = declared.iter().map(Name::as_str).filter(|name| !says_nothing(name, org));
    let all: BTreeSet<_> = declared.chain(mapped.map(|(name, _)| name.as_str())).collect();
    all.into_iter().collect()
}

/// Returns the other requests whose planned interval overlaps, merged ones first.
fn active<'a>(
    request: Option<&ChangeRequest>,
    evidence: &'a Evidence,
    planned: Interval,
    org: &'a Org,
) -> Vec<Active<'a>> {
    let own = request.and_then(|request| request.id.as_ref()).map(|id| id.folded());
    let of = |merged: bool, footprint: &'a Footprint| {
        let id = footprint.id.as_ref()?;
        let other = footprint.planned.filter(|other| other.overlaps(&planned))?;
        (Some(id.folded()) != own).then(|| Active {
            id: id.as_str(),
            merged,
            services: affected_services(&footprint.services, &footprint.targets, org),
            targets: footprint.targets.iter().map(Name::as_str).collect(),
            planned: other,
        })
    };
    let merged = evidence.merged.iter().filter_map(|footprint| of(true, footprint));
    merged.chain(evidence.open.iter().filter_map(|footprint| of(false, footprint))).collect()
}

fn incident<'a>(request: &ChangeRequest, evidence: &'a Evidence) -> Option<&'a Incident> {
    let id = request.emergency.as_ref()?.incident.as_ref()?;
    evidence.incidents.iter().find(|incident| incident.id.folded() == id.folded())
}

/// Returns whether it is known that a change touches no governed path.
pub fn is_ungoverned(case: &Case<'_>) -> bool {
    let files = case.evidence.pull_request.as_ref().and_then(|pull| pull.files.as_ref());
    case.file.is_none() && files.is_some_and(|files| !files.iter().any(|path| is_governed(path)))
}

/// Returns what the pull request does to the request.
fn change(case: &Case<'_>, request: Option<&ChangeRequest>) -> Change {
    let Some(request) = request else {
        let kind = match is_ungoverned(case) {
            true => ChangeKind::Other,
            false => ChangeKind::Governance,
        };
        return Change { kind, material: Vec::new() };
    };
    let Some(previous) = case.evidence.previous.as_deref() else {
        return Change { kind: ChangeKind::New, material: Vec::new() };
    };
    let mut material = Vec::new();
    differences(&previous.material(), &request.material(), String::new(), &mut material);
    let records = |request: &ChangeRequest| {
        let all = to_json(request);
        RECORD_FIELDS.map(|field| all.get(field).cloned())
    };
    let kind = if !material.is_empty() {
        ChangeKind::Amend
    } else if request.cancelled != previous.cancelled {
        ChangeKind::Cancel
    } else if records(request) != records(previous) {
        ChangeKind::Outcome
    } else {
        ChangeKind::Amend
    };
    Change { kind, material }
}

/// Finds the JSON pointers at which two values differ, descending while both have the same shape.
fn differences(before: &Value, after: &Value, pointer: String, found: &mut Vec<String>) {
    if before == after {
        return;
    }
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
            for key in keys {
                let mut pointer = pointer.clone();
                pointer_push(&mut pointer, key);
                let side = |side: &Map<String, Value>| side.get(key).cloned();
                let (before, after) = (side(before), side(after));
                differences(
                    &before.unwrap_or_default(),
                    &after.unwrap_or_default(),
                    pointer,
                    found,
                );
            }
        }
        (Value::Array(before), Value::Array(after)) if before.len() == after.len() => {
            for (index, (before, after)) in before.iter().zip(after).enumerate() {
                differences(before, after, format!("{pointer}/{index}"), found);
            }
        }
        _ => found.push(pointer),
    }
}
