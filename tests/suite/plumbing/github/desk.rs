//! Somebody at work with the real `git`, in a clone of a repository on the server.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::super::ran::{Ran, sheltered};
use super::{GitHub, person};

/// A clone.
pub struct Desk<'a> {
    github: &'a GitHub,
    pub who: String,
    pub folder: PathBuf,
    /// The bare repository that it is a clone of.
    origin: PathBuf,
    place: usize,
}

impl<'a> Desk<'a> {
    /// Clones somebody's fork, or else `acme/ops`; pushes go over HTTP with their token.
    pub fn at(github: &'a GitHub, who: &str) -> Self {
        let (place, name, origin) = github.with(|state| {
            let mut places = state.repositories.iter();
            let place = places.position(|it| it.fork && it.owner == who).unwrap_or(0);
            let repository = &state.repositories[place];
            (place, repository.full_name(), repository.folder.clone())
        });
        let folder = github.folder.path().join("desks").join(who);
        let desk = Desk { github, who: who.to_owned(), folder, origin, place };
        fs::create_dir_all(&desk.folder).unwrap();
        // From the folder, as that is faster; a fork's objects are a link, which git doesn't follow.
        desk.git(&["clone", "--quiet", "--no-local", desk.origin.to_str().unwrap(), "."]);
        let host = github.url().trim_start_matches("http://");
        let url = format!("http://x-access-token:{}@{host}/{name}.git", github.token_of(who));
        let (name, email) = person(who);
        desk.git(&["remote", "set-url", "origin", &url]);
        desk.git(&["config", "user.name", &name]);
        desk.git(&["config", "user.email", &email]);
        desk
    }

    /// Writes a file.
    pub fn write(&self, path: &str, text: &str) {
        let file = self.folder.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    /// Commits everything, at the server's time; says the commit's id.
    #[track_caller]
    pub fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Pushes over HTTP, and says how that went.
    #[track_caller]
    pub fn push(&self, refspecs: &[&str]) -> Ran {
        let arguments = [&["push", "--quiet", "origin"], refspecs].concat();
        Ran::of(&mut self.command(&arguments), "")
    }

    /// Pushes without HTTP, which is faster; the server sees the same.
    #[track_caller]
    pub fn send(&self, refspecs: &[&str]) {
        let origin = self.origin.to_str().unwrap();
        let arguments = [&["push", "--quiet", origin], refspecs].concat();
        Ran::of(&mut self.command(&arguments), "").went_well();
        self.github.with(|state| state.notice(self.place, state.id_of(&self.who)));
    }

    /// git, which has to succeed.
    #[track_caller]
    pub fn git(&self, arguments: &[&str]) -> String {
        Ran::of(&mut self.command(arguments), "").went_well().trim().to_owned()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        self.run("git", arguments)
    }

    /// Any program in this clone.
    pub fn run(&self, program: &str, arguments: &[&str]) -> Command {
        let now = self.github.now().to_string();
        let mut command = Command::new(program);
        sheltered(&mut command)
            .args(arguments)
            .current_dir(&self.folder)
            .env("HOME", self.github.folder.path())
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_AUTHOR_DATE", &now)
            .env("GIT_COMMITTER_DATE", &now);
        command
    }
}
