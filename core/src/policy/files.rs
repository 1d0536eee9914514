//! A policy bundle's files, and those of the bundle that the program ships.

use std::collections::BTreeMap;

use include_dir::{Dir, include_dir};

use super::PolicyProblem;
use crate::layout::{self, POLICIES};

/// The ending of files with tests. Tests may print and override with `with`; they never decide.
pub(super) const TEST_SUFFIX: &str = "_test.rego";

static EMBEDDED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../policies");

/// A bundle's files: paths that begin with `policies/`, and their bytes.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Returns whether a file below `policies/` is documentation or left over by an editor: it belongs
/// to no bundle and counts nowhere. Every other file takes part, or is refused ([`strangers`]).
pub fn is_passed_over(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_swap_file = || {
        let ending = name.rsplit_once('.').map(|(_, ending)| ending);
        name.starts_with('.') && ending.is_some_and(|e| e.len() == 3 && e.starts_with("sw"))
    };
    name.to_ascii_lowercase().ends_with(".md")
        || name.ends_with('~')
        || name.starts_with(".#")
        || (name.len() > 1 && name.starts_with('#') && name.ends_with('#'))
        || is_swap_file()
}

/// Returns a problem for each file that would take no part in decisions: neither Rego nor a table.
pub(super) fn strangers(files: &Files) -> Vec<PolicyProblem> {
    let is_table = |path: &str| {
        layout::table_at(path).is_some_and(|name| !name.contains('/'))
            || layout::template_at(path).is_some()
    };
    let strangers = files.keys().filter(|path| !path.ends_with(".rego") && !is_table(path));
    let problem = |path: &String| PolicyProblem {
        path: path.clone(),
        line: 1,
        column: 1,
        message: "this file takes no part in decisions".to_owned(),
        help: Some(
            "A rule's file ends in `.rego`, a table is policies/org/NAME/data.yaml, a template \
             policies/templates/NAME/data.yaml; delete others, or keep them outside policies/."
                .to_owned(),
        ),
    };
    strangers.map(problem).collect()
}

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
