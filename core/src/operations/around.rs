//! What went around the rules, by the events of a change alone. Nothing undoes it: it is listed for ever.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::kinds::{Commander, What};
use super::life::{Execution, Life, Said};
use crate::policy::codes::log::{CONCURRENT, LATE_RECORD, UNAUTHORIZED, UNCONFIRMED};
use crate::time::{Duration, Time};

/// What went around the rules, or was recorded late.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Around {
    /// The code, which `changegate explain` explains.
    pub code: String,
    /// The id of the event that says so.
    pub event: String,
    /// What happened.
    pub message: String,
}

impl Around {
    fn new(code: &str, id: impl Into<String>, message: String) -> Self {
        Around { code: code.to_owned(), event: id.into(), message }
    }

    /// Returns that a commander, whom somebody heard approve, didn't confirm it in a review of their own;
    /// `None` as long as there is time.
    pub fn unconfirmed(heard: &Said<Commander>, due_after: Duration, now: Time) -> Option<Self> {
        let due = heard.head.at + due_after;
        let (who, by) = (&heard.what.who, &heard.head.by);
        let message = || {
            let due = due.for_people(None);
            format!("{by} heard {who} approve it, and {who} hadn't confirmed that by {due} UTC")
        };
        (now >= due).then(|| Around::new(UNCONFIRMED, heard.id.clone(), message()))
    }
}

impl Life {
    /// Returns what went around the rules as the log shows it, in the order in which it arrived within each
    /// kind.
    pub fn around(&self) -> Vec<Around> {
        let begun = self.out_of_turn.iter();
        let begun = begun.filter(|it| matches!(it.event.what(), What::Begin(_)));
        let begun = begun.map(|it| {
            let code = if it.is_concurrent { CONCURRENT } else { UNAUTHORIZED };
            let head = it.event.head();
            let at = head.at.for_people(None);
            let message =
                format!("{} began to execute it offline at {at} UTC: {}", head.by, it.why);
            Around::new(code, it.event.id().clone(), message)
        });
        let aside = self.executions.iter().enumerate().filter_map(|(index, it)| {
            let head = &it.begin.head;
            let other = self.executions[..index].iter().find(|other| overlap(it, other))?;
            let (at, by) = (head.at.for_people(None), &other.begin.head.by);
            let message = format!(
                "{} began to execute it offline at {at} UTC, while {by} executed it",
                head.by
            );
            head.offline.then(|| Around::new(CONCURRENT, it.begin.id.clone(), message))
        });
        let recorded = self.records.iter().map(|it| {
            let (by, at) = (&it.what.performed_by, it.what.started_at.for_people(None));
            let (code, how) = match it.what.debtor {
                Some(_) => (UNAUTHORIZED, "which nobody had approved"),
                None => (LATE_RECORD, "as approved, and recorded it afterwards"),
            };
            Around::new(code, it.id.clone(), format!("{by} executed it at {at} UTC, {how}"))
        });
        begun.chain(aside).chain(recorded).collect()
    }
}

/// Whether two executions went on at once.
fn overlap(one: &Execution, other: &Execution) -> bool {
    let from = |it: &Execution| it.begin.head.at;
    let to = |it: &Execution| it.end.as_ref().map_or(it.lease_until, |end| end.head.at);
    from(one) < to(other) && from(other) < to(one)
}
