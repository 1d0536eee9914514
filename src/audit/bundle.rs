//! A bundle: everything that proves one entry, as files that are checked with no repository.
//!
//! ```text
//! entry.json checkpoint state [entry.sig]   the files of the entry
//! commit                                    the commit that holds them, as Git stores it
//! entry.tlog-proof                          its place in the log as it was when the bundle was made
//! base/commit base/tree base/policies/…     where it was judged: the commit, its top folder, the policies
//! head/tree head/policies/…                 the same of the head of a change of policies
//! tip/commit                                what reached the base
//! material/…                                what the decision rests on
//! allowed_signers                           the keys of people and services in base/, as ssh-keygen reads them
//! [entry.dsse.json entry.sigstore.json]     the statement with a service's signature
//! VERIFY.md                                 how to check all of it by hand
//! ```
//!
//! Nothing in it has to be believed: each file is bound by a digest to the statement or to the commit,
//! or is made again from the others.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, anyhow, bail, ensure};

use super::case::{Kept, Tips};
use super::find::Search;
use super::log::Log;
use crate::content::people::allowed_signers;
use crate::core::layout::POLICIES;
use crate::core::record::dsse::Envelope;
use crate::core::record::entry::{
    CHECKPOINT_FILE, Entry, SIGNATURES_FILE, STATE_FILE, STATEMENT_FILE,
};
use crate::core::record::proof::TlogProof;
use crate::core::record::seal::Seal;
use crate::core::terms::one_of;
use crate::gate::judge::Judges;
use crate::git::{Kind, Oid, Repo};
use crate::ledger::{Placed, oid};

mod by_hand;
mod check;
pub mod folder;
mod found;
pub mod zip;

pub use check::verify;
pub use found::{Signed, Signers, Verified};

const COMMIT_FILE: &str = "commit";
const PROOF_FILE: &str = "entry.tlog-proof";
const SIGNERS_FILE: &str = "allowed_signers";
const ENVELOPE_FILE: &str = "entry.dsse.json";
const SIGSTORE_FILE: &str = "entry.sigstore.json";
const BY_HAND_FILE: &str = "VERIFY.md";
const MATERIAL: &str = "material/";

/// A file of a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// What it holds.
    pub bytes: Vec<u8>,
    /// Whether Git holds it as a program, which belongs to the digest of its folder.
    pub is_executable: bool,
}

/// The files of a bundle, by their paths.
pub type Bundle = BTreeMap<String, Content>;

/// Makes the bundle of the entry that a person names as [`Search`] takes it.
///
/// # Errors
/// When there is no such entry or more than one, or when the ledger can't be read or relied on.
pub fn make(
    folder: &Path,
    tips: Tips<'_>,
    judges: &Judges,
    name: &str,
) -> anyhow::Result<(Entry, Bundle)> {
    let mut search = Search::of(name);
    let log = Log::read(folder, tips, |placed| {
        let _ = search.take(placed);
    })?;
    let repo = Repo::open(folder)?;
    let found = search.end(&repo, tips, log.tip, None)?;
    let [Placed { commit, entry, seal, .. }] = &found.entries[..] else {
        let all: Vec<_> = found.entries.iter().map(|it| it.entry.index).collect();
        bail!("`{name}` can mean several entries: name one of them by its index, {}", one_of(&all));
    };
    let mut making = Making { repo: &repo, bundle: Bundle::new() };
    making.entry(*commit)?;
    making.material(&found.kept, entry)?;
    making.surroundings(entry)?;
    let base = entry.statement.predicate.base.as_ref().context("the entry names no base")?;
    let judge = judges.at(&repo, oid(&base.commit)?)?;
    let org = &judge.bundle().org;
    let signers = allowed_signers(&org.roster, &org.settings.ledger);
    making.put(SIGNERS_FILE, signers.into_bytes());
    let proof = proof(&log, &repo, entry.index)?;
    making.put(PROOF_FILE, proof.to_string().into_bytes());
    let mut bundle = making.bundle;
    for (name, bytes) in derived(entry, seal.as_ref(), &proof, &bundle) {
        bundle.insert(name.to_owned(), Content { bytes, is_executable: false });
    }
    Ok((entry.clone(), bundle))
}

/// Returns the files of a bundle that follow from the others.
fn derived(
    entry: &Entry,
    seal: Option<&Seal>,
    proof: &TlogProof,
    bundle: &Bundle,
) -> Vec<(&'static str, Vec<u8>)> {
    let mut files = Vec::new();
    if let Some(seal) = seal {
        let signatures = seal.signatures().clone();
        let envelope = Envelope { statement: entry.statement.bytes(), signatures };
        files.push((ENVELOPE_FILE, envelope.to_string().into_bytes()));
        files.push((SIGSTORE_FILE, envelope.sigstore_bundle().into_bytes()));
    }
    let by_hand = by_hand::text(entry, proof, bundle, seal.map(Seal::key));
    files.push((BY_HAND_FILE, by_hand.into_bytes()));
    files
}

/// Returns the proof of an entry in the log as it is now.
fn proof(log: &Log, repo: &Repo, index: u64) -> anyhow::Result<TlogProof> {
    let hashes = log.tree.inclusion(index, log.tree.size());
    let hashes = hashes.context("the ledger skips an index: run `changegate audit verify`")?;
    let proof = TlogProof::of(index, hashes, log.checkpoint(repo)?);
    proof.map_err(|why| anyhow!("the last checkpoint can't be used: {why}"))
}

/// Collects the files of a bundle from a repository.
struct Making<'a> {
    repo: &'a Repo,
    bundle: Bundle,
}

impl Making<'_> {
    fn put(&mut self, path: &str, bytes: Vec<u8>) {
        self.bundle.insert(path.to_owned(), Content { bytes, is_executable: false });
    }

    /// Puts the entry's commit, and its files as they are there.
    fn entry(&mut self, commit: Oid) -> anyhow::Result<()> {
        self.put(COMMIT_FILE, self.repo.commit_bytes(commit)?);
        for name in [CHECKPOINT_FILE, STATEMENT_FILE, STATE_FILE, SIGNATURES_FILE] {
            if let Some(file) = self.repo.entry(commit, name)? {
                self.put(name, self.repo.bytes(file.id)?);
            }
        }
        Ok(())
    }

    /// Puts what the entry rests on, as far as it is there.
    ///
    /// # Errors
    /// When some of it was erased: a bundle couldn't prove that.
    fn material(&mut self, kept: &Kept, entry: &Entry) -> anyhow::Result<()> {
        let Some(commit) = kept.commits.get(&entry.id) else { return Ok(()) };
        for material in &entry.statement.predicate.material {
            if let Some(index) = kept.erased(entry, material) {
                bail!(
                    "{} of entry {} was erased by entry {index}, so that no bundle can prove it",
                    material.name,
                    entry.index
                );
            }
            if let Some(file) = self.repo.entry(*commit, &material.name)? {
                self.put(&format!("{MATERIAL}{}", material.name), self.repo.bytes(file.id)?);
            }
        }
        Ok(())
    }

    /// Puts where it was judged, what it brought there, and what reached the base.
    fn surroundings(&mut self, entry: &Entry) -> anyhow::Result<()> {
        let it = &entry.statement.predicate;
        let base = it.base.as_ref().context("the entry names no base")?;
        let base = oid(&base.commit)?;
        self.put("base/commit", self.repo.commit_bytes(base)?);
        self.policies("base", base)?;
        let is_request = it.material.iter().any(|material| material.name == "request.yaml");
        if let (Some(head), false, Some(_)) = (&it.head, is_request, &it.decision) {
            self.policies("head", oid(head)?)?;
        }
        if let Some(merge) = &it.merge {
            self.put("tip/commit", self.repo.commit_bytes(oid(&merge.covers.to)?)?);
        }
        Ok(())
    }

    /// Puts the top folder of a commit, and its policies.
    fn policies(&mut self, place: &str, commit: Oid) -> anyhow::Result<()> {
        self.put(&format!("{place}/tree"), self.repo.folder_bytes(commit)?);
        for (path, file) in self.repo.files_below(commit, POLICIES)? {
            ensure!(
                matches!(file.kind, Kind::File | Kind::Executable),
                "{path} at {commit} is not a regular file, so that no bundle can hold it"
            );
            let content = Content {
                bytes: self.repo.bytes(file.id)?,
                is_executable: file.kind == Kind::Executable,
            };
            self.bundle.insert(format!("{place}/{path}"), content);
        }
        Ok(())
    }
}
