//! GitHub as a forge: its reviews are approvals, and decisions become status checks.
//!
//! ```text
//! open pull requests ─▶ ┌ reviews, timeline, commits, pushes, tips ┐
//!                       └ git: the missing commits ────────────────┴▶ evidence … decision
//!                         current statuses and comment ────────────▶ differences ─▶ written
//! ```
//!
//! Contents and history are read from Git. The API is only asked for what GitHub's server alone
//! knows: who somebody is, what they did and when, who pushed. People are identified by their
//! numeric ids, because a login can be given to somebody else. Only pull requests to branches that
//! the settings on the default branch protect are judged.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::rc::Rc;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;

use super::{Forge, Published, Pull};
use crate::content::Changeset;
use crate::core::evidence::Evidence;
use crate::core::org::{ForgeTeam, Org};
use crate::core::terms::{all_of, few};
use crate::core::time::Time;
use crate::git::{Oid, Program, Repo};
use crate::operations::Seen;
use crate::report::Judged;
use collect::Collector;
use facts::Facts;
use remote::{Remote, Source};

pub mod access;
mod arrival;
mod beside;
pub mod client;
mod collect;
mod commands;
mod comments;
mod contributors;
pub mod doctor;
mod event;
mod facts;
mod identity;
pub mod issuer;
pub mod ledger_key;
mod log;
mod memo;
mod merged;
mod patience;
mod plan;
mod publish;
mod queue;
mod record;
mod remote;
mod snapshot;
mod survey;
mod told;
pub mod types;

pub use access::Access;
pub use client::{Client, Exchange};
pub use event::{Concerned, Subject};
pub use memo::Answered;
pub use merged::MergedPull;
pub use plan::Plan;
pub use remote::is_on_site;
pub use survey::{Survey, Surveyed};

/// The pause before a pull request that has just changed is read again.
const PAUSE: Duration = Duration::from_millis(200);

/// The name of a repository, `owner/name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The user or organisation.
    pub owner: String,
    /// The repository's name within its owner's.
    pub name: String,
}

impl Name {
    /// Returns the API path of something in the repository.
    pub fn path(&self, parts: &[&str]) -> String {
        client::path(&[&["repos", &self.owner, &self.name], parts].concat())
    }

    /// Returns the repository that an address names: its last two parts; `None` if that isn't one.
    pub fn in_url(url: &str) -> Option<Self> {
        let url = url.trim_end_matches('/');
        let url = url.strip_suffix(".git").unwrap_or(url);
        let mut parts = url.rsplit(['/', ':']);
        let (name, owner) = (parts.next()?, parts.next()?);
        format!("{owner}/{name}").parse().ok()
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
            _ => {
                bail!("`{text}` is not a valid repository name: write owner/name, such as acme/ops")
            }
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
    /// The open pull requests, read once to judge many.
    open: RefCell<Option<Rc<Vec<types::Pull>>>>,
    /// What GitHub answered about pull requests, by name.
    facts: RefCell<BTreeMap<String, Rc<Facts>>>,
    /// The heads of other pull requests that were fetched, or that can't be fetched.
    waited_for: RefCell<BTreeSet<String>>,
    /// The operations log beside bases, up to its commits; `None` where it isn't judged by that base.
    seen: RefCell<HashMap<(Oid, Oid), Option<Seen>>>,
    /// The plans made instead of writes, if nothing is to be written.
    plans: Option<RefCell<Vec<Plan>>>,
    /// Whether to write the memo for the next sweep even if nothing else changes.
    is_sweep: bool,
}

impl GitHub {
    /// Connects to a repository on GitHub whose commits are fetched into `repo`. `announce` is
    /// called with a message whenever GitHub makes the program wait.
    ///
    /// # Errors
    /// When the credentials can't be used.
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
            seen: RefCell::default(),
            plans: None,
            is_sweep: false,
        })
    }

    /// Makes the forge write nothing, and keep what it would write for [`GitHub::take_plans`].
    pub fn planning_only(mut self) -> Self {
        self.plans = Some(RefCell::default());
        self
    }

    /// Prepares the forge for a sweep over all pull requests, which leaves a memo for the next
    /// sweep.
    pub fn sweeping(mut self) -> Self {
        self.is_sweep = true;
        self
    }

    /// Returns what would have been written.
    pub fn take_plans(&self) -> Vec<Plan> {
        self.plans.as_ref().map(RefCell::take).unwrap_or_default()
    }

    /// Returns the local repository that commits are fetched into.
    pub fn repo(&self) -> &Repo {
        self.remote.repo()
    }

    /// Returns a repository on GitHub as a source to fetch from.
    ///
    /// # Errors
    /// When GitHub says that it is anywhere but on the API's own server, where no token may go.
    fn source(&self, repository: &types::Repository) -> anyhow::Result<Source> {
        let name: Name = repository.full_name.parse()?;
        let url = format!("{}/{name}.git", self.client.site());
        let given = &repository.clone_url;
        ensure!(
            given.eq_ignore_ascii_case(&url),
            "GitHub says that {name} is at `{given}`, but on this server it is at {url}: the token \
             isn't sent there; check GITHUB_API_URL"
        );
        Ok(self.remote.source(&url, self.client.token()))
    }

    /// Gives a git program the token for GitHub's own server, and for no other.
    pub fn let_in(&self, program: Program) -> Program {
        remote::let_in(program, self.client.site(), self.client.token())
    }

    /// Returns the repository itself as a source to fetch from.
    fn own_source(&self) -> Source {
        self.remote.source(&self.address(), self.client.token())
    }

    /// Returns the repository's address for git.
    pub fn address(&self) -> String {
        format!("{}/{}.git", self.client.site(), self.repository)
    }

    /// Fetches a branch, and returns its tip.
    ///
    /// # Errors
    /// When there is no such branch, or when it can't be fetched.
    pub fn tip_of(&self, branch: &str) -> anyhow::Result<Oid> {
        self.remote.fetch_branch(&self.own_source(), branch)
    }

    /// Returns the time by GitHub's clock when it answered last, if it says so.
    pub fn server_time(&self) -> Option<Time> {
        self.client.server_time()
    }

    /// Returns the time by GitHub's clock now; `None` if GitHub can't be reached.
    pub fn time(&self) -> Option<Time> {
        self.client.time(&self.repository.path(&[]))
    }

    /// Waits for a time.
    pub fn pause(&self, time: Duration) {
        self.client.pause(time);
    }

    /// Returns the rules for a branch, as GitHub shows them.
    ///
    /// # Errors
    /// When GitHub can't be reached or refuses.
    pub fn rules(&self, branch: &str) -> anyhow::Result<Value> {
        let path = self.repository.path(&["rules", "branches", branch]);
        self.client.run(self.client.get(&path))
    }

    /// Whether a GitHub App answers, with check runs.
    pub fn is_app(&self) -> bool {
        self.client.installation().is_some()
    }

    /// Returns the name of the repository.
    pub fn repository(&self) -> &Name {
        &self.repository
    }

    /// Returns the open pull requests.
    ///
    /// # Errors
    /// When GitHub can't be reached or refuses.
    pub fn open_pulls(&self) -> anyhow::Result<Rc<Vec<types::Pull>>> {
        if let Some(known) = &*self.open.borrow() {
            return Ok(Rc::clone(known));
        }
        let path = self.repository.path(&["pulls"]) + "?state=open";
        let pulls = self.client.run(self.client.list(&path));
        let pulls = Rc::new(pulls.context("cannot list the pull requests")?);
        *self.open.borrow_mut() = Some(Rc::clone(&pulls));
        Ok(pulls)
    }

    /// Returns the number of the open pull request for one of the repository's own branches, or
    /// `None` if there is none.
    ///
    /// # Errors
    /// When GitHub can't be reached or refuses.
    pub fn open_pull_of(&self, branch: &str) -> anyhow::Result<Option<u64>> {
        let head = client::encoded(&format!("{}:{branch}", self.repository.owner));
        let path = format!("{}?state=open&head={head}", self.repository.path(&["pulls"]));
        let pulls: Vec<types::Pull> = self
            .client
            .run(self.client.list(&path))
            .with_context(|| format!("cannot look for the pull request of {branch}"))?;
        // A fork can have the same owner.
        let is_own =
            |pull: &&types::Pull| pull.head.branch == branch && pull.head.repo == pull.base.repo;
        Ok(pulls.iter().find(is_own).map(|pull| pull.number))
    }

    /// Returns the members of a team, or `None` if GitHub doesn't show them.
    fn members(&self, team: &ForgeTeam) -> anyhow::Result<Option<Vec<types::User>>> {
        match self.client.run(self.client.list(&members_of(team))) {
            Ok(members) => Ok(Some(members)),
            Err(error) if matches!(client::status_of(&error), Some(403 | 404)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns the latest questions to GitHub about a pull request, with the literal answers.
    pub fn record_of(&self, pull: &Pull) -> Vec<Exchange> {
        let facts = self.facts.borrow();
        let record = facts.get(&pull.name).map_or(&[][..], |facts| &facts.record);
        [record, &self.client.record()].concat()
    }

    /// Returns what GitHub answered when the pull request was last read.
    fn facts_of(&self, name: &str) -> anyhow::Result<Rc<Facts>> {
        let facts = self.facts.borrow().get(name).cloned();
        facts.with_context(|| format!("{name} was judged before it was read"))
    }
}

/// Returns the API path of a team's members.
fn members_of(team: &ForgeTeam) -> String {
    client::path(&["orgs", &team.organisation, "teams", &team.slug, "members"])
}

/// Returns the name of a pull request: `#7`.
pub fn name(number: u64) -> String {
    format!("#{number}")
}

fn number(name: &str) -> anyhow::Result<u64> {
    let number = name.trim_start_matches('#').parse();
    number.with_context(|| format!("`{name}` is not the number of a pull request, such as 7"))
}

/// Joins items as `a`, `a and b`, `a, b and c`; of many, the last ones are only counted.
fn listed<T: ToString>(items: &[T]) -> String {
    all_of(&few(items))
}

impl Forge for GitHub {
    /// Fetches the commits of the pull request, and asks GitHub about it.
    fn pull(&self, name: &str) -> anyhow::Result<Pull> {
        let facts = self.learn(number(name)?)?;
        let pull = facts.as_pull();
        self.facts.borrow_mut().insert(pull.name.clone(), Rc::new(facts));
        Ok(pull)
    }

    fn protecting(&self, pull: &Pull) -> anyhow::Result<Option<Oid>> {
        Ok(Some(self.facts_of(&pull.name)?.default_tip))
    }

    fn siblings(&self, pull: &Pull) -> anyhow::Result<Vec<String>> {
        Ok(self.facts_of(&pull.name)?.siblings().map(|pull| name(pull.number)).collect())
    }

    fn others(&self, pull: &Pull, org: &Org) -> anyhow::Result<Vec<Pull>> {
        let facts = self.facts_of(&pull.name)?;
        Ok(self.beside(&facts.pull, &facts.open, pull.base, org).0)
    }

    fn merges(&self) -> bool {
        true
    }

    fn evidence(
        &self,
        pull: &Pull,
        changeset: &Changeset,
        org: &Org,
        now: Time,
    ) -> anyhow::Result<Evidence> {
        let facts = self.facts_of(&pull.name)?;
        Collector::of(self, &facts, pull, changeset, org)?.evidence(now)
    }

    fn publish(
        &self,
        pull: &Pull,
        with_head: &[String],
        judged: &Judged<'_>,
        evidence: &Evidence,
        org: &Org,
        recorded: Option<&Answered>,
    ) -> anyhow::Result<Published> {
        self.publish_decision(pull, with_head, judged, evidence, org, recorded)
    }
}

impl GitHub {
    /// Forgets the open pull requests after a pause, so that they are read again.
    fn forget_open(&self) {
        *self.open.borrow_mut() = None;
        self.client.pause(PAUSE);
    }
}
