//! The decision: a request, evidence, a policy bundle and the time in; verdict and findings out.
//!
//! [`decide`] is the core's one entry point. It turns facts into the input document, evaluates the
//! bundle, assigns the people who approved to what is required, and merges all findings:
//!
//! ```text
//! request + evidence + now ── input::build ──▶ input document ── bundle ──▶ ruling
//!                                    reviews that count + ruling ── sign_off::settle ──▶ sign-off
//!                                                 findings of all three ──▶ Decision
//! ```
//!
//! An `Err` means that nothing could be decided. Everything that is wrong with the request itself
//! is a finding.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::calendar;
use crate::codes;
use crate::digest::{Digest, canonical_json, to_json};
use crate::evidence::Evidence;
use crate::input::{self, Facts, Input, Subject};
use crate::org::{Level, RiskTier};
use crate::policy::{Evaluator, PolicyBundle, RuledFinding, Undecided};
use crate::request::{ChangeRequest, ChangeType, Login, RequestFile, TicketId};
use crate::sign_off::{self, Signers};
use crate::time::{Duration, Interval, Time};
use crate::yaml::Span;

/// The version of the formats that reports and policies rely on.
pub const API_VERSION: &str = "changegate/v1";

/// What a finding does to the verdict; ordered by strength, so that the verdict is the maximum.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// Worth knowing.
    Info,
    /// Worth a second thought; changes nothing.
    Warn,
    /// Waits for a person or a time.
    Pending,
    /// Can't proceed as it stands.
    Deny,
}

/// Whether a change may go ahead.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The change may go ahead.
    Approved,
    /// It waits for a person or a time.
    Pending,
    /// It can't proceed as it stands.
    Denied,
}

impl Verdict {
    /// The strongest effect decides: any deny denies, else any pending waits.
    pub fn of(findings: &[Finding]) -> Self {
        match findings.iter().map(|finding| finding.effect).max() {
            Some(Effect::Deny) => Verdict::Denied,
            Some(Effect::Pending) => Verdict::Pending,
            _ => Verdict::Approved,
        }
    }

    /// The exit code of a verb whose strongest verdict this is.
    pub fn exit_code(self) -> u8 {
        match self {
            Verdict::Approved => 0,
            Verdict::Denied => 1,
            Verdict::Pending => 3,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Verdict::Approved => "approved",
            Verdict::Pending => "pending",
            Verdict::Denied => "denied",
        })
    }
}

/// Something that a rule has to say about a change.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// `rule/short-name`, stable and unique.
    pub code: String,
    /// What it does to the verdict.
    pub effect: Effect,
    /// What is the matter, in a sentence.
    pub message: String,
    /// What to do about it, and who can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The part of the request that it is about, as a JSON pointer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// The line of that part, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The column of that part in characters, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// The controls that the rule serves, such as `SOC2:CC8.1`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub controls: Vec<String>,
    /// The bytes of the part in the request file, for excerpts.
    #[serde(skip)]
    pub span: Option<Span>,
}

/// The whole result of judging one change.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Decision")]
pub struct Decision {
    /// `changegate/v1`.
    pub api_version: String,
    /// The request's id; null if it couldn't be read, or if the change is one of policies.
    pub change: Option<TicketId>,
    /// The request file, with `/` between its parts; null for a change of policies.
    pub path: Option<String>,
    /// The request's summary.
    pub summary: Option<String>,
    /// Whether the change may go ahead.
    pub verdict: Verdict,
    /// The risk tier.
    pub tier: Option<RiskTier>,
    /// Why it is that tier, a phrase each.
    #[serde(default)]
    pub tier_because: Vec<String>,
    /// The kind of change.
    #[serde(rename = "type")]
    pub kind: Option<ChangeType>,
    /// Whether the change leaves the usual script.
    pub off_script: bool,
    /// Who asks.
    pub requester: Option<Login>,
    /// The level that counts: the lowest of requester, implementer and contributors.
    pub level: Option<Level>,
    /// Who has to sign off, and who did.
    pub sign_off: Option<SignOff>,
    /// When it may run.
    pub window: Option<WindowAnswer>,
    /// What the rules have to say, by strength, code and place.
    pub findings: Vec<Finding>,
    /// The time that the decision was made for.
    pub evaluated_at: Time,
    /// The next instant at which the decision would change by itself.
    pub next_change_at: Option<Time>,
    /// What the decision rests on.
    pub digests: Digests,
}

/// Who has to sign off, and who did.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignOff {
    /// Whether anyone has to.
    pub mode: SignOffMode,
    /// What is required, in the order in which it is shown.
    pub required: Vec<Required>,
    /// When a missing sign-off is overdue; off-script only.
    pub due_at: Option<Time>,
    /// Every review, and whether it counts.
    pub reviews: Vec<ReviewStanding>,
}

impl SignOff {
    /// Whether nothing is missing.
    pub fn is_complete(&self) -> bool {
        self.required.iter().all(|required| required.satisfied_by.is_some())
    }
}

/// Whether a review is required.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SignOffMode {
    /// Direct execution: no review is required.
    Direct,
    /// Somebody has to sign off.
    Review,
}

/// A sign-off that is required.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Required {
    /// Of what kind.
    #[serde(flatten)]
    pub what: Requirement,
    /// Why it is asked for, in a phrase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// Who gave it.
    pub satisfied_by: Option<Login>,
    /// The level of whoever gave it, where a level is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// Whether it was given after it was due.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
    /// Who could give it.
    pub eligible: Vec<Login>,
}

/// What kind of sign-off is required.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Requirement {
    /// Anyone who holds one of these levels.
    Level {
        /// The levels.
        any_of: Vec<Level>,
    },
    /// Someone who holds this role, and signs for nothing else that takes a role.
    Role {
        /// The role.
        role: String,
    },
    /// An owner of this service, likewise.
    Owner {
        /// The service.
        service: String,
    },
    /// This person.
    Person {
        /// The person.
        user: Login,
    },
    /// An incident commander, who may fill a role too.
    Commander,
}

/// `L2 or L3`, `devops-lead`, `service-owner (checkout)`, `erin in person`, `incident-commander`.
impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Requirement::Level { any_of } => {
                let levels: Vec<_> = any_of.iter().map(Level::to_string).collect();
                f.write_str(&levels.join(" or "))
            }
            Requirement::Role { role } => f.write_str(role),
            Requirement::Owner { service } => write!(f, "service-owner ({service})"),
            Requirement::Person { user } => write!(f, "{user} in person"),
            Requirement::Commander => f.write_str("incident-commander"),
        }
    }
}

/// A review, and whether it counts.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReviewStanding {
    /// Who gave it; null if the account was deleted.
    pub user: Option<Login>,
    /// What it says.
    pub state: crate::evidence::ReviewState,
    /// When it was submitted.
    pub submitted_at: Time,
    /// Whether it counts.
    pub counts: bool,
    /// Why it doesn't count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// When the change may run.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WindowAnswer {
    /// When it is planned.
    pub planned: Option<Interval>,
    /// The windows that the planned interval fits into.
    pub fits: Vec<String>,
    /// The freeze that the planned interval falls into.
    pub freeze: Option<String>,
    /// The next opening that fits the planned duration, or the present one if enough of it is left;
    /// only if the planned interval can't be kept.
    pub next_opening: Option<Opening>,
}

/// An opening of a window.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Opening {
    /// The window's name.
    pub window: String,
    /// From when to when, less what is frozen.
    #[serde(flatten)]
    pub interval: Interval,
}

/// What a decision rests on, by SHA-256.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Digests {
    /// The request file's bytes.
    pub request: Option<Digest>,
    /// What of it approvals are bound to.
    pub material: Option<Digest>,
    /// The policy bundle.
    pub policies: Digest,
    /// The input document; null if no policy was asked.
    pub input: Option<Digest>,
}

/// What is to be judged.
pub struct Case<'a> {
    /// The request file; nothing for a change of policies.
    pub file: Option<&'a RequestFile>,
    /// The facts about the pull request.
    pub evidence: &'a Evidence,
    /// The time that the decision is made for.
    pub now: Time,
}

/// A decision and the input document that the policies saw.
pub struct Decided {
    /// The decision.
    pub decision: Decision,
    /// The input document as canonical JSON; nothing if no policy was asked.
    pub input: Option<String>,
}

/// Decides a case by a bundle, with one of the bundle's evaluators.
///
/// # Errors
/// When nothing could be decided: the bundle's rules conflict, take too long, or yield no ruling.
pub fn decide(
    case: &Case<'_>,
    bundle: &PolicyBundle,
    evaluator: &mut Evaluator,
) -> Result<Decided, Undecided> {
    let form = case.file.map(form_findings).unwrap_or_default();
    let request = case.file.map(|file| file.request.as_ref());
    if let Some(None) = request {
        return Ok(Decided { decision: unreadable(case, bundle, form), input: None });
    }
    let request = request.flatten();
    let material = request.map(ChangeRequest::material_digest);
    let submitted = input::just_submitted(request, case.now);
    let pull_request = case.evidence.pull_request.as_ref().unwrap_or(&submitted);
    let subject = Subject {
        request: request.zip(case.file.map(|file| file.path.as_str())),
        evidence: case.evidence,
        now: case.now,
    };
    let excluded = input::excluded_from(&subject, pull_request);
    let Facts { input, standings, .. } = input::build(
        subject,
        pull_request,
        &excluded,
        material.as_ref(),
        &bundle.org,
        &bundle.calendar,
    );
    let document = to_json(&input);
    let ruling = evaluator.rule(&document)?;
    let document = canonical_json(&document);

    let signers = Signers {
        org: &bundle.org,
        forge: case.evidence.forge,
        excluded: &excluded,
        standings: &standings,
        due_at: request
            .filter(|request| request.off_script.is_some())
            .map(|_| input.pull_request.due_at),
    };
    let mut asked = ruling.required;
    asked.sort();
    let required = signers.settle(&asked);
    let sign_off = SignOff {
        mode: if asked.is_empty() { SignOffMode::Direct } else { SignOffMode::Review },
        due_at: signers.due_at,
        reviews: signers.reviews(&asked),
        required,
    };

    let complete = sign_off.is_complete();
    let missing = sign_off::missing_findings(&asked, &sign_off.required);
    let ruled = ruling
        .findings
        .into_iter()
        .filter(|finding| finding.signed.is_none_or(|signed| signed == complete));
    let mut findings: Vec<_> = ruled.map(Finding::from).chain(missing).collect();
    if let Some(file) = case.file {
        // Of what couldn't be read, it isn't known whether it is missing.
        let is_known = |finding: &Finding| {
            !finding.pointer.as_ref().is_some_and(|pointer| file.is_masked(pointer))
        };
        findings.retain(is_known);
        findings.iter_mut().for_each(|finding| finding.locate(file));
    }
    if !form.is_empty() {
        findings.retain(|finding| finding.effect == Effect::Deny);
        findings.extend(form);
        let mut decision = unreadable(case, bundle, findings);
        decision.digests.input = Some(Digest::of(document.as_bytes()));
        return Ok(Decided { decision, input: Some(document) });
    }
    finish(&mut findings, bundle);

    let window = request.map(|request| window_answer(&input, request.kind, ruling.tier, bundle));
    let next_change_at = next_change(&input, &sign_off, &signers, &window, bundle);
    let decision = Decision {
        api_version: API_VERSION.to_owned(),
        change: request.and_then(|request| request.id.clone()),
        path: case.file.map(|file| file.path.clone()),
        summary: request.and_then(|request| request.summary.clone()),
        verdict: Verdict::of(&findings),
        tier: ruling.tier,
        tier_because: ruling.tier_because,
        kind: request.map(|request| request.kind),
        off_script: request.is_some_and(|request| request.off_script.is_some()),
        requester: request.and_then(|request| request.requester.clone()),
        level: ruling.level,
        sign_off: Some(sign_off),
        window,
        findings,
        evaluated_at: case.now,
        next_change_at,
        digests: Digests {
            request: case.file.map(|file| file.digest.clone()),
            material,
            policies: bundle.digest.clone(),
            input: Some(Digest::of(document.as_bytes())),
        },
    };
    Ok(Decided { decision, input: Some(document) })
}

/// What is wrong with a file's form, as findings.
fn form_findings(file: &RequestFile) -> Vec<Finding> {
    file.problems
        .iter()
        .map(|problem| Finding {
            code: problem.code.to_owned(),
            effect: Effect::Deny,
            message: problem.message.clone(),
            help: problem.help.clone(),
            pointer: Some(problem.pointer.clone()),
            line: Some(problem.span.line),
            column: Some(problem.span.column),
            controls: Vec::new(),
            span: Some(problem.span),
        })
        .collect()
}

/// The decision on a file whose form is wrong: denied, with what is wrong.
fn unreadable(case: &Case<'_>, bundle: &PolicyBundle, mut findings: Vec<Finding>) -> Decision {
    finish(&mut findings, bundle);
    let request = case.file.and_then(|file| file.request.as_ref());
    Decision {
        api_version: API_VERSION.to_owned(),
        change: request.and_then(|request| request.id.clone()),
        path: case.file.map(|file| file.path.clone()),
        summary: request.and_then(|request| request.summary.clone()),
        verdict: Verdict::Denied,
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
        digests: Digests {
            request: case.file.map(|file| file.digest.clone()),
            material: None,
            policies: bundle.digest.clone(),
            input: None,
        },
    }
}

impl Finding {
    /// Adds where the part that it is about stands in the file.
    fn locate(&mut self, file: &RequestFile) {
        if let Some(pointer) = &self.pointer {
            let span = file.locate(pointer);
            self.line = Some(span.line);
            self.column = Some(span.column);
            self.span = Some(span);
        }
    }
}

impl From<RuledFinding> for Finding {
    fn from(ruled: RuledFinding) -> Self {
        Finding {
            code: ruled.code,
            effect: ruled.effect,
            message: ruled.message,
            help: ruled.help,
            pointer: ruled.pointer,
            line: None,
            column: None,
            controls: ruled.controls,
            span: None,
        }
    }
}

/// Adds the controls that the codes serve, and sorts by strength, then code, then place, then
/// words.
fn finish(findings: &mut [Finding], bundle: &PolicyBundle) {
    if !findings.is_empty() {
        codes::add_controls(findings, bundle.codes());
    }
    findings.sort_by(|a, b| {
        (b.effect.cmp(&a.effect))
            .then_with(|| a.code.cmp(&b.code))
            .then_with(|| a.line.cmp(&b.line))
            .then_with(|| a.pointer.cmp(&b.pointer))
            .then_with(|| a.message.cmp(&b.message))
    });
}

/// When the change may run: what of the calendar concerns its tier.
fn window_answer(
    input: &Input<'_>,
    kind: ChangeType,
    tier: Option<RiskTier>,
    bundle: &PolicyBundle,
) -> WindowAnswer {
    let takes = |name: &str| {
        let window = bundle.org.windows.entries.get(name);
        window.zip(tier).is_some_and(|(window, tier)| window.tiers.contains(&tier))
    };
    let windows = || input.calendar.windows.iter().filter(|window| takes(&window.name));
    let fits: Vec<_> =
        windows().filter(|window| window.fits).map(|window| window.name.clone()).collect();
    let freeze = input.calendar.freezes.iter().find(|freeze| freeze.overlaps);
    let opening = |window: &calendar::WindowFact| {
        window.next_opening.map(|interval| Opening { window: window.name.clone(), interval })
    };
    let is_emergency = kind == ChangeType::Emergency;
    let can_be_kept = is_emergency || (freeze.is_none() && !fits.is_empty());
    let is_asked = input.calendar.planned.is_some() && !can_be_kept;
    let openings = windows().filter_map(opening).filter(|_| is_asked);
    WindowAnswer {
        planned: input.calendar.planned,
        next_opening: openings.min_by_key(|opening| opening.interval.start),
        fits,
        freeze: freeze.map(|freeze| freeze.name.clone()),
    }
}

/// The next instant at which the decision would change by itself.
fn next_change(
    input: &Input<'_>,
    sign_off: &SignOff,
    signers: &Signers<'_>,
    window: &Option<WindowAnswer>,
    bundle: &PolicyBundle,
) -> Option<Time> {
    let now = input.now;
    let signed = sign_off.is_complete();
    let planned = input.calendar.planned;
    let clock = signers.due_at.filter(|_| !signed).map(|due| [input.pull_request.remind_at, due]);
    let valid_for = bundle.org.settings.approval_valid_for;
    let counting = signers.standings.iter().filter(|standing| standing.counts());
    let opening = window.as_ref().and_then(|window| window.next_opening.as_ref());
    let length = planned.map_or(Duration::seconds(0), |planned| planned.length());
    let too_late = opening
        .and_then(|opening| calendar::latest_start(&opening.interval, length))
        .map(|latest| latest + Duration::seconds(1));
    (clock.into_iter().flatten())
        .chain(planned.filter(|_| !signed).map(|planned| planned.start))
        .chain(planned.map(|planned| planned.end))
        .chain(counting.map(|standing| standing.review.submitted_at + valid_for))
        .chain(too_late)
        .chain(bundle.org.overdue_reviews(now).1)
        .filter(|instant| *instant > now)
        .min()
}
