//! Says who signed the entry of a bundle.

use super::Check;
use crate::audit::Step;
use crate::audit::bundle::PROOF_FILE;
use crate::audit::bundle::found::{Signed, Signers};
use crate::core::org::{LedgerSettings, SigningKey};
use crate::core::record::entry::Entry;
use crate::core::record::key::PublicKey;
use crate::core::record::keys::writers;
use crate::core::record::proof::TlogProof;
use crate::core::record::seal::{Seal, verifier_key};
use crate::gate::judge::Judges;
use crate::git::{Oid, Signature};
use crate::ledger::oid;

/// What the bundle's own keys are known from.
const BUNDLE: &str = "the bundle";

impl Check<'_> {
    /// Says who signed the entry, and checks that keys from outside know them.
    pub(super) fn signature(
        &mut self,
        commit: Oid,
        entry: &Entry,
        seal: Option<&Seal>,
        judges: &Judges,
        signers: Option<&Signers>,
    ) {
        let ledger = self.settings(entry, judges);
        self.checkpoint(entry, &ledger, signers);
        let Signature::By(key) = self.repo.signature(commit) else {
            if let Some(signers) = signers {
                let why = format!("nobody in {} signed it", signers.name);
                self.finding(Step::Signature, why);
            }
            return;
        };
        let found = match (signers, seal) {
            (None, None) => Some(entry.statement.predicate.collector.who.clone()),
            (None, Some(seal)) => service(entry, seal, &key, &ledger),
            (Some(signers), _) => {
                let known = signers.keys.iter().find(|(_, known)| *known == key);
                known.map(|(names, _)| names.clone())
            }
        };
        let known_from = signers.map_or(BUNDLE, |signers| &signers.name).to_owned();
        let key = key.fingerprint();
        match found {
            Some(by) => self.out.signed = Some(Signed { by, key, known_from }),
            None => {
                let why = format!("{known_from} doesn't hold the key that signed it, {key}");
                self.finding(Step::Signature, why);
            }
        }
    }

    /// Checks that no signature of the proof's checkpoint by a known key is wrong.
    fn checkpoint(&mut self, entry: &Entry, ledger: &LedgerSettings, signers: Option<&Signers>) {
        let outside = signers.iter().flat_map(|signers| &signers.keys);
        let outside = outside.filter_map(|(_, key)| PublicKey::try_from(key).ok());
        let keys = writers(ledger).into_iter().chain(outside);
        let keys: Vec<_> = keys.filter_map(|key| verifier_key(entry, key).ok()).collect();
        let proof = self.bundle.get(PROOF_FILE);
        let proof = proof.and_then(|content| TlogProof::parse(&content.bytes).ok());
        if let Some(Err(why)) = proof.map(|proof| proof.signed_by(&keys).map(drop)) {
            self.finding(Step::Tree, format!("{PROOF_FILE}: {why}"));
        }
    }

    /// Returns what the settings where it was judged say of the ledger.
    fn settings(&self, entry: &Entry, judges: &Judges) -> LedgerSettings {
        let base = entry.statement.predicate.base.as_ref();
        let base = base.and_then(|base| oid(&base.commit).ok());
        let judge = base.and_then(|base| judges.at(&self.repo, base).ok());
        judge.map(|judge| judge.bundle().org.settings.ledger.clone()).unwrap_or_default()
    }
}

/// Returns the name of the service whose key made a seal, by the settings; a change of keys can be signed
/// by one that it takes away. `None` if nothing in the bundle names the key.
fn service(
    entry: &Entry,
    seal: &Seal,
    key: &SigningKey,
    ledger: &LedgerSettings,
) -> Option<String> {
    let writer = ledger.writers.iter().find(|writer| writer.key == *key);
    let taken = entry.statement.predicate.keys.iter().flat_map(|keys| &keys.remove);
    let is_taken = || taken.into_iter().any(|taken| taken == seal.key());
    match writer {
        Some(writer) => Some(writer.name.to_string()),
        None => is_taken().then(|| "a service that may not sign any more".to_owned()),
    }
}
