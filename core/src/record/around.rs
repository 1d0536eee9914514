//! Why a change that wasn't approved when it was merged is recorded as a bypass: what had been decided
//! on it before.

use super::parts::{Because, ObjectId};
use super::statement::{Kind, Predicate};
use crate::digest::Digest;
use crate::terms::Verdict;
use crate::time::Time;

/// A decision on a pull request, as the ledger holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// When it was recorded.
    pub at: Time,
    /// The head that it was about.
    pub head: ObjectId,
    /// The digest of the policies that decided.
    pub policies: Digest,
    /// Whether the change could go ahead.
    pub is_approved: bool,
}

impl Decided {
    /// Returns the decision that an entry holds; `None` if it is of another kind.
    pub fn of(it: &Predicate) -> Option<Self> {
        let (Kind::Decision, Some(head), Some(policies), Some(bones)) =
            (it.kind, &it.head, &it.policies, &it.decision)
        else {
            return None;
        };
        Some(Decided {
            at: it.recorded_at,
            head: head.clone(),
            policies: policies.digest.clone(),
            is_approved: bones.verdict == Verdict::Approved,
        })
    }
}

/// Returns why a head that wasn't approved when it was merged, at a time and under these policies, went
/// around the gate. `decided` are the decisions on its pull request, the newest first.
///
/// - An approval that a later decision took back, or that was of another head, was superseded.
/// - Where the last decision approved this very head under other policies, those have changed.
/// - Otherwise it wasn't approved: it never was, or what it was approved on has changed since, such as
///   a review that was dismissed or a window that has passed.
pub fn unapproved(
    decided: impl IntoIterator<Item = Decided>,
    (head, policies): (&ObjectId, &Digest),
    at: Time,
) -> Because {
    let mut decided = decided.into_iter().filter(|it| it.at <= at);
    match decided.next() {
        Some(last) if last.is_approved && last.head == *head => {
            if last.policies == *policies {
                Because::NotApproved
            } else {
                Because::PoliciesChanged
            }
        }
        Some(last) if last.is_approved || decided.any(|it| it.is_approved) => Because::Superseded,
        _ => Because::NotApproved,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A decision: when, on which head, under which policies, and whether it approved.
    fn decided((day, head, policies, is_approved): (u8, &str, &str, bool)) -> Decided {
        Decided {
            at: format!("2026-11-{day:02}T10:00:00Z").parse().unwrap(),
            head: ObjectId::try_from(head.repeat(40)).unwrap(),
            policies: Digest::of(policies.as_bytes()),
            is_approved,
        }
    }

    #[test]
    fn by_what_was_decided_before() {
        let (yes, no) = (true, false);
        for (before, because) in [
            (&[][..], Because::NotApproved),
            (&[(1, "a", "old", no)], Because::NotApproved),
            (&[(1, "a", "now", yes)], Because::NotApproved),
            (&[(1, "a", "old", yes)], Because::PoliciesChanged),
            (&[(1, "a", "old", yes), (2, "a", "now", yes)], Because::NotApproved),
            (&[(1, "a", "old", yes), (2, "a", "now", no)], Because::Superseded),
            (
                &[(1, "a", "now", yes), (2, "a", "now", no), (3, "a", "now", no)],
                Because::Superseded,
            ),
            (&[(1, "b", "now", yes)], Because::Superseded),
            (&[(1, "b", "now", yes), (2, "a", "now", no)], Because::Superseded),
            (&[(1, "b", "now", no), (2, "a", "old", yes)], Because::PoliciesChanged),
            // What was decided after the merge changes nothing.
            (&[(1, "a", "now", no), (6, "a", "now", yes)], Because::NotApproved),
            (&[(1, "a", "old", yes), (6, "a", "now", no)], Because::PoliciesChanged),
        ] {
            let merged = decided((5, "a", "now", no));
            let newest_first = before.iter().rev().copied().map(decided);
            let found = unapproved(newest_first, (&merged.head, &merged.policies), merged.at);
            assert_eq!(found, because, "{before:?}");
        }
    }
}
