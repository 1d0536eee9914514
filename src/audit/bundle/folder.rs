//! A bundle as a folder.

use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, bail, ensure};

use super::{Bundle, Content};
use crate::files;

/// The largest file that is read, in bytes.
const LARGEST: usize = 64 * 1024 * 1024;

/// The most files that are read.
const MOST_FILES: usize = 100_000;

/// Writes a bundle into a folder that is not there yet, or empty.
///
/// # Errors
/// When there is something already, or it can't be written.
pub fn write(folder: &Path, bundle: &Bundle) -> anyhow::Result<()> {
    let is_empty = fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none());
    ensure!(
        is_empty,
        "{} holds files already: name a folder that is empty or not there yet",
        folder.display()
    );
    for (path, content) in bundle {
        ensure!(
            Path::new(path).components().all(|part| matches!(part, Component::Normal(_))),
            "`{path}` can't be the name of a file in a bundle"
        );
        let file = folder.join(path);
        let write = || -> std::io::Result<()> {
            fs::create_dir_all(file.parent().unwrap_or(folder))?;
            fs::write(&file, &content.bytes)?;
            if content.is_executable { make_executable(&file) } else { Ok(()) }
        };
        write().with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}

/// Reads the bundle in a folder.
///
/// # Errors
/// When it can't be read, or holds anything but files and folders.
pub fn read(folder: &Path) -> anyhow::Result<Bundle> {
    files::is_folder(folder)?;
    let mut bundle = Bundle::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(below) = folders.pop() {
        let failed = || format!("cannot read {}", folder.join(&below).display());
        for entry in fs::read_dir(folder.join(&below)).with_context(failed)? {
            let entry = entry.with_context(failed)?;
            let path = below.join(entry.file_name());
            let kind = entry.file_type().with_context(failed)?;
            if kind.is_dir() {
                folders.push(path);
                continue;
            }
            let file = entry.path();
            ensure!(kind.is_file(), "{} is neither a file nor a folder", file.display());
            let bytes = files::read_up_to(LARGEST, &file)?;
            ensure!(bytes.len() <= LARGEST, "{} is too large for a bundle", file.display());
            let Some(name) = path.to_str() else { bail!("{} isn't UTF-8", file.display()) };
            let name = name.replace(std::path::MAIN_SEPARATOR, "/");
            let is_executable = is_executable(&file);
            bundle.insert(name, Content { bytes, is_executable });
            ensure!(bundle.len() <= MOST_FILES, "{} holds too many files", folder.display());
        }
    }
    Ok(bundle)
}

#[cfg(unix)]
fn make_executable(file: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(file, fs::Permissions::from_mode(0o755))
}

#[cfg(unix)]
fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.metadata().is_ok_and(|found| found.permissions().mode() & 0o100 != 0)
}

#[cfg(not(unix))]
fn make_executable(_: &Path) -> std::io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
fn is_executable(_: &Path) -> bool {
    false
}
