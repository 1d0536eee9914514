//! Finds the open pull requests that have to be judged again, with one request for a hundred of
//! them.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::json;

use super::GitHub;
use super::memo::{Basis, Memo};
use super::snapshot::{Answers, AnswersPart, Nodes, Tip};
use crate::core::time::Time;
use crate::git::Oid;

/// All open pull requests at one point in time.
#[derive(Debug)]
pub struct Survey {
    default_branch: Option<Tip>,
    operations: Option<Tip>,
    pulls: Vec<PullPart>,
}

/// An open pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surveyed {
    /// The number of the pull request.
    pub number: u64,
    /// The reason why it has to be judged again; `None` if its decision is still current, or if
    /// another pull request with the same head has to be judged.
    pub why: Option<&'static str>,
}

/// GitHub's answer for one page.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RepositoryPart {
    default_branch_ref: Option<Tip>,
    operations: Option<Tip>,
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
    base_ref: Option<Tip>,
    commits: Nodes<CommitNode>,
}

#[derive(Debug, Deserialize)]
struct CommitNode {
    commit: CommitPart,
}

#[derive(Debug, Deserialize)]
struct CommitPart {
    oid: String,
    #[serde(flatten)]
    answers: AnswersPart,
}

impl GitHub {
    /// Reads all open pull requests.
    ///
    /// # Errors
    /// When GitHub can't be reached or refuses.
    pub fn survey(&self) -> anyhow::Result<Survey> {
        self.client.run(self.read_all())
    }

    /// Fetches the default branch and returns its name and tip.
    ///
    /// # Errors
    /// When there is none, or when it can't be fetched.
    pub fn default_branch(&self, survey: &Survey) -> anyhow::Result<(String, Oid)> {
        let tip = survey.default_branch.as_ref();
        let tip = tip.with_context(|| format!("{} has no default branch", self.repository))?;
        Ok((tip.branch.clone(), self.fetched(tip)?))
    }

    /// Returns all open pull requests to the protected branches, each with the reason why it has to
    /// be judged again, if so.
    ///
    /// # Errors
    /// When git can't fetch the branches.
    pub fn due(
        &self,
        survey: Survey,
        protected: &[String],
        now: Time,
    ) -> anyhow::Result<Vec<Surveyed>> {
        let log = self.log_tip(survey.operations.as_ref())?;
        let mut tips = BTreeMap::new();
        let mut by_head: BTreeMap<_, Vec<_>> = BTreeMap::new();
        let mut pulls = Vec::new();
        for pull in survey.pulls {
            let base = pull.base_ref.as_ref().filter(|base| protected.contains(&base.branch));
            let Some(base) = base else { continue };
            let branch = base.branch.clone();
            let tip = match tips.get(&branch) {
                Some(known) => *known,
                None => *tips.entry(branch.clone()).or_insert(self.fetched(base)?),
            };
            let log = self.log_seen(tip, log)?.map(|seen| seen.digest());
            let basis = Basis { number: pull.number, branch, tip, log };
            by_head.entry(pull.head_ref_oid.clone()).or_default().push(basis);
            pulls.push(pull);
        }
        let mut surveyed = Vec::new();
        let mut due = BTreeSet::new();
        for pull in pulls {
            let (number, head) = (pull.number, pull.head_ref_oid.clone());
            let bases = Memo::bases_of(self.repo(), &by_head[&head])?;
            // All pull requests with a head are judged together.
            let why = self.why(pull, &bases, now).filter(|_| due.insert(head));
            surveyed.push(Surveyed { number, why });
        }
        Ok(surveyed)
    }

    /// Returns the tip of a branch, after fetching it if necessary.
    fn fetched(&self, tip: &Tip) -> anyhow::Result<Oid> {
        if self.remote.holds(tip)? {
            return Ok(tip.commit);
        }
        self.tip_of(&tip.branch)
    }

    async fn read_all(&self) -> anyhow::Result<Survey> {
        let mut survey = Survey { default_branch: None, operations: None, pulls: Vec::new() };
        let mut after: Option<String> = None;
        loop {
            let variables = json!({ "after": after });
            let (RepositoryPart { default_branch_ref, operations, pull_requests }, _) =
                self.query("Survey", variables).await?;
            survey.default_branch = default_branch_ref;
            survey.operations = operations;
            survey.pulls.extend(pull_requests.nodes);
            after = pull_requests.page_info.end_cursor;
            if !pull_requests.page_info.has_next_page || after.is_none() {
                return Ok(survey);
            }
        }
    }

    /// Returns why a pull request has to be judged again, if so. `bases` is the current
    /// [`Memo::bases`].
    fn why(&self, pull: PullPart, bases: &str, now: Time) -> Option<&'static str> {
        let commit = pull.commits.nodes.into_iter().next_back().map(|node| node.commit);
        let Some(commit) = commit.filter(|commit| commit.oid == pull.head_ref_oid) else {
            return Some("its head has just changed");
        };
        let answers = Answers::of(commit.answers, self.is_app());
        let Some(memo) = answers.link().and_then(Memo::in_url) else {
            return Some("it has no decision yet");
        };
        if memo.until.is_some_and(|until| until <= now) {
            return Some("its decision has expired");
        }
        if memo.bases != bases {
            return Some(
                "governed files on its base, the operations log, or pull requests with its head, have changed",
            );
        }
        (memo.seen < pull.updated_at).then_some("it was updated")
    }
}
