//! `changegate signers`: the roster's keys, for git.

use std::process::ExitCode;

use anyhow::ensure;
use clap::Args;

use super::shared::args::PoliciesArg;
use super::shared::place::Place;
use super::shared::say;
use crate::core::org::Roster;
use crate::report;

/// Print whose keys git may trust, from the roster
///
/// The output is a file for git's setting `gpg.ssh.allowedSignersFile`. With it, git itself verifies
/// who submitted, reviewed and merged. Write it again whenever keys in the roster change.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate signers > \"$(git rev-parse --git-dir)/allowed_signers\"
  git config gpg.ssh.allowedSignersFile \"$(git rev-parse --absolute-git-dir)/allowed_signers\"
  git verify-commit origin/main")]
pub struct SignersArgs {
    #[command(flatten)]
    policies: PoliciesArg,
}

/// Runs the verb.
pub fn run(args: &SignersArgs) -> anyhow::Result<ExitCode> {
    let judge = args.policies.load(&Place::around([])?)?;
    let signers = allowed_signers(&judge.bundle().org.roster);
    ensure!(
        !signers.is_empty(),
        "{} list nobody's keys: run it in the repository whose roster does, or add them to \
         policies/org/roster/data.yaml",
        report::whose(&judge.source)
    );
    say::print(&signers)?;
    Ok(ExitCode::SUCCESS)
}

/// Returns a line for each key: `alice@acme.example namespaces="git" ssh-ed25519 AAAA…`.
fn allowed_signers(roster: &Roster) -> String {
    let mut lines = String::new();
    for (login, person) in &roster.people {
        // In such a file, some characters would make an address a pattern or several words.
        let is_plain = |email: &&String| {
            !email.contains(|c: char| c.is_whitespace() || c.is_control() || "*?!,\"#".contains(c))
        };
        let emails: Vec<_> = person.emails.iter().filter(is_plain).map(String::as_str).collect();
        let names = if emails.is_empty() { login.to_string() } else { emails.join(",") };
        for key in &person.keys {
            lines += &format!("{names} namespaces=\"git\" {key}\n");
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::yaml;

    #[test]
    fn a_line_for_each_key() {
        let key = |end| {
            format!(
                "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKzVoW2O9hOaIFCuezjlpzfMH/yJ+z1aRpeUO/nw1R3{end}"
            )
        };
        let (one, other) = (key('3'), key('4'));
        let text = format!(
            "people:\n  alice: {{emails: [a@acme.example, \"*@acme.example\", a@b.example], keys: [\"{one}\", \"{other}\"]}}\n  \
             bob: {{keys: [\"{one} bob\"]}}\n  carol: {{emails: [c@acme.example]}}\nservices: {{}}\n"
        );
        let roster: Roster = yaml::parse(text.as_bytes()).read().value.unwrap();
        assert_eq!(
            allowed_signers(&roster),
            format!(
                "a@acme.example,a@b.example namespaces=\"git\" {one}\n\
                 a@acme.example,a@b.example namespaces=\"git\" {other}\n\
                 bob namespaces=\"git\" {one}\n"
            )
        );
    }
}
