//! `changegate outcome`: says how a change went, which closes it.

use super::shared::args::{AnswerFormat, said};
use super::shared::closing::{Closing, close_now};
use super::shared::judges::judges;
use super::shared::site::{Site, SiteArgs};
use changegate::core::operations::kinds::{Outcome, Skipped};
use changegate::core::request::OutcomeResult;
use changegate::core::terms::{Login, TicketId};

use clap::{Args, ValueEnum};

use std::process::ExitCode;

/// Say how a change went, which closes it
///
/// The policies say what each result asks for: `successful` that all of it is done and verification passed,
/// the others a note. Its requester, its implementer, who executed it, an owner of an affected service or an
/// incident commander says it.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate outcome CHG-1234 successful
  changegate outcome CHG-1234 successful --skipped 2=\"the cache was empty\"
  changegate outcome CHG-1234 rolled-back --note \"the replica lagged behind\"")]
pub struct OutcomeArgs {
    /// The change's id
    #[arg(value_name = "ID")]
    id: TicketId,

    /// How it went
    #[arg(value_enum)]
    result: Went,

    /// What a later reader should know
    #[arg(long, value_name = "TEXT", value_parser = said, allow_hyphen_values = true)]
    note: Option<String>,

    /// A step that wasn't executed, and why it wasn't needed; may be given more than once
    #[arg(long, value_name = "N=WHY", value_parser = skipped)]
    skipped: Vec<Skipped>,

    /// The incident to which it led
    #[arg(long, value_name = "INC")]
    incident: Option<TicketId>,

    /// The person for whom a machine acts
    #[arg(long = "for", value_name = "LOGIN")]
    on_behalf: Option<Login>,

    /// The output format
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,

    #[command(flatten)]
    here: SiteArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Went {
    /// Done, without unexpected effects.
    Successful,
    /// Done, with errors or impact that weren't expected.
    WithIssues,
    /// Undone by its rollback.
    RolledBack,
    /// Not done, or it didn't achieve its purpose.
    Failed,
}

impl From<Went> for OutcomeResult {
    fn from(went: Went) -> Self {
        match went {
            Went::Successful => OutcomeResult::Successful,
            Went::WithIssues => OutcomeResult::WithIssues,
            Went::RolledBack => OutcomeResult::RolledBack,
            Went::Failed => OutcomeResult::Failed,
        }
    }
}

fn skipped(text: &str) -> Result<Skipped, String> {
    let parts = text.split_once('=').filter(|(_, why)| !why.trim().is_empty());
    let (step, why) = parts.ok_or_else(|| "a skipped step is written N=WHY".to_owned())?;
    let step = step.parse().map_err(|_| format!("`{step}` isn't the number of a step"))?;
    Ok(Skipped { step, why: why.to_owned() })
}

/// Runs the verb.
pub fn run(args: &OutcomeArgs) -> anyhow::Result<ExitCode> {
    let site = Site::open(&args.here)?;
    let closing = Closing {
        outcome: Outcome {
            result: args.result.into(),
            skipped: args.skipped.clone(),
            note: args.note.clone(),
            automatic: false,
        },
        incident: args.incident.clone(),
        on_behalf: args.on_behalf.clone(),
    };
    close_now(&site, &judges()?, &args.id, &closing)?.say(&site, args.format)
}
