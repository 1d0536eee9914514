//! A verdict in a few words.

use crate::core::decision::{Decision, Required, SignOffMode};
use crate::core::terms::{Effect, Login, Verdict};
use crate::report::{missing, so_many};

/// Returns whom a change waits for.
pub(super) fn waits_for(decision: &Decision, author: Option<&Login>) -> Vec<Login> {
    match decision.verdict {
        Verdict::Approved => Vec::new(),
        Verdict::Denied => decision.requester.as_ref().or(author).cloned().into_iter().collect(),
        Verdict::Pending => {
            let mut people: Vec<Login> = Vec::new();
            for login in decision.missing().flat_map(|required| &required.eligible) {
                if !people.contains(login) {
                    people.push(login.clone());
                }
            }
            people
        }
    }
}

/// Returns the reason for a verdict in a few words: `waits for carol|erin, bob`, `direct (L2)`,
/// `signed by carol, bob`, or the message of the first finding that denies the change.
pub(super) fn brief(decision: &Decision, most_names: usize) -> String {
    let strongest = |effect| {
        let finding = decision.findings.iter().find(|finding| finding.effect == effect);
        finding.map_or_else(|| decision.verdict.to_string(), |finding| finding.message.clone())
    };
    match decision.verdict {
        Verdict::Denied => strongest(Effect::Deny),
        Verdict::Pending => {
            let groups = missing(decision).into_iter();
            let groups =
                groups.map(|(required, number)| so_many(number, any_of(required, most_names)));
            let groups: Vec<_> = groups.collect();
            match groups.is_empty() {
                true => strongest(Effect::Pending),
                false => format!("waits for {}", groups.join(", ")),
            }
        }
        Verdict::Approved => match (&decision.sign_off, decision.level) {
            (Some(sign_off), level) if sign_off.mode == SignOffMode::Direct => {
                level.map_or("direct".to_owned(), |level| format!("direct ({level})"))
            }
            (Some(sign_off), _) => {
                let signers =
                    sign_off.required.iter().filter_map(|required| required.satisfied_by.as_ref());
                let mut names: Vec<_> = signers.map(Login::as_str).collect();
                names.dedup();
                format!("signed by {}", names.join(", "))
            }
            (None, _) => "not judged".to_owned(),
        },
    }
}

/// Returns the eligible people as `carol|erin`, or the first of more than `most`: `bob|carol|+4`.
fn any_of(required: &Required, most: usize) -> String {
    let names: Vec<_> = required.eligible.iter().map(Login::as_str).collect();
    match names.len() {
        0 => format!("nobody ({})", required.what),
        more if more > most => format!("{}|+{}", names[..most - 1].join("|"), more - most + 1),
        _ => names.join("|"),
    }
}
