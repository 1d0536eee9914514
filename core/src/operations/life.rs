//! The life of a change or an incident: the fold of the events of its file.
//!
//! `after` says which event can follow, and adds it.

use std::collections::BTreeSet;

use super::event::{Actor, Event, Head};
use super::kinds::{
    Begin, Cancelled, Commander, End, EndResult, Escalated, Opened, Outcome, Owed, ProvenBy,
    Record, Step, Verified, Voided, Voids,
};
use crate::record::parts::Hex;
use crate::terms::TicketId;
use crate::time::{Duration, Interval, Time};

/// How long after its lease an execution still counts as running: as far as clocks may be apart.
pub const GRACE: Duration = Duration::seconds(300);

/// How long after it somebody signs what was executed without asking: the rules' 24 hours.
const DUE_AFTER: Duration = Duration::hours(24);

/// How long an outcome can be voided.
pub const VOIDABLE: Duration = Duration::days(7);

/// An event of a life, with who wrote it and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Said<T> {
    /// The event's id.
    pub id: Hex,
    /// What every event says.
    pub head: Head,
    /// What this kind says.
    pub what: T,
}

/// An execution.
#[derive(Clone, Debug, PartialEq)]
pub struct Execution {
    /// How it began; its id is the execution's name.
    pub begin: Said<Begin>,
    /// Until when it is taken to go on.
    pub lease_until: Time,
    /// How it ended, if anybody says so.
    pub end: Option<Said<End>>,
    /// Whether it was voided.
    pub is_void: bool,
}

impl Execution {
    /// Returns whether it goes on, or its end is unknown.
    pub fn is_open(&self) -> bool {
        !self.is_void && self.result().is_none_or(|result| result == EndResult::Unknown)
    }

    /// Returns how it ended, if anybody says so.
    pub fn result(&self) -> Option<EndResult> {
        self.end.as_ref().map(|end| end.what.result)
    }

    /// Returns whether nobody knows at this time whether it goes on.
    pub fn is_lost(&self, now: Time) -> bool {
        self.is_open() && (self.end.is_some() || now >= self.lease_until + GRACE)
    }
}

/// What happened to a change, or under an incident.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Life {
    /// The executions, in the order in which they began.
    pub executions: Vec<Execution>,
    /// What was executed without asking.
    pub records: Vec<Said<Record>>,
    /// The verifications.
    pub verified: Vec<Said<Verified>>,
    /// The outcome that counts.
    pub outcome: Option<Said<Outcome>>,
    /// The cancellation.
    pub cancelled: Option<Said<Cancelled>>,
    /// The escalations, with the incidents that they name.
    pub escalated: Vec<(TicketId, Said<Escalated>)>,
    /// The approvals that somebody heard.
    pub heard: Vec<Said<Commander>>,
    /// The incident, as it is after all updates.
    pub incident: Option<Incident>,
    /// What counts no more.
    pub voided: Vec<Said<Voided>>,
    /// What was recorded offline, and couldn't follow on what the log held when it arrived.
    pub out_of_turn: Vec<OutOfTurn>,
    /// The last event.
    pub last: Option<Hex>,
}

/// What couldn't follow on what the log held when it arrived.
#[derive(Clone, Debug, PartialEq)]
pub struct OutOfTurn {
    /// The event.
    pub event: Event,
    /// Why not.
    pub why: String,
    /// Whether it began what another execution of the change did or does.
    pub is_concurrent: bool,
}

/// An incident.
#[derive(Clone, Debug, PartialEq)]
pub struct Incident {
    /// How it began.
    pub opened: Said<Opened>,
    /// As it is now.
    pub is: Opened,
    /// Who said last what it pauses.
    pub paused_by: Actor,
    /// When.
    pub paused_at: Time,
    /// When it was resolved, if it was, and by whom.
    pub resolved: Option<(Time, Actor)>,
}

impl Life {
    /// Returns the executions that go on, or whose end nobody knows. Of a change it is at most one:
    /// what began after it leaves an older one behind.
    pub fn open(&self) -> impl Iterator<Item = &Execution> {
        let counting = self.executions.iter().filter(|it| !it.is_void);
        let last = counting.clone().next_back().map(|it| &it.begin.id);
        counting.filter(move |it| {
            it.is_open() && (self.incident.is_some() || Some(&it.begin.id) == last)
        })
    }

    /// Returns the debts that weren't waived. Whether one was settled, the log alone doesn't say.
    pub fn debts(&self) -> impl Iterator<Item = Debt<'_>> {
        self.all_debts().filter(|debt| !self.is_waived(debt))
    }

    /// Returns the debts that were waived.
    pub fn waived(&self) -> impl Iterator<Item = Debt<'_>> {
        self.all_debts().filter(|debt| self.is_waived(debt))
    }

    fn is_waived(&self, debt: &Debt<'_>) -> bool {
        self.waivers(debt.of).next().is_some()
    }

    fn is_waived_before(&self, debt: &Hex, at: Time) -> bool {
        self.waivers(debt).any(|it| it.head.at <= at)
    }

    fn waivers<'a>(&'a self, debt: &Hex) -> impl Iterator<Item = &'a Said<Voided>> {
        self.voided.iter().filter(move |it| it.what.what == Voids::Debt && it.what.of == *debt)
    }

    fn all_debts(&self) -> impl Iterator<Item = Debt<'_>> {
        // What is tried again owes no more than before, unless that was waived.
        let mut known: Option<&Hex> = None;
        let executed = self.executions.iter().filter_map(move |it| {
            let (of, approval) = (&it.begin.id, &it.begin.what.approval);
            let due_at = approval.owed.iter().map(|owed| owed.due_at).min()?;
            let debtor = approval.debtor.as_deref()?;
            if known.is_some_and(|known| !self.is_waived_before(known, it.begin.head.at)) {
                return None;
            }
            known = Some(of);
            Some(Debt { of, debtor, owed: &approval.owed, due_at })
        });
        let recorded = self.counting().filter_map(|it| {
            let due_at = it.head.at + DUE_AFTER;
            Some(Debt { of: &it.id, debtor: it.what.debtor.as_deref()?, owed: &[], due_at })
        });
        executed.chain(recorded)
    }

    /// Returns what was executed without asking, and isn't void.
    pub fn counting(&self) -> impl Iterator<Item = &Said<Record>> {
        let is_void = |id: &Hex| {
            self.voided.iter().any(|it| it.what.what == Voids::Execution && it.what.of == *id)
        };
        self.records.iter().filter(move |it| !is_void(&it.id))
    }

    /// Returns the first execution under break-glass that wasn't voided: of the open change.
    pub fn broke_glass(&self) -> Option<&Execution> {
        let is_open = |it: &&Execution| it.begin.what.approval.proof == ProvenBy::Open;
        self.executions.iter().filter(|it| !it.is_void).find(is_open)
    }

    /// Returns the commit of the open change from which it was executed first, if it was.
    pub fn opened_from(&self) -> Option<String> {
        // A void one was executed from there all the same, as far as others rely on it.
        let is_open = |it: &&Execution| it.begin.what.approval.proof == ProvenBy::Open;
        let executed = self.executions.iter().find(is_open);
        let executed = executed.and_then(|it| it.begin.what.approval.at.clone());
        let recorded = || self.records.iter().find_map(|it| it.what.open.as_ref());
        executed.or_else(|| recorded().map(ToString::to_string))
    }

    /// Whether any execution, record, outcome or escalation was written where the log couldn't be reached.
    pub fn is_offline(&self) -> bool {
        let executions = self.executions.iter().map(|it| &it.begin.head);
        let records = self.records.iter().map(|it| &it.head);
        let ends = self.executions.iter().filter_map(|it| it.end.as_ref()).map(|it| &it.head);
        let outcome = self.outcome.iter().map(|it| &it.head);
        let escalated = self.escalated.iter().map(|(_, it)| &it.head);
        let heads = executions.chain(records).chain(ends).chain(outcome).chain(escalated);
        heads.into_iter().any(|head| head.offline)
    }

    /// Returns whether anything was executed.
    pub fn has_begun(&self) -> bool {
        self.counting().next().is_some() || self.executions.iter().any(|it| !it.is_void)
    }

    /// Returns the end of the last thing that was executed, and how it ended.
    pub fn last_end(&self) -> Option<(Time, EndResult)> {
        self.ends().last().map(|end| (end.at, end.result))
    }

    /// Returns since when an outcome is missing: `after` the planned end, or the last execution if that
    /// ended later, of what was begun and isn't closed.
    pub fn misses_outcome_since(
        &self,
        planned: Option<Interval>,
        after: Duration,
        now: Time,
    ) -> Option<Time> {
        let is_over = self.outcome.is_some() || self.cancelled.is_some();
        let last = self.last_end().map(|(end, _)| end);
        let begun = || self.executions.iter().filter(|it| !it.is_void).map(|it| it.begin.head.at);
        let end = last.max(planned.map(|planned| planned.end)).or_else(|| begun().max())?;
        (self.has_begun() && !is_over).then_some(end + after).filter(|due| *due <= now)
    }

    /// Returns the numbers of the steps that are done, and weren't rolled back since.
    pub fn done(&self) -> BTreeSet<u32> {
        let mut numbers = BTreeSet::new();
        for end in self.ends().iter().filter(|end| end.result == EndResult::Done) {
            match end.rollback {
                true => numbers.clear(),
                false => numbers.extend(end.steps.iter().filter_map(|step| step.number)),
            }
        }
        numbers
    }

    /// Returns whether the last thing that was done is a rollback.
    pub fn is_rolled_back(&self) -> bool {
        let ends = self.ends();
        ends.iter().rfind(|end| end.result == EndResult::Done).is_some_and(|end| end.rollback)
    }

    /// Returns what ended, in the order of time.
    fn ends(&self) -> Vec<Ended<'_>> {
        let executed = self.executions.iter().filter(|it| !it.is_void).filter_map(|it| {
            let (end, begin) = (it.end.as_ref()?, &it.begin.what);
            let (rollback, steps) = (begin.rollback, &begin.steps[..]);
            Some(Ended { at: end.head.at, result: end.what.result, rollback, steps })
        });
        let recorded = self.counting().map(|Said { what: it, .. }| Ended {
            at: it.ended_at,
            result: it.result,
            rollback: it.rollback,
            steps: &it.steps,
        });
        let mut ends: Vec<_> = executed.chain(recorded).collect();
        ends.sort_by_key(|end| end.at);
        ends
    }
}

/// Sign-offs that somebody owes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Debt<'a> {
    /// The event that began it.
    pub of: &'a Hex,
    /// The team or person who owes them.
    pub debtor: &'a str,
    /// Which, where the log says so.
    pub owed: &'a [Owed],
    /// Until when the first is due.
    pub due_at: Time,
}

/// The end of an execution.
struct Ended<'a> {
    at: Time,
    result: EndResult,
    rollback: bool,
    steps: &'a [Step],
}
