//! What the API answers. An operation's name leads to a function in one of the modules, each of
//! which is a part of the API.

mod activity;
mod apps;
mod checks;
mod issues;
mod people;
mod pulls;
pub mod rules;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::page::Page;
use super::repository::Repository;
use super::state::State;
use super::tokens::Asker;

/// A request for an operation.
pub struct Call<'a> {
    /// The operation's name.
    pub operation: &'a str,
    /// From the path.
    pub parameters: BTreeMap<String, String>,
    pub query: Vec<(String, String)>,
    pub body: Value,
    pub asker: Asker,
    /// As it was asked for, without the query.
    pub path: String,
    /// What comes before the path: nothing, or where an enterprise's server has its API.
    pub base: &'static str,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Option<Value>,
    pub headers: Vec<(&'static str, String)>,
    /// What of GitHub's limits the request went over.
    pub violation: Option<String>,
}

/// An answer, or one that refuses.
pub type Said = Result<Answer, Answer>;

/// The operations that are answered: those that the product asks for.
pub const OPERATIONS: [&str; 27] = [
    "pulls/list",
    "pulls/get",
    "pulls/list-commits",
    "pulls/list-reviews",
    "pulls/request-reviewers",
    "issues/list-events-for-timeline",
    "issues/list-comments",
    "issues/create-comment",
    "issues/update-comment",
    "reactions/create-for-issue-comment",
    "checks/create",
    "checks/update",
    "checks/list-for-ref",
    "repos/create-commit-status",
    "repos/list-activities",
    "repos/list-pull-requests-associated-with-commit",
    "repos/get",
    "repos/get-branch",
    "repos/get-branch-protection",
    "repos/get-branch-rules",
    "repos/get-repo-ruleset",
    "repos/codeowners-errors",
    "users/get-by-username",
    "teams/list-members-in-org",
    "apps/get-by-slug",
    "apps/get-repo-installation",
    "apps/create-installation-access-token",
];

/// Answers a request that its contract allows.
pub fn answer(state: &mut State, call: &Call<'_>) -> Said {
    permitted(state, call)?;
    match call.operation {
        "pulls/list" => pulls::list(state, call),
        "pulls/get" => pulls::get(state, call),
        "pulls/list-commits" => pulls::commits(state, call),
        "pulls/list-reviews" => pulls::reviews(state, call),
        "pulls/request-reviewers" => pulls::request(state, call),
        "issues/list-events-for-timeline" => issues::timeline(state, call),
        "issues/list-comments" => issues::comments(state, call),
        "issues/create-comment" => issues::comment(state, call),
        "issues/update-comment" => issues::edit_comment(state, call),
        "reactions/create-for-issue-comment" => issues::react(state, call),
        "checks/create" => checks::create(state, call),
        "checks/update" => checks::update(state, call),
        "checks/list-for-ref" => checks::list(state, call),
        "repos/create-commit-status" => checks::post_status(state, call),
        "repos/list-activities" => activity::list(state, call),
        "repos/list-pull-requests-associated-with-commit" => pulls::of_commit(state, call),
        "repos/get" => rules::repository(state, call),
        "repos/get-branch" => rules::of_name(state, call),
        "repos/get-branch-protection" => rules::protection(state, call),
        "repos/get-branch-rules" => rules::of_branch(state, call),
        "repos/get-repo-ruleset" => rules::ruleset(state, call),
        "repos/codeowners-errors" => rules::codeowners(state, call),
        "users/get-by-username" => people::user(state, call),
        "teams/list-members-in-org" => people::team_members(state, call),
        "apps/get-by-slug" => apps::by_slug(state, call),
        "apps/get-repo-installation" => apps::installation(state, call),
        "apps/create-installation-access-token" => apps::mint(state, call),
        other => panic!("the fake has no answer for {other}"),
    }
}

/// What a token has to permit for an operation: one of these; none for what needs no token.
fn needed(operation: &str) -> &'static [(&'static str, &'static str)] {
    match operation {
        "pulls/request-reviewers" => &[("pull_requests", "write")],
        "issues/create-comment"
        | "issues/update-comment"
        | "reactions/create-for-issue-comment" => {
            &[("issues", "write"), ("pull_requests", "write")]
        }
        "checks/create" | "checks/update" => &[("checks", "write")],
        "checks/list-for-ref" => &[("checks", "read")],
        "repos/create-commit-status" => &[("statuses", "write")],
        "repos/get-branch-protection" => &[("administration", "read")],
        "users/get-by-username" | "apps/get-by-slug" => &[],
        "repos/get" | "repos/get-branch-rules" | "repos/get-repo-ruleset" => {
            &[("metadata", "read")]
        }
        "teams/list-members-in-org" => &[("members", "read")],
        "repos/list-pull-requests-associated-with-commit" => &[("pull_requests", "read")],
        _ if operation.starts_with("pulls/") => &[("pull_requests", "read")],
        _ if operation.starts_with("issues/") => &[("issues", "read"), ("pull_requests", "read")],
        _ => &[("contents", "read")],
    }
}

/// Refuses what the asker may not do, in GitHub's words.
fn permitted(state: &State, call: &Call<'_>) -> Result<(), Answer> {
    let for_app = call.operation.starts_with("apps/") && call.operation != "apps/get-by-slug";
    let needed = needed(call.operation);
    match &call.asker {
        Asker::App if for_app => Ok(()),
        _ if for_app => Err(Answer::error(401, "A JSON web token could not be decoded")),
        _ if needed.is_empty() => Ok(()),
        Asker::App => {
            Err(Answer::error(403, "You must use an installation access token for this operation"))
        }
        Asker::Nobody => Err(Answer::error(401, "Requires authentication")),
        Asker::Token(token) => {
            let repository = call.repository(state);
            let reaches = token.repositories.as_ref().is_none_or(|good| {
                repository.is_none_or(|repository| good.contains(&repository.id))
            });
            let permits = needed.iter().any(|(name, access)| token.permits(name, access));
            match (reaches, permits) {
                (false, _) => Err(Answer::missing()),
                (true, true) => Ok(()),
                (true, false) => Err(Answer::lacking(needed)),
            }
        }
    }
}

impl Call<'_> {
    /// A parameter of the path.
    pub fn parameter(&self, name: &str) -> &str {
        &self.parameters[name]
    }

    /// A number in the path.
    ///
    /// # Errors
    /// 404 if it is none.
    pub fn number(&self, name: &str) -> Result<u64, Answer> {
        self.parameter(name).parse().map_err(|_| Answer::missing())
    }

    /// A value of the query.
    pub fn asked(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A text in the body.
    pub fn text(&self, name: &str) -> Option<String> {
        self.body[name].as_str().map(str::to_owned)
    }

    /// Texts in the body.
    pub fn texts(&self, name: &str) -> Vec<&str> {
        self.body[name].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// Whose token it is; the call has been permitted.
    pub fn user(&self) -> u64 {
        match &self.asker {
            Asker::Token(token) => token.user,
            _ => panic!("{} needs a token", self.operation),
        }
    }

    /// The repository that the path names.
    pub fn repository<'a>(&self, state: &'a State) -> Option<&'a Repository> {
        let (owner, name) = (self.parameters.get("owner")?, self.parameters.get("repo")?);
        state.repository(&format!("{owner}/{name}"))
    }

    /// The repository that the path names and that has to be there.
    ///
    /// # Errors
    /// 404 if it isn't.
    pub fn its_repository<'a>(&self, state: &'a State) -> Result<&'a Repository, Answer> {
        self.repository(state).ok_or_else(Answer::missing)
    }

    /// A page of a list.
    pub fn page<T>(&self, state: &State, items: &[T], shape: impl Fn(&T) -> Value) -> Answer {
        Page::of(self, state, items, shape).into_answer()
    }
}

impl Answer {
    /// 200
    pub fn ok(body: Value) -> Self {
        Answer { status: 200, body: Some(body), headers: Vec::new(), violation: None }
    }

    /// 201
    pub fn created(body: Value) -> Self {
        Answer { status: 201, ..Answer::ok(body) }
    }

    /// An answer without a body.
    pub fn empty(status: u16) -> Self {
        Answer { status, body: None, headers: Vec::new(), violation: None }
    }

    /// An error in GitHub's form.
    pub fn error(status: u16, message: &str) -> Self {
        let body = json!({
            "message": message,
            "documentation_url": "https://docs.github.com/rest",
            "status": status.to_string(),
        });
        Answer { status, ..Answer::ok(body) }
    }

    /// 403 for a token that lacks a permission, with those of which one would do.
    fn lacking(needed: &[(&str, &str)]) -> Self {
        let needed: Vec<_> =
            needed.iter().map(|(name, access)| format!("{name}={access}")).collect();
        let headers = vec![("x-accepted-github-permissions", needed.join("; "))];
        Answer { headers, ..Answer::error(403, "Resource not accessible by integration") }
    }

    /// 404
    pub fn missing() -> Self {
        Answer::error(404, "Not Found")
    }

    /// 422, with what is wrong.
    pub fn invalid(message: &str) -> Self {
        Answer::error(422, message)
    }

    /// 422 for what goes over one of GitHub's limits, which no test should do unknowingly.
    pub fn over(limit: &str) -> Self {
        Answer { violation: Some(limit.to_owned()), ..Answer::invalid(limit) }
    }
}
