//! Exchanges with servers on the web: no redirect is followed, and no answer is read without end.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use reqwest::{Client, ClientBuilder, RequestBuilder};
use tokio::runtime::Runtime;

/// What an exchange may take.
pub struct Limits {
    /// How long connecting may take.
    pub connect: Duration,
    /// How long all of it may take.
    pub whole: Duration,
    /// The longest answer that is read, in bytes.
    pub longest: usize,
}

/// The answer of a server.
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// What it holds, with U+FFFD in place of what isn't UTF-8.
    pub body: String,
}

/// Begins a client that follows no redirect.
pub fn client(connect: Duration, whole: Duration) -> ClientBuilder {
    // It fails if a provider is installed already, which is always this one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder().connect_timeout(connect).timeout(whole);
    client.redirect(reqwest::redirect::Policy::none())
}

/// Returns what runs exchanges in this thread.
///
/// # Errors
/// When the system refuses.
pub fn runtime() -> anyhow::Result<Runtime> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("cannot set up network access")
}

/// Sends a request, and returns the answer whatever its status is. Errors don't name the address, which can
/// hold a secret.
///
/// # Errors
/// When there is no answer, or too long a one.
pub fn exchange(
    limits: &Limits,
    request: impl FnOnce(&Client) -> RequestBuilder,
) -> anyhow::Result<Answer> {
    let client = client(limits.connect, limits.whole).build();
    let client = client.context("cannot set up network access")?;
    runtime()?.block_on(async {
        let mut answer = request(&client).send().await.map_err(reqwest::Error::without_url)?;
        let status = answer.status().as_u16();
        let mut read = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(reqwest::Error::without_url)? {
            read.extend_from_slice(&part);
            ensure!(read.len() <= limits.longest, "the answer is too long");
        }
        Ok(Answer { status, body: String::from_utf8_lossy(&read).into_owned() })
    })
}
