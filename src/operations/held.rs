//! What a commit of the log holds: events, and what they come to.

use anyhow::Context as _;

use super::read::file;
use crate::core::evidence::{Incident, IncidentStatus};
use crate::core::operations::event::{About, Event};
use crate::core::operations::kinds::Pauses;
use crate::core::operations::life::Life;
use crate::core::operations::lines;
use crate::core::operations::open::{Open, OpenIncident};
use crate::core::terms::TicketId;
use crate::core::time::{Duration, Time};
use crate::git::{Oid, Repo};

/// The files of the log at a commit that holds.
#[derive(Clone, Copy)]
pub struct Held<'r> {
    pub(super) repo: &'r Repo,
    pub(super) commit: Oid,
}

impl Held<'_> {
    /// Returns what has happened to a change, or under an incident.
    ///
    /// # Errors
    /// When the repository can't be read.
    pub fn life(&self, about: About<'_>) -> anyhow::Result<Life> {
        Ok(self.life_of(&self.events(&about.path())?))
    }

    /// Returns what it says of an incident; `None` if it doesn't know it.
    ///
    /// # Errors
    /// When the repository can't be read.
    pub fn incident(&self, id: &TicketId) -> anyhow::Result<Option<Incident>> {
        let life = self.life(About::Incident(id))?;
        Ok(life.incident.map(|it| Incident {
            id: id.clone(),
            severity: it.is.severity,
            status: match it.resolved {
                None => IncidentStatus::Open,
                Some(_) => IncidentStatus::Resolved,
            },
        }))
    }

    /// Returns the life of what these events are about, oldest first.
    pub fn life_of(&self, events: &[Event]) -> Life {
        Life::of(events, &|incident, at| self.was_open(incident, at))
    }

    /// Whether an incident was open at a time, by the dates of its events.
    pub(super) fn was_open(&self, incident: &TicketId, at: Time) -> bool {
        let life = self.life(About::Incident(incident)).unwrap_or_default();
        life.incident.is_some_and(|it| {
            it.opened.head.at <= at && it.resolved.is_none_or(|(resolved, _)| at < resolved)
        })
    }

    /// Returns the incidents of these that have paused changes for at least as long as `most`, each with since
    /// when.
    ///
    /// # Errors
    /// When the repository can't be read.
    pub fn long_pauses<'o>(
        &self,
        open: &'o Open,
        most: Duration,
        now: Time,
    ) -> anyhow::Result<Vec<(&'o OpenIncident, Time)>> {
        let mut found = Vec::new();
        for it in open.incidents.iter().filter(|it| it.pauses != Pauses::None) {
            let life = self.life(About::Incident(&it.incident))?;
            let since = life.incident.map(|incident| incident.paused_at);
            found.extend(since.filter(|since| *since + most <= now).map(|since| (it, since)));
        }
        Ok(found)
    }

    /// Returns the ids of all incidents.
    ///
    /// # Errors
    /// When the repository can't be read.
    pub fn incidents(&self) -> anyhow::Result<Vec<String>> {
        Ok(self.files("incidents")?.into_iter().map(|(name, _)| name).collect())
    }

    /// Returns the ids of all changes to which something happened.
    ///
    /// # Errors
    /// When the repository can't be read.
    pub fn changes(&self) -> anyhow::Result<Vec<TicketId>> {
        let files = self.change_files()?.into_iter();
        Ok(files.filter_map(|(name, _)| name.parse().ok()).collect())
    }

    /// Returns the ids of all changes to which something happened, with the files that say what.
    ///
    /// # Errors
    /// When the repository can't be read.
    pub fn change_files(&self) -> anyhow::Result<Vec<(String, Oid)>> {
        self.files("changes")
    }

    fn files(&self, folder: &str) -> anyhow::Result<Vec<(String, Oid)>> {
        let files = self.repo.files_below(self.commit, folder)?.into_iter();
        let name = |path: &str| Some(path.rsplit('/').next()?.strip_suffix(".jsonl")?.to_owned());
        Ok(files.filter_map(|(path, file)| Some((name(&path)?, file.id))).collect())
    }

    /// Returns the events of a file, in order of arrival.
    ///
    /// # Errors
    /// When the repository can't be read.
    pub fn events(&self, path: &str) -> anyhow::Result<Vec<Event>> {
        let text = file(self.repo, self.commit, path)?.unwrap_or_default();
        let events =
            lines::read(&text).with_context(|| format!("cannot read {path} of the log"))?;
        Ok(events.into_iter().map(|(event, _)| event).collect())
    }
}
