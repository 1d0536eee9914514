//! What was filled in, read as a change request.
//!
//! A field that can't be read is left out of the request, and told of with its label; everything
//! else is read nevertheless.

use serde::de::DeserializeOwned;

use super::template::Answer;
use crate::compose::answer;
use crate::compose::fields::{self, Question};
use crate::compose::openings::length_of;
use crate::core::request::{Action, ChangeRequest, OffScript, Risk, Schedule};
use crate::core::time::{Duration, Time};

/// What a form says.
#[derive(Debug, Default)]
pub struct Reading {
    /// The request, without its requester.
    pub request: ChangeRequest,
    /// What couldn't be read.
    pub unread: Vec<Unread>,
    length: Option<Duration>,
}

/// A field, or a line of one, that couldn't be read.
#[derive(Debug, PartialEq)]
pub struct Unread {
    /// The field.
    pub id: String,
    /// The label of the field.
    pub label: String,
    /// Why, and what to write.
    pub why: String,
}

/// How a field is read.
enum Read {
    /// As the field of `changegate new` at the same place: a text, or one for each line.
    AsText,
    /// As this function says, all of it.
    Whole(fn(&mut Reading, &str) -> Result<(), String>),
    /// As this function says, line by line.
    ByLine(fn(&mut Reading, &str) -> Result<(), String>),
}

/// A field: its `id` in a form, and where it stands in a request.
struct Field {
    id: &'static str,
    pointer: &'static str,
    read: Read,
}

/// Every field that a form may have.
const FIELDS: [Field; 30] = [
    field("ticket", "/id", Read::Whole(|it, text| put(&mut it.request.id, text.parse()))),
    field("type", "/type", Read::Whole(|it, text| word(text).map(|kind| it.request.kind = kind))),
    field("summary", "/summary", Read::AsText),
    field("reason", "/reason", Read::AsText),
    field("description", "/description", Read::AsText),
    field("actions", "/actions", Read::ByLine(action)),
    field("tier", "/risk", Read::Whole(|it, text| put(&mut it.request.risk, word(text)))),
    field("services", "/impact/services", Read::ByLine(services)),
    field("users", "/impact/users", Read::AsText),
    field("operations", "/impact/operations", Read::AsText),
    field("start", "/schedule/start", Read::Whole(start)),
    field("end", "/schedule/end", Read::Whole(end)),
    field(
        "implementer",
        "/implementer",
        Read::Whole(|it, text| {
            put(&mut it.request.implementer, text.trim_start_matches('@').parse())
        }),
    ),
    field("rollback_steps", "/rollback/steps", Read::ByLine(rollback_step)),
    field("rollback_trigger", "/rollback/trigger", Read::Whole(rollback_trigger)),
    field("rollback_owner", "/rollback/owner", Read::Whole(rollback_owner)),
    field("monitor", "/verification/monitor", Read::Whole(monitor)),
    field("health_checks", "/verification/health_checks", Read::AsText),
    field("error_rates", "/verification/error_rates", Read::AsText),
    field("incident", "/emergency/incident", Read::Whole(incident)),
    field("severity", "/emergency/severity", Read::Whole(severity)),
    field("why_now", "/emergency/why_now", Read::AsText),
    field("break_glass", "/emergency/break_glass", Read::Whole(break_glass)),
    field("script", "/off_script/script", Read::AsText),
    field("justification", "/off_script/justification", Read::AsText),
    field("risks", "/risks", Read::ByLine(risk)),
    field("contingency", "/contingency", Read::AsText),
    field("business_alignment", "/business_alignment", Read::AsText),
    field("approvals", "/approvals", Read::ByLine(approval)),
    field("links", "/links", Read::ByLine(link)),
];

const fn field(id: &'static str, pointer: &'static str, read: Read) -> Field {
    Field { id, pointer, read }
}

/// The `id` of the field for the part of a request at a pointer.
pub fn id_at(pointer: &str) -> Option<&'static str> {
    FIELDS.iter().find(|field| field.pointer == pointer).map(|field| field.id)
}

/// Reads what was filled in. `is_off_script` says that the form is for changes of that kind, whatever
/// was filled in.
pub fn read(answers: &[Answer], is_off_script: bool) -> Reading {
    let mut reading = Reading::default();
    if is_off_script {
        reading.request.off_script = Some(OffScript::default());
    }
    for Answer { id, label, text } in answers {
        let Some(field) = FIELDS.iter().find(|field| field.id == id) else { continue };
        for why in reading.take(field, text) {
            reading.unread.push(Unread { id: id.clone(), label: label.clone(), why });
        }
    }
    if let (Some(schedule), Some(length)) = (&mut reading.request.schedule, reading.length) {
        schedule.end = schedule.start.map(|start| start + length);
    }
    reading.request.schedule.take_if(|schedule| *schedule == Schedule::default());
    reading
}

impl Reading {
    /// Reads one field, and tells what of it can't be.
    fn take(&mut self, field: &Field, text: &str) -> Vec<String> {
        let mut wrong = Vec::new();
        match field.read {
            Read::Whole(read) => wrong.extend(read(self, text).err()),
            Read::ByLine(read) => {
                wrong.extend(lines(text).filter_map(|line| read(self, line).err()))
            }
            Read::AsText => match fields::at(field.pointer).map(|(_, field)| &field.question) {
                Some(Question::Line(slot)) => {
                    wrong.extend(put(slot(&mut self.request), answer::text(text)).err());
                }
                Some(Question::Lines(slot)) => {
                    let (read, unread): (Vec<_>, Vec<_>) =
                        lines(text).map(answer::text).partition(Result::is_ok);
                    *slot(&mut self.request) = read.into_iter().flatten().collect();
                    wrong.extend(unread.into_iter().filter_map(Result::err));
                }
                _ => {}
            },
        }
        wrong
    }
}

/// The lines that hold anything, without the marks of a list.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(without_mark).filter(|line| !line.is_empty())
}

fn without_mark(line: &str) -> &str {
    let line = line.trim();
    let digits = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let numbered = digits.strip_prefix(['.', ')']).filter(|_| digits.len() < line.len());
    let rest = numbered.or_else(|| line.strip_prefix(['-', '*']));
    rest.filter(|rest| rest.starts_with(' ')).map_or(line, str::trim)
}

fn put<T>(slot: &mut Option<T>, value: Result<T, String>) -> Result<(), String> {
    value.map(|value| *slot = Some(value))
}

/// One of a type's words, as the form's menu has them.
fn word<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(text.into())
        .map_err(|_| format!("`{text}` can't stand here: choose an entry of the menu"))
}

fn action(it: &mut Reading, line: &str) -> Result<(), String> {
    let action: Action = answer::action(line)?;
    it.request.actions.push(action);
    Ok(())
}

fn services(it: &mut Reading, line: &str) -> Result<(), String> {
    for name in line.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let name = answer::text(name)?;
        it.request.impact.get_or_insert_default().services.push(name);
    }
    Ok(())
}

fn start(it: &mut Reading, text: &str) -> Result<(), String> {
    put(&mut it.request.schedule.get_or_insert_default().start, text.parse())
}

/// A time, or a length that leads from the start to it.
fn end(it: &mut Reading, text: &str) -> Result<(), String> {
    if let Ok(length) = length_of(text) {
        it.length = Some(length);
        return Ok(());
    }
    let time = text.parse::<Time>().map_err(|why| format!("{why}; or a length, such as 1h30m"));
    put(&mut it.request.schedule.get_or_insert_default().end, time)
}

fn rollback_step(it: &mut Reading, line: &str) -> Result<(), String> {
    it.request.rollback.get_or_insert_default().steps.push(answer::text(line)?);
    Ok(())
}

fn rollback_trigger(it: &mut Reading, text: &str) -> Result<(), String> {
    put(&mut it.request.rollback.get_or_insert_default().trigger, answer::text(text))
}

fn rollback_owner(it: &mut Reading, text: &str) -> Result<(), String> {
    let login = text.trim_start_matches('@').parse();
    login.map(|login| it.request.rollback.get_or_insert_default().owner = Some(login))
}

fn monitor(it: &mut Reading, text: &str) -> Result<(), String> {
    let length = text.parse();
    length.map(|length| it.request.verification.get_or_insert_default().monitor = Some(length))
}

fn incident(it: &mut Reading, text: &str) -> Result<(), String> {
    let incident = answer::incident(text);
    incident.map(|id| it.request.emergency.get_or_insert_default().incident = Some(id))
}

fn severity(it: &mut Reading, text: &str) -> Result<(), String> {
    let severity = word(text);
    severity.map(|severity| it.request.emergency.get_or_insert_default().severity = Some(severity))
}

/// GitHub writes a box with its words, ticked or not, whether anybody touched it or not.
fn break_glass(it: &mut Reading, text: &str) -> Result<(), String> {
    if text.starts_with("- [x] ") || text.starts_with("- [X] ") {
        it.request.emergency.get_or_insert_default().break_glass = true;
    }
    Ok(())
}

/// `what could go wrong -> what is done about it`
fn risk(it: &mut Reading, line: &str) -> Result<(), String> {
    let (risk, mitigation) = match line.split_once("->").or_else(|| line.split_once('→')) {
        Some((risk, mitigation)) => (risk, Some(answer::text(mitigation)?)),
        None => (line, None),
    };
    it.request.risks.push(Risk { risk: Some(answer::text(risk)?), mitigation, ..Risk::default() });
    Ok(())
}

fn approval(it: &mut Reading, line: &str) -> Result<(), String> {
    it.request.approvals.push(answer::approval(line)?);
    Ok(())
}

fn link(it: &mut Reading, line: &str) -> Result<(), String> {
    let (name, address) = answer::link(line)?;
    it.request.links.insert(name, address);
    Ok(())
}

#[cfg(test)]
mod tests;
