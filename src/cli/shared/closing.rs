//! What `outcome` and `exec --close` share.

use super::asking::{Answer, Begun};
use super::site::Site;
use changegate::core::operations::kinds::{Outcome, What};
use changegate::core::terms::{Login, TicketId, Verdict};
use changegate::execute::Made;
use changegate::gate::execution::close::may_close_by_itself;
use changegate::gate::execution::{Route, Said};
use changegate::gate::judge::Judges;

/// How a change is closed.
pub struct Closing {
    /// How it went.
    pub outcome: Outcome,
    /// The incident to which it led.
    pub incident: Option<TicketId>,
    /// The person for whom a machine acts.
    pub on_behalf: Option<Login>,
}

/// Asks, and if it is approved, records the outcome. An automatic one is recorded where the settings let it,
/// too.
///
/// # Errors
/// When nothing could be decided, or the log couldn't be written.
pub fn close_now(
    site: &Site,
    judges: &Judges,
    id: &TicketId,
    closing: &Closing,
) -> anyhow::Result<Begun> {
    let Closing { outcome, incident, on_behalf } = closing;
    let author = site.author(on_behalf.clone())?;
    let org = &site.judge.bundle().org;
    let mut answer = None;
    let written = author.write(|log, now| {
        let known = site.known(judges, Some(log), (id, &Route::Merged), now)?;
        let said = Said {
            outcome,
            incident: incident.as_ref(),
            by: author.by(),
            on_behalf: on_behalf.as_ref(),
        };
        let decision = known.close(&site.git, judges, log, &said, now)?.decision;
        let may = decision.verdict == Verdict::Approved
            && (!outcome.automatic || may_close_by_itself(&decision, org, &known.life));
        let made = may.then(|| Made {
            incident: incident.clone(),
            policies: Some(decision.digests.policies.clone()),
            input: decision.digests.input.clone(),
            ..Made::of_change(id, What::Outcome(outcome.clone()))
        });
        answer = Some(Answer { known, decision });
        Ok(made.into_iter().collect())
    })?;
    Begun::of(written, answer)
}
