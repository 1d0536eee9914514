//! The message of a merge commit, so that `git log` on the base branch is the audit trail.
//!
//! ```text
//! Merge CHG-1234: Fail the EU region over to eu-west-2
//!
//! High risk, off-script, requested by alice (L1).
//! Signed off by carol (L3), dan (service-owner of checkout).
//! Planned Tue 24 Nov 2026 22:00–23:00 UTC, inside off-peak.
//!
//! Change: CHG-1234
//! Verdict: approved
//! Tier: high
//! Approved-by: carol (L3)
//! Approved-by: dan (service-owner of checkout)
//! Policies: sha256:9f2c…
//! Operations: 4f0c1d2…
//! ```
//!
//! The message doesn't depend on the time of rendering, so that a server can render it again and
//! compare.

use super::escape::terminal;
use super::words;
use crate::core::decision::{Decision, SignOffMode};
use crate::core::record::seen::Seen;
use crate::report::page::cut;

/// Returns the message of the commit that merges the change called `name`, by somebody who saw the
/// ledger like this, and the operations log up to the commit `log`.
pub fn merge_message(
    decision: &Decision,
    name: &str,
    log: Option<String>,
    seen: Option<Seen>,
) -> String {
    let summary = decision.summary.as_deref().map(summary_line).unwrap_or_default();
    let title = match (&decision.change, summary.as_str()) {
        (Some(_), "") => format!("Merge {name}"),
        (Some(_), summary) => format!("Merge {name}: {summary}"),
        (None, _) if decision.ungoverned().is_some() => format!("Merge {name}"),
        (None, _) => format!("Merge {name}: a change of policies"),
    };
    format!(
        "{title}\n\n{}\n\n{}\n",
        story(decision).join("\n"),
        trailers(decision, name, log, seen).join("\n")
    )
}

fn story(decision: &Decision) -> Vec<String> {
    let mut lines = Vec::new();
    let requester = decision.requester.as_ref().map(|requester| match decision.level {
        Some(level) => format!("requested by {requester} ({level})"),
        None => format!("requested by {requester}"),
    });
    let what = [Some(words::kind(decision)).filter(|kind| !kind.is_empty()), requester];
    let what: Vec<_> = what.into_iter().flatten().collect();
    let window = decision.window.as_ref();
    let parts = [
        Some(what.join(", ")).filter(|what| !what.is_empty()),
        words::approval(decision),
        window.and_then(|window| words::planned(decision, window, None)),
    ];
    lines.extend(parts.into_iter().flatten().map(|part| sentence(&terminal(&part))));
    lines
}

fn trailers(
    decision: &Decision,
    name: &str,
    log: Option<String>,
    seen: Option<Seen>,
) -> Vec<String> {
    let mut trailers =
        vec![format!("Change: {}", terminal(name)), format!("Verdict: {}", decision.verdict)];
    trailers.extend(decision.tier.map(|tier| format!("Tier: {tier}")));
    if let Some(sign_off) = &decision.sign_off {
        if sign_off.mode == SignOffMode::Direct {
            trailers.push("Sign-off: direct".to_owned());
        }
        let signed = words::signers(sign_off).into_iter();
        trailers.extend(signed.map(|who| format!("Approved-by: {}", terminal(&who))));
    }
    trailers.push(format!("Policies: {}", decision.digests.policies));
    trailers.extend(log.map(|log| format!("Operations: {log}")));
    trailers.extend(seen.map(|seen| seen.to_string()));
    trailers
}

/// Joins a summary into one escaped line of at most 120 characters.
pub fn summary_line(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    cut(&terminal(&text), 120)
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().collect::<String>());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
}
