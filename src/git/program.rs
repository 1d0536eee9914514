//! The `git` program: what signs, moves refs and talks to other repositories, with everybody's own
//! keys, agents, credentials and proxies.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use wait_timeout::ChildExt as _;

use super::Oid;

/// The `git` program, at work somewhere.
pub struct Program {
    place: Location,
    /// Settings for its runs alone.
    settings: Vec<(String, String)>,
    /// Name and address of whoever commits, where it isn't whom git is set up for.
    person: Option<(String, String)>,
}

/// Where the program looks for its repository.
enum Location {
    /// This is the repository.
    Repository(PathBuf),
    /// The one around this folder, whose files it may touch.
    Folder(PathBuf),
    /// The one around the current folder, or none.
    Anywhere,
}

/// What came of moving a branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moved {
    /// It points to the new commit.
    Yes,
    /// Somebody else was faster, as far as git can tell: fetch, look again, try again.
    Lost(String),
    /// The other side doesn't take it, and says why.
    Refused(String),
}

/// Variables that would point git to another repository or change what it shows.
const FOREIGN: [&str; 9] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_GRAFT_FILE",
];

impl Program {
    /// For the repository that keeps its objects in `git_dir`.
    pub fn at(git_dir: PathBuf) -> Self {
        Self::in_place(Location::Repository(git_dir))
    }

    /// For what git knows in the current folder, be it a repository or not.
    pub fn anywhere() -> Self {
        Self::in_place(Location::Anywhere)
    }

    /// For a folder, and the work tree that it may lie in.
    pub fn in_folder(folder: &Path) -> Self {
        Self::in_place(Location::Folder(folder.to_owned()))
    }

    fn in_place(place: Location) -> Self {
        Program { place, settings: Vec::new(), person: None }
    }

    /// The same, committing as somebody.
    #[must_use]
    pub fn as_person(mut self, name: &str, email: &str) -> Self {
        self.person = Some((name.to_owned(), email.to_owned()));
        self
    }

    /// The same with one more setting, which no list of processes shows: it may hold a secret.
    #[must_use]
    pub fn with_setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// What a command prints, without the line break at its end.
    ///
    /// # Errors
    /// What git complains of, in its own words.
    pub fn run(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = run(self.command().args(arguments), b"")?;
        if !output.status.success() {
            bail!("{}", complaint(&output));
        }
        let text = String::from_utf8(output.stdout).context("read what git says")?;
        Ok(text.trim_end_matches(['\r', '\n']).to_owned())
    }

    /// Runs a command, and ends it when this time is over.
    ///
    /// # Errors
    /// When git doesn't end well, or not in time.
    pub fn run_within(&self, time: Duration, arguments: &[&str]) -> anyhow::Result<()> {
        let mut command = self.command();
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().context("start git")?;
        let Some(status) = child.wait_timeout(time).context("wait for git")? else {
            child.kill().context("end git")?;
            child.wait().context("wait for git")?;
            bail!("git took longer than {} s", time.as_secs());
        };
        ensure!(status.success(), "git ended with {status}");
        Ok(())
    }

    /// A setting, the user's and the system's included.
    pub fn setting(&self, name: &str) -> Option<String> {
        self.run(&["config", "--get", name]).ok().filter(|value| !value.is_empty())
    }

    /// The same for a path: `~/` is the home.
    pub fn path_setting(&self, name: &str) -> Option<String> {
        self.run(&["config", "--type=path", "--get", name]).ok().filter(|value| !value.is_empty())
    }

    /// Whether a switch of the configuration is on.
    pub fn is_on(&self, name: &str) -> bool {
        self.run(&["config", "--type=bool", "--get", name]).is_ok_and(|value| value == "true")
    }

    /// The email address that git would write into a commit made now.
    ///
    /// # Errors
    /// When git knows none, or can't be run.
    pub fn email(&self) -> anyhow::Result<String> {
        let output = run(self.command().args(["var", "GIT_COMMITTER_IDENT"]), b"")?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let email = text.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
        match email {
            Some((email, _)) if output.status.success() => Ok(email.to_owned()),
            _ => bail!(
                "git doesn't know who you are: run `git config user.name NAME` and \
                 `git config user.email ADDRESS`"
            ),
        }
    }

    /// Brings the branches of a remote up to date here, gone ones included.
    ///
    /// # Errors
    /// When the remote can't be reached.
    pub fn fetch(&self, remote: &str) -> anyhow::Result<()> {
        let refspec = format!("+refs/heads/*:refs/remotes/{remote}/*");
        let arguments = ["fetch", "--quiet", "--prune", "--no-tags", remote, &refspec];
        self.run(&arguments).map(drop).with_context(|| format!("git can't fetch from {remote}"))
    }

    /// Makes a commit that no ref points to yet, signed the way git is set up to sign with SSH.
    ///
    /// # Errors
    /// When it can't be signed, or not be written.
    pub fn commit(
        &self,
        tree: Oid,
        parents: &[Oid],
        message: &str,
        sign: bool,
    ) -> anyhow::Result<Oid> {
        let mut command = self.command();
        command.args(["-c", "i18n.commitEncoding=UTF-8"]);
        if sign {
            command.args(["-c", "gpg.format=ssh"]);
        }
        command.args(["commit-tree", &tree.to_string()]);
        for parent in parents {
            command.args(["-p", &parent.to_string()]);
        }
        command.arg(if sign { "-S" } else { "--no-gpg-sign" });
        let output = run(&mut command, message.as_bytes())?;
        if !output.status.success() {
            let why = complaint(&output);
            if sign && self.setting("user.signingkey").is_none() {
                bail!(
                    "what you do here has to be signed, and git has no key of yours: run \
                     `git config gpg.format ssh` and `git config user.signingkey \
                     ~/.ssh/id_ed25519.pub`\n{why}"
                );
            }
            bail!("git can't make the commit:\n{why}");
        }
        let id = String::from_utf8_lossy(&output.stdout);
        Oid::from_str(id.trim()).context("read the id of the new commit")
    }

    /// Moves a ref of this repository, if it still points to `from`.
    ///
    /// # Errors
    /// When git can't be run, or the repository can't be written.
    pub fn move_ref(&self, name: &str, from: Option<Oid>, to: Oid) -> anyhow::Result<Moved> {
        let from = from.unwrap_or(Oid::ZERO_SHA1).to_string();
        let mut command = self.command();
        command.args(["update-ref", "-m", "changegate", name, &to.to_string(), &from]);
        let output = run(&mut command, b"")?;
        if output.status.success() {
            return Ok(Moved::Yes);
        }
        let why = complaint(&output);
        if lost_a_race(&why) {
            return Ok(Moved::Lost(why));
        }
        bail!("git can't move {name}:\n{why}")
    }

    /// Pushes a commit to a branch of a remote, never by force.
    ///
    /// # Errors
    /// When the remote can't be reached.
    pub fn push(&self, remote: &str, commit: Oid, branch: &str) -> anyhow::Result<Moved> {
        let refspec = format!("{commit}:refs/heads/{branch}");
        let mut command = self.command();
        command.args(["push", "--porcelain", "--no-verify", remote, &refspec]);
        let output = run(&mut command, b"")?;
        if output.status.success() {
            return Ok(Moved::Yes);
        }
        let why = complaint(&output);
        let answer = format!("{}\n{why}", String::from_utf8_lossy(&output.stdout));
        if answer.contains("hook declined") {
            return Ok(Moved::Refused(what_the_remote_said(&why)));
        }
        if lost_a_race(&answer) {
            return Ok(Moved::Lost(why));
        }
        bail!("git can't push to {remote}:\n{why}")
    }

    /// Returns the top folder of the work tree around the folder.
    ///
    /// # Errors
    /// If the folder is in no repository, or in one without files: what git says about it.
    pub fn work_tree(&self) -> anyhow::Result<PathBuf> {
        self.run(&["rev-parse", "--show-toplevel"]).map(PathBuf::from)
    }

    /// The branch that the folder's work tree is on, as a full ref name; nothing if it is on none.
    pub fn head(&self) -> Option<String> {
        self.run(&["symbolic-ref", "--quiet", "HEAD"]).ok()
    }

    /// git in English, without a prompt, reading what is recorded.
    fn command(&self) -> Command {
        let mut command = Command::new("git");
        match &self.place {
            Location::Repository(git_dir) => command.arg("--git-dir").arg(git_dir),
            Location::Folder(folder) => command.arg("-C").arg(folder),
            Location::Anywhere => &mut command,
        };
        for name in FOREIGN {
            command.env_remove(name);
        }
        command
            .env("LC_ALL", "C")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("GIT_TERMINAL_PROMPT", "0");
        for role in ["AUTHOR", "COMMITTER"] {
            if let Some((name, email)) = &self.person {
                command
                    .env(format!("GIT_{role}_NAME"), name)
                    .env(format!("GIT_{role}_EMAIL"), email);
            }
        }
        self.add_settings(&mut command);
        command
    }

    /// Passes the settings on in the environment, behind those that stand there.
    fn add_settings(&self, command: &mut Command) {
        if self.settings.is_empty() {
            return;
        }
        let there = std::env::var("GIT_CONFIG_COUNT").ok().and_then(|count| count.parse().ok());
        let first: usize = there.unwrap_or(0);
        for (number, (name, value)) in (first..).zip(&self.settings) {
            command.env(format!("GIT_CONFIG_KEY_{number}"), name);
            command.env(format!("GIT_CONFIG_VALUE_{number}"), value);
        }
        command.env("GIT_CONFIG_COUNT", (first + self.settings.len()).to_string());
    }
}

fn run(command: &mut Command, input: &[u8]) -> anyhow::Result<Output> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            anyhow::anyhow!("the program `git` isn't installed, or not in PATH")
        }
        _ => anyhow::Error::new(error).context("start git"),
    })?;
    if let Some(mut stdin) = child.stdin.take() {
        // git may end before it has read everything; its exit code tells.
        let _ = stdin.write_all(input);
    }
    child.wait_with_output().context("wait for git")
}

/// What git wrote to standard error, less its hints.
fn complaint(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<_> = text.lines().filter(|line| !line.starts_with("hint:")).collect();
    if lines.is_empty() { format!("git ended with {}", output.status) } else { lines.join("\n") }
}

/// What the other side's hook printed.
fn what_the_remote_said(complaint: &str) -> String {
    let mut said = String::new();
    for line in complaint.lines().filter_map(|line| line.strip_prefix("remote:")) {
        let _ = writeln!(said, "{}", line.strip_prefix(' ').unwrap_or(line).trim_end());
    }
    said.trim_end().to_owned()
}

/// Whether git says that a ref isn't where it was thought to be.
fn lost_a_race(answer: &str) -> bool {
    // Trying again wouldn't help: a ref `a/b` is in the way of `a`, or nothing can be written.
    let stays = ["cannot create", "Permission denied", "Read-only file system", "No space left"];
    if stays.iter().any(|sign| answer.contains(sign)) {
        return false;
    }
    [
        "(fetch first)",
        "(non-fast-forward)",
        "(already exists)",
        "cannot lock ref",
        "failed to update ref",
        "incorrect old value",
        "File exists",
    ]
    .iter()
    .any(|sign| answer.contains(sign))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn what_takes_too_long_is_ended() {
        let program = Program::anywhere().with_setting("alias.nap", "!sleep");
        let nap = |seconds| program.run_within(Duration::from_secs(2), &["nap", seconds]);
        let began = Instant::now();
        nap("0").unwrap();
        assert_eq!(nap("9").unwrap_err().to_string(), "git took longer than 2 s");
        assert!(began.elapsed() < Duration::from_secs(8));
        assert!(nap("never").is_err());
    }
}
