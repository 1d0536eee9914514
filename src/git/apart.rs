//! Objects outside of any repository, and repositories beside one.

use std::cell::RefCell;

use anyhow::Context as _;
use git2::{ObjectType, Odb, Repository};
use tempfile::TempDir;

use super::{Oid, Program, Repo};

impl Repo {
    /// Makes a repository in memory that holds only what is stored in it.
    ///
    /// # Errors
    /// When libgit2 can't make it.
    pub fn in_memory() -> anyhow::Result<Self> {
        let make = || -> Result<Repository, git2::Error> {
            let objects = Odb::new()?;
            objects.add_new_mempack_backend(1)?;
            Repository::from_odb(objects)
        };
        let inner = make().context("cannot make a repository in memory")?;
        Ok(Repo { inner, added: RefCell::default(), ancestry: RefCell::default() })
    }

    /// Makes a bare repository in a temporary folder, which reads the objects of this one, too, and has
    /// nothing of its configuration.
    ///
    /// # Errors
    /// When it can't be made.
    pub fn aside(&self) -> anyhow::Result<TempDir> {
        let folder = tempfile::tempdir().context("make a folder for the ledger")?;
        let git = Program::in_folder(folder.path());
        git.run(&["init", "--quiet", "--bare"]).context("make a repository for the ledger")?;
        let objects = self.folder().join("objects");
        let alternates = folder.path().join("objects/info/alternates");
        std::fs::write(&alternates, format!("{}\n", objects.display()))
            .with_context(|| format!("write {}", alternates.display()))?;
        Ok(folder)
    }

    /// Stores a commit with these bytes, and returns its id. What it names need not be there.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn store_commit(&self, bytes: &[u8]) -> anyhow::Result<Oid> {
        self.store_raw(ObjectType::Commit, bytes)
    }

    /// Stores a folder with these bytes, and returns its id. What it names need not be there.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn store_folder(&self, bytes: &[u8]) -> anyhow::Result<Oid> {
        self.store_raw(ObjectType::Tree, bytes)
    }

    fn store_raw(&self, kind: ObjectType, bytes: &[u8]) -> anyhow::Result<Oid> {
        let id = self.inner.odb().and_then(|objects| objects.write(kind, bytes));
        id.context("cannot write to the repository")
    }

    /// Returns the bytes of the top folder of a commit, which its id is the digest of.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn folder_bytes(&self, commit: Oid) -> anyhow::Result<Vec<u8>> {
        self.commit_bytes(self.commit(commit)?.tree)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::{Entry, commit_id};

    #[test]
    fn a_repository_in_memory_holds_what_is_stored_in_it() {
        let repo = Repo::in_memory().unwrap();
        let file = repo.store(b"content\n").unwrap();
        let tree = repo.store_tree(None, [("a/b", Some(Entry::file(file)))]).unwrap();
        let bytes = format!("tree {tree}\nauthor a <a> 1 +0000\ncommitter a <a> 1 +0000\n\nx\n");
        let commit = repo.store_commit(bytes.as_bytes()).unwrap();
        assert_eq!(commit, commit_id(bytes.as_bytes()));
        assert_eq!(repo.entry(commit, "a/b").unwrap(), Some(Entry::file(file)));
        assert_eq!(repo.bytes(file).unwrap(), b"content\n");
        let folder = repo.folder_bytes(commit).unwrap();
        assert_eq!(Repo::in_memory().unwrap().store_folder(&folder).unwrap(), tree);
        assert!(Repo::in_memory().unwrap().commit(commit).is_err());
    }
}
