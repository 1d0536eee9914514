//! Collects the evidence about a change in plain Git: what its commits and its journal prove, not what
//! they merely claim.

use std::collections::BTreeMap;

use super::conflicts::Conflicts;
use super::history::History;
use super::journal::{self, Said};
use super::{Changeset, Materials, People, Pull, SKEW, Signer, request_at, request_before};
use crate::core::digest::Digest;
use crate::core::evidence::{
    Contributor, Dismissed, Evidence, ForgeKind, Part, PullRequest, Pushers, Review, ReviewState,
    Unproven,
};
use crate::core::org::Org;
use crate::core::request::ChangeRequest;
use crate::core::terms::Login;
use crate::core::time::Time;
use crate::git::{Commit, Oid, Repo};

/// What is read once for a pull request.
pub struct Collector<'a> {
    repo: &'a Repo,
    pull: &'a Pull,
    org: &'a Org,
    people: People<'a>,
    now: Time,
    changeset: &'a Changeset,
    /// The commits that a merge would add, newest first.
    commits: Vec<Commit>,
    materials: Materials<'a>,
    history: History,
}

impl<'a> Collector<'a> {
    /// Prepares to collect what is known as of `now` about a change whose commits are in `repo`. `org`
    /// is the organisation data at base.
    ///
    /// # Errors
    /// When a commit can't be read.
    pub fn of(
        repo: &'a Repo,
        pull: &'a Pull,
        changeset: &'a Changeset,
        org: &'a Org,
        now: Time,
    ) -> anyhow::Result<Self> {
        let commits = repo.commits_between(Some(pull.base), pull.head)?;
        let commits =
            commits.into_iter().map(|id| repo.commit(id)).collect::<Result<Vec<_>, _>>()?;
        let materials = Materials::of(repo, changeset.path.as_deref());
        let history = History::of(&commits, pull.head, &materials)?;
        Ok(Collector {
            repo,
            pull,
            org,
            people: People::of(&org.roster),
            now,
            materials,
            changeset,
            commits,
            history,
        })
    }

    /// Returns the evidence. `journal` is the change's, as far as it counts, and `found` what else in the
    /// repository affects the change.
    ///
    /// # Errors
    /// When a commit can't be read.
    pub fn evidence(
        &self,
        journal: &[journal::Entry],
        found: Conflicts,
    ) -> anyhow::Result<Evidence> {
        let submitted = self.submission()?;
        let submitted_at = submitted.map_or(self.now, |commit| commit.time.min(self.now));
        let arrived_at =
            self.history.arrived_at().unwrap_or(self.now).max(submitted_at).min(self.now);
        let reviews = self.reviews(journal)?;
        // The history decides which reviews are about this content, whatever the clocks say.
        let current = reviews.iter().filter(|review| review.material.is_some());
        let arrived_at = current.map(|review| review.submitted_at).fold(arrived_at, std::cmp::min);
        let signer = submitted.map(|commit| self.people.signer(self.repo, commit));
        Ok(Evidence {
            forge: Some(ForgeKind::Git),
            pull_request: Some(PullRequest {
                number: None,
                author: signer.and_then(|signer| signer.login),
                author_id: None,
                base_ref: self.pull.base_ref.clone(),
                base: Some(self.pull.base.to_string()),
                head: Some(self.pull.head.to_string()),
                draft: false,
                submitted_at,
                contributors: self.contributors(),
                commits: Vec::new(),
                files: Some(self.changeset.files.iter().map(|file| file.path.clone()).collect()),
                same_head: Vec::new(),
                merged: None,
            }),
            content_arrived_at: Some(arrived_at),
            reviews,
            pushers: Pushers::default(),
            hides_pushes: false,
            teams: BTreeMap::new(),
            previous: request_before(self.repo, self.pull.base, self.changeset)?.map(Box::new),
            merged: found.merged,
            open: found.open,
            known_targets: found.known_targets,
            incidents: found.incidents,
            same_id: found.same_id,
            unread: found.unread,
            as_of: None,
            operations: None,
        })
    }

    /// Returns the request at head, if there is one and it can be read.
    ///
    /// # Errors
    /// When the commit can't be read.
    pub fn request(&self) -> anyhow::Result<Option<ChangeRequest>> {
        let Some(path) = &self.changeset.path else { return Ok(None) };
        Ok(request_at(self.repo, self.pull.head, path)?.0.request)
    }

    /// Returns the commit that submitted the change: the oldest one that adds or alters the
    /// request, or for a policy change simply the oldest one.
    fn submission(&self) -> anyhow::Result<Option<&Commit>> {
        let Some(path) = &self.changeset.path else { return Ok(self.commits.last()) };
        let before = self.repo.merge_base(self.pull.base, self.pull.head)?;
        let before = before.map(|base| self.repo.entry(base, path)).transpose()?.flatten();
        for commit in self.commits.iter().rev() {
            let held = self.repo.entry(commit.id, path)?;
            if held.is_some() && held != before {
                return Ok(Some(commit));
            }
        }
        Ok(self.commits.last())
    }

    /// Whether a commit and every commit after it have head's content.
    fn is_unchanged_since(&self, reviewed: Oid) -> bool {
        reviewed == self.pull.head || self.history.is_unchanged_since(reviewed)
    }

    /// Returns everybody who contributed to the commits. The committer's own signature, on the
    /// commit or on one of its descendants, proves who made it.
    fn contributors(&self) -> Vec<Contributor> {
        let mut found = Found::default();
        let signers = self.people.signers(self.repo, &self.commits);
        for (commit, Signer { login, unproven }) in self.commits.iter().zip(signers) {
            if unproven == Some(Unproven::OtherPerson) {
                // The signer contributed too, whatever the commit claims.
                found.add(login, &commit.committer.email, Part::Committer, None);
            }
            let claimed = |email: &str| self.people.with_email(email).cloned();
            let (author, committer) = (&commit.author.email, &commit.committer.email);
            found.add(claimed(author), author, Part::Author, None);
            found.add(claimed(committer), committer, Part::Committer, unproven);
            for co_author in commit.co_authors() {
                found.add(claimed(&co_author), &co_author, Part::CoAuthor, None);
            }
        }
        found.contributors
    }

    /// Returns the reviews of the journal as evidence.
    fn reviews(&self, journal: &[journal::Entry]) -> anyhow::Result<Vec<Review>> {
        let mut reviews = Vec::new();
        for entry in journal {
            if entry.said.is_some_and(|said| !said.is_review()) {
                continue;
            }
            let signer = self.people.signer(self.repo, &entry.commit);
            let elsewhere = entry.change != self.pull.name;
            let unproven = if elsewhere { Some(Unproven::OtherChange) } else { signer.unproven };
            let state = state(entry.said);
            let counts = |unproven: Option<Unproven>| {
                unproven.is_none_or(|unproven| self.org.tolerates(unproven))
            };
            if state == ReviewState::Dismissed && counts(unproven) {
                let own = |review: &&mut Review| review.user == signer.login;
                reviews
                    .iter_mut()
                    .filter(own)
                    .filter(|own| counts(own.unproven))
                    .for_each(withdraw);
                continue;
            }
            let unchanged = self.is_unchanged_since(entry.reviewed);
            let given_at = self.known_by_now(entry.commit.time);
            reviews.push(Review {
                id: entry.commit.id.to_string(),
                user: signer.login,
                user_id: None,
                bot: false,
                state,
                commit: Some(entry.reviewed.to_string()),
                submitted_at: given_at,
                material: self.reviewed_material(entry, unchanged)?,
                dismissed: None,
                unproven,
            });
        }
        Ok(reviews)
    }

    /// Returns a time by somebody else's clock, which may be a little ahead, as at most now.
    fn known_by_now(&self, time: Time) -> Time {
        if time <= self.now + SKEW { time.min(self.now) } else { time }
    }

    /// Returns the material digest that a review is about, or `None` if the reviewer signed another
    /// digest or if the content differed at some point since.
    fn reviewed_material(
        &self,
        entry: &journal::Entry,
        unchanged: bool,
    ) -> anyhow::Result<Option<Digest>> {
        let digest = self.materials.at(entry.reviewed)?;
        Ok(digest.filter(|digest| unchanged && entry.material.as_ref() == Some(digest)))
    }
}

/// The contributors found so far: each identity once, with all its parts.
#[derive(Default)]
struct Found {
    contributors: Vec<Contributor>,
}

impl Found {
    fn add(&mut self, login: Option<Login>, email: &str, part: Part, unproven: Option<Unproven>) {
        let email = match login {
            Some(_) if unproven.is_none() => None,
            _ => Some(email.to_owned()),
        };
        let same = |other: &&mut Contributor| {
            other.login == login && other.email == email && other.unproven == unproven
        };
        match self.contributors.iter_mut().find(same) {
            Some(known) if known.parts.contains(&part) => {}
            Some(known) => known.parts.push(part),
            None => {
                let parts = vec![part];
                self.contributors.push(Contributor { login, id: None, email, parts, unproven });
            }
        }
    }
}

/// Marks a review as withdrawn by its author.
fn withdraw(review: &mut Review) {
    if matches!(review.state, ReviewState::Approved | ReviewState::ChangesRequested) {
        review.dismissed = Some(Dismissed {
            by: review.user.clone(),
            was: Some(review.state),
            ..Dismissed::default()
        });
        review.state = ReviewState::Dismissed;
    }
}

/// Returns what an entry means for a decision; an entry that can't be read is a comment.
fn state(said: Option<Said>) -> ReviewState {
    match said {
        Some(Said::Approved) => ReviewState::Approved,
        Some(Said::ChangesRequested) => ReviewState::ChangesRequested,
        Some(Said::Withdrawn) => ReviewState::Dismissed,
        _ => ReviewState::Commented,
    }
}
