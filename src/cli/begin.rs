//! `changegate begin` and `changegate end`: what is executed by hand.

use std::process::ExitCode;

use anyhow::{bail, ensure};
use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueEnum};

use super::shared::args::{AnswerFormat, said};
use super::shared::asking::{AskArgs, begin_now};
use super::shared::events::say;
use super::shared::judges::judges;
use super::shared::site::{Site, SiteArgs};
use changegate::core::operations::event::About;
use changegate::core::operations::kinds::EndResult;
use changegate::core::operations::life::Execution;
use changegate::core::record::parts::Hex;
use changegate::core::terms::{TicketId, one_of};
use changegate::execute::Made;
use changegate::execute::author::nonce;
use changegate::execute::end::{Went, closes, end};
use changegate::gate::execution::begin;

/// Begin to execute a change by hand
///
/// It asks as `changegate authorize` does, and takes the lock: nobody else can begin before you say with
/// `changegate end` how it went.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate begin CHG-1234
  changegate begin CHG-1234 --step 2
  changegate begin CHG-1234 --rollback
  changegate begin INC-042 --action pull-logs --target checkout-web")]
pub struct BeginArgs {
    #[command(flatten)]
    ask: AskArgs,

    /// The output format
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,

    #[command(flatten)]
    here: SiteArgs,
}

/// Runs `begin`.
pub fn run(args: &BeginArgs) -> anyhow::Result<ExitCode> {
    let site = Site::open(&args.here)?;
    let author = site.author(args.ask.on_behalf.clone())?;
    let place = begin::Place { host: None, url: None, command: None, nonce: nonce() };
    begin_now(&site, &judges()?, &author, &args.ask, &place)?.say(&site, args.format)
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
    #[arg(long, value_name = "EVENT", value_parser = NonEmptyStringValueParser::new())]
    execution: Option<String>,

    /// How it went
    #[arg(long, value_enum, default_value = "done")]
    result: How,

    /// Why nobody knows, or why you say so although somebody else began it
    #[arg(long, value_name = "TEXT", value_parser = said, allow_hyphen_values = true)]
    why: Option<String>,

    /// The output format
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,

    #[command(flatten)]
    here: SiteArgs,
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
    let author = site.author(None)?;
    let written = author.write(|log, now| {
        let lives = [About::Change(id), About::Incident(id)]
            .into_iter()
            .map(|about| Ok((about, log.life(about)?)))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let open =
            lives.iter().flat_map(|(about, life)| life.open().map(move |it| (about, life, it)));
        let open: Vec<_> =
            open.filter(|(.., it)| is_meant(it, args.execution.as_deref())).collect();
        let (about, life, it) = match open[..] {
            [found] => found,
            [] => bail!(
                "no execution of {id} is open: `changegate operations show {id}` says what happened"
            ),
            _ => {
                let named = open.iter().map(|(.., it)| {
                    let event = String::from(it.begin.id.clone());
                    format!("--execution {} (by {})", &event[..10], it.begin.head.by)
                });
                let named: Vec<_> = named.collect();
                bail!("several executions of {id} are open: name one with {}", one_of(&named))
            }
        };
        let by = &it.begin.head.by;
        let is_own = by == author.by();
        ensure!(
            args.why.is_some() || is_own && result != EndResult::Unknown,
            "say with --why {}",
            match is_own {
                true => "why nobody knows how it ended".to_owned(),
                false => format!("why you end what {by} began"),
            }
        );
        let went = Went { why: args.why.clone(), ..Went::default() };
        let end = end(it, result, went, now);
        if matches!(about, About::Incident(_)) {
            return Ok(vec![Made::of_incident(id, end)]);
        }
        let request = site.executed(id)?;
        let closes = closes(id, &request, &site.judge.bundle().org, life, &end);
        Ok([Some(Made::of_change(id, end)), closes].into_iter().flatten().collect())
    })?;
    say(&site, &written, args.format)
}

fn is_meant(execution: &Execution, digits: Option<&str>) -> bool {
    let name: Hex = execution.begin.id.clone();
    digits.is_none_or(|digits| String::from(name).starts_with(digits))
}
