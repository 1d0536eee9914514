//! What the sample questions are about: who is there, what has happened, and what goes on beside it.

use serde_json::{Value, json};

use super::{HOUR, hex, read};
use crate::evidence::{Incident, IncidentStatus, LoggedDebt};
use crate::operations::event::{API_VERSION, Actor, Event};
use crate::operations::life::Life;
use crate::operations::open::Open;
use crate::org::{Org, Person};
use crate::rehearsal::questions::Asked;
use crate::rehearsal::{ID, INCIDENT, people, request, target};
use crate::terms::{INCIDENT_COMMANDER, Login, Severity, TicketId};
use crate::time::{Duration, Time};

/// Where and when the samples are asked.
pub(super) struct Town<'a> {
    pub(super) org: &'a Org,
    pub(super) now: Time,
}

impl Town<'_> {
    pub(super) fn planned(&self, start: Time) -> Value {
        json!({"schedule": {"start": start, "end": start + HOUR}})
    }

    /// What happened: events, each twenty minutes after the one before.
    pub(super) fn life(&self, events: &[Value]) -> Option<Life> {
        let mut life = Life::default();
        let mut execution = Value::Null;
        let began = self.now - Duration::hours(2);
        let steps = request(self.org, self.now, &[])["actions"].take();
        let steps = (1..).zip(steps.as_array()?).map(|(number, step)| {
            json!({"number": number, "action": step["action"], "target": step["target"]})
        });
        let steps: Value = steps.collect();
        for (number, own) in (0..).zip(events) {
            let at = began + Duration::seconds(1_200 * number);
            let mut event = json!({
                "api_version": API_VERSION, "log": hex("log"), "change": ID, "at": at,
                "by": people(self.org).last(), "base": "0".repeat(40), "steps": steps,
                "tier": "medium", "approval": {"proof": "merge"}, "nonce": hex("nonce"),
                "execution": execution, "previous": life.last, "result": "failed", "note": "as seen", "reason": "not needed",
                "severity": "P2", "pauses": "services",
                "monitored": {"from": at - Duration::seconds(900), "to": at},
            });
            event.as_object_mut()?.extend(own.as_object()?.clone());
            let event = Event::new(read(event.clone())?, read(event)?);
            if own["event"] == "begin" {
                execution = json!(event.id());
            }
            life = life.after(&event, &|_| true).ok()?;
        }
        Some(life)
    }

    /// What goes on beside a change: on its target, and an incident that pauses it.
    pub(super) fn beside(&self) -> Option<Open> {
        let services = self.org.roster.services.keys();
        let services: Vec<_> = services.take(1).map(ToString::to_string).collect();
        read(json!({
            "api_version": API_VERSION, "log": hex("log"), "begun": ["CHG-1"],
            "executions": [{
                "change": "CHG-1", "execution": hex("other"), "by": people(self.org).next(),
                "since": self.now - HOUR, "lease_until": self.now + HOUR, "tier": "high",
                "services": services,
                "steps": [{"number": 1, "action": "an-action", "target": target(self.org)}],
            }],
            "incidents": [{
                "incident": INCIDENT, "severity": "P1", "services": services, "pauses": "all",
                "paused_by": people(self.org).next(), "since": self.now - HOUR,
            }],
            "debts": [],
        }))
    }

    pub(super) fn debts(&self) -> Vec<LoggedDebt> {
        let requester = people(self.org).next();
        let team = requester.and_then(|it| self.org.roster.people.get(it)?.team.clone());
        let debtor = team.or_else(|| requester.map(ToString::to_string)).unwrap_or_default();
        let debt = |change| LoggedDebt { debtor, change, due_at: self.now - HOUR };
        self.id("CHG-1").map(debt).into_iter().collect()
    }

    pub(super) fn incident(&self, status: IncidentStatus) -> Option<Incident> {
        Some(Incident { id: self.id(INCIDENT)?, severity: Severity::P1, status })
    }

    pub(super) fn id(&self, id: &str) -> Option<TicketId> {
        id.parse().ok()
    }

    /// Somebody who may approve: an incident commander, or who has the highest level.
    pub(super) fn approver(&self) -> Option<&Login> {
        let roster = &self.org.roster.people;
        let commands = |person: &Person| person.roles.iter().any(|it| it == INCIDENT_COMMANDER);
        let mut commanders = roster.iter().filter(|(_, person)| commands(person));
        commanders.next().map(|(login, _)| login).or_else(|| people(self.org).last())
    }

    /// Lets the first machine of the roster act, or one that isn't there.
    pub(super) fn by_machine(&self, asked: &mut Asked) {
        let listed = self.org.roster.machines.keys().next().cloned();
        if let Some(name) = listed.or_else(|| "a-machine".parse().ok()) {
            asked.attempt.by = Actor::Machine(name);
        }
    }
}
