//! What a statement is made of.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use super::ids::{Hex, ObjectId};
pub use super::keys::{Keys, Revoked, WhyRevoked};
use crate::decision::SEMANTICS;
use crate::digest::Digest;
use crate::org::TZDB;
use crate::terms::Login;
use crate::time::Time;

/// A thing that a statement is about, by its digests.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Subject {
    /// The path of the request, or `request` if the path isn't plain; `head`; `tip`.
    pub name: String,
    /// Its digests.
    pub digest: Digests,
}

/// The digests of a subject, by in-toto's names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Digests {
    /// SHA-256 of a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Hex>,
    /// Git's id of a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_blob: Option<ObjectId>,
    /// Git's id of a commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_commit: Option<ObjectId>,
    /// Git's id of a tree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_tree: Option<ObjectId>,
}

/// A repository.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Repository {
    /// Its address: `git+https://…`.
    pub uri: String,
    /// The forge's id of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// A pull request.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Pull {
    /// Its name: `#871` on GitHub, `CHG-1234` in plain Git.
    pub name: String,
    /// The forge's id of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// A base branch.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Base {
    /// The full name of the branch.
    #[serde(rename = "ref")]
    pub name: String,
    /// Its tip when it was judged.
    pub commit: ObjectId,
    /// The commit whose settings protect the branch.
    pub protecting: ObjectId,
    /// The commit of the merge queue that was judged on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judged_on: Option<ObjectId>,
}

/// What the gate itself found wrong with a request: material, because it can quote what others wrote.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// The code, such as `request/merge`.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

/// A policy bundle.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Policies {
    /// The digest that decisions name.
    pub digest: Digest,
    /// in-toto's digest of a folder, in hexadecimal digits; `sha256sum` can make it.
    pub dir_hash: Hex,
    /// Git's id of the folder.
    pub git_tree: ObjectId,
    /// The commit that holds it.
    pub commit: ObjectId,
}

/// A program.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Engine {
    /// Its name, `changegate`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The commit that it was built from, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// A number that grows whenever the same case may give another decision.
    pub semantics: u64,
    /// The digest of the program file, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Hex>,
    /// The version of its time zone database.
    pub tzdb: String,
}

/// The name of the program that decides.
const ENGINE: &str = "changegate";

impl Engine {
    /// Whether it gives the same case the same decision, to the byte.
    pub fn decides_like(&self, other: &Self) -> bool {
        (self.semantics, &self.tzdb) == (other.semantics, &other.tzdb)
    }

    /// Whether its texts are as short and plain as versions are.
    pub fn is_plain(&self) -> bool {
        let is_plain = |text: &str| {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".+-".contains(&byte);
            !text.is_empty() && text.len() <= 64 && text.bytes().all(is_plain)
        };
        self.name == ENGINE
            && is_plain(&self.version)
            && is_plain(&self.tzdb)
            && self.commit.as_deref().is_none_or(is_plain)
    }

    /// Returns this program, built from this commit.
    pub fn this(commit: Option<&str>) -> Self {
        Engine {
            name: ENGINE.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: commit.map(str::to_owned),
            semantics: SEMANTICS,
            sha256: None,
            tzdb: TZDB.to_owned(),
        }
    }
}

/// Why material is withheld: the request holds a credential, which it could repeat.
pub const SECRET: &str = "secret";

/// The material that is withheld then, as far as there is any.
pub const WITHHELD: [&str; 3] = ["decision.json", "input.json", "request.yaml"];

/// A file that a decision rests on.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Material {
    /// Its name.
    pub name: String,
    /// Its digest.
    pub sha256: Hex,
    /// Its length in bytes.
    pub size: u64,
    /// Git's id of it.
    pub git_blob: ObjectId,
    /// Why its content isn't kept: `secret`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<String>,
}

/// Who collected the facts and made the entry.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Collector {
    /// What it is.
    pub kind: CollectorKind,
    /// The login, or the name of the service.
    pub who: String,
    /// The run of a workflow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<Run>,
}

/// A kind of collector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CollectorKind {
    /// A workflow of the forge.
    Action,
    /// A GitHub App.
    App,
    /// A server.
    Server,
    /// A person who merges in plain Git.
    Person,
    /// Somebody's command line.
    Cli,
}

/// The run of a workflow.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Run {
    /// The id of the run.
    pub id: String,
    /// The number of the run.
    pub number: String,
    /// Which attempt of the run it is.
    pub attempt: String,
    /// The workflow's file, and the ref that it is from.
    pub workflow_ref: String,
    /// The commit that the workflow's file is from.
    pub sha: String,
}

/// How something reached a base branch.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Merge {
    /// Who merged it, or the committer's address if nobody knows them; left out if it is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// When.
    pub at: Time,
    /// How.
    pub method: Method,
    /// The part of the branch's first-parent line that this entry accounts for.
    pub covers: Covers,
    /// Why it is a bypass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<Because>,
}

/// A way to merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are GitHub's")]
pub enum Method {
    Merge,
    Squash,
    Rebase,
    Queue,
    /// A push, as in plain Git.
    Push,
}

/// A part of a branch's first-parent line: behind `from`, up to and including `to`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Covers {
    /// The commit before it.
    pub from: ObjectId,
    /// Its last commit.
    pub to: ObjectId,
}

/// Why something that reached the base is a bypass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Because {
    /// It is the merge of no pull request.
    NoPullRequest,
    /// The pull request wasn't approved at that moment.
    NotApproved,
    /// A later decision had taken the approval back, or it was of another head.
    Superseded,
    /// It brought something else than was judged.
    OtherContent,
    /// The policies had changed since it was approved, and it isn't under those.
    PoliciesChanged,
    /// It can't be told what was judged.
    NotKnown,
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Because::NoPullRequest => "no-pull-request",
            Because::NotApproved => "not-approved",
            Because::Superseded => "superseded",
            Because::OtherContent => "other-content",
            Because::PoliciesChanged => "policies-changed",
            Because::NotKnown => "not-known",
        })
    }
}

/// A branch, and the commit from which on or up to which it is covered.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Covered {
    /// The full name of the branch.
    #[serde(rename = "ref")]
    pub name: String,
    /// The commit.
    pub commit: ObjectId,
}

/// Where the operations log stood.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Operations {
    /// The full name of its branch.
    #[serde(rename = "ref")]
    pub name: String,
    /// Its tip.
    pub tip: ObjectId,
    /// The digest of its state.
    pub sha256: Hex,
}

/// A note about the record itself; its text is material, `note.txt`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Note {
    /// What it is about.
    pub about: About,
    /// The entries that it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<Digest>,
    /// Who made it.
    pub by: Login,
    /// The merge entry of the change of policies that allowed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<Digest>,
}

/// What a note is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum About {
    /// An error in the record.
    Correction,
    /// Who brought something around the gate, and why.
    Explanation,
    /// Commits on the log's branch that aren't entries.
    Foreign,
    /// A branch that is covered from now on.
    Branch,
    /// Material that was taken out of the evidence.
    Erasure,
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            About::Correction => "correction",
            About::Explanation => "explanation",
            About::Foreign => "foreign",
            About::Branch => "branch",
            About::Erasure => "erasure",
        })
    }
}
