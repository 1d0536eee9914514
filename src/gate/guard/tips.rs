//! What a judgement relied on, kept from the moment when a push is judged until Git moves the ref.
//!
//! `pre-receive` judges a push before Git locks anything. When it accepts an update, it keeps the
//! tips that the update was judged by in a file below `changegate/` in the repository. When Git has
//! locked the ref, `reference-transaction` compares them, and the update ends there if one of them
//! has moved. An update that isn't kept there wasn't pushed: a server's own administration.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::{Context as _, bail, ensure};

use super::Update;
use crate::core::digest::Digest;
use crate::core::layout::POLICIES;
use crate::forge::git::Git;
use crate::git::{JUDGED_AGAIN, Oid, Repo};

/// The folder of kept tips in a repository.
const FOLDER: &str = "changegate";

/// The refs that a judgement relied on and where they pointed; of a base only its policies count.
#[derive(Debug, Default)]
pub struct Tips(BTreeMap<String, Option<Oid>>);

/// What a ref's name is kept behind that has to move in the same transaction.
const TOGETHER: &str = "together ";

impl Tips {
    /// Adds a branch as it is now.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn branch(&mut self, git: &Git, name: &str) -> anyhow::Result<()> {
        self.0.insert(format!("refs/heads/{name}"), git.branches.tip(name)?);
        Ok(())
    }

    /// Adds a ref that has to move there together with the update, or to be deleted with it.
    pub fn together(&mut self, name: &str, tip: Option<Oid>) {
        self.0.insert(format!("{TOGETHER}{name}"), tip);
    }

    /// Adds the policies at the tip of a base.
    pub fn policies(&mut self, base: &str, policies: Option<Oid>) {
        self.0.insert(format!("refs/heads/{base}:{POLICIES}"), policies);
    }
}

/// The accepted updates of a repository that Git hasn't made yet.
pub struct Judged {
    git_dir: PathBuf,
}

impl Judged {
    /// Returns those of the repository in this folder.
    pub fn of(git_dir: &Path) -> Self {
        Judged { git_dir: git_dir.to_owned() }
    }

    /// Keeps what an accepted update relied on.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn keep(&self, update: &Update, tips: &Tips) -> anyhow::Result<()> {
        let file = self.file(update);
        let mut text = String::new();
        for (what, tip) in &tips.0 {
            let _ = writeln!(text, "{} {what}", tip.unwrap_or(Oid::ZERO_SHA1));
        }
        self.write(&file, &text).with_context(|| format!("cannot write {}", file.display()))
    }

    /// Checks that nothing that these updates relied on has moved, nor moves together with them.
    ///
    /// # Errors
    /// What has moved.
    pub fn still_holds(&self, updates: &[Update]) -> anyhow::Result<()> {
        let mut repo = None;
        for update in updates {
            let file = self.file(update);
            let text = match fs::read_to_string(&file) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                text => text.with_context(|| format!("cannot read {}", file.display()))?,
            };
            let repo = match &repo {
                Some(repo) => repo,
                None => repo.insert(Repo::open(&self.git_dir)?),
            };
            for line in text.lines() {
                let (tip, what) = line.split_once(' ').context("cannot read what was judged")?;
                if let Some(name) = what.strip_prefix(TOGETHER) {
                    let own = updates.iter().find(|other| other.name == name);
                    let own = own.map(|other| other.new.unwrap_or(Oid::ZERO_SHA1).to_string());
                    ensure!(
                        own.as_deref() == Some(tip),
                        "{} and {name} move together or not at all: push them with `git push --atomic`",
                        update.name
                    );
                    continue;
                }
                let moved = tip_after(repo, what, update, updates)?.unwrap_or(Oid::ZERO_SHA1);
                if moved.to_string() != tip {
                    bail!(
                        "{what} has moved since {} was judged, so it {JUDGED_AGAIN}: repeat what \
                         you did",
                        update.name
                    );
                }
            }
        }
        Ok(())
    }

    /// Forgets updates that Git has made, or has given up.
    pub fn forget(&self, updates: &[Update]) {
        for update in updates {
            // What stays is only compared once more if the very same update is made again.
            let _ = fs::remove_file(self.file(update));
        }
    }

    /// Writes a file as a whole, in a folder that as many people may write as the refs.
    fn write(&self, file: &Path, text: &str) -> io::Result<()> {
        let folder = self.git_dir.join(FOLDER);
        if !folder.is_dir() {
            fs::create_dir_all(&folder)?;
            fs::set_permissions(&folder, fs::metadata(self.git_dir.join("refs"))?.permissions())?;
        }
        let new = tempfile::NamedTempFile::new_in(&folder)?;
        fs::write(&new, text)?;
        new.persist(file)?;
        Ok(())
    }

    fn file(&self, update: &Update) -> PathBuf {
        let name = format!("{} {}", update.name, update.new.unwrap_or(Oid::ZERO_SHA1));
        let digest = Digest::of(name.as_bytes()).to_string();
        self.git_dir.join(FOLDER).join(digest.replace(':', "-"))
    }
}

/// Returns where a ref points as soon as the other updates are made, or the policies there.
fn tip_after(
    repo: &Repo,
    what: &str,
    update: &Update,
    updates: &[Update],
) -> anyhow::Result<Option<Oid>> {
    let (name, path) = what.split_once(':').map_or((what, None), |(name, path)| (name, Some(path)));
    let other = updates.iter().find(|other| other.name == name && other.name != update.name);
    let tip = match other {
        Some(other) => other.new,
        None => repo.tip(name)?,
    };
    match (tip, path) {
        (Some(tip), Some(path)) => Ok(repo.entry(tip, path)?.map(|entry| entry.id)),
        (tip, _) => Ok(tip),
    }
}
