//! What went around the rules when a change was executed: what the log alone shows, and approvals that were
//! heard and never confirmed.

use super::{Known, Route};
use crate::core::evidence::ReviewState;
use crate::core::operations::around::Around;
use crate::core::operations::authorize::Approved;
use crate::core::operations::event::About;
use crate::core::terms::{Login, TicketId};
use crate::core::time::Time;
use crate::forge::git::Git;
use crate::forge::github::GitHub;
use crate::gate::judge::Judges;
use crate::operations::Log;

/// Returns what went around the rules when a change was executed, as it is known at a time. Where GitHub isn't
/// asked, nobody says that a commander didn't confirm what is open there.
///
/// # Errors
/// When the repository can't be read, or GitHub can't be asked.
pub fn around(
    (git, github): (&Git, Option<&GitHub>),
    judges: &Judges,
    log: &Log<'_>,
    id: &TicketId,
    now: Time,
) -> anyhow::Result<Vec<Around>> {
    let life = log.life(About::Change(id))?;
    let mut around = life.around();
    if life.heard.is_empty() {
        return Ok(around);
    }
    let judge = judges.at(git.repo(), git.base()?)?;
    let settings = &judge.bundle().org.settings;
    let of = (id, &Route::Merged);
    let known = Known::of((git, github), judges, (Some(log), life.clone()), of, now)?;
    // Reviews of what is open on GitHub aren't in the repository.
    if github.is_none() && known.merged.is_none() && settings.execution.repository_id.is_some() {
        return Ok(around);
    }
    let due_after = settings.break_glass.due_after;
    let unconfirmed = life.heard.iter().filter_map(|heard| {
        let due = heard.head.at + due_after;
        let is_late = !known.confirms(&heard.what.who, due);
        is_late.then(|| Around::unconfirmed(heard, due_after, now)).flatten()
    });
    around.extend(unconfirmed);
    Ok(around)
}

impl Known {
    /// Whether somebody had approved it in a review of their own by a time.
    fn confirms(&self, who: &Login, due: Time) -> bool {
        let approved = match &self.approved {
            Approved::By(approval) => Some(&approval.sign_off),
            Approved::NotYet | Approved::Unproven(_) => None,
        };
        // Where the evidence was erased, who signed is known, and when isn't.
        let has_signed = approved.is_some_and(|it| {
            let mut required = it.required.iter();
            it.reviews.is_empty() && required.any(|it| it.satisfied_by.as_ref() == Some(who))
        });
        let open = self.open_change.as_ref().and_then(|it| it.decision.sign_off.as_ref());
        let mut reviews = approved.into_iter().chain(open).flat_map(|it| &it.reviews);
        has_signed
            || reviews.any(|it| {
                it.user.as_ref() == Some(who)
                    && it.state == ReviewState::Approved
                    && it.submitted_at < due
            })
    }
}
