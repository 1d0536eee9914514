//! Refuses findings that are written in a form that nobody could read, as far as that can be seen
//! without evaluating: unknown fields, unknown effects, and codes of other rules.
//!
//! A code belongs to the package whose name it begins with, or that declares it in its METADATA.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::Rule;
use regorus::unstable::{Expr, RuleHead};

use super::expressions::literal;
use super::facts::RuleFacts;
use super::taking_part::RULES;
use super::{PolicyFile, PolicyProblem};
use crate::core::policy::codes::declared;
use crate::core::policy::ruling::{EFFECTS, FIELDS, is_code};

/// Checks every object that a rule package yields as a finding, or that has a code.
pub(super) fn check(files: &[PolicyFile], facts: &[RuleFacts]) -> Vec<PolicyProblem> {
    let mut declared_in: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for file in files.iter().filter(|file| !file.is_test()) {
        declared_in.entry(file.package_name()).or_default().extend(declared(file.text));
    }
    let mut problems = Vec::new();
    for rule in facts.iter().filter(|rule| !rule.file.is_test() && rule.path.starts_with(&RULES)) {
        let package = rule.path.get(RULES.len()).copied().unwrap_or_default();
        let own = &declared_in[&rule.file.package_name()];
        let codes =
            rule.objects.iter().filter_map(|object| foreign_code(rule, object, package, own));
        problems.extend(codes);
        let is_findings = rule.path.get(rule.package_len) == Some(&"findings");
        if let (true, Some(finding)) = (is_findings, yielded(rule.rule)) {
            problems.extend(misshapen(rule, finding));
        }
    }
    problems
}

/// Returns the object in the head of `findings contains {…}`.
fn yielded(rule: &Rule) -> Option<&Expr> {
    let Rule::Spec { head: RuleHead::Set { key: Some(key), .. }, .. } = rule else { return None };
    matches!(&**key, Expr::Object { .. }).then_some(key)
}

fn field<'e>(object: &'e Expr, name: &str) -> Option<&'e Expr> {
    let Expr::Object { fields, .. } = object else { return None };
    let mut fields = fields.iter();
    fields.find(|(_, key, _)| literal(key) == Some(name)).map(|(_, _, value)| &**value)
}

fn foreign_code(
    rule: &RuleFacts,
    object: &Expr,
    package: &str,
    own: &BTreeSet<String>,
) -> Option<PolicyProblem> {
    let written = field(object, "code")?;
    let code = literal(written)?;
    let message = match code.split_once('/') {
        _ if !is_code(code) => format!("`{code}` is not a code"),
        Some((start, _)) if start == package || own.contains(code) => return None,
        _ => format!("the code `{code}` belongs to another rule"),
    };
    let help = format!("Write `{package}/…`, the package and a short name with dashes.");
    Some(rule.file.problem(written.span(), message, &help))
}

fn misshapen(rule: &RuleFacts, finding: &Expr) -> Vec<PolicyProblem> {
    let Expr::Object { fields, span, .. } = finding else { return Vec::new() };
    let mut problems = Vec::new();
    for name in fields.iter().filter_map(|(_, key, _)| literal(key)) {
        if !FIELDS.contains(&name) {
            let message = format!("a finding has no field `{name}`");
            let help = format!("Its fields are {}.", FIELDS.join(", "));
            problems.push(rule.file.problem(span, message, &help));
        }
    }
    for needed in ["code", "effect", "message"] {
        if field(finding, needed).is_none() {
            let message = format!("this finding has no `{needed}`");
            problems.push(rule.file.problem(span, message, "Add it."));
        }
    }
    if let Some(effect) = field(finding, "effect").and_then(literal)
        && !EFFECTS.contains(&effect)
    {
        let message = format!("`{effect}` is not an effect");
        let help = format!("The effects are {}.", EFFECTS.join(", "));
        problems.push(rule.file.problem(span, message, &help));
    }
    problems
}
