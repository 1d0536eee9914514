//! Makes the decision whether something may be executed now, the sibling of [`decide`](super::decide).

use serde_json::Value;

use super::decide::{Decided, findings, ruled, unreadable, without_ruling};
use super::finding::form_findings;
use super::{Case, Decision, Digests, Finding, Opening, WindowAnswer};
use crate::calendar::WindowFact;
use crate::digest::{Digest, canonical_json, to_json};
use crate::evidence::Evidence;
use crate::input::{self, Input, Purpose};
use crate::operations::authorize::{Approval, Approved, Question};
use crate::operations::life::GRACE;
use crate::policy::{PolicyBundle, Ruling, Undecided};
use crate::request::ChangeType;
use crate::terms::RiskTier;
use crate::time::{Duration, Time};

/// Decides whether somebody may execute something now, as [`super::decide`] decides whether a change
/// may be merged. The decision's sign-off is that of the approval; until its `next_change_at` it holds,
/// as long as nobody does anything.
///
/// # Errors
/// Those of `evaluate`, or if the policies have no rules about executions: nothing could be decided.
pub fn ask(
    question: &Question<'_>,
    bundle: &PolicyBundle,
    source: &str,
    evaluate: impl FnOnce(&Value) -> Result<Ruling, Undecided>,
) -> Result<Decided, Undecided> {
    if !bundle.answers(Purpose::Execute) {
        return Err(Undecided::because(
            "the policies have no rules about executions: take over policies/main and \
             policies/rules/execute from the shipped ones"
                .to_owned(),
        ));
    }
    let evidence = Evidence::default();
    let case = Case { file: question.file, evidence: &evidence, brings: None, now: question.now };
    let form = question.file.map(form_findings).unwrap_or_default();
    let is_unreadable = question.file.is_some_and(|file| file.request.is_none());
    if is_unreadable || !form.is_empty() {
        let decision = unreadable(&case, bundle, source, form);
        return Ok(Decided { decision: about(question, decision), input: None });
    }
    let input = input::build_question(question, &bundle.org, &bundle.calendar);
    let document = canonical_json(&to_json(&input));
    // What the policies see is read from what the digest is of, so that one digest has one verdict.
    let seen = serde_json::from_str(&document).expect("canonical JSON is JSON");
    let ruling = evaluate(&seen)?;
    if let Some(asked) = ruling.required.first() {
        return Err(Undecided::because(format!(
            "the policies ask for {} when something is executed: sign-offs come before the merge, so \
             their entry point has to ask for them there alone",
            asked.what
        )));
    }

    let found = ruled(ruling.findings, Some(true)).collect();
    let findings = findings(&case, bundle, None, found, form);
    let request = question.file.and_then(|file| file.request.as_ref());
    let kind = request.map(|request| request.kind);
    let window = kind.map(|kind| window_now(&input, (ruling.tier, kind), &findings));
    let next_change_at = next_change(question, &input, ruling.tier, bundle);
    let approval: Option<&Approval> = match question.approval {
        Approved::By(approval) => Some(approval),
        Approved::NotYet | Approved::Unproven(_) => None,
    };
    let decision = without_ruling(&case, bundle, source, findings);
    let digests = Digests {
        material: request.map(|request| request.material_digest()),
        input: Some(Digest::of(document.as_bytes())),
        ..decision.digests.clone()
    };
    let decision = Decision {
        tier: ruling.tier,
        tier_because: ruling.tier_because,
        kind,
        level: approval.and_then(|approval| approval.level),
        sign_off: approval.map(|approval| approval.sign_off.clone()),
        window,
        next_change_at,
        own_change_at: next_change_at,
        digests,
        ..decision
    };
    Ok(Decided { decision: about(question, decision), input: Some(document) })
}

fn about(question: &Question<'_>, decision: Decision) -> Decision {
    Decision { change: Some(question.id.clone()), purpose: Purpose::Execute, ..decision }
}

/// Returns the windows that are open now and take the tier, and the next one where the schedule has to
/// move.
fn window_now(
    input: &Input<'_>,
    (tier, kind): (Option<RiskTier>, ChangeType),
    findings: &[Finding],
) -> WindowAnswer {
    let takes = |tiers: &[RiskTier]| tier.is_some_and(|tier| tiers.contains(&tier));
    let now = input.calendar.now.as_ref();
    let open = now.iter().flat_map(|now| &now.windows).filter(|window| takes(&window.tiers));
    let freeze = now.and_then(|now| now.freezes.first());
    let has_to_move = findings.iter().any(Finding::denies_schedule)
        && (kind != ChangeType::Emergency || freeze.is_some());
    let opening = |window: &WindowFact| {
        window.next_opening.map(|interval| Opening { window: window.name.clone(), interval })
    };
    let windows = input.calendar.windows.iter().filter(|window| takes(&window.tiers));
    let openings = windows.filter_map(opening).filter(|_| has_to_move);
    WindowAnswer {
        planned: input.calendar.planned,
        fits: open.map(|window| window.name.clone()).collect(),
        freeze: freeze.map(|freeze| freeze.name.clone()),
        next_opening: openings.min_by_key(|it| it.interval.start),
    }
}

/// Returns the next instant at which the answer may become another one by itself.
fn next_change(
    question: &Question<'_>,
    input: &Input<'_>,
    tier: Option<RiskTier>,
    bundle: &PolicyBundle,
) -> Option<Time> {
    let now = question.now;
    let own = question.life.open().map(|it| it.lease_until + GRACE);
    let others = question.open.into_iter().flat_map(|open| &open.executions);
    let others = others.map(|it| it.lease_until + GRACE);
    let debts = question.open.into_iter().flat_map(|open| &open.debts).map(|debt| debt.due_at);
    let planned = input.calendar.planned;
    let edges = planned.into_iter().flat_map(|planned| [planned.start, planned.end]);
    let next_edge = bundle.calendar.next_edge(tier, now);
    let ends = input.calendar.now.iter().flat_map(|now| &now.windows).map(|it| it.open_until);
    let ends = ends.chain(planned.map(|planned| planned.end));
    // From the second after it on, what is expected to take so long doesn't fit any more.
    let expected = question.execution.expected.into_iter();
    let too_late = expected
        .flat_map(|length| ends.clone().map(move |end| end - length + Duration::seconds(1)));
    let of_time = edges.chain(next_edge).chain(too_late);
    let of_time = of_time.filter(|_| !question.execution.rollback);
    own.chain(others).chain(debts).chain(of_time).filter(|instant| *instant > now).min()
}
