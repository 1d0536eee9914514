//! `changegate audit`: what an auditor asks of the record.

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
    Verify(verify::VerifyArgs),
}

/// Runs the verb.
pub fn run(args: &AuditArgs) -> anyhow::Result<ExitCode> {
    match &args.verb {
        Verb::Verify(args) => verify::run(args),
    }
}
