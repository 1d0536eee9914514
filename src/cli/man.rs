//! stub
use std::process::ExitCode;
/// stub
#[derive(clap::Args)]
pub struct ManArgs {}
pub fn run(_: &ManArgs) -> anyhow::Result<ExitCode> {
    Ok(ExitCode::SUCCESS)
}
