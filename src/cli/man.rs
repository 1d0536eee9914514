//! `changegate man`: the manual, with the same text as `--help`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{fs, io};

use anyhow::Context as _;
use clap::{Args, Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use super::Cli;
use super::shared::say;

/// Print the manual page, or write one for each verb
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate man | man -l -
      read the main page
  changegate man --dir ~/.local/share/man/man1
      install all pages, such as `man changegate-check`")]
pub struct ManArgs {
    /// Write the main page and one page for each verb into this folder
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Runs the verb.
pub fn run(args: &ManArgs) -> anyhow::Result<ExitCode> {
    let mut cli = Cli::command().disable_help_subcommand(true);
    cli.build();
    match &args.dir {
        Some(dir) => write_all(&cli, dir)?,
        None => say::print(&page(&cli)?.1)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn write_all(cli: &Command, dir: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(dir).with_context(|| format!("create {}", dir.display()))?;
    for command in std::iter::once(cli).chain(cli.get_subcommands()) {
        let (name, text) = page(command)?;
        let path = dir.join(name);
        fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}

/// Returns the name and the text of a command's page.
fn page(command: &Command) -> io::Result<(String, String)> {
    let source = concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command.clone()).manual("changegate manual").source(source);
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    if command.get_arguments().next().is_some() {
        man.render_options_section(&mut text)?;
    }
    if command.has_subcommands() {
        man.render_subcommands_section(&mut text)?;
    }
    if let Some(after) = command.get_after_help() {
        after_help(&after.to_string()).to_writer(&mut text)?;
    }
    Ok((man.get_filename(), String::from_utf8_lossy(&text).into_owned()))
}

/// Returns the text after the options: headings such as `Examples:`, and indented lines that are
/// kept unchanged. The generator would fill them into paragraphs, which makes examples unreadable.
fn after_help(text: &str) -> Roff {
    let mut roff = Roff::new();
    for line in text.lines() {
        match line.strip_suffix(':').filter(|line| !line.starts_with(' ')) {
            Some(heading) => {
                let heading = heading.to_uppercase();
                roff.control("fi", []).control("SH", [heading.as_str()]).control("nf", []);
            }
            None => {
                roff.text([roman(line)]);
            }
        }
    }
    roff.control("fi", []);
    roff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_the_whole_lists_the_verbs_and_keeps_examples_as_they_are() {
        let (name, text) = page(&Cli::command()).unwrap();
        assert_eq!(name, "changegate.1");
        for part in ["changegate\\-check(1)", ".SH EXAMPLES\n.nf\n", "\n.SH \"EXIT CODES OF "] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn there_is_a_page_for_each_verb() {
        let dir = tempfile::tempdir().unwrap();
        run(&ManArgs { dir: Some(dir.path().join("man1")) }).unwrap();
        for verb in Cli::command().get_subcommands() {
            let path = dir.path().join(format!("man1/changegate-{}.1", verb.get_name()));
            let text = fs::read_to_string(path).unwrap();
            assert!(text.contains(".SH DESCRIPTION"), "{text}");
        }
    }
}
