//! The keys of services that may sign: how entries change them, and which are in force at a place.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::key::PublicKey;
pub use crate::org::WhyRevoked;
use crate::org::{LedgerSettings, RevokedKey, SigningKey};

/// A change of the keys that may sign.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Keys {
    /// The keys that may sign from now on.
    pub add: Vec<PublicKey>,
    /// The keys that may not any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<PublicKey>,
    /// The keys that count no more from some entry on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revoked: Vec<Revoked>,
}

/// A key that counts no more.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Revoked {
    /// The key.
    pub key: PublicKey,
    /// The first entry that it doesn't count for.
    pub from_index: u64,
    /// What happened to it.
    pub why: WhyRevoked,
}

impl Keys {
    /// Returns what changes from some settings to others.
    pub fn between(before: &LedgerSettings, after: &LedgerSettings) -> Self {
        let (old, new) = (writers(before), writers(after));
        let known = &before.revoked;
        let revoked: Vec<_> =
            after.revoked.iter().filter(|it| !known.contains(it)).filter_map(revoked).collect();
        let is_gone = |key: &PublicKey| {
            !new.contains(key) && !revoked.iter().any(|revoked| revoked.key == *key)
        };
        Keys {
            add: new.iter().filter(|key| !old.contains(key)).copied().collect(),
            remove: old.into_iter().filter(is_gone).collect(),
            revoked,
        }
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        *self == Keys::default()
    }
}

/// Returns the keys of the services that the settings name. Settings that were read hold no others
/// than those that a service can have.
pub fn writers(settings: &LedgerSettings) -> Vec<PublicKey> {
    settings.writers.iter().filter_map(|writer| public(&writer.key)).collect()
}

fn public(key: &SigningKey) -> Option<PublicKey> {
    PublicKey::try_from(key).ok()
}

fn revoked(it: &RevokedKey) -> Option<Revoked> {
    Some(Revoked { key: public(&it.key)?, from_index: it.from_index, why: it.why })
}

/// The keys that may sign at a place in the log, by the entries before it.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct KeysInForce {
    keys: Vec<PublicKey>,
    revoked: Vec<Revoked>,
}

impl KeysInForce {
    /// Takes a change.
    pub fn change(&mut self, keys: &Keys) {
        let is_gone = |key: &PublicKey| {
            keys.remove.contains(key) || keys.revoked.iter().any(|revoked| revoked.key == *key)
        };
        self.keys.retain(|key| !is_gone(key));
        self.keys.extend(&keys.add);
        self.revoked.extend(keys.revoked.iter().cloned());
    }

    /// Whether nobody may sign.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether a key may sign.
    pub fn holds(&self, key: &PublicKey) -> bool {
        self.keys.contains(key)
    }

    /// Returns how a key was lost, if its signature doesn't count for the entry at an index.
    pub fn revoked_at(&self, key: &PublicKey, index: u64) -> Option<&Revoked> {
        self.revoked.iter().find(|it| it.key == *key && it.from_index <= index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::org::Writer;
    use crate::record::samples::key;

    fn other() -> PublicKey {
        let line =
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKzVoW2O9hOaIFCuezjlpzfMH/yJ+z1aRpeUO/nw1R33";
        PublicKey::try_from(&line.parse().unwrap()).unwrap()
    }

    fn settings(keys: &[PublicKey], revoked: &[(PublicKey, u64)]) -> LedgerSettings {
        let name = |key: &PublicKey| key.fingerprint()[..9].to_owned().parse().unwrap();
        let why = WhyRevoked::Stolen;
        LedgerSettings {
            writers: keys.iter().map(|key| Writer { name: name(key), key: key.ssh() }).collect(),
            revoked: revoked
                .iter()
                .map(|(key, from)| RevokedKey { key: key.ssh(), from_index: *from, why })
                .collect(),
            ..LedgerSettings::default()
        }
    }

    #[test]
    fn settings_that_follow_on_each_other_change_the_keys() {
        let (one, two) = (key().public(), other());
        let none = settings(&[], &[]);
        let first = Keys::between(&none, &settings(&[one], &[]));
        assert_eq!(first, Keys { add: vec![one], ..Keys::default() });
        assert!(Keys::between(&settings(&[one, two], &[]), &settings(&[two, one], &[])).is_empty());

        let rotated = Keys::between(&settings(&[one], &[]), &settings(&[two], &[]));
        assert_eq!((&rotated.add, &rotated.remove), (&vec![two], &vec![one]));
        let stolen = Keys::between(&settings(&[one], &[]), &settings(&[two], &[(one, 3)]));
        let gone = vec![Revoked { key: one, from_index: 3, why: WhyRevoked::Stolen }];
        assert_eq!(stolen, Keys { add: vec![two], remove: Vec::new(), revoked: gone });

        let mut in_force = KeysInForce::default();
        assert!(in_force.is_empty() && !in_force.holds(&one));
        in_force.change(&first);
        assert!(in_force.holds(&one) && in_force.revoked_at(&one, 9).is_none());
        in_force.change(&stolen);
        assert!(in_force.holds(&two) && !in_force.holds(&one));
        assert!(in_force.revoked_at(&one, 2).is_none() && in_force.revoked_at(&one, 3).is_some());
    }
}
