//! Comments on an issue or a pull request: one of each kind, which is updated in place.

use anyhow::bail;
use http::Method;
use serde_json::{Value, json};

use super::GitHub;
use super::access::TokenKind;
use super::client::{Client, Failure};
use super::types::{Comment, User};

/// The number of attempts to write a comment when it is unclear whether it was written.
const TRIES: usize = 4;

/// The account that this program writes under.
#[derive(Debug)]
pub(super) struct Author {
    /// Its login, without the suffix of bots.
    login: String,
    /// Whether it is a bot's, if the token shows that. A person can have the login of a bot.
    is_bot: Option<bool>,
}

impl Author {
    /// Returns the account of a client's token, which has this login.
    pub fn of(client: &Client, login: &str) -> Self {
        let is_bot = match TokenKind::of(client.token()) {
            TokenKind::Installation => Some(true),
            TokenKind::Other => None,
            TokenKind::Classic | TokenKind::FineGrained | TokenKind::OAuth => Some(false),
        };
        let is_bot = client.installation().map(|_| true).or(is_bot);
        Author { login: plain(login).to_owned(), is_bot }
    }

    /// Whether it is this account.
    pub fn is(&self, user: &User) -> bool {
        plain(&user.login) == self.login && self.is_bot.is_none_or(|is| is == user.is_bot())
    }
}

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
        self.put_comment(issue, mark, text, |body| body == text)
    }

    /// Creates our comment on an issue, unless there is one that begins with this mark.
    ///
    /// # Errors
    /// When GitHub can't be reached or refuses.
    pub fn comment_once(&self, issue: u64, mark: &str, text: &str) -> anyhow::Result<()> {
        self.put_comment(issue, mark, text, |_| true)
    }

    fn put_comment(
        &self,
        issue: u64,
        mark: &str,
        text: &str,
        stays: impl Fn(&str) -> bool,
    ) -> anyhow::Result<()> {
        let comments = Comments { github: self, number: &issue.to_string() };
        let mut unclear = None;
        for _ in 0..TRIES {
            let existing: Vec<Comment> = self.client.run(self.client.list(&comments.path()))?;
            let is_marked = |comment: &Comment| {
                comment.body.as_deref().is_some_and(|body| body.starts_with(mark))
            };
            let marked: Vec<_> = existing.into_iter().filter(is_marked).collect();
            match self.client.run(comments.put_over_own(&marked, mark, text, &stays)) {
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

    /// Creates our comment, or updates it if it is among the `existing` ones with this mark and their
    /// authors, unless it `stays` as it is. Those of others are ignored: anybody can write a comment with this mark.
    async fn put_over_own(
        &self,
        existing: &[Comment],
        mark: &str,
        text: &str,
        stays: &impl Fn(&str) -> bool,
    ) -> Result<Value, Failure> {
        let author = if existing.is_empty() { None } else { Some(self.author().await?) };
        let is_own = |comment: &&Comment| {
            author.as_ref().zip(comment.user.as_ref()).is_some_and(|(author, by)| author.is(by))
        };
        match existing.iter().find(is_own) {
            Some(own) if own.body.as_deref().is_some_and(stays) => Ok(Value::Null),
            own => self.put(own.map(|comment| comment.id), mark, text).await,
        }
    }

    /// Creates the comment with this mark, or updates our `own` one. One that somebody has deleted
    /// in the meantime is created again.
    pub async fn put(&self, own: Option<u64>, mark: &str, text: &str) -> Result<Value, Failure> {
        if let Some(id) = own {
            match self.change(&id.to_string(), text).await {
                Err(Failure::Refused(refusal)) if refusal.status == 404 => {}
                written => return written,
            }
        }
        self.once(mark, text).await
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

    /// Returns the account that this program writes under.
    async fn author(&self) -> Result<Author, Failure> {
        let login = self.github.login().await.map_err(Failure::Unclear)?;
        Ok(Author::of(&self.github.client, &login))
    }
}

impl GitHub {
    /// Returns the login of the account that this program works under.
    ///
    /// # Errors
    /// When GitHub can't be reached or refuses.
    pub fn viewer(&self) -> anyhow::Result<String> {
        self.client.run(self.login())
    }

    async fn login(&self) -> anyhow::Result<String> {
        let answer = self.client.query::<Value>("Viewer", json!({})).await?;
        Ok(answer["viewer"]["login"].as_str().unwrap_or_default().to_owned())
    }
}

/// Returns a login without the suffix of bots, which only REST adds and GraphQL doesn't.
fn plain(login: &str) -> &str {
    login.strip_suffix("[bot]").unwrap_or(login)
}
