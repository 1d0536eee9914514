//! Which event can follow on what a file of the log holds, from the log alone.
//!
//! Who may write it, and whether the policies approve it, is asked elsewhere.

use super::event::{About, Actor, Event};
use super::kinds::{Begin, End, EndResult, Opened, Renew, Voided, Voids, What};
use super::life::{Execution, Incident, Life, OutOfTurn, Said, VOIDABLE};
use crate::record::parts::Hex;
use crate::terms::TicketId;
use crate::time::Time;

/// Tells whether an incident is open, as the log says: what an event about a change asks of other
/// files.
pub type IsOpen<'a> = &'a dyn Fn(&TicketId) -> bool;

impl Life {
    /// Returns what events come to that a log holds. `was_open` tells whether an incident was open at a
    /// time: what arrived late is put where it belongs by that.
    pub fn of<'e>(
        events: impl IntoIterator<Item = &'e Event>,
        was_open: &dyn Fn(&TicketId, Time) -> bool,
    ) -> Self {
        let mut life = Life::default();
        for event in events {
            let head = event.head();
            let is_open: IsOpen<'_> = &|incident| was_open(incident, head.at);
            match head.offline.then(|| life.refuses(event, is_open)).flatten() {
                None => life.add(event),
                Some(why) => life.set_apart(event, why),
            }
            life.last = Some(event.id().clone());
        }
        life
    }

    /// Adds an event.
    ///
    /// What was recorded where the log couldn't be reached did happen, whatever had happened before it
    /// arrived: if it can't follow, it is kept apart, and opens nothing again.
    ///
    /// # Errors
    /// Why it can't follow.
    pub fn after(mut self, event: &Event, is_open: IsOpen<'_>) -> Result<Self, String> {
        let head = event.head();
        if !head.offline && head.previous != self.last {
            return Err("something else was recorded in between".to_owned());
        }
        match self.refuses(event, is_open) {
            None => self.add(event),
            Some(why) if head.offline => self.set_apart(event, why),
            Some(why) => return Err(why),
        }
        self.last = Some(event.id().clone());
        Ok(self)
    }

    /// Keeps an event that can't follow.
    fn set_apart(&mut self, event: &Event, why: String) {
        let is_over = self.outcome.is_some() || self.cancelled.is_some();
        let is_concurrent = match event.what() {
            What::Begin(it) => {
                !is_over && (self.open().next().is_some() || self.is_done(it).is_some())
            }
            _ => false,
        };
        self.out_of_turn.push(OutOfTurn { event: event.clone(), why, is_concurrent });
    }

    /// Returns why an event can't follow.
    fn refuses(&self, event: &Event, is_open: IsOpen<'_>) -> Option<String> {
        let is_over = || match (&self.outcome, &self.cancelled) {
            (Some(_), _) => Some("it is closed already".to_owned()),
            (None, Some(_)) => Some("it was cancelled".to_owned()),
            (None, None) => None,
        };
        let is_escalated = || {
            let mut open = self.escalated.iter().filter(|(incident, _)| is_open(incident));
            open.next().map(|(incident, _)| format!("{incident} is open, to which it led"))
        };
        let runs = || self.open().next().map(|_| "it is being executed".to_owned());
        let hasnt_begun = || (!self.has_begun()).then(|| "nothing of it was executed".to_owned());
        let now = event.head().at;
        match event.what() {
            What::Genesis(_) | What::Keys(_) => Some("it is about the log itself".to_owned()),
            What::Begin(it) if matches!(event.about(), Some(About::Incident(_))) => self
                .is_resolved()
                .or_else(|| it.rollback.then(|| "there is nothing to roll back".to_owned())),
            What::Begin(it) => is_over()
                .or_else(|| match it.rollback {
                    true => hasnt_begun().or_else(|| {
                        self.open().any(|open| !open.is_lost(now)).then(runs).flatten()
                    }),
                    false => runs().or_else(is_escalated),
                })
                .or_else(|| self.is_done(it)),
            What::Renew(it) => self.cant_renew(it, &event.head().by, now),
            What::End(it) => self.cant_end(it, &event.head().by, now),
            What::Record(_) => None,
            What::Verified(it) => is_over().or_else(hasnt_begun).or_else(runs).or_else(|| {
                let is_early = self.last_end().is_some_and(|(end, _)| it.monitored.from < end);
                let early = "verification began before the last execution ended";
                let late = "verification ends later than it is recorded";
                [(is_early, early), (it.monitored.to > now, late)]
                    .into_iter()
                    .find_map(|(holds, why)| holds.then(|| why.to_owned()))
            }),
            What::Outcome(_) => is_over().or_else(hasnt_begun).or_else(runs).or_else(is_escalated),
            What::Cancelled(_) => is_over().or_else(runs).or_else(|| {
                self.has_begun().then(|| "something of it was executed already".to_owned())
            }),
            What::Escalated(_) => {
                let incident = event.head().incident.as_ref();
                let is_known = self.escalated.iter().any(|(known, _)| Some(known) == incident);
                is_over().or_else(hasnt_begun).or_else(|| match incident {
                    _ if is_known => Some("it led to this incident already".to_owned()),
                    Some(incident) if is_open(incident) => None,
                    _ => Some("this incident isn't open".to_owned()),
                })
            }
            What::Commander(_) => is_over(),
            What::Opened(_) => self.incident.as_ref().map(|_| "it was opened already".to_owned()),
            What::Updated(_) | What::Resolved(_) => self.is_resolved(),
            What::Voided(it) => self.cant_void(it, event),
        }
    }

    fn is_resolved(&self) -> Option<String> {
        match &self.incident {
            None => Some("there is no such incident".to_owned()),
            Some(incident) => {
                incident.resolved.as_ref().map(|_| "the incident is resolved".to_owned())
            }
        }
    }

    /// Returns which step is done already.
    fn is_done(&self, begin: &Begin) -> Option<String> {
        let done = self.done();
        let numbers = begin.steps.iter().filter_map(|step| step.number);
        let again = numbers.filter(|number| !begin.rollback && done.contains(number)).min();
        again.map(|number| format!("step {number} is done already"))
    }

    /// Finds an execution that is open, or why it isn't.
    fn find_open(&self, name: &Hex) -> Result<&Execution, String> {
        if let Some(open) = self.open().find(|it| it.begin.id == *name) {
            return Ok(open);
        }
        let is_known = self.executions.iter().any(|it| it.begin.id == *name && !it.is_void);
        Err(match is_known {
            true => "this execution has ended, or another began since".to_owned(),
            false => "there is no such execution".to_owned(),
        })
    }

    fn cant_renew(&self, renew: &Renew, by: &Actor, at: Time) -> Option<String> {
        match self.find_open(&renew.execution) {
            Err(why) => Some(why),
            Ok(open) if open.begin.head.by != *by => Some("somebody else began it".to_owned()),
            Ok(open) if at < open.begin.head.at => Some(BEFORE.to_owned()),
            Ok(open) if renew.lease_until < open.lease_until => {
                Some("its lease is longer already".to_owned())
            }
            Ok(_) => None,
        }
    }

    fn cant_end(&self, end: &End, by: &Actor, at: Time) -> Option<String> {
        let open = match self.find_open(&end.execution) {
            Err(why) => return Some(why),
            Ok(open) => open,
        };
        if at < open.begin.head.at {
            return Some(BEFORE.to_owned());
        }
        if open.end.is_some() && end.result == EndResult::Unknown {
            return Some("that nobody knows is recorded already".to_owned());
        }
        let is_silent = open.begin.head.by != *by && end.why.is_none();
        is_silent.then(|| "somebody else began it, so it has to say why".to_owned())
    }

    fn cant_void(&self, voided: &Voided, event: &Event) -> Option<String> {
        let now = event.head().at;
        let executions = self.executions.iter().filter(|it| !it.is_void);
        let execution = executions.into_iter().find(|it| it.begin.id == voided.of);
        let is_record = self.counting().any(|it| it.id == voided.of);
        match voided.what {
            Voids::Outcome => match &self.outcome {
                Some(outcome) if outcome.id != voided.of => Some("it isn't the outcome".to_owned()),
                Some(outcome) if now > outcome.head.at + VOIDABLE => {
                    Some(format!("it is older than {}", VOIDABLE.for_people()))
                }
                Some(_) => None,
                None => Some("there is no outcome".to_owned()),
            },
            Voids::Execution => match execution {
                _ if self.outcome.is_some() => Some("void the outcome first".to_owned()),
                Some(it) if it.is_open() && !it.is_lost(now) => Some("it goes on".to_owned()),
                Some(_) => None,
                None if is_record => None,
                None => Some("there is no such execution".to_owned()),
            },
            Voids::Debt => {
                let owes = self.debts().any(|debt| *debt.of == voided.of);
                (!owes).then(|| "nothing is owed for it".to_owned())
            }
        }
    }

    /// Adds an event that can follow.
    fn add(&mut self, event: &Event) {
        let head = event.head();
        match event.what() {
            What::Genesis(_) | What::Keys(_) => {}
            What::Begin(it) => self.executions.push(Execution {
                lease_until: it.lease_until,
                begin: said(event, it),
                end: None,
                is_void: false,
            }),
            What::Renew(it) => {
                if let Some(execution) = self.find(&it.execution) {
                    execution.lease_until = it.lease_until;
                    execution.end = None;
                }
            }
            What::End(it) => {
                let end = said(event, it);
                if let Some(execution) = self.find(&it.execution) {
                    execution.end = Some(end);
                }
            }
            What::Record(it) => self.records.push(said(event, it)),
            What::Verified(it) => self.verified.push(said(event, it)),
            What::Outcome(it) => self.outcome = Some(said(event, it)),
            What::Cancelled(it) => self.cancelled = Some(said(event, it)),
            What::Escalated(it) => {
                self.escalated.extend(head.incident.clone().map(|id| (id, said(event, it))));
            }
            What::Commander(it) => self.heard.push(said(event, it)),
            What::Opened(it) => {
                let opened = said(event, it);
                let (paused_by, paused_at) = (head.by.clone(), head.at);
                let (is, resolved) = (it.clone(), None);
                self.incident = Some(Incident { opened, is, paused_by, paused_at, resolved });
            }
            What::Updated(it) => {
                let Some(incident) = &mut self.incident else { return };
                let after = incident.is.with(it);
                let paused = |it: &Opened| (it.pauses, it.services.clone());
                if paused(&after) != paused(&incident.is) {
                    (incident.paused_by, incident.paused_at) = (head.by.clone(), head.at);
                }
                incident.is = after;
            }
            What::Resolved(_) => {
                if let Some(incident) = &mut self.incident {
                    incident.resolved = Some((head.at, head.by.clone()));
                }
            }
            What::Voided(it) => {
                self.voided.push(said(event, it));
                match it.what {
                    Voids::Outcome => self.outcome = None,
                    Voids::Execution => {
                        self.find(&it.of).into_iter().for_each(|it| it.is_void = true);
                    }
                    Voids::Debt => {}
                }
            }
        }
    }

    fn find(&mut self, name: &Hex) -> Option<&mut Execution> {
        self.executions.iter_mut().find(|it| it.begin.id == *name)
    }
}

const BEFORE: &str = "it is dated before the execution began";

fn said<T: Clone>(event: &Event, what: &T) -> Said<T> {
    Said { id: event.id().clone(), head: event.head().clone(), what: what.clone() }
}
