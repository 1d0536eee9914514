//! The log as it was at a time, which only its events tell: nobody vouches for the dates of commits.

use super::Log;
use crate::content::SKEW;
use crate::core::operations::event::{About, Event};
use crate::core::operations::lines;
use crate::core::terms::TicketId;
use crate::core::time::Time;
use crate::git::Oid;

impl Log<'_> {
    /// Returns the last commit that the log held at a time; `None` if it hadn't begun. What was recorded
    /// offline says nothing of when it arrived: it counts with what follows it.
    ///
    /// # Errors
    /// When the repository can't be read.
    pub fn tip_at(&self, time: Time) -> anyhow::Result<Option<Oid>> {
        let repo = self.rules.repo;
        let (mut found, mut next) = (Some(self.tip), Some(self.tip));
        while let Some(commit) = next {
            next = repo.parent(commit)?;
            let dated = self.event_of(commit)?.filter(|event| !event.head().offline);
            match dated.map(|event| event.head().at) {
                Some(at) if at > time => found = next,
                // No two clocks agree.
                Some(at) if at + SKEW < time => break,
                _ => {}
            }
        }
        Ok(found)
    }

    /// Returns the event that a commit of the log appends; `None` if it doesn't count.
    fn event_of(&self, commit: Oid) -> anyhow::Result<Option<Event>> {
        if self.foreign.iter().any(|it| it.commit == commit) {
            return Ok(None);
        }
        let held = self.rules.repo.commit(commit)?;
        let id = |key: &str| {
            let named = held.message.lines().find_map(|line| line.strip_prefix(key));
            named.and_then(|id| id.parse::<TicketId>().ok())
        };
        let path = match (id("Change: "), id("Incident: ")) {
            (Some(change), _) => About::Change(&change).path(),
            (None, Some(incident)) => About::Incident(&incident).path(),
            (None, None) => lines::LOG.to_owned(),
        };
        Ok(super::Held { repo: self.rules.repo, commit }.events(&path)?.pop())
    }
}
