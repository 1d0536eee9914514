//! Instants and durations as the formats write them.
//!
//! An instant is read as RFC 3339 with any offset and kept in UTC, to the second: two texts that
//! name the same instant are the same value, and their written form sorts as text. A duration is
//! read as `15m` or `1h30m`.

use std::borrow::Cow;
use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;

use chrono::{
    DateTime, Datelike, Months, NaiveDate, SubsecRound, TimeDelta, Timelike, Utc, Weekday,
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// The years that a time may lie in: policies compute in nanoseconds, which end in 2262.
const YEARS: std::ops::RangeInclusive<i32> = 2000..=2199;

/// An instant in UTC, to the second.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(try_from = "Cow<'_, str>", into = "String")]
pub struct Time(DateTime<Utc>);

impl Time {
    /// Returns the instant as chrono's type.
    pub fn utc(self) -> DateTime<Utc> {
        self.0
    }

    /// Returns the instant at this Unix time in seconds, or the nearest one in the years 2000 to
    /// 2199.
    pub fn nearest_unix(seconds: i64) -> Self {
        let (first, last) = (946_684_800, 7_258_118_399);
        Time(DateTime::from_timestamp(seconds.clamp(first, last), 0).unwrap_or_default())
    }

    /// Formats the instant for reports, `Tue 24 Nov 22:00`; the zone is always UTC. In another year
    /// than that of `now` it has its year, `Sat 2 Jan 2027 22:00`, and always without `now`, in what
    /// is kept.
    pub fn for_people(self, now: Option<Time>) -> String {
        let is_this_year = now.is_some_and(|now| now.0.year() == self.0.year());
        let year = if is_this_year { "" } else { " %Y" };
        let seconds = if self.0.second() == 0 { "" } else { ":%S" };
        self.0.format(&format!("%a %-d %b{year} %H:%M{seconds}")).to_string()
    }

    /// Returns the calendar quarter of the instant, `2026-Q4`.
    pub fn quarter(self) -> String {
        format!("{}-Q{}", self.0.year(), self.0.month0() / 3 + 1)
    }
}

impl From<DateTime<Utc>> for Time {
    fn from(instant: DateTime<Utc>) -> Self {
        Time(instant.trunc_subsecs(0))
    }
}

impl FromStr for Time {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_not = || {
            format!(
                "`{text}` is not a time: write it as RFC 3339 with its offset, such as \
                 2026-11-24T22:00:00Z"
            )
        };
        let instant = DateTime::parse_from_rfc3339(text).map_err(|_| is_not())?.to_utc();
        if text.get(19..20) == Some(".") {
            return Err(format!("`{text}` has a fraction of a second: write whole seconds"));
        }
        if text.get(17..19) == Some("60") {
            return Err(format!(
                "`{text}` is a leap second, which most clocks don't have: write the second before or \
                 after it"
            ));
        }
        if !has_form(text) {
            return Err(is_not());
        }
        if !YEARS.contains(&instant.year()) {
            return Err(format!("`{text}` is outside the years 2000 to 2199"));
        }
        Ok(Time(instant))
    }
}

/// Returns whether a text is written as the schema says: `2026-11-24T22:00:00`, and `Z` or an offset.
/// chrono reads more than that.
fn has_form(text: &str) -> bool {
    let is_like = |form: &str| {
        text.len() == form.len()
            && text.bytes().zip(form.bytes()).all(|(byte, like)| match like {
                b'0' => byte.is_ascii_digit(),
                b'+' => matches!(byte, b'+' | b'-'),
                like => byte.eq_ignore_ascii_case(&like),
            })
    };
    is_like("0000-00-00T00:00:00Z") || is_like("0000-00-00T00:00:00+00:00")
}

impl TryFrom<Cow<'_, str>> for Time {
    type Error = String;

    fn try_from(text: Cow<'_, str>) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Time> for String {
    fn from(time: Time) -> String {
        time.to_string()
    }
}

/// Writes RFC 3339 in UTC: `2026-11-24T22:00:00Z`.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (date, time) = (self.0.date_naive(), self.0.time());
        let (year, month, day) = (date.year(), date.month(), date.day());
        let (hour, minute, second) = (time.hour(), time.minute(), time.second());
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Add<Duration> for Time {
    type Output = Time;

    fn add(self, duration: Duration) -> Time {
        Time(self.0 + duration.delta())
    }
}

impl Sub<Duration> for Time {
    type Output = Time;

    fn sub(self, duration: Duration) -> Time {
        Time(self.0 - duration.delta())
    }
}

impl Sub for Time {
    type Output = Duration;

    /// Returns the time from `earlier` to `self`; zero if `earlier` is later.
    fn sub(self, earlier: Time) -> Duration {
        Duration((self.0 - earlier.0).num_seconds().max(0) as u64)
    }
}

impl JsonSchema for Time {
    fn schema_name() -> Cow<'static, str> {
        "Time".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "date-time",
            "pattern": "^2[01][0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$",
            "title": "Time",
            "description": "RFC 3339, whole seconds, any offset",
            "examples": ["2026-11-24T22:00:00Z", "2026-11-24T23:00:00+01:00"],
        })
    }
}

/// A length of time in whole seconds, written `90s`, `15m`, `1h30m`, `7d`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(try_from = "Cow<'_, str>", into = "String")]
pub struct Duration(u64);

impl Duration {
    /// The longest duration that is accepted: ten years.
    const LONGEST: u64 = 3653 * 86_400;

    /// Returns a duration of this many seconds.
    pub const fn seconds(seconds: u64) -> Self {
        Duration(seconds)
    }

    /// Returns a duration of this many hours.
    pub const fn hours(hours: u64) -> Self {
        Duration(hours * 3600)
    }

    /// Returns a duration of this many days of 24 hours.
    pub const fn days(days: u64) -> Self {
        Duration(days * 86_400)
    }

    /// Returns the number of seconds.
    pub const fn as_seconds(self) -> u64 {
        self.0
    }

    fn delta(self) -> TimeDelta {
        TimeDelta::seconds(self.0 as i64)
    }

    /// Formats the two largest units for reports: `2 h`, `3 d`, `1 h 30 min`.
    pub fn for_people(self) -> String {
        let parts = [
            (self.0 / 86_400, "d"),
            (self.0 / 3600 % 24, "h"),
            (self.0 / 60 % 60, "min"),
            (self.0 % 60, "s"),
        ];
        let first = parts.iter().position(|(n, _)| *n > 0).unwrap_or(3);
        let words: Vec<_> = parts[first..]
            .iter()
            .take(2)
            .enumerate()
            .filter(|(i, (n, _))| *i == 0 || *n > 0)
            .map(|(_, (n, unit))| format!("{n} {unit}"))
            .collect();
        words.join(" ")
    }
}

impl Sub for Duration {
    type Output = Duration;

    /// Returns `self` without `other`; zero if `other` is longer.
    fn sub(self, other: Duration) -> Duration {
        Duration(self.0.saturating_sub(other.0))
    }
}

impl FromStr for Duration {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = || format!("`{text}` is not a duration: write one such as 15m, 1h30m or 7d");
        let mut total: u64 = 0;
        let mut last_unit = u64::MAX;
        let mut rest = text;
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let number: u64 = rest[..digits].parse().map_err(|_| wanted())?;
            let unit = match rest.as_bytes().get(digits) {
                Some(b'd') => 86_400,
                Some(b'h') => 3600,
                Some(b'm') => 60,
                Some(b's') => 1,
                _ => return Err(wanted()),
            };
            if unit >= last_unit {
                return Err(wanted());
            }
            last_unit = unit;
            total = number
                .checked_mul(unit)
                .and_then(|seconds| total.checked_add(seconds))
                .filter(|seconds| *seconds <= Self::LONGEST)
                .ok_or_else(|| format!("`{text}` is longer than ten years"))?;
            rest = &rest[digits + 1..];
        }
        if text.is_empty() {
            return Err(wanted());
        }
        Ok(Duration(total))
    }
}

impl TryFrom<Cow<'_, str>> for Duration {
    type Error = String;

    fn try_from(text: Cow<'_, str>) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Duration> for String {
    fn from(duration: Duration) -> String {
        duration.to_string()
    }
}

/// Writes the shortest form in hours, minutes and seconds, which every Rego engine can read:
/// `168h`, `1h30m`, `0s`.
impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [(self.0 / 3600, 'h'), (self.0 / 60 % 60, 'm'), (self.0 % 60, 's')];
        for (n, unit) in parts.into_iter().filter(|(n, _)| *n > 0) {
            write!(f, "{n}{unit}")?;
        }
        if self.0 == 0 {
            f.write_str("0s")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl JsonSchema for Duration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
            "title": "Duration",
            "description": "Days, hours, minutes, seconds, largest first",
            "examples": ["15m", "1h30m", "7d"],
        })
    }
}

/// A half-open interval [start, end): its end is the first instant outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Interval {
    /// The first instant inside.
    pub start: Time,
    /// The first instant after.
    pub end: Time,
}

impl Interval {
    /// Returns whether all of `inner` is within this interval.
    pub fn contains(&self, inner: &Interval) -> bool {
        self.start <= inner.start && inner.end <= self.end
    }

    /// Returns whether an instant is within this interval.
    pub fn holds(&self, at: Time) -> bool {
        self.start <= at && at < self.end
    }

    /// Returns whether the two intervals share an instant.
    pub fn overlaps(&self, other: &Interval) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// Returns the duration from start to end.
    pub fn length(&self) -> Duration {
        self.end - self.start
    }

    /// Formats the interval for reports, `Tue 24 Nov 22:00–23:00`; the end has its day if that is
    /// another one. The year is as in [`Time::for_people`].
    pub fn for_people(&self, now: Option<Time>) -> String {
        let (start, end) = (self.start.utc(), self.end.utc());
        if start.date_naive() == end.date_naive() {
            let seconds = if end.second() == 0 { "%H:%M" } else { "%H:%M:%S" };
            format!("{}–{}", self.start.for_people(now), end.format(seconds))
        } else {
            format!("{} – {}", self.start.for_people(now), self.end.for_people(now))
        }
    }
}

/// Returns the first instant of a day, in UTC.
pub fn midnight(day: NaiveDate) -> Time {
    Time(day.and_time(chrono::NaiveTime::MIN).and_utc())
}

/// Returns the month of an instant, in UTC.
pub fn month_of(at: Time) -> Interval {
    let first = at.0.date_naive().with_day(1).unwrap_or_default();
    let next = first.checked_add_months(Months::new(1)).unwrap_or(first);
    Interval { start: midnight(first), end: midnight(next) }
}

/// Returns the week of an instant, from Monday on in UTC.
pub fn week_of(at: Time) -> Interval {
    let start = midnight(at.0.date_naive().week(Weekday::Mon).first_day());
    Interval { start, end: start + Duration::days(7) }
}

#[cfg(test)]
mod tests;
