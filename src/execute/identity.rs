//! Who writes events, and how they prove it: by the key with which git signs, or as a job on GitHub by a
//! token that is made for just one event.

use anyhow::{Context as _, bail, ensure};

use crate::content::People;
use crate::core::operations::event::{Actor, Event};
use crate::core::operations::job::{audience, whose, with_id};
use crate::core::operations::proof::{Proof, ProofBy};
use crate::core::operations::token::Token;
use crate::core::org::{Org, SigningKey};
use crate::core::record::parts::Hex;
use crate::core::terms::Login;
use crate::forge::github::issuer::Job;
use crate::git::{Program, key};
use crate::operations::NAMESPACE;

/// The audience of a job's first token, which only tells the job who it is.
const FIRST: &str = "changegate";

/// Who writes events.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Who they are.
    pub by: Actor,
    /// The person for whom a machine acts.
    pub on_behalf: Option<Login>,
    /// Who started the job again, if somebody did: they have to be entitled too.
    pub again: Option<Login>,
    means: Means,
}

#[derive(Clone, Debug)]
enum Means {
    Key,
    Token(Job, Option<Comment>),
}

/// A comment that asks for an event.
#[derive(Clone, Debug)]
pub struct Comment {
    /// Its address.
    pub url: String,
    /// The numeric id of its author's account.
    pub author_id: String,
    /// The digest of its text.
    pub body_sha256: Hex,
}

/// Why somebody can't prove who they are.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unproven(String);

impl Identity {
    /// Returns who writes here: the person or machine whose key git signs with, or without a key the job.
    /// `on_behalf` is for whom a machine with a key acts; with the job comes the comment that started it, if
    /// one did.
    ///
    /// # Errors
    /// [`Unproven`] when there is neither, or it is nobody's; others when that can't be found out.
    pub fn here(
        program: &Program,
        org: &Org,
        on_behalf: Option<Login>,
        job: Option<(Job, Option<Comment>)>,
    ) -> anyhow::Result<Self> {
        let named = program.path_setting("user.signingkey");
        if let Some(found) = named.as_deref().map(key::find).transpose()?.flatten() {
            return Self::with_key(&found, org, on_behalf);
        }
        match job {
            Some(_) if on_behalf.is_some() => {
                bail!("a job acts for who started it, as its token says: leave --for out")
            }
            Some((job, comment)) => Self::of_job(job, org, comment),
            None => {
                let how = key::how_to_name_one(None).map(|command| format!("`{command}`"));
                let how = how.collect::<Vec<_>>().join(", then ");
                Err(Unproven(format!(
                    "events are signed by SSH, and git has no signing key: run {how}; a job on GitHub proves \
                     what it is without one if it has `permissions: {{id-token: write}}`"
                ))
                .into())
            }
        }
    }

    fn with_key(key: &SigningKey, org: &Org, on_behalf: Option<Login>) -> anyhow::Result<Self> {
        let by = owner(key, org).ok_or_else(|| {
            Unproven(format!(
                "the key {}, which git signs with, is nobody's in policies/org/roster/data.yaml: sign with \
                 one that is there (`git config user.signingkey FILE`), or have an L3 add it",
                key.fingerprint()
            ))
        })?;
        let is_machine = matches!(by, Actor::Machine(_));
        ensure!(
            is_machine || on_behalf.is_none(),
            "only a machine acts for somebody, and this key is {by}'s: leave --for out"
        );
        Ok(Identity { by, on_behalf, again: None, means: Means::Key })
    }

    /// Returns who a job is, or if a comment asks for the event, the comment's author.
    fn of_job(job: Job, org: &Org, comment: Option<Comment>) -> anyhow::Result<Self> {
        let first = job.token(FIRST)?;
        let claims = Token::read(&first).map(|token| token.claims).map_err(Unproven)?;
        let (by, on_behalf) = whose(&claims, org).map_err(Unproven)?;
        let again = match &on_behalf {
            Some(_) => job.started_again_by(&claims)?,
            None => None,
        };
        let again = again.map(|it| with_id(&it.id.to_string(), &it.login, org));
        let again = again.transpose().map_err(Unproven)?;
        // A machine does what its workflow says, whatever started that.
        let comment = comment.filter(|_| matches!(by, Actor::Person(_)));
        Ok(Identity { by, on_behalf, again, means: Means::Token(job, comment) })
    }

    /// Proves an event.
    ///
    /// # Errors
    /// When it can't be signed, or there is no token for it.
    pub(super) fn prove(&self, program: &Program, event: &Event) -> anyhow::Result<Proof> {
        let by = match &self.means {
            Means::Key => {
                ProofBy::Ssh { signature: program.sign(NAMESPACE, event.line().as_bytes())? }
            }
            Means::Token(job, comment) => {
                let jwt = job.token(&audience(event)).context("the event can't be proven")?;
                match comment.clone() {
                    None => ProofBy::GitHubOidc { jwt },
                    Some(Comment { url, author_id, body_sha256 }) => {
                        ProofBy::GitHubComment { url, author_id, body_sha256, jwt }
                    }
                }
            }
        };
        Ok(Proof { of: event.id().clone(), by })
    }
}

fn owner(key: &SigningKey, org: &Org) -> Option<Actor> {
    let person = People::of(&org.roster).with_key(key).cloned().map(Actor::Person);
    person.or_else(|| {
        let mut machines = org.roster.machines.iter();
        let machine = machines.find(|(_, machine)| machine.keys.contains(key));
        machine.map(|(name, _)| Actor::Machine(name.clone()))
    })
}
