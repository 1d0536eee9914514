//! A recorded decision as a case, to be decided again: what it rests on, read from its evidence.

use std::collections::{BTreeMap, HashMap};

use anyhow::Context as _;

use crate::core::decision::Case;
use crate::core::digest::Digest;
use crate::core::evidence::Evidence;
use crate::core::layout::POLICIES;
use crate::core::org::Org;
use crate::core::record::entry::Entry;
use crate::core::record::parts::Hex;
use crate::core::record::state::EVIDENCE;
use crate::core::record::statement::Predicate;
use crate::core::request::RequestFile;
use crate::core::time::Time;
use crate::gate::REFUSALS;
use crate::gate::recording::evidence_branch;
use crate::git::{Kind, Oid, Repo, blob_id, commit_id};
use crate::ledger::{self, LEDGER};

/// Returns the tip of a branch of the repository that is audited.
pub type Tips<'a> = &'a dyn Fn(&str) -> anyhow::Result<Option<Oid>>;

/// The files that an entry rests on, by name.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Returns the commits of the ledger, oldest first.
///
/// # Errors
/// When there is no ledger, or when it can't be read.
pub fn line(repo: &Repo, tips: Tips<'_>) -> anyhow::Result<Vec<Oid>> {
    let tip = tips(LEDGER)?.with_context(|| {
        format!("there is no branch {LEDGER}: begin it with `changegate init --ledger`")
    })?;
    let mut line = ledger::line(repo, tip)?;
    line.reverse();
    Ok(line)
}

/// Returns the commits with evidence, by the ids of their entries.
///
/// # Errors
/// When they can't be read.
pub fn evidence(repo: &Repo, tips: Tips<'_>) -> anyhow::Result<HashMap<Digest, Oid>> {
    let branch = evidence_branch(EVIDENCE)?;
    let mut found = HashMap::new();
    let Some(tip) = tips(branch)? else { return Ok(found) };
    for commit in repo.first_parents(tip)? {
        if let Ok(id) = repo.commit(commit)?.message.trim_end().parse::<Digest>() {
            found.insert(id, commit);
        }
    }
    Ok(found)
}

/// Returns the material of an entry, as far as it is there and what the statement says, and what is
/// wrong with the rest.
///
/// # Errors
/// When the repository can't be read.
pub fn material(
    repo: &Repo,
    entry: &Entry,
    evidence: &HashMap<Digest, Oid>,
) -> anyhow::Result<(Files, Vec<String>)> {
    let (mut files, mut problems) = (Files::new(), Vec::new());
    let it = &entry.statement.predicate;
    if it.material.is_empty() {
        return Ok((files, problems));
    }
    let Some(commit) = evidence.get(&entry.id) else {
        problems.push("its evidence is missing: nothing in it can be checked".to_owned());
        return Ok((files, problems));
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
            problems.push(format!("{name} is missing in its evidence"));
            continue;
        };
        let bytes = repo.bytes(found.id)?;
        if material.withheld.is_some() {
            problems.push(format!("{name} is said to be withheld, and is there"));
        }
        let is_same = Hex(Digest::of(&bytes)) == material.sha256
            && bytes.len() as u64 == material.size
            && blob_id(&bytes).to_string() == material.git_blob.to_string();
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
    Ok((files, problems))
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
        if let Some(file) = &mut file {
            for refusal in &it.refusals {
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
