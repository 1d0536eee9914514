//! How programs ran: what they said, and how they ended.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

/// How a program ran.
#[derive(Debug)]
pub struct Ran {
    /// Its exit code; -1 if it was killed.
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Keeps from a program what the machine says of proxies and to git.
pub fn sheltered(command: &mut Command) -> &mut Command {
    for proxy in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(proxy);
    }
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null")
}

impl From<Output> for Ran {
    fn from(Output { status, stdout, stderr }: Output) -> Self {
        Ran {
            code: status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&stdout).into_owned(),
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
        }
    }
}

impl Ran {
    /// Runs a program with an input.
    #[track_caller]
    pub fn of(command: &mut Command, input: &str) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // It may end before it has read everything.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        Self::from(child.wait_with_output().unwrap())
    }

    /// Runs a command line of a shell on a terminal of so many columns, where somebody types this
    /// and then Ctrl-D.
    #[track_caller]
    pub fn on_terminal(mut script: Command, columns: usize, line: &str, typed: &str) -> Self {
        let line = format!("stty cols {columns} rows 40; {line}");
        script.args(["--quiet", "--return", "--command", &line, "/dev/null"]).env("NO_COLOR", "1");
        script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = script.spawn().unwrap();
        // At the end of its own input, the program waits two seconds for who reads it.
        let mut terminal = child.stdin.take().unwrap();
        let _ = terminal.write_all(format!("{typed}\x04").as_bytes());
        let ran = Self::from(child.wait_with_output().unwrap());
        drop(terminal);
        Ran { stdout: ran.stdout.replace('\r', ""), ..ran }
    }

    /// It succeeded; this is what it printed.
    #[track_caller]
    pub fn went_well(&self) -> &str {
        assert_eq!(self.code, 0, "{self:?}");
        &self.stdout
    }

    /// It ended with this code, and said all of this.
    #[track_caller]
    pub fn ended(&self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, code, "{self:?}");
        let said = format!("{}{}", self.stdout, self.stderr);
        for part in parts {
            assert!(said.contains(part), "{part:?} isn't said:\n{said}");
        }
        assert!(!said.contains("panicked"), "{said}");
    }

    /// It failed with exactly one error, which says this.
    #[track_caller]
    pub fn failed(&self, parts: &[&str]) {
        self.ended(2, parts);
        let errors = self.stderr.lines().filter(|line| line.starts_with("error: ")).count();
        assert_eq!(errors, 1, "{self:?}");
    }

    /// The hub's hook refused a push, and said all of this.
    #[track_caller]
    pub fn refused(&self, parts: &[&str]) {
        assert_ne!(self.code, 0, "{self:?}");
        for part in ["changegate: refused: "].iter().chain(parts) {
            assert!(self.stderr.contains(part), "{part:?} isn't said:\n{}", self.stderr);
        }
    }
}
