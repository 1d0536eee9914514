//! Refuses comparisons that can never hold: of a field with a value that it can't have, such as a tier
//! that doesn't exist, of a field's name with one that isn't there, and with what is most likely a
//! known name with a slip in it.

use serde_json::Value;

use super::PolicyProblem;
use super::documents::looks_misspelt;
use super::expressions::{Meaning, literal, value};
use super::facts::{MOST_STEPS, RuleFacts};
use super::known::{Search, Written};
use crate::terms::{few, one_of};

/// Fields of the decision, each with one of the input that has the same values.
const DECIDED: [(&str, &[Option<&str>]); 2] = [
    ("tier", &[Some("input"), Some("request"), Some("risk")]),
    ("level", &[Some("input"), Some("people"), None, Some("level")]),
];

/// Checks every comparison of the policies.
pub(super) fn check(search: &Search<'_>) -> Vec<PolicyProblem> {
    search.policies().flat_map(|rule| of_rule(search, rule)).collect()
}

fn of_rule<'s>(search: &Search<'s>, rule: &'s RuleFacts<'s>) -> Vec<PolicyProblem> {
    let pairs = rule.comparisons.iter().flat_map(|[one, other]| [(one, other), (other, one)]);
    let mut problems = Vec::new();
    for (field, other) in pairs {
        let Meaning::Reference(path) = field else { continue };
        if let [Some(name)] = **path
            && let Some(Meaning::KeyOf(object)) = rule.variable(name)
        {
            problems.extend(unknown_keys(search, rule, object, other));
        }
        // What `object.get` returns may be its default.
        if is_looked_up(rule, path) {
            continue;
        }
        let path = search.absolute(rule, path);
        let written = search.written(rule, other);
        problems.extend(written.into_iter().filter_map(|other| impossible(search, &path, other)));
    }
    problems
}

/// Returns what is wrong with the names that the keys of an object are compared with.
fn unknown_keys<'s>(
    search: &Search<'s>,
    rule: &'s RuleFacts<'s>,
    object: &[Option<&'s str>],
    other: &Meaning<'s>,
) -> Vec<PolicyProblem> {
    let problem = |(writer, written): Written<'s>| {
        let path = [object, &[Some(literal(written)?)]].concat();
        search.problem(rule, &path, true, (writer, written.span()))
    };
    search.written(rule, other).into_iter().filter_map(problem).collect()
}

/// Returns whether a path begins with a variable that holds what was looked up.
fn is_looked_up(rule: &RuleFacts, path: &[Option<&str>]) -> bool {
    let mut path = path;
    for _ in 0..MOST_STEPS {
        match path.first().copied().flatten().and_then(|start| rule.meaning(start)) {
            Some(Meaning::Lookup(_)) => return true,
            Some(Meaning::Reference(meant)) => path = meant,
            _ => break,
        }
    }
    false
}

fn impossible(
    search: &Search,
    path: &[Option<&str>],
    (writer, written): Written,
) -> Option<PolicyProblem> {
    let value = value(written)?;
    let text = value.as_str().unwrap_or_default();
    let shown: Vec<_> = path.iter().map(|part| part.unwrap_or("*")).collect();
    let problem = |help: String| {
        let message = format!("`{}` is never {value}", shown.join("."));
        Some(writer.file.problem(written.span(), message, &help))
    };
    let did_you_mean = |known: &str| problem(format!("Did you mean `{known}`?"));
    // What isn't there is compared with null, and lists and objects may have any content.
    if matches!(value, Value::Null | Value::Array(_) | Value::Object(_)) {
        return None;
    }
    let decided = DECIDED.iter().find(|(field, _)| search.is_decided(field, path));
    let form = decided.map_or(path, |(_, same)| same);
    if let Some(known) = search.documents.other_than(form, &value) {
        return match known.iter().find(|known| looks_misspelt(text, known)) {
            Some(known) => did_you_mean(known),
            None => problem(format!("It is {}.", one_of(&few(&known)))),
        };
    }
    let names = search.documents.names(path);
    let is_known = names.contains(&text);
    let meant = names.into_iter().find(|name| !is_known && looks_misspelt(text, name))?;
    did_you_mean(meant)
}
