//! Who writes events: makes them, proves them, and appends them to the log that everybody shares.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Instant;

use anyhow::{Context as _, bail, ensure};

use crate::content::SKEW;
use crate::core::digest::Digest;
use crate::core::operations::event::{
    API_VERSION, About, Actor, Clock, ClockSource, Event, Head, MOST_BYTES,
};
use crate::core::operations::kinds::{Begin, Genesis, Renew, What};
use crate::core::operations::lines;
use crate::core::operations::message::free_text;
use crate::core::operations::proof::Proof;
use crate::core::record::parts::Hex;
use crate::core::terms::{Login, TicketId};
use crate::core::time::{Duration, Time};
use crate::execute::identity::Identity;
use crate::execute::kept::Kept;
use crate::forge::git::{Git, Rejected};
use crate::git::{Moved, Oid, pause};
use crate::ledger::object_id;
use crate::operations::{Log, OPERATIONS, Rules};

/// How long a push is tried again that others were faster than.
pub(super) const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

/// Writes events to the operations log of a repository.
pub struct Author<'a> {
    git: &'a Git,
    clock: fn() -> Time,
    /// How far the clock is from the forge's, if that is known.
    off_by: Option<Duration>,
    identity: Identity,
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

    /// Returns an event of a change or an incident for which nothing was decided.
    pub fn about(about: About<'_>, what: What) -> Self {
        match about {
            About::Change(id) => Self::of_change(id, what),
            About::Incident(id) => Self::of_incident(id, what),
        }
    }

    /// Returns an event about the log itself.
    pub fn of_the_log(what: What) -> Self {
        Made { change: None, incident: None, what, policies: None, input: None }
    }

    /// Returns an event of an incident.
    pub fn of_incident(incident: &TicketId, what: What) -> Self {
        let incident = Some(incident.clone());
        Made { change: None, incident, what, policies: None, input: None }
    }

    fn whose(&self) -> Option<About<'_>> {
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
pub struct NotTaken(pub(super) String);

/// An event that is in the log.
#[derive(Clone, Debug)]
pub struct Written {
    /// The event.
    pub event: Event,
    /// Its commit.
    pub commit: Oid,
}

impl<'a> Author<'a> {
    /// Returns who writes as somebody, by a clock.
    pub fn new(git: &'a Git, identity: Identity, clock: fn() -> Time) -> Self {
        Author { git, clock, off_by: None, identity }
    }

    /// Compares the clock with the forge's, which says `theirs` now.
    ///
    /// # Errors
    /// When they are too far apart for events to be dated by it.
    pub fn beside(self, theirs: Time) -> anyhow::Result<Self> {
        let ours = (self.clock)();
        let off_by = ours.max(theirs) - ours.min(theirs);
        ensure!(
            off_by <= SKEW,
            "this machine's clock says {} UTC, which is {} off that of the server: set your clock, because \
             what is executed is dated by it",
            ours.for_people(None),
            off_by.for_people()
        );
        Ok(Author { off_by: Some(off_by), ..self })
    }

    /// Returns how they prove who they are.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Returns who they are.
    pub fn by(&self) -> &Actor {
        &self.identity.by
    }

    /// Returns the person for whom a machine acts.
    pub fn on_behalf(&self) -> Option<&Login> {
        self.identity.on_behalf.as_ref()
    }

    /// Returns who started the machine's job again, if somebody did.
    pub fn again(&self) -> Option<&Login> {
        self.identity.again.as_ref()
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
        let mut has_failed = false;
        for attempt in 0.. {
            if attempt > 0 {
                ensure!(
                    began.elapsed() < PATIENCE,
                    "{OPERATIONS} couldn't be written in {} s, because others write all the time, {}:\n{last}",
                    PATIENCE.as_secs(),
                    self.last_winner().unwrap_or_default()
                );
                std::thread::sleep(pause(attempt - 1));
                self.git.branches.refresh_with_operations()?;
            }
            let mut log = self.git.operations()?.with_context(|| {
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
            if made.iter().any(|made| matches!(made.what, What::Begin(_))) {
                self.pushes_where_it_fetches()?;
            }
            written = self.append(&mut log, made, now)?;
            if written.is_empty() {
                return Ok(written);
            }
            match self.git.branches.put(OPERATIONS, Some(from), log.tip()) {
                Ok(Moved::Yes) => return Ok(written),
                Ok(Moved::Lost(why)) => last = why,
                Ok(Moved::Refused(why)) => {
                    return Err(Rejected(format!("the event:\n{why}")).into());
                }
                // Only the answer may have been lost.
                Err(error) if !has_failed => {
                    has_failed = true;
                    last = format!("{error:#}");
                }
                Err(error) => return Err(error),
            }
        }
        bail!("{OPERATIONS} couldn't be written:\n{last}")
    }

    /// Checks that what begins will be seen by all who fetch.
    fn pushes_where_it_fetches(&self) -> anyhow::Result<()> {
        let branches = &self.git.branches;
        let Some(remote) = branches.remote() else { return Ok(()) };
        if let Some(url) = branches.program().pushes_elsewhere(remote)? {
            bail!(
                "git pushes to {url} what it fetches from elsewhere, so that nobody would see it: have `git remote \
                 get-url --push {remote}` say the same as without --push (remote.{remote}.pushurl, pushInsteadOf)"
            );
        }
        Ok(())
    }

    /// Says who wrote to the log last.
    fn last_winner(&self) -> Option<String> {
        let repo = self.git.repo();
        let last = repo.commit(self.git.branches.operations_tip().ok()??).ok()?;
        Some(format!("the last of them {}: `{}`", last.committer.name, last.title()))
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
        let log =
            self.git.operations()?.with_context(|| format!("there is no {OPERATIONS} here"))?;
        let now = (self.clock)();
        let made = make(&log, now)?;
        let is_end = matches!(made.what, What::End(_));
        let about = made.whose().filter(|_| is_end);
        let about = about.map(|about| log.events(&about.path())).transpose()?;
        let event = self.event(&log, made, now)?;
        let head = Head { offline: true, ..event.head().clone() };
        // What was right when it began can be judged, whatever has happened to the base since.
        let base = about.unwrap_or_default().pop().map(|last| last.head().base.clone());
        let head = Head { base: base.unwrap_or_else(|| head.base.clone()), ..head };
        let event = Event::new(head, event.what().clone());
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
                .map_err(|why| NotTaken(format!("`{what}` of {about} isn't recorded: {why}")))?;
            let commit = log.append(self.git.branches.program(), next)?;
            written.push(Written { event, commit });
        }
        Ok(written)
    }

    /// Makes an event behind what a log holds. Times never run backwards within a file, and a lease begins with
    /// its event.
    fn event(&self, log: &Log<'_>, mut made: Made, now: Time) -> anyhow::Result<Event> {
        let known = match made.whose() {
            Some(about) => log.events(&about.path())?,
            None => log.events(lines::LOG)?,
        };
        let last = known.last();
        let at = last.map_or(now, |event| event.head().at.max(now));
        match &mut made.what {
            What::Begin(Begin { lease_until, .. }) | What::Renew(Renew { lease_until, .. }) => {
                *lease_until = *lease_until + (at - now);
            }
            _ => {}
        }
        let head = Head {
            log: Some(log.open().log.clone()),
            previous: last.map(|event| event.id().clone()),
            at,
            policies: made.policies,
            input: made.input,
            ..self.head(made.change, made.incident, now, log.rules().tip())
        };
        let event = Event::new(head, made.what);
        if let Err(why) = event.what().is_whole(event.about()) {
            return Err(NotTaken(format!("it isn't recorded: {why}")).into());
        }
        ensure!(
            free_text(&event).is_none_or(|text| !text.trim().is_empty()),
            "say it in words: a blank text tells a later reader nothing"
        );
        ensure!(
            event.line().len() <= MOST_BYTES,
            "what is to be recorded is longer than {MOST_BYTES} bytes: shorten its texts"
        );
        Ok(event)
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
            by: self.identity.by.clone(),
            on_behalf: self.identity.on_behalf.clone(),
            base: object_id(base),
            policies: None,
            input: None,
            clock: Some(Clock { source: ClockSource::Local, off_by: self.off_by }),
            offline: false,
            previous: None,
        }
    }

    fn prove(&self, event: &Event) -> anyhow::Result<Proof> {
        self.identity.prove(self.git.branches.program(), event)
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

/// Returns a number that nobody else has: the standard library's hashers have keys from the system.
pub fn nonce() -> Hex {
    let random = [(); 4].map(|()| RandomState::new().build_hasher().finish().to_be_bytes());
    Hex(Digest::of(random.as_flattened()))
}
