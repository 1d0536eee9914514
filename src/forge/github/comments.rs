//! Comments on an issue or a pull request: one of each kind, which is updated in place.

use anyhow::bail;
use http::Method;
use serde_json::{Value, json};

use super::GitHub;
use super::client::Failure;

/// The number of attempts to write a comment when it is unclear whether it was written.
const TRIES: usize = 4;

/// The comments on an issue or a pull request.
pub(super) struct Comments<'a> {
    pub github: &'a GitHub,
    /// The number of the issue or the pull request.
    pub number: &'a str,
}

impl GitHub {
    /// Creates or updates our comment on an issue. It begins with `mark`, which identifies it.
    ///
    /// # Errors
    /// When GitHub can't be reached or refuses.
    pub fn keep_comment(&self, issue: u64, mark: &str, text: &str) -> anyhow::Result<()> {
        let comments = Comments { github: self, number: &issue.to_string() };
        let mut unclear = None;
        for _ in 0..TRIES {
            let existing: Vec<Value> = self.client.run(self.client.list(&comments.path()))?;
            let marked = |comment: &&Value| {
                comment["body"].as_str().is_some_and(|body| body.starts_with(mark))
            };
            let marked = existing.iter().filter(marked).filter_map(|comment| {
                let login = comment["user"]["login"].as_str().unwrap_or_default();
                Some((comment["id"].as_u64()?, login.to_owned()))
            });
            let marked: Vec<_> = marked.collect();
            match self.client.run(comments.put_over_own(&marked, mark, text)) {
                Ok(_) => return Ok(()),
                Err(Failure::Refused(refusal)) => return Err(refusal.into()),
                // It is unknown whether the comment was written: look again.
                Err(Failure::Unclear(error)) => unclear = Some(error),
            }
        }
        match unclear {
            Some(error) => Err(error.context(format!("cannot comment on issue #{issue}"))),
            None => bail!("cannot comment on issue #{issue}"),
        }
    }
}

impl Comments<'_> {
    fn path(&self) -> String {
        self.github.repository.path(&["issues", self.number, "comments"])
    }

    /// Creates our comment, or updates it if it is among the `existing` ones with this mark and
    /// their authors. Those of others are ignored: anybody can write a comment with this mark.
    async fn put_over_own(
        &self,
        existing: &[(u64, String)],
        mark: &str,
        text: &str,
    ) -> Result<Value, Failure> {
        let login = if existing.is_empty() { None } else { Some(self.own_login().await?) };
        let own = existing.iter().find(|(_, by)| login.as_deref() == Some(plain(by)));
        self.put(own.map(|(id, _)| *id), mark, text).await
    }

    /// Creates the comment with this mark, or updates our `own` one.
    pub async fn put(&self, own: Option<u64>, mark: &str, text: &str) -> Result<Value, Failure> {
        match own {
            Some(id) => self.change(&id.to_string(), text).await,
            None => self.once(mark, text).await,
        }
    }

    /// Creates a comment that doesn't exist yet, as far as we know. If another run has created it
    /// at the same time, the later of the two is replaced with a link to the first.
    pub async fn once(&self, mark: &str, text: &str) -> Result<Value, Failure> {
        let text = if text.starts_with(mark) { text.to_owned() } else { format!("{mark}\n{text}") };
        let client = &self.github.client;
        let written = client.write(Method::POST, &self.path(), &json!({ "body": text })).await?;
        let existing = client.list::<Value>(&self.path()).await;
        let existing = existing.map_err(Failure::Unclear)?;
        let marked = |comment: &&Value| {
            comment["user"]["id"] == written["user"]["id"]
                && comment["body"].as_str().is_some_and(|body| body.starts_with(mark))
        };
        let first = existing.iter().filter(marked).min_by_key(|comment| comment["id"].as_u64());
        let Some(first) = first.filter(|first| first["id"] != written["id"]) else {
            return Ok(written);
        };
        let url = first["html_url"].as_str().unwrap_or_default();
        self.change(&written["id"].to_string(), &format!("See {url}")).await?;
        Ok(first.clone())
    }

    async fn change(&self, id: &str, text: &str) -> Result<Value, Failure> {
        let path = self.github.repository.path(&["issues", "comments", id]);
        self.github.client.write(Method::PATCH, &path, &json!({ "body": text })).await
    }

    /// Returns the login that this program writes under.
    async fn own_login(&self) -> Result<String, Failure> {
        let answer = self.github.client.query::<Value>("Viewer", json!({})).await;
        let answer = answer.map_err(Failure::Unclear)?;
        Ok(plain(answer["viewer"]["login"].as_str().unwrap_or_default()).to_owned())
    }
}

/// Returns a login without the suffix of bots, which only REST adds and GraphQL doesn't.
pub(super) fn plain(login: &str) -> &str {
    login.strip_suffix("[bot]").unwrap_or(login)
}
