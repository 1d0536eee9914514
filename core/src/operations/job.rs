//! Who a job on GitHub is, by what its token says.
//!
//! Everybody who reads the log decides this again, from the token that lies beside the event and from
//! the organisation's tables at the event's base.

use super::event::{Actor, Event};
use super::kinds::{Keys, What};
use super::token::{Claims, Token};
use crate::org::{ActsFor, GithubJob, Org};
use crate::terms::Login;
use crate::time::Duration;

/// The workflow that brings an issuer's next key, in the repository with the changes.
pub const SWEEP: &str = ".github/workflows/sweep.yml";

/// The workflow that records what people say in comments and forms, in the repository with the changes.
pub const CHANGE_RECORD: &str = ".github/workflows/change-record.yml";

/// As whom [`SWEEP`] writes.
const SWEEPER: &str = "sweep";

/// How far the time of a token may be from that of its event.
const SKEW: Duration = Duration::seconds(300);

/// The kind of event that started a run by hand, by a schedule, or by a comment.
const BY_HAND: &str = "workflow_dispatch";
const BY_SCHEDULE: &str = "schedule";
const BY_COMMENT: &str = "issue_comment";

/// Returns the audience of the token that proves an event. It fits no other event, and nobody else who
/// takes tokens, so that one that lies in Git opens nothing.
pub fn audience(event: &Event) -> String {
    format!("changegate:{}", String::from(event.id().clone()))
}

/// Returns who a job is, and for whom it acts.
///
/// # Errors
/// Why it is nobody who may write events.
pub fn whose(claims: &Claims, org: &Org) -> Result<(Actor, Option<Login>), String> {
    if is_own(claims, org, SWEEP) {
        return Ok((sweeper(), None));
    }
    if is_own(claims, org, CHANGE_RECORD) {
        return Ok((Actor::Person(person(claims, org)?), None));
    }
    let mut machines = org.roster.machines.iter();
    let is_it = |job: &GithubJob| is_job(job, claims);
    let found = machines.find(|(_, machine)| machine.github.as_ref().is_some_and(is_it));
    let Some((name, _)) = found else {
        let environment = claims.environment.as_ref();
        let environment = environment.map(|name| format!(", environment {name}"));
        return Err(format!(
            "no machine in policies/org/roster/data.yaml is this job: repository_id {}, workflow_ref {}{}",
            claims.repository_id,
            claims.workflow_ref,
            environment.unwrap_or_default()
        ));
    };
    let on_behalf = if is_nobody(claims) { None } else { Some(person(claims, org)?) };
    Ok((Actor::Machine(name.clone()), on_behalf))
}

/// Returns why a token doesn't prove who wrote an event. `keys` are the issuers' keys that were recorded
/// before it; `author` is the account that wrote the comment of which it came, if it came of one.
pub fn refuses(
    event: &Event,
    token: &Token,
    author: Option<&str>,
    org: &Org,
    keys: &[Keys],
) -> Option<String> {
    let Token { kid, claims, .. } = token;
    let issuer = &org.settings.execution.issuer;
    let is_its = |key: &&Keys| key.issuer == *issuer && key.kid == *kid;
    let mut own = keys.iter().filter(is_its).peekable();
    if claims.iss != *issuer {
        return Some(format!("its token is from {}, and not from {issuer}", claims.iss));
    }
    if own.peek().is_none() {
        return Some(format!(
            "its token is signed with {kid}, a key that isn't in the log before it: have an L3 run \
             `changegate operations keys`"
        ));
    }
    if !own.any(|key| token.is_signed_by(&key.key)) {
        return Some("the signature of its token doesn't match it".to_owned());
    }
    if claims.aud != audience(event) {
        return Some("its token is meant for something else".to_owned());
    }
    let at = event.head().at.utc().timestamp();
    if at.abs_diff(claims.iat) > SKEW.as_seconds() {
        return Some("its token was issued at another time than it says".to_owned());
    }
    is_theirs(event, claims, author, org).err()
}

/// Checks that a token is that of who an event says wrote it.
fn is_theirs(
    event: &Event,
    claims: &Claims,
    author: Option<&str>,
    org: &Org,
) -> Result<(), String> {
    let head = event.head();
    let by = &head.by;
    let holds = match (by, author) {
        (Actor::Person(login), None) => {
            is_own(claims, org, CHANGE_RECORD)
                && claims.event_name == BY_HAND
                && person(claims, org)? == *login
        }
        (Actor::Person(login), Some(author)) => {
            is_own(claims, org, CHANGE_RECORD)
                && claims.event_name == BY_COMMENT
                && claims.actor_id == author
                && person(claims, org)? == *login
        }
        (Actor::Machine(_), Some(_)) => false,
        (Actor::Machine(_), None) if matches!(event.what(), What::Keys(_)) => {
            *by == sweeper() && is_own(claims, org, SWEEP)
        }
        (Actor::Machine(name), None) => {
            let machine = org.roster.machines.get(name);
            let job = machine.and_then(|machine| machine.github.as_ref());
            let (Some(machine), Some(job)) = (machine, job) else {
                return Err(format!("the roster names no job on GitHub that is {by}"));
            };
            is_job(job, claims)
                && match &head.on_behalf {
                    Some(login) => {
                        machine.acts_for == ActsFor::People
                            && !is_nobody(claims)
                            && person(claims, org)? == *login
                    }
                    None => machine.unattended && is_nobody(claims),
                }
        }
    };
    if holds { Ok(()) } else { Err(format!("its token isn't that of {by}, as it says")) }
}

fn sweeper() -> Actor {
    Actor::Machine(SWEEPER.parse().expect("it is a login"))
}

/// Whether a job is this one.
fn is_job(job: &GithubJob, claims: &Claims) -> bool {
    let GithubJob { repository_id, workflow, at, environment } = job;
    claims.repository_id == *repository_id
        && claims.workflow_ref == format!("{}/{workflow}@{at}", claims.repository)
        && environment.as_ref().is_none_or(|name| claims.environment.as_ref() == Some(name))
}

/// Whether it is a job of this workflow in the repository with the changes, as a protected branch has it:
/// nobody alone changes what it does.
fn is_own(claims: &Claims, org: &Org, workflow: &str) -> bool {
    let settings = &org.settings;
    settings.execution.repository_id.as_ref().is_some_and(|repository_id| {
        settings.protected_bases.iter().any(|base| {
            let own = GithubJob {
                repository_id: repository_id.clone(),
                workflow: workflow.to_owned(),
                at: format!("refs/heads/{base}"),
                environment: None,
            };
            is_job(&own, claims)
        })
    })
}

/// Whether nobody started the job: of a schedule, the token names who wrote it.
fn is_nobody(claims: &Claims) -> bool {
    claims.event_name == BY_SCHEDULE || claims.actor.ends_with("[bot]")
}

/// Returns who started the job.
fn person(claims: &Claims, org: &Org) -> Result<Login, String> {
    with_id(&claims.actor_id, &claims.actor, org)
}

/// Returns the person of the roster with the numeric id of an account, which has this login.
///
/// # Errors
/// When there is none.
pub fn with_id(id: &str, login: &str, org: &Org) -> Result<Login, String> {
    let mut people = org.roster.people.iter();
    let found = people.find(|(_, person)| person.id.as_deref() == Some(id));
    found.map(|(login, _)| login.clone()).ok_or_else(|| {
        format!("{login}, whose id on GitHub is {id}, isn't in policies/org/roster/data.yaml")
    })
}
