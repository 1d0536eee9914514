//! The one table of a request's fields: [`FIELDS`]. From it come the flags and the dialogue of
//! `changegate new`, how an issue's form is read, and the order and the comments of the written YAML.
//!
//! Which fields a request needs, and whether an answer is right, isn't known here: the policies say
//! it, with findings whose pointers lead to a field.

use serde_json::{Value, json};

use super::answer;
use super::openings::length_of;
use crate::core::digest::to_json;
use crate::core::request::{ChangeRequest, ChangeType, Rating};
use crate::core::terms::{Login, RiskTier, Severity, TicketId};
use crate::core::time::{Duration, Time};

mod defs;

pub use defs::FIELDS;

/// A field of a request.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The place in a request. A finding about this part, or one below it, is about the field.
    pub pointer: &'static str,
    /// The `id` in an issue's form; `None` if forms don't ask for it.
    pub id: Option<&'static str>,
    /// The part of the request that it belongs to.
    pub group: Group,
    /// How an answer is read.
    pub kind: Kind,
    /// What it is for: in the dialogue, in the list of missing flags, in the file's comments.
    pub about: &'static str,
    /// The position among the questions; `None` if nobody asks for it.
    pub asked: Option<u8>,
    /// What a comment in the file says instead of `about`.
    comment: Option<&'static str>,
    /// What gives it on a command line, instead of its first flag.
    usage: Option<&'static str>,
    flags: [Option<Flag>; 4],
}

/// A flag of `changegate new` that gives a field, or a part of one.
#[derive(Clone, Copy, Debug)]
pub struct Flag {
    /// The name, without its dashes.
    pub name: &'static str,
    /// How its value is read.
    pub kind: Kind,
    /// One line of help.
    pub help: &'static str,
}

/// A group of fields: its position in help, and its heading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group(u8, pub &'static str);

/// How an answer is read, and asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "most names say it")]
pub enum Kind {
    Text,
    Texts,
    /// Texts that the catalog suggests.
    Steps,
    /// The ticket of the request.
    Ticket,
    /// The ticket of an incident.
    Incident,
    Login,
    /// The login of somebody with the level that the catalog asks for.
    Owner,
    Time,
    /// A length of time.
    Length,
    /// A length of time that isn't zero.
    Duration,
    /// A time, or the length that leads from the start to it.
    End,
    Type,
    Tier,
    /// A severity; only those of emergencies are offered.
    Severity,
    Rating,
    Actions,
    Services,
    Risks,
    Approvals,
    /// Addresses by name.
    Links,
    /// A box that is ticked or not.
    Tick,
    /// A part that says something by being present.
    Presence,
}

impl Kind {
    /// Whether the field takes several answers.
    pub fn is_list(self) -> bool {
        use Kind::*;
        matches!(self, Texts | Steps | Actions | Services | Risks | Approvals | Links)
    }

    /// Returns the words that are offered, if no others are possible.
    pub fn words(self) -> &'static [&'static str] {
        match self {
            Kind::Type => &["standard", "normal", "emergency"],
            Kind::Tier => &["low", "medium", "high", "critical"],
            Kind::Severity => &["P1", "P2"],
            Kind::Rating => &["low", "medium", "high"],
            _ => &[],
        }
    }

    /// Returns what stands for an answer in help.
    pub fn placeholder(self) -> &'static str {
        match self {
            Kind::Text | Kind::Texts | Kind::Steps | Kind::Risks => "TEXT",
            Kind::Ticket => "TICKET",
            Kind::Incident => "INC-NUMBER",
            Kind::Login | Kind::Owner => "LOGIN",
            Kind::Time | Kind::End => "TIME",
            Kind::Length | Kind::Duration => "LENGTH",
            Kind::Type => "TYPE",
            Kind::Tier => "TIER",
            Kind::Severity => "P1|P2",
            Kind::Rating => "RATING",
            Kind::Actions => "ACTION:TARGET",
            Kind::Services => "NAME",
            Kind::Approvals => "ROLE",
            Kind::Links => "NAME=ADDRESS",
            Kind::Tick | Kind::Presence => "",
        }
    }

    /// Reads an answer, or one of several, as the JSON that the request holds.
    ///
    /// # Errors
    /// When it can't be read, with what to write instead.
    pub fn parse(self, text: &str) -> Result<Value, String> {
        match self {
            Kind::Text | Kind::Texts | Kind::Steps => answer::text(text).map(Value::from),
            Kind::Services => answer::name(text).map(|name| to_json(&name)),
            Kind::Ticket => text.parse::<TicketId>().map(|id| to_json(&id)),
            Kind::Incident => answer::incident(text).map(|id| to_json(&id)),
            Kind::Login | Kind::Owner => text.parse::<Login>().map(|login| to_json(&login)),
            Kind::Time => text.parse::<Time>().map(|time| to_json(&time)),
            Kind::Length => text.parse::<Duration>().map(|length| to_json(&length)),
            Kind::Duration => length_of(text).map(|length| to_json(&length)),
            Kind::End => Kind::Duration.parse(text).or_else(|_| {
                Kind::Time.parse(text).map_err(|why| format!("{why}; or a length, such as 1h30m"))
            }),
            Kind::Type => answer::word::<ChangeType>(text),
            Kind::Tier => answer::word::<RiskTier>(text),
            Kind::Severity => answer::word::<Severity>(text),
            Kind::Rating => answer::word::<Rating>(text),
            Kind::Actions => answer::action(text).map(|action| to_json(&action)),
            Kind::Risks => answer::risk(text).map(|risk| to_json(&risk)),
            Kind::Approvals => answer::approval(text).map(|approval| to_json(&approval)),
            Kind::Links => answer::link(text).map(|(name, address)| json!({ name: address })),
            Kind::Tick => Ok(true.into()),
            Kind::Presence => Ok(json!({})),
        }
    }
}

impl Field {
    /// Returns the flags that give the field.
    pub fn flags(&'static self) -> impl Iterator<Item = &'static Flag> {
        self.flags.iter().flatten()
    }

    /// Returns what gives the field on a command line, such as `--summary TEXT`.
    pub fn usage(&'static self) -> String {
        let usage = |flag: &Flag| format!("--{} {}", flag.name, flag.kind.placeholder());
        let first = || self.flags().next().map(usage).unwrap_or_default();
        self.usage.map_or_else(first, str::to_owned)
    }

    /// Returns the name as people say it: `health checks` of `/verification/health_checks`.
    pub fn name(&self) -> String {
        self.pointer.rsplit('/').next().unwrap_or_default().replace('_', " ")
    }
}

/// Returns the field that a finding's pointer leads to, if it is one that is asked for.
pub fn at(pointer: &str) -> Option<&'static Field> {
    let fields = FIELDS.iter().filter(|field| is_within(pointer, field.pointer));
    fields.filter(|field| field.asked.is_some()).min_by_key(|field| field.asked)
}

/// Returns the field with an `id` in an issue's form.
pub fn with_id(id: &str) -> Option<&'static Field> {
    FIELDS.iter().find(|field| field.id == Some(id))
}

/// Returns what a comment in the file says about the part at a pointer.
pub fn comment(pointer: &str) -> Option<&'static str> {
    let field = FIELDS.iter().find(|field| field.pointer == pointer)?;
    Some(field.comment.unwrap_or(field.about)).filter(|comment| !comment.is_empty())
}

/// Returns the position of the part at a pointer in a file; parts that the table doesn't know are last.
/// An item of a list is written `-`.
pub fn rank(pointer: &str) -> usize {
    let first = FIELDS.iter().position(|field| is_within(field.pointer, pointer));
    first.unwrap_or(FIELDS.len())
}

fn is_within(inner: &str, outer: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A request that is filled in, field by field.
pub struct Form(Value);

impl Form {
    /// Begins with a request.
    pub fn of(request: &ChangeRequest) -> Self {
        Form(to_json(request))
    }

    /// Puts answers at a field, as its kind parses them: they replace a list, and are added to links.
    pub fn put(&mut self, field: &Field, answers: Vec<Value>) {
        let names = field.pointer.split('/').skip(1);
        let part = names.fold(&mut self.0, |part, name| &mut part[name]);
        match field.kind {
            Kind::Links | Kind::Presence => {
                let mut entries = part.as_object().cloned().unwrap_or_default();
                for (name, value) in answers.iter().filter_map(Value::as_object).flatten() {
                    entries.insert(name.clone(), value.clone());
                }
                *part = entries.into();
            }
            kind if kind.is_list() => *part = answers.into(),
            _ => *part = answers.into_iter().next().unwrap_or_default(),
        }
    }

    /// Returns the request, and how long the change takes if that was given instead of its end.
    pub fn finish(mut self) -> (ChangeRequest, Option<Duration>) {
        let end = &mut self.0["schedule"]["end"];
        let length = end.as_str().and_then(|end| end.parse::<Duration>().ok());
        if length.is_some() {
            *end = Value::Null;
        }
        let mut request: ChangeRequest =
            serde_json::from_value(self.0).expect("answers are parsed as their fields' types");
        if let Some((schedule, length)) = request.schedule.as_mut().zip(length) {
            schedule.end = schedule.start.map(|start| start + length);
        }
        request.impact.take_if(|impact| *impact == Default::default());
        request.schedule.take_if(|schedule| *schedule == Default::default());
        request.rollback.take_if(|rollback| *rollback == Default::default());
        request.verification.take_if(|verification| *verification == Default::default());
        (request, length)
    }
}

#[cfg(test)]
mod tests;
