//! What goes on now: executions, incidents, debts, what was executed and isn't closed, and what is planned.

use schemars::JsonSchema;
use serde::Serialize;

use super::in_short::InShort;
use super::progress::{Executions, Progress};
use super::story::Stories;
use crate::content::{Requests, request_at};
use crate::core::layout;
use crate::core::operations::event::About;
use crate::core::operations::kinds::Pauses;
use crate::core::operations::open::{OpenExecution, OpenIncident};
use crate::core::operations::state::{PullState, State};
use crate::core::org::Org;
use crate::core::request::ChangeRequest;
use crate::core::terms::{TicketId, all_of};
use crate::core::time::Time;
use crate::forge::git::{CHANGE, Git};
use crate::gate::execution::debts;
use crate::operations::Log;

/// How many planned changes are named.
const MOST_PLANNED: usize = 5;

/// Something that goes on, or that somebody has to look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct GoingOn {
    /// What it is: `incident`, `debt`, or the state of a change, `running` for example.
    pub what: String,
    /// The change's or the incident's id.
    pub id: TicketId,
    /// What is known of it, in a few words.
    pub told: String,
    /// The command that comes next, with the time from or until which it may be typed; null if there is none.
    pub next: Option<String>,
}

/// A change that led to an incident, or answers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ChangeOfIncident {
    /// The change's id.
    pub change: TicketId,
    /// Its state.
    pub state: State,
    /// Where it is, in a few words; empty where its state says it all.
    pub told: String,
}

impl Executions<'_> {
    /// Returns what goes on now by the log: what runs or is lost, incidents, debts, what was executed and
    /// isn't closed, then the next of what is planned. Empty where no log is
    /// kept.
    ///
    /// # Errors
    /// When the repository can't be read.
    pub fn going_on(
        &self,
        (git, org): (&Git, &Org),
        stories: &Stories<'_>,
    ) -> anyhow::Result<Vec<GoingOn>> {
        let Some(log) = &self.log else { return Ok(Vec::new()) };
        let (open, requests) = (log.open(), &Requests::of(git.repo()));
        let mut found = Vec::new();
        for it in &open.executions {
            found.extend(self.execution((git, requests), log, it)?);
        }
        found.extend(open.incidents.iter().map(|it| self.incident(it)));
        for (debt, state) in debts((git, None), org, log, self.now)? {
            if !state.is_owed() {
                continue;
            }
            let due = debt.due_at.for_people(Some(self.now));
            let next = match request((git, requests), &debt.change)?.1 {
                // Nobody signs any more what is merged already.
                PullState::Merged => {
                    let event = &String::from(debt.of)[..10];
                    format!(
                        "changegate operations void {event} --debt --why \"looked at it\" (an L3 of another team)"
                    )
                }
                _ => format!("changegate review {} --approve", debt.change),
            };
            found.push(GoingOn {
                what: "debt".to_owned(),
                told: format!("{} by {}, due {due} UTC", state.as_str(), debt.debtor),
                id: debt.change,
                next: Some(next),
            });
        }
        let is_running =
            |id: &&TicketId| open.executions.iter().all(|it| it.change.as_ref() != Some(*id));
        for id in open.begun.iter().filter(is_running) {
            let (state, progress) = self.of_change((git, requests), id)?;
            found.extend(progress.map(|progress| note(state.to_string(), id, progress)));
        }
        let mut planned = Vec::new();
        for InShort { id, planned: due, .. } in self.requests(git)? {
            let Some(due) = due.filter(|due| self.now < due.end && !open.begun.contains(id)) else {
                continue;
            };
            let (state, progress) = self.of_change((git, requests), id)?;
            if let (State::Ready | State::Scheduled, Some(progress)) = (state, progress) {
                planned.push((due.start, state, id, progress));
            }
        }
        planned.sort_by_key(|(start, ..)| *start);
        for (_, state, id, mut progress) in planned.into_iter().take(MOST_PLANNED) {
            let status = stories.status(id.as_str())?;
            let is_amended = status.is_some_and(|status| status.pull == PullState::Open);
            progress.limit(!stories.bypasses(id.as_str())?.is_empty(), is_amended);
            found.push(note(state.to_string(), id, progress));
        }
        Ok(found)
    }

    /// Returns what is known of an execution.
    fn execution(
        &self,
        (git, requests): (&Git, &Requests<'_>),
        log: &Log<'_>,
        it: &OpenExecution,
    ) -> anyhow::Result<Option<GoingOn>> {
        let (about, id) = match (&it.change, &it.incident) {
            (Some(id), _) => (About::Change(id), id),
            (None, Some(id)) => (About::Incident(id), id),
            (None, None) => return Ok(None),
        };
        let life = log.life(about)?;
        let is_lost =
            life.open().any(|open| open.begin.id == it.execution && open.is_lost(self.now));
        let next = match &it.change {
            Some(id) => {
                self.of_change((git, requests), id)?.1.and_then(|progress| progress.next_in_words)
            }
            None => Some(format!("changegate end {id}")),
        };
        let day = |at: Time| at.for_people(Some(self.now));
        let (state, how_long) = match is_lost {
            true => (State::Lost, "nobody knows its end".to_owned()),
            false => (State::Running, format!("taken to go on until {} UTC", day(it.lease_until))),
        };
        Ok(Some(GoingOn {
            what: state.to_string(),
            id: id.clone(),
            told: format!("by {} since {} UTC, {how_long}", it.by, day(it.since)),
            next,
        }))
    }

    fn incident(&self, it: &OpenIncident) -> GoingOn {
        let commander = match &it.commander {
            Some(commander) => format!(", commanded by {commander}"),
            None => String::new(),
        };
        let pauses = match it.pauses {
            Pauses::None => String::new(),
            Pauses::Services => format!(", pauses changes to {}", all_of(&it.services)),
            Pauses::All => ", pauses all changes".to_owned(),
        };
        let since = it.since.for_people(Some(self.now));
        GoingOn {
            what: "incident".to_owned(),
            id: it.incident.clone(),
            told: format!("{:?} since {since} UTC{commander}{pauses}", it.severity),
            next: Some(format!(
                "changegate incident resolve {} (an incident commander, or an L3)",
                it.incident
            )),
        }
    }

    /// Returns the changes of an incident of which something was executed: those that led to it, and the
    /// emergencies that answer it.
    ///
    /// # Errors
    /// When the repository can't be read.
    pub fn of_incident(&self, git: &Git, id: &TicketId) -> anyhow::Result<Vec<ChangeOfIncident>> {
        let Some(log) = &self.log else { return Ok(Vec::new()) };
        let (requests, base) = (Requests::of(git.repo()), git.base()?);
        let mut found = Vec::new();
        for change in log.held().changes()? {
            let life = log.life(About::Change(&change))?;
            if !life.has_begun() {
                continue;
            }
            let merged = requests.read(base, &change)?.map(|(_, file)| file.request);
            let (request, pull) = match merged {
                Some(request) => (request, PullState::Merged),
                None => (open_request(git, &change)?, PullState::Open),
            };
            let named = request.as_ref().and_then(|it| it.emergency.as_ref()?.incident.as_ref());
            if named == Some(id) || life.escalated.iter().any(|(incident, _)| incident == id) {
                let (state, progress) = self.progress(request.as_ref(), pull)?;
                let told = progress.map(|it| it.told).unwrap_or_default();
                found.push(ChangeOfIncident { change, state, told });
            }
        }
        Ok(found)
    }

    /// Returns the state of a change that the log knows or the base holds, and what was done with it.
    pub(super) fn of_change(
        &self,
        git: (&Git, &Requests<'_>),
        id: &TicketId,
    ) -> anyhow::Result<(State, Option<Progress>)> {
        let (request, pull) = request(git, id)?;
        self.progress(request.as_ref(), pull)
    }
}

fn note(what: String, id: &TicketId, progress: Progress) -> GoingOn {
    GoingOn { what, id: id.clone(), told: progress.told, next: progress.next_in_words }
}

/// Returns the request of a change on the base or, if it isn't merged, of its branch, and which that is.
///
/// # Errors
/// When the repository can't be read.
pub fn request(
    (git, requests): (&Git, &Requests<'_>),
    id: &TicketId,
) -> anyhow::Result<(Option<ChangeRequest>, PullState)> {
    if let Some((_, file)) = requests.read(git.base()?, id)? {
        return Ok((file.request, PullState::Merged));
    }
    Ok((open_request(git, id)?, PullState::Open))
}

/// Returns the request on the branch of a change.
fn open_request(git: &Git, id: &TicketId) -> anyhow::Result<Option<ChangeRequest>> {
    let path = layout::request(id.as_str());
    match git.branches.tip(&format!("{CHANGE}{id}"))? {
        Some(head) => Ok(request_at(git.repo(), head, &path)?.0.request),
        None => Ok(None),
    }
}
