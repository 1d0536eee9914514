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
use super::excerpt::Excerpts;
use super::{Judged, Reporter, Summary, words};
use crate::core::decision::{Decision, Purpose, SignOffMode};
use crate::core::request::SECRET;
use crate::core::terms::{Effect, Verdict};
use crate::core::time::Time;
use crate::report::page::{NARROWEST, hanging, pad, paint, style_of, width, wrap};

const LABEL: usize = "not counted".len();

/// Returns an approved request as one line; `None` if there is more to say about it.
pub(super) fn one_liner(judged: &Judged, reporter: &Reporter) -> Option<String> {
    let decision = judged.decision;
    let is_plain = decision.verdict == Verdict::Approved
        && !reporter.verbose
        && decision.findings.iter().all(|finding| finding.effect == Effect::Info);
    is_plain.then(|| approved_line(decision, reporter))
}

/// Returns everything that matters about a request, followed by an empty line.
pub(super) fn block(judged: &Judged, reporter: &Reporter) -> String {
    let decision = judged.decision;
    let is_brief = decision.verdict == Verdict::Approved && !reporter.verbose;
    let mut out = if is_brief {
        approved_line(decision, reporter) + "\n"
    } else {
        header(decision, reporter) + &rows(decision, reporter) + "\n"
    };
    let path = terminal(decision.subject());
    // Any line of a file with a credential could be the one that holds it.
    let holds_secret = decision.findings.iter().any(|finding| finding.code == SECRET);
    let source = if holds_secret { "" } else { judged.source };
    let excerpts = Excerpts::of(&path, source, reporter);
    for finding in words::findings(decision) {
        if !is_brief || finding.effect > Effect::Info {
            out += &excerpts.diagnostic(finding);
        }
    }
    out
}

/// Returns the counts, unless there was only one request, and whose policies decided.
pub(super) fn end(summary: &Summary, reporter: &Reporter) -> String {
    let gap = if summary.has_one_liners { "\n" } else { "" };
    let counts = if summary.total() == 1 { String::new() } else { format!("{summary}; ") };
    let text = format!("{counts}by {}", words::whose(reporter.policies));
    gap.to_owned() + &hanging("", &text, reporter.width)
}

/// Writes `requests/CHG-1.yaml  approved  medium risk  direct execution by L2, no review required`; of an
/// execution `requests/CHG-1.yaml  may be executed now  medium risk  signed off by bob (L2)`.
fn approved_line(decision: &Decision, reporter: &Reporter) -> String {
    let how = words::approval(decision).unwrap_or_default();
    let word = match decision.purpose {
        Purpose::Merge => "approved",
        Purpose::Execute => "may be executed now",
        Purpose::Outcome => "may be closed",
    };
    title(decision, word, &[words::kind(decision), how], reporter)
}

/// Returns the path, the verdict in this word, and what follows it.
fn title(decision: &Decision, word: &str, rest: &[String], reporter: &Reporter) -> String {
    let beginning = format!("{}  {word}", terminal(decision.subject()));
    let rest = rest.iter().filter(|part| !part.is_empty());
    let text = rest.fold(beginning.clone(), |text, part| text + "  " + part);
    let lines = wrap(&text, reporter.width.saturating_sub(4).max(NARROWEST)).join("\n    ");
    match lines.strip_prefix(&beginning) {
        Some(rest) => {
            let path = &beginning[..beginning.len() - word.len()];
            format!("{path}{}{rest}\n", paint(word, style_of(decision.verdict), reporter.colour))
        }
        // A path that is wider than the screen leaves its verdict to the next line.
        None => lines + "\n",
    }
}

fn header(decision: &Decision, reporter: &Reporter) -> String {
    let verdict = decision.verdict.to_string().to_uppercase();
    let asked = match decision.purpose {
        Purpose::Merge => "",
        Purpose::Execute => " for execution",
        Purpose::Outcome => " for closing",
    };
    let mut out = title(decision, &(verdict + asked), &[words::kind(decision)], reporter);
    let summary = decision.summary.as_deref().unwrap_or_default().trim();
    let line = match words::requester(decision) {
        Some(who) if summary.is_empty() => format!("requested by {who}"),
        Some(who) => format!("{summary} ({who})"),
        None => summary.to_owned(),
    };
    if !line.is_empty() {
        out.push_str(&hanging("  ", &line, reporter.width));
    }
    out
}

/// Returns who signs, when it runs, and what comes next. Of a denied request, only the rows of its
/// denials.
fn rows(decision: &Decision, reporter: &Reporter) -> String {
    let columns = reporter.width;
    let is_about = |rule: &str| {
        let mut denials = decision.findings.iter().filter(|finding| finding.effect == Effect::Deny);
        reporter.verbose
            || decision.verdict != Verdict::Denied
            || denials.any(|finding| finding.code.starts_with(rule))
    };
    let mut out = String::new();
    if is_about("signoff/") || is_about("emergency/") {
        push_row(&mut out, columns, "waits for", waits_for(decision, columns));
        if let Some(sign_off) = &decision.sign_off {
            let direct = words::approval(decision).filter(|_| sign_off.mode == SignOffMode::Direct);
            push_row(&mut out, columns, "sign-off", direct);
            let signed = words::signed_by(sign_off);
            push_row(&mut out, columns, "signed by", (!signed.is_empty()).then_some(signed));
        }
        let ago = |time: Time| format!("{} ago", (decision.evaluated_at - time).for_people());
        push_row(&mut out, columns, "not counted", words::not_counted(decision, ago));
    }
    if is_about("window/") {
        let (window, now) = (decision.window.as_ref(), Some(decision.evaluated_at));
        let lines = [
            window.and_then(|window| words::planned(decision, window, now)),
            window.and_then(|window| words::next_that_fits(window, now)),
        ];
        push_row(&mut out, columns, "window", lines.into_iter().flatten());
        let next = words::next_change(decision);
        let next = next.map(|(next, what)| format!("{} UTC: {what}", next.for_people(now)));
        push_row(&mut out, columns, "next", next);
    }
    if out.is_empty() { out } else { format!("\n{out}") }
}

/// Adds lines beside one label, which is in the first of them.
fn push_row(
    out: &mut String,
    columns: usize,
    label: &str,
    lines: impl IntoIterator<Item = String>,
) {
    let mut label = label;
    for line in lines {
        out.push_str(&hanging(&format!("  {label:LABEL$}  "), &line, columns));
        label = "";
    }
}

/// Returns the missing sign-offs in columns: what, who, why.
fn waits_for(decision: &Decision, columns: usize) -> Vec<String> {
    let rows = words::missing(decision).into_iter().map(|missing| {
        let (what, who) = words::what_and_who(missing);
        (what, who, missing.0.because.as_deref().unwrap_or_default())
    });
    let rows: Vec<_> = rows.collect();
    let what_width = rows.iter().map(|(what, ..)| width(what)).max().unwrap_or(0);
    let left = columns.saturating_sub(LABEL + 8 + what_width);
    let who_width = rows.iter().map(|(_, who, _)| width(who)).max().unwrap_or(0);
    let who_width = who_width.min(left.saturating_sub(NARROWEST).max(NARROWEST));
    let why_width = left.saturating_sub(who_width).max(NARROWEST);
    let mut lines = Vec::new();
    for (what, who, why) in &rows {
        let (who, why) = (wrap(who, who_width), wrap(why, why_width));
        for number in 0..who.len().max(why.len()) {
            let what = if number == 0 { what.as_str() } else { "" };
            let [who, why] =
                [&who, &why].map(|column| column.get(number).map_or("", String::as_str));
            let line = format!("{}  {}  {why}", pad(what, what_width), pad(who, who_width));
            lines.push(line.trim_end().to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use crate::core::policy::SHIPPED;
    use std::collections::BTreeMap;

    use crate::core::characters::has_hidden;
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
            width: 100,
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
    fn whether_something_may_be_executed() {
        let codes = BTreeMap::new();
        let reporter = Reporter {
            format: Format::Text,
            policies: SHIPPED,
            colour: false,
            width: 100,
            verbose: false,
            codes: &|| &codes,
        };
        let samples = [samples::direct(), samples::signed(), samples::pending(), samples::denied()];
        let sections: Vec<_> = samples
            .into_iter()
            .map(|mut sample| {
                sample.decision.purpose = Purpose::Execute;
                reporter.section(&sample.judged()).text
            })
            .collect();
        insta::assert_snapshot!(sections.concat());
    }

    #[test]
    fn lines_are_as_wide_as_the_screen_or_whole() {
        let codes = BTreeMap::new();
        for (columns, longest) in [(60, 60), (80, 80), (120, 120)] {
            let reporter = Reporter {
                format: Format::Text,
                policies: SHIPPED,
                colour: false,
                width: columns,
                verbose: true,
                codes: &|| &codes,
            };
            for sample in samples::all() {
                let text = reporter.section(&sample.judged()).text;
                let is_long = |line: &&str| width(line) > longest && line.trim().contains(' ');
                assert_eq!(text.lines().find(is_long), None, "{columns}:\n{text}");
            }
        }
        let reporter = Reporter {
            format: Format::Text,
            policies: SHIPPED,
            colour: false,
            width: usize::MAX,
            verbose: true,
            codes: &|| &codes,
        };
        let mut sample = samples::pending();
        let long = "a long summary ".repeat(40);
        sample.decision.summary = Some(long.clone());
        for finding in &mut sample.decision.findings {
            finding.help = Some(long.clone());
        }
        let text = reporter.section(&sample.judged()).text;
        assert!(text.matches(long.trim()).count() >= 2, "{text}");
    }

    #[test]
    fn colours_mark_the_verdict_and_the_caret() {
        let codes = BTreeMap::new();
        let reporter = Reporter {
            format: Format::Text,
            policies: SHIPPED,
            colour: true,
            width: 100,
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
            width: 100,
            verbose: true,
            codes: &|| &codes,
        };
        for line in reporter.section(&sample.judged()).text.lines() {
            assert!(!has_hidden(line), "{line:?}");
            assert!(!line.trim_start().starts_with("::") && !line.contains("##["), "{line:?}");
        }
    }
}
