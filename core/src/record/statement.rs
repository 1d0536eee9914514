//! The statement: what an entry of the ledger says, an in-toto Statement v1 in canonical JSON.
//!
//! It doesn't hold its place in the log, so that it can be signed once and put behind whatever was
//! recorded first. What doesn't apply is left out; only [`Predicate::change`],
//! [`Predicate::previous`] and [`Predicate::operations`] can be null.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::bones::Bones;
use super::parts::*;
use crate::digest::{Digest, canonical_json, to_json};
use crate::terms::TicketId;
use crate::time::Time;

/// The type of an in-toto statement.
pub const STATEMENT: &str = "https://in-toto.io/Statement/v1";

/// The type of what it states.
pub const PREDICATE: &str = "https://github.com/changegate/changegate/ledger/v1";

/// The version of the layout of entries, of their messages and of their state.
pub const FORMAT: &str = "1";

/// The largest statement in bytes: that of an entry in an entry bundle of C2SP's `tlog-tiles`.
pub const MOST_BYTES: usize = 65_535;

/// What an entry says.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Statement {
    /// The type of an in-toto statement.
    #[serde(rename = "_type")]
    pub statement_type: String,
    /// What it is about: the request, the head, and the tip that came of it, in this order.
    pub subject: Vec<Subject>,
    /// The type of what is stated: an entry of a ledger.
    #[serde(rename = "predicateType")]
    pub predicate_type: String,
    /// What is stated.
    pub predicate: Predicate,
}

/// What is stated.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Predicate {
    /// The version of the format.
    pub format: String,
    /// The kind of entry.
    pub kind: Kind,
    /// When it was recorded, by the writer's clock.
    pub recorded_at: Time,
    /// The time by the forge's clock, where it tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_time: Option<Time>,
    /// The origin line of the log's checkpoints.
    pub origin: String,
    /// The repository whose changes are recorded.
    pub repository: Repository,
    /// The pull request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull: Option<Pull>,
    /// The ticket of the change; null for a change of policies.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub change: Option<Option<TicketId>>,
    /// The base branch as it was judged on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Base>,
    /// The commit that was judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<ObjectId>,
    /// The id of the last entry about this pull request that the writer knew of; null if none.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub previous: Option<Option<Digest>>,
    /// What was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Bones>,
    /// The codes of what the gate itself found wrong with the request. What it said is material.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refusals: Vec<String>,
    /// The policies that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policies: Option<Policies>,
    /// The program that decided.
    pub engine: Engine,
    /// What the decision rests on, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub material: Vec<Material>,
    /// Who collected the facts.
    pub collector: Collector,
    /// How it reached the base.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merge: Option<Merge>,
    /// The branches that are covered from these commits on, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bases: Vec<Covered>,
    /// Where the operations log stood; null if there is none.
    pub operations: Option<Operations>,
    /// The keys that may write from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<Keys>,
    /// A note about the record itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Note>,
}

/// A kind of entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The beginning of the log.
    Genesis,
    /// A decision on a pull request.
    Decision,
    /// The merge of an approved change.
    Merge,
    /// A commit that reached the base around the gate.
    Bypass,
    /// A change of the keys that may write.
    Keys,
    /// A note about the record itself.
    Note,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Genesis => "genesis",
            Kind::Decision => "decision",
            Kind::Merge => "merge",
            Kind::Bypass => "bypass",
            Kind::Keys => "keys",
            Kind::Note => "note",
        })
    }
}

/// Why a statement can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is of a format that this program doesn't know.
    #[error("it is of format {0}, which is newer than this program")]
    Newer(String),
    /// It isn't a statement of the format that it names.
    #[error("it isn't a statement of format {FORMAT}: {0}")]
    Malformed(String),
    /// It is longer than [`MOST_BYTES`].
    #[error("it is longer than {MOST_BYTES} bytes")]
    TooLong,
}

impl Statement {
    /// Makes a statement of the current format.
    pub fn new(subject: Vec<Subject>, predicate: Predicate) -> Self {
        Statement {
            statement_type: STATEMENT.to_owned(),
            subject,
            predicate_type: PREDICATE.to_owned(),
            predicate,
        }
    }

    /// Reads a statement. Its bytes have to be exactly those that [`Statement::bytes`] returns, so
    /// that nothing in it is passed over: no unknown field, no duplicate key, no other spelling.
    ///
    /// # Errors
    /// Why it can't be read.
    pub fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        if bytes.len() > MOST_BYTES {
            return Err(Unreadable::TooLong);
        }
        let malformed = |error: serde_json::Error| Unreadable::Malformed(error.to_string());
        let statement: Statement = match serde_json::from_slice(bytes) {
            Ok(statement) => statement,
            Err(error) => {
                let value: Value = serde_json::from_slice(bytes).map_err(malformed)?;
                let format = value.pointer("/predicate/format").and_then(Value::as_str);
                return Err(match format.filter(|format| *format != FORMAT) {
                    Some(newer) => Unreadable::Newer(newer.to_owned()),
                    None => malformed(error),
                });
            }
        };
        if statement.predicate.format != FORMAT {
            return Err(Unreadable::Newer(statement.predicate.format));
        }
        if statement.bytes() != bytes {
            let why = "it holds what the format doesn't know, or isn't canonical JSON";
            return Err(Unreadable::Malformed(why.to_owned()));
        }
        statement.is_of_its_kind().map_err(Unreadable::Malformed)?;
        Ok(statement)
    }

    /// Returns the statement as canonical JSON (RFC 8785): the leaf of the log.
    pub fn bytes(&self) -> Vec<u8> {
        canonical_json(&to_json(self)).into_bytes()
    }

    /// Returns the entry's id: the digest of its bytes.
    pub fn id(&self) -> Digest {
        Digest::of(&self.bytes())
    }

    /// Returns the new tip of the base, for what reached it.
    pub fn tip(&self) -> Option<&ObjectId> {
        self.subject.iter().find(|it| it.name == "tip")?.digest.git_commit.as_ref()
    }

    /// Checks that it has exactly the fields that belong to its kind.
    fn is_of_its_kind(&self) -> Result<(), String> {
        let it = &self.predicate;
        let kind = it.kind;
        let judged = ["pull", "change", "base", "head", "previous", "decision", "policies"];
        let (needed, allowed): (&[&str], &[&str]) = match it.kind {
            Kind::Genesis => (&["base", "bases", "keys"], &[]),
            Kind::Decision => (&judged, &[]),
            Kind::Merge => (&judged, &["merge"]),
            Kind::Bypass => (&["base", "merge"], &judged),
            Kind::Keys => (&["base", "keys"], &[]),
            Kind::Note => (&["base", "note"], &["bases"]),
        };
        for (field, is_there) in self.fields() {
            if needed.contains(&field) && !is_there {
                return Err(format!("an entry of kind {kind} needs `{field}`"));
            }
            if is_there && !needed.contains(&field) && !allowed.contains(&field) {
                return Err(format!("an entry of kind {kind} has no `{field}`"));
            }
        }
        let because = it.merge.as_ref().and_then(|merge| merge.because);
        let title = it.decision.as_ref().and_then(|decision| decision.title.as_ref());
        let names = it.material.iter().map(|material| &material.name);
        let bases = it.bases.iter().map(|base| &base.name);
        let is_merge = it.kind == Kind::Merge;
        for (holds, what) in [
            (!is_merge || it.merge.is_some(), "a merge needs `merge`"),
            (because.is_some() == (it.kind == Kind::Bypass), "a bypass alone says `because`"),
            (is_merge || title.is_none(), "only a merge has a title"),
            (names.is_sorted_by(|a, b| a < b), "`material` isn't sorted by name"),
            (bases.is_sorted_by(|a, b| a < b), "`bases` isn't sorted by name"),
            (it.decision.is_some() || it.refusals.is_empty(), "`refusals` belong to a decision"),
            (is_origin(&it.origin), "`origin` isn't a line without blanks"),
            (it.engine.is_plain(), "`engine` isn't a version of changegate"),
            (self.statement_type == STATEMENT, "`_type` isn't that of an in-toto statement"),
            (self.predicate_type == PREDICATE, "`predicateType` isn't that of a ledger"),
        ] {
            if !holds {
                return Err(what.to_owned());
            }
        }
        Ok(())
    }

    /// Returns the fields that depend on the kind, and whether each is there.
    fn fields(&self) -> [(&'static str, bool); 11] {
        let it = &self.predicate;
        [
            ("pull", it.pull.is_some()),
            ("change", it.change.is_some()),
            ("base", it.base.is_some()),
            ("head", it.head.is_some()),
            ("previous", it.previous.is_some()),
            ("decision", it.decision.is_some()),
            ("policies", it.policies.is_some()),
            ("merge", it.merge.is_some()),
            ("bases", !it.bases.is_empty()),
            ("keys", it.keys.is_some()),
            ("note", it.note.is_some()),
        ]
    }
}

/// Whether a text can be the origin line of a log: not empty, without blanks or control characters,
/// and without the `+` that separates the parts of a key.
pub fn is_origin(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'+')
}

/// Reads a field that is present, so that null differs from what is left out.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
