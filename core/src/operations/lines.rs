//! A file of the log: of each event its line, and the line of its proof.

use super::event::{About, Event, Unreadable};
use super::proof::Proof;

/// The file of the events about the log itself.
pub const LOG: &str = "log.jsonl";

/// Returns the path of the file that holds an event.
pub fn path(event: &Event) -> String {
    event.about().map_or_else(|| LOG.to_owned(), |about: About<'_>| about.path())
}

/// Returns the two lines of an event, each ended by a line feed.
pub fn text(event: &Event, proof: &Proof) -> String {
    format!("{}\n{}\n", event.line(), proof.line())
}

/// Why a file of the log can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct UnreadableFile {
    /// The number of the line, from 1.
    pub line: usize,
    /// Why.
    pub why: String,
}

/// Reads a file.
///
/// # Errors
/// The first line that doesn't belong there, and why.
pub fn read(text: &str) -> Result<Vec<(Event, Proof)>, UnreadableFile> {
    let mut events = Vec::new();
    let mut lines = text.split_inclusive('\n').enumerate();
    while let Some((index, line)) = lines.next() {
        let at =
            |offset: usize| move |why: String| UnreadableFile { line: index + 1 + offset, why };
        let bare = |line: &str| match line.strip_suffix('\n') {
            Some(line) => Ok(line.to_owned()),
            None => Err("its line feed is missing".to_owned()),
        };
        let words = |why: Unreadable| why.to_string();
        let event = bare(line).and_then(|line| Event::read(&line).map_err(words)).map_err(at(0))?;
        let Some((_, line)) = lines.next() else {
            return Err(at(1)("the proof of the event before it is missing".to_owned()));
        };
        let proof = bare(line).and_then(|line| Proof::read(&line).map_err(words)).map_err(at(1))?;
        if proof.of != *event.id() {
            return Err(at(1)("it is the proof of another event".to_owned()));
        }
        events.push((event, proof));
    }
    Ok(events)
}
