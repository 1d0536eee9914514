//! Which rules depend on which.

use std::collections::BTreeMap;

use super::facts::RuleFacts;
use super::names::Scopes;

/// The graph of dependencies, in which all definitions of one name are one node.
pub(super) struct Graph<'a> {
    /// The first definition of each rule.
    pub rules: Vec<&'a RuleFacts<'a>>,
    /// The dependencies of each rule, as indexes.
    pub dependencies: Vec<Vec<usize>>,
}

impl<'a> Graph<'a> {
    pub(super) fn of(facts: &'a [RuleFacts<'a>], scopes: &Scopes<'a>) -> Self {
        let mut nodes = BTreeMap::new();
        let mut rules: Vec<&RuleFacts> = Vec::new();
        for rule in facts {
            nodes.entry((rule.name.as_str(), &rule.path)).or_insert_with(|| {
                rules.push(rule);
                rules.len() - 1
            });
        }
        let functions: BTreeMap<_, _> = (rules.iter().enumerate())
            .filter(|(_, rule)| rule.arity.is_some())
            .map(|(node, rule)| (rule.name.as_str(), node))
            .collect();
        let mut dependencies = vec![Vec::new(); rules.len()];
        for rule in facts {
            let names = scopes.seen_by(rule);
            let node = &mut dependencies[nodes[&(rule.name.as_str(), &rule.path)]];
            let called = rule.calls.iter().filter_map(|call| names.function(rule, call));
            node.extend(called.map(|(name, _)| functions[name]));
            for path in rule.references.keys() {
                let Some(path) = names.absolute(rule, path) else {
                    continue;
                };
                let referred = rules.iter().enumerate().filter(|(_, other)| {
                    (rule.file.is_test() || !other.file.is_test()) && meets(&path, &other.path)
                });
                node.extend(referred.map(|(other, _)| other));
            }
            node.sort_unstable();
            node.dedup();
        }
        Self { rules, dependencies }
    }
}

/// Returns whether a reference can reach into a rule, or contains it.
pub(super) fn meets(reference: &[Option<&str>], rule: &[&str]) -> bool {
    let mut pairs = reference.iter().zip(rule);
    pairs.all(|(part, name)| part.is_none_or(|part| part == *name))
}
