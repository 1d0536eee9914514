//! Refuses rules that nothing uses: what an organisation adds has to take part in decisions.
//!
//! The rule packages lie exactly one level below `changegate.rules`. Of each, the entry point reads
//! the rules that it names, such as `findings`. Every other rule has to be used by one of those.

use std::collections::BTreeSet;

use regorus::unstable::{Expr, Rule, RuleHead};

use super::facts::RuleFacts;
use super::graph::{Graph, meets};
use super::names::Scopes;
use super::{PolicyFile, PolicyProblem};
use crate::policy::codes::declared;

const ENTRY: [&str; 2] = ["data", "changegate"];
pub(super) const RULES: [&str; 3] = ["data", "changegate", "rules"];

/// The rule with which a package says which questions it answers.
pub(super) const PURPOSES: &str = "purposes";

/// Checks every policy, and where its rules are.
pub(super) fn check(
    files: &[PolicyFile],
    facts: &[RuleFacts],
    scopes: &Scopes,
    graph: &Graph,
) -> Vec<PolicyProblem> {
    let policies = || facts.iter().filter(|rule| !rule.file.is_test());
    let tests = facts.iter().filter(|rule| rule.file.is_test());
    let entry: Vec<_> = policies().filter(|rule| package(rule) == ENTRY).collect();
    let results: BTreeSet<_> = entry.iter().flat_map(|rule| of_variables(rule, scopes)).collect();
    let not_tests = tests.filter_map(|rule| not_a_test(rule, &results));
    let empty = files.iter().filter(|file| !file.is_test()).filter_map(empty);
    let misplaced: Vec<_> =
        policies().filter_map(misplaced).chain(not_tests).chain(empty).collect();
    if !misplaced.is_empty() {
        return misplaced;
    }
    let is_named = |rule: &RuleFacts| entry.iter().any(|reader| names(reader, rule, scopes));
    let is_result =
        |rule: &RuleFacts| is_rules(rule) && (results.contains(name(rule)) || is_named(rule));
    let is_start =
        |rule: &RuleFacts| is_result(rule) || (package(rule) == ENTRY && name(rule) == "decision");
    let mut problems: Vec<_> = policies()
        .filter(|rule| is_rules(rule) && results.contains(name(rule)))
        .filter_map(no_collection)
        .collect();

    let mut used = BTreeSet::new();
    let nodes = || graph.rules.iter().enumerate();
    let mut next: Vec<_> =
        nodes().filter(|(_, rule)| is_start(rule)).map(|(node, _)| node).collect();
    while let Some(node) = next.pop() {
        // The entry point refers to all rule packages, and reads only what it names.
        let reads =
            |other: &usize| !is_rules(graph.rules[*other]) || package(graph.rules[node]) != ENTRY;
        if used.insert(node) {
            next.extend(graph.dependencies[node].iter().copied().filter(reads));
        }
    }
    let unused = nodes().filter(|(node, rule)| !rule.file.is_test() && !used.contains(node));
    problems.extend(unused.map(|(_, rule)| unused_rule(rule, &results)));
    problems
}

pub(super) fn package<'r>(rule: &'r RuleFacts) -> &'r [&'r str] {
    &rule.path[..rule.package_len]
}

/// Returns the name of a rule within its package.
pub(super) fn name<'r>(rule: &'r RuleFacts) -> &'r str {
    rule.path.get(rule.package_len).copied().unwrap_or_default()
}

fn is_rules(rule: &RuleFacts) -> bool {
    package(rule).starts_with(&RULES) && rule.package_len == RULES.len() + 1
}

/// Returns the names that a rule reads of values in its variables.
fn of_variables<'r>(rule: &'r RuleFacts, scopes: &Scopes) -> Vec<&'r str> {
    let names = scopes.seen_by(rule);
    let of_variables = rule.references.keys().filter(|path| {
        path.first() != Some(&Some("input")) && names.absolute(rule, path).is_none()
    });
    of_variables.flat_map(|path| path.iter().skip(1).copied().flatten()).collect()
}

/// Returns whether a rule refers to another one, and not only to all rule packages.
fn names(reader: &RuleFacts, rule: &RuleFacts, scopes: &Scopes) -> bool {
    let absolute = |path| scopes.seen_by(reader).absolute(reader, path);
    let mut paths = reader.references.keys().filter_map(|path| absolute(path));
    paths.any(|path| path.len() > RULES.len() + 1 && meets(&path, &rule.path))
}

/// Refuses rules where the organisation's data are, and rule packages at another depth.
fn misplaced(rule: &RuleFacts) -> Option<PolicyProblem> {
    if rule.path.starts_with(&["data", "org"]) {
        let message = "`data.org` holds the organisation's tables, so no rule can be there";
        let help = "Give the package another name.";
        return Some(rule.file.problem(rule.span, message.to_owned(), help));
    }
    let package = package(rule);
    let is_below = rule.path.starts_with(&RULES);
    if is_below && !is_rules(rule) {
        let message =
            format!("the package `{}` takes no part in decisions", package[1..].join("."));
        let help = "A rule's package lies exactly one level below `changegate.rules`, such as \
                    `package changegate.rules.acme`.";
        return Some(rule.file.problem(rule.span, message, help));
    }
    let own = package.last().copied().unwrap_or_default();
    (is_below && !is_named(rule.file.path, own)).then(|| {
        let message = format!("the package `{own}` lies in a folder and a file of other names");
        let help = format!(
            "Rename one of them: `package changegate.rules.{own}` belongs into \
             policies/rules/{own}/{own}.rego."
        );
        rule.file.problem(&rule.file.module.package.span, message, &help)
    })
}

/// Returns whether a file, or a folder that it lies in, has a name.
fn is_named(path: &str, name: &str) -> bool {
    let plain = |name: &str| name.replace('-', "_");
    let mut parts = path.strip_suffix(".rego").unwrap_or(path).split('/').skip(1);
    parts.any(|part| plain(part) == plain(name))
}

/// Refuses policies without a rule, unless they say what codes mean.
fn empty(file: &PolicyFile) -> Option<PolicyProblem> {
    let is_empty = file.module.policy.is_empty() && declared(file.text).next().is_none();
    is_empty.then(|| {
        let message = "this file has no rule, so it takes no part in decisions".to_owned();
        file.problem(&file.module.package.span, message, "Write a rule in it, or delete it.")
    })
}

/// Refuses policies in files of tests, which never decide.
fn not_a_test(rule: &RuleFacts, results: &BTreeSet<&str>) -> Option<PolicyProblem> {
    let is_result = rule.arity.is_none() && is_rules(rule) && results.contains(name(rule));
    let package = rule.file.package_name();
    (is_result || !package.ends_with("_test")).then(|| {
        let package = package.trim_start_matches("data.");
        let message =
            format!("`{}` of {package} is in a file of tests, and takes no part", name(rule));
        let help = "A file that ends in `_test.rego` holds only tests, in a package that ends in \
                    `_test`: rename the file, or the package.";
        rule.file.problem(rule.span, message, help)
    })
}

/// Refuses a result of a rule package that isn't a collection.
fn no_collection(rule: &RuleFacts) -> Option<PolicyProblem> {
    let (name, is_deeper) = (name(rule), rule.path.len() > rule.package_len + 1);
    let is_value = match rule.rule {
        Rule::Spec { head: RuleHead::Compr { assign: Some(assign), .. }, .. } => matches!(
            *assign.value,
            Expr::Object { .. }
                | Expr::ObjectCompr { .. }
                | Expr::String { .. }
                | Expr::RawString { .. }
                | Expr::Number { .. }
                | Expr::Bool { .. }
                | Expr::Null { .. }
        ),
        Rule::Spec { head: RuleHead::Compr { assign: None, .. }, .. } => true,
        _ => false,
    };
    (rule.arity.is_some() || is_deeper || is_value).then(|| {
        let message = format!("`{name}` is read as a set, and would take no part as written here");
        rule.file.problem(rule.span, message, &format!("Write `{name} contains …`."))
    })
}

fn unused_rule(rule: &RuleFacts, results: &BTreeSet<&str>) -> PolicyProblem {
    let message = format!("nothing uses `{}`, so it takes no part in decisions", name(rule));
    let results = results.iter().filter(|name| **name != PURPOSES);
    let results: Vec<_> = results.map(|name| format!("`{name}`")).collect();
    let help = if is_rules(rule) {
        format!("A rule's results are {}; delete it, or use it there.", results.join(" and "))
    } else {
        "A rule's package lies below `changegate.rules`, such as `package changegate.rules.acme`; \
         of others, delete what nothing uses."
            .to_owned()
    };
    rule.file.problem(rule.span, message, &help)
}
