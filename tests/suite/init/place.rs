//! Real repositories to run `init` in.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::cli::changegate;

/// A folder in which git and the program see no configuration but what a test gives them.
pub struct Place(TempDir);

impl Place {
    pub fn empty() -> Self {
        Place(tempfile::tempdir().unwrap())
    }

    /// With a repository of alice's, `ops`.
    pub fn with_clone() -> Self {
        let place = Place::empty();
        place.git(&["init", "--quiet", "-b", "main", "ops"]);
        fs::write(place.path("home.gitconfig"), "[user]\nemail = alice@acme.example\n").unwrap();
        place
    }

    /// With a server's repository, `ops.git`.
    pub fn with_server() -> Self {
        let place = Place::empty();
        place.git(&["init", "--quiet", "--bare", "ops.git"]);
        place
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    pub fn read(&self, below: &str) -> String {
        fs::read_to_string(self.path(below)).unwrap()
    }

    pub fn git(&self, arguments: &[&str]) -> Output {
        self.surround(Command::new("git").args(arguments)).output().unwrap()
    }

    pub fn surround<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let config = self.path("home.gitconfig");
        command
            .current_dir(self.0.path())
            .env("GIT_CONFIG_GLOBAL", config)
            .env("GIT_CONFIG_NOSYSTEM", "1")
    }

    /// Runs `changegate init` with these arguments.
    pub fn init(&self, arguments: &[&str]) -> Said {
        let output = changegate(self.0.path())
            .env("GIT_CONFIG_GLOBAL", self.path("home.gitconfig"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .arg("init")
            .args(arguments)
            .output()
            .unwrap();
        Said::of(&output)
    }

    /// All files of a folder but git's own, with their bytes.
    pub fn files(&self, below: &str) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        collect(&self.path(below), &mut found);
        found.sort();
        found
    }
}

fn collect(dir: &Path, found: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with(".git") {
            collect(&path, found);
        } else if path.is_file() {
            let bytes = fs::read(&path).unwrap();
            found.push((path, bytes));
        }
    }
}

/// What the program said.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Said {
    pub fn of(output: &Output) -> Self {
        Said {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout.clone()).unwrap(),
            stderr: String::from_utf8(output.stderr.clone()).unwrap(),
        }
    }

    /// It failed with one message, which holds this.
    #[track_caller]
    pub fn refused(&self, message: &str) {
        assert_eq!(self.code, 2, "{self:?}");
        assert!(self.stderr.starts_with("error: ") && self.stderr.contains(message), "{self:?}");
        assert!(!self.stderr.contains("panicked"), "{self:?}");
    }

    #[track_caller]
    pub fn went_well(&self) -> &str {
        assert_eq!((self.code, self.stderr.as_str()), (0, ""), "{self:?}");
        &self.stdout
    }
}
