//! What a forge tells about a pull request when it is asked again, and how that differs from the evidence
//! that was recorded: who recorded it could have lied.
//!
//! Accounts are compared by their ids. What the forge doesn't know any more, such as an account that was
//! deleted since, makes no difference.

use std::collections::{BTreeMap, BTreeSet};

use crate::evidence::{Evidence, KnownCommit, Merged, PullRequest, Review, ReviewState};
use crate::time::{Duration, Time};

/// What a forge tells about a pull request.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// The id of its author's account.
    pub author_id: Option<String>,
    /// Its head.
    pub head: String,
    /// How it was merged, if it was.
    pub merged: Option<Merged>,
    /// All its reviews, as they are now.
    pub reviews: Vec<Review>,
    /// Its commits, as far as the forge lists them.
    pub commits: Vec<KnownCommit>,
    /// When which accounts pushed to it after it was opened, by their ids, as far as the forge says.
    pub pushes: Vec<(Time, String)>,
    /// When its branch was last pushed by force: reviews from before may name other commits since.
    pub forced_at: Option<Time>,
    /// The logins of the accounts, by their ids.
    pub logins: BTreeMap<String, String>,
}

/// What was recorded, and when the facts were collected: what happened within the `slack` before may or
/// may not be among them.
struct Recorded<'a> {
    evidence: &'a Evidence,
    pull: &'a PullRequest,
    at: Time,
    slack: Duration,
}

/// Returns how what a forge tells differs from what was recorded, as it was at a time. `skew` is by how
/// much clocks may differ, and `is_new` says whether a commit wasn't on the base yet.
pub fn differences(
    evidence: &Evidence,
    told: &Told,
    at: Time,
    skew: Duration,
    is_new: &dyn Fn(&str) -> bool,
) -> Vec<String> {
    let Some(pull) = &evidence.pull_request else { return Vec::new() };
    // Facts as of a merge were cut off by the forge's own clock.
    let slack = if evidence.as_of.is_some() { Duration::seconds(0) } else { skew };
    let recorded = Recorded { evidence, pull, at: evidence.as_of.unwrap_or(at), slack };
    let mut found = Vec::new();
    if differ(pull.author_id.as_ref(), told.author_id.as_ref()) {
        found.push(format!(
            "it was opened by {}, and another account is recorded",
            told.who(told.author_id.as_ref())
        ));
    }
    found.extend(recorded.merge(told));
    recorded.reviews(told, &mut found);
    recorded.commits(told, &mut found);
    recorded.people(told, is_new, &mut found);
    found
}

impl Recorded<'_> {
    fn merge(&self, told: &Told) -> Option<String> {
        let recorded = self.pull.merged.as_ref()?;
        let Some(merged) = &told.merged else {
            return Some("it is recorded as merged, and it wasn't".to_owned());
        };
        let is_other = recorded.at != merged.at
            || recorded.commit != merged.commit
            || differ(recorded.by_id.as_ref(), merged.by_id.as_ref());
        is_other.then(|| {
            let (at, who) = (merged.at.for_people(None), told.who(merged.by_id.as_ref()));
            format!("it was merged at {at} UTC by {who} as {}", merged.commit)
        })
    }

    fn reviews(&self, told: &Told, found: &mut Vec<String>) {
        for review in &self.evidence.reviews {
            let id = &review.id;
            match told.reviews.iter().find(|other| other.id == *id) {
                None => {
                    found.push(format!("the review {id} that is recorded isn't one of its own"))
                }
                Some(other) => {
                    let what = self.review(review, other, told);
                    found.extend(what.into_iter().map(|what| format!("the review {id} {what}")));
                }
            }
        }
        let known: BTreeSet<_> = self.evidence.reviews.iter().map(|it| &it.id).collect();
        let is_due = |review: &&Review| {
            review.submitted_at <= self.at - self.slack && review.state != ReviewState::Pending
        };
        for review in told.reviews.iter().filter(is_due).filter(|it| !known.contains(&it.id)) {
            let who = told.who(review.user_id.as_ref());
            found.push(format!("the review {} of {who} was left out", review.id));
        }
    }

    /// Says how a review differs from what is recorded of it.
    fn review(&self, recorded: &Review, now: &Review, told: &Told) -> Option<String> {
        if differ(recorded.user_id.as_ref(), now.user_id.as_ref()) {
            let who = told.who(now.user_id.as_ref());
            return Some(format!("was given by {who}, and another account is recorded"));
        }
        if recorded.submitted_at != now.submitted_at {
            let at = now.submitted_at.for_people(None);
            return Some(format!("was given at {at} UTC, and another time is recorded"));
        }
        let is_rebound = told.forced_at.is_some_and(|forced| forced > self.at - self.slack);
        if !is_rebound && differ(recorded.commit.as_ref(), now.commit.as_ref()) {
            let commit = now.commit.as_deref().unwrap_or_default();
            return Some(format!("is about {commit}, and another commit is recorded"));
        }
        let dismissed = now.dismissed.as_ref();
        if let Some(at) = dismissed.and_then(|it| it.at) {
            let was = dismissed.and_then(|it| it.was);
            let is_due = at <= self.at;
            let is_certain = at + self.slack < self.at || self.at + self.slack < at;
            let expected = if is_due { Some(ReviewState::Dismissed) } else { was };
            if is_certain && expected.is_some_and(|expected| expected != recorded.state) {
                let what = if is_due { "was" } else { "wasn't" };
                return Some(format!("{what} dismissed then, and otherwise is recorded"));
            }
        } else if recorded.state != now.state && now.state != ReviewState::Dismissed {
            return Some("says something else than is recorded".to_owned());
        }
        let by_id = |review: &Review| review.dismissed.clone().and_then(|it| it.by_id);
        let (was, is) = (by_id(recorded), by_id(now));
        differ(was.as_ref(), is.as_ref()).then(|| {
            format!("was dismissed by {}, and another account is recorded", told.who(is.as_ref()))
        })
    }

    fn commits(&self, told: &Told, found: &mut Vec<String>) {
        for recorded in &self.pull.commits {
            let Some(now) = told.commits.iter().find(|now| now.id == recorded.id) else { continue };
            let is_other = differ(recorded.author_id.as_ref(), now.author_id.as_ref())
                || differ(recorded.committer_id.as_ref(), now.committer_id.as_ref())
                || (recorded.verified == Some(true) && now.verified == Some(false))
                || (recorded.in_browser && !now.in_browser);
            if is_other {
                found.push(format!(
                    "of the commit {} another author, committer or signature is recorded",
                    recorded.id
                ));
            }
        }
    }

    /// Finds people who were left out: behind commits, and among those who pushed.
    fn people(&self, told: &Told, is_new: &dyn Fn(&str) -> bool, found: &mut Vec<String>) {
        let is_head = self.pull.head.as_deref() == Some(&told.head);
        let known = |id: &String| {
            let login = told.logins.get(id);
            let is_it = |one: Option<&String>, name: Option<&str>| {
                one.map_or_else(|| name == login.map(String::as_str), |one| one == id)
            };
            let mut contributors = self.pull.contributors.iter();
            let mut pushers = self.evidence.pushers.accounts();
            Some(id) == self.pull.author_id.as_ref()
                || contributors
                    .any(|it| is_it(it.id.as_ref(), it.login.as_ref().map(|it| it.as_str())))
                || pushers.any(|(login, id)| is_it(id, Some(login.as_str())))
        };
        let mut left_out = BTreeSet::new();
        for commit in &told.commits {
            let recorded = self.pull.commits.iter().find(|it| it.id == commit.id);
            if recorded.is_none() && !(is_head && is_new(&commit.id)) {
                continue;
            }
            // An account that the forge didn't know then is recorded by its address.
            let author = recorded.is_none_or(|it| it.author_id.is_some());
            let committer = recorded.is_none_or(|it| it.committer_id.is_some());
            let author = commit.author_id.as_ref().filter(|_| author);
            let committer =
                commit.committer_id.as_ref().filter(|_| committer && !commit.in_browser);
            left_out.extend(author.into_iter().chain(committer).filter(|id| !known(id)));
        }
        let is_due = |at: Time| at <= self.at - self.slack;
        let pushes = told.pushes.iter().filter(|(at, _)| is_due(*at)).map(|(_, id)| id);
        let is_told = self.evidence.pushers.known().is_some();
        left_out.extend(pushes.filter(|id| is_told && !known(id)));
        found.extend(
            left_out
                .into_iter()
                .map(|id| format!("{} contributed to it, and was left out", told.who(Some(id)))),
        );
    }
}

impl Told {
    /// Names an account.
    fn who(&self, id: Option<&String>) -> String {
        match id.map(|id| (id, self.logins.get(id))) {
            Some((id, Some(login))) => format!("{login} ({id})"),
            Some((id, None)) => id.clone(),
            None => "nobody that is known".to_owned(),
        }
    }
}

/// Whether both are known, and aren't the same.
fn differ(one: Option<&String>, other: Option<&String>) -> bool {
    matches!((one, other), (Some(one), Some(other)) if one != other)
}
