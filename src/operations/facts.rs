//! What the log says that matters to whether a change may be merged, as somebody saw the log: up to the
//! commit that the merge names. So what is judged once more later is judged by the same facts.

use anyhow::Context as _;

use super::held::Held;
use super::read::file;
use super::templates::suspending;
use super::walked::Walked;
use super::{Log, OPERATIONS, Rules};
use crate::content::{Pull, Requests, short};
use crate::core::digest::{Digest, canonical_json, to_json};
use crate::core::evidence::{
    Footprint, Incident, LogEvidence, LoggedBegun, LoggedDebt, LoggedExecution, LoggedIncident,
    OwnLog,
};
use crate::core::layout::{TEMPLATES, stem};
use crate::core::operations::debts::DebtState;
use crate::core::operations::event::{About, Event};
use crate::core::operations::kinds::What;
use crate::core::operations::life::Life;
use crate::core::operations::open::{Open, OpenDebt, OpenExecution, STATE};
use crate::core::request::ChangeRequest;
use crate::core::terms::{Login, TicketId};
use crate::core::time::Time;
use crate::git::{Oid, Repo};
use crate::ledger::oid;

/// The log up to a commit, beside the base at a commit.
#[derive(Clone)]
pub struct Seen {
    /// The commit of the base.
    base: Oid,
    /// Whether that has templates of standard changes.
    has_templates: bool,
    tip: Oid,
    /// The last commit up to there that holds.
    last: Oid,
    open: Open,
    begun: Vec<Begun>,
    /// The debts that weren't waived, each with when its change was merged since, if it was.
    debts: Vec<(OpenDebt, Option<Time>)>,
}

/// A change that was begun and has no outcome.
#[derive(Clone)]
struct Begun {
    change: TicketId,
    over_at: Time,
    requester: Option<Login>,
}

/// Tells whether a change was closed while somebody requested changes.
pub type IsRefused<'a> = &'a dyn Fn(&TicketId) -> anyhow::Result<bool>;

impl Seen {
    /// Reads the log as it was at a commit of it, beside the base at a commit.
    ///
    /// # Errors
    /// When the commit isn't part of the log, or it can't be read.
    pub fn read(repo: &Repo, base: Oid, tip: Oid) -> anyhow::Result<Self> {
        repo.commit(tip).with_context(|| {
            format!("{} of {OPERATIONS} isn't here: fetch that branch", short(tip))
        })?;
        // What was walked already needn't be walked again.
        let known = Walked::of(repo).and_then(|known| Some((known.tip()?, known.foreign()?)));
        let foreign = match known {
            Some((known, foreign)) if repo.leads_to(tip, known).unwrap_or(false) => foreign,
            _ => {
                let log = Log::read(Rules::at(repo, base)?, tip)?.map_err(anyhow::Error::msg)?;
                log.foreign().to_vec()
            }
        };
        let mut last = tip;
        while foreign.iter().any(|it| it.commit == last) {
            last = repo.parent(last)?.context("the log has a first commit")?;
        }
        let state = file(repo, last, STATE)?.context("the log has no state.json")?;
        let open = Open::read(&state).map_err(anyhow::Error::msg)?;
        Self::beside(Held { repo, commit: last }, (base, tip), open)
    }

    /// Returns the debts of a log as it was read, beside the base at a commit, and not what was begun: of that
    /// there can be much.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn debts_of(log: &Log<'_>, base: Oid) -> anyhow::Result<Self> {
        let open = Open { begun: Vec::new(), ..log.open().clone() };
        Self::beside(log.held(), (base, log.tip()), open)
    }

    fn beside(held: Held<'_>, (base, tip): (Oid, Oid), open: Open) -> anyhow::Result<Self> {
        let requests = Requests::of(held.repo);
        let (mut begun, mut debts) = (Vec::new(), Vec::new());
        for change in &open.begun {
            if let Some(over_at) = over_at(&held.life(About::Change(change))?) {
                let found = requests.read(base, change)?;
                let requester = found.and_then(|(_, file)| file.request?.requester);
                begun.push(Begun { change: change.clone(), over_at, requester });
            }
        }
        for debt in &open.debts {
            debts.push((debt.clone(), signed_at(&requests, base, held, debt)?));
        }
        let has_templates = held.repo.entry(base, TEMPLATES)?.is_some();
        Ok(Seen { base, has_templates, tip, last: held.commit, open, begun, debts })
    }

    /// Returns the commit of the open change from which a change was executed first, if it was.
    ///
    /// # Errors
    /// When the log can't be read.
    pub fn opened_from(&self, repo: &Repo, change: &TicketId) -> anyhow::Result<Option<String>> {
        let held = Held { repo, commit: self.last };
        Ok(held.life(About::Change(change))?.opened_from())
    }

    /// Returns a digest of what can matter to any change: incidents, debts, and what has begun. What ends in
    /// between doesn't change it, unless there are templates, which it can suspend.
    pub fn digest(&self) -> Digest {
        let Open { incidents, debts, begun, .. } = &self.open;
        let all = match self.has_templates {
            true => to_json(&(incidents, debts, begun, self.last.to_string())),
            false => to_json(&(incidents, debts, begun)),
        };
        Digest::of(canonical_json(&all).as_bytes())
    }

    /// Whether a change is closed or cancelled.
    ///
    /// # Errors
    /// When the log can't be read.
    pub fn is_over(&self, repo: &Repo, change: &TicketId) -> anyhow::Result<bool> {
        let life = Held { repo, commit: self.last }.life(About::Change(change))?;
        Ok(life.outcome.is_some() || life.cancelled.is_some())
    }

    fn facts(
        &self,
        repo: &Repo,
        (id, request): (Option<&TicketId>, Option<&ChangeRequest>),
        is_refused: IsRefused<'_>,
        now: Time,
    ) -> anyhow::Result<LogEvidence> {
        let life = match id {
            Some(id) => Held { repo, commit: self.last }.life(About::Change(id))?,
            None => Life::default(),
        };
        let is_own = |other: &TicketId| id.is_some_and(|id| id.folded() == other.folded());
        let running = self.open.executions.iter().filter_map(execution);
        let requester = request.and_then(|request| request.requester.as_ref());
        let is_theirs = |it: &&Begun| requester.is_some() && it.requester.as_ref() == requester;
        let begun = self.begun.iter().filter(is_theirs);
        let begun = begun.filter(|it| !is_own(&it.change) && it.over_at <= now);
        let incidents = self.open.incidents.iter().map(|it| LoggedIncident {
            id: it.incident.clone(),
            severity: it.severity,
            services: it.services.clone(),
            pauses: it.pauses,
            commander: it.commander.clone(),
        });
        let debts = self.due(is_refused, now)?.into_iter().filter(|(_, state)| state.is_owed());
        let held = Held { repo, commit: self.last };
        let suspends = request.map(|request| suspending(held, self.base, request)).transpose()?;
        Ok(LogEvidence {
            suspends: suspends.unwrap_or_default(),
            tip: Some(self.tip.to_string()),
            own: own(&life),
            running: running.filter(|it| !is_own(&it.change)).collect(),
            incidents: incidents.collect(),
            debts: debts.map(|(debt, _)| owed(debt)).collect(),
            begun: begun
                .map(|it| LoggedBegun { change: it.change.clone(), over_at: it.over_at })
                .collect(),
        })
    }

    /// Returns what it says about the change with the request at a path, and of the incident that that
    /// names, as far as it knows it. Of the merged changes in its way, those that are closed or cancelled are
    /// taken out.
    ///
    /// # Errors
    /// When the log can't be read.
    pub fn about(
        &self,
        repo: &Repo,
        (path, request): (Option<&str>, Option<&ChangeRequest>),
        in_the_way: &mut Vec<Footprint>,
        is_refused: IsRefused<'_>,
        now: Time,
    ) -> anyhow::Result<(Option<LogEvidence>, Option<Incident>)> {
        let id = path.and_then(|path| stem(path).parse::<TicketId>().ok());
        let facts = self.facts(repo, (id.as_ref(), request), is_refused, now)?;
        let named = request.and_then(|request| request.emergency.as_ref()?.incident.as_ref());
        let held = Held { repo, commit: self.last };
        let mut over = Vec::new();
        for other in in_the_way.iter().filter_map(|it| it.id.as_ref()) {
            over.extend(self.is_over(repo, other)?.then(|| other.clone()));
        }
        in_the_way.retain(|it| it.id.as_ref().is_none_or(|id| !over.contains(id)));
        let incident = named.map(|id| held.incident(id)).transpose()?.flatten();
        Ok((Some(facts), incident))
    }

    /// Returns all debts that weren't waived, each with what it is at a time.
    ///
    /// # Errors
    /// Those of `is_refused`.
    pub fn due(
        &self,
        is_refused: IsRefused<'_>,
        now: Time,
    ) -> anyhow::Result<Vec<(OpenDebt, DebtState)>> {
        let mut due = Vec::new();
        for (debt, signed_at) in &self.debts {
            let is_refused = signed_at.is_none() && is_refused(&debt.change)?;
            due.push((debt.clone(), DebtState::of(debt.due_at, *signed_at, is_refused, now)));
        }
        Ok(due)
    }
}

/// Returns when a change was merged after a debt began: with the sign-offs, as every merge.
fn signed_at(
    requests: &Requests<'_>,
    base: Oid,
    held: Held<'_>,
    debt: &OpenDebt,
) -> anyhow::Result<Option<Time>> {
    let repo = held.repo;
    let Some((path, file)) = requests.read(base, &debt.change)? else { return Ok(None) };
    let events = held.events(&About::Change(&debt.change).path())?;
    let began = events.iter().find(|event| *event.id() == debt.of);
    // Signing something else settles nothing.
    let executed = match began.map(Event::what) {
        Some(What::Begin(begin)) => begin.material.as_ref(),
        _ => None,
    };
    let signed = file.request.map(|request| request.material_digest());
    if executed.is_some() && executed != signed.as_ref() {
        return Ok(None);
    }
    let entry = repo.entry(base, &path)?;
    // What was merged already is signed by nobody any more; a second is too long to tell by dates.
    let Some(began) = began else { return Ok(None) };
    if repo.entry(oid(&began.head().base)?, &path)? == entry {
        return Ok(None);
    }
    let mut commit = repo.commit(base)?;
    while let Some(&parent) = commit.parents.first() {
        if repo.entry(parent, &path)? != entry {
            break;
        }
        commit = repo.commit(parent)?;
    }
    Ok(Some(commit.time))
}

/// Returns a debt as evidence.
pub fn owed(debt: OpenDebt) -> LoggedDebt {
    LoggedDebt { debtor: debt.debtor, change: debt.change, due_at: debt.due_at }
}

/// Returns what the log says about the change of a pull request, and of the incident that it names, as far
/// as it knows that: nothing where the pull request wasn't judged by a log. Of the merged changes in its way,
/// those that are closed or cancelled are taken out.
///
/// # Errors
/// When the log can't be read, or isn't here.
pub fn logged(
    repo: &Repo,
    pull: &Pull,
    about: (Option<&str>, Option<&ChangeRequest>),
    in_the_way: &mut Vec<Footprint>,
    is_refused: IsRefused<'_>,
    now: Time,
) -> anyhow::Result<(Option<LogEvidence>, Option<Incident>)> {
    match pull.log {
        Some(tip) => {
            let seen = Seen::read(repo, pull.base, tip)?;
            seen.about(repo, about, in_the_way, is_refused, now)
        }
        None => Ok((None, None)),
    }
}

fn own(life: &Life) -> OwnLog {
    let executions = || life.executions.iter().filter(|it| !it.is_void);
    let mut material: Vec<_> =
        executions().filter_map(|it| it.begin.what.material.clone()).collect();
    material.dedup();
    OwnLog {
        executions: executions().count(),
        recorded: !life.records.is_empty(),
        break_glass: life.broke_glass().is_some(),
        material,
    }
}

fn execution(it: &OpenExecution) -> Option<LoggedExecution> {
    Some(LoggedExecution {
        change: it.change.as_ref().or(it.incident.as_ref())?.clone(),
        tier: it.tier,
        services: it.services.clone(),
        targets: it.steps.iter().map(|step| step.target.clone()).collect(),
        since: it.since,
        lease_until: it.lease_until,
        is_unknown: it.is_unknown,
    })
}

/// Returns when a change was over: by its plan, or by its last execution if that ended later; `None` while
/// it is being executed.
fn over_at(life: &Life) -> Option<Time> {
    let planned = life.executions.iter().filter_map(|it| it.begin.what.planned);
    let planned = planned.map(|planned| planned.end).max();
    let ended = life.last_end().map(|(end, _)| end);
    match life.open().next() {
        Some(_) => None,
        None => planned.max(ended),
    }
}
