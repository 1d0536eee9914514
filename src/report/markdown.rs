//! Markdown: the one comment on a pull request.
//!
//! A table shows who signs, when it runs and why; below it are the request's own words for each
//! criterion of a review. Quoted text is escaped; a part of our own messages in backquotes becomes
//! `<code>`, which also works within HTML.

use std::borrow::Cow;

use super::criteria::{Criterion, criteria};
use super::escape::markdown;
use super::{Judged, words};
use crate::core::decision::{Decision, Finding, SignOff, SignOffMode};
use crate::core::request::ChangeRequest;
use crate::core::terms::{Effect, Login, Verdict};
use crate::core::time::Time;
use crate::report::page::cut;

/// The largest comment in bytes; GitHub's own limit is 65,536 characters, and a forge may add
/// lines.
const LONGEST: usize = 63_000;

/// The longest quotation, in characters.
const QUOTE: usize = 400;

/// Returns the comment's part about one decision.
pub fn section(judged: &Judged) -> String {
    with_footer(judged, &footer(judged.decision))
}

/// Returns the part about one decision for a comment that is updated in place; `footer` follows the
/// rest.
pub(super) fn with_footer(judged: &Judged, footer: &str) -> String {
    let decision = judged.decision;
    let parts = [
        heading(decision),
        findings(decision),
        table(decision),
        judged.request.map(|request| for_the_reviewer(decision, request)).unwrap_or_default(),
        not_counted(decision),
        footer.to_owned(),
    ];
    let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    fit(&parts.join("\n")).into_owned()
}

/// Returns a comment that a forge accepts: if it is too long, it is cut after a line, with a note.
pub fn fit(comment: &str) -> Cow<'_, str> {
    const NOTE: &str =
        "\n*The rest is too long for a comment; `changegate check` shows all of it.*\n";
    if comment.len() <= LONGEST {
        return Cow::Borrowed(comment);
    }
    let head = &comment.as_bytes()[..LONGEST - NOTE.len()];
    let kept = head.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    Cow::Owned(comment[..kept].to_owned() + NOTE)
}

fn heading(decision: &Decision) -> String {
    let verdict = match decision.verdict {
        Verdict::Denied => "❌ Denied",
        Verdict::Pending if decision.missing().next().is_some() => "⏳ Waiting for sign-off",
        Verdict::Pending => "⏳ Waiting",
        Verdict::Approved => "✅ Approved",
    };
    let what = decision.change.as_ref().map_or_else(|| decision.subject(), |id| id.as_str());
    let mut line = format!("### {verdict} · {}", markdown(what));
    let kind = words::kind(decision);
    if !kind.is_empty() {
        line += &format!(" · {kind}");
    }
    line + "\n"
}

fn findings(decision: &Decision) -> String {
    words::findings(decision).map(|finding| format!("- {}\n", item(finding))).collect()
}

/// Writes `❌ L17 a high-risk change names who … (request/missing)`.
fn item(finding: &Finding) -> String {
    let sign = match finding.effect {
        Effect::Deny => "❌",
        Effect::Pending => "⏳",
        Effect::Warn => "⚠️",
        Effect::Info => "ℹ️",
    };
    let line = finding.line.map(|line| format!("`L{line}` ")).unwrap_or_default();
    let mut item = format!("{sign} {line}{}", prose(&finding.message));
    if let Some(help) = &finding.help {
        item += &format!(" — {}", prose(help));
    }
    item + &format!(" <sub>{}</sub>", markdown(&finding.code))
}

fn table(decision: &Decision) -> String {
    let mut rows = Vec::new();
    let summary = decision.summary.as_deref().map(|summary| markdown(&cut(summary, QUOTE)));
    rows.extend(summary.map(|summary| match words::requester(decision) {
        Some(who) => ("What".to_owned(), format!("{summary} ({})", markdown(&who))),
        None => ("What".to_owned(), summary),
    }));
    rows.extend(
        decision
            .sign_off
            .as_ref()
            .and_then(|sign_off| Some(("Who signs".to_owned(), who_signs(decision, sign_off)?))),
    );
    rows.extend(decision.window.as_ref().and_then(|window| {
        let lines = [words::planned(decision, window, None), words::next_that_fits(window, None)];
        let lines: Vec<_> = lines.into_iter().flatten().map(|line| markdown(&line)).collect();
        (!lines.is_empty()).then(|| ("When".to_owned(), lines.join("; ")))
    }));
    rows.extend(decision.tier.filter(|_| !decision.tier_because.is_empty()).map(|tier| {
        let because: Vec<_> = decision.tier_because.iter().map(|text| prose(text)).collect();
        (format!("Why {tier}"), because.join("; "))
    }));
    if rows.is_empty() {
        return String::new();
    }
    let rows = rows.iter().map(|(name, cell)| format!("| **{name}** | {cell} |\n"));
    format!("| | |\n|---|---|\n{}", rows.collect::<String>())
}

/// Writes `☐ L2 or L3: bob, carol or erin · ☑ service-owner of checkout: dan`.
fn who_signs(decision: &Decision, sign_off: &SignOff) -> Option<String> {
    if sign_off.mode == SignOffMode::Direct {
        return words::approval(decision).map(|approval| markdown(&approval));
    }
    let said = |login: &Login| words::last_said(sign_off, login);
    let items = sign_off.required.iter().map(|required| {
        let what = words::long_name(&required.what);
        let item = match &required.satisfied_by {
            Some(who) if required.late => format!("☑ {what}: {who}, late"),
            Some(who) => format!("☑ {what}: {who}"),
            None => format!("☐ {what}: {}", words::any_of_with(&required.eligible, &said)),
        };
        markdown(&item)
    });
    let items: Vec<_> = items.collect();
    (!items.is_empty()).then(|| items.join(" · "))
}

/// Returns the criteria of a review, each with the request's own words.
fn for_the_reviewer(decision: &Decision, request: &ChangeRequest) -> String {
    let mode = decision.sign_off.as_ref().map(|sign_off| sign_off.mode);
    if mode != Some(SignOffMode::Review) || !decision.purpose.is_merge() {
        return String::new();
    }
    let criteria = criteria(request, &quotable).into_iter().map(|Criterion { name, words }| {
        let words = if words.is_empty() { "*not stated*".to_owned() } else { words.join("; ") };
        format!("- **{name}:** {words}\n")
    });
    format!("**For the reviewer**, in the request's own words:\n{}", criteria.collect::<String>())
}

fn quotable(text: &str) -> String {
    markdown(&cut(text, QUOTE))
}

fn not_counted(decision: &Decision) -> String {
    // The comment is read days later: it gives the time, not how long ago that was.
    let when = |time: Time| format!("on {} UTC", time.for_people(None));
    let reviews: Vec<_> = words::not_counted(decision, when).map(|review| prose(&review)).collect();
    let title = match reviews.len() {
        0 => return String::new(),
        1 => "1 review does not count".to_owned(),
        many => format!("{many} reviews do not count"),
    };
    format!("<details><summary>{title}</summary>{}</details>\n", reviews.join("<br>"))
}

/// The text before what changes in a comment each time: by which commit it was decided, and when.
pub(super) const EVALUATED: &str = " · evaluated ";

/// Returns which policies decided, when, and when the decision will change by itself.
pub(super) fn footer(decision: &Decision) -> String {
    let policies = decision.digests.policies.short();
    let evaluated = decision.evaluated_at.for_people(None);
    let next = words::next_change(decision).map(|(next, what)| {
        format!(" · next change by itself: {} UTC ({what})", next.for_people(None))
    });
    let next = next.unwrap_or_default();
    let whose = words::whose(&decision.bundle);
    // A forge links the commit.
    let whose =
        words::short_commit(&decision.bundle).map_or_else(|| markdown(&whose), |_| whose.clone());
    format!("<sub>policies {policies}{EVALUATED}by {whose}, {evaluated} UTC{next}</sub>\n")
}

/// Escapes our own sentences; a part in backquotes becomes code.
pub fn prose(text: &str) -> String {
    let parts: Vec<_> = text.split('`').collect();
    if parts.len() % 2 == 0 {
        return markdown(text);
    }
    let parts = parts.iter().enumerate().map(|(at, part)| match at % 2 {
        0 => markdown(part),
        _ => format!("<code>{}</code>", markdown(part)),
    });
    parts.collect()
}

#[cfg(test)]
mod tests {
    use crate::report::{Format, samples};

    use super::*;

    #[test]
    fn a_comment() {
        insta::assert_snapshot!(samples::report(Format::Markdown));
    }

    #[test]
    fn our_own_sentences_show_code() {
        for (text, shown) in [
            ("add `owner:` or *x*", "add <code>owner:</code> or &#42;x&#42;"),
            ("a ` b", "a &#96; b"),
            ("`</code><img>` b", "<code>&#60;/code&#62;&#60;img&#62;</code> b"),
        ] {
            assert_eq!(prose(text), shown);
        }
    }

    #[test]
    fn what_is_too_long_is_cut_after_a_line() {
        let mut sample = samples::denied();
        let finding = sample.decision.findings[0].clone();
        sample.decision.findings = vec![finding; 1000];
        let comment = section(&sample.judged());
        assert!(comment.len() <= LONGEST);
        assert!(comment.ends_with("shows all of it.*\n"));
        assert_eq!(fit(&comment), comment);
    }
}
