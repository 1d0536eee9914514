//! Witnesses: those who keep what the log was at a size, so that nobody can rewrite it unseen. Each is
//! given what is new only if the log continues what it was given before.

use std::collections::HashSet;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use anyhow::{Context as _, anyhow, bail, ensure};
use schemars::JsonSchema;
use serde::Serialize;

use super::anchor::{Anchor, anchors};
use super::log::{self, Log};
use crate::core::record::checkpoint::Checkpoint;
use crate::core::record::note::Note;
use crate::files;
use crate::forge::git::Branches;
use crate::gate::recording::evidence_branch;
use crate::git::{Move, Moved, Oid};
use crate::ledger::{self, AUDIT, LEDGER};

mod https;

pub use https::https;

/// What became of a visit to a witness.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "result", content = "what", rename_all = "kebab-case")]
pub enum Witnessed {
    /// It has what is new: what it was given.
    Given(String),
    /// It has everything already.
    Unchanged,
    /// It was given something that this log doesn't continue: it keeps that, and was given nothing.
    Refused(String),
}

/// Returns what is wrong if this log isn't the one that a checkpoint is of, at its size.
fn problem(log: &Log, checkpoint: &Checkpoint) -> Option<String> {
    let (origin, size) = (&checkpoint.origin, checkpoint.size);
    let own = &log.last_entry.statement.predicate.origin;
    match log.tree.root_at(size) {
        _ if origin.to_string() != *own => Some(format!("is of another log, {origin}")),
        None => Some(format!("is of a log of {size} entries: entries were removed from this one")),
        Some(root) if root != checkpoint.root => {
            Some(format!("is of a log with other entries among its first {size}: it was rewritten"))
        }
        Some(_) => None,
    }
}

/// Adds the checkpoint to a file, if the log has grown since the last one there.
///
/// # Errors
/// When the file can't be read or written, or holds something else.
pub fn file(path: &Path, log: &Log, branches: &Branches) -> anyhow::Result<Witnessed> {
    let text = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        _ => String::from_utf8(files::read(path)?)
            .with_context(|| format!("{} isn't a text", path.display()))?,
    };
    let name = path.display().to_string();
    let kept = if text.trim().is_empty() { Ok(Vec::new()) } else { anchors(&name, &text) };
    let kept = kept.map_err(|why| anyhow!(why))?;
    for Anchor { name, checkpoint, .. } in &kept {
        if let Some(why) = problem(log, checkpoint) {
            return Ok(Witnessed::Refused(format!("the checkpoint {name} {why}")));
        }
    }
    if kept.iter().any(|anchor| anchor.checkpoint.size == log.tree.size()) {
        return Ok(Witnessed::Unchanged);
    }
    let new = log.checkpoint(branches.repo())?.to_string();
    let gap = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    let append = || OpenOptions::new().create(true).append(true).open(path);
    append()
        .and_then(|mut file| file.write_all(format!("{gap}{new}").as_bytes()))
        .with_context(|| format!("cannot write to {name}"))?;
    Ok(Witnessed::Given(format!("the checkpoint ({} in the file now)", kept.len() + 1)))
}

/// Pushes the ledger and its evidence to another repository, never by force.
///
/// # Errors
/// When it can't be reached.
pub fn repository(url: &str, log: &Log, branches: &Branches) -> anyhow::Result<Witnessed> {
    ensure!(!url.is_empty() && !url.starts_with('-'), "`{url}` is not the address of a repository");
    let (repo, program) = (branches.repo(), branches.program());
    let own = [".", branches.remote().unwrap_or(".")];
    ensure!(
        !own.iter().any(|own| program.is_same(url, own)),
        "{url} is the repository with the ledger itself, so that a rewrite of one is a rewrite \
         of both: name another one, with other owners"
    );
    let listed = program
        .run(&["ls-remote", "--refs", "--", url, &format!("refs/heads/{AUDIT}*")])
        .with_context(|| format!("cannot read {url}"))?;
    let there = |name: &str| {
        let line = listed.lines().find(|line| line.ends_with(&format!("\trefs/heads/{name}")));
        line.and_then(|line| Oid::from_str(line.split('\t').next()?).ok())
    };
    let evidence = evidence_branch(&log.last_entry.state.evidence)?;
    let own = [(LEDGER, Some(log.tip)), (evidence, branches.tip(evidence)?)];
    let mut moves: Vec<Move> = Vec::new();
    for (name, tip) in own {
        let (from, Some(tip)) = (there(name), tip) else {
            if there(name).is_some() {
                return Ok(Witnessed::Refused(format!(
                    "it has a branch {name}, and this log none"
                )));
            }
            continue;
        };
        if let Some(from) = from
            && (repo.commit(from).is_err() || !repo.leads_to(from, tip)?)
        {
            return Ok(Witnessed::Refused(format!(
                "its {name} is at {from}, which the one here doesn't continue: one of them was rewound \
                 or rewritten"
            )));
        }
        if from != Some(tip) {
            moves.push((name.to_owned(), from, tip));
        }
    }
    if moves.is_empty() {
        return Ok(Witnessed::Unchanged);
    }
    match program.push(url, &moves)? {
        Moved::Yes => {
            let names: Vec<_> = moves.iter().map(|(name, _, _)| name.as_str()).collect();
            Ok(Witnessed::Given(crate::core::terms::all_of(&names)))
        }
        Moved::Lost(why) => bail!("somebody else pushed to {url} at the same time:\n{why}"),
        Moved::Refused(why) => bail!("{url} rejected the push:\n{why}"),
    }
}

/// Puts a tag on the last entry whose message is the checkpoint: `refs/tags/audit/<size>`. Where somebody
/// else's tag has that name, it is put on the newest entry before it whose name is free.
///
/// # Errors
/// When the tag can't be made or pushed.
pub fn tag(log: &Log, branches: &Branches) -> anyhow::Result<Witnessed> {
    let repo = branches.repo();
    let tags = match Tags::of(log, branches)? {
        Ok(tags) => tags,
        Err(refused) => return Ok(refused),
    };
    let size = log.tree.size();
    if tags.own.contains(&size) {
        return Ok(Witnessed::Unchanged);
    }
    let since = tags.own.last().map_or(1, |last| last + 1);
    let is_free = |size: &u64| !tags.names.contains(&size.to_string());
    let Some(free) = (since..=size).rev().find(is_free) else {
        return Ok(Witnessed::Refused(format!(
            "{AUDIT}{size} is a tag that isn't the ledger's: the next entry can get one"
        )));
    };
    if free == size {
        return put_tag(log, branches, &log.checkpoint(repo)?);
    }
    let found = ledger::entry_at(repo, log.tip, free)?;
    let (commit, _) = found.with_context(|| format!("there is no entry {}", free - 1))?;
    let checkpoint = log::checkpoint_at(repo, commit)?;
    branches.put_tag(&format!("{AUDIT}{free}"), commit, &checkpoint.to_string())?;
    Ok(Witnessed::Given(format!(
        "the tag {AUDIT}{free}, because {AUDIT}{size} isn't one of the ledger's"
    )))
}

/// The tags below `audit/` that there are.
struct Tags {
    /// The sizes of the ledger's own, sorted.
    own: Vec<u64>,
    /// All names below `audit/`.
    names: HashSet<String>,
}

impl Tags {
    /// Reads them, unless one of the ledger's own is of another log. Those that aren't the ledger's are
    /// for verifying to find: they stop nothing.
    fn of(log: &Log, branches: &Branches) -> anyhow::Result<Result<Self, Witnessed>> {
        let tags = branches.anchor_tags()?;
        let names = tags.iter().map(|(name, _)| name.clone()).collect();
        let (anchored, _) = super::anchor::of_tags(branches.repo(), tags);
        for Anchor { name, checkpoint, .. } in &anchored {
            if let Some(why) = problem(log, checkpoint) {
                let why = format!("the checkpoint in {name} {why}");
                return Ok(Err(Witnessed::Refused(why)));
            }
        }
        let mut own: Vec<_> = anchored.iter().map(|anchor| anchor.checkpoint.size).collect();
        own.sort_unstable();
        Ok(Ok(Tags { own, names }))
    }
}

/// Puts the tag of the last entry, with this checkpoint of the whole log, unless there is one of its name.
fn put_tag(log: &Log, branches: &Branches, checkpoint: &Note) -> anyhow::Result<Witnessed> {
    let tags = match Tags::of(log, branches)? {
        Ok(tags) => tags,
        Err(refused) => return Ok(refused),
    };
    let size = log.tree.size();
    if tags.names.contains(&size.to_string()) {
        return Ok(Witnessed::Unchanged);
    }
    let name = format!("{AUDIT}{size}");
    branches.put_tag(&name, log.last, &checkpoint.to_string())?;
    Ok(Witnessed::Given(format!("the tag {name}")))
}
