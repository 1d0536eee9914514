//! Reads a log commit by commit: what each appends, or why it is foreign.

use anyhow::Context as _;

use super::walked::Walked;
use super::{Foreign, Log, Next, OPERATIONS, Rules};
use crate::core::operations::event::{About, Event};
use crate::core::operations::kinds::{Keys, What};
use crate::core::operations::life::Life;
use crate::core::operations::lines;
use crate::core::operations::message::message;
use crate::core::operations::open::{Open, STATE};
use crate::core::operations::proof::Proof;
use crate::git::{Commit, Entry, Kind, Oid, Repo, blob_id, tree_id};
use crate::ledger::oid;

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
    ///
    /// # Errors
    /// When the repository can't be read.
    pub fn resumed(rules: Rules<'r>, known: &Walked) -> anyhow::Result<Result<Self, Rules<'r>>> {
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
        Ok(Ok(Log::with(rules, (tip, last), open, keys, foreign)))
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

    /// Reads the first commit of a log; `Err` within says why it isn't one.
    ///
    /// # Errors
    /// When the repository can't be read.
    pub fn begun(rules: Rules<'r>, first: Oid) -> anyhow::Result<Result<Self, String>> {
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
        if let Some(why) = rules.refuses(event, proof, &Life::default(), &[], &[])? {
            return foreign(&why);
        }
        let open = Open::new(event.id().clone());
        let [log, state] = [&text, &open.text()].map(|text| blob_id(text.as_bytes()));
        let tree = tree_id([(lines::LOG, log), (STATE, state)]);
        let held = repo.commit(first)?;
        let is_it = matches!(event.what(), What::Genesis(_))
            && held.tree == tree
            && held.message == message(event);
        if !is_it {
            return foreign("its first commit isn't that of a genesis");
        }
        Ok(Ok(Log::with(rules, (first, first), open, Vec::new(), Vec::new())))
    }

    fn with(
        rules: Rules<'r>,
        (tip, last): (Oid, Oid),
        open: Open,
        keys: Vec<Keys>,
        foreign: Vec<Foreign>,
    ) -> Self {
        let (recent, judged_by) = Default::default();
        Log { rules, recent, judged_by, tip, last, open, keys, foreign }
    }

    /// Reads the next commit, and returns what it appends; `None` if it is foreign.
    ///
    /// # Errors
    /// When the repository can't be read.
    pub fn follow(&mut self, commit: Oid) -> anyhow::Result<Option<Next>> {
        let next = self.appended(commit)?;
        Ok(self.take(commit, next))
    }

    /// Counts a commit behind the tip in, and returns what it [appends](Self::appended); `None` if it is
    /// foreign.
    pub fn take(&mut self, commit: Oid, appended: Result<Next, String>) -> Option<Next> {
        self.tip = commit;
        match appended {
            Ok(next) => {
                self.last = commit;
                self.open = next.open.clone();
                if let What::Keys(keys) = next.event.what() {
                    self.keys.push(keys.clone());
                }
                if !next.event.head().offline {
                    self.judged_by.set(oid(&next.event.head().base).ok());
                }
                self.recent.append(&next);
                Some(next)
            }
            Err(why) => {
                self.foreign.push(Foreign { commit, why });
                None
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
        if let Some(path) = said(&held.message)
            && let Ok(next) = self.appended_to(&path, commit, &held)?
        {
            return Ok(Ok(next));
        }
        // To say what is wrong, or where the message leads elsewhere.
        let changes = repo.changes(Some(self.last), commit)?;
        let mut appended = changes.iter().filter(|change| change.path != STATE);
        let (Some(change), None) = (appended.next(), appended.next()) else {
            return Ok(Err("it doesn't append to one file".to_owned()));
        };
        self.appended_to(&change.path, commit, &held)
    }

    /// Returns what a commit behind the tip appends to a file, or why it is foreign.
    ///
    /// # Errors
    /// When the repository can't be read.
    fn appended_to(
        &self,
        path: &str,
        commit: Oid,
        held: &Commit,
    ) -> anyhow::Result<Result<Next, String>> {
        let before = self.recent.file(self.held(), path)?;
        let Some(after) = file(self.rules.repo, commit, path)? else {
            return Ok(Err(format!("{path} isn't a file of text")));
        };
        let Some(added) = after.strip_prefix(&before.text) else {
            return Ok(Err(format!("{path} isn't appended to")));
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
        if held.tree != self.tree_behind(&next)? {
            return Ok(Err("its files aren't what follows from its event".to_owned()));
        }
        if held.message != message(&next.event) {
            return Ok(Err("its message isn't that of its event".to_owned()));
        }
        Ok(Ok(next))
    }

    /// Returns the tree of a commit that appends an event: all of it, so that nothing else can hide there.
    fn tree_behind(&self, next: &Next) -> anyhow::Result<Oid> {
        let [file, state] = [next.text(), next.open.text()].map(|text| blob_id(text.as_bytes()));
        self.rules.repo.tree_with(self.last, &[(&next.path, file), (STATE, state)])
    }
}

/// Returns the path of the file that an event is in, as its commit's message says.
fn said(message: &str) -> Option<String> {
    let id = |name: &str| message.lines().find_map(|line| line.strip_prefix(name)?.parse().ok());
    match (id("Change: "), id("Incident: ")) {
        (Some(change), _) => Some(About::Change(&change).path()),
        (None, Some(incident)) => Some(About::Incident(&incident).path()),
        (None, None) => None,
    }
}

/// Returns the text of a regular file at a commit; `None` if there is none.
pub(super) fn file(repo: &Repo, commit: Oid, path: &str) -> anyhow::Result<Option<String>> {
    match repo.entry(commit, path)? {
        Some(Entry { kind: Kind::File, id }) => Ok(String::from_utf8(repo.bytes(id)?).ok()),
        _ => Ok(None),
    }
}
