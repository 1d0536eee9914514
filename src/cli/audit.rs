//! `changegate audit`: what an auditor asks of the record.

mod bundle;
mod controls;
mod coverage;
mod export;
pub mod expunge;
mod look;
pub mod record_bypass;
mod replay;
mod sample;
mod show;
mod verify;
pub mod witness;

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
    Controls(controls::ControlsArgs),
    Coverage(coverage::CoverageArgs),
    Export(export::ExportArgs),
    Expunge(expunge::ExpungeArgs),
    RecordBypass(record_bypass::RecordBypassArgs),
    Sample(sample::SampleArgs),
    Show(show::ShowArgs),
    Verify(verify::VerifyArgs),
    Replay(replay::ReplayArgs),
    Bundle(bundle::BundleArgs),
    Witness(witness::WitnessArgs),
}

/// Runs the verb.
pub fn run(args: &AuditArgs) -> anyhow::Result<ExitCode> {
    match &args.verb {
        Verb::Controls(args) => controls::run(args),
        Verb::Coverage(args) => coverage::run(args),
        Verb::Export(args) => export::run(args),
        Verb::Expunge(args) => expunge::run(args),
        Verb::RecordBypass(args) => record_bypass::run(args),
        Verb::Sample(args) => sample::run(args),
        Verb::Show(args) => show::run(args),
        Verb::Verify(args) => verify::run(args),
        Verb::Replay(args) => replay::run(args),
        Verb::Bundle(args) => bundle::run(args),
        Verb::Witness(args) => witness::run(args),
    }
}
