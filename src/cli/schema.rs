//! stub
use std::process::ExitCode;
/// stub
#[derive(clap::Args)]
pub struct SchemaArgs {}
pub fn run(_: &SchemaArgs) -> anyhow::Result<ExitCode> {
    Ok(ExitCode::SUCCESS)
}
