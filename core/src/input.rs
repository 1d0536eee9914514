//! The input document: what the policies see, `input` in Rego.
//!
//! It asks one of three questions, its `purpose`: whether a change may be merged, whether it may be
//! executed now, or whether it may be closed as it is said to have gone. Each has facts that others lack: those of an execution are left out of the document
//! on a merge, so that what was recorded of merges keeps its digest; those of the pull request are null
//! in the documents of the other two.
//!
//! Its values are prepared so that a rule needs no search: logins as the roster writes them, times
//! as RFC 3339 in UTC that compare as text, the calendar computed. It is canonical JSON with a
//! digest, so that a decision can be reproduced from it years later.

use crate::org::Org;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::approvals::Standing;
use super::calendar::CalendarFacts;
use super::evidence::{Contributor, Evidence, Incident, ReviewState, SameHead};
use super::request::{ChangeRequest, RequestFile};
use super::terms::{Level, Login, Name};
use super::time::{Interval, Time};

mod build;
mod closing;
mod execution;
mod log;
mod look_alikes;
mod question;
mod template;

pub use closing::*;
pub use execution::*;
pub use log::debtor;
pub use question::build_question;
pub use template::TemplateFacts;

pub use build::{affected_services, build, excluded_from, is_ungoverned, just_submitted};

/// What the policies see.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(title = "Input document")]
pub struct Input<'a> {
    /// The version of the format, `changegate/v1`.
    pub api_version: &'static str,
    /// The time that the decision is made for.
    pub now: Time,
    /// The question.
    pub purpose: Purpose,
    /// The request file's path; null for a change of policies.
    pub path: Option<&'a str>,
    /// The request as parsed, without blank texts, placeholders (null in a list) and lists of
    /// nothing else; null for a change of policies.
    #[schemars(with = "Option<ChangeRequest>")]
    pub request: Option<Value>,
    /// The request at base, or null.
    pub previous: Option<&'a ChangeRequest>,
    /// What the pull request does to the request; null unless it is to be merged.
    pub change: Option<Change>,
    /// The pull request; null unless it is to be merged.
    pub pull_request: Option<PullRequestFacts<'a>>,
    /// Everyone named in the request or the pull request, by login.
    pub people: BTreeMap<&'a Login, PersonFacts<'a>>,
    /// Every review, in the forge's order.
    pub approvals: Vec<ApprovalFacts<'a>>,
    /// The affected services: those that the request declares, and those that the roster maps its
    /// targets to.
    pub services: Vec<&'a str>,
    /// Names in the request that nobody knows and that look like a known one.
    pub look_alikes: Vec<LookAlike<'a>>,
    /// The calendar around the planned interval.
    pub calendar: CalendarFacts,
    /// Other requests, merged or open, whose planned interval overlaps.
    pub active: Vec<Active<'a>>,
    /// The record of the incident that the request names, or null.
    pub incident: Option<&'a Incident>,
    /// Paths of other request files with the same id, ignoring case.
    pub same_id: &'a [String],
    /// Paths of merged requests that can't be read, and may act on the same targets.
    pub unread: &'a [String],
    /// The tables below `policies/org` whose review is overdue.
    pub overdue_reviews: Vec<&'static str>,
    /// The template that the request uses; left out if it uses none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<TemplateFacts<'a>>,
    /// The execution that somebody asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution: Option<ExecutionFacts<'a>>,
    /// What approved the change, if that is proven; never on a merge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<ChangeApproval<'a>>,
    /// Why it isn't proven that the change was approved, if it isn't; never on a merge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unproven: Option<Unproven<'a>>,
    /// What the operations log says; on a merge left out where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operations: Option<OperationsFacts<'a>>,
    /// How somebody says that the change went, to close it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<OutcomeFacts<'a>>,
}

/// The question that the policies answer.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// Whether the change may be merged.
    #[default]
    Merge,
    /// Whether it may be executed now.
    Execute,
    /// Whether it may be closed as somebody says that it went.
    Outcome,
}

impl Purpose {
    /// All purposes.
    pub const ALL: [Purpose; 3] = [Purpose::Merge, Purpose::Execute, Purpose::Outcome];

    /// Returns whether it is the question whether the change may be merged.
    pub fn is_merge(&self) -> bool {
        *self == Purpose::Merge
    }

    /// Returns it as policies write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Purpose::Merge => "merge",
            Purpose::Execute => "execute",
            Purpose::Outcome => "outcome",
        }
    }
}

/// What a pull request does to the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Change {
    /// What the pull request is about.
    pub kind: ChangeKind,
    /// JSON pointers to the parts of the material content that changed.
    pub material: Vec<String>,
}

/// What a pull request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// A request that base doesn't contain.
    New,
    /// A request that base contains, with other material content or only another form.
    Amend,
    /// The record of the outcome of a merged request.
    Outcome,
    /// The cancellation of a merged request.
    Cancel,
    /// The policies themselves, or the checker's workflows.
    Governance,
    /// Nothing that is governed; the policies see it only if the settings refuse it.
    Other,
}

/// The pull request.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PullRequestFacts<'a> {
    /// The number, or null.
    pub number: Option<u64>,
    /// Who opened it; null if the account was deleted.
    pub author: Option<&'a Login>,
    /// The branch that it merges into, if known.
    pub base_ref: Option<&'a str>,
    /// The commit at the tip of that branch.
    pub base: Option<&'a str>,
    /// The commit to be merged.
    pub head: Option<&'a str>,
    /// Whether it is a draft.
    pub draft: bool,
    /// Everybody behind its commits.
    pub contributors: &'a [Contributor],
    /// Who pushed to it as far as the forge says, besides contributors; null if it doesn't say.
    pub pushers: Option<Vec<&'a Login>>,
    /// When it became ready for review.
    pub submitted_at: Time,
    /// When its reviewers are reminded.
    pub remind_at: Time,
    /// When a missing sign-off becomes overdue.
    pub due_at: Time,
    /// Files that it changes in addition to the request, or to the policies in a change of policies.
    pub other_files: Vec<&'a str>,
    /// Other pull requests with the same head commit.
    pub same_head: &'a [SameHead],
}

/// What is known about a person.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PersonFacts<'a> {
    /// Whether the roster lists them.
    pub known: bool,
    /// Their level, or null. On GitHub it is also null for people who take part in the change and
    /// have no id in the roster: their login could belong to somebody else by now.
    pub level: Option<Level>,
    /// Their roles.
    pub roles: &'a [Name],
    /// Their teams.
    pub teams: Vec<&'a str>,
}

/// A review.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ApprovalFacts<'a> {
    /// The forge's id of the review.
    pub id: &'a str,
    /// The reviewer: a person in the roster, or null.
    pub by: Option<&'a Login>,
    /// Their level, or null.
    pub level: Option<Level>,
    /// Their roles.
    pub roles: &'a [Name],
    /// What the review says.
    pub state: ReviewState,
    /// Whether it is an approval that counts.
    pub counts: bool,
    /// Whether it is a request for changes that is still in force.
    pub objects: bool,
    /// Why it doesn't count, or null.
    pub why: Option<String>,
    /// When it was submitted.
    pub submitted_at: Time,
    /// The commit that was reviewed.
    pub commit: Option<&'a str>,
}

/// A name that isn't known and looks like a known one.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct LookAlike<'a> {
    /// JSON pointer to the name in the request.
    pub pointer: String,
    /// The name as the request writes it.
    pub name: &'a str,
    /// The known name.
    pub known: &'a str,
}

/// Another request whose planned interval overlaps.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Active<'a> {
    /// The id.
    pub id: &'a str,
    /// Whether it is merged already.
    pub merged: bool,
    /// The services that it affects.
    pub services: Vec<&'a str>,
    /// What it acts on.
    pub targets: Vec<&'a str>,
    /// When it is planned to run.
    pub planned: Interval,
}

/// A case to be decided.
#[derive(Clone, Copy)]
pub struct Case<'a> {
    /// The request file; `None` for a change of policies.
    pub file: Option<&'a RequestFile>,
    /// The facts about the pull request.
    pub evidence: &'a Evidence,
    /// The tables that a change of policies brings, if it changes them and they can be read.
    pub brings: Option<&'a Org>,
    /// The time that the decision is made for.
    pub now: Time,
}

/// The input document, and what settling the sign-off needs in addition.
pub struct Prepared<'a> {
    /// The input document.
    pub input: Input<'a>,
    /// Whether each review counts.
    pub standings: Vec<Standing<'a>>,
}
