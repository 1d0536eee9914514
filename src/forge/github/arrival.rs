//! Finds out since when head has had its current content, as GitHub's server recorded it.
//!
//! Dates in commits can be forged, and after a force-push even the commit that a review names isn't
//! reliable. The list of pushes is: it shows since when the branch pointed to which commit.

use super::types::{Push, Review, TimelineEvent};
use crate::core::time::{Duration, Time};

/// Returns the start of the latest unbroken run of pushes of head's content, or `None` if the last
/// push isn't head. `same` says whether a commit has head's content.
pub fn by_pushes(pushes: &[Push], head: &str, same: impl Fn(&str) -> bool) -> Option<Time> {
    // Before a deletion, the branch was a different one.
    let latest = pushes.iter().take_while(|push| !push.is_deletion());
    let mut run = latest.take_while(|push| push.after == head || same(&push.after)).peekable();
    if run.peek()?.after != head {
        return None;
    }
    run.last().map(|push| push.timestamp)
}

/// Returns when head's content arrived, if GitHub doesn't list the pushes.
///
/// The time is rather too late than too early: not before the last force-push, and not before the
/// last review of a commit since which the content has not been the same (`settled` says whether
/// it has).
pub fn by_events(
    opened: Time,
    timeline: &[TimelineEvent],
    reviews: &[Review],
    settled: impl Fn(&str) -> bool,
) -> Time {
    let forced = timeline.iter().filter(|event| event.event == "head_ref_force_pushed");
    let forced = forced.filter_map(|event| event.created_at);
    let outdated =
        reviews.iter().filter(|review| !review.commit_id.as_deref().is_some_and(&settled));
    let after_outdated =
        outdated.filter_map(|review| Some(review.submitted_at? + Duration::seconds(1)));
    forced.chain(after_outdated).fold(opened, Time::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(minute: u32) -> Time {
        format!("2026-11-23T10:{minute:02}:00Z").parse().unwrap()
    }

    /// Pushes oldest first, a letter for each commit; `-` deletes the branch.
    fn arrived(pushes: &str, head: &str, same: &str) -> Option<Time> {
        let mut pushes: Vec<_> = (0..)
            .zip(pushes.chars())
            .map(|(minute, letter)| Push {
                before: String::new(),
                after: letter.to_string(),
                name: "refs/heads/change".to_owned(),
                timestamp: time(minute),
                activity_type: if letter == '-' { "branch_deletion" } else { "push" }.to_owned(),
                actor: None,
            })
            .collect();
        pushes.reverse();
        by_pushes(&pushes, head, |commit| same.contains(commit))
    }

    #[test]
    fn the_latest_unbroken_run_counts() {
        for (pushes, head, same, minute) in [
            ("a", "a", "", Some(0)),
            ("ab", "b", "", Some(1)),
            ("ab", "b", "a", Some(0)),
            // A, B, A again: the first A doesn't count.
            ("aba", "a", "", Some(2)),
            ("abcd", "d", "ac", Some(2)),
            ("a-a", "a", "", Some(2)),
            ("ab", "c", "ab", None),
            ("", "a", "", None),
        ] {
            assert_eq!(arrived(pushes, head, same), minute.map(time), "{pushes} {head} {same}");
        }
    }
}
