//! What became of a change, as the comment on its pull request tells it, and what somebody has to be
//! reminded of.

use super::escape::{json, markdown};
use crate::core::operations::event::Event;
use crate::core::operations::kinds::What;
use crate::core::operations::message::message;
use crate::core::operations::state::State;
use crate::core::org::Freeze;
use crate::core::terms::{Login, TicketId, all_of};
use crate::core::time::{Duration, Interval, Time};

/// The beginning of the comment, which identifies it.
pub const MARK: &str = "<!-- changegate:executed -->";

/// The most events that are told.
const MOST: usize = 50;

/// Sign-offs that are or were owed for what was executed before they were given.
#[derive(Clone, Debug)]
pub struct Owed {
    /// The id of the event that began it.
    pub of: String,
    /// The team or person who owes them.
    pub debtor: String,
    /// What is owed: `devops-lead`; empty for all of them.
    pub what: Vec<String>,
    /// Until when the first is due.
    pub due_at: Time,
    /// What it is now: `owed`, `overdue`, `settled`.
    pub state: &'static str,
}

impl Owed {
    /// Returns it as part of a sentence: `payments owes devops-lead, due 2026-12-01 03:14 UTC`.
    fn line(&self) -> String {
        let what =
            if self.what.is_empty() { "all sign-offs".to_owned() } else { all_of(&self.what) };
        format!("{} owes {what}, due {} UTC", self.debtor, self.due_at.for_people(None))
    }
}

/// Returns the comment on a change in a state, with its plan, with what happened to it, oldest first, and
/// with what is owed.
pub fn comment(
    id: &TicketId,
    (state, planned): (State, Option<Interval>),
    events: &[Event],
    owed: &[Owed],
) -> String {
    let mut text = format!("{MARK}\n**{id}** is {state}\n\n");
    if let Some(planned) = planned {
        text += &format!("- planned {}\n", planned.for_people(None));
    }
    let left_out = events.len().saturating_sub(MOST);
    if left_out > 0 {
        text += &format!("- {left_out} earlier events\n");
    }
    text.extend(events.iter().skip(left_out).map(line));
    for debt in owed {
        text += &format!("- {}: {}\n", debt.state, markdown(&debt.line()));
    }
    text.extend(next(id, state).map(|next| format!("\n{next}\n")));
    text
}

/// Returns what is to be done next, and how; `None` if that is nobody's turn.
fn next(id: &TicketId, state: State) -> Option<String> {
    Some(match state {
        State::Scheduled | State::Ready => format!(
            "Next: execute it by its deployment, or by `changegate exec {id} -- COMMAND`, which asks first."
        ),
        State::Lost => what_to_do(id),
        State::Executed => format!(
            "Next: verify it, by the comment `/changegate verify` or by `changegate verify {id}`."
        ),
        State::Verified => format!(
            "Next: close it, by the comment `/changegate outcome successful` or by `changegate outcome \
             {id} successful`."
        ),
        State::Incomplete => format!(
            "Next: go on or undo it by `changegate exec {id} --rollback -- COMMAND`, or say what came of it \
             by the comment `/changegate outcome failed --note \"what happened\"`."
        ),
        State::Escalated => {
            "Next: resolve its incident, and say then what came of the change.".to_owned()
        }
        State::Expired => format!(
            "Next: cancel it by the comment `/changegate cancel --reason \"not needed\"`, or plan it again \
             with a new request, because the time of {id} is over."
        ),
        State::Running | State::Closed | State::Cancelled => return None,
        State::Merged | State::Open | State::GivenUp => return None,
    })
}

/// Returns an event as its commit's message tells it, with its time and the address of its run.
fn line(event: &Event) -> String {
    let told = message(event);
    let mut lines = told.lines();
    let (title, story) = (lines.next().unwrap_or_default(), lines.nth(1).unwrap_or_default());
    let run = match event.what() {
        What::Begin(begin) => begin.url.as_deref().filter(|url| is_plain(url)),
        _ => None,
    };
    let run = run.map(|url| format!(" ([run]({url}))")).unwrap_or_default();
    let at = event.head().at.for_people(None);
    format!("- {at} UTC: {}{run}. {}\n", markdown(title), markdown(story))
}

/// Whether an address is one of pages, and can't be taken for anything but an address.
fn is_plain(url: &str) -> bool {
    let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/#".contains(&byte);
    url.starts_with("https://") && url.bytes().all(is_fit)
}

/// What somebody has to be reminded of, once.
#[derive(Clone, Debug)]
pub struct Reminder {
    /// What it is about, by which it is told from others.
    pub about: String,
    /// Who is to be told, if that is a person.
    whom: Option<Login>,
    what: String,
}

impl Reminder {
    /// Reminds of an execution whose end nobody knows.
    pub fn of_lost(id: &TicketId, execution: String, whom: Option<Login>) -> Self {
        let what = format!(
            "nobody knows how an execution of {id} ended, and nothing else can begin. {}",
            what_to_do(id)
        );
        Reminder { about: execution, whom, what }
    }

    /// Reminds of a change without outcome.
    pub fn of_outcome(id: &TicketId, (since, now): (Time, Time), whom: Option<Login>) -> Self {
        let late: Duration = now - since;
        let what = format!(
            "{id} was executed, and {} later nobody has said what came of it. Say so: `changegate outcome \
             {id} successful`, or another result.",
            late.for_people()
        );
        Reminder { about: format!("outcome {id}"), whom, what }
    }

    /// Reminds of sign-offs that were due.
    pub fn of_debt(id: &TicketId, owed: &Owed, whom: Option<Login>) -> Self {
        let what = format!(
            "{id} was executed before it was signed off: {}. Until it is signed and merged, nothing else of \
             {}'s is merged but emergencies.",
            owed.line(),
            owed.debtor
        );
        Reminder { about: format!("debt {}", owed.of), whom, what }
    }

    /// Reminds of a merged change that a freeze holds up.
    pub fn of_freeze(id: &TicketId, freeze: &Freeze, whom: Option<Login>) -> Self {
        let Freeze { name, start, end, .. } = freeze;
        let until = end.for_people(None);
        let what = format!(
            "{id} is merged, and can't be executed as planned: the freeze {name} lasts until {until} UTC. Plan it \
             for another time: `changegate reschedule {id} --next`."
        );
        Reminder { about: format!("freeze {id} {name} {start}"), whom, what }
    }

    /// Reminds of an incident that has paused changes for long.
    pub fn of_pause(
        incident: &TicketId,
        (since, now): (Time, Time),
        commander: Option<Login>,
    ) -> Self {
        let length: Duration = now - since;
        let what = format!(
            "{incident} has paused changes for {}. `changegate incident resolve {incident}` ends that, or \
             `changegate incident update {incident} --pauses none`.",
            length.for_people()
        );
        Reminder { about: format!("pause {incident}"), whom: commander, what }
    }

    /// Returns the first line of the comment that reminds, and the comment.
    pub fn comment(&self) -> (String, String) {
        let mark = format!("<!-- changegate:reminder {} -->", json(&self.about));
        let whom = self.whom.iter().map(|whom| format!("@{whom}: ")).collect::<String>();
        let text = format!("{mark}\n{whom}{}\n", self.what);
        (mark, text)
    }

    /// Returns it as a line.
    pub fn line(&self) -> String {
        let whom = self.whom.iter().map(|whom| format!("{whom}: ")).collect::<String>();
        format!("{whom}{}\n", self.what)
    }
}

fn what_to_do(id: &TicketId) -> String {
    format!(
        "Look at what it did, and say so: `changegate end {id} --result failed --why \"looked at it\"`, or \
         `--result done`."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_pages_are_links() {
        assert!(is_plain("https://github.com/acme/shop/actions/runs/77"));
        for url in ["http://x", "javascript:x", "https://x)", "https://x y", "https://x?a=b"] {
            assert!(!is_plain(url), "{url}");
        }
    }
}
