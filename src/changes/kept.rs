//! What was read of a repository, kept outside of it so that looking at thousands of changes needn't read all
//! of them again. It is used by the same version of the program alone, is made again from Git where it is
//! missing or doubtful, and nothing is decided by it.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::core::digest::Digest;
use crate::core::record::parts::{Engine, Hex};
use crate::files;
use crate::git::Repo;

/// Where it is kept: a folder for caches, and the repository that it is about.
#[derive(Clone, Debug)]
pub struct Kept {
    folder: PathBuf,
    repo: String,
}

/// What a file holds behind its digest.
#[derive(Deserialize, Serialize)]
struct Held<T> {
    program: Engine,
    value: T,
}

impl Kept {
    /// Keeps in a folder what is read of a repository and a base.
    pub fn of(folder: PathBuf, repo: &Repo, base: &str) -> Self {
        let repo = Digest::of(format!("{} {base}", repo.folder().display()).as_bytes());
        Kept { folder, repo: String::from(Hex(repo)) }
    }

    /// Returns what was kept under a name; `None` if nothing was, or nothing of use.
    pub(super) fn read<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let bytes = files::read(&self.file(name)).ok()?;
        let at = bytes.iter().position(|byte| *byte == b'\n')?;
        let (digest, json) = (&bytes[..at], &bytes[at + 1..]);
        if digest != Digest::of(json).to_string().as_bytes() {
            return None;
        }
        let held: Held<T> = serde_json::from_slice(json).ok()?;
        (held.program == Engine::this(crate::COMMIT)).then_some(held.value)
    }

    /// Keeps a value under a name. If it can't be written, it is read from Git again.
    pub(super) fn write<T: Serialize>(&self, name: &str, value: &T) {
        let held = Held { program: Engine::this(crate::COMMIT), value };
        if let Ok(json) = serde_json::to_vec(&held) {
            let mut bytes = format!("{}\n", Digest::of(&json)).into_bytes();
            bytes.extend(json);
            let _ = files::replace(&self.file(name), &bytes);
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        Path::new(&self.folder).join(format!("{}-{name}.json", self.repo))
    }
}
