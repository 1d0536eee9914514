//! A recorded decision as a case, to be decided again: what it rests on, read from its evidence.

use std::collections::{BTreeMap, HashMap};

use anyhow::Context as _;

use crate::content::conflicts::Known;
use crate::core::decision::Case;
use crate::core::digest::Digest;
use crate::core::evidence::Evidence;
use crate::core::layout::POLICIES;
use crate::core::org::Org;
use crate::core::record::entry::Entry;
use crate::core::record::parts::{About, Hex, Material, Refusal};
use crate::core::record::state::EVIDENCE;
use crate::core::record::statement::Predicate;
use crate::core::request::RequestFile;
use crate::core::time::Time;
use crate::gate::REFUSALS;
use crate::gate::erasure::{self, Erased};
use crate::gate::record::REFUSALS_FILE;
use crate::gate::recording::evidence_branch;
use crate::git::{Fresh, Kind, Oid, Repo, commit_id};
use crate::ledger::{self, LEDGER, object_id, oid};

/// Returns the tip of a branch of the repository that is audited.
pub type Tips<'a> = &'a dyn Fn(&str) -> anyhow::Result<Option<Oid>>;

/// The files that an entry rests on, by name.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Returns the commits of the ledger, oldest first.
///
/// # Errors
/// When there is no ledger, or when it can't be read.
pub fn line(repo: &Repo, tips: Tips<'_>) -> anyhow::Result<Vec<Oid>> {
    let mut line = ledger::line(repo, tip(tips)?)?;
    line.reverse();
    Ok(line)
}

/// Returns the tip of the ledger.
///
/// # Errors
/// When there is none, or when it can't be read.
pub fn tip(tips: Tips<'_>) -> anyhow::Result<Oid> {
    tips(LEDGER)?.with_context(|| {
        format!("there is no branch {LEDGER}: begin it with `changegate init --ledger`")
    })
}

/// What is kept of what the entries rest on.
#[derive(Default)]
pub struct Kept {
    /// The commits with evidence, by the ids of their entries.
    pub commits: HashMap<Digest, Oid>,
    /// The erasures that a change of policies allowed.
    pub erasures: Vec<Erasure>,
    /// The requests on the bases, each read once; `None` where few entries need them.
    pub requests: Option<Known>,
}

/// An erasure that a change of policies allowed.
pub struct Erasure {
    /// The index of its note.
    pub index: u64,
    /// The id of its note.
    pub id: Digest,
    /// The index of the entry about the change of policies that allowed it.
    pub allowed_by: u64,
    /// The files that it took out, with the indexes of the entries that rest on them.
    pub files: Vec<(u64, String)>,
    /// What it took out.
    erased: Erased,
}

impl Kept {
    /// Takes these commits with evidence, on the branch that the last entry of a ledger names.
    pub(super) fn of(
        repo: &Repo,
        tip: Oid,
        branch: &str,
        commits: HashMap<Digest, Oid>,
    ) -> anyhow::Result<Self> {
        let erasures = if branch == EVIDENCE { Vec::new() } else { erasures(repo, tip)? };
        Ok(Kept { commits, erasures, requests: None })
    }

    /// Returns the index of the note behind which a file of an entry is gone; `None` if no erasure took
    /// it out.
    pub fn erased(&self, entry: &Entry, material: &Material) -> Option<u64> {
        let took = |it: &&Erasure| {
            it.erased.entries.contains(&entry.id)
                && oid(&material.git_blob).is_ok_and(|blob| it.erased.blobs.contains(&blob))
        };
        self.erasures.iter().find(took).map(|it| it.index)
    }
}

/// Reads what is kept of what the entries rest on, from the branch that the last one names.
///
/// # Errors
/// When it can't be read.
pub fn evidence(repo: &Repo, tips: Tips<'_>) -> anyhow::Result<Kept> {
    let mut kept = Kept::default();
    let ledger = tips(LEDGER)?;
    // What follows on something newer than this program isn't looked at.
    let last =
        ledger.and_then(|tip| Some((tip, ledger::tip(repo, tip).ok()?.entry.state.evidence)));
    let branch = last.as_ref().map_or(EVIDENCE, |(_, branch)| branch);
    // Who wrote another name there has to be found, and stops nothing.
    let named = evidence_branch(branch).or_else(|_| evidence_branch(EVIDENCE))?;
    let Some(tip) = tips(named)? else { return Ok(kept) };
    let (mut fresh, mut next) = (Fresh::of(repo), Some(tip));
    while let Some(id) = next {
        let commit = fresh.get()?.commit(id)?;
        if let Ok(entry) = commit.message.trim_end().parse::<Digest>() {
            kept.commits.insert(entry, id);
        }
        next = commit.parents.first().copied();
    }
    if let Some((tip, _)) = last.filter(|(_, branch)| branch != EVIDENCE) {
        kept.erasures = erasures(repo, tip)?;
    }
    Ok(kept)
}

/// Returns the erasures on a ledger that do what a change of policies before them allows, and say so.
fn erasures(repo: &Repo, tip: Oid) -> anyhow::Result<Vec<Erasure>> {
    let entries = erasure::entries(repo, tip)?;
    let mut found = Vec::new();
    for (place, entry) in entries.iter().enumerate() {
        let it = &entry.statement.predicate;
        let note = it.note.as_ref().filter(|note| note.about == About::Erasure);
        let approved_by = note.and_then(|note| note.approved_by.as_ref());
        let before = &entries[..place];
        let (Some(note), Some(base)) = (note, &it.base) else { continue };
        let merged = before.iter().find(|entry| Some(&entry.id) == approved_by);
        let Some(merged) = merged else { continue };
        let erased = oid(&base.commit).and_then(|base| Erased::by(repo, merged, base, before));
        let Ok(erased) = erased else { continue };
        if !erased.entries.is_empty() && erased.entries == note.entries {
            let mut files = Vec::new();
            for other in before.iter().filter(|it| erased.entries.contains(&it.id)) {
                let material = other.statement.predicate.material.iter();
                let gone = material
                    .filter(|it| oid(&it.git_blob).is_ok_and(|blob| erased.blobs.contains(&blob)));
                files.extend(gone.map(|it| (other.index, it.name.clone())));
            }
            let (index, id, allowed_by) = (entry.index, entry.id.clone(), merged.index);
            found.push(Erasure { index, id, allowed_by, files, erased });
        }
    }
    Ok(found)
}

/// What is there of the material of an entry.
#[derive(Default)]
pub struct Found {
    /// The files that are what the statement says, by name.
    pub files: Files,
    /// The names of those that an erasure took out, each with the index of its note.
    pub erased: Vec<(String, u64)>,
    /// What is wrong with the rest.
    pub problems: Vec<String>,
}

/// Reads the material of an entry.
///
/// # Errors
/// When the repository can't be read.
pub fn material(repo: &Repo, entry: &Entry, kept: &Kept) -> anyhow::Result<Found> {
    let Found { mut files, mut erased, mut problems } = Found::default();
    let it = &entry.statement.predicate;
    if it.material.is_empty() {
        return Ok(Found::default());
    }
    let Some(commit) = kept.commits.get(&entry.id) else {
        problems.push("its evidence is missing: nothing in it can be checked".to_owned());
        return Ok(Found { problems, ..Found::default() });
    };
    let mut held = BTreeMap::new();
    for (name, entry) in repo.top_files(*commit)? {
        if entry.kind != Kind::Folder {
            held.insert(name, entry);
        } else if name != POLICIES {
            held.extend(repo.files_below(*commit, &name)?);
        } else if it.policies.as_ref().map(|it| it.git_tree.to_string())
            != Some(entry.id.to_string())
        {
            problems.push("its evidence holds other policies".to_owned());
        }
    }
    for material in &it.material {
        let name = &material.name;
        let Some(found) = held.remove(name) else {
            if material.withheld.is_some() {
                continue;
            }
            if let Some(index) = kept.erased(entry, material) {
                erased.push((name.clone(), index));
                continue;
            }
            problems.push(format!("{name} is missing in its evidence"));
            continue;
        };
        let bytes = repo.bytes(found.id)?;
        if material.withheld.is_some() {
            problems.push(format!("{name} is said to be withheld, and is there"));
        }
        // Who verifies has each object hashed as it is read.
        let is_same = Hex(Digest::of(&bytes)) == material.sha256
            && bytes.len() as u64 == material.size
            && object_id(found.id) == material.git_blob;
        if !is_same {
            problems.push(format!("{name} was changed in its evidence"));
            continue;
        }
        if let Some(id) = name.strip_prefix("commits/")
            && commit_id(&bytes).to_string() != id
        {
            problems.push(format!("{name} isn't the commit with that id"));
        }
        files.insert(name.clone(), bytes);
    }
    let unnamed =
        held.keys().map(|name| format!("its evidence holds {name}, which it doesn't name"));
    problems.extend(unnamed);
    Ok(Found { files, erased, problems })
}

/// A recorded decision, to be made again.
pub struct Recorded {
    file: Option<RequestFile>,
    evidence: Evidence,
    brings: Option<Org>,
    now: Time,
}

impl Recorded {
    /// Reads it from the material of its entry; `None` if something of it is missing. `path` is the
    /// request's, and `brings` returns the tables that a change of policies brings.
    pub fn read(
        it: &Predicate,
        files: &Files,
        path: Option<&str>,
        brings: impl FnOnce() -> Option<Org>,
    ) -> Option<Self> {
        let now = it.decision.as_ref()?.evaluated_at;
        let evidence = serde_json::from_slice(files.get("evidence.json")?).ok()?;
        let request = path.zip(files.get("request.yaml"));
        let mut file = request.map(|(path, bytes)| RequestFile::read(path, bytes));
        let refusals: Vec<Refusal> = match files.get(REFUSALS_FILE) {
            Some(bytes) => serde_json::from_slice(bytes).ok()?,
            None => Vec::new(),
        };
        if !refusals.iter().map(|refusal| &refusal.code).eq(&it.refusals) {
            return None;
        }
        if let Some(file) = &mut file {
            for refusal in &refusals {
                let code = REFUSALS.into_iter().find(|code| *code == refusal.code);
                file.refuse(code.unwrap_or(REFUSALS[0]), &refusal.message, &refusal.help);
            }
        }
        Some(Recorded { file, evidence, brings: brings(), now })
    }

    /// Returns the case.
    pub fn case(&self) -> Case<'_> {
        let Recorded { file, evidence, brings, now } = self;
        Case { file: file.as_ref(), evidence, brings: brings.as_ref(), now: *now }
    }
}
