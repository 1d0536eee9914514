//! Holds the signatures of a log against the keys that were in force at each entry.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{KeyChange, Run};
use crate::audit::anchor::KnownKey;
use crate::audit::{Finding, Step};
use crate::core::org::LedgerSettings;
use crate::core::record::entry::Entry;
use crate::core::record::key::PublicKey;
use crate::core::record::keys::{Keys, KeysInForce, writers};
use crate::core::record::parts::CollectorKind;
use crate::core::record::statement::Kind;
use crate::core::terms::all_of;
use crate::gate::signing::SignedBy;
use crate::git::Oid;

/// Who signed an entry, and what the settings say of those who may.
#[derive(Clone, Debug, Default)]
pub struct Signing {
    /// Who signed it; `None` if its signature proves nothing.
    pub by: Option<SignedBy>,
    /// The settings of the ledger where the entry begins, changes keys, or brings a base; `None` if it
    /// does nothing of that, or they can't be read.
    pub settings: Option<LedgerSettings>,
}

/// The keys of services, entry by entry.
#[derive(Clone, Default, Deserialize, Serialize)]
pub(super) struct Services {
    in_force: KeysInForce,
    /// The first that ever were.
    first: Vec<PublicKey>,
    /// The branch whose settings name them.
    base: String,
    /// The settings that those in force are from.
    keyed: LedgerSettings,
    /// The settings up to which that branch is accounted for, and the entry that brought them.
    settled: LedgerSettings,
    brought_by: u64,
    /// The entries with a seal by a key that was in force.
    #[serde(skip)]
    sealed: Vec<(u64, Oid, PublicKey)>,
    /// The last entry with a seal by each key among those that were verified earlier.
    sealed_earlier: Vec<(PublicKey, u64)>,
}

impl Services {
    /// Returns what is remembered of them.
    pub(super) fn remembered(&self) -> Self {
        let mut kept = self.clone();
        for (index, _, key) in kept.sealed.drain(..) {
            kept.sealed_earlier.retain(|(other, _)| *other != key);
            kept.sealed_earlier.push((key, index));
        }
        kept
    }
}

impl Run {
    /// Whether no key was revoked since for an entry that was verified earlier.
    pub(super) fn keeps_earlier_keys(&self) -> bool {
        let Services { in_force, sealed_earlier, .. } = &self.services;
        !sealed_earlier.iter().any(|(key, last)| in_force.revoked_at(key, *last).is_some())
    }

    /// Returns who signed an entry; `None` if its signature doesn't count in its place.
    pub(super) fn counts(
        &mut self,
        commit: Oid,
        entry: &Entry,
        signing: &Signing,
    ) -> Option<SignedBy> {
        let it = &entry.statement.predicate;
        let services = &self.services;
        let is_first = entry.index == 0;
        let is_on_base =
            is_first || it.base.as_ref().is_some_and(|base| base.name == services.base);
        let why = match signing.by {
            Some(SignedBy::Service(key)) => {
                let brought = signing.settings.as_ref().filter(|_| is_on_base).map(writers);
                let is_brought = brought.is_some_and(|brought| brought.contains(&key));
                if services.in_force.holds(&key) || is_brought {
                    return signing.by;
                }
                let why = "a key that no entry before it lets sign";
                format!("it is signed with {}, {why}", key.fingerprint())
            }
            None | Some(SignedBy::Nobody)
                if services.settled.signature.is_required()
                    && it.collector.kind != CollectorKind::Person =>
            {
                "no service signed it, which the settings require".to_owned()
            }
            // With the first entry, the ledger begins, no matter who signed it.
            by => return by.or(Some(SignedBy::Nobody).filter(|_| is_first)),
        };
        self.finding(Step::Signature, Some(entry.index), commit, why);
        Some(SignedBy::Nobody).filter(|_| is_first)
    }

    /// Takes who signed an entry, and how it changes the keys that may.
    pub(super) fn signed(
        &mut self,
        commit: Oid,
        entry: &Entry,
        by: SignedBy,
        settings: Option<LedgerSettings>,
    ) {
        let it = &entry.statement.predicate;
        let index = entry.index;
        let mut wrong = Vec::new();
        let services = &mut self.services;
        if it.kind == Kind::Genesis {
            services.base = it.base.as_ref().map(|base| base.name.clone()).unwrap_or_default();
        }
        if it.keys.is_none() && !Keys::between(&services.keyed, &services.settled).is_empty() {
            wrong.push((
                Step::Signature,
                "the settings had changed which services may sign, and no entry before it says so"
                    .to_owned(),
            ));
        }
        let is_on_base = it.base.as_ref().is_some_and(|base| base.name == services.base);
        match by {
            SignedBy::Service(key) => {
                services.sealed.push((index, commit, key));
                self.out.signed.services += 1;
            }
            SignedBy::Person => self.out.signed.people += 1,
            SignedBy::Nobody => self.out.signed.nobody += 1,
        }
        if let Some(keys) = &it.keys {
            let expected =
                settings.as_ref().map(|settings| Keys::between(&services.keyed, settings));
            if it.kind == Kind::Keys {
                if expected.as_ref() != Some(keys) || keys.is_empty() {
                    let why = "it changes the keys otherwise than the settings at its base do";
                    wrong.push((Step::Provenance, why.to_owned()));
                }
                self.out.keys.push(change(index, keys, services, by));
            }
            if services.first.is_empty() {
                services.first.clone_from(&keys.add);
            }
            services.in_force.change(expected.as_ref().unwrap_or(keys));
            services.keyed = settings.clone().unwrap_or_default();
        }
        if let (Some(settings), true) = (settings, is_on_base) {
            services.settled = settings;
            services.brought_by = if it.kind == Kind::Keys { services.brought_by } else { index };
        }
        for (step, why) in wrong {
            self.finding(step, Some(index), commit, why);
        }
    }

    /// Names the entries that were signed with a key that didn't count any more: that shows only once it
    /// is known how it was lost.
    pub(super) fn revoked(&mut self) {
        for (index, commit, key) in self.services.sealed.clone() {
            if let Some(revoked) = self.services.in_force.revoked_at(&key, index) {
                let (key, why, from) = (key.fingerprint(), revoked.why, revoked.from_index);
                let why = format!(
                    "it is signed with {key}, which was {why}: from entry {from} on that proves nothing"
                );
                self.finding(Step::Signature, Some(index), commit, why);
            }
        }
    }

    /// Holds the first keys of the log against those that are known from elsewhere.
    pub(super) fn known(&mut self, known: &[KnownKey]) {
        if known.is_empty() {
            return;
        }
        let mut findings = Vec::new();
        let logs: BTreeSet<_> =
            known.iter().filter_map(|it| it.log.as_ref()).map(ToString::to_string).collect();
        for log in logs.iter().filter(|log| **log != self.out.origin) {
            findings.push(format!("a key was given that signs another log, {log}"));
        }
        let first = &self.services.first;
        if first.is_empty() {
            findings
                .push("no service's key was ever in force here, and some were given".to_owned());
        }
        let is_known = |key: &PublicKey| known.iter().any(|known| known.key == *key);
        let strange: Vec<_> =
            first.iter().filter(|key| !is_known(key)).map(PublicKey::fingerprint).collect();
        if !strange.is_empty() {
            let keys = all_of(&strange);
            findings.push(format!("the log began with a key that wasn't given: {keys}"));
        }
        if findings.is_empty() {
            self.out.anchors += 1;
        }
        self.out.findings.extend(findings.into_iter().map(|message| Finding {
            step: Step::Anchors,
            index: None,
            commit: None,
            message,
        }));
    }
}

fn change(index: u64, keys: &Keys, services: &Services, by: SignedBy) -> KeyChange {
    let fingerprints = |keys: &[PublicKey]| keys.iter().map(PublicKey::fingerprint).collect();
    let revoked = keys.revoked.iter().map(|revoked| revoked.key);
    let removed: Vec<_> = keys.remove.iter().copied().chain(revoked).collect();
    KeyChange {
        index,
        added: fingerprints(&keys.add),
        removed: fingerprints(&removed),
        brought_by: services.brought_by,
        signed_by: match by {
            SignedBy::Nobody => "nobody",
            SignedBy::Person => "a person",
            SignedBy::Service(key) if services.in_force.holds(&key) => "a key in force before it",
            SignedBy::Service(_) => "a new key",
        }
        .to_owned(),
    }
}
