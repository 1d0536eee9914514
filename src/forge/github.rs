//! GitHub: pull requests, their reviews as approvals, status checks as the answer.
//!
//! ```text
//! the open pull requests ─▶ ┌ reviews, timeline, commits, pushes, tips ┐
//!                           └ git: the commits that aren't here yet ───┴▶ evidence … decision
//!                             statuses, comment as they are ────────────▶ what differs ─▶ written
//! ```
//!
//! Contents and history are read from Git, whole; the API is asked for what only GitHub's server
//! knows: who somebody is, what they pressed and when, who pushed. People are known by their
//! numeric ids, because a login can be recycled. Only pull requests to branches that the default
//! branch's settings protect are judged.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::rc::Rc;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context as _, bail};

use super::{Forge, Published, Pull};
use crate::content::Changeset;
use crate::core::evidence::Evidence;
use crate::core::org::{ForgeTeam, Org};
use crate::core::terms::{all_of, few};
use crate::core::time::Time;
use crate::git::{Oid, Program, Repo};
use crate::report::Judged;
use collect::Collector;
use facts::Facts;
use remote::{Remote, Source};

pub mod access;
mod arrival;
pub mod client;
mod collect;
mod comments;
pub mod doctor;
mod event;
mod facts;
mod identity;
mod memo;
mod patience;
mod plan;
mod publish;
mod remote;
mod snapshot;
mod survey;
pub mod types;

pub use access::Access;
pub use client::{Client, Exchange};
pub use event::Subject;
pub use plan::Plan;
pub use survey::{Survey, Surveyed};

/// How long to wait before what has just moved is looked at anew.
const PAUSE: Duration = Duration::from_millis(200);

/// A repository's name, `owner/name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The user or organisation.
    pub owner: String,
    /// The repository.
    pub name: String,
}

impl Name {
    /// The path of something that belongs to it, in the API.
    pub fn path(&self, parts: &[&str]) -> String {
        client::path(&[&["repos", &self.owner, &self.name], parts].concat())
    }
}

impl FromStr for Name {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let is_plain = |part: &str| {
            let is_fit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            !part.is_empty() && part.chars().all(is_fit) && !matches!(part, "." | "..")
        };
        match text.split_once('/') {
            Some((owner, name)) if is_plain(owner) && is_plain(name) => {
                Ok(Name { owner: owner.to_owned(), name: name.to_owned() })
            }
            _ => bail!("`{text}` names no repository: write owner/name, such as acme/ops"),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

/// GitHub as a forge.
pub struct GitHub {
    client: Client,
    repository: Name,
    remote: Remote,
    /// The open pull requests, read once for many.
    open: RefCell<Option<Rc<Vec<types::Pull>>>>,
    /// What was learnt of pull requests, by name.
    facts: RefCell<BTreeMap<String, Rc<Facts>>>,
    /// The heads of other pull requests that were brought, or can't be.
    waited_for: RefCell<BTreeSet<String>>,
    /// Plans instead of writes, where nothing is to be written.
    plans: Option<RefCell<Vec<Plan>>>,
    /// Whether what the next sweep has to know is written even if nothing else changes.
    is_sweep: bool,
}

impl GitHub {
    /// A repository on GitHub whose commits are brought to `repo`.
    ///
    /// # Errors
    /// When the credentials are of no use.
    pub fn new(
        access: &Access,
        repository: Name,
        repo: Repo,
        announce: impl Fn(&str) + 'static,
    ) -> anyhow::Result<Self> {
        let client = Client::new(access, &repository, announce)?;
        Ok(GitHub {
            client,
            remote: Remote::of(repo),
            repository,
            open: RefCell::default(),
            facts: RefCell::default(),
            waited_for: RefCell::default(),
            plans: None,
            is_sweep: false,
        })
    }

    /// The same, writing nothing: what would be written is kept for [`GitHub::take_plans`].
    pub fn planning_only(mut self) -> Self {
        self.plans = Some(RefCell::default());
        self
    }

    /// The same for a sweep over all pull requests, which leaves behind what the next one has to know.
    pub fn sweeping(mut self) -> Self {
        self.is_sweep = true;
        self
    }

    /// What would have been written.
    pub fn take_plans(&self) -> Vec<Plan> {
        self.plans.as_ref().map(RefCell::take).unwrap_or_default()
    }

    /// The repository that commits are brought to.
    pub fn repo(&self) -> &Repo {
        self.remote.repo()
    }

    /// Whether an App answers, by check runs.
    fn is_app(&self) -> bool {
        self.client.installation().is_some()
    }

    /// A repository of GitHub's, for git.
    fn source(&self, repository: &types::Repository) -> Source {
        self.remote.source(&repository.clone_url, self.client.token())
    }

    /// A git program, let in by the token at `server`, such as `https://github.com`, and nowhere
    /// else.
    pub fn let_in(&self, program: Program, server: &str) -> Program {
        remote::let_in(program, server, self.client.token())
    }

    /// The repository's name.
    pub fn repository(&self) -> &Name {
        &self.repository
    }

    /// The open pull requests.
    ///
    /// # Errors
    /// When GitHub can't be asked.
    pub fn open_pulls(&self) -> anyhow::Result<Rc<Vec<types::Pull>>> {
        if let Some(known) = &*self.open.borrow() {
            return Ok(Rc::clone(known));
        }
        let path = self.repository.path(&["pulls"]) + "?state=open";
        let pulls = self.client.run(self.client.list(&path)).context("list the pull requests")?;
        let pulls = Rc::new(pulls);
        *self.open.borrow_mut() = Some(Rc::clone(&pulls));
        Ok(pulls)
    }

    /// The number of the open pull request of one of the repository's own branches; nothing if there
    /// is none.
    ///
    /// # Errors
    /// When GitHub can't be asked.
    pub fn open_pull_of(&self, branch: &str) -> anyhow::Result<Option<u64>> {
        let head = client::encoded(&format!("{}:{branch}", self.repository.owner));
        let path = format!("{}?state=open&head={head}", self.repository.path(&["pulls"]));
        let pulls: Vec<types::Pull> = self
            .client
            .run(self.client.list(&path))
            .with_context(|| format!("look for the pull request of {branch}"))?;
        // A fork can have the same owner.
        let is_own =
            |pull: &&types::Pull| pull.head.branch == branch && pull.head.repo == pull.base.repo;
        Ok(pulls.iter().find(is_own).map(|pull| pull.number))
    }

    /// The members of a team; nothing if GitHub doesn't show them.
    fn members(&self, team: &ForgeTeam) -> anyhow::Result<Option<Vec<types::User>>> {
        match self.client.run(self.client.list(&members_of(team))) {
            Ok(members) => Ok(Some(members)),
            Err(error) if matches!(client::status_of(&error), Some(403 | 404)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What GitHub was asked about a pull request when it was looked at last, and said, word for word.
    pub fn record_of(&self, pull: &Pull) -> Vec<Exchange> {
        let facts = self.facts.borrow();
        let learnt = facts.get(&pull.name).map_or(&[][..], |facts| &facts.record);
        [learnt, &self.client.take_record()].concat()
    }

    /// What was learnt of a pull request when it was looked at last.
    fn facts_of(&self, pull: &Pull) -> anyhow::Result<Rc<Facts>> {
        self.learnt(&pull.name)
    }

    fn learnt(&self, name: &str) -> anyhow::Result<Rc<Facts>> {
        let facts = self.facts.borrow().get(name).cloned();
        facts.with_context(|| format!("{name} was judged before it was looked at"))
    }
}

/// Where a team's members stand in the API.
fn members_of(team: &ForgeTeam) -> String {
    client::path(&["orgs", &team.organisation, "teams", &team.slug, "members"])
}

/// A pull request's name here: `#7`.
pub fn name(number: u64) -> String {
    format!("#{number}")
}

fn number(name: &str) -> anyhow::Result<u64> {
    let number = name.trim_start_matches('#').parse();
    number.with_context(|| format!("`{name}` is no number of a pull request"))
}

/// `a`, `a and b`, `a, b and c`; the rest counted where there are many.
fn listed<T: ToString>(items: &[T]) -> String {
    all_of(&few(items))
}

impl Forge for GitHub {
    /// Brings its commits here, and learns what GitHub knows of it.
    fn pull(&self, name: &str) -> anyhow::Result<Pull> {
        let facts = self.learn(number(name)?)?;
        let pull = facts.as_pull();
        self.facts.borrow_mut().insert(pull.name.clone(), Rc::new(facts));
        Ok(pull)
    }

    fn protecting(&self, pull: &Pull) -> anyhow::Result<Option<Oid>> {
        Ok(Some(self.facts_of(pull)?.default_tip))
    }

    fn siblings(&self, pull: &Pull) -> anyhow::Result<Vec<String>> {
        Ok(self.facts_of(pull)?.siblings().map(|pull| name(pull.number)).collect())
    }

    fn merges(&self) -> bool {
        true
    }

    fn evidence(
        &self,
        pull: &Pull,
        brought: &Changeset,
        org: &Org,
        now: Time,
    ) -> anyhow::Result<Evidence> {
        let facts = self.facts_of(pull)?;
        Collector::of(self, &facts, pull, brought, org)?.evidence(now)
    }

    fn publish(
        &self,
        pull: &Pull,
        judged: &Judged<'_>,
        evidence: &Evidence,
        org: &Org,
    ) -> anyhow::Result<Published> {
        self.bring_in_line(pull, judged, evidence, org)
    }
}

impl GitHub {
    /// Lets what is open be learnt anew, in a moment.
    fn look_anew(&self) {
        *self.open.borrow_mut() = None;
        self.client.pause(PAUSE);
    }
}
