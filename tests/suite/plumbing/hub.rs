//! A hub: a bare repository that people push to, and a desk with a clone for each of them, where
//! they work with the real `git` and keys of their own.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use chrono::{SecondsFormat, TimeDelta, Utc};
use serde_json::Value;
use tempfile::TempDir;

use changegate::content::journal::{NewEntry, Said};
use changegate::core::request::RequestFile;
use changegate::core::time::Time;
use changegate::git::Oid;

pub use super::ran::Ran;

mod founding;
mod recording;

/// When a change of an hour can run next, at least an hour from now: of a window that is open, the
/// start would pass while the tests run.
pub static PLANNED: LazyLock<(Time, Time)> = LazyLock::new(|| {
    let from = (Utc::now() + TimeDelta::hours(1)).to_rfc3339_opts(SecondsFormat::Secs, true);
    let arguments = ["window", "--format", "json", "--tier", "high", "--duration", "1h"];
    let arguments = [&arguments[..], &["--now", &from]].concat();
    let dir = tempfile::tempdir().unwrap();
    let answer = Ran::of(Command::new(program()).args(arguments).current_dir(dir.path()), "");
    let answer: Value = serde_json::from_str(answer.went_well()).unwrap();
    let windows = answer["windows"].as_array().unwrap().iter();
    let next = windows.filter_map(|window| window["next_opening"]["start"].as_str()).min();
    let start: Time = next.unwrap().parse().unwrap();
    (start, start + "1h".parse().unwrap())
});

/// The program under test.
pub fn program() -> PathBuf {
    assert_cmd::cargo::cargo_bin("changegate")
}

/// A bare repository in a folder of its own, with everything around it.
pub struct Hub {
    dir: TempDir,
}

impl Hub {
    /// A hub whose hook guards it, with the shipped policies on `main`.
    pub fn guarded() -> Self {
        let hub = Self::open();
        hub.guard();
        hub
    }

    /// Installs the hooks.
    pub fn guard(&self) {
        for name in ["pre-receive", "reference-transaction"] {
            let hook = self.folder().join("hooks").join(name);
            let script = format!("#!/bin/sh\nexec '{}' hook {name} \"$@\"\n", program().display());
            fs::write(&hook, script).unwrap();
            make_executable(&hook);
        }
    }

    /// The repository.
    pub fn folder(&self) -> PathBuf {
        self.path("hub.git")
    }

    /// Something in the folder around it.
    pub fn path(&self, below: &str) -> PathBuf {
        self.dir.path().join(below)
    }

    /// The file with somebody's private key.
    pub fn key(&self, person: &str) -> PathBuf {
        self.path("keys").join(person)
    }

    /// Somebody's public key.
    pub fn public_key(&self, person: &str) -> String {
        let text = fs::read_to_string(self.key(person).with_extension("pub")).unwrap();
        text.trim().to_owned()
    }

    /// git in the hub, by its administrator.
    pub fn git(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("git");
        command.arg("--git-dir").arg(self.folder()).args(arguments);
        Ran::of(self.surround(&mut command), "").went_well().trim().to_owned()
    }

    /// The tip of a branch, if it is there.
    pub fn tip(&self, branch: &str) -> Option<String> {
        let name = format!("refs/heads/{branch}");
        let tip = self.git(&["for-each-ref", "--format=%(objectname)", &name]);
        (!tip.is_empty()).then_some(tip)
    }

    /// It is sound, down to the last object.
    #[track_caller]
    pub fn is_sound(&self) {
        self.git(&["fsck", "--strict", "--no-dangling"]);
    }

    /// Somebody's desk, with a new clone.
    pub fn desk(&self, who: &'static str) -> Desk<'_> {
        self.desk_at(who, who)
    }

    /// Somebody's desk, with a new clone in a folder of this name.
    pub fn desk_at(&self, who: &'static str, folder: &str) -> Desk<'_> {
        let desk = Desk { hub: self, who, folder: self.path(folder) };
        let mut clone = Command::new("git");
        clone.args(["clone", "--quiet"]).arg(self.folder()).arg(&desk.folder);
        Ran::of(self.surround(&mut clone), "").went_well();
        desk.sit_down();
        desk
    }

    /// A desk with a repository that has no remote.
    pub fn lonely_desk(&self, who: &'static str) -> Desk<'_> {
        let desk = self.desk(who);
        desk.git(&["remote", "remove", "origin"]);
        desk
    }

    /// What a program may know of its surroundings: nothing of this machine.
    fn surround<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("HOME", self.dir.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", self.path("home.gitconfig"))
            .env_remove("SSH_AUTH_SOCK")
            .env_remove("XDG_CACHE_HOME")
            .env_remove("NO_COLOR")
            .env_remove("CLICOLOR_FORCE")
    }
}

/// Somebody at work in a clone.
pub struct Desk<'a> {
    pub hub: &'a Hub,
    pub who: &'static str,
    pub folder: PathBuf,
}

impl Desk<'_> {
    /// Makes this somebody's repository: their name, their key.
    pub fn sit_down(&self) {
        let (who, key) = (self.who, self.hub.key(self.who).with_extension("pub"));
        let settings = format!(
            "[user]\n\tname = {who}\n\temail = {who}@acme.example\n\tsigningkey = {}\n\
             [gpg]\n\tformat = ssh\n[commit]\n\tgpgsign = true\n",
            key.display()
        );
        let config = self.folder.join(".git/config");
        let there = fs::read_to_string(&config).unwrap();
        fs::write(config, there + &settings).unwrap();
    }

    /// A program at this desk.
    pub fn command(&self, program: impl AsRef<OsStr>, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        self.hub.surround(command.args(arguments).current_dir(&self.folder));
        command
    }

    /// The program under test.
    #[track_caller]
    pub fn changegate(&self, arguments: &[&str]) -> Ran {
        Ran::of(&mut self.command(program(), arguments), "")
    }

    /// git, which has to succeed.
    #[track_caller]
    pub fn git(&self, arguments: &[&str]) -> String {
        self.git_with(arguments, "", &[])
    }

    /// git with an input and variables.
    #[track_caller]
    pub fn git_with(&self, arguments: &[&str], input: &str, env: &[(&str, &str)]) -> String {
        let mut command = self.command("git", arguments);
        command.envs(env.iter().copied());
        let ran = Ran::of(&mut command, input);
        assert_eq!(ran.code, 0, "git {arguments:?}: {ran:?}");
        ran.stdout.trim().to_owned()
    }

    /// Pushes, and says how that went.
    #[track_caller]
    pub fn push(&self, refspecs: &[&str]) -> Ran {
        let arguments = [&["push", "--quiet", "origin"], refspecs].concat();
        Ran::of(&mut self.command("git", &arguments), "")
    }

    /// Writes a file.
    pub fn write(&self, path: &str, text: &str) {
        let file = self.folder.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    /// Writes a request of a high-risk change, and submits it.
    #[track_caller]
    pub fn submit(&self, id: &str) -> Ran {
        self.submit_text(id, &request(id, self.who))
    }

    /// Writes this request, and submits it.
    #[track_caller]
    pub fn submit_text(&self, id: &str, text: &str) -> Ran {
        self.write(&format!("requests/{id}.yaml"), text);
        self.changegate(&["submit", id])
    }

    /// Approves a change.
    #[track_caller]
    pub fn approve(&self, id: &str) -> Ran {
        self.changegate(&["review", id, "--approve", "--yes"])
    }

    /// The verdict on a change, with the whole decision.
    #[track_caller]
    pub fn decision(&self, id: &str) -> Value {
        let ran = self.changegate(&["check", "--branch", id, "--format", "json"]);
        assert!(matches!(ran.code, 0 | 1 | 3), "{ran:?}");
        let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
        answer["decisions"][0].clone()
    }

    /// Stores content, and says its id.
    pub fn blob(&self, text: &str) -> String {
        self.git_with(&["hash-object", "-w", "--stdin"], text, &[])
    }

    /// A commit's tree with some entries put in: mode, path, content; of a link to another
    /// repository its commit.
    pub fn tree(&self, commit: &str, entries: &[(&str, &str, &str)]) -> String {
        let index = self.hub.path(&format!("index-{}", self.who));
        let env = [("GIT_INDEX_FILE", index.to_str().unwrap())];
        self.git_with(&["read-tree", commit], "", &env);
        let mut lines = String::new();
        for (mode, path, text) in entries {
            let id = if *mode == "160000" { (*text).to_owned() } else { self.blob(text) };
            writeln!(lines, "{mode} {id}\t{path}").unwrap();
        }
        self.git_with(&["update-index", "--add", "--index-info"], &lines, &env);
        self.git_with(&["write-tree"], "", &env)
    }

    /// A commit, made with these options and variables.
    #[track_caller]
    pub fn commit(
        &self,
        tree: &str,
        parents: &[&str],
        message: &str,
        options: &[&str],
        env: &[(&str, &str)],
    ) -> String {
        let mut arguments = vec!["commit-tree", tree];
        arguments.extend(options);
        parents.iter().for_each(|parent| arguments.extend(["-p", parent]));
        self.git_with(&arguments, message, env)
    }

    /// A signed commit that puts files onto another one.
    #[track_caller]
    pub fn put(&self, parent: &str, files: &[(&str, &str)], message: &str) -> String {
        let entries: Vec<_> = files.iter().map(|(path, text)| ("100644", *path, *text)).collect();
        self.commit(&self.tree(parent, &entries), &[parent], message, &["-S"], &[])
    }

    /// What a journal's entry says about a commit, and its parents, the journal's tip first.
    pub fn entry(&self, id: &str, reviewed: &str, said: Said) -> (String, Vec<String>) {
        let path = format!("{reviewed}:requests/{id}.yaml");
        let text = self.git(&["show", &path]);
        let file = RequestFile::read("requests/x.yaml", text.as_bytes());
        let material = file.request.unwrap().material_digest();
        let draft = NewEntry {
            change: id,
            summary: "",
            said,
            reviewed: Oid::from_str(reviewed).unwrap(),
            material: Some(&material),
            comment: "",
            seen: None,
        };
        let before = self.hub.tip(&format!("reviews/{id}"));
        (draft.message(), before.into_iter().chain([reviewed.to_owned()]).collect())
    }

    /// An approval of a commit, made by hand with these options and variables.
    #[track_caller]
    pub fn approval(
        &self,
        id: &str,
        reviewed: &str,
        options: &[&str],
        env: &[(&str, &str)],
    ) -> String {
        self.git(&["fetch", "--quiet", "origin"]);
        let (message, parents) = self.entry(id, reviewed, Said::Approved);
        let parents: Vec<_> = parents.iter().map(String::as_str).collect();
        let tree = self.git(&["rev-parse", &format!("{reviewed}^{{tree}}")]);
        self.commit(&tree, &parents, &message, options, env)
    }
}

/// A high-risk change, which waits for an L2 or L3.
pub fn request(id: &str, requester: &str) -> String {
    let (start, end) = *PLANNED;
    let number: String = id.chars().filter(char::is_ascii_alphanumeric).collect();
    format!(
        "id: {id}\n\
         type: normal\n\
         summary: Put worker {number} into maintenance\n\
         reason: its disk is replaced\n\
         requester: {requester}\n\
         actions: [{{action: maintenance-mode, target: worker-{number}}}]\n\
         impact: {{services: [checkout], users: none, operations: none}}\n\
         schedule: {{start: {start}, end: {end}}}\n\
         rollback: {{steps: [toggle the flag back off], owner: carol}}\n\
         verification:\n\
         \x20 monitor: 15m\n\
         \x20 health_checks: [\"https://checkout.example/healthz\"]\n\
         \x20 error_rates: [\"cloudwatch: 5xx\"]\n"
    )
}

/// Makes a file a program.
pub fn make_executable(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}
