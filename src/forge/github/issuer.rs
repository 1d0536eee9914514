//! The issuer of the tokens of GitHub's jobs: a job asks it for one, and anybody for its keys.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;
use serde_json::Value;

use super::access::{Access, Secret};
use super::client::encoded;
use super::types::User;
use super::{Client, Name};
use crate::core::operations::kinds::Keys;
use crate::core::operations::token::{self, Claims};
use crate::git::pause;
use crate::web::{Limits, exchange};

/// The variable with the job's own token, where `GITHUB_TOKEN` is one for another repository.
const OWN_TOKEN: &str = "CHANGEGATE_JOB_TOKEN";

/// Where an issuer publishes its keys.
const KEYS: &str = ".well-known/jwks";

/// What asking may take.
const LIMITS: Limits =
    Limits { connect: Duration::from_secs(5), whole: Duration::from_secs(15), longest: 256 * 1024 };

/// The number of attempts. Asking changes nothing.
const ATTEMPTS: u32 = 4;

/// A job on GitHub that may ask for tokens of its own.
#[derive(Clone, Debug)]
pub struct Job {
    url: String,
    secret: Secret,
    /// The access to the repository that the job belongs to.
    access: Option<Access>,
}

impl Job {
    /// Reads from the environment what GitHub gives to a job with `id-token: write`; `None` if this isn't
    /// one.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let url = variable("ACTIONS_ID_TOKEN_REQUEST_URL")?;
        let secret = Secret::new(variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN")?);
        let access = Access::from_environment(|name| match name {
            "GITHUB_TOKEN" => variable(OWN_TOKEN).or_else(|| variable(name)),
            "GITHUB_API_URL" => variable(name),
            _ => None,
        });
        Some(Job { url, secret, access: access.ok() })
    }

    /// Returns who started the job, if it was started again: the token names who started it first.
    ///
    /// # Errors
    /// When GitHub can't be asked.
    pub fn started_again_by(&self, claims: &Claims) -> anyhow::Result<Option<User>> {
        #[derive(Deserialize)]
        struct Run {
            triggering_actor: Option<User>,
        }
        if claims.run_attempt.as_deref().is_none_or(|attempt| attempt == "1") {
            return Ok(None);
        }
        let asked = "the job was started again, and GitHub doesn't say by whom: give it `permissions: \
                     {actions: read}` and its own token, or start a new run";
        let access = self.access.as_ref().context(asked)?;
        let name: Name = claims.repository.parse()?;
        let client = Client::new(access, &name, |_| {})?;
        let id = claims.run_id.as_deref().context(asked)?;
        let path = name.path(&["actions", "runs", id]);
        let run: Run = client.run(client.get(&path)).context(asked)?;
        run.triggering_actor.map(Some).context(asked)
    }

    /// Asks for a token that is meant for this audience.
    ///
    /// # Errors
    /// When there is none.
    pub fn token(&self, audience: &str) -> anyhow::Result<String> {
        let join = if self.url.contains('?') { '&' } else { '?' };
        let url = format!("{}{join}audience={}", self.url, encoded(audience));
        let asked = || "cannot get the token that proves what this job is".to_owned();
        let answer = get(&url, Some(self.secret.reveal())).with_context(asked)?;
        let answer: Value = serde_json::from_str(&answer).with_context(asked)?;
        let token = answer["value"].as_str().map(str::to_owned);
        token.context("the answer holds none").with_context(asked)
    }
}

/// Returns the keys by which an issuer signs tokens now, by their ids.
///
/// # Errors
/// When it can't be reached, or has none that could count.
pub fn keys(issuer: &str) -> anyhow::Result<Vec<Keys>> {
    let url = format!("{}/{KEYS}", issuer.trim_end_matches('/'));
    let answer = get(&url, None).with_context(|| format!("cannot read the keys at {url}"))?;
    let answer: Value = serde_json::from_str(&answer).context("they aren't valid JSON")?;
    let listed = answer["keys"].as_array().into_iter().flatten();
    let keys: BTreeMap<_, _> = listed.filter_map(token::key).collect();
    ensure!(!keys.is_empty(), "{url} lists no key that signs tokens with RS256");
    let key = |(kid, key)| Keys { issuer: issuer.to_owned(), kid, key };
    Ok(keys.into_iter().map(key).collect())
}

/// Reads what an address holds, with a bearer token if it needs one.
///
/// # Errors
/// When there is no answer, too long a one, or a refusal.
fn get(url: &str, bearer: Option<&str>) -> anyhow::Result<String> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        let answer = exchange(&LIMITS, |client| match bearer {
            Some(token) => client.get(url).bearer_auth(token),
            None => client.get(url),
        });
        match answer {
            Ok(answer) if (200..300).contains(&answer.status) => return Ok(answer.body),
            Ok(answer) if answer.status < 500 || attempt == ATTEMPTS => {
                bail!("the answer is {}", answer.status);
            }
            Err(error) if attempt == ATTEMPTS => return Err(error),
            _ => std::thread::sleep(pause(attempt)),
        }
    }
}
