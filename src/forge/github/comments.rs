//! Comments on an issue or a pull request: of each kind one of ours, over which is written.

use anyhow::bail;
use http::Method;
use serde_json::{Value, json};

use super::GitHub;
use super::client::Failure;

/// How often it is tried to write what may or may not have been written.
const TRIES: usize = 4;

/// The comments on an issue or a pull request.
pub(super) struct Comments<'a> {
    pub github: &'a GitHub,
    /// Its number.
    pub number: &'a str,
}

impl GitHub {
    /// Keeps our one comment on an issue as it should be. It begins with `mark`, by which it is found.
    ///
    /// # Errors
    /// When GitHub can't be asked, or doesn't take it.
    pub fn keep_comment(&self, issue: u64, mark: &str, text: &str) -> anyhow::Result<()> {
        let comments = Comments { github: self, number: &issue.to_string() };
        let mut unclear = None;
        for _ in 0..TRIES {
            let there: Vec<Value> = self.client.run(self.client.list(&comments.path()))?;
            let marked = |comment: &&Value| {
                comment["body"].as_str().is_some_and(|body| body.starts_with(mark))
            };
            let marked = there.iter().filter(marked).filter_map(|comment| {
                let login = comment["user"]["login"].as_str().unwrap_or_default();
                Some((comment["id"].as_u64()?, login.to_owned()))
            });
            let marked: Vec<_> = marked.collect();
            match self.client.run(comments.put_over_own(&marked, mark, text)) {
                Ok(_) => return Ok(()),
                Err(Failure::Refused(refusal)) => return Err(refusal.into()),
                // It may have been written or not: look again.
                Err(Failure::Unclear(error)) => unclear = Some(error),
            }
        }
        match unclear {
            Some(error) => Err(error.context(format!("answer on issue #{issue}"))),
            None => bail!("the answer on issue #{issue} couldn't be written"),
        }
    }
}

impl Comments<'_> {
    fn path(&self) -> String {
        self.github.repository.path(&["issues", self.number, "comments"])
    }

    /// The one comment with this mark, over our own if there is one: anybody can write one that begins
    /// like it. `there` are those that do, with their authors.
    async fn put_over_own(
        &self,
        there: &[(u64, String)],
        mark: &str,
        text: &str,
    ) -> Result<Value, Failure> {
        let own = if there.is_empty() { None } else { Some(self.own_login().await?) };
        let own = there.iter().find(|(_, by)| own.as_deref() == Some(plain(by)));
        self.put(own.map(|(id, _)| *id), mark, text).await
    }

    /// The one comment with this mark, over our own if there is one.
    pub async fn put(&self, own: Option<u64>, mark: &str, text: &str) -> Result<Value, Failure> {
        match own {
            Some(id) => self.change(&id.to_string(), text).await,
            None => self.once(mark, text).await,
        }
    }

    /// A comment that nobody wrote yet, as far as can be seen. If another run did at the same
    /// moment, the later one of the two gives way.
    pub async fn once(&self, mark: &str, text: &str) -> Result<Value, Failure> {
        let text = if text.starts_with(mark) { text.to_owned() } else { format!("{mark}\n{text}") };
        let client = &self.github.client;
        let written = client.write(Method::POST, &self.path(), &json!({ "body": text })).await?;
        let there = client.list::<Value>(&self.path()).await;
        let there = there.map_err(Failure::Unclear)?;
        let marked = |comment: &&Value| {
            comment["user"]["id"] == written["user"]["id"]
                && comment["body"].as_str().is_some_and(|body| body.starts_with(mark))
        };
        let first = there.iter().filter(marked).min_by_key(|comment| comment["id"].as_u64());
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

    /// The login that this program writes under.
    async fn own_login(&self) -> Result<String, Failure> {
        let answer = self.github.client.query::<Value>("Viewer", json!({})).await;
        let answer = answer.map_err(Failure::Unclear)?;
        Ok(plain(answer["viewer"]["login"].as_str().unwrap_or_default()).to_owned())
    }
}

/// A login without the mark of a bot, which GraphQL and REST don't write alike.
pub(super) fn plain(login: &str) -> &str {
    login.strip_suffix("[bot]").unwrap_or(login)
}
