//! Makes the decisions after the merge, the siblings of [`decide`](super::decide): whether something may
//! be executed now, and whether a change may be closed.

use serde_json::Value;

use super::decide::{Decided, findings, ruled, unreadable, without_ruling};
use super::finding::form_findings;
use super::{Case, Decision, Digests, Finding, Opening, WindowAnswer};
use crate::calendar::WindowFact;
use crate::digest::{Digest, canonical_json, to_json};
use crate::evidence::Evidence;
use crate::input::{self, Input, Purpose};
use crate::operations::authorize::{Approval, Approved, Question};
use crate::operations::closing::Closing;
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
    let build = || input::build_question(question, &bundle.org, &bundle.calendar);
    let asked = answered(question, Purpose::Execute, build, bundle, source, evaluate)?;
    let Answered::Ruled { input, document, tier, decision } = asked else {
        return Ok(asked.decided());
    };
    let window = decision.kind.map(|kind| window_now(&input, (tier, kind), &decision.findings));
    let next_change_at = next_change(question, &input, tier, bundle);
    let approval: Option<&Approval> = match question.approval {
        Approved::By(approval) => Some(approval),
        Approved::NotYet | Approved::Unproven(_) => None,
    };
    let decision = Decision {
        level: approval.and_then(|approval| approval.level),
        sign_off: approval.map(|approval| approval.sign_off.clone()),
        window,
        next_change_at,
        own_change_at: next_change_at,
        ..*decision
    };
    Ok(Decided { decision, input: Some(document) })
}

/// Decides whether a change may be closed as somebody says that it went. Until its `next_change_at` the
/// decision holds, as long as nobody does anything.
///
/// # Errors
/// Those of `evaluate`, or if the policies have no rules about outcomes: nothing could be decided.
pub fn close(
    closing: &Closing<'_>,
    bundle: &PolicyBundle,
    source: &str,
    evaluate: impl FnOnce(&Value) -> Result<Ruling, Undecided>,
) -> Result<Decided, Undecided> {
    let question = &closing.question;
    let build = || input::build_closing(closing, &bundle.org, &bundle.calendar);
    let asked = answered(question, Purpose::Outcome, build, bundle, source, evaluate)?;
    let Answered::Ruled { document, decision, .. } = asked else { return Ok(asked.decided()) };
    let lost = question.life.open().map(|it| it.lease_until + GRACE);
    let next_change_at = lost.filter(|instant| *instant > question.now).min();
    let decision = Decision { next_change_at, own_change_at: next_change_at, ..*decision };
    Ok(Decided { decision, input: Some(document) })
}

/// What came of a question.
enum Answered<'a> {
    /// The request can't be read.
    Unreadable(Box<Decision>),
    /// The policies answered.
    Ruled {
        input: Box<Input<'a>>,
        document: String,
        tier: Option<RiskTier>,
        decision: Box<Decision>,
    },
}

impl Answered<'_> {
    fn decided(self) -> Decided {
        match self {
            Answered::Unreadable(decision) => Decided { decision: *decision, input: None },
            Answered::Ruled { document, decision, .. } => {
                Decided { decision: *decision, input: Some(document) }
            }
        }
    }
}

/// Puts a question to the policies: the input document that `build` returns.
fn answered<'a>(
    question: &Question<'_>,
    purpose: Purpose,
    build: impl FnOnce() -> Input<'a>,
    bundle: &PolicyBundle,
    source: &str,
    evaluate: impl FnOnce(&Value) -> Result<Ruling, Undecided>,
) -> Result<Answered<'a>, Undecided> {
    if !bundle.answers(purpose) {
        let (what, package) = match purpose {
            Purpose::Outcome => ("outcomes", "outcome"),
            Purpose::Execute | Purpose::Merge => ("executions", "execute"),
        };
        return Err(Undecided::because(format!(
            "the policies have no rules about {what}: take over policies/main and \
             policies/rules/{package} from the shipped ones"
        )));
    }
    let evidence = Evidence::default();
    let case = Case { file: question.file, evidence: &evidence, brings: None, now: question.now };
    let about = |decision: Decision| {
        Box::new(Decision { change: Some(question.id.clone()), purpose, ..decision })
    };
    let form = question.file.map(form_findings).unwrap_or_default();
    let is_unreadable = question.file.is_some_and(|file| file.request.is_none());
    if is_unreadable || !form.is_empty() {
        return Ok(Answered::Unreadable(about(unreadable(&case, bundle, source, form))));
    }
    let input = build();
    let document = canonical_json(&to_json(&input));
    // What the policies see is read from what the digest is of, so that one digest has one verdict.
    let seen = serde_json::from_str(&document).expect("canonical JSON is JSON");
    let ruling = evaluate(&seen)?;
    if let Some(asked) = ruling.required.first() {
        return Err(Undecided::because(format!(
            "the policies ask for {} after the merge: sign-offs come before it, so their entry point has \
             to ask for them there alone",
            asked.what
        )));
    }
    let found = ruled(ruling.findings, Some(true)).collect();
    let findings = findings(&case, bundle, None, found, form);
    let request = question.file.and_then(|file| file.request.as_ref());
    let decision = without_ruling(&case, bundle, source, findings);
    let digests = Digests {
        material: request.map(|request| request.material_digest()),
        input: Some(Digest::of(document.as_bytes())),
        ..decision.digests.clone()
    };
    let decision = about(Decision {
        tier: ruling.tier,
        tier_because: ruling.tier_because,
        kind: request.map(|request| request.kind),
        digests,
        ..decision
    });
    Ok(Answered::Ruled { input: Box::new(input), document, tier: ruling.tier, decision })
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
    let debts = question.debts.iter().map(|debt| debt.due_at);
    let planned = input.calendar.planned;
    let edges = planned.into_iter().flat_map(|planned| [planned.start, planned.end]);
    let next_edge = bundle.calendar.of(&input.services).next_edge(tier, now);
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
