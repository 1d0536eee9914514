//! Figures that say how many they are made of.

use schemars::JsonSchema;
use serde::Serialize;

use crate::time::{Duration, Interval};

/// Fewer values than these are shown themselves.
const FEW: usize = 5;

/// How long something takes: percentiles by the nearest rank.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Spread {
    /// The number of values.
    pub n: usize,
    /// The value that half of them don't exceed; null of fewer than five.
    pub median: Option<Duration>,
    /// The value that a tenth of them don't exceed; null of fewer than five.
    pub p10: Option<Duration>,
    /// The value that nine tenths of them don't exceed; null of fewer than five.
    pub p90: Option<Duration>,
    /// The longest; null of none.
    pub longest: Option<Duration>,
    /// The values themselves, the shortest first, of fewer than five.
    pub values: Vec<Duration>,
}

impl Spread {
    /// Returns how values spread.
    pub fn of(values: impl IntoIterator<Item = Duration>) -> Self {
        let mut values: Vec<_> = values.into_iter().collect();
        values.sort_unstable();
        let n = values.len();
        // The smallest value that at least so many in a hundred don't exceed.
        let rank = |percent: usize| values.get((n * percent).div_ceil(100).saturating_sub(1));
        let percentile = |percent| rank(percent).copied().filter(|_| n >= FEW);
        Spread {
            n,
            median: percentile(50),
            p10: percentile(10),
            p90: percentile(90),
            longest: values.last().copied(),
            values: if n < FEW { values } else { Vec::new() },
        }
    }

    /// Formats it for reports: `median 4 h 12 min, nine in ten within 31 h (n 389)`.
    pub fn for_people(&self) -> String {
        match (self.median, self.p90) {
            (Some(median), Some(p90)) => {
                let (median, p90) = (median.for_people(), p90.for_people());
                format!("median {median}, nine in ten within {p90} (n {})", self.n)
            }
            _ if self.n == 0 => "none".to_owned(),
            _ => {
                let values: Vec<_> = self.values.iter().map(|it| it.for_people()).collect();
                format!("{} (n {})", values.join(", "), self.n)
            }
        }
    }
}

/// How many of all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Share {
    /// How many.
    pub count: usize,
    /// Of how many.
    pub of: usize,
    /// As decimal text with one digit behind the point: `3.1`; null of none.
    pub percent: Option<String>,
}

impl Share {
    /// Returns a share of so many.
    pub fn of(count: usize, of: usize) -> Self {
        let tenths = (of > 0).then(|| (count * 1000 + of / 2) / of.max(1));
        Share { count, of, percent: tenths.map(|it| format!("{}.{}", it / 10, it % 10)) }
    }

    /// Formats it for reports: `3.1 % (12 of 389)`.
    pub fn for_people(&self) -> String {
        match &self.percent {
            Some(percent) => format!("{percent} % ({} of {})", self.count, self.of),
            None => "none".to_owned(),
        }
    }
}

/// Returns how often something happens a day, as decimal text with two digits behind the point.
pub fn a_day(count: usize, period: &Interval) -> String {
    let seconds = u128::from(period.length().as_seconds().max(1));
    let hundredths = (count as u128 * 86_400 * 100 + seconds / 2) / seconds;
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}
