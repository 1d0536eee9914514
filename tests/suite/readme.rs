//! README keeps its word: every command in it runs, what it shows is what comes out, and what it
//! lists is there.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use crate::cli::{changegate, copy_folder, repository};
use crate::plumbing::ran::Ran;
use changegate::core::policy::shipped_files;
use changegate::forge::github::access::PERMISSIONS;

/// The code blocks of README in one language, in order.
fn blocks(language: &str) -> Vec<String> {
    let text = fs::read_to_string(repository().join("README.md")).unwrap();
    let fences = text.split("\n```").collect::<Vec<_>>();
    let opened = fences.iter().skip(1).step_by(2);
    opened
        .filter_map(|block| block.strip_prefix(language)?.strip_prefix('\n').map(str::to_owned))
        .collect()
}

fn commands() -> Vec<String> {
    let lines = blocks("console").join("\n");
    lines.lines().filter_map(|line| line.strip_prefix("$ ")).map(str::to_owned).collect()
}

/// Runs a shown command in a copy of the repository; answers with exit code and output.
fn run(command: &str) -> (i32, String) {
    let dir = tempfile::tempdir().unwrap();
    for folder in ["policies", "requests", "schemas"] {
        copy_folder(&repository().join(folder), &dir.path().join(folder));
    }
    let evidence =
        blocks("yaml").into_iter().find(|block| block.starts_with("# evidence.yaml")).unwrap();
    fs::write(dir.path().join("evidence.yaml"), evidence).unwrap();
    Ran::of(Command::new("git").args(["init", "--quiet"]).current_dir(&dir), "").went_well();
    let arguments = command.split_once(" -- ").map_or(command, |(_, arguments)| arguments);
    let arguments = arguments.strip_prefix("changegate ").unwrap_or(arguments);
    let output = changegate(dir.path()).args(arguments.split(' ')).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn every_command_runs() {
    let commands = commands();
    assert_eq!(commands[1], "cargo test", "the second command passes the tests, and so this one");
    for command in &commands[2..] {
        let (code, output) = run(command);
        let is_decision = command.contains(" check ");
        assert_eq!(code, if is_decision { 3 } else { 0 }, "{command}");
        assert!(!output.is_empty(), "{command}");
    }
}

/// Text in which the ids of commits, which differ from run to run, are all the same.
fn without_ids(text: &str) -> String {
    let is_id = |word: &str| word.len() == 7 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let words = text.split_inclusive([' ', '\n']);
    words.map(|word| if is_id(word.trim_end()) { "0000000 " } else { word }).collect()
}

#[test]
fn the_first_command_shows_what_readme_shows() {
    let (code, output) = run(&commands()[0]);
    assert_eq!(code, 0, "{output}");
    let output = without_ids(&output);
    let mut rest = output.as_str();
    for part in without_ids(&blocks("text").remove(0)).split("…\n") {
        let Some((_, after)) = rest.split_once(part.trim_end()) else {
            panic!("README shows next\n{part}\nand this comes out:\n{output}");
        };
        rest = after;
    }
}

#[test]
fn the_app_is_given_what_it_has_use_for() {
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    let (_, told) = readme.split_once("Make the App in").unwrap();
    let (told, _) = told.split_once("Keep the key").unwrap();
    let quoted = told.split('`').skip(1).step_by(2).filter(|code| code.contains(": "));
    let expected = PERMISSIONS.map(|it| format!("{}: {}", it.name, it.access));
    assert_eq!(quoted.collect::<BTreeSet<_>>(), expected.iter().map(String::as_str).collect());
}

#[test]
fn every_verb_is_in_the_reference() {
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    let help = changegate(repository()).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let verbs =
        help.split("Commands:").nth(1).unwrap().lines().skip(1).take_while(|line| !line.is_empty());
    for verb in
        verbs.filter_map(|line| line.split_whitespace().next()).filter(|verb| *verb != "help")
    {
        assert!(readme.contains(&format!("| `{verb}")), "README's reference lacks {verb}");
    }
}

/// `docs/findings.md` as it has to be.
fn findings_page() -> String {
    let mut page = String::from(
        "# Findings\n\nWhat each finding means and how to resolve it, as `changegate explain` tells. \
         Sections are those of the rules:\n1 tickets, 2 risk tiers, 3 sign-off, 4 what a request holds, \
         5 windows, 6 emergencies, 7 conflicts, 8 after the change.\n",
    );
    let codes = changegate::core::policy::codes::catalogue(&shipped_files());
    for (code, info) in codes {
        let effect = serde_json::to_value(info.effect).unwrap();
        let section = match info.rule.parse::<u8>() {
            Ok(number) => format!(" · section {number}"),
            Err(_) => " · fixed in the checker".to_owned(),
        };
        let controls = if info.controls.is_empty() {
            String::new()
        } else {
            format!(" · {}", info.controls.join(", "))
        };
        page += &format!(
            "\n## `{code}`\n\n**{}** · {}{section}{controls}\n\n{}\n\n*Resolve:* {}\n",
            info.title,
            effect.as_str().unwrap(),
            info.meaning,
            info.resolve
        );
    }
    page
}

/// Renew it with `UPDATE_DOCS=1 cargo test the_findings_page`.
#[test]
fn the_findings_page_is_true() {
    let path = repository().join("docs/findings.md");
    let page = findings_page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &page).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "docs/findings.md is stale: UPDATE_DOCS=1 cargo test the_findings_page"
    );
}
