//! Evidence: the facts about a pull request, as a forge or an evidence file gives them.
//!
//! Plain values, not yet judged. Identity and time are what the forge's server recorded, never what
//! a commit claims.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::digest::Digest;
use super::request::ChangeRequest;
use super::terms::{Login, Name, Severity, TicketId};
use super::time::Time;

mod footprint;
mod log;
mod pushers;

pub use footprint::Footprint;
pub use log::{
    LogEvidence, LoggedBegun, LoggedDebt, LoggedExecution, LoggedIncident, LoggedUse, OwnLog,
};
pub use pushers::{Pusher, Pushers};

/// Everything that is known about a pull request.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Evidence")]
pub struct Evidence {
    /// The forge that the facts come from, whose rules of identity apply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forge: Option<ForgeKind>,
    /// The pull request; if left out, the requester has just submitted the request alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull_request: Option<PullRequest>,
    /// All reviews in the forge's order, which is chronological.
    #[serde(default)]
    pub reviews: Vec<Review>,
    /// When the material content at head arrived, as the server recorded it: the start of its
    /// latest unbroken run; `pull_request.submitted_at` if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_arrived_at: Option<Time>,
    /// Everyone whom the server saw push to the pull request; null if it doesn't say. If left out,
    /// nobody but the contributors pushed.
    #[serde(default)]
    pub pushers: Pushers,
    /// Whether the forge doesn't show all pushes, so that more people may have pushed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hides_pushes: bool,
    /// The members of the reviewers' teams according to the forge, by the roster's team names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub teams: BTreeMap<String, TeamMembers>,
    /// The request as it is at base; left out if it is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Box<ChangeRequest>>,
    /// Merged requests without an outcome or cancellation, with which the change may conflict.
    #[serde(default)]
    pub merged: Vec<Footprint>,
    /// The requests of other open pull requests.
    #[serde(default)]
    pub open: Vec<Footprint>,
    /// Targets of any other requests, merged or open, that are also this one's or look like one of
    /// them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub known_targets: BTreeSet<Name>,
    /// Incident records on the base branch, at most one of each incident.
    #[serde(default, deserialize_with = "one_of_each")]
    pub incidents: Vec<Incident>,
    /// Paths of other request files, in any state, whose id is the same ignoring case.
    #[serde(default)]
    pub same_id: Vec<String>,
    /// Paths of merged requests that can't be read, and may act on the same targets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<String>,
    /// The time as of which the facts were collected, if later ones were left out: that of the merge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Time>,
    /// What the operations log says; left out where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operations: Option<LogEvidence>,
}

/// Reads records of incidents; a second one of an incident could say something else.
fn one_of_each<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Incident>, D::Error> {
    let incidents = Vec::<Incident>::deserialize(deserializer)?;
    let mut seen = BTreeSet::new();
    match incidents.iter().find(|incident| !seen.insert(incident.id.folded())) {
        Some(incident) => {
            Err(D::Error::custom(format!("{} has two records: remove one of them", incident.id)))
        }
        None => Ok(incidents),
    }
}

/// A kind of forge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ForgeKind {
    /// GitHub: people are identified by their numeric ids.
    Github,
    /// Plain Git: people are identified by their email addresses and keys.
    Git,
}

/// A pull request.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PullRequest {
    /// The number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// Who opened it; left out if the account was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Login>,
    /// The forge's numeric id of that account, as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author_id: Option<String>,
    /// The branch that it merges into; if left out, a protected one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_ref: Option<String>,
    /// The commit at the tip of that branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// The commit to be merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<String>,
    /// Whether it is still a draft.
    #[serde(default)]
    pub draft: bool,
    /// When it became ready for review with a valid form.
    pub submitted_at: Time,
    /// Everyone behind the commits that the merge would add.
    #[serde(default)]
    pub contributors: Vec<Contributor>,
    /// What the forge says of those commits, the newest first; one that it says nothing of is left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commits: Vec<KnownCommit>,
    /// All files that it changes; if left out, the request alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<Vec<String>>,
    /// Other pull requests with the same head commit, which share one status.
    #[serde(default)]
    pub same_head: Vec<SameHead>,
    /// How it was merged, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged: Option<Merged>,
}

/// How a pull request was merged, as the forge says.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Merged {
    /// Who merged it; left out if the account was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Login>,
    /// The forge's numeric id of that account, as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_id: Option<String>,
    /// When.
    pub at: Time,
    /// The last commit that it brought to the base.
    pub commit: String,
}

/// A person behind a commit.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Contributor {
    /// The forge login; left out if the commit's identity can't be mapped to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<Login>,
    /// The forge's numeric id of that account, as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The commit's email address, so that an unmapped one can be named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Their roles in the commit.
    #[serde(default, rename = "as")]
    pub parts: Vec<Part>,
    /// Why it isn't proven that the commit is theirs; plain Git only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unproven: Option<Unproven>,
}

/// What a forge says of a commit.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KnownCommit {
    /// The commit.
    pub id: String,
    /// The forge's numeric id of its author's account, as text; left out if it knows none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author_id: Option<String>,
    /// The forge's numeric id of its committer's account, as text; left out if it knows none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committer_id: Option<String>,
    /// Whether the forge has verified its signature; left out if it doesn't say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<bool>,
    /// Whether the forge itself made and signed it, for its author in the browser.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_browser: bool,
}

/// Why it isn't proven that a commit comes from the person it names, where only signatures prove
/// that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unproven {
    /// It isn't signed.
    Unsigned,
    /// Its signature doesn't match.
    InvalidSignature,
    /// It is signed by something else than SSH, such as GPG.
    NotSsh,
    /// It is signed with a certificate, or with a key of a kind or length that isn't accepted.
    UnusableKey,
    /// It is signed with a key that isn't in the roster.
    UnknownKey,
    /// It is signed with another person's key.
    OtherPerson,
    /// It is a review that was signed for another change.
    OtherChange,
}

impl std::fmt::Display for Unproven {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Unproven::Unsigned => "it isn't signed, so anyone could have written it",
            Unproven::InvalidSignature => "its signature isn't valid",
            Unproven::NotSsh => "it isn't signed by SSH",
            Unproven::UnusableKey => {
                "its signing key is a certificate, or RSA of less than 2048 bits"
            }
            Unproven::UnknownKey => "its signing key isn't in the roster",
            Unproven::OtherPerson => "it is signed with another person's key",
            Unproven::OtherChange => "it was signed for another change",
        })
    }
}

/// A role in a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names are clear")]
pub enum Part {
    Author,
    Committer,
    CoAuthor,
    Pusher,
}

/// Another pull request with the same head commit, and its own verdict.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SameHead {
    /// The number.
    pub number: u64,
    /// The verdict on it.
    pub verdict: super::terms::Verdict,
    /// The next instant at which that verdict would change by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_change_at: Option<Time>,
}

/// A review of a pull request.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Review {
    /// The forge's id of the review.
    pub id: String,
    /// The reviewer; left out if the account was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Login>,
    /// The forge's numeric id of that account, as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// Whether that account is a bot.
    #[serde(default)]
    pub bot: bool,
    /// What the review says.
    pub state: ReviewState,
    /// The commit that was reviewed; left out if it no longer exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// When it was submitted, by the server's clock.
    pub submitted_at: Time,
    /// The material digest at the reviewed commit, if known; without it, a review of another commit
    /// than head doesn't count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub material: Option<Digest>,
    /// How it was dismissed, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dismissed: Option<Dismissed>,
    /// Why it isn't proven that the review is theirs; plain Git only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unproven: Option<Unproven>,
}

/// The members of a team according to the forge.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TeamMembers {
    /// The members; left out if the forge doesn't list them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members: Option<Vec<Login>>,
}

/// What a review says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReviewState {
    /// The change may go ahead.
    #[serde(alias = "approved")]
    Approved,
    /// The change must not go ahead in its present form.
    #[serde(alias = "changes_requested")]
    ChangesRequested,
    /// A comment; it has no effect.
    #[serde(alias = "commented")]
    Commented,
    /// Taken back, by its author or by somebody else.
    #[serde(alias = "dismissed")]
    Dismissed,
    /// Started but not submitted.
    #[serde(alias = "pending")]
    Pending,
}

/// How a review was dismissed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dismissed {
    /// Who dismissed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Login>,
    /// The forge's numeric id of that account, as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_id: Option<String>,
    /// What it said before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<ReviewState>,
    /// When, by the server's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
}

/// An incident record.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Incident {
    /// The incident's ticket (INC).
    pub id: TicketId,
    /// How severe it is now.
    pub severity: Severity,
    /// Whether it is still going on.
    pub status: IncidentStatus,
}

/// Whether an incident is still going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are clear")]
pub enum IncidentStatus {
    Open,
    Resolved,
}
