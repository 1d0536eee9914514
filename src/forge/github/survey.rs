//! Which of all open pull requests have to be judged anew: two questions for two hundred of them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::Deserialize;
use serde_json::json;

use super::GitHub;
use super::facts::CONTEXT;
use super::memo::Memo;
use super::types::Repository;
use crate::git::Oid;
use crate::time::Time;

/// An open pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surveyed {
    /// Its number.
    pub number: u64,
    /// Why it has to be judged anew; nothing if its answer stands.
    pub why: Option<&'static str>,
}

/// GitHub's answer to a page's question.
#[derive(Debug, Deserialize)]
struct Answer {
    repository: Option<RepositoryPart>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RepositoryPart {
    pull_requests: Pulls,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pulls {
    page_info: PageInfo,
    nodes: Vec<PullPart>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PullPart {
    number: u64,
    updated_at: Time,
    head_ref_oid: String,
    base_ref_name: String,
    commits: Nodes<CommitNode>,
}

#[derive(Debug, Deserialize)]
struct Nodes<T> {
    nodes: Vec<T>,
}

#[derive(Debug, Deserialize)]
struct CommitNode {
    commit: CommitPart,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CommitPart {
    oid: String,
    status: Option<StatusPart>,
    check_suites: Option<Nodes<SuitePart>>,
}

#[derive(Debug, Deserialize)]
struct StatusPart {
    contexts: Vec<ContextPart>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContextPart {
    context: String,
    state: String,
    target_url: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SuitePart {
    check_runs: Option<Nodes<RunPart>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RunPart {
    details_url: Option<String>,
}

impl GitHub {
    /// The default branch and its tip, brought here; nothing if no pull request is open.
    ///
    /// # Errors
    /// When it can't be had.
    pub fn default_branch(&self) -> anyhow::Result<Option<(String, Oid)>> {
        let pulls = self.open_pulls()?;
        let repository = pulls.iter().find_map(|pull| pull.base.repo.as_ref());
        let Some(Repository { default_branch, clone_url, .. }) = repository else {
            return Ok(None);
        };
        self.remote.source(clone_url, self.client.token()).bring(&[default_branch], &[])?;
        Ok(Some((default_branch.clone(), self.remote.tip(default_branch)?)))
    }

    /// All open pull requests to these branches, with why they have to be judged anew if they have
    /// to.
    ///
    /// # Errors
    /// When GitHub can't be asked.
    pub fn survey(&self, protected: &[String], now: Time) -> anyhow::Result<Vec<Surveyed>> {
        let pulls = self.client.run(self.ask_for_all())?;
        let mut bases = BTreeMap::new();
        let mut surveyed = Vec::new();
        for pull in pulls.iter().filter(|pull| protected.contains(&pull.base_ref_name)) {
            let base = match bases.entry(&pull.base_ref_name) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => new.insert(self.base_now(&pull.base_ref_name)?),
            };
            let why = self.why(pull, base.as_ref(), now);
            surveyed.push(Surveyed { number: pull.number, why });
        }
        Ok(surveyed)
    }

    async fn ask_for_all(&self) -> anyhow::Result<Vec<PullPart>> {
        let query = include_str!("survey.graphql");
        let (owner, name) = (&self.repository.owner, &self.repository.name);
        let mut pulls = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let variables = json!({ "owner": owner, "name": name, "after": after });
            let answer: Answer = self.client.query(query, variables).await?;
            let Some(RepositoryPart { pull_requests }) = answer.repository else {
                anyhow::bail!("there is no {} on GitHub that the token can see", self.repository);
            };
            pulls.extend(pull_requests.nodes);
            after = pull_requests.page_info.end_cursor;
            if !pull_requests.page_info.has_next_page || after.is_none() {
                return Ok(pulls);
            }
        }
    }

    /// What decisions rest on at the tip of a branch; nothing if the branch is gone.
    fn base_now(&self, branch: &str) -> anyhow::Result<Option<String>> {
        let pulls = self.open_pulls()?;
        let to_it = pulls.iter().find(|pull| pull.base.branch == branch);
        let Some(repository) = to_it.and_then(|pull| pull.base.repo.as_ref()) else {
            return Ok(None);
        };
        let source = self.remote.source(&repository.clone_url, self.client.token());
        source.bring(&[branch], &[])?;
        Memo::base_of(self.repo(), self.remote.tip(branch)?).map(Some)
    }

    /// Why a pull request has to be judged anew.
    fn why(&self, pull: &PullPart, base: Option<&String>, now: Time) -> Option<&'static str> {
        let commit = pull.commits.nodes.last().map(|node| &node.commit);
        let Some(commit) = commit.filter(|commit| commit.oid == pull.head_ref_oid) else {
            return Some("its head has just moved");
        };
        let url = if self.is_app { commit.check_run() } else { commit.status() };
        let Some(memo) = url.and_then(Memo::in_url) else { return Some("it has no answer yet") };
        if memo.until.is_some_and(|until| until <= now) {
            return Some("its time has come");
        }
        if Some(&memo.base) != base {
            return Some("policies or requests on the base have changed");
        }
        (memo.seen < pull.updated_at).then_some("something happened to it")
    }
}

impl CommitPart {
    /// What our status links to, if it stands.
    fn status(&self) -> Option<&str> {
        let contexts = &self.status.as_ref()?.contexts;
        let own = contexts.iter().find(|it| it.context == CONTEXT && it.state != "ERROR");
        own?.target_url.as_deref()
    }

    /// What our check run links to.
    fn check_run(&self) -> Option<&str> {
        let suites = self.check_suites.iter().flat_map(|suites| &suites.nodes);
        let mut runs =
            suites.filter_map(|suite| suite.check_runs.as_ref()).flat_map(|it| &it.nodes);
        runs.find_map(|run| run.details_url.as_deref().filter(|url| Memo::in_url(url).is_some()))
    }
}
