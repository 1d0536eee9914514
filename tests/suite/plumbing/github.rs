//! GitHub, as far as changes are managed with it: a real server on this machine, with the
//! repository `acme/ops`, the people of the shipped roster and a clock of its own.
//!
//! A test acts as people do ([`GitHub::open_pull`], [`GitHub::review`]), lets things go wrong
//! ([`GitHub::fail`], [`GitHub::before`]), and looks at what was asked and posted. What the server
//! is asked and answers is compared with GitHub's own description of its API: when it is dropped,
//! it ends the test if anything broke that.
//!
//! The parts: [`state`] is what the server holds, [`acts`] what people do, [`answers`] the API in
//! [`shapes`] that [`contract`] checks, [`serve`] the server with its [`faults`], [`backend`] git.

mod acts;
mod answers;
mod backend;
mod body;
pub mod contract;
mod desk;
mod faults;
mod founding;
mod graphql;
mod looking;
mod page;
mod repository;
mod serve;
mod shapes;
mod state;
mod tokens;

use std::net::TcpListener;
use std::process::Command;
use std::sync::{Arc, LazyLock};
use std::thread::{self, JoinHandle};

use git2::Oid;
use tempfile::TempDir;

use super::ran::Ran;
use changegate::core::time::Time;
use serve::Server;
use tokens::Token;

pub use desk::Desk;
pub use faults::Fault;
pub use repository::NewCommit;
pub use state::{Activity, Event, Reviewer, State, User, What};

/// When a server's clock begins.
pub const NOW: &str = "2026-11-23T10:00:00Z";

/// Where the repository keeps who is who.
pub const ROSTER: &str = "policies/org/roster/data.yaml";

/// GitHub.
pub struct GitHub {
    server: Arc<Server>,
    origin: String,
    folder: TempDir,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// The App's private key, made once for all tests.
static APP_KEY: LazyLock<String> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    let arguments = ["-q", "-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "", "-f"];
    Ran::of(Command::new("ssh-keygen").args(arguments).arg(&file), "").went_well();
    std::fs::read_to_string(file).unwrap()
});

impl GitHub {
    /// A server whose exchanges are compared with GitHub's contract.
    pub fn start() -> Self {
        Self::started(true)
    }

    /// A server that checks nothing, for measurements.
    #[allow(dead_code, reason = "the tests measure nothing")]
    pub fn unchecked() -> Self {
        Self::started(false)
    }

    fn started(checked: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let state = State::founded(NOW.parse().unwrap(), origin.clone(), folder.path());
        let server = Arc::new(Server::new(state, checked));
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let serving = Arc::clone(&server);
        let thread = thread::spawn(move || serve::run(&serving, listener, stopped));
        GitHub { server, origin, folder, stop: Some(stop), thread: Some(thread) }
    }

    /// Where the API is, and the pages for people: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.origin
    }

    /// Where both are of an enterprise's own server, whose API has another base.
    pub fn enterprise_url(&self) -> String {
        format!("{}{}", self.origin, serve::ENTERPRISE)
    }

    /// The token of a workflow in `acme/ops`.
    pub fn token(&self) -> String {
        founding::WORKFLOW_TOKEN.to_owned()
    }

    /// A workflow's token that permits less: `[("contents", "read")]`.
    pub fn token_with(&self, permissions: &[(&str, &str)]) -> String {
        self.new_token("github-actions[bot]", Some(founding::ACTIONS), permissions)
    }

    /// Somebody's personal token.
    pub fn token_of(&self, login: &str) -> String {
        founding::token_of(login)
    }

    /// A token as the App's installation gets it, with all that the App may do.
    pub fn app_token(&self) -> String {
        let permissions = self.with(|state| state.app.permissions.clone());
        let permissions: Vec<_> =
            permissions.iter().map(|(name, access)| (name.as_str(), access.as_str())).collect();
        let app = self.with(|state| state.app.id);
        self.new_token("changegate[bot]", Some(app), &permissions)
    }

    /// The App's id and private key, as PEM.
    pub fn app(&self) -> (u64, &'static str) {
        (self.with(|state| state.app.id), &APP_KEY)
    }

    /// Reads or changes anything that the server holds.
    pub fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        self.server.with(|inner| work(&mut inner.state))
    }

    /// The server's time.
    pub fn now(&self) -> Time {
        self.with(|state| state.now)
    }

    /// Sets the clock.
    pub fn set_now(&self, now: Time) {
        self.with(|state| state.now = now);
    }

    /// Lets time pass: `90s`, `1h30m`.
    pub fn advance(&self, duration: &str) {
        self.with(|state| state.now = state.now + duration.parse().unwrap());
    }

    /// Somebody's desk, with a clone of `acme/ops`, or of their fork if they have one.
    pub fn desk(&self, who: &str) -> Desk<'_> {
        Desk::at(self, who)
    }

    /// Puts a commit with some files onto a branch, as somebody, and pushes it; a branch that isn't
    /// there yet begins at `main`. `OWNER:BRANCH` is one of a fork.
    #[track_caller]
    pub fn commit(&self, who: &str, branch: &str, files: &[(&str, &str)], message: &str) -> String {
        let new = NewCommit {
            parents: vec![self.tip(branch).unwrap_or_else(|| self.tip("main").unwrap())],
            author: person(who),
            files: texts(files),
            message: message.to_owned(),
            committer: None,
        };
        let commit = self.write(&new);
        self.push(who, branch, &commit, false);
        commit
    }

    /// Commits a file in the web editor: signed by GitHub.
    #[track_caller]
    pub fn web_commit(&self, who: &str, branch: &str, path: &str, text: &str) -> String {
        let id = self.with(|state| state.id_of(who));
        let new = NewCommit {
            parents: vec![self.tip(branch).unwrap_or_else(|| self.tip("main").unwrap())],
            author: (who.to_owned(), format!("{id}+{who}@users.noreply.127.0.0.1")),
            committer: Some(("GitHub".to_owned(), "noreply@github.com".to_owned())),
            files: texts(&[(path, text)]),
            message: format!("Update {path}"),
        };
        let commit = self.write(&new);
        self.verify(&commit);
        self.push(who, branch, &commit, false);
        commit
    }

    /// Writes a commit that is on no branch yet, and says its id.
    #[track_caller]
    pub fn write(&self, new: &NewCommit) -> String {
        self.with(|state| state.ops().write(new, state.now.utc().timestamp()).to_string())
    }

    /// Takes a commit's signature for valid.
    pub fn verify(&self, commit: &str) {
        self.with(|state| state.verified.insert(commit.parse().unwrap()));
    }

    /// Pushes a commit that is in the repository to a branch.
    #[track_caller]
    pub fn push(&self, who: &str, branch: &str, commit: &str, force: bool) {
        self.with(|state| {
            let (place, name) = state.place(branch);
            let repository = &state.repositories[place];
            let to: Oid = commit.parse().unwrap();
            let is_ahead = repository.tip(name).is_none_or(|tip| repository.holds(to, tip));
            assert!(force || is_ahead, "{commit} doesn't come after {branch}");
            state.push(state.id_of(who), branch, Some(to));
        });
    }

    /// Deletes a branch.
    pub fn delete_branch(&self, who: &str, branch: &str) {
        self.with(|state| state.push(state.id_of(who), branch, None));
    }

    /// The tip of a branch.
    pub fn tip(&self, branch: &str) -> Option<String> {
        self.with(|state| {
            let (place, name) = state.place(branch);
            state.repositories[place].tip(name).map(|tip| tip.to_string())
        })
    }

    /// Makes a fork of `acme/ops`.
    pub fn fork(&self, owner: &str) {
        self.with(|state| state.fork(owner));
    }

    /// Deletes a fork; its pull requests stay.
    pub fn delete_fork(&self, owner: &str) {
        self.with(|state| state.delete_fork(owner));
    }

    /// Deletes an account: the API says null in its place.
    pub fn delete_account(&self, login: &str) {
        self.with(|state| {
            let id = state.id_of(login);
            state.users.iter_mut().filter(|user| user.id == id).for_each(|user| user.gone = true);
        });
    }

    /// Opens a pull request, and says its number.
    #[track_caller]
    pub fn open_pull(&self, author: &str, head: &str, base: &str) -> u64 {
        self.with(|state| state.open_pull(author, head, base))
    }

    /// Takes a number for an issue that isn't a pull request.
    pub fn open_issue(&self) -> u64 {
        self.with(|state| {
            let number = state.new_number();
            state.issues.insert(number);
            number
        })
    }

    /// The commit that a pull request would bring.
    pub fn head(&self, pull: u64) -> String {
        self.with(|state| state.pull(pull).head.to_string())
    }

    /// Reviews the head: `APPROVED`, `CHANGES_REQUESTED`, `COMMENTED`, `PENDING`. Says the id.
    pub fn review(&self, pull: u64, who: &str, state: &str) -> u64 {
        self.with(|it| it.review(pull, it.id_of(who), state, ""))
    }

    /// Dismisses a review.
    pub fn dismiss(&self, pull: u64, review: u64, who: &str) {
        self.with(|state| state.dismiss(pull, review, state.id_of(who), Some("no longer so")));
    }

    /// Comments, and says the comment's id.
    pub fn comment(&self, number: u64, who: &str, body: &str) -> u64 {
        self.with(|state| state.comment(number, state.id_of(who), body))
    }

    /// Asks somebody for a review.
    pub fn request_review(&self, pull: u64, who: &str, whom: &str) {
        self.with(|state| {
            let whom = Reviewer::User(state.id_of(whom));
            state.request(pull, state.id_of(who), &whom);
        });
    }

    /// Makes a pull request a draft, or ready.
    pub fn set_draft(&self, pull: u64, who: &str, draft: bool) {
        self.with(|state| state.set_draft(pull, state.id_of(who), draft));
    }

    /// Lets a pull request go to another branch.
    pub fn set_base(&self, pull: u64, who: &str, base: &str) {
        self.with(|state| state.set_base(pull, state.id_of(who), base));
    }

    /// Closes a pull request.
    pub fn close(&self, pull: u64, who: &str) {
        self.with(|state| state.close(pull, state.id_of(who)));
    }

    /// Opens it again.
    pub fn reopen(&self, pull: u64, who: &str) {
        self.with(|state| state.reopen(pull, state.id_of(who)));
    }

    /// Merges a pull request, and says the merge commit.
    pub fn merge(&self, pull: u64, who: &str) -> String {
        self.with(|state| state.merge(pull, state.id_of(who)).to_string())
    }

    /// Squashes a pull request into one commit on its base, and says which.
    pub fn squash(&self, pull: u64, who: &str) -> String {
        self.with(|state| state.squash(pull, state.id_of(who)).to_string())
    }

    /// Puts the commits of a pull request again onto its base, and says the last one.
    pub fn rebase(&self, pull: u64, who: &str) -> String {
        self.with(|state| state.rebase(pull, state.id_of(who)).to_string())
    }

    /// Puts a pull request into the merge queue behind what the queue made for another one.
    pub fn queue_behind(&self, pull: u64, onto: &str) -> String {
        self.with(|state| state.queue_behind(pull, onto.parse().unwrap()).to_string())
    }

    /// Puts a pull request into the merge queue, and says the commit that the queue makes.
    pub fn queue(&self, pull: u64) -> String {
        self.with(|state| state.queue(pull).to_string())
    }

    /// Puts an event of any name into a timeline.
    pub fn event(&self, pull: u64, who: &str, name: &str) {
        self.with(|state| state.tell(pull, state.id_of(who), What::Other(name.to_owned())));
    }

    fn new_token(&self, login: &str, app: Option<u64>, permissions: &[(&str, &str)]) -> String {
        self.with(|state| {
            let secret = format!("ghs_made{:030}", state.new_id());
            state.tokens.push(Token {
                secret: secret.clone(),
                user: state.id_of(login),
                permissions: tokens::permissions(permissions),
                app,
                repositories: Some(vec![state.ops().id]),
                expires_at: None,
            });
            secret
        })
    }
}

impl Drop for GitHub {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || thread::panicking(), "the server panicked");
        }
        if !thread::panicking() {
            let violations = self.violations();
            assert!(violations.is_empty(), "against GitHub's contract:\n{}", violations.join("\n"));
        }
    }
}

/// Name and email of somebody of the roster.
pub fn person(login: &str) -> (String, String) {
    (login.to_owned(), format!("{login}@acme.example"))
}

/// Files with their contents.
pub fn texts(files: &[(&str, &str)]) -> Vec<(String, Option<Vec<u8>>)> {
    let file = |(path, text): &(&str, &str)| ((*path).to_owned(), Some(text.as_bytes().to_vec()));
    files.iter().map(file).collect()
}
