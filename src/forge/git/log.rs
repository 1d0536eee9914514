//! What the operations log says beside a change.

use super::{Git, closed_by};
use crate::content::journal::Said;
use crate::content::{People, SKEW};
use crate::core::evidence::{Footprint, Incident, LogEvidence};
use crate::core::org::Org;
use crate::core::request::ChangeRequest;
use crate::core::terms::TicketId;
use crate::core::time::Time;
use crate::git::Oid;
use crate::operations::{OPERATIONS, Seen};

impl Git {
    /// Returns the tip of the operations log as it is known here; `None` where there is none.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn log_tip(&self) -> anyhow::Result<Option<Oid>> {
        self.branches.tip(OPERATIONS)
    }

    /// Returns the log up to a commit beside the base at a commit.
    ///
    /// # Errors
    /// When it can't be read, or isn't here.
    pub fn log_seen(&self, base: Oid, tip: Oid) -> anyhow::Result<Seen> {
        if let Some(seen) = self.seen.borrow().get(&(base, tip)) {
            return Ok(seen.clone());
        }
        let seen = Seen::read(self.repo(), base, tip)?;
        self.seen.borrow_mut().insert((base, tip), seen.clone());
        Ok(seen)
    }

    /// Returns what the log up to a commit says about the change with the request at a path, and of the
    /// incident that that names, as far as it knows it: nothing where there is no log. Of the merged changes in
    /// its way, those that are closed or cancelled are taken out.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn logged(
        &self,
        base: Oid,
        log: Option<Oid>,
        about: (Option<&str>, Option<&ChangeRequest>),
        in_the_way: &mut Vec<Footprint>,
        (org, now): (&Org, Time),
    ) -> anyhow::Result<(Option<LogEvidence>, Option<Incident>)> {
        let Some(tip) = log else { return Ok((None, None)) };
        let is_refused = |change: &TicketId| self.is_refused(change, org, now);
        self.log_seen(base, tip)?.about(self.repo(), about, in_the_way, &is_refused, now)
    }

    /// Whether a change is closed, at a time, while somebody requests changes: what was executed of it is
    /// never signed.
    ///
    /// # Errors
    /// When its journal can't be read.
    pub fn is_refused(&self, change: &TicketId, org: &Org, now: Time) -> anyhow::Result<bool> {
        let (name, people) = (change.as_str(), People::of(&org.roster));
        let mut journal = self.journal(name)?;
        journal.retain(|entry| entry.commit.time <= now + SKEW);
        if closed_by(self.repo(), &people, org, name, &journal).is_none() {
            return Ok(false);
        }
        let reviews = journal.iter().filter(|entry| {
            let said = entry.said.filter(|said| said.is_review() && *said != Said::Commented);
            said.is_some() && entry.change == name
        });
        let mut objecting = Vec::new();
        for review in reviews {
            let signer = people.signer(self.repo(), &review.commit);
            if signer.unproven.is_none_or(|why| org.tolerates(why)) {
                objecting.retain(|who| *who != signer.login);
                let objects = review.said == Some(Said::ChangesRequested);
                objecting.extend(objects.then_some(signer.login));
            }
        }
        Ok(!objecting.is_empty())
    }
}
