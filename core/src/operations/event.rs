//! An event: what somebody did, as one line of the log.
//!
//! A line is canonical JSON (RFC 8785). What has no value is left out, no number is a fraction, and
//! nothing is passed over when a line is read: no unknown field, no duplicate key, no other spelling.

use std::borrow::Cow;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::kinds::What;
use crate::digest::{Digest, canonical_json, to_json};
use crate::record::parts::{Hex, ObjectId};
use crate::terms::{Login, TicketId};
use crate::time::{Duration, Time};

/// The format of an event.
pub const API_VERSION: &str = "changegate/operations/v1";

/// The most bytes of a line.
pub const MOST_BYTES: usize = 65_536;

/// An event: where and when, by whom, and what happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    id: Hex,
    head: Head,
    what: What,
    line: String,
}

/// What every event says.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Head {
    /// The format, [`API_VERSION`].
    pub api_version: String,
    /// The log: the id of its genesis, which has none of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<Hex>,
    /// The change that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<TicketId>,
    /// The incident that it is about; of a change, the one to which it led.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<TicketId>,
    /// When it happened, by the clock of who wrote it.
    pub at: Time,
    /// Who wrote it.
    pub by: Actor,
    /// The person for whom a machine acts.
    #[serde(rename = "for", default, skip_serializing_if = "Option::is_none")]
    pub on_behalf: Option<Login>,
    /// The tip of the base branch by which it was judged.
    pub base: ObjectId,
    /// The digest of the policies there, where something was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policies: Option<Digest>,
    /// The digest of the input document, where something was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Digest>,
    /// Which clock `at` is from, and how far it was off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<Clock>,
    /// Whether it was written where the log couldn't be reached.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub offline: bool,
    /// The last event of the same file that its writer knew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Hex>,
}

/// A clock.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Clock {
    /// Whose it is.
    pub source: ClockSource,
    /// How far the machine's clock was from the forge's, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub off_by: Option<Duration>,
}

/// Whose clock it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ClockSource {
    /// That of the machine that wrote the event.
    Local,
    /// The forge's.
    Forge,
}

/// Who wrote an event: a person, or a machine, written `machine:deploy-prod`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "Cow<'_, str>", into = "String")]
#[schemars(with = "String")]
pub enum Actor {
    /// A person, by forge login.
    Person(Login),
    /// A machine, by its name in the roster.
    Machine(Login),
}

const MACHINE: &str = "machine:";

impl TryFrom<Cow<'_, str>> for Actor {
    type Error = String;

    fn try_from(text: Cow<'_, str>) -> Result<Self, String> {
        match text.strip_prefix(MACHINE) {
            Some(name) => name.parse().map(Actor::Machine),
            None => text.parse().map(Actor::Person),
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Actor::Person(login) => write!(f, "{login}"),
            Actor::Machine(name) => write!(f, "{MACHINE}{name}"),
        }
    }
}

impl From<Actor> for String {
    fn from(actor: Actor) -> String {
        actor.to_string()
    }
}

/// Why a line isn't an event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is of a format that this program doesn't know.
    #[error("it is of format {0}, which is newer than this program")]
    Newer(String),
    /// It isn't an event of the format that it names.
    #[error("it isn't an event of format {API_VERSION}: {0}")]
    Malformed(String),
    /// It is longer than [`MOST_BYTES`].
    #[error("it is longer than {MOST_BYTES} bytes")]
    TooLong,
}

impl Event {
    /// Makes an event, whose id follows from what it says.
    pub fn new(head: Head, what: What) -> Self {
        let mut content = content(&head, &what);
        let id = Hex(Digest::of(canonical_json(&content).as_bytes()));
        content["id"] = String::from(id.clone()).into();
        let line = canonical_json(&content);
        Event { id, head, what, line }
    }

    /// Reads a line, without its line feed.
    ///
    /// # Errors
    /// Why it isn't an event.
    pub fn read(line: &str) -> Result<Self, Unreadable> {
        if line.len() > MOST_BYTES {
            return Err(Unreadable::TooLong);
        }
        let malformed = |error: serde_json::Error| Unreadable::Malformed(error.to_string());
        let value: Value = serde_json::from_str(line).map_err(malformed)?;
        match value.get("api_version").and_then(Value::as_str) {
            Some(API_VERSION) | None => {}
            Some(other) => return Err(Unreadable::Newer(other.to_owned())),
        }
        let head = Head::deserialize(&value).map_err(malformed)?;
        let what = What::deserialize(value).map_err(malformed)?;
        let event = Event::new(head, what);
        if event.line != line {
            let why = "it holds what the format doesn't know, isn't canonical JSON, or its id isn't \
                       that of its content";
            return Err(Unreadable::Malformed(why.to_owned()));
        }
        event.is_of_its_kind().map_err(Unreadable::Malformed)?;
        Ok(event)
    }

    /// Returns the line, without its line feed: what is signed.
    pub fn line(&self) -> &str {
        &self.line
    }

    /// Returns the digest of the event without its id.
    pub fn id(&self) -> &Hex {
        &self.id
    }

    /// Returns what every event says.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Returns what happened.
    pub fn what(&self) -> &What {
        &self.what
    }

    /// Returns the change or the incident whose file holds the event; `None` for what is about the
    /// log itself.
    pub fn about(&self) -> Option<About<'_>> {
        match (&self.head.change, &self.head.incident) {
            (Some(change), _) => Some(About::Change(change)),
            (None, Some(incident)) => Some(About::Incident(incident)),
            (None, None) => None,
        }
    }

    /// Checks that it has exactly the fields that belong to its kind.
    fn is_of_its_kind(&self) -> Result<(), String> {
        let Head { log, incident, by, on_behalf, previous, .. } = &self.head;
        let is_genesis = matches!(self.what, What::Genesis(_));
        let files = self.what.files();
        let fits = match self.about() {
            Some(About::Change(_)) => match self.what {
                What::Escalated(_) => incident.is_some(),
                What::Outcome(_) => true,
                _ => files.of_changes && incident.is_none(),
            },
            Some(About::Incident(_)) => files.of_incidents,
            None => files.of_the_log,
        };
        let is_machine = matches!(by, Actor::Machine(_));
        let is_incident = incident.as_ref().is_none_or(TicketId::is_incident);
        for (holds, what) in [
            (is_incident, "its incident has the number of a change"),
            (fits, "it is in the file of something else than it can be about"),
            (log.is_none() == is_genesis, "the first event, and no other, names no log"),
            (is_machine || on_behalf.is_none(), "only a machine acts for somebody"),
            (!is_genesis || previous.is_none(), "nothing came before the first event"),
        ] {
            if !holds {
                return Err(format!("{}: {what}", self.what.name()));
            }
        }
        self.what.is_whole(self.about()).map_err(|why| format!("{}: {why}", self.what.name()))
    }
}

fn content(head: &Head, what: &What) -> Value {
    let mut content = to_json(head);
    if let (Value::Object(content), Value::Object(what)) = (&mut content, to_json(what)) {
        content.extend(what);
    }
    content
}

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About<'a> {
    /// A change.
    Change(&'a TicketId),
    /// An incident.
    Incident(&'a TicketId),
}

impl About<'_> {
    /// Returns the path of the file that holds its events, `changes/3f/CHG-1234.jsonl`: the folder is
    /// that of the id ignoring case.
    pub fn path(&self) -> String {
        let (folder, id) = match self {
            About::Change(id) => ("changes", id),
            About::Incident(id) => ("incidents", id),
        };
        let digest = String::from(Hex(Digest::of(id.folded().as_bytes())));
        format!("{folder}/{}/{id}.jsonl", &digest[..2])
    }
}

impl fmt::Display for About<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            About::Change(id) | About::Incident(id) => write!(f, "{id}"),
        }
    }
}
