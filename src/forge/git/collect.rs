//! Collects the evidence about a pull request: what its commits and its journal prove, not what
//! they merely claim.

use std::collections::BTreeMap;

use super::journal::{self, Said};
use super::{CHANGE, Git};
use crate::content::conflicts::{self, Conflicts, Meets};
use crate::content::history::History;
use crate::content::{Changeset, Materials, People, SKEW, Signer, request_at};
use crate::core::digest::Digest;
use crate::core::evidence::{
    Contributor, Dismissed, Evidence, ForgeKind, Part, PullRequest, Pushers, Review, ReviewState,
    Unproven,
};
use crate::core::org::Org;
use crate::core::request::ChangeRequest;
use crate::core::terms::Login;
use crate::core::time::Time;
use crate::forge::Pull;
use crate::git::{Commit, Oid, Repo};

/// What is read once for a pull request.
pub struct Collector<'a> {
    git: &'a Git,
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
    pub fn of(
        git: &'a Git,
        pull: &'a Pull,
        changeset: &'a Changeset,
        org: &'a Org,
        now: Time,
    ) -> anyhow::Result<Self> {
        let repo = git.repo();
        let commits = repo.commits_between(Some(pull.base), pull.head)?;
        let commits =
            commits.into_iter().map(|id| repo.commit(id)).collect::<Result<Vec<_>, _>>()?;
        let materials = Materials::of(repo, changeset.path.as_deref());
        let history = History::of(&commits, pull.head, &materials)?;
        Ok(Collector {
            git,
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

    pub fn evidence(&self) -> anyhow::Result<Evidence> {
        let submitted = self.submission()?;
        let submitted_at = submitted.map_or(self.now, |commit| commit.time.min(self.now));
        let arrived_at =
            self.history.arrived_at().unwrap_or(self.now).max(submitted_at).min(self.now);
        let reviews = self.reviews()?;
        // The history decides which reviews are about this content, whatever the clocks say.
        let current = reviews.iter().filter(|review| review.material.is_some());
        let arrived_at = current.map(|review| review.submitted_at).fold(arrived_at, std::cmp::min);
        let signer = submitted.map(|commit| self.people.signer(self.repo, commit));
        let request = self.request()?;
        let conflicts = self.conflicts(request.as_ref())?;
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
                files: Some(self.changeset.files.iter().map(|file| file.path.clone()).collect()),
                same_head: Vec::new(),
                merged: None,
            }),
            content_arrived_at: Some(arrived_at),
            reviews,
            pushers: Pushers::default(),
            teams: BTreeMap::new(),
            previous: self.previous()?.map(Box::new),
            merged: conflicts.merged,
            open: conflicts.open,
            known_targets: conflicts.known_targets,
            incidents: conflicts.incidents,
            same_id: conflicts.same_id,
            as_of: None,
        })
    }

    /// Returns the other requests and the incidents that affect the change.
    fn conflicts(&self, request: Option<&ChangeRequest>) -> anyhow::Result<Conflicts> {
        let (base, path) = (self.pull.base, self.changeset.path.as_deref());
        // Reading all requests of each past base would take as long as all of that history.
        let is_past = self.git.survey.get().is_some_and(|survey| !survey.is_at(base));
        let mut found = match is_past && self.is_merged()? {
            true => Conflicts::default(),
            false => self.git.conflicts(base, &self.pull.name, path, request, self.org)?,
        };
        found.incidents = conflicts::incidents(self.repo, base, request)?;
        Ok(found)
    }

    fn request(&self) -> anyhow::Result<Option<ChangeRequest>> {
        let Some(path) = &self.changeset.path else { return Ok(None) };
        Ok(request_at(self.repo, self.pull.head, path)?.0.request)
    }

    /// Returns the request at base, if base contains it. Of one that can't be read, nobody is known
    /// who requested it.
    fn previous(&self) -> anyhow::Result<Option<ChangeRequest>> {
        match &self.changeset.path {
            Some(path) if self.repo.entry(self.pull.base, path)?.is_some() => {
                Ok(Some(request_at(self.repo, self.pull.base, path)?.0.request.unwrap_or_default()))
            }
            _ => Ok(None),
        }
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
    fn reviews(&self) -> anyhow::Result<Vec<Review>> {
        let mut reviews = Vec::new();
        let is_later = |entry: &journal::Entry| entry.commit.time > self.now + SKEW;
        for entry in self.git.journal(&self.pull.name)? {
            // What was said after a merge doesn't change how it was judged.
            if is_later(&entry) && self.is_merged()? {
                continue;
            }
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
                material: self.reviewed_material(&entry, unchanged)?,
                dismissed: None,
                unproven,
            });
        }
        Ok(reviews)
    }

    /// Whether the pull request has been merged since: it is judged as it was then.
    fn is_merged(&self) -> anyhow::Result<bool> {
        let base = self.git.base()?;
        Ok(base != self.pull.base && self.repo.leads_to(self.pull.head, base)?)
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

impl Git {
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
        if let Some(survey) = self.survey.get().filter(|survey| survey.is_at(base)) {
            return Ok(survey.conflicts(name, path, meets.as_ref()));
        }
        let mut found = conflicts::at_base(self.repo(), base, path, meets.as_ref())?;
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
                self.contributors.push(Contributor { login, email, parts: vec![part], unproven });
            }
        }
    }
}

/// Marks a review as withdrawn by its author.
fn withdraw(review: &mut Review) {
    if matches!(review.state, ReviewState::Approved | ReviewState::ChangesRequested) {
        review.dismissed =
            Some(Dismissed { by: review.user.clone(), was: Some(review.state), at: None });
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
