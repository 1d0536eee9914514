//! `time.parse_duration_ns` and `time.parse_rfc3339_ns`: a text becomes nanoseconds.
//!
//! The interpreter's own come with functions that read the machine's zone, which no policy may
//! call, and with the rules of all zones.

use anyhow::{Context, bail, ensure};
use chrono::DateTime;

/// The largest number of nanoseconds, in either direction.
const MOST: u64 = 1 << 63;

/// Reads a time as in RFC 3339.
pub(super) fn instant(text: &str) -> anyhow::Result<i64> {
    let instant = DateTime::parse_from_rfc3339(text).ok();
    // chrono also reads leap seconds, small letters and other separators.
    let instant = instant.filter(|instant| instant.timestamp_subsec_nanos() < 1_000_000_000);
    let instant = instant.filter(|_| text.as_bytes().get(10) == Some(&b'T') && !text.contains('z'));
    let instant = instant.with_context(|| format!("`{text}` is not a time as in RFC 3339"))?;
    instant.timestamp_nanos_opt().with_context(|| format!("`{text}` is before 1677 or after 2262"))
}

/// Reads a duration as Go writes it: numbers with units, such as `1h30m` or `-1.5s`.
pub(super) fn duration(text: &str) -> anyhow::Result<i64> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let too_long = || format!("`{text}` is longer than 292 years");
    let mut total: u64 = 0;
    let mut rest = unsigned;
    ensure!(!rest.is_empty(), "`{text}` is not a duration: write one such as \"1h30m\"");
    while rest != "0" && !rest.is_empty() {
        let (whole, after) = digits(rest);
        let (fraction, after) = after.strip_prefix('.').map_or(("", after), digits);
        ensure!(
            !(whole.is_empty() && fraction.is_empty()),
            "`{text}` is not a duration: write one such as \"1h30m\""
        );
        let end = after.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let nanoseconds = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            "" => bail!("`{text}` has a number without a unit: ns, us, ms, s, m or h"),
            _ => bail!("`{text}` has the unknown unit `{unit}`: use ns, us, ms, s, m or h"),
        };
        let whole = if whole.is_empty() { Some(0) } else { whole.parse::<u64>().ok() };
        let part = whole.and_then(|whole| whole.checked_mul(nanoseconds));
        let part = part.and_then(|part| part.checked_add(share(fraction, nanoseconds)));
        let sum = part.and_then(|part| total.checked_add(part)).filter(|sum| *sum <= MOST);
        total = sum.with_context(too_long)?;
        rest = after;
        ensure!(rest != "0", "`{text}` has a number without a unit: ns, us, ms, s, m or h");
    }
    let sign = if text.starts_with('-') { -1 } else { 1 };
    i64::try_from(sign * i128::from(total)).ok().with_context(too_long)
}

/// Returns so many ten-powered parts of a unit, computed in floating point as Go does it.
fn share(fraction: &str, nanoseconds: u64) -> u64 {
    let (mut value, mut scale) = (0_u64, 1.0);
    for digit in fraction.bytes().map(|byte| u64::from(byte - b'0')) {
        match value.checked_mul(10).and_then(|value| value.checked_add(digit)) {
            Some(next) if next <= MOST => (value, scale) = (next, scale * 10.0),
            _ => break,
        }
    }
    (value as f64 * (nanoseconds as f64 / scale)) as u64
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_read_as_go_reads_it() {
        for (text, wanted) in [
            ("0", Some(0)),
            ("-0", Some(0)),
            ("+5s", Some(5_000_000_000)),
            ("15m", Some(900_000_000_000)),
            ("1h15m30.918s", Some(4_530_918_000_000)),
            ("1.5h", Some(5_400_000_000_000)),
            (".5s", Some(500_000_000)),
            ("1.s", Some(1_000_000_000)),
            ("1us2µs3μs4ms", Some(4_006_000)),
            ("-2h", Some(-7_200_000_000_000)),
            ("0.100000000000000000000h", Some(360_000_000_000)),
            ("0.9223372036854775807h", Some(3_320_413_933_267)),
            ("9223372036854775807ns", Some(i64::MAX)),
            ("-9223372036854775808ns", Some(i64::MIN)),
            ("9223372036854775808ns", None),
            ("9223372036854775us2000us", None),
            ("3000000h", None),
            ("99999999999999999999h", None),
            ("2d", None),
            ("3", None),
            ("1h0", None),
            ("", None),
            ("-", None),
            (".", None),
            (".s", None),
            ("1é", None),
            ("--1s", None),
            (" 1s", None),
            ("1 s", None),
            ("1S", None),
        ] {
            assert_eq!(duration(text).ok(), wanted, "{text:?}");
        }
    }

    #[test]
    fn an_instant_is_read_as_go_reads_it() {
        for (text, wanted) in [
            ("2026-11-24T22:00:00Z", Some(1_795_557_600_000_000_000)),
            ("2026-11-24T23:00:00.5+01:00", Some(1_795_557_600_500_000_000)),
            ("2026-11-24T22:00:00z", None),
            ("2026-11-24t22:00:00Z", None),
            ("2026-11-24 22:00:00Z", None),
            ("2026-12-31T23:59:60Z", None),
            ("2026-02-30T00:00:00Z", None),
            ("2500-01-01T00:00:00Z", None),
            ("2026-11-24", None),
            ("", None),
        ] {
            assert_eq!(instant(text).ok(), wanted, "{text:?}");
        }
    }
}
