//! The embedded default: pull requests in plain Git, without a server.
//!
//! - A pull request is the branch `change/<name>`. If it changes a request, its name is the id of
//!   that request; a policy change can have any name.
//! - Its reviews are the commits on the branch `reviews/<name>`, see [`journal`].
//! - People are identified by the email addresses and signing keys in the roster at base.
//!
//! No server vouches for anything here, so the mere claims of a commit don't count. Signatures show
//! who somebody is. The history itself shows the order of events: an approval is about the current
//! content if every commit since the reviewed one holds the same content. Dates only decide when an
//! approval expires.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use anyhow::{Context as _, bail};

use super::github::Answered;
use super::{Forge, Published, Pull};
use crate::content::collect::Collector;
use crate::content::conflicts::{self, Conflicts, Meets};
use crate::content::journal::{self, REVIEWS, Said};
use crate::content::{Changeset, People, SKEW};
use crate::core::evidence::Evidence;
use crate::core::layout::{REQUESTS, is_request, stem};
use crate::core::org::Org;
use crate::core::request::ChangeRequest;
use crate::core::time::{Duration, Time};
use crate::core::yaml::did_you_mean;
use crate::git::{Oid, Repo};
use crate::operations::{Log, Rules, Seen};
use crate::report::Judged;

mod branches;
mod log;
mod survey;
mod waiting;
pub mod write;

pub use branches::{Advance, Branches, DEFAULT_BASES, Lost, Rejected, Rewound};
pub use waiting::WAITING;

/// The prefix of branches with changes; the change's name follows.
pub const CHANGE: &str = "change/";

/// Plain Git as a forge.
pub struct Git {
    /// The shared branches.
    pub branches: Branches,
    /// The branch that changes go to.
    pub base_ref: String,
    /// The other changes, read once to judge many.
    survey: OnceCell<survey::Survey>,
    /// Whether many changes are judged.
    is_surveying: Cell<bool>,
    /// The operations log up to commits of it, beside bases.
    seen: RefCell<HashMap<(Oid, Oid), Seen>>,
    /// The moment as of which it is looked at; `None` if that is now.
    moment: Option<Moment>,
    /// The commits of the ledger by those on the base that they account for, read once to look at many
    /// moments.
    recorded: Arc<OnceLock<HashMap<Oid, Oid>>>,
}

/// A moment as of which branches are looked at that have moved since.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// When it was.
    pub at: Time,
    /// The tip of the branch that changes go to.
    pub base: Oid,
    /// The head of the change that is asked about, if it was open; `None` if it was merged.
    pub head: Option<Oid>,
    /// How many of the reviews dated about then were there; as their dates say if `None`.
    pub reviews: Option<usize>,
}

impl Moment {
    /// Whether a date is so close to it that a review of that date may have come before or after it: a
    /// second is long, and no two clocks agree.
    pub fn is_about(&self, time: Time) -> bool {
        self.at - Duration::seconds(1) < time && time <= self.at + SKEW
    }

    fn keep_reviews(&self, journal: &mut Vec<journal::Entry>) {
        let mut left = self.reviews;
        journal.retain(|entry| match &mut left {
            Some(left) if self.is_about(entry.commit.time) => {
                let is_left = *left > 0;
                *left = left.saturating_sub(1);
                is_left
            }
            _ => entry.commit.time <= self.at,
        });
    }
}

impl Git {
    /// Makes a forge of a repository's shared branches. Without `base_ref`, the protected base is
    /// used. The ledger is where the settings on that base say.
    ///
    /// # Errors
    /// When no base is given and none is found.
    pub fn new(branches: Branches, base_ref: Option<String>) -> anyhow::Result<Self> {
        let base_ref = base_ref.map_or_else(|| branches.protected_base(), Ok)?;
        let branches = branches.with_ledger_of(&base_ref)?;
        Ok(Self::with(branches, base_ref, None, Arc::default()))
    }

    fn with(
        branches: Branches,
        base_ref: String,
        moment: Option<Moment>,
        recorded: Arc<OnceLock<HashMap<Oid, Oid>>>,
    ) -> Self {
        Git {
            branches,
            base_ref,
            survey: OnceCell::new(),
            is_surveying: Cell::new(false),
            seen: RefCell::default(),
            moment,
            recorded,
        }
    }

    /// Returns it as of a moment: its base, an open change and the reviews are those of then.
    ///
    /// # Errors
    /// When the repository can't be opened again.
    pub fn as_of(&self, moment: Moment) -> anyhow::Result<Self> {
        let (branches, base_ref) = (self.branches.again()?, self.base_ref.clone());
        Ok(Self::with(branches, base_ref, Some(moment), Arc::clone(&self.recorded)))
    }

    /// Returns where the commits of the ledger are kept by those on the base that they account for; `None`
    /// where it is looked at as it is now, which nobody asks about many of them.
    pub fn recorded(&self) -> Option<&OnceLock<HashMap<Oid, Oid>>> {
        self.moment.as_ref().map(|_| &*self.recorded)
    }

    /// Returns the repository.
    pub fn repo(&self) -> &Repo {
        self.branches.repo()
    }

    /// Returns the tip of the branch that changes go to.
    ///
    /// # Errors
    /// When there is no such branch.
    pub fn base(&self) -> anyhow::Result<Oid> {
        if let Some(moment) = &self.moment {
            return Ok(moment.base);
        }
        let tip = self.branches.tip(&self.base_ref)?;
        tip.with_context(|| format!("there is no branch {} to merge into", self.base_ref))
    }

    /// Returns a change's journal, oldest entry first; empty if nobody has written to it.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn journal(&self, name: &str) -> anyhow::Result<Vec<journal::Entry>> {
        let mut entries = match self.branches.tip(&format!("{REVIEWS}{name}"))? {
            Some(tip) => journal::entries(self.repo(), tip)?,
            None => Vec::new(),
        };
        if let Some(moment) = &self.moment {
            moment.keep_reviews(&mut entries);
        }
        Ok(entries)
    }

    /// Returns the operations log as it was fetched last; `None` if there is none.
    ///
    /// # Errors
    /// When it can't be read, or isn't one.
    pub fn operations(&self) -> anyhow::Result<Option<Log<'_>>> {
        let Some(tip) = self.branches.operations_tip()? else { return Ok(None) };
        let rules = Rules::at(self.repo(), self.base()?)?;
        Log::read(rules, tip)?.map(Some).map_err(anyhow::Error::msg)
    }

    /// Returns the open changes: those that are neither merged nor closed. `org` is the organisation
    /// data at base.
    ///
    /// # Errors
    /// When they can't be read.
    pub fn open(&self, org: &Org) -> anyhow::Result<Vec<Pull>> {
        let (base, log) = (self.base()?, self.log_tip()?);
        let branches = self.branches.below(CHANGE)?;
        let heads: Vec<_> = branches.iter().map(|(_, head)| *head).collect();
        let unmerged: HashSet<_> = self.repo().commits_since(base, &heads)?.into_iter().collect();
        let mut open = Vec::new();
        for (name, head) in branches.into_iter().filter(|(_, head)| unmerged.contains(head)) {
            if !self.is_closed(&name, org)? {
                open.push(Pull::of_change(&name, &self.base_ref, base, head).with_log(log));
            }
        }
        Ok(open)
    }

    /// Returns the merged requests and the open changes that affect the change with this name, which
    /// merges the request at `path` into `base`; incidents are left out.
    ///
    /// # Errors
    /// When the branches can't be read.
    pub fn conflicts(
        &self,
        base: Oid,
        name: &str,
        path: Option<&str>,
        request: Option<&ChangeRequest>,
        org: &Org,
    ) -> anyhow::Result<Conflicts> {
        let meets = Meets::of(request);
        if self.is_surveying.get()
            && base == self.base()?
            && let Some(survey) = self.survey(org)?.filter(|survey| survey.is_at(base))
        {
            return Ok(survey.conflicts(name, path, meets.as_ref()));
        }
        let mut found = conflicts::at_base(self.repo(), base, path, meets.as_ref(), None)?;
        let Some(meets) = &meets else { return Ok(found) };
        for (other, head) in self.branches.below(CHANGE)? {
            if other == name {
                continue;
            }
            if let Some(footprint) = conflicts::of_open(self.repo(), base, (&other, head))?
                && !self.is_closed(&other, org)?
            {
                found.add_open(meets, footprint);
            }
        }
        Ok(found)
    }

    /// Whether a change was closed and not reopened. `org` is the organisation data at base.
    ///
    /// # Errors
    /// When its journal can't be read.
    pub fn is_closed(&self, name: &str, org: &Org) -> anyhow::Result<bool> {
        let people = People::of(&org.roster);
        Ok(closed_by(self.repo(), &people, org, name, &self.journal(name)?).is_some())
    }
}

/// Returns the entry that closed a change, unless a later one reopened it. Entries whose author
/// isn't proven have no effect.
pub(crate) fn closed_by<'e>(
    repo: &Repo,
    people: &People<'_>,
    org: &Org,
    name: &str,
    journal: &'e [journal::Entry],
) -> Option<&'e journal::Entry> {
    let is_known = |entry: &journal::Entry| {
        let signer = people.signer(repo, &entry.commit);
        signer.login.is_some() && signer.unproven.is_none_or(|unproven| org.tolerates(unproven))
    };
    let last = journal.iter().rev().find(|entry| {
        let is_about = matches!(entry.said, Some(Said::Closed | Said::Reopened));
        is_about && entry.change == name && is_known(entry)
    });
    last.filter(|entry| entry.said == Some(Said::Closed))
}

impl Forge for Git {
    fn pull(&self, name: &str) -> anyhow::Result<Pull> {
        let head = match self.moment.as_ref().and_then(|moment| moment.head) {
            Some(head) => Some(head),
            None => self.branches.tip(&format!("{CHANGE}{name}"))?,
        };
        let Some(head) = head else {
            let files = self.repo().files_below(self.base()?, REQUESTS)?;
            let is_merged = files.iter().any(|(path, _)| is_request(path) && stem(path) == name);
            let was_reviewed = self.branches.tip(&format!("{REVIEWS}{name}"))?.is_some();
            if is_merged || was_reviewed {
                bail!(
                    "there is no branch {CHANGE}{name}: see what became of it with `changegate show \
                     {name}`"
                );
            }
            let known = self.branches.changes()?;
            let known: Vec<_> = known.keys().map(String::as_str).collect();
            match did_you_mean(name, &known) {
                Some(meant) => bail!("there is no change {name}; did you mean `{meant}`?"),
                None => bail!(
                    "there is no change {name}: `changegate list --state all` lists what was submitted"
                ),
            }
        };
        let log = self.log_tip()?;
        Ok(Pull::of_change(name, &self.base_ref, self.base()?, head).with_log(log))
    }

    fn evidence(
        &self,
        pull: &Pull,
        changeset: &Changeset,
        org: &Org,
        now: Time,
    ) -> anyhow::Result<Evidence> {
        let collector = Collector::of(self.repo(), pull, changeset, org, now)?;
        let is_merged = || {
            // What is judged may go to any commit that somebody names.
            let base = self.branches.tip(&self.base_ref)?.unwrap_or(pull.base);
            let leads_there = base != pull.base && self.repo().leads_to(pull.head, base)?;
            anyhow::Ok(leads_there)
        };
        let mut journal = self.journal(&pull.name)?;
        // What was said after a merge doesn't change how it was judged.
        if journal.iter().any(|entry| entry.commit.time > now + SKEW) && is_merged()? {
            journal.retain(|entry| entry.commit.time <= now + SKEW);
        }
        let (path, request) = (changeset.path.as_deref(), collector.request()?);
        let request = request.as_ref();
        // Reading all requests of each past base would take as long as all of that history.
        let is_past = self.is_surveying.get() && pull.base != self.base()?;
        let mut found = match is_past && is_merged()? {
            true => Conflicts::default(),
            false => self.conflicts(pull.base, &pull.name, path, request, org)?,
        };
        let (operations, incident) =
            self.logged(pull.base, pull.log, (path, request), &mut found.merged, (org, now))?;
        found.incidents = match incident {
            Some(incident) => vec![incident],
            None => conflicts::incidents(self.repo(), pull.base, request)?,
        };
        Ok(Evidence { operations, ..collector.evidence(&journal, found)? })
    }

    /// Writes nothing: in plain Git everybody computes the decision from the same commits.
    fn publish(
        &self,
        pull: &Pull,
        _: &[String],
        _: &Judged<'_>,
        _: &Evidence,
        _: &Org,
        _: Option<&Answered>,
    ) -> anyhow::Result<Published> {
        let is_still = self.pull(&pull.name)? == *pull;
        Ok(if is_still { Published::Yes } else { Published::Moved })
    }
}
