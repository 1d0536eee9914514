//! Reads, with a single GraphQL request, everything that shows whether a pull request has changed: its
//! commits, how many events decide about it, and the statuses of its head.

use std::str::FromStr;

use anyhow::{Context as _, bail};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::GitHub;
use super::comments::Author;
use super::types::Pull;
use crate::git::Oid;

/// The name of the status, or of the check run, with the decision.
pub const CONTEXT: &str = "changegate";

/// What a pull request is judged against, and the current statuses of its head.
#[derive(Debug)]
pub struct Snapshot {
    /// Whether it is open.
    pub is_open: bool,
    /// Whether it is a draft.
    pub is_draft: bool,
    /// Its head.
    pub head: String,
    /// The number of its events that a decision depends on, such as reviews and their dismissals. It
    /// only grows.
    pub events: u64,
    /// The default branch, which the settings are read from.
    pub default_branch: Tip,
    /// The base branch of the pull request.
    pub base: Tip,
    /// The end of the ledger; `None` if the repository holds none.
    pub ledger: Option<Tip>,
    /// The end of the operations log; `None` if the repository holds none.
    pub operations: Option<Tip>,
    /// The current statuses, or the check run, of its head.
    pub answers: Answers,
    /// The account that this program writes under.
    pub author: Author,
}

/// A branch and the commit that it points to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "TipPart")]
pub struct Tip {
    /// The name of the branch.
    pub branch: String,
    /// The commit.
    pub commit: Oid,
}

/// The fragment `Tip`.
#[derive(Debug, Deserialize)]
struct TipPart {
    name: String,
    target: Target,
}

#[derive(Debug, Deserialize)]
struct Target {
    oid: String,
}

/// The decision and its parts as published on a commit.
#[derive(Debug, PartialEq, Eq)]
pub enum Answers {
    /// The latest status of each context, posted with the token of a workflow or a person.
    Statuses(Vec<Status>),
    /// The App's own check run.
    CheckRun(Option<CheckRun>),
}

/// A commit status.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    pub context: String,
    /// `SUCCESS`, `PENDING`, `FAILURE`, `ERROR`.
    pub state: String,
    pub description: Option<String>,
    pub target_url: Option<String>,
}

/// A check run.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckRun {
    pub external_id: Option<String>,
    pub details_url: Option<String>,
}

/// The fragment `Answers`; parts that weren't requested are missing.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AnswersPart {
    status: Option<StatusPart>,
    check_suites: Option<Nodes<SuitePart>>,
}

#[derive(Debug, Deserialize)]
struct StatusPart {
    contexts: Vec<Status>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SuitePart {
    check_runs: Option<Nodes<CheckRun>>,
}

/// A list in GraphQL's form.
#[derive(Debug, Deserialize)]
pub struct Nodes<T> {
    /// The items.
    pub nodes: Vec<T>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RepositoryPart {
    default_branch_ref: Option<Tip>,
    ledger: Option<Tip>,
    operations: Option<Tip>,
    pull_request: Option<PullPart>,
    object: Option<AnswersPart>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PullPart {
    state: String,
    is_draft: bool,
    head_ref_oid: String,
    base_ref: Option<Tip>,
    timeline_items: Count,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Count {
    total_count: u64,
}

/// The account that the token belongs to.
#[derive(Debug, Deserialize)]
pub struct Viewer {
    login: String,
}

impl Snapshot {
    /// Reads the snapshot of a pull request, or returns `None` if a part of it isn't visible
    /// because it has just changed or is gone.
    pub async fn of(github: &GitHub, pull: &Pull) -> anyhow::Result<Option<Self>> {
        let variables = json!({ "number": pull.number, "head": pull.head.sha });
        let (repository, viewer) = github.query::<RepositoryPart>("Snapshot", variables).await?;
        let viewer = viewer.context("GitHub doesn't show whose token this is")?;
        let (Some(default_branch), Some(pull), Some(object)) =
            (repository.default_branch_ref, repository.pull_request, repository.object)
        else {
            return Ok(None);
        };
        let Some(base) = pull.base_ref else { return Ok(None) };
        Ok(Some(Snapshot {
            is_open: pull.state == "OPEN",
            is_draft: pull.is_draft,
            head: pull.head_ref_oid,
            events: pull.timeline_items.total_count,
            default_branch,
            base,
            ledger: repository.ledger,
            operations: repository.operations,
            answers: Answers::of(object, github.is_app()),
            author: Author::of(&github.client, &viewer.login),
        }))
    }

    /// Whether a decision on a pull request is published on another commit than its head, and isn't an error.
    pub async fn is_answered(github: &GitHub, number: u64, commit: Oid) -> anyhow::Result<bool> {
        let variables = json!({ "number": number, "head": commit.to_string() });
        let (repository, _) = github.query::<RepositoryPart>("Snapshot", variables).await?;
        let answers = repository.object.map(|object| Answers::of(object, github.is_app()));
        Ok(answers.is_some_and(|answers| match answers {
            Answers::Statuses(statuses) => {
                statuses.iter().any(|it| it.context == CONTEXT && it.state != "ERROR")
            }
            Answers::CheckRun(run) => run.is_some(),
        }))
    }

    /// Whether a decision from the one would be the same as from the other.
    pub fn decides_like(&self, other: &Snapshot) -> bool {
        let basis = |it: &Snapshot| (it.is_open, it.is_draft, it.events);
        basis(self) == basis(other)
            && self.head == other.head
            && self.base == other.base
            && self.default_branch == other.default_branch
    }
}

impl TryFrom<TipPart> for Tip {
    type Error = <Oid as FromStr>::Err;

    fn try_from(part: TipPart) -> Result<Self, Self::Error> {
        Ok(Tip { branch: part.name, commit: part.target.oid.parse()? })
    }
}

impl Answers {
    /// Converts the GraphQL fragment.
    pub fn of(part: AnswersPart, is_app: bool) -> Self {
        if is_app {
            let suites = part.check_suites.into_iter().flat_map(|suites| suites.nodes);
            let mut runs = suites.filter_map(|suite| suite.check_runs).flat_map(|runs| runs.nodes);
            Answers::CheckRun(runs.next())
        } else {
            Answers::Statuses(part.status.map_or_else(Vec::new, |status| status.contexts))
        }
    }

    /// Returns the link of the status or check run with the decision, or `None` if there is none or
    /// it reports an error.
    pub fn link(&self) -> Option<&str> {
        match self {
            Answers::Statuses(statuses) => {
                let own = statuses.iter().find(|status| status.context == CONTEXT)?;
                own.target_url.as_deref().filter(|_| own.state != "ERROR")
            }
            Answers::CheckRun(run) => run.as_ref()?.details_url.as_deref(),
        }
    }
}

impl GitHub {
    /// Runs one of the queries in `queries.graphql` about the repository. `variables` are those
    /// besides the repository and the App. Returns the repository, and the viewer if the query
    /// includes it.
    pub(super) async fn query<T: DeserializeOwned>(
        &self,
        operation: &str,
        mut variables: Value,
    ) -> anyhow::Result<(T, Option<Viewer>)> {
        #[derive(Deserialize)]
        struct Envelope<T> {
            repository: Option<T>,
            viewer: Option<Viewer>,
        }
        variables["owner"] = json!(self.repository.owner);
        variables["name"] = json!(self.repository.name);
        variables["byApp"] = json!(self.is_app());
        let installation = self.client.installation();
        variables["app"] = json!(installation.map(|installation| installation.app_id));
        let answer: Envelope<T> = self.client.query(operation, variables).await?;
        let Some(repository) = answer.repository else {
            bail!("GitHub has no repository {} that the token can see", self.repository);
        };
        Ok((repository, answer.viewer))
    }
}
