//! What `init` does to files: compared, settled, then written one by one.
//!
//! ```text
//! items ── Plan::of ──▶ each new, unchanged, or different ── settle ──▶ to write or to keep ── carry_out
//! ```
//!
//! Nothing is written before everything is settled. A file is written beside its destination and
//! then renamed, so that nobody ever sees an incomplete one.

use std::fs::{self, Permissions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::section;

/// A file that a folder should contain.
pub struct Item {
    /// The path below the folder, with `/` between its parts.
    pub path: String,
    /// The content that it should have.
    pub wanted: Wanted,
}

/// The content that a file should have.
pub enum Wanted {
    /// These bytes.
    File(Vec<u8>),
    /// These bytes, executable.
    Program(Vec<u8>),
    /// These bytes, unless the file already exists.
    Once(Vec<u8>),
    /// A README with our section; the title is for a new README.
    Section { title: String, text: &'static str },
}

/// What happens to a file.
#[derive(Debug, PartialEq)]
pub enum Fate {
    /// It already has this content.
    Unchanged,
    /// It will be written.
    Write,
    /// It has other content, and would be overwritten.
    Differs,
    /// It will be removed.
    Remove,
    /// It stays as it is, for this reason.
    Keep(String),
}

/// A file and what happens to it.
pub struct FilePlan {
    /// The path below the folder.
    pub path: String,
    /// The content that it should have.
    pub bytes: Vec<u8>,
    /// What happens to it.
    pub fate: Fate,
    is_program: bool,
    is_there: bool,
}

/// What happens to the files of a folder.
pub struct Plan {
    /// The folder.
    pub root: PathBuf,
    /// Its files, in the order in which they are written.
    pub steps: Vec<FilePlan>,
}

impl Plan {
    /// Compares what a folder should contain with what it contains.
    ///
    /// # Errors
    /// If something can't be read, or is in the way.
    pub fn of(root: &Path, items: Vec<Item>) -> anyhow::Result<Self> {
        let steps = items.into_iter().map(|item| {
            let path = item.path.clone();
            step(root, item).with_context(|| format!("look at {}", root.join(path).display()))
        });
        Ok(Plan { root: root.to_owned(), steps: steps.collect::<Result<_, _>>()? })
    }

    /// Decides about every file that would be overwritten.
    ///
    /// # Errors
    /// If nobody can be asked.
    pub fn settle(
        &mut self,
        mut decide: impl FnMut(&Path, &FilePlan) -> anyhow::Result<Fate>,
    ) -> anyhow::Result<()> {
        for step in self.steps.iter_mut().filter(|step| step.fate == Fate::Differs) {
            step.fate = decide(&self.root, step)?;
        }
        Ok(())
    }

    /// Adds a file.
    ///
    /// # Errors
    /// As [`Plan::of`].
    pub fn add(&mut self, item: Item) -> anyhow::Result<()> {
        self.steps.extend(Plan::of(&self.root, vec![item])?.steps);
        Ok(())
    }

    /// Adds the removal of a file that is there.
    pub fn remove(&mut self, path: &str) {
        self.steps.push(FilePlan {
            path: path.to_owned(),
            bytes: Vec::new(),
            fate: Fate::Remove,
            is_program: false,
            is_there: true,
        });
    }

    /// Writes the files that are to be written, and removes those that are to be removed.
    ///
    /// # Errors
    /// At the first file that can't be written; running the verb again completes the rest.
    pub fn carry_out(&self) -> anyhow::Result<()> {
        for step in self.steps.iter().filter(|step| step.fate == Fate::Write) {
            let path = self.root.join(&step.path);
            write(&path, step).with_context(|| format!("write {}", path.display()))?;
        }
        for path in self.paths(&Fate::Remove).into_iter().map(|path| self.root.join(path)) {
            fs::remove_file(&path).with_context(|| format!("remove {}", path.display()))?;
        }
        Ok(())
    }

    /// Returns the paths of the files with this fate.
    pub fn paths(&self, fate: &Fate) -> Vec<&str> {
        let steps = self.steps.iter().filter(|step| step.fate == *fate);
        steps.map(|step| step.path.as_str()).collect()
    }

    /// Returns the files that stay as they are although they should change, with the reason.
    pub fn kept(&self) -> impl Iterator<Item = (&str, &str)> {
        self.steps.iter().filter_map(|step| match &step.fate {
            Fate::Keep(why) => Some((step.path.as_str(), why.as_str())),
            _ => None,
        })
    }
}

fn step(root: &Path, item: Item) -> anyhow::Result<FilePlan> {
    refuse_links_on_the_way(root, &item.path)?;
    let path = root.join(&item.path);
    let existing = match path.symlink_metadata() {
        Ok(found) if found.is_dir() => bail!("there is a folder of that name"),
        Ok(found) if found.is_file() => Some(Some(fs::read(&path)?)),
        Ok(_) => Some(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error.into()),
    };
    let is_program = matches!(item.wanted, Wanted::Program(_));
    let (bytes, fate) = match (item.wanted, &existing) {
        (Wanted::Section { title, text }, None) => {
            (section::alone(&title, text).into_bytes(), Fate::Write)
        }
        (Wanted::Section { text, .. }, Some(Some(readme))) => with_section(readme, text),
        (Wanted::Section { .. }, Some(None)) => {
            (Vec::new(), Fate::Keep("is a symbolic link or a special file".to_owned()))
        }
        (Wanted::File(bytes) | Wanted::Program(bytes) | Wanted::Once(bytes), None) => {
            (bytes, Fate::Write)
        }
        (Wanted::Once(bytes), Some(_)) => (bytes, Fate::Unchanged),
        (Wanted::File(bytes) | Wanted::Program(bytes), Some(found)) => {
            let is_same = found.as_ref().is_some_and(|found| is_same_text(found, &bytes));
            let fate = match is_same {
                true if is_program && !is_runnable(&path)? => Fate::Write,
                true => Fate::Unchanged,
                false => Fate::Differs,
            };
            (bytes, fate)
        }
    };
    Ok(FilePlan { path: item.path, bytes, fate, is_program, is_there: existing.is_some() })
}

fn with_section(readme: &[u8], section: &str) -> (Vec<u8>, Fate) {
    let put = match std::str::from_utf8(readme) {
        Ok(text) => section::put_into(text, section),
        Err(_) => Err("isn't UTF-8 text".to_owned()),
    };
    match put {
        Ok(text) if text.as_bytes() == readme => (text.into_bytes(), Fate::Unchanged),
        Ok(text) => (text.into_bytes(), Fate::Write),
        Err(why) => (Vec::new(), Fate::Keep(why)),
    }
}

/// Returns whether two texts differ at most in their line breaks, which a checkout may convert.
fn is_same_text(one: &[u8], other: &[u8]) -> bool {
    let lines = |text: &[u8]| -> Vec<Vec<u8>> {
        let line = |line: &[u8]| line.strip_suffix(b"\r").unwrap_or(line).to_vec();
        text.split(|byte| *byte == b'\n').map(line).collect()
    };
    one == other || lines(one) == lines(other)
}

/// Refuses a path below a link: the file would be written outside the repository.
fn refuse_links_on_the_way(root: &Path, path: &str) -> anyhow::Result<()> {
    let mut folder = root.to_owned();
    let parts: Vec<_> = path.split('/').collect();
    for part in &parts[..parts.len() - 1] {
        folder.push(part);
        match folder.symlink_metadata() {
            Ok(found) if found.is_dir() => {}
            Ok(_) => bail!("{} is in the way: it is not a folder", folder.display()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn write(path: &Path, step: &FilePlan) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".changegate-");
    if let Some(permissions) = permissions(step.is_program) {
        builder.permissions(permissions);
    }
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(&step.bytes)?;
    if !step.is_there {
        // A file that has appeared in the meantime must not be overwritten.
        return file.persist_noclobber(path).map(drop).map_err(|error| error.error);
    }
    let found = path.symlink_metadata()?;
    if found.is_file() && !step.is_program {
        file.as_file().set_permissions(found.permissions())?;
    }
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// Returns the permissions of a new file, before the process's mask.
#[cfg(unix)]
fn permissions(is_program: bool) -> Option<Permissions> {
    use std::os::unix::fs::PermissionsExt as _;
    Some(Permissions::from_mode(if is_program { 0o755 } else { 0o666 }))
}

#[cfg(not(unix))]
fn permissions(_is_program: bool) -> Option<Permissions> {
    None
}

#[cfg(unix)]
fn is_runnable(path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(path.metadata()?.permissions().mode() & 0o111 == 0o111)
}

#[cfg(not(unix))]
fn is_runnable(_path: &Path) -> io::Result<bool> {
    Ok(true)
}
