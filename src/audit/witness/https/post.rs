//! Sends a request to a witness.

use std::time::Duration;

use anyhow::{Context as _, ensure};

use super::Answer;

/// How long connecting, and the whole exchange, may take.
const CONNECT: Duration = Duration::from_secs(10);
const WHOLE: Duration = Duration::from_secs(60);

/// The longest answer that is read, in bytes.
const LONGEST: usize = 64 * 1024;

/// Posts a body to an address, and returns the answer. No redirect is followed.
///
/// # Errors
/// When there is no answer, or too long a one.
pub(super) fn post(address: &str, body: String) -> anyhow::Result<Answer> {
    // It fails if a provider is installed already, which is always this one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .connect_timeout(CONNECT)
        .timeout(WHOLE)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .context("cannot set up network access")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("cannot set up network access")?.block_on(async {
        let mut answer = client.post(address).body(body).send().await?;
        let status = answer.status().as_u16();
        let mut read = Vec::new();
        while let Some(part) = answer.chunk().await? {
            read.extend_from_slice(&part);
            ensure!(read.len() <= LONGEST, "its answer is too long");
        }
        Ok(Answer { status, body: String::from_utf8_lossy(&read).into_owned() })
    })
}
