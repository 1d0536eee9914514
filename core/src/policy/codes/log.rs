//! What is said of the operations log: what went around the rules has happened, so that it has no effect on a
//! verdict.

use super::CodeInfo;
use crate::terms::Effect;

/// Somebody executed what wasn't approved.
pub const UNAUTHORIZED: &str = "execute/unauthorized";

/// Somebody executed what somebody else executed, too.
pub const CONCURRENT: &str = "execute/concurrent";

/// Somebody recorded afterwards what they had been allowed to execute.
pub const LATE_RECORD: &str = "execute/late-record";

/// An incident commander never confirmed an approval.
pub const UNCONFIRMED: &str = "emergency/commander-unconfirmed";

/// Returns all of them.
pub(super) fn codes() -> impl Iterator<Item = CodeInfo> {
    let info = |(code, rule, title, meaning, resolve): (&str, &str, &str, &str, &str)| CodeInfo {
        code: code.to_owned(),
        title: title.to_owned(),
        meaning: meaning.to_owned(),
        resolve: resolve.to_owned(),
        help: None,
        rule: rule.to_owned(),
        effect: Effect::Warn,
        controls: vec!["SOC2:CC8.1".to_owned()],
    };
    CODES.iter().copied().map(info)
}

const CODES: [(&str, &str, &str, &str, &str); 4] = [
    (
        UNCONFIRMED,
        "6",
        "The incident commander never confirmed the approval",
        "Where nobody can be reached, the word of who acts stands in for the incident commander's approval for 24 hours. No review by that commander followed, so the execution went around the rules; it is listed for ever.",
        "Have the commander say what happened in a review, and get the sign-offs that are owed.",
    ),
    (
        CONCURRENT,
        "8",
        "Two people executed it without knowing of each other",
        "An execution was recorded offline, and when it arrived in the operations log, another one of the change was there. Both are kept; the later one went around the rules, and is listed for ever.",
        "Find out what both did together, and say it in the outcome of the change.",
    ),
    (
        LATE_RECORD,
        "8",
        "An execution was recorded afterwards",
        "Somebody did what was approved, in its time, and recorded it when it was over: nobody could see that it was going on.",
        "Execute the next one with `changegate exec CHG-1234 -- COMMAND`, which records it by itself.",
    ),
    (
        UNAUTHORIZED,
        "8",
        "Something was executed that wasn't approved",
        "Somebody executed what the policies of that moment didn't approve, or without asking what nobody had approved. It did happen, so it stays in the operations log, and is listed for ever.",
        "Get the sign-offs that are owed for it, and find out why nobody asked.",
    ),
];
