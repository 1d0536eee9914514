//! What GitHub knows of one pull request at one moment.

use std::collections::BTreeSet;
use std::rc::Rc;

use anyhow::{Context as _, bail};

use super::comments::plain;
use super::remote::Source;
use super::snapshot::{Answers, Snapshot};
use super::types::{Commit, Pull, Push, Repository, Review, TimelineEvent};
use super::{Client, Exchange, GitHub, client, name};
use crate::forge;
use crate::git::Oid;

/// How often the API and Git are asked until both tell of the same commits.
const TRIES: usize = 5;

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
    pub timeline: Vec<TimelineEvent>,
    /// Its commits with the accounts behind them; GitHub lists no more than 250.
    pub commits: Vec<Commit>,
    /// The pushes to its branch, newest first; nothing where GitHub doesn't tell.
    pub pushes: Option<Vec<Push>>,
    /// The answers that head has now.
    pub answers: Answers,
    /// The login that this program writes under, without the mark of a bot.
    pub own_login: String,
    /// What GitHub was asked, and said, word for word.
    pub record: Vec<Exchange>,
}

impl Facts {
    /// Learns what there is to know: from the API, and by git the commits that aren't here yet.
    /// Nothing if they don't tell of the same commits: a push came in between, or the API, its list of
    /// pushes or git is a moment behind.
    fn learn(github: &GitHub, pull: Pull, open: Rc<Vec<Pull>>) -> anyhow::Result<Option<Self>> {
        let GitHub { client, remote, .. } = github;
        let repository = repository(&pull)?;
        let source = github.source(repository);
        let branches = BTreeSet::from([pull.base.branch.as_str(), &repository.default_branch]);
        let branches: Vec<_> = branches.into_iter().collect();
        let own = missing(github, [&pull].into_iter());
        let others = github.wanted(&pull, &open);
        let bring = || {
            if !own.is_empty() {
                source.bring(&branches, &own)?;
            }
            source.bring_if_possible(&others);
            anyhow::Ok(())
        };
        // Heads that are missing have to be brought in any case: meanwhile, the API is asked.
        let told = std::thread::scope(|scope| {
            let brought = scope.spawn(bring);
            let told = client.run(Told::of(github, &pull));
            match brought.join() {
                Ok(brought) => brought.and(told),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        });
        let told = told.with_context(|| format!("learn about {}", name(pull.number)))?;
        let Some(Snapshot { default_branch, base, answers, own_login }) = told.snapshot else {
            return Ok(None);
        };
        let newest = told.pushes.as_ref().and_then(|pushes| pushes.first());
        if newest.is_some_and(|push| push.after != pull.head.sha) {
            return Ok(None);
        }
        let head: Oid = pull.head.sha.parse().context("read the head's id")?;
        let are_here = || -> anyhow::Result<bool> {
            Ok(base.branch == pull.base.branch
                && remote.holds(&base)?
                && remote.holds(&default_branch)?
                && remote.head(pull.number)? == Some(head))
        };
        if !are_here()? {
            source.bring(&branches, &[pull.number])?;
            if !are_here()? {
                return Ok(None);
            }
        }
        Ok(Some(Facts {
            base: base.commit,
            head,
            default_tip: default_branch.commit,
            source,
            open,
            reviews: told.reviews,
            timeline: told.timeline,
            commits: told.commits,
            pushes: told.pushes,
            answers,
            own_login,
            record: client.take_record(),
            pull,
        }))
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

    /// Our own comments that begin with this mark, oldest first: anybody can write one like it.
    pub fn own_comments(&self, mark: &str) -> impl Iterator<Item = &TimelineEvent> {
        self.timeline.iter().filter(move |event| {
            let by = event.user.as_ref().or(event.actor.as_ref());
            event.event == "commented"
                && by.is_some_and(|by| plain(&by.login) == self.own_login)
                && event.body.as_deref().is_some_and(|body| body.starts_with(mark))
        })
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

/// Those pull requests whose heads aren't here.
fn missing<'a>(github: &GitHub, pulls: impl Iterator<Item = &'a Pull>) -> Vec<u64> {
    let is_here = |pull: &Pull| {
        let here = github.remote.head(pull.number).ok().flatten();
        here.is_some_and(|here| here.to_string() == pull.head.sha)
    };
    pulls.filter(|pull| !is_here(pull)).map(|pull| pull.number).collect()
}

/// What the API tells of a pull request.
struct Told {
    reviews: Vec<Review>,
    timeline: Vec<TimelineEvent>,
    commits: Vec<Commit>,
    pushes: Option<Vec<Push>>,
    snapshot: Option<Snapshot>,
}

impl Told {
    async fn of(github: &GitHub, pull: &Pull) -> anyhow::Result<Self> {
        let GitHub { client, repository, .. } = github;
        let number = pull.number.to_string();
        let pull_path = |part| repository.path(&["pulls", &number, part]);
        let (reviews, commits) = (pull_path("reviews"), pull_path("commits"));
        let timeline = repository.path(&["issues", &number, "timeline"]);
        let (reviews, timeline, commits, pushes, snapshot) = tokio::try_join!(
            client.list(&reviews),
            client.list(&timeline),
            client.list(&commits),
            pushes(client, pull),
            Snapshot::of(github, pull),
        )?;
        Ok(Told { reviews, timeline, commits, pushes, snapshot })
    }
}

/// The pushes to a pull request's branch, newest first; nothing where GitHub doesn't tell: the fork
/// is gone or can't be seen, or the last push is older than what GitHub keeps.
async fn pushes(client: &Client, pull: &Pull) -> anyhow::Result<Option<Vec<Push>>> {
    let Some(repository) = &pull.head.repo else { return Ok(None) };
    let repository: super::Name = repository.full_name.parse()?;
    let branch = format!("refs/heads/{}", pull.head.branch);
    let path = format!("{}?ref={}", repository.path(&["activity"]), client::encoded(&branch));
    match client.list::<Push>(&path).await {
        Ok(mut pushes) => {
            pushes.retain(|push| push.name == branch);
            Ok(Some(pushes).filter(|pushes| !pushes.is_empty()))
        }
        Err(error) if matches!(client::status_of(&error), Some(403 | 404 | 422)) => Ok(None),
        Err(error) => Err(error),
    }
}

impl GitHub {
    /// What is known of an open pull request now.
    pub(super) fn learn(&self, number: u64) -> anyhow::Result<Facts> {
        for _ in 0..TRIES {
            if let Some(facts) = Facts::learn(self, self.open_pull(number)?, self.open_pulls()?)? {
                return Ok(facts);
            }
            self.look_anew();
        }
        bail!(
            "GitHub's API, its list of pushes and its Git tell of different heads of #{number}: try \
             again in a minute"
        )
    }

    /// The others to the same branch whose heads aren't here, and were not waited for yet.
    fn wanted(&self, own: &Pull, open: &[Pull]) -> Vec<u64> {
        let mut waited_for = self.waited_for.borrow_mut();
        let is_new = |pull: &&Pull| {
            pull.number != own.number
                && pull.base.branch == own.base.branch
                && waited_for.insert(pull.head.sha.clone())
        };
        let others: Vec<_> = open.iter().filter(is_new).collect();
        missing(self, others.into_iter())
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
