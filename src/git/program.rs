//! The `git` program: signs, moves refs and talks to other repositories, with the user's own keys,
//! agents, credentials and proxies.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use wait_timeout::ChildExt as _;

use super::Oid;
use crate::core::terms::all_of;
use crate::core::time::Time;

mod commit;
mod push;
mod sign;

/// The `git` program, for a repository or a folder.
#[derive(Clone)]
pub struct Program {
    location: Location,
    /// Settings for the program's own runs.
    settings: Vec<(String, String)>,
    /// Name and email address of the committer, if they aren't those in git's configuration.
    person: Option<(String, String)>,
    /// The date of commits, if it isn't the time at which they are made.
    date: Option<Time>,
}

/// Where the program looks for its repository.
#[derive(Clone)]
enum Location {
    /// The repository with this folder of objects and refs.
    Repository(PathBuf),
    /// The repository around this folder, whose files it may touch.
    Folder(PathBuf),
    /// The repository around the current folder, if there is one.
    Anywhere,
}

/// A branch or ref to be moved: its name, from where, and to where.
pub type Move = (String, Option<Oid>, Oid);

/// The result of moving a branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moved {
    /// The branch points to the new commit.
    Yes,
    /// Somebody else has moved the branch first, as far as git shows. The caller can fetch and try
    /// again.
    Lost(String),
    /// The server rejected the push, with this message.
    Refused(String),
}

/// The words in a hook's message by which the program that pushes knows that it can try again.
pub const JUDGED_AGAIN: &str = "has to be judged again";

/// Environment variables that would point git to another repository or change what it shows.
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
    /// Runs git for the repository with its objects in `git_dir`.
    pub fn at(git_dir: PathBuf) -> Self {
        Self::new(Location::Repository(git_dir))
    }

    /// Runs git in the current folder, in a repository or not.
    pub fn anywhere() -> Self {
        Self::new(Location::Anywhere)
    }

    /// Runs git in a folder, and in the work tree around it, if there is one.
    pub fn in_folder(folder: &Path) -> Self {
        Self::new(Location::Folder(folder.to_owned()))
    }

    fn new(location: Location) -> Self {
        Program { location, settings: Vec::new(), person: None, date: None }
    }

    /// Runs git as this program does, for another repository.
    #[must_use]
    pub fn moved_to(&self, git_dir: &Path) -> Self {
        Program { location: Location::Repository(git_dir.to_owned()), ..self.clone() }
    }

    /// Sets the author and committer of commits; their dates are in UTC.
    #[must_use]
    pub fn as_person(mut self, name: &str, email: &str) -> Self {
        self.person = Some((name.to_owned(), email.to_owned()));
        self
    }

    /// Sets the date of commits.
    #[must_use]
    pub fn dated(mut self, date: Time) -> Self {
        self.date = Some(date);
        self
    }

    /// Adds a setting. It may contain a secret, because lists of processes don't show it.
    #[must_use]
    pub fn with_setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Runs a command and returns its output without the line break at the end.
    ///
    /// # Errors
    /// When git can't be run or fails; with git's own message.
    pub fn run(&self, arguments: &[&str]) -> anyhow::Result<String> {
        self.run_with(arguments, b"")
    }

    /// Runs a command with an input; see [`Program::run`].
    ///
    /// # Errors
    /// As [`Program::run`].
    pub fn run_with(&self, arguments: &[&str], input: &[u8]) -> anyhow::Result<String> {
        self.run_in(None, arguments, input)
    }

    /// Runs a command with another index than the repository's own.
    fn run_in(
        &self,
        index: Option<&Path>,
        arguments: &[&str],
        input: &[u8],
    ) -> anyhow::Result<String> {
        let mut command = self.command();
        command.envs(index.map(|index| ("GIT_INDEX_FILE", index)));
        let output = run(command.args(arguments), input)?;
        if !output.status.success() {
            bail!("{}", complaint(&output));
        }
        let text =
            String::from_utf8(output.stdout).context("the output of git is not valid UTF-8")?;
        Ok(text.trim_end_matches(['\r', '\n']).to_owned())
    }

    /// Runs a command, and ends it after this time.
    ///
    /// # Errors
    /// When git can't be run, fails, or takes too long.
    pub fn run_within(&self, time: Duration, arguments: &[&str]) -> anyhow::Result<()> {
        let mut command = self.command();
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().context("cannot start git")?;
        let Some(status) = child.wait_timeout(time).context("cannot wait for git")? else {
            child.kill().context("cannot end git")?;
            child.wait().context("cannot wait for git")?;
            bail!("git took longer than {} s", time.as_secs());
        };
        ensure!(status.success(), "git ended with {status}");
        Ok(())
    }

    /// Returns a setting from git's configuration, including the user's and the system's.
    pub fn setting(&self, name: &str) -> Option<String> {
        self.run(&["config", "--get", name]).ok().filter(|value| !value.is_empty())
    }

    /// Returns a setting that is a path, with `~/` replaced by the home folder.
    pub fn path_setting(&self, name: &str) -> Option<String> {
        self.run(&["config", "--type=path", "--get", name]).ok().filter(|value| !value.is_empty())
    }

    /// Whether a boolean setting is true.
    pub fn is_on(&self, name: &str) -> bool {
        self.run(&["config", "--type=bool", "--get", name]).is_ok_and(|value| value == "true")
    }

    /// Returns the id that git would store a file of the work tree under, with the conversions that
    /// its settings and attributes ask for; it is stored if `write`.
    ///
    /// # Errors
    /// When the file can't be read or stored.
    pub fn hash(&self, path: &str, write: bool) -> anyhow::Result<Oid> {
        let options: &[&str] = if write { &["-w"] } else { &[] };
        let arguments = [&["hash-object"], options, &["--", path]].concat();
        let id = self.run(&arguments).with_context(|| format!("git can't read {path}"))?;
        Oid::from_str(&id).context("cannot read the id of the file")
    }

    /// Fetches from a remote by these refspecs, with these options.
    ///
    /// # Errors
    /// When the remote can't be reached, or a ref can't follow without force.
    pub fn fetch(&self, options: &[&str], remote: &str, refspecs: &[&str]) -> anyhow::Result<()> {
        let fetch = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head"];
        self.run(&[&fetch, options, &[remote], refspecs].concat())
            .map(drop)
            .with_context(|| format!("git can't fetch from {remote}"))
    }

    /// Moves refs of the repository, by their full names, if each still points to where it is moved
    /// from: all of them or none.
    ///
    /// # Errors
    /// When git can't be run, or the repository can't be written.
    pub fn move_refs(&self, moves: &[Move]) -> anyhow::Result<Moved> {
        let mut lines = String::new();
        for (name, from, to) in moves {
            let _ = writeln!(lines, "update {name} {to} {}", from.unwrap_or(Oid::ZERO_SHA1));
        }
        let mut command = self.command();
        command.args(["update-ref", "-m", "changegate", "--stdin"]);
        let output = run(&mut command, lines.as_bytes())?;
        if output.status.success() {
            return Ok(Moved::Yes);
        }
        let why = complaint(&output);
        if lost_a_race(&why) {
            return Ok(Moved::Lost(why));
        }
        let names: Vec<_> = moves.iter().map(|(name, _, _)| name.as_str()).collect();
        bail!("git can't move {}:\n{why}", all_of(&names))
    }

    /// Returns the folder of the repository's objects and refs, or `None` if there is none here.
    ///
    /// # Errors
    /// If git refuses to use the repository: what git says about it.
    pub fn git_dir(&self) -> anyhow::Result<Option<PathBuf>> {
        match self.run(&["rev-parse", "--path-format=absolute", "--git-common-dir"]) {
            Ok(folder) => Ok(Some(PathBuf::from(folder))),
            Err(error) if error.to_string().contains("not a git repository") => Ok(None),
            Err(error) => Err(error.context("git refuses to use this repository")),
        }
    }

    /// Returns the top folder of the work tree around the folder.
    ///
    /// # Errors
    /// If the folder is in no repository, or in one without files: what git says about it.
    pub fn work_tree(&self) -> anyhow::Result<PathBuf> {
        self.run(&["rev-parse", "--show-toplevel"]).map(PathBuf::from)
    }

    /// Returns the branch that is checked out, as a full ref name, or `None` if no branch is.
    pub fn head(&self) -> Option<String> {
        self.run(&["symbolic-ref", "--quiet", "HEAD"]).ok()
    }

    /// Prepares a run of git: in English, without prompts, and without replaced objects.
    fn command(&self) -> Command {
        let mut command = Command::new("git");
        match &self.location {
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
                    .env(format!("GIT_{role}_EMAIL"), email)
                    .env("TZ", "UTC0");
            }
        }
        self.add_settings(&mut command);
        command
    }

    /// Adds the settings to the environment, after those that are there already.
    fn add_settings(&self, command: &mut Command) {
        if self.settings.is_empty() {
            return;
        }
        let count = std::env::var("GIT_CONFIG_COUNT").ok().and_then(|count| count.parse().ok());
        let first: usize = count.unwrap_or(0);
        for (number, (name, value)) in (first..).zip(&self.settings) {
            command.env(format!("GIT_CONFIG_KEY_{number}"), name);
            command.env(format!("GIT_CONFIG_VALUE_{number}"), value);
        }
        command.env("GIT_CONFIG_COUNT", (first + self.settings.len()).to_string());
    }
}

fn run(command: &mut Command, input: &[u8]) -> anyhow::Result<Output> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| {
        let program = command.get_program().display();
        match error.kind() {
            std::io::ErrorKind::NotFound => {
                anyhow::anyhow!("cannot start {program}: install it, or add its folder to PATH")
            }
            _ => anyhow::Error::new(error).context(format!("cannot start {program}")),
        }
    })?;
    if let Some(mut stdin) = child.stdin.take() {
        // git may end before it has read everything; its exit code shows whether it failed.
        let _ = stdin.write_all(input);
    }
    child.wait_with_output().with_context(|| {
        let program = command.get_program().display();
        format!("cannot wait for {program}")
    })
}

/// What git adds to each failure to reach another repository.
const NOTHING_NEW: [&str; 3] =
    ["", "Please make sure you have the correct access rights", "and the repository exists."];

/// Returns what git wrote to standard error, without its hints.
fn complaint(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let lines = text.lines().filter(|line| !line.starts_with("hint:"));
    let lines: Vec<_> = lines.filter(|line| !NOTHING_NEW.contains(line)).collect();
    if lines.is_empty() { format!("it ended with {}", output.status) } else { lines.join("\n") }
}

/// Returns what the remote's hook printed.
fn remote_output(complaint: &str) -> String {
    let mut output = String::new();
    for line in complaint.lines().filter_map(|line| line.strip_prefix("remote:")) {
        let _ = writeln!(output, "{}", line.strip_prefix(' ').unwrap_or(line).trim_end());
    }
    output.trim_end().to_owned()
}

/// Whether git reports that a ref doesn't point to the expected commit.
fn lost_a_race(answer: &str) -> bool {
    // Another attempt wouldn't help: a ref `a/b` prevents a ref `a`, or nothing can be written.
    let permanent =
        ["cannot create", "Permission denied", "Read-only file system", "No space left"];
    if permanent.iter().any(|sign| answer.contains(sign)) {
        return false;
    }
    [
        JUDGED_AGAIN,
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
