//! The question at the moment of execution: collects what it is judged by, and asks.

use std::collections::BTreeMap;

use anyhow::Context as _;

use super::approval;
use super::judge::Judges;
use super::{Gate, Judgement};
use crate::content::{request_with_id, requests_at};
use crate::core::decision::Decided;
use crate::core::evidence::{Incident, LoggedDebt, LoggedUse};
use crate::core::operations::authorize::{Approved, Attempt, Question, Steps};
use crate::core::operations::closing::Closing;
use crate::core::operations::debts::DebtState;
use crate::core::operations::event::Actor;
use crate::core::operations::kinds::Outcome;
use crate::core::operations::life::Life;
use crate::core::operations::open::OpenDebt;
use crate::core::operations::state::PullState;
use crate::core::operations::writer::Writing;
use crate::core::org::Org;
use crate::core::request::{ChangeRequest, RequestFile};
use crate::core::terms::{Login, TicketId, look_alike};
use crate::core::time::{Duration, Time};
use crate::forge::git::Git;
use crate::forge::github::{GitHub, name};
use crate::forge::{Forge as _, Pull};
use crate::git::{Oid, Repo};
use crate::operations::{Log, Seen, owed, suspending};

mod alone;
mod around;
pub mod begin;
pub mod break_glass;
pub mod close;
pub mod judged;
pub mod record;

pub use around::around;

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
    /// Whether it is what an incident alone permits, and no change.
    pub is_alone: bool,
    debts: Vec<LoggedDebt>,
    suspends: Vec<LoggedUse>,
    /// Whether it is asked to be executed under break-glass.
    is_break_glass: bool,
}

/// What somebody says of how a change went.
#[derive(Clone, Copy)]
pub struct Said<'a> {
    /// How it went.
    pub outcome: &'a Outcome,
    /// The incident to which it led, if one is named.
    pub incident: Option<&'a TicketId>,
    /// Who says it.
    pub by: &'a Actor,
    /// For whom a machine says it.
    pub on_behalf: Option<&'a Login>,
}

/// How a change is executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// As it was merged.
    Merged,
    /// From its open pull request, under break-glass.
    BreakGlass,
    /// Under break-glass where nobody can be reached.
    Heard {
        /// The incident commander, whom who acts heard approve.
        commander: Login,
        /// The commit with the request.
        head: Oid,
    },
}

impl Known {
    /// Collects what is known of a change to which this happened so far, in a log if there is one. GitHub, if that
    /// holds the repository, is asked for what it alone knows: reviews, and what is open.
    ///
    /// # Errors
    /// When the repository can't be read, or GitHub can't be asked.
    pub fn of(
        (git, github): (&Git, Option<&GitHub>),
        judges: &Judges,
        (log, life): (Option<&Log<'_>>, Life),
        (id, route): (&TicketId, &Route),
        now: Time,
    ) -> anyhow::Result<Self> {
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
            is_alone: false,
            debts: Vec::new(),
            suspends: Vec::new(),
            is_break_glass: *route != Route::Merged,
        };
        match request_with_id(git.repo(), git.base()?, id)? {
            Some((path, file)) => {
                if let Some(request) = &file.request {
                    let material = request.material_digest();
                    let mut found = approval::of(git, judges, &path, &material)?;
                    let is_open = matches!(found.approved, Approved::Unproven(_));
                    if let Some(github) = github.filter(|_| is_open && !found.is_recorded) {
                        let merged = (path.as_str(), &material);
                        found = approval::by_reviews(git, github, judges, merged)?;
                    }
                    (known.approved, known.contributors) = (found.approved, found.contributors);
                }
                known.merged = Some(file);
            }
            None => {
                // What was executed from its open change is undone from there, too.
                let route = match known.life.broke_glass() {
                    Some(_) if *route == Route::Merged => &Route::BreakGlass,
                    _ => route,
                };
                known.look_for_open((git, github), judges, route, now)?;
            }
        }
        let request = known.request();
        let named = request.and_then(|it| it.emergency.as_ref()?.incident.clone());
        if let Some(log) = log {
            known.incident = named.map(|id| log.held().incident(&id)).transpose()?.flatten();
            if let Some(request) = known.request() {
                known.suspends = suspending(log.held(), git.base()?, request)?;
            }
            let judge = judges.at(git.repo(), git.base()?)?;
            let debts = debts((git, github), &judge.bundle().org, log, now)?.into_iter();
            let open = debts.filter(|(_, state)| state.is_owed());
            known.debts = open.map(|(debt, _)| owed(debt)).collect();
        }
        Ok(known)
    }

    /// Looks for an open change with the id, or ids that look like it.
    fn look_for_open(
        &mut self,
        (git, github): (&Git, Option<&GitHub>),
        judges: &Judges,
        route: &Route,
        now: Time,
    ) -> anyhow::Result<()> {
        self.pull = PullState::Open;
        if let Some(github) = github {
            return self.look_on_github((git, github), judges, route, now);
        }
        let gate = Gate::new(git.repo(), git, judges.clone());
        let (repo, base) = (git.repo(), git.base()?);
        // What was merged and is gone from the base again isn't open.
        let open = git.pull(self.id.as_str()).ok();
        let open = open.filter(|pull| !repo.leads_to(pull.head, base).unwrap_or(false));
        let head = match route {
            Route::Heard { head, .. } => Some(*head),
            _ => open.as_ref().map(|pull| pull.head),
        };
        let is_amended = head.map(|head| self.is_amended(repo, head)).transpose()? == Some(true);
        let judgement = match route {
            Route::Heard { head, .. } if !is_amended => {
                let pull = Pull::of_change(self.id.as_str(), &git.base_ref, base, *head);
                Some(gate.judge(pull.with_log(git.log_tip()?), &[], now)?)
            }
            _ if open.is_none() || is_amended => match self.executed_from(repo, base)? {
                Some(head) => {
                    let pull = Pull::of_change(self.id.as_str(), &git.base_ref, base, head);
                    Some(gate.judge(pull.with_log(git.log_tip()?), &[], now)?)
                }
                None => {
                    self.alike = alike(git, &self.id)?;
                    return Ok(());
                }
            },
            _ => gate.check(self.id.as_str(), || now)?,
        };
        let Some(judgement) = judgement else { return Ok(()) };
        if git.is_closed(self.id.as_str(), &judgement.bundle().org)? {
            self.pull = PullState::GivenUp;
        } else if let Some(approval) = break_glass::approval(&judgement, &self.life, route, now) {
            self.approved = Approved::By(approval);
        }
        self.contributors = approval::contributors(&judgement.evidence).collect();
        self.open_change = Some(judgement);
        Ok(())
    }

    /// Looks for an open pull request on GitHub with the change, or ids that look like it.
    fn look_on_github(
        &mut self,
        (git, github): (&Git, &GitHub),
        judges: &Judges,
        route: &Route,
        now: Time,
    ) -> anyhow::Result<()> {
        let judge = judges.at(git.repo(), git.base()?)?;
        let org = &judge.bundle().org;
        let Some(number) = github.open_pull_with(&self.id, &git.base_ref, org)? else {
            self.alike = alike(git, &self.id)?;
            return Ok(());
        };
        let gate = Gate::new(github.repo(), github, judges.clone());
        let mut judgement = gate.look(&name(number), now)?;
        if let Some(found) = &judgement
            && self.is_amended(git.repo(), found.pull.head)?
        {
            let executed = self.executed_from(git.repo(), git.base()?)?;
            let pull = executed.map(|head| Pull { head, ..found.pull.clone() });
            judgement = pull.map(|pull| gate.judge(pull, &[], now)).transpose()?;
        }
        if let Some(judgement) = judgement {
            if let Some(approval) = break_glass::approval(&judgement, &self.life, route, now) {
                self.approved = Approved::By(approval);
            }
            self.contributors = approval::contributors(&judgement.evidence).collect();
            self.open_change = Some(judgement);
        }
        Ok(())
    }

    /// Whether an open change isn't what was executed of it: what was begun doesn't change any more.
    fn is_amended(&self, repo: &Repo, head: Oid) -> anyhow::Result<bool> {
        let executed = self.life.broke_glass().and_then(|it| it.begin.what.material.as_ref());
        let Some(executed) = executed else { return Ok(false) };
        let request = request_with_id(repo, head, &self.id)?.and_then(|(_, file)| file.request);
        Ok(request.is_none_or(|request| request.material_digest() != *executed))
    }

    /// Returns the commit of the open change from which it was executed: its branch may be deleted once it is
    /// closed. `None` if that isn't here, or was merged since.
    fn executed_from(&self, repo: &Repo, base: Oid) -> anyhow::Result<Option<Oid>> {
        let commit = self.life.opened_from().and_then(|commit| repo.commit_with_id(&commit));
        let is_merged = commit.map(|commit| repo.leads_to(commit, base)).transpose()?;
        Ok(commit.filter(|_| is_merged == Some(false)))
    }

    /// Returns the request file on the base, or else that of the open change.
    pub fn file(&self) -> Option<&RequestFile> {
        self.merged.as_ref().or_else(|| self.open_change.as_ref()?.file.as_ref())
    }

    /// Returns the commit of the open change; `None` if it is merged.
    pub fn head(&self) -> Option<Oid> {
        self.open_change.as_ref().map(|it| it.pull.head)
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
        let question = self.question(log, &attempt, (now, age));
        judge.ask(&question).with_context(|| format!("cannot decide about {}", self.id))
    }

    /// Asks whether the change may be closed as somebody says that it went, by the policies at the tip of
    /// the base.
    ///
    /// # Errors
    /// When nothing could be decided.
    pub fn close(
        &self,
        git: &Git,
        judges: &Judges,
        log: &Log<'_>,
        closing: &Said<'_>,
        now: Time,
    ) -> anyhow::Result<Decided> {
        let judge = judges.at(git.repo(), git.base()?)?;
        let Said { outcome, incident, by, on_behalf } = *closing;
        let writing = Writing {
            org: &judge.bundle().org,
            request: self.request(),
            life: &self.life,
            incidents: &[],
        };
        let attempt = Attempt {
            steps: Steps::Left,
            rollback: false,
            parameters: BTreeMap::new(),
            expected: None,
            by: by.clone(),
            on_behalf: on_behalf.cloned(),
            contributed: false,
            is_proven: true,
        };
        let question = self.question(Some(log), &attempt, (now, None));
        let may = writing.may_conclude(by, on_behalf);
        let closing = Closing { question, said: outcome, incident, may };
        judge.close(&closing).with_context(|| format!("cannot decide about {}", self.id))
    }

    fn question<'a>(
        &'a self,
        log: Option<&'a Log<'_>>,
        execution: &'a Attempt,
        (now, age): (Time, Option<Duration>),
    ) -> Question<'a> {
        Question {
            id: &self.id,
            file: self.file(),
            alike: &self.alike,
            pull: self.pull,
            verdict: self.open_change.as_ref().map(|it| it.decision.verdict),
            now,
            execution,
            is_break_glass: self.is_break_glass,
            awaits_commander: self.open_change.as_ref().is_some_and(break_glass::awaits_commander),
            approval: &self.approved,
            life: &self.life,
            open: log.map(Log::open),
            debts: &self.debts,
            suspends: &self.suspends,
            incident: self.incident.as_ref(),
            is_alone: self.is_alone,
            age,
        }
    }
}

/// Returns the debts that weren't waived, of all changes, each with what it is at a time; on GitHub, its pull
/// requests say which were refused.
///
/// # Errors
/// When the repository can't be read, or GitHub can't be asked.
pub fn debts(
    (git, github): (&Git, Option<&GitHub>),
    org: &Org,
    log: &Log<'_>,
    now: Time,
) -> anyhow::Result<Vec<(OpenDebt, DebtState)>> {
    let seen = Seen::debts_of(log, git.base()?)?;
    let is_refused = |change: &TicketId| match github {
        Some(github) => {
            let head = seen.opened_from(git.repo(), change)?;
            github.is_refused(change, head.as_deref(), (org, now))
        }
        None => git.is_refused(change, org, now),
    };
    seen.due(&is_refused, now)
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
