//! The phrases that several formats share. Nothing here is escaped yet.

use super::escape::terminal;
use crate::core::decision::{
    Decision, Finding, Required, ReviewStanding, SignOff, SignOffMode, WindowAnswer,
};
use crate::core::evidence::ReviewState;
use crate::core::policy::{Requirement, SHIPPED};
use crate::core::request::ChangeType;
use crate::core::terms::{Effect, Login, all_of, few, one_of};
use crate::core::time::Time;

/// Says whose policies decided, by [`Decision::bundle`]: `the policies at 4f0c1d2`.
pub fn whose(bundle: &str) -> String {
    match (short_commit(bundle), bundle) {
        (Some(commit), _) => format!("the policies at {commit}"),
        (None, SHIPPED) => "the shipped sample policies".to_owned(),
        (None, folder) => format!("the policies in {}", terminal(folder)),
    }
}

/// Returns the first seven characters of a commit's id; `None` for another text.
pub(super) fn short_commit(text: &str) -> Option<&str> {
    let is_commit = text.len() >= 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    text.get(..7).filter(|_| is_commit)
}

/// Codes of findings that only say which sign-off is missing, as the rows of sign-offs do.
const SAID_BY_ROWS: [&str; 4] =
    ["signoff/missing", "emergency/commander", "signoff/governance", "signoff/amendment"];

/// Returns the findings that the rows of sign-offs don't already cover. What to do where nobody can
/// sign is in none of them.
pub(super) fn findings(decision: &Decision) -> impl Iterator<Item = &Finding> {
    let has_rows = decision.missing().next().is_some();
    let dead_ends = decision.missing().filter(|required| required.eligible.is_empty());
    let dead_ends: Vec<_> = dead_ends.map(|required| required.what.to_string()).collect();
    decision.findings.iter().filter(move |finding| {
        !(has_rows
            && finding.effect == Effect::Pending
            && SAID_BY_ROWS.contains(&finding.code.as_str())
            && !dead_ends.iter().any(|what| finding.message.contains(what)))
    })
}

/// `high risk, off-script, emergency`; empty if nothing is known.
pub(super) fn kind(decision: &Decision) -> String {
    let tier = decision.tier.map(|tier| format!("{tier} risk"));
    let off_script = decision.off_script.then(|| "off-script".to_owned());
    let emergency = (decision.kind == Some(ChangeType::Emergency)).then(|| "emergency".to_owned());
    [tier, off_script, emergency].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Writes `alice, L1`.
pub(super) fn requester(decision: &Decision) -> Option<String> {
    let requester = decision.requester.as_ref()?;
    Some(match decision.level {
        Some(level) => format!("{requester}, {level}"),
        None => requester.to_string(),
    })
}

/// Writes `bob, carol or erin`; a long list is cut: `bob, carol, erin or 9 others`.
pub(super) fn any_of(people: &[Login]) -> String {
    any_of_with(people, &|_| None)
}

/// Writes people, each with what they said so far: `bob (requested changes) or carol`.
pub(super) fn any_of_with(
    people: &[Login],
    said: &dyn Fn(&Login) -> Option<&'static str>,
) -> String {
    let names: Vec<_> = people
        .iter()
        .map(|login| match said(login) {
            Some(said) => format!("{login} ({said})"),
            None => login.to_string(),
        })
        .collect();
    if names.is_empty() { "nobody can sign".to_owned() } else { one_of(&few(&names)) }
}

/// Returns the missing sign-offs, those that the same people could give once, each with their number.
pub fn missing(decision: &Decision) -> Vec<(&Required, usize)> {
    let mut found: Vec<(&Required, usize)> = Vec::new();
    for required in decision.missing() {
        let same = |it: &&mut (&Required, usize)| {
            it.0.what == required.what && it.0.eligible == required.eligible
        };
        match found.iter_mut().find(same) {
            Some((_, number)) => *number += 1,
            None => found.push((required, 1)),
        }
    }
    found
}

/// Writes `L3`, or `two of L3` where so many are missing.
pub fn so_many(number: usize, what: String) -> String {
    match number {
        1 => what,
        2 => format!("two of {what}"),
        more => format!("{more} of {what}"),
    }
}

/// Returns what is missing without its detail, and the people who could give it with the detail:
/// `service-owner`, `dan (checkout)`.
pub(super) fn what_and_who((required, number): (&Required, usize)) -> (String, String) {
    let (what, who) = one_and_who(required);
    (so_many(number, what), who)
}

fn one_and_who(required: &Required) -> (String, String) {
    let who = any_of(&required.eligible);
    match &required.what {
        Requirement::Owner { service } => {
            ("service-owner".to_owned(), format!("{who} ({service})"))
        }
        Requirement::Person { .. } if !required.eligible.is_empty() => {
            ("in person".to_owned(), who)
        }
        what => (what.to_string(), who),
    }
}

/// Returns a sign-off as part of a sentence: `service-owner of checkout`.
pub(super) fn long_name(what: &Requirement) -> String {
    match what {
        Requirement::Owner { service } => format!("service-owner of {service}"),
        Requirement::Person { .. } => "in person".to_owned(),
        what => what.to_string(),
    }
}

/// Writes `carol (L3), dan (service-owner of checkout, late)`, each person once.
pub(super) fn signed_by(sign_off: &SignOff) -> String {
    signers(sign_off).join(", ")
}

/// Returns each person who signed, with the requirements that they signed for.
pub(super) fn signers(sign_off: &SignOff) -> Vec<String> {
    let mut people: Vec<(&Login, Vec<String>)> = Vec::new();
    for required in &sign_off.required {
        let Some(login) = &required.satisfied_by else { continue };
        let held = required.level.map(|level| level.to_string());
        let mut what = held.unwrap_or_else(|| long_name(&required.what));
        if required.late {
            what.push_str(", late");
        }
        match people.iter_mut().find(|(known, _)| *known == login) {
            Some((_, parts)) if parts.contains(&what) => {}
            Some((_, parts)) => parts.push(what),
            None => people.push((login, vec![what])),
        }
    }
    people.iter().map(|(login, parts)| format!("{login} ({})", parts.join(", "))).collect()
}

/// Returns who signed off, or that nobody had to: `direct execution by L2, no review required`.
pub(super) fn approval(decision: &Decision) -> Option<String> {
    if let Some(finding) = decision.ungoverned() {
        return Some(finding.message.clone());
    }
    let sign_off = decision.sign_off.as_ref()?;
    if !decision.purpose.is_merge() {
        let signed = signed_by(sign_off);
        let approved = (!signed.is_empty()).then(|| format!("signed off by {signed}"));
        return Some(approved.unwrap_or_else(|| "approved without a review".to_owned()));
    }
    match (sign_off.mode, decision.level) {
        (SignOffMode::Direct, Some(level)) => {
            Some(format!("direct execution by {level}, no review required"))
        }
        (SignOffMode::Direct, None) => Some("direct execution, no review required".to_owned()),
        (SignOffMode::Review, _) => {
            let signed = signed_by(sign_off);
            (!signed.is_empty()).then(|| format!("signed off by {signed}"))
        }
    }
}

/// Writes `planned Tue 24 Nov 22:00–23:00 UTC, inside off-peak`; years as in [`Time::for_people`].
pub(super) fn planned(
    decision: &Decision,
    window: &WindowAnswer,
    now: Option<Time>,
) -> Option<String> {
    let has_to_move = decision.findings.iter().any(|finding| finding.code == "window/closed");
    let mut text = format!("planned {} UTC", window.planned?.for_people(now));
    if !decision.purpose.is_merge() {
        let open = match &window.fits[..] {
            [] => "no window is".to_owned(),
            [one] => format!("{one} is"),
            several => format!("{} are", all_of(several)),
        };
        text.push_str(&format!("; {open} open now"));
        text.extend(window.freeze.iter().map(|freeze| format!(", in the freeze {freeze}")));
        return Some(text);
    }
    if !window.fits.is_empty() {
        text.push_str(&format!(", inside {}", all_of(&window.fits)));
    }
    match &window.freeze {
        Some(freeze) => text.push_str(&format!(", in the freeze {freeze}")),
        None if has_to_move => text.push_str(", outside every window"),
        None if window.fits.is_empty() => text.push_str(", needs no window"),
        None => {}
    }
    Some(text)
}

/// Writes `next that fits: Tue 24 Nov 22:00 – Wed 25 Nov 06:00 UTC (off-peak)`; `None` if the plan
/// fits.
pub(super) fn next_that_fits(window: &WindowAnswer, now: Option<Time>) -> Option<String> {
    let is_fine = !window.fits.is_empty() && window.freeze.is_none();
    let next = window.next_opening.as_ref().filter(|_| !is_fine)?;
    Some(format!("next that fits: {} UTC ({})", next.interval.for_people(now), next.window))
}

/// Returns when the decision will change by itself because of this change, and how: `denied if the
/// sign-offs are still missing`.
pub(super) fn next_change(decision: &Decision) -> Option<(Time, &'static str)> {
    let next = decision.own_change_at?;
    let planned = decision.window.as_ref().and_then(|window| window.planned);
    let due_at = decision.sign_off.as_ref().and_then(|sign_off| sign_off.due_at);
    let is_missing = decision.missing().next().is_some();
    let what = if !decision.purpose.is_merge() {
        "to be asked again"
    } else if is_missing && planned.is_some_and(|planned| planned.start == next) {
        "denied if the sign-offs are still missing"
    } else if is_missing && due_at == Some(next) {
        "overdue if the sign-offs are still missing"
    } else if is_missing && due_at.is_some_and(|due| next < due) {
        "its reviewers are reminded"
    } else if planned.is_some_and(|planned| planned.end == next) {
        "denied as expired until it is rescheduled"
    } else {
        "decided again"
    };
    Some((next, what))
}

/// Describes each review that doesn't count: who, what, when (a time as `when` formats it), why
/// not.
pub(super) fn not_counted(
    decision: &Decision,
    when: impl Fn(Time) -> String,
) -> impl Iterator<Item = String> {
    let reviews = decision.sign_off.as_ref().map_or(&[][..], |sign_off| &sign_off.reviews);
    reviews.iter().filter(|review| !review.counts).filter_map(move |review| {
        let (who, what) = (who_reviewed(review), what_reviewed(review));
        Some(format!("{who} {what} {}: {}", when(review.submitted_at), review.why.as_ref()?))
    })
}

/// Returns what a person whose sign-off is missing said last.
pub(super) fn last_said(sign_off: &SignOff, login: &Login) -> Option<&'static str> {
    let by_them = |review: &&ReviewStanding| review.user.as_ref() == Some(login);
    Some(match sign_off.reviews.iter().rfind(by_them)?.state {
        ReviewState::Approved => "approved, doesn't count",
        ReviewState::ChangesRequested => "requested changes",
        ReviewState::Commented => "commented",
        ReviewState::Dismissed => "review dismissed",
        ReviewState::Pending => return None,
    })
}

fn who_reviewed(review: &ReviewStanding) -> &str {
    review.user.as_ref().map_or("a deleted account", Login::as_str)
}

fn what_reviewed(review: &ReviewStanding) -> &'static str {
    match review.state {
        ReviewState::Approved => "approved",
        ReviewState::ChangesRequested => "requested changes",
        ReviewState::Commented => "commented",
        ReviewState::Dismissed => "gave a review, since dismissed,",
        ReviewState::Pending => "started a review",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn what_to_do_where_nobody_can_sign_is_told_beside_the_rows() {
        let mut decision = samples::pending().decision;
        let codes = |decision: &Decision| {
            findings(decision).map(|finding| finding.code.clone()).collect::<Vec<_>>()
        };
        assert_eq!(codes(&decision), ["request/draft"]);
        decision.findings[0].message = "waits for service-owner (payments): so".to_owned();
        assert_eq!(codes(&decision), ["signoff/missing", "request/draft"]);
    }
}
