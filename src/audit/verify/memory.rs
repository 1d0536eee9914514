//! What was verified earlier, remembered outside of the repository, so that a later run can begin behind
//! it: a file for each log and repository.
//!
//! It is used by the same version of the program alone, where the ledger still holds the commit of the
//! last entry, and the evidence that of its last commit. Commits name what is before them, so that
//! nothing there can have been replaced by other entries. That the objects themselves are still what
//! their ids say isn't looked at again.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use super::around::Told;
use super::entry::Checked;
use super::signing::Services;
use super::{Run, Verification};
use crate::audit::anchor::Anchor;
use crate::audit::case::{self, Kept, Tips};
use crate::core::digest::Digest;
use crate::core::record::checkpoint::Checkpoint;
use crate::core::record::parts::{Engine, Hex, ObjectId};
use crate::core::record::tree::{Hash, Tree};
use crate::core::time::Time;
use crate::files;
use crate::gate::recording::evidence_branch;
use crate::git::{Oid, Repo};
use crate::ledger::{self, Placed, back, object_id, oid, read_back};

/// Where it is remembered what was verified, and whether that is used.
pub struct Memory {
    /// The folder.
    pub folder: PathBuf,
    /// Whether what was verified earlier isn't verified again.
    pub is_used: bool,
    /// The time at which this run began.
    pub now: Time,
}

/// What was verified.
#[derive(Deserialize, Serialize)]
struct Remembered {
    program: Engine,
    base_ref: String,
    /// When the last of the entries were verified.
    verified_at: Time,
    /// The commit of the last entry.
    commit: ObjectId,
    /// The branch with the evidence, and its newest commit about one of the entries.
    evidence: Option<(String, ObjectId)>,
    found: Verification,
    /// Which services may sign.
    services: Services,
    /// When each entry was recorded, in seconds of Unix time.
    times: Vec<i64>,
    /// The leaves of the tree, one behind the other.
    leaves: String,
    /// The tree over them.
    #[serde(skip)]
    tree: Tree,
}

/// The part of a ledger that a run verifies.
pub(super) struct Part {
    /// Its commits, oldest first.
    pub(super) line: Vec<Oid>,
    /// What is known of those before it.
    pub(super) run: Run,
    /// The log that was verified earlier, if this one doesn't hold it any more.
    pub(super) lost: Option<Anchor>,
}

impl Part {
    /// Returns the part of the ledger that isn't verified yet: all of it without a memory.
    ///
    /// # Errors
    /// When there is no ledger, or when the repository can't be read.
    pub(super) fn of(
        repo: &Repo,
        tips: Tips<'_>,
        base_ref: &str,
        memory: Option<&Memory>,
    ) -> anyhow::Result<Self> {
        let tip = case::tip(tips)?;
        let known = memory.filter(|memory| memory.is_used).and_then(|memory| {
            let origin = ledger::tip(repo, tip).ok()?.entry.statement.predicate.origin;
            Remembered::read(&memory.file(repo, &origin), base_ref)
        });
        let mut lost = None;
        if let Some(known) = known {
            match behind(repo, tip, oid(&known.commit)?)? {
                None => lost = known.anchor(),
                Some(line) => {
                    if let Ok(run) = known.resume(repo, tips, tip) {
                        return Ok(Part { line, run, lost: None });
                    }
                }
            }
        }
        let run = Run { evidence: case::evidence(repo, tips)?, ..Run::default() };
        Ok(Part { line: case::line(repo, tips)?, run, lost })
    }
}

/// Returns the commits of the ledger behind one of them, oldest first; `None` if it doesn't hold that.
fn behind(repo: &Repo, tip: Oid, last: Oid) -> anyhow::Result<Option<Vec<Oid>>> {
    let mut line = Vec::new();
    for commit in back(repo, tip) {
        let commit = commit?;
        if commit == last {
            line.reverse();
            return Ok(Some(line));
        }
        line.push(commit);
    }
    Ok(None)
}

impl Memory {
    /// Returns the file about a log in a repository.
    fn file(&self, repo: &Repo, origin: &str) -> PathBuf {
        let about = format!("{origin}\n{}", repo.folder().display());
        let name = String::from(Hex(Digest::of(about.as_bytes())));
        self.folder.join(format!("{name}.json"))
    }

    /// Remembers what a run has verified, up to the last entry. `found` is what it found of the entries.
    ///
    /// # Errors
    /// When the file can't be written.
    pub(super) fn keep(
        &self,
        repo: &Repo,
        base_ref: &str,
        run: &Run,
        found: Verification,
    ) -> anyhow::Result<()> {
        let branch = evidence_branch(&run.state.evidence)?;
        let evidence = run.last_evidence.map(|commit| (branch.to_owned(), object_id(commit)));
        let leaves: Vec<u8> = run.tree.leaves().iter().flat_map(|leaf| leaf.0).collect();
        let path = self.file(repo, &found.origin);
        let remembered = Remembered {
            program: Engine::this(crate::COMMIT),
            base_ref: base_ref.to_owned(),
            verified_at: self.now,
            commit: object_id(run.last.context("there is no entry")?),
            evidence,
            found: Verification { root: run.state.tree.root().to_string(), ..found },
            services: run.services.remembered(),
            times: run.times.clone(),
            leaves: BASE64.encode(leaves),
            tree: Tree::default(),
        };
        Ok(files::replace(&path, &serde_json::to_vec(&remembered)?)?)
    }
}

impl Run {
    /// Reads which pull requests those entries are about that new ones name as the ones before them, and
    /// that were verified earlier.
    pub(super) fn recall(&mut self, folder: &Path, checked: &[Checked]) -> anyhow::Result<()> {
        let Some(behind) = self.behind else { return Ok(()) };
        let new = || checked.iter().filter_map(|it| it.entry.as_ref().ok());
        let named = new().filter_map(|entry| entry.statement.predicate.previous.clone()?);
        let mut wanted: HashSet<_> = named.filter(|id| !self.pulls.contains_key(id)).collect();
        new().for_each(|entry| {
            wanted.remove(&entry.id);
        });
        if wanted.is_empty() {
            return Ok(());
        }
        read_back(folder, behind, |Placed { entry, .. }| {
            if wanted.remove(&entry.id) {
                let told = Told::of(&entry.statement.predicate);
                // The reason of a bypass follows from all that was decided on it.
                wanted.extend(told.previous.clone());
                self.pulls.insert(entry.id, told);
            }
            match wanted.is_empty() {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        })?;
        Ok(())
    }
}

impl Remembered {
    /// Reads what this version of the program verified; `None` if there is nothing, or nothing of use.
    fn read(path: &Path, base_ref: &str) -> Option<Self> {
        let mut known: Self = serde_json::from_slice(&files::read(path).ok()?).ok()?;
        let bytes = BASE64.decode(&known.leaves).ok()?;
        known.tree = bytes.as_chunks().0.iter().map(|leaf| Hash(*leaf)).collect();
        let (size, found) = (known.tree.size(), &known.found);
        let is_whole = found.entries == size
            && known.times.len() as u64 == size
            && known.tree.root_at(size).is_some_and(|root| root.to_string() == found.root);
        let is_ours = known.program == Engine::this(crate::COMMIT) && known.base_ref == base_ref;
        (is_whole && is_ours).then_some(known)
    }

    /// Returns the run as it was behind the last entry.
    fn resume(self, repo: &Repo, tips: Tips<'_>, tip: Oid) -> anyhow::Result<Run> {
        let commit = oid(&self.commit)?;
        let entry = ledger::read(repo, commit)?.entry?;
        let it = entry.statement.predicate;
        let is_its = self.found.entries == entry.index + 1
            && self.found.root == entry.state.tree.root().to_string()
            && self.found.origin == it.origin;
        ensure!(is_its, "what was remembered is of another log");
        let now = ledger::tip(repo, tip)?.entry.state.evidence;
        ensure!(now == entry.state.evidence, "evidence of what was verified was erased since");
        let bypasses = self.found.bypasses.iter().enumerate();
        let brought = bypasses.clone().filter(|(_, it)| it.policies.is_some());
        let brought = brought.map(|(place, _)| place).collect();
        let bypasses = bypasses.map(|(place, it)| Ok((it.entry.parse()?, place)));
        let earlier = super::Earlier {
            entries: self.found.entries,
            at: self.verified_at,
            program: format!("{} {}", self.program.name, self.program.version),
        };
        Ok(Run {
            evidence: self.evidence(repo, tips)?,
            leaves: self.tree.leaves().iter().copied().collect(),
            state: entry.state,
            last: Some(commit),
            behind: Some(commit),
            last_evidence: self.evidence.as_ref().map(|(_, last)| oid(last)).transpose()?,
            bypasses: bypasses.collect::<Result<_, String>>().map_err(|why| anyhow!(why))?,
            brought,
            repository: Some(it.repository),
            recorded_at: Some(it.recorded_at),
            out: Verification { earlier: Some(earlier), ..self.found },
            tree: self.tree,
            services: self.services,
            times: self.times,
            ..Run::default()
        })
    }

    /// Returns the evidence behind what was there.
    fn evidence(&self, repo: &Repo, tips: Tips<'_>) -> anyhow::Result<Kept> {
        let mut found = HashMap::new();
        let (last, mut next) = match &self.evidence {
            Some((branch, last)) => (Some(oid(last)?), tips(branch)?),
            None => return case::evidence(repo, tips),
        };
        while let Some(id) = next.filter(|_| next != last) {
            let commit = repo.commit(id)?;
            if let Ok(entry) = commit.message.trim_end().parse::<Digest>() {
                found.insert(entry, id);
            }
            next = commit.parents.first().copied();
        }
        ensure!(next == last, "the evidence isn't what it was");
        Ok(Kept { commits: found, ..Kept::default() })
    }

    /// Returns the log that was verified, to be held against another one.
    fn anchor(&self) -> Option<Anchor> {
        let checkpoint = Checkpoint {
            origin: self.found.origin.parse().ok()?,
            size: self.found.entries,
            root: self.found.root.parse().ok()?,
        };
        let name =
            format!("that was verified here until {} UTC", self.verified_at.for_people(None));
        Some(Anchor { name, note: checkpoint.note(), checkpoint })
    }
}
