//! `changegate evaluate`: the hidden verb that makes this program evaluate policies for another process
//! of it.

use std::io;
use std::process::ExitCode;

use clap::Args;

use changegate::gate::apart;

/// Evaluate policies for another process of this program
#[derive(Args, Debug)]
pub struct EvaluateArgs {}

/// Runs the verb.
pub fn run(_: &EvaluateArgs) -> anyhow::Result<ExitCode> {
    apart::evaluate(io::stdin().lock(), io::stdout().lock())?;
    Ok(ExitCode::SUCCESS)
}
