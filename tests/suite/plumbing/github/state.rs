//! What the server holds. Plain data: people act on it in [`super::acts`] and the API in
//! [`super::answers`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use git2::Oid;
use serde_json::Value;

use super::repository::Repository;
use super::tokens::{App, Token};
use changegate::core::time::Time;

/// Everything.
pub struct State {
    /// The server's clock.
    pub now: Time,
    /// `http://127.0.0.1:PORT`
    pub origin: String,
    /// Holds the repositories, and desks.
    pub folder: PathBuf,
    pub users: Vec<User>,
    pub teams: Vec<Team>,
    /// The first is `acme/ops`; the others are its forks.
    pub repositories: Vec<Repository>,
    /// What people may do in `acme/ops`, by their ids: `read`, `triage`, `write`, `maintain`, `admin`.
    pub collaborators: BTreeMap<u64, &'static str>,
    pub pulls: Vec<Pull>,
    /// Numbers of issues that aren't pull requests.
    pub issues: BTreeSet<u64>,
    pub comments: Vec<Comment>,
    /// Reactions, by the comments' ids.
    pub reactions: Vec<(u64, String)>,
    /// Issues and pull requests whose conversation is locked.
    pub locked: BTreeSet<u64>,
    /// Oldest first.
    pub activity: Vec<Activity>,
    pub statuses: Vec<Status>,
    pub check_runs: Vec<CheckRun>,
    pub tokens: Vec<Token>,
    pub app: App,
    /// Commits whose signature is taken for valid: those made in the web editor, for example.
    pub verified: BTreeSet<Oid>,
    /// Rules for branches as the API tells them, by branch.
    pub rules: BTreeMap<String, Vec<Value>>,
    pub rulesets: Vec<Value>,
    /// Classic protection, by branch.
    pub protection: BTreeMap<String, Value>,
    pub codeowners_errors: Vec<Value>,
    /// Whether a force-push binds earlier approvals to the new head, as has been seen.
    pub rebinds_reviews: bool,
    /// Where git is told to fetch from, if it isn't here.
    pub clone_url: Option<String>,
    /// The id of the App for workflows, if it is shown.
    pub actions: Option<u64>,
    /// Whether nobody is shown who pushed.
    pub hides_pushes: bool,
    /// How many requests of the hour are used.
    pub used: u64,
    last_id: u64,
    last_number: u64,
}

/// An account.
pub struct User {
    pub id: u64,
    pub login: String,
    /// `User`, `Bot` or `Organization`.
    pub kind: &'static str,
    pub emails: Vec<String>,
    /// The account was deleted: the API says null in its place.
    pub gone: bool,
    /// The API says null for its `gravatar_id`.
    pub without_gravatar: bool,
}

/// A team of `acme`.
pub struct Team {
    pub id: u64,
    pub slug: String,
    pub members: Vec<u64>,
}

/// A pull request.
pub struct Pull {
    pub id: u64,
    pub number: u64,
    pub title: String,
    pub body: Option<String>,
    pub author: u64,
    /// Id of the repository that the branch is in; none once that fork is deleted.
    pub head_repository: Option<u64>,
    pub head_owner: u64,
    pub head_branch: String,
    pub head: Oid,
    pub base: String,
    /// Where the base stood when the pull request was opened or last pushed to.
    pub base_then: Oid,
    pub state: &'static str,
    pub draft: bool,
    pub merged: Option<Merged>,
    pub created_at: Time,
    pub updated_at: Time,
    pub closed_at: Option<Time>,
    pub requested_users: Vec<u64>,
    pub requested_teams: Vec<String>,
    pub mergeable: Option<bool>,
    pub mergeable_state: String,
    /// In the order of their beginning.
    pub reviews: Vec<Review>,
    pub timeline: Vec<Event>,
}

/// How a pull request was merged.
#[derive(Clone)]
pub struct Merged {
    pub by: u64,
    pub at: Time,
    pub commit: Oid,
    /// Where the base stood before.
    pub onto: Oid,
}

/// A review.
pub struct Review {
    pub id: u64,
    pub user: u64,
    /// `APPROVED`, `CHANGES_REQUESTED`, `COMMENTED`, `DISMISSED`, `PENDING`, or what a test wants.
    pub state: String,
    pub body: String,
    /// None if the commit is gone.
    pub commit: Option<Oid>,
    /// None while it is pending.
    pub submitted_at: Option<Time>,
}

/// An event in a timeline.
pub struct Event {
    pub id: u64,
    pub at: Time,
    pub actor: u64,
    pub what: What,
}

/// What happened.
pub enum What {
    Committed(Oid),
    /// A review, by its id.
    Reviewed(u64),
    /// A comment, by its id.
    Commented(u64),
    /// The new head.
    HeadForcePushed(Oid),
    ReviewRequested(Reviewer),
    ReviewRequestRemoved(Reviewer),
    ReviewDismissed {
        review: u64,
        was: String,
        message: Option<String>,
    },
    Merged(Oid),
    /// Any other, by its name: `closed`, `ready_for_review`…
    Other(String),
}

/// Who is asked to review.
#[derive(Clone, PartialEq, Eq)]
pub enum Reviewer {
    User(u64),
    Team(String),
}

/// A comment on an issue or pull request.
pub struct Comment {
    pub id: u64,
    pub number: u64,
    pub user: u64,
    pub body: String,
    pub created_at: Time,
    pub updated_at: Time,
}

/// A change of a branch.
pub struct Activity {
    pub id: u64,
    pub repository: u64,
    pub actor: u64,
    /// The full name.
    pub reference: String,
    pub before: Oid,
    pub after: Oid,
    pub kind: &'static str,
    pub at: Time,
}

/// A commit status.
#[derive(Clone, Debug)]
pub struct Status {
    pub id: u64,
    pub sha: String,
    pub state: String,
    pub context: String,
    pub description: Option<String>,
    pub target_url: Option<String>,
    pub creator: u64,
    pub at: Time,
}

/// A check run.
#[derive(Clone, Debug)]
pub struct CheckRun {
    pub id: u64,
    /// The App that it belongs to.
    pub app: u64,
    pub sha: String,
    pub name: String,
    pub status: String,
    pub conclusion: Option<String>,
    pub external_id: Option<String>,
    pub details_url: Option<String>,
    pub title: Option<String>,
    pub summary: Option<String>,
    pub text: Option<String>,
    pub annotations: Vec<Value>,
    pub started_at: Time,
    pub completed_at: Option<Time>,
}

impl CheckRun {
    /// One that says nothing yet.
    pub fn new(id: u64, app: u64, sha: String, now: Time) -> Self {
        CheckRun {
            id,
            app,
            sha,
            name: String::new(),
            status: "queued".to_owned(),
            conclusion: None,
            external_id: None,
            details_url: None,
            title: None,
            summary: None,
            text: None,
            annotations: Vec::new(),
            started_at: now,
            completed_at: None,
        }
    }
}

impl State {
    /// A server without repositories.
    pub fn new(now: Time, origin: String, folder: PathBuf, users: Vec<User>) -> Self {
        State {
            now,
            origin,
            folder,
            users,
            teams: Vec::new(),
            repositories: Vec::new(),
            collaborators: BTreeMap::new(),
            pulls: Vec::new(),
            issues: BTreeSet::new(),
            comments: Vec::new(),
            reactions: Vec::new(),
            locked: BTreeSet::new(),
            activity: Vec::new(),
            statuses: Vec::new(),
            check_runs: Vec::new(),
            tokens: Vec::new(),
            app: App::new(),
            verified: BTreeSet::new(),
            rules: BTreeMap::new(),
            rulesets: Vec::new(),
            protection: BTreeMap::new(),
            codeowners_errors: Vec::new(),
            rebinds_reviews: false,
            clone_url: None,
            actions: Some(super::founding::ACTIONS),
            hides_pushes: false,
            used: 0,
            last_id: 9000,
            last_number: 0,
        }
    }

    /// An id that nothing has yet.
    pub fn new_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// The next number of an issue or pull request.
    pub fn new_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    /// The repository that everything is about.
    pub fn ops(&self) -> &Repository {
        &self.repositories[0]
    }

    /// A repository by its full name.
    pub fn repository(&self, name: &str) -> Option<&Repository> {
        self.repositories.iter().find(|it| it.full_name().eq_ignore_ascii_case(name))
    }

    /// An account by its login, in whatever case.
    pub fn find_user(&self, login: &str) -> Option<&User> {
        self.users.iter().find(|user| user.login.eq_ignore_ascii_case(login) && !user.gone)
    }

    /// The id of an account that has to be there.
    #[track_caller]
    pub fn id_of(&self, login: &str) -> u64 {
        let found = self.users.iter().find(|user| user.login.eq_ignore_ascii_case(login));
        found.unwrap_or_else(|| panic!("there is no account {login}")).id
    }

    /// The account of an email, as GitHub assigns commits.
    pub fn user_of_email(&self, email: &str) -> Option<&User> {
        let mut people = self.users.iter().filter(|user| !user.gone);
        people.find(|user| {
            let noreply = format!("{}+{}@users.noreply.127.0.0.1", user.id, user.login);
            let has = |address: &String| address.eq_ignore_ascii_case(email);
            has(&noreply) || user.emails.iter().any(has)
        })
    }

    /// A pull request that has to be there.
    #[track_caller]
    pub fn pull(&self, number: u64) -> &Pull {
        self.pulls.iter().find(|pull| pull.number == number).unwrap()
    }

    /// A pull request that has to be there, to be changed.
    #[track_caller]
    pub fn pull_mut(&mut self, number: u64) -> &mut Pull {
        self.pulls.iter_mut().find(|pull| pull.number == number).unwrap()
    }

    /// What somebody may do in `acme/ops`.
    pub fn permission(&self, user: u64) -> &'static str {
        self.collaborators.get(&user).copied().unwrap_or("none")
    }

    /// The tip of the branch that a pull request goes to, and of what it would bring; of a merged
    /// one as they were before.
    pub fn range(&self, pull: &Pull) -> (Oid, Oid) {
        let base = match &pull.merged {
            Some(merged) => merged.onto,
            None => self.ops().tip(&pull.base).unwrap_or(pull.base_then),
        };
        (base, pull.head)
    }
}
