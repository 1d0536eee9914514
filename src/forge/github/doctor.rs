//! Checks how a repository on GitHub is protected.
//!
//! ```text
//! home: the default branch ─▶ its policies, loaded by the caller ┐
//! look: branches, rules, code owners, workflows, accounts ───────┴▶ Surroundings ─▶ examine ─▶ checks
//! ```
//!
//! `look` asks the API and Git; `examine` is pure. Anything that the token isn't allowed to read is
//! recorded as such ([`Seen`]), and never counts as good.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::listed;
use super::types::User;
use crate::core::org::{ForgeTeam, Org, Roster};
use crate::core::terms::Login;

mod branch;
mod bypass;
mod code_owners;
mod ledger;
mod look;
mod operations;
mod owners;
mod policies;
mod protection;
mod roster;
mod token;
mod workflows;

pub use ledger::RecordBranch;
pub use look::Home;
pub use owners::{FOLDERS, OWNED, OwnerFacts, OwnersError, PLACES, coverage};
pub use protection::{
    Actor, Actors, Classic, ClassicReviews, ClassicStatusChecks, Protection, Rule, Ruleset,
};
pub use roster::without_id;
pub use token::TokenFacts;
pub use workflows::WorkflowFile;

/// A value, or the reason why it can't be read with this token.
pub type Seen<T> = Result<T, String>;

/// The name in URLs of GitHub's own App for workflows; its id is another one on each server.
pub const ACTIONS: &str = "github-actions";

/// What to do if the token isn't allowed to read something.
const ASK_AN_ADMIN: &str = "run `GITHUB_TOKEN=$(gh auth token) changegate doctor` as an \
   administrator of the repository";

/// How changegate publishes its decisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// As a workflow, with commit statuses.
    Action,
    /// As a GitHub App with this id, with check runs.
    App(u64),
}

/// Everything that the checks need to know.
pub struct Surroundings {
    /// How changegate would publish its decisions with this token.
    pub mode: Mode,
    /// The id of GitHub's own App for workflows.
    pub actions: Seen<u64>,
    /// The user or organisation that the repository belongs to.
    pub owner: String,
    /// The name of the default branch.
    pub default_branch: String,
    /// The organisation data of the policies there, or why they can't be used.
    pub org: Result<Org, String>,
    /// The branches that the settings list, in their order; the default one if there are none.
    pub branches: Vec<Branch>,
    /// The workflows and actions on the default branch.
    pub workflows: Vec<WorkflowFile>,
    /// GitHub's accounts of the people who can sign; `None` if there is no account with the login.
    pub accounts: BTreeMap<Login, Option<User>>,
    /// Whether the teams on GitHub that the roster names (`organisation/team`) can be read.
    pub teams: BTreeMap<ForgeTeam, Seen<()>>,
    /// The branches with the record, where the settings want one.
    pub record: Vec<RecordBranch>,
    /// The address of the repository that has them, if it is another one.
    pub record_at: Option<String>,
    /// The branch with the operations log.
    pub operations: RecordBranch,
    /// The repository's numeric id, if GitHub shows it.
    pub repository_id: Option<u64>,
    /// The token that was used.
    pub token: TokenFacts,
}

/// A branch that has to be protected.
pub struct Branch {
    /// The name of the branch.
    pub name: String,
    /// The state of the branch; `None` if it doesn't exist.
    pub state: Option<BranchState>,
}

/// The state of a branch.
pub struct BranchState {
    /// The protection of the branch.
    pub protection: Protection,
    /// The code owners of the branch.
    pub owners: OwnerFacts,
}

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// Everything is as it should be.
    Good,
    /// Something could be better.
    Advice,
    /// Something can't be read with this token, and may be good or bad.
    Unseen,
    /// Something isn't protected.
    Bad,
}

/// A check, and its result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Check {
    /// The subject: `policies`, `branch main`, `ledger`, `operations`, `workflows`,
    /// `roster` or `token`.
    pub about: String,
    /// The stable code of the check, such as `status/required`.
    pub code: &'static str,
    /// The result.
    pub grade: Grade,
    /// What was found.
    pub found: String,
    /// Why that matters; left out if the result is good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What to do, and where; left out if the result is good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

/// The results of all checks.
#[derive(Clone, Debug)]
pub struct Examination {
    /// How changegate publishes its decisions, which the checks depend on.
    pub answerer: Answerer,
    /// All checks, in the order in which they are shown.
    pub checks: Vec<Check>,
}

/// How changegate publishes its decisions, as far as is known.
#[derive(Clone, Copy, Debug)]
pub struct Answerer {
    /// As a workflow, or as an App.
    pub mode: Mode,
    /// Whether this is inferred: the rules name an App, but the token is a person's.
    pub is_supposed: bool,
}

/// Compares the protection of a repository with what is needed.
pub fn examine(facts: &Surroundings) -> Examination {
    let mut checks = about("policies", policies::examine(facts));
    let answerer = answerer(facts);
    for branch in &facts.branches {
        let Some(state) = &branch.state else { continue };
        let known = |id: u64| known_as(facts.org.as_ref().ok().map(|org| &org.roster), id);
        let protected = branch::ProtectedBranch {
            branch: &branch.name,
            protection: &state.protection,
            answerer,
            actions: &facts.actions,
        };
        let mut found = branch::examine(&protected, &known);
        found.extend(owners::examine(&protected, &state.owners));
        checks.extend(about(&format!("branch {}", branch.name), found));
    }
    if !facts.record.is_empty() {
        checks.extend(about("ledger", ledger::examine(&facts.record, facts.record_at.as_deref())));
    }
    if let Ok(org) = &facts.org {
        let found = operations::examine(&facts.operations, org, facts.repository_id);
        checks.extend(about("operations", found));
    }
    let workflows = workflows::examine(&facts.workflows, answerer.mode, &facts.owner);
    checks.extend(about("workflows", workflows));
    if let Ok(org) = &facts.org {
        let asker = facts.token.asker();
        let found = roster::examine(&org.roster, &facts.accounts, &facts.teams, asker);
        checks.extend(about("roster", found));
    }
    checks.extend(about("token", token::examine(&facts.token)));
    Examination { answerer, checks }
}

/// Returns how changegate publishes its decisions. A person's token doesn't show that, but the
/// rules may name the App that does it.
fn answerer(facts: &Surroundings) -> Answerer {
    let protections = facts.branches.iter().filter_map(|branch| branch.state.as_ref());
    let actions = facts.actions.as_ref().ok();
    let mut sources = protections.filter_map(|state| state.protection.own_app(*actions?));
    match (facts.token.asker(), sources.next()) {
        (Asker::Person, Some(app)) => Answerer { mode: Mode::App(app), is_supposed: true },
        _ => Answerer { mode: facts.mode, is_supposed: false },
    }
}

/// Whose token is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asker {
    /// The token of a workflow or an App, which changegate judges with.
    Judge,
    /// The token of a person, which can read other things.
    Person,
}

impl Check {
    fn good(code: &'static str, found: impl Into<String>) -> Self {
        Check::new(code, Grade::Good, found)
    }

    fn advice(code: &'static str, found: impl Into<String>) -> Self {
        Check::new(code, Grade::Advice, found)
    }

    fn bad(code: &'static str, found: impl Into<String>) -> Self {
        Check::new(code, Grade::Bad, found)
    }

    /// Makes a check of something that can't be read, for this reason.
    fn unseen(code: &'static str, found: impl Into<String>, reason: &str) -> Self {
        Check::new(code, Grade::Unseen, found).why(reason)
    }

    fn new(code: &'static str, grade: Grade, found: impl Into<String>) -> Self {
        Check { about: String::new(), code, grade, found: found.into(), why: None, fix: None }
    }

    fn why(self, why: impl Into<String>) -> Self {
        Check { why: Some(why.into()), ..self }
    }

    fn fix(self, fix: impl Into<String>) -> Self {
        Check { fix: Some(fix.into()), ..self }
    }
}

fn about(what: &str, checks: Vec<Check>) -> Vec<Check> {
    checks.into_iter().map(|check| Check { about: what.to_owned(), ..check }).collect()
}

/// Returns the login of the person in the roster with this id.
fn known_as(roster: Option<&Roster>, id: u64) -> Option<&Login> {
    let id = id.to_string();
    let person = roster?.people.iter().find(|(_, person)| person.id.as_deref() == Some(&id));
    person.map(|(login, _)| login)
}
