//! What samples come to: whether a health check passed, and whether an error rate was raised. Numbers
//! are decimal throughout, so that everybody who works it out again gets the same.

use std::borrow::Cow;

use super::kinds::{Check, CheckKind, ErrorRate};
use crate::org::{Decimal, Tolerance};
use crate::request::Health;

/// The fewest samples of an error rate that say anything.
pub const FEWEST: usize = 5;

/// How many of the last answers of a health check have to be good.
const LAST: usize = 3;

/// An answer to a health check, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// How long it took, in milliseconds.
    pub took: u32,
    /// Why it isn't good; `None` if it is.
    pub wrong: Option<String>,
}

/// Samples of an error rate during some time, in percent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Series {
    /// How many there should be.
    pub expected: usize,
    /// Those that there are.
    pub values: Vec<Decimal>,
}

/// Returns what the answers to a health check come to: it passed if at least 99 % are good, and the last
/// three are. Without an answer it didn't.
pub fn polled(name: &str, answers: &[Answer]) -> Check {
    let wrong = || answers.iter().filter_map(|it| it.wrong.as_ref());
    let failures = wrong().count();
    let last = answers.iter().rev().take(LAST);
    let passed = !answers.is_empty()
        && failures * 100 <= answers.len()
        && last.into_iter().all(|it| it.wrong.is_none());
    let worst = answers.iter().map(|it| it.took).max();
    Check {
        name: name.to_owned(),
        kind: CheckKind::Http,
        passed,
        samples: Some(count(answers.len())),
        failures: Some(count(failures)),
        worst: worst.map(|worst| format!("{worst}ms")),
        note: wrong().next_back().cloned(),
    }
}

/// Returns a check that a person answers.
pub fn manual(name: &str, passed: bool) -> Check {
    Check {
        name: name.to_owned(),
        kind: CheckKind::Manual,
        passed,
        samples: None,
        failures: None,
        worst: None,
        note: None,
    }
}

/// Returns whether all health checks passed.
pub fn health(checks: &[Check]) -> Health {
    let mut of_health = checks.iter().filter(|check| check.kind.counts_for_health());
    if of_health.all(|check| check.passed) { Health::Passed } else { Health::Failed }
}

/// Returns an error rate before and after a change, and how many samples are missing.
///
/// # Errors
/// Why the samples say nothing: no data is not health.
pub fn rate(
    source: CheckKind,
    before: &Series,
    after: &Series,
) -> Result<(ErrorRate, usize), String> {
    let [first, last] = [("before the change", before), ("after it", after)].map(|(when, it)| {
        let Series { expected, values } = it;
        let missing = expected.saturating_sub(values.len());
        if values.len() < FEWEST {
            return Err(format!("there are {} samples {when}, and not {FEWEST}", values.len()));
        }
        if missing * 5 > *expected {
            return Err(format!("{missing} of {expected} samples {when} are missing"));
        }
        Ok((mean(values), missing))
    });
    let ((first, missing), (last, more)) = (first?, last?);
    let samples = count(before.values.len().min(after.values.len()));
    let (before, after) = (String::from(first), String::from(last));
    Ok((ErrorRate { before, after, source, samples }, missing + more))
}

/// Returns the mean, rounded to millionths.
fn mean(values: &[Decimal]) -> Decimal {
    let sum: u128 = values.iter().map(|it| u128::from(it.millionths())).sum();
    let number = values.len().max(1) as u128;
    let mean = (sum + number / 2) / number;
    // It isn't greater than the greatest of them.
    u64::try_from(mean).ok().and_then(Decimal::of_millionths).unwrap_or(values[0])
}

/// Returns whether an error rate counts as raised: beyond both tolerances.
pub fn is_raised(rate: &ErrorRate, tolerance: &Tolerance) -> bool {
    let read = |text: &str| Decimal::try_from(Cow::from(text.to_owned())).ok();
    // What can't be read is never taken for health.
    let (Some(before), Some(after)) = (read(&rate.before), read(&rate.after)) else { return true };
    let [before, after] = [before, after].map(|it| u128::from(it.millionths()));
    let [times, points] = [tolerance.times, tolerance.points].map(|it| u128::from(it.millionths()));
    after * 1_000_000 > before * times && after > before + points
}

/// Returns which of several error rates is the worst: one that was raised before one that wasn't, and
/// then the one that rose by most.
pub fn worst<'r>(
    rates: impl IntoIterator<Item = &'r ErrorRate>,
    tolerance: &Tolerance,
) -> Option<&'r ErrorRate> {
    let number = |text: &str| sample(text).map_or(0, |it| i128::from(it.millionths()));
    let rates = rates.into_iter();
    rates.max_by_key(|it| (is_raised(it, tolerance), number(&it.after) - number(&it.before)))
}

/// Reads a sample as programs write it, `4.2e-05` too, and rounds it to millionths; `None` if it isn't a
/// number, below zero, or too great to be a rate.
pub fn sample(text: &str) -> Option<Decimal> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{part}");
    if digits.is_empty() || !digits.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    let digits = digits.trim_start_matches('0');
    let known = &digits[..digits.len().min(30)];
    let number: u128 = if known.is_empty() { 0 } else { known.parse().ok()? };
    if sign < 0 && number > 0 {
        return None;
    }
    let dropped = i32::try_from(digits.len() - known.len()).ok()?;
    let places = i32::try_from(part.len()).ok()?;
    let shift = exponent.checked_add(6)?.checked_add(dropped)?.checked_sub(places)?;
    let power = 10u128.checked_pow(shift.unsigned_abs());
    let millionths = match power {
        _ if number == 0 => 0,
        Some(power) if shift >= 0 => number.checked_mul(power)?,
        Some(power) => (number + power / 2) / power,
        None if shift < 0 => 0,
        None => return None,
    };
    u64::try_from(millionths).ok().and_then(Decimal::of_millionths)
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
