//! Works out again what the operations log said of a change, when the evidence about it was collected.

use super::entry::Check;
use crate::audit::Step;
use crate::content::Pull;
use crate::core::evidence::{Evidence, Footprint, Incident, LogEvidence};
use crate::core::request::ChangeRequest;
use crate::core::terms::TicketId;
use crate::core::time::Time;
use crate::git::{Oid, Repo};
use crate::ledger::oid;
use crate::operations::{self, Log, OPERATIONS, Rules};

/// What the log said: of a change, and of the incident that it names.
pub(super) type Logged = (Option<LogEvidence>, Option<Incident>);

/// Returns what the log that a pull request was judged by says. Whether another change was closed since is
/// nowhere in it, as whether it was open.
pub(super) fn logged(
    recorded: &Evidence,
    (repo, pull): (&Repo, &Pull),
    about: (Option<&str>, Option<&ChangeRequest>),
    in_the_way: &mut Vec<Footprint>,
    at: Time,
) -> anyhow::Result<Logged> {
    let is_refused = |change: &TicketId| {
        let owed = recorded.operations.iter().flat_map(|log| &log.debts);
        Ok(!owed.into_iter().any(|debt| debt.change == *change))
    };
    operations::logged(repo, pull, about, in_the_way, &is_refused, at)
}

impl Check<'_> {
    /// Returns what the log said of a pull request on a forge, up to the commit that the evidence names, and
    /// checks that this is one that the entry saw; `None` where that can't be told.
    pub(super) fn logged_on_forge(
        &mut self,
        recorded: &Evidence,
        pull: &Pull,
        about: (Option<&str>, Option<&ChangeRequest>),
        in_the_way: &mut Vec<Footprint>,
    ) -> anyhow::Result<Option<Logged>> {
        let it = &self.entry.statement.predicate;
        let rests_on = recorded.operations.as_ref().and_then(|log| log.tip.as_deref());
        let rests_on = rests_on.map(Oid::from_str).transpose()?;
        let (at, seen) = (self.decided_at(), it.operations.as_ref());
        let (Some(at), Some(seen)) = (at, seen.map(|seen| oid(&seen.tip)).transpose()?) else {
            if rests_on.is_some() {
                self.rests_on_another_log();
            }
            return Ok(None);
        };
        // A log that was rewound since is found where it is compared with the entries.
        let Ok(log) = Rules::at(self.repo, pull.base).and_then(|rules| Log::read(rules, seen))
        else {
            return Ok(None);
        };
        let Ok(log) = log else {
            if rests_on.is_some() {
                self.rests_on_another_log();
            }
            return Ok(None);
        };
        // What was executed from a change that isn't here can't be judged.
        if !log.missed_heads().is_empty() {
            return Ok(None);
        }
        let is_right = match (&it.merge, rests_on) {
            (Some(merge), rests_on) => log.tip_at(merge.at)? == rests_on,
            (None, Some(rests_on)) => log.is_at(rests_on)?,
            (None, None) => false,
        };
        if !is_right {
            self.rests_on_another_log();
            return Ok(None);
        }
        let pull = pull.clone().with_log(rests_on);
        logged(recorded, (self.repo, &pull), about, in_the_way, at).map(Some)
    }

    fn rests_on_another_log(&mut self) {
        let why = format!("its evidence rests on another state of {OPERATIONS} than there was");
        self.finding(Step::Provenance, why);
    }
}
