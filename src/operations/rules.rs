//! By what events are judged: the base branch, and the tables and requests at its commits.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use super::proven::unproven;
use super::{
    About, Event, Keys, Life, Oid, Proof, Repo, SKEW, What, Writing, oid, request_with_id,
};
use crate::content::{bundle_files, short};
use crate::core::layout::POLICIES;
use crate::core::operations::kinds::ProvenBy;
use crate::core::org::Org;
use crate::core::policy::PolicyBundle;
use crate::core::request::ChangeRequest;

/// The base branch by which events are judged, and what was read of it.
pub struct Rules<'r> {
    pub(super) repo: &'r Repo,
    /// The place of each commit on the base's first-parent line, the newest being 0.
    places: HashMap<Oid, usize>,
    /// The line, the newest first.
    line: Vec<Oid>,
    /// Whether an event was judged by a commit that isn't of the line as it is known here.
    pub(super) has_missed: Cell<bool>,
    /// The tables of policies by the id of their folder; `None` if they can't be read.
    tables: RefCell<HashMap<Option<Oid>, Option<Rc<Org>>>>,
}

impl<'r> Rules<'r> {
    /// Reads the line of the base with this tip.
    ///
    /// # Errors
    /// When the repository can't be read.
    pub fn at(repo: &'r Repo, tip: Oid) -> anyhow::Result<Self> {
        let line = repo.first_parents(tip)?;
        let places = line.iter().enumerate().map(|(place, commit)| (*commit, place)).collect();
        Ok(Rules { repo, places, line, has_missed: Cell::default(), tables: RefCell::default() })
    }

    /// Returns the tip of the base.
    pub fn tip(&self) -> Oid {
        self.line[0]
    }

    /// Returns why an event doesn't hold whatever the log's order is: who wrote it isn't proven or may
    /// not, or it was judged by another base than there was.
    ///
    /// # Errors
    /// When the repository can't be read.
    pub(super) fn refuses(
        &self,
        event: &Event,
        proof: &Proof,
        life: &Life,
        keys: &[Keys],
    ) -> anyhow::Result<Option<String>> {
        let head = event.head();
        let base = oid(&head.base)?;
        let Some(place) = self.places.get(&base) else {
            self.has_missed.set(true);
            return Ok(Some(format!("it was judged by {}, which isn't of the base", short(base))));
        };
        if let Some(place) = place.checked_sub(1).filter(|_| !head.offline)
            && self.repo.commit(self.line[place])?.time + SKEW < head.at
        {
            return Ok(Some(format!("it was judged by {}, which was old by then", short(base))));
        }
        let Some(org) = self.org(base)? else {
            return Ok(Some(format!("the policies at {} can't be read", short(base))));
        };
        if let Some(why) = unproven(event, proof, &org, keys) {
            return Ok(Some(why));
        }
        let lease = match event.what() {
            What::Begin(it) => Some(it.lease_until),
            What::Renew(it) => Some(it.lease_until),
            _ => None,
        };
        let longest = org.settings.execution.lease;
        if lease.is_some_and(|until| until > head.at + longest) {
            return Ok(Some(format!("its lease is longer than {}", longest.for_people())));
        }
        let request = self.request(event, base)?;
        if matches!(event.about(), Some(About::Change(_))) && request.is_none() {
            return Ok(Some("there is no request of this id".to_owned()));
        }
        Ok(Writing { org: &org, request: request.as_ref(), life }.refuses(event))
    }

    /// Returns the tables at a commit of the base; `None` if they can't be read.
    ///
    /// # Errors
    /// When the repository can't be read.
    pub fn org(&self, commit: Oid) -> anyhow::Result<Option<Rc<Org>>> {
        let tree = self.repo.entry(commit, POLICIES)?.map(|entry| entry.id);
        if let Some(known) = self.tables.borrow().get(&tree) {
            return Ok(known.clone());
        }
        let files = bundle_files(self.repo, commit).ok();
        let org = files.and_then(|files| PolicyBundle::tables(&files).ok()).map(Rc::new);
        self.tables.borrow_mut().insert(tree, org.clone());
        Ok(org)
    }

    /// Returns the request that an event is about: that at its base, under break-glass that of the open
    /// change.
    fn request(&self, event: &Event, base: Oid) -> anyhow::Result<Option<ChangeRequest>> {
        let Some(About::Change(id)) = event.about() else { return Ok(None) };
        let open = match event.what() {
            What::Begin(it) if it.approval.proof == ProvenBy::Open => it.approval.at.as_deref(),
            _ => None,
        };
        let open = open.and_then(|commit| self.repo.commit_with_id(commit));
        let found = request_with_id(self.repo, open.unwrap_or(base), id)?;
        Ok(found.and_then(|(_, file)| file.request))
    }
}
