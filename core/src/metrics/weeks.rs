//! What was executed when: by weeks, and by the hours of a week.

use std::collections::BTreeMap;

use chrono::{Datelike as _, Timelike as _};
use schemars::JsonSchema;
use serde::Serialize;

use super::account::Account;
use super::spread::Spread;
use crate::request::ChangeType;
use crate::time::{Interval, Time, week_of};

/// A week, from Monday on in UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Week {
    /// Its Monday.
    pub from: Time,
    /// The changes of it that were executed, by their type.
    pub executed: BTreeMap<ChangeType, usize>,
    /// How many of those failed.
    pub failed: usize,
    /// How long it took from their submission until they were done.
    pub lead_time: Spread,
}

/// The executions that began in each hour of the week in UTC: 24 numbers each for Monday to Sunday.
pub type Hours = Vec<Vec<usize>>;

/// Returns the weeks that a period touches. Each change counts in that in which it was executed first.
pub(super) fn weeks(executed: &[&Account], period: &Interval) -> Vec<Week> {
    let mut by_week: BTreeMap<Time, Vec<&Account>> = BTreeMap::new();
    let mut next = week_of(period.start);
    while next.start < period.end {
        by_week.insert(next.start, Vec::new());
        next = week_of(next.end);
    }
    for account in executed {
        let week = account.executed_at().map(|at| week_of(at).start);
        if let Some(accounts) = week.and_then(|week| by_week.get_mut(&week)) {
            accounts.push(account);
        }
    }
    let week = |(from, accounts): (Time, Vec<&Account>)| {
        let mut executed = BTreeMap::new();
        for kind in accounts.iter().filter_map(|it| it.kind) {
            *executed.entry(kind).or_default() += 1;
        }
        let failed = accounts.iter().filter(|it| it.has_failed()).count();
        let lead_time = Spread::of(accounts.iter().filter_map(|it| super::lead_time(it)));
        Week { from, executed, failed, lead_time }
    };
    by_week.into_iter().map(week).collect()
}

/// Returns the executions of a period by the hour in which they began.
pub(super) fn hours(accounts: &[&Account], period: &Interval) -> Hours {
    let mut hours = vec![vec![0; 24]; 7];
    let began = accounts.iter().flat_map(|it| &it.runs).map(|run| run.began_at);
    for at in began.filter(|at| period.holds(*at)) {
        let at = at.utc();
        let day = at.weekday().num_days_from_monday() as usize;
        hours[day][at.hour() as usize] += 1;
    }
    hours
}
