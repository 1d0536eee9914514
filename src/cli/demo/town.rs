//! The demo's world: a folder with the server's repository, people's clones and their keys.
//!
//! ```text
//! hub.git          the server's repository
//! keys/            a key pair for each person
//! allowed_signers  the owner of each key, for `git log --show-signature`
//! alice/ bob/ …    clones, made when their owners first run a command
//! ```
//!
//! Programs that run here don't see the configuration and the keys of the person who watches.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, anyhow, bail};

/// Who takes part.
const PEOPLE: [&str; 4] = ["alice", "bob", "carol", "dan"];

/// The demo's world.
pub struct Town {
    root: PathBuf,
    changegate: PathBuf,
}

/// The result of a command.
pub struct Said {
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// Standard output, followed by standard error.
    pub text: String,
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "exit code {code}\n{}", self.text),
            None => write!(f, "ended by a signal\n{}", self.text),
        }
    }
}

impl Town {
    /// Creates the world in an empty folder: the server's repository, and a key for each person.
    ///
    /// # Errors
    /// If git or ssh-keygen is missing or fails, or if the folder can't be written.
    pub fn found(root: &Path) -> anyhow::Result<Self> {
        let changegate = std::env::current_exe().context("find this program")?;
        let town = Town { root: root.to_owned(), changegate };
        town.must_run("git init --quiet --template= --bare --initial-branch=main hub.git")?;
        std::fs::create_dir(root.join("keys")).context("make a folder for the keys")?;
        let mut signers = String::new();
        for person in PEOPLE {
            town.must_run(&format!("ssh-keygen -q -t ed25519 -N '' -C {person} -f keys/{person}"))?;
            let key = std::fs::read_to_string(root.join(format!("keys/{person}.pub")))
                .context("read the new key")?;
            signers += &format!("{} {key}", email(person));
        }
        std::fs::write(root.join("allowed_signers"), signers).context("list whose key is whose")?;
        Ok(town)
    }

    /// Returns the folder that contains everything.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns a person's clone, configured to sign with their key.
    ///
    /// # Errors
    /// If the clone can't be created.
    pub fn home(&self, person: &str) -> anyhow::Result<PathBuf> {
        let home = self.root.join(person);
        if home.exists() {
            return Ok(home);
        }
        let key = self.root.join(format!("keys/{person}.pub"));
        let settings = [
            ("user.name", person.to_owned()),
            ("user.email", email(person)),
            ("gpg.format", "ssh".to_owned()),
            ("user.signingkey", key.display().to_string()),
            ("commit.gpgsign", "true".to_owned()),
            ("gpg.ssh.allowedSignersFile", self.root.join("allowed_signers").display().to_string()),
        ];
        let mut command = self.command("git");
        command.args(["clone", "--quiet", "--template="]);
        for (name, value) in settings {
            command.arg("--config").arg(format!("{name}={value}"));
        }
        let said = output(command.args(["hub.git", person]), "git")?;
        if said.code != Some(0) {
            bail!("{person} can't clone the server's repository:\n{said}");
        }
        Ok(home)
    }

    /// Runs a command line in a folder, as a shell would.
    ///
    /// # Errors
    /// If it can't be started.
    pub fn run(&self, folder: &Path, line: &str) -> anyhow::Result<Said> {
        // A line that is continued would have an empty word at its end.
        let words = shlex::split(&line.replace("\\\n", " "));
        let words = words.with_context(|| format!("`{line}` leaves a quote open"))?;
        let mut words = words.into_iter().peekable();
        let mut settings = Vec::new();
        while let Some(setting) = words.next_if(|word| is_setting(word)) {
            settings.extend(
                setting.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())),
            );
        }
        let program = words.next().with_context(|| format!("`{line}` doesn't name a program"))?;
        let mut command = match program.as_str() {
            "changegate" => self.command(&self.changegate),
            program => self.command(program),
        };
        output(command.current_dir(folder).envs(settings).args(words), &program)
    }

    fn must_run(&self, line: &str) -> anyhow::Result<()> {
        let said = self.run(&self.root, line)?;
        if said.code == Some(0) { Ok(()) } else { bail!("`{line}` failed:\n{said}") }
    }

    /// Returns a command that sees only this world.
    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        let foreign = std::env::vars_os().map(|(name, _)| name).filter(|name| {
            let name = name.to_string_lossy();
            name.starts_with("GIT_") || name == "SSH_AUTH_SOCK" || name.starts_with("XDG_")
        });
        for name in foreign {
            command.env_remove(name);
        }
        command
            .current_dir(&self.root)
            .env("HOME", &self.root)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("LC_ALL", "C.UTF-8")
            .env("TZ", "UTC");
        command
    }
}

fn email(person: &str) -> String {
    format!("{person}@acme.example")
}

fn output(command: &mut Command, program: &str) -> anyhow::Result<Said> {
    // Programs must not wait for input.
    let output = command.stdin(Stdio::null()).output().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            anyhow!(
                "the demo needs the program `{program}`, which isn't installed or isn't in PATH"
            )
        }
        _ => anyhow::Error::new(error).context(format!("start {program}")),
    })?;
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text += &String::from_utf8_lossy(&output.stderr);
    Ok(Said { code: output.status.code(), text })
}

/// Returns whether a word sets a variable: `GIT_COMMITTER_EMAIL=bob@acme.example`.
fn is_setting(word: &str) -> bool {
    word.split_once('=')
        .is_some_and(|(name, _)| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_names_in_capitals() {
        assert!(is_setting("GIT_COMMITTER_EMAIL=bob@acme.example"));
        assert!(!is_setting("--format=%h") && !is_setting("git"));
    }
}
