//! Finds out whose work a pull request is: the people behind its commits, and those who pushed them.

use std::collections::BTreeSet;

use super::collect::Collector;
use super::types::{self, Push};
use crate::core::evidence::{Contributor, Part, Pushers};
use crate::core::terms::Login;
use crate::git::Commit;

/// The account under which GitHub itself makes and signs commits when somebody works in the browser,
/// on an enterprise's own server too. Nobody else can have this login.
const WEB_FLOW: &str = "web-flow";

impl<'a> Collector<'a> {
    /// Returns everybody who contributed to the commits, and everybody who pushed to somebody
    /// else's pull request.
    ///
    /// The author of the pull request is responsible for what it held when it was opened, but not
    /// for later pushes of others. A push in the same second counts as later.
    pub fn contributors(&self) -> Vec<Contributor> {
        let mut found = Found::default();
        for commit in &self.commits {
            let known = self.known(commit);
            let author = known.and_then(|known| known.author.as_ref());
            found.add(
                self.author(author, &commit.author.email),
                &commit.author.email,
                Part::Author,
            );
            if !known.is_some_and(is_made_in_browser) {
                let committer = known.and_then(|known| known.committer.as_ref());
                let email = &commit.committer.email;
                found.add(self.author(committer, email), email, Part::Committer);
            }
            for co_author in commit.co_authors() {
                found.add(self.people.with_email(&co_author), &co_author, Part::CoAuthor);
            }
        }
        let author = self.facts.pull.user.as_ref().map(|user| user.id);
        let opened = self.facts.pull.created_at;
        let pushes = self.pushes().map(|push| (push.actor.as_ref(), push.timestamp));
        // The timeline shows force-pushes even where GitHub doesn't list pushes.
        let forced = self.events("head_ref_force_pushed");
        let forced = forced.filter_map(|event| Some((event.actor.as_ref(), event.created_at?)));
        for (actor, at) in pushes.chain(forced).filter(|(_, at)| *at >= opened) {
            if actor.is_none() || actor.map(|actor| actor.id) != author {
                let email = format!("a push on {} UTC", at.for_people(None));
                found.add(self.login(actor), &email, Part::Pusher);
            }
        }
        found.contributors
    }

    /// Returns everybody who pushed, if GitHub's server shows all pushes, or if each commit is
    /// proven to be its author's, so that it doesn't matter who pushed it.
    pub fn pushers(&self) -> Pushers {
        if !self.shows_all_pushes() && !self.commits.iter().all(|commit| self.is_proven(commit)) {
            return Pushers::Unknown;
        }
        let by_pushes = self.pushes().filter_map(|push| push.actor.as_ref());
        let by_force =
            self.events("head_ref_force_pushed").filter_map(|event| event.actor.as_ref());
        let pushers: BTreeSet<_> =
            by_pushes.chain(by_force).filter_map(|user| self.people.login(user)).collect();
        Pushers::Known(pushers.into_iter().collect())
    }

    /// Returns the pushes of this change, newest first, as far as GitHub's server shows them.
    ///
    /// If the branch was deleted before the pull request was opened from a new one, the pushes
    /// before the deletion were for another change, except those whose commits are part of this
    /// one.
    pub fn pushes(&self) -> impl Iterator<Item = &'a Push> {
        let pushes = self.facts.pushes.as_deref().unwrap_or_default();
        let opened = self.facts.pull.created_at;
        let is_end = |push: &Push| push.is_deletion() && push.timestamp < opened;
        let (of_branch, of_earlier) =
            pushes.split_at(pushes.iter().position(is_end).unwrap_or(pushes.len()));
        let of_change =
            of_branch.iter().chain(of_earlier.iter().filter(|push| self.brings(&push.after)));
        of_change.filter(|push| !push.is_deletion())
    }

    /// Whether the pushes that GitHub shows account for all commits: each begins where the one
    /// before ended, and the first began without them.
    fn shows_all_pushes(&self) -> bool {
        let pushes = self.facts.pushes.as_deref().unwrap_or_default();
        let is_gapless = pushes.windows(2).all(|pair| pair[0].before == pair[1].after);
        let first = pushes.last().map_or("", |push| &push.before);
        is_gapless && !first.is_empty() && !self.brings(first)
    }

    /// Whether this commit is one of those that a merge would add.
    fn brings(&self, commit: &str) -> bool {
        self.commits.iter().any(|own| own.id.to_string() == commit)
    }

    /// Whether a commit's signature proves that it is its author's: GitHub has verified it, and the
    /// author committed it, in person or in the browser. A signature is its committer's alone.
    fn is_proven(&self, commit: &Commit) -> bool {
        self.known(commit).is_some_and(|known| {
            let account = |user: &Option<types::User>| user.as_ref().map(|user| user.id);
            let author = account(&known.author);
            let by_author = author.is_some() && author == account(&known.committer);
            is_made_in_browser(known) || (known.is_verified() && by_author)
        })
    }

    /// Returns what GitHub shows about a commit.
    fn known(&self, commit: &Commit) -> Option<&'a types::Commit> {
        let id = commit.id.to_string();
        self.facts.commits.iter().find(|known| known.sha == id)
    }

    /// Returns the person that a commit names: the one with the account that GitHub has found for
    /// it, or else the owner of the address.
    fn author(&self, account: Option<&types::User>, email: &str) -> Option<Login> {
        match account {
            Some(account) => self.people.login(account),
            None => self.people.with_email(email),
        }
    }
}

/// Whether GitHub itself made and signed the commit, for an author in the browser.
fn is_made_in_browser(known: &types::Commit) -> bool {
    let committer = known.committer.as_ref();
    known.is_verified() && committer.is_some_and(|committer| committer.login == WEB_FLOW)
}

/// The contributors found so far: each identity once, with all its parts.
#[derive(Default)]
struct Found {
    contributors: Vec<Contributor>,
}

impl Found {
    fn add(&mut self, login: Option<Login>, email: &str, part: Part) {
        let email = login.is_none().then(|| email.to_owned());
        let same = |other: &&mut Contributor| other.login == login && other.email == email;
        match self.contributors.iter_mut().find(same) {
            Some(known) if known.parts.contains(&part) => {}
            Some(known) => known.parts.push(part),
            None => self.contributors.push(Contributor {
                login,
                email,
                parts: vec![part],
                unproven: None,
            }),
        }
    }
}
