//! By what events are judged: the base branch, and the tables and requests at its commits.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use super::proven::unproven;
use super::{About, Entry, Event, Keys, Life, Oid, Proof, Repo, What, Writing, oid};
use crate::content::{Requests, bundle_files, request_in, short};
use crate::core::layout::POLICIES;
use crate::core::operations::kinds::ProvenBy;
use crate::core::operations::open::OpenIncident;
use crate::core::org::Org;
use crate::core::policy::PolicyBundle;
use crate::core::request::ChangeRequest;
use crate::core::terms::TicketId;

/// The base branch by which events are judged, and what was read of it.
pub struct Rules<'r> {
    pub(super) repo: &'r Repo,
    tip: Oid,
    /// The base's first-parent line, as far as it was read.
    line: RefCell<Line>,
    /// Whether an event was judged by a commit that isn't of the line as it is known here.
    pub(super) has_missed: Cell<bool>,
    /// Where the requests are.
    requests: Requests<'r>,
    /// The request that was read last, by its path and the id of its content.
    last: RefCell<Option<Read>>,
    /// The commits of open changes from which something was executed, and that aren't here.
    pub(super) missed_heads: RefCell<BTreeSet<String>>,
    /// The tables of policies by the id of their folder; `None` if they can't be read.
    tables: RefCell<HashMap<Option<Oid>, Option<Rc<Org>>>>,
}

/// A request that was read, by its path and the id of its content; `None` if it can't be.
type Read = ((String, Entry), Option<Rc<ChangeRequest>>);

/// A first-parent line, read from its tip as far as it takes to find a commit.
#[derive(Default)]
struct Line {
    /// The place of each of its commits, the newest first.
    places: HashMap<Oid, usize>,
    /// The next commit to be read, with the tip first; `None` behind the first commit of all.
    next: Option<Oid>,
}

impl Line {
    /// Returns the place of a commit; `None` if it isn't part of the line.
    fn place(&mut self, repo: &Repo, wanted: Oid) -> anyhow::Result<Option<usize>> {
        while let Some(commit) = self.next.filter(|_| !self.places.contains_key(&wanted)) {
            self.places.insert(commit, self.places.len());
            self.next = repo.parent(commit)?;
        }
        Ok(self.places.get(&wanted).copied())
    }
}

impl<'r> Rules<'r> {
    /// Judges by the base with this tip.
    ///
    /// # Errors
    /// When there is no such commit.
    pub fn at(repo: &'r Repo, tip: Oid) -> anyhow::Result<Self> {
        repo.commit(tip)?;
        let line = RefCell::new(Line { next: Some(tip), ..Line::default() });
        let (has_missed, missed_heads, last, tables) = Default::default();
        let requests = Requests::of(repo);
        Ok(Rules { repo, tip, line, has_missed, requests, last, missed_heads, tables })
    }

    /// Returns the repository.
    pub fn repo(&self) -> &'r Repo {
        self.repo
    }

    /// Returns the tip of the base.
    pub fn tip(&self) -> Oid {
        self.tip
    }

    /// Returns whether a commit of the base's line is older than another.
    ///
    /// # Errors
    /// When the repository can't be read.
    pub(super) fn is_older(&self, commit: Oid, other: Oid) -> anyhow::Result<bool> {
        let mut line = self.line.borrow_mut();
        let (place, other) = (line.place(self.repo, commit)?, line.place(self.repo, other)?);
        Ok(place.zip(other).is_some_and(|(place, other)| place > other))
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
        incidents: &[OpenIncident],
        keys: &[Keys],
    ) -> anyhow::Result<Option<String>> {
        let head = event.head();
        let base = oid(&head.base)?;
        let mut line = self.line.borrow_mut();
        let is_of_base = line.place(self.repo, base)?.is_some();
        drop(line);
        if !is_of_base {
            self.has_missed.set(true);
            return Ok(Some(format!("it was judged by {}, which isn't of the base", short(base))));
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
        if lease.is_some_and(|until| until <= head.at) {
            return Ok(Some("its lease is over before it begins".to_owned()));
        }
        let request = self.request(event, base, life)?;
        // What somebody heard comes before the request, where nobody can be reached.
        let needs_none = matches!(event.what(), What::Commander(_));
        if matches!(event.about(), Some(About::Change(_))) && request.is_none() && !needs_none {
            return Ok(Some(
                "there is no request of this id: `changegate list --state all` shows what there is"
                    .to_owned(),
            ));
        }
        Ok(Writing { org: &org, request: request.as_deref(), life, incidents }.refuses(event))
    }

    /// Returns why it isn't proven who wrote an event by the roster at a commit of the base.
    ///
    /// # Errors
    /// When the repository can't be read.
    pub(super) fn unproven_at(
        &self,
        commit: Oid,
        event: &Event,
        proof: &Proof,
        keys: &[Keys],
    ) -> anyhow::Result<Option<String>> {
        Ok(match self.org(commit)? {
            Some(org) => unproven(event, proof, &org, keys),
            None => Some(format!("the policies at {} can't be read", short(commit))),
        })
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

    /// Returns the request that an event is about: that at its base, or that of the open change from which
    /// it, or the first event before it, was executed.
    fn request(
        &self,
        event: &Event,
        base: Oid,
        life: &Life,
    ) -> anyhow::Result<Option<Rc<ChangeRequest>>> {
        let Some(About::Change(id)) = event.about() else { return Ok(None) };
        let own = match event.what() {
            What::Begin(it) if it.approval.proof == ProvenBy::Open => it.approval.at.clone(),
            What::Record(it) => it.open.as_ref().map(ToString::to_string),
            _ => None,
        };
        let found = match own {
            None => self.requests.find(base, id)?,
            Some(_) => None,
        };
        if let Some(found) = found {
            return self.read(found);
        }
        let Some(open) = own.or_else(|| life.opened_from()) else { return Ok(None) };
        let Some(commit) = self.repo.commit_with_id(&open) else {
            let merged = self.merged_as_executed(event, life, id)?;
            if merged.is_none() {
                // It holds once that change is here.
                self.has_missed.set(true);
                self.missed_heads.borrow_mut().insert(open);
            }
            return Ok(merged);
        };
        let found = self.requests.find(commit, id)?;
        found.map_or(Ok(None), |found| self.read(found))
    }

    /// Reads a request. Several events in a row are about one.
    fn read(&self, found: (String, Entry)) -> anyhow::Result<Option<Rc<ChangeRequest>>> {
        if let Some((_, request)) = self.last.borrow().as_ref().filter(|(last, _)| *last == found) {
            return Ok(request.clone());
        }
        let request = request_in(self.repo, Some(found.1), &found.0)?.0.request.map(Rc::new);
        self.last.replace(Some((found, request.clone())));
        Ok(request)
    }

    /// Returns the request on the base that was executed from an open change whose commits are gone: a forge
    /// that squashes them keeps its content.
    fn merged_as_executed(
        &self,
        event: &Event,
        life: &Life,
        id: &TicketId,
    ) -> anyhow::Result<Option<Rc<ChangeRequest>>> {
        let own = match event.what() {
            What::Begin(begin) => begin.material.as_ref(),
            _ => life.broke_glass().and_then(|it| it.begin.what.material.as_ref()),
        };
        let found = self.requests.find(self.tip, id)?;
        let merged = found.map_or(Ok(None), |found| self.read(found))?;
        Ok(merged.filter(|request| own == Some(&request.material_digest())))
    }
}
