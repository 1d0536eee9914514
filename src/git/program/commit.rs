//! Makes commits, in the name of the person whom git knows.

use std::collections::HashSet;
use std::process::Command;

use anyhow::{Context as _, bail};

use super::super::key;
use super::{Oid, Program, complaint, run};

impl Program {
    /// Returns the email address that git would write into a commit now.
    ///
    /// # Errors
    /// When no address is configured, or git can't be run.
    pub fn email(&self) -> anyhow::Result<String> {
        Ok(self.committer()?.email)
    }

    /// Returns what git would write into a commit as its committer now.
    fn committer(&self) -> anyhow::Result<Committer> {
        let output = run(self.command().args(["var", "GIT_COMMITTER_IDENT"]), b"")?;
        let text = String::from_utf8_lossy(&output.stdout);
        let parts =
            text.split_once(" <").and_then(|(name, rest)| Some((name, rest.split_once("> ")?)));
        match parts {
            Some((name, (email, now))) if output.status.success() => {
                let (seconds, zone) = now.trim_end().split_once(' ').unwrap_or((now, "+0000"));
                let set = self.date.map(|date| date.utc().timestamp().to_string());
                let seconds = set.as_deref().unwrap_or(seconds);
                let date = format!("@{seconds} {zone}");
                Ok(Committer { name: name.to_owned(), email: email.to_owned(), date })
            }
            _ => bail!(
                "git doesn't know who you are: run `git config user.name NAME` and \
                 `git config user.email ADDRESS`"
            ),
        }
    }

    /// Stores the tree of a commit with what the work tree holds at the paths for which `is_wanted` is
    /// true in place of its own, converted as git's settings and attributes ask for. What git ignores
    /// and what isn't checked out stays as it is in the commit. Neither work tree nor index change.
    /// Returns these paths, too.
    ///
    /// # Errors
    /// When the files can't be read, or the repository can't be written.
    pub fn tree_with(
        &self,
        commit: Oid,
        is_wanted: impl Fn(&str) -> bool,
    ) -> anyhow::Result<(Oid, Vec<String>)> {
        let folder = tempfile::tempdir().context("make a temporary folder")?;
        let index = folder.path().join("index");
        let git = |arguments: &[&str], input: &[u8]| self.run_in(Some(&index), arguments, input);
        git(&["read-tree", &commit.to_string()], b"")?;
        let own = self.run(&["ls-files", "-z", "-t"])?;
        let hidden: HashSet<_> = own.split('\0').filter_map(|it| it.strip_prefix("S ")).collect();
        let all = git(&["ls-files", "-z", "--cached", "--others", "--exclude-standard"], b"")?;
        let wanted = |path: &&str| is_wanted(path) && !hidden.contains(path);
        let paths: Vec<_> = all.split('\0').filter(wanted).map(str::to_owned).collect();
        let put = ["update-index", "-z", "--add", "--remove", "--stdin"];
        git(&put, paths.join("\0").as_bytes())?;
        let tree = Oid::from_str(&git(&["write-tree"], b"")?);
        Ok((tree.context("cannot read the id of the new tree")?, paths))
    }

    /// Makes a commit without moving a ref, signed with the user's SSH key if `sign`. Its committer
    /// is its author, too, so that it names nobody who didn't sign it.
    ///
    /// # Errors
    /// When the commit can't be written, or signed so that it counts.
    pub fn commit(
        &self,
        tree: Oid,
        parents: &[Oid],
        message: &str,
        sign: bool,
    ) -> anyhow::Result<Oid> {
        let mut command = self.command();
        self.committer()?.set_for(&mut command);
        command.args(["-c", "i18n.commitEncoding=UTF-8"]);
        let named = self.path_setting("user.signingkey").filter(|_| sign);
        let key = named.as_deref().map(key::find).transpose();
        let key = key.context("git can't sign with `user.signingkey`")?.flatten();
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
            if sign && key.is_none() {
                let has_no = named.map_or_else(
                    || "has no signing key".to_owned(),
                    |named| format!("has no SSH key `{named}`, which `user.signingkey` names"),
                );
                let how = key::how_to_name_one(None).map(|command| format!("`{command}`"));
                let how = how.collect::<Vec<_>>().join(", then ");
                // Only a command that was to give the key has something of its own to say.
                let why = match self.setting("gpg.ssh.defaultKeyCommand") {
                    Some(_) => format!("\n{why}"),
                    None => String::new(),
                };
                bail!("the commit has to be signed by SSH, but git {has_no}: run {how}{why}");
            }
            bail!("git can't make the commit:\n{why}");
        }
        let id = String::from_utf8_lossy(&output.stdout);
        Oid::from_str(id.trim()).context("cannot read the id of the new commit")
    }
}

/// Name, email address and time of a committer, as git reads them from its environment.
struct Committer {
    name: String,
    email: String,
    date: String,
}

impl Committer {
    /// Makes this person the author and committer at this time.
    fn set_for(&self, command: &mut Command) {
        for role in ["AUTHOR", "COMMITTER"] {
            command
                .env(format!("GIT_{role}_NAME"), &self.name)
                .env(format!("GIT_{role}_EMAIL"), &self.email)
                .env(format!("GIT_{role}_DATE"), &self.date);
        }
    }
}
