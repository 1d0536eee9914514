//! Text: what a person reads at a terminal within five seconds.
//!
//! ```text
//! requests/CHG-1234.yaml  PENDING  high risk, off-script
//!   Fail the EU region over to eu-west-2 (alice, L1)
//!
//!   waits for    L2 or L3       bob, carol or erin
//!                service-owner  dan (checkout)
//!   window       planned Tue 24 Nov 22:00–23:00 UTC, inside off-peak
//!   next         Tue 24 Nov 22:00 UTC: denied if the sign-offs are still missing
//! ```
//!
//! Each line is escaped as a whole, so that no part of it can be missed.

use super::escape::terminal;
use super::{Judged, Reporter, Summary, excerpt, words};
use crate::core::decision::{Decision, SignOffMode};
use crate::core::terms::{Effect, Verdict};
use crate::core::time::Time;
use crate::report::page::{WIDTH, hanging, pad, paint, style_of, width, wrap};

const LABEL: usize = "not counted".len();

/// Returns an approved request as one line; `None` if there is more to say about it.
pub(super) fn one_liner(judged: &Judged, reporter: &Reporter) -> Option<String> {
    let decision = judged.decision;
    let is_plain = decision.verdict == Verdict::Approved
        && !reporter.verbose
        && decision.findings.iter().all(|finding| finding.effect == Effect::Info);
    is_plain.then(|| approved_line(decision, reporter.colour))
}

/// Returns everything that matters about a request, followed by an empty line.
pub(super) fn block(judged: &Judged, reporter: &Reporter) -> String {
    let decision = judged.decision;
    let is_brief = decision.verdict == Verdict::Approved && !reporter.verbose;
    let mut out = if is_brief {
        approved_line(decision, reporter.colour) + "\n"
    } else {
        header(decision, reporter.colour) + &rows(decision, reporter.verbose) + "\n"
    };
    let path = path(decision);
    for finding in words::findings(decision) {
        if !is_brief || finding.effect > Effect::Info {
            out += &excerpt::diagnostic(&terminal(path), judged.source, finding, reporter.colour);
        }
    }
    out
}

/// Returns the counts, unless there was only one request, and whose policies decided.
pub(super) fn end(summary: &Summary, policies: &str) -> String {
    let whose = words::whose(policies);
    match summary.total() {
        1 if summary.has_one_liners => format!("\nby {whose}\n"),
        1 => format!("by {whose}\n"),
        _ if summary.has_one_liners => format!("\n{summary}; by {whose}\n"),
        _ => format!("{summary}; by {whose}\n"),
    }
}

/// Writes `requests/CHG-1.yaml  approved  medium risk  direct execution by L2, no review required`.
fn approved_line(decision: &Decision, colour: bool) -> String {
    let verdict = paint("approved", style_of(decision.verdict), colour);
    let mut line = format!("{}  {verdict}", terminal(path(decision)));
    for part in [words::kind(decision), words::approval(decision).unwrap_or_default()] {
        if !part.is_empty() {
            line = line + "  " + &terminal(&part);
        }
    }
    line + "\n"
}

fn header(decision: &Decision, colour: bool) -> String {
    let verdict = decision.verdict.to_string().to_uppercase();
    let verdict = paint(&verdict, style_of(decision.verdict), colour);
    let kind = words::kind(decision);
    let gap = if kind.is_empty() { "" } else { "  " };
    let mut out = format!("{}  {verdict}{gap}{kind}\n", terminal(path(decision)));
    let summary = decision.summary.as_deref().unwrap_or_default().trim();
    let line = match words::requester(decision) {
        Some(who) if summary.is_empty() => format!("requested by {who}"),
        Some(who) => format!("{summary} ({who})"),
        None => summary.to_owned(),
    };
    if !line.is_empty() {
        out.push_str(&format!("  {}\n", terminal(&line)));
    }
    out
}

/// Returns the path of the file, or a description of a change of policies.
fn path(decision: &Decision) -> &str {
    decision.path.as_deref().unwrap_or("policies")
}

/// Returns who signs, when it runs, and what comes next. Of a denied request, only the rows of its
/// denials.
fn rows(decision: &Decision, verbose: bool) -> String {
    let is_about = |rule: &str| {
        let mut denials = decision.findings.iter().filter(|finding| finding.effect == Effect::Deny);
        verbose
            || decision.verdict != Verdict::Denied
            || denials.any(|finding| finding.code.starts_with(rule))
    };
    let mut out = String::new();
    if is_about("signoff/") || is_about("emergency/") {
        push_row(&mut out, "waits for", waits_for(decision));
        if let Some(sign_off) = &decision.sign_off {
            let direct = words::approval(decision).filter(|_| sign_off.mode == SignOffMode::Direct);
            push_row(&mut out, "sign-off", direct);
            let signed = words::signed_by(sign_off);
            push_row(&mut out, "signed by", (!signed.is_empty()).then_some(signed));
        }
        let ago = |time: Time| format!("{} ago", (decision.evaluated_at - time).for_people());
        push_row(&mut out, "not counted", words::not_counted(decision, ago));
    }
    if is_about("window/") {
        let window = decision.window.as_ref();
        let lines = [
            window.and_then(|window| words::planned(decision, window)),
            window.and_then(words::next_that_fits),
        ];
        push_row(&mut out, "window", lines.into_iter().flatten());
        let next = words::next_change(decision);
        let next = next.map(|(next, what)| format!("{} UTC: {what}", next.for_people()));
        push_row(&mut out, "next", next);
    }
    if out.is_empty() { out } else { format!("\n{out}") }
}

/// Adds lines beside one label, which is in the first of them.
fn push_row(out: &mut String, label: &str, lines: impl IntoIterator<Item = String>) {
    let mut label = label;
    for line in lines {
        out.push_str(&hanging(&format!("  {label:LABEL$}  "), &line));
        label = "";
    }
}

/// Returns the missing sign-offs in columns: what, who, why.
fn waits_for(decision: &Decision) -> Vec<String> {
    let rows: Vec<_> = decision
        .missing()
        .map(|required| {
            let (what, who) = words::what_and_who(required);
            (what, who, required.because.as_deref().unwrap_or_default())
        })
        .collect();
    let what_width = rows.iter().map(|(what, ..)| width(what)).max().unwrap_or(0);
    let who_width = rows.iter().map(|(_, who, _)| width(who)).max().unwrap_or(0);
    let why_width = (WIDTH - LABEL - 8).saturating_sub(what_width + who_width).max(20);
    let mut lines = Vec::new();
    for (what, who, why) in &rows {
        let (mut what, mut who) = (what.as_str(), who.as_str());
        for why in wrap(why, why_width) {
            let line = format!("{}  {}  {why}", pad(what, what_width), pad(who, who_width));
            lines.push(line.trim_end().to_owned());
            (what, who) = ("", "");
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use crate::core::policy::SHIPPED;
    use std::collections::BTreeMap;

    use crate::report::escape::is_hidden;
    use crate::report::{Format, samples};

    use super::*;

    #[test]
    fn a_report() {
        insta::assert_snapshot!(samples::report(Format::Text));
    }

    #[test]
    fn approved_in_full() {
        let codes = BTreeMap::new();
        let reporter = Reporter {
            format: Format::Text,
            policies: SHIPPED,
            colour: false,
            verbose: true,
            codes: &|| &codes,
        };
        let sections: Vec<_> = [samples::direct(), samples::signed()]
            .iter()
            .map(|sample| reporter.section(&sample.judged()).text)
            .collect();
        insta::assert_snapshot!(sections.concat());
    }

    #[test]
    fn colours_mark_the_verdict_and_the_caret() {
        let codes = BTreeMap::new();
        let reporter = Reporter {
            format: Format::Text,
            policies: SHIPPED,
            colour: true,
            verbose: false,
            codes: &|| &codes,
        };
        let text = reporter.section(&samples::denied().judged()).text;
        insta::assert_snapshot!(text.replace('\x1b', "␛"));
    }

    #[test]
    fn nothing_hidden_gets_through() {
        let mut sample = samples::pending();
        let evil = "::set-env name=x::y \u{202e}\x1b[2J\n::error::z ##[add-mask]".repeat(5);
        let decision = &mut sample.decision;
        decision.path = Some(evil.clone());
        decision.summary = Some(evil.clone());
        for finding in &mut decision.findings {
            finding.code = evil.clone();
            finding.message = evil.clone();
            finding.help = Some(evil.clone());
            finding.controls = vec![evil.clone()];
        }
        let sign_off = decision.sign_off.as_mut().unwrap();
        sign_off.required[0].because = Some(evil.clone());
        sign_off.reviews[1].why = Some(evil.clone());
        decision.window.as_mut().unwrap().fits = vec![evil];
        let codes = BTreeMap::new();
        let reporter = Reporter {
            format: Format::Text,
            policies: SHIPPED,
            colour: false,
            verbose: true,
            codes: &|| &codes,
        };
        for line in reporter.section(&sample.judged()).text.lines() {
            assert!(!line.chars().any(is_hidden), "{line:?}");
            assert!(!line.trim_start().starts_with("::") && !line.contains("##["), "{line:?}");
        }
    }
}
