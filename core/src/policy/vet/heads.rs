//! Refuses references in a rule's head that may be undefined because its body doesn't use them.
//!
//! The interpreter evaluates a head once for each binding of the body's variables. Rego skips a
//! binding for which the head is undefined. The interpreter also discards what the rule collected
//! from earlier bindings, or fails; and if a function's head is undefined, it doesn't try the
//! `else`. In each case a denial can get lost, so heads that may be undefined are refused:
//!
//! - of partial rules, always
//! - of other rules, where the body iterates
//! - of functions, where an `else` follows
//!
//! A reference is safe if the body also contains it outside `not`, `every` and comprehensions: if
//! it is undefined, the body already fails. Calls of the bundle's functions belong in the body.
//! Comprehensions always have a value, and so have the builtins other than those in
//! [`MAY_BE_UNDEFINED`].

use std::collections::BTreeSet;

use regorus::unstable::{Expr, Literal, LiteralStmt, Query, Rule, RuleBody, RuleHead};

use super::PolicyProblem;
use super::expressions::{Call, components, literal};
use super::facts::RuleFacts;
use super::functions::MAY_BE_UNDEFINED;
use super::names::{Names, Scopes};

const LOST: &str = "then what the rule found before is lost";
const PASSED_OVER: &str = "then the `else` isn't tried";

/// Checks every head. Tests never decide, so theirs are skipped.
pub(super) fn check(facts: &[RuleFacts], scopes: &Scopes) -> Vec<PolicyProblem> {
    let policies = facts.iter().filter(|rule| !rule.file.is_test());
    policies.flat_map(|rule| of_rule(rule, scopes.seen_by(rule))).collect()
}

fn of_rule(facts: &RuleFacts, names: &Names) -> Vec<PolicyProblem> {
    let Rule::Spec { head, bodies, .. } = facts.rule else {
        return Vec::new();
    };
    let bodies: Vec<Option<&RuleBody>> = match head {
        RuleHead::Func { .. } => match bodies.split_last() {
            Some((_, before_an_else)) => before_an_else.iter().map(Some).collect(),
            None => Vec::new(),
        },
        RuleHead::Compr { refr, .. }
            if indexes(refr).all(is_constant) && !may_iterate(head, bodies) =>
        {
            Vec::new()
        }
        RuleHead::Compr { .. } | RuleHead::Set { .. } if bodies.is_empty() => vec![None],
        RuleHead::Compr { .. } | RuleHead::Set { .. } => bodies.iter().map(Some).collect(),
    };
    let consequence = if facts.arity.is_some() { PASSED_OVER } else { LOST };
    let mut search = Search { facts, names, consequence, bound: BTreeSet::new(), problems: vec![] };
    for body in bodies {
        search.bound = body.map(|body| bound_by(&body.query)).unwrap_or_default();
        search.head(head, body);
    }
    search.problems.dedup();
    search.problems
}

struct Search<'s, 'a> {
    facts: &'s RuleFacts<'a>,
    names: &'s Names<'a>,
    consequence: &'static str,
    /// The references that are defined whenever the head is evaluated.
    bound: BTreeSet<String>,
    problems: Vec<PolicyProblem>,
}

impl Search<'_, '_> {
    fn head(&mut self, head: &RuleHead, body: Option<&RuleBody>) {
        let assigned = body.and_then(|body| body.assign.as_ref());
        match head {
            RuleHead::Set { refr, key, .. } => {
                indexes(refr).chain(key.as_deref()).for_each(|part| self.defined(part));
            }
            RuleHead::Compr { refr, assign, .. } => {
                indexes(refr).for_each(|index| self.defined(index));
                let value = assigned.or(assign.as_ref());
                value.iter().for_each(|value| self.defined(&value.value));
            }
            RuleHead::Func { args, assign, .. } => {
                args.iter().for_each(|parameter| note(parameter, &mut self.bound));
                let value =
                    assigned.or(assign.as_ref().filter(|_| body.is_none_or(|b| !b.is_else)));
                value.iter().for_each(|value| self.defined(&value.value));
            }
        }
    }

    /// Reports what may be undefined in an expression.
    fn defined(&mut self, expression: &Expr) {
        match expression {
            Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. } => {
                // Each is reported once.
                if key(expression).is_none_or(|key| self.bound.insert(key)) {
                    self.report(expression, expression.span().text(), variable(expression));
                }
            }
            Expr::Call { .. } => {
                let Some(call) = Call::of(expression) else { return };
                let own = self.names.function(self.facts, &call).is_some();
                if own || MAY_BE_UNDEFINED.contains(&call.name.as_str()) {
                    self.report(expression, &format!("{}(…)", call.name), "value");
                }
                parts(expression).for_each(|argument| self.defined(argument));
            }
            _ => parts(expression).for_each(|part| self.defined(part)),
        }
    }

    fn report(&mut self, expression: &Expr, text: &str, variable: &str) {
        let message = format!("`{text}` may be undefined here, and {}", self.consequence);
        let help = format!("Bind it in the body: `{variable} := {text}`.");
        self.problems.push(self.facts.file.problem(expression.span(), message, &help));
    }
}

/// Returns the name of a variable for a reference: its last name.
fn variable(reference: &Expr) -> &str {
    let components = components(reference);
    let last = components.last().copied().flatten().filter(|_| components.len() > 1);
    last.filter(|name| name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric()))
        .unwrap_or("value")
}

/// Returns the references that are defined where a query is true.
fn bound_by(query: &Query) -> BTreeSet<String> {
    let mut bound = BTreeSet::new();
    for statement in &query.stmts {
        match &statement.literal {
            Literal::SomeIn { key, value, collection, .. } => {
                let parts = key.iter().chain([value, collection]);
                parts.for_each(|part| note(part, &mut bound));
            }
            Literal::Expr { expr, .. } => match &**expr {
                Expr::Membership { key: None, value, collection, .. } => {
                    note(value, &mut bound);
                    note(collection, &mut bound);
                }
                expression => note(expression, &mut bound),
            },
            Literal::SomeVars { .. } | Literal::NotExpr { .. } | Literal::Every { .. } => {}
        }
    }
    bound
}

/// Collects the references that make an expression undefined if they are. Except as a statement of
/// its own, `in` has a value whatever its operands are.
fn note(expression: &Expr, bound: &mut BTreeSet<String>) {
    if matches!(expression, Expr::Membership { .. }) {
        return;
    }
    bound.extend(key(expression));
    parts(expression).for_each(|part| note(part, bound));
}

/// Returns a reference in one spelling; `None` for other expressions, and for one whose meaning
/// differs each time that it is written.
fn key(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Var { span, .. } => Some(span.text()).filter(|name| *name != "_").map(str::to_owned),
        Expr::RefDot { refr, field, .. } => Some(format!("{}[{:?}]", key(refr)?, field.0.text())),
        Expr::RefBrack { refr, index, .. } => Some(match (literal(index), &**index) {
            (Some(text), _) => format!("{}[{text:?}]", key(refr)?),
            (None, Expr::Number { span, .. }) => format!("{}[{}]", key(refr)?, span.text()),
            (None, index) => format!("{}[{}]", key(refr)?, key(index)?),
        }),
        _ => None,
    }
}

/// Returns whether there may be several bindings for which the head is evaluated.
fn may_iterate(head: &RuleHead, bodies: &[RuleBody]) -> bool {
    let assigned = match head {
        RuleHead::Compr { assign, .. } => assign.iter(),
        _ => return true,
    };
    let values = assigned.chain(bodies.iter().filter_map(|body| body.assign.as_ref()));
    let mut statements = bodies.iter().flat_map(|body| &body.query.stmts);
    values.map(|assign| &*assign.value).any(iterates) || statements.any(statement_iterates)
}

fn statement_iterates(statement: &LiteralStmt) -> bool {
    match &statement.literal {
        Literal::SomeIn { .. } => true,
        Literal::Expr { expr, .. } => iterates(expr),
        Literal::SomeVars { .. } | Literal::NotExpr { .. } | Literal::Every { .. } => false,
    }
}

fn iterates(expression: &Expr) -> bool {
    let by_index = match expression {
        Expr::RefBrack { index, .. } => match &**index {
            Expr::Var { .. } => true,
            Expr::Array { .. } | Expr::Object { .. } | Expr::Set { .. } => !is_constant(index),
            _ => false,
        },
        _ => false,
    };
    by_index || parts(expression).any(iterates)
}

fn is_constant(expression: &Expr) -> bool {
    match expression {
        Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. } | Expr::Call { .. } => false,
        _ => parts(expression).all(is_constant),
    }
}

/// Returns the expressions in the brackets of a rule's name.
fn indexes(name: &Expr) -> impl Iterator<Item = &Expr> {
    std::iter::successors(Some(name), |part| match part {
        Expr::RefDot { refr, .. } | Expr::RefBrack { refr, .. } => Some(refr),
        _ => None,
    })
    .filter_map(|part| match part {
        Expr::RefBrack { index, .. } => Some(&**index),
        _ => None,
    })
}

/// Returns the parts of an expression, except those of comprehensions, where undefined values have
/// no effect.
fn parts(expression: &Expr) -> impl Iterator<Item = &Expr> {
    let parts: Vec<&Expr> = match expression {
        Expr::RefDot { refr, .. } => vec![refr],
        Expr::RefBrack { refr, index, .. } => vec![refr, index],
        Expr::Array { items, .. } | Expr::Set { items, .. } => items.iter().map(|i| &**i).collect(),
        Expr::Call { params, .. } => params.iter().map(|parameter| &**parameter).collect(),
        Expr::Object { fields, .. } => {
            fields.iter().flat_map(|(_, key, value)| [&**key, &**value]).collect()
        }
        Expr::UnaryExpr { expr, .. } => vec![expr],
        Expr::BinExpr { lhs, rhs, .. }
        | Expr::BoolExpr { lhs, rhs, .. }
        | Expr::ArithExpr { lhs, rhs, .. }
        | Expr::AssignExpr { lhs, rhs, .. } => vec![lhs, rhs],
        Expr::Membership { key, value, collection, .. } => {
            key.iter().chain([value, collection]).map(|part| &**part).collect()
        }
        _ => Vec::new(),
    };
    parts.into_iter()
}
