//! Who may write an event, by the roster and the request at its base. Policies are told who acts, and
//! can only refuse more.

use super::authorize::{Acting, capacity};
use super::event::{Actor, Event};
use super::kinds::{Begin, Opened, Pauses, Updated, Voids, What};
use super::life::{Execution, Incident, Life};
use crate::input::affected_services;
use crate::org::{Org, Person};
use crate::request::ChangeRequest;
use crate::terms::{INCIDENT_COMMANDER, Level, Login, Name};

/// The role whose holders may cancel what they could have approved.
const DEVOPS_LEAD: &str = "devops-lead";

/// What an event is judged by.
#[derive(Clone, Copy, Debug)]
pub struct Writing<'a> {
    /// The organisation's tables at the event's base.
    pub org: &'a Org,
    /// The request there; `None` for what is about an incident or the log itself.
    pub request: Option<&'a ChangeRequest>,
    /// What had happened before.
    pub life: &'a Life,
}

impl Writing<'_> {
    /// Returns why the writer of an event may not write it.
    pub fn refuses(&self, event: &Event) -> Option<String> {
        let head = event.head();
        let person = match (&head.by, &head.on_behalf) {
            (Actor::Person(login), _) | (Actor::Machine(_), Some(login)) => Some(login),
            (Actor::Machine(_), None) => None,
        };
        if let Some(login) = person.filter(|login| self.person(login).is_none()) {
            return Some(format!("{login} isn't in the roster"));
        }
        let is_machine = matches!(head.by, Actor::Machine(_));
        let who = Who { all: self, login: person, is_machine, by: &head.by };
        let (may, else_who) = match event.what() {
            What::Begin(it) => {
                (self.may_act(event, it, it.rollback), "who may execute it or roll it back")
            }
            What::Renew(_) => (true, ""),
            What::Genesis(_) => (person.is_some(), "somebody of the roster"),
            What::Keys(_) => (who.holds(Level::L3), "an L3"),
            What::End(it) => {
                let began =
                    self.life.executions.iter().find(|begun| begun.begin.id == it.execution);
                let is_own = began.is_some_and(|begun| begun.begin.head.by == head.by);
                let may_do = |begun: &Execution| {
                    let it = &begun.begin.what;
                    [true, it.rollback].iter().any(|undo| self.may_act(event, it, *undo))
                };
                let may = is_own || began.is_some_and(may_do) || who.holds(Level::L3);
                (may, "who began it, who may execute it or roll it back, or an L3")
            }
            What::Record(it) => {
                let is_own = person == Some(&it.performed_by) && !is_machine;
                let may = is_own || who.implements() || who.commands() || who.holds(Level::L3);
                (may, "who did it, the implementer, an incident commander or an L3")
            }
            What::Verified(_) | What::Outcome(_) => {
                let may = who.requests() || who.implements() || who.executed() || who.owns();
                let whom = "the requester, the implementer, who executed it, an owner of an affected \
                            service or an incident commander";
                (may || who.commands(), whom)
            }
            What::Cancelled(_) => {
                let may = who.requests() || who.implements() || who.owns() || who.leads();
                let whom = "the requester, the implementer, or somebody who could have approved it";
                (may || who.holds(Level::L2), whom)
            }
            What::Escalated(_) | What::Commander(_) => (person.is_some(), "somebody of the roster"),
            What::Opened(it) => (self.may_pause(it, &who), PAUSERS),
            What::Updated(it) => self.may_update(it, &who),
            What::Resolved(_) => (self.may_lower(&who), LOWERERS),
            What::Voided(it) => match it.what {
                Voids::Outcome => {
                    let outcome = self.life.outcome.as_ref();
                    let is_own = outcome.is_some_and(|outcome| outcome.head.by == head.by);
                    (is_own || who.holds(Level::L3), "who said it, or an L3")
                }
                Voids::Execution | Voids::Debt => {
                    (who.holds(Level::L3) && !who.took_part(), "an L3 who had no part in it")
                }
            },
        };
        (!may).then(|| format!("{} may not: it is up to {else_who}", head.by))
    }

    /// Whether somebody may execute what a beginning says, or undo it, as far as that says by whom it was
    /// approved; what only reads under an incident, everybody may.
    fn may_act(&self, event: &Event, begin: &Begin, rollback: bool) -> bool {
        let Some(request) = self.request else { return true };
        let numbers: Vec<_> = begin.steps.iter().filter_map(|step| step.number).collect();
        let acting = Acting {
            org: self.org,
            request,
            steps: &numbers,
            rollback,
            counted: None,
            signed_by: &begin.approval.signed_by.iter().collect::<Vec<_>>(),
            by: &event.head().by,
            on_behalf: event.head().on_behalf.as_ref(),
        };
        capacity(&acting).is_some()
    }

    fn person(&self, login: &Login) -> Option<&Person> {
        self.org.roster.people.get(login)
    }

    /// Returns the services that the request affects.
    fn services(&self) -> Vec<&str> {
        self.request.map_or_else(Vec::new, |request| {
            let targets: Vec<_> = request.targets().into_iter().collect();
            affected_services(request.services(), &targets, self.org)
        })
    }

    /// Whether somebody may pause what an incident pauses that begins so: everything, or the services of
    /// more than one team, takes an L2 or an incident commander.
    fn may_pause(&self, it: &Opened, who: &Who<'_>) -> bool {
        who.login.is_some()
            && (!self.is_wide(it.pauses, &it.services) || who.holds(Level::L2) || who.commands())
    }

    /// Whether a pause holds up more than one team.
    fn is_wide(&self, pauses: Pauses, services: &[Name]) -> bool {
        let team =
            |name: &Name| self.org.roster.services.get(name).and_then(|it| it.team.as_deref());
        match pauses {
            Pauses::None => false,
            Pauses::All => true,
            Pauses::Services => {
                let mut teams: Vec<_> =
                    services.iter().map(|name| team(name).ok_or(name)).collect();
                teams.sort();
                teams.dedup();
                teams.len() > 1
            }
        }
    }

    /// Whether somebody may change an incident so: everybody may add to it, and some may take away.
    fn may_update(&self, it: &Updated, who: &Who<'_>) -> (bool, &'static str) {
        let Some(Incident { is, .. }) = &self.life.incident else { return (true, "") };
        let lowers = it.severity.is_some_and(|severity| severity > is.severity)
            || it.services.iter().any(|new| is.services.iter().any(|old| !new.contains(old)))
            || (it.commander.is_some() && is.commander.is_some() && it.commander != is.commander)
            || it.pauses.is_some_and(|pauses| pauses < is.pauses);
        if lowers {
            return (self.may_lower(who), LOWERERS);
        }
        let after = Opened {
            pauses: it.pauses.unwrap_or(is.pauses),
            services: it.services.clone().unwrap_or_else(|| is.services.clone()),
            ..is.clone()
        };
        let widens = (after.pauses, &after.services) != (is.pauses, &is.services);
        (who.login.is_some() && (!widens || self.may_pause(&after, who)), PAUSERS)
    }

    fn may_lower(&self, who: &Who<'_>) -> bool {
        let incident = self.life.incident.as_ref();
        let is_own = incident.is_some_and(|it| it.is.commander.as_ref() == who.login);
        (is_own && who.login.is_some()) || who.commands() || who.holds(Level::L3)
    }
}

const PAUSERS: &str =
    "somebody of the roster, and beyond one team's services to an L2 or an incident commander";
const LOWERERS: &str = "its commander, an incident commander or an L3";

/// Who writes, and what they are to a change.
struct Who<'a> {
    all: &'a Writing<'a>,
    /// The person, also where a machine writes for them.
    login: Option<&'a Login>,
    is_machine: bool,
    by: &'a Actor,
}

impl Who<'_> {
    /// Whether they are a person of this level or above; nobody lends theirs to a machine.
    fn holds(&self, level: Level) -> bool {
        let person = self.login.and_then(|login| self.all.person(login));
        !self.is_machine && person.and_then(|person| person.level).is_some_and(|own| own >= level)
    }

    fn has_role(&self, role: &str) -> bool {
        let person = self.login.and_then(|login| self.all.person(login));
        !self.is_machine && person.is_some_and(|it| it.roles.iter().any(|own| own.as_str() == role))
    }

    fn commands(&self) -> bool {
        self.has_role(INCIDENT_COMMANDER)
    }

    fn leads(&self) -> bool {
        self.has_role(DEVOPS_LEAD)
    }

    fn is(&self, login: Option<&Login>) -> bool {
        self.login.is_some() && self.login == login
    }

    fn requests(&self) -> bool {
        self.is(self.all.request.and_then(|request| request.requester.as_ref()))
    }

    fn implements(&self) -> bool {
        self.is(self.all.request.and_then(ChangeRequest::implementer))
    }

    fn owns(&self) -> bool {
        let services = self.all.services();
        let owned = |login| self.all.org.roster.owned_by(login).any(|it| services.contains(&it));
        self.login.is_some_and(owned)
    }

    fn executed(&self) -> bool {
        let executions = self.all.life.executions.iter().map(|it| &it.begin.head);
        let is_own = executions.map(|head| (&head.by, head.on_behalf.as_ref()));
        let mut is_own = is_own.map(|(by, on_behalf)| by == self.by || self.is(on_behalf));
        let records = &self.all.life.records;
        is_own.any(|it| it) || records.iter().any(|it| self.is(Some(&it.what.performed_by)))
    }

    /// Whether they requested, approved or executed it.
    fn took_part(&self) -> bool {
        let signed =
            self.all.life.executions.iter().flat_map(|it| &it.begin.what.approval.signed_by);
        self.requests()
            || self.implements()
            || self.executed()
            || signed.into_iter().any(|login| self.is(Some(login)))
    }
}
