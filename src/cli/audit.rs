//! `changegate audit`: what an auditor asks of the record.

mod coverage;
mod look;
mod record_bypass;
mod show;
mod verify;

use std::process::ExitCode;

use clap::{Args, Subcommand};

/// Prove what was decided, from the repository alone
#[derive(Args, Debug)]
pub struct AuditArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand, Debug)]
enum Verb {
    Coverage(coverage::CoverageArgs),
    RecordBypass(record_bypass::RecordBypassArgs),
    Show(show::ShowArgs),
    Verify(verify::VerifyArgs),
}

/// Runs the verb.
pub fn run(args: &AuditArgs) -> anyhow::Result<ExitCode> {
    match &args.verb {
        Verb::Coverage(args) => coverage::run(args),
        Verb::RecordBypass(args) => record_bypass::run(args),
        Verb::Show(args) => show::run(args),
        Verb::Verify(args) => verify::run(args),
    }
}
