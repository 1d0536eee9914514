//! Turns commits, journal and merges into events in order.
//!
//! A change has a round for each merge, and one for what isn't merged yet. Within a round the
//! commits are in the order of the history, each review comes after the commit that was reviewed,
//! and the merge is last.

use std::collections::HashMap;

use super::super::bypass::Bypass;
use super::super::records::Records;
use super::{ChangeStatus, HistoryEvent, Merge, Stories, What};
use crate::content::journal::Entry;
use crate::content::{first_title, request_at};
use crate::core::evidence::Unproven;
use crate::core::request::ChangeRequest;
use crate::core::time::Time;
use crate::git::{Commit, Oid};

/// All that is known about a change.
pub struct Story {
    /// The change's name.
    pub name: String,
    /// The state of the change.
    pub status: ChangeStatus,
    /// The path of the request; `None` for a policy change.
    pub path: Option<String>,
    /// The latest version of the request, if it can be read.
    pub request: Option<ChangeRequest>,
    /// The text of the request file; empty if there is none.
    pub source: String,
    /// The summary of the request or, where there is none, the title of the change's first commit.
    pub summary: Option<String>,
    /// The merges of the change, oldest first.
    pub merges: Vec<Merge>,
    /// What happened, oldest first.
    pub events: Vec<HistoryEvent>,
}

impl Story {
    /// Adds what the operations log says of it. Each stays in the order of its own branch, and dates say
    /// how the two go together.
    pub fn add(&mut self, events: Vec<HistoryEvent>) {
        let mut added = events.into_iter().peekable();
        let mut all = Vec::new();
        for event in std::mem::take(&mut self.events) {
            while let Some(earlier) = added.next_if(|it| it.at < event.at) {
                all.push(earlier);
            }
            all.push(event);
        }
        all.extend(added);
        let mut last = None;
        for event in &mut all {
            event.after = last.map(|last| event.at - last);
            last = Some(event.at);
        }
        self.events = all;
    }

    /// Marks what is recorded of its merges and bypasses, which decides which of both they are.
    pub fn mark(&mut self, records: &Records) {
        for event in &mut self.events {
            let (true, Ok(id)) = (event.what.is_on_base(), Oid::from_str(&event.commit)) else {
                continue;
            };
            event.unrecorded = records.lacks(id);
            let Some(recorded) = records.of(id) else { continue };
            event.what = What::Merged;
            if let Some(why) = recorded.around() {
                event.what = What::Bypassed;
                event.text = format!("{}; {why}", event.text);
            }
            event.recorded = Some(recorded.clone());
        }
    }

    /// Marks a merge that isn't recorded as one that went around the rules, for this reason.
    pub fn bypassed(&mut self, merge: Oid, why: &str) {
        let id = merge.to_string();
        let is_it = |event: &&mut HistoryEvent| event.commit == id && event.recorded.is_none();
        for event in self.events.iter_mut().filter(is_it) {
            event.what = What::Bypassed;
            event.text = format!("{}; {why}", event.text);
        }
    }
}

impl Stories<'_> {
    /// Returns the whole story of a change, or `None` if there is no change with this name.
    ///
    /// # Errors
    /// When the repository can't be read.
    pub fn tell(&self, name: &str) -> anyhow::Result<Option<Story>> {
        let Some(status) = self.status(name)? else { return Ok(None) };
        let merges = self.merges(name)?;
        let journal = self.git.journal(name)?;
        let mut teller = Teller { stories: self, reached: HashMap::new(), unordered: Vec::new() };
        let mut path = None;
        for (round, merge) in merges.iter().enumerate() {
            path = self.path(merge.base, merge.head, name)?;
            teller.commits(round, merge.base, &[merge.head], path.as_deref())?;
            teller.merge(round, merge);
        }
        if let Some(head) = status.head {
            let reviewed = journal.iter().map(|entry| entry.reviewed);
            let heads: Vec<_> = reviewed.chain([head]).collect();
            if !self.repo().leads_to(head, self.base)? {
                path = self.path(self.base, head, name)?;
            }
            teller.commits(merges.len(), self.base, &heads, path.as_deref())?;
        }
        for bypass in self.bypasses(name)? {
            path = bypass.path.clone().or(path);
            teller.bypass(&bypass);
        }
        teller.reviews(name, &journal, merges.len());
        let (request, source) = match (&path, status.head) {
            (Some(path), Some(head)) => {
                let (file, source) = request_at(self.repo(), head, path)?;
                let source = if file.holds_secret() { String::new() } else { source };
                (file.request, source)
            }
            _ => (None, String::new()),
        };
        let summary = match &request {
            Some(request) => request.summary.clone(),
            None => self.title(name, &status)?,
        };
        Ok(Some(Story {
            name: name.to_owned(),
            request,
            source,
            summary,
            path,
            merges,
            events: teller.events(),
            status,
        }))
    }
}

impl Stories<'_> {
    /// Returns the title of the first commit of a change, in its last round.
    fn title(&self, name: &str, status: &ChangeStatus) -> anyhow::Result<Option<String>> {
        if let Some(head) = status.head
            && !self.repo().leads_to(head, self.base)?
        {
            return first_title(self.repo(), name, self.base, head);
        }
        match self.merges(name)?.last() {
            Some(merge) => first_title(self.repo(), name, merge.base, merge.head),
            None => Ok(None),
        }
    }
}

/// Collects the events of a story.
struct Teller<'a> {
    stories: &'a Stories<'a>,
    /// The earliest time at which a commit can have been made, by its own date and those of its
    /// ancestors, and the round that it belongs to.
    reached: HashMap<Oid, (Time, usize)>,
    unordered: Vec<Unordered>,
}

/// An event before the events are sorted.
struct Unordered {
    order: (Time, usize, Rank),
    content: Option<Content>,
    event: HistoryEvent,
}

/// The order of events in the same round and at the same time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Commit,
    Review,
    Merge,
}

/// The content of a change at a commit.
#[derive(Clone)]
struct Content {
    id: Option<Oid>,
    /// The request, if it is valid.
    request: Option<ChangeRequest>,
}

impl Content {
    /// Whether this content differs from another only in form, if at all.
    fn says_the_same(&self, other: &Content) -> bool {
        self.id == other.id || (self.request.is_some() && self.request == other.request)
    }
}

impl Teller<'_> {
    /// Adds the commits of a round that alter the content of the change.
    fn commits(
        &mut self,
        round: usize,
        base: Oid,
        heads: &[Oid],
        path: Option<&str>,
    ) -> anyhow::Result<()> {
        for id in self.stories.repo().commits_since(base, heads)? {
            if self.reached.contains_key(&id) {
                continue;
            }
            let commit = self.stories.repo().commit(id)?;
            let at = self.after(commit.time, &commit.parents);
            self.reached.insert(id, (at, round));
            let held = self.held(&commit, path)?;
            let mut before = Vec::new();
            for parent in &commit.parents {
                before.push(self.held(&self.stories.repo().commit(*parent)?, path)?);
            }
            // A merge that keeps the content of one of its parents isn't an event of its own.
            if before.contains(&held) || (before.is_empty() && held.is_none()) {
                continue;
            }
            let request = path.filter(|_| held.is_some()).map(|path| self.request(id, path));
            let content = Content { id: held, request: request.transpose()?.flatten() };
            let event = self.event(What::Amended, &commit, None, commit.title().to_owned());
            let order = (at, round, Rank::Commit);
            self.unordered.push(Unordered { order, content: Some(content), event });
        }
        Ok(())
    }

    fn merge(&mut self, round: usize, merge: &Merge) {
        let commit = &merge.commit;
        let at = self.after(commit.time, &commit.parents);
        self.reached.insert(commit.id, (at, round));
        let event = self.event(What::Merged, commit, Some(merge.head), commit.title().to_owned());
        self.unordered.push(Unordered { order: (at, round, Rank::Merge), content: None, event });
    }

    fn bypass(&mut self, bypass: &Bypass) {
        let commit = &bypass.commit;
        let at = self.after(commit.time, &commit.parents);
        let event = self.event(What::Bypassed, commit, None, commit.title().to_owned());
        let order = (at, bypass.round, Rank::Merge);
        self.unordered.push(Unordered { order, content: None, event });
    }

    fn reviews(&mut self, name: &str, journal: &[Entry], last_round: usize) {
        for entry in journal {
            let commit = &entry.commit;
            let at = self.after(commit.time, &commit.parents);
            let round = self.reached.get(&entry.reviewed).map_or(last_round, |(_, round)| *round);
            self.reached.insert(commit.id, (at, round));
            let what = What::from(entry.said);
            let mut event = self.event(what, commit, Some(entry.reviewed), entry.comment.clone());
            if entry.change != name {
                event.unproven = Some(Unproven::OtherChange);
            }
            self.unordered.push(Unordered {
                order: (at, round, Rank::Review),
                content: None,
                event,
            });
        }
    }

    /// Returns the events in order. Only the order shows whether a commit submits, amends or edits.
    fn events(mut self) -> Vec<HistoryEvent> {
        self.unordered.sort_by_key(|event| event.order);
        let mut events: Vec<HistoryEvent> = Vec::new();
        let mut before: Option<Content> = None;
        for Unordered { content, mut event, .. } in self.unordered {
            if let Some(content) = content {
                event.what = match &before {
                    None => What::Submitted,
                    Some(before) if content.says_the_same(before) => What::Edited,
                    Some(_) => What::Amended,
                };
                before = Some(content);
            } else if event.what == What::Merged {
                before = None;
            }
            event.after = events.last().map(|last| event.at - last.at);
            events.push(event);
        }
        events
    }

    /// Returns the given time, or the time of the latest parent if that is later.
    fn after(&self, time: Time, parents: &[Oid]) -> Time {
        let known = parents.iter().filter_map(|parent| self.reached.get(parent));
        known.map(|(at, _)| *at).fold(time, Time::max)
    }

    /// Returns the id of the content at a commit: the request file, or the tree for a policy
    /// change.
    fn held(&self, commit: &Commit, path: Option<&str>) -> anyhow::Result<Option<Oid>> {
        let Some(path) = path else { return Ok(Some(commit.tree)) };
        Ok(self.stories.repo().entry(commit.id, path)?.map(|entry| entry.id))
    }

    fn request(&self, commit: Oid, path: &str) -> anyhow::Result<Option<ChangeRequest>> {
        let (file, _) = request_at(self.stories.repo(), commit, path)?;
        Ok(file.request.filter(|_| file.problems.is_empty()))
    }

    fn event(&self, what: What, commit: &Commit, about: Option<Oid>, text: String) -> HistoryEvent {
        let signer = self.stories.signer(commit);
        HistoryEvent {
            what,
            at: commit.time,
            after: None,
            by: signer.login,
            machine: None,
            email: commit.committer.email.clone(),
            unproven: signer.unproven,
            commit: commit.id.to_string(),
            id: None,
            about: about.map(|about| about.to_string()),
            text,
            counted: None,
            recorded: None,
            unrecorded: false,
        }
    }
}
