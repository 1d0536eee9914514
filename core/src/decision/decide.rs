//! Makes a decision from facts, ruling, sign-off, and the problems of the file's form.

use serde_json::Value;

use super::finding::form_findings;
use super::{API_VERSION, Decision, Digests, Finding, Opening, SignOff, SignOffMode, WindowAnswer};
use crate::approvals::{Standing, WhyNot};
use crate::calendar::{self, WindowFact};
use crate::digest::{Digest, canonical_json, to_json};
use crate::evidence::ForgeKind;
use crate::input::{self, Case, Input, Prepared, Purpose};
use crate::org::TZDB;
use crate::policy::codes::UNGOVERNED;
use crate::policy::{PolicyBundle, RuledFinding, Ruling, Undecided};
use crate::request::{ChangeRequest, ChangeType};
use crate::sign_off::{Signers, lock_out};
use crate::terms::{Effect, RiskTier, Verdict};
use crate::time::{Duration, Time};

/// A decision and the input document that the policies saw.
pub struct Decided {
    /// The decision.
    pub decision: Decision,
    /// The input document as canonical JSON; `None` if the policies were not evaluated.
    pub input: Option<String>,
}

/// Decides a case by a bundle. `source` says whose it is, as [`Decision::bundle`] does. `evaluate`
/// returns the ruling of the bundle's policies on an input document; it is called at most once.
///
/// # Errors
/// Those of `evaluate`: nothing could be decided.
pub fn decide(
    case: &Case<'_>,
    bundle: &PolicyBundle,
    source: &str,
    evaluate: impl FnOnce(&Value) -> Result<Ruling, Undecided>,
) -> Result<Decided, Undecided> {
    if input::is_ungoverned(case) && bundle.org.settings.other_paths.is_free() {
        return Ok(Decided { decision: ungoverned(case, bundle, source), input: None });
    }
    let form = case.file.map(form_findings).unwrap_or_default();
    let request = case.file.map(|file| file.request.as_ref());
    if let Some(None) = request {
        return Ok(Decided { decision: unreadable(case, bundle, source, form), input: None });
    }
    let request = request.flatten();
    let material = request.map(ChangeRequest::material_digest);
    let submitted = input::just_submitted(request, case.now);
    let pull_request = case.evidence.pull_request.as_ref().unwrap_or(&submitted);
    let excluded = input::excluded_from(case, pull_request);
    let Prepared { input, standings } = input::build(
        case,
        pull_request,
        &excluded,
        material.as_ref(),
        &bundle.org,
        &bundle.calendar,
    );
    let document = canonical_json(&to_json(&input));
    // What the policies see is read from what the digest is of, so that one digest has one verdict.
    let seen = serde_json::from_str(&document).expect("canonical JSON is JSON");
    let ruling = evaluate(&seen)?;

    let clock = input.pull_request.as_ref();
    let off_script = request.is_some_and(|request| request.off_script.is_some());
    let signers = Signers {
        org: &bundle.org,
        forge: case.evidence.forge,
        excluded: &excluded,
        standings: &standings,
        due_at: clock.filter(|_| off_script).map(|pull_request| pull_request.due_at),
    };
    let (mut asked, is_well_formed) = (ruling.required, form.is_empty());
    asked.sort();
    let sign_off = SignOff {
        mode: if asked.is_empty() { SignOffMode::Direct } else { SignOffMode::Review },
        due_at: signers.due_at,
        reviews: signers.reviews(&asked),
        required: signers.settle(&asked),
    };
    let base = pull_request.base_ref.as_deref();
    let found = signers.missing(&asked, &sign_off.required);
    let found = ruled(ruling.findings, is_well_formed.then(|| sign_off.is_complete())).chain(found);
    let findings = findings(case, bundle, base, found.collect(), form);
    let input_digest = Some(Digest::of(document.as_bytes()));
    if !is_well_formed {
        let mut decision = unreadable(case, bundle, source, findings);
        decision.digests.input = input_digest;
        return Ok(Decided { decision, input: Some(document) });
    }

    let kind = request.map(|request| request.kind);
    let window =
        kind.map(|kind| window_answer(&input, (ruling.tier, Some(kind)), &findings, bundle));
    let own_change_at = own_change(case, &input, &sign_off, &signers, &window, bundle);
    let remind_at = signers.due_at.filter(|_| !sign_off.is_complete()).and(clock);
    let reminder = remind_at.map(|pull_request| pull_request.remind_at);
    let reminder = reminder.filter(|time| *time > case.now);
    let of_tables = bundle.org.overdue_reviews(case.now).1;
    let next_change_at = [own_change_at, reminder, of_tables].into_iter().flatten().min();
    let mut decision = without_ruling(case, bundle, source, findings);
    decision.digests = Digests { material, input: input_digest, ..decision.digests };
    let decision = Decision {
        tier: ruling.tier,
        tier_because: ruling.tier_because,
        kind,
        level: ruling.level,
        sign_off: Some(sign_off),
        window,
        next_change_at,
        own_change_at,
        ..decision
    };
    Ok(Decided { decision, input: Some(document) })
}

/// Returns what the rules found, as far as it applies: some findings only hold once all sign-offs are
/// given, and some before. `signed` says whether they are; a malformed file has none to give.
pub(super) fn ruled(
    found: Vec<RuledFinding>,
    signed: Option<bool>,
) -> impl Iterator<Item = Finding> {
    let applies = move |finding: &RuledFinding| finding.signed.is_none_or(|it| signed == Some(it));
    found.into_iter().filter(applies).map(Finding::from)
}

/// Returns all findings, each with the place that it is about: those of the rules, of a lock-out,
/// and of the file's form. Of a malformed file, only what denies is told.
pub(super) fn findings(
    case: &Case<'_>,
    bundle: &PolicyBundle,
    base: Option<&str>,
    mut findings: Vec<Finding>,
    form: Vec<Finding>,
) -> Vec<Finding> {
    if let Some(after) = case.brings {
        findings.extend(lock_out::findings(&bundle.org, after, case.evidence.forge, base));
    }
    if let Some(file) = case.file {
        // It isn't known whether a part that couldn't be read is missing.
        let is_masked = |pointer: &String| file.is_masked(pointer);
        findings.retain(|finding| !finding.pointer.as_ref().is_some_and(is_masked));
        findings.iter_mut().for_each(|finding| finding.locate(file));
    }
    if !form.is_empty() {
        findings.retain(|finding| finding.effect == Effect::Deny);
    }
    findings.extend(form);
    findings
}

/// Returns the decision on a file whose form is wrong: denied, with every problem.
pub(super) fn unreadable(
    case: &Case<'_>,
    bundle: &PolicyBundle,
    source: &str,
    findings: Vec<Finding>,
) -> Decision {
    Decision { verdict: Verdict::Denied, ..without_ruling(case, bundle, source, findings) }
}

/// Returns the decision on what touches no governed path, where the settings leave that free.
fn ungoverned(case: &Case<'_>, bundle: &PolicyBundle, source: &str) -> Decision {
    let passes = Finding {
        code: UNGOVERNED.to_owned(),
        effect: Effect::Info,
        message: "it touches no governed path, so nothing is judged".to_owned(),
        help: None,
        pointer: None,
        line: None,
        column: None,
        controls: Vec::new(),
        span: None,
    };
    without_ruling(case, bundle, source, vec![passes])
}

/// Returns a decision that the policies had no part in.
pub(super) fn without_ruling(
    case: &Case<'_>,
    bundle: &PolicyBundle,
    source: &str,
    mut findings: Vec<Finding>,
) -> Decision {
    finish(&mut findings, bundle);
    let request = case.file.and_then(|file| file.request.as_ref());
    Decision {
        api_version: API_VERSION.to_owned(),
        purpose: Purpose::Merge,
        change: request.and_then(|request| request.id.clone()),
        path: case.file.map(|file| file.path.clone()),
        summary: request.and_then(|request| request.summary.clone()),
        verdict: Verdict::of(findings.iter().map(|finding| finding.effect)),
        tier: None,
        tier_because: Vec::new(),
        kind: None,
        off_script: request.is_some_and(|request| request.off_script.is_some()),
        requester: request.and_then(|request| request.requester.clone()),
        level: None,
        sign_off: None,
        window: None,
        findings,
        evaluated_at: case.now,
        next_change_at: None,
        own_change_at: None,
        bundle: source.to_owned(),
        tzdb: TZDB.to_owned(),
        digests: Digests {
            request: case.file.map(|file| file.digest.clone()),
            material: None,
            policies: bundle.digest.clone(),
            input: None,
        },
    }
}

/// Adds what the rules leave to METADATA, and sorts by strength, code, position and message.
fn finish(findings: &mut [Finding], bundle: &PolicyBundle) {
    findings.iter_mut().for_each(|finding| complete(finding, bundle));
    findings.sort_by(|a, b| {
        (b.effect.cmp(&a.effect))
            .then_with(|| a.code.cmp(&b.code))
            .then_with(|| a.line.cmp(&b.line))
            .then_with(|| a.pointer.cmp(&b.pointer))
            .then_with(|| a.message.cmp(&b.message))
    });
}

/// Returns when the change may run: the parts of the calendar that apply to its tier.
fn window_answer(
    input: &Input<'_>,
    (tier, kind): (Option<RiskTier>, Option<ChangeType>),
    findings: &[Finding],
    bundle: &PolicyBundle,
) -> WindowAnswer {
    let takes = |name: &str| {
        let window = bundle.org.windows.entries.get(name);
        window.zip(tier).is_some_and(|(window, tier)| window.tiers.contains(&tier))
    };
    let windows = || input.calendar.windows.iter().filter(|window| takes(&window.name));
    let fits = windows().filter(|window| window.fits).map(|window| window.name.clone()).collect();
    let freeze = input.calendar.freezes.iter().find(|freeze| freeze.overlaps);
    let opening = |window: &WindowFact| {
        window.next_opening.map(|interval| Opening { window: window.name.clone(), interval })
    };
    // An emergency needs no window: outside of freezes it can be rescheduled to any time.
    let needs_window = kind != Some(ChangeType::Emergency) || freeze.is_some();
    let has_to_move = needs_window && findings.iter().any(Finding::denies_schedule);
    let openings = windows().filter_map(opening).filter(|_| has_to_move);
    WindowAnswer {
        planned: input.calendar.planned,
        fits,
        freeze: freeze.map(|freeze| freeze.name.clone()),
        next_opening: openings.min_by_key(|opening| opening.interval.start),
    }
}

/// Returns the next instant at which the decision would change by itself, see
/// [`Decision::own_change_at`].
fn own_change(
    case: &Case<'_>,
    input: &Input<'_>,
    sign_off: &SignOff,
    signers: &Signers<'_>,
    window: &Option<WindowAnswer>,
    bundle: &PolicyBundle,
) -> Option<Time> {
    let now = input.now;
    let signed = sign_off.is_complete();
    let planned = input.calendar.planned;
    let due_at = signers.due_at.filter(|_| !signed);
    let is_reminded = signers.forge == Some(ForgeKind::Github);
    let pull_request = input.pull_request.as_ref();
    let reminder = due_at.filter(|_| is_reminded).and(pull_request).map(|pull| pull.remind_at);
    let valid_for = bundle.org.settings.approval_valid_for;
    let counting = signers.standings.iter().filter(|standing| standing.counts());
    let is_not_yet = |standing: &&Standing<'_>| standing.why_not == Some(WhyNot::NotYet);
    let not_yet = signers.standings.iter().filter(is_not_yet);
    let opening = window.as_ref().and_then(|window| window.next_opening.as_ref());
    // A change without duration still takes an instant of the opening.
    let length = planned.map_or(Duration::seconds(1), |planned| planned.length());
    let too_late = opening
        .and_then(|opening| calendar::latest_start(&opening.interval, length))
        .map(|latest| latest + Duration::seconds(1));
    let same_head = pull_request.into_iter().flat_map(|pull_request| pull_request.same_head);
    let debtor = input.operations.as_ref().and_then(|it| it.debtor);
    let missing_after = bundle.org.settings.outcome.missing_after;
    let log = case.evidence.operations.iter();
    let change = case.file.and_then(|file| file.request.as_ref()?.id.as_ref());
    let late = log.flat_map(|log| log.late_at((change, debtor), missing_after));
    (due_at.into_iter().chain(reminder))
        .chain(planned.filter(|_| !signed).map(|planned| planned.start))
        .chain(planned.map(|planned| planned.end))
        .chain(counting.map(|standing| standing.review.submitted_at + valid_for))
        .chain(not_yet.map(|standing| standing.review.submitted_at))
        .chain(too_late)
        .chain(late)
        .chain(same_head.filter_map(|other| other.next_change_at))
        .filter(|instant| *instant > now)
        .min()
}

/// Adds the help and the controls that a finding's rule leaves to METADATA.
fn complete(finding: &mut Finding, bundle: &PolicyBundle) {
    if finding.help.is_some() && !finding.controls.is_empty() {
        return;
    }
    let Some(info) = bundle.code(&finding.code) else { return };
    if finding.help.is_none() {
        finding.help.clone_from(&info.help);
    }
    if finding.controls.is_empty() {
        finding.controls.clone_from(&info.controls);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::policy::shipped_files;

    #[test]
    fn help_and_controls_are_added_where_a_finding_has_none() {
        let finding = |code: &str, help: &str, controls: &[&str]| Finding {
            code: code.to_owned(),
            effect: Effect::Deny,
            message: String::new(),
            help: Some(help.to_owned()).filter(|help| !help.is_empty()),
            pointer: None,
            line: None,
            column: None,
            controls: controls.iter().map(ToString::to_string).collect(),
            span: None,
        };
        let mut findings = [
            finding("window/closed", "wait", &[]),
            finding("window/closed", "", &["ACME:1"]),
            finding("window/freeze", "", &[]),
            finding("yaml/tag", "", &[]),
            finding("acme/none", "", &[]),
        ];
        let bundle = PolicyBundle::load(shipped_files(), || Duration::ZERO).unwrap();
        findings.iter_mut().for_each(|finding| complete(finding, &bundle));
        let text = |finding: &Finding| {
            let help = finding.help.as_deref().unwrap_or("none");
            format!("{} {}", help.split(';').next().unwrap(), finding.controls.concat())
        };
        assert_eq!(
            findings.each_ref().map(text),
            [
                "wait SOC2:CC8.1",
                "move the schedule into a window ACME:1",
                "move the schedule past the freeze SOC2:CC8.1",
                "none SOC2:CC8.1",
                "none ",
            ]
        );
    }
}
