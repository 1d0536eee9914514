//! The core decides from values alone: it reads no clock, no file, no environment, no Git, no network.

use std::fs;

use super::plumbing::{files_below, root};

/// What of `src` isn't core: it gathers facts or publishes results.
const SHELL: [&str; 7] = ["main.rs", "cli", "git", "forge", "gate", "ledger", "audit"];

const REFUSED: [&str; 17] = [
    "git2",
    "octocrab",
    "reqwest",
    "rustls",
    "tokio",
    "std::fs",
    "std::env",
    "std::net",
    "std::process",
    "SystemTime",
    "Instant",
    "Utc::now",
    "Local::now",
    "thread::sleep",
    "rand::",
    "fs::",
    "env::",
];

/// A source less its comments and what is compiled for tests only, line by line.
fn code(source: &str) -> impl Iterator<Item = (usize, &str)> {
    let without_tests =
        source.split_once("#[cfg(test)]\nmod tests {").map_or(source, |(code, _)| code);
    let lines = without_tests.lines().enumerate();
    lines.map(|(index, line)| (index + 1, line.split_once("//").map_or(line, |(code, _)| code)))
}

#[test]
fn the_core_takes_values_and_gives_values() {
    let src = root().join("src");
    let mut found = Vec::new();
    let mut core = 0;
    for path in files_below("src", ".rs") {
        let name = path.strip_prefix(&src).unwrap().to_str().unwrap().replace('\\', "/");
        let module = name.split(['/', '.']).next().unwrap();
        let is_test =
            name.ends_with("tests.rs") || name.contains("/tests/") || name.ends_with("samples.rs");
        if is_test || SHELL.contains(&module) || SHELL.contains(&name.as_str()) {
            continue;
        }
        core += 1;
        let source = fs::read_to_string(&path).unwrap();
        for (line, code) in code(&source) {
            let refused = REFUSED.into_iter().find(|refused| code.contains(refused));
            found.extend(refused.map(|refused| format!("src/{name}:{line}: {refused}")));
        }
    }
    assert!(core > 30, "{core} files");
    assert!(found.is_empty(), "the core isn't pure:\n{}", found.join("\n"));
}
