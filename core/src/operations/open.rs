//! What is open: the file `state.json` of the log, so that nobody has to read all of it to judge one
//! change. It follows from the events alone.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::event::{API_VERSION, About, Actor};
use super::kinds::{Pauses, Step};
use super::life::{Debt, GRACE, Life};
use crate::digest::{canonical_json, to_json};
use crate::record::parts::Hex;
use crate::terms::{Login, Name, RiskTier, Severity, TicketId};
use crate::time::Time;

/// The file's path.
pub const STATE: &str = "state.json";

/// What is open. Each list is in the order of ids, ignoring case, and within one of the log.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Open {
    /// The format.
    pub api_version: String,
    /// The id of the log's genesis.
    pub log: Hex,
    /// The executions that go on, or whose end nobody knows.
    pub executions: Vec<OpenExecution>,
    /// The incidents that aren't resolved.
    pub incidents: Vec<OpenIncident>,
    /// The debts that weren't waived.
    pub debts: Vec<OpenDebt>,
    /// The changes of which something was executed, and that have no outcome.
    pub begun: Vec<TicketId>,
}

/// An execution that goes on, or whose end nobody knows.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct OpenExecution {
    /// The change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<TicketId>,
    /// The incident, of what only reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<TicketId>,
    /// The id of the event that began it.
    pub execution: Hex,
    /// Who began it.
    pub by: Actor,
    /// For whom.
    #[serde(rename = "for", default, skip_serializing_if = "Option::is_none")]
    pub on_behalf: Option<Login>,
    /// When it began.
    pub since: Time,
    /// Until when it is taken to go on.
    pub lease_until: Time,
    /// Whether its end was recorded as unknown.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_unknown: bool,
    /// What is executed.
    pub steps: Vec<Step>,
    /// Whether it undoes the change.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rollback: bool,
    /// The tier.
    pub tier: RiskTier,
    /// The affected services.
    pub services: Vec<Name>,
}

/// An incident that isn't resolved.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct OpenIncident {
    /// Its id.
    pub incident: TicketId,
    /// How severe it is.
    pub severity: Severity,
    /// The services that it affects.
    pub services: Vec<Name>,
    /// What it pauses.
    pub pauses: Pauses,
    /// Who commands it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commander: Option<Login>,
    /// Who said last what it pauses.
    pub paused_by: Actor,
    /// When it was opened.
    pub since: Time,
}

/// Sign-offs that somebody owes, or owed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct OpenDebt {
    /// The change.
    pub change: TicketId,
    /// The id of the event that began it.
    pub of: Hex,
    /// The team or person who owes it.
    pub debtor: String,
    /// Until when the first sign-off is due.
    pub due_at: Time,
}

impl OpenExecution {
    /// Whether nobody knows at this time whether it goes on.
    pub fn is_lost(&self, now: Time) -> bool {
        self.is_unknown || now >= self.lease_until + GRACE
    }
}

impl OpenDebt {
    /// Returns a debt of a change.
    pub fn of(change: &TicketId, debt: Debt<'_>) -> Self {
        let (of, debtor) = (debt.of.clone(), debt.debtor.to_owned());
        OpenDebt { change: change.clone(), of, debtor, due_at: debt.due_at }
    }
}

impl Open {
    /// Returns what is open when a log has just begun.
    pub fn new(log: Hex) -> Self {
        Open {
            api_version: API_VERSION.to_owned(),
            log,
            executions: Vec::new(),
            incidents: Vec::new(),
            debts: Vec::new(),
            begun: Vec::new(),
        }
    }

    /// Returns what is open after the life of a change or an incident has become another one.
    #[must_use]
    pub fn with(mut self, about: About<'_>, life: &Life) -> Self {
        let (About::Change(id) | About::Incident(id)) = about;
        let [change, incident] = match about {
            About::Change(id) => [Some(id.clone()), None],
            About::Incident(id) => [None, Some(id.clone())],
        };
        let executions = life.open().map(|it| OpenExecution {
            change: change.clone(),
            incident: incident.clone(),
            execution: it.begin.id.clone(),
            by: it.begin.head.by.clone(),
            on_behalf: it.begin.head.on_behalf.clone(),
            since: it.begin.head.at,
            lease_until: it.lease_until,
            is_unknown: it.end.is_some(),
            steps: it.begin.what.steps.clone(),
            rollback: it.begin.what.rollback,
            tier: it.begin.what.tier,
            services: it.begin.what.services.clone(),
        });
        let is_own = |it: &OpenExecution| it.change == change && it.incident == incident;
        replace(&mut self.executions, is_own, executions, |it| {
            [&it.change, &it.incident].map(|id| id.as_ref().map(TicketId::folded))
        });
        match about {
            About::Change(_) => {
                let debts = life.debts().map(|debt| OpenDebt::of(id, debt));
                replace(&mut self.debts, |it| it.change == *id, debts, |it| it.change.folded());
                let begun = (life.has_begun() && life.outcome.is_none()).then(|| id.clone());
                replace(&mut self.begun, |it| it == id, begun, TicketId::folded);
            }
            About::Incident(_) => {
                let open = life.incident.iter().filter(|it| it.resolved.is_none());
                let open = open.map(|it| OpenIncident {
                    incident: id.clone(),
                    severity: it.is.severity,
                    services: it.is.services.clone(),
                    pauses: it.is.pauses,
                    commander: it.is.commander.clone(),
                    paused_by: it.paused_by.clone(),
                    since: it.opened.head.at,
                });
                replace(
                    &mut self.incidents,
                    |it| it.incident == *id,
                    open,
                    |it| it.incident.folded(),
                );
            }
        }
        self
    }

    /// Returns whether an incident is open.
    pub fn is_open(&self, incident: &TicketId) -> bool {
        self.incidents.iter().any(|it| it.incident == *incident)
    }

    /// Reads the file.
    ///
    /// # Errors
    /// Why it isn't what [`Open::text`] returns.
    pub fn read(text: &str) -> Result<Self, String> {
        let open: Open = serde_json::from_str(text).map_err(|error| error.to_string())?;
        match open.text() == text {
            true => Ok(open),
            false => {
                Err("it isn't canonical JSON, or holds what the format doesn't know".to_owned())
            }
        }
    }

    /// Returns the file: canonical JSON and a line feed.
    pub fn text(&self) -> String {
        format!("{}\n", canonical_json(&to_json(self)))
    }
}

/// Replaces the items of one change or incident by others, in the order of ids.
fn replace<T, K: Ord>(
    items: &mut Vec<T>,
    is_own: impl Fn(&T) -> bool,
    others: impl IntoIterator<Item = T>,
    key: impl Fn(&T) -> K,
) {
    items.retain(|item| !is_own(item));
    items.extend(others);
    items.sort_by_cached_key(key);
}
