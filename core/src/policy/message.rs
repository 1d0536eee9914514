//! Reads the messages of the Rego interpreter, which are formatted for a terminal:
//!
//! ```text
//! --> rules/window/window.rego:12:5
//!    |
//! 12 |     f(x)
//!    |     ^
//! error: functions must not produce multiple outputs for same inputs
//! ```
//!
//! Some have the form `path:12:5 error: what`, and some have no position at all.

use std::fmt;

use super::bound::OUT_OF_TIME;
use crate::terms::one_of;

/// The text of a message of the interpreter, and its position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub place: Option<Place>,
    /// The text, one line without a full stop.
    pub text: String,
}

/// A position in a policy, as the interpreter counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub path: String,
    /// Counted from 1.
    pub line: u32,
    /// Counted from 1, in bytes; a tab counts as four.
    pub wide_column: u32,
}

impl Message {
    pub fn of(error: &anyhow::Error) -> Self {
        let drawing = error.to_string();
        if drawing.contains(OUT_OF_TIME) {
            let text = "evaluating takes too long: look for rules that multiply collections";
            return Self { place: None, text: text.to_owned() };
        }
        let first_line = drawing.trim_start().lines().next().unwrap_or("");
        let located = first_line.strip_prefix("--> ").unwrap_or(first_line);
        let (located, _) = located.split_once(" error: ").unwrap_or((located, ""));
        let text = drawing
            .split_once("error: ")
            .map_or(drawing.as_str(), |(_, text)| text)
            .lines()
            .next()
            .unwrap_or("");
        Self { place: Place::read(located), text: plain(text.trim_end_matches(['.', ':'])) }
    }
}

/// Returns a text of the interpreter in the words of the other messages, as far as it is one of those
/// that a policy's author sees often.
fn plain(text: &str) -> String {
    if text == "could not parse string as number" {
        return "`to_number` was given a text that isn't a number: ask `regex.match(`^-?[0-9]+$`, \
                text)` first"
            .to_owned();
    }
    let wrong_type = || {
        let (function, rest) = text.split_once(" expects ").or(text.split_once(" requires "))?;
        let (types, given) = rest.split_once(" argument. Got `")?;
        let given = given.split_once('`').map_or(given, |(given, _)| given);
        let types = one_of(&types.split('/').collect::<Vec<_>>());
        let help = match given {
            "null" => ": require the value in a line before, as it may be missing",
            _ => "",
        };
        Some(format!("{function} takes a value of the type {types}, and was given {given}{help}"))
    };
    wrong_type().unwrap_or_else(|| text.to_owned())
}

impl Place {
    fn read(located: &str) -> Option<Self> {
        let (rest, column) = located.rsplit_once(':')?;
        let (path, line) = rest.rsplit_once(':')?;
        Some(Self {
            path: path.to_owned(),
            line: line.parse().ok()?,
            wide_column: column.parse().ok()?,
        })
    }

    /// Returns the column in characters, counted from 1, in the text of the file.
    pub fn column(&self, text: &str) -> u32 {
        let line = text.lines().nth(self.line.saturating_sub(1) as usize);
        let (mut wide, mut column) = (1, 1);
        for character in line.unwrap_or("").chars() {
            if wide >= self.wide_column {
                break;
            }
            let width = if character == '\t' { 4 } else { character.len_utf8() };
            wide = wide.saturating_add(u32::try_from(width).unwrap_or(u32::MAX));
            column += 1;
        }
        column
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(Place { path, line, .. }) => write!(f, "{path}:{line}: {}", self.text),
            None => f.write_str(&self.text),
        }
    }
}
