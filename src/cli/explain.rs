//! stub
use std::process::ExitCode;
/// stub
#[derive(clap::Args)]
pub struct ExplainArgs {}
pub fn run(_: &ExplainArgs) -> anyhow::Result<ExitCode> {
    Ok(ExitCode::SUCCESS)
}
