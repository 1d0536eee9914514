//! The wire: requests to GitHub's API and their answers.
//!
//! octocrab authenticates, over reqwest, which carries; what GitHub's answers mean is read here. A
//! request that only asks is repeated after a failure, with growing pauses; one that changes
//! something is never repeated blindly, because a failure doesn't tell whether it took effect:
//! [`Failure::Unclear`] tells the caller to look first.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use http::{HeaderMap, Method, StatusCode};
use octocrab::Octocrab;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::access::{Access, Credentials, Permission, Secret};
use super::patience::{Patience, Turn};
use super::types::Installation;

mod address;
mod failure;
mod list;

pub use address::{encoded, path};
pub use failure::{Failure, Refusal, is_hidden, status_of};

use address::{GRAPHQL, prefix};
use failure::causes;

/// How long a connection may take to come about, and how long an answer may stay silent.
const CONNECT: Duration = Duration::from_secs(10);
const SILENCE: Duration = Duration::from_secs(30);

/// The queries, each an operation.
const QUERIES: &str = include_str!("queries.graphql");

/// GitHub's API, for one repository or installation.
pub struct Client {
    runtime: Runtime,
    http: Octocrab,
    /// The part of the API's address that stands before every path; empty but on GHES.
    prefix: String,
    token: Secret,
    installation: Option<Installation>,
    patience: Patience,
    record: RefCell<Vec<Exchange>>,
}

/// A question and GitHub's answer, word for word, for the record.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Exchange {
    /// GET, or POST for GraphQL.
    pub method: String,
    /// The path with its query.
    pub path: String,
    /// The HTTP status.
    pub status: u16,
    /// The answer's body.
    pub body: String,
}

/// An answer.
struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Client {
    /// A client for a repository. `announce` is told whenever GitHub is waited for.
    ///
    /// # Errors
    /// When the address or the credentials are of no use.
    pub fn new(
        access: &Access,
        repository: &super::Name,
        announce: impl Fn(&str) + 'static,
    ) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("prepare for network access")?;
        let http = built(&runtime, &access.api, &access.credentials)?;
        let token = match &access.credentials {
            Credentials::Token(token) => token.clone(),
            Credentials::App { .. } => Secret::new(""),
        };
        let patience = Patience::new(announce);
        let prefix = prefix(&access.api);
        let (installation, record) = (None, RefCell::default());
        let client = Client { runtime, http, prefix, token, installation, patience, record };
        if access.is_app() { client.into_installation(access, repository) } else { Ok(client) }
    }

    /// The App's client turned into one for its installation at a repository, which can do no more
    /// than is needed there, for an hour.
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
                format!("find the App's installation at {repository}: is it installed there?")
            })?;
        let permissions = access.reach.of(&installation.permissions);
        let body = json!({ "repositories": [repository.name], "permissions": permissions });
        let id = installation.id.to_string();
        let path = path(&["app", "installations", &id, "access_tokens"]);
        // Asking twice makes two tokens, which harms nobody.
        let token: Token =
            self.run(self.ask(Method::POST, &path, Some(&body))).with_context(|| {
                format!(
                    "get the App's token: it needs {}; `changegate doctor` says what is missing",
                    Permission::all_needed()
                )
            })?;
        self.token = Secret::new(token.token);
        let as_token = Credentials::Token(self.token.clone());
        self.http = built(&self.runtime, &access.api, &as_token)?;
        self.installation = Some(installation);
        self.record.borrow_mut().clear();
        Ok(self)
    }

    /// The App's installation, where an App asks.
    pub fn installation(&self) -> Option<&Installation> {
        self.installation.as_ref()
    }

    /// The token that requests carry, for git.
    pub(super) fn token(&self) -> &Secret {
        &self.token
    }

    /// Waits for what a request brings.
    pub fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Waits.
    pub(super) fn pause(&self, time: Duration) {
        self.run(async { tokio::time::sleep(time).await });
    }

    /// Everything that GitHub was asked since the last time, with its answers.
    pub fn take_record(&self) -> Vec<Exchange> {
        self.record.take()
    }

    /// What stands at a path.
    ///
    /// # Errors
    /// When there is nothing, or it can't be had.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        self.ask(Method::GET, path, None).await
    }

    /// What stands at a path; nothing if GitHub shows nothing there.
    ///
    /// # Errors
    /// When it can't be had.
    pub async fn get_if_shown<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<Option<T>> {
        match self.get(path).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if is_hidden(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Asks one of `queries.graphql`.
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
            let mut told: Value = parse(&answer.body)?;
            let Some(error) = told["errors"].get(0) else {
                return read(told["data"].take()).context("read the answer to a query");
            };
            // GraphQL names a limit in an answer that is otherwise good.
            let limited =
                (error["type"] == "RATE_LIMITED").then_some(StatusCode::TOO_MANY_REQUESTS);
            let (status, headers) = (limited.unwrap_or(answer.status), &answer.headers);
            if !self.patience.after_limit(&mut turn, GRAPHQL, status, headers, &answer.body).await {
                bail!("GitHub can't answer a query: {}", error["message"]);
            }
        }
    }

    /// Changes something, once.
    ///
    /// # Errors
    /// When it wasn't done, or when nobody knows.
    pub async fn write(&self, method: Method, path: &str, body: &Value) -> Result<Value, Failure> {
        let mut turn = Turn::first();
        loop {
            let sent = self.send(method.clone(), path, Some(body)).await;
            let answer = sent.map_err(Failure::Unclear)?;
            if answer.status.is_success() {
                return Ok(parse(&answer.body).unwrap_or_default());
            }
            if answer.status.is_server_error() {
                let refusal = refusal(method, path, &answer);
                return Err(Failure::Unclear(refusal.into()));
            }
            // A limit is refused before anything is done.
            if !self
                .patience
                .after_limit(&mut turn, path, answer.status, &answer.headers, &answer.body)
                .await
            {
                return Err(refusal(method, path, &answer).into());
            }
        }
    }

    /// Asks, and reads the answer.
    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<T> {
        let answer = self.answer(method, path, body).await?;
        let value = parse(&answer.body).with_context(|| format!("read {path}"))?;
        read(value).with_context(|| format!("read {path}"))
    }

    /// A good answer to a question that may be repeated.
    async fn answer(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Reply> {
        let mut turn = Turn::first();
        loop {
            let failed = match self.send(method.clone(), path, body).await {
                Ok(answer) if answer.status.is_success() => {
                    // A body that broke off is a failure like any other.
                    match parse(&answer.body) {
                        Ok(_) => {
                            self.keep(&method, path, &answer);
                            return Ok(answer);
                        }
                        Err(error) => {
                            error.context(format!("GitHub's answer to {path} is no JSON"))
                        }
                    }
                }
                Ok(answer) if answer.status.is_server_error() => {
                    refusal(method.clone(), path, &answer).into()
                }
                Ok(answer) => {
                    let (status, headers) = (answer.status, &answer.headers);
                    if self
                        .patience
                        .after_limit(&mut turn, path, status, headers, &answer.body)
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

    fn keep(&self, method: &Method, path: &str, answer: &Reply) {
        self.record.borrow_mut().push(Exchange {
            method: method.to_string(),
            path: path.to_owned(),
            status: answer.status.as_u16(),
            body: answer.body.clone(),
        });
    }

    /// One request, one answer.
    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Reply> {
        let failed = || format!("{method} {path}: GitHub can't be reached");
        let request = http::request::Builder::new()
            .method(method.clone())
            .uri(address::whole(&self.prefix, path))
            .header("accept", "application/vnd.github+json")
            .header("x-github-api-version", "2022-11-28");
        let request = self.http.build_request(request, body).with_context(failed)?;
        // Bodies may come slowly, but not for ever.
        let whole = tokio::time::timeout(SILENCE * 4, async {
            let response = self.http.execute(request).await?;
            let (status, headers) = (response.status(), response.headers().clone());
            let body = self.http.body_to_string(response).await?;
            Ok::<_, octocrab::Error>(Reply { status, headers, body })
        });
        let answer = whole.await.map_err(|_| anyhow!("no answer for two minutes"));
        answer
            .and_then(|answer| answer.map_err(|error| anyhow!(causes(&error))))
            .with_context(failed)
    }
}

/// An octocrab client that repeats nothing by itself.
fn built(runtime: &Runtime, api: &str, as_whom: &Credentials) -> anyhow::Result<Octocrab> {
    let _inside = runtime.enter();
    let builder = Octocrab::builder()
        .base_uri(address::server(api))
        .with_context(|| format!("GITHUB_API_URL is an address, and {api:?} is none"))?;
    let builder = match as_whom {
        Credentials::Token(token) => builder.personal_token(token.reveal()),
        Credentials::App { id, key } => builder
            .app_from_rsa_pem((*id).into(), key.reveal())
            .map_err(|_| anyhow!("CHANGEGATE_APP_KEY holds no RSA private key in PEM form"))?,
    };
    builder.build_with_reqwest(transport()?).context("prepare for GitHub")
}

/// What carries requests: through a proxy where `HTTPS_PROXY` and its kin name one, and nowhere but
/// where it was sent, because a token goes with it.
fn transport() -> anyhow::Result<reqwest::Client> {
    // Whoever was first has installed the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .connect_timeout(CONNECT)
        .read_timeout(SILENCE)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .context("prepare for network access")
}

fn parse(body: &str) -> anyhow::Result<Value> {
    if body.trim().is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(body).context("GitHub's answer breaks off, or is no JSON")
}

fn read<T: DeserializeOwned>(value: Value) -> anyhow::Result<T> {
    serde_json::from_value(value).context("GitHub's answer isn't in the form that it documents")
}

fn refusal(method: Method, path: &str, answer: &Reply) -> Refusal {
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let mut message = match body["message"].as_str() {
        Some(message) => message.to_owned(),
        None => answer.status.canonical_reason().unwrap_or("no reason").to_owned(),
    };
    for error in body["errors"].as_array().into_iter().flatten() {
        let said = error.as_str().or_else(|| error["message"].as_str());
        let _ = write!(message, "; {}", said.map_or_else(|| error.to_string(), str::to_owned));
    }
    Refusal { status: answer.status.as_u16(), method, path: path.to_owned(), message }
}
