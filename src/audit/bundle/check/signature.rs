//! Says who signed the entry of a bundle, and the commits on which it rests.

use std::collections::BTreeMap;

use super::Check;
use crate::audit::Step;
use crate::audit::bundle::PROOF_FILE;
use crate::audit::bundle::found::{Signed, Signers};
use crate::content::{People, short};
use crate::core::evidence::Unproven;
use crate::core::org::{LedgerSettings, Org, SigningKey};
use crate::core::record::entry::Entry;
use crate::core::record::key::PublicKey;
use crate::core::record::keys::writers;
use crate::core::record::parts::CollectorKind;
use crate::core::record::proof::TlogProof;
use crate::core::record::seal::{Seal, verifier_key};
use crate::core::terms::Login;
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
        let base = entry.statement.predicate.base.as_ref();
        let base = base.and_then(|base| oid(&base.commit).ok());
        let Some(judge) = base.and_then(|base| judges.at(&self.repo, base).ok()) else { return };
        let org = &judge.bundle().org;
        let ledger = &org.settings.ledger;
        self.checkpoint(entry, ledger, signers);
        if let Some(signers) = signers {
            self.people(commit, entry, org, signers);
        }
        let Signature::By(key) = self.repo.signature(commit) else {
            if let Some(signers) = signers {
                let why = format!("nobody in {} signed it", signers.name);
                self.finding(Step::Signature, why);
            }
            return;
        };
        let found = match (signers, seal) {
            (None, None) => Some(entry.statement.predicate.collector.who.clone()),
            (None, Some(seal)) => service(entry, seal, &key, ledger),
            (Some(signers), seal) => {
                // Somebody who is listed as a person, by their address, is not a service because the
                // bundle says so.
                let name = seal.and_then(|seal| service(entry, seal, &key, ledger));
                let is_known = |(names, known): &&(String, SigningKey)| {
                    *known == key
                        && (seal.is_none() || name.as_ref() == Some(names) && !names.contains('@'))
                };
                let listed = signers.listed.iter().flatten().find(is_known);
                let service = || signers.services.iter().find(|(_, known)| *known == key);
                listed.or_else(service).map(|(names, _)| names.clone())
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
        let outside = signers.iter().flat_map(|it| it.listed.iter().flatten().chain(&it.services));
        let outside = outside.filter_map(|(_, key)| PublicKey::try_from(key).ok());
        let keys = writers(ledger).into_iter().chain(outside);
        let keys: Vec<_> = keys.filter_map(|key| verifier_key(entry, key).ok()).collect();
        let proof = self.bundle.get(PROOF_FILE);
        let proof = proof.and_then(|content| TlogProof::parse(&content.bytes).ok());
        if let Some(Err(why)) = proof.map(|proof| proof.signed_by(&keys).map(drop)) {
            self.finding(Step::Tree, format!("{PROOF_FILE}: {why}"));
        }
    }

    /// Checks that each person who signed the entry, or a commit on which it rests, did so with a key that
    /// is listed outside as theirs: who makes a bundle can make its roster, too.
    fn people(&mut self, commit: Oid, entry: &Entry, org: &Org, signers: &Signers) {
        let Some(listed) = &signers.listed else { return };
        let it = &entry.statement.predicate;
        let material = it.material.iter().filter_map(|it| it.name.strip_prefix("commits/"));
        let mut commits: Vec<_> = material.filter_map(|id| Oid::from_str(id).ok()).collect();
        let is_by_person = it.collector.kind == CollectorKind::Person;
        commits.extend(Some(commit).filter(|_| is_by_person));
        let people = People::of(&org.roster);
        let mut owners: BTreeMap<&str, Login> = BTreeMap::new();
        for id in commits {
            let what = if id == commit { "the entry".to_owned() } else { short(id).to_string() };
            let key = match self.repo.signature(id) {
                Signature::By(key) => key,
                Signature::None if id != commit && org.tolerates(Unproven::Unsigned) => {
                    let why = format!("nobody signed {what}, on which the decision rests");
                    self.finding(Step::Signature, why);
                    continue;
                }
                // By itself, that proves nothing to the decision.
                _ => continue,
            };
            let Some(login) = people.with_key(&key) else { continue };
            let emails = org.roster.people.get(login).map(|person| person.emails.as_slice());
            let emails = emails.unwrap_or_default();
            let is_theirs = |name: &str| {
                name == login.as_str()
                    || emails.iter().any(|email| email.eq_ignore_ascii_case(name))
            };
            let owner = listed
                .iter()
                .find(|(names, known)| *known == key && names.split(',').any(is_theirs));
            let is_known = owner.is_some_and(|(names, _)| {
                owners.entry(names).or_insert_with(|| login.clone()) == login
            });
            if !is_known {
                let (key, from) = (key.fingerprint(), &signers.name);
                let why = format!(
                    "{what} is signed with {key}, by {login} as the bundle's roster says, and {from} \
                     doesn't hold that key as theirs"
                );
                self.finding(Step::Signature, why);
            }
        }
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
