//! README and docs/ keep their word: every command runs and prints what is shown, every link leads
//! somewhere, and what is listed is there.

mod page;
mod pipelines;
mod process;
mod session;

use std::collections::BTreeSet;
use std::fs;

use changegate::core::policy::shipped_files;
use changegate::forge::github::access::PERMISSIONS;
use serde_json::Value;

use crate::cli::{changegate, repository};
use page::{Page, pages};

#[test]
fn the_first_commands_set_everything_up() {
    let commands = session::commands(&Page::read("README.md"));
    let first: Vec<_> = commands.iter().take(2).map(|typed| typed.line.as_str()).collect();
    assert_eq!(first, ["cargo run --no-default-features -- demo", "cargo test"]);
}

#[test]
fn every_command_runs_and_prints_what_is_shown() {
    let failures: Vec<_> = pages().iter().flat_map(session::follow).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

/// What needs a server, a key or GitHub is in `sh` blocks and in the prose: the program at least parses
/// it.
#[test]
fn every_other_command_is_understood() {
    for page in pages() {
        let shell = page.blocks.iter().filter(|block| block.language == "sh");
        let whole = shell.map(|block| block.text.replace("\\\n", " "));
        let lines = whole.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>());
        for line in lines.chain(page.spans()) {
            let command = line.split(" #").next().unwrap_or_default();
            // The variables of a pipeline.
            let command = command.replace("\"$CHANGE\"", "CHG-1234").replace("\"$PERSON\"", "bob");
            let command = match command.strip_prefix("cargo run ") {
                Some(command) => command.split_once("-- ").map(|(_, arguments)| arguments),
                None => command.strip_prefix("changegate "),
            };
            let Some(arguments) = command else { continue };
            // Whatever comes before it is read first, and the rest is the shell's.
            let arguments = shlex::split(arguments.split(" >").next().unwrap_or_default()).unwrap();
            // What follows `--` is another command.
            let own = arguments.into_iter().take_while(|argument| argument != "--");
            let arguments = own.chain(["--help".to_owned()]);
            let output = changegate(repository()).args(arguments).output().unwrap();
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{}: {line}\n{error}", page.path.display());
        }
    }
}

#[test]
fn every_block_says_what_it_is() {
    for page in pages() {
        for block in &page.blocks {
            let known =
                ["console", "sh", "text", "yaml", "rego"].contains(&block.language.as_str());
            assert!(known, "{}: a block in `{}`", page.path.display(), block.language);
        }
    }
}

#[test]
fn every_link_leads_somewhere() {
    for page in pages() {
        for link in page.links().iter().filter(|link| !link.contains("://")) {
            let place = format!("{}: {link}", page.path.display());
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match path {
                "" => page.path.clone(),
                path => page.path.parent().unwrap().join(path),
            };
            assert!(repository().join(&target).exists(), "{place}");
            let leads =
                anchor.is_empty() || Page::read(target).anchors().iter().any(|it| it == anchor);
            assert!(leads, "{place}: no such heading");
        }
    }
}

#[test]
fn the_index_lists_every_page() {
    let links = Page::read("docs/README.md").links();
    for page in pages().iter().filter_map(|page| page.path.strip_prefix("docs").ok()) {
        let path = page.to_str().unwrap();
        assert!(path == "README.md" || links.iter().any(|link| link == path), "{path}");
    }
}

#[test]
fn the_app_is_given_what_it_needs() {
    let text = fs::read_to_string(repository().join("docs/how-to/github.md")).unwrap();
    let rows = text.lines().filter_map(|line| line.trim_start().strip_prefix("| `"));
    let listed = rows.filter_map(|row| row.split('`').next()).filter(|code| code.contains(": "));
    let expected = PERMISSIONS.map(|it| format!("{}: {}", it.name, it.access));
    assert_eq!(listed.collect::<BTreeSet<_>>(), expected.iter().map(String::as_str).collect());
}

#[test]
fn every_verb_is_in_the_reference() {
    let reference = fs::read_to_string(repository().join("docs/reference/verbs.md")).unwrap();
    let help = changegate(repository()).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let verbs =
        help.split("Commands:").nth(1).unwrap().lines().skip(1).take_while(|line| !line.is_empty());
    for verb in
        verbs.filter_map(|line| line.split_whitespace().next()).filter(|verb| *verb != "help")
    {
        assert!(reference.contains(&format!("| `{verb}")), "the reference lacks {verb}");
    }
}

#[test]
fn every_field_is_in_the_reference() {
    let schemas = fs::read_dir(repository().join("schemas")).unwrap();
    let verbs = Page::read("docs/reference/verbs.md").spans();
    for schema in schemas {
        let name = schema.unwrap().file_name().into_string().unwrap();
        let name = name.strip_suffix(".schema.json").unwrap();
        assert!(verbs.iter().any(|span| span == name), "the reference lacks the schema {name}");
    }
    for (page, schemas) in [
        ("request", &["change-request"][..]),
        ("evidence", &["evidence"]),
        (
            "organisation",
            &["roster", "actions", "windows", "freezes", "escalation", "erasures", "settings"],
        ),
    ] {
        let spans = Page::read(format!("docs/reference/{page}.md")).spans();
        for schema in schemas {
            let path = repository().join(format!("schemas/{schema}.schema.json"));
            let schema: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
            for field in fields(&schema, page == "organisation") {
                let is_listed =
                    spans.iter().any(|span| span.split([':', '{', ' ']).any(|it| it == field));
                assert!(is_listed, "docs/reference/{page}.md lacks {field}");
            }
        }
    }
}

/// The names of a schema's fields; on request also those of its parts.
fn fields(schema: &Value, with_parts: bool) -> BTreeSet<&str> {
    let parts = schema["$defs"].as_object().into_iter().flatten().map(|(_, part)| part);
    let parts = parts.filter(|_| with_parts).chain([schema]);
    let named = parts.filter_map(|part| part["properties"].as_object());
    // Severities are named by the catalog of severities.
    named
        .flat_map(|it| it.keys())
        .map(String::as_str)
        .filter(|name| !name.starts_with('P'))
        .collect()
}

/// `docs/reference/findings.md` as it has to be.
fn findings_page() -> String {
    let rules = Page::read("docs/rules.md").anchors();
    let section = |rule: &str| {
        let starts = |anchor: &&String| anchor.split('-').next() == Some(&rule.to_lowercase());
        let anchor = rules.iter().find(starts);
        anchor.unwrap_or_else(|| panic!("docs/rules.md has no section {rule}"))
    };
    let mut page = String::from(
        "# Findings\n\nWhat each finding means and how to resolve it, as `changegate explain` says it. \
         Sections are those of [the rules](../rules.md).\n",
    );
    let codes = changegate::core::policy::codes::catalogue(&shipped_files());
    for (code, info) in codes {
        let effect = serde_json::to_value(info.effect).unwrap();
        let rule = match info.rule.parse::<u8>() {
            Ok(number) => format!("section {number}"),
            Err(_) => "built in".to_owned(),
        };
        let controls = if info.controls.is_empty() {
            String::new()
        } else {
            format!(" · {}", info.controls.join(", "))
        };
        page += &format!(
            "\n## `{code}`\n\n**{}** · {} · [{rule}](../rules.md#{}){controls}\n\n{}\n\n*Resolve:* {}\n",
            info.title,
            effect.as_str().unwrap(),
            section(&info.rule),
            info.meaning,
            info.resolve
        );
    }
    page
}

/// Renew it with `UPDATE_DOCS=1 cargo test the_findings_page`.
#[test]
fn the_findings_page_is_true() {
    let path = repository().join("docs/reference/findings.md");
    let page = findings_page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "docs/reference/findings.md is stale: UPDATE_DOCS=1 cargo test the_findings_page"
    );
}
