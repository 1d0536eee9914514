//! Where a verb works: the repository around the named files or the current folder, or no
//! repository at all.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, bail};

use changegate::core::layout::POLICIES;
use changegate::git;
use changegate::report::page::shown;

/// A work tree, or the current folder outside any repository.
#[derive(Debug, Default)]
pub struct Place {
    /// The path from the current folder to the top.
    top: PathBuf,
    /// The path from the top to the current folder, if it is below.
    within: PathBuf,
    /// The top's own path, in a repository.
    work_tree: Option<PathBuf>,
}

impl Place {
    /// Finds the repository around the named files and folders; without any, that around the
    /// current folder.
    ///
    /// # Errors
    /// If the paths are in different repositories, or in one without files.
    pub fn around<'p>(named: impl IntoIterator<Item = &'p Path>) -> anyhow::Result<Self> {
        let folders: BTreeSet<_> = named.into_iter().map(folder_of).collect();
        let found = if folders.is_empty() {
            BTreeSet::from([git::work_tree_around(Path::new("."))?])
        } else {
            let around = folders.iter().map(|folder| git::work_tree_around(folder));
            around.collect::<anyhow::Result<_>>()?
        };
        let mut found = found.into_iter();
        match (found.next().flatten(), found.next()) {
            (None, None) => Ok(Place::default()),
            (Some(work_tree), None) => Place::at(work_tree),
            (first, second) => {
                let one = |tree: Option<PathBuf>| match tree {
                    Some(tree) => tree.display().to_string(),
                    None => "no repository".to_owned(),
                };
                bail!(
                    "the files are in different places, {} and {}: name those of one repository",
                    one(first),
                    one(second.flatten())
                )
            }
        }
    }

    fn at(work_tree: PathBuf) -> anyhow::Result<Self> {
        let current = std::env::current_dir().context("find the current folder")?;
        let current = current.canonicalize().context("find the current folder")?;
        let within = current.strip_prefix(&work_tree).ok().map(Path::to_path_buf);
        let top = match (&within, work_tree.strip_prefix(&current)) {
            (Some(within), _) => within.components().map(|_| "..").collect(),
            (None, Ok(below)) => below.to_path_buf(),
            (None, Err(_)) => work_tree.clone(),
        };
        Ok(Place { top, within: within.unwrap_or_default(), work_tree: Some(work_tree) })
    }

    /// Returns the top of the repository's work tree; `None` outside any.
    pub fn work_tree(&self) -> Option<&Path> {
        self.work_tree.as_deref()
    }

    /// Whether this is a repository that the current folder isn't in.
    pub fn is_elsewhere(&self) -> bool {
        let current = std::env::current_dir().and_then(|current| current.canonicalize());
        let work_tree = self.work_tree.as_ref();
        work_tree.is_some_and(|top| !current.is_ok_and(|current| current.starts_with(top)))
    }

    /// Returns the path from the current folder to the top; empty if that is here.
    pub fn top(&self) -> &Path {
        &self.top
    }

    /// Returns where a file of the repository is, seen from the current folder.
    pub fn file(&self, name: impl AsRef<Path>) -> PathBuf {
        self.top.join(name)
    }

    /// Returns the name of a file within the repository; outside any, its path.
    pub fn name(&self, path: &Path) -> String {
        let Some(work_tree) = &self.work_tree else { return shown(path) };
        let mut name = PathBuf::new();
        let from_top = match path.strip_prefix(&self.top) {
            Ok(below) if !path.is_absolute() => below.to_path_buf(),
            _ => self.within.join(path),
        };
        for part in from_top.components() {
            match part {
                Component::CurDir => {}
                Component::ParentDir => drop(name.pop()),
                part => name.push(part),
            }
        }
        shown(name.strip_prefix(work_tree).unwrap_or(&name))
    }

    /// Returns the folder of the policies; `None` for the shipped ones, outside any repository.
    ///
    /// # Errors
    /// If the repository has none.
    pub fn policies(&self) -> anyhow::Result<Option<PathBuf>> {
        let folder = self.file(POLICIES);
        if folder.is_symlink() {
            bail!("{} is a link: replace it with the folder itself", folder.display());
        }
        match &self.work_tree {
            _ if folder.is_dir() => Ok(Some(folder)),
            None => Ok(None),
            Some(work_tree) => bail!(
                "{} has no folder {POLICIES}/, so nothing can be decided: add it with `changegate \
                 init`; `git sparse-checkout add {POLICIES}` brings it if it is only not checked \
                 out; `--policies shipped` takes the shipped samples",
                work_tree.display()
            ),
        }
    }
}

/// Returns the folder that a path is in, or the path itself if it is a folder; of what doesn't exist,
/// the nearest folder that does.
fn folder_of(path: &Path) -> PathBuf {
    let folder = path.ancestors().find(|folder| folder.is_dir());
    folder.map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}
