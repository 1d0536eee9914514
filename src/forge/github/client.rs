//! The client of GitHub's API.
//!
//! `transport` sends the requests; this module interprets the answers. A request that only reads is
//! repeated after a failure, with growing pauses. A request that writes is never repeated blindly,
//! because a failure doesn't show whether it took effect: [`Failure::Unclear`] requires the caller
//! to look first.

use std::cell::{Cell, RefCell};
use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use http::header::DATE;
use http::{HeaderMap, Method, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::access::{Access, Credentials, Permission, Secret};
use super::patience::{Patience, Turn};
use super::types::Installation;
use crate::core::time::Time;

mod address;
mod failure;
mod list;
#[cfg_attr(not(feature = "github"), path = "client/left_out.rs")]
mod transport;

pub use address::{encoded, host, path, site};
pub use failure::{Failure, Refusal, is_hidden, status_of};

use address::{GRAPHQL, prefix};
use transport::Transport;

/// The GraphQL queries, each with a name of its own.
const QUERIES: &str = include_str!("queries.graphql");

/// The client for one repository, or for an App's installation at it.
pub struct Client {
    runtime: Runtime,
    http: Transport,
    /// The path in the API's address, such as `/api/v3` on GHES; empty on github.com.
    prefix: String,
    /// The address of the pages and of Git, such as `https://github.com`.
    site: String,
    token: Secret,
    installation: Option<Installation>,
    patience: Patience,
    record: RefCell<Vec<Exchange>>,
    /// How many requests GitHub's rate limit still allows, as of the latest answer.
    left: Cell<Option<u64>>,
    /// The time by the server's clock, as of the latest answer.
    server_time: Cell<Option<Time>>,
}

/// A request and GitHub's literal answer, for the record.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Exchange {
    /// GET, or POST for GraphQL.
    pub method: String,
    /// The path with its query.
    pub path: String,
    /// The HTTP status.
    pub status: u16,
    /// When GitHub's server answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<Time>,
    /// The answer's body.
    pub body: String,
}

impl Client {
    /// Makes a client for a repository. `announce` is called with a message whenever GitHub makes
    /// the program wait.
    ///
    /// # Errors
    /// When the address or the credentials can't be used.
    pub fn new(
        access: &Access,
        repository: &super::Name,
        announce: impl Fn(&str) + 'static,
    ) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot set up network access")?;
        let http = Transport::new(&runtime, &access.api, &access.credentials)?;
        let token = match &access.credentials {
            Credentials::Token(token) => token.clone(),
            Credentials::App { .. } => Secret::new(""),
        };
        let patience = Patience::new(announce);
        let client = Client {
            runtime,
            http,
            prefix: prefix(&access.api),
            site: site(&access.api),
            token,
            installation: None,
            patience,
            record: RefCell::default(),
            left: Cell::default(),
            server_time: Cell::default(),
        };
        if access.is_app() { client.into_installation(access, repository) } else { Ok(client) }
    }

    /// Turns the App's client into one for its installation at a repository, with a token that has
    /// only the needed permissions and is valid for an hour.
    fn into_installation(
        mut self,
        access: &Access,
        repository: &super::Name,
    ) -> anyhow::Result<Self> {
        #[derive(serde::Deserialize)]
        struct Token {
            token: String,
        }
        let installation: Installation =
            self.run(self.get(&repository.path(&["installation"]))).with_context(|| {
                format!(
                    "cannot find the App's installation at {repository}: is it installed there?"
                )
            })?;
        let permissions = access.reach.of(&installation.permissions);
        let body = json!({ "repositories": [repository.name], "permissions": permissions });
        let id = installation.id.to_string();
        let path = path(&["app", "installations", &id, "access_tokens"]);
        // A repeated request makes a second token, which does no harm.
        let token: Token =
            self.run(self.ask(Method::POST, &path, Some(&body))).with_context(|| {
                format!(
                    "cannot get a token for the App, which needs {}; run `changegate doctor` to \
                     see what is missing",
                    Permission::all_needed()
                )
            })?;
        self.token = Secret::new(token.token);
        let as_token = Credentials::Token(self.token.clone());
        self.http = Transport::new(&self.runtime, &access.api, &as_token)?;
        self.installation = Some(installation);
        self.record.borrow_mut().clear();
        Ok(self)
    }

    /// Returns the App's installation, if the client works for an App.
    pub fn installation(&self) -> Option<&Installation> {
        self.installation.as_ref()
    }

    /// Returns the token of the requests, so that git can use it too.
    pub(super) fn token(&self) -> &Secret {
        &self.token
    }

    /// Returns the address of the pages and of Git, such as `https://github.com`.
    pub(super) fn site(&self) -> &str {
        &self.site
    }

    /// Returns how many requests GitHub's rate limit still allows, if it says so.
    pub(super) fn left(&self) -> Option<u64> {
        self.left.get()
    }

    /// Returns the time by the server's clock, as of the latest answer.
    pub(super) fn server_time(&self) -> Option<Time> {
        self.server_time.get()
    }

    /// Asks for the time by the server's clock, once; `None` if it doesn't answer.
    pub(super) fn time(&self, path: &str) -> Option<Time> {
        let answer = self.run(self.send(Method::GET, path, None)).ok()?;
        date(answer.headers())
    }

    /// Runs a request to its end.
    pub fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Waits for a time.
    pub(super) fn pause(&self, time: Duration) {
        self.run(async { tokio::time::sleep(time).await });
    }

    /// Returns the recorded requests and answers since they were last taken.
    pub fn record(&self) -> Vec<Exchange> {
        self.record.borrow().clone()
    }

    /// Takes the recorded requests and answers since the last call.
    pub fn take_record(&self) -> Vec<Exchange> {
        self.record.take()
    }

    /// Reads a path.
    ///
    /// # Errors
    /// When GitHub has or shows nothing there, or can't be reached.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        self.ask(Method::GET, path, None).await
    }

    /// Reads a path, or returns `None` if GitHub has or shows nothing there.
    ///
    /// # Errors
    /// When GitHub refuses for another reason, or can't be reached.
    pub async fn get_if_shown<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<Option<T>> {
        match self.get(path).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if is_hidden(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Runs one of the queries in `queries.graphql`.
    ///
    /// # Errors
    /// When there is no answer, or one with errors.
    pub async fn query<T: DeserializeOwned>(
        &self,
        operation: &str,
        variables: Value,
    ) -> anyhow::Result<T> {
        let body = json!({
            "query": QUERIES,
            "operationName": operation,
            "variables": variables,
        });
        let mut turn = Turn::first();
        loop {
            let answer = self.answer(Method::POST, GRAPHQL, Some(&body)).await?;
            let mut result: Value = parse(answer.body())?;
            let Some(error) = result["errors"].get(0) else {
                return read(result["data"].take())
                    .with_context(|| format!("cannot read the answer to the query {operation}"));
            };
            // GraphQL reports an exceeded rate limit in an otherwise successful answer.
            let limited =
                (error["type"] == "RATE_LIMITED").then_some(StatusCode::TOO_MANY_REQUESTS);
            let (status, headers) = (limited.unwrap_or(answer.status()), answer.headers());
            if !self.patience.after_limit(&mut turn, GRAPHQL, status, headers, answer.body()).await
            {
                bail!("GitHub can't answer the query {operation}: {}", error["message"]);
            }
        }
    }

    /// Sends a request that writes, once.
    ///
    /// # Errors
    /// When GitHub refused it, or when it is unknown whether it took effect.
    pub async fn write(&self, method: Method, path: &str, body: &Value) -> Result<Value, Failure> {
        let mut turn = Turn::first();
        loop {
            let sent = self.send(method.clone(), path, Some(body)).await;
            let answer = sent.map_err(Failure::Unclear)?;
            if answer.status().is_success() {
                return Ok(parse(answer.body()).unwrap_or_default());
            }
            if answer.status().is_server_error() {
                let refusal = refusal(method, path, &answer);
                return Err(Failure::Unclear(refusal.into()));
            }
            // GitHub checks rate limits before it does anything.
            if !self
                .patience
                .after_limit(&mut turn, path, answer.status(), answer.headers(), answer.body())
                .await
            {
                return Err(refusal(method, path, &answer).into());
            }
        }
    }

    /// Sends a request that may be repeated, and reads the answer.
    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<T> {
        let answer = self.answer(method, path, body).await?;
        let value = parse(answer.body()).with_context(|| format!("cannot read {path}"))?;
        read(value).with_context(|| format!("cannot read {path}"))
    }

    /// Sends a request that may be repeated, and returns the successful answer.
    async fn answer(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Response<String>> {
        let mut turn = Turn::first();
        loop {
            let failed = match self.send(method.clone(), path, body).await {
                Ok(answer) if answer.status().is_success() => {
                    // A truncated body is a failure like any other.
                    match parse(answer.body()) {
                        Ok(_) => {
                            self.keep(&method, path, &answer);
                            return Ok(answer);
                        }
                        Err(error) => {
                            error.context(format!("GitHub's answer to {path} is not valid JSON"))
                        }
                    }
                }
                Ok(answer) if answer.status().is_server_error() => {
                    refusal(method.clone(), path, &answer).into()
                }
                Ok(answer) => {
                    let (status, headers) = (answer.status(), answer.headers());
                    if self
                        .patience
                        .after_limit(&mut turn, path, status, headers, answer.body())
                        .await
                    {
                        continue;
                    }
                    self.keep(&method, path, &answer);
                    return Err(refusal(method, path, &answer).into());
                }
                Err(error) => error,
            };
            if !self.patience.again(&mut turn, path).await {
                return Err(failed);
            }
        }
    }

    fn keep(&self, method: &Method, path: &str, answer: &Response<String>) {
        self.record.borrow_mut().push(Exchange {
            method: method.to_string(),
            path: path.to_owned(),
            status: answer.status().as_u16(),
            date: date(answer.headers()),
            body: answer.body().clone(),
        });
    }

    /// Sends one request, and returns its answer.
    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Response<String>> {
        let failed = || format!("{method} {path}: GitHub can't be reached");
        let request = http::request::Builder::new()
            .method(method.clone())
            .uri(address::whole(&self.prefix, path))
            .header("accept", "application/vnd.github+json")
            .header("x-github-api-version", "2022-11-28");
        let answer = self.http.send(request, body).await.with_context(failed)?;
        self.server_time.set(date(answer.headers()).or(self.server_time.get()));
        // GraphQL has a limit of its own.
        if path != GRAPHQL {
            let left = answer.headers().get("x-ratelimit-remaining");
            let left = left.and_then(|left| left.to_str().ok());
            self.left.set(left.and_then(|left| left.parse().ok()));
        }
        Ok(answer)
    }
}

/// Returns the time by the server's clock, if it tells it.
fn date(headers: &HeaderMap) -> Option<Time> {
    let date = headers.get(DATE)?.to_str().ok()?;
    let date = DateTime::parse_from_rfc2822(date).ok()?;
    Some(Time::from(date.with_timezone(&Utc)))
}

fn parse(body: &str) -> anyhow::Result<Value> {
    if body.trim().is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(body).context("GitHub's answer is truncated or not valid JSON")
}

fn read<T: DeserializeOwned>(value: Value) -> anyhow::Result<T> {
    serde_json::from_value(value).context("GitHub's answer isn't in the documented form")
}

fn refusal(method: Method, path: &str, answer: &Response<String>) -> Refusal {
    let body: Value = serde_json::from_str(answer.body()).unwrap_or_default();
    let mut message = match body["message"].as_str() {
        Some(message) => message.to_owned(),
        None => answer.status().canonical_reason().unwrap_or("no reason").to_owned(),
    };
    for error in body["errors"].as_array().into_iter().flatten() {
        let detail = error.as_str().or_else(|| error["message"].as_str());
        let _ = write!(message, "; {}", detail.map_or_else(|| error.to_string(), str::to_owned));
    }
    Refusal { status: answer.status().as_u16(), method, path: path.to_owned(), message }
}
