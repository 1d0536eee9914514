//! The embedded default: pull requests in plain Git, without a server.
//!
//! - A pull request is the branch `change/<name>`. One that brings a request is called by its id;
//!   one that changes policies by any name.
//! - Its reviews are the commits of the branch `reviews/<name>`, see [`journal`].
//! - A person is who the roster at base says that an email address or a signing key belongs to.
//!
//! No server vouches for anything here, and so nothing counts by what a commit merely claims. Who
//! somebody is shows in signatures. What came before what shows in the history itself: an approval
//! is about this content if every commit since the reviewed one holds the same; dates only tell
//! when it ages out.

use std::cell::OnceCell;

use anyhow::{Context as _, bail};

use super::content::{Brought, Materials, request_at};
use super::{Forge, Pull};
use crate::decision::Decision;
use crate::evidence::{
    Contributor, Dismissed, Evidence, ForgeKind, Part, PullRequest, Review, ReviewState, Unproven,
};
use crate::git::{Commit, Oid, Repo};
use crate::org::Org;
use crate::request::{ChangeRequest, Login};
use crate::time::{Duration, Time};

mod branches;
mod history;
pub mod journal;
mod others;
mod people;
pub mod story;
mod survey;

pub use branches::{Branches, DEFAULT_BASES, Step};
pub use people::{People, Signer};

use history::History;
use journal::Said;

/// By how much the clocks of people's own machines may differ.
pub const SKEW: Duration = Duration::seconds(300);

/// Branches with changes are called so, and then by the change's name.
pub const CHANGE: &str = "change/";

/// Branches with reviews are called so, and then by the change's name.
pub const REVIEWS: &str = "reviews/";

/// Plain Git as a forge.
pub struct Git {
    /// Where everybody's branches are.
    pub branches: Branches,
    /// The branch that changes go to.
    pub base_ref: String,
    /// What others bring, read once for many changes.
    survey: OnceCell<survey::Survey>,
}

impl Git {
    /// The forge that a repository's shared branches make. `base_ref` is found if left out.
    ///
    /// # Errors
    /// When no base is given and none is found.
    pub fn new(branches: Branches, base_ref: Option<String>) -> anyhow::Result<Self> {
        let base_ref = base_ref.map_or_else(|| branches.default_base(), Ok)?;
        Ok(Git { branches, base_ref, survey: OnceCell::new() })
    }

    /// The repository.
    pub fn repo(&self) -> &Repo {
        self.branches.repo()
    }

    /// The tip of the branch that changes go to.
    ///
    /// # Errors
    /// When there is no such branch.
    pub fn base(&self) -> anyhow::Result<Oid> {
        let tip = self.branches.tip(&self.base_ref)?;
        tip.with_context(|| format!("there is no branch {} to merge into", self.base_ref))
    }

    /// A change's journal, oldest entry first; empty if nobody has written to it.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn journal(&self, name: &str) -> anyhow::Result<Vec<journal::Entry>> {
        match self.branches.tip(&format!("{REVIEWS}{name}"))? {
            Some(tip) => journal::entries(self.repo(), tip),
            None => Ok(Vec::new()),
        }
    }
}

/// The tree of the merge that a pull request asks for: base with the files that it changes, whole
/// and as they were judged. Nothing is merged within a file.
///
/// # Errors
/// When base has changed one of them meanwhile.
pub fn merge_tree(repo: &Repo, pull: &Pull) -> anyhow::Result<Oid> {
    let brought = Brought::of(repo, pull.base, pull.head, &pull.name)?;
    for file in &brought.files {
        let held = repo.entry(pull.base, &file.path)?;
        if held != file.before && held != file.after {
            bail!(
                "{} was changed on the base since {} left it: merge the base into {CHANGE}{} and \
                 have it reviewed again",
                file.path,
                pull.name,
                pull.name
            );
        }
    }
    let files = brought.files.iter().map(|file| (file.path.as_str(), file.after));
    repo.store_tree(Some(pull.base), files)
}

impl Git {
    /// Whether a change was given up and not taken up again. `org` is the organisation at base.
    ///
    /// # Errors
    /// When its journal can't be read.
    pub fn is_closed(&self, name: &str, org: &Org) -> anyhow::Result<bool> {
        let people = People::of(&org.roster);
        Ok(closed_by(self.repo(), &people, org, name, &self.journal(name)?).is_some())
    }
}

/// The entry that closed a change, if none that is as good reopened it. What isn't shown to be
/// somebody's closes nothing.
fn closed_by<'e>(
    repo: &Repo,
    people: &People<'_>,
    org: &Org,
    name: &str,
    journal: &'e [journal::Entry],
) -> Option<&'e journal::Entry> {
    let is_known = |entry: &journal::Entry| {
        let signer = people.signer(repo, &entry.commit);
        signer.login.is_some() && signer.unproven.is_none_or(|unproven| org.tolerates(unproven))
    };
    let last = journal.iter().rev().find(|entry| {
        let is_about = matches!(entry.said, Some(Said::Closed | Said::Reopened));
        is_about && entry.change == name && is_known(entry)
    });
    last.filter(|entry| entry.said == Some(Said::Closed))
}

impl Forge for Git {
    fn pull(&self, name: &str) -> anyhow::Result<Pull> {
        let Some(head) = self.branches.tip(&format!("{CHANGE}{name}"))? else {
            bail!("there is no branch {CHANGE}{name}: submit it with `changegate submit {name}`");
        };
        Ok(Pull {
            name: name.to_owned(),
            id: Some(name.to_owned()),
            base_ref: Some(self.base_ref.clone()),
            base: self.base()?,
            head,
        })
    }

    fn evidence(
        &self,
        pull: &Pull,
        brought: &Brought,
        org: &Org,
        now: Time,
    ) -> anyhow::Result<Evidence> {
        Collector::of(self, pull, brought, org, now)?.evidence()
    }

    /// Nothing to do: in plain Git everybody works the answer out from the same commits.
    fn publish(&self, _: &Pull, _: &Decision) -> anyhow::Result<()> {
        Ok(())
    }
}

/// What is worked out once for a pull request.
struct Collector<'a> {
    git: &'a Git,
    repo: &'a Repo,
    pull: &'a Pull,
    org: &'a Org,
    people: People<'a>,
    now: Time,
    brought: &'a Brought,
    /// The commits that the merge would bring, newest first.
    commits: Vec<Commit>,
    materials: Materials<'a>,
    history: History,
}

impl<'a> Collector<'a> {
    fn of(
        git: &'a Git,
        pull: &'a Pull,
        brought: &'a Brought,
        org: &'a Org,
        now: Time,
    ) -> anyhow::Result<Self> {
        let repo = git.repo();
        let commits = repo.commits_between(Some(pull.base), pull.head)?;
        let commits =
            commits.into_iter().map(|id| repo.commit(id)).collect::<Result<Vec<_>, _>>()?;
        let materials = Materials::of(repo, brought.path.as_deref());
        let history = History::of(&commits, pull.head, &materials)?;
        Ok(Collector {
            git,
            repo,
            pull,
            org,
            people: People::of(&org.roster),
            now,
            materials,
            brought,
            commits,
            history,
        })
    }

    fn evidence(&self) -> anyhow::Result<Evidence> {
        let submitted = self.submission()?;
        let submitted_at = submitted.map_or(self.now, |commit| commit.time.min(self.now));
        let arrived_at =
            self.history.arrived_at().unwrap_or(self.now).max(submitted_at).min(self.now);
        let signer = submitted.map(|commit| self.people.signer(self.repo, commit));
        let request = self.request()?;
        let others = others::of(
            self.git,
            self.pull,
            self.brought.path.as_deref(),
            request.as_ref(),
            self.org,
        )?;
        Ok(Evidence {
            forge: Some(ForgeKind::Git),
            pull_request: Some(PullRequest {
                number: None,
                author: signer.and_then(|signer| signer.login),
                base_ref: self.pull.base_ref.clone(),
                base: Some(self.pull.base.to_string()),
                head: Some(self.pull.head.to_string()),
                draft: false,
                submitted_at,
                contributors: self.contributors(),
                files: Some(self.brought.files.iter().map(|file| file.path.clone()).collect()),
                same_head: Vec::new(),
            }),
            reviews: self.reviews(arrived_at)?,
            content_arrived_at: Some(arrived_at),
            pushers: Vec::new(),
            previous: self.previous()?.map(Box::new),
            merged: others.merged,
            open: others.open,
            incidents: others.incidents,
            same_id: others.same_id,
        })
    }

    fn request(&self) -> anyhow::Result<Option<ChangeRequest>> {
        let Some(path) = &self.brought.path else { return Ok(None) };
        Ok(request_at(self.repo, self.pull.head, path)?.0.request)
    }

    /// The request at base, if base holds it in a form that can be read.
    fn previous(&self) -> anyhow::Result<Option<ChangeRequest>> {
        match &self.brought.path {
            Some(path) if self.repo.entry(self.pull.base, path)?.is_some() => {
                Ok(request_at(self.repo, self.pull.base, path)?.0.request)
            }
            _ => Ok(None),
        }
    }

    /// The commit that submitted the change: the oldest that brings what the merge would bring,
    /// which is the request or, for a change of policies, anything.
    fn submission(&self) -> anyhow::Result<Option<&Commit>> {
        let Some(path) = &self.brought.path else { return Ok(self.commits.last()) };
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

    /// Whether a commit holds what head holds, and every commit since then does.
    fn is_unchanged_since(&self, reviewed: Oid) -> bool {
        reviewed == self.pull.head || self.history.is_unchanged_since(reviewed)
    }

    /// Everybody behind the commits. That a commit is its committer's shows in that person's
    /// signature, on it or on a commit that stands on it.
    fn contributors(&self) -> Vec<Contributor> {
        let mut found = Found::default();
        let signers = self.people.signers(self.repo, &self.commits);
        for (commit, Signer { login, unproven }) in self.commits.iter().zip(signers) {
            if unproven == Some(Unproven::OtherPerson) {
                // Whoever signed had a part in it, too, whatever it claims.
                found.add(login, &commit.committer.email, Part::Committer, None);
            }
            let claimed = |email: &str| self.people.with_email(email).cloned();
            let (author, committer) = (&commit.author.email, &commit.committer.email);
            found.add(claimed(author), author, Part::Author, None);
            found.add(claimed(committer), committer, Part::Committer, unproven);
            for co_author in commit.co_authors() {
                found.add(claimed(&co_author.email), &co_author.email, Part::CoAuthor, None);
            }
        }
        found.contributors
    }

    /// The journal's reviews as evidence.
    fn reviews(&self, arrived_at: Time) -> anyhow::Result<Vec<Review>> {
        let mut reviews = Vec::new();
        for entry in self.git.journal(&self.pull.name)? {
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
                // The history says whether it is about this content; dates have no say in that.
                submitted_at: if unchanged { given_at.max(arrived_at) } else { given_at },
                material: self.reviewed_material(&entry, unchanged)?,
                dismissed: None,
                unproven,
            });
        }
        Ok(reviews)
    }

    /// A time by somebody else's clock, which may be a little ahead.
    fn known_by_now(&self, time: Time) -> Time {
        if time <= self.now + SKEW { time.min(self.now) } else { time }
    }

    /// The material digest that a review is about; nothing if the reviewer signed another one, or
    /// if the content was another in between.
    fn reviewed_material(
        &self,
        entry: &journal::Entry,
        unchanged: bool,
    ) -> anyhow::Result<Option<crate::digest::Digest>> {
        let there = self.materials.at(entry.reviewed)?;
        Ok(there.filter(|there| unchanged && entry.material.as_ref() == Some(there)))
    }
}

impl Org {
    /// Whether the settings let somebody pass whose identity isn't shown for this reason.
    pub(crate) fn tolerates(&self, unproven: Unproven) -> bool {
        unproven == Unproven::Unsigned && self.settings.unsigned_reviews.is_allowed()
    }
}

/// Contributors as they are found: each identity once, with all its parts.
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

/// Marks what somebody said before they took it back.
fn withdraw(review: &mut Review) {
    if matches!(review.state, ReviewState::Approved | ReviewState::ChangesRequested) {
        review.dismissed = Some(Dismissed { by: review.user.clone(), was: Some(review.state) });
        review.state = ReviewState::Dismissed;
    }
}

/// What an entry means for a decision; what can't be read is a remark.
fn state(said: Option<Said>) -> ReviewState {
    match said {
        Some(Said::Approved) => ReviewState::Approved,
        Some(Said::ChangesRequested) => ReviewState::ChangesRequested,
        Some(Said::Withdrawn) => ReviewState::Dismissed,
        _ => ReviewState::Commented,
    }
}
