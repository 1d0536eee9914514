//! The operations log: a branch whose commits each append one event, with its proof.
//!
//! Nothing rests on a commit's own author, date or signature: what counts is in the event and proven
//! beside it, so that who loses a race builds the commit again around the same event, and anybody may
//! bring what was recorded offline. A commit that is anything else, or whose event doesn't hold, is
//! foreign: it is passed over, and what follows takes its files from the last commit that holds.

use std::collections::BTreeSet;

use anyhow::{Context as _, ensure};

use crate::content::{SKEW, request_with_id};
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
use crate::git::{Entry, Kind, Oid, Program, Repo};
use crate::ledger::oid;

mod proven;
mod rules;
mod walked;

pub use proven::NAMESPACE;
pub use rules::Rules;
use walked::Walked;

/// The branch with the log.
pub const OPERATIONS: &str = "audit/operations";

/// The most lines of a file: beyond it only what closes is taken.
const MOST_LINES: usize = 2_000;

/// The operations log, as far as it was read.
pub struct Log<'r> {
    rules: Rules<'r>,
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
    /// The file that it is appended to, as it is afterwards.
    file: (String, String),
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
}

impl<'r> Log<'r> {
    /// Reads a log up to a commit, from where it was read here last; `Err` within says why it isn't one.
    ///
    /// # Errors
    /// When the repository can't be read.
    pub fn read(rules: Rules<'r>, tip: Oid) -> anyhow::Result<Result<Self, String>> {
        let known = Walked::of(rules.repo);
        let (mut unread, mut next) = (Vec::new(), Some(tip));
        let known_tip = known.as_ref().and_then(Walked::tip);
        while let Some(commit) = next.filter(|commit| Some(*commit) != known_tip) {
            unread.push(commit);
            next = rules.repo.parent(commit)?;
        }
        let goes_on = next.is_some();
        let resumed = match known.filter(|_| goes_on) {
            Some(known) => Self::resumed(rules, &known)?,
            None => Err(rules),
        };
        let mut log = match resumed {
            Ok(log) => log,
            Err(rules) => {
                if goes_on {
                    unread = rules.repo.first_parents(tip)?;
                }
                let first = unread.pop().context("a branch has a commit")?;
                match Self::begun(rules, first)? {
                    Ok(log) => log,
                    Err(why) => return Ok(Err(why)),
                }
            }
        };
        let place = |log: &Self| (log.tip, log.last, log.foreign.len());
        let mut sure = place(&log);
        for commit in unread.into_iter().rev() {
            log.follow(commit)?;
            // What was judged by a commit that isn't here may hold once that is.
            if !log.rules.has_missed.get() {
                sure = place(&log);
            }
        }
        let (tip, last, foreign) = sure;
        Walked::up_to((tip, last), &log.foreign[..foreign]).keep(log.rules.repo);
        Ok(Ok(log))
    }

    /// Returns a log as it was read earlier, or the rules where that can't be used.
    fn resumed(rules: Rules<'r>, known: &Walked) -> anyhow::Result<Result<Self, Rules<'r>>> {
        let (Some(tip), Some(last), Some(foreign)) = (known.tip(), known.last(), known.foreign())
        else {
            return Ok(Err(rules));
        };
        let repo = rules.repo;
        let (state, text) = (file(repo, last, STATE)?, file(repo, last, lines::LOG)?);
        let open = state.and_then(|text| Open::read(&text).ok());
        let events = text.and_then(|text| lines::read(&text).ok());
        let (Some(open), Some(events)) = (open, events) else { return Ok(Err(rules)) };
        let keys = events.into_iter().filter_map(|(event, _)| match event.what() {
            What::Keys(keys) => Some(keys.clone()),
            _ => None,
        });
        let keys = keys.collect();
        Ok(Ok(Log { rules, tip, last, open, keys, foreign }))
    }

    /// Returns the events that hold on a log, with their proofs and in its order, but for the first.
    ///
    /// # Errors
    /// When the repository can't be read, or it isn't a log.
    pub fn all(rules: Rules<'r>, tip: Oid) -> anyhow::Result<Vec<(Event, Proof)>> {
        let line = rules.repo.first_parents(tip)?;
        let mut commits = line.into_iter().rev();
        let first = commits.next().context("a branch has a commit")?;
        let mut log = Self::begun(rules, first)?.map_err(anyhow::Error::msg)?;
        let mut events = Vec::new();
        for commit in commits {
            events.extend(log.follow(commit)?.map(|next| (next.event, next.proof)));
        }
        Ok(events)
    }

    /// Reads the first commit of a log.
    fn begun(rules: Rules<'r>, first: Oid) -> anyhow::Result<Result<Self, String>> {
        let repo = rules.repo;
        let foreign =
            |why: &str| Ok(Err(format!("{OPERATIONS} doesn't begin as a log does: {why}")));
        let Some(text) = file(repo, first, lines::LOG)? else {
            return foreign("its first commit holds no log.jsonl");
        };
        let events = match lines::read(&text) {
            Ok(events) => events,
            Err(why) => return foreign(&why.to_string()),
        };
        let [(event, proof)] = &events[..] else {
            return foreign("it doesn't begin with one event");
        };
        if let Some(why) = rules.refuses(event, proof, &Life::default(), &[])? {
            return foreign(&why);
        }
        let open = Open::new(event.id().clone());
        let expected = [(lines::LOG, text.as_str()), (STATE, &open.text())];
        let is_it = matches!(event.what(), What::Genesis(_))
            && holds_just(repo, None, first, &expected)?
            && repo.commit(first)?.message == message(event);
        if !is_it {
            return foreign("its first commit isn't that of a genesis");
        }
        let (keys, foreign) = (Vec::new(), Vec::new());
        Ok(Ok(Log { rules, tip: first, last: first, open, keys, foreign }))
    }

    /// Reads the next commit, and returns what it appends; `None` if it is foreign.
    ///
    /// # Errors
    /// When the repository can't be read.
    pub fn follow(&mut self, commit: Oid) -> anyhow::Result<Option<Next>> {
        let next = self.appended(commit)?;
        self.tip = commit;
        match next {
            Ok(next) => {
                self.last = commit;
                self.open = next.open.clone();
                if let What::Keys(keys) = next.event.what() {
                    self.keys.push(keys.clone());
                }
                Ok(Some(next))
            }
            Err(why) => {
                self.foreign.push(Foreign { commit, why });
                Ok(None)
            }
        }
    }

    /// Returns what a commit behind the tip appends, or why it is foreign.
    ///
    /// # Errors
    /// When the repository can't be read.
    pub fn appended(&self, commit: Oid) -> anyhow::Result<Result<Next, String>> {
        let repo = self.rules.repo;
        let held = repo.commit(commit)?;
        if held.parents != [self.tip] {
            return Ok(Err("it has several parents".to_owned()));
        }
        let changes = repo.changes(Some(self.last), commit)?;
        let mut appended = changes.iter().filter(|change| change.path != STATE);
        let (Some(change), None) = (appended.next(), appended.next()) else {
            return Ok(Err("it doesn't append to one file".to_owned()));
        };
        let before = file(repo, self.last, &change.path)?.unwrap_or_default();
        let Some(after) = file(repo, commit, &change.path)? else {
            return Ok(Err(format!("{} isn't a file of text", change.path)));
        };
        let Some(added) = after.strip_prefix(&before) else {
            return Ok(Err(format!("{} isn't appended to", change.path)));
        };
        let added = match lines::read(added) {
            Ok(added) => added,
            Err(why) => return Ok(Err(why.why)),
        };
        let Ok([(event, proof)]) = <[_; 1]>::try_from(added) else {
            return Ok(Err("it doesn't append one event".to_owned()));
        };
        let next = match self.next(event, proof)? {
            Ok(next) => next,
            Err(why) => return Ok(Err(why)),
        };
        let (path, text) = &next.file;
        let expected = [(path.as_str(), text.as_str()), (STATE, &next.open.text())];
        if !holds_just(repo, Some(self.last), commit, &expected)? {
            return Ok(Err("its files aren't what follows from its event".to_owned()));
        }
        if held.message != message(&next.event) {
            return Ok(Err("its message isn't that of its event".to_owned()));
        }
        Ok(Ok(next))
    }

    /// Returns what an event comes to behind the last one that holds, or why it doesn't hold.
    ///
    /// # Errors
    /// When the repository can't be read.
    pub fn next(&self, event: Event, proof: Proof) -> anyhow::Result<Result<Next, String>> {
        if event.head().log.as_ref() != Some(&self.open.log) {
            return Ok(Err("it is an event of another log".to_owned()));
        }
        let path = lines::path(&event);
        let before = file(self.rules.repo, self.last, &path)?.unwrap_or_default();
        let known = self.events(&path)?;
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
        let life = self.life_of(&known);
        if let Some(why) = self.rules.refuses(&event, &proof, &life, &self.keys)? {
            return Ok(Err(why));
        }
        let (at, offline) = (event.head().at, event.head().offline);
        let is_open = |incident: &TicketId| match offline {
            true => self.was_open(incident, at),
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
        let file = (path, before + &lines::text(&event, &proof));
        Ok(Ok(Next { event, proof, life, open, file }))
    }

    /// Returns what has happened to a change, or under an incident.
    ///
    /// # Errors
    /// When the repository can't be read.
    pub fn life(&self, about: About<'_>) -> anyhow::Result<Life> {
        Ok(self.life_of(&self.events(&about.path())?))
    }

    fn life_of(&self, events: &[Event]) -> Life {
        Life::of(events, &|incident, at| self.was_open(incident, at))
    }

    /// Whether an incident was open at a time, by the dates of its events.
    fn was_open(&self, incident: &TicketId, at: Time) -> bool {
        let life = self.life(About::Incident(incident)).unwrap_or_default();
        life.incident.is_some_and(|it| {
            it.opened.head.at <= at && it.resolved.is_none_or(|(resolved, _)| at < resolved)
        })
    }

    /// Returns the events of a file, in order of arrival.
    ///
    /// # Errors
    /// When the repository can't be read.
    pub fn events(&self, path: &str) -> anyhow::Result<Vec<Event>> {
        let text = file(self.rules.repo, self.last, path)?.unwrap_or_default();
        let events =
            lines::read(&text).with_context(|| format!("cannot read {path} of the log"))?;
        Ok(events.into_iter().map(|(event, _)| event).collect())
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
        let (path, text) = &next.file;
        let files = [(path.as_str(), text.as_str()), (STATE, &next.open.text())];
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
        let refused = rules.refuses(event, proof, &Life::default(), &[])?;
        ensure!(refused.is_none(), "{}", refused.unwrap_or_default());
        let (log, state) = (lines::text(event, proof), Open::new(event.id().clone()).text());
        let files = [(lines::LOG, log.as_str()), (STATE, state.as_str())];
        commit(rules.repo, program, None, &files, event)
    }

    /// Returns the last commit that was read.
    pub fn tip(&self) -> Oid {
        self.tip
    }

    /// Returns what is open.
    pub fn open(&self) -> &Open {
        &self.open
    }

    /// Returns the commits that don't count.
    pub fn foreign(&self) -> &[Foreign] {
        &self.foreign
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

/// Returns the text of a regular file at a commit; `None` if there is none.
fn file(repo: &Repo, commit: Oid, path: &str) -> anyhow::Result<Option<String>> {
    match repo.entry(commit, path)? {
        Some(Entry { kind: Kind::File, id }) => Ok(String::from_utf8(repo.bytes(id)?).ok()),
        _ => Ok(None),
    }
}

/// Whether a commit holds what another one does, but for these files, which it holds so.
fn holds_just(
    repo: &Repo,
    before: Option<Oid>,
    commit: Oid,
    files: &[(&str, &str)],
) -> anyhow::Result<bool> {
    for (path, text) in files {
        if file(repo, commit, path)?.as_deref() != Some(text) {
            return Ok(false);
        }
    }
    let names: BTreeSet<_> = files.iter().map(|(path, _)| *path).collect();
    let changes = repo.changes(before, commit)?;
    Ok(changes.iter().all(|change| names.contains(change.path.as_str())))
}
