//! The operations log of a repository on GitHub, as its pull requests are judged by it.

use std::collections::BTreeSet;

use anyhow::{Context as _, bail};

use super::collect::state;
use super::identity::Identities;
use super::snapshot::Tip;
use super::types::{Pull, Review};
use super::{GitHub, name};
use crate::content::request_with_id;
use crate::core::evidence::{Footprint, Incident, LogEvidence, ReviewState};
use crate::core::org::Org;
use crate::core::request::ChangeRequest;
use crate::core::terms::TicketId;
use crate::core::time::Time;
use crate::forge;
use crate::git::Oid;
use crate::operations::{Log, OPERATIONS, Rules, Seen};

impl GitHub {
    /// Fetches the operations log, and returns its tip; `None` if there is none.
    ///
    /// # Errors
    /// When it can't be fetched.
    pub fn fetch_log(&self) -> anyhow::Result<Option<Oid>> {
        // git fails if a branch that is named isn't there; a pattern can match nothing.
        self.own_source().fetch_heads(&[&format!("{OPERATIONS}*")], &[])?;
        self.fetched_tip(OPERATIONS)
    }

    /// Returns the log's tip, after fetching it if necessary, where GitHub `shows` one.
    pub(super) fn log_tip(&self, shows: Option<&Tip>) -> anyhow::Result<Option<Oid>> {
        match shows {
            None => Ok(None),
            Some(tip) if self.remote.holds(tip)? => Ok(Some(tip.commit)),
            Some(_) => self.fetch_log(),
        }
    }

    /// Returns the log up to a commit, beside a branch with this tip; `None` where its events aren't judged
    /// by that branch.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn log_beside(&self, base: Oid, tip: Oid) -> anyhow::Result<Option<Log<'_>>> {
        let read = || Log::read(Rules::at(self.repo(), base)?, tip);
        let Ok(log) = read()? else { return Ok(None) };
        let heads = log.missed_heads();
        if heads.is_empty() {
            return Ok(Some(log));
        }
        self.bring(&heads);
        Ok(read()?.ok())
    }

    /// Fetches commits of pull requests, which GitHub keeps whatever becomes of their branches, as far as it
    /// has them.
    pub fn bring(&self, heads: &BTreeSet<String>) {
        let heads: BTreeSet<_> = heads.iter().map(String::as_str).collect();
        self.remote.fetch_commits(&self.own_source(), &heads);
    }

    /// Returns what matters of the log up to a commit, beside a branch with this tip.
    pub(super) fn log_seen(&self, base: Oid, tip: Option<Oid>) -> anyhow::Result<Option<Seen>> {
        let Some(tip) = tip else { return Ok(None) };
        if let Some(seen) = self.seen.borrow().get(&(base, tip)) {
            return Ok(seen.clone());
        }
        let log = self.log_beside(base, tip)?;
        let seen = log.map(|_| Seen::read(self.repo(), base, tip)).transpose()?;
        self.seen.borrow_mut().insert((base, tip), seen.clone());
        Ok(seen)
    }

    /// Returns what the log says about the change with the request at a path, and of the incident that that
    /// names, as far as it knows it: nothing where there is no log. Of the merged changes in its way, those
    /// that are closed or cancelled are taken out.
    pub(super) fn logged(
        &self,
        pull: &forge::Pull,
        about: (Option<&str>, Option<&ChangeRequest>),
        in_the_way: &mut Vec<Footprint>,
        (org, now): (&Org, Time),
    ) -> anyhow::Result<(Option<LogEvidence>, Option<Incident>)> {
        let Some(seen) = self.log_seen(pull.base, pull.log)? else { return Ok((None, None)) };
        let is_refused = |change: &TicketId| {
            let head = seen.opened_from(self.repo(), change)?;
            self.is_refused(change, head.as_deref(), (org, now))
        };
        seen.about(self.repo(), about, in_the_way, &is_refused, now)
    }

    /// Whether the pull request with a change was closed, before a time, while somebody requests changes:
    /// what was executed of it, from the commit `head`, is never signed.
    ///
    /// # Errors
    /// When GitHub can't be reached or refuses.
    pub fn is_refused(
        &self,
        change: &TicketId,
        head: Option<&str>,
        (org, now): (&Org, Time),
    ) -> anyhow::Result<bool> {
        let branch = format!("{}{change}", forge::git::CHANGE);
        let is_its = |pull: &&Pull| {
            let is_own = pull.head.branch == branch && pull.head.repo == pull.base.repo;
            is_own || head == Some(pull.head.sha.as_str())
        };
        if self.open_pulls()?.iter().any(|pull| is_its(&pull)) {
            return Ok(false);
        }
        let path = self.repository.path(&["pulls"]);
        let path = format!("{path}?state=closed&sort=updated&direction=desc&per_page=100");
        let closed: Vec<Pull> = self.client.run(self.client.get(&path))?;
        let Some(pull) = closed.iter().find(is_its) else { return Ok(false) };
        let is_closed = pull.closed_at.is_some_and(|at| at <= now) && pull.merged_at.is_none();
        if !is_closed {
            return Ok(false);
        }
        let path = self.repository.path(&["pulls", &pull.number.to_string(), "reviews"]);
        let reviews: Vec<Review> = self
            .client
            .run(self.client.list(&path))
            .with_context(|| format!("cannot read the reviews of {}", name(pull.number)))?;
        let people = Identities::of(&org.roster, &[], self.repo(), self.client.site());
        let mut objecting = BTreeSet::new();
        for review in reviews.iter().filter(|it| it.submitted_at.is_some_and(|at| at <= now)) {
            let login = review.user.as_ref().and_then(|user| people.login(user));
            let Some(login) = login.filter(|it| org.roster.people.contains_key(it)) else {
                continue;
            };
            match state(&review.state) {
                ReviewState::ChangesRequested => _ = objecting.insert(login),
                ReviewState::Approved => _ = objecting.remove(&login),
                // What was dismissed lifts no other objection.
                _ => {}
            }
        }
        Ok(!objecting.is_empty())
    }

    /// Returns the number of the open pull request to a branch, by somebody of the roster, that brings the
    /// request with an id; `None` if there is none.
    ///
    /// # Errors
    /// When GitHub can't be reached or refuses, or when there are several.
    pub fn open_pull_with(
        &self,
        id: &TicketId,
        base_ref: &str,
        org: &Org,
    ) -> anyhow::Result<Option<u64>> {
        let open = self.open_pulls()?;
        let people = Identities::of(&org.roster, &[], self.repo(), self.client.site());
        let is_known = |pull: &&Pull| {
            let author = pull.user.as_ref().and_then(|user| people.login(user));
            author.is_some_and(|author| org.roster.people.contains_key(&author))
        };
        let open = open.iter().filter(|pull| pull.base.branch == base_ref).filter(is_known);
        let open: Vec<_> = open.collect();
        let missing = super::facts::missing(self, open.iter().copied());
        self.own_source().fetch_heads_if_possible(&missing);
        let mut found = Vec::new();
        for pull in open {
            let Some(head) = self.remote.commit(&pull.head.sha) else { continue };
            if request_with_id(self.repo(), head, id)?.is_some() {
                found.push(pull);
            }
        }
        let branch = format!("{}{id}", forge::git::CHANGE);
        let own = found.iter().find(|it| it.head.branch == branch && it.head.repo == it.base.repo);
        match (own, &found[..]) {
            (Some(pull), _) | (None, [pull]) => Ok(Some(pull.number)),
            (None, []) => {
                // Who waits for one asks again.
                self.open.borrow_mut().take();
                Ok(None)
            }
            (None, several) => {
                let names: Vec<_> = several.iter().map(|pull| name(pull.number)).collect();
                bail!(
                    "several open pull requests hold {id}: {}; close all but one",
                    super::listed(&names)
                )
            }
        }
    }
}
