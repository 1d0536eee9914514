//! What the operations log says, as a merge is judged by it.

use std::collections::BTreeSet;

use super::execution::{
    DebtFacts, IncidentFacts, MissingFacts, OperationsFacts, OwnFacts, RunningFacts,
};
use crate::digest::Digest;
use crate::evidence::{LogEvidence, LoggedDebt};
use crate::operations::life::GRACE;
use crate::org::Org;
use crate::request::ChangeRequest;
use crate::terms::Login;
use crate::time::Time;

/// Returns the facts of the log for the decision whether a request may be merged.
pub(super) fn log_facts<'a>(
    log: &'a LogEvidence,
    request: Option<&'a ChangeRequest>,
    material: Option<&Digest>,
    (org, now): (&'a Org, Time),
) -> OperationsFacts<'a> {
    let own = &log.own;
    let running = log.running.iter().map(|it| RunningFacts {
        change: &it.change,
        tier: it.tier,
        services: &it.services,
        targets: it.targets.iter().collect(),
        since: it.since,
        lease_until: it.lease_until,
        lost: it.is_unknown || now >= it.lease_until + GRACE,
    });
    let incidents = log.incidents.iter().map(|it| IncidentFacts {
        id: &it.id,
        severity: it.severity,
        services: &it.services,
        pauses: it.pauses,
        commander: it.commander.as_ref(),
    });
    let missing_after = org.settings.outcome.missing_after;
    let missing = log.begun.iter().filter(|it| it.over_at + missing_after <= now);
    OperationsFacts {
        own: OwnFacts {
            pull: None,
            verdict: None,
            state: None,
            begun: own.executions > 0 || own.recorded,
            break_glass: own.break_glass,
            changed: own.material.iter().any(|executed| Some(executed) != material),
            running: None,
            executions: own.executions,
            done: BTreeSet::new(),
            rolled_back: false,
            verified: None,
            closed: None,
            cancelled: None,
        },
        running: running.collect(),
        incidents: incidents.collect(),
        debts: debt_facts(&log.debts, now),
        debtor: debtor(request, org),
        missing: missing
            .map(|it| MissingFacts { change: &it.change, over_at: it.over_at })
            .collect(),
    }
}

/// Returns the sign-offs that are owed, and which of them are overdue.
pub(super) fn debt_facts(debts: &[LoggedDebt], now: Time) -> Vec<DebtFacts<'_>> {
    let facts = debts.iter().map(|it| DebtFacts {
        debtor: &it.debtor,
        change: &it.change,
        due_at: it.due_at,
        overdue: it.due_at <= now,
    });
    facts.collect()
}

/// Returns who owes sign-offs for a request that is executed before they are given: the requester's team,
/// or the requester without one.
pub fn debtor<'a>(request: Option<&'a ChangeRequest>, org: &'a Org) -> Option<&'a str> {
    let requester = request.and_then(|it| it.requester.as_ref());
    let team = requester.and_then(|it| org.roster.people.get(it)?.team.as_deref());
    team.or(requester.map(Login::as_str))
}
