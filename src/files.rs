//! Files that people name: read if they are of a kind that ends, and in plain words what is wrong
//! with them.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _};
use std::path::Path;

use anyhow::{Error, anyhow, bail};

/// Reads a file. A named pipe or a device is refused, because it may never end; standard input and
/// what a shell passes as `<(…)` are taken.
///
/// # Errors
/// If the file doesn't exist or can't be read.
pub fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    read_up_to(usize::MAX - 1, path)
}

/// Reads a file, but no more than this many bytes and one.
///
/// # Errors
/// As [`read`].
pub fn read_up_to(most: usize, path: &Path) -> anyhow::Result<Vec<u8>> {
    let failed = |error| trouble(path, &error);
    let kind = path.metadata().map_err(failed)?;
    if !kind.is_file() && !kind.is_dir() && !is_passed_in(path) {
        bail!(
            "{} is not a regular file: name a file, or /dev/stdin for standard input",
            path.display()
        );
    }
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(most as u64 + 1).read_to_end(&mut bytes));
    read.map_err(failed)?;
    Ok(bytes)
}

/// Writes a file as a whole, or not at all; the folder is made if it isn't there.
///
/// # Errors
/// If it can't be written.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension(format!("{}.new", std::process::id()));
    path.parent().map_or(Ok(()), fs::create_dir_all)?;
    let written = fs::write(&new, bytes).and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written
}

/// Checks that a folder is there.
///
/// # Errors
/// If there is none, or it can't be read.
pub fn is_folder(path: &Path) -> anyhow::Result<()> {
    match path.metadata() {
        Ok(kind) if kind.is_dir() => Ok(()),
        Ok(_) => bail!("{} is not a folder", path.display()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            bail!("there is no folder {}", path.display())
        }
        Err(error) => Err(trouble(path, &error)),
    }
}

/// Returns why a file can't be read.
pub fn trouble(path: &Path, error: &io::Error) -> Error {
    let shown = path.display();
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => anyhow!("there is no file {shown}"),
        ErrorKind::IsADirectory => anyhow!("{shown} is a folder: name a file"),
        ErrorKind::PermissionDenied => {
            anyhow!("you have no permission to read {shown}: `ls -l` shows who has it")
        }
        _ => anyhow!("cannot read {shown}: {error}"),
    }
}

/// Whether a path is that of an open file, which the caller of the program passes in.
fn is_passed_in(path: &Path) -> bool {
    let is_number = |name: &OsStr| name.as_encoded_bytes().iter().all(u8::is_ascii_digit);
    let folders = ["/dev/fd", "/proc/self/fd"].map(Path::new);
    path == Path::new("/dev/stdin")
        || path.parent().is_some_and(|parent| folders.contains(&parent))
            && path.file_name().is_some_and(is_number)
}
