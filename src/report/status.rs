//! One line about a decision: the description of a commit status, which forges cut at 140
//! characters.

use crate::decision::{Decision, Effect, Verdict};

use super::escape;
use super::words;

const LONGEST: usize = 140;

/// A decision in a line of at most 140 characters.
///
/// - `waits for L2 or L3 (bob, carol or erin) and service-owner (dan)`
/// - `high risk, signed off by carol (L3); planned Tue 24 Nov 22:00 UTC in off-peak`
/// - `outside every window; next that fits: Tue 24 Nov 22:00 UTC`
pub fn one_line(decision: &Decision) -> String {
    let line = match decision.verdict {
        Verdict::Denied => denied(decision),
        Verdict::Pending => pending(decision),
        Verdict::Approved => approved(decision),
    };
    words::cut(&escape::terminal(&line), LONGEST)
}

fn denied(decision: &Decision) -> String {
    let mut line = strongest(decision, Effect::Deny);
    let about_window = decision
        .findings
        .iter()
        .find(|finding| finding.effect == Effect::Deny)
        .is_some_and(|finding| finding.code.starts_with("window/"));
    let next = decision.window.as_ref().and_then(|window| window.next_opening.as_ref());
    if let Some(next) = next.filter(|_| about_window) {
        let next = format!("; next that fits: {} UTC", next.interval.start.for_people());
        line = words::cut(&line, LONGEST - next.chars().count()) + &next;
    }
    line
}

fn pending(decision: &Decision) -> String {
    let missing: Vec<_> = words::missing(decision)
        .map(|required| {
            let (what, _) = words::what_and_who(required);
            (what, words::any_of(&required.eligible))
        })
        .collect();
    if missing.is_empty() {
        return strongest(decision, Effect::Pending);
    }
    let with_names: Vec<_> = missing.iter().map(|(what, who)| format!("{what} ({who})")).collect();
    let line = format!("waits for {}", words::all_of(&with_names));
    if line.chars().count() <= LONGEST {
        return line;
    }
    let without_names: Vec<_> = missing.into_iter().map(|(what, _)| what).collect();
    format!("waits for {}", words::all_of(&without_names))
}

fn approved(decision: &Decision) -> String {
    let how = [Some(words::kind(decision)), words::approval(decision)];
    let how: Vec<_> = how.into_iter().flatten().filter(|part| !part.is_empty()).collect();
    let how = if how.is_empty() { "approved".to_owned() } else { how.join(", ") };
    let when = decision.window.as_ref().and_then(|window| {
        let inside = match window.fits.as_slice() {
            [] => String::new(),
            fits => format!(" in {}", words::all_of(fits)),
        };
        Some(format!("; planned {} UTC{inside}", window.planned?.start.for_people()))
    });
    let when = when.unwrap_or_default();
    words::cut(&how, LONGEST.saturating_sub(when.chars().count())) + &when
}

/// The first finding of this effect, and how many more there are.
fn strongest(decision: &Decision, effect: Effect) -> String {
    let mut findings = decision.findings.iter().filter(|finding| finding.effect == effect);
    let Some(first) = findings.next() else { return decision.verdict.to_string() };
    match findings.count() {
        0 => first.message.clone(),
        more => {
            let more = format!(" (and {more} more)");
            words::cut(&first.message, LONGEST - more.chars().count()) + &more
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::report::samples;

    use super::*;

    #[test]
    fn descriptions() {
        let lines: Vec<_> =
            samples::all().iter().map(|sample| one_line(&sample.decision)).collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn what_is_long_is_cut() {
        let mut decision = samples::denied().decision;
        decision.findings[0].message = "x\u{202e}\n".repeat(200);
        let line = one_line(&decision);
        assert_eq!(line.chars().count(), LONGEST);
        assert!(!line.chars().any(escape::is_hidden));
    }
}
