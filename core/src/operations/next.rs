//! What comes next for a change: the commands that somebody types now.

use super::life::Life;
use super::state::{Plan, PullState, State};
use crate::terms::TicketId;
use crate::time::Time;

/// Returns the commands that come next for a change in a state, the likeliest first; none where nothing is
/// to be done, or it only has to be waited for. `COMMAND` in them is what does it.
pub fn next(id: &TicketId, state: State, plan: Plan, life: &Life, now: Time) -> Vec<String> {
    let flag = if plan.pull == PullState::Merged { "" } else { " --break-glass" };
    let exec = format!("changegate exec {id}{flag} -- COMMAND");
    let rollback = format!("changegate exec {id} --rollback -- COMMAND");
    let verify = format!("changegate verify {id}");
    let outcome = |result| format!("changegate outcome {id} {result} --note \"what happened\"");
    let ended = life.last_end().map(|(at, _)| at);
    let is_verified = life.verified.last().is_some_and(|it| Some(it.what.monitored.from) >= ended);
    let watched = life.verified.last().map(|it| it.what.monitored.to - it.what.monitored.from);
    let is_over = plan.planned.is_some_and(|planned| planned.end <= now);
    match state {
        State::Scheduled | State::Ready => vec![exec],
        State::Running => {
            // What a command does ends by itself.
            let by_hand = life.open().last().filter(|it| it.begin.what.command.is_none());
            by_hand.map(|_| format!("changegate end {id}")).into_iter().collect()
        }
        State::Lost => vec![format!("changegate end {id} --result failed --why \"looked at it\"")],
        State::Escalated if life.is_rolled_back() && !is_verified => vec![verify],
        State::Escalated if life.is_rolled_back() => {
            let incident = life.escalated.last().map(|(incident, _)| incident);
            incident
                .map(|incident| format!("changegate incident resolve {incident}"))
                .into_iter()
                .collect()
        }
        State::Escalated => vec![rollback],
        State::Verified if watched < plan.monitor => vec![verify],
        State::Verified if life.is_rolled_back() => vec![outcome("rolled-back")],
        State::Verified => vec![format!("changegate outcome {id} successful")],
        State::Executed if is_verified => vec![outcome("with-issues"), verify, rollback],
        State::Executed => vec![verify],
        State::Incomplete if life.is_rolled_back() => vec![verify],
        State::Incomplete if !is_over => vec![exec, rollback],
        State::Incomplete if life.done().is_empty() => vec![outcome("failed"), rollback],
        State::Incomplete if is_verified => vec![outcome("with-issues"), rollback],
        State::Incomplete => vec![verify, rollback],
        State::Expired => vec![
            format!("changegate reschedule {id} --next"),
            format!("changegate cancel {id} --reason \"not needed any more\""),
        ],
        // It was executed under break-glass.
        State::Closed if plan.pull == PullState::Open => vec![format!("changegate merge {id}")],
        State::Merged | State::Open | State::GivenUp | State::Closed | State::Cancelled => {
            Vec::new()
        }
    }
}

/// Returns the commands that come next as one line: `changegate exec CHG-1234 -- COMMAND (from Tue 24 Nov
/// 22:00 UTC on)`; `None` where there are none.
pub fn in_words(commands: &[String], state: State, plan: Plan, now: Time) -> Option<String> {
    let day = |at: Time| at.for_people(Some(now));
    let when = match (state, plan.planned) {
        (State::Scheduled, Some(planned)) => format!(" (from {} UTC on)", day(planned.start)),
        (State::Ready, Some(planned)) => format!(" (until {} UTC)", day(planned.end)),
        (State::Lost, _) => " (once you know how it ended)".to_owned(),
        (State::Closed, _) => " (once it is signed off)".to_owned(),
        _ => String::new(),
    };
    (!commands.is_empty()).then(|| commands.join(", or ") + &when)
}
