//! Shows an entry: what was decided and by whom, what it rests on, where it has its place, and how to
//! check all of it by hand.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::find::Found;
use super::policies::came_around;
use super::population::claimed;
use crate::content::People;
use crate::core::record::entry::Entry;
use crate::core::record::explanation::{EXPLANATION_FILE, Explained, Explanation};
use crate::core::record::message::{signers, story, title};
use crate::core::record::parts::Material;
use crate::core::record::statement::{Kind, Statement};
use crate::core::time::Time;
use crate::gate::judge::Judges;
use crate::git::{Repo, Signature};
use crate::ledger::{Placed, held, oid};

pub mod by_hand;

pub use by_hand::Check;

/// An entry, and what is known of it.
#[derive(Debug, Serialize, JsonSchema)]
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
    /// The address that its commit on the base claims to be from, where nobody is known who brought that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claims: Option<String>,
    /// The index of the entry that says that the policies by which it was decided came around the gate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policies_around: Option<u64>,
    /// What was said about it later.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub explanations: Vec<Explained>,
    /// What a note says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<Noted>,
    /// How to check it by hand.
    pub by_hand: Vec<Check>,
    /// The statement.
    pub statement: Statement,
}

/// What a note says, beside its statement.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Noted {
    /// Its text, if it has one that is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The files that it took out of the evidence, with the indexes of the entries that rest on them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<(u64, String)>,
    /// The index of the entry about the change of policies that allowed that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_by: Option<u64>,
}

/// Who signed an entry's commit.
#[derive(Debug, Serialize, JsonSchema)]
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
#[derive(Debug, Serialize, JsonSchema)]
pub struct ShowView {
    /// The log's origin.
    pub origin: String,
    /// The number of its entries.
    pub size: u64,
    /// The entries that were asked for, newest last.
    pub entries: Vec<Shown>,
}

/// Shows entries.
///
/// # Errors
/// When the repository can't be read.
pub fn show(repo: &Repo, judges: &Judges, found: &Found) -> anyhow::Result<ShowView> {
    let shown = |placed: &Placed| -> anyhow::Result<Shown> {
        let entry = &placed.entry;
        let it = &entry.statement.predicate;
        let sign_off = it.decision.as_ref().and_then(|bones| bones.sign_off.as_ref());
        let commits = &found.kept.commits;
        let evidence = commits.get(&entry.id).copied();
        let is_lost =
            |name: &str| evidence.and_then(|evidence| held(repo, evidence, entry, name)).is_none();
        let lost = |it: &&Material| is_lost(&it.name);
        let kept = it.material.iter().filter(|it| it.withheld.is_none());
        let by = |it: &Material| found.kept.erased(entry, it).map(|by| (it.name.clone(), by));
        let id = entry.id.to_string();
        let signature = signed(repo, judges, placed)?;
        let erased: BTreeMap<_, _> = kept.clone().filter(lost).filter_map(by).collect();
        let merge = it.merge.as_ref();
        let brought = merge.and_then(|it| repo.commit(oid(&it.covers.to).ok()?).ok());
        let by_whom = merge.and_then(|merge| merge.by.as_ref());
        Ok(Shown {
            policies_around: came_around(repo, found.tip, it)?,
            claims: brought.and_then(|commit| claimed(by_whom, &commit)),
            index: entry.index,
            kind: it.kind,
            title: title(&entry.statement),
            story: story(&entry.statement),
            signed_off: sign_off.map(signers).unwrap_or_default(),
            recorded_at: it.recorded_at,
            commit: placed.commit.to_string(),
            root: entry.state.tree.root().to_string(),
            evidence: evidence.map(|commit| commit.to_string()),
            missing: kept
                .filter(lost)
                .filter(|it| by(it).is_none())
                .map(|it| it.name.clone())
                .collect(),
            explanations: found.explanations.get(&id).cloned().unwrap_or_default(),
            note: it.note.as_ref().map(|_| noted(repo, found, entry)),
            by_hand: by_hand::checks(placed, &signature, (evidence, &erased), found.tip),
            signature,
            erased,
            statement: entry.statement.clone(),
            id,
        })
    };
    Ok(ShowView {
        origin: found.last.statement.predicate.origin.clone(),
        size: found.last.index + 1,
        entries: found.entries.iter().map(shown).collect::<anyhow::Result<_>>()?,
    })
}

/// Returns what a note says.
fn noted(repo: &Repo, found: &Found, entry: &Entry) -> Noted {
    let evidence = found.kept.commits.get(&entry.id);
    let bytes = evidence.and_then(|evidence| held(repo, *evidence, entry, EXPLANATION_FILE));
    let erasure = found.kept.erasures.iter().find(|it| it.id == entry.id);
    Noted {
        text: bytes.and_then(|bytes| Explanation::read(&bytes).ok()).map(|said| {
            let who = said.who.map(|who| format!("it was {who}; ")).unwrap_or_default();
            who + &said.text
        }),
        files: erasure.map(|it| it.files.clone()).unwrap_or_default(),
        allowed_by: erasure.map(|it| it.allowed_by),
    }
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
