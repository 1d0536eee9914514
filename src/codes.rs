//! What each finding's code means: for `changegate explain` and for the reports.

use crate::decision::Effect;

/// What a code means, and what resolves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeInfo {
    /// `rule/short-name`.
    pub code: String,
    /// A few words, without a full stop.
    pub title: String,
    /// What is the matter, and why that matters.
    pub meaning: String,
    /// What to do about it.
    pub resolve: String,
    /// The section of the rules that it comes from.
    pub rule: String,
    /// What it does to the verdict.
    pub effect: Effect,
    /// The controls that it serves, such as `SOC2:CC8.1`.
    pub controls: Vec<String>,
}
pub fn catalogue(_: &crate::policy::Files) -> std::collections::BTreeMap<String, CodeInfo> {
    Default::default()
}
