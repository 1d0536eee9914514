//! Watches the services of a change after it was executed, and says what was found.

use super::{Author, NotTaken};
use crate::core::operations::life::Life;
use crate::core::operations::writer::{CONCLUDERS, Writing};
use crate::core::org::Org;
use crate::core::request::ChangeRequest;
use crate::core::terms::{Login, TicketId};
use crate::core::time::Time;

/// Checks before anybody waits that the log is going to take what is found.
///
/// # Errors
/// [`NotTaken`], with the reason.
pub fn check(
    author: &Author<'_>,
    on_behalf: Option<&Login>,
    (id, request): (&TicketId, &ChangeRequest),
    org: &Org,
    life: &Life,
    now: Time,
) -> Result<(), NotTaken> {
    let writing = Writing { org, request: Some(request), life, incidents: &[] };
    let by = author.by();
    let why = if life.outcome.is_some() {
        format!("{id} is closed already")
    } else if life.cancelled.is_some() {
        format!("{id} was cancelled")
    } else if life.open().next().is_some() {
        format!("{id} is being executed: verify it when that has ended")
    } else if !life.has_begun() {
        format!("nothing of {id} was executed, so there is nothing to verify")
    } else if let Some((end, _)) = life.last_end().filter(|(end, _)| now < *end) {
        let end = end.for_people(Some(now));
        format!(
            "the last execution of {id} ended at {end} UTC, which is still to come by this machine's clock"
        )
    } else if !writing.may_conclude(by, on_behalf) {
        format!("{by} may not verify {id}: it is up to {CONCLUDERS}")
    } else {
        return Ok(());
    };
    Err(NotTaken(why))
}
