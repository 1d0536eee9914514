//! Stories of one change and one incident, told in short words.

use serde_json::{Value, json};

use crate::digest::{Digest, canonical_json};
use crate::operations::event::{API_VERSION, About, Event, Unreadable};
use crate::operations::kinds::What;
use crate::operations::life::Life;
use crate::operations::open::Open;
use crate::operations::state::{Plan, PullState, State, state};
use crate::record::parts::Hex;
use crate::terms::TicketId;
use crate::time::{Duration, Interval, Time};

const START: &str = "2026-11-24T22:00:00Z";

fn hex(text: &str) -> String {
    Hex(Digest::of(text.as_bytes())).into()
}

fn at(minutes: i64) -> Time {
    let start: Time = START.parse().unwrap();
    match minutes < 0 {
        true => start - Duration::seconds(minutes.unsigned_abs() * 60),
        false => start + Duration::seconds(minutes as u64 * 60),
    }
}

/// What happens to one change and one incident, minute by minute, in short words:
/// `begin 1,2`, `rollback`, `end done`, `by bob end stopped`, `offline begin 1`, `resolve`, `+90`.
pub struct Story {
    now: i64,
    pub change: Life,
    pub incident: Life,
    pub open: Open,
    /// The last execution.
    execution: String,
    /// The events of the change.
    pub events: Vec<Event>,
}

pub fn change() -> TicketId {
    "CHG-1234".parse().unwrap()
}

pub fn incident() -> TicketId {
    "INC-042".parse().unwrap()
}

impl Story {
    pub fn new() -> Self {
        let log: Hex = hex("genesis").try_into().unwrap();
        let (change, incident) = (Life::default(), Life::default());
        let open = Open::new(log);
        Story { now: 0, change, incident, open, execution: hex("none"), events: Vec::new() }
    }

    /// Tells a story; an event that is refused has no effect.
    pub fn told(words: &str) -> (Self, Option<String>) {
        let mut story = Story::new();
        let mut refused = None;
        for line in words.split(';').map(str::trim).filter(|line| !line.is_empty()) {
            refused = story.tell(line).err();
        }
        (story, refused)
    }

    pub fn event(&self, line: &str) -> Event {
        let (mut line, mut by, mut offline) = (line, "alice", false);
        if let Some(rest) = line.strip_prefix("offline ") {
            (line, offline) = (rest, true);
        }
        if let Some((who, rest)) = line.strip_prefix("by ").and_then(|rest| rest.split_once(' ')) {
            (line, by) = (rest, who);
        }
        let (verb, more) = line.split_once(' ').unwrap_or((line, ""));
        let steps: Vec<_> = more
            .split(',')
            .filter_map(|number| number.parse::<u32>().ok())
            .map(|number| json!({"number": number, "action": "deploy", "target": "web"}))
            .collect();
        let lease = at(self.now + 60);
        let (about_incident, mut own) = match verb {
            "begin" | "rollback" => (
                false,
                json!({"event": "begin", "steps": steps, "tier": "medium", "services": ["checkout"],
                    "material": format!("sha256:{}", hex("material")), "approval": {"proof": "merge"},
                    "lease_until": lease, "nonce": hex("nonce")}),
            ),
            "owing" => (
                false,
                json!({"event": "begin", "steps": steps, "tier": "high",
                    "material": format!("sha256:{}", hex("material")), "lease_until": lease,
                    "nonce": hex("nonce"), "approval": {"proof": "open", "debtor": "payments",
                        "owed": [{"kind": "level", "any_of": ["L3"], "due_at": at(self.now + 1440)}]}}),
            ),
            "renew" => (
                false,
                json!({"event": "renew", "execution": self.execution, "lease_until": lease}),
            ),
            "end" => (false, json!({"event": "end", "execution": self.execution, "result": more})),
            "verify" => (
                false,
                json!({"event": "verified", "monitored": {"from": at(self.now - 15), "to": at(self.now)},
                    "checks": [{"name": "carts", "kind": "manual", "passed": more == "passed"}],
                    "health": more}),
            ),
            "outcome" => (false, json!({"event": "outcome", "result": more})),
            "cancel" => (false, json!({"event": "cancelled", "reason": "not needed"})),
            "escalate" => (
                false,
                json!({"event": "escalated", "incident": incident(), "severity": "P2",
                    "pauses": "services"}),
            ),
            "open" => (
                true,
                json!({"event": "opened", "severity": "P1", "services": ["checkout"],
                    "pauses": "services", "summary": "checkout answers 503"}),
            ),
            "lower" => (true, json!({"event": "updated", "severity": "P3"})),
            "resolve" => (true, json!({"event": "resolved"})),
            "void" => {
                let of = match more {
                    "outcome" => self.change.outcome.as_ref().map(|it| it.id.clone().into()),
                    _ => Some(self.execution.clone()),
                };
                let of = of.unwrap_or_else(|| hex("none"));
                (false, json!({"event": "voided", "of": of, "what": more, "why": "wrong"}))
            }
            _ => panic!("{line}"),
        };
        if verb == "rollback" {
            own["rollback"] = true.into();
        }
        if by != "alice" && verb == "end" {
            own["why"] = "alice's laptop is off".into();
        }
        if offline {
            own["offline"] = true.into();
        }
        let (life, about) = match about_incident {
            true => (&self.incident, ("incident", incident())),
            false => (&self.change, ("change", change())),
        };
        own[about.0] = json!(about.1);
        if let Some(last) = &life.last {
            own["previous"] = json!(last);
        }
        own["api_version"] = API_VERSION.into();
        own["log"] = hex("genesis").into();
        own["at"] = json!(at(self.now));
        own["by"] = by.into();
        own["base"] = "4f0c1d24f0c1d24f0c1d24f0c1d24f0c1d24f0c1".into();
        read(own).unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    pub fn tell(&mut self, line: &str) -> Result<(), String> {
        if let Some(minutes) = line.strip_prefix('+') {
            self.now += minutes.parse::<i64>().unwrap();
            return Ok(());
        }
        self.now += 1;
        let event = self.event(line);
        let open = self.open.clone();
        let is_open = |incident: &TicketId| open.is_open(incident);
        match event.about().unwrap() {
            About::Change(_) => {
                self.change = self.change.clone().after(&event, &is_open)?;
                if let What::Begin(_) = event.what() {
                    self.execution = event.id().clone().into();
                }
                self.open = open.clone().with(About::Change(&change()), &self.change);
                self.events.push(event);
            }
            About::Incident(_) => {
                self.incident = self.incident.clone().after(&event, &is_open)?;
                self.open = open.clone().with(About::Incident(&incident()), &self.incident);
            }
        }
        Ok(())
    }

    pub fn state(&self, pull: PullState) -> State {
        let planned = Some(Interval { start: at(0), end: at(60) });
        let plan = Plan { pull, steps: 2, planned, monitor: None };
        state(plan, &self.change, at(self.now), &|incident| self.open.is_open(incident))
    }
}

/// Makes an event of its content.
pub fn read(mut content: Value) -> Result<Event, Unreadable> {
    content["id"] = hex(&canonical_json(&content)).into();
    Event::read(&canonical_json(&content))
}
