//! Refuses findings and sign-offs that are written in a form that nobody could read, as far as that
//! can be seen without evaluating: unknown fields, unknown effects, codes of other rules, people whom
//! nobody knows.
//!
//! A code belongs to the package whose name it begins with, or that declares it in its METADATA.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{Expr, Rule, RuleHead};
use serde_json::{Map, Value};

use super::documents::looks_misspelt;
use super::expressions::{Meaning, literal};
use super::facts::RuleFacts;
use super::taking_part::{RULES, name};
use super::{PolicyFile, PolicyProblem};
use crate::core::characters::is_blank;
use crate::core::policy::codes::declared;
use crate::core::policy::ruling::{ASKED_FIELDS, EFFECTS, FIELDS, KINDS, is_code};
use crate::core::sign_off::INCIDENT_COMMANDER;

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
        match (name(rule), yielded(rule.rule)) {
            ("findings", Some(finding)) => problems.extend(misshapen(rule, finding)),
            ("required", Some(sign_off)) => problems.extend(misshapen_sign_off(rule, sign_off)),
            _ => {}
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

/// Returns the object in the head of `findings contains {…}`.
pub(super) fn yielded(rule: &Rule) -> Option<&Expr> {
    let Rule::Spec { head: RuleHead::Set { key: Some(key), .. }, .. } = rule else { return None };
    matches!(&**key, Expr::Object { .. }).then_some(key)
}

/// Returns the value of a field that an object has by a literal name.
pub(super) fn field<'e>(object: &'e Expr, name: &str) -> Option<&'e Expr> {
    let Expr::Object { fields, .. } = object else { return None };
    let mut fields = fields.iter();
    fields.find(|(_, key, _)| literal(key) == Some(name)).map(|(_, _, value)| &**value)
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
fn texts<'r>(rule: &RuleFacts<'r>, expression: &'r Expr) -> Vec<&'r str> {
    let variable = match expression {
        Expr::Var { span, .. } => rule.meaning(span.text()),
        _ => None,
    };
    match variable {
        Some(Meaning::Texts(texts)) => texts.clone(),
        _ => literal(expression).into_iter().collect(),
    }
}

fn misshapen<'r>(rule: &RuleFacts<'r>, finding: &'r Expr) -> Vec<PolicyProblem> {
    let mut problems = unknown_fields(rule, finding, "a finding", &FIELDS);
    for needed in ["code", "effect", "message"] {
        if field(finding, needed).is_none() {
            let message = format!("this finding has no `{needed}`");
            problems.push(rule.file.problem(finding.span(), message, "Add it."));
        }
    }
    if let Some(written) = field(finding, "message")
        && texts(rule, written).into_iter().any(is_blank)
    {
        let message = "the message of this finding is empty".to_owned();
        problems.push(rule.file.problem(written.span(), message, "Say what is wrong."));
    }
    problems.extend(other_than(rule, finding, "effect", "an effect", &EFFECTS));
    problems
}

fn misshapen_sign_off<'r>(rule: &RuleFacts<'r>, sign_off: &'r Expr) -> Vec<PolicyProblem> {
    let mut problems = unknown_fields(rule, sign_off, "a sign-off", &ASKED_FIELDS);
    if field(sign_off, "kind").is_none() {
        let message = "this sign-off has no `kind`".to_owned();
        problems.push(rule.file.problem(sign_off.span(), message, "Add it."));
    }
    problems.extend(other_than(rule, sign_off, "kind", "a kind of sign-off", &KINDS));
    problems
}

fn unknown_fields(
    rule: &RuleFacts,
    object: &Expr,
    what: &str,
    known: &[&str],
) -> Vec<PolicyProblem> {
    let Expr::Object { fields, .. } = object else { return Vec::new() };
    let names = fields.iter().filter_map(|(_, key, _)| Some((literal(key)?, key)));
    let unknown = names.filter(|(name, _)| !known.contains(name));
    unknown
        .map(|(name, key)| {
            let help = format!("Its fields are {}.", known.join(", "));
            rule.file.problem(key.span(), format!("{what} has no field `{name}`"), &help)
        })
        .collect()
}

/// Refuses a word other than those that a field may hold.
fn other_than<'r>(
    rule: &RuleFacts<'r>,
    object: &'r Expr,
    name: &str,
    what: &str,
    known: &[&str],
) -> Option<PolicyProblem> {
    let written = field(object, name)?;
    let word = texts(rule, written).into_iter().find(|word| !known.contains(word))?;
    let help = format!("Write {}.", known.join(", "));
    Some(rule.file.problem(written.span(), format!("`{word}` is not {what}"), &help))
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
        let (name, known, what) = match field(object, "kind").and_then(literal)? {
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
