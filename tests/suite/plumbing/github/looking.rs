//! What a test looks at: what was asked of the server, and what has been posted there.

use std::process::Command;

use super::super::ran::{Ran, sheltered};
use super::serve::Exchange;
use super::state::{CheckRun, Status};
use super::{GitHub, founding};

impl GitHub {
    /// All exchanges with the API so far.
    pub fn requests(&self) -> Vec<Exchange> {
        self.server.with(|inner| inner.log.clone())
    }

    /// Those that ask for a change: no GET, no GraphQL query, no minting of a token.
    pub fn writes(&self) -> Vec<Exchange> {
        let mut log = self.requests();
        log.retain(|exchange| {
            let is_query = exchange.target.ends_with("/graphql");
            exchange.method != "GET" && !is_query && !exchange.target.ends_with("/access_tokens")
        });
        log
    }

    /// What a file holds on a branch.
    #[track_caller]
    pub fn file(&self, branch: &str, path: &str) -> String {
        self.with(|state| {
            let git = &state.ops().git;
            let object = git.revparse_single(&format!("{branch}:{path}")).unwrap();
            String::from_utf8(object.into_blob().unwrap().content().to_vec()).unwrap()
        })
    }

    /// What git says about the repository on the server.
    #[track_caller]
    pub fn git(&self, arguments: &[&str]) -> String {
        let folder = self.with(|state| state.ops().folder.clone());
        let mut command = Command::new("git");
        sheltered(&mut command).current_dir(folder).args(arguments);
        Ran::of(&mut command, "").went_well().trim().to_owned()
    }

    /// A check run that some workflow's job of this name left on a commit; its id.
    pub fn check_run_of_a_workflow(&self, sha: &str, name: &str, conclusion: &str) -> u64 {
        self.with(|state| {
            let id = state.new_id();
            state.check_runs.push(CheckRun {
                name: name.to_owned(),
                status: "completed".to_owned(),
                conclusion: Some(conclusion.to_owned()),
                completed_at: Some(state.now),
                ..CheckRun::new(id, founding::ACTIONS, sha.to_owned(), state.now)
            });
            id
        })
    }

    /// All exchanges with git.
    pub fn git_requests(&self) -> Vec<Exchange> {
        self.server.with(|inner| inner.git_log.clone())
    }

    /// Forgets all exchanges.
    pub fn forget_requests(&self) {
        self.server.with(|inner| {
            inner.log.clear();
            inner.git_log.clear();
        });
    }

    /// What broke the contract since this was last asked.
    pub fn violations(&self) -> Vec<String> {
        self.server.with(|inner| std::mem::take(&mut inner.violations))
    }

    /// The status of a context on a commit, which has to be there.
    #[track_caller]
    pub fn status(&self, commit: &str, context: &str) -> Status {
        let found = self.with(|state| {
            let latest = state.latest_statuses(commit);
            latest.into_iter().find(|status| status.context == context).cloned()
        });
        found.unwrap_or_else(|| panic!("{commit} has no status {context}"))
    }

    /// All statuses ever posted on a commit, oldest first.
    pub fn statuses(&self, commit: &str) -> Vec<Status> {
        let of_it = |status: &&Status| status.sha == commit;
        self.with(|state| state.statuses.iter().filter(of_it).cloned().collect())
    }

    /// The check runs of a commit, oldest first.
    pub fn check_runs(&self, commit: &str) -> Vec<CheckRun> {
        let of_it = |run: &&CheckRun| run.sha == commit;
        self.with(|state| state.check_runs.iter().filter(of_it).cloned().collect())
    }

    /// Who commented what, oldest first.
    pub fn comments(&self, number: u64) -> Vec<(String, String)> {
        self.with(|state| {
            let comments = state.comments.iter().filter(|comment| comment.number == number);
            comments.map(|comment| (state.login(comment.user), comment.body.clone())).collect()
        })
    }

    /// The people and teams asked for a review.
    pub fn requested(&self, pull: u64) -> Vec<String> {
        self.with(|state| {
            let pull = state.pull(pull);
            let people = pull.requested_users.iter().map(|id| state.login(*id));
            people.chain(pull.requested_teams.iter().cloned()).collect()
        })
    }
}
