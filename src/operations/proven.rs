//! Whether it is proven who wrote an event.

use super::{Event, Keys, Proof};
use crate::core::operations::event::Actor;
use crate::core::operations::proof::ProofBy;
use crate::core::org::Org;
use crate::git::{Signature, verified};

/// The namespace of the signatures of events.
pub const NAMESPACE: &str = "changegate";

/// Returns why it isn't proven who wrote an event, by the roster at its base and the issuers' keys
/// before it.
pub(super) fn unproven(event: &Event, proof: &Proof, org: &Org, _keys: &[Keys]) -> Option<String> {
    let ProofBy::Ssh { signature } = &proof.by else {
        return Some("it is proven by a token, which this version can't verify yet".to_owned());
    };
    let key = match verified(NAMESPACE, event.line().as_bytes(), signature.as_bytes()) {
        Signature::By(key) => key,
        Signature::UnusableKey => return Some("it is signed with an unusable key".to_owned()),
        _ => return Some("its signature doesn't match it".to_owned()),
    };
    let by = &event.head().by;
    let is_theirs = match by {
        Actor::Person(login) => {
            org.roster.people.get(login).is_some_and(|person| person.keys.contains(&key))
        }
        Actor::Machine(name) => org.roster.machines.get(name).is_some_and(|machine| {
            let via = machine.via.as_ref().and_then(|via| org.roster.machines.get(via));
            machine.keys.contains(&key) || via.is_some_and(|via| via.keys.contains(&key))
        }),
    };
    (!is_theirs).then(|| format!("it isn't signed with a key of {by} in the roster"))
}
