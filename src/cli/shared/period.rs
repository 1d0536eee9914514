//! The period that a verb looks at.

use anyhow::ensure;
use clap::Args;

use crate::audit::Period;
use crate::core::org::Date;
use crate::core::time::{Duration, Time};

/// A period, by its ends.
#[derive(Args, Debug, Default)]
pub struct PeriodArgs {
    /// Only what happened from this date or time on
    #[arg(long, value_name = "DATE", value_parser = day_begins)]
    since: Option<Time>,

    /// Only what happened until the end of this date, or until this time
    #[arg(long, value_name = "DATE", value_parser = day_ends)]
    until: Option<Time>,
}

impl PeriodArgs {
    /// Returns the period.
    ///
    /// # Errors
    /// If it ends before it begins.
    pub fn get(&self) -> anyhow::Result<Period> {
        let Self { since, until } = *self;
        ensure!(
            since.zip(until).is_none_or(|(since, until)| since < until),
            "the period ends before it begins: --since names its first day or instant, and --until its \
             last"
        );
        Ok(Period { since, until })
    }
}

fn day_begins(text: &str) -> Result<Time, String> {
    instant(text, Date::begins)
}

fn day_ends(text: &str) -> Result<Time, String> {
    instant(text, |day| day.begins() + Duration::days(1))
}

/// Parses a date such as 2026-11-24, or a time.
fn instant(text: &str, of_day: impl Fn(Date) -> Time) -> Result<Time, String> {
    if text.contains(['T', 't']) { text.parse() } else { text.parse().map(of_day) }
}
