//! The message of an entry's commit, made from the statement and its place in the log, so that
//! `git log` on the ledger reads as an audit trail and verifying can make it again.
//!
//! ```text
//! merged: CHG-1234 Fail over the EU region (#871)
//!
//! High risk, requested by alice (L1). Approved by carol (L3) under policies at 4f0c1d2.
//! Planned 2026-11-24 22:00–23:00 UTC in off-peak.
//!
//! Change: CHG-1234
//! …
//! Entry: sha256:9f2c…
//! ```
//!
//! Its wording belongs to the format: it never changes for what is recorded already.

use super::bones::{Bones, Signed};
use super::parts::{Because, Method};
use super::statement::{Kind, Predicate, Statement};
use crate::decision::SignOffMode;
use crate::digest::Digest;
use crate::policy::Requirement;
use crate::request::ChangeType;
use crate::terms::{Login, Verdict, all_of};
use crate::time::{Interval, Time};

/// Returns the message of an entry with this index, of a log with this root.
pub fn message(statement: &Statement, id: &Digest, index: u64, root: &str) -> String {
    let paragraphs = [title(statement), story(statement).join("\n")];
    let mut trailers = trailers(statement);
    trailers.extend([
        ("Index", index.to_string()),
        ("Root", root.to_owned()),
        ("Entry", id.to_string()),
    ]);
    let mut text = String::new();
    for paragraph in paragraphs.iter().filter(|paragraph| !paragraph.is_empty()) {
        text.push_str(paragraph);
        text.push_str("\n\n");
    }
    for (key, value) in trailers {
        text.push_str(&format!("{key}: {value}\n"));
    }
    text
}

/// Returns the first line.
pub fn title(statement: &Statement) -> String {
    let it = &statement.predicate;
    let verb = match it.kind {
        Kind::Genesis => return format!("genesis: {}", it.origin),
        Kind::Keys => {
            let keys = it.keys.clone().unwrap_or_default();
            let gone = keys.remove.len() + keys.revoked.len();
            return format!("keys: {} added, {gone} removed", keys.add.len());
        }
        Kind::Note => {
            let about = it.note.as_ref().map(|note| note.about.to_string());
            return format!("note: {}", about.unwrap_or_default());
        }
        Kind::Bypass => {
            let merge = it.merge.as_ref();
            let tip = merge.map(|merge| merge.covers.to.short()).unwrap_or_default();
            let base = it.base.as_ref().map(|base| branch(&base.name)).unwrap_or_default();
            let why = merge.and_then(|merge| merge.because).map(|because| because.to_string());
            return format!("bypass: {tip} on {base} ({})", why.unwrap_or_default());
        }
        Kind::Merge => "merged",
        Kind::Decision => match it.decision.as_ref().map(|bones| bones.verdict) {
            Some(Verdict::Approved) => "approved",
            Some(Verdict::Denied) => "denied",
            _ => "pending",
        },
    };
    let pull = it.pull.as_ref().map(|pull| pull.name.as_str()).unwrap_or_default();
    let change = it.change.iter().flatten().next().map(ToString::to_string);
    let mut what = change.clone().unwrap_or_else(|| "policies".to_owned());
    if let Some(title) = it.decision.as_ref().and_then(|bones| bones.title.as_deref()) {
        what.push(' ');
        what.push_str(title);
    }
    match change.as_deref() == Some(pull) {
        true => format!("{verb}: {what}"),
        false => format!("{verb}: {what} ({pull})"),
    }
}

/// Returns the sentences about the decision.
pub fn story(statement: &Statement) -> Vec<String> {
    let it = &statement.predicate;
    let mut lines = Vec::new();
    if let Some(bones) = &it.decision {
        let policies = it.policies.as_ref().map(|policies| policies.commit.short());
        let under = policies.map(|commit| format!(" under policies at {commit}"));
        let what = [kind(bones), requester(bones)].into_iter().flatten().collect::<Vec<_>>();
        let what = Some(what.join(", ")).filter(|what| !what.is_empty());
        let approval = approval(bones).map(|text| text + &under.unwrap_or_default());
        let sentences = [what, approval].into_iter().flatten().map(|text| sentence(&text));
        let line = sentences.collect::<Vec<_>>().join(" ");
        lines.extend(Some(line).filter(|line| !line.is_empty()));
        let window = bones.window.as_ref();
        if let Some(planned) = window.and_then(|window| window.planned) {
            let fits = window.map(|window| all_of(&window.fits)).unwrap_or_default();
            let fits = if fits.is_empty() { fits } else { format!(" in {fits}") };
            lines.push(format!("Planned {}{fits}.", interval(planned)));
        }
    }
    if it.kind == Kind::Bypass {
        lines.extend(went_around(it));
    }
    lines
}

/// Says how something came around the gate.
fn went_around(it: &Predicate) -> Option<String> {
    let merge = it.merge.as_ref()?;
    let by = merge.by.as_ref().map(|by| format!(", by {by}")).unwrap_or_default();
    let how = if merge.method == Method::Push { "pushed" } else { "merged" };
    let what = why(merge.because?);
    Some(sentence(&format!("{what}: {how} at {}{by}", time(merge.at))))
}

/// Says why something is a bypass.
pub fn why(because: Because) -> &'static str {
    match because {
        Because::NoPullRequest => "it is the merge of no pull request",
        Because::NotApproved => "it wasn't approved when it was merged",
        Because::Superseded => {
            "a later decision, or later commits, had taken the place of its approval"
        }
        Because::OtherContent => "it brought something else than was judged",
        Because::PoliciesChanged => "the policies had changed since it was approved",
        Because::NotKnown => "it can't be told what was judged",
    }
}

/// Writes `high risk, off-script, emergency`.
fn kind(bones: &Bones) -> Option<String> {
    let tier = bones.tier.map(|tier| format!("{tier} risk"));
    let off_script = bones.off_script.then(|| "off-script".to_owned());
    let emergency = bones.kind == Some(ChangeType::Emergency);
    let parts = [tier, off_script, emergency.then(|| "emergency".to_owned())];
    let text = parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
    Some(text).filter(|text| !text.is_empty())
}

fn requester(bones: &Bones) -> Option<String> {
    let requester = bones.requester.as_ref()?;
    let level = bones.level.map(|level| format!(" ({level})")).unwrap_or_default();
    Some(format!("requested by {requester}{level}"))
}

fn approval(bones: &Bones) -> Option<String> {
    let sign_off = bones.sign_off.as_ref()?;
    let signed = signers(sign_off);
    match sign_off.mode {
        SignOffMode::Direct => Some("direct execution, no review required".to_owned()),
        SignOffMode::Review if signed.is_empty() => None,
        SignOffMode::Review => Some(format!("approved by {}", signed.join(", "))),
    }
}

/// Returns each person who signed, with what they signed for: `carol (L3, service-owner of checkout)`.
pub fn signers(sign_off: &Signed) -> Vec<String> {
    let mut people: Vec<(&Login, Vec<String>)> = Vec::new();
    for required in &sign_off.required {
        let Some(login) = &required.satisfied_by else { continue };
        let mut what = match (&required.what, required.level) {
            (_, Some(level)) => level.to_string(),
            (Requirement::Owner { service }, None) => format!("service-owner of {service}"),
            (Requirement::Person { .. }, None) => "in person".to_owned(),
            (what, None) => what.to_string(),
        };
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

/// Returns the lines at the end that machines read, in their fixed order.
fn trailers(statement: &Statement) -> Vec<(&'static str, String)> {
    let it = &statement.predicate;
    let bones = it.decision.as_ref();
    let base = match &it.merge {
        Some(merge) => Some(&merge.covers.from),
        None => it.base.as_ref().map(|base| &base.commit),
    };
    let one = [
        ("Change", it.change.iter().flatten().next().map(ToString::to_string)),
        ("Pull-Request", it.pull.as_ref().map(|pull| pull.name.clone())),
        ("Kind", Some(it.kind.to_string())),
        ("Verdict", bones.map(|bones| bones.verdict.to_string())),
        ("Base", base.map(ToString::to_string)),
        ("Head", it.head.as_ref().map(ToString::to_string)),
        ("Policies", it.policies.as_ref().map(|policies| policies.digest.to_string())),
    ];
    let mut all: Vec<_> = one.into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
    if let Some(sign_off) = bones.and_then(|bones| bones.sign_off.as_ref()) {
        if sign_off.mode == SignOffMode::Direct {
            all.push(("Sign-off", "direct".to_owned()));
        }
        all.extend(signers(sign_off).into_iter().map(|who| ("Approved-by", who)));
    }
    all
}

fn branch(name: &str) -> &str {
    name.strip_prefix("refs/heads/").unwrap_or(name)
}

/// Writes an interval: `2026-11-24 22:00–23:00 UTC`, with the second date where it is another day.
pub fn interval(planned: Interval) -> String {
    let [start, end] = [planned.start, planned.end].map(|time| time.utc());
    let end = match start.date_naive() == end.date_naive() {
        true => end.format("%H:%M"),
        false => end.format("%Y-%m-%d %H:%M"),
    };
    format!("{}–{end} UTC", start.format("%Y-%m-%d %H:%M"))
}

fn time(time: Time) -> String {
    format!("{} UTC", time.utc().format("%Y-%m-%d %H:%M"))
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().collect::<String>());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
}
