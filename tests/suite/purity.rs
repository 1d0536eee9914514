//! The house keeps its shape: the core decides from values alone, and arrows point one way.

use std::fs;
use std::path::PathBuf;

use super::plumbing::{files_below, root};

/// What pure code doesn't touch: Git, the network, files, the environment, clocks, chance.
const IMPURE: [&str; 20] = [
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
    "Timestamp::now",
    "Zoned::now",
    "TimeZone::system",
    "thread::sleep",
    "rand::",
    "fs::",
    "env::",
];

/// A source file, without its tests.
struct Source {
    /// Its path below `src`, with `/` between its parts; in the core's package, `core/` and that.
    path: String,
    text: String,
}

impl Source {
    /// The program's sources, without files that are only compiled for tests.
    fn all() -> Vec<Self> {
        let read = |package: &str, room: &str| {
            let src = root().join(package).join("src");
            let read = |path: PathBuf| Source {
                path: room.to_owned()
                    + &path.strip_prefix(&src).unwrap().to_str().unwrap().replace('\\', "/"),
                text: fs::read_to_string(&path).unwrap(),
            };
            files_below(src.to_str().unwrap(), ".rs").into_iter().map(read).collect::<Vec<_>>()
        };
        let is_test = |path: &str| {
            path.ends_with("tests.rs") || path.contains("/tests/") || path.ends_with("samples.rs")
        };
        let sources = read(".", "").into_iter().chain(read("core", "core/"));
        sources.filter(|source| !is_test(&source.path)).collect()
    }

    /// Whether it is a file of this room: `gate.rs`, or anything below `gate/`.
    fn is_in(&self, room: &str) -> bool {
        self.path.strip_prefix(room).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
    }

    /// Its lines with their numbers, less comments and what is compiled for tests.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let code = self.text.split_once("#[cfg(test)]\nmod tests {");
        let code = code.map_or(self.text.as_str(), |(code, _)| code);
        let lines = code.lines().enumerate();
        lines.map(|(index, line)| (index + 1, line.split_once("//").map_or(line, |(code, _)| code)))
    }

    /// The rooms that it names, by whole paths or out of its own, with the lines.
    fn rooms(&self) -> impl Iterator<Item = (usize, &str)> {
        let depth = self.path.trim_end_matches(".rs").split('/').count();
        self.code().flat_map(move |(number, line)| {
            let up = "super::".repeat(depth);
            let named = ["crate::", up.as_str()].map(|start| {
                line.match_indices(start)
                    .filter(|(at, _)| !line[..*at].ends_with("super::"))
                    .map(|(at, _)| &line[at + start.len()..])
                    .filter(|rest| !rest.starts_with("super::"))
                    .map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next())
                    .map(move |room| (number, room.unwrap_or_default()))
                    .collect::<Vec<_>>()
            });
            named.concat()
        })
    }
}

/// Fails if something was found, with where.
fn assert_none(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n{}", found.join("\n"));
}

#[test]
fn core_and_report_take_values_and_give_values() {
    let sources = Source::all();
    let pure: Vec<_> = sources.iter().filter(|it| it.is_in("core") || it.is_in("report")).collect();
    assert!(pure.len() > 50, "{} files", pure.len());
    let mut found = Vec::new();
    for source in pure {
        for (line, code) in source.code() {
            let impure = IMPURE.into_iter().find(|impure| code.contains(impure));
            found.extend(impure.map(|impure| format!("{}:{line}: {impure}", source.path)));
        }
    }
    assert_none("this isn't pure", &found);
}

#[test]
fn what_is_verified_is_in_the_repository_alone() {
    // A witness is given something, and other policies are tried on what is open.
    let reaches_out = ["audit/witness.rs", "audit/witness/https.rs", "audit/replay.rs"];
    let sources = Source::all();
    let is_verified = |it: &&Source| it.is_in("audit") && !reaches_out.contains(&it.path.as_str());
    let audit: Vec<_> = sources.iter().filter(is_verified).collect();
    assert!(audit.iter().any(|it| it.rooms().any(|(_, room)| room == "git")), "nothing is seen");
    let mut found = Vec::new();
    for source in audit {
        let forge = source.rooms().filter(|(_, room)| *room == "forge");
        found.extend(forge.map(|(line, room)| format!("{}:{line}: {room}", source.path)));
    }
    assert_none("what is audited is in the repository alone", &found);
}

#[test]
fn a_library_neither_prints_nor_ends_the_process() {
    const REFUSED: [&str; 4] = ["print!(", "println!(", "process::exit", "process::abort"];
    let sources = Source::all();
    let mut found = Vec::new();
    for source in &sources {
        for (line, code) in source.code() {
            let refused = REFUSED.into_iter().find(|refused| code.contains(refused));
            found.extend(refused.map(|refused| (source, line, refused)));
        }
    }
    assert!(found.iter().any(|(source, ..)| source.is_in("cli")), "nothing is seen");
    found.retain(|(source, ..)| !source.is_in("cli"));
    let found = found.iter().map(|(source, line, what)| format!("{}:{line}: {what}", source.path));
    assert_none("only the command line does this", &found.collect::<Vec<_>>());
}
