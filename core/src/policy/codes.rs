//! The meaning of each finding's code: for `changegate explain`, for the reports, and for the help
//! and the controls of findings whose rules leave them to METADATA.
//!
//! There are three sources: the METADATA beside the rules of a policy bundle, so that an
//! organisation's own rules explain themselves, a table of the checker's own findings about a
//! file's form (`form`), and one of what is said of the operations log ([`log`]). A code that is in neither is not an error: reports leave out its
//! explanation.
//!
//! [`catalogue`] reads all of them, [`find`] one.

mod form;
pub mod log;

/// The code of the finding that a change touches no governed path, so that nothing is judged.
pub const UNGOVERNED: &str = form::UNGOVERNED;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Files;
use super::files::TEST_SUFFIX;
use crate::terms::Effect;
use crate::yaml;

/// The meaning of a code, and how to resolve it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CodeInfo {
    /// The code, `rule/short-name`.
    pub code: String,
    /// A few words, without a full stop.
    pub title: String,
    /// What is wrong, and why that matters.
    pub meaning: String,
    /// What to do about it, a sentence.
    pub resolve: String,
    /// What to do about it, in the words of a finding whose rule gives no help of its own. `None`
    /// for the checker's own findings.
    #[serde(skip)]
    pub help: Option<String>,
    /// The section of docs/rules.md that it implements: a number, or `Mechanism`.
    pub rule: String,
    /// The strongest effect that it can have on the verdict.
    pub effect: Effect,
    /// The controls that it serves, such as `SOC2:CC8.1`.
    pub controls: Vec<String>,
}

/// Returns every code of a bundle's rules and of the checker itself, by code. What METADATA leaves
/// out is empty.
pub fn catalogue(files: &Files) -> BTreeMap<String, CodeInfo> {
    let mut codes = BTreeMap::new();
    for info in form::codes().map(CodeInfo::from).chain(log::codes()).chain(annotated_in(files, ""))
    {
        codes.entry(info.code.clone()).or_insert(info);
    }
    codes
}

/// Returns the meaning of one code. Reading all METADATA would take a tenth of a short run.
pub fn find(code: &str, files: &Files) -> Option<CodeInfo> {
    let built_in = form::codes().filter(|form| form.code == code).map(CodeInfo::from);
    built_in.chain(log::codes()).chain(annotated_in(files, code)).find(|info| info.code == code)
}

/// Returns the annotations about codes in a bundle's policies, of those that contain a word.
fn annotated_in<'a>(files: &'a Files, word: &'a str) -> impl Iterator<Item = CodeInfo> + 'a {
    let policies = files.iter().filter(|(path, _)| is_policy(path));
    let texts = policies.map(|(_, bytes)| String::from_utf8_lossy(bytes));
    texts.filter(move |text| text.contains(word)).flat_map(move |text| annotated(&text, word))
}

/// Returns the codes that a policy's METADATA declare.
pub(super) fn declared(text: &str) -> impl Iterator<Item = String> {
    annotated(text, "").into_iter().map(|info| info.code)
}

fn is_policy(path: &str) -> bool {
    path.ends_with(".rego") && !path.ends_with(TEST_SUFFIX)
}

/// An annotation as OPA defines it; only the parts that codes need.
#[derive(Deserialize)]
pub(super) struct Annotation {
    #[serde(default)]
    title: String,
    #[serde(default)]
    description: String,
    pub(super) custom: Option<Custom>,
}

/// The part of an annotation about the code that its rule yields.
#[derive(Deserialize)]
pub(super) struct Custom {
    pub(super) code: Option<String>,
    pub(super) effect: Option<Effect>,
    #[serde(default)]
    rule: String,
    help: Option<String>,
    #[serde(default)]
    controls: Vec<String>,
}

/// The YAML of one annotation.
pub(super) struct Block {
    /// Its first line in the policy, from 1.
    pub(super) line: u32,
    pub(super) text: String,
}

/// Returns the annotations of a policy.
pub(super) fn blocks(policy: &str) -> impl Iterator<Item = Block> {
    let mut lines = (1..).zip(policy.lines());
    std::iter::from_fn(move || {
        let is_start = |(_, line): &(u32, &str)| line.trim_end() == "# METADATA";
        let (start, _) = lines.by_ref().find(is_start)?;
        let text = lines
            .by_ref()
            .map_while(|(_, line)| line.strip_prefix('#'))
            .flat_map(|line| [line.strip_prefix(' ').unwrap_or(line), "\n"])
            .collect();
        Some(Block { line: start + 1, text })
    })
}

/// Returns the annotations about codes in one policy, of those that contain a word.
fn annotated(text: &str, word: &str) -> Vec<CodeInfo> {
    blocks(text)
        .filter(|block| block.text.contains("code:") && block.text.contains(word))
        .filter_map(|block| yaml::parse(block.text.as_bytes()).read::<Annotation>().value)
        .filter_map(Annotation::about_a_code)
        .collect()
}

impl Annotation {
    fn about_a_code(self) -> Option<CodeInfo> {
        let Annotation { title, description, custom } = self;
        let custom = custom?;
        let line = |text: &str| text.trim_end().replace('\n', " ");
        let help = custom.help.as_deref().map(line).filter(|help| !help.is_empty());
        Some(CodeInfo {
            code: custom.code?,
            title,
            meaning: line(&description),
            resolve: help.as_deref().map(sentence).unwrap_or_default(),
            help,
            rule: custom.rule,
            // The strongest effect, so that nobody takes the finding for weaker than it may be.
            effect: custom.effect.unwrap_or(Effect::Deny),
            controls: custom.controls,
        })
    }
}

/// Writes a help text as a sentence: `reschedule` becomes `Reschedule.`
fn sentence(help: &str) -> String {
    let mut letters = help.trim_end_matches('.').chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).chain(['.']).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::policy::shipped_files;

    /// Returns the codes among a text's string literals: `"rule/short-name"`.
    fn literals(text: &str) -> BTreeSet<String> {
        let is_word = |word: &str| {
            !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b"-_".contains(&b))
        };
        let is_code = |literal: &&str| {
            literal.split_once('/').is_some_and(|(rule, name)| is_word(rule) && is_word(name))
        };
        text.split('"').filter(is_code).map(str::to_owned).collect()
    }

    fn sources(dir: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
        entries
            .filter(|path| !path.ends_with("tests") && !path.ends_with("tests.rs"))
            .flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] })
            .collect()
    }

    #[test]
    fn every_code_of_the_shipped_policies_explains_itself() {
        let files = shipped_files();
        let codes = catalogue(&files);
        for (path, bytes) in files.iter().filter(|(path, _)| is_policy(path)) {
            for code in literals(std::str::from_utf8(bytes).unwrap()) {
                let info = codes.get(&code);
                let info = info.unwrap_or_else(|| panic!("{path} has no METADATA about {code}"));
                for text in [&info.title, &info.meaning, &info.resolve, &info.rule] {
                    assert!(!text.trim().is_empty(), "{code}: {info:?}");
                }
                assert!(!info.title.ends_with('.'), "{code}: a title has no full stop");
                for text in [&info.meaning, &info.resolve] {
                    assert!(text.ends_with('.'), "{code}: `{text}` is not a sentence");
                }
            }
        }
    }

    /// OPA's formatter isn't available here; the test checks the parts of its style that need no
    /// parsing.
    #[test]
    fn policies_are_indented_by_tabs_and_narrow() {
        let files = shipped_files();
        for (path, bytes) in files.iter().filter(|(path, _)| path.ends_with(".rego")) {
            let text = std::str::from_utf8(bytes).unwrap();
            for (index, line) in text.lines().enumerate() {
                let place = format!("{path}:{}", index + 1);
                let columns = line.chars().map(|letter| if letter == '\t' { 4 } else { 1 });
                assert!(columns.sum::<usize>() <= 120, "{place}: more than 120 columns");
                assert_eq!(line, line.trim_end(), "{place}: spaces at the end of the line");
                assert!(!line.starts_with(' '), "{place}: indented by spaces");
            }
            assert!(
                text.ends_with('\n') && !text.ends_with("\n\n"),
                "{path}: doesn't end in exactly one line break"
            );
            assert!(!text.contains("\n\n\n"), "{path}: two empty lines");
        }
    }

    #[test]
    fn every_code_of_the_checker_explains_itself() {
        let core = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut used = BTreeSet::new();
        for path in sources(&core.join("yaml")).into_iter().chain([core.join("yaml.rs")]) {
            used.extend(literals(&std::fs::read_to_string(path).unwrap()));
        }
        used.retain(|code| code.starts_with("yaml/") || code.starts_with("field/"));
        for path in [
            "../../src/content.rs",
            "../../src/content/folder.rs",
            "../../src/gate.rs",
            "request/secret.rs",
            "sign_off/lock_out.rs",
        ] {
            let found = literals(&std::fs::read_to_string(core.join(path)).unwrap());
            let is_built_in =
                |code: &String| ["request/", "policy/"].iter().any(|rule| code.starts_with(rule));
            used.extend(found.into_iter().filter(is_built_in));
        }
        used.insert(UNGOVERNED.to_owned());
        let known: BTreeSet<_> = form::codes().map(|form| form.code.to_owned()).collect();
        assert_eq!(known, used);
    }

    #[test]
    fn an_organisation_explains_its_own_rules() {
        let policy = "package p\n\n# METADATA\n# title: No change on Friday\n# description: |\n#   \
            Nobody is there\n#   to fix it.\n# custom:\n#   code: acme/friday\n#   effect: warn\n\
            #   owner: sre\nfindings contains 1\n\n# METADATA\n# title: No code\nx := 1\n";
        let files = Files::from([
            ("policies/acme.rego".to_owned(), policy.as_bytes().to_vec()),
            ("policies/acme_test.rego".to_owned(), policy.replace("friday", "x").into_bytes()),
        ]);
        let codes = catalogue(&files);
        let acme: Vec<_> = codes.keys().filter(|code| code.starts_with("acme/")).collect();
        assert_eq!(acme, ["acme/friday"]);
        let info = &codes["acme/friday"];
        assert_eq!(info.meaning, "Nobody is there to fix it.");
        assert_eq!((info.effect, info.resolve.as_str()), (Effect::Warn, ""));
    }

    #[test]
    fn a_help_is_explained_in_a_sentence() {
        assert_eq!(sentence("write `a: b`"), "Write `a: b`.");
        assert_eq!(sentence("`a` helps."), "`a` helps.");
    }
}
