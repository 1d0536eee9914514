//! Sets up what carries the requests.

use std::time::Duration;

use anyhow::Context as _;
use octocrab::Octocrab;
use tokio::runtime::Runtime;

use super::{address, jwt};
use crate::forge::github::access::Credentials;
use crate::forge::github::patience;

/// The timeouts for connecting, and for the next byte of an answer.
const CONNECT: Duration = Duration::from_secs(10);
pub(super) const SILENCE: Duration = Duration::from_secs(30);

/// Builds an octocrab client that repeats nothing by itself.
pub(super) fn built(
    runtime: &Runtime,
    api: &str,
    as_whom: &Credentials,
) -> anyhow::Result<Octocrab> {
    let _inside = runtime.enter();
    let builder = Octocrab::builder()
        .base_uri(address::server(api))
        .with_context(|| format!("GITHUB_API_URL is {api:?}, which is not a valid address"))?;
    let token = match as_whom {
        Credentials::Token(token) => token.clone(),
        Credentials::App { id, key } => jwt::signed(*id, key, patience::now())?,
    };
    let builder = builder.personal_token(token.reveal());
    builder.build_with_reqwest(transport()?).context("cannot set up the client for GitHub")
}

/// Builds the HTTP client. It uses the proxy that `HTTPS_PROXY` and similar variables name, and
/// follows no redirects, because requests carry a token.
fn transport() -> anyhow::Result<reqwest::Client> {
    // It fails if a provider is installed already, which is always this one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .connect_timeout(CONNECT)
        .read_timeout(SILENCE)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .context("cannot set up network access")
}
