//! The decision: takes a request, evidence, a policy bundle and the time; returns verdict and
//! findings.
//!
//! [`decide`] is the core's entry point. [`ask`] is its sibling for the moment of execution, which takes the
//! sign-off from the decision that let the change in, and [`close`] for the outcome. [`decide`] turns facts into the input document, evaluates the
//! bundle, assigns the people who approved to the sign-offs that are required, and merges all
//! findings:
//!
//! ```text
//! request + evidence + now ── input::build ──▶ input document ── bundle ──▶ ruling
//!                                    reviews that count + ruling ── sign_off::settle ──▶ sign-off
//!                                                 findings of all three ──▶ Decision
//! ```
//!
//! An `Err` means that nothing could be decided. Whatever is wrong with the request itself is a
//! finding.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::request::ChangeType;
use super::terms::{Level, Login, RiskTier, TicketId};
use super::time::{Interval, Time};
use super::yaml::Span;
use crate::policy::Requirement;
use crate::policy::codes::UNGOVERNED;
use crate::terms::{Effect, Verdict};

mod ask;
mod decide;
mod finding;
pub mod replay;
mod trial;

pub use super::input::{Case, Purpose};
pub use ask::{ask, close};
pub use decide::{Decided, decide};
pub use trial::{Difference, Trial, Tried, approves};

/// The version of the formats that reports and policies rely on.
pub const API_VERSION: &str = "changegate/v1";

/// The number of times that the same case began to give other decisions; the record names it, so that
/// a decision is only compared byte by byte with one of the same number.
pub const SEMANTICS: u64 = 2;

/// What a rule says about a change.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// The code, `rule/short-name`: stable and unique.
    pub code: String,
    /// What it does to the verdict.
    pub effect: Effect,
    /// What is wrong, in a sentence.
    pub message: String,
    /// What to do about it, and who can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The part of the request concerned, as a JSON pointer.
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

impl Finding {
    /// Returns the message and, behind `between`, what to do about it.
    pub fn with_help(&self, between: &str) -> String {
        match &self.help {
            Some(help) => format!("{}{between}{help}", self.message),
            None => self.message.clone(),
        }
    }
}

/// The whole result of judging one change.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Decision")]
pub struct Decision {
    /// The version of the format, `changegate/v1`.
    pub api_version: String,
    /// The question; whether the change may be merged if left out.
    #[serde(default, skip_serializing_if = "Purpose::is_merge")]
    pub purpose: Purpose,
    /// The request's id; null if it couldn't be read, or for a change of policies.
    pub change: Option<TicketId>,
    /// The request file, with `/` between its parts; null for a change of policies.
    pub path: Option<String>,
    /// The request's summary.
    pub summary: Option<String>,
    /// Whether the change may go ahead: may be merged, or executed now.
    pub verdict: Verdict,
    /// The risk tier.
    pub tier: Option<RiskTier>,
    /// Why it has that tier, one phrase each.
    #[serde(default)]
    pub tier_because: Vec<String>,
    /// The kind of change.
    #[serde(rename = "type")]
    pub kind: Option<ChangeType>,
    /// Whether the change doesn't follow the usual script.
    pub off_script: bool,
    /// Who requests the change.
    pub requester: Option<Login>,
    /// The level that counts: the lowest of requester, implementer and contributors.
    pub level: Option<Level>,
    /// Who has to sign off, and who did.
    pub sign_off: Option<SignOff>,
    /// When it may run.
    pub window: Option<WindowAnswer>,
    /// The findings, sorted by strength, code and position.
    pub findings: Vec<Finding>,
    /// The time that the decision was made for.
    pub evaluated_at: Time,
    /// The next instant at which the decision would change by itself.
    pub next_change_at: Option<Time>,
    /// The next such instant that is about this change alone, and at which somebody acts or has to:
    /// neither the yearly review of the organisation's tables, nor a reminder that nobody sends.
    #[serde(skip)]
    pub own_change_at: Option<Time>,
    /// Whose policies decided: the id of a commit, the path of a folder, or `shipped`.
    pub bundle: String,
    /// The version of the time zone database, such as `2026f`.
    pub tzdb: String,
    /// Digests of what the decision is based on.
    pub digests: Digests,
}

impl Decision {
    /// Returns the finding that says that nothing was judged, if that is so.
    pub fn ungoverned(&self) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.code == UNGOVERNED)
    }

    /// Returns the request's path, the id that has none, or what else was changed, in a word.
    pub fn subject(&self) -> &str {
        match (&self.path, &self.change, self.ungoverned()) {
            (Some(path), ..) => path,
            (None, Some(change), _) => change.as_str(),
            (None, None, Some(_)) => "other paths",
            (None, None, None) => "policies",
        }
    }

    /// Returns the sign-offs that are required and not given. An execution waits for none: what is
    /// missing then is owed under break-glass.
    pub fn missing(&self) -> impl Iterator<Item = &Required> {
        let sign_off = self.sign_off.iter().filter(|_| self.purpose.is_merge());
        let required = sign_off.flat_map(|sign_off| &sign_off.required);
        required.filter(|required| required.satisfied_by.is_none())
    }
}

/// Who has to sign off, and who did.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignOff {
    /// Whether a review is required.
    pub mode: SignOffMode,
    /// What is required, in the order in which it is shown.
    pub required: Vec<Required>,
    /// When a missing sign-off becomes overdue; off-script only.
    pub due_at: Option<Time>,
    /// Every review, and whether it counts.
    pub reviews: Vec<ReviewStanding>,
}

impl SignOff {
    /// Returns whether no sign-off is missing.
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
    /// At least one person has to sign off.
    Review,
}

/// A sign-off that is required.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Required {
    /// The kind of sign-off.
    #[serde(flatten)]
    pub what: Requirement,
    /// Why it is required, in a phrase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// Who gave it.
    pub satisfied_by: Option<Login>,
    /// The level of the person who gave it, where a level is required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// Whether it was given after it was due.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
    /// Who could give it.
    pub eligible: Vec<Login>,
}

/// A review, and whether it counts.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReviewStanding {
    /// The reviewer; null if the account was deleted.
    pub user: Option<Login>,
    /// What the review says.
    pub state: super::evidence::ReviewState,
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
    /// The next opening that fits the planned duration, or the current one if enough of it is left;
    /// given only if the schedule has to move.
    pub next_opening: Option<Opening>,
}

/// An opening of a window.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Opening {
    /// The window's name.
    pub window: String,
    /// When it opens and closes, without frozen time.
    #[serde(flatten)]
    pub interval: Interval,
}

/// What a decision is based on, by SHA-256.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Digests {
    /// The request file's bytes.
    pub request: Option<Digest>,
    /// The content that approvals are bound to.
    pub material: Option<Digest>,
    /// The policy bundle.
    pub policies: Digest,
    /// The input document; null if the policies were not evaluated.
    pub input: Option<Digest>,
}
