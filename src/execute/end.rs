//! The end of an execution: what the event says, and when it closes the change by itself.

use crate::core::operations::authorize::Attempt;
use crate::core::operations::event::About;
use crate::core::operations::kinds::{End, EndResult, Outcome, What, Written};
use crate::core::operations::life::{Execution, Life};
use crate::core::org::Org;
use crate::core::record::parts::Hex;
use crate::core::request::{ChangeRequest, OutcomeResult};
use crate::core::terms::TicketId;
use crate::core::time::{Duration, Time};
use crate::execute::Made;
use crate::gate::execution::close::needs_nothing_more;
use crate::operations::Log;

/// How an execution went.
#[derive(Clone, Debug, Default)]
pub struct Went {
    /// The command's exit code.
    pub code: Option<u8>,
    /// The signal that ended the command.
    pub signal: Option<u8>,
    /// What the command wrote.
    pub output: Option<Written>,
    /// Why nobody knows, or why somebody else than who began it says so.
    pub why: Option<String>,
}

/// Returns the end of an execution at a time.
pub fn end(execution: &Execution, result: EndResult, went: Went, now: Time) -> What {
    let Went { code, signal, output, why } = went;
    What::End(End {
        execution: execution.begin.id.clone(),
        result,
        code,
        signal,
        overran: overran(execution, now),
        output,
        why,
    })
}

/// Returns by how much an execution went on beyond its planned end.
fn overran(execution: &Execution, now: Time) -> Option<Duration> {
    let begin = &execution.begin.what;
    let end = begin.planned.filter(|_| !begin.rollback)?.end;
    (now > end).then(|| now - end)
}

/// Returns the outcome that the end of an execution brings by itself: a change that only reads is
/// closed when no step is left.
pub fn closes(
    id: &TicketId,
    request: &ChangeRequest,
    org: &Org,
    life: &Life,
    end: &What,
) -> Option<Made> {
    let What::End(End { execution, result: EndResult::Done, .. }) = end else { return None };
    let ended = life.executions.iter().find(|it| it.begin.id == *execution)?;
    let mut done = life.done();
    done.extend(ended.begin.what.steps.iter().filter_map(|step| step.number));
    let is_over = !ended.begin.what.rollback && needs_nothing_more(request, org, life, &done);
    is_over.then(|| {
        let (result, skipped) = (OutcomeResult::Successful, Vec::new());
        let outcome = Outcome { result, skipped, note: None, automatic: true };
        Made::of_change(id, What::Outcome(outcome))
    })
}

/// Whether all that an attempt asks for is done already.
pub fn is_done(request: &ChangeRequest, life: &Life, attempt: &Attempt) -> bool {
    let done = life.done();
    let wanted = attempt.steps.of(request, |_| true);
    !attempt.rollback
        && !wanted.is_empty()
        && wanted.iter().all(|(number, _)| done.contains(number))
}

/// Returns the execution that began with this nonce and has no end, and what it is about: the change or the
/// incident of this id; `None` if there is none.
///
/// # Errors
/// When the log can't be read.
pub fn without_end<'i>(
    log: &Log<'_>,
    id: &'i TicketId,
    nonce: &Hex,
) -> anyhow::Result<Option<(About<'i>, Execution)>> {
    for about in [About::Change(id), About::Incident(id)] {
        let life = log.life(about)?;
        let mut open = life.open().filter(|it| it.end.is_none());
        if let Some(found) = open.find(|it| it.begin.what.nonce == *nonce) {
            return Ok(Some((about, found.clone())));
        }
    }
    Ok(None)
}

/// Returns the execution of a life with this name.
pub fn named<'l>(life: &'l Life, name: &Hex) -> Option<&'l Execution> {
    life.executions.iter().find(|it| it.begin.id == *name)
}
