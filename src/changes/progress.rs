//! What the operations log says of changes: their states, and what was done.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use schemars::JsonSchema;
use serde::Serialize;

use super::calendar::Executed;
use super::frozen::freezes;
use super::in_short::{InShort, requests};
use super::kept::Kept;
use super::lived::{self, Lived};
use super::story::{HistoryEvent, Story, What};
use crate::content::request_at;
use crate::core::calendar::Calendar;
use crate::core::operations::event::{About, Actor, Event};
use crate::core::operations::kinds::{EndResult, What as Kind};
use crate::core::operations::life::Life;
use crate::core::operations::message::{free_text, in_short};
use crate::core::operations::next::{in_words, next};
use crate::core::operations::state::{Plan, PullState, State, state};
use crate::core::org::Org;
use crate::core::request::{ChangeRequest, OutcomeResult};
use crate::core::terms::TicketId;
use crate::core::time::Time;
use crate::forge::git::Git;
use crate::operations::Log;

/// What was done with a change.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Progress {
    /// The number of its steps.
    pub steps: u32,
    /// The numbers of those that are done, and weren't undone since.
    pub done: Vec<u32>,
    /// The execution that goes on, or whose end nobody knows; null if there is none.
    pub running: Option<Running>,
    /// What came of it; null as long as nobody has said so.
    pub outcome: Option<OutcomeResult>,
    /// Since when an outcome is missing; null if none is.
    pub outcome_missing_since: Option<Time>,
    /// Where it is, in a few words.
    pub told: String,
    /// The commands that come next, the likeliest first; `COMMAND` in them is what does it. Empty if nothing
    /// is to be done, or it only has to be waited for.
    pub next: Vec<String>,
    /// Those in words, with the time from or until which they may be typed; `None` if there are none.
    #[serde(skip)]
    pub next_in_words: Option<String>,
}

/// An execution that goes on, or whose end nobody knows.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Running {
    /// Its name: the id of the event that began it.
    pub execution: String,
    /// Who began it: a login, or `machine:` and a name.
    pub by: String,
    /// When.
    pub since: Time,
    /// Until when it is taken to go on.
    pub lease_until: Time,
    /// The address of the pipeline's run; null if it isn't known.
    pub url: Option<String>,
}

/// The log, as far as it tells what became of changes.
pub struct Executions<'a> {
    pub(super) log: Option<Log<'a>>,
    org: &'a Org,
    calendar: Calendar,
    pub(super) now: Time,
    kept: Option<Kept>,
    requests: OnceCell<Vec<InShort>>,
    /// What was read last.
    lived: RefCell<Option<Rc<OfChange>>>,
}

/// What the log holds of a change.
struct OfChange {
    id: TicketId,
    life: Life,
    /// When something happened to it last.
    last: Option<Time>,
}

impl<'a> Executions<'a> {
    /// Reads the log as it was fetched last. `org` is the organisation data at base; what is read of the
    /// requests there is `kept` for the next time.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn of(git: &'a Git, org: &'a Org, now: Time, kept: Option<Kept>) -> anyhow::Result<Self> {
        let calendar = Calendar::new(&org.windows, &org.freezes);
        let (requests, lived) = (OnceCell::new(), RefCell::default());
        Ok(Executions { log: git.operations()?, org, calendar, now, kept, requests, lived })
    }

    /// Returns the requests on the base in short, in the order of their paths.
    ///
    /// # Errors
    /// When the repository can't be read.
    pub fn requests(&self, git: &Git) -> anyhow::Result<&[InShort]> {
        if let Some(requests) = self.requests.get() {
            return Ok(requests);
        }
        let requests = requests(git.repo(), git.base()?, self.kept.as_ref())?;
        Ok(self.requests.get_or_init(|| requests))
    }

    /// Returns what was done with each change, by their ids.
    ///
    /// # Errors
    /// When the log can't be read.
    pub(super) fn lives(&self) -> anyhow::Result<HashMap<String, Lived>> {
        lived::read(self.log.as_ref(), self.kept.as_ref())
    }

    /// Returns what the log holds of a change.
    fn read(&self, log: &Log<'_>, id: &TicketId) -> anyhow::Result<Rc<OfChange>> {
        if let Some(known) = self.lived.borrow().as_ref().filter(|known| known.id == *id) {
            return Ok(Rc::clone(known));
        }
        let held = log.held();
        let events = held.events(&About::Change(id).path())?;
        let last = events.iter().map(|event| event.head().at).max();
        let read = Rc::new(OfChange { id: id.clone(), life: held.life_of(&events), last });
        self.lived.replace(Some(Rc::clone(&read)));
        Ok(read)
    }

    /// Whether a change is closed or cancelled.
    ///
    /// # Errors
    /// When the log can't be read.
    pub fn is_over(&self, id: &TicketId) -> anyhow::Result<bool> {
        let life = self.log.as_ref().map(|log| log.life(About::Change(id))).transpose()?;
        Ok(life.is_some_and(|life| life.outcome.is_some() || life.cancelled.is_some()))
    }

    /// Returns the changes that were begun and have no outcome; none where no log is kept.
    pub fn begun(&self) -> &[TicketId] {
        self.log.as_ref().map_or(&[], |log| &log.open().begun)
    }

    /// Returns the state of a change, and what was done with it, by its request on the base or, as long as
    /// it isn't merged, that of the change. Of what nothing is executed, and where no log is kept, it is
    /// what became of the pull request.
    ///
    /// # Errors
    /// When the log can't be read.
    pub fn progress(
        &self,
        request: Option<&ChangeRequest>,
        pull: PullState,
    ) -> anyhow::Result<(State, Option<Progress>)> {
        let id = request.and_then(|request| request.id.as_ref());
        let (Some(log), Some(request), Some(id)) = (&self.log, request, id) else {
            return Ok((State::of_pull(pull), None));
        };
        let life = &self.read(log, id)?.life;
        let is_open = |incident: &TicketId| log.open().is_open(incident);
        let plan = Plan::of(request, pull);
        let state = state(plan, life, self.now, &is_open);
        let next = next(id, state, plan, life, self.now);
        let running = life.open().last().map(|it| Running {
            execution: String::from(it.begin.id.clone()),
            by: it.begin.head.by.to_string(),
            since: it.begin.head.at,
            lease_until: it.lease_until,
            url: it.begin.what.url.clone(),
        });
        let missing = life.misses_outcome_since(
            plan.planned,
            self.org.settings.outcome.missing_after,
            self.now,
        );
        let mut progress = Progress {
            steps: plan.steps,
            done: life.done().into_iter().collect(),
            running,
            outcome: life.outcome.as_ref().map(|it| it.what.result),
            outcome_missing_since: missing,
            told: String::new(),
            next_in_words: in_words(&next, state, plan, self.now),
            next,
        };
        progress.told = told(state, plan, life, (&progress, self.now));
        if matches!(state, State::Scheduled | State::Ready | State::Incomplete)
            && let Some(freeze) = freezes(&self.calendar, self.org, request, self.now).first()
        {
            let until = freeze.end.for_people(Some(self.now));
            let frozen = format!("frozen: {} until {until} UTC", freeze.name);
            let told = [std::mem::take(&mut progress.told), frozen];
            progress.told =
                told.into_iter().filter(|it| !it.is_empty()).collect::<Vec<_>>().join(", ");
            match life.has_begun() {
                true => progress.leave(|next| !is_forward(next)),
                false => progress.next = vec![format!("changegate reschedule {id} --next")],
            }
            progress.next_in_words = joined(&progress.next);
        }
        Ok((state, Some(progress)))
    }

    /// Returns the state of a story's change, and what was done with it: of one that is being amended, of
    /// its merged version.
    ///
    /// # Errors
    /// When the log or the request can't be read.
    pub fn of_story(&self, git: &Git, story: &Story) -> anyhow::Result<(State, Option<Progress>)> {
        let (Some(path), Some(merge)) = (&story.path, story.merges.last()) else {
            return self.progress(story.request.as_ref(), story.status.pull);
        };
        let (file, _) = request_at(git.repo(), merge.head, path)?;
        self.progress(file.request.as_ref(), PullState::Merged)
    }

    /// Returns what was executed of a change, and when something happened to it last.
    ///
    /// # Errors
    /// When the log can't be read.
    pub fn executed(&self, name: &str) -> anyhow::Result<(Vec<Executed>, Option<Time>)> {
        let (Some(log), Ok(id)) = (&self.log, name.parse::<TicketId>()) else {
            return Ok((Vec::new(), None));
        };
        let OfChange { life, last, .. } = &*self.read(log, &id)?;
        let executions = life.executions.iter().filter(|it| !it.is_void).map(|it| {
            let known = it.end.as_ref().filter(|end| end.what.result != EndResult::Unknown);
            let times = (it.begin.head.at, known.map(|end| end.head.at));
            let lease_until = it.is_open().then_some(it.lease_until);
            Executed { lease_until, ..Executed::ended(times, it.result(), it.begin.what.rollback) }
        });
        let records = life.counting().map(|it| {
            let times = (it.what.started_at, Some(it.what.ended_at));
            let executed = Executed::ended(times, Some(it.what.result), it.what.rollback);
            Executed { recorded: true, ..executed }
        });
        let mut executed: Vec<_> = executions.chain(records).collect();
        executed.sort_by_key(|it| it.started_at);
        Ok((executed, *last))
    }

    /// Returns what happened to a change by the log, in its order; longer leases are left out.
    ///
    /// # Errors
    /// When the log can't be read.
    pub fn events(&self, name: &str) -> anyhow::Result<Vec<HistoryEvent>> {
        let (Some(log), Ok(id)) = (&self.log, name.parse::<TicketId>()) else {
            return Ok(Vec::new());
        };
        let events = log.events(&About::Change(&id).path())?;
        Ok(events.iter().filter_map(event).collect())
    }
}

impl Progress {
    /// Leaves only those of the next commands that a condition takes.
    fn leave(&mut self, condition: impl Fn(&str) -> bool) {
        if !self.next.iter().all(|next| condition(next)) {
            self.next.retain(|next| condition(next));
            self.next_in_words = joined(&self.next);
        }
    }

    /// Takes away the commands that are refused of what came around the rules, and those that were followed where
    /// an amendment is open.
    pub(super) fn limit(&mut self, went_around: bool, is_amended: bool) {
        let is_late =
            self.next.first().is_some_and(|next| next.starts_with("changegate reschedule"));
        self.leave(|next| !(went_around && is_forward(next) || is_amended && is_late));
    }
}

/// Whether a command goes on with what is approved.
fn is_forward(command: &str) -> bool {
    command.starts_with("changegate exec") && !command.contains("--rollback")
}

fn joined(commands: &[String]) -> Option<String> {
    (!commands.is_empty()).then(|| commands.join(", or "))
}

/// Says where a change is in a few words; empty where its state says it all.
fn told(state: State, plan: Plan, life: &Life, (progress, now): (&Progress, Time)) -> String {
    let day = |at: Time| at.for_people(Some(now));
    let begun = progress.running.as_ref().map(|it| format!("by {} since {}", it.by, day(it.since)));
    let end = life.last_end();
    let (done, steps) = (progress.done.len(), progress.steps);
    let text = match state {
        State::Running => begun.unwrap_or_default(),
        State::Lost => format!("{}, and nobody knows its end", begun.unwrap_or_default()),
        State::Escalated => {
            let incidents = life.escalated.iter().map(|(incident, _)| incident.as_str());
            format!("led to {}", incidents.collect::<Vec<_>>().join(", "))
        }
        State::Verified | State::Executed | State::Incomplete if life.is_rolled_back() => {
            end.map(|(at, _)| format!("rolled back {}", day(at))).unwrap_or_default()
        }
        State::Verified | State::Executed => {
            end.map(|(at, _)| format!("done {}", day(at))).unwrap_or_default()
        }
        State::Incomplete => {
            let last = match end.map(|(_, result)| result) {
                Some(EndResult::Failed) => ", the last execution failed",
                Some(EndResult::Stopped) => ", the last execution was stopped",
                _ if plan.planned.is_some_and(|it| it.end <= now) => ", its time is over",
                _ => "",
            };
            format!("{done} of {steps} steps done{last}")
        }
        State::Ready if done > 0 => format!("{done} of {steps} steps done"),
        State::Closed => {
            let outcome = life.outcome.as_ref();
            outcome.map(|it| format!("{}, by {}", it.what.result, it.head.by)).unwrap_or_default()
        }
        State::Cancelled => {
            let by = life.cancelled.as_ref();
            by.map(|it| format!("by {}: {}", it.head.by, it.what.reason)).unwrap_or_default()
        }
        State::Expired => "nothing of it was executed in its time".to_owned(),
        State::Ready | State::Scheduled | State::Merged | State::Open | State::GivenUp => {
            String::new()
        }
    };
    match progress.outcome_missing_since {
        Some(_) if text.is_empty() => "without outcome".to_owned(),
        Some(_) => format!("{text}, without outcome"),
        None => text,
    }
}

/// Returns an event of the log as one of a change's story; `None` for a longer lease.
fn event(event: &Event) -> Option<HistoryEvent> {
    let head = event.head();
    let what = match event.what() {
        Kind::Begin(_) => What::Begin,
        Kind::End(_) => What::End,
        Kind::Record(_) => What::Record,
        Kind::Verified(_) => What::Verified,
        Kind::Outcome(_) => What::Outcome,
        Kind::Cancelled(_) => What::Cancelled,
        Kind::Escalated(_) => What::Escalated,
        Kind::Commander(_) => What::Commander,
        Kind::Voided(_) => What::Voided,
        // Those of the log itself and of incidents are in other files.
        Kind::Renew(_) | Kind::Genesis(_) | Kind::Keys(_) => return None,
        Kind::Opened(_) | Kind::Updated(_) | Kind::Resolved(_) => return None,
    };
    let (by, machine) = match &head.by {
        Actor::Person(login) => (Some(login.clone()), None),
        Actor::Machine(name) => (head.on_behalf.clone(), Some(name.clone())),
    };
    let texts = [Some(in_short(event)), free_text(event).map(str::to_owned)];
    let texts = texts.into_iter().flatten().filter(|text| !text.is_empty());
    let offline = head.offline.then(|| "recorded offline".to_owned());
    Some(HistoryEvent {
        what,
        at: head.at,
        after: None,
        by,
        machine,
        email: String::new(),
        unproven: None,
        commit: String::new(),
        id: Some(String::from(event.id().clone())),
        about: None,
        text: texts.chain(offline).collect::<Vec<_>>().join("\n"),
        counted: None,
        recorded: None,
        unrecorded: false,
    })
}
