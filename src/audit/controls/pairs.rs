//! How often one person's change was signed off by another, and how fast.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use crate::core::evidence::{Evidence, Review, ReviewState};
use crate::core::record::entry::Entry;
use crate::core::terms::Login;
use crate::git::{Oid, Repo};
use crate::ledger::held;

/// Two people.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Pair {
    /// Who requested.
    pub requester: Login,
    /// Who signed off.
    pub approver: Login,
    /// How many merges.
    pub merges: usize,
    /// The median of the seconds from the arrival of what was judged to their approval; left out if no
    /// evidence tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub median_seconds: Option<u64>,
    /// The least of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub least_seconds: Option<u64>,
}

/// How often the changes of the first were signed off by the second, and after how many seconds.
#[derive(Default)]
pub(super) struct Pairs(BTreeMap<(Login, Login), (usize, Vec<u64>)>);

impl Pairs {
    /// Counts whose change was signed off by whom, and how fast. `evidence` is the commit with what the
    /// entry rests on.
    pub(super) fn count(&mut self, repo: &Repo, evidence: Option<&Oid>, entry: &Entry) {
        let Some(bones) = &entry.statement.predicate.decision else { return };
        let required = bones.sign_off.iter().flat_map(|it| &it.required);
        let approvers: BTreeSet<_> =
            required.filter_map(|required| required.satisfied_by.clone()).collect();
        let Some(requester) = bones.requester.as_ref().filter(|_| !approvers.is_empty()) else {
            return;
        };
        let file = evidence.and_then(|commit| held(repo, *commit, entry, "evidence.json"));
        let evidence = file.and_then(|bytes| serde_json::from_slice::<Evidence>(&bytes).ok());
        for approver in approvers {
            let seconds = evidence.as_ref().and_then(|it| seconds_to_approve(it, &approver));
            let pair = self.0.entry((requester.clone(), approver)).or_default();
            pair.0 += 1;
            pair.1.extend(seconds);
        }
    }

    /// Returns the pairs, the most frequent first.
    pub(super) fn most_frequent(self) -> Vec<Pair> {
        let pair = |((requester, approver), (merges, mut seconds)): (_, (_, Vec<u64>))| {
            seconds.sort_unstable();
            let (median_seconds, least_seconds) = (median(&seconds), seconds.first().copied());
            Pair { requester, approver, merges, median_seconds, least_seconds }
        };
        let mut pairs: Vec<_> = self.0.into_iter().map(pair).collect();
        pairs.sort_by_key(|pair| std::cmp::Reverse(pair.merges));
        pairs
    }
}

/// Returns how long after what was judged had arrived somebody approved it; `None` if the evidence
/// doesn't tell.
fn seconds_to_approve(evidence: &Evidence, approver: &Login) -> Option<u64> {
    let submitted_at = evidence.pull_request.as_ref().map(|it| it.submitted_at);
    let arrived_at = evidence.content_arrived_at.or(submitted_at)?;
    let is_approval = |review: &&Review| {
        review.state == ReviewState::Approved && review.user.as_ref() == Some(approver)
    };
    let approved_at = evidence.reviews.iter().filter(is_approval).map(|it| it.submitted_at);
    let first = approved_at.filter(|at| *at >= arrived_at).min()?;
    Some((first - arrived_at).as_seconds())
}

/// Returns the median of sorted numbers.
fn median(sorted: &[u64]) -> Option<u64> {
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = sorted[(sorted.len() - 1) / 2];
    Some(lower + (upper - lower) / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_approval_of_what_was_judged_counts() {
        let review = |user: &str, state: &str, at: &str| {
            serde_json::json!({
                "id": at, "user": user, "state": state,
                "submitted_at": format!("2026-11-24T{at}Z"),
            })
        };
        let evidence = |arrived_at: Option<&str>| {
            let mut evidence = serde_json::json!({
                "pull_request": {"submitted_at": "2026-11-24T09:00:00Z"},
                "reviews": [
                    review("bob", "COMMENTED", "09:00:01"),
                    review("carol", "APPROVED", "09:00:02"),
                    review("bob", "APPROVED", "09:00:10"),
                    review("bob", "APPROVED", "10:00:00"),
                ],
            });
            if let Some(at) = arrived_at {
                evidence["content_arrived_at"] = at.into();
            }
            serde_json::from_value::<Evidence>(evidence).unwrap()
        };
        let seconds = |arrived_at, who: &str| {
            seconds_to_approve(&evidence(arrived_at), &who.parse().unwrap())
        };
        assert_eq!(seconds(None, "bob"), Some(10));
        assert_eq!(seconds(Some("2026-11-24T09:30:00Z"), "bob"), Some(1800));
        assert_eq!(seconds(Some("2026-11-24T09:30:00Z"), "carol"), None);
        assert_eq!(seconds(None, "erin"), None);
    }

    #[test]
    fn a_median_is_in_the_middle() {
        for (sorted, expected) in
            [(&[][..], None), (&[3], Some(3)), (&[1, 4], Some(2)), (&[1, 2, 9], Some(2))]
        {
            assert_eq!(median(sorted), expected, "{sorted:?}");
        }
    }
}
