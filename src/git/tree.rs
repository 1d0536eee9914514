//! Trees: reads files with their modes, and makes new trees from old ones.

use std::collections::BTreeMap;

use anyhow::Context as _;
use git2::{FileMode, ObjectType, Tree, TreeWalkMode, TreeWalkResult};

use super::{Oid, Repo};

/// The modes of a regular file and of a folder.
const FILE: i32 = 0o100644;
const FOLDER: i32 = 0o040000;

/// An entry of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The kind of the entry.
    pub kind: Kind,
    /// The id of its content.
    pub id: Oid,
}

/// The kind of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file (mode 100644).
    File,
    /// An executable file (mode 100755).
    Executable,
    /// A symbolic link.
    Link,
    /// A submodule: a commit of another repository.
    Submodule,
    /// A folder.
    Folder,
}

impl Repo {
    /// Returns the entry at a path of a commit, or `None` if there is none.
    ///
    /// # Errors
    /// When the commit's trees can't be read.
    pub fn entry(&self, commit: Oid, path: &str) -> anyhow::Result<Option<Entry>> {
        let tree = self.tree(commit)?;
        match tree.get_path(std::path::Path::new(path)) {
            Ok(entry) => Ok(Some(Entry::of(entry.filemode(), entry.id()))),
            Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {path} at {commit}")),
        }
    }

    /// Returns the entries at the top of a commit's tree with the names that are wanted.
    ///
    /// # Errors
    /// When the commit's tree can't be read.
    pub fn top_entries(
        &self,
        commit: Oid,
        is_wanted: impl Fn(&str) -> bool,
    ) -> anyhow::Result<Vec<(String, Oid)>> {
        let tree = self.tree(commit)?;
        let named = tree
            .iter()
            .map(|entry| (String::from_utf8_lossy(entry.name_bytes()).into_owned(), entry.id()));
        Ok(named.filter(|(name, _)| is_wanted(name)).collect())
    }

    /// Returns all entries at the top of a commit's tree, in Git's order.
    ///
    /// # Errors
    /// When the commit's tree can't be read.
    pub fn top_files(&self, commit: Oid) -> anyhow::Result<Vec<(String, Entry)>> {
        let tree = self.tree(commit)?;
        let named = tree.iter().map(|entry| {
            let name = String::from_utf8_lossy(entry.name_bytes()).into_owned();
            (name, Entry::of(entry.filemode_raw(), entry.id()))
        });
        Ok(named.collect())
    }

    /// Returns the content of a file, in bytes.
    ///
    /// # Errors
    /// When the content is missing.
    pub fn bytes(&self, id: Oid) -> anyhow::Result<Vec<u8>> {
        let blob = self.inner.find_blob(id).with_context(|| format!("cannot read blob {id}"))?;
        Ok(blob.content().to_vec())
    }

    /// Returns the size of a file in bytes, without reading its content.
    ///
    /// # Errors
    /// When the content is missing.
    pub fn size(&self, id: Oid) -> anyhow::Result<usize> {
        let header = self.inner.odb().and_then(|odb| odb.read_header(id));
        Ok(header.with_context(|| format!("cannot read blob {id}"))?.0)
    }

    /// Returns all files below a folder of a commit, with their full paths.
    ///
    /// # Errors
    /// When the commit's trees can't be read.
    pub fn files_below(&self, commit: Oid, folder: &str) -> anyhow::Result<Vec<(String, Entry)>> {
        let tree = self.tree(commit)?;
        let Ok(entry) = tree.get_path(std::path::Path::new(folder)) else {
            return Ok(Vec::new());
        };
        if entry.kind() != Some(ObjectType::Tree) {
            return Ok(vec![(folder.to_owned(), Entry::of(entry.filemode(), entry.id()))]);
        }
        let below = self.inner.find_tree(entry.id());
        let below = below.with_context(|| format!("cannot read {folder} at {commit}"))?;
        let mut files = Vec::new();
        below
            .walk(TreeWalkMode::PreOrder, |parent, entry| {
                if entry.kind() != Some(ObjectType::Tree) {
                    let name = String::from_utf8_lossy(entry.name_bytes());
                    let path = format!("{folder}/{parent}{name}");
                    files.push((path, Entry::of(entry.filemode(), entry.id())));
                }
                TreeWalkResult::Ok
            })
            .with_context(|| format!("cannot list {folder} at {commit}"))?;
        Ok(files)
    }

    /// Stores content, and returns its id.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn store(&self, bytes: &[u8]) -> anyhow::Result<Oid> {
        self.inner.blob(bytes).context("cannot write to the repository")
    }

    /// Stores the tree of a commit, or an empty one, with some files replaced, added or removed.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn store_tree<'a>(
        &self,
        commit: Option<Oid>,
        files: impl IntoIterator<Item = (&'a str, Option<Entry>)>,
    ) -> anyhow::Result<Oid> {
        let store = || -> Result<Oid, git2::Error> {
            let baseline = match commit {
                Some(commit) => self.inner.find_commit(commit)?.tree()?,
                None => self.inner.find_tree(self.inner.treebuilder(None)?.write()?)?,
            };
            let mut update = git2::build::TreeUpdateBuilder::new();
            for (path, entry) in files {
                match entry {
                    Some(entry) => update.upsert(path, entry.id, entry.kind.mode()),
                    None => update.remove(path),
                };
            }
            update.create_updated(&self.inner, &baseline)
        };
        store().context("cannot write to the repository")
    }

    /// Returns the id of a commit's tree with these regular files in it; nothing is written.
    ///
    /// # Errors
    /// When the commit's trees can't be read.
    pub fn tree_with(&self, commit: Oid, files: &[(&str, Oid)]) -> anyhow::Result<Oid> {
        self.folder_with(Some(self.tree(commit)?.id()), files)
    }

    /// Returns the id of a tree, or of a new one, with these files in it.
    fn folder_with(&self, tree: Option<Oid>, files: &[(&str, Oid)]) -> anyhow::Result<Oid> {
        let tree = tree.map(|tree| self.inner.find_tree(tree)).transpose()?;
        let known = |name: &str| tree.as_ref().and_then(|tree| tree.get_name(name));
        let mut below: BTreeMap<&str, Vec<(&str, Oid)>> = BTreeMap::new();
        let mut own = BTreeMap::new();
        for (path, id) in files {
            match path.split_once('/') {
                Some((folder, rest)) => below.entry(folder).or_default().push((rest, *id)),
                None => drop(own.insert(path.as_bytes(), (FILE, *id))),
            }
        }
        for (folder, files) in below {
            let known = known(folder).filter(|entry| entry.kind() == Some(ObjectType::Tree));
            let id = self.folder_with(known.map(|entry| entry.id()), &files)?;
            own.insert(folder.as_bytes(), (FOLDER, id));
        }
        // Git sorts a folder as if its name ended with a slash.
        let key = |name: &[u8], mode| [name, if mode == FOLDER { b"/" } else { b"" }].concat();
        let is_there = |(name, (mode, _)): &(&&[u8], &(i32, Oid))| {
            let name = std::str::from_utf8(name).unwrap_or_default();
            known(name).is_some_and(|entry| entry.filemode_raw() == *mode)
        };
        let new = own.iter().filter(|it| !is_there(it));
        let mut new: Vec<_> = new.map(|(name, it)| (key(name, it.0), *name, *it)).collect();
        new.sort_unstable_by(|one, other| other.0.cmp(&one.0));
        let mut bytes = Vec::new();
        let mut put = |name: &[u8], (mode, id): (i32, Oid)| {
            bytes.extend_from_slice(format!("{mode:o} ").as_bytes());
            bytes.extend_from_slice(name);
            bytes.push(0);
            bytes.extend_from_slice(id.as_bytes());
        };
        for entry in tree.iter().flat_map(|tree| tree.iter()) {
            let (name, mode) = (entry.name_bytes(), entry.filemode_raw());
            while let Some((_, name, it)) = new.pop_if(|it| it.0 < key(name, mode)) {
                put(name, it);
            }
            match own.get(name) {
                None => put(name, (mode, entry.id())),
                Some(it) if it.0 == mode => put(name, *it),
                Some(_) => {}
            }
        }
        new.into_iter().rev().for_each(|(_, name, it)| put(name, it));
        Ok(Oid::hash_object(ObjectType::Tree, &bytes)?)
    }

    /// Returns the tree of a commit, or the tree with this id.
    pub(super) fn tree(&self, id: Oid) -> anyhow::Result<Tree<'_>> {
        self.inner
            .find_object(id, None)
            .and_then(|object| object.peel_to_tree())
            .with_context(|| format!("cannot read the files at {id}"))
    }
}

impl Entry {
    /// Makes the entry of a regular file with this content.
    pub fn file(id: Oid) -> Self {
        Entry { kind: Kind::File, id }
    }

    pub(super) fn of(mode: i32, id: Oid) -> Self {
        let kind = match mode {
            0o120000 => Kind::Link,
            0o160000 => Kind::Submodule,
            FOLDER => Kind::Folder,
            mode if mode & 0o111 != 0 => Kind::Executable,
            _ => Kind::File,
        };
        Entry { kind, id }
    }
}

impl Kind {
    fn mode(self) -> FileMode {
        match self {
            Kind::File => FileMode::Blob,
            Kind::Executable => FileMode::BlobExecutable,
            Kind::Link => FileMode::Link,
            Kind::Submodule => FileMode::Commit,
            Kind::Folder => FileMode::Tree,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_tree_is_known_before_it_is_written() {
        let repo = Repo::in_memory().unwrap();
        let blob = |text: &str| repo.store(text.as_bytes()).unwrap();
        let stored = |files: &[(&str, &str)]| {
            let files: BTreeMap<_, _> = files.iter().copied().collect();
            let files = files.into_iter().map(|(path, text)| (path, Some(Entry::file(blob(text)))));
            repo.store_tree(None, files.collect::<Vec<_>>()).unwrap()
        };
        let old = [("a/b/1", "1"), ("a/b/2", "2"), ("a-c", "3"), ("a.d/x", "4"), ("state", "5")];
        let before = stored(&old);
        for new in [
            &[("state", "6")][..],
            &[("a/b/1", "6"), ("state", "7")],
            &[("a/b/3", "6"), ("state", "7")],
            &[("a/a/1", "6"), ("a/c/1", "6")],
            &[("a,", "6"), ("a0/1", "7")],
            &[("0", "6"), ("z", "7"), ("aa/b/c", "8")],
            &[("state", "5")],
        ] {
            let ids: Vec<_> = new.iter().map(|(path, text)| (*path, blob(text))).collect();
            let expected = stored(&[&old[..], new].concat());
            assert_eq!(repo.tree_with(before, &ids).unwrap(), expected, "{new:?}");
        }
        // A file in place of a folder, and a folder in place of a file.
        let other = [("a/b/1", "1"), ("a/b/2", "2"), ("a-c/1", "6"), ("a.d", "7"), ("state", "5")];
        let ids = [("a-c/1", blob("6")), ("a.d", blob("7"))];
        assert_eq!(repo.tree_with(before, &ids).unwrap(), stored(&other));
    }
}
