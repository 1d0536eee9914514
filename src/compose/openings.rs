//! When a change may run: the next openings of the windows that take it.

use crate::core::calendar::{Calendar, next_step};
use crate::core::terms::RiskTier;
use crate::core::time::{Duration, Interval, Time};

/// How many openings of one window are suggested.
pub const OF_A_WINDOW: usize = 3;

/// An opening that a change fits into.
#[derive(Debug, PartialEq)]
pub struct Suggestion {
    /// The window's name.
    pub window: String,
    /// Whether the window is preferred for the tier.
    pub is_preferred: bool,
    /// When the window is open.
    pub opening: Interval,
    /// The earliest start that is still to come.
    pub start: Time,
}

/// Returns the next openings in which a change of this length and tier can still begin, in order of
/// time.
pub fn suggestions(
    calendar: &Calendar,
    now: Time,
    length: Duration,
    tier: RiskTier,
) -> Vec<Suggestion> {
    let windows = calendar.windows().filter(|(_, window)| window.tiers.contains(&tier));
    let mut suggestions: Vec<_> = windows
        .flat_map(|(name, window)| {
            let openings = calendar.openings_of(window, now, length).filter_map(move |opening| {
                let start = opening.start.max(next_step(now));
                let fits = opening.contains(&Interval { start, end: start + length });
                fits.then(|| Suggestion {
                    window: name.to_owned(),
                    is_preferred: window.preferred_for.contains(&tier),
                    opening,
                    start,
                })
            });
            openings.take(OF_A_WINDOW)
        })
        .collect();
    suggestions.sort_by_key(|suggestion| suggestion.start);
    suggestions
}

/// Returns a start from which the change fits into an opening.
///
/// # Errors
/// When it doesn't fit.
pub fn within(start: Time, length: Duration, opening: &Interval) -> Result<Time, String> {
    if opening.contains(&Interval { start, end: start + length }) {
        return Ok(start);
    }
    let (length, opening) = (length.for_people(), opening.for_people(None));
    Err(format!("{length} from then on don't lie within {opening} UTC"))
}

/// Reads a length of time that isn't zero.
///
/// # Errors
/// When it can't be read, or is zero.
pub fn length_of(answer: &str) -> Result<Duration, String> {
    match answer.parse()? {
        length if length == Duration::seconds(0) => {
            Err("a change takes some time: write its length, such as 30m".to_owned())
        }
        length => Ok(length),
    }
}
