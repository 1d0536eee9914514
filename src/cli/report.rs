//! `changegate report`: what needs somebody, and what the changes of a period come to.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use clap::{Args, ValueEnum};
use schemars::JsonSchema;
use serde::Serialize;

use super::shared::args::{
    NowArg, day_begins, day_ends, tier_parser, unknown_service, unknown_team,
};
use super::shared::caches::kept;
use super::shared::here::HereArgs;
use super::shared::lister::{Read, with_lister};
use super::shared::logs;
use super::shared::origin::Origin;
use super::shared::progress::Progress;
use super::shared::say::{self, quoted};
use changegate::changes::accounts::{Accounts, accounts};
use changegate::changes::calendar::open_hours;
use changegate::changes::entry::Lister;
use changegate::changes::needs::{Beside, needs};
use changegate::changes::records::Records;
use changegate::core::calendar::Calendar;
use changegate::core::metrics::{Account, Metrics, Promotion, promotions};
use changegate::core::operations::debts::DebtState;
use changegate::core::org::Org;
use changegate::core::terms::{Name, RiskTier};
use changegate::core::time::{Duration, Interval, Time, midnight, month_of};
use changegate::gate::recording::tip;
use changegate::report::overview::{self, Only, Overview};

/// Report what needs somebody, and what the changes of a period come to
///
/// First comes what needs somebody now, each with the command that helps. Then how often, how fast and how well
/// changes were executed, how long sign-offs took, what went around the rules, and which exceptions have become so
/// usual that a template could decide them once. All of it follows from Git: the base, reviews, the ledger and the
/// operations log; GitHub alone says which debts were refused there.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate report
      the last full month
  changegate report --from 2026-01-01 --to 2026-12-31 --format html --output report.html
      a year, as one page for a browser
  changegate report --from 2026-10-01 --to 2026-12-31 --team payments --format csv
      a quarter of a team, a row for each change
  changegate report --promotions
      the candidates for templates

Exit codes:
  0  reported
  2  could not be reported")]
pub struct ReportArgs {
    /// The first day, or a time; without --from and --to it is the last full month
    #[arg(long, value_name = "DATE", value_parser = day_begins)]
    from: Option<Time>,

    /// The last day, or a time; today if left out
    #[arg(long, value_name = "DATE", value_parser = day_ends)]
    to: Option<Time>,

    /// Only changes of this team
    #[arg(long, value_name = "NAME")]
    team: Option<String>,

    /// Only changes that affect this service
    #[arg(long, value_name = "NAME")]
    service: Option<Name>,

    /// Only changes of this risk tier
    #[arg(long, value_parser = tier_parser())]
    tier: Option<RiskTier>,

    /// Only the candidates for templates
    #[arg(long)]
    promotions: bool,

    /// The output format
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,

    /// The file to write; `-` prints it
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    #[command(flatten)]
    here: HereArgs,

    #[command(flatten)]
    now: NowArg,
}

/// The output format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum ReportFormat {
    /// For people.
    #[default]
    Text,
    /// For scripts.
    Json,
    /// For spreadsheets: a row for each change.
    Csv,
    /// For browsers: one page that needs nothing else.
    Html,
}

/// The columns of a text in a file.
const FILE: usize = 100;

/// The candidates for templates.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "Candidates for templates")]
pub struct PromotionsView {
    /// The time that they are for.
    pub now: Time,
    /// The candidates.
    pub promotions: Vec<Promotion>,
}

/// Runs the verb.
pub fn run(args: &ReportArgs) -> anyhow::Result<ExitCode> {
    let now = args.now.get();
    let period = args.period(now)?;
    ensure!(
        !args.promotions || matches!(args.format, ReportFormat::Text | ReportFormat::Json),
        "--promotions is for --format text and json: `changegate report --format html` shows them, too"
    );
    let git = args.here.open_to_look()?;
    let text = with_lister(
        (&git, &args.here),
        now,
        |Read { judges, org, .. }| {
            Ok(logs::records(&git, org, &args.here, || {
                Records::read_all(&git, judges, kept(&git).as_ref())
            }))
        },
        |lister, judge| {
            let only = args.only(lister.org)?;
            let bar = OnceCell::new();
            let reached = |done, total| bar.get_or_init(|| Progress::of(total)).reach(done);
            let accounts = accounts(lister, kept(&git).as_ref(), &reached);
            bar.into_inner().inspect(Progress::finish);
            let accounts = accounts?;
            if args.promotions {
                return candidates(args, lister, &accounts.all, &only);
            }
            let calendar = &judge.bundle().calendar;
            report(args, (lister, calendar), accounts, only, period)
        },
    )?;
    match &args.output {
        None => say::print(&text)?,
        Some(path) if path.as_os_str() == "-" => say::print(&text)?,
        Some(path) => {
            let failed = || format!("cannot write {}", path.display());
            fs::write(path, text.as_bytes()).with_context(failed)?;
            say::done(&format!("wrote {}\n", quoted(path)));
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl ReportArgs {
    /// Returns the period that is asked for.
    fn period(&self, now: Time) -> anyhow::Result<Interval> {
        // What is yet to come isn't part of it; within a day it stays the same.
        let today = midnight(now.utc().date_naive()) + Duration::days(1);
        let before = month_of(month_of(now).start - Duration::seconds(1));
        let period = match (self.from, self.to) {
            (None, None) => before,
            (Some(start), to) => Interval { start, end: to.unwrap_or(today) },
            (None, Some(end)) => {
                Interval { start: month_of(end - Duration::seconds(1)).start, end }
            }
        };
        let is_reversed = self.to.is_some_and(|end| end <= period.start);
        ensure!(
            is_reversed || period.start <= now,
            "the period has yet to begin: --from names its first day or instant"
        );
        let period = Interval { end: period.end.min(today), ..period };
        ensure!(
            period.start < period.end,
            "the period ends before it begins: --from names its first day, --to its last, which is today if it is \
             left out"
        );
        Ok(period)
    }

    fn only(&self, org: &Org) -> anyhow::Result<Only> {
        if let Some(service) = &self.service
            && !org.roster.services.contains_key(service.as_str())
        {
            bail!("{}", unknown_service(service.as_str(), org));
        }
        if let Some(team) = &self.team
            && !org.roster.teams.contains_key(team)
        {
            bail!("{}", unknown_team(team, org));
        }
        Ok(Only { team: self.team.clone(), service: self.service.clone(), tier: self.tier })
    }
}

/// Returns the candidates for templates with a change that is asked for. Any change can be one against another.
fn promoted(accounts: &[Account], lister: &Lister<'_>, only: &Only) -> Vec<Promotion> {
    let asked = accounts.iter().filter(|it| only.takes(it)).map(|it| it.change.as_str());
    let asked: BTreeSet<_> = asked.collect();
    let mut promotions = promotions(accounts, lister.org, lister.now);
    promotions.retain(|it| it.changes.iter().any(|change| asked.contains(change.as_str())));
    promotions
}

/// Returns the candidates for templates in the format that is asked for.
fn candidates(
    args: &ReportArgs,
    lister: &Lister<'_>,
    accounts: &[Account],
    only: &Only,
) -> anyhow::Result<String> {
    let promotions = promoted(accounts, lister, only);
    if args.format == ReportFormat::Json {
        return say::json(&PromotionsView { now: lister.now, promotions });
    }
    Ok(match promotions.is_empty() {
        true => format!(
            "no candidates: of what no template covers, none has gone well {} times off-script, and never \
             anything else, in 180 days\n",
            lister.org.settings.promote_after
        ),
        false => overview::promotions(&promotions, say::width()),
    })
}

/// Returns what isn't known, or can't be relied on.
fn warnings(lister: &Lister<'_>) -> anyhow::Result<Vec<String>> {
    let mut warnings = lister.records.warnings.clone();
    if lister.org.settings.ledger.on && tip(lister.git)?.is_none() {
        let what = "the settings say that there is a ledger, and none is known here";
        warnings.push(format!("{what}: `changegate init --ledger` begins one"));
    }
    if lister.git.operations()?.is_none() {
        let what = "no operations log is known here, so nothing says what was executed";
        warnings.push(format!("{what}: `changegate init --operations` begins one"));
    }
    Ok(warnings)
}

/// Returns the report in the format that is asked for.
fn report(
    args: &ReportArgs,
    (lister, calendar): (&Lister<'_>, &Calendar),
    accounts: Accounts,
    only: Only,
    period: Interval,
) -> anyhow::Result<String> {
    let Lister { git, org, now, .. } = *lister;
    let asked = |account: &Account| only.takes(account);
    let of_all: Vec<_> = accounts.all.iter().filter(|it| asked(it)).collect();
    if args.format == ReportFormat::Csv {
        let in_period: Vec<_> = of_all.into_iter().filter(|it| it.is_in(&period)).collect();
        return overview::table(&in_period);
    }
    logs::warn_of_pauses(git, org, now)?;
    let (debts, unproven) = match git.operations()? {
        Some(log) => (logs::debts(git, org, &log, now)?.0, log.foreign().len()),
        None => (Vec::new(), 0),
    };
    let origin = Origin::of(git);
    let files = origin.files.as_deref();
    let beside = Beside { calendar, debts: &debts, files, period, only: &only };
    let needs = needs(lister, &accounts, &beside)?;
    let mut of_state: BTreeMap<&'static str, usize> = BTreeMap::new();
    let due = debts.iter().filter(|(debt, _)| period.holds(debt.due_at));
    let names: BTreeSet<_> = of_all.iter().map(|it| it.change.as_str()).collect();
    let due = due.filter(|(debt, _)| names.contains(debt.change.as_str()));
    let waived = of_all.iter().flat_map(|it| &it.waived).filter(|due| period.holds(**due));
    let states = due.map(|(_, state)| *state).chain(waived.map(|_| DebtState::Waived));
    for state in states {
        *of_state.entry(state.as_str()).or_default() += 1;
    }
    let is_deployment = |action: &Name| {
        org.actions.entries.get(action.as_str()).is_some_and(|action| action.deployment)
    };
    let overview = Overview {
        repository: origin.name,
        period,
        warnings: warnings(lister)?,
        needs,
        metrics: Metrics::of(&accounts.all, &asked, &period, &is_deployment),
        debts: of_state,
        unproven,
        promotions: promoted(&accounts.all, lister, &only),
        loosened: org.settings.loosened(),
        open_hours: open_hours(calendar, period),
        only: only.clone(),
    };
    match args.format {
        ReportFormat::Json => say::json(&overview),
        ReportFormat::Html => overview.html(),
        ReportFormat::Text | ReportFormat::Csv => {
            let width = if args.output.is_some() { FILE } else { say::width() };
            Ok(overview.text(width))
        }
    }
}
