//! The question at the moment of execution: whether somebody may now execute what was approved.
//!
//! Sign-off is that of the decision that let the change in. Time, actor, conflicts and incidents are
//! judged at this moment. [`crate::decision::ask`] answers; here are the question's values, and who
//! may act, which is asked of events too.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::event::Actor;
use super::kinds::{Owed, ProvenBy};
use super::life::Life;
use super::open::Open;
use super::state::PullState;
use crate::decision::{Decision, Required, SignOff, SignOffMode};
use crate::evidence::{Incident, LoggedDebt, LoggedUse};
use crate::input::affected_services;
use crate::org::{ActsFor, Org, Person, StandIn};
use crate::policy::Requirement;
use crate::record::parts::Hex;
use crate::request::{Action, ChangeRequest, RequestFile};
use crate::terms::{INCIDENT_COMMANDER, Level, Login, Name, RiskTier, TicketId, Verdict, all_of};
use crate::time::{Duration, Time};

/// Whether somebody may now execute what was approved.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// The change's id, as it was asked for.
    pub id: &'a TicketId,
    /// The request file on the base; under break-glass, that of the open change. `None` if there is
    /// none of this id.
    pub file: Option<&'a RequestFile>,
    /// Other ids that may be meant, where there is no file.
    pub alike: &'a [TicketId],
    /// What became of the pull request.
    pub pull: PullState,
    /// What was decided about it, while it is open.
    pub verdict: Option<Verdict>,
    /// The time that the decision is made for.
    pub now: Time,
    /// What is to be executed, and by whom.
    pub execution: &'a Attempt,
    /// Whether it is asked to be executed under break-glass, from its open pull request.
    pub is_break_glass: bool,
    /// Whether the open pull request waits for the incident commander.
    pub awaits_commander: bool,
    /// What approved the change.
    pub approval: &'a Approved,
    /// What happened to the change so far.
    pub life: &'a Life,
    /// What is open in the log; `None` where there is no log.
    pub open: Option<&'a Open>,
    /// The sign-offs that are owed, of all changes.
    pub debts: &'a [LoggedDebt],
    /// Uses of the request's template that went wrong since that was changed last.
    pub suspends: &'a [LoggedUse],
    /// The log's record of the incident that the request names, or under which alone it is executed.
    pub incident: Option<&'a Incident>,
    /// Whether that incident, which then has this id, is the only ticket: something is to be read, and
    /// there is no request.
    pub is_alone: bool,
    /// How old what is known of the base and the log is, if nothing newer could be fetched.
    pub age: Option<Duration>,
}

/// An execution that somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// What is to be executed.
    pub steps: Steps,
    /// Whether it undoes the change.
    pub rollback: bool,
    /// The parameters that the caller states, as text.
    pub parameters: BTreeMap<String, String>,
    /// How long it is expected to take.
    pub expected: Option<Duration>,
    /// Who acts.
    pub by: Actor,
    /// The person for whom a machine acts.
    pub on_behalf: Option<Login>,
    /// Whether that person, or who acts in person, contributed to the request.
    pub contributed: bool,
    /// Whether it is proven who acts, and for whom.
    pub is_proven: bool,
}

/// What is to be executed of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Steps {
    /// All that is left.
    Left,
    /// The steps of these numbers.
    Numbers(Vec<u32>),
    /// The one step with this action and target.
    Named(Name, Name),
}

impl Steps {
    /// Returns the steps of a request that it means, by their numbers. Those that don't exist are left
    /// out; of several with the same name it is all.
    pub fn of<'r>(
        &self,
        request: &'r ChangeRequest,
        is_left: impl Fn(u32) -> bool,
    ) -> Vec<(u32, &'r Action)> {
        let is_meant = |(number, action): &(u32, &Action)| match self {
            Steps::Left => is_left(*number),
            Steps::Numbers(numbers) => numbers.contains(number),
            Steps::Named(name, target) => {
                action.action.as_ref() == Some(name) && action.target.as_ref() == Some(target)
            }
        };
        (1..).zip(&request.actions).filter(is_meant).collect()
    }

    /// Returns the action and target that it names without a request; `None` if it names none.
    pub fn named(&self) -> Option<(&Name, &Name)> {
        match self {
            Steps::Named(action, target) => Some((action, target)),
            Steps::Left | Steps::Numbers(_) => None,
        }
    }

    /// Returns how many steps are meant, and what they are called; `None` if it is all that is left.
    pub fn asked(&self) -> Option<(usize, String)> {
        match self {
            Steps::Left => None,
            Steps::Numbers(numbers) => {
                let word = if numbers.len() == 1 { "step" } else { "steps" };
                Some((numbers.len(), format!("{word} {}", all_of(numbers))))
            }
            Steps::Named(action, target) => {
                Some((1, format!("{} on {}", action.as_str(), target.as_str())))
            }
        }
    }
}

/// Whether a change was approved, as far as that is proven.
#[derive(Clone, Debug, PartialEq)]
pub enum Approved {
    /// It was.
    By(Approval),
    /// The ledger doesn't cover the merge yet.
    NotYet,
    /// Nothing proves it; if something is known about that, what.
    Unproven(Option<String>),
}

/// What approved a change.
#[derive(Clone, Debug, PartialEq)]
pub struct Approval {
    /// What proves it.
    pub proof: ProvenBy,
    /// The commit, or the entry of the ledger, that does.
    pub at: Option<String>,
    /// The level that the decision counted.
    pub level: Option<Level>,
    /// The tier that was approved.
    pub tier: RiskTier,
    /// Who signed off, and whose reviews count.
    pub sign_off: SignOff,
    /// The sign-offs that are owed under break-glass.
    pub owed: Vec<Owed>,
    /// Whether the material content of the request is what was approved.
    pub material_holds: bool,
}

impl Approval {
    /// Returns the approval that a decision to merge a request is, for another material content if
    /// that doesn't hold; `None` for the decision on something else. Nothing is owed.
    pub fn of(
        decision: &Decision,
        proof: ProvenBy,
        at: Option<String>,
        holds: bool,
    ) -> Option<Self> {
        Some(Approval {
            proof,
            at,
            level: decision.level,
            tier: decision.tier?,
            sign_off: decision.sign_off.clone()?,
            owed: Vec::new(),
            material_holds: holds,
        })
    }

    /// Returns the approval that an incident is for who only reads: nobody signs that off. `opened` is the
    /// event that opened it, and `tier` that of what is read.
    pub fn under_incident(opened: &Hex, tier: RiskTier) -> Self {
        Approval {
            proof: ProvenBy::Incident,
            at: Some(String::from(opened.clone())),
            level: None,
            tier,
            sign_off: SignOff {
                mode: SignOffMode::Direct,
                required: Vec::new(),
                due_at: None,
                reviews: Vec::new(),
            },
            owed: Vec::new(),
            material_holds: true,
        }
    }

    /// Returns everybody who signed off, each with when.
    pub fn signed_by(&self) -> BTreeMap<&Login, Time> {
        let reviews = || self.sign_off.reviews.iter().filter(|review| review.counts);
        let signer = |required: &Required| required.satisfied_by.clone();
        let signers: Vec<_> = self.sign_off.required.iter().filter_map(signer).collect();
        let signed =
            reviews().filter_map(|review| Some((review.user.as_ref()?, review.submitted_at)));
        // The last review of a person is the one that counts.
        signed.filter(|(login, _)| signers.contains(login)).collect()
    }

    /// Returns everybody whose approval counts, needed or not.
    pub fn approvers(&self) -> impl Iterator<Item = &Login> {
        let counting = self.sign_off.reviews.iter().filter(|review| review.counts);
        let signers = self.sign_off.required.iter().filter_map(|it| it.satisfied_by.as_ref());
        counting.filter_map(|review| review.user.as_ref()).chain(signers)
    }

    /// Returns the incident commander who approved an emergency.
    pub fn commander(&self) -> Option<&Login> {
        let mut required = self.sign_off.required.iter();
        required.find(|it| it.what == Requirement::Commander)?.satisfied_by.as_ref()
    }
}

/// The capacity in which somebody may act on a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Capacity {
    /// The person who performs it, by the request.
    Implementer,
    /// Another person, in the implementer's place.
    StandIn,
    /// A machine, for a person who may act, or unattended.
    Machine,
    /// A person who may undo it.
    Rollback,
    /// Anybody of the roster, who only reads under an open incident.
    Reader,
}

/// Who wants to act on a change, and by what it follows whether they may.
#[derive(Clone, Copy)]
pub struct Acting<'a> {
    /// The organisation's tables.
    pub org: &'a Org,
    /// The request.
    pub request: &'a ChangeRequest,
    /// The numbers of the steps that are executed or undone; all of them if it is empty.
    pub steps: &'a [u32],
    /// Whether they are undone.
    pub rollback: bool,
    /// The level that the decision counted; `None` if it counted none.
    pub counted: Option<Level>,
    /// Everybody who signed anything of the change.
    pub signed_by: &'a [&'a Login],
    /// Who acts.
    pub by: &'a Actor,
    /// The person for whom a machine acts.
    pub on_behalf: Option<&'a Login>,
}

/// Returns in which capacity somebody may act; `None` if they may not.
pub fn capacity(acting: &Acting<'_>) -> Option<Capacity> {
    match acting.by {
        Actor::Person(login) => acting.capacity_of(login),
        Actor::Machine(name) => {
            let machine = acting.org.roster.machines.get(name)?;
            let may_act = match acting.on_behalf {
                Some(person) => {
                    machine.acts_for == ActsFor::People && acting.capacity_of(person).is_some()
                }
                None => machine.unattended,
            };
            (may_act && acting.machine_may(name)).then_some(Capacity::Machine)
        }
    }
}

/// Returns in which capacity somebody may read under an incident, if all of it only reads; `None` if they
/// may not. Anybody of the roster may, and a machine that may do it, for them or unattended.
pub fn reader<'n>(
    org: &Org,
    mut steps: impl Iterator<Item = (&'n Name, &'n Name)>,
    by: &Actor,
    on_behalf: Option<&Login>,
) -> Option<Capacity> {
    let roster = &org.roster;
    let is_known = |login: &Login| roster.people.contains_key(login);
    let machine = match by {
        Actor::Person(login) => return is_known(login).then_some(Capacity::Reader),
        Actor::Machine(name) => roster.machines.get(name)?,
    };
    let may_act = match on_behalf {
        Some(person) => machine.acts_for == ActsFor::People && is_known(person),
        None => machine.unattended,
    };
    let may = may_act && steps.all(|(action, target)| machine.may(action, target, roster));
    may.then_some(Capacity::Machine)
}

impl Acting<'_> {
    /// Returns whether a machine may do all of it, no matter who started it.
    pub fn machine_may(&self, name: &Login) -> bool {
        let roster = &self.org.roster;
        let Some(machine) = roster.machines.get(name) else { return false };
        // A step that the request doesn't have is nothing that could be allowed.
        let wanted = if self.steps.is_empty() { 1 } else { self.steps.len() };
        self.actions().count() >= wanted
            && self.actions().all(|action| {
                let names = action.action.as_ref().zip(action.target.as_ref());
                names.is_some_and(|(name, target)| machine.may(name, target, roster))
            })
    }

    /// Returns in which capacity a person may act, in person or by a machine.
    pub fn capacity_of(&self, login: &Login) -> Option<Capacity> {
        // Who left the roster can't act any more.
        let person = self.org.roster.people.get(login)?;
        let is_implementer = self.request.implementer() == Some(login);
        match self.rollback {
            true => self.may_undo(login, person, is_implementer).then_some(Capacity::Rollback),
            false if is_implementer => Some(Capacity::Implementer),
            false => self.stands_in(login, person).then_some(Capacity::StandIn),
        }
    }

    fn may_undo(&self, login: &Login, person: &Person, is_implementer: bool) -> bool {
        let rollback = self.request.rollback.as_ref();
        let is_owner = rollback.and_then(|it| it.owner.as_ref()) == Some(login);
        let commands = person.roles.iter().any(|role| role.as_str() == INCIDENT_COMMANDER);
        let entry = |action: &Action| {
            let entry = self.org.actions.entries.get(action.action.as_ref()?.as_str())?;
            entry.rollback.level
        };
        let asked = self.actions().filter_map(entry).max();
        let holds = match asked {
            Some(asked) => person.level >= Some(asked),
            // The catalog asks for none: who is near it, so that no stranger stops a running change.
            None if is_implementer => true,
            None => person.level.is_some_and(|own| own == Level::L3 || self.is_near(login, person)),
        };
        is_owner || commands || holds
    }

    fn stands_in(&self, login: &Login, person: &Person) -> bool {
        self.org.settings.execution.stand_in == StandIn::Level
            && person.level.is_some()
            && person.level >= self.counted
            && !self.signed_by.contains(&login)
            && self.is_near(login, person)
    }

    /// Whether somebody is in the implementer's team, or owns an affected service.
    fn is_near(&self, login: &Login, person: &Person) -> bool {
        let roster = &self.org.roster;
        let implementer = self.request.implementer().and_then(|login| roster.people.get(login));
        let team = implementer.and_then(|it| it.team.as_ref());
        let targets: Vec<_> = self.request.targets().into_iter().collect();
        let affected = affected_services(self.request.services(), &targets, self.org);
        let mut owned = roster.owned_by(login);
        team.is_some() && person.team.as_ref() == team || owned.any(|it| affected.contains(&it))
    }

    /// Returns the actions of the steps.
    fn actions(&self) -> impl Iterator<Item = &Action> {
        let numbered = (1..).zip(&self.request.actions);
        let is_meant = |number: &u32| self.steps.is_empty() || self.steps.contains(number);
        numbered.filter(move |(number, _)| is_meant(number)).map(|(_, action)| action)
    }
}

#[cfg(test)]
mod tests;
