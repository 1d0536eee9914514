//! Shows an entry: what was decided and by whom, what it rests on, where it has its place, and how to
//! check all of it by hand.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use serde::Serialize;

use super::entries::{Entries, Explained, Placed};
use crate::content::People;
use crate::core::record::message::{signers, story, title};
use crate::core::record::parts::Material;
use crate::core::record::statement::{Kind, Statement};
use crate::core::time::Time;
use crate::gate::judge::Judges;
use crate::git::{Repo, Signature};
use crate::ledger::oid;

pub mod by_hand;

pub use by_hand::Check;

/// The fewest digits of an id that count as its beginning.
const FEWEST_DIGITS: usize = 7;

/// An entry, and what is known of it.
#[derive(Debug, Serialize)]
pub struct Shown {
    /// Its index.
    pub index: u64,
    /// Its id.
    pub id: String,
    /// Its kind.
    pub kind: Kind,
    /// What it is about, in a line.
    pub title: String,
    /// What was decided, in sentences.
    pub story: Vec<String>,
    /// Who signed off, each with what they signed for.
    pub signed_off: Vec<String>,
    /// When it was recorded.
    pub recorded_at: Time,
    /// The commit that holds it.
    pub commit: String,
    /// The root of the tree over it and the entries before it.
    pub root: String,
    /// Who signed that commit.
    pub signature: Signed,
    /// The commit with what it rests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// The material that an erasure took out, by name, with the index of its note.
    pub erased: BTreeMap<String, u64>,
    /// The material that is missing there, or another than the entry names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// What was said about it later.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub explanations: Vec<Explained>,
    /// How to check it by hand.
    pub by_hand: Vec<Check>,
    /// The statement.
    pub statement: Statement,
}

/// Who signed an entry's commit.
#[derive(Debug, Serialize)]
pub struct Signed {
    /// The key's fingerprint, if the signature is valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Who had the key by the roster of that moment, or the service that had it by the settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why it proves nothing, if it doesn't.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<&'static str>,
}

/// What `audit show` shows.
#[derive(Debug, Serialize)]
pub struct ShowView {
    /// The log's origin.
    pub origin: String,
    /// The number of its entries.
    pub size: u64,
    /// The entries that were asked for, newest last.
    pub entries: Vec<Shown>,
}

/// Returns the entries with this name: an index, an id or its beginning, a change, or a commit that an
/// entry is about, is in, or accounts for.
///
/// # Errors
/// When there is none, or when it isn't clear which one is meant.
pub fn find<'e>(repo: &Repo, entries: &'e Entries, name: &str) -> anyhow::Result<Vec<&'e Placed>> {
    let all = &entries.all;
    let with_index =
        |index: u64| all.iter().filter(|it| it.entry.index == index).collect::<Vec<_>>();
    let is_number = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    let index = name.parse().ok().filter(|_| is_number).map(with_index).unwrap_or_default();
    if !index.is_empty() {
        return Ok(index);
    }
    let of_change: Vec<_> = all.iter().filter(|it| is_about(&it.entry.statement, name)).collect();
    if !of_change.is_empty() {
        return Ok(of_change);
    }
    let (digits, is_id) = match name.strip_prefix("sha256:") {
        Some(digits) => (digits, true),
        None => (name, false),
    };
    let is_hex = digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if is_number && digits.len() < FEWEST_DIGITS || !is_id && !is_hex {
        return Err(unknown(entries, name));
    }
    if !is_hex || digits.len() < FEWEST_DIGITS {
        bail!(
            "`{name}` is not the beginning of an id: write at least {FEWEST_DIGITS} of its digits, 0 to \
             9 and a to f"
        );
    }
    let by_id = |it: &&Placed| it.entry.id.to_string()["sha256:".len()..].starts_with(digits);
    let by_commit = |it: &&Placed| !is_id && is_named(it, digits);
    let found: Vec<_> = all.iter().filter(|it| by_id(it) || by_commit(it)).collect();
    match found.len() {
        0 if is_id => Err(unknown(entries, name)),
        0 => Ok(vec![accounts_for(repo, entries, digits)?]),
        1 => Ok(found),
        count => bail!("`{name}` can mean {count} entries: write more of its digits"),
    }
}

/// Whether a statement is about the change with this name.
fn is_about(statement: &Statement, name: &str) -> bool {
    let it = &statement.predicate;
    it.pull.as_ref().is_some_and(|pull| pull.name == name)
        || it.change.iter().flatten().any(|change| change.as_str() == name)
}

/// Whether digits begin the id of a commit that an entry names or is in.
fn is_named(placed: &Placed, digits: &str) -> bool {
    let it = &placed.entry.statement.predicate;
    let brought = it.merge.as_ref().map(|merge| merge.covers.to.to_string());
    let head = it.head.as_ref().map(ToString::to_string);
    let mut ids = [Some(placed.commit.to_string()), brought, head].into_iter().flatten();
    ids.any(|id| id.starts_with(digits))
}

/// Returns the entry whose range of a branch holds the commit that begins with these digits.
fn accounts_for<'e>(repo: &Repo, entries: &'e Entries, digits: &str) -> anyhow::Result<&'e Placed> {
    let mut found = Vec::new();
    for placed in &entries.all {
        let Some(merge) = &placed.entry.statement.predicate.merge else { continue };
        let (from, mut next) = (oid(&merge.covers.from)?, oid(&merge.covers.to)?);
        while next != from {
            if next.to_string().starts_with(digits) {
                found.push(placed);
            }
            let Some(parent) = repo.commit(next)?.parents.first().copied() else { break };
            next = parent;
        }
    }
    match found[..] {
        [one] => Ok(one),
        [] => Err(unknown(entries, digits)),
        _ => bail!("`{digits}` can mean several commits: write more of its digits"),
    }
}

fn unknown(entries: &Entries, name: &str) -> anyhow::Error {
    let last = entries.all.last().map(|last| last.entry.index).unwrap_or_default();
    anyhow::anyhow!(
        "the ledger holds no entry `{name}`: name an index from 0 to {last}, an id `sha256:…`, a change \
         such as CHG-1234, or a commit on a protected branch; `changegate audit coverage` lists what \
         isn't recorded"
    )
}

/// Shows entries.
///
/// # Errors
/// When the repository can't be read.
pub fn show(
    repo: &Repo,
    judges: &Judges,
    entries: &Entries,
    found: &[&Placed],
) -> anyhow::Result<ShowView> {
    let last = entries.all.last().context("the ledger is empty")?;
    let explanations = entries.explanations(repo);
    let shown = |placed: &&Placed| -> anyhow::Result<Shown> {
        let entry = &placed.entry;
        let it = &entry.statement.predicate;
        let sign_off = it.decision.as_ref().and_then(|bones| bones.sign_off.as_ref());
        let lost = |it: &&Material| entries.material(repo, entry, &it.name).is_none();
        let kept = it.material.iter().filter(|it| it.withheld.is_none());
        let by = |it: &Material| entries.kept.erased(entry, it).map(|by| (it.name.clone(), by));
        let id = entry.id.to_string();
        let evidence = entries.kept.commits.get(&entry.id).copied();
        let signature = signed(repo, judges, placed)?;
        Ok(Shown {
            index: entry.index,
            kind: it.kind,
            title: title(&entry.statement),
            story: story(&entry.statement),
            signed_off: sign_off.map(signers).unwrap_or_default(),
            recorded_at: it.recorded_at,
            commit: placed.commit.to_string(),
            root: entry.state.tree.root().to_string(),
            evidence: evidence.map(|commit| commit.to_string()),
            erased: kept.clone().filter(lost).filter_map(by).collect(),
            missing: kept
                .filter(lost)
                .filter(|it| by(it).is_none())
                .map(|it| it.name.clone())
                .collect(),
            explanations: explanations.get(&id).cloned().unwrap_or_default(),
            by_hand: by_hand::checks(placed, &signature, evidence, entries.tip),
            signature,
            statement: entry.statement.clone(),
            id,
        })
    };
    Ok(ShowView {
        origin: last.entry.statement.predicate.origin.clone(),
        size: last.entry.index + 1,
        entries: found.iter().map(shown).collect::<anyhow::Result<_>>()?,
    })
}

/// Returns who signed the commit of an entry, by the roster on its base.
fn signed(repo: &Repo, judges: &Judges, placed: &Placed) -> anyhow::Result<Signed> {
    let no = |problem| Signed { key: None, by: None, problem: Some(problem) };
    let key = match repo.signature(placed.commit) {
        Signature::By(key) => key,
        Signature::None => return Ok(no("it isn't signed")),
        Signature::NotSsh => return Ok(no("it isn't signed with SSH")),
        Signature::UnusableKey | Signature::Invalid => return Ok(no("its signature isn't valid")),
    };
    let base = placed.entry.statement.predicate.base.as_ref();
    let judge = base.map(|base| judges.at(repo, oid(&base.commit)?)).transpose();
    let by = judge.ok().flatten().and_then(|judge| {
        let org = &judge.bundle().org;
        let mut writers = org.settings.ledger.writers.iter();
        let service =
            writers.find(|writer| writer.key == key).map(|writer| writer.name.to_string());
        match placed.seal {
            Some(_) => service,
            None => People::of(&org.roster).with_key(&key).map(ToString::to_string),
        }
    });
    let problem = by.is_none().then_some(match placed.seal {
        Some(_) => "the settings of that moment name no service with this key",
        None => "nobody in the roster of that moment has this key",
    });
    Ok(Signed { key: Some(key.fingerprint()), by, problem })
}
