//! What the verbs that write answer: what they did, and the decision that stands now.

use schemars::JsonSchema;
use serde::Serialize;

use super::args::AnswerFormat;
use super::say::{json, print};
use crate::core::decision::Decision;

/// What `submit`, `review`, `merge` or `close` did.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(title = "Receipt")]
pub struct Receipt<'a> {
    /// The change.
    pub change: &'a str,
    /// `submitted`, `approved`, `changes-requested`, `commented`, `withdrawn`, `merged`, `closed` or
    /// `reopened`; null if nothing was done.
    pub did: Option<String>,
    /// The commit that it stands in.
    pub commit: Option<String>,
    /// Whether a review counts; null for anything else.
    pub counts: Option<bool>,
    /// Why nothing was done, or why a review doesn't count.
    pub why: Option<String>,
    /// The decision as it stands now; null where it wasn't asked for.
    pub decision: Option<&'a Decision>,
}

impl<'a> Receipt<'a> {
    /// Nothing was done to a change.
    pub fn nothing(change: &'a str, why: &str, decision: Option<&'a Decision>) -> Self {
        Receipt {
            change,
            did: None,
            commit: None,
            counts: None,
            why: Some(why.to_owned()),
            decision,
        }
    }

    /// Something was done to a change.
    pub fn did(change: &'a str, did: impl ToString, decision: Option<&'a Decision>) -> Self {
        Receipt {
            change,
            did: Some(did.to_string()),
            commit: None,
            counts: None,
            why: None,
            decision,
        }
    }

    /// The same, with the commit that it stands in.
    pub fn commit(self, commit: impl ToString) -> Self {
        Receipt { commit: Some(commit.to_string()), ..self }
    }

    /// Prints it; `text` is what a person reads instead.
    pub fn print(&self, format: AnswerFormat, text: &str) -> anyhow::Result<()> {
        match format {
            AnswerFormat::Text => print(text),
            AnswerFormat::Json => print(&json(self)?),
        }
    }
}
