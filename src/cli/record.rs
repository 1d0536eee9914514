//! `changegate record`: says what was executed without asking.

use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use clap::Args;

use super::begin::How;
use super::shared::args::{AnswerFormat, NowArg, said};
use super::shared::events::say;
use super::shared::judges::judges;
use super::shared::say::warn;
use super::shared::site::{Site, SiteArgs};
use changegate::core::operations::event::Actor;
use changegate::core::operations::kinds::{Record, Step, What};
use changegate::core::terms::{Login, TicketId};
use changegate::core::time::Time;
use changegate::execute::Made;
use changegate::gate::execution::Route;
use changegate::gate::execution::record::debtor;
use changegate::ledger::object_id;
use changegate::operations::Log;

/// Record what was executed without asking
///
/// Of an approved change within its planned time it is a late record. Anything else went around the rules:
/// it is listed for ever, and the team of who did it owes the sign-offs.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate record CHG-1234 --started 2026-11-24T22:05:00Z --ended 2026-11-24T22:20:00Z \\
      --why \"no network on the bridge host\"")]
pub struct RecordArgs {
    /// The change's id
    #[arg(value_name = "ID")]
    id: TicketId,

    /// When it began
    #[arg(long, value_name = "RFC3339")]
    started: Time,

    /// When it ended
    #[arg(long, value_name = "RFC3339")]
    ended: Time,

    /// Who did it; you if left out
    #[arg(long, value_name = "LOGIN")]
    by: Option<Login>,

    /// How it went
    #[arg(long, value_enum, default_value = "done")]
    result: How,

    /// The number of a step that was executed; all steps if none is named
    #[arg(long = "step", value_name = "N")]
    steps: Vec<u32>,

    /// It undid the change
    #[arg(long)]
    rollback: bool,

    /// Why nobody asked
    #[arg(long, value_name = "TEXT", value_parser = said, allow_hyphen_values = true)]
    why: String,

    /// The output format
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,

    #[command(flatten)]
    here: SiteArgs,
}

/// Runs the verb.
pub fn run(args: &RecordArgs) -> anyhow::Result<ExitCode> {
    let site = Site::open(&args.here)?;
    let judges = judges()?;
    let known =
        |log: Option<&Log<'_>>, now| site.known(&judges, log, (&args.id, &Route::Merged), now);
    let found = known(None, NowArg::present())?;
    let request = found.request().with_context(|| {
        format!(
            "there is no request {}, merged or open: write it with `changegate new`, and submit it",
            args.id
        )
    })?;
    let author = site.author(None)?;
    let by = match (&args.by, author.by()) {
        (Some(by), _) | (None, Actor::Person(by)) => by.clone(),
        (None, machine) => anyhow::bail!("{machine} isn't a person: say with --by who did it"),
    };
    ensure!(args.started <= args.ended, "it ended before it began: correct --started or --ended");
    ensure!(args.ended <= NowArg::present(), "it ends in the future: record it when it is over");
    let org = &site.judge.bundle().org;
    ensure!(org.roster.people.contains_key(&by), "{by} isn't in policies/org/roster/data.yaml");
    let mut steps = Vec::new();
    for (number, action) in (1..).zip(&request.actions) {
        let is_meant = args.steps.is_empty() || args.steps.contains(&number);
        if let (true, Some(name), Some(target)) = (is_meant, &action.action, &action.target) {
            steps.push(Step { number: Some(number), action: name.clone(), target: target.clone() });
        }
    }
    let wanted = if args.steps.is_empty() { request.actions.len() } else { args.steps.len() };
    ensure!(steps.len() == wanted, "{} has steps 1 to {}", args.id, request.actions.len());
    let written = author.write(|log, now| {
        let known = known(Some(log), now)?;
        let record = Record {
            steps: steps.clone(),
            rollback: args.rollback,
            started_at: args.started,
            ended_at: args.ended,
            result: args.result.into(),
            performed_by: by.clone(),
            why: args.why.clone(),
            debtor: None,
            open: known.head().map(object_id),
        };
        let debtor = debtor(&known, org, &record);
        Ok(vec![Made::of_change(&args.id, What::Record(Record { debtor, ..record }))])
    })?;
    for it in &written {
        let What::Record(record) = it.event.what() else { continue };
        let what = match &record.debtor {
            Some(debtor) => {
                format!("it went around the rules: {debtor} owes the sign-offs for it")
            }
            None => "it is a late record: nobody could see it while it ran".to_owned(),
        };
        warn("warning", &what);
    }
    say(&site, &written, args.format)
}
