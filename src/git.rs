//! Git repositories, read from their objects and refs and never from a work tree.
//!
//! [`Repo`] reads through libgit2, without a work tree, attributes, filters or hooks, and without
//! any configuration that could change content. It refuses repositories in which Git shows another
//! history than the objects hold (grafts, shallow clones), and ignores `refs/replace`. The `git`
//! program ([`Program`]) signs, moves refs and talks to other repositories.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, bail};
use git2::{ErrorCode, Repository, Sort};

use self::walk::Ancestry;
use crate::core::time::Time;

mod address;
mod apart;
mod changes;
mod co_authors;
pub mod key;
mod program;
mod rivals;
mod signature;
mod tag;
mod tree;
mod walk;
mod work_tree;

pub use address::host_and_path;
pub use changes::FileChange;
pub use git2::Oid;
pub use program::{JUDGED_AGAIN, Move, Moved, Program};
pub use rivals::pause;
pub use signature::{Signature, verified};
pub use tag::TagText;
pub use tree::{Entry, Kind};
pub use walk::Fresh;
pub use work_tree::work_tree_around;

/// A repository, opened for reading.
pub struct Repo {
    inner: Repository,
    /// Folders with objects that aren't part of it yet.
    added: RefCell<Vec<String>>,
    /// What leads to a commit that was asked about often.
    ancestry: RefCell<Ancestry>,
}

/// A commit. All of its data are claims by its maker.
#[derive(Clone, Debug)]
pub struct Commit {
    /// The commit's id.
    pub id: Oid,
    /// The ids of the parents, in order.
    pub parents: Vec<Oid>,
    /// The id of the tree.
    pub tree: Oid,
    /// The author.
    pub author: Identity,
    /// The committer.
    pub committer: Identity,
    /// The commit date, or the nearest time that a [`Time`] can hold.
    pub time: Time,
    /// The message.
    pub message: String,
}

/// A name and an email address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The name.
    pub name: String,
    /// The email address.
    pub email: String,
}

/// Whether each object that is read is hashed, which libgit2 knows for the process alone.
static HASHES: AtomicBool = AtomicBool::new(false);

/// From now on each object is hashed when it is read, so that one with another content than its id
/// says can't be read, and none is kept: who reads all of a record reads most of it once.
pub fn hash_what_is_read() {
    HASHES.store(true, Ordering::Relaxed);
    git2::opts::strict_hash_verification(true);
    git2::opts::enable_caching(false);
}

/// Returns the id that Git gives to a commit with these bytes.
pub fn commit_id(bytes: &[u8]) -> Oid {
    Oid::hash_object(git2::ObjectType::Commit, bytes).unwrap_or(Oid::ZERO_SHA1)
}

/// Returns the id that Git gives to a folder with just these files, sorted by name.
pub fn tree_id<'a>(files: impl IntoIterator<Item = (&'a str, Oid)>) -> Oid {
    let mut bytes = Vec::new();
    for (name, id) in files {
        bytes.extend_from_slice(format!("100644 {name}\0").as_bytes());
        bytes.extend_from_slice(id.as_bytes());
    }
    Oid::hash_object(git2::ObjectType::Tree, &bytes).unwrap_or(Oid::ZERO_SHA1)
}

/// Returns the id that Git gives to a file with this content.
pub fn blob_id(bytes: &[u8]) -> Oid {
    // Only an invalid kind of object has no id.
    Oid::hash_object(git2::ObjectType::Blob, bytes).unwrap_or(Oid::ZERO_SHA1)
}

impl Repo {
    /// Opens the repository that contains `path`, in this or a parent folder.
    ///
    /// # Errors
    /// When there is no repository, or when it is of a kind whose history can't be trusted.
    pub fn discover(path: &Path) -> anyhow::Result<Self> {
        Self::find(path)?.with_context(|| {
            format!(
                "{} is not in a Git repository: run this in a clone, or run `git init` first",
                path.display()
            )
        })
    }

    /// Opens the repository that contains `path`, if there is one. git finds it, and so decides by
    /// its own settings whether somebody else's repository is safe to use.
    ///
    /// # Errors
    /// As [`Repo::discover`].
    pub fn find(path: &Path) -> anyhow::Result<Option<Self>> {
        match Program::in_folder(path).git_dir()? {
            Some(git_dir) => Self::open(&git_dir).map(Some),
            None => Ok(None),
        }
    }

    /// Opens the repository in exactly this folder, regardless of its owner.
    ///
    /// # Errors
    /// As [`Repo::discover`].
    pub fn open(git_dir: &Path) -> anyhow::Result<Self> {
        // As in git itself, objects are verified when they are received. Hashing a folder of ten
        // thousand requests at each read would be half of all work.
        git2::opts::strict_hash_verification(HASHES.load(Ordering::Relaxed));
        let inner = Repository::open_bare(git_dir).map_err(|error| refused(git_dir, &error))?;
        refuse_altered_history(inner.path())?;
        refuse_partial(&inner)?;
        Ok(Repo { inner, added: RefCell::default(), ancestry: RefCell::default() })
    }

    /// Opens a repository that may hold only the end of its history.
    ///
    /// # Errors
    /// When there is none in this folder.
    pub fn open_end(git_dir: &Path) -> anyhow::Result<Self> {
        let inner = Repository::open_bare(git_dir).map_err(|error| refused(git_dir, &error))?;
        Ok(Repo { inner, added: RefCell::default(), ancestry: RefCell::default() })
    }

    /// Opens the repository once more, with the objects that were added to it, and without what libgit2
    /// keeps of those that were read.
    ///
    /// # Errors
    /// When it can't be opened.
    pub fn again(&self) -> anyhow::Result<Self> {
        let again = Self::open_end(self.inner.path())?;
        self.added.borrow().iter().try_for_each(|folder| again.add_objects(folder))?;
        Ok(again)
    }

    /// Makes the objects of a push readable before they are part of the repository.
    ///
    /// # Errors
    /// When the folder can't be added.
    pub fn add_objects(&self, folder: &str) -> anyhow::Result<()> {
        self.inner
            .odb()
            .and_then(|odb| odb.add_disk_alternate(folder))
            .context("cannot read the pushed objects")?;
        self.added.borrow_mut().push(folder.to_owned());
        Ok(())
    }

    /// Returns the folder that holds objects and refs.
    pub fn folder(&self) -> PathBuf {
        self.inner.path().to_owned()
    }

    /// Returns the names of the repository's remotes, sorted.
    ///
    /// # Errors
    /// When its configuration can't be read.
    pub fn remotes(&self) -> anyhow::Result<Vec<String>> {
        let remotes = self.inner.remotes().context("cannot list the remotes")?;
        let mut names: Vec<_> =
            remotes.iter().filter_map(|name| name.ok().flatten().map(str::to_owned)).collect();
        names.sort_unstable();
        Ok(names)
    }

    /// Returns the commit that a full ref name points to, or `None` if there is no such ref.
    ///
    /// # Errors
    /// When the ref exists but can't be read.
    pub fn tip(&self, name: &str) -> anyhow::Result<Option<Oid>> {
        match self.inner.find_reference(name) {
            Ok(reference) => {
                let commit = reference.peel_to_commit();
                Ok(Some(commit.with_context(|| format!("cannot read {name}"))?.id()))
            }
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) if error.code() == ErrorCode::InvalidSpec => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {name}")),
        }
    }

    /// Returns the ref that a symbolic ref such as `HEAD` names, even if that doesn't exist.
    pub fn symbolic(&self, name: &str) -> Option<String> {
        let reference = self.inner.find_reference(name).ok()?;
        reference.symbolic_target().ok().flatten().map(str::to_owned)
    }

    /// Whether the repository is configured as bare, so that nobody works in it.
    pub fn is_bare(&self) -> bool {
        let config = self.inner.config().and_then(|config| config.get_bool("core.bare"));
        config.unwrap_or(false)
    }

    /// Returns the commit with this whole id, or `None` if the text is something else.
    pub fn commit_with_id(&self, text: &str) -> Option<Oid> {
        let id = Oid::from_str(text).ok().filter(|id| id.to_string() == text)?;
        self.inner.find_commit(id).ok().map(|commit| commit.id())
    }

    /// Returns the refs with a prefix and the commits that they point to, sorted by name.
    ///
    /// # Errors
    /// When the refs can't be listed.
    pub fn refs(&self, prefix: &str) -> anyhow::Result<Vec<(String, Oid)>> {
        let mut refs = Vec::new();
        let failed = "cannot list the refs";
        for reference in self.inner.references_glob(&format!("{prefix}*")).context(failed)? {
            let reference = reference.context(failed)?;
            if let (Ok(name), Ok(commit)) = (reference.name(), reference.peel_to_commit()) {
                refs.push((name.to_owned(), commit.id()));
            }
        }
        refs.sort();
        Ok(refs)
    }

    /// Reads a commit.
    ///
    /// # Errors
    /// When there is no such commit.
    pub fn commit(&self, id: Oid) -> anyhow::Result<Commit> {
        let commit =
            self.inner.find_commit(id).with_context(|| format!("cannot read commit {id}"))?;
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

    /// Returns the bytes of a commit, which its id is the digest of.
    ///
    /// # Errors
    /// When there is no such commit.
    pub fn commit_bytes(&self, id: Oid) -> anyhow::Result<Vec<u8>> {
        let object = self.inner.odb().and_then(|objects| Ok(objects.read(id)?.data().to_vec()));
        object.with_context(|| format!("cannot read commit {id}"))
    }

    /// Returns the commits reachable from `head` but not from `base`, newest first.
    ///
    /// # Errors
    /// When the history can't be read.
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
        walk().with_context(|| format!("cannot read the history of {head}"))
    }

    /// Returns the best common ancestor of two commits, or `None` if they have none.
    ///
    /// # Errors
    /// When the history can't be read.
    pub fn merge_base(&self, one: Oid, other: Oid) -> anyhow::Result<Option<Oid>> {
        match self.inner.merge_base(one, other) {
            Ok(base) => Ok(Some(base)),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error).context("cannot find the merge base"),
        }
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
    /// Returns the first line of the message.
    pub fn title(&self) -> &str {
        self.message.lines().next().unwrap_or_default()
    }
}

/// Refuses a repository in which Git shows another history than the objects hold.
fn refuse_altered_history(git_dir: &Path) -> anyhow::Result<()> {
    let holds_lines = |name: &str| {
        std::fs::read(git_dir.join(name))
            .is_ok_and(|bytes| bytes.iter().any(|byte| !byte.is_ascii_whitespace()))
    };
    if holds_lines("info/grafts") {
        bail!(
            "{} has grafts, which make Git show another history than was recorded: remove its file \
             info/grafts",
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

/// Refuses a repository that fetches objects only when they are needed.
fn refuse_partial(repository: &Repository) -> anyhow::Result<()> {
    let failed = "cannot read the repository's configuration";
    let config = repository.config().context(failed)?;
    let mut promisors = config.entries(Some(r"^remote\..*\.promisor$")).context(failed)?;
    if promisors.next().is_some() {
        bail!(
            "{} is a partial clone, in which objects are missing: clone it again without --filter",
            repository.path().display()
        );
    }
    Ok(())
}

/// Returns the error about a repository that can't be opened, with what to do if that is known.
fn refused(path: &Path, error: &git2::Error) -> anyhow::Error {
    let mut text = format!("the repository at {} can't be used: ", path.display());
    let message = error.message();
    let known = match error.code() {
        ErrorCode::NotFound => Some("there is no repository"),
        _ if message.contains("partialclone") => Some(
            "it is a partial clone, in which objects are missing: clone it again without --filter",
        ),
        _ if message.contains("reftable") || message.contains("refstorage") => {
            Some("it keeps its refs as a reftable, which isn't supported: use the files format")
        }
        _ if message.contains("objectformat") || message.contains("object format") => {
            Some("its object ids are SHA-256, which isn't supported: use the SHA-1 format")
        }
        _ => None,
    };
    let _ = write!(text, "{}", known.unwrap_or(message));
    anyhow::anyhow!(text)
}
