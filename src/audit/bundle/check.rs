//! Verifies a bundle, with no repository: puts its objects into one in memory, by their ids, and checks
//! the entry there as in any other.

use std::collections::{BTreeSet, HashMap};

use anyhow::{Context as _, ensure};

use super::found::{Signers, Verified};
use super::{
    BY_HAND_FILE, Bundle, COMMIT_FILE, Content, MATERIAL, PROOF_FILE, SIGNERS_FILE, by_hand,
    derived,
};
use crate::audit::anchor::Anchor;
use crate::audit::case::Kept;
use crate::audit::verify::entry;
use crate::audit::{Finding, Step};
use crate::content::people::allowed_signers;
use crate::core::layout::POLICIES;
use crate::core::record::checkpoint::Checkpoint;
use crate::core::record::entry::{
    CHECKPOINT_FILE, Entry, SIGNATURES_FILE, STATE_FILE, STATEMENT_FILE,
};
use crate::core::record::proof::TlogProof;
use crate::core::record::seal::Seal;
use crate::core::record::statement::Unreadable;
use crate::core::record::tree::Hash;
use crate::gate::judge::Judges;
use crate::git::{self, Kind, Oid, Repo};
use crate::ledger::{self, oid};

mod signature;

/// Verifies a bundle: against checkpoints and keys from outside, if there are any.
///
/// # Errors
/// When something is missing without which nothing can be said.
pub fn verify(
    bundle: &Bundle,
    judges: &Judges,
    signers: Option<&Signers>,
    anchors: &[Anchor],
) -> anyhow::Result<Verified> {
    for name in [STATEMENT_FILE, CHECKPOINT_FILE, STATE_FILE, COMMIT_FILE, PROOF_FILE] {
        ensure!(bundle.contains_key(name), "this is not a bundle of an entry: it has no {name}");
    }
    let mut check = Check {
        bundle,
        repo: Repo::in_memory()?,
        known: BTreeSet::new(),
        out: Verified::default(),
    };
    let Some((commit, entry, seal)) = check.entry()? else { return Ok(check.out) };
    check.proof(&entry, anchors);
    check.surroundings(&entry)?;
    let evidence = check.material(&entry)?;
    if check.out.findings.is_empty() {
        check.decision(commit, judges, &evidence)?;
        check.signature(commit, &entry, seal.as_ref(), judges, signers);
    }
    check.rest(&entry, seal.as_ref(), judges);
    Ok(check.out)
}

struct Check<'a> {
    bundle: &'a Bundle,
    repo: Repo,
    /// The files that were looked at.
    known: BTreeSet<&'a str>,
    out: Verified,
}

impl<'a> Check<'a> {
    fn finding(&mut self, step: Step, message: impl Into<String>) {
        let index = Some(self.out.index);
        self.out.findings.push(Finding { step, index, commit: None, message: message.into() });
    }

    /// Takes a file of the bundle.
    fn take(&mut self, name: &str) -> Option<&'a Content> {
        let (name, content) = self.bundle.get_key_value(name)?;
        self.known.insert(name);
        Some(content)
    }

    /// Reads the entry from its commit.
    fn entry(&mut self) -> anyhow::Result<Option<(Oid, Entry, Option<Seal>)>> {
        let mut files = Vec::new();
        for name in [CHECKPOINT_FILE, STATEMENT_FILE, STATE_FILE, SIGNATURES_FILE] {
            if let Some(content) = self.take(name) {
                files.push((name, Some(git::Entry::file(self.repo.store(&content.bytes)?))));
            }
        }
        let tree = self.repo.store_tree(None, files)?;
        let bytes = self.take(COMMIT_FILE).map(|it| it.bytes.as_slice()).unwrap_or_default();
        let commit = self.repo.store_commit(bytes)?;
        let held = self.repo.commit(commit);
        if held.as_ref().ok().map(|it| it.tree) != Some(tree) {
            let why = "the commit holds another entry: entry.json, checkpoint, state, entry.sig or \
                       commit was changed";
            self.finding(Step::Line, why);
            return Ok(None);
        }
        let recorded = ledger::read(&self.repo, commit)?;
        let entry = match recorded.entry {
            Ok(entry) => entry,
            Err(Unreadable::Newer(format)) => {
                self.out.newer = Some(format!("the entry is of format {format}"));
                return Ok(None);
            }
            Err(error) => {
                self.finding(Step::Line, format!("the commit holds no entry: {error}"));
                return Ok(None);
            }
        };
        self.out.origin.clone_from(&entry.statement.predicate.origin);
        self.out.index = entry.index;
        self.out.id = entry.id.to_string();
        let text = entry.message();
        self.out.title = text.lines().next().unwrap_or_default().to_owned();
        Ok(Some((commit, entry, recorded.seal)))
    }

    /// Checks that the log holds the entry, and that checkpoints from outside are of this log.
    fn proof(&mut self, entry: &Entry, anchors: &[Anchor]) {
        let bytes = self.take(PROOF_FILE).map(|it| it.bytes.as_slice()).unwrap_or_default();
        let proof = match TlogProof::parse(bytes) {
            Ok(proof) => proof,
            Err(why) => return self.finding(Step::Tree, format!("{PROOF_FILE}: {why}")),
        };
        let Checkpoint { origin, size, root } = proof.checkpoint();
        (self.out.entries, self.out.root) = (*size, root.to_string());
        if origin.to_string() != self.out.origin || proof.index() != entry.index {
            let why = format!("{PROOF_FILE} is about another entry or another log");
            self.finding(Step::Tree, why);
        }
        match proof.up_to(entry.leaf) {
            None => {
                let why = format!("{PROOF_FILE} doesn't prove that the log holds this entry");
                self.finding(Step::Tree, why);
            }
            Some(tree) if tree != entry.state.tree => {
                let why = "the entries before it aren't those that its commit names".to_owned();
                self.finding(Step::Tree, why);
            }
            Some(_) => {
                let own = (entry.index + 1, entry.state.tree.root());
                anchors.iter().for_each(|anchor| self.anchor(anchor, [own, (*size, *root)]));
            }
        }
    }

    /// Holds a checkpoint from outside against the sizes of the log whose roots are proved.
    fn anchor(&mut self, anchor: &Anchor, proved: [(u64, Hash); 2]) {
        let Anchor { name, checkpoint: it, .. } = anchor;
        if it.origin.to_string() != self.out.origin {
            let why = format!("the checkpoint {name} is of another log, {}", it.origin);
            return self.finding(Step::Anchors, why);
        }
        match proved.iter().find(|(size, _)| *size == it.size) {
            None => self.out.not_compared.push(format!("{name}, of {} entries", it.size)),
            Some((_, root)) if *root == it.root => self.out.anchors += 1,
            Some(_) => {
                let why = format!("the checkpoint {name} is of a log with other entries");
                self.finding(Step::Anchors, why);
            }
        }
    }

    /// Checks where it was judged, and what reached the base.
    fn surroundings(&mut self, entry: &Entry) -> anyhow::Result<()> {
        let it = &entry.statement.predicate;
        let base = it.base.as_ref().context("the entry names no base")?;
        self.commit("base/commit", &base.commit.to_string())?;
        self.policies("base", &base.commit.to_string())?;
        if let Some(merge) = &it.merge {
            self.commit("tip/commit", &merge.covers.to.to_string())?;
        }
        Ok(())
    }

    /// Stores a commit, which has to have this id.
    fn commit(&mut self, path: &str, id: &str) -> anyhow::Result<()> {
        let Some(content) = self.take(path) else {
            self.finding(Step::Provenance, format!("{path} is missing"));
            return Ok(());
        };
        if self.repo.store_commit(&content.bytes)?.to_string() != id {
            self.finding(Step::Provenance, format!("{path} isn't the commit {id}"));
        }
        Ok(())
    }

    /// Stores the top folder and the policies of a commit that is stored.
    fn policies(&mut self, place: &str, commit: &str) -> anyhow::Result<()> {
        let top = format!("{place}/tree");
        let Some(bytes) = self.take(&top).map(|it| it.bytes.as_slice()) else {
            self.finding(Step::Provenance, format!("{top} is missing"));
            return Ok(());
        };
        let commit = self.repo.commit_with_id(commit);
        let commit = commit.map(|id| self.repo.commit(id)).transpose()?;
        let tree = commit.map(|commit| commit.tree);
        let folder = self.folder(&format!("{place}/{POLICIES}/"))?;
        let held = self.repo.store_folder(bytes)?;
        if Some(held) != tree {
            let why = format!("{top} isn't the folder of its commit");
            self.finding(Step::Provenance, why);
        } else if self.repo.entry(held, POLICIES)?.map(|entry| entry.id) != Some(folder) {
            let why = format!("{place}/{POLICIES} isn't what its commit holds: a file was changed");
            self.finding(Step::Provenance, why);
        }
        Ok(())
    }

    /// Stores the files below a folder of the bundle, and returns the folder's id.
    fn folder(&mut self, prefix: &str) -> anyhow::Result<Oid> {
        let mut files = Vec::new();
        for (path, content) in self.bundle.range(prefix.to_owned()..) {
            let Some(name) = path.strip_prefix(prefix) else { break };
            let kind = if content.is_executable { Kind::Executable } else { Kind::File };
            let id = self.repo.store(&content.bytes)?;
            files.push((name, Some(git::Entry { kind, id })));
            self.known.insert(path);
        }
        self.repo.store_tree(None, files)
    }

    /// Stores what the decision rests on as evidence, and returns where it is.
    fn material(&mut self, entry: &Entry) -> anyhow::Result<Kept> {
        let it = &entry.statement.predicate;
        if it.material.is_empty() {
            return Ok(Kept::default());
        }
        let files = self.folder(MATERIAL)?;
        for (path, content) in self.bundle {
            if path.starts_with("material/commits/") {
                self.repo.store_commit(&content.bytes)?;
            }
        }
        if let Some(head) = &it.head
            && self.bundle.contains_key("head/tree")
        {
            self.policies("head", &head.to_string())?;
        }
        self.out.material = it.material.len();
        let mut evidence = self.repo.top_files(files)?;
        if let Some(policies) = &it.policies {
            let folder = git::Entry { kind: Kind::Folder, id: oid(&policies.git_tree)? };
            evidence.push((POLICIES.to_owned(), folder));
        }
        let evidence = evidence.iter().map(|(name, entry)| (name.as_str(), Some(*entry)));
        let evidence = match self.repo.store_tree(None, evidence) {
            Ok(tree) => tree,
            Err(_) => {
                self.finding(Step::Material, "the policies that decided aren't those in base/");
                files
            }
        };
        let commits = HashMap::from([(entry.id.clone(), evidence)]);
        Ok(Kept { commits, ..Kept::default() })
    }

    /// Checks the commit, what the entry rests on, and its decision.
    fn decision(&mut self, commit: Oid, judges: &Judges, evidence: &Kept) -> anyhow::Result<()> {
        let checked = entry::check_apart(&self.repo, judges, commit, evidence);
        for (step, message) in checked.findings {
            self.finding(step, message);
        }
        if let Some(add) = checked.replay {
            add(&mut self.out.replayed);
        }
        Ok(())
    }

    /// Checks the files that follow from others, and that there are no more.
    fn rest(&mut self, entry: &Entry, seal: Option<&Seal>, judges: &Judges) {
        let base = entry.statement.predicate.base.as_ref();
        let base = base.and_then(|base| oid(&base.commit).ok());
        let judge = base.and_then(|base| judges.at(&self.repo, base).ok());
        if let Some(judge) = judge {
            let org = &judge.bundle().org;
            let expected = allowed_signers(&org.roster, &org.settings.ledger);
            self.is_made_of(SIGNERS_FILE, expected.as_bytes(), Step::Signature);
        }
        let proof = self.bundle.get(PROOF_FILE);
        let proof = proof.and_then(|content| TlogProof::parse(&content.bytes).ok());
        let derived = proof.map(|proof| derived(entry, seal, &proof, self.bundle));
        for (name, expected) in derived.unwrap_or_default() {
            let held = self.take(name).map(|content| content.bytes.as_slice());
            let is_of_another_program = name == BY_HAND_FILE
                && held.is_some_and(|bytes| !by_hand::is_of_this_program(bytes));
            if is_of_another_program {
                let what = "another version of changegate wrote it, so that nobody but a reader can \
                            tell what its commands check";
                self.out.not_compared.push(format!("{name}: {what}"));
            } else {
                self.is_made_of(name, &expected, Step::Material);
            }
        }
        if self.out.findings.is_empty() {
            let bundle = self.bundle;
            for path in bundle.keys().filter(|path| !self.known.contains(path.as_str())) {
                let index = Some(self.out.index);
                let message = format!("{path} doesn't belong to the bundle");
                let finding = Finding { step: Step::Material, index, commit: None, message };
                self.out.findings.push(finding);
            }
        }
    }

    /// Checks that a file holds what follows from the others.
    fn is_made_of(&mut self, name: &str, expected: &[u8], step: Step) {
        match self.take(name) {
            None => self.finding(step, format!("{name} is missing")),
            Some(content) if content.bytes == expected => {}
            Some(_) => {
                self.finding(step, format!("{name} was changed: it doesn't follow from the rest"));
            }
        }
    }
}
