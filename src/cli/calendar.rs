//! `changegate calendar`: what is planned and what was executed, beside windows and freezes.

mod ics;
mod month;
mod text;

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::process::ExitCode;

use anyhow::{bail, ensure};
use clap::{Args, ValueEnum};

use super::shared::args::{NowArg, day_begins, day_ends, tier_parser, unknown_service};
use super::shared::here::HereArgs;
use super::shared::lister::{Read, with_lister};
use super::shared::origin::Origin;
use super::shared::{logs, say};
use changegate::changes::calendar::{Asked, CalendarView, names, view};
use changegate::changes::records::Records;
use changegate::core::calendar::HORIZON;
use changegate::core::terms::{Name, RiskTier};
use changegate::core::time::{Duration, Interval, Time, midnight, month_of, week_of};
use changegate::forge::git::Git;

/// Show what is planned and what was executed, beside windows and freezes
///
/// Without arguments it shows the seven days from today on, in UTC: which windows are open, what is frozen, and
/// each change with its planned time and what was executed of it. Changes that aren't merged yet are shown, too.
/// As `ics` it is for calendar programs: changes and freezes from a quarter back to the coming 400 days.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate calendar
      the seven days from today on
  changegate calendar --month --service checkout
      how many changes to a service there are on each day of this month
  changegate calendar --from 2026-12-14 --to 2026-12-20 --tier high
      one week, high risk only
  changegate calendar --format ics > changes.ics
      for other calendar programs")]
pub struct CalendarArgs {
    /// The week from Monday on that today is in, or the day of --from
    #[arg(long, conflicts_with_all = ["month", "to"])]
    week: bool,

    /// The month that today is in, or the day of --from: how many changes there are on each day
    #[arg(long, conflicts_with = "to")]
    month: bool,

    /// The first day, or a time; today if left out
    #[arg(long, value_name = "DATE", value_parser = day_begins)]
    from: Option<Time>,

    /// The last day, or a time
    #[arg(long, value_name = "DATE", value_parser = day_ends)]
    to: Option<Time>,

    /// Only changes that affect this service, and what is frozen for it
    #[arg(long, value_name = "NAME")]
    service: Option<Name>,

    /// Only changes of this risk tier, and the windows that take it
    #[arg(long, value_parser = tier_parser())]
    tier: Option<RiskTier>,

    #[command(flatten)]
    here: HereArgs,

    #[command(flatten)]
    now: NowArg,

    /// The output format
    #[arg(long, value_enum, default_value_t)]
    format: CalendarFormat,

    /// With --format ics: when windows open, too
    #[arg(long)]
    windows: bool,
}

/// The output format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum CalendarFormat {
    /// For people.
    #[default]
    Text,
    /// For scripts.
    Json,
    /// For calendar programs: iCalendar, RFC 5545.
    Ics,
}

/// How far back calendar programs see.
const BACK: Duration = Duration::days(90);

/// Runs the verb.
pub fn run(args: &CalendarArgs) -> anyhow::Result<ExitCode> {
    ensure!(
        !args.windows || args.format == CalendarFormat::Ics,
        "--windows is for --format ics: everywhere else windows are shown anyway"
    );
    let now = args.now.get();
    let period = args.period(now)?;
    let git = args.here.open_to_look()?;
    let view = look(args, &git, period, now)?;
    say::print(&match args.format {
        CalendarFormat::Text if args.month => month::render(&view, say::width()),
        CalendarFormat::Text => text::render(&view, say::colour(&std::io::stdout()), say::width()),
        CalendarFormat::Json => say::json(&view)?,
        CalendarFormat::Ics => {
            let changed_at = git.repo().commit(git.base()?)?.time;
            ics::render(&view, (&Origin::of(&git), changed_at), args.windows)?
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

impl CalendarArgs {
    /// Returns the stretch of time that is asked for.
    fn period(&self, now: Time) -> anyhow::Result<Interval> {
        if self.week {
            return Ok(week_of(self.from.unwrap_or(now)));
        }
        if self.month {
            return Ok(month_of(self.from.unwrap_or(now)));
        }
        let is_ics = self.format == CalendarFormat::Ics;
        let today = midnight(now.utc().date_naive());
        let earliest = if is_ics { today - BACK } else { today };
        let start = self.from.unwrap_or(earliest);
        let usual = match is_ics && self.from.is_none() {
            true => today + HORIZON,
            false => start + Duration::days(7),
        };
        let end = self.to.unwrap_or(usual);
        ensure!(
            start < end,
            "the calendar would end before it begins: --from names its first day, --to its last"
        );
        Ok(Interval { start, end })
    }
}

/// Reads the calendar.
fn look(
    args: &CalendarArgs,
    git: &Git,
    period: Interval,
    now: Time,
) -> anyhow::Result<CalendarView> {
    let named = OnceCell::new();
    with_lister(
        (git, &args.here),
        now,
        |Read { judges, org, stories, executions }| {
            let names = names(git, org, executions, period)?;
            let names = named.get_or_init(|| names);
            Ok(logs::records(git, org, &args.here, || {
                let commits = names.iter().map(|name| stories.on_base(name));
                let commits = commits.collect::<anyhow::Result<Vec<_>>>()?;
                Records::read(git, judges, commits.into_iter().flatten().collect())
            }))
        },
        |lister, judge| {
            if let Some(service) = &args.service
                && !lister.org.roster.services.contains_key(service.as_str())
            {
                bail!("{}", unknown_service(service.as_str(), lister.org));
            }
            let asked = Asked { period, tier: args.tier, service: args.service.clone() };
            let names = named.get_or_init(BTreeSet::new);
            view(lister, &judge.bundle().calendar, &asked, names)
        },
    )
}
