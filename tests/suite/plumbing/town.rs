//! A town: a repository whose people sign with keys of their own, built by the real `git`.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use changegate::content::journal::{NewEntry, Said};
use changegate::core::policy::shipped_files;
use changegate::core::request::RequestFile;
use changegate::git::Oid;

/// The people who have keys; they are those of the shipped roster.
const PEOPLE: [&str; 8] = ["alice", "bob", "carol", "dan", "erin", "frank", "grace", "heidi"];

/// A bare repository in a folder of its own, with the shipped policies on `main`.
pub struct Town {
    dir: TempDir,
}

impl Town {
    /// Founds a town: keys for everybody, a roster that lists them, and a first commit.
    pub fn founded() -> Self {
        let town = Town { dir: tempfile::tempdir().unwrap() };
        fs::create_dir(town.dir.path().join("keys")).unwrap();
        let folder = town.folder();
        run(Command::new("git").args(["init", "--quiet", "--bare", "-b", "main"]).arg(&folder), "");
        let mut files = shipped_files();
        let roster = files.get_mut("policies/org/roster/data.yaml").unwrap();
        let mut text = String::from_utf8(roster.clone()).unwrap();
        for person in PEOPLE {
            let key = town.new_key(person);
            let email = format!("emails: [{}]", email(person));
            assert!(text.contains(&email));
            text = text.replace(&email, &format!("{email}, keys: [\"{key}\"]"));
        }
        *roster = text.into_bytes();
        let files: Vec<_> = files
            .iter()
            .map(|(path, bytes)| (path.as_str(), std::str::from_utf8(bytes).unwrap()))
            .collect();
        town.commit("carol", "2026-11-02T09:00:00Z", "main", &files, "Policies");
        town
    }

    /// The repository.
    pub fn folder(&self) -> PathBuf {
        self.dir.path().join("town.git")
    }

    /// Runs git in the repository as somebody, at some time, and says what it printed.
    pub fn git(&self, who: &str, at: &str, arguments: &[&str]) -> String {
        self.git_with(who, at, arguments, "")
    }

    /// The program in the repository, with somebody at the keyboard.
    pub fn changegate(&self, who: &str) -> assert_cmd::Command {
        let mut command = assert_cmd::Command::cargo_bin("changegate").unwrap();
        command.current_dir(self.folder()).env("HOME", self.dir.path());
        for (name, value) in identity(who, "2026-11-23T10:00:00Z") {
            command.env(name, value);
        }
        command
    }

    /// Puts a signed commit with some files onto a branch, which begins at `main` if it is new.
    pub fn commit(
        &self,
        who: &str,
        at: &str,
        branch: &str,
        files: &[(&str, &str)],
        message: &str,
    ) -> String {
        let parent = self.tip(branch).or_else(|| self.tip("main"));
        let tree = self.tree(parent.as_deref(), files);
        let parents: Vec<_> = parent.iter().map(String::as_str).collect();
        self.signed(who, at, branch, &tree, &parents, message)
    }

    /// Submits or amends a request.
    pub fn commit_request(&self, who: &str, at: &str, id: &str, request: &str) -> String {
        let path = format!("requests/{id}.yaml");
        let branch = format!("change/{id}");
        self.commit(who, at, &branch, &[(&path, request)], &format!("{id}: as {who} has it"))
    }

    /// Writes a review of a change as it stands into its journal.
    pub fn review(&self, who: &str, at: &str, id: &str, said: Said, comment: &str) -> String {
        let (message, tree, parents) = self.entry(id, said, comment);
        let parents: Vec<_> = parents.iter().map(String::as_str).collect();
        self.signed(who, at, &format!("reviews/{id}"), &tree, &parents, &message)
    }

    /// Writes a review without a signature.
    pub fn unsigned_review(&self, who: &str, at: &str, id: &str, said: Said) -> String {
        let (message, tree, parents) = self.entry(id, said, "");
        let mut arguments = vec!["commit-tree", "--no-gpg-sign", &tree];
        parents.iter().for_each(|parent| arguments.extend(["-p", parent]));
        let commit = self.git_with(who, at, &arguments, &message);
        self.move_branch(&format!("reviews/{id}"), &commit);
        commit
    }

    /// Merges a change into `main`, with the trailers that record the decision.
    pub fn merge(&self, who: &str, at: &str, id: &str, trailers: &str) -> String {
        let branch = format!("change/{id}");
        let tree = self.git(who, at, &["merge-tree", "--write-tree", "main", &branch]);
        let parents = [self.tip("main").unwrap(), self.tip(&branch).unwrap()];
        let message = format!("Merge {id}: as decided\n\nChange: {id}\n{trailers}");
        self.signed(who, at, "main", &tree, &[&parents[0], &parents[1]], &message)
    }

    /// Deletes a branch.
    pub fn delete(&self, branch: &str) {
        self.git("carol", NOW, &["update-ref", "-d", &format!("refs/heads/{branch}")]);
    }

    /// The tip of a branch.
    pub fn tip(&self, branch: &str) -> Option<String> {
        let name = format!("refs/heads/{branch}");
        let tip = self.git("carol", NOW, &["for-each-ref", "--format=%(objectname)", &name]);
        (!tip.is_empty()).then_some(tip)
    }

    /// A journal's next entry: message, tree, parents.
    fn entry(&self, id: &str, said: Said, comment: &str) -> (String, String, Vec<String>) {
        let reviewed = self.tip(&format!("change/{id}")).unwrap();
        let path = format!("{reviewed}:requests/{id}.yaml");
        let listed = self.git("carol", NOW, &["ls-tree", "-r", "--name-only", &reviewed]);
        let is_request = listed.lines().any(|line| path.ends_with(&format!(":{line}")));
        let material = is_request.then(|| {
            let text = self.git("carol", NOW, &["show", &path]);
            let file = RequestFile::read("requests/x.yaml", text.as_bytes());
            file.request.unwrap().material_digest()
        });
        let draft = NewEntry {
            change: id,
            summary: "",
            said,
            reviewed: Oid::from_str(&reviewed).unwrap(),
            material: material.as_ref(),
            comment,
            seen: None,
        };
        let parents = self.tip(&format!("reviews/{id}")).into_iter().chain([reviewed]).collect();
        (draft.message(), self.tree(None, &[]), parents)
    }

    fn signed(
        &self,
        who: &str,
        at: &str,
        branch: &str,
        tree: &str,
        parents: &[&str],
        message: &str,
    ) -> String {
        let key = format!("user.signingkey={}", self.key(who).display());
        let mut arguments = vec!["-c", "gpg.format=ssh", "-c", &key, "commit-tree", "-S", tree];
        parents.iter().for_each(|parent| arguments.extend(["-p", parent]));
        let commit = self.git_with(who, at, &arguments, message);
        self.move_branch(branch, &commit);
        commit
    }

    /// Points a branch to a commit, wherever it stood before.
    pub fn move_branch(&self, branch: &str, commit: &str) {
        self.git("carol", NOW, &["update-ref", &format!("refs/heads/{branch}"), commit]);
    }

    /// A tree: a commit's, or an empty one, with some files put in.
    fn tree(&self, commit: Option<&str>, files: &[(&str, &str)]) -> String {
        let index = self.dir.path().join("index");
        let _ = fs::remove_file(&index);
        let git = |arguments: &[&str], input: &str| {
            let mut command = self.command("carol", NOW);
            run(command.env("GIT_INDEX_FILE", &index).args(arguments), input)
        };
        match commit {
            Some(commit) => git(&["read-tree", commit], ""),
            None => git(&["read-tree", "--empty"], ""),
        };
        let mut lines = String::new();
        for (path, text) in files {
            let blob = git(&["hash-object", "-w", "--stdin"], text);
            writeln!(lines, "100644 {blob}\t{path}").unwrap();
        }
        git(&["update-index", "--add", "--index-info"], &lines);
        git(&["write-tree"], "")
    }

    fn new_key(&self, person: &str) -> String {
        let arguments = ["-q", "-t", "ed25519", "-N", "", "-C", person, "-f"];
        run(Command::new("ssh-keygen").args(arguments).arg(self.key(person)), "");
        let public = fs::read_to_string(self.key(person).with_extension("pub")).unwrap();
        public.trim().to_owned()
    }

    fn key(&self, person: &str) -> PathBuf {
        self.dir.path().join("keys").join(person)
    }

    fn git_with(&self, who: &str, at: &str, arguments: &[&str], input: &str) -> String {
        run(self.command(who, at).args(arguments), input)
    }

    fn command(&self, who: &str, at: &str) -> Command {
        let mut command = Command::new("git");
        command.arg("--git-dir").arg(self.folder()).envs(identity(who, at)).env("HOME", self.dir());
        command
    }

    fn dir(&self) -> &Path {
        self.dir.path()
    }
}

const NOW: &str = "2026-11-23T10:00:00Z";

/// A person's address, unless it is one already.
pub fn email(person: &str) -> String {
    if person.contains('@') { person.to_owned() } else { format!("{person}@acme.example") }
}

/// What tells git who somebody is, when it is, and nothing about this machine.
fn identity(who: &str, at: &str) -> Vec<(&'static str, String)> {
    vec![
        ("GIT_AUTHOR_NAME", who.to_owned()),
        ("GIT_AUTHOR_EMAIL", email(who)),
        ("GIT_AUTHOR_DATE", at.to_owned()),
        ("GIT_COMMITTER_NAME", who.to_owned()),
        ("GIT_COMMITTER_EMAIL", email(who)),
        ("GIT_COMMITTER_DATE", at.to_owned()),
        ("GIT_CONFIG_NOSYSTEM", "1".to_owned()),
        ("GIT_CONFIG_GLOBAL", "/dev/null".to_owned()),
    ]
}

/// Runs a program that has to succeed, and says what it printed.
fn run(command: &mut Command, input: &str) -> String {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {complaint}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
