//! The operations log: a branch whose commits each append one event, with its proof.
//!
//! Nothing rests on a commit's own author, date or signature: what counts is in the event and proven
//! beside it, so that who loses a race builds the commit again around the same event, and anybody may
//! bring what was recorded offline. A commit that is anything else, or whose event doesn't hold, is
//! foreign: it is passed over, and what follows takes its files from the last commit that holds.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;

use anyhow::{Context as _, ensure};

use crate::core::operations::event::{About, Event};
use crate::core::operations::kinds::{Keys, What};
use crate::core::operations::life::Life;
use crate::core::operations::lines;
use crate::core::operations::message::message;
use crate::core::operations::open::{Open, STATE};
use crate::core::operations::proof::Proof;
use crate::core::operations::writer::Writing;
use crate::core::terms::TicketId;
use crate::core::time::Time;
use crate::git::{Entry, Oid, Program, Repo};
use crate::ledger::oid;

mod facts;
mod held;
mod proven;
mod read;
mod recent;
mod rules;
mod seen;
mod templates;
mod then;
mod walked;

pub use facts::{Seen, logged, owed};
pub use held::Held;
pub use proven::NAMESPACE;
use recent::{HeldFile, Recent};
pub use rules::Rules;
pub use templates::suspending;
pub use walked::Walked;

/// The branch with the log.
pub const OPERATIONS: &str = "audit/operations";

/// The most lines of a file: beyond it only what closes is taken.
const MOST_LINES: usize = 2_000;

/// The operations log, as far as it was read.
pub struct Log<'r> {
    rules: Rules<'r>,
    /// The files that were read last at the last commit that holds.
    recent: Recent,
    /// The base of the last event that was written online, once it is known.
    judged_by: Cell<Option<Oid>>,
    /// The last commit that was read; the next one is put behind it.
    tip: Oid,
    /// The last commit that holds.
    last: Oid,
    open: Open,
    keys: Vec<Keys>,
    foreign: Vec<Foreign>,
}

/// A commit that doesn't count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// The commit.
    pub commit: Oid,
    /// Why.
    pub why: String,
}

/// An event that holds behind what a log holds.
pub struct Next {
    event: Event,
    proof: Proof,
    life: Life,
    open: Open,
    /// The path of the file that it is appended to, and what that held.
    path: String,
    before: Rc<HeldFile>,
}

impl Next {
    /// Returns the event.
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// Returns what has happened to the change or the incident with it.
    pub fn life(&self) -> &Life {
        &self.life
    }

    /// Returns the file that it is appended to, as it is afterwards.
    fn text(&self) -> String {
        format!("{}{}", self.before.text, lines::text(&self.event, &self.proof))
    }
}

impl<'r> Log<'r> {
    /// Returns what an event comes to behind the last one that holds, or why it doesn't hold.
    ///
    /// # Errors
    /// When the repository can't be read.
    pub fn next(&self, event: Event, proof: Proof) -> anyhow::Result<Result<Next, String>> {
        if event.head().log.as_ref() != Some(&self.open.log) {
            return Ok(Err("it is an event of another log".to_owned()));
        }
        let path = lines::path(&event);
        let before = self.recent.file(self.held(), &path)?;
        let known = &before.events;
        if known.iter().any(|it| it.id() == event.id()) {
            return Ok(Err("it is in the log already".to_owned()));
        }
        let closes = matches!(
            event.what(),
            What::End(_) | What::Outcome(_) | What::Resolved(_) | What::Voided(_)
        );
        if known.len() * 2 >= MOST_LINES && !closes {
            return Ok(Err(format!(
                "{path} has {MOST_LINES} lines: nothing is begun there any more"
            )));
        }
        if let Some(last) = self.last_base()? {
            let older = "it was judged by an older base than the event before it".to_owned();
            let why = match event.head().offline {
                // Its base is as old as who signs it says, and may be from before a key was stolen.
                true => self.rules.unproven_at(last, &event, &proof, &self.keys)?,
                false => self.rules.is_older(oid(&event.head().base)?, last)?.then_some(older),
            };
            if let Some(why) = why {
                return Ok(Err(why));
            }
        }
        let life = self.held().life_of(known);
        if let Some(why) =
            self.rules.refuses(&event, &proof, &life, &self.open.incidents, &self.keys)?
        {
            return Ok(Err(why));
        }
        let (at, offline) = (event.head().at, event.head().offline);
        let is_open = |incident: &TicketId| match offline {
            true => self.held().was_open(incident, at),
            false => self.open.is_open(incident),
        };
        let life = match event.about() {
            Some(_) => match life.after(&event, &is_open) {
                Ok(life) => life,
                Err(why) => return Ok(Err(why)),
            },
            None => life,
        };
        let open = match event.about() {
            Some(about) => self.open.clone().with(about, &life),
            None => self.open.clone(),
        };
        Ok(Ok(Next { event, proof, life, open, path, before }))
    }

    /// Returns the commit by which the last event was judged that was written online, as its commit's message
    /// says, which is that of the event; `None` if there is none.
    fn last_base(&self) -> anyhow::Result<Option<Oid>> {
        if let Some(known) = self.judged_by.get() {
            return Ok(Some(known));
        }
        let mut next = Some(self.last);
        while let Some(commit) = next {
            let held = self.rules.repo.commit(commit)?;
            let mut lines = held.message.lines();
            let is_offline = lines.nth(2).is_some_and(|it| it.ends_with(", recorded offline."));
            if !is_offline && !self.foreign.iter().any(|it| it.commit == commit) {
                let base = lines.rev().find_map(|line| line.strip_prefix("Base: "));
                let base = base.and_then(|base| Oid::from_str(base).ok());
                self.judged_by.set(base);
                return Ok(base);
            }
            next = held.parents.first().copied();
        }
        Ok(None)
    }

    /// Returns what has happened to a change, or under an incident.
    ///
    /// # Errors
    /// When the repository can't be read.
    pub fn life(&self, about: About<'_>) -> anyhow::Result<Life> {
        self.held().life(about)
    }

    /// Returns the events of a file, in order of arrival.
    ///
    /// # Errors
    /// When the repository can't be read.
    pub fn events(&self, path: &str) -> anyhow::Result<Vec<Event>> {
        self.held().events(path)
    }

    /// Returns the files that it holds.
    pub fn held(&self) -> Held<'r> {
        Held { repo: self.rules.repo, commit: self.last }
    }

    /// Returns the events whose ids begin with these digits.
    ///
    /// # Errors
    /// When the repository can't be read.
    pub fn find(&self, digits: &str) -> anyhow::Result<Vec<Event>> {
        let mut found = Vec::new();
        for folder in ["changes", "incidents"] {
            for (path, _) in self.rules.repo.files_below(self.last, folder)? {
                let events = self.events(&path)?.into_iter();
                let is_it = |event: &Event| String::from(event.id().clone()).starts_with(digits);
                found.extend(events.filter(is_it));
            }
        }
        Ok(found)
    }

    /// Whether it holds an event.
    pub fn holds(&self, event: &Event) -> bool {
        let events = self.events(&lines::path(event));
        events.is_ok_and(|events| events.iter().any(|it| it.id() == event.id()))
    }

    /// Makes the commit of an event behind the tip, and counts it in.
    ///
    /// # Errors
    /// When the repository can't be written.
    pub fn append(&mut self, program: &Program, next: Next) -> anyhow::Result<Oid> {
        let files = [(next.path.as_str(), &*next.text()), (STATE, &next.open.text())];
        let commit =
            commit(self.rules.repo, program, Some((self.last, self.tip)), &files, &next.event)?;
        ensure!(self.follow(commit)?.is_some(), "the event can't be read as it was written");
        Ok(commit)
    }

    /// Makes the first commit of a log.
    ///
    /// # Errors
    /// When the event doesn't hold, or the repository can't be written.
    pub fn begin(
        rules: &Rules<'_>,
        program: &Program,
        event: &Event,
        proof: &Proof,
    ) -> anyhow::Result<Oid> {
        let refused = rules.refuses(event, proof, &Life::default(), &[], &[])?;
        ensure!(refused.is_none(), "{}", refused.unwrap_or_default());
        let (log, state) = (lines::text(event, proof), Open::new(event.id().clone()).text());
        let files = [(lines::LOG, log.as_str()), (STATE, state.as_str())];
        commit(rules.repo, program, None, &files, event)
    }

    /// Returns when it began.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn began_at(&self) -> anyhow::Result<Time> {
        let events = self.events(lines::LOG)?;
        Ok(events.first().context("a log begins with an event")?.head().at)
    }

    /// Returns the last commit that was read.
    pub fn tip(&self) -> Oid {
        self.tip
    }

    /// Returns the last commit that holds.
    pub fn last(&self) -> Oid {
        self.last
    }

    /// Whether an event was judged by a commit that isn't of the base as it is known here, so that it may
    /// hold where that is.
    pub fn has_missed(&self) -> bool {
        self.rules.has_missed.get()
    }

    /// Returns what is open.
    pub fn open(&self) -> &Open {
        &self.open
    }

    /// Returns the keys of issuers that count.
    pub fn keys(&self) -> &[Keys] {
        &self.keys
    }

    /// Returns the commits that don't count.
    pub fn foreign(&self) -> &[Foreign] {
        &self.foreign
    }

    /// Returns the commits of open changes from which something was executed, and that aren't here.
    pub fn missed_heads(&self) -> BTreeSet<String> {
        self.rules.missed_heads.borrow().clone()
    }

    /// Returns what its events are judged by.
    pub fn rules(&self) -> &Rules<'r> {
        &self.rules
    }
}

/// Makes the commit of an event: its files, in the tree of the last commit that holds, behind the tip.
fn commit(
    repo: &Repo,
    program: &Program,
    behind: Option<(Oid, Oid)>,
    files: &[(&str, &str)],
    event: &Event,
) -> anyhow::Result<Oid> {
    let mut entries = Vec::new();
    for (path, text) in files {
        entries.push((*path, Some(Entry::file(repo.store(text.as_bytes())?))));
    }
    let tree = repo.store_tree(behind.map(|(last, _)| last), entries)?;
    let who = event.head().by.to_string();
    let program = program.clone().as_person(&who, &who).dated(event.head().at);
    let parents: Vec<_> = behind.map(|(_, tip)| tip).into_iter().collect();
    program.commit(tree, &parents, &message(event), false)
}
