//! Finds out whose work a pull request is: the people behind its commits, and those who pushed them.

use std::collections::BTreeSet;

use super::collect::Collector;
use super::types::{self, Push};
use crate::core::evidence::{Contributor, KnownCommit, Part, Pusher, Pushers};
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
            let email = &commit.author.email;
            found.add(self.author(author, email), author, email, Part::Author);
            if !known.is_some_and(is_made_in_browser) {
                let committer = known.and_then(|known| known.committer.as_ref());
                let email = &commit.committer.email;
                found.add(self.author(committer, email), committer, email, Part::Committer);
            }
            for co_author in commit.co_authors() {
                found.add(self.people.with_email(&co_author), None, &co_author, Part::CoAuthor);
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
                found.add(self.login(actor), actor, &email, Part::Pusher);
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
        let pusher = |user: &types::User| {
            Some(Pusher::Account { login: self.people.login(user)?, id: user.id.to_string() })
        };
        let pushers: BTreeSet<_> = by_pushes.chain(by_force).filter_map(pusher).collect();
        Pushers::Known(pushers.into_iter().collect())
    }

    /// Returns what GitHub says of the commits.
    pub fn known_commits(&self) -> Vec<KnownCommit> {
        let known = self.commits.iter().filter_map(|commit| self.known(commit));
        known.map(known_commit).collect()
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
    pub fn shows_all_pushes(&self) -> bool {
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

/// Returns what GitHub says of a commit as evidence.
pub fn known_commit(known: &types::Commit) -> KnownCommit {
    let id = |user: &Option<types::User>| user.as_ref().map(|user| user.id.to_string());
    KnownCommit {
        id: known.sha.clone(),
        author_id: id(&known.author),
        committer_id: id(&known.committer),
        verified: known.commit.verification.as_ref().map(|it| it.verified),
        in_browser: is_made_in_browser(known),
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
    /// Adds a part of the person with this login, and of the account, as far as they are known.
    fn add(
        &mut self,
        login: Option<Login>,
        account: Option<&types::User>,
        email: &str,
        part: Part,
    ) {
        let id = account.map(|account| account.id.to_string());
        let email = login.is_none().then(|| email.to_owned());
        let same = |other: &&mut Contributor| {
            let is_same_account = other.id == id || other.id.is_none() || id.is_none();
            other.login == login && other.email == email && is_same_account
        };
        match self.contributors.iter_mut().find(same) {
            Some(known) => {
                known.id = known.id.take().or(id);
                if !known.parts.contains(&part) {
                    known.parts.push(part);
                }
            }
            None => self.contributors.push(Contributor {
                login,
                id,
                email,
                parts: vec![part],
                unproven: None,
            }),
        }
    }
}
