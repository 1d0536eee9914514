//! Holds the reasons of bypasses against what had been decided before.

use super::Run;
use super::entry::Check;
use crate::audit::Step;
use crate::core::digest::Digest;
use crate::core::record::around::{Decided, unapproved};
use crate::core::record::entry::Entry;
use crate::core::record::parts::Because;
use crate::core::record::statement::Predicate;
use crate::core::terms::Verdict;
use crate::git::Oid;

/// What later entries about a pull request need of one.
pub struct Told {
    /// The name of the pull request.
    pub pull: String,
    /// The id of the entry about it that this one names as the one before it.
    pub previous: Option<Digest>,
    /// The decision that it holds.
    pub decided: Option<Decided>,
}

impl Told {
    /// Returns what is needed of an entry.
    pub fn of(it: &Predicate) -> Self {
        let pull = it.pull.as_ref().map(|pull| pull.name.clone()).unwrap_or_default();
        Told { pull, previous: it.previous.clone().flatten(), decided: Decided::of(it) }
    }
}

impl Run {
    /// Checks why a change that wasn't approved went around the gate.
    pub(super) fn reasoned(&mut self, commit: Oid, entry: &Entry) {
        let it = &entry.statement.predicate;
        let (Some(merge), Some(head), Some(policies)) = (&it.merge, &it.head, &it.policies) else {
            return;
        };
        let is_approved = it.decision.as_ref().is_none_or(|it| it.verdict == Verdict::Approved);
        let Some(because) = merge.because.filter(|_| !is_approved) else { return };
        let first = it.previous.as_ref().and_then(Option::as_ref);
        let told = std::iter::successors(first.and_then(|id| self.pulls.get(id)), |told| {
            self.pulls.get(told.previous.as_ref()?)
        });
        let decided = told.filter_map(|told| told.decided.clone());
        let reason = unapproved(decided, (head, &policies.digest), merge.at);
        if because != reason {
            let why = format!(
                "it says that it is a bypass by `{because}`, and by what had been decided it is one \
                 by `{reason}`"
            );
            self.finding(Step::Coverage, Some(entry.index), commit, why);
        }
    }
}

impl Check<'_> {
    /// Checks the reason of a bypass, as far as the entry shows it by itself. `is_as_judged` says whether
    /// it brought what was judged, where that is known.
    pub(super) fn reason(&mut self, is_as_judged: Option<bool>) {
        let it = &self.entry.statement.predicate;
        let Some(because) = it.merge.as_ref().and_then(|merge| merge.because) else { return };
        let verdict = it.decision.as_ref().map(|bones| bones.verdict);
        let fits = match because {
            Because::NoPullRequest | Because::NotKnown => verdict.is_none(),
            Because::OtherContent => {
                verdict == Some(Verdict::Approved) && is_as_judged != Some(true)
            }
            Because::NotApproved | Because::Superseded | Because::PoliciesChanged => {
                verdict.is_some_and(|verdict| verdict != Verdict::Approved)
            }
        };
        if !fits {
            let why = format!("it says that it is a bypass by `{because}`, and it isn't");
            self.finding(Step::Coverage, why);
        }
    }
}
