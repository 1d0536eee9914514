//! Repositories, as their objects and refs say, never as a work tree shows them.
//!
//! [`Repo`] reads through libgit2: no work tree, no attributes, no filters, no hooks, and of the
//! configuration nothing that could change content. It refuses what makes Git show another history
//! than the objects hold (grafts, shallow clones) and reads past `refs/replace`. Whatever signs,
//! moves a ref or talks to another repository goes through the `git` program: [`Program`].

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use git2::{BranchType, ErrorCode, Repository, RepositoryOpenFlags, Sort};

use crate::core::time::Time;

mod program;
mod signature;
mod tree;
mod walk;

pub use git2::Oid;
pub use program::{Moved, Program};
pub use signature::Signature;
pub use tree::{Entry, FileChange, Kind};

/// A repository, opened for reading.
pub struct Repo {
    inner: Repository,
}

/// What a commit says about itself; all of it claimed, nothing vouched for.
#[derive(Clone, Debug)]
pub struct Commit {
    /// Its id.
    pub id: Oid,
    /// Its parents, the first one first.
    pub parents: Vec<Oid>,
    /// Its tree.
    pub tree: Oid,
    /// Who wrote it.
    pub author: Identity,
    /// Who made the commit.
    pub committer: Identity,
    /// When it was made; the nearest instant that a [`Time`] can hold.
    pub time: Time,
    /// Its message.
    pub message: String,
}

/// A name with an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The name.
    pub name: String,
    /// The email address.
    pub email: String,
}

impl Repo {
    /// Opens the repository that holds `path`, looking upwards from it.
    ///
    /// # Errors
    /// When there is none, or when it is of a kind whose history can't be relied on.
    pub fn discover(path: &Path) -> anyhow::Result<Self> {
        let found = Repository::discover(path).map_err(|error| match error.code() {
            ErrorCode::NotFound => anyhow::anyhow!(
                "{} is in no Git repository: run this in a clone, or `git init` first",
                path.display()
            ),
            _ => refused(path, &error),
        })?;
        // A linked work tree's own folder points to the one that holds objects and refs.
        let common = Repository::open(found.path())
            .map_err(|error| refused(path, &error))?
            .commondir()
            .to_owned();
        Self::open(&common)
    }

    /// Opens the repository in this very folder.
    ///
    /// # Errors
    /// As [`Repo::discover`].
    pub fn open(git_dir: &Path) -> anyhow::Result<Self> {
        let flags = RepositoryOpenFlags::NO_SEARCH | RepositoryOpenFlags::BARE;
        // Objects are checked when they come in, as git itself does; hashing a folder of ten thousand
        // requests anew at each look would be half of all work.
        git2::opts::strict_hash_verification(false);
        let inner = Repository::open_ext(git_dir, flags, [] as [&Path; 0])
            .map_err(|error| refused(git_dir, &error))?;
        refuse_altered_history(inner.path())?;
        refuse_partial(&inner)?;
        Ok(Repo { inner })
    }

    /// Lets objects that a push has brought, and that aren't yet the repository's own, be read.
    ///
    /// # Errors
    /// When the folder can't be added.
    pub fn add_objects(&self, folder: &str) -> anyhow::Result<()> {
        self.inner
            .odb()
            .and_then(|odb| odb.add_disk_alternate(folder))
            .context("read the objects that are being pushed")
    }

    /// The folder that holds objects and refs.
    pub fn folder(&self) -> PathBuf {
        self.inner.path().to_owned()
    }

    /// Whether it has a remote of this name.
    pub fn has_remote(&self, name: &str) -> bool {
        self.inner.find_remote(name).is_ok()
    }

    /// The commit that a full ref name points to; nothing if there is no such ref.
    ///
    /// # Errors
    /// When the ref is there and can't be read.
    pub fn tip(&self, name: &str) -> anyhow::Result<Option<Oid>> {
        match self.inner.find_reference(name) {
            Ok(reference) => {
                let commit = reference.peel_to_commit().with_context(|| format!("read {name}"))?;
                Ok(Some(commit.id()))
            }
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) if error.code() == ErrorCode::InvalidSpec => Ok(None),
            Err(error) => Err(error).with_context(|| format!("read {name}")),
        }
    }

    /// The ref that a symbolic one such as `HEAD` names, whether it exists or not.
    pub fn symbolic(&self, name: &str) -> Option<String> {
        let reference = self.inner.find_reference(name).ok()?;
        reference.symbolic_target().ok().flatten().map(str::to_owned)
    }

    /// Whether the repository calls itself bare: nobody works in it.
    pub fn is_bare(&self) -> bool {
        let config = self.inner.config().and_then(|config| config.get_bool("core.bare"));
        config.unwrap_or(false)
    }

    /// What a person names: a branch, a tag, a remote's branch, or a commit id, whole or shortened.
    ///
    /// # Errors
    /// When it names nothing, or more than one thing.
    pub fn commit_named(&self, name: &str) -> anyhow::Result<Oid> {
        if let Ok(branch) = self.inner.find_branch(name, BranchType::Local) {
            return Ok(branch.get().peel_to_commit()?.id());
        }
        self.inner
            .revparse_single(name)
            .and_then(|object| object.peel_to_commit())
            .map(|commit| commit.id())
            .map_err(|_| anyhow::anyhow!("`{name}` names no commit of this repository"))
    }

    /// The refs below a prefix, with the commits that they point to, by name.
    ///
    /// # Errors
    /// When the refs can't be listed.
    pub fn refs(&self, prefix: &str) -> anyhow::Result<Vec<(String, Oid)>> {
        let mut refs = Vec::new();
        for reference in self.inner.references_glob(&format!("{prefix}*")).context("list refs")? {
            let reference = reference.context("list refs")?;
            if let (Ok(name), Ok(commit)) = (reference.name(), reference.peel_to_commit()) {
                refs.push((name.to_owned(), commit.id()));
            }
        }
        refs.sort();
        Ok(refs)
    }

    /// A commit.
    ///
    /// # Errors
    /// When it isn't there.
    pub fn commit(&self, id: Oid) -> anyhow::Result<Commit> {
        let commit = self.inner.find_commit(id).with_context(|| format!("read commit {id}"))?;
        Ok(Commit {
            id,
            parents: commit.parent_ids().collect(),
            tree: commit.tree_id(),
            author: Identity::of(&commit.author()),
            committer: Identity::of(&commit.committer()),
            time: Time::nearest_unix(commit.committer().when().seconds()),
            message: String::from_utf8_lossy(commit.message_bytes()).into_owned(),
        })
    }

    /// The commits that lead to `head` and not to `base`, whatever the way, newest first.
    ///
    /// # Errors
    /// When the history can't be walked.
    pub fn commits_between(&self, base: Option<Oid>, head: Oid) -> anyhow::Result<Vec<Oid>> {
        let walk = || -> Result<Vec<Oid>, git2::Error> {
            let mut walk = self.inner.revwalk()?;
            walk.set_sorting(Sort::TOPOLOGICAL)?;
            walk.push(head)?;
            if let Some(base) = base {
                walk.hide(base)?;
            }
            walk.collect()
        };
        walk().with_context(|| format!("walk the history of {head}"))
    }

    /// The best common ancestor of two commits; nothing if they share no history.
    ///
    /// # Errors
    /// When the history can't be walked.
    pub fn merge_base(&self, one: Oid, other: Oid) -> anyhow::Result<Option<Oid>> {
        match self.inner.merge_base(one, other) {
            Ok(base) => Ok(Some(base)),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error).context("look for the merge base"),
        }
    }

    /// Whether `ancestor` is `commit` or leads to it.
    ///
    /// # Errors
    /// When the history can't be walked.
    pub fn leads_to(&self, ancestor: Oid, commit: Oid) -> anyhow::Result<bool> {
        Ok(ancestor == commit
            || self
                .inner
                .graph_descendant_of(commit, ancestor)
                .with_context(|| format!("walk the history of {commit}"))?)
    }
}

impl Identity {
    fn of(signature: &git2::Signature<'_>) -> Self {
        Identity {
            name: String::from_utf8_lossy(signature.name_bytes()).into_owned(),
            email: String::from_utf8_lossy(signature.email_bytes()).into_owned(),
        }
    }
}

impl Commit {
    /// The first line of the message.
    pub fn title(&self) -> &str {
        self.message.lines().next().unwrap_or_default()
    }

    /// The co-authors that the message names.
    pub fn co_authors(&self) -> impl Iterator<Item = Identity> {
        self.message.lines().filter_map(|line| {
            let (key, value) = line.split_once(':')?;
            if !key.trim().eq_ignore_ascii_case("co-authored-by") {
                return None;
            }
            let (name, rest) = value.split_once('<').unwrap_or((value, value));
            let email = rest.split('>').next().unwrap_or(rest);
            Some(Identity { name: name.trim().to_owned(), email: email.trim().to_owned() })
        })
    }
}

/// Refuses what makes Git show another history than the objects hold.
fn refuse_altered_history(git_dir: &Path) -> anyhow::Result<()> {
    let holds_lines = |name: &str| {
        std::fs::read(git_dir.join(name))
            .is_ok_and(|bytes| bytes.iter().any(|byte| !byte.is_ascii_whitespace()))
    };
    if holds_lines("info/grafts") {
        bail!(
            "{} has grafts (info/grafts), which show another history than was recorded: remove \
             that file",
            git_dir.display()
        );
    }
    if holds_lines("shallow") {
        bail!(
            "{} is a shallow clone, in which reviews and contributors may be missing: run \
             `git fetch --unshallow`",
            git_dir.display()
        );
    }
    Ok(())
}

/// Refuses a repository that leaves objects with its remote until somebody asks for them.
fn refuse_partial(repository: &Repository) -> anyhow::Result<()> {
    let config = repository.config().context("read the repository's configuration")?;
    let promisors = config.entries(Some(r"^remote\..*\.promisor$"));
    let mut promisors = promisors.context("read the repository's configuration")?;
    if promisors.next().is_some() {
        bail!(
            "{} is a partial clone, in which objects are missing: clone it whole, without --filter",
            repository.path().display()
        );
    }
    Ok(())
}

/// Why a repository can't be opened, with what to do where that is known.
fn refused(path: &Path, error: &git2::Error) -> anyhow::Error {
    let mut text = format!("the repository at {} can't be used: ", path.display());
    let message = error.message();
    let known = match error.code() {
        ErrorCode::NotFound => Some("there is none"),
        ErrorCode::Owner => Some(
            "it belongs to another user; if you trust it, run \
             `git config --global --add safe.directory <its path>`",
        ),
        _ if message.contains("partialclone") => {
            Some("it is a partial clone, in which objects are missing; clone it whole")
        }
        _ if message.contains("reftable") || message.contains("refstorage") => {
            Some("it keeps its refs as a reftable, which isn't supported; use the files format")
        }
        _ if message.contains("objectformat") || message.contains("object format") => {
            Some("its object ids are SHA-256, which isn't supported; use the SHA-1 format")
        }
        _ => None,
    };
    let _ = write!(text, "{}", known.unwrap_or(message));
    anyhow::anyhow!(text)
}
