//! One line about a decision: the description of a commit status, which forges cut at 140
//! characters.

use super::{escape, words};
use crate::core::decision::{Decision, Finding, SignOffMode};
use crate::core::terms::{Effect, Verdict, all_of};
use crate::core::time::Time;

const LONGEST: usize = 140;

/// Returns a decision as one line of at most 140 characters:
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
    cut(&escape::terminal(&line), LONGEST)
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
        let next = format!(
            "; next that fits: {} UTC",
            next.interval.start.for_people(Some(decision.evaluated_at))
        );
        line = cut(&line, LONGEST - next.chars().count()) + &next;
    }
    line
}

fn pending(decision: &Decision) -> String {
    let missing = words::missing(decision).into_iter().map(|(required, number)| {
        let (what, _) = words::what_and_who((required, number));
        (what, words::any_of(&required.eligible))
    });
    let missing: Vec<_> = missing.collect();
    if missing.is_empty() {
        return strongest(decision, Effect::Pending);
    }
    let (begin, end) = match owed_until(decision) {
        Some(until) => {
            let until = until.for_people(Some(decision.evaluated_at));
            ("executed under break-glass; owes", format!(" until {until} UTC"))
        }
        None => ("waits for", String::new()),
    };
    let with_names: Vec<_> = missing.iter().map(|(what, who)| format!("{what} ({who})")).collect();
    let line = format!("{begin} {}{end}", all_of(&with_names));
    if line.chars().count() <= LONGEST {
        return line;
    }
    let without_names: Vec<_> = missing.into_iter().map(|(what, _)| what).collect();
    let names =
        cut(&all_of(&without_names), LONGEST - begin.chars().count() - 1 - end.chars().count());
    format!("{begin} {names}{end}")
}

/// Returns until when the missing sign-offs are owed for what was executed before they were given, as the
/// policies say it; `None` if nothing was.
fn owed_until(decision: &Decision) -> Option<Time> {
    let debt = decision.findings.iter().find(|finding| finding.code == "emergency/debt")?;
    debt.message.rsplit_once(" until ")?.1.parse().ok()
}

fn approved(decision: &Decision) -> String {
    let how = [Some(words::kind(decision)), words::approval(decision)];
    let how: Vec<_> = how.into_iter().flatten().filter(|part| !part.is_empty()).collect();
    let how = if how.is_empty() { "approved".to_owned() } else { how.join(", ") };
    let when = decision.window.as_ref().and_then(|window| {
        let inside = match window.fits.as_slice() {
            [] => String::new(),
            fits => format!(" in {}", all_of(fits)),
        };
        Some(format!(
            "; planned {} UTC{inside}",
            window.planned?.start.for_people(Some(decision.evaluated_at))
        ))
    });
    let when = when.unwrap_or_default();
    cut(&how, LONGEST.saturating_sub(when.chars().count())) + &when
}

/// Cuts a text to at most so many characters, whatever their width, with `…` in place of the rest.
fn cut(text: &str, at_most: usize) -> String {
    match text.char_indices().nth(at_most) {
        None => text.to_owned(),
        Some(_) => {
            let kept: String = text.chars().take(at_most.saturating_sub(1)).collect();
            format!("{}…", kept.trim_end())
        }
    }
}

/// Returns the first finding of this effect, and how many more there are.
fn strongest(decision: &Decision, effect: Effect) -> String {
    let findings = decision.findings.iter().filter(|finding| finding.effect == effect);
    first_of(findings).unwrap_or_else(|| decision.verdict.to_string())
}

fn first_of<'a>(mut findings: impl Iterator<Item = &'a Finding>) -> Option<String> {
    let first = findings.next()?;
    Some(match findings.count() {
        0 => first.message.clone(),
        more => {
            let more = format!(" (and {more} more)");
            cut(&first.message, LONGEST - more.chars().count()) + &more
        }
    })
}

/// One of the statuses that give more detail than the verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusLine {
    /// `risk`, `sign-off` or `window`.
    pub about: &'static str,
    /// The verdict on this subject alone.
    pub verdict: Verdict,
    /// The description, at most 140 characters.
    pub text: String,
}

/// Returns the statuses of risk, sign-off and window, each by itself; none if nothing was judged.
pub fn status_lines(decision: &Decision) -> Vec<StatusLine> {
    if decision.ungoverned().is_some() {
        return Vec::new();
    }
    let line = |about, codes: &[&str], well: Option<String>| {
        let of_it = |finding: &&Finding| codes.iter().any(|code| finding.code.starts_with(code));
        let findings = decision.findings.iter().filter(of_it);
        let strongest = findings.clone().map(|finding| finding.effect).max();
        let (verdict, effect) = match strongest {
            Some(Effect::Deny) => (Verdict::Denied, Effect::Deny),
            Some(Effect::Pending) => (Verdict::Pending, Effect::Pending),
            _ => (Verdict::Approved, Effect::Info),
        };
        let problem = first_of(findings.filter(|finding| finding.effect == effect));
        let (verdict, text) = match (verdict, problem, well) {
            (Verdict::Denied, Some(problem), _) => (verdict, problem),
            (_, _, Some(well)) => (verdict, well),
            (_, Some(problem), None) => (verdict, problem),
            (_, None, None) => (decision.verdict, "the request can't be read".to_owned()),
        };
        StatusLine { about, verdict, text: cut(&escape::terminal(&text), LONGEST) }
    };
    vec![
        line("risk", &["risk/"], risk(decision)),
        line("sign-off", &["signoff/", "emergency/commander"], sign_off(decision)),
        line("window", &["window/"], window(decision)),
    ]
}

fn risk(decision: &Decision) -> Option<String> {
    let because = decision.tier_because.join("; ").replace('`', "");
    match (decision.tier, decision.path.is_some()) {
        (Some(_), _) if because.is_empty() => Some(words::kind(decision)),
        (Some(_), _) => Some(format!("{}: {because}", words::kind(decision))),
        (None, true) => None,
        (None, false) => Some("a change of policies".to_owned()),
    }
}

fn sign_off(decision: &Decision) -> Option<String> {
    let sign_off = decision.sign_off.as_ref()?;
    let waits = decision.missing().next().is_some();
    match sign_off.mode {
        SignOffMode::Direct => {
            words::approval(decision).or_else(|| Some("none required".to_owned()))
        }
        SignOffMode::Review if waits => Some(pending(decision)),
        SignOffMode::Review => Some(format!("signed off by {}", words::signed_by(sign_off))),
    }
}

fn window(decision: &Decision) -> Option<String> {
    match &decision.window {
        Some(window) => {
            let planned = words::planned(decision, window, Some(decision.evaluated_at));
            planned.or_else(|| Some("needs no window".to_owned()))
        }
        None if decision.path.is_none() => Some("a change of policies needs no window".to_owned()),
        None => None,
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
    fn more_than_the_verdict() {
        let lines = samples::all().into_iter().flat_map(|sample| {
            status_lines(&sample.decision)
                .into_iter()
                .map(|line| format!("{} {}: {}", line.about, line.verdict, line.text))
        });
        insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn what_is_long_is_cut() {
        let mut decision = samples::denied().decision;
        decision.findings[0].message = "x\u{202e}\n".repeat(200);
        let line = one_line(&decision);
        assert_eq!(line.chars().count(), LONGEST);
        assert!(!crate::core::characters::has_hidden(&line));
    }
}
