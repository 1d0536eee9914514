//! The user's folder for what can be made again.

use std::path::PathBuf;

use changegate::changes::kept::Kept;
use changegate::forge::git::Git;

/// Returns this program's folder in it; `None` if there is none.
pub fn caches() -> Option<PathBuf> {
    let set = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let set = set.filter(|folder| folder.is_absolute());
    let caches = set.or_else(|| Some(std::env::home_dir()?.join(".cache")))?;
    Some(caches.join("changegate"))
}

/// Returns where it is kept what was read of a repository.
pub fn kept(git: &Git) -> Option<Kept> {
    Some(Kept::of(caches()?.join("read"), git.repo(), &git.base_ref))
}
