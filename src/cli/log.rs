//! `changegate log`: the audit trail, change by change.

mod csv;

use std::cmp::Reverse;
use std::fmt::Write as _;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::shared::args::NowArg;
use super::shared::caches::kept;
use super::shared::here::{self, HereArgs};
use super::shared::judges::judges;
use super::shared::logs;
use super::shared::period::PeriodArgs;
use super::shared::say::{self, UNDECIDED};
use super::shared::timeline::{self, NOWHERE, in_short, who_width};
use changegate::changes::log::{LogEntry, LogView};
use changegate::changes::records::Records;
use changegate::changes::story::{Stories, Story};
use changegate::core::operations::state::PullState;
use changegate::forge::Pull;
use changegate::gate::Gate;
use changegate::report::escape::terminal;

/// Show the events of changes, from submission to merge, with the time between them
///
/// Everything is computed from the commits of the base branch and of the branches change/*, reviews/* and
/// audit/operations, which `git log` shows, too. What the ledger records of a commit on the base is taken from
/// there; what is older than the ledger is judged again, as of its own time.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate log CHG-1234
      what happened to one change
  changegate log --since 2026-10-01 --until 2026-12-31 --format csv > quarter.csv
      the audit trail of a quarter, for a spreadsheet
  changegate log --format json
      everything, for a script")]
pub struct LogArgs {
    /// The change's name; all changes if left out, those with the latest events first
    #[arg(value_name = "ID")]
    id: Option<String>,

    #[command(flatten)]
    period: PeriodArgs,

    #[command(flatten)]
    here: HereArgs,

    /// The output format
    #[arg(long, value_enum, default_value_t)]
    format: LogFormat,
}

/// The format of the audit trail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For scripts.
    Json,
    /// For spreadsheets.
    Csv,
}

/// Runs the verb.
pub fn run(args: &LogArgs) -> anyhow::Result<ExitCode> {
    let period = args.period.get()?;
    let git = args.here.open_to_look()?;
    let judges = judges()?;
    let gate = Gate::new(git.repo(), &git, judges.clone());
    let org = gate.org_at(git.base()?)?;
    let stories = Stories::of(&git, &org, kept(&git))?;
    git.survey_others();
    let about = args.id.as_deref().map(here::name_of);
    let records = logs::records(&git, &org, &args.here, || match about {
        Some(name) => Records::read(&git, &judges, stories.on_base(name)?),
        None => Records::read_all(&git, &judges, kept(&git).as_ref()),
    });
    let now = NowArg::present();
    let executions = logs::executions(&git, &org, &args.here, now)?;
    let entry = |mut story: Story| {
        let (state, _) = executions.of_story(&git, &story)?;
        story.add(executions.events(&story.name)?);
        story.mark(&records);
        for merge in story.merges.clone() {
            if let Some(why) = stories.around(&gate, &records, &story.name, &merge) {
                story.bypassed(merge.commit.id, &why);
            }
        }
        let open = (story.status.pull == PullState::Open).then_some(story.status.head).flatten();
        let open = open.and_then(|head| {
            let pull = Pull::of_change(&story.name, &git.base_ref, git.base().ok()?, head);
            gate.judge(pull.with_log(git.log_tip().ok()?), &[], now).ok()
        });
        let open = open.as_ref().map(|judgement| &judgement.decision);
        anyhow::Ok(LogEntry::of(story, state, &records, open, &org))
    };
    let mut is_whole = true;
    let mut changes = Vec::new();
    match &args.id {
        Some(id) => changes.push(entry(timeline::story(&git, &stories, id)?)?),
        None => {
            for name in stories.names()? {
                // A mistake in one change must not hide the others.
                let told = stories.tell(&name).and_then(|story| story.map(entry).transpose());
                match told {
                    Ok(story) => changes.extend(story),
                    Err(error) => {
                        is_whole = false;
                        say::complain(&error.context(format!("{name} is left out")));
                    }
                }
            }
        }
    }
    for change in &mut changes {
        change.events.retain(|event| period.holds(event.at));
    }
    changes.retain(|change| !change.events.is_empty());
    changes.sort_by_key(|change| Reverse(change.events.iter().map(|event| event.at).max()));
    let view = LogView { changes };
    say::print(&match args.format {
        LogFormat::Text => render_text(&view, say::width()),
        LogFormat::Json => say::json(&view)?,
        LogFormat::Csv => csv::render(&view)?,
    })?;
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::from(UNDECIDED) })
}

fn render_text(view: &LogView, columns: usize) -> String {
    if view.changes.is_empty() {
        return "no events match\n".to_owned();
    }
    let block = |change: &LogEntry| {
        let summary = change.summary.as_deref().map(|summary| format!("  {}", terminal(summary)));
        let summary = summary.unwrap_or_default();
        let width = who_width(&change.events);
        let rows = change.events.iter().map(|event| in_short(event, width, columns));
        format!("{}  {}{summary}\n", terminal(&change.change), change.state)
            + &rows.collect::<String>()
    };
    view.changes.iter().map(block).collect::<Vec<_>>().join("\n") + &legend(view)
}

/// Explains the marks, if there are any.
fn legend(view: &LogView) -> String {
    let events = || view.changes.iter().flat_map(|change| &change.events);
    let recorded = events().find_map(|event| event.recorded.as_ref());
    let mut out = String::new();
    if let Some(recorded) = recorded {
        let index = recorded.index;
        let _ = write!(
            out,
            "\n[{index}] is entry {index} of the ledger: `changegate audit show {index}`; a merge \
             without a mark is older than the ledger, and was judged again\n"
        );
    }
    if events().any(|event| event.unrecorded) {
        let _ = write!(
            out,
            "\n[{NOWHERE}] is recorded nowhere: `changegate audit coverage` lists all such commits\n"
        );
    }
    out
}
