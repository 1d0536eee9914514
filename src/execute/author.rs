//! Who writes events: makes them, proves them, and appends them to the log that everybody shares.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

use crate::content::People;
use crate::core::digest::Digest;
use crate::core::operations::event::{API_VERSION, About, Actor, Clock, ClockSource, Event, Head};
use crate::core::operations::kinds::{Genesis, What};
use crate::core::operations::lines;
use crate::core::operations::proof::{Proof, ProofBy};
use crate::core::org::{Org, SigningKey};
use crate::core::record::parts::Hex;
use crate::core::terms::{Login, TicketId};
use crate::core::time::Time;
use crate::execute::kept::Kept;
use crate::forge::git::{Git, Rejected};
use crate::git::{Moved, Oid, Program, key, pause};
use crate::ledger::object_id;
use crate::operations::{Log, NAMESPACE, OPERATIONS, Rules};

/// How long a push is tried again that others were faster than.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// Writes events to the operations log of a forge in plain Git.
pub struct Author<'a> {
    git: &'a Git,
    clock: fn() -> Time,
    by: Actor,
    on_behalf: Option<Login>,
}

/// What an event is to say.
#[derive(Clone, Debug)]
pub struct Made {
    /// The change that it is about, if it is about one.
    pub change: Option<TicketId>,
    /// The incident that it is about, or to which the change led.
    pub incident: Option<TicketId>,
    /// What happened.
    pub what: What,
    /// The digest of the policies, where something was decided.
    pub policies: Option<Digest>,
    /// The digest of the input document, where something was decided.
    pub input: Option<Digest>,
}

impl Made {
    /// Returns an event of a change for which nothing was decided.
    pub fn of_change(change: &TicketId, what: What) -> Self {
        let change = Some(change.clone());
        Made { change, incident: None, what, policies: None, input: None }
    }

    /// Returns an event of an incident.
    pub fn of_incident(incident: &TicketId, what: What) -> Self {
        let incident = Some(incident.clone());
        Made { change: None, incident, what, policies: None, input: None }
    }

    fn about(&self) -> Option<About<'_>> {
        match (&self.change, &self.incident) {
            (Some(change), _) => Some(About::Change(change)),
            (None, Some(incident)) => Some(About::Incident(incident)),
            (None, None) => None,
        }
    }
}

/// An event that the log doesn't take, with the reason.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotTaken(String);

/// An event that is in the log.
#[derive(Clone, Debug)]
pub struct Written {
    /// The event.
    pub event: Event,
    /// Its commit.
    pub commit: Oid,
}

impl<'a> Author<'a> {
    /// Returns who writes here: the person or machine whose key git signs with. `on_behalf` is for whom a
    /// machine acts.
    ///
    /// # Errors
    /// When git signs with no key, or with nobody's.
    pub fn here(
        git: &'a Git,
        org: &Org,
        on_behalf: Option<Login>,
        clock: fn() -> Time,
    ) -> anyhow::Result<Self> {
        let by = actor(git.branches.program(), org)?;
        let is_machine = matches!(by, Actor::Machine(_));
        ensure!(
            is_machine || on_behalf.is_none(),
            "only a machine acts for somebody, and this key is {by}'s: leave --for out"
        );
        Ok(Author { git, clock, by, on_behalf })
    }

    /// Returns who they are.
    pub fn by(&self) -> &Actor {
        &self.by
    }

    /// Writes what `make` says, all of it in one push; it is asked again if somebody else was faster. What
    /// is there already stays as it is.
    ///
    /// # Errors
    /// Those of `make`; [`NotTaken`] when the log doesn't take it, and [`Rejected`] when the server doesn't;
    /// others when it couldn't be written.
    pub fn write(
        &self,
        mut make: impl FnMut(&Log<'a>, Time) -> anyhow::Result<Vec<Made>>,
    ) -> anyhow::Result<Vec<Written>> {
        let began = Instant::now();
        let mut written: Vec<Written> = Vec::new();
        let mut last = String::new();
        for attempt in 0.. {
            if attempt > 0 {
                ensure!(
                    began.elapsed() < PATIENCE,
                    "{OPERATIONS} couldn't be written in {} s, because others write all the time:\n{last}",
                    PATIENCE.as_secs()
                );
                std::thread::sleep(pause(attempt - 1));
                // The base afterwards: events are judged by its commits.
                self.git.branches.refresh_operations()?;
                self.git.branches.refresh()?;
            }
            let mut log = read(self.git)?.with_context(|| {
                format!(
                    "there is no {OPERATIONS} yet: begin it with `changegate init --operations`"
                )
            })?;
            // The answer to an earlier push may have been lost.
            if !written.is_empty() && written.iter().all(|it| log.holds(&it.event)) {
                return Ok(written);
            }
            let from = log.tip();
            let now = (self.clock)();
            let made = make(&log, now)?;
            written = self.append(&mut log, made, now)?;
            if written.is_empty() {
                return Ok(written);
            }
            match self.git.branches.put(OPERATIONS, Some(from), log.tip())? {
                Moved::Yes => return Ok(written),
                Moved::Lost(why) => last = why,
                Moved::Refused(why) => return Err(Rejected(format!("the event:\n{why}")).into()),
            }
        }
        bail!("{OPERATIONS} couldn't be written:\n{last}")
    }

    /// Keeps what `make` says in this clone, as something that was recorded offline: [`super::sync`] brings
    /// it to the log.
    ///
    /// # Errors
    /// Those of `make`, and when it couldn't be kept.
    pub fn keep(
        &self,
        make: impl FnOnce(&Log<'a>, Time) -> anyhow::Result<Made>,
    ) -> anyhow::Result<Event> {
        let log = read(self.git)?.with_context(|| format!("there is no {OPERATIONS} here"))?;
        let now = (self.clock)();
        let made = make(&log, now)?;
        let event = self.event(&log, made, now)?;
        let event =
            Event::new(Head { offline: true, ..event.head().clone() }, event.what().clone());
        let proof = self.prove(&event)?;
        Kept::of(self.git.repo()).keep(&event, &proof)?;
        Ok(event)
    }

    /// Makes the commits of events behind a log.
    fn append(
        &self,
        log: &mut Log<'a>,
        made: Vec<Made>,
        now: Time,
    ) -> anyhow::Result<Vec<Written>> {
        let mut written = Vec::new();
        for made in made {
            let event = self.event(log, made, now)?;
            let proof = self.prove(&event)?;
            let what = event.what().name();
            let about = event.about().map(|about| about.to_string()).unwrap_or_default();
            let next = log
                .next(event.clone(), proof)?
                .map_err(|why| NotTaken(format!("{what} {about} isn't recorded: {why}")))?;
            let commit = log.append(self.git.branches.program(), next)?;
            written.push(Written { event, commit });
        }
        Ok(written)
    }

    /// Makes an event behind what a log holds. Times never run backwards within a file.
    fn event(&self, log: &Log<'_>, made: Made, now: Time) -> anyhow::Result<Event> {
        let known = match made.about() {
            Some(about) => log.events(&about.path())?,
            None => log.events(lines::LOG)?,
        };
        let last = known.last();
        let head = Head {
            log: Some(log.open().log.clone()),
            previous: last.map(|event| event.id().clone()),
            at: last.map_or(now, |event| event.head().at.max(now)),
            policies: made.policies,
            input: made.input,
            ..self.head(made.change, made.incident, now, log.rules().tip())
        };
        Ok(Event::new(head, made.what))
    }

    fn head(
        &self,
        change: Option<TicketId>,
        incident: Option<TicketId>,
        at: Time,
        base: Oid,
    ) -> Head {
        Head {
            api_version: API_VERSION.to_owned(),
            log: None,
            change,
            incident,
            at,
            by: self.by.clone(),
            on_behalf: self.on_behalf.clone(),
            base: object_id(base),
            policies: None,
            input: None,
            clock: Some(Clock { source: ClockSource::Local, off_by: None }),
            offline: false,
            previous: None,
        }
    }

    fn prove(&self, event: &Event) -> anyhow::Result<Proof> {
        let program = self.git.branches.program();
        let signature = program.sign(NAMESPACE, event.line().as_bytes())?;
        Ok(Proof { of: event.id().clone(), by: ProofBy::Ssh { signature } })
    }

    /// Begins the log.
    ///
    /// # Errors
    /// When there is one, or it can't be written.
    pub fn begin(&self) -> anyhow::Result<Written> {
        let branches = &self.git.branches;
        ensure!(branches.tip(OPERATIONS)?.is_none(), "{OPERATIONS} has begun already");
        let base = self.git.base()?;
        let rules = Rules::at(self.git.repo(), base)?;
        let head = self.head(None, None, (self.clock)(), base);
        let event = Event::new(head, What::Genesis(Genesis { nonce: nonce() }));
        let proof = self.prove(&event)?;
        let commit = Log::begin(&rules, branches.program(), &event, &proof)?;
        match branches.put(OPERATIONS, None, commit)? {
            Moved::Yes => Ok(Written { event, commit }),
            Moved::Lost(why) => bail!("somebody else began it at the same time:\n{why}"),
            Moved::Refused(why) => Err(Rejected(format!("{OPERATIONS}:\n{why}")).into()),
        }
    }
}

/// Reads the log of a repository as it was fetched last; `None` if there is none.
///
/// # Errors
/// When it can't be read, or isn't one.
pub fn read(git: &Git) -> anyhow::Result<Option<Log<'_>>> {
    let Some(tip) = git.branches.tip(OPERATIONS)? else { return Ok(None) };
    let rules = Rules::at(git.repo(), git.base()?)?;
    Log::read(rules, tip)?.map(Some).map_err(anyhow::Error::msg)
}

/// Returns a number that no other log has: the standard library's hashers have keys from the system.
fn nonce() -> Hex {
    let random = [(); 4].map(|()| RandomState::new().build_hasher().finish().to_be_bytes());
    Hex(Digest::of(random.as_flattened()))
}

/// Returns whose key git signs with.
fn actor(program: &Program, org: &Org) -> anyhow::Result<Actor> {
    let named = program.path_setting("user.signingkey");
    let found = named.as_deref().map(key::find).transpose()?.flatten();
    let Some(found) = found else {
        let how = key::how_to_name_one(None).map(|command| format!("`{command}`"));
        let how = how.collect::<Vec<_>>().join(", then ");
        bail!("events are signed by SSH, and git has no signing key: run {how}");
    };
    owner(&found, org).with_context(|| {
        format!(
            "the key {}, which git signs with, is nobody's in policies/org/roster/data.yaml: sign with one \
             that is there (`git config user.signingkey FILE`), or have an L3 add it",
            found.fingerprint()
        )
    })
}

fn owner(key: &SigningKey, org: &Org) -> Option<Actor> {
    let person = People::of(&org.roster).with_key(key).cloned().map(Actor::Person);
    person.or_else(|| {
        let mut machines = org.roster.machines.iter();
        let machine = machines.find(|(_, machine)| machine.keys.contains(key));
        machine.map(|(name, _)| Actor::Machine(name.clone()))
    })
}
