//! What rule packages yield, and where: for what only evaluation shows.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::Expr;
use serde_json::Value;

use super::expressions::{literal, value};
use super::facts::RuleFacts;
use super::shape::{owned_codes, yielded};
use super::taking_part::{RULES, name, package};
use super::{PolicyFile, purposes};
use crate::input::Purpose;

/// A package below `changegate.rules`.
pub struct RulePackage {
    /// Its path, such as `data.changegate.rules.window`.
    pub path: String,
    /// The questions that it says it answers; that of a merge if it says nothing.
    purposes: Option<BTreeSet<Purpose>>,
    /// The codes that its METADATA declares.
    declared: BTreeSet<String>,
    definitions: Vec<Definition>,
}

/// A definition of `findings` or `required`.
struct Definition {
    rule: String,
    path: String,
    line: u32,
    /// The fields of what it yields, with the values that are written out; `None` if only evaluation
    /// shows the fields, too.
    fields: Option<BTreeMap<String, Option<Value>>>,
}

/// Returns the rule packages of a bundle.
pub(super) fn read(files: &[PolicyFile], facts: &[RuleFacts]) -> Vec<RulePackage> {
    let mut packages: BTreeMap<String, RulePackage> = BTreeMap::new();
    let mut declared = owned_codes(files);
    let mut purposes = purposes::read(facts);
    let rules =
        facts.iter().filter(|rule| !rule.file.is_test() && package(rule).starts_with(&RULES));
    for rule in rules.filter(|rule| ["findings", "required"].contains(&name(rule))) {
        let path = rule.file.package_name();
        let package = packages.entry(path.clone()).or_insert_with(|| RulePackage {
            purposes: purposes.remove(&path),
            declared: declared.remove(&path).unwrap_or_default(),
            path,
            definitions: Vec::new(),
        });
        package.definitions.push(Definition {
            rule: name(rule).to_owned(),
            path: rule.file.path.to_owned(),
            line: rule.span.line,
            fields: match &*yielded(rule) {
                [Expr::Object { fields, .. }] => {
                    let fields = fields
                        .iter()
                        .map(|(_, key, written)| Some((literal(key)?.to_owned(), value(written))));
                    fields.collect()
                }
                _ => None,
            },
        });
    }
    packages.into_values().collect()
}

impl RulePackage {
    /// Returns whether it takes part in answering a question.
    pub fn answers(&self, purpose: Purpose) -> bool {
        let said = self.purposes.as_ref();
        said.map_or(purpose.is_merge(), |purposes| purposes.contains(&purpose))
    }

    /// Returns whether only evaluation shows which codes it yields.
    pub fn is_open(&self) -> bool {
        self.definitions.iter().any(|definition| {
            definition.fields.as_ref().is_none_or(|fields| fields.get("code") == Some(&None))
        })
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
        let of_rule = || self.definitions.iter().filter(|definition| definition.rule == rule);
        let fits = |definition: &&Definition| {
            definition.fields.as_ref().is_none_or(|fields| may_be(fields, value))
        };
        let mut fitting = of_rule().filter(fits);
        match (fitting.next(), fitting.next(), of_rule().next()) {
            (Some(only), None, _) => format!("{}:{}: ", only.path, only.line),
            (Some(first), ..) | (None, _, Some(first)) => format!("{}: ", first.path),
            (None, _, None) => String::new(),
        }
    }
}

/// Returns whether a value may come from where these fields are written.
fn may_be(fields: &BTreeMap<String, Option<Value>>, value: &Value) -> bool {
    value.as_object().is_some_and(|object| {
        object.len() == fields.len()
            && fields.iter().all(|(name, written)| {
                object.get(name).is_some_and(|value| written.as_ref().is_none_or(|w| w == value))
            })
    })
}
