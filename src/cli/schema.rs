//! `changegate schema`: the JSON Schemas of everything that people and programs exchange with it.

mod catalogue;
mod documents;
mod polish;
#[cfg(test)]
mod tests;

use super::shared::say;
use std::process::ExitCode;

use anyhow::anyhow;
use clap::Args;

use self::catalogue::{SCHEMAS, SchemaEntry};

/// Print the JSON Schema of a request, of the policies' data, of evidence or of a report
///
/// An editor that understands JSON Schema completes and explains each field of a file that names
/// its schema in the first line:
///
///   # yaml-language-server: $schema=../schemas/change-request.schema.json
#[derive(Args, Debug)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  changegate schema
      the names, with one line about each
  changegate schema change-request > schemas/change-request.schema.json
      the schema that the first line of a request names
  changegate schema decision
      what `changegate check --format json` prints, for programs that read it"
)]
pub struct SchemaArgs {
    /// A schema's name; all names if left out
    name: Option<String>,
}

/// Runs the verb.
pub fn run(args: &SchemaArgs) -> anyhow::Result<ExitCode> {
    say::print(&match &args.name {
        Some(name) => find(name)?.text(),
        None => list(),
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Returns all schemas as files: name, text.
pub(super) fn files() -> impl Iterator<Item = (String, String)> {
    SCHEMAS.iter().map(|subject| (format!("{}.schema.json", subject.name), subject.text()))
}

fn find(name: &str) -> anyhow::Result<&'static SchemaEntry> {
    SCHEMAS.iter().find(|subject| subject.name == name).ok_or_else(|| {
        let known: Vec<_> = SCHEMAS.iter().map(|subject| subject.name).collect();
        let hint = say::hint(name, &known, "changegate schema");
        anyhow!("there is no schema `{name}`{hint}")
    })
}

fn list() -> String {
    let width = SCHEMAS.iter().map(|subject| subject.name.len()).max().unwrap_or(0);
    let line = |subject: &SchemaEntry| format!("{:width$}  {}\n", subject.name, subject.about);
    let lines: String = SCHEMAS.iter().map(line).collect();
    lines + "\n`changegate schema NAME` prints one\n"
}
