//! Resolves what a rule calls and refers to, as the interpreter does.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::Expr;
use regorus::utils::get_path_string;

use super::expressions::{Call, components};
use super::facts::RuleFacts;

/// The names that policies see, and those that tests see. Policies don't see tests, because engines
/// that decide don't load them.
pub(super) struct Scopes<'a> {
    policies: Names<'a>,
    tests: Names<'a>,
}

impl<'a> Scopes<'a> {
    pub(super) fn of(facts: &'a [RuleFacts<'a>]) -> Self {
        Self {
            policies: Names::of(facts.iter().filter(|rule| !rule.file.is_test())),
            tests: Names::of(facts),
        }
    }

    pub(super) fn seen_by(&self, rule: &RuleFacts) -> &Names<'a> {
        if rule.file.is_test() { &self.tests } else { &self.policies }
    }
}

/// The names that rules see of each other.
pub(super) struct Names<'a> {
    /// Full name to number of parameters.
    functions: BTreeMap<&'a str, usize>,
    /// Paths of the rules themselves, without the parts that their heads add.
    rules: BTreeSet<&'a [&'a str]>,
}

impl<'a> Names<'a> {
    fn of(facts: impl IntoIterator<Item = &'a RuleFacts<'a>>) -> Self {
        let mut names = Self { functions: BTreeMap::new(), rules: BTreeSet::new() };
        for rule in facts {
            if let Some(arity) = rule.arity {
                names.functions.insert(&rule.name, arity);
            }
            names.rules.extend(rule.path.get(..=rule.package_len));
        }
        names
    }

    /// Returns the full name and the number of parameters of the called function of this bundle.
    pub(super) fn function(&self, rule: &RuleFacts, call: &Call) -> Option<(&'a str, usize)> {
        let full_name = match imported_name(rule, &call.name) {
            Some(name) if self.functions.contains_key(name.as_str()) => name,
            _ if call.name.starts_with("data.") => call.name.clone(),
            _ => format!("{}.{}", rule.file.package_name(), call.name),
        };
        let function = self.functions.get_key_value(full_name.as_str());
        function.map(|(&name, &arity)| (name, arity))
    }

    /// Returns the names by which functions of this bundle can be called from a rule.
    pub(super) fn callable(&self, rule: &RuleFacts) -> impl Iterator<Item = &'a str> {
        let package = format!("{}.", rule.file.package_name());
        let functions = self.functions.keys().copied();
        functions.map(move |name| name.strip_prefix(&package).unwrap_or(name))
    }

    /// Returns the path from `data` on of a reference, unless it is local or the input.
    pub(super) fn absolute<'p>(
        &self,
        rule: &RuleFacts<'p>,
        path: &[Option<&'p str>],
    ) -> Option<Vec<Option<&'p str>>> {
        let (&root, rest) = path.split_first()?;
        let root = root.filter(|root| !rule.declares(root) && *root != "input")?;
        if root == "data" {
            return Some(path.to_vec());
        }
        let mut own = rule.file.package();
        own.push(root);
        if self.rules.contains(own.as_slice()) {
            return Some(own.into_iter().map(Some).chain(rest.iter().copied()).collect());
        }
        let imported = components(rule.file.import(root)?);
        Some(imported.into_iter().chain(rest.iter().copied()).collect())
    }
}

/// Returns a dotted name in full if its first part is the name of an import.
pub(super) fn imported_name(rule: &RuleFacts, name: &str) -> Option<String> {
    let root_end = name.find(['.', '[']).unwrap_or(name.len());
    let (root, rest) = name.split_at(root_end);
    let import: &Expr = rule.file.import(root)?;
    Some(get_path_string(import, None).ok()? + rest)
}
