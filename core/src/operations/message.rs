//! The message of an event's commit, made from the event, so that `git log` on the log's branch reads
//! as an account of what was done, and a reader can make it again.
//!
//! ```text
//! begin CHG-1234: failover-region on eu-west-1
//!
//! By machine:deploy-prod for bob, step 1, planned 2026-11-24 22:00–23:00 UTC in off-peak.
//!
//! Change: CHG-1234
//! Event: begin
//! Id: 9f2c…
//! Base: 4f0c…
//! ```
//!
//! It repeats no free text, which could be taken for lines of its own. Its wording belongs to the
//! format: it never changes for what is recorded already.

use super::event::Event;
use super::kinds::{Begin, End, Pauses, Step, Updated, What};
use crate::record::message::interval;
use crate::terms::all_of;
use crate::time::Interval;

/// Returns the message of an event's commit.
pub fn message(event: &Event) -> String {
    let head = event.head();
    let id = String::from(event.id().clone());
    let on_behalf = head.on_behalf.iter().map(|person| format!(" for {person}"));
    let mut story = vec![format!("By {}{}", head.by, on_behalf.collect::<String>())];
    story.extend(details(event.what()));
    story.extend(head.offline.then(|| "recorded offline".to_owned()));
    let trailers = [
        ("Change", head.change.as_ref().map(ToString::to_string)),
        ("Incident", head.incident.as_ref().map(ToString::to_string)),
        ("Event", Some(event.what().name().to_owned())),
        ("Id", Some(id)),
        ("Base", Some(head.base.to_string())),
    ];
    let mut text = format!("{}\n\n{}.\n\n", title(event), story.join(", "));
    for (key, value) in trailers {
        text.extend(value.map(|value| format!("{key}: {value}\n")));
    }
    text
}

/// Returns what happened as a line of a change's story says it, without what the free text says:
/// `failover-region on eu-west-1, step 1, planned …`.
pub fn in_short(event: &Event) -> String {
    let parts = subject(event).into_iter().chain(details(event.what())).chain(times(event));
    parts.collect::<Vec<_>>().join(", ")
}

/// Returns when that was what somebody recorded afterwards: `2026-11-24 22:05–22:20 UTC`. The commit's
/// message doesn't say it.
pub fn times(event: &Event) -> Option<String> {
    match event.what() {
        What::Record(it) => Some(interval(Interval { start: it.started_at, end: it.ended_at })),
        _ => None,
    }
}

/// Returns the free text of an event, if it holds any.
pub fn free_text(event: &Event) -> Option<&str> {
    let text = match event.what() {
        What::End(it) => it.why.as_ref(),
        What::Record(it) => Some(&it.why),
        What::Verified(it) => it.unexpected_impact.as_ref(),
        What::Outcome(it) => it.note.as_ref(),
        What::Cancelled(it) => Some(&it.reason),
        What::Commander(it) => Some(&it.heard),
        What::Opened(it) => Some(&it.summary),
        What::Updated(it) => it.note.as_ref(),
        What::Resolved(it) => it.note.as_ref(),
        What::Voided(it) => Some(&it.why),
        What::Genesis(_) | What::Keys(_) | What::Begin(_) | What::Renew(_) | What::Escalated(_) => {
            None
        }
    };
    text.map(String::as_str)
}

/// Returns the first line.
fn title(event: &Event) -> String {
    let about = event.about().map(|about| format!(" {about}")).unwrap_or_default();
    let what = subject(event).map(|what| format!(": {what}")).unwrap_or_default();
    format!("{}{about}{what}", event.what().name())
}

/// Returns what the first line says after what it is about.
fn subject(event: &Event) -> Option<String> {
    match event.what() {
        What::Begin(it) if it.rollback => Some("rollback".to_owned()),
        What::Begin(it) => Some(all_of(&named(&it.steps))),
        What::End(it) => Some(result(it)),
        What::Record(it) if it.rollback => Some("rollback".to_owned()),
        What::Record(it) => Some(all_of(&named(&it.steps))),
        What::Verified(it) => Some(word(&it.health)),
        What::Outcome(it) => Some(word(&it.result)),
        What::Escalated(it) => {
            let incident = event.head().incident.as_ref().map(ToString::to_string);
            Some(format!("{} {}", incident.unwrap_or_default(), word(&it.severity)))
        }
        What::Opened(it) => Some(word(&it.severity)),
        What::Voided(it) => Some(word(&it.what)),
        _ => None,
    }
}

/// Returns what the second paragraph says after who wrote it.
fn details(what: &What) -> Vec<String> {
    match what {
        What::Begin(it) => begin(it),
        What::End(it) => {
            let overran = it.overran.map(|by| format!("{} late", by.for_people()));
            overran.into_iter().collect()
        }
        What::Record(it) => vec![format!("done by {} without asking", it.performed_by)],
        What::Verified(it) => {
            let length = it.monitored.to - it.monitored.from;
            vec![format!("watched for {}", length.for_people())]
        }
        What::Outcome(it) => it.automatic.then(|| "by rule".to_owned()).into_iter().collect(),
        What::Escalated(it) => pauses(it.pauses).into_iter().collect(),
        What::Commander(it) => vec![format!("who heard {} approve", it.who)],
        What::Opened(it) => {
            let services = Some(all_of(&it.services)).filter(|names| !names.is_empty());
            services
                .map(|names| format!("affects {names}"))
                .into_iter()
                .chain(pauses(it.pauses))
                .collect()
        }
        What::Updated(it) => updated(it),
        What::Voided(it) => vec![format!("of {}", &String::from(it.of.clone())[..10])],
        _ => Vec::new(),
    }
}

fn updated(it: &Updated) -> Vec<String> {
    let severity = it.severity.as_ref().map(|severity| format!("severity {}", word(severity)));
    let services = it.services.as_ref().map(|names| format!("affects {}", all_of(names)));
    let commander = it.commander.as_ref().map(|who| format!("commanded by {who}"));
    let pauses = it.pauses.map(|it| pauses(it).unwrap_or_else(|| "pauses nothing".to_owned()));
    [severity, services, commander, pauses].into_iter().flatten().collect()
}

fn begin(it: &Begin) -> Vec<String> {
    let numbers: Vec<_> = it.steps.iter().filter_map(|step| step.number).collect();
    let steps = match &numbers[..] {
        [] => None,
        [number] => Some(format!("step {number}")),
        numbers => Some(format!("steps {}", all_of(numbers))),
    };
    let window = it.window.as_ref().map(|name| format!(" in {name}")).unwrap_or_default();
    let planned = it.planned.map(|planned| format!("planned {}{window}", interval(planned)));
    let owes = it.approval.debtor.as_ref().map(|who| format!("owed by {who}"));
    [steps, planned, owes].into_iter().flatten().collect()
}

fn pauses(pauses: Pauses) -> Option<String> {
    match pauses {
        Pauses::None => None,
        Pauses::Services => Some("pauses changes to its services".to_owned()),
        Pauses::All => Some("pauses all changes".to_owned()),
    }
}

fn named(steps: &[Step]) -> Vec<String> {
    steps.iter().map(|step| format!("{} on {}", step.action, step.target)).collect()
}

fn result(end: &End) -> String {
    match (end.code, end.signal) {
        (Some(code), _) if code > 0 => format!("{}, exit code {code}", word(&end.result)),
        (_, Some(signal)) => format!("{}, signal {signal}", word(&end.result)),
        _ => word(&end.result),
    }
}

/// Returns a value as the event writes it.
fn word(value: &impl serde::Serialize) -> String {
    crate::digest::to_json(value).as_str().unwrap_or_default().to_owned()
}
