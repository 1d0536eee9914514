//! What merges came to that no ledger records: each is judged once more, as of its own time, which takes a while.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use super::kept::Kept;
use crate::git::Oid;

/// The name under which it is kept.
const JUDGED: &str = "judged";

/// What was judged: of a merge with the name of its change, by which reviews, and why it went around the rules if it
/// did.
type Known = HashMap<String, (Option<String>, Option<String>)>;

/// What merges came to. It is kept for the next time when it is dropped.
pub(super) struct Judged {
    known: RefCell<Option<Known>>,
    is_new: Cell<bool>,
    kept: Option<Kept>,
}

impl Judged {
    pub(super) fn of(kept: Option<Kept>) -> Self {
        Judged { known: RefCell::default(), is_new: Cell::new(false), kept }
    }

    /// Returns why a merge of a change went around the rules, as far as that is known by these reviews, or else as
    /// it is judged.
    ///
    /// # Errors
    /// When it can't be judged.
    pub(super) fn get(
        &self,
        (name, merge): (&str, Oid),
        reviews: Option<Oid>,
        judge: impl FnOnce() -> anyhow::Result<Option<String>>,
    ) -> anyhow::Result<Option<String>> {
        let mut known = self.known.borrow_mut();
        let kept = || self.kept.as_ref().and_then(|kept| kept.read(JUDGED)).unwrap_or_default();
        let known = known.get_or_insert_with(kept);
        let (key, reviews) = (format!("{merge} {name}"), reviews.map(|tip| tip.to_string()));
        if let Some((_, why)) = known.get(&key).filter(|(by, _)| *by == reviews) {
            return Ok(why.clone());
        }
        let why = judge()?;
        known.insert(key, (reviews, why.clone()));
        self.is_new.set(true);
        Ok(why)
    }
}

impl Drop for Judged {
    fn drop(&mut self) {
        let known = self.known.borrow();
        if let (true, Some(kept), Some(known)) = (self.is_new.get(), &self.kept, &*known) {
            kept.write(JUDGED, known);
        }
    }
}
