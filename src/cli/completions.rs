//! `changegate completions`: scripts with which a shell completes command lines.

use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use super::Cli;
use super::shared::say;

/// Print completions for a shell
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate completions bash > ~/.local/share/bash-completion/completions/changegate
  changegate completions zsh > ~/.zfunc/_changegate          with ~/.zfunc in fpath
  changegate completions fish > ~/.config/fish/completions/changegate.fish
  changegate completions powershell >> $PROFILE")]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Runs the verb.
pub fn run(args: &CompletionsArgs) -> anyhow::Result<ExitCode> {
    say::print(&script(args.shell))?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the script. It is generated in memory, because the generator panics if its output can't
/// be written.
fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    generate(shell, &mut Cli::command(), env!("CARGO_PKG_NAME"), &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn every_shell_completes_every_verb() {
        for shell in Shell::value_variants() {
            let script = script(*shell);
            for verb in Cli::command().get_subcommands() {
                assert!(script.contains(verb.get_name()), "{shell} lacks {}", verb.get_name());
            }
        }
    }
}
