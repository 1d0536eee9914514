//! A change request: the content of the YAML file, and the part that approvals are bound to.
//!
//! Reading is strict about what is written and lenient about what is left out: a wrong field is a
//! problem of the file; a missing one is reported by the policies. That is why nearly every field
//! is optional here.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::digest::Digest;
use super::terms::RiskTier;
use super::time::Interval;
use super::yaml::{self, Problem, Span};
use crate::terms::{Login, Name, TicketId};

mod exact;
mod parts;
mod record;
mod secret;

pub use parts::*;
pub use record::*;
pub use secret::SECRET;

pub use super::template::TemplateUse;

/// What a request file held, as far as it could be read.
pub struct RequestFile {
    /// The path as findings name it, with `/` between its parts.
    pub path: String,
    /// The request without the parts that had problems; `None` if the file doesn't contain a
    /// mapping.
    pub request: Option<ChangeRequest>,
    /// Every problem of the file's form, in the order of its lines.
    pub problems: Vec<Problem>,
    /// SHA-256 of the file's bytes.
    pub digest: Digest,
    masked: Vec<String>,
    root: yaml::Node,
}

impl RequestFile {
    /// Reads a request file's bytes; whatever is wrong becomes `problems`. Of a file that holds a
    /// credential nothing else is read, so that nothing can repeat it.
    pub fn read(path: &str, bytes: &[u8]) -> Self {
        match secret::problems(bytes) {
            secrets if secrets.is_empty() => Self::read_merged(path, bytes),
            secrets => Self::unread(path, bytes, secrets),
        }
    }

    /// Reads the file of a request that is on the base already, even if it holds a credential: its
    /// schedule and its targets count all the same.
    pub fn read_merged(path: &str, bytes: &[u8]) -> Self {
        if !path.ends_with(".yaml") {
            let message = "only request files, named <id>.yaml, belong here";
            let help = "rename it if it is a request, or move it elsewhere";
            return Self::refused(path, bytes, "request/file-name", message, help);
        }
        let mut document = yaml::parse(bytes);
        exact::require(&mut document, bytes);
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

    /// Returns a file that isn't read as a request, with the reason.
    pub fn refused(
        path: &str,
        bytes: &[u8],
        code: &'static str,
        message: &str,
        help: &str,
    ) -> Self {
        let mut file = Self::unread(path, bytes, Vec::new());
        file.refuse(code, message, help);
        file
    }

    fn unread(path: &str, bytes: &[u8], problems: Vec<Problem>) -> Self {
        let span = Span { line: 1, column: 1, ..Span::default() };
        RequestFile {
            path: path.to_owned(),
            request: None,
            problems,
            digest: Digest::of(bytes),
            masked: Vec::new(),
            root: yaml::Node { span, value: yaml::Value::Invalid },
        }
    }

    /// Returns whether the file holds a credential, so that its text must be repeated nowhere.
    pub fn holds_secret(&self) -> bool {
        self.problems.iter().any(|problem| problem.code == SECRET)
    }

    /// Adds a problem with the file as a whole.
    pub fn refuse(&mut self, code: &'static str, message: &str, help: &str) {
        self.problems.push(Problem {
            code,
            message: message.to_owned(),
            help: Some(help.to_owned()),
            pointer: String::new(),
            span: Span { line: 1, column: 1, ..Span::default() },
        });
    }

    /// Returns where in the file a JSON pointer points; if nothing is there, where the nearest part
    /// above it is.
    pub fn locate(&self, pointer: &str) -> Span {
        self.root.locate(pointer)
    }

    /// Returns whether the part at `pointer` was left out because of a problem in it, below or
    /// above it.
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
    /// The template that a standard change uses.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub template: Option<TemplateUse>,
    /// What will be done, in one line.
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
    /// Who requests the change: the forge login of the pull request's author.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requester: Option<Login>,
    /// Who performs the change; the requester if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub implementer: Option<Login>,
    /// The actions, each with its target. The highest tier among them counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<Action>,
    /// A higher risk tier than the policies compute; never a lower one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk: Option<RiskTier>,
    /// Which services, users and operations are affected.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub impact: Option<Impact>,
    /// When the change is planned to run.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// How to undo the change.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub rollback: Option<Rollback>,
    /// How to verify afterwards that everything works.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub verification: Option<Verification>,
    /// Present when the change doesn't follow the usual script.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub off_script: Option<OffScript>,
    /// What could go wrong, each with its mitigation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub risks: Vec<Risk>,
    /// How the change serves the business goals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub business_alignment: Option<String>,
    /// What to do if the change and its rollback both fail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contingency: Option<String>,
    /// Who has to sign off, in addition to what the policies require.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<RequestedApproval>,
    /// The incident behind a change of type `emergency`.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub emergency: Option<Emergency>,
    /// Links of any kind: name to address.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(example = BTreeMap::from([("dashboard", "https://grafana.example/d/checkout")]))]
    pub links: BTreeMap<String, String>,
    /// Added by the outcome pull request: who performed the change, and when.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub execution: Option<Execution>,
    /// Added by the outcome pull request: what was observed afterwards.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub verification_result: Option<VerificationResult>,
    /// Added by the outcome pull request: the result of the change.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Added by the outcome pull request: the incident that unexpected impact led to.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub escalation: Option<Escalation>,
    /// Added by a later pull request: the change is cancelled.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub cancelled: Option<Cancelled>,
}

/// Reads a part that says something by being present, even with nothing in it.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Option::deserialize(deserializer).map(|part: Option<T>| Some(part.unwrap_or_default()))
}

/// The role that every owner of an affected service holds, and nobody else.
pub const SERVICE_OWNER: &str = "service-owner";

/// The fields that outcome and cancellation add; approvals are not bound to them.
pub const RECORD_FIELDS: [&str; 5] =
    ["execution", "verification_result", "outcome", "escalation", "cancelled"];

impl ChangeRequest {
    /// Returns the request as JSON, with one form for one meaning: an implementer who is the requester
    /// is left out, as by default.
    pub fn to_json(&self) -> Value {
        let mut json = super::digest::to_json(self);
        if self.implementer.is_some() && self.implementer == self.requester {
            json.as_object_mut().map(|fields| fields.remove("implementer"));
        }
        json
    }

    /// Returns what an approval is bound to, as JSON: everything but [`RECORD_FIELDS`]. Comments,
    /// the order of keys, quoting and other spellings of a value make no difference.
    pub fn material(&self) -> Value {
        let mut material = self.to_json();
        if let Value::Object(fields) = &mut material {
            fields.retain(|name, _| !RECORD_FIELDS.contains(&name.as_str()));
        }
        material
    }

    /// Returns the SHA-256 over the canonical JSON (RFC 8785) of [`ChangeRequest::material`].
    pub fn material_digest(&self) -> Digest {
        Digest::of_json(&self.material())
    }

    /// Returns the person who performs the change.
    pub fn implementer(&self) -> Option<&Login> {
        self.implementer.as_ref().or(self.requester.as_ref())
    }

    /// Returns the planned interval if both ends are given, in order.
    pub fn planned(&self) -> Option<Interval> {
        let schedule = self.schedule.as_ref()?;
        let (start, end) = (schedule.start?, schedule.end?);
        (start < end).then_some(Interval { start, end })
    }

    /// Returns the services that the request declares as affected.
    pub fn services(&self) -> &[Name] {
        self.impact.as_ref().map_or(&[], |impact| &impact.services)
    }

    /// Returns the targets of all actions.
    pub fn targets(&self) -> BTreeSet<&Name> {
        self.actions.iter().filter_map(|action| action.target.as_ref()).collect()
    }

    /// Returns the people who request and perform the change, as far as they are named.
    pub fn performers(&self) -> impl Iterator<Item = &Login> + Clone {
        self.requester.iter().chain(&self.implementer)
    }

    /// Returns whether the change is over: its outcome is recorded, or it was cancelled.
    pub fn is_closed(&self) -> bool {
        self.outcome.is_some() || self.cancelled.is_some()
    }
}

/// Returns the example that the schema shows.
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
