//! The files of the log that were read last: several events in a row are about one change.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use super::read::file;
use super::{Held, Next, lines};
use crate::core::operations::event::Event;
use anyhow::Context as _;

/// How many files are kept.
const MOST: usize = 16;

/// A file, with its events in order of arrival.
#[derive(Clone, Default)]
pub(super) struct HeldFile {
    pub(super) text: String,
    pub(super) events: Vec<Event>,
}

/// The files that were read last, the newest first.
#[derive(Default)]
pub(super) struct Recent(RefCell<VecDeque<(String, Rc<HeldFile>)>>);

impl Recent {
    /// Returns a file as it is at the last commit that holds; an empty one if there is none.
    ///
    /// # Errors
    /// When it can't be read.
    pub(super) fn file(&self, held: Held<'_>, path: &str) -> anyhow::Result<Rc<HeldFile>> {
        if let Some((_, known)) = self.0.borrow().iter().find(|(known, _)| known == path) {
            return Ok(Rc::clone(known));
        }
        let text = file(held.repo, held.commit, path)?.unwrap_or_default();
        let events =
            lines::read(&text).with_context(|| format!("cannot read {path} of the log"))?;
        let events = events.into_iter().map(|(event, _)| event).collect();
        let read = Rc::new(HeldFile { text, events });
        self.put(path.to_owned(), Rc::clone(&read));
        Ok(read)
    }

    /// Counts an event in that is held from now on.
    pub(super) fn append(&self, next: &Next) {
        let mut file = HeldFile::clone(&next.before);
        file.text = next.text();
        file.events.push(next.event.clone());
        self.put(next.path.clone(), Rc::new(file));
    }

    fn put(&self, path: String, file: Rc<HeldFile>) {
        let mut files = self.0.borrow_mut();
        files.retain(|(known, _)| *known != path);
        files.push_front((path, file));
        files.truncate(MOST);
    }
}
