//! What rule packages yield, and where: for what only evaluation shows.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::facts::RuleFacts;
use super::shape::{field, owned_codes, yielded};
use super::taking_part::{RULES, name, package};
use super::{PolicyFile, expressions::literal};

/// A package below `changegate.rules`.
pub struct RulePackage {
    /// Its path, such as `data.changegate.rules.window`.
    pub path: String,
    /// The codes that its METADATA declares.
    declared: BTreeSet<String>,
    definitions: Vec<Definition>,
}

/// A definition of `findings` or `required`.
struct Definition {
    rule: String,
    path: String,
    line: u32,
    /// The code of what it yields; `None` if only evaluation shows it.
    code: Option<String>,
}

/// Returns the rule packages of a bundle.
pub(super) fn read(files: &[PolicyFile], facts: &[RuleFacts]) -> Vec<RulePackage> {
    let mut packages: BTreeMap<String, RulePackage> = BTreeMap::new();
    let mut declared = owned_codes(files);
    let rules =
        facts.iter().filter(|rule| !rule.file.is_test() && package(rule).starts_with(&RULES));
    for rule in rules.filter(|rule| ["findings", "required"].contains(&name(rule))) {
        let path = rule.file.package_name();
        let package = packages.entry(path.clone()).or_insert_with(|| RulePackage {
            declared: declared.remove(&path).unwrap_or_default(),
            path,
            definitions: Vec::new(),
        });
        let code = yielded(rule.rule).and_then(|object| match field(object, "code") {
            Some(code) => literal(code),
            // A sign-off without a code of its own has the one of the sign-offs.
            None => (name(rule) == "required").then_some("signoff/missing"),
        });
        package.definitions.push(Definition {
            rule: name(rule).to_owned(),
            path: rule.file.path.to_owned(),
            line: rule.span.line,
            code: code.map(str::to_owned),
        });
    }
    packages.into_values().collect()
}

impl RulePackage {
    /// Returns whether only evaluation shows which codes it yields.
    pub fn is_open(&self) -> bool {
        self.definitions.iter().any(|definition| definition.code.is_none())
    }

    /// Returns what is wrong with a value whose code is among `codes` and belongs to another package.
    pub fn foreign(&self, (_, value): (&str, &Value), codes: &BTreeSet<&str>) -> Option<String> {
        let code = value["code"].as_str().filter(|code| codes.contains(code))?;
        let (own, _) = code.split_once('/')?;
        let is_own = self.path.rsplit('.').next() == Some(own) || self.declared.contains(code);
        (!is_own).then(|| {
            format!("the code `{code}`, which belongs to another rule: codes begin with the package's name")
        })
    }

    /// Returns where a value of a rule comes from, for the start of a message: the file, and the line
    /// if only one definition can have yielded it.
    pub fn place_of(&self, rule: &str, value: &Value) -> String {
        let code = value["code"].as_str();
        let of_rule = || self.definitions.iter().filter(|definition| definition.rule == rule);
        let fits = |definition: &&Definition| {
            definition.code.is_none() || definition.code.as_deref() == code
        };
        let mut fitting = of_rule().filter(fits);
        match (fitting.next(), fitting.next(), of_rule().next()) {
            (Some(only), None, _) => format!("{}:{}: ", only.path, only.line),
            (Some(first), ..) | (None, _, Some(first)) => format!("{}: ", first.path),
            (None, _, None) => String::new(),
        }
    }
}
