//! What needs somebody: what is open by the log, what went around the rules, and what time passed by.

use std::collections::{BTreeMap, HashMap};

use super::accounts::Accounts;
use super::entry::Lister;
use super::frozen::{freezes, frozen};
use super::going_on::request;
use crate::content::short;
use crate::core::calendar::Calendar;
use crate::core::layout;
use crate::core::metrics::Account;
use crate::core::operations::debts::DebtState;
use crate::core::operations::event::Actor;
use crate::core::operations::kinds::Pauses;
use crate::core::operations::open::OpenDebt;
use crate::core::operations::state::State;
use crate::core::terms::{Login, TicketId};
use crate::core::time::Interval;
use crate::git::{Commit, Oid};
use crate::report::overview::{Need, Needed, Only};

/// What is known beside the accounts.
pub struct Beside<'a> {
    /// Windows and freezes.
    pub calendar: &'a Calendar,
    /// The debts that weren't waived, each with what it is now.
    pub debts: &'a [(OpenDebt, DebtState)],
    /// The address of the files on the base, where the forge has one.
    pub files: Option<&'a str>,
    /// The period of the report: without a ledger nobody can explain what went around the rules, and what did in
    /// it is named.
    pub period: Interval,
    /// Which changes are asked for.
    pub only: &'a Only,
}

/// Returns what needs somebody, the most urgent first.
///
/// # Errors
/// When the repository can't be read.
pub fn needs(
    lister: &Lister<'_>,
    accounts: &Accounts,
    beside: &Beside<'_>,
) -> anyhow::Result<Vec<Need>> {
    let by_name = accounts.all.iter().map(|account| (account.change.as_str(), account));
    let mut gathered = Gathered { lister, beside, by_name: by_name.collect(), needs: Vec::new() };
    gathered.by_log()?;
    gathered.around()?;
    gathered.overdue(accounts);
    gathered.frozen()?;
    gathered.expired(accounts)?;
    let mut needs = gathered.needs;
    needs.sort();
    Ok(needs)
}

struct Gathered<'a> {
    lister: &'a Lister<'a>,
    beside: &'a Beside<'a>,
    by_name: HashMap<&'a str, &'a Account>,
    needs: Vec<Need>,
}

impl Gathered<'_> {
    /// Adds what is the matter with a change, if it is asked for.
    fn add(&mut self, what: Needed, of: &str, who: Vec<String>, told: String, command: String) {
        let account = self.by_name.get(of);
        let only = self.beside.only;
        if !account.map_or(only.is_all(), |account| only.takes(account)) {
            return;
        }
        let merged =
            account.filter(|account| account.kind.is_some() && account.merged_at.is_some());
        let address = self.beside.files.filter(|_| merged.is_some());
        self.needs.push(Need {
            what,
            of: of.to_owned(),
            summary: account.and_then(|account| account.summary.clone()),
            who,
            told,
            command,
            address: address.map(|files| format!("{files}/{}", layout::request(of))),
        });
    }

    /// Adds what is open by the log: incidents, debts, what nobody knows the end of, and what isn't closed.
    fn by_log(&mut self) -> anyhow::Result<()> {
        let Lister { git, executions, now, .. } = *self.lister;
        let Some(log) = &executions.log else { return Ok(()) };
        for it in &log.open().incidents {
            let pauses = match it.pauses {
                Pauses::None => "",
                Pauses::Services => ", and pauses changes to its services",
                Pauses::All => ", and pauses all changes",
            };
            let (severity, since) = (it.severity, it.since.for_people(None));
            let told = format!("{severity:?} since {since} UTC{pauses}");
            let who = it.commander.iter().map(Login::to_string).collect();
            let command = format!("changegate incident resolve {}", it.incident);
            self.add(Needed::Incident, it.incident.as_str(), who, told, command);
        }
        for (debt, state) in self.beside.debts.iter().filter(|(_, state)| state.is_owed()) {
            let what = match state {
                DebtState::Overdue => Needed::DebtOverdue,
                _ => Needed::Debt,
            };
            let is_merged = self.account(&debt.change).is_some_and(|it| it.merged_at.is_some());
            let command = match is_merged {
                // Nobody signs any more what is merged already.
                true => {
                    let event = &String::from(debt.of.clone())[..10];
                    format!("changegate operations void {event} --debt --why ...")
                }
                false => format!("changegate review {} --approve", debt.change),
            };
            let told = format!("sign-offs are owed, due {} UTC", debt.due_at.for_people(None));
            self.add(what, debt.change.as_str(), vec![debt.debtor.clone()], told, command);
        }
        for it in &log.open().executions {
            let (Some(id), true) = (&it.change, it.is_lost(now)) else { continue };
            let by = match (&it.on_behalf, &it.by) {
                (Some(login), _) | (None, Actor::Person(login)) => login.to_string(),
                (None, machine @ Actor::Machine(_)) => machine.to_string(),
            };
            let told = format!("begun {} UTC, and nobody knows its end", it.since.for_people(None));
            let command = format!("changegate end {id} --result ... --why ...");
            self.add(Needed::Lost, id.as_str(), vec![by], told, command);
        }
        for id in executions.begun() {
            let (state, progress) = executions.of_change(git, id)?;
            let Some(progress) = progress.filter(|it| it.outcome_missing_since.is_some()) else {
                continue;
            };
            // What it waits for first is told above.
            if matches!(state, State::Lost | State::Running) {
                continue;
            }
            let told = match progress.told.is_empty() {
                true => "nobody said what came of it".to_owned(),
                false => progress.told.clone(),
            };
            let command = progress.next.first().cloned();
            let command = command.unwrap_or_else(|| format!("changegate show {id}"));
            let who = self.requester(id);
            self.add(Needed::WithoutOutcome, id.as_str(), who, told, command);
        }
        Ok(())
    }

    /// Adds what went around the gate, and wasn't explained.
    fn around(&mut self) -> anyhow::Result<()> {
        let Lister { git, stories, records, .. } = *self.lister;
        let title = |commit: &Commit| format!("{}: {}", stories.who(commit), commit.title());
        for commit in &records.unrecorded {
            let told = format!("recorded nowhere, by {}", title(commit));
            let command = "changegate audit coverage".to_owned();
            self.commit(commit.id, told, command);
        }
        let unexplained = records.bypasses().filter(|(_, it)| it.explanations.is_empty());
        let mut unexplained: Vec<_> = unexplained.collect();
        unexplained.sort_by_key(|(_, it)| it.index);
        for (commit, recorded) in unexplained {
            let commit = git.repo().commit(commit)?;
            let why = recorded.around().unwrap_or_default();
            let told = format!("{why}, by {}", title(&commit));
            let command =
                format!("changegate audit record-bypass {} --because ...", recorded.index);
            self.commit(commit.id, told, command);
        }
        if records.is_kept() {
            return Ok(());
        }
        let in_period =
            |account: &&&Account| account.around.iter().any(|at| self.beside.period.holds(*at));
        let mut names: Vec<_> =
            self.by_name.values().filter(in_period).map(|it| it.change.clone()).collect();
        names.sort();
        for name in names {
            let told = "reached the base without having been approved".to_owned();
            let command = format!("changegate show {name}");
            self.add(Needed::WentAround, &name, Vec::new(), told, command);
        }
        Ok(())
    }

    /// Adds what is the matter with a commit on the base.
    fn commit(&mut self, commit: Oid, told: String, command: String) {
        if !self.beside.only.is_all() {
            return;
        }
        self.needs.push(Need {
            what: Needed::WentAround,
            of: short(commit),
            summary: None,
            who: Vec::new(),
            told,
            command,
            address: None,
        });
    }

    /// Adds the open changes whose sign-offs were due.
    fn overdue(&mut self, accounts: &Accounts) {
        for entry in accounts.open.iter().filter(|entry| entry.overdue) {
            let who = entry.waits_for.iter().map(Login::to_string).collect();
            let due = entry.due_at.map(|due| format!(", due {} UTC", due.for_people(None)));
            let told = format!("{}{}", entry.brief, due.unwrap_or_default());
            let command = format!("changegate review {} --approve", entry.change);
            self.add(Needed::SignOffOverdue, &entry.change, who, told, command);
        }
    }

    /// Adds the planned changes that are frozen when they would begin.
    fn frozen(&mut self) -> anyhow::Result<()> {
        let Lister { git, executions, org, now, .. } = *self.lister;
        if executions.log.is_none() {
            return Ok(());
        }
        let calendar = self.beside.calendar;
        for id in frozen(executions.requests(git)?, (calendar, org), now) {
            let (Some(request), pull) = request(git, id)? else { continue };
            let (state, progress) = executions.progress(Some(&request), pull)?;
            let is_waiting = matches!(state, State::Scheduled | State::Ready)
                && progress.is_some_and(|it| it.done.is_empty());
            let freezes = freezes(calendar, org, &request, now);
            let Some(freeze) = freezes.first().filter(|_| is_waiting) else { continue };
            let until = freeze.end.for_people(None);
            let told = format!("{} until {until} UTC", freeze.name);
            let who = request.implementer().iter().map(ToString::to_string).collect();
            let command = format!("changegate reschedule {id} --next");
            self.add(Needed::Frozen, id.as_str(), who, told, command);
        }
        Ok(())
    }

    /// Adds what was merged since the log began, and not executed in its time.
    fn expired(&mut self, accounts: &Accounts) -> anyhow::Result<()> {
        let Lister { executions, now, .. } = *self.lister;
        let Some(began) = executions.log.as_ref().map(|log| log.began_at()).transpose()? else {
            return Ok(());
        };
        let mut expired = BTreeMap::new();
        for account in &accounts.all {
            let (Some(planned), Some(merged)) = (account.planned, account.merged_at) else {
                continue;
            };
            let is_open = account.runs.is_empty() && account.closed_at().is_none();
            if is_open && planned.end <= now && began <= merged.max(planned.start) {
                expired.insert(account.change.clone(), planned);
            }
        }
        for (name, planned) in expired {
            let Ok(id) = name.parse::<TicketId>() else { continue };
            let told = format!("was planned for {} UTC", planned.for_people(None));
            let command = format!("changegate reschedule {id} --next");
            let who = self.requester(&id);
            self.add(Needed::Expired, &name, who, told, command);
        }
        Ok(())
    }

    fn account(&self, id: &TicketId) -> Option<&Account> {
        self.by_name.get(id.as_str()).copied()
    }

    fn requester(&self, id: &TicketId) -> Vec<String> {
        self.account(id)
            .and_then(|it| it.requester.as_ref())
            .map(Login::to_string)
            .into_iter()
            .collect()
    }
}
