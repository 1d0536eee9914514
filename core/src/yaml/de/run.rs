//! Repeats attempts to deserialize, until no new problem occurs.

use std::cell::{Cell, RefCell};

use serde::de::DeserializeOwned;

use super::Here;
use crate::yaml::error::{Error, Fault, NodePlace};
use crate::yaml::{Document, MAX_PROBLEMS, Node, Problem, Value, pointer_push};

/// How many nodes all attempts together may visit, so that a malicious file can't have a large tree
/// deserialized for each of its problems.
const MAX_VISITS: usize = 400_000;

/// The state that all attempts at one document share.
pub(super) struct Run {
    broken_at: Option<usize>,
    /// How many problems may still be reported.
    room: usize,
    visits: Cell<usize>,
    pub(super) found: RefCell<Found>,
}

#[derive(Default)]
pub(super) struct Found {
    pub(super) problems: Vec<Problem>,
    /// The nodes that are skipped, identified by their address.
    pub(super) masked: Vec<*const Node>,
    /// The pointers of the parts that were left out.
    pub(super) left_out: Vec<String>,
    /// Whether there were too many problems to continue.
    pub(super) stopped: bool,
}

impl Run {
    pub(super) fn new(document: &Document) -> Self {
        let mut found = Found::default();
        leave_out_invalid(&document.root, &mut String::new(), &mut found.left_out);
        Self {
            broken_at: document.broken_at,
            room: MAX_PROBLEMS.saturating_sub(document.problems.len()),
            visits: Cell::new(0),
            found: RefCell::new(found),
        }
    }

    /// Deserializes the document; `None` if a part that had to be left out is required.
    pub(super) fn deserialize<T: DeserializeOwned>(&self, root: &Node) -> Option<T> {
        let here = Here { run: self, node: root, key: None, index: 0, up: None };
        loop {
            if self.is_masked(root) {
                return None;
            }
            match T::deserialize(here) {
                Ok(value) => return Some(value),
                Err(error) => {
                    let (fault, place) = error.into_parts();
                    if matches!(fault, Fault::Enough) {
                        self.found.borrow_mut().stopped = true;
                        return None;
                    }
                    self.settle(fault, place.unwrap_or_else(|| here.place()));
                }
            }
        }
    }

    /// Reports a fault unless it only follows from another, and masks its node.
    fn settle(&self, fault: Fault, place: NodePlace) {
        let mut found = self.found.borrow_mut();
        let has_room = found.problems.len() < self.room;
        if has_room && !self.follows(&fault, &place, &found.left_out) {
            found.problems.extend(fault.into_problem(&place));
        }
        found.masked.push(place.node);
        found.left_out.push(place.pointer);
    }

    fn follows(&self, fault: &Fault, place: &NodePlace, left_out: &[String]) -> bool {
        let below = format!("{}/", place.pointer);
        let cut_off = self.broken_at.is_some_and(|at| place.end >= at);
        match fault {
            Fault::Missing(field) => {
                let mut pointer = place.pointer.clone();
                pointer_push(&mut pointer, field);
                cut_off || left_out.contains(&pointer)
            }
            // If a collection lacks a part, its type can't judge the whole.
            _ => {
                place.is_collection
                    && (cut_off || left_out.iter().any(|pointer| pointer.starts_with(&below)))
            }
        }
    }

    pub(super) fn is_masked(&self, node: &Node) -> bool {
        let found = self.found.borrow();
        node.value == Value::Invalid || found.masked.iter().any(|&other| std::ptr::eq(other, node))
    }

    /// Counts a visit to a node; an error once nothing more can be reported.
    pub(super) fn visit(&self) -> Result<(), Error> {
        self.visits.set(self.visits.get() + 1);
        if self.visits.get() > MAX_VISITS || self.found.borrow().problems.len() >= self.room {
            return Err(Error::new(Fault::Enough));
        }
        Ok(())
    }
}

/// Collects the pointers of the parts that were already broken.
fn leave_out_invalid(node: &Node, pointer: &mut String, left_out: &mut Vec<String>) {
    let length = pointer.len();
    match &node.value {
        Value::Invalid => left_out.push(pointer.clone()),
        Value::Sequence(items) => {
            for (index, item) in items.iter().enumerate() {
                pointer_push(pointer, &index.to_string());
                leave_out_invalid(item, pointer, left_out);
                pointer.truncate(length);
            }
        }
        Value::Mapping(entries) => {
            for (key, value) in entries {
                pointer_push(pointer, &key.text);
                leave_out_invalid(value, pointer, left_out);
                pointer.truncate(length);
            }
        }
        _ => {}
    }
}
