//! Tells the program which commit it is built from, as far as that is known: `init --github` pins the
//! action to it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

const COMMIT: &str = "CHANGEGATE_COMMIT";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed={COMMIT}");
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let commit = env::var(COMMIT).ok().or_else(|| checked_out(&root));
    if let Some(commit) = commit.filter(|commit| is_commit(commit)) {
        println!("cargo::rustc-env={COMMIT}={commit}");
    }
}

/// The commit of a clone, if `root` is the top of one.
fn checked_out(root: &Path) -> Option<String> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).current_dir(root).output().ok()?;
        let text = output.status.success().then(|| String::from_utf8(output.stdout).ok())??;
        Some(text.trim().to_owned())
    };
    if !git(&["rev-parse", "--show-prefix"])?.is_empty() {
        return None;
    }
    // The log of HEAD grows with each commit and checkout.
    for file in ["HEAD", "logs/HEAD"] {
        let path = root.join(git(&["rev-parse", "--git-path", file])?);
        if path.exists() {
            println!("cargo::rerun-if-changed={}", path.display());
        }
    }
    git(&["rev-parse", "HEAD"])
}

fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
