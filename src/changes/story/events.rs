//! The events in the story of a change.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use crate::changes::records::RecordedAs;
use crate::content::journal::Said;
use crate::core::evidence::Unproven;
use crate::core::terms::Login;
use crate::core::time::{Duration, Time};

/// An event in the story of a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HistoryEvent {
    /// What happened.
    #[serde(rename = "event")]
    pub what: What,
    /// The time of the event, as the commit states it.
    pub at: Time,
    /// The time since the change's previous event; null for the first event.
    pub after: Option<Duration>,
    /// The person who did it, according to the roster at base; null if the roster lists neither
    /// their key nor their address. Of what a machine did, the person for whom.
    pub by: Option<Login>,
    /// The machine that did it; null if it was a person.
    pub machine: Option<Login>,
    /// The committer's email address; empty for an event of the operations log.
    pub email: String,
    /// The reason why it is not proven that this person did it; null if a signature proves it.
    pub unproven: Option<Unproven>,
    /// The commit that holds the event; empty for one of the operations log.
    pub commit: String,
    /// The event's id in the operations log; null for a commit.
    pub id: Option<String>,
    /// The commit that was reviewed, closed, reopened or merged.
    pub about: Option<String>,
    /// The comment of a review, or the first line of a commit's message; of what went around the
    /// rules, why it did.
    pub text: String,
    /// Of an approval, whether it counted when the change was merged or, of one that isn't, counts now; null if
    /// that isn't known here.
    pub counted: Option<bool>,
    /// What the ledger records of a commit on the base; null if it records nothing of it.
    pub recorded: Option<RecordedAs>,
    /// Whether it reached the base since the ledger covers that, and is recorded nowhere.
    pub unrecorded: bool,
}

/// The kind of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// The request was submitted, for the first time or again after a merge.
    Submitted,
    /// What the request asks for was changed.
    Amended,
    /// Only the form of the request was changed.
    Edited,
    /// Somebody approved.
    Approved,
    /// Somebody asked for changes.
    ChangesRequested,
    /// Somebody commented.
    Commented,
    /// Somebody withdrew their review.
    Withdrawn,
    /// The change was closed without a merge.
    Closed,
    /// The change was reopened.
    Reopened,
    /// The change was merged into the base.
    Merged,
    /// The base was changed around the rules: without the merge of a change, or by the merge of one
    /// that wasn't approved.
    Bypassed,
    /// An execution began.
    Begin,
    /// An execution ended.
    End,
    /// Somebody said what was executed without asking.
    Record,
    /// Verification ended.
    Verified,
    /// Somebody, or a rule, said what came of the change.
    Outcome,
    /// The change was cancelled.
    Cancelled,
    /// The change led to an incident.
    Escalated,
    /// Somebody heard an incident commander approve.
    Commander,
    /// Something in the operations log counts no more.
    Voided,
}

impl What {
    /// Whether it is something that reached the base.
    pub fn is_on_base(self) -> bool {
        matches!(self, What::Merged | What::Bypassed)
    }
}

impl From<Option<Said>> for What {
    /// Converts what a journal entry says; an entry that can't be read counts as a comment.
    fn from(said: Option<Said>) -> Self {
        match said {
            Some(Said::Approved) => What::Approved,
            Some(Said::ChangesRequested) => What::ChangesRequested,
            Some(Said::Commented) | None => What::Commented,
            Some(Said::Withdrawn) => What::Withdrawn,
            Some(Said::Closed) => What::Closed,
            Some(Said::Reopened) => What::Reopened,
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            What::Submitted => "submitted",
            What::Amended => "amended",
            What::Edited => "edited",
            What::Approved => "approved",
            What::ChangesRequested => "changes-requested",
            What::Commented => "commented",
            What::Withdrawn => "withdrawn",
            What::Closed => "closed",
            What::Reopened => "reopened",
            What::Merged => "merged",
            What::Bypassed => "bypassed",
            What::Begin => "begin",
            What::End => "end",
            What::Record => "record",
            What::Verified => "verified",
            What::Outcome => "outcome",
            What::Cancelled => "cancelled",
            What::Escalated => "escalated",
            What::Commander => "commander",
            What::Voided => "voided",
        })
    }
}

impl HistoryEvent {
    /// Returns who did it and what is not proven about that: `carol`, `carol (unsigned)`,
    /// `machine:deploy for carol`.
    pub fn who(&self) -> String {
        if let Some(machine) = &self.machine {
            let on_behalf = self.by.as_ref().map(|by| format!(" for {by}")).unwrap_or_default();
            return format!("machine:{machine}{on_behalf}");
        }
        let name = self.by.as_ref().map_or(self.email.as_str(), Login::as_str);
        match self.unproven {
            None => name.to_owned(),
            Some(Unproven::Unsigned) => format!("{name} (unsigned)"),
            Some(Unproven::InvalidSignature) => format!("{name} (invalid signature)"),
            Some(Unproven::NotSsh) => format!("{name} (not signed by SSH)"),
            Some(Unproven::UnusableKey) => format!("{name} (unusable key)"),
            Some(Unproven::UnknownKey) => format!("{name} (unknown key)"),
            Some(Unproven::OtherPerson) => format!("{name} (in the name of {})", self.email),
            Some(Unproven::OtherChange) => format!("{name} (for another change)"),
        }
    }
}
