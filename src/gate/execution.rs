//! The question at the moment of execution: collects what it is judged by, and asks.

use anyhow::Context as _;

use super::approval;
use super::judge::Judges;
use super::{Gate, Judgement};
use crate::content::{request_with_id, requests_at};
use crate::core::decision::Decided;
use crate::core::evidence::{Incident, IncidentStatus};
use crate::core::operations::authorize::{Approved, Attempt, Question};
use crate::core::operations::event::{About, Actor};
use crate::core::operations::life::Life;
use crate::core::operations::state::PullState;
use crate::core::request::{ChangeRequest, RequestFile};
use crate::core::terms::{Login, TicketId, look_alike};
use crate::core::time::{Duration, Time};
use crate::forge::Forge as _;
use crate::forge::git::Git;
use crate::operations::Log;

pub mod begin;
pub mod close;
pub mod record;

/// What an execution of a change is judged by, as it is known now.
pub struct Known {
    /// The change's id.
    pub id: TicketId,
    /// The request file on the base.
    merged: Option<RequestFile>,
    /// What approved it.
    pub approved: Approved,
    /// What happened to it so far.
    pub life: Life,
    pull: PullState,
    open_change: Option<Judgement>,
    contributors: Vec<Login>,
    alike: Vec<TicketId>,
    incident: Option<Incident>,
}

impl Known {
    /// Collects what is known of a change, in a log if there is one.
    ///
    /// # Errors
    /// When the repository can't be read.
    pub fn of(
        git: &Git,
        judges: &Judges,
        log: Option<&Log<'_>>,
        id: &TicketId,
        now: Time,
    ) -> anyhow::Result<Self> {
        let life = log.map(|log| log.life(About::Change(id))).transpose()?.unwrap_or_default();
        let mut known = Known {
            id: id.clone(),
            merged: None,
            approved: Approved::Unproven(None),
            life,
            pull: PullState::Merged,
            open_change: None,
            contributors: Vec::new(),
            alike: Vec::new(),
            incident: None,
        };
        match request_with_id(git.repo(), git.base()?, id)? {
            Some((path, file)) => {
                if let Some(request) = &file.request {
                    let material = request.material_digest();
                    let found = approval::of(git, judges, &path, &material)?;
                    (known.approved, known.contributors) = (found.approved, found.contributors);
                }
                known.merged = Some(file);
            }
            None => known.look_for_open(git, judges, now)?,
        }
        let request = known.request();
        let named = request.and_then(|it| it.emergency.as_ref()?.incident.clone());
        if let (Some(log), Some(named)) = (log, named) {
            known.incident = incident(log, named)?;
        }
        Ok(known)
    }

    /// Looks for an open change with the id, or ids that look like it.
    fn look_for_open(&mut self, git: &Git, judges: &Judges, now: Time) -> anyhow::Result<()> {
        self.pull = PullState::Open;
        let gate = Gate::new(git.repo(), git, judges.clone());
        if git.pull(self.id.as_str()).is_err() {
            self.alike = alike(git, &self.id)?;
            return Ok(());
        }
        let judgement = gate.check(self.id.as_str(), || now)?;
        let Some(judgement) = judgement else { return Ok(()) };
        if git.is_closed(self.id.as_str(), &judgement.bundle().org)? {
            self.pull = PullState::GivenUp;
        }
        self.open_change = Some(judgement);
        Ok(())
    }

    /// Returns the request file on the base, or else that of the open change.
    pub fn file(&self) -> Option<&RequestFile> {
        self.merged.as_ref().or_else(|| self.open_change.as_ref()?.file.as_ref())
    }

    /// Returns the request in it.
    pub fn request(&self) -> Option<&ChangeRequest> {
        self.file()?.request.as_ref()
    }

    /// Asks whether something may be executed, by the policies at the tip of the base.
    ///
    /// # Errors
    /// When nothing could be decided.
    pub fn ask(
        &self,
        git: &Git,
        judges: &Judges,
        log: Option<&Log<'_>>,
        attempt: &Attempt,
        (now, age): (Time, Option<Duration>),
    ) -> anyhow::Result<Decided> {
        let judge = judges.at(git.repo(), git.base()?)?;
        let person = match (&attempt.by, &attempt.on_behalf) {
            (Actor::Person(login), _) | (Actor::Machine(_), Some(login)) => Some(login),
            (Actor::Machine(_), None) => None,
        };
        let contributed = person.is_some_and(|person| self.contributors.contains(person));
        let attempt = Attempt { contributed, ..attempt.clone() };
        let question = Question {
            id: &self.id,
            file: self.file(),
            alike: &self.alike,
            pull: self.pull,
            verdict: self.open_change.as_ref().map(|it| it.decision.verdict),
            now,
            execution: &attempt,
            approval: &self.approved,
            life: &self.life,
            open: log.map(Log::open),
            incident: self.incident.as_ref(),
            age,
        };
        judge.ask(&question).with_context(|| format!("cannot decide about {}", self.id))
    }
}

/// Returns what the log says of an incident.
fn incident(log: &Log<'_>, id: TicketId) -> anyhow::Result<Option<Incident>> {
    let life = log.life(About::Incident(&id))?;
    Ok(life.incident.map(|it| Incident {
        id,
        severity: it.is.severity,
        status: match it.resolved {
            None => IncidentStatus::Open,
            Some(_) => IncidentStatus::Resolved,
        },
    }))
}

/// Returns the ids of changes that look like one that isn't there.
fn alike(git: &Git, id: &TicketId) -> anyhow::Result<Vec<TicketId>> {
    let merged = requests_at(git.repo(), git.base()?)?.into_iter();
    let merged = merged.filter_map(|(_, file)| file.request?.id);
    let open = git.branches.changes()?.into_values();
    let open = open.filter_map(|name| name.parse::<TicketId>().ok());
    let mut alike: Vec<_> =
        merged.chain(open).filter(|other| look_alike(other.as_str(), id.as_str())).collect();
    alike.sort_by_key(TicketId::folded);
    alike.dedup();
    Ok(alike)
}
