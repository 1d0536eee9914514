//! A change request: what the YAML file holds, and what of it an approval is bound to.
//!
//! Reading is strict about what is written and lenient about what is left out: a wrong field is a
//! problem of the file, a missing one is for the policies to ask for. That is why nearly every
//! field is optional here.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use chrono::NaiveDate;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::digest::Digest;
use crate::org::{RiskTier, Severity};
use crate::time::{Duration, Interval, Time};
use crate::yaml::{self, Problem, Span};

/// What a request file held, as far as it could be read.
pub struct RequestFile {
    /// The path that findings name, with `/` between its parts.
    pub path: String,
    /// The request, without the parts that had problems; `None` if the file is no mapping at all.
    pub request: Option<ChangeRequest>,
    /// Everything that is wrong with the file's form, in the order of its lines.
    pub problems: Vec<Problem>,
    /// SHA-256 of the file's bytes.
    pub digest: Digest,
    masked: Vec<String>,
    root: yaml::Node,
}

impl RequestFile {
    /// Reads a request file's bytes; what is wrong becomes `problems`.
    pub fn read(path: &str, bytes: &[u8]) -> Self {
        if !path.ends_with(".yaml") {
            let message = "only request files, named <id>.yaml, live here";
            let help = "rename it if it is a request, or move it elsewhere";
            return Self::refused(path, bytes, "request/file-name", message, help);
        }
        let document = yaml::parse(bytes);
        let reading = document.read();
        RequestFile {
            path: path.to_owned(),
            request: reading.value,
            problems: reading.problems,
            digest: Digest::of(bytes),
            masked: reading.masked,
            root: document.root,
        }
    }

    /// A file that isn't read as a request, and why.
    pub fn refused(
        path: &str,
        bytes: &[u8],
        code: &'static str,
        message: &str,
        help: &str,
    ) -> Self {
        let span = Span { line: 1, column: 1, ..Span::default() };
        RequestFile {
            path: path.to_owned(),
            request: None,
            problems: vec![Problem {
                code,
                message: message.to_owned(),
                help: Some(help.to_owned()),
                pointer: String::new(),
                span,
            }],
            digest: Digest::of(bytes),
            masked: Vec::new(),
            root: yaml::Node { span, value: yaml::Value::Invalid },
        }
    }

    /// Where a JSON pointer, or the nearest part above it that exists, stands in the file.
    pub fn locate(&self, pointer: &str) -> Span {
        self.root.locate(pointer)
    }

    /// Whether the part at `pointer` was left out because of a problem in it, below or above it.
    pub fn is_masked(&self, pointer: &str) -> bool {
        let within = |inner: &str, outer: &str| {
            inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.masked.iter().any(|masked| within(pointer, masked) || within(masked, pointer))
    }
}

/// A request to change something in production: one file, `requests/**/<id>.yaml`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Change request", example = example())]
pub struct ChangeRequest {
    /// The ticket: `INC-…` for reactive work during an incident, `CHG-…` for planned work. It is
    /// also the file's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<TicketId>,
    /// The kind of change; `normal` if left out.
    #[serde(default, rename = "type")]
    pub kind: ChangeType,
    /// What is going to be done, in one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "Fail the EU region over to eu-west-2")]
    pub summary: Option<String>,
    /// Why it has to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "AZ b has had packet loss since Monday")]
    pub reason: Option<String>,
    /// A longer text; needed when off-script.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Who asks: the forge login of the pull request's author.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requester: Option<Login>,
    /// Who performs the change; the requester if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub implementer: Option<Login>,
    /// What is done, to what. The highest tier among the actions counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<Action>,
    /// A higher risk tier than the policies compute; never a lower one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk: Option<RiskTier>,
    /// Which services, users and operations are affected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub impact: Option<Impact>,
    /// When the change is planned to run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// How to undo the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback: Option<Rollback>,
    /// How to see afterwards that all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verification: Option<Verification>,
    /// Present when the change leaves the usual script.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub off_script: Option<OffScript>,
    /// What could go wrong, each with what is done about it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub risks: Vec<Risk>,
    /// How the change serves the business's goals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub business_alignment: Option<String>,
    /// What is done if the change and its rollback both fail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contingency: Option<String>,
    /// Who has to sign off, on top of what the policies ask for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<RequestedApproval>,
    /// The incident behind a change of type `emergency`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emergency: Option<Emergency>,
    /// Free links: name to address.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(example = BTreeMap::from([("dashboard", "https://grafana.example/d/checkout")]))]
    pub links: BTreeMap<String, String>,
    /// Added by the outcome pull request: who performed the change, and when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution: Option<Execution>,
    /// Added by the outcome pull request: what was seen afterwards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verification_result: Option<VerificationResult>,
    /// Added by the outcome pull request: what came of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Added by the outcome pull request: the incident that unexpected impact led to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub escalation: Option<Escalation>,
    /// Added by a later pull request: the change is called off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancelled: Option<Cancelled>,
}

/// The fields that outcome and cancellation add: no approval is bound to them.
pub const RECORD_FIELDS: [&str; 5] =
    ["execution", "verification_result", "outcome", "escalation", "cancelled"];

impl ChangeRequest {
    /// What an approval is bound to, as JSON: everything but [`RECORD_FIELDS`]. Comments, the
    /// order of keys and quoting don't show in it.
    pub fn material(&self) -> Value {
        let mut material = crate::digest::to_json(self);
        if let Value::Object(fields) = &mut material {
            fields.retain(|name, _| !RECORD_FIELDS.contains(&name.as_str()));
        }
        material
    }

    /// SHA-256 over the canonical JSON (RFC 8785) of [`ChangeRequest::material`].
    pub fn material_digest(&self) -> Digest {
        Digest::of_json(&self.material())
    }

    /// Whoever performs the change.
    pub fn implementer(&self) -> Option<&Login> {
        self.implementer.as_ref().or(self.requester.as_ref())
    }

    /// The planned interval, if both ends are given in order.
    pub fn planned(&self) -> Option<Interval> {
        let schedule = self.schedule.as_ref()?;
        let (start, end) = (schedule.start?, schedule.end?);
        (start < end).then_some(Interval { start, end })
    }

    /// The services that the request declares as affected.
    pub fn services(&self) -> &[String] {
        self.impact.as_ref().map_or(&[], |impact| &impact.services)
    }

    /// The targets of all actions.
    pub fn targets(&self) -> BTreeSet<&str> {
        self.actions.iter().filter_map(|action| action.target.as_deref()).collect()
    }

    /// Whether the change is over: its outcome is recorded or it was called off.
    pub fn is_closed(&self) -> bool {
        self.outcome.is_some() || self.cancelled.is_some()
    }
}

/// A ticket number: `INC-001`, `INC-2026-0214-001`, `CHG-1234`, `CHG-release-v2`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(try_from = "Cow<'_, str>", into = "String")]
pub struct TicketId(String);

impl TicketId {
    /// The number as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it names an incident.
    pub fn is_incident(&self) -> bool {
        self.0.starts_with("INC-")
    }

    /// The form under which an id is unique: case-folded.
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl FromStr for TicketId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(number) = text.strip_prefix("INC-") {
            is_incident_number(number).map(|()| TicketId(text.to_owned()))
        } else if text.strip_prefix("CHG-").is_some_and(is_change_name) {
            Ok(TicketId(text.to_owned()))
        } else {
            Err(format!(
                "`{text}` is not a ticket number: write INC-001 or INC-2026-0214-001 for an \
                 incident, CHG-1234 or CHG-release-v2 for a planned change"
            ))
        }
    }
}

/// `(YYYY-MMDD-)?NNN…`, at least three digits, where the date is a day of the calendar.
fn is_incident_number(number: &str) -> Result<(), String> {
    let digits = |text: &str, at_least: usize| {
        text.len() >= at_least && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    let parts: Vec<_> = number.split('-').collect();
    match parts[..] {
        [number] if digits(number, 3) => Ok(()),
        [year, day, number]
            if year.len() == 4
                && day.len() == 4
                && digits(year, 4)
                && digits(day, 4)
                && digits(number, 3) =>
        {
            NaiveDate::parse_from_str(&format!("{year}{day}"), "%Y%m%d").map(|_| ()).map_err(|_| {
                format!(
                    "`INC-{number}` names the day {year}-{day}, which the calendar doesn't have"
                )
            })
        }
        _ => Err(format!(
            "`INC-{number}` is not an incident number: write INC-001 (three digits or more) or INC-2026-0214-001"
        )),
    }
}

/// `[A-Za-z0-9]+([.-][A-Za-z0-9]+)*`
fn is_change_name(name: &str) -> bool {
    name.split(['.', '-'])
        .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

impl TryFrom<Cow<'_, str>> for TicketId {
    type Error = String;

    fn try_from(text: Cow<'_, str>) -> Result<Self, String> {
        text.parse()
    }
}

impl From<TicketId> for String {
    fn from(id: TicketId) -> String {
        id.0
    }
}

impl fmt::Display for TicketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TicketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl JsonSchema for TicketId {
    fn schema_name() -> Cow<'static, str> {
        "TicketId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "title": "Ticket number",
            "description": "INC-NNN or INC-YYYY-MMDD-NNN for an incident, CHG-NAME for a planned change",
            "pattern": "^(INC-([0-9]{4}-[0-9]{4}-)?[0-9]{3,}|CHG-[A-Za-z0-9]+([.-][A-Za-z0-9]+)*)$",
            "examples": ["CHG-1234", "CHG-release-v2", "INC-001", "INC-2026-0214-001"],
        })
    }
}

/// A forge login. Logins are compared without case, and kept in lower case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(try_from = "Cow<'_, str>", into = "String")]
pub struct Login(String);

impl Login {
    /// The login in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Login {
    type Err = String;

    /// ASCII letters and digits, with `-`, `_`, `.` between them, and `[bot]` at the end of a
    /// bot's: a look-alike letter of another script is refused.
    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.strip_suffix("[bot]").unwrap_or(text);
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if name.is_empty() || name.len() > 100 || !name.bytes().all(allowed) {
            return Err(format!(
                "`{text}` is not a login: write the forge's login, ASCII letters, digits, `-`, `_` and `.`"
            ));
        }
        Ok(Login(text.to_ascii_lowercase()))
    }
}

impl TryFrom<Cow<'_, str>> for Login {
    type Error = String;

    fn try_from(text: Cow<'_, str>) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Login> for String {
    fn from(login: Login) -> String {
        login.0
    }
}

impl std::borrow::Borrow<str> for Login {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl JsonSchema for Login {
    fn schema_name() -> Cow<'static, str> {
        "Login".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "title": "Login",
            "description": "A forge login; case doesn't matter",
            "pattern": "^[A-Za-z0-9._-]{1,100}(\\[bot\\])?$",
            "examples": ["alice"],
        })
    }
}

/// The kind of change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChangeType {
    /// Routine and well understood.
    Standard,
    /// Everything else that is planned.
    #[default]
    Normal,
    /// In answer to a P1 or P2 incident; needs `emergency` and the incident commander.
    Emergency,
}

/// Something that is done to a target.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// A name from the action catalog; another one only in an off-script request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "failover-region")]
    pub action: Option<String>,
    /// What it is done to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "eu-west-1")]
    pub target: Option<String>,
    /// What the action takes besides, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(example = BTreeMap::from([("to", "eu-west-2")]))]
    pub parameters: BTreeMap<String, Value>,
}

/// What the change touches.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Impact {
    /// The affected services, by their names in the roster.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = ["checkout"])]
    pub services: Vec<String>,
    /// What users notice.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "logged-in carts survive, 30 s of errors")]
    pub users: Option<String>,
    /// What operations have to do or know.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "on-call watches both regions")]
    pub operations: Option<String>,
}

/// The planned interval: half-open, its end is the first instant outside.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// When the change begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<Time>,
    /// When the change is over; monitoring may run past it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<Time>,
}

/// How to undo the change.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rollback {
    /// What to do, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = ["reverse the Route 53 weights", "promote the old primary"])]
    pub steps: Vec<String>,
    /// What is seen when the rollback has to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "error rate over 2 % for 5 min")]
    pub trigger: Option<String>,
    /// Who performs the rollback; needed from tier high on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<Login>,
}

/// How to see afterwards that all is well.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Verification {
    /// How long the service is watched: at least `15m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monitor: Option<Duration>,
    /// The health checks that have to pass.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = ["https://checkout.example/healthz"])]
    pub health_checks: Vec<String>,
    /// Where the error rates are read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = ["cloudwatch: checkout 5xx"])]
    pub error_rates: Vec<String>,
}

/// Why the change leaves the usual script.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OffScript {
    /// The usual script that isn't followed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "runbooks/failover.md")]
    pub script: Option<String>,
    /// Why it can't be followed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub justification: Option<String>,
}

/// Something that could go wrong.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Risk {
    /// What could go wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "the second region is too small for the traffic of both")]
    pub risk: Option<String>,
    /// How likely that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub likelihood: Option<Rating>,
    /// How bad it would be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub impact: Option<Rating>,
    /// What is done about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "scale it to twice its size before")]
    pub mitigation: Option<String>,
}

/// A rating of likelihood or impact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Rating {
    Low,
    Medium,
    High,
}

/// Somebody who has to sign off: `{role: devops-lead}` or `{user: erin}`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RequestedApproval {
    /// Anyone who holds this role.
    Role(String),
    /// This person.
    User(Login),
}

/// The incident behind an emergency change.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Emergency {
    /// The incident's ticket (INC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incident: Option<TicketId>,
    /// How severe the incident is: P1 or P2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// Why the change can't wait for a window.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "every second checkout fails until the pods are restarted")]
    pub why_now: Option<String>,
    /// Execute first, sign off within 24 hours.
    #[serde(default)]
    pub break_glass: bool,
}

/// Who performed the change, and when.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Execution {
    /// Who performed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<Login>,
    /// When it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    /// When it was over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Time>,
}

/// What was seen after the change.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VerificationResult {
    /// From when to when the service was watched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monitored: Option<Monitored>,
    /// Whether the health checks passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<Health>,
    /// The error rate before and after, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_rate: Option<ErrorRate>,
    /// Whether anything happened that the request didn't foresee.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unexpected_impact: Option<bool>,
}

/// How long the service was watched.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Monitored {
    /// When watching began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Time>,
    /// When watching ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Time>,
}

/// What the health checks said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Health {
    Passed,
    Failed,
}

/// The error rate around the change, in percent.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ErrorRate {
    /// Before the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<f64>,
    /// After the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<f64>,
}

/// What came of the change.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// How the change went.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<OutcomeResult>,
    /// Whether the ticket is closed or escalated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disposition: Option<Disposition>,
    /// Anything that a later reader should know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// How a change went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OutcomeResult {
    /// Done, and nothing came of it that wasn't wanted.
    Successful,
    /// Done, with errors or impact that weren't foreseen.
    WithIssues,
    /// Undone by its rollback.
    RolledBack,
    /// Not done, or it didn't do what it was for.
    Failed,
}

/// What happened to the ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Disposition {
    /// Nothing is left to do.
    Closed,
    /// An incident was declared, which `escalation` names.
    Escalated,
}

/// The incident that unexpected impact led to.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Escalation {
    /// The incident's ticket (INC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incident: Option<TicketId>,
}

/// The change is called off.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cancelled {
    /// Why it is called off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What the schema shows as an example.
fn example() -> Value {
    serde_json::json!({
        "id": "CHG-1234",
        "summary": "Scale checkout to 12 pods",
        "reason": "The sale starts on Thursday",
        "requester": "alice",
        "actions": [{"action": "scale-service", "target": "checkout-web"}],
        "impact": {"services": ["checkout"], "users": "none", "operations": "none"},
        "schedule": {"start": "2026-11-24T09:30:00Z", "end": "2026-11-24T10:00:00Z"},
        "rollback": {"steps": ["scale back to 6"]},
        "verification": {
            "monitor": "15m",
            "health_checks": ["https://checkout.example/healthz"],
            "error_rates": ["cloudwatch: checkout 5xx"],
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticket_numbers() {
        for id in [
            "INC-001",
            "INC-0001",
            "INC-2026-0214-001",
            "INC-2024-0229-12345",
            "CHG-1234",
            "CHG-release-v2",
            "CHG-1.2.3",
            "CHG-a",
        ] {
            assert_eq!(id.parse::<TicketId>().unwrap().as_str(), id);
        }
        for id in [
            "",
            "INC-",
            "INC-01",
            "INC-2026-0230-001",
            "INC-2023-0229-001",
            "INC-2026-1301-001",
            "INC-2026-0214-01",
            "INC-2026-214-001",
            "INC-26-0214-001",
            "INC-abc",
            "INC-001-",
            "INC-2026-0214",
            "CHG-",
            "CHG--1",
            "CHG-1-",
            "CHG-a..b",
            "CHG-a_b",
            "CHG-ä",
            "CHG-１２",
            "chg-1",
            "inc-001",
            "INC-００１",
            "TASK-1",
            "CHG-1 ",
            " CHG-1",
            "INC-+01",
            "INC-2026-+214-001",
        ] {
            assert!(id.parse::<TicketId>().is_err(), "{id}");
        }
    }

    #[test]
    fn logins_fold_case_and_refuse_look_alikes() {
        assert_eq!("Alice".parse::<Login>().unwrap(), "alice".parse().unwrap());
        assert_eq!("Renovate[bot]".parse::<Login>().unwrap().as_str(), "renovate[bot]");
        for login in ["", "аlice", "al ice", "@alice", "a/b", "[bot]"] {
            assert!(login.parse::<Login>().is_err(), "{login}");
        }
    }

    #[test]
    fn form_does_not_show_in_the_material_digest() {
        let digest = |text: &str| {
            RequestFile::read("x.yaml", text.as_bytes()).request.unwrap().material_digest()
        };
        let plain = digest("id: CHG-1\nsummary: a b\nschedule: {start: 2026-11-24T22:00:00Z}\n");
        assert_eq!(
            plain,
            digest(
                "# why\nschedule: {\"start\": '2026-11-25T00:00:00+02:00'}\nsummary: 'a b'\nid: \"CHG-1\""
            )
        );
        assert_eq!(
            plain,
            digest(
                "id: CHG-1\nsummary: a b\nschedule: {start: 2026-11-24T22:00:00Z}\noutcome: {note: x}\n"
            )
        );
        assert_ne!(
            plain,
            digest("id: CHG-1\nsummary: a  c\nschedule: {start: 2026-11-24T22:00:00Z}\n")
        );
        assert_ne!(
            plain,
            digest("id: CHG-1\nsummary: a b\nschedule: {start: 2026-11-24T22:00:01Z}\n")
        );
    }
}
