//! Carries the requests: octocrab builds them, and reqwest sends them.

use std::time::Duration;

use anyhow::{Context as _, anyhow};
use http::Response;
use http::request::Builder;
use octocrab::Octocrab;
use serde_json::Value;
use tokio::runtime::Runtime;

use super::address;
use crate::forge::github::access::Credentials;
use crate::forge::github::patience;

mod jwt;

/// The timeouts for connecting, and for the next byte of an answer.
const CONNECT: Duration = Duration::from_secs(10);
const SILENCE: Duration = Duration::from_secs(30);

/// The way to GitHub for one identity. Nothing is repeated.
pub(super) struct Transport(Octocrab);

impl Transport {
    /// Sets up the way to an API.
    pub(super) fn new(runtime: &Runtime, api: &str, as_whom: &Credentials) -> anyhow::Result<Self> {
        let _inside = runtime.enter();
        let builder = Octocrab::builder()
            .base_uri(address::server(api))
            .with_context(|| format!("GITHUB_API_URL is {api:?}, which is not a valid address"))?;
        let token = match as_whom {
            Credentials::Token(token) => token.clone(),
            Credentials::App { id, key } => jwt::signed(*id, key, patience::now())?,
        };
        let octocrab = builder.personal_token(token.reveal()).build_with_reqwest(connections()?);
        octocrab.context("cannot set up the client for GitHub").map(Transport)
    }

    /// Sends one request, and returns its answer.
    pub(super) async fn send(
        &self,
        request: Builder,
        body: Option<&Value>,
    ) -> anyhow::Result<Response<String>> {
        let request = self.0.build_request(request, body)?;
        // The read timeout alone would let a body arrive slowly forever.
        let whole = tokio::time::timeout(SILENCE * 4, async {
            let (head, body) = self.0.execute(request).await?.into_parts();
            let body = self.0.body_to_string(Response::new(body)).await?;
            Ok::<_, octocrab::Error>(Response::from_parts(head, body))
        });
        let answer = whole.await.map_err(|_| anyhow!("no answer for two minutes"))?;
        answer.map_err(|error| anyhow!(causes(&error)))
    }
}

/// Builds the HTTP client. It uses the proxy that `HTTPS_PROXY` and similar variables name, and
/// follows no redirects, because requests carry a token.
fn connections() -> anyhow::Result<reqwest::Client> {
    // It fails if a provider is installed already, which is always this one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .connect_timeout(CONNECT)
        .read_timeout(SILENCE)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .context("cannot set up network access")
}

/// Returns the innermost causes of an error on one line. The outer ones only name layers of this
/// program.
fn causes(error: &dyn std::error::Error) -> String {
    let mut causes = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    let [.., before, last] = &causes[..] else { return causes.concat() };
    if before.contains(last) { before.clone() } else { format!("{before}: {last}") }
}
