//! What of a repository on GitHub is protected, and what isn't.
//!
//! ```text
//! home: the default branch, brought here ─▶ its policies, loaded by the caller ─┐
//! look: branches, rules, code owners, workflows, accounts ──────────────────────┴▶ Surroundings ─▶ examine ─▶ checks
//! ```
//!
//! Looking asks the API and Git; examining is pure. What the token may not read is a fact of its
//! own ([`Seen`]) and never taken for good.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::listed;
use super::types::User;
use crate::core::org::{ForgeTeam, Org, Roster};
use crate::core::terms::Login;

mod branch;
mod code_owners;
mod look;
mod owners;
mod policies;
mod protection;
mod roster;
mod token;
mod workflows;

pub use look::Home;
pub use owners::{FOLDERS, OWNED, OwnerFacts, OwnersError, PLACES, coverage};
pub use protection::{
    Actor, Actors, Classic, ClassicReviews, ClassicStatusChecks, Protection, Rule, Ruleset,
};
pub use roster::without_id;
pub use token::{Kind, TokenFacts};
pub use workflows::WorkflowFile;

/// What was read, or why it can't be read with this token.
pub type Seen<T> = Result<T, String>;

/// The id of GitHub's own App that workflows act as, on github.com.
pub const ACTIONS: u64 = 15_368;

/// As what changegate answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// As a workflow, with commit statuses.
    Action,
    /// As a GitHub App with this id, with check runs.
    App(u64),
}

/// Everything that is examined.
pub struct Surroundings {
    /// As what changegate would answer with this token.
    pub mode: Mode,
    /// The user or organisation that the repository belongs to.
    pub owner: String,
    /// The default branch's name.
    pub default_branch: String,
    /// What the policies there say, or why they can't be used.
    pub org: Result<Org, String>,
    /// The branches that settings name, in their order; the default one if there are none.
    pub branches: Vec<Branch>,
    /// The workflows and actions at the default branch.
    pub workflows: Vec<WorkflowFile>,
    /// GitHub's accounts of the logins that matter; nothing where there is no such login.
    pub accounts: BTreeMap<Login, Option<User>>,
    /// Whether the forge's teams that the roster names, `organisation/team`, can be read.
    pub teams: BTreeMap<ForgeTeam, Seen<()>>,
    /// The token that asked.
    pub token: TokenFacts,
}

/// A branch that is to be protected.
pub struct Branch {
    /// Its name.
    pub name: String,
    /// What is known of it; nothing if there is no such branch.
    pub state: Option<BranchState>,
}

/// What is known of a branch.
pub struct BranchState {
    /// What protects it.
    pub protection: Protection,
    /// Its code owners.
    pub owners: OwnerFacts,
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// It is as it should be.
    Good,
    /// It could be better.
    Advice,
    /// It can't be read with this token, and may be good or bad.
    Unseen,
    /// Something isn't protected.
    Bad,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Check {
    /// What it is about: `policies`, `branch main`, `workflows`, `roster`, `token`.
    pub about: String,
    /// Its stable code, such as `status/required`.
    pub code: &'static str,
    /// How it came out.
    pub grade: Grade,
    /// What was found.
    pub found: String,
    /// Why that matters; nothing where all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What to do, and where; nothing where all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

/// What came out of an examination.
#[derive(Clone, Debug)]
pub struct Examination {
    /// As what changegate answers; the checks are about that.
    pub answerer: Answerer,
    /// All checks, in the order in which they are told.
    pub checks: Vec<Check>,
}

/// As what changegate answers, as far as is known.
#[derive(Clone, Copy, Debug)]
pub struct Answerer {
    /// As a workflow, or as which App.
    pub mode: Mode,
    /// Whether only the rules say so: they name an App, and a person asks.
    pub is_supposed: bool,
}

/// Holds what is there against what has to be.
pub fn examine(facts: &Surroundings) -> Examination {
    let mut checks = about("policies", policies::examine(facts));
    let answerer = answerer(facts);
    for branch in &facts.branches {
        let Some(state) = &branch.state else { continue };
        let known = |id: u64| known_as(facts.org.as_ref().ok().map(|org| &org.roster), id);
        let place = branch::ProtectedBranch {
            branch: &branch.name,
            protection: &state.protection,
            answerer,
        };
        let mut found = branch::examine(&place, &known);
        found.extend(owners::examine(&place, &state.owners));
        checks.extend(about(&format!("branch {}", branch.name), found));
    }
    let workflows = workflows::examine(&facts.workflows, answerer.mode, &facts.owner);
    checks.extend(about("workflows", workflows));
    if let Ok(org) = &facts.org {
        let asker = facts.token.kind.asker();
        let found = roster::examine(&org.roster, &facts.accounts, &facts.teams, asker);
        checks.extend(about("roster", found));
    }
    checks.extend(about("token", token::examine(&facts.token)));
    Examination { answerer, checks }
}

/// A person who looks isn't who answers; the rules may name the App that does.
fn answerer(facts: &Surroundings) -> Answerer {
    let protections = facts.branches.iter().filter_map(|branch| branch.state.as_ref());
    let mut sources = protections.filter_map(|state| state.protection.own_app());
    match (facts.token.kind.asker(), sources.next()) {
        (Asker::Person, Some(app)) => Answerer { mode: Mode::App(app), is_supposed: true },
        _ => Answerer { mode: facts.mode, is_supposed: false },
    }
}

/// Whose token asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asker {
    /// That of a workflow or an App, as judges do.
    Judge,
    /// A person's, which sees other things.
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

    /// Something that can't be read, for this reason.
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

/// The login of the roster's person with this id.
fn known_as(roster: Option<&Roster>, id: u64) -> Option<&Login> {
    let id = id.to_string();
    let person = roster?.people.iter().find(|(_, person)| person.id.as_deref() == Some(&id));
    person.map(|(login, _)| login)
}
