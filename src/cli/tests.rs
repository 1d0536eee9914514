//! Each command that the program advises is one that it takes: found in the texts where they are
//! made, and read by its own parser.

use std::fs;
use std::path::Path;

use changegate::content::folder;
use clap::error::ErrorKind;

use super::*;

/// What a placeholder is filled in with: it serves as an id, a number, a path or a text.
const PLACEHOLDER: &str = "1";

/// Returns the commands in a source: in backquotes, after `next: `, and on lines of their own, as
/// in examples. Placeholders are filled in.
fn commands(source: &str) -> Vec<String> {
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    let code = source.lines().filter(is_code).collect::<Vec<_>>().join("\n").replace("\\\"", "'");
    // A string that goes on in the next line.
    let mut joined = String::new();
    for line in code.split_inclusive('\n') {
        let line = if joined.ends_with(' ') { line.trim_start() } else { line };
        // Twice, the backslash is the shell's.
        let part = line.strip_suffix("\\\n").map(|part| part.trim_end_matches('\\'));
        joined.push_str(part.unwrap_or(line));
    }
    let quoted = joined.split("`changegate ").skip(1).filter_map(|rest| rest.split('`').next());
    let quoted = quoted.map(|rest| format!("changegate {rest}"));
    let next = joined.split("next: ").skip(1).filter_map(|rest| rest.split(['"', '\\']).next());
    let lines = joined.lines().map(str::trim_start);
    let shown = quoted.chain(next.chain(lines).map(str::to_owned));
    shown.filter(|text| text.starts_with("changegate ")).map(|text| filled_in(&text)).collect()
}

/// Cuts what follows a command, and replaces `{name}` by a value.
fn filled_in(text: &str) -> String {
    let end = ["  ", " | ", " > ", " >> ", "\n", " …", "\\n", "\""]
        .iter()
        .filter_map(|end| text.find(end))
        .min();
    let mut command = text[..end.unwrap_or(text.len())].to_owned();
    while let Some((start, end)) = command.find('{').zip(command.find('}')) {
        command.replace_range(start..=end, PLACEHOLDER);
    }
    command
}

#[test]
fn every_advised_command_is_taken() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files =
        ["core", "src", "policies"].map(|room| folder::below(&root.join(room), false).unwrap());
    let paths = files.concat().into_iter().map(|(path, _)| path);
    let is_source = |path: &Path| {
        let ending = path.extension();
        ending.is_some_and(|it| it == "rs" || it == "rego") && !path.ends_with("tests.rs")
    };
    let mut checked = 0;
    let mut refused = Vec::new();
    for path in paths.filter(|path| is_source(path)) {
        for command in commands(&fs::read_to_string(&path).unwrap()) {
            let words = shlex::split(&command).unwrap_or_else(|| panic!("{command}"));
            checked += 1;
            let hook = words.iter().map(|word| word.replace(PLACEHOLDER, "pre-receive"));
            if let Err(error) = Cli::try_parse_from(&words)
                && Cli::try_parse_from(hook).is_err()
                && error.use_stderr()
                // Such as a key that is read from a file.
                && error.kind() != ErrorKind::ValueValidation
            {
                let why = error.to_string();
                let why = why.lines().next().unwrap_or_default();
                refused.push(format!("{}: {command}: {why}", path.display()));
            }
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
    assert!(checked > 100, "{checked}");
}

#[test]
fn a_command_is_found_wherever_it_is_written() {
    let source = "    //! `changegate old`\nx(\"run `changegate submit {id} \\\n        --remote {a}` now\")\n\
                  \"next: changegate merge {}\"\n  changegate check --pr 7   judge it\n";
    assert_eq!(
        commands(source),
        ["changegate submit 1 --remote 1", "changegate merge 1", "changegate check --pr 7"]
    );
}
