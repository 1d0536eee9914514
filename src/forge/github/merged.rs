//! Reads merged pull requests: which one brought a commit to a branch, and what GitHub knew about it
//! when it was merged.

use std::rc::Rc;

use anyhow::Context as _;

use super::facts::{ApiFacts, Facts, repository};
use super::snapshot::Snapshot;
use super::types::{Pull, Push, Review, TimelineEvent, User};
use super::{GitHub, client, name};
use crate::core::evidence::Evidence;
use crate::core::org::Roster;
use crate::core::record::parts::Method;
use crate::core::terms::Login;
use crate::core::time::Time;
use crate::forge;
use crate::forge::github::identity::Identities;
use crate::git::{Commit, Oid};

/// The account by which GitHub's merge queue merges.
const QUEUE: &str = "github-merge-queue[bot]";

/// A pull request that was merged, as GitHub says.
#[derive(Clone, Debug)]
pub struct MergedPull {
    /// The pull request.
    pub pull: forge::Pull,
    /// GitHub's id of it.
    pub id: String,
    /// Who merged it, as far as the account is known.
    pub by: Option<User>,
    /// When.
    pub at: Time,
    /// The commits that it brought to its base, oldest first.
    pub commits: Vec<Commit>,
    /// The commit of a merge queue on which it was judged last, if it was.
    pub judged_on: Option<Oid>,
    /// Whether GitHub doesn't say any more whose it or one of its reviews is, because the account is gone.
    pub is_partly_gone: bool,
}

impl MergedPull {
    /// Returns how it was merged, by the commits that came of it.
    pub fn method(&self) -> Method {
        let is_queue = self.by.as_ref().is_some_and(|by| by.login == QUEUE);
        match &self.commits[..] {
            _ if is_queue => Method::Queue,
            [.., last] if last.id == self.pull.head => Method::Push,
            [only] if only.parents.len() > 1 => Method::Merge,
            [_] => Method::Squash,
            _ => Method::Rebase,
        }
    }
}

impl GitHub {
    /// Returns the merged pull request that brought a commit to a branch; `None` if none did.
    ///
    /// # Errors
    /// When GitHub can't be reached or refuses.
    pub fn merged_with(&self, branch: &str, commit: Oid) -> anyhow::Result<Option<Pull>> {
        let path = self.repository.path(&["commits", &commit.to_string(), "pulls"]);
        let pulls: Vec<Pull> = self
            .client
            .run(self.client.list(&path))
            .with_context(|| format!("cannot look for the pull request of {commit}"))?;
        let is_merged = |pull: &&Pull| pull.merged_at.is_some() && pull.base.branch == branch;
        let Some(found) = pulls.iter().find(is_merged) else { return Ok(None) };
        let path = self.repository.path(&["pulls", &found.number.to_string()]);
        let pull = self.client.run(self.client.get(&path));
        pull.map(Some).with_context(|| format!("cannot read {}", name(found.number)))
    }

    /// Reads what GitHub knew about a pull request when it was merged, and prepares it to be judged as
    /// of then. `commits` are those that it brought to its base, oldest first, and `base` is the one
    /// before them. `then` is what was recorded before about the same head: who was in a team at that
    /// time, and whose accounts are gone, is known from there alone.
    ///
    /// # Errors
    /// When GitHub can't be reached, or shows no longer what is needed.
    pub fn learn_merged(
        &self,
        pull: &Pull,
        base: Oid,
        commits: &[Commit],
        then: &Evidence,
    ) -> anyhow::Result<MergedPull> {
        let name = name(pull.number);
        let at = pull.merged_at.with_context(|| format!("{name} wasn't merged"))?;
        let source = self.source(repository(pull)?)?;
        source.fetch_heads(&[], &[pull.number])?;
        let head: Oid = pull.head.sha.parse().context("cannot read the id of the head")?;
        let known = self.client.run(ApiFacts::read(self, pull, false));
        let known = known.with_context(|| format!("cannot read {name}"))?;
        let known = known.with_context(|| format!("GitHub doesn't show all of {name}"))?;
        let ApiFacts { mut reviews, timeline, commits: accounts, pushes, snapshot } = known;
        let mut pull = pull.clone();
        name_the_gone(&mut pull, &mut reviews, then);
        let log = match self.log_tip(snapshot.operations.as_ref())? {
            Some(tip) => self.log_beside(base, tip)?.map(|log| log.tip_at(at)).transpose()?,
            None => None,
        };
        let is_partly_gone =
            pull.user.is_none() || reviews.iter().any(|review| review.user.is_none());
        let facts = Facts {
            base,
            head,
            default_tip: snapshot.default_branch.commit,
            log: log.flatten(),
            source,
            // Nobody knows which ones were open then.
            open: Rc::default(),
            reviews: reviews_until(at, reviews, &timeline),
            timeline: events_until(at, timeline),
            commits: accounts,
            pushes: pushes.map(|pushes| pushes_until(at, pushes)),
            snapshot,
            teams: then.teams.clone(),
            record: self.client.take_record(),
            pull: pull.clone(),
        };
        let judged = facts.as_pull();
        let by_queue = pull.merged_by.as_ref().is_some_and(|by| by.login == QUEUE);
        let judged_on = match commits.last().filter(|_| by_queue) {
            Some(last) => {
                let is_answered = Snapshot::is_answered(self, pull.number, last.id);
                self.client.run(is_answered)?.then_some(last.id)
            }
            None => None,
        };
        self.facts.borrow_mut().insert(name, Rc::new(facts));
        Ok(MergedPull {
            pull: judged,
            id: pull.id.to_string(),
            by: pull.merged_by.clone(),
            at,
            commits: commits.to_vec(),
            judged_on,
            is_partly_gone,
        })
    }

    /// Returns who pushed a commit to a branch as its tip, as GitHub's server recorded it; `None` if
    /// it doesn't say.
    pub fn pusher(&self, branch: &str, commit: Oid) -> Option<User> {
        let name = format!("refs/heads/{branch}");
        let path = self.repository.path(&["activity"]);
        let path = format!("{path}?ref={}", client::encoded(&name));
        let pushes: Vec<Push> = self.client.run(self.client.list_by_cursor(&path)).ok()?;
        let is_its = |push: &Push| push.name == name && push.after == commit.to_string();
        pushes.into_iter().find(is_its)?.actor
    }

    /// Returns the login of an account by a roster; `None` if that was given to somebody else.
    pub fn login_in(&self, roster: &Roster, user: &User) -> Option<Login> {
        Identities::of(roster, &[], self.repo(), self.client.site()).login(user)
    }
}

/// Names those whose accounts are gone as they were recorded.
fn name_the_gone(pull: &mut Pull, reviews: &mut [Review], then: &Evidence) {
    let user = |login: Option<&Login>, id: Option<&String>, kind: &str| {
        let (login, id) = (login?.to_string(), id?.parse().ok()?);
        Some(User { login, id, kind: kind.to_owned() })
    };
    if let (None, Some(known)) = (&pull.user, &then.pull_request) {
        pull.user = user(known.author.as_ref(), known.author_id.as_ref(), "User");
    }
    for review in reviews.iter_mut().filter(|review| review.user.is_none()) {
        let id = review.id.to_string();
        let known = then.reviews.iter().find(|known| known.id == id);
        review.user = known.and_then(|known| {
            let kind = if known.bot { "Bot" } else { "User" };
            user(known.user.as_ref(), known.user_id.as_ref(), kind)
        });
    }
}

/// Returns the reviews that there were at a time: one that was dismissed later counted then.
fn reviews_until(at: Time, reviews: Vec<Review>, timeline: &[TimelineEvent]) -> Vec<Review> {
    let submitted = |review: &Review| review.submitted_at.is_none_or(|submitted| submitted <= at);
    let mut reviews: Vec<_> = reviews.into_iter().filter(submitted).collect();
    for event in timeline.iter().filter(|event| event.created_at.is_some_and(|when| when > at)) {
        let Some(dismissed) = &event.dismissed_review else { continue };
        for review in reviews.iter_mut().filter(|review| review.id == dismissed.review_id) {
            review.state.clone_from(&dismissed.state);
        }
    }
    reviews
}

fn events_until(at: Time, mut timeline: Vec<TimelineEvent>) -> Vec<TimelineEvent> {
    timeline.retain(|event| event.created_at.is_none_or(|when| when <= at));
    timeline
}

fn pushes_until(at: Time, mut pushes: Vec<Push>) -> Vec<Push> {
    pushes.retain(|push| push.timestamp <= at);
    pushes
}
