//! The kinds of events, and what each says of its own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decision::SignOffMode;
use crate::digest::Digest;
use crate::policy::Requirement;
use crate::record::parts::{Hex, ObjectId};
use crate::request::{Health, OutcomeResult};
use crate::terms::{Login, Name, RiskTier};
use crate::time::{Duration, Interval, Time};

mod incident;

pub use incident::*;

/// What happened, with the fields that only this kind of event has.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
#[expect(
    clippy::large_enum_variant,
    reason = "few are held at a time, and most are beginnings and ends"
)]
pub enum What {
    /// The log begins.
    Genesis(Genesis),
    /// A key counts from now on by which an issuer signs the tokens of its jobs.
    Keys(Keys),
    /// An execution begins; the event's id is its name.
    Begin(Begin),
    /// An execution goes on, and takes longer.
    Renew(Renew),
    /// An execution ended.
    End(End),
    /// Something was executed without asking.
    Record(Record),
    /// Verification ended.
    Verified(Verified),
    /// The change is closed.
    Outcome(Outcome),
    /// The change won't be executed.
    Cancelled(Cancelled),
    /// The change led to an incident, which the event names.
    Escalated(Escalated),
    /// Somebody heard an incident commander approve.
    Commander(Commander),
    /// The incident begins.
    Opened(Opened),
    /// The fields that are named are other ones from now on.
    Updated(Updated),
    /// The incident is over.
    Resolved(Resolved),
    /// Something recorded doesn't count any more.
    Voided(Voided),
}

/// The beginning of a log.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Genesis {
    /// A random number, so that no two logs have one id.
    pub nonce: Hex,
}

/// A key of an issuer of tokens.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Keys {
    /// The issuer's address.
    pub issuer: String,
    /// The key's id.
    pub kid: String,
    /// The public key, as the issuer publishes it: a JSON Web Key in canonical JSON.
    pub key: String,
}

/// A step: an entry of the request's actions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
pub struct Step {
    /// Its number, from 1; none where there is no request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u32>,
    /// What is done.
    pub action: Name,
    /// To what.
    pub target: Name,
}

/// The beginning of an execution.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Begin {
    /// What is executed, by number.
    pub steps: Vec<Step>,
    /// Whether it undoes the change.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rollback: bool,
    /// The tier as it was approved; with [`Begin::services`] what others have to keep out of the way
    /// of.
    pub tier: RiskTier,
    /// The affected services.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<Name>,
    /// The digest of the material content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub material: Option<Digest>,
    /// What approved it.
    pub approval: Approval,
    /// When it was planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned: Option<Interval>,
    /// The deployment window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<String>,
    /// Until when it is taken to go on.
    pub lease_until: Time,
    /// The host that it runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The address of the pipeline's run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The digest of the command's arguments, which may hold secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Hex>,
    /// A random number, so that what somebody begins twice in a second has two names.
    pub nonce: Hex,
}

/// What approved an execution.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Approval {
    /// What proves it.
    pub proof: ProvenBy,
    /// The commit, or the entry of the ledger, that does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// How it was signed off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<SignOffMode>,
    /// Who signed it off.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signed_by: Vec<Login>,
    /// The sign-offs that are still owed under break-glass.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owed: Vec<Owed>,
    /// Who owes them: the requester's team, or the requester without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debtor: Option<String>,
}

/// What proves that a change was approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ProvenBy {
    /// A merge commit that somebody of the roster signed, in plain Git.
    Merge,
    /// The ledger's entry of the merge.
    Ledger,
    /// The reviews of the merged pull request, asked for again.
    Forge,
    /// The open pull request, under break-glass.
    Open,
    /// An open incident, for reading alone.
    Incident,
}

/// A sign-off that is owed.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Owed {
    /// Which.
    #[serde(flatten)]
    pub what: Requirement,
    /// Until when.
    pub due_at: Time,
}

/// A longer lease.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Renew {
    /// The execution.
    pub execution: Hex,
    /// Until when it is taken to go on.
    pub lease_until: Time,
}

/// The end of an execution.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct End {
    /// The execution.
    pub execution: Hex,
    /// How it ended.
    pub result: EndResult,
    /// The command's exit code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u8>,
    /// The signal that ended the command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<u8>,
    /// By how much it went on beyond its planned end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overran: Option<Duration>,
    /// What the command wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Written>,
    /// Why nobody knows, or why somebody else than who began it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// How an execution ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are clear")]
pub enum EndResult {
    Done,
    Failed,
    Stopped,
    /// Nobody knows.
    Unknown,
}

/// What a command wrote, kept elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Written {
    /// Its digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Hex>,
    /// Its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// What was executed without asking.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Record {
    /// What was executed, by number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// Whether it undid the change.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rollback: bool,
    /// When it began.
    pub started_at: Time,
    /// When it ended.
    pub ended_at: Time,
    /// How it ended.
    pub result: EndResult,
    /// Who did it.
    pub performed_by: Login,
    /// Why nobody asked.
    pub why: String,
    /// Who owes sign-offs for it, where it went around the rules: the team of who did it, or they
    /// themselves without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debtor: Option<String>,
    /// The commit of the open change that holds the request, if that isn't merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<ObjectId>,
}

/// What verification found.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Verified {
    /// During which time services were watched.
    pub monitored: Monitored,
    /// Each check.
    pub checks: Vec<Check>,
    /// Whether all of them passed.
    pub health: Health,
    /// The error rates, if one was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_rate: Option<ErrorRate>,
    /// What happened that the request didn't foresee.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unexpected_impact: Option<String>,
}

/// A time of watching.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[expect(missing_docs, reason = "the names are clear")]
pub struct Monitored {
    pub from: Time,
    pub to: Time,
}

/// A check.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Check {
    /// Its name: an address, or prose.
    pub name: String,
    /// What answered it.
    pub kind: CheckKind,
    /// Whether it passed.
    pub passed: bool,
    /// How often it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<u32>,
    /// How often it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failures: Option<u32>,
    /// The longest answer: `840ms`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worst: Option<String>,
    /// Anything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What answers a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are clear")]
pub enum CheckKind {
    Http,
    Prometheus,
    CloudWatch,
    Manual,
}

impl CheckKind {
    /// Whether it is about health; the others are about error rates.
    pub fn counts_for_health(self) -> bool {
        matches!(self, CheckKind::Http | CheckKind::Manual)
    }
}

/// An error rate around a change, in percent as decimal text: `0.42`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct ErrorRate {
    /// Before the change.
    pub before: String,
    /// After it.
    pub after: String,
    /// What measured it.
    pub source: CheckKind,
    /// The fewer samples of both.
    pub samples: u32,
}

/// What came of a change.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Outcome {
    /// How it went.
    pub result: OutcomeResult,
    /// The steps that weren't executed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<Skipped>,
    /// Anything that a later reader should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Whether nobody said so: the rules alone did.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub automatic: bool,
}

/// A step that wasn't executed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Skipped {
    /// Its number.
    pub step: u32,
    /// Why it wasn't needed.
    pub why: String,
}

/// A cancellation.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Cancelled {
    /// Why.
    pub reason: String,
}

/// What doesn't count any more.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Voided {
    /// The event that said it.
    pub of: Hex,
    /// What of that event: a beginning under break-glass is an execution and a debt.
    pub what: Voids,
    /// Why.
    pub why: String,
}

/// What can be voided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Voids {
    /// An outcome: the change is open again.
    Outcome,
    /// An execution: it never was.
    Execution,
    /// A debt: it is waived.
    Debt,
}
