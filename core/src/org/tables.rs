//! The other tables: catalog, matrix, windows, freezes, escalation, settings.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    BreakGlassSettings, ClockTime, Date, EscalationPause, ExecutionSettings, IncidentSettings,
    LedgerSettings, OutcomeSettings, Quarter, Zone,
};
use crate::digest::Digest;
use crate::terms::{Level, Login, Name, RiskTier};
use crate::time::{Duration, Interval, Time};

/// An action of the catalog.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CatalogEntry {
    /// The risk tier.
    pub tier: RiskTier,
    /// Whether it only reads.
    pub read_only: bool,
    /// Whether it brings a new version of something: what reports count as a deployment.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deployment: bool,
    /// How to undo it.
    pub rollback: CatalogRollback,
}

/// How an action is undone.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CatalogRollback {
    /// What to do.
    #[schemars(example = "scale back to the previous size")]
    pub text: String,
    /// Whether a request needs a rollback of its own.
    pub needed: bool,
    /// The lowest level of the person who performs the rollback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// Where the text comes from.
    pub source: Source,
}

/// Where a catalog text comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The organisation's change-management document.
    Document,
    /// Added where the document says nothing.
    Ours,
}

/// The review that a requester of some level needs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum SignOffRow {
    /// No review is needed.
    Direct(Direct),
    /// One approver who holds one of these levels.
    Levels(Vec<Level>),
}

impl SignOffRow {
    /// Returns the levels of which one person approves; empty for direct execution.
    pub fn levels(&self) -> &[Level] {
        match self {
            SignOffRow::Direct(_) => &[],
            SignOffRow::Levels(levels) => levels,
        }
    }
}

/// The word `direct`: no review is required.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the name is clear")]
pub enum Direct {
    Direct,
}

/// A deployment window: on some days, from one time of day to another, or once a week, from a time on one
/// day to a time on another.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [{"required": ["days"]}, {"required": ["from_day", "to_day"]}]))]
pub struct Window {
    /// The days on which it begins; a night belongs to the day on which it begins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1), example = ["tue", "wed", "thu"])]
    pub days: Vec<Weekday>,
    /// In place of `days`: the day on which a window begins that may be longer than a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"fri")]
    pub from_day: Option<Weekday>,
    /// The day on which that window ends; a week later if it is `from_day` and `to` isn't after `from`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"mon")]
    pub to_day: Option<Weekday>,
    /// When it opens, local time.
    pub from: ClockTime,
    /// When it closes, local time; with `days`, on the next day if that is not after `from`.
    pub to: ClockTime,
    /// The IANA time zone of its times.
    #[serde(default)]
    pub zone: Zone,
    /// The tiers that may run in it.
    #[serde(rename = "for")]
    #[schemars(length(min = 1), example = ["low", "medium"])]
    pub tiers: Vec<RiskTier>,
    /// The tiers that should run in it.
    #[serde(default)]
    pub preferred_for: Vec<RiskTier>,
}

impl Window {
    /// Returns the days of the week on which it begins.
    pub fn begins_on(&self) -> &[Weekday] {
        if self.days.is_empty() { self.from_day.as_slice() } else { &self.days }
    }

    /// Returns how many days after the one on which it begins it ends.
    pub fn days_later(&self) -> u16 {
        let is_later = self.to > self.from;
        match (self.from_day, self.to_day) {
            (Some(from), Some(to)) if from != to => (to as u16 + 7 - from as u16) % 7,
            (Some(_), Some(_)) => {
                if is_later {
                    0
                } else {
                    7
                }
            }
            _ => u16::from(!is_later),
        }
    }
}

/// A day of the week.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are clear")]
pub enum Weekday {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl From<chrono::Weekday> for Weekday {
    fn from(day: chrono::Weekday) -> Self {
        use Weekday::*;
        [Mon, Tue, Wed, Thu, Fri, Sat, Sun][day.num_days_from_monday() as usize]
    }
}

/// The periods during which only changes for P1 incidents go out.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Freezes")]
pub struct Freezes {
    /// When the data were last reviewed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reviewed: Option<Date>,
    /// The freezes, one entry each.
    #[serde(default)]
    pub freezes: Vec<Freeze>,
    /// The quarters whose freezes have been announced, including those without any: `2026-Q4`.
    #[serde(default)]
    pub quarters: Vec<Quarter>,
}

/// A file that the evidence of the ledger must not hold any longer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Erasure {
    /// The SHA-256 of the file, as the entry that rests on it names it.
    pub digest: Digest,
    /// Why it has to go.
    #[schemars(example = "an address that has to be forgotten (DPO-17)")]
    pub reason: String,
}

/// A freeze, half-open.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Freeze {
    /// The name, as findings quote it.
    #[schemars(example = "year-end")]
    pub name: String,
    /// The first instant that is frozen.
    pub start: Time,
    /// The first instant after it.
    pub end: Time,
    /// The services that are frozen, by the roster's names; all if left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = ["checkout"])]
    pub services: Vec<Name>,
    /// The reason, for those who have to wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Freeze {
    /// Returns the interval from its start to its end.
    pub fn interval(&self) -> Interval {
        Interval { start: self.start, end: self.end }
    }

    /// Whether it concerns a change that affects these services. Of one that names none nobody knows that it
    /// doesn't.
    pub fn concerns<T: AsRef<str>>(&self, services: &[T]) -> bool {
        let is_frozen =
            |service: &T| self.services.iter().any(|it| it.as_str() == service.as_ref());
        self.services.is_empty() || services.is_empty() || services.iter().any(is_frozen)
    }
}

/// A step of the escalation matrix.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EscalationStep {
    /// The role or person to notify.
    #[schemars(example = "incident-commander")]
    pub notify: String,
    /// The time limit, from when the incident was declared.
    pub within: Duration,
}

/// Switches and limits; each has a default.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "Settings")]
pub struct Settings {
    /// When the data were last reviewed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reviewed: Option<Date>,
    /// The branches whose pull requests are judged.
    #[schemars(length(min = 1))]
    pub protected_bases: Vec<String>,
    /// Whether what changes neither a request nor another governed path passes without a decision.
    pub other_paths: OtherPaths,
    /// Whether every direct execution at high and critical needs one independent review instead.
    pub strict_separation: bool,
    /// How long an approval counts after it was given.
    pub approval_valid_for: Duration,
    /// The time limits of off-script sign-off.
    pub sign_off: SignOffClock,
    /// Texts that count as missing, compared without case and surrounding spaces.
    pub placeholders: Vec<String>,
    /// Bots whose approval counts.
    #[schemars(example = ["release-bot[bot]"])]
    pub bots: Vec<Login>,
    /// Whether unsigned reviews and commits count by the email address that they claim; plain Git
    /// only, for evaluation.
    pub unsigned_reviews: UnsignedReviews,
    /// Whom the forge asks for a review, where it supports that.
    pub review_requests: ReviewRequests,
    /// Who is mentioned in the comment on a submitted request, where the forge has comments.
    pub notify: Notify,
    /// How often policy data have to be reviewed.
    pub review_policies_every: Duration,
    /// The ledger, which records what was decided.
    pub ledger: LedgerSettings,
    /// How changes are executed.
    pub execution: ExecutionSettings,
    /// What an outcome has to show.
    pub outcome: OutcomeSettings,
    /// What is signed after an execution under break-glass.
    pub break_glass: BreakGlassSettings,
    /// What an escalation pauses, unless it says something else.
    pub escalation_pause: EscalationPause,
    /// What holds while an incident is open.
    pub incident: IncidentSettings,
    /// The tiers of which direct changes may run outside windows, under the open incident whose number they
    /// have.
    pub reactive_outside_windows: Vec<RiskTier>,
    /// How many successful changes that did the same off-script make a candidate for a template.
    pub promote_after: u32,
    /// The time, by login, before which a person's approvals don't permit execution: for stolen keys.
    pub approvals_not_before: BTreeMap<Login, Time>,
}

/// What happens to a change that touches no governed path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OtherPaths {
    /// It passes without a decision.
    #[default]
    Free,
    /// It is denied: the repository holds nothing but requests and policies.
    Refused,
}

impl OtherPaths {
    /// Returns whether such changes pass.
    pub fn is_free(self) -> bool {
        self == OtherPaths::Free
    }
}

/// Whom the forge asks for a review.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReviewRequests {
    /// Nobody.
    Off,
    /// Everyone who can give a sign-off that is missing.
    #[default]
    All,
}

/// Who is mentioned in the comment on a submitted request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Notify {
    /// Nobody.
    Off,
    /// The owners of the affected services, whether or not they have to sign off.
    #[default]
    Owners,
}

/// Whether unsigned reviews and commits count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum UnsignedReviews {
    /// They don't.
    #[default]
    Refuse,
    /// They do: anyone can then review in another person's name.
    Allow,
}

impl UnsignedReviews {
    /// Returns whether they count.
    pub fn is_allowed(self) -> bool {
        self == UnsignedReviews::Allow
    }
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            reviewed: None,
            protected_bases: vec!["main".to_owned()],
            other_paths: OtherPaths::default(),
            strict_separation: false,
            approval_valid_for: Duration::days(7),
            sign_off: SignOffClock::default(),
            placeholders: ["tbd", "n/a", "todo"].map(str::to_owned).to_vec(),
            bots: Vec::new(),
            unsigned_reviews: UnsignedReviews::default(),
            review_requests: ReviewRequests::default(),
            notify: Notify::default(),
            review_policies_every: Duration::days(365),
            ledger: LedgerSettings::default(),
            execution: ExecutionSettings::default(),
            outcome: OutcomeSettings::default(),
            break_glass: BreakGlassSettings::default(),
            escalation_pause: EscalationPause::default(),
            incident: IncidentSettings::default(),
            reactive_outside_windows: Vec::new(),
            promote_after: 3,
            approvals_not_before: BTreeMap::new(),
        }
    }
}

/// The time limits of off-script sign-off, from submission.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SignOffClock {
    /// When reviewers are reminded.
    pub remind_after: Duration,
    /// When a missing sign-off becomes overdue.
    pub due_after: Duration,
}

impl Default for SignOffClock {
    fn default() -> Self {
        SignOffClock { remind_after: Duration::hours(24), due_after: Duration::hours(48) }
    }
}
