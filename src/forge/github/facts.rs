//! What GitHub knows of one pull request at one moment.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context as _, bail};

use super::remote::Source;
use super::types::{CheckRun, Commit, Event, Pull, Push, Repository, Review, Status, Statuses};
use super::{Client, Exchange, GitHub, client, name};
use crate::forge;
use crate::git::Oid;

/// The name of the status, or check run, that says whether a change may be merged.
pub const CONTEXT: &str = "changegate";

/// How often Git and the API are asked until both tell of the same head.
const TRIES: usize = 5;
const PAUSE: Duration = Duration::from_millis(200);

/// What is known of a pull request.
pub struct Facts {
    /// The pull request.
    pub pull: Pull,
    /// All open ones, itself included.
    pub open: Rc<Vec<Pull>>,
    /// The tip of the branch that it goes to.
    pub base: Oid,
    /// Its head.
    pub head: Oid,
    /// The tip of the default branch.
    pub default_tip: Oid,
    /// Its repository, for git.
    pub source: Source,
    /// All reviews in the order in which they were begun.
    pub reviews: Vec<Review>,
    /// Everything that happened to it.
    pub timeline: Vec<Event>,
    /// Its commits with the accounts behind them; GitHub lists no more than 250.
    pub commits: Vec<Commit>,
    /// The pushes to its branch, newest first; nothing where GitHub doesn't tell.
    pub pushes: Option<Vec<Push>>,
    /// The answers that head has now.
    pub answers: Answers,
    /// What GitHub was asked, and said, word for word.
    pub record: Vec<Exchange>,
}

/// The answers that a commit has.
pub enum Answers {
    /// Statuses, by a workflow or a person's token.
    Statuses(Vec<Status>),
    /// Check runs, by an App.
    CheckRuns(Vec<CheckRun>),
}

impl Facts {
    /// Learns what there is to know: commits through git, the rest from the API, at the same time.
    pub fn learn(github: &GitHub, pull: Pull, open: Rc<Vec<Pull>>) -> anyhow::Result<Self> {
        let repository = repository(&pull)?;
        let source = github.remote.source(&repository.clone_url, github.client.token());
        let branches = BTreeSet::from([&pull.base.branch, &repository.default_branch]);
        let branches: Vec<_> = branches.into_iter().map(String::as_str).collect();
        let pulls: Vec<_> = others(github, &pull, &open).chain([pull.number]).collect();
        let (brought, told) = std::thread::scope(|scope| {
            let brought = scope.spawn(|| source.bring(&branches, &pulls));
            let told = github.client.run(Told::of(github, &pull));
            (brought.join(), told)
        });
        match brought {
            Ok(brought) => brought?,
            Err(panic) => std::panic::resume_unwind(panic),
        }
        let told = told.with_context(|| format!("learn about {}", name(pull.number)))?;
        Ok(Facts {
            base: github.remote.tip(&pull.base.branch)?,
            head: github.remote.head(pull.number)?,
            default_tip: github.remote.tip(&repository.default_branch)?,
            source,
            open,
            reviews: told.reviews,
            timeline: told.timeline,
            commits: told.commits,
            pushes: told.pushes,
            answers: told.answers,
            record: github.client.take_record(),
            pull,
        })
    }

    /// Whether Git and the API tell of the same head.
    pub fn agree(&self) -> bool {
        self.head.to_string() == self.pull.head.sha
    }

    /// Where it stands.
    pub fn as_pull(&self) -> forge::Pull {
        forge::Pull {
            name: name(self.pull.number),
            id: None,
            base_ref: Some(self.pull.base.branch.clone()),
            base: self.base,
            head: self.head,
        }
    }

    /// The other open pull requests with the same head.
    pub fn siblings(&self) -> impl Iterator<Item = &Pull> {
        let own = self.pull.number;
        let has_same =
            move |pull: &&Pull| pull.number != own && pull.head.sha == self.pull.head.sha;
        self.open.iter().filter(has_same)
    }

    /// The refs that say whether it still stands where it stood.
    pub fn refs(&self) -> [String; 2] {
        let Pull { number, base, .. } = &self.pull;
        [format!("refs/heads/{}", base.branch), format!("refs/pull/{number}/head")]
    }
}

/// The repository that a pull request goes to.
fn repository(pull: &Pull) -> anyhow::Result<&Repository> {
    let repository = pull.base.repo.as_ref();
    repository.with_context(|| format!("GitHub doesn't say where #{} goes to", pull.number))
}

/// The open pull requests to the same branch whose commits aren't here yet.
fn others(github: &GitHub, own: &Pull, open: &[Pull]) -> impl Iterator<Item = u64> {
    let is_missing = |other: &&Pull| {
        other.number != own.number
            && other.base.branch == own.base.branch
            && github.remote.commit(&other.head.sha).is_none()
    };
    open.iter().filter(is_missing).map(|other| other.number).collect::<Vec<_>>().into_iter()
}

/// What the API tells of a pull request.
struct Told {
    reviews: Vec<Review>,
    timeline: Vec<Event>,
    commits: Vec<Commit>,
    pushes: Option<Vec<Push>>,
    answers: Answers,
}

impl Told {
    async fn of(github: &GitHub, pull: &Pull) -> anyhow::Result<Self> {
        let GitHub { client, repository, .. } = github;
        let number = pull.number.to_string();
        let pull_path = |part| repository.path(&["pulls", &number, part]);
        let (reviews, commits) = (pull_path("reviews"), pull_path("commits"));
        let timeline = repository.path(&["issues", &number, "timeline"]);
        let (reviews, timeline, commits, pushes, answers) = tokio::try_join!(
            client.list(&reviews),
            client.list(&timeline),
            client.list(&commits),
            pushes(client, pull),
            Answers::of(github, &pull.head.sha),
        )?;
        Ok(Told { reviews, timeline, commits, pushes, answers })
    }
}

/// The pushes to a pull request's branch, newest first; nothing where GitHub doesn't tell: the fork
/// is gone or can't be seen.
async fn pushes(client: &Client, pull: &Pull) -> anyhow::Result<Option<Vec<Push>>> {
    let Some(repository) = &pull.head.repo else { return Ok(None) };
    let repository: super::Name = repository.full_name.parse()?;
    let branch = format!("refs/heads/{}", pull.head.branch);
    let path = format!("{}?ref={}", repository.path(&["activity"]), client::encoded(&branch));
    match client.list::<Push>(&path).await {
        Ok(pushes) => Ok(Some(pushes.into_iter().filter(|push| push.name == branch).collect())),
        Err(error) if matches!(client::status_of(&error), Some(403 | 404 | 422)) => Ok(None),
        Err(error) => Err(error),
    }
}

impl Answers {
    async fn of(github: &GitHub, head: &str) -> anyhow::Result<Self> {
        let GitHub { client, repository, .. } = github;
        if github.is_app {
            let path = repository.path(&["commits", head, "check-runs"]);
            let path = format!("{path}?check_name={CONTEXT}&filter=latest");
            return Ok(Answers::CheckRuns(client.list_in(&path, Some("check_runs")).await?));
        }
        let path = repository.path(&["commits", head, "status"]) + "?per_page=100";
        let Statuses { statuses } = client.get(&path).await?;
        Ok(Answers::Statuses(statuses))
    }
}

impl GitHub {
    /// What is known of an open pull request now.
    pub(super) fn learn(&self, number: u64) -> anyhow::Result<Facts> {
        for _ in 0..TRIES {
            let facts = Facts::learn(self, self.open_pull(number)?, self.open_pulls()?)?;
            if facts.agree() {
                return Ok(facts);
            }
            // A push came in between, or one of them is a moment behind.
            self.forget();
            self.client.pause(PAUSE);
        }
        bail!("GitHub's API and its Git tell of different heads of #{number}: try again")
    }

    /// Whether a pull request still stands where it stood.
    pub(super) fn is_still(&self, facts: &Facts) -> anyhow::Result<bool> {
        Ok(facts.source.look_up(&facts.refs())? == [facts.base, facts.head])
    }

    /// An open pull request.
    fn open_pull(&self, number: u64) -> anyhow::Result<Pull> {
        if let Some(pull) = self.open_pulls()?.iter().find(|pull| pull.number == number) {
            return Ok(pull.clone());
        }
        let path = self.repository.path(&["pulls", &number.to_string()]);
        let pull: Pull = self
            .client
            .run(self.client.get(&path))
            .with_context(|| format!("find pull request #{number} of {}", self.repository))?;
        if pull.state != "open" {
            let (repository, state) = (&self.repository, &pull.state);
            bail!("#{number} of {repository} is {state}: only open pull requests are judged");
        }
        Ok(pull)
    }
}
