//! Whether it is proven who wrote an event.

use super::{Event, Keys, Proof, What};
use crate::core::operations::event::{Actor, Head};
use crate::core::operations::job::refuses;
use crate::core::operations::proof::ProofBy;
use crate::core::operations::token::Token;
use crate::core::org::{ActsFor, Org};
use crate::git::{Signature, verified};

/// The namespace of the signatures of events.
pub const NAMESPACE: &str = "changegate";

/// Returns why it isn't proven who wrote an event, by the roster at its base and the issuers' keys
/// before it.
pub(super) fn unproven(event: &Event, proof: &Proof, org: &Org, keys: &[Keys]) -> Option<String> {
    match &proof.by {
        ProofBy::Ssh { signature } => by_key(event, signature, org),
        ProofBy::GitHubOidc { jwt } => by_token(event, jwt, None, org, keys),
        ProofBy::GitHubComment { author_id, jwt, .. } => {
            by_token(event, jwt, Some(author_id.as_str()), org, keys)
        }
    }
}

fn by_key(event: &Event, signature: &str, org: &Org) -> Option<String> {
    let key = match verified(NAMESPACE, event.line().as_bytes(), signature.as_bytes()) {
        Signature::By(key) => key,
        Signature::UnusableKey => return Some("it is signed with an unusable key".to_owned()),
        _ => return Some("its signature doesn't match it".to_owned()),
    };
    let Head { by, on_behalf, .. } = event.head();
    let machines = &org.roster.machines;
    let is_theirs = match by {
        Actor::Person(login) => {
            org.roster.people.get(login).is_some_and(|person| person.keys.contains(&key))
        }
        Actor::Machine(name) => machines.get(name).is_some_and(|machine| {
            let via = machine.via.as_ref().and_then(|via| machines.get(via));
            machine.keys.contains(&key) || via.is_some_and(|via| via.keys.contains(&key))
        }),
    };
    if !is_theirs {
        return Some(format!("it isn't signed with a key of {by} in the roster"));
    }
    let Actor::Machine(name) = by else { return None };
    let acts_for_people = machines.get(name).is_some_and(|it| it.acts_for == ActsFor::People);
    if on_behalf.is_some() && !acts_for_people {
        return Some(format!("{by} acts for nobody, as the roster says"));
    }
    matches!(event.what(), What::Keys(_))
        .then(|| format!("a key of {by} brings no key of an issuer: that is up to an L3"))
}

fn by_token(
    event: &Event,
    jwt: &str,
    author: Option<&str>,
    org: &Org,
    keys: &[Keys],
) -> Option<String> {
    match Token::read(jwt) {
        Ok(token) => refuses(event, &token, author, org, keys),
        Err(why) => Some(format!("it is proven by a token that can't be read: {why}")),
    }
}
