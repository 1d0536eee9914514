//! The page that a report is written on.

use std::path::Path;

/// A path as reports name it: with `/` between its parts.
pub fn shown(path: &Path) -> String {
    let text = path.to_string_lossy().replace('\\', "/");
    text.strip_prefix("./").map_or(text.clone(), str::to_owned)
}
