//! What GitHub knows about a pull request at one point in time.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use anyhow::{Context as _, bail, ensure};

use super::remote::Source;
use super::snapshot::Snapshot;
use super::types::{Commit, Pull, Push, Repository, Review, TimelineEvent};
use super::{Client, Exchange, GitHub, client, name};
use crate::core::evidence::TeamMembers;
use crate::core::time::Time;
use crate::forge;
use crate::git::Oid;

/// The number of times that the API and Git are asked until both report the same commits.
const TRIES: usize = 5;

/// The number of requests that are kept for publishing that nothing can be decided.
const RESERVE: u64 = 100;

/// What GitHub knows about a pull request.
pub struct Facts {
    /// The pull request.
    pub pull: Pull,
    /// All open pull requests, including this one.
    pub open: Rc<Vec<Pull>>,
    /// The tip of the base branch.
    pub base: Oid,
    /// The head of the pull request.
    pub head: Oid,
    /// The tip of the default branch.
    pub default_tip: Oid,
    /// The commit of the operations log up to which that is read; `None` where there is none.
    pub log: Option<Oid>,
    /// The repository that the pull request goes to, for git.
    pub source: Source,
    /// All reviews, in the order in which they were submitted.
    pub reviews: Vec<Review>,
    /// All events of the pull request.
    pub timeline: Vec<TimelineEvent>,
    /// The commits with the accounts of their authors; GitHub lists at most 250.
    pub commits: Vec<Commit>,
    /// The pushes to its branch, newest first; `None` if GitHub doesn't list them.
    pub pushes: Option<Vec<Push>>,
    /// What GitHub showed before all that was read.
    pub snapshot: Snapshot,
    /// Members of teams as they were then, as far as that is known, by the roster's names.
    pub teams: BTreeMap<String, TeamMembers>,
    /// The requests to GitHub and the literal answers.
    pub record: Vec<Exchange>,
}

impl Facts {
    /// Reads everything from the API, and fetches the missing commits with git.
    ///
    /// Returns `None` if they report different commits: because of a push in between, or because
    /// the API, its list of pushes or Git is a moment behind.
    fn read(github: &GitHub, pull: Pull, open: Rc<Vec<Pull>>) -> anyhow::Result<Option<Self>> {
        let GitHub { client, remote, .. } = github;
        let repository = repository(&pull)?;
        let source = github.source(repository)?;
        let branches = BTreeSet::from([pull.base.branch.as_str(), &repository.default_branch]);
        let branches: Vec<_> = branches.into_iter().collect();
        let own = missing(github, [&pull].into_iter());
        let others = github.wanted(&pull, &open);
        let fetch = || {
            if !own.is_empty() {
                source.fetch_heads(&branches, &own)?;
            }
            source.fetch_heads_if_possible(&others);
            anyhow::Ok(())
        };
        // Missing heads have to be fetched in any case, so the API is asked at the same time.
        let known = std::thread::scope(|scope| {
            let fetching = scope.spawn(fetch);
            let known = client.run(ApiFacts::read(github, &pull, true));
            match fetching.join() {
                Ok(fetched) => fetched.and(known),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        });
        let known = known.with_context(|| format!("cannot read {}", name(pull.number)))?;
        let Some(known) = known else { return Ok(None) };
        let Snapshot { default_branch, base, .. } = &known.snapshot;
        if !shows_all_reviews(&known.reviews, &known.timeline) {
            return Ok(None);
        }
        let newest = known.pushes.as_ref().and_then(|pushes| pushes.first());
        if newest.is_some_and(|push| push.after != pull.head.sha) {
            return Ok(None);
        }
        let head: Oid = pull.head.sha.parse().context("cannot read the id of the head")?;
        let is_complete = || -> anyhow::Result<bool> {
            Ok(base.branch == pull.base.branch
                && remote.holds(base)?
                && remote.holds(default_branch)?
                && remote.head(pull.number)? == Some(head))
        };
        if !is_complete()? {
            source.fetch_heads(&branches, &[pull.number])?;
            if !is_complete()? {
                return Ok(None);
            }
        }
        let log = github.log_tip(known.snapshot.operations.as_ref())?;
        Ok(Some(Facts {
            log,
            base: base.commit,
            head,
            default_tip: default_branch.commit,
            source,
            open,
            reviews: known.reviews,
            timeline: known.timeline,
            commits: known.commits,
            pushes: known.pushes,
            snapshot: known.snapshot,
            teams: BTreeMap::new(),
            record: client.take_record(),
            pull,
        }))
    }

    /// Returns the commits of the pull request as the gate needs them.
    pub fn as_pull(&self) -> forge::Pull {
        forge::Pull {
            name: name(self.pull.number),
            id: None,
            base_ref: Some(self.pull.base.branch.clone()),
            base: self.base,
            head: self.head,
            log: self.log,
        }
    }

    /// Returns when it was merged; `None` if it is open.
    pub fn merged_at(&self) -> Option<Time> {
        self.pull.merged_at
    }

    /// Returns the other open pull requests with the same head.
    pub fn siblings(&self) -> impl Iterator<Item = &Pull> {
        let own = self.pull.number;
        let has_same =
            move |pull: &&Pull| pull.number != own && pull.head.sha == self.pull.head.sha;
        self.open.iter().filter(has_same)
    }

    /// Returns our own comments with this mark at the beginning, oldest first. Those of others are
    /// left out, because anybody can write such a comment.
    pub fn own_comments(&self, mark: &str) -> impl Iterator<Item = &TimelineEvent> {
        self.timeline.iter().filter(move |event| {
            let by = event.user.as_ref().or(event.actor.as_ref());
            event.event == "commented"
                && by.is_some_and(|by| self.snapshot.author.is(by))
                && event.body.as_deref().is_some_and(|body| body.starts_with(mark))
        })
    }
}

/// Returns the repository that a pull request goes to.
pub fn repository(pull: &Pull) -> anyhow::Result<&Repository> {
    let repository = pull.base.repo.as_ref();
    repository.with_context(|| format!("GitHub doesn't show the repository of #{}", pull.number))
}

/// Returns the numbers of the pull requests whose current heads haven't been fetched.
pub fn missing<'a>(github: &GitHub, pulls: impl Iterator<Item = &'a Pull>) -> Vec<u64> {
    let is_fetched = |pull: &Pull| {
        let head = github.remote.head(pull.number).ok().flatten();
        head.is_some_and(|head| head.to_string() == pull.head.sha)
    };
    pulls.filter(|pull| !is_fetched(pull)).map(|pull| pull.number).collect()
}

/// Whether the list of reviews is as new as the timeline: it has every review that the timeline
/// shows, and shows it as dismissed if it was.
fn shows_all_reviews(reviews: &[Review], timeline: &[TimelineEvent]) -> bool {
    let state_of = |id: u64| {
        let review = reviews.iter().find(|review| review.id == id);
        review.map(|review| review.state.to_ascii_lowercase())
    };
    timeline.iter().all(|event| match (event.event.as_str(), &event.state) {
        ("reviewed", Some(state)) => {
            let decides = ["approved", "changes_requested", "dismissed"]
                .contains(&state.to_ascii_lowercase().as_str());
            !decides || event.id.as_u64().is_some_and(|id| state_of(id).is_some())
        }
        ("review_dismissed", _) => event.dismissed_review.as_ref().is_none_or(|dismissed| {
            state_of(dismissed.review_id).is_none_or(|state| state == "dismissed")
        }),
        _ => true,
    })
}

/// What the API returns about a pull request.
pub struct ApiFacts {
    pub reviews: Vec<Review>,
    pub timeline: Vec<TimelineEvent>,
    pub commits: Vec<Commit>,
    pub pushes: Option<Vec<Push>>,
    pub snapshot: Snapshot,
}

impl ApiFacts {
    /// Reads the snapshot first, so that it shows whether anything has changed since. Returns `None`
    /// if the pull request isn't, or is no longer, as `pull` shows it, and open if it `is_open`.
    pub async fn read(github: &GitHub, pull: &Pull, is_open: bool) -> anyhow::Result<Option<Self>> {
        let snapshot = Snapshot::of(github, pull).await?;
        let is_as_listed = |snapshot: &Snapshot| {
            snapshot.is_open == is_open
                && snapshot.head == pull.head.sha
                && snapshot.is_draft == pull.draft
        };
        let Some(snapshot) = snapshot.filter(is_as_listed) else { return Ok(None) };
        let GitHub { client, repository, .. } = github;
        let number = pull.number.to_string();
        let pull_path = |part| repository.path(&["pulls", &number, part]);
        let (reviews, commits) = (pull_path("reviews"), pull_path("commits"));
        let timeline = repository.path(&["issues", &number, "timeline"]);
        let (mut reviews, timeline, commits, pushes) = tokio::try_join!(
            client.list::<Review>(&reviews),
            client.list(&timeline),
            client.list(&commits),
            pushes(client, pull),
        )?;
        reviews.sort_by_key(|review| (review.submitted_at, review.id));
        Ok(Some(ApiFacts { reviews, timeline, commits, pushes, snapshot }))
    }
}

/// Returns the pushes to a pull request's branch, newest first, or `None` if GitHub doesn't list
/// them: because the fork is gone or hidden, or because the last push is too old.
async fn pushes(client: &Client, pull: &Pull) -> anyhow::Result<Option<Vec<Push>>> {
    let Some(repository) = &pull.head.repo else { return Ok(None) };
    let repository: super::Name = repository.full_name.parse()?;
    let branch = format!("refs/heads/{}", pull.head.branch);
    let path = format!("{}?ref={}", repository.path(&["activity"]), client::encoded(&branch));
    match client.list_by_cursor::<Push>(&path).await {
        Ok(mut pushes) => {
            pushes.retain(|push| push.name == branch);
            Ok(Some(pushes).filter(|pushes| !pushes.is_empty()))
        }
        Err(error) if matches!(client::status_of(&error), Some(403 | 404 | 422)) => Ok(None),
        Err(error) => Err(error),
    }
}

impl GitHub {
    /// Reads what GitHub knows about an open pull request now.
    pub(super) fn learn(&self, number: u64) -> anyhow::Result<Facts> {
        for _ in 0..TRIES {
            self.open_pulls()?;
            ensure!(
                self.client.left().is_none_or(|left| left >= RESERVE),
                "GitHub's rate limit is nearly used up, and the rest is kept to say so: try again \
                 within the hour"
            );
            if let Some(facts) = Facts::read(self, self.open_pull(number)?, self.open_pulls()?)? {
                return Ok(facts);
            }
            self.forget_open();
        }
        bail!(
            "GitHub's API, its list of pushes and its Git server report different heads of \
             #{number}, or different reviews of it: try again in a minute"
        )
    }

    /// Returns the other pull requests to the same branch whose heads haven't been fetched, and
    /// that haven't been tried before.
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

    /// Returns an open pull request.
    pub(super) fn open_pull(&self, number: u64) -> anyhow::Result<Pull> {
        if let Some(pull) = self.open_pulls()?.iter().find(|pull| pull.number == number) {
            return Ok(pull.clone());
        }
        let path = self.repository.path(&["pulls", &number.to_string()]);
        let pull: Pull = self.client.run(self.client.get(&path)).with_context(|| {
            format!("cannot read pull request #{number} of {}", self.repository)
        })?;
        if pull.state != "open" {
            let (repository, state) = (&self.repository, &pull.state);
            bail!("#{number} of {repository} is {state}: only open pull requests are judged");
        }
        Ok(pull)
    }
}
