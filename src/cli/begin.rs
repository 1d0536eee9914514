//! `changegate begin` and `changegate end`: what is executed by hand.

use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, ValueEnum};

use super::shared::args::AnswerFormat;
use super::shared::asking::{AskArgs, Begun, begin_now};
use super::shared::events::{Site, say};
use super::shared::here::HereArgs;
use super::shared::judges::judges;
use super::shared::say::print;
use changegate::core::operations::event::About;
use changegate::core::operations::kinds::EndResult;
use changegate::core::operations::life::Execution;
use changegate::core::record::parts::Hex;
use changegate::core::terms::TicketId;
use changegate::execute::Made;
use changegate::execute::end::{Went, closes, end};
use changegate::gate::execution::begin;
use changegate::report::Format;

/// Begin to execute a change by hand
///
/// It asks as `changegate authorize` does, and takes the lock: nobody else can begin before you say with
/// `changegate end` how it went.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate begin CHG-1234
  changegate begin CHG-1234 --step 2
  changegate begin CHG-1234 --rollback")]
pub struct BeginArgs {
    #[command(flatten)]
    ask: AskArgs,

    /// The output format
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,

    #[command(flatten)]
    here: HereArgs,
}

/// Runs `begin`.
pub fn run(args: &BeginArgs) -> anyhow::Result<ExitCode> {
    let site = Site::open(&args.here)?;
    let author = site.author(args.ask.on_behalf.clone())?;
    match begin_now(&site, &judges()?, &author, &args.ask, &begin::Place::default())? {
        Begun::Yes(_, written) => say(&[*written], args.format),
        Begun::No(answer) => {
            let format = match args.format {
                AnswerFormat::Text => Format::Text,
                AnswerFormat::Json => Format::Json,
            };
            print(&answer.report(&site, format, false))?;
            Ok(answer.exit_code())
        }
    }
}

/// Say how an execution went that was begun by hand, or whose end nobody recorded
///
/// Who began it says so. Who may execute it or roll it back says it for them, with the reason.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate end CHG-1234
  changegate end CHG-1234 --result failed
  changegate end CHG-1234 --result unknown --why \"the runner was destroyed\"")]
pub struct EndArgs {
    /// The id of the change, or of the incident
    #[arg(value_name = "ID")]
    id: TicketId,

    /// The id of the execution, of which the first digits are enough; the one that is open if left out
    #[arg(long, value_name = "EVENT")]
    execution: Option<String>,

    /// How it went
    #[arg(long, value_enum, default_value = "done")]
    result: How,

    /// Why nobody knows, or why you say so although somebody else began it
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    why: Option<String>,

    /// The output format
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,

    #[command(flatten)]
    here: HereArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum How {
    Done,
    Failed,
    Stopped,
    Unknown,
}

impl From<How> for EndResult {
    fn from(went: How) -> Self {
        match went {
            How::Done => EndResult::Done,
            How::Failed => EndResult::Failed,
            How::Stopped => EndResult::Stopped,
            How::Unknown => EndResult::Unknown,
        }
    }
}

/// Runs `end`.
pub fn run_end(args: &EndArgs) -> anyhow::Result<ExitCode> {
    let site = Site::open(&args.here)?;
    let (id, result) = (&args.id, args.result.into());
    let written = site.author(None)?.write(|log, now| {
        let of_change = log.life(About::Change(id))?;
        let of_incident = log.life(About::Incident(id))?;
        let is_change = !of_change.executions.is_empty();
        let life = if is_change { &of_change } else { &of_incident };
        let open: Vec<_> =
            life.open().filter(|it| is_meant(it, args.execution.as_deref())).collect();
        let it = match open[..] {
            [it] => it,
            [] => bail!(
                "no execution of {id} is open: `changegate operations show {id}` says what happened"
            ),
            _ => bail!("several executions of {id} are open: name one with --execution"),
        };
        let went = Went { why: args.why.clone(), ..Went::default() };
        let end = end(it, result, went, now);
        if !is_change {
            return Ok(vec![Made::of_incident(id, end)]);
        }
        let request = site.request(id)?;
        let closes = closes(id, &request, &site.judge.bundle().org, life, &end);
        Ok([Some(Made::of_change(id, end)), closes].into_iter().flatten().collect())
    })?;
    say(&written, args.format)
}

fn is_meant(execution: &Execution, digits: Option<&str>) -> bool {
    let name: Hex = execution.begin.id.clone();
    digits.is_none_or(|digits| String::from(name).starts_with(digits))
}
