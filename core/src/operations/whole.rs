//! Which fields belong together in an event of each kind.

use std::collections::BTreeSet;

use super::event::About;
use super::kinds::{Begin, Check, CheckKind, EndResult, ProvenBy, Updated, What};
use crate::request::Health;
use crate::terms::Pauses;

/// The most steps of one event.
const MOST_STEPS: usize = 20;

/// Which files can hold a kind of event.
pub struct Files {
    /// That of a change.
    pub of_changes: bool,
    /// That of an incident.
    pub of_incidents: bool,
    /// That of the log itself.
    pub of_the_log: bool,
}

impl What {
    /// Returns the kind as the event writes it.
    pub fn name(&self) -> &'static str {
        match self {
            What::Genesis(_) => "genesis",
            What::Keys(_) => "keys",
            What::Begin(_) => "begin",
            What::Renew(_) => "renew",
            What::End(_) => "end",
            What::Record(_) => "record",
            What::Verified(_) => "verified",
            What::Outcome(_) => "outcome",
            What::Cancelled(_) => "cancelled",
            What::Escalated(_) => "escalated",
            What::Commander(_) => "commander",
            What::Opened(_) => "opened",
            What::Updated(_) => "updated",
            What::Resolved(_) => "resolved",
            What::Voided(_) => "voided",
        }
    }

    /// Returns which files can hold it.
    pub fn files(&self) -> Files {
        let (of_changes, of_incidents, of_the_log) = match self {
            What::Genesis(_) | What::Keys(_) => (false, false, true),
            What::Begin(_) | What::Renew(_) | What::End(_) | What::Voided(_) => (true, true, false),
            What::Record(_)
            | What::Verified(_)
            | What::Outcome(_)
            | What::Cancelled(_)
            | What::Escalated(_)
            | What::Commander(_) => (true, false, false),
            What::Opened(_) | What::Updated(_) | What::Resolved(_) => (false, true, false),
        };
        Files { of_changes, of_incidents, of_the_log }
    }

    /// Checks that its fields belong together.
    ///
    /// # Errors
    /// What doesn't.
    pub fn is_whole(&self, about: Option<About<'_>>) -> Result<(), String> {
        let all = |rules: &[(bool, &str)]| match rules.iter().find(|(holds, _)| !holds) {
            Some((_, what)) => Err((*what).to_owned()),
            None => Ok(()),
        };
        match self {
            What::Begin(it) => begin(it, about),
            What::End(it) => all(&[
                (it.result != EndResult::Unknown || it.why.is_some(), "nobody says why"),
                (it.code.is_none() || it.signal.is_none(), "a signal leaves no exit code"),
                (
                    it.result != EndResult::Done || it.code.is_none_or(|code| code == 0),
                    "what is done ended with exit code 0",
                ),
            ]),
            What::Record(it) => all(&[
                (it.started_at <= it.ended_at, "it ended before it began"),
                (it.rollback || !it.steps.is_empty(), "it names no step"),
                (it.steps.len() <= MOST_STEPS, TOO_MANY),
                (is_numbered(&it.steps, true), "its steps aren't numbered in order"),
            ]),
            What::Opened(it) => all(&[(
                it.pauses != Pauses::Services || !it.services.is_empty(),
                "it pauses changes to its services, and names none",
            )]),
            What::Verified(it) => all(&[
                (it.monitored.from <= it.monitored.to, "it ended before it began"),
                (
                    (it.health == Health::Passed) == is_healthy(&it.checks),
                    "its health isn't what its checks come to",
                ),
                (
                    it.checks.iter().all(|it| {
                        let failures = it.failures.unwrap_or(0).saturating_mul(100);
                        !it.passed || failures <= it.samples.unwrap_or(u32::MAX)
                    }),
                    "a check that mostly failed didn't pass",
                ),
                (
                    it.error_rate.iter().all(|it| is_decimal(&it.before) && is_decimal(&it.after)),
                    "a rate isn't a decimal number",
                ),
            ]),
            What::Updated(it) => all(&[(*it != Updated::default(), "it changes nothing")]),
            What::Outcome(it) => {
                let steps: BTreeSet<_> = it.skipped.iter().map(|it| it.step).collect();
                all(&[(steps.len() == it.skipped.len(), "a step is skipped twice")])
            }
            _ => Ok(()),
        }
    }
}

const TOO_MANY: &str = "it names more than 20 steps: name some of them with --step";

/// Whether all checks of a service's health passed; error rates are measured beside them.
fn is_healthy(checks: &[Check]) -> bool {
    let of_health = |it: &&Check| matches!(it.kind, CheckKind::Http | CheckKind::Manual);
    !checks.is_empty() && checks.iter().filter(of_health).all(|check| check.passed)
}

fn begin(it: &Begin, about: Option<About<'_>>) -> Result<(), String> {
    let is_change = matches!(about, Some(About::Change(_)));
    let names = it.window.iter().chain(&it.approval.debtor);
    let owes = !it.approval.owed.is_empty();
    for (holds, what) in [
        (it.rollback || !it.steps.is_empty(), "it names no step"),
        (it.steps.len() <= MOST_STEPS, TOO_MANY),
        (is_numbered(&it.steps, is_change), "its steps aren't numbered in order"),
        (
            is_change == (it.approval.proof != ProvenBy::Incident),
            "its proof belongs to another file",
        ),
        (is_change == it.material.is_some(), "a change, and nothing else, has material content"),
        (owes == it.approval.debtor.is_some(), "what is owed has a debtor, and nothing else has"),
        (!owes || it.approval.proof == ProvenBy::Open, "only an open change owes sign-offs"),
        (names.clone().all(|name| !name.contains(char::is_control)), "a name isn't a line of text"),
    ] {
        if !holds {
            return Err(what.to_owned());
        }
    }
    Ok(())
}

/// Whether steps are numbered, and each number is greater than the one before; where there is no
/// request, none has one.
fn is_numbered(steps: &[super::kinds::Step], has_request: bool) -> bool {
    match has_request {
        true => {
            steps.iter().all(|step| step.number.is_some_and(|number| number > 0))
                && steps.is_sorted_by(|a, b| a.number < b.number)
        }
        false => steps.iter().all(|step| step.number.is_none()),
    }
}

/// Whether a text is a decimal number such as `0.42`, without sign and exponent.
fn is_decimal(text: &str) -> bool {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    match text.split_once('.') {
        Some((whole, part)) => is_digits(whole) && is_digits(part),
        None => is_digits(text),
    }
}
