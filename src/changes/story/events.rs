//! What happens to a change.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use crate::core::evidence::Unproven;
use crate::core::terms::Login;
use crate::core::time::{Duration, Time};
use crate::forge::git::journal::Said;

/// Something that happened to a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HistoryEvent {
    /// What happened.
    #[serde(rename = "event")]
    pub what: What,
    /// When, as the commit says.
    pub at: Time,
    /// How long after the change's previous event; null for the first.
    pub after: Option<Duration>,
    /// Who did it, by the roster at base; null if it knows neither key nor address.
    pub by: Option<Login>,
    /// The address that the commit names.
    pub email: String,
    /// Why it isn't shown that it was them; null if a signature shows it.
    pub unproven: Option<Unproven>,
    /// The commit that holds it.
    pub commit: String,
    /// The commit that was reviewed, closed, reopened or merged.
    pub about: Option<String>,
    /// What was written: a review's comment, or a commit's first line.
    pub text: String,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// The request was brought in, for the first time or after a merge.
    Submitted,
    /// What it asks for was changed.
    Amended,
    /// Only its form was changed.
    Edited,
    /// Somebody approved.
    Approved,
    /// Somebody asked for changes.
    ChangesRequested,
    /// Somebody remarked on it.
    Commented,
    /// Somebody took back what they had said.
    Withdrawn,
    /// It was given up.
    Closed,
    /// It was taken up again.
    Reopened,
    /// It was merged into the base.
    Merged,
}

impl From<Option<Said>> for What {
    /// What an entry of the journal says; one that can't be read is a remark.
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
        })
    }
}

impl HistoryEvent {
    /// Who did it, as far as anybody knows: `carol`, `carol (unsigned)`.
    pub fn who(&self) -> String {
        let name = self.by.as_ref().map_or(self.email.as_str(), Login::as_str);
        match self.unproven {
            None => name.to_owned(),
            Some(Unproven::Unsigned) => format!("{name} (unsigned)"),
            Some(Unproven::InvalidSignature) => format!("{name} (invalid signature)"),
            Some(Unproven::UnknownKey) => format!("{name} (unknown key)"),
            Some(Unproven::OtherPerson) => format!("{name} (in the name of {})", self.email),
            Some(Unproven::OtherChange) => format!("{name} (for another change)"),
        }
    }
}
