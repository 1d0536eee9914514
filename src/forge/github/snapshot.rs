//! Where branches stand, and how a commit is answered: what GraphQL tells in one request.

use std::str::FromStr;

use anyhow::{Context as _, bail};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::GitHub;
use super::comments::plain;
use super::types::Pull;
use crate::git::Oid;

/// The name of the status, or check run, that says whether a change may be merged.
pub const CONTEXT: &str = "changegate";

/// What a pull request is judged against, and how its head is answered now.
#[derive(Debug)]
pub struct Snapshot {
    /// The branch that settings are read from.
    pub default_branch: Tip,
    /// The branch that the pull request goes to.
    pub base: Tip,
    /// The answers on its head.
    pub answers: Answers,
    /// The login that this program writes under, without the mark of a bot.
    pub own_login: String,
}

/// A branch and the commit that it points to.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "TipPart")]
pub struct Tip {
    /// Its name.
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

/// The answers that a commit has.
#[derive(Debug)]
pub enum Answers {
    /// Statuses, by a workflow or a person's token: the latest of each context.
    Statuses(Vec<Status>),
    /// The App's own check run.
    CheckRun(Option<CheckRun>),
}

/// A commit status.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    pub context: String,
    /// `SUCCESS`, `PENDING`, `FAILURE`, `ERROR`.
    pub state: String,
    pub description: Option<String>,
    pub target_url: Option<String>,
}

/// A check run.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckRun {
    pub external_id: Option<String>,
    pub details_url: Option<String>,
}

/// The fragment `Answers`; what isn't asked for is missing.
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

/// GraphQL's form of a list.
#[derive(Debug, Deserialize)]
pub struct Nodes<T> {
    /// Its items.
    pub nodes: Vec<T>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RepositoryPart {
    default_branch_ref: Option<Tip>,
    pull_request: Option<PullPart>,
    object: Option<AnswersPart>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PullPart {
    base_ref: Option<Tip>,
}

/// Whoever asks.
#[derive(Debug, Deserialize)]
pub struct Viewer {
    login: String,
}

impl Snapshot {
    /// What stands around a pull request now; nothing if one of them doesn't show: it has just moved,
    /// or is gone.
    pub async fn of(github: &GitHub, pull: &Pull) -> anyhow::Result<Option<Self>> {
        let about = json!({ "number": pull.number, "head": pull.head.sha });
        let (told, viewer) = github.query::<RepositoryPart>("Snapshot", about).await?;
        let viewer = viewer.context("GitHub doesn't say whose token this is")?;
        let base = told.pull_request.and_then(|pull| pull.base_ref);
        let (Some(default_branch), Some(base), Some(object)) =
            (told.default_branch_ref, base, told.object)
        else {
            return Ok(None);
        };
        let answers = Answers::of(object, github.is_app());
        let own_login = plain(&viewer.login).to_owned();
        Ok(Some(Snapshot { default_branch, base, answers, own_login }))
    }
}

impl TryFrom<TipPart> for Tip {
    type Error = <Oid as FromStr>::Err;

    fn try_from(part: TipPart) -> Result<Self, Self::Error> {
        Ok(Tip { branch: part.name, commit: part.target.oid.parse()? })
    }
}

impl Answers {
    /// The answers in what GraphQL tells of a commit.
    pub fn of(told: AnswersPart, is_app: bool) -> Self {
        if is_app {
            let suites = told.check_suites.into_iter().flat_map(|suites| suites.nodes);
            let mut runs = suites.filter_map(|suite| suite.check_runs).flat_map(|runs| runs.nodes);
            Answers::CheckRun(runs.next())
        } else {
            Answers::Statuses(told.status.map_or_else(Vec::new, |status| status.contexts))
        }
    }

    /// What the one that says whether a change may be merged links to; nothing if there is none, or if
    /// it says that nothing could be decided.
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
    /// Asks one of `queries.graphql` about the repository, with what it takes besides, and about
    /// whoever asks, if that is part of it.
    pub(super) async fn query<T: DeserializeOwned>(
        &self,
        operation: &str,
        about: Value,
    ) -> anyhow::Result<(T, Option<Viewer>)> {
        #[derive(Deserialize)]
        struct Envelope<T> {
            repository: Option<T>,
            viewer: Option<Viewer>,
        }
        let mut variables = about;
        variables["owner"] = json!(self.repository.owner);
        variables["name"] = json!(self.repository.name);
        variables["byApp"] = json!(self.is_app());
        variables["app"] = json!(self.client.installation().map(|it| it.app_id));
        let answer: Envelope<T> = self.client.query(operation, variables).await?;
        let Some(repository) = answer.repository else {
            bail!("there is no {} on GitHub that the token can see", self.repository);
        };
        Ok((repository, answer.viewer))
    }
}
