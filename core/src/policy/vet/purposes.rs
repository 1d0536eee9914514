//! Which questions a rule package answers: `purposes := {"execute"}`. It is a set of words that are
//! written out, so that no fact can turn a package off.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{Expr, Rule, RuleHead};

use super::PolicyProblem;
use super::expressions::literal;
use super::facts::RuleFacts;
use super::taking_part::{PURPOSES, RULES, name, package};
use crate::input::Purpose;
use crate::terms::all_of;

fn all<'f, 'r>(facts: &'f [RuleFacts<'r>]) -> impl Iterator<Item = &'f RuleFacts<'r>> {
    let policies = facts.iter().filter(|rule| !rule.file.is_test());
    policies.filter(|rule| package(rule).starts_with(&RULES) && name(rule) == PURPOSES)
}

/// Returns the purposes that rule packages say, by their paths.
pub(super) fn read(facts: &[RuleFacts]) -> BTreeMap<String, BTreeSet<Purpose>> {
    let said = |rule: &RuleFacts| Some((rule.file.package_name(), written(rule)?));
    all(facts).filter_map(said).collect()
}

/// Refuses what isn't a set of purposes, written out once in a package.
pub(super) fn check(facts: &[RuleFacts]) -> Vec<PolicyProblem> {
    let mut seen = BTreeSet::new();
    let wrong = all(facts).filter_map(|rule| {
        let is_first = seen.insert(rule.file.package_name());
        let message = match written(rule) {
            Some(_) if is_first => return None,
            Some(_) => "`purposes` is written more than once in this package",
            None => "`purposes` doesn't say in so many words which questions this package answers",
        };
        let help = format!(
            "Write `{PURPOSES} := {{…}}` with some of {}; left out, it is \"merge\" alone.",
            all_of(&Purpose::ALL.map(|purpose| format!("\"{}\"", purpose.as_str())))
        );
        Some(rule.file.problem(rule.span, message.to_owned(), &help))
    });
    wrong.collect()
}

/// Returns the purposes that a rule says, if it says nothing but that.
fn written(rule: &RuleFacts) -> Option<BTreeSet<Purpose>> {
    let Rule::Spec { head: RuleHead::Compr { assign: Some(assign), .. }, bodies, .. } = rule.rule
    else {
        return None;
    };
    let Expr::Set { items, .. } = &*assign.value else { return None };
    let purpose = |word: &str| Purpose::ALL.into_iter().find(|purpose| purpose.as_str() == word);
    let said: Option<BTreeSet<_>> = items.iter().map(|item| purpose(literal(item)?)).collect();
    said.filter(|said| !said.is_empty() && bodies.is_empty() && rule.arity.is_none())
}
