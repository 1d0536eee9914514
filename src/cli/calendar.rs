//! `changegate calendar`: what is planned and what was executed, beside windows and freezes.

mod ics;
mod month;
mod text;

use std::process::ExitCode;

use anyhow::{bail, ensure};
use chrono::{Datelike as _, Months, NaiveDate};
use clap::{Args, ValueEnum};

use super::shared::args::{NowArg, day_begins, day_ends, tier_parser, unknown_service};
use super::shared::caches::kept;
use super::shared::here::HereArgs;
use super::shared::judges::judges;
use super::shared::{logs, say};
use changegate::changes::calendar::{Asked, CalendarView, names, view};
use changegate::changes::entry::Lister;
use changegate::changes::records::Records;
use changegate::changes::story::Stories;
use changegate::core::calendar::HORIZON;
use changegate::core::terms::{Name, RiskTier};
use changegate::core::time::{Duration, Interval, Time, midnight};
use changegate::forge::git::Git;
use changegate::gate::Gate;

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
        CalendarFormat::Ics => ics::render(&view, &ics::Place::of(&git)?, args.windows)?,
    })?;
    Ok(ExitCode::SUCCESS)
}

impl CalendarArgs {
    /// Returns the stretch of time that is asked for.
    fn period(&self, now: Time) -> anyhow::Result<Interval> {
        let day = |time: Time| time.utc().date_naive();
        let reference = day(self.from.unwrap_or(now));
        let of_days = |first: NaiveDate, last: Option<NaiveDate>| Interval {
            start: midnight(first),
            end: last.map_or(midnight(first), midnight),
        };
        if self.week {
            let monday = reference.week(chrono::Weekday::Mon).first_day();
            return Ok(of_days(monday, monday.checked_add_days(chrono::Days::new(7))));
        }
        if self.month {
            let first = reference.with_day(1).unwrap_or(reference);
            return Ok(of_days(first, first.checked_add_months(Months::new(1))));
        }
        let is_ics = self.format == CalendarFormat::Ics;
        let today = midnight(day(now));
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
    let judges = judges()?;
    let gate = Gate::new(git.repo(), git, judges.clone());
    let judge = judges.at(git.repo(), git.base()?)?;
    let (org, calendar) = (&judge.bundle().org, &judge.bundle().calendar);
    if let Some(service) = &args.service
        && !org.roster.services.contains_key(service.as_str())
    {
        bail!("{}", unknown_service(service.as_str(), org));
    }
    git.survey_others();
    let stories = Stories::of(git, org, kept(git))?;
    let executions = logs::executions(git, org, &args.here, now)?;
    let names = names(git, org, &executions, period)?;
    let records = logs::records(git, org, &args.here, || {
        let commits = names.iter().map(|name| stories.on_base(name));
        let commits = commits.collect::<anyhow::Result<Vec<_>>>()?;
        Records::read(git, &judges, Some(commits.into_iter().flatten().collect()))
    });
    let lister = Lister {
        git,
        gate: &gate,
        stories: &stories,
        records: &records,
        executions: &executions,
        org,
        now,
        most_names: usize::MAX,
    };
    let asked = Asked { period, tier: args.tier, service: args.service.clone() };
    view(&lister, calendar, &asked, &names)
}
