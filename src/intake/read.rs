//! What was filled in, read as a change request.
//!
//! A field that can't be read is left out of the request and reported with its label; everything else
//! is read nevertheless.

use super::template::Answer;
use crate::compose::fields::{self, Field, Form, Kind};
use crate::core::request::ChangeRequest;

/// What a form says.
#[derive(Debug, Default)]
pub struct Reading {
    /// The request, without its requester.
    pub request: ChangeRequest,
    /// What couldn't be read.
    pub unread: Vec<Unread>,
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

/// Reads what was filled in. `is_off_script` says that the form is for changes of that kind, whatever
/// was filled in.
pub fn read(answers: &[Answer], is_off_script: bool) -> Reading {
    let mut form = Form::of(&ChangeRequest::default());
    let mut unread = Vec::new();
    for Answer { id, label, text, is_ticked } in answers {
        // What isn't a box can't be ticked.
        let is_asked = |field: &&Field| field.kind != Kind::Tick || *is_ticked;
        let Some(field) = fields::with_id(id).filter(is_asked) else { continue };
        let (mut read, mut wrong) = (Vec::new(), Vec::new());
        for part in parts(field.kind, text) {
            match field.kind.parse(part) {
                Ok(answer) => read.push(answer),
                Err(why) => wrong.push(why),
            }
        }
        if !read.is_empty() {
            form.put(field, read);
        }
        let field = |why| Unread { id: id.clone(), label: label.clone(), why };
        unread.extend(wrong.into_iter().map(field));
    }
    let (mut request, _) = form.finish();
    if is_off_script {
        request.off_script.get_or_insert_default();
    }
    Reading { request, unread }
}

/// Returns the parts of a text that are answers by themselves.
fn parts(kind: Kind, text: &str) -> Vec<&str> {
    let lines = text.lines().map(without_mark);
    let parts: Vec<_> = match kind {
        Kind::Login | Kind::Owner => return vec![text.trim_start_matches('@')],
        Kind::Services => lines.flat_map(|line| line.split(',')).map(str::trim).collect(),
        kind if kind.is_list() => lines.collect(),
        _ => return vec![text],
    };
    parts.into_iter().filter(|part| !part.is_empty()).collect()
}

/// Returns a line without the mark of a list.
fn without_mark(line: &str) -> &str {
    let line = line.trim();
    let digits = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let numbered = digits.strip_prefix(['.', ')']).filter(|_| digits.len() < line.len());
    let rest = numbered.or_else(|| line.strip_prefix(['-', '*']));
    rest.filter(|rest| rest.starts_with(' ')).map_or(line, str::trim)
}

#[cfg(test)]
mod tests;
