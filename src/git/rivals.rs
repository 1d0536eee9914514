//! Those who move a ref at the same time.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

/// Returns how long to wait before a ref that somebody else has just moved is moved again: longer with
/// each attempt, the first being 0, and random, so that rivals don't stay in step.
pub fn pause(attempt: u32) -> Duration {
    let longest = 50 << attempt.min(6);
    let random = RandomState::new().build_hasher().finish();
    Duration::from_millis(random % longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_within_a_bound_and_differ() {
        for attempt in [0, 3, 6, 99] {
            let pauses: Vec<_> = (0..200).map(|_| pause(attempt)).collect();
            let longest = Duration::from_millis(50 << attempt.min(6));
            assert!(
                pauses.iter().all(|it| *it < longest) && pauses.iter().any(|it| *it != pauses[0])
            );
        }
    }
}
