//! The operations log: what people and pipelines did, as values.
//!
//! The gate decides, and the ledger keeps that; here is what happens afterwards: executions and their
//! ends, verification, outcomes, escalations, incidents. The functions here take and return values and
//! text; the log's branch keeps them.
//!
//! ```text
//! event + proof ─ lines ─▶ changes/3f/CHG-1234.jsonl ─ after ─▶ life ─ state ─▶ running, verified, …
//!                                                                 └─ open ──▶ state.json
//! ```
//!
//! - [`event`]: one event, with an id that follows from it; [`kinds`]: what each kind says of its own;
//!   [`proof`]: who wrote it; [`token`], the token of a job, and [`job`], who that is
//! - [`lines`]: a file of events; [`message`]: the message of an event's commit
//! - [`life`]: the fold of a file's events; [`after`]: which event can follow on it
//! - [`writer`]: who may write one
//! - [`state`]: what that comes to for a change at a time, and [`next`]: what comes after it; [`open`]: what
//!   is open in the whole log
//! - [`escalation`]: whom to call about an incident; [`debts`]: what became of sign-offs that are owed
//! - [`authorize`]: the question whether somebody may execute something now, and who may at all;
//!   [`closing`]: the question whether a change may be closed
//! - [`measured`]: what samples of health checks and error rates come to

pub mod after;
pub mod around;
pub mod authorize;
pub mod checks;
pub mod closing;
pub mod debts;
pub mod escalation;
pub mod event;
pub mod job;
pub mod kinds;
pub mod life;
pub mod lines;
pub mod measured;
pub mod message;
pub mod next;
pub mod open;
pub mod proof;
pub mod state;
pub mod token;
mod whole;
pub mod writer;

#[cfg(test)]
mod tests;
