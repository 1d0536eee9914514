//! Builds the input document of the question whether something may be executed now.

use std::collections::BTreeMap;

use serde_json::Value;

use super::build::{affected_services, filled, person_facts};
use super::execution::*;
use super::log::{debt_facts, debtor};
use super::template::template;
use super::{Input, Purpose};
use crate::calendar::{Calendar, CalendarFacts};
use crate::decision::API_VERSION;
use crate::digest::canonical_json;
use crate::operations::authorize::{
    Acting, Approved, Attempt, Capacity, Question, capacity, reader,
};
use crate::operations::checks::unanswered;
use crate::operations::event::{Actor, Head};
use crate::operations::kinds::Verified;
use crate::operations::kinds::{EndResult, Step};
use crate::operations::life::{Execution, GRACE, Life, Said};
use crate::operations::measured::is_raised;
use crate::operations::open::OpenExecution;
use crate::operations::state::{Plan, state};
use crate::org::Org;
use crate::request::{ChangeRequest, Health};
use crate::terms::{Login, Name, TicketId};

/// How many people are named who may execute a change.
const FEW: usize = 7;

/// Builds the input document of the question whether somebody may execute something now.
pub fn build_question<'a>(question: &Question<'a>, org: &'a Org, calendar: &Calendar) -> Input<'a> {
    let Question { file, now, approval, .. } = *question;
    let request = file.and_then(|file| file.request.as_ref());
    let services = match (request, read(question)) {
        (Some(request), _) => {
            let targets: Vec<_> = request.targets().into_iter().collect();
            affected_services(request.services(), &targets, org)
        }
        (None, Some((_, target))) => affected_services(&[], &[target], org),
        (None, None) => Vec::new(),
    };
    let calendar = calendar.of(&services);
    let planned = request.and_then(ChangeRequest::planned);
    let execution = execution(question, request, org);
    let rollback_owner = request.and_then(|it| it.rollback.as_ref()?.owner.as_ref());
    let named = request.into_iter().flat_map(ChangeRequest::performers).chain(rollback_owner);
    let people = named.chain(execution.actor.login);
    let people = people.map(|login| (login, person_facts(login, org))).collect();
    Input {
        api_version: API_VERSION,
        now,
        purpose: Purpose::Execute,
        path: file.map(|file| file.path.as_str()),
        request: request.map(|request| filled(request, org)),
        previous: None,
        change: None,
        pull_request: None,
        people,
        approvals: Vec::new(),
        services,
        look_alikes: Vec::new(),
        calendar: CalendarFacts { now: Some(calendar.now(now)), ..calendar.facts(planned, now) },
        active: Vec::new(),
        incident: question.incident,
        same_id: &[],
        unread: &[],
        overdue_reviews: Vec::new(),
        template: template(request, org, question.suspends),
        execution: Some(execution),
        approval: match approval {
            Approved::By(approval) => Some(ChangeApproval {
                proof: approval.proof,
                at: approval.at.as_deref(),
                mode: approval.sign_off.mode,
                level: approval.level,
                tier: approval.tier,
                signed_by: approval
                    .signed_by()
                    .into_iter()
                    .map(|(login, at)| Signature { login, at })
                    .collect(),
                commander: approval.commander(),
                owed: &approval.owed,
                material_holds: approval.material_holds,
            }),
            _ => None,
        },
        unproven: match approval {
            Approved::By(_) => None,
            Approved::NotYet => Some(Unproven { awaited: true, why: None }),
            Approved::Unproven(why) => Some(Unproven { awaited: false, why: why.as_deref() }),
        },
        operations: Some(operations(question, request, org)),
        outcome: None,
    }
}

fn execution<'a>(
    question: &Question<'a>,
    request: Option<&'a ChangeRequest>,
    org: &'a Org,
) -> ExecutionFacts<'a> {
    let Question { execution: attempt, life, .. } = *question;
    let done = life.done();
    // A rollback undoes all of the change, unless it says what.
    let is_left = |number| attempt.rollback || !done.contains(&number);
    let meant = request.map_or_else(Vec::new, |request| attempt.steps.of(request, is_left));
    let numbers: Vec<_> = meant.iter().map(|(number, _)| *number).collect();
    let numbered = meant.into_iter().map(|(number, action)| StepFacts {
        number: Some(number),
        action: action.action.as_ref(),
        target: action.target.as_ref(),
        parameters: action
            .parameters
            .iter()
            .map(|(name, value)| (name.as_str(), as_text(value)))
            .collect(),
        done: done.contains(&number).then(|| done_by(life, number)).flatten(),
    });
    let read = read(question).map(|(action, target)| StepFacts {
        number: None,
        action: Some(action),
        target: Some(target),
        parameters: BTreeMap::new(),
        done: None,
    });
    let steps = numbered.chain(read).collect();
    let (wanted, asked) = attempt.steps.asked().unzip();
    let (actor, entitled) = actor(question, request, &numbers, org);
    let expected_end = attempt.expected.map(|length| question.now + length);
    ExecutionFacts {
        incident: question.is_alone.then_some(question.id),
        steps,
        asked,
        wanted,
        rollback: attempt.rollback,
        break_glass: question.is_break_glass,
        awaits_commander: question.awaits_commander,
        parameters: &attempt.parameters,
        expected: attempt.expected,
        expected_end,
        actor,
        entitled,
        alike: question.alike,
        age: question.age,
    }
}

/// Returns the action and target of what is to be read under an incident alone.
fn read<'a>(question: &Question<'a>) -> Option<(&'a Name, &'a Name)> {
    question.execution.steps.named().filter(|_| question.is_alone)
}

/// Returns a parameter as a caller states it: a text as it is, anything else as JSON.
fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| canonical_json(value), str::to_owned)
}

/// Returns who did a step last, and when that ended.
fn done_by(life: &Life, number: u32) -> Option<Mark> {
    let has = |steps: &[Step]| steps.iter().any(|step| step.number == Some(number));
    let executed = life.executions.iter().filter(|it| !it.is_void && has(&it.begin.what.steps));
    let executed = executed.filter_map(|it| {
        let end = it.end.as_ref().filter(|end| end.what.result == EndResult::Done)?;
        Some(Mark { by: it.begin.head.by.to_string(), at: end.head.at })
    });
    let recorded = life.counting().filter(|it| has(&it.what.steps));
    let recorded =
        recorded.map(|it| Mark { by: it.what.performed_by.to_string(), at: it.what.ended_at });
    executed.chain(recorded).max_by_key(|mark| mark.at)
}

/// Returns who acts, and the first people who may.
fn actor<'a>(
    question: &Question<'a>,
    request: Option<&'a ChangeRequest>,
    steps: &[u32],
    org: &'a Org,
) -> (ActorFacts<'a>, Vec<&'a Login>) {
    let attempt: &'a Attempt = question.execution;
    let approval = match question.approval {
        Approved::By(approval) => Some(approval),
        _ => None,
    };
    let approvers: Vec<_> = approval.into_iter().flat_map(|it| it.approvers()).collect();
    let acting = request.map(|request| Acting {
        org,
        request,
        steps,
        rollback: attempt.rollback,
        counted: approval.and_then(|it| it.level),
        signed_by: &approvers,
        by: &attempt.by,
        on_behalf: attempt.on_behalf.as_ref(),
    });
    let (login, machine) = match &attempt.by {
        Actor::Person(login) => (Some(login), None),
        Actor::Machine(name) => (attempt.on_behalf.as_ref(), Some(name)),
    };
    let person = login.and_then(|login| org.roster.people.get(login));
    let read = read(question);
    let may = |name: &Login| match (&acting, read) {
        (Some(acting), _) => acting.machine_may(name),
        (None, Some((action, target))) => {
            let machine = org.roster.machines.get(name);
            machine.is_some_and(|machine| machine.may(action, target, &org.roster))
        }
        (None, None) => false,
    };
    let on_behalf = attempt.on_behalf.as_ref();
    let reader = || reader(org, read.into_iter(), &attempt.by, on_behalf);
    let personal = login.and_then(|login| acting.as_ref()?.capacity_of(login));
    let facts = ActorFacts {
        login,
        machine,
        capacity: acting
            .as_ref()
            .and_then(capacity)
            .or_else(|| question.is_alone.then(reader).flatten()),
        may: machine.map(may),
        stands_in: personal == Some(Capacity::StandIn),
        level: person.and_then(|it| it.level),
        team: person.and_then(|it| it.team.as_deref()),
        roles: person.map_or(&[], |it| &it.roles),
        approved_this: login.is_some_and(|login| approvers.contains(&login)),
        contributed: attempt.contributed,
        proven: attempt.is_proven,
    };
    let implementer = request.and_then(ChangeRequest::implementer);
    let may = |login: &&Login| acting.as_ref().is_some_and(|it| it.capacity_of(login).is_some());
    let others = org.roster.people.keys().filter(|login| Some(*login) != implementer);
    let entitled = implementer.into_iter().chain(others).filter(may).take(FEW).collect();
    (facts, entitled)
}

fn operations<'a>(
    question: &Question<'a>,
    request: Option<&'a ChangeRequest>,
    org: &'a Org,
) -> OperationsFacts<'a> {
    let Question { id, now, open, .. } = *question;
    let is_other =
        |it: &&OpenExecution| it.change.as_ref().is_none_or(|it| it.folded() != id.folded());
    let executions = open.into_iter().flat_map(|open| &open.executions).filter(is_other);
    let running = executions.filter_map(|it| {
        Some(RunningFacts {
            change: it.change.as_ref().or(it.incident.as_ref())?,
            tier: it.tier,
            services: &it.services,
            targets: it.steps.iter().map(|step| &step.target).collect(),
            since: it.since,
            lease_until: it.lease_until,
            lost: it.is_unknown || now >= it.lease_until + GRACE,
        })
    });
    let incidents = open.into_iter().flat_map(|open| &open.incidents).map(|it| IncidentFacts {
        id: &it.incident,
        severity: it.severity,
        services: &it.services,
        pauses: it.pauses,
        commander: it.commander.as_ref(),
    });
    OperationsFacts {
        own: own(question, request, org),
        running: running.collect(),
        incidents: incidents.collect(),
        debts: debt_facts(question.debts, now),
        debtor: debtor(request, org),
        missing: Vec::new(),
    }
}

fn own(question: &Question<'_>, request: Option<&ChangeRequest>, org: &Org) -> OwnFacts {
    let Question { now, life, open, pull, .. } = *question;
    let state = request.map(|request| {
        let is_open = |incident: &TicketId| open.is_some_and(|open| open.is_open(incident));
        state(Plan::of(request, pull), life, now, &is_open)
    });
    let mark = |head: &Head| Mark { by: head.by.to_string(), at: head.at };
    let running = |it: &Execution| OwnExecution {
        execution: String::from(it.begin.id.clone()).chars().take(10).collect(),
        by: it.begin.head.by.to_string(),
        since: it.begin.head.at,
        lease_until: it.lease_until,
        host: it.begin.what.host.clone(),
        rollback: it.begin.what.rollback,
        lost: it.is_lost(now),
    };
    OwnFacts {
        pull: request.map(|_| pull),
        verdict: question.verdict,
        state,
        begun: life.has_begun(),
        break_glass: life.broke_glass().is_some(),
        changed: false,
        running: life.open().next().map(running),
        executions: life.executions.iter().filter(|it| !it.is_void).count(),
        done: life.done(),
        rolled_back: life.is_rolled_back(),
        verified: life.verified.last().map(|last| verified(last, request, life, org)),
        closed: life.outcome.as_ref().map(|it| mark(&it.head)),
        cancelled: life.cancelled.as_ref().map(|it| mark(&it.head)),
    }
}

fn verified(
    last: &Said<Verified>,
    request: Option<&ChangeRequest>,
    life: &Life,
    org: &Org,
) -> VerifiedFacts {
    let end = life.last_end().map(|(end, _)| end);
    let is_current = |it: &Verified| end.is_none_or(|end| end <= it.monitored.from);
    let Verified { monitored, checks, health, error_rate, .. } = &last.what;
    let failed = checks.iter().filter(|check| !check.passed && check.kind.counts_for_health());
    let unanswered = request.map(|it| unanswered(it, org, checks)).unwrap_or_default();
    let health = if unanswered.is_empty() { *health } else { Health::Failed };
    let current = life.verified.iter().filter(|it| is_current(&it.what));
    VerifiedFacts {
        from: monitored.from,
        to: monitored.to,
        current: is_current(&last.what),
        health,
        failed: failed.map(|check| check.name.clone()).chain(unanswered).collect(),
        error_rate: error_rate.as_ref().map(|rate| RateFacts {
            before: rate.before.clone(),
            after: rate.after.clone(),
            raised: is_raised(rate, &org.settings.outcome.error_rate),
        }),
        unexpected_impact: current.filter_map(|it| it.what.unexpected_impact.clone()).next_back(),
    }
}
