//! What differs between two commits, and what a merge changes.

use std::cmp::Ordering;
use std::iter::Peekable;

use anyhow::Context as _;
use git2::{ObjectType, Tree, TreeEntry};

use super::{Entry, Kind, Oid, Repo};

/// A file that differs between two trees; a rename is a deletion and an addition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileChange {
    /// The path, with `/` between its parts; bytes that aren't UTF-8 are replaced.
    pub path: String,
    /// The entry before; `None` if the file is new.
    pub before: Option<Entry>,
    /// The entry after; `None` if the file is deleted.
    pub after: Option<Entry>,
}

impl Repo {
    /// Returns the files that differ between two commits, sorted by path.
    ///
    /// # Errors
    /// When the trees can't be read.
    pub fn changes(&self, before: Option<Oid>, after: Oid) -> anyhow::Result<Vec<FileChange>> {
        let old = before.map(|commit| self.tree(commit)).transpose()?.map(|tree| tree.id());
        let mut changes = Vec::new();
        let mut folders = vec![(String::new(), old, Some(self.tree(after)?.id()))];
        while let Some((folder, old, new)) = folders.pop() {
            let tree = |id: Option<Oid>| id.map(|id| self.inner.find_tree(id)).transpose();
            let trees = || Ok::<_, git2::Error>((tree(old)?, tree(new)?));
            let (old, new) = trees().with_context(|| format!("cannot compare with {after}"))?;
            for change in compare(old.as_ref(), new.as_ref(), &folder) {
                match change.before.or(change.after) {
                    Some(entry) if entry.kind == Kind::Folder => {
                        let id = |entry: Option<Entry>| entry.map(|entry| entry.id);
                        folders.push((change.path + "/", id(change.before), id(change.after)));
                    }
                    _ => changes.push(change),
                }
            }
        }
        changes.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(changes)
    }

    /// Returns what differs between two commits as Git shows it: the files with the numbers of their
    /// changed lines, then the patch. All content is taken for text, so that nothing stays hidden.
    ///
    /// # Errors
    /// When the trees can't be read.
    pub fn patch(&self, before: Oid, after: Oid) -> anyhow::Result<String> {
        let (old, new) = (self.tree(before)?, self.tree(after)?);
        let mut options = whole();
        options.force_text(true);
        let mut print = || -> Result<String, git2::Error> {
            let diff = self.inner.diff_tree_to_tree(Some(&old), Some(&new), Some(&mut options))?;
            let stats = diff.stats()?.to_buf(git2::DiffStatsFormat::FULL, 80)?;
            let mut text = String::from_utf8_lossy(&stats).into_owned() + "\n";
            diff.print(git2::DiffFormat::Patch, |_, _, line| {
                text.extend(Some(line.origin()).filter(|origin| "+- ".contains(*origin)));
                text += &String::from_utf8_lossy(line.content());
                true
            })?;
            Ok(text)
        };
        print().with_context(|| format!("cannot compare {before} with {after}"))
    }

    /// Returns the files that Git's merge of `head` into `base` changes there.
    ///
    /// `None` if it isn't a simple merge: because of a conflict, or because the two have no common
    /// ancestor or several best ones.
    ///
    /// # Errors
    /// When the trees or the history can't be read.
    pub fn merge_changes(&self, base: Oid, head: Oid) -> anyhow::Result<Option<Vec<FileChange>>> {
        let ancestors = self.inner.merge_bases(base, head);
        let ancestors = match &ancestors {
            Ok(ancestors) => &ancestors[..],
            Err(error) if error.code() == git2::ErrorCode::NotFound => &[],
            Err(_) => return ancestors.context("cannot find the merge base").map(|_| None),
        };
        match ancestors {
            [ancestor] if *ancestor == base => return self.changes(Some(base), head).map(Some),
            [_] => {}
            _ => return Ok(None),
        }
        let merge = || -> Result<_, git2::Error> {
            let (ours, theirs) = (self.inner.find_commit(base)?, self.inner.find_commit(head)?);
            let index = self.inner.merge_commits(&ours, &theirs, None)?;
            if index.has_conflicts() {
                return Ok(None);
            }
            let (tree, mut whole) = (ours.tree()?, whole());
            let diff =
                self.inner.diff_tree_to_index(Some(&tree), Some(&index), Some(&mut whole))?;
            Ok(Some(file_changes(&diff)))
        };
        merge().with_context(|| format!("cannot merge {head} into {base}"))
    }
}

/// Returns the entries that differ between two trees, folders among them. Where there are thousands, this takes a
/// fraction of the time of libgit2's own comparison.
fn compare(old: Option<&Tree<'_>>, new: Option<&Tree<'_>>, folder: &str) -> Vec<FileChange> {
    let (mut old, mut new) = (entries(old), entries(new));
    let mut changes = Vec::new();
    loop {
        let order = match (old.peek(), new.peek()) {
            (None, None) => return changes,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(old), Some(new)) => order(old, new),
        };
        let old = old.next_if(|_| order != Ordering::Greater);
        let new = new.next_if(|_| order != Ordering::Less);
        let entry = |it: &TreeEntry<'_>| Entry::of(it.filemode(), it.id());
        let (before, after) = (old.as_ref().map(entry), new.as_ref().map(entry));
        if let (true, Some(it)) = (before != after, old.as_ref().or(new.as_ref())) {
            let path = format!("{folder}{}", String::from_utf8_lossy(it.name_bytes()));
            changes.push(FileChange { path, before, after });
        }
    }
}

fn entries<'t>(tree: Option<&'t Tree<'_>>) -> Peekable<impl Iterator<Item = TreeEntry<'t>>> {
    tree.into_iter().flat_map(|tree| tree.iter()).peekable()
}

/// Returns the order of two entries of trees: by name, a folder as if its name ended with a slash.
fn order(one: &TreeEntry<'_>, other: &TreeEntry<'_>) -> Ordering {
    let (ours, theirs) = (one.name_bytes(), other.name_bytes());
    if ours == theirs && one.kind() == other.kind() {
        return Ordering::Equal;
    }
    let end = |it: &TreeEntry<'_>| (it.kind() == Some(ObjectType::Tree)).then_some(b'/');
    let ours = ours.iter().copied().chain(end(one));
    ours.cmp(theirs.iter().copied().chain(end(other)))
}

/// Returns options for a diff with every difference, also of kinds and submodules.
fn whole() -> git2::DiffOptions {
    let mut options = git2::DiffOptions::new();
    options.include_typechange(true).ignore_submodules(false);
    options
}

/// Returns the files that differ, sorted by path.
fn file_changes(diff: &git2::Diff<'_>) -> Vec<FileChange> {
    let side = |file: git2::DiffFile<'_>| {
        (file.id() != Oid::ZERO_SHA1).then(|| Entry::of(file.mode().into(), file.id()))
    };
    let changes = diff.deltas().map(|delta| {
        let (old, new) = (delta.old_file(), delta.new_file());
        let path = new.path_bytes().or(old.path_bytes()).unwrap_or_default();
        FileChange {
            path: String::from_utf8_lossy(path).into_owned(),
            before: side(old),
            after: side(new),
        }
    });
    let mut changes: Vec<_> = changes.collect();
    changes.sort_by(|one, other| one.path.cmp(&other.path));
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_what_libgit2_finds() {
        let repo = Repo::in_memory().unwrap();
        let blob = |text: &str| repo.store(text.as_bytes()).unwrap();
        let kinds = [Kind::File, Kind::Executable, Kind::Link];
        let stored = |files: &[(&str, usize)]| {
            let entry = |seed: usize| Entry { kind: kinds[seed % 3], id: blob(&seed.to_string()) };
            let files = files.iter().map(|(path, seed)| (*path, Some(entry(*seed))));
            repo.store_tree(None, files).unwrap()
        };
        let trees = [
            &[][..],
            &[("a", 3), ("a.b", 3), ("a0", 3), ("b/1", 3), ("b/2", 3)],
            // Another content, another kind, and both.
            &[("a", 6), ("a.b", 4), ("a0", 8), ("b/1", 3), ("b/2", 3)],
            // Folders in place of files, and files in place of folders.
            &[("a/1", 3), ("a/2/3", 3), ("a.b", 3), ("a0", 3), ("b", 3)],
            &[("a.b", 3), ("a/x", 3), ("b/1/2/3", 3), ("b/2", 3)],
            &[("0", 3), ("b/0", 3), ("b/1", 3), ("b/3", 3), ("z/z", 3)],
        ];
        let trees = trees.map(stored);
        for (before, after) in
            trees.iter().flat_map(|one| trees.iter().map(move |other| (one, other)))
        {
            let find = |id: &Oid| repo.inner.find_tree(*id).unwrap();
            let diff = repo
                .inner
                .diff_tree_to_tree(Some(&find(before)), Some(&find(after)), Some(&mut whole()))
                .unwrap();
            let found = repo.changes(Some(*before), *after).unwrap();
            assert_eq!(found, file_changes(&diff));
            assert_eq!(found.is_empty(), before == after);
        }
    }
}
