//! Who may write an event, by the roster and the request at its base. Policies are told who acts, and
//! can only refuse more.

use super::authorize::{Acting, capacity, reader};
use super::event::{Actor, Event};
use super::kinds::{Begin, Opened, Pauses, Updated, Voids, What};
use super::life::{Execution, Incident, Life};
use super::open::OpenIncident;
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
    /// The incidents that are open.
    pub incidents: &'a [OpenIncident],
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
                (self.may_act(event, it, it.rollback, None), "who may execute it or roll it back")
            }
            What::Renew(_) => (true, ""),
            What::Genesis(_) => (person.is_some(), "somebody of the roster"),
            // As which machine the workflow writes that does, its token has proven.
            What::Keys(_) => (who.holds(Level::L3) || is_machine, "an L3"),
            What::End(it) => {
                let began =
                    self.life.executions.iter().find(|begun| begun.begin.id == it.execution);
                // What began offline beside another execution ends, too.
                let aside = self.life.out_of_turn.iter().map(|it| &it.event);
                let mut aside = aside.filter(|event| *event.id() == it.execution);
                let is_own = began.is_some_and(|begun| begun.begin.head.by == head.by)
                    || aside.any(|event| event.head().by == head.by);
                // The level that the decision counted isn't higher.
                let level = |login| self.person(login).and_then(|it| it.level);
                let performers = self.request.into_iter().flat_map(|it| it.performers());
                let counted = performers.filter_map(level).min();
                let may_do = |begun: &Execution| {
                    let it = &begun.begin.what;
                    [true, it.rollback].iter().any(|undo| self.may_act(event, it, *undo, counted))
                };
                let may = is_own || began.is_some_and(may_do) || who.holds(Level::L3);
                (may, "who began it, who may execute it or roll it back, or an L3")
            }
            What::Record(it) => {
                let is_own = person == Some(&it.performed_by) && !is_machine;
                // Nobody puts a debt on another team.
                let team = |login: Option<&Login>| self.person(login?)?.team.as_deref();
                let is_own_team =
                    team(person).is_some() && team(person) == team(Some(&it.performed_by));
                let may = is_own || (who.implements() && is_own_team);
                let whom = "who did it, the implementer for their own team, an incident commander or an L3";
                (may || who.commands() || who.holds(Level::L3), whom)
            }
            What::Verified(_) | What::Outcome(_) => (who.concludes(), CONCLUDERS),
            What::Cancelled(_) => {
                let may = who.requests() || who.implements() || who.owns() || who.leads();
                let whom = "the requester, the implementer, or somebody who could have approved it";
                (may || who.holds(Level::L2), whom)
            }
            What::Escalated(_) | What::Commander(_) => (person.is_some(), "somebody of the roster"),
            What::Opened(it) if self.unknown(it).is_some() => return self.unknown(it),
            What::Opened(it) => (self.may_pause(it, &who), PAUSERS),
            What::Updated(it) => {
                let after = self.life.incident.as_ref().map(|incident| incident.is.with(it));
                if let Some(why) = after.as_ref().and_then(|after| self.unknown(after)) {
                    return Some(why);
                }
                self.may_update(it, &who)
            }
            // That there is no such incident is said elsewhere.
            What::Resolved(_) => (self.life.incident.is_none() || self.may_lower(&who), LOWERERS),
            What::Voided(it) => match it.what {
                Voids::Outcome => {
                    let outcome = self.life.outcome.as_ref();
                    let is_own = outcome.is_some_and(|outcome| outcome.head.by == head.by);
                    (is_own || who.holds(Level::L3), "who said it, or an L3")
                }
                Voids::Execution => {
                    (who.holds(Level::L3) && !who.took_part(), "an L3 who had no part in it")
                }
                Voids::Debt => {
                    let owes =
                        self.life.debts().any(|debt| *debt.of == it.of && who.owes(debt.debtor));
                    // Who was heard owes that confirmation.
                    let was_heard = self.life.heard.iter().any(|it| who.is(Some(&it.what.who)));
                    let may = who.holds(Level::L3) && !who.took_part() && !owes && !was_heard;
                    (may, "an L3 who had no part in it, and whose team doesn't owe it")
                }
            },
        };
        (!may).then(|| format!("{} may not: it is up to {else_who}", head.by))
    }

    /// Returns whether somebody may say how the change went.
    pub fn may_conclude(&self, by: &Actor, on_behalf: Option<&Login>) -> bool {
        let (login, is_machine) = match by {
            Actor::Person(login) => (Some(login), false),
            Actor::Machine(_) => (on_behalf, true),
        };
        Who { all: self, login, is_machine, by }.concludes()
    }

    /// Whether somebody may execute what a beginning says, or undo it, as far as that says by whom it was
    /// approved; what only reads under an incident, everybody may.
    fn may_act(
        &self,
        event: &Event,
        begin: &Begin,
        rollback: bool,
        counted: Option<Level>,
    ) -> bool {
        let (by, on_behalf) = (&event.head().by, event.head().on_behalf.as_ref());
        let Some(request) = self.request else {
            let steps = begin.steps.iter().map(|step| (&step.action, &step.target));
            return reader(self.org, steps, by, on_behalf).is_some();
        };
        let numbers: Vec<_> = begin.steps.iter().filter_map(|step| step.number).collect();
        let acting = Acting {
            org: self.org,
            request,
            steps: &numbers,
            rollback,
            counted,
            signed_by: &begin.approval.signed_by.iter().collect::<Vec<_>>(),
            by,
            on_behalf,
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

    /// Returns what an incident names that the roster doesn't: a pause of a service that isn't there holds
    /// up nothing, and who commands may lift a pause.
    fn unknown(&self, it: &Opened) -> Option<String> {
        let mut services = it.services.iter();
        if let Some(name) = services.find(|name| !self.org.roster.services.contains_key(*name)) {
            return Some(format!("there is no service `{name}` in the roster"));
        }
        let commander = it.commander.as_ref()?;
        let commands =
            |person: &Person| person.roles.iter().any(|role| role.as_str() == INCIDENT_COMMANDER);
        let is_one = self.person(commander).is_some_and(commands);
        (!is_one).then(|| format!("{commander} isn't an incident commander in the roster"))
    }

    /// Whether somebody may pause what an incident pauses that begins so: everything, or the services of
    /// more than one team, takes an L2 or an incident commander. What the same person has paused by other
    /// incidents counts with it.
    fn may_pause(&self, it: &Opened, who: &Who<'_>) -> bool {
        let paused = self
            .incidents
            .iter()
            .filter(|other| other.pauses == Pauses::Services && other.paused_by == *who.by);
        let services: Vec<_> =
            paused.flat_map(|other| &other.services).chain(&it.services).cloned().collect();
        who.login.is_some()
            && (!self.is_wide(it.pauses, &services) || who.holds(Level::L2) || who.commands())
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
        let after = is.with(it);
        let widens = (after.pauses, &after.services) != (is.pauses, &is.services);
        (who.login.is_some() && (!widens || self.may_pause(&after, who)), PAUSERS)
    }

    fn may_lower(&self, who: &Who<'_>) -> bool {
        let incident = self.life.incident.as_ref();
        let is_own = incident.is_some_and(|it| it.is.commander.as_ref() == who.login);
        (is_own && who.login.is_some()) || who.commands() || who.holds(Level::L3)
    }
}

/// Who may say how a change went.
pub const CONCLUDERS: &str = "the requester, the implementer, who executed it, an owner of an affected \
                              service or an incident commander";

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

    /// Whether they, or their team, are called so.
    fn owes(&self, debtor: &str) -> bool {
        let team = self.login.and_then(|login| self.all.person(login)?.team.as_deref());
        team == Some(debtor) || self.login.is_some_and(|login| login.as_str() == debtor)
    }

    fn owns(&self) -> bool {
        let services = self.all.services();
        let owned = |login| self.all.org.roster.owned_by(login).any(|it| services.contains(&it));
        self.login.is_some_and(owned)
    }

    fn concludes(&self) -> bool {
        self.requests() || self.implements() || self.executed() || self.owns() || self.commands()
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
