//! What a reader does who follows a page: writes the files that it shows, and types its commands, in
//! order, in one folder.
//!
//! A `yaml` or `rego` block whose first line is a comment with a path is that file. In a `console`
//! block a command follows `$ `, and goes on in lines that begin with `> `; it ends with exit code 0, or
//! with that of a comment `# exit code N`. What follows is what it prints, less what `…` stands for.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use assert_cmd::cargo::cargo_bin;

use super::page::Page;
use crate::cli::{copy_folder, repository};
use crate::plumbing::ran::{Ran, sheltered};

/// A command as a page shows it.
pub struct Typed {
    pub line: String,
    /// The output that is shown.
    shown: String,
}

impl Typed {
    fn code(&self) -> &str {
        self.line.split_once("# exit code ").map_or("0", |(_, code)| code)
    }
}

/// The commands of a page, in order.
pub fn commands(page: &Page) -> Vec<Typed> {
    let mut commands = Vec::new();
    for block in page.blocks.iter().filter(|block| block.language == "console") {
        for line in block.text.lines() {
            if let Some(line) = line.strip_prefix("$ ") {
                commands.push(Typed { line: line.to_owned(), shown: String::new() });
                continue;
            }
            let last = commands.last_mut().unwrap_or_else(|| panic!("{line}: no command"));
            match line.strip_prefix("> ") {
                Some(more) => last.line = format!("{}\n{more}", last.line),
                None => last.shown += &format!("{line}\n"),
            }
        }
    }
    commands
}

/// Follows a page, and says what is otherwise than it shows.
pub fn follow(page: &Page) -> Vec<String> {
    let commands = commands(page);
    if commands.is_empty() {
        return Vec::new();
    }
    let mut failures = Vec::new();
    let outputs = outputs(page);
    assert_eq!(outputs.len(), commands.len(), "{outputs:?}");
    for (typed, (code, output)) in commands.iter().zip(&outputs) {
        let place = format!("{}: {}", page.path.display(), typed.line);
        if code != typed.code() {
            failures.push(format!("{place}: exit code {code}\n{output}"));
        }
        failures.extend(
            missing(&typed.shown, output)
                .map(|part| format!("{place}\nshows next\n{part}\nand this comes out:\n{output}")),
        );
    }
    // A text is a longer look at what the first command prints.
    for block in page.blocks.iter().filter(|block| block.language == "text") {
        failures.extend(
            missing(&block.text, &outputs[0].1)
                .map(|part| format!("{}: this isn't printed\n{part}", page.path.display())),
        );
    }
    failures
}

/// What the page's commands end with, and print.
fn outputs(page: &Page) -> Vec<(String, String)> {
    let dir = tempfile::tempdir().unwrap();
    for folder in ["policies", "requests", "schemas"] {
        copy_folder(&repository().join(folder), &dir.path().join(folder));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::split_paths(&path);
    let program = cargo_bin("changegate");
    let path = program.parent().map(Path::to_owned).into_iter().chain(path);
    let mut bash = Command::new("bash");
    sheltered(bash.args(["-c", &script(page)]))
        .current_dir(&dir)
        .env("HOME", dir.path())
        .env("PATH", std::env::join_paths(path).unwrap());
    let ran = Ran::of(&mut bash, "");
    let (mut outputs, mut rest) = (Vec::new(), ran.stdout.as_str());
    while let Some((output, after)) = rest.split_once("\u{1e}") {
        let (code, after) = after.split_once('\n').unwrap();
        outputs.push((code.to_owned(), output.to_owned()));
        rest = after;
    }
    assert!(rest.is_empty() && ran.stderr.is_empty(), "{}: {ran:?}", page.path.display());
    outputs
}

/// The page as a script, which says after each command how it ended.
fn script(page: &Page) -> String {
    // The program is built already, and the tests run.
    let mut script = String::from(
        "git init --quiet\n\
         cargo() { [ \"$1\" = test ] || { while [ \"$1\" != -- ]; do shift; done; shift; changegate \"$@\"; }; }\n",
    );
    let mut typed = commands(page).into_iter();
    for block in &page.blocks {
        match block.language.as_str() {
            "yaml" | "rego" => {
                let path = block.text.lines().next().and_then(|line| line.strip_prefix("# "));
                let path = path.filter(|path| Path::new(path).extension().is_some());
                let path = path.unwrap_or_else(|| {
                    panic!("{}: which file is this?\n{}", page.path.display(), block.text)
                });
                let _ = write!(
                    script,
                    "mkdir -p \"$(dirname {path})\"\ncat > {path} <<'END'\n{}END\n",
                    block.text
                );
            }
            "console" => {
                let count = block.text.lines().filter(|line| line.starts_with("$ ")).count();
                for Typed { line, .. } in typed.by_ref().take(count) {
                    let _ = write!(script, "{{ {line}\n}} 2>&1\nprintf '\\036%d\\n' $?\n");
                }
            }
            _ => {}
        }
    }
    script
}

/// The first part of what is shown that isn't printed, or not in this order.
fn missing(shown: &str, printed: &str) -> Option<String> {
    let printed = without_ids(printed);
    let mut rest = printed.as_str();
    for part in without_ids(shown).split("…\n") {
        match rest.split_once(part.trim_end()) {
            Some((_, after)) => rest = after,
            None => return Some(part.to_owned()),
        }
    }
    None
}

/// Text in which the ids of commits, which differ from run to run, are all the same.
fn without_ids(text: &str) -> String {
    let is_id = |word: &str| word.len() == 7 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let one = |word: &str| {
        let id = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        if is_id(id) { word.replace(id, "0000000") } else { word.to_owned() }
    };
    text.split_inclusive([' ', '\n']).map(one).collect()
}
