//! The output of the verbs that write: what they did, and the current decision.

use schemars::JsonSchema;
use serde::Serialize;

use super::args::AnswerFormat;
use super::say::{done, json};
use changegate::core::decision::Decision;

/// The result of `submit`, `review`, `merge` or `close`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(title = "Receipt")]
pub struct Receipt<'a> {
    /// The change's id.
    pub change: &'a str,
    /// What was done: `submitted`, `approved`, `changes-requested`, `commented`, `withdrawn`,
    /// `merged`, `closed` or `reopened`; null if nothing was done.
    pub did: Option<String>,
    /// The commit that contains it.
    pub commit: Option<String>,
    /// Whether a review counts; null for anything else.
    pub counts: Option<bool>,
    /// Why nothing was done, why a review doesn't count, or why a merge isn't recorded yet.
    pub why: Option<String>,
    /// The current decision; null if there is none.
    pub decision: Option<&'a Decision>,
}

impl<'a> Receipt<'a> {
    /// Returns a receipt that says that nothing was done to a change.
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

    /// Returns a receipt that says what was done to a change.
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

    /// Adds the commit that contains it.
    pub fn commit(self, commit: impl ToString) -> Self {
        Receipt { commit: Some(commit.to_string()), ..self }
    }

    /// Prints the receipt as JSON, or `text` for people.
    pub fn print(&self, format: AnswerFormat, text: &str) -> anyhow::Result<()> {
        match format {
            AnswerFormat::Text => done(text),
            AnswerFormat::Json => done(&json(self)?),
        }
        Ok(())
    }
}
