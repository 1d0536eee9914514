//! An entry: a statement in its place in the log, as the files and the message of its commit.

use super::message::message;
use super::parts::ObjectId;
use super::seen::Seen;
use super::state::State;
use super::statement::{MOST_BYTES, Statement, Unreadable};
use super::tree::{Hash, leaf};
use crate::digest::Digest;

/// The file with the statement: the leaf of the log.
pub const STATEMENT_FILE: &str = "entry.json";

/// The file with the signatures of the statement.
pub const SIGNATURES_FILE: &str = "entry.sig";

/// The file with the checkpoint.
pub const CHECKPOINT_FILE: &str = "checkpoint";

/// The file with the state.
pub const STATE_FILE: &str = "state";

/// A statement in its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What it says.
    pub statement: Statement,
    /// Its id.
    pub id: Digest,
    /// Its hash in the tree.
    pub leaf: Hash,
    /// Its place, from 0.
    pub index: u64,
    /// What holds after it.
    pub state: State,
}

impl Entry {
    /// Puts a statement behind what is recorded. `last` is as in [`State::after`].
    ///
    /// # Errors
    /// Why it can't follow.
    pub fn behind(
        state: &State,
        statement: Statement,
        last: Option<ObjectId>,
    ) -> Result<Self, String> {
        let bytes = statement.bytes();
        if bytes.len() > MOST_BYTES {
            return Err(format!("the statement is longer than {MOST_BYTES} bytes"));
        }
        let (id, leaf) = (Digest::of(&bytes), leaf(&bytes));
        let next = state.after(&statement, (&id, leaf), last)?;
        Ok(Entry { statement, id, leaf, index: state.tree.size(), state: next })
    }

    /// Whether it is what comes behind what is recorded. `last` is as in [`State::after`].
    ///
    /// # Errors
    /// Why it can't follow.
    pub fn follows(&self, state: &State, last: Option<ObjectId>) -> Result<bool, String> {
        let next = state.after(&self.statement, (&self.id, self.leaf), last)?;
        Ok(self.index == state.tree.size() && self.state == next)
    }

    /// Reads an entry from the files of its commit, and checks that they agree with each other.
    ///
    /// # Errors
    /// Why they can't be read.
    pub fn read(bytes: &[u8], checkpoint: &str, state: &str) -> Result<Self, Unreadable> {
        let malformed = |why: String| Unreadable::Malformed(why);
        let statement = Statement::read(bytes)?;
        let size = checkpoint.lines().nth(1).and_then(|size| size.parse::<u64>().ok());
        let size = size.filter(|size| *size > 0);
        let size = size.ok_or_else(|| malformed("its checkpoint has no size".to_owned()))?;
        let state = State::read(state, size).map_err(malformed)?;
        let (id, leaf) = (Digest::of(bytes), leaf(bytes));
        let entry = Entry { statement, id, leaf, index: size - 1, state };
        match checkpoint.starts_with(&entry.checkpoint()) {
            true => Ok(entry),
            false => Err(malformed("its checkpoint is that of another log or state".to_owned())),
        }
    }

    /// Returns the checkpoint without signatures: origin, size and root, then an empty line.
    pub fn checkpoint(&self) -> String {
        let tree = &self.state.tree;
        format!("{}\n{}\n{}\n\n", self.statement.predicate.origin, tree.size(), tree.root())
    }

    /// Returns the files of its commit, without signatures, sorted by name.
    pub fn files(&self) -> [(&'static str, Vec<u8>); 3] {
        [
            (CHECKPOINT_FILE, self.checkpoint().into_bytes()),
            (STATEMENT_FILE, self.statement.bytes()),
            (STATE_FILE, self.state.text().into_bytes()),
        ]
    }

    /// Returns the log up to it, as those who see it name it.
    pub fn seen(&self) -> Seen {
        Seen { size: self.state.tree.size(), root: self.state.tree.root() }
    }

    /// Returns the message of its commit.
    pub fn message(&self) -> String {
        message(&self.statement, &self.id, self.index, &self.state.tree.root().to_string())
    }
}
