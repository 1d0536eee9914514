//! What became of the changes that are open by the operations log, and what somebody has to be reminded of.

use std::collections::BTreeSet;

use changegate::changes::frozen::freezes;
use changegate::content::request_with_id;
use changegate::core::calendar::Calendar;
use changegate::core::operations::debts::DebtState;
use changegate::core::operations::event::{About, Actor, Event};
use changegate::core::operations::life::Life;
use changegate::core::operations::state::{Plan, PullState, State, state};
use changegate::core::org::Org;
use changegate::core::request::ChangeRequest;
use changegate::core::terms::TicketId;
use changegate::core::time::Time;
use changegate::forge::git::Git;
use changegate::forge::github::GitHub;
use changegate::gate::execution;
use changegate::operations::Log;
use changegate::report::executed::{Owed, Reminder};

/// A change to which something happened.
pub struct Told {
    pub id: TicketId,
    /// The path of its request on the base; `None` if it isn't merged.
    pub path: Option<String>,
    pub request: ChangeRequest,
    pub events: Vec<Event>,
    pub life: Life,
    pub state: State,
    pub owed: Vec<Owed>,
}

/// Returns the changes that are open by the log.
pub fn open(log: &Log<'_>) -> BTreeSet<TicketId> {
    let open = log.open();
    let running = open.executions.iter().filter_map(|it| it.change.clone());
    let owed = open.debts.iter().map(|debt| debt.change.clone());
    open.begun.iter().cloned().chain(running).chain(owed).collect()
}

/// Returns what the log says of a change; `None` if its request isn't here. `debts` are those of all
/// changes.
///
/// # Errors
/// When the repository can't be read.
pub fn told(
    git: &Git,
    log: &Log<'_>,
    id: &TicketId,
    debts: &[(TicketId, Owed)],
    now: Time,
) -> anyhow::Result<Option<Told>> {
    let (events, life) = (log.events(&About::Change(id).path())?, log.life(About::Change(id))?);
    let (repo, base) = (git.repo(), git.base()?);
    let merged = request_with_id(repo, base, id)?;
    let opened = || {
        let commit = life.opened_from().and_then(|commit| repo.commit_with_id(&commit));
        commit.map(|commit| request_with_id(repo, commit, id)).transpose()
    };
    let pull = if merged.is_some() { PullState::Merged } else { PullState::Open };
    let (path, file) = match merged {
        Some((path, file)) => (Some(path), Some(file)),
        None => (None, opened()?.flatten().map(|(_, file)| file)),
    };
    let Some(request) = file.and_then(|file| file.request) else { return Ok(None) };
    let plan = Plan::of(&request, pull);
    let state = state(plan, &life, now, &|incident| log.open().is_open(incident));
    let own = debts.iter().filter(|(change, _)| change.folded() == id.folded());
    let owed = own.map(|(_, owed)| owed.clone()).collect();
    Ok(Some(Told { id: id.clone(), path, request, events, life, state, owed }))
}

/// Returns the debts that weren't waived, each with its change.
///
/// # Errors
/// When the repository can't be read, or GitHub can't be asked.
pub fn debts(
    (git, github): (&Git, Option<&GitHub>),
    org: &Org,
    log: &Log<'_>,
    now: Time,
) -> anyhow::Result<Vec<(TicketId, Owed)>> {
    let mut debts = Vec::new();
    for (debt, state) in execution::debts((git, github), org, log, now)? {
        let life = log.life(About::Change(&debt.change))?;
        let named = life.debts().find(|it| *it.of == debt.of);
        let what = named.iter().flat_map(|it| it.owed).map(|owed| owed.what.to_string());
        let owed = Owed {
            of: String::from(debt.of),
            debtor: debt.debtor,
            what: what.collect(),
            due_at: debt.due_at,
            state: state.as_str(),
        };
        debts.push((debt.change, owed));
    }
    Ok(debts)
}

/// Returns the reminders of incidents that pause changes for longer than the settings say, each with its
/// incident: none ends by itself.
///
/// # Errors
/// When the repository can't be read.
pub fn pauses(log: &Log<'_>, org: &Org, now: Time) -> anyhow::Result<Vec<(TicketId, Reminder)>> {
    let most = org.settings.incident.pause_warn;
    let long = log.held().long_pauses(log.open(), most, now)?.into_iter();
    let reminders = long.map(|(it, since)| {
        let reminder = Reminder::of_pause(&it.incident, (since, now), it.commander.clone());
        (it.incident.clone(), reminder)
    });
    Ok(reminders.collect())
}

impl Told {
    /// Returns what somebody has to be reminded of.
    pub fn reminders(&self, org: &Org, calendar: &Calendar, now: Time) -> Vec<Reminder> {
        let Told { id, request, life, .. } = self;
        let requester = request.requester.as_ref();
        let lost = life.open().filter(|it| it.is_lost(now)).map(|it| {
            let head = &it.begin.head;
            let by = match (&head.on_behalf, &head.by) {
                (Some(login), _) | (None, Actor::Person(login)) => Some(login),
                (None, Actor::Machine(_)) => requester,
            };
            Reminder::of_lost(id, String::from(it.begin.id.clone()), by.cloned())
        });
        let mut reminders: Vec<_> = lost.collect();
        let patience = org.settings.outcome.missing_after;
        if let Some(due) = life.misses_outcome_since(request.planned(), patience, now) {
            reminders.push(Reminder::of_outcome(id, (due - patience, now), requester.cloned()));
        }
        if matches!(self.state, State::Scheduled | State::Ready) && !life.has_begun() {
            let performer = request.implementer();
            let frozen = freezes(calendar, org, request, now);
            reminders
                .extend(frozen.iter().map(|it| Reminder::of_freeze(id, it, performer.cloned())));
        }
        let overdue = DebtState::Overdue.as_str();
        let overdue = self.owed.iter().filter(|owed| owed.state == overdue);
        reminders.extend(overdue.map(|owed| Reminder::of_debt(id, owed, requester.cloned())));
        reminders
    }
}
