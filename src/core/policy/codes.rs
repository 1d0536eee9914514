//! What each finding's code means: for `changegate explain`, for the reports, and for the controls
//! that a finding names.
//!
//! Two sources: the METADATA beside the rules of a policy bundle, so that an organisation's own
//! rules explain themselves, and a table of what the checker finds in a file's form (`form`). A
//! code that neither knows is no error: reports do without.
//!
//! The entry point is [`catalogue`]; a bundle keeps its own, see
//! [`PolicyBundle::codes`](super::PolicyBundle::codes).

mod form;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Files;
use super::vet::TEST_SUFFIX;
use crate::core::terms::Effect;
use crate::core::yaml;

/// What a code means, and what resolves it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CodeInfo {
    /// `rule/short-name`.
    pub code: String,
    /// A few words, without a full stop.
    pub title: String,
    /// What is the matter, and why that matters.
    pub meaning: String,
    /// What to do about it.
    pub resolve: String,
    /// The section of the rules that it comes from.
    pub rule: String,
    /// What it does to the verdict, at its strongest.
    pub effect: Effect,
    /// The controls that it serves, such as `SOC2:CC8.1`.
    pub controls: Vec<String>,
}

/// Every code that a bundle's rules and the checker itself know, by code. What METADATA leaves out
/// stays empty.
pub fn catalogue(files: &Files) -> BTreeMap<String, CodeInfo> {
    let mut codes = BTreeMap::new();
    let built_in = form::codes().map(CodeInfo::from);
    let policies = files.iter().filter(|(path, _)| is_policy(path));
    let annotated = policies.flat_map(|(_, bytes)| annotated(&String::from_utf8_lossy(bytes)));
    for info in built_in.chain(annotated) {
        codes.entry(info.code.clone()).or_insert(info);
    }
    codes
}

fn is_policy(path: &str) -> bool {
    path.ends_with(".rego") && !path.ends_with(TEST_SUFFIX)
}

/// An annotation as OPA defines it, as far as codes go.
#[derive(Deserialize)]
struct Annotation {
    #[serde(default)]
    title: String,
    #[serde(default)]
    description: String,
    custom: Custom,
}

/// What an annotation says about the code that its rule yields.
#[derive(Deserialize)]
struct Custom {
    code: String,
    effect: Option<Effect>,
    #[serde(default)]
    rule: String,
    #[serde(default)]
    resolve: String,
    #[serde(default)]
    controls: Vec<String>,
}

/// The annotations in a policy that are about codes.
fn annotated(text: &str) -> Vec<CodeInfo> {
    let mut lines = text.lines();
    let mut found = Vec::new();
    while lines.any(|line| line.trim_end() == "# METADATA") {
        let block: String = lines
            .by_ref()
            .map_while(|line| line.strip_prefix('#'))
            .flat_map(|line| [line.strip_prefix(' ').unwrap_or(line), "\n"])
            .collect();
        if block.contains("code:") {
            found.extend(yaml::parse(block.as_bytes()).read::<Annotation>().value);
        }
    }
    found.into_iter().map(CodeInfo::from).collect()
}

impl From<Annotation> for CodeInfo {
    fn from(annotation: Annotation) -> Self {
        let Annotation { title, description, custom } = annotation;
        CodeInfo {
            code: custom.code,
            title,
            meaning: description.trim_end().replace('\n', " "),
            resolve: custom.resolve,
            rule: custom.rule,
            // As strong as a finding can be: nobody is to take it for less than it may be.
            effect: custom.effect.unwrap_or(Effect::Deny),
            controls: custom.controls,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::core::policy::shipped_files;

    /// The codes among a text's string literals: `"rule/short-name"`.
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
                let info = info.unwrap_or_else(|| panic!("{path} lacks METADATA about {code}"));
                for text in [&info.title, &info.meaning, &info.resolve, &info.rule] {
                    assert!(!text.trim().is_empty(), "{code}: {info:?}");
                }
                assert!(!info.title.ends_with('.'), "{code}: a title has no full stop");
                for text in [&info.meaning, &info.resolve] {
                    assert!(text.ends_with('.'), "{code}: `{text}` is no sentence");
                }
            }
        }
    }

    /// Otherwise `explain` would tell of another effect than the report.
    #[test]
    fn effects_are_those_of_the_rules() {
        let files = shipped_files();
        let text: String =
            files.values().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect();
        let codes = catalogue(&files);
        let mut lines = text.lines().map(str::trim).peekable();
        while let Some(line) = lines.next() {
            let code = line.strip_prefix("\"code\": \"").and_then(|rest| rest.strip_suffix("\","));
            let effect = lines.peek().and_then(|next| next.strip_prefix("\"effect\": \""));
            if let Some((code, effect)) = code.zip(effect) {
                let known = crate::core::digest::to_json(&codes[code].effect);
                assert_eq!(Some(effect.trim_end_matches("\",")), known.as_str(), "{code}");
            }
        }
    }

    #[test]
    fn every_code_of_the_checker_explains_itself() {
        let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut used = BTreeSet::new();
        for path in sources(&src.join("core/yaml")).into_iter().chain([src.join("core/yaml.rs")]) {
            used.extend(literals(&std::fs::read_to_string(path).unwrap()));
        }
        used.retain(|code| code.starts_with("yaml/") || code.starts_with("field/"));
        for path in ["content.rs", "content/folder.rs", "gate.rs"] {
            let found = literals(&std::fs::read_to_string(src.join(path)).unwrap());
            used.extend(found.into_iter().filter(|code| code.starts_with("request/")));
        }
        let known: BTreeSet<_> = form::codes().map(|form| form.code.to_owned()).collect();
        assert_eq!(known, used);
    }

    #[test]
    fn an_organisation_explains_its_own_rules() {
        let policy = "package p\n\n# METADATA\n# title: No change on Friday\n# description: |\n#   \
            Nobody is there\n#   to mend it.\n# custom:\n#   code: acme/friday\n#   effect: warn\n\
            #   owner: sre\nfindings contains 1\n\n# METADATA\n# title: No code\nx := 1\n";
        let files = Files::from([
            ("policies/acme.rego".to_owned(), policy.as_bytes().to_vec()),
            ("policies/acme_test.rego".to_owned(), policy.replace("friday", "x").into_bytes()),
        ]);
        let codes = catalogue(&files);
        let acme: Vec<_> = codes.keys().filter(|code| code.starts_with("acme/")).collect();
        assert_eq!(acme, ["acme/friday"]);
        let info = &codes["acme/friday"];
        assert_eq!(info.meaning, "Nobody is there to mend it.");
        assert_eq!((info.effect, info.resolve.as_str()), (Effect::Warn, ""));
    }
}
