//! `changegate show`: the whole story of one change.
//!
//! ```text
//! gather: commits, journal, merges ─▶ what happened
//! judge:  each merge in its state at that time, and an open change in its present state
//! print:  request, decision, timeline with which reviews count
//! ```

mod text;

use std::process::ExitCode;

use clap::Args;

use super::shared::args::{AnswerFormat, NowArg};
use super::shared::caches::kept;
use super::shared::here::{self, HereArgs};
use super::shared::{logs, say, timeline};
use changegate::changes::records::Records;
use changegate::changes::show::{self, ShowView};
use changegate::changes::story::Stories;
use changegate::core::terms::TicketId;
use changegate::gate::execution::around;

/// Show the whole story of a change: request, decision, reviews, what happened when
///
/// An open change is judged in its present state. A merged one is judged as it was when it was
/// merged, by the policies of that time; where the ledger holds that decision, it is shown as recorded.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate show CHG-1234
      request, decision, and whether each review counts
  changegate show CHG-1234 --format json
as JSON, for a script")]
pub struct ShowArgs {
    /// The change's name: its request's id, or what follows change/ in the branch's name; that of
    /// the branch that is checked out if left out
    #[arg(value_name = "ID")]
    id: Option<String>,

    #[command(flatten)]
    here: HereArgs,

    #[command(flatten)]
    now: NowArg,

    /// The output format
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,
}

/// Runs the verb.
pub fn run(args: &ShowArgs) -> anyhow::Result<ExitCode> {
    let git = args.here.open_to_look()?;
    let gate = here::gate(&git);
    let org = gate.org_at(git.base()?)?;
    let stories = Stories::of(&git, &org, kept(&git))?;
    let mut story = timeline::story(&git, &stories, &here::id_or_here(args.id.as_deref())?)?;
    let now = args.now.get();
    let executions = logs::executions(&git, &org, &args.here, now)?;
    let state = executions.of_story(&git, &story)?;
    story.add(executions.events(&story.name)?);
    let records = logs::records(&git, &org, &args.here, || {
        let commits = stories.on_base(&story.name)?;
        Records::read(&git, &here::judges(), commits)
    });
    let id = story.name.parse::<TicketId>().ok();
    let went_around = match (git.operations()?, id) {
        (Some(log), Some(id)) => around((&git, None), &here::judges(), &log, &id, now)?,
        _ => Vec::new(),
    };
    let told = show::tell(&git, &gate, &stories, &records, story, state, now);
    let view = ShowView { went_around, ..told };
    say::print(&match args.format {
        AnswerFormat::Text => {
            let colour = say::colour(&std::io::stdout());
            text::render(&view, colour, say::width())
        }
        AnswerFormat::Json => say::json(&view)?,
    })?;
    Ok(ExitCode::SUCCESS)
}
