//! A policy bundle's files, and those of the bundle that the program ships.

use std::collections::BTreeMap;

use include_dir::{Dir, include_dir};

use crate::core::layout::POLICIES;

static EMBEDDED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/policies");

/// A bundle's files: paths that begin with `policies/`, and their bytes.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Returns the Rego files of a bundle, in order of their paths.
pub(super) fn rego(files: &Files) -> impl Iterator<Item = (&str, &[u8])> {
    files
        .iter()
        .filter(|(path, _)| path.ends_with(".rego"))
        .map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
}

/// Returns the files of the bundle that the program ships.
pub fn shipped_files() -> Files {
    fn collect(dir: &Dir<'_>, files: &mut Files) {
        for file in dir.files() {
            let path = format!("{POLICIES}/{}", file.path().display()).replace('\\', "/");
            files.insert(path, file.contents().to_vec());
        }
        dir.dirs().for_each(|dir| collect(dir, files));
    }
    let mut files = Files::new();
    collect(&EMBEDDED, &mut files);
    files
}
