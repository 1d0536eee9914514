//! The facts about an outcome: what the input document says when it is asked whether a change may be
//! closed.

use schemars::JsonSchema;
use serde::Serialize;

use super::question::build_question;
use super::{Input, Purpose};
use crate::calendar::Calendar;
use crate::operations::closing::Closing;
use crate::org::Org;
use crate::request::OutcomeResult;
use crate::terms::{Login, TicketId};

/// How somebody says that a change went, to close it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct OutcomeFacts<'a> {
    /// How it went.
    pub result: OutcomeResult,
    /// The steps that weren't executed.
    pub skipped: Vec<SkippedFacts<'a>>,
    /// What a later reader should know, or null.
    pub note: Option<&'a str>,
    /// The incident to which it led, or null.
    pub incident: Option<&'a TicketId>,
    /// Who says it.
    pub by: ConcluderFacts<'a>,
}

/// A step that wasn't executed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SkippedFacts<'a> {
    /// Its number.
    pub number: u32,
    /// Why it wasn't needed.
    pub why: &'a str,
}

/// Who says how a change went.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ConcluderFacts<'a> {
    /// The person, or for whom a machine acts; null if there is none.
    pub login: Option<&'a Login>,
    /// The machine, or null.
    pub machine: Option<&'a Login>,
    /// Whether they may: the requester, the implementer, who executed it, an owner of an affected
    /// service or an incident commander.
    pub may: bool,
    /// Whether it is proven who says it.
    pub proven: bool,
}

/// Builds the input document of the question whether a change may be closed as somebody says.
pub fn build_closing<'a>(closing: &Closing<'a>, org: &'a Org, calendar: &Calendar) -> Input<'a> {
    let Closing { question, said, incident, may } = *closing;
    let input = build_question(&question, org, calendar);
    let actor = input.execution.as_ref().map(|it| &it.actor);
    let outcome = OutcomeFacts {
        result: said.result,
        skipped: said
            .skipped
            .iter()
            .map(|it| SkippedFacts { number: it.step, why: &it.why })
            .collect(),
        note: said.note.as_deref(),
        incident,
        by: ConcluderFacts {
            login: actor.and_then(|it| it.login),
            machine: actor.and_then(|it| it.machine),
            may,
            proven: actor.is_some_and(|it| it.proven),
        },
    };
    Input { purpose: Purpose::Outcome, execution: None, outcome: Some(outcome), ..input }
}
