//! What needs somebody: what is open by the log, what went around the rules, and what time passed by.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use super::accounts::Accounts;
use super::entry::{ListEntry, Lister};
use super::frozen::{freezes, frozen};
use super::going_on::request;
use crate::content::{Requests, short};
use crate::core::calendar::Calendar;
use crate::core::layout;
use crate::core::metrics::Account;
use crate::core::operations::debts::DebtState;
use crate::core::operations::event::{About, Actor};
use crate::core::operations::kinds::Pauses;
use crate::core::operations::open::OpenDebt;
use crate::core::operations::state::State;
use crate::core::terms::{Level, Login, Name, TicketId, Verdict};
use crate::core::time::{Duration, Interval, Time};
use crate::git::{Commit, Oid};
use crate::report::overview::{Need, Needed, Only};

/// How far back what went around the gate is named where there is no ledger, at least.
const RECENT: Duration = Duration::days(90);

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
    let (by_name, requests) = (by_name.collect(), Requests::of(lister.git.repo()));
    let open = &accounts.open;
    let mut gathered = Gathered { lister, beside, by_name, open, requests, needs: Vec::new() };
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
    open: &'a [ListEntry],
    requests: Requests<'a>,
    needs: Vec<Need>,
}

impl Gathered<'_> {
    /// Adds what is the matter with a change, if it is asked for.
    fn add(
        &mut self,
        what: Needed,
        (of, since): (&str, Option<Time>),
        who: Vec<String>,
        told: String,
        command: String,
    ) {
        let (account, only) = (self.by_name.get(of), self.beside.only);
        if !account.map_or(only.is_all(), |account| only.takes(account)) {
            return;
        }
        self.needs.push(Need {
            what,
            since,
            of: of.to_owned(),
            summary: account.and_then(|account| account.summary.clone()),
            who,
            told,
            command,
            address: self.address(of),
        });
    }

    /// Returns the address of the request of a merged change.
    fn address(&self, of: &str) -> Option<String> {
        let account = self.by_name.get(of)?;
        let is_merged = account.kind.is_some() && account.merged_at.is_some();
        let files = self.beside.files.filter(|_| is_merged)?;
        Some(format!("{files}/{}", layout::request(of)))
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
            if self.is_asked(&it.services) {
                let life = log.life(About::Incident(&it.incident))?;
                self.needs.push(Need {
                    what: Needed::Incident,
                    since: Some(it.since),
                    of: it.incident.to_string(),
                    summary: life.incident.map(|incident| incident.is.summary),
                    who,
                    told,
                    command,
                    address: self.address(it.incident.as_str()),
                });
            }
        }
        for (debt, state) in self.beside.debts.iter().filter(|(_, state)| state.is_owed()) {
            let what = match state {
                DebtState::Overdue => Needed::DebtOverdue,
                _ => Needed::Debt,
            };
            let is_merged = self.account(&debt.change).is_some_and(|it| it.merged_at.is_some());
            let owes = format!("owed by {}, due {} UTC", debt.debtor, debt.due_at.for_people(None));
            // Nobody signs any more what is merged already: somebody of another team waives it.
            let (who, told, command) = match (is_merged, self.merge_of(&debt.change)) {
                (true, _) => {
                    let event = &String::from(debt.of.clone())[..10];
                    let command = format!("changegate operations void {event} --debt --why ...");
                    (self.waivers(&debt.debtor), format!("{owes}, and can only be waived"), command)
                }
                (false, Some(merge)) => {
                    (vec![debt.debtor.clone()], format!("{owes}; signed, and to be merged"), merge)
                }
                (false, None) => {
                    let command = format!("changegate review {} --approve", debt.change);
                    (vec![debt.debtor.clone()], format!("sign-offs are {owes}"), command)
                }
            };
            let of = (debt.change.as_str(), Some(debt.due_at));
            self.add(what, of, who, told, command);
        }
        for it in &log.open().executions {
            let id = it.change.as_ref().or(it.incident.as_ref());
            let (Some(id), true) = (id, it.is_lost(now)) else { continue };
            let by = match (&it.on_behalf, &it.by) {
                (Some(login), _) | (None, Actor::Person(login)) => login.to_string(),
                (None, machine @ Actor::Machine(_)) => machine.to_string(),
            };
            let told = format!("begun {} UTC, and nobody knows its end", it.since.for_people(None));
            let command = format!("changegate end {id} --result ... --why ...");
            self.add(Needed::Lost, (id.as_str(), Some(it.since)), vec![by], told, command);
        }
        for id in executions.begun() {
            let (state, progress) = executions.of_change((git, &self.requests), id)?;
            let since = progress.as_ref().and_then(|it| it.outcome_missing_since);
            let Some(progress) = progress.filter(|_| since.is_some()) else { continue };
            // What it waits for first is told above.
            if matches!(state, State::Lost | State::Running) {
                continue;
            }
            let told = match progress.told.is_empty() {
                true => "nobody said what came of it".to_owned(),
                false => progress.told.clone(),
            };
            let command = progress.next.first().map(|it| it.replace("-- COMMAND", "-- ..."));
            let command = command.unwrap_or_else(|| format!("changegate show {id}"));
            let who = self.requester(id);
            self.add(Needed::WithoutOutcome, (id.as_str(), since), who, told, command);
        }
        Ok(())
    }

    /// Adds what went around the gate, and wasn't explained.
    fn around(&mut self) -> anyhow::Result<()> {
        let Lister { git, stories, records, .. } = *self.lister;
        let title = |commit: &Commit| format!("{}: {}", stories.who(commit), commit.title());
        for commit in &records.unrecorded {
            let told = format!("recorded nowhere, by {}", title(commit));
            let command = "changegate sweep".to_owned();
            self.commit(commit.id, told, command);
        }
        let unexplained = records.bypasses().filter(|(_, it)| it.explanations.is_empty());
        let mut unexplained: Vec<_> = unexplained.collect();
        unexplained.sort_by_key(|(_, it)| it.index);
        for (commit, recorded) in unexplained {
            let why = recorded.around().unwrap_or_default();
            // What the base was reset behind isn't in every clone.
            let told = match git.repo().commit(commit) {
                Ok(commit) => format!("{why}, by {}", title(&commit)),
                Err(_) => format!("{why}, and it isn't here any more"),
            };
            let command =
                format!("changegate audit record-bypass {} --because ...", recorded.index);
            self.commit(commit, told, command);
        }
        if records.is_kept() {
            return Ok(());
        }
        // Without a ledger nobody can say why, and what is old is told for ever by `list` alone.
        let from = self.beside.period.start.min(self.lister.now - RECENT);
        let in_period = |account: &&&Account| account.around.iter().any(|at| from <= *at);
        let mut names: Vec<_> =
            self.by_name.values().filter(in_period).map(|it| it.change.clone()).collect();
        names.sort();
        for name in names {
            let told = "reached the base without having been approved".to_owned();
            let command = format!("changegate show {}", quoted(&name));
            self.add(Needed::WentAround, (&name, None), Vec::new(), told, command);
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
            since: None,
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
            let told = format!("sign-offs are missing{}", due.unwrap_or_default());
            let command = format!("changegate review {} --approve", quoted(&entry.change));
            self.add(Needed::SignOffOverdue, (&entry.change, entry.due_at), who, told, command);
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
            let (Some(request), pull) = request((git, &self.requests), id)? else { continue };
            let (state, progress) = executions.progress(Some(&request), pull)?;
            let is_waiting = matches!(state, State::Scheduled | State::Ready | State::Incomplete);
            let freezes = freezes(calendar, org, &request, now);
            let Some(freeze) = freezes.first().filter(|_| is_waiting) else { continue };
            let until = freeze.end.for_people(None);
            let told = format!("{} until {until} UTC", freeze.name);
            let who = request.implementer().iter().map(ToString::to_string).collect();
            // What was begun isn't planned again.
            let is_begun = progress.is_none_or(|it| !it.done.is_empty());
            let plan = match state == State::Incomplete || is_begun {
                true => format!("changegate show {id}"),
                false => format!("changegate reschedule {id} --next"),
            };
            let command = self.merge_of(id).unwrap_or(plan);
            let start = request.planned().map(|planned| planned.start);
            self.add(Needed::Frozen, (id.as_str(), start), who, told, command);
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
            let command = self.merge_of(&id);
            let command = command.unwrap_or_else(|| format!("changegate reschedule {id} --next"));
            let who = self.requester(&id);
            self.add(Needed::Expired, (&name, Some(planned.end)), who, told, command);
        }
        Ok(())
    }

    /// Whether an incident of these services is asked for; incidents have no tier.
    fn is_asked(&self, services: &[Name]) -> bool {
        let Only { team, service, .. } = self.beside.only;
        let known = &self.lister.org.roster.services;
        let is_of = |team: &String| {
            let mut teams = services.iter().filter_map(|it| known.get(it.as_str())?.team.as_ref());
            teams.any(|it| it == team)
        };
        service.as_ref().is_none_or(|service| services.contains(service))
            && team.as_ref().is_none_or(is_of)
    }

    /// Returns who may waive a debt: each L3 whose team doesn't owe it.
    fn waivers(&self, debtor: &str) -> Vec<String> {
        let people = self.lister.org.roster.people.iter();
        let may = people.filter(|(login, person)| {
            let owes = person.team.as_deref() == Some(debtor) || login.as_str() == debtor;
            person.level == Some(Level::L3) && !owes
        });
        may.map(|(login, _)| login.to_string()).collect()
    }

    /// Returns the command that goes on with an open change, if it can be merged.
    fn merge_of(&self, id: &TicketId) -> Option<String> {
        let open = self.open.iter().find(|entry| entry.change == id.as_str())?;
        (open.verdict == Some(Verdict::Approved)).then(|| format!("changegate merge {id}"))
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

/// Returns a name as a shell takes it for one word: anybody can give a branch or a file any name.
fn quoted(name: &str) -> Cow<'_, str> {
    shlex::try_quote(name).unwrap_or(Cow::Borrowed("..."))
}
