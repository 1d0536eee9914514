//! The period that a verb looks at.

use anyhow::ensure;
use clap::Args;

use super::args::{NowArg, day_begins, day_ends};
use changegate::audit::Period;
use changegate::core::time::Time;

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
    /// If it ends before it begins, or begins in the future.
    pub fn get(&self) -> anyhow::Result<Period> {
        let Self { since, until } = *self;
        ensure!(
            since.zip(until).is_none_or(|(since, until)| since < until),
            "the period ends before it begins: --since names its first day or instant, and --until its \
             last"
        );
        ensure!(
            since.is_none_or(|since| since <= NowArg::present()),
            "the period has yet to begin: --since names its first day or instant"
        );
        Ok(Period { since, until })
    }
}
