//! Collects the evidence about a pull request on GitHub.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::Facts;
use super::identity::Identities;
use super::types::{self, Push, TimelineEvent};
use super::{GitHub, arrival};
use crate::content::conflicts::{self, Conflicts, Meets};
use crate::content::history::History;
use crate::content::{Changeset, Materials, request_at, request_before};
use crate::core::evidence::{
    Dismissed, Evidence, ForgeKind, Merged, PullRequest, Review, ReviewState, TeamMembers,
};
use crate::core::org::Org;
use crate::core::request::ChangeRequest;
use crate::core::terms::Login;
use crate::core::time::Time;
use crate::forge::Pull;
use crate::git::{Commit, Oid, Repo};

/// What is read once for a pull request.
pub struct Collector<'a> {
    github: &'a GitHub,
    repo: &'a Repo,
    org: &'a Org,
    pub(super) facts: &'a Facts,
    pull: &'a Pull,
    changeset: &'a Changeset,
    pub(super) people: Identities<'a>,
    /// The commits that a merge would add, newest first.
    pub(super) commits: Vec<Commit>,
    materials: Materials<'a>,
    history: History,
}

impl<'a> Collector<'a> {
    pub fn of(
        github: &'a GitHub,
        facts: &'a Facts,
        pull: &'a Pull,
        changeset: &'a Changeset,
        org: &'a Org,
    ) -> anyhow::Result<Self> {
        let repo = github.repo();
        github.remote.fetch_commits(&facts.source, &seen(facts));
        let commits = repo.commits_between(Some(pull.base), pull.head)?;
        let commits =
            commits.into_iter().map(|id| repo.commit(id)).collect::<Result<Vec<_>, _>>()?;
        let materials = Materials::of(repo, changeset.path.as_deref());
        let history = History::of(&commits, pull.head, &materials)?;
        let people = Identities::of(&org.roster, &facts.commits, repo, github.client.site());
        Ok(Collector {
            github,
            repo,
            org,
            facts,
            pull,
            changeset,
            people,
            commits,
            materials,
            history,
        })
    }

    pub fn evidence(&self, now: Time) -> anyhow::Result<Evidence> {
        let pull = &self.facts.pull;
        let request = self.request(self.pull.head)?;
        let meets = Meets::of(request.as_ref());
        let path = self.changeset.path.as_deref();
        let mut found = conflicts::at_base(self.repo, self.pull.base, path, meets.as_ref(), None)?;
        if let Some(meets) = &meets {
            self.add_open(&mut found, meets)?;
        }
        let submitted_at = self.submitted_at().min(now);
        let about = (path, request.as_ref());
        let (operations, incident) =
            self.github.logged(self.pull, about, &mut found.merged, (self.org, now))?;
        let incidents = match incident {
            Some(incident) => vec![incident],
            None => conflicts::incidents(self.repo, self.pull.base, request.as_ref())?,
        };
        Ok(Evidence {
            forge: Some(ForgeKind::Github),
            pull_request: Some(PullRequest {
                number: Some(pull.number),
                author: self.login(pull.user.as_ref()),
                author_id: pull.user.as_ref().map(|user| user.id.to_string()),
                base_ref: self.pull.base_ref.clone(),
                base: Some(self.pull.base.to_string()),
                head: Some(self.pull.head.to_string()),
                draft: pull.draft,
                submitted_at,
                contributors: self.contributors(),
                commits: self.known_commits(),
                files: Some(self.changeset.files.iter().map(|file| file.path.clone()).collect()),
                same_head: Vec::new(),
                merged: self.merged(),
            }),
            content_arrived_at: Some(self.arrived_at()),
            reviews: self.reviews()?,
            pushers: self.pushers(),
            hides_pushes: !self.shows_all_pushes(),
            teams: self.teams()?,
            previous: request_before(self.repo, self.pull.base, self.changeset)?.map(Box::new),
            merged: found.merged,
            open: found.open,
            known_targets: found.known_targets,
            incidents,
            same_id: found.same_id,
            unread: found.unread,
            as_of: self.facts.merged_at(),
            operations,
        })
    }

    /// Returns the request at a commit, if there is one and it can be read.
    fn request(&self, commit: Oid) -> anyhow::Result<Option<ChangeRequest>> {
        let Some(path) = &self.changeset.path else { return Ok(None) };
        Ok(request_at(self.repo, commit, path)?.0.request)
    }

    /// Adds what the requests of other open pull requests to the same branch mean for this one.
    fn add_open(&self, found: &mut Conflicts, meets: &Meets<'_>) -> anyhow::Result<()> {
        let Facts { pull: own, open, .. } = self.facts;
        for other in open.iter().filter(|other| self.people.is_beside(own, other)) {
            let Some(head) = self.github.remote.commit(&other.head.sha) else { continue };
            let name = super::name(other.number);
            if let Some(other) = conflicts::of_open(self.repo, self.pull.base, (&name, head))? {
                found.add_open(meets, other);
            }
        }
        Ok(())
    }

    /// Returns how the pull request was merged, if it was.
    fn merged(&self) -> Option<Merged> {
        let pull = &self.facts.pull;
        Some(Merged {
            by: self.login(pull.merged_by.as_ref()),
            by_id: pull.merged_by.as_ref().map(|user| user.id.to_string()),
            at: pull.merged_at?,
            commit: pull.merge_commit_sha.clone()?,
        })
    }

    /// Returns when the pull request became ready for review and held a valid request.
    fn submitted_at(&self) -> Time {
        let pull = &self.facts.pull;
        let ready = self.events("ready_for_review").filter_map(|event| event.created_at);
        let ready = ready.fold(pull.created_at, Time::max);
        let is_valid = |push: &&Push| self.holds(&push.after, |material| material.is_some());
        let first_valid = self.pushes().filter(is_valid).map(|push| push.timestamp).min();
        first_valid.map_or(ready, |first_valid| ready.max(first_valid))
    }

    /// Returns when head's content arrived, as GitHub's server recorded it.
    fn arrived_at(&self) -> Time {
        let pull = &self.facts.pull;
        let by_pushes = self.facts.pushes.as_ref().and_then(|pushes| {
            arrival::by_pushes(pushes, &pull.head.sha, |commit| self.is_as_head(commit))
        });
        let arrived = by_pushes.unwrap_or_else(|| {
            let settled = |commit: &str| self.is_settled(commit);
            let Facts { timeline, reviews, .. } = self.facts;
            arrival::by_events(pull.created_at, timeline, reviews, settled)
        });
        match self.changeset.path {
            Some(_) => arrived,
            // A policy change is reviewed as the difference from its base, so a new base makes it
            // new.
            None => self.retargeted_at().fold(arrived, Time::max),
        }
    }

    /// Returns when the pull request got another base branch, from a person, or from GitHub because
    /// the first one was deleted.
    fn retargeted_at(&self) -> impl Iterator<Item = Time> {
        ["base_ref_changed", "automatic_base_change_succeeded"]
            .into_iter()
            .flat_map(|kind| self.events(kind))
            .filter_map(|event| event.created_at)
    }

    /// Whether a commit has head's content.
    fn is_as_head(&self, commit: &str) -> bool {
        let wanted = self.materials.at(self.pull.head).ok().flatten();
        wanted.is_some() && self.holds(commit, |material| material == wanted)
    }

    fn holds(
        &self,
        commit: &str,
        test: impl Fn(Option<crate::core::digest::Digest>) -> bool,
    ) -> bool {
        let commit = self.github.remote.commit(commit);
        commit.is_some_and(|commit| self.materials.at(commit).is_ok_and(&test))
    }

    /// Whether a commit of the pull request and every commit after it have head's content.
    fn is_settled(&self, commit: &str) -> bool {
        commit == self.facts.pull.head.sha
            || commit.parse().is_ok_and(|commit| self.history.is_unchanged_since(commit))
    }

    /// Returns the members of the reviewers' teams, if the roster maps these to teams on GitHub.
    fn teams(&self) -> anyhow::Result<BTreeMap<String, TeamMembers>> {
        let reviewers = self.facts.reviews.iter().filter_map(|review| review.user.as_ref());
        let reviewers: BTreeSet<_> = reviewers.filter_map(|user| self.people.login(user)).collect();
        let roster = &self.org.roster;
        let teams = reviewers.iter().filter_map(|login| roster.people.get(login)?.team.as_ref());
        let mut known = BTreeMap::new();
        for team in teams.collect::<BTreeSet<_>>() {
            let forge_team = roster.teams.get(team).and_then(|team| team.forge_team.as_ref());
            if let Some(then) = self.facts.teams.get(team).filter(|_| forge_team.is_some()) {
                known.insert(team.clone(), then.clone());
            } else if let Some(forge_team) = forge_team {
                let members = self.github.members(forge_team)?;
                let logins = |members: Vec<types::User>| {
                    members.iter().filter_map(|user| self.people.login(user)).collect()
                };
                known.insert(team.clone(), TeamMembers { members: members.map(logins) });
            }
        }
        Ok(known)
    }

    pub(super) fn login(&self, user: Option<&types::User>) -> Option<Login> {
        user.and_then(|user| self.people.login(user))
    }

    fn reviews(&self) -> anyhow::Result<Vec<Review>> {
        let reviews = self.facts.reviews.iter();
        reviews.filter_map(|review| self.review(review).transpose()).collect()
    }

    /// Returns a review as evidence, or `None` if it wasn't submitted.
    fn review(&self, review: &types::Review) -> anyhow::Result<Option<Review>> {
        let Some(submitted_at) = review.submitted_at else { return Ok(None) };
        let user = review.user.as_ref();
        Ok(Some(Review {
            id: review.id.to_string(),
            user: user.and_then(|user| user.login.parse().ok()),
            user_id: user.map(|user| user.id.to_string()),
            bot: user.is_some_and(types::User::is_bot),
            state: state(&review.state),
            commit: review.commit_id.clone(),
            submitted_at,
            material: self.reviewed_material(review)?,
            dismissed: self.dismissal(review.id),
            unproven: None,
        }))
    }

    /// Returns the material digest that a review is about, or `None` if its commit is gone.
    fn reviewed_material(
        &self,
        review: &types::Review,
    ) -> anyhow::Result<Option<crate::core::digest::Digest>> {
        let commit = review.commit_id.as_deref();
        // Without the list of pushes, only the order of the commits shows which came first.
        let is_in_order = |commit: &&str| self.facts.pushes.is_some() || self.is_settled(commit);
        match commit.filter(is_in_order).and_then(|commit| self.github.remote.commit(commit)) {
            Some(commit) => self.materials.at(commit),
            None => Ok(None),
        }
    }

    /// Returns how a review was dismissed, if it was.
    fn dismissal(&self, review: u64) -> Option<Dismissed> {
        let of_it = |event: &&TimelineEvent| {
            event.dismissed_review.as_ref().is_some_and(|dismissed| dismissed.review_id == review)
        };
        let event = self.events("review_dismissed").filter(of_it).last()?;
        let was = event.dismissed_review.as_ref().map(|dismissed| state(&dismissed.state));
        let (by, by_id) = (event.actor.as_ref(), event.actor.as_ref().map(|by| by.id.to_string()));
        Some(Dismissed { by: self.login(by), by_id, was, at: event.created_at })
    }

    pub(super) fn events(&self, kind: &str) -> impl Iterator<Item = &'a TimelineEvent> {
        self.facts.timeline.iter().filter(move |event| event.event == kind)
    }
}

/// Returns the ids of all reviewed and pushed commits, even if they are no longer part of the pull
/// request.
fn seen(facts: &Facts) -> BTreeSet<&str> {
    let reviewed = facts.reviews.iter().filter_map(|review| review.commit_id.as_deref());
    let pushed = facts.pushes.iter().flatten().map(|push| push.after.as_str());
    reviewed.chain(pushed).filter(|id| id.bytes().any(|byte| byte != b'0')).collect()
}

/// Returns the state of a review; an unknown state is a comment.
pub fn state(text: &str) -> ReviewState {
    match text.to_ascii_uppercase().as_str() {
        "APPROVED" => ReviewState::Approved,
        "CHANGES_REQUESTED" => ReviewState::ChangesRequested,
        "DISMISSED" => ReviewState::Dismissed,
        "PENDING" => ReviewState::Pending,
        _ => ReviewState::Commented,
    }
}
