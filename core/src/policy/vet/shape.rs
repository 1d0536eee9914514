//! Refuses findings and sign-offs that are written in a form that nobody could read, as far as that
//! can be seen without evaluating: unknown fields, unknown effects, codes of other rules, people whom
//! nobody knows.
//!
//! A code belongs to the package whose name it begins with, or that declares it in its METADATA.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{Expr, Ref, Rule, RuleHead};
use serde_json::{Map, Value};

use super::documents::looks_misspelt;
use super::expressions::{literal, value};
use super::facts::RuleFacts;
use super::taking_part::{RULES, name};
use super::{PolicyFile, PolicyProblem};
use crate::policy::codes::declared;
use crate::policy::ruling::{Shape, is_code};
use crate::terms::INCIDENT_COMMANDER;

/// The roles that the shipped rules ask for. A repository may begin without anybody who has them.
const WELL_KNOWN: [&str; 2] = ["devops-lead", INCIDENT_COMMANDER];

/// Checks every object that a rule package yields, that has a code, or that asks for somebody;
/// `tables` are the organisation's tables as they are written.
pub(super) fn check(
    files: &[PolicyFile],
    facts: &[RuleFacts],
    tables: &Map<String, Value>,
) -> Vec<PolicyProblem> {
    let declared_in = owned_codes(files);
    let known = Known::of(tables);
    let mut problems = Vec::new();
    for rule in facts.iter().filter(|rule| !rule.file.is_test() && rule.path.starts_with(&RULES)) {
        let package = rule.path.get(RULES.len()).copied().unwrap_or_default();
        let own = &declared_in[&rule.file.package_name()];
        for object in &rule.objects {
            problems.extend(foreign_code(rule, object, package, own));
            problems.extend(known.missing(rule, object));
        }
        if let Some(shape) = Shape::of(name(rule)) {
            problems.extend(yielded(rule).iter().flat_map(|value| misshapen(rule, value, &shape)));
        }
    }
    problems
}

/// Returns the codes that the METADATA of each package declare.
pub(super) fn owned_codes(files: &[PolicyFile]) -> BTreeMap<String, BTreeSet<String>> {
    let mut codes: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for file in files.iter().filter(|file| !file.is_test()) {
        codes.entry(file.package_name()).or_default().extend(declared(file.text));
    }
    codes
}

/// Returns what a rule such as `findings contains {…}` yields, as far as it is written there, or is
/// what a variable stands for.
pub(super) fn yielded<'r>(rule: &RuleFacts<'r>) -> Vec<&'r Expr> {
    let Rule::Spec { head, bodies, .. } = rule.rule else { return Vec::new() };
    let written: Vec<&Ref<Expr>> = match head {
        RuleHead::Set { key, .. } => key.iter().collect(),
        RuleHead::Compr { assign, .. } => {
            let assigned =
                assign.iter().chain(bodies.iter().filter_map(|body| body.assign.as_ref()));
            let elements = assigned.flat_map(|assigned| match &*assigned.value {
                Expr::Array { items, .. } | Expr::Set { items, .. } => items.iter().collect(),
                Expr::ArrayCompr { term, .. } | Expr::SetCompr { term, .. } => vec![term],
                _ => Vec::new(),
            });
            elements.collect()
        }
        RuleHead::Func { .. } => Vec::new(),
    };
    let written = match *written {
        [only] => rule.written(only),
        _ => written,
    };
    written.into_iter().map(|value| &**value).collect()
}

/// Returns the value of a field that an object has by a literal name.
pub(super) fn field<'e>(object: &'e Expr, name: &str) -> Option<&'e Ref<Expr>> {
    let Expr::Object { fields, .. } = object else { return None };
    let mut fields = fields.iter();
    fields.find(|(_, key, _)| literal(key) == Some(name)).map(|(_, _, value)| value)
}

fn foreign_code<'r>(
    rule: &RuleFacts<'r>,
    object: &'r Expr,
    package: &str,
    own: &BTreeSet<String>,
) -> Option<PolicyProblem> {
    let written = field(object, "code")?;
    let message = texts(rule, written).iter().find_map(|code| match code.split_once('/') {
        _ if !is_code(code) => Some(format!("`{code}` is not a code")),
        Some((start, _)) if start == package || own.contains(*code) => None,
        _ => Some(format!("the code `{code}` belongs to another rule")),
    })?;
    let help = format!("Write `{package}/…`, the package and a short name with dashes.");
    Some(rule.file.problem(written.span(), message, &help))
}

/// Returns the texts that an expression may be, as far as its rule has them written out.
fn texts<'r>(rule: &RuleFacts<'r>, expression: &'r Ref<Expr>) -> Vec<&'r str> {
    rule.written(expression).into_iter().filter_map(|written| literal(written)).collect()
}

/// Returns what is wrong with what a rule yields, as far as it is written out.
fn misshapen<'r>(rule: &RuleFacts<'r>, yielded: &'r Expr, shape: &Shape) -> Vec<PolicyProblem> {
    let problem = |at: &Expr, message| rule.file.problem(at.span(), message, "");
    let Expr::Object { fields, .. } = yielded else {
        let value = value(yielded);
        return value.iter().map(|value| problem(yielded, shape.no_object(value))).collect();
    };
    let mut problems = Vec::new();
    // What the rule would yield, with an example for each value that only evaluation shows.
    let mut whole = Some(Map::new());
    for (_, key, written) in fields {
        let Some(name) = literal(key) else {
            whole = None;
            continue;
        };
        if let Some(message) = shape.unknown(name) {
            problems.push(problem(key, message));
            continue;
        }
        let mut values: Vec<_> =
            rule.written(written).iter().map(|written| value(written)).collect();
        // What is not a code is refused wherever it is written.
        let checked = values.iter().flatten().filter(|value| name != "code" || !value.is_string());
        let wrong = checked.filter_map(|value| shape.wrong(name, value)).next();
        problems.extend(wrong.map(|message| problem(written, message)));
        let value = values.pop().flatten().or_else(|| shape.example(name)).unwrap_or_default();
        whole.iter_mut().for_each(|whole| drop(whole.insert(name.to_owned(), value.clone())));
    }
    if let Some(whole) = whole {
        let missing = shape.missing(|name| whole.contains_key(name));
        problems.extend(missing.map(|message| problem(yielded, message)));
        let is_kind_known = field(yielded, "kind").is_none_or(|kind| literal(kind).is_some());
        if problems.is_empty() && is_kind_known {
            let fault = shape.fault(&Value::Object(whole));
            problems.extend(fault.map(|message| problem(yielded, message)));
        }
    }
    problems
}

/// Those whom sign-offs can ask for.
struct Known<'t> {
    roles: BTreeSet<&'t str>,
    people: BTreeSet<&'t str>,
    services: BTreeSet<&'t str>,
}

impl<'t> Known<'t> {
    fn of(tables: &'t Map<String, Value>) -> Self {
        let roster = tables.get("roster").and_then(Value::as_object);
        let part = |name: &str| roster.and_then(|roster| roster.get(name)?.as_object());
        let keys = |name| part(name).into_iter().flat_map(Map::keys).map(String::as_str).collect();
        let people = part("people").into_iter().flat_map(Map::values);
        let roles = people.filter_map(|person| person["roles"].as_array()).flatten();
        let roles = roles.filter_map(Value::as_str).chain(WELL_KNOWN).collect();
        Known { roles, people: keys("people"), services: keys("services") }
    }

    /// Returns a problem if an object asks for a role, a person or a service that nobody knows.
    fn missing<'r>(&self, rule: &RuleFacts<'r>, object: &'r Expr) -> Option<PolicyProblem> {
        let (name, known, what) = match field(object, "kind").and_then(|kind| literal(kind))? {
            "role" => ("role", &self.roles, "nobody in the roster has the role"),
            "person" => ("user", &self.people, "nobody in the roster has the login"),
            "owner" => ("service", &self.services, "the roster has no service"),
            _ => return None,
        };
        let written = field(object, name)?;
        let is_known = |asked: &&str| known.iter().any(|known| known.eq_ignore_ascii_case(asked));
        let asked = texts(rule, written).into_iter().find(|asked| !is_known(asked))?;
        let meant = known.iter().find(|known| looks_misspelt(asked, known));
        let help = meant.map_or_else(
            || "Correct the name, or add it to policies/org/roster in the same change.".to_owned(),
            |meant| format!("Did you mean `{meant}`?"),
        );
        Some(rule.file.problem(written.span(), format!("{what} `{asked}`"), &help))
    }
}
