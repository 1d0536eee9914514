//! Holds the signatures of a log against the keys that were in force at each entry.

use std::collections::BTreeSet;

use super::{KeyChange, Run};
use crate::audit::anchor::KnownKey;
use crate::audit::{Finding, Step};
use crate::core::org::LedgerSettings;
use crate::core::record::entry::Entry;
use crate::core::record::key::PublicKey;
use crate::core::record::keys::{Keys, KeysInForce, writers};
use crate::core::record::parts::CollectorKind;
use crate::core::record::state::EVIDENCE;
use crate::core::record::statement::Kind;
use crate::core::terms::all_of;
use crate::git::Oid;

/// Who signed an entry, as far as it shows by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignedBy {
    /// Nobody.
    #[default]
    Nobody,
    /// A person, by the commit.
    Person,
    /// The service with this key.
    Service(PublicKey),
}

/// Who signed an entry, and what the settings say of those who may.
#[derive(Clone, Debug, Default)]
pub struct Signing {
    /// Who signed it.
    pub by: SignedBy,
    /// The settings of the ledger where the entry begins, changes keys, or brings a base; `None` if it
    /// does nothing of that, or they can't be read.
    pub settings: Option<LedgerSettings>,
}

/// The keys of services, entry by entry.
#[derive(Default)]
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
    sealed: Vec<(u64, Oid, PublicKey)>,
}

impl Run {
    /// Whether no service may sign so far, and nothing was erased, so that the state of the last entry is
    /// all that those behind it are compared with.
    pub(super) fn is_plain(&self) -> bool {
        let Services { first, settled, .. } = &self.services;
        first.is_empty()
            && writers(settled).is_empty()
            && !settled.signature.is_required()
            && self.state.evidence == EVIDENCE
    }

    /// Goes on behind entries that were verified earlier, when [`Run::is_plain`] was so.
    pub(super) fn resume_services(&mut self) {
        let base = self.state.keys.as_ref().map(|keys| keys.base.clone());
        self.services.base = base.unwrap_or_default();
    }

    /// Takes who signed an entry, and how it changes the keys that may.
    pub(super) fn signed(&mut self, commit: Oid, entry: &Entry, signing: Signing) {
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
        match signing.by {
            SignedBy::Service(key) => {
                let brought = signing.settings.as_ref().filter(|_| is_on_base).map(writers);
                let is_brought = brought.is_some_and(|brought| brought.contains(&key));
                if services.in_force.holds(&key) || is_brought {
                    services.sealed.push((index, commit, key));
                } else {
                    let why = "a key that no entry before it lets sign";
                    wrong.push((
                        Step::Signature,
                        format!("it is signed with {}, {why}", key.fingerprint()),
                    ));
                }
                self.out.signed.services += 1;
            }
            SignedBy::Person => self.out.signed.people += 1,
            SignedBy::Nobody => {
                self.out.signed.nobody += 1;
                let is_person = it.collector.kind == CollectorKind::Person;
                if services.settled.signature.is_required() && !is_person {
                    let why = "no service signed it, which the settings require";
                    wrong.push((Step::Signature, why.to_owned()));
                }
            }
        }
        if let Some(keys) = &it.keys {
            if it.kind == Kind::Keys {
                let settings = signing.settings.as_ref();
                let expected = settings.map(|settings| Keys::between(&services.keyed, settings));
                if expected.as_ref() != Some(keys) || keys.is_empty() {
                    let why = "it changes the keys otherwise than the settings at its base do";
                    wrong.push((Step::Provenance, why.to_owned()));
                }
                self.out.keys.push(change(index, keys, services, signing.by));
            }
            if services.first.is_empty() {
                services.first.clone_from(&keys.add);
            }
            services.in_force.change(keys);
            services.keyed = signing.settings.clone().unwrap_or_default();
        }
        if let (Some(settings), true) = (signing.settings, is_on_base) {
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
        for (index, commit, key) in std::mem::take(&mut self.services.sealed) {
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
